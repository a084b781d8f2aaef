"""What of this family is compared with torch's, and where it differs: see module_names.py."""

MODULES = (
    "Bilinear", "CosineSimilarity", "Embedding", "Flatten", "Identity", "Linear", "PairwiseDistance", "Unflatten",
)
FUNCTIONS = ("bilinear", "cosine_similarity", "embedding", "linear", "one_hot", "pairwise_distance")
# torch's op_db has the arguments of embedding in another order.
UNLISTED = ("embedding",)
MORE_MODULES = {
    "CosineSimilarity": [
        ((), {}, [(3, 4), (3, 4)]), ((1,), {}, [(3, 4), (1, 4)]), ((-1, 2.0), {}, [(2, 3, 4), (4,)]),
        ((1,), {}, [(0, 4), (0, 4)]), ((1,), {}, [(3, 0), (3, 0)]), ((0,), {}, [(4,), (4,)]), ((0,), {}, [(), ()]),
    ],
    "PairwiseDistance": [
        ((), {}, [(3, 4), (3, 4)]), ((1,), {}, [(3, 4), (4,)]), ((3.0, 0.1, True), {}, [(3, 4), (1, 4)]),
        ((float("inf"),), {}, [(2, 3, 4), (3, 4)]), ((-float("inf"),), {}, [(3, 4), (3, 4)]),
        ((0.5,), {}, [(3, 4), (3, 4)]), ((-1.5,), {}, [(3, 4), (3, 4)]), ((0,), {}, [(3, 4), (3, 4)]),
        ((), {}, [(4,), (4,)]), ((), {}, [(), ()]), ((), {}, [(0, 4), (0, 4)]), ((), {}, [(3, 0), (3, 0)]),
        ((2.0, 0.0), {"keepdim": True}, [(4,), (4,)]),
    ],
    "Flatten": [
        ((), {}, (2, 3, 4, 5)), ((0, -2), {}, (2, 3, 4)), ((0,), {}, ()), ((), {}, (0, 3, 4)), ((2, 2), {}, (2, 3, 4)),
    ],
    "Identity": [((1, 2), {"a": 3}, (2, 3))],
    "Linear": [
        ((4, 5), {}, (3, 4)), ((4, 5), {"bias": False}, (3, 4)), ((4, 5), {}, (4,)), ((4, 5), {}, (2, 3, 4)),
        ((4, 5, False), {}, (2, 2, 3, 4)), ((4, 5), {}, (0, 4)), ((4, 5), {}, (2, 0, 4)), ((4, 1), {}, (7, 4)),
    ],
    "Unflatten": [
        ((1, (2, -1)), {}, (3, 4)), ((-2, (1, 2, 2)), {}, (4, 3)), ((0, (2, 0)), {}, (0, 3)), ((1, [3, 1]), {}, (2, 3)),
    ],
}
WRONG_DIFFERENCES = {
    ("Embedding", "", 0): "a graph cannot raise IndexError for a value; for PyNative mode see test_linear.py",
}
FUNCTION_DIFFERENCES = {
    ("cosine_similarity", "", 7, "float64"): "rounding errors of a gradient that is zero: vectors of one element",
}
