"""Linear maps, lookups, distances and shapes beyond torch's lists: initialisation, gradients of rows, sentences."""

from __future__ import annotations

import warnings

import mindspore as ms
import numpy as np
import pytest
from mindspore import Parameter, Tensor
from mindspore import nn as ms_nn

import mscompat
from mscompat import functional as F
from mscompat import nn

torch = pytest.importorskip("torch", reason="torch is what modules are compared with")
pytest.importorskip("expecttest", reason="torch's own suite, torch.testing._internal, needs it")

import torch_suite  # noqa: E402


def ours_of(module):
    """mscompat's cell with the values of torch's module."""
    arguments = {
        torch.nn.Linear: ("in_features", "out_features"),
        torch.nn.Bilinear: ("in1_features", "in2_features", "out_features"),
    }[type(module)]
    sizes = [getattr(module, name) for name in arguments]
    cell = getattr(nn, type(module).__name__)(*sizes, bias=module.bias is not None)
    cell.load_state_dict(module.state_dict())
    return cell


DTYPES = {torch.float16: ms.float16, torch.bfloat16: ms.bfloat16, torch.float32: ms.float32, torch.float64: ms.float64}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("name", "arguments"),
    [("Linear", (7, 5)), ("Linear", (3, 2, False)), ("Bilinear", (4, 3, 5)), ("Embedding", (5, 4)),
     ("Embedding", (9, 3, -2))],
)
def test_initialisation(name, arguments, dtype):
    """Bit for bit, one after the other."""
    torch.manual_seed(3)
    mscompat.manual_seed(3)
    for _ in range(2):
        module = getattr(torch.nn, name)(*arguments, dtype=dtype)
        cell = getattr(nn, name)(*arguments, dtype=DTYPES[dtype])
        for key, value in module.state_dict().items():
            ours = cell.state_dict()[key]
            assert ours.dtype == DTYPES[dtype]
            np.testing.assert_array_equal(torch_suite.to_numpy(ours), torch_suite.to_numpy(value))


@pytest.mark.parametrize("sizes", [(0, 5), (5, 0), (0, 0)])
def test_linear_of_no_features(sizes, mode):
    with warnings.catch_warnings(record=True) as theirs:
        warnings.simplefilter("always")
        torch.manual_seed(0)
        module = torch.nn.Linear(*sizes)
    with warnings.catch_warnings(record=True) as ours:
        warnings.simplefilter("always")
        cell = nn.Linear(*sizes)
    assert [str(one.message) for one in ours] == [str(one.message) for one in theirs]
    input = np.ones((3, sizes[0]), np.float32)
    np.testing.assert_array_equal(cell.bias.asnumpy().shape, module.bias.shape)
    if sizes[1]:
        cell.bias.set_data(Tensor(module.bias.detach().numpy()))
    np.testing.assert_array_equal(cell(Tensor(input)).asnumpy(), module(torch.from_numpy(input)).detach().numpy())


FORMS = [
    ((3, 4), (5, 4), (1,)), ((3, 4), (5, 4), ()), ((3, 4), (5, 4), (3, 1)), ((2, 3, 4), (5, 4), (3, 5)),
    ((3, 4), (4,), None), ((2, 3, 4), (4,), ()), ((4,), (4,), None), ((4,), (5, 4), ()), ((2, 3, 0), (5, 0), (5,)),
    ((0,), (5, 0), (5,)), ((3, 4), (0, 4), (0,)), ((0, 4), (5, 4), (5,)), ((3, 0), (0,), None),
]


@pytest.mark.parametrize(("input", "weight", "bias"), FORMS)
def test_forms_of_linear(input, weight, bias, mode):
    random = np.random.RandomState(0)
    tensors = [
        None if shape is None else torch.from_numpy(np.asarray(random.uniform(0.5, 1, shape))).float()
        for shape in (input, weight, bias)
    ]
    call = torch_suite.Call(None, (tuple(tensors), {}), "")
    expected = torch_suite.torch_outcome(torch.nn.functional.linear, call, torch.float32, False, None)
    exact = torch_suite.torch_outcome(torch.nn.functional.linear, call, torch.float64, False, None)
    shapes = [(output.shape, output.dtype) for output in expected.outputs]
    assert not torch_suite.differences(torch_suite.mindspore_outcomes(F.linear, call, shapes, 2), expected, exact)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.int64, torch.int8])
def test_dtypes(dtype, mode):
    random = np.random.RandomState(0)
    for input in ((3, 4), (2, 3, 4), (4,)):
        input, weight, bias, other, third = (
            torch.from_numpy(random.randint(-4, 5, shape)).to(dtype)
            for shape in (input, (5, 4), (5,), (*input[:-1], 2), (5, 4, 2))
        )
        for name, tensors in (("linear", (input, weight, bias)), ("bilinear", (input, other, third, bias))):
            actual = torch_suite.call_mindspore(getattr(F, name), torch_suite.Call(None, (tensors, {}), ""))[0]
            expected = getattr(torch.nn.functional, name)(*tensors)
            np.testing.assert_array_equal(torch_suite.to_numpy(actual), torch_suite.to_numpy(expected))
            assert actual.dtype == torch_suite.to_mindspore(dtype)


def test_to_float(mode):
    for cell, count in ((nn.Linear(4, 5), 1), (nn.Linear(4, 5, False), 1), (nn.Bilinear(4, 4, 2), 2)):
        inputs = [Tensor(np.ones((3, 4), np.float32))] * count
        cell.to_float(ms.float16)
        assert cell(*inputs).dtype == ms.float16


def ones(shape, dtype=torch.float32):
    return torch.ones(shape, dtype=dtype)


DOUBLE, LONG = torch.float64, torch.int64
INDICES = torch.tensor([0, 1])
WRONG = [
    ("linear", (ones((3, 4)), ones((5, 3)), ones(5))), ("linear", (ones((2, 3, 4)), ones((5, 3)))),
    ("linear", (ones(4), ones((5, 3)))), ("linear", (ones(()), ones((5, 3)))), ("linear", (ones((3, 4)), ones(()))),
    ("linear", (ones((3, 4)), ones((5, 4)), ones(4))), ("linear", (ones((3, 4)), ones((5, 4)), ones((2, 5)))),
    ("linear", (ones((4,)), ones((5, 4)), ones((2, 5)))), ("linear", (ones((3, 4)), ones(4), ones(()))),
    ("linear", (ones((3, 4)), ones(3))), ("linear", (ones((2, 3, 4)), ones(3))), ("linear", (ones(4), ones(3))),
    ("linear", (ones((3, 4)), ones((2, 5, 4)))), ("linear", (ones((3, 4)), ones((5, 4), DOUBLE))),
    ("linear", (ones((3, 4)), ones((5, 4), DOUBLE), ones(5))),
    ("linear", (ones((3, 4)), ones((5, 4)), ones(5, DOUBLE))),
    ("linear", (ones((3, 4), torch.bool), ones((5, 4), torch.bool))),
    ("bilinear", (ones((3, 4)), ones((2, 5)), ones((6, 4, 5)))), ("bilinear", (ones((3, 4)), ones(5), ones((6, 4, 5)))),
    ("bilinear", (ones((3, 4)), ones((3, 4)), ones((6, 4, 5)))),
    ("bilinear", (ones((3, 3)), ones((3, 5)), ones((6, 4, 5)))),
    ("bilinear", (ones((3, 4)), ones((3, 5)), ones((6, 4)))), ("bilinear", (ones(()), ones(()), ones((6, 4, 5)))),
    ("bilinear", (ones((3, 4)), ones((3, 5)), ones((6, 4, 5)), ones(5))),
    ("bilinear", (ones((3, 4)), ones((3, 5)), ones((6, 4, 5)), ones(()))),
    ("bilinear", (ones((3, 4)), ones((3, 5), DOUBLE), ones((6, 4, 5)), ones(6))),
    ("bilinear", (ones((3, 0)), ones((3, 5)), ones((6, 0, 5)))),
    ("embedding", (ones(2), ones((4, 3)))), ("embedding", (ones(2, torch.int16), ones((4, 3)))),
    ("embedding", (ones(2, torch.bool), ones((4, 3)))), ("embedding", (INDICES, ones(3))),
    ("embedding", (INDICES, ones((4, 3)), 4)), ("embedding", (INDICES, ones((4, 3)), -5)),
    ("embedding", (INDICES, ones((4, 3)), 1.5)), ("embedding", (INDICES, ones((4, 3)), True)),
    ("embedding", (INDICES, ones((4, 3)), None, "a")), ("embedding", (INDICES, ones((4, 3), LONG), None, 1.0)),
    ("embedding", (INDICES, ones((0, 3)))),
    ("one_hot", (ones(2), 3)), ("one_hot", (ones(2, torch.int32), 3)), ("one_hot", (INDICES, 0)),
    ("one_hot", (INDICES, -2)), ("one_hot", (INDICES, 1.5)), ("one_hot", (INDICES, True)),
    ("one_hot", (ones(0, LONG), 0)), ("one_hot", (ones(0, LONG), -1)),
    ("cosine_similarity", (ones((3, 4)), ones((3, 5)))), ("cosine_similarity", (ones((3, 4)), ones((3, 4)), 2)),
    ("cosine_similarity", (ones(4), ones(4))), ("cosine_similarity", (ones(4, LONG), ones(4, LONG), 0)),
    ("cosine_similarity", (ones(4), ones(4), 1.5)), ("cosine_similarity", (ones(4), ones(4), 0, "a")),
    ("pairwise_distance", (ones((3, 4)), ones((3, 5)))), ("pairwise_distance", (ones((3, 4)), ones((3, 4)), "a")),
    ("pairwise_distance", (ones((3, 0)), ones((3, 0)), float("inf"))),
    ("pairwise_distance", (ones((3, 0)), ones((3, 0)), -1.0)), ("pairwise_distance", (ones(4), ones(4), 2, 1, 1)),
    ("pairwise_distance", (ones(4, torch.bool), ones(4, torch.bool))),
]
# Only the values are wrong.
WRONG_VALUES = [
    ("embedding", (torch.tensor([0, 4]), ones((4, 3)))), ("embedding", (torch.tensor([-1, 1]), ones((4, 3)))),
    ("one_hot", (torch.tensor([0, 3]), 3)), ("one_hot", (torch.tensor([0, -1]), 3)), ("one_hot", (torch.tensor([-1]),)),
    ("one_hot", (ones(0, LONG),)),
]


def check_wrong(name, arguments):
    with pytest.raises(Exception) as theirs:  # noqa: PT011  which one is the question
        getattr(torch.nn.functional, name)(*arguments)
    sentence = str(theirs.value).split("\n")[0].removesuffix(".")
    if "(): argument '" in sentence:
        sentence = sentence.split("(): ")[1]
    with pytest.raises(theirs.type) as ours:
        torch_suite.call_mindspore(getattr(F, name), torch_suite.Call(None, (arguments, {}), ""))
    assert sentence in str(ours.value)
    assert f"For '{name}', " in str(ours.value)


@pytest.mark.parametrize(("name", "arguments"), WRONG)
def test_wrong(name, arguments, mode):
    check_wrong(name, arguments)


@pytest.mark.parametrize(("name", "arguments"), WRONG_VALUES)
def test_wrong_values(name, arguments):
    check_wrong(name, arguments)


def test_rows_that_do_not_exist_in_a_graph(graph_mode):
    for index in (4, -1):
        cell = nn.Embedding(4, 3)
        with pytest.raises(RuntimeError, match=r"should be in the range \[0, 4\)"):
            cell(Tensor([0, index])).asnumpy()


def test_one_hot_without_a_number_of_classes_in_a_graph(graph_mode):
    with pytest.raises(ValueError, match="num_classes must be given"):
        torch_suite.call_mindspore(F.one_hot, torch_suite.Call(None, ((INDICES,), {}), ""))


@pytest.mark.parametrize(
    ("name", "arguments"),
    [("Linear", (-1, 3)), ("Bilinear", (0, 2, 3)), ("Bilinear", (2, -3, 3)), ("Embedding", (-1, 3)),
     ("Embedding", (4, 3, 4)), ("Embedding", (4, 3, -5)), ("Embedding", (0, 3, 0)), ("Unflatten", (1, (2.0, 2))),
     ("Unflatten", (1, 4)), ("Unflatten", (1, "ab")), ("Linear", (3, 4, True, None, torch.int64))],
)
def test_wrong_constructors(name, arguments):
    with pytest.raises(Exception) as theirs:  # noqa: PT011
        getattr(torch.nn, name)(*arguments)
    with pytest.raises(theirs.type) as ours:
        getattr(nn, name)(*torch_suite.to_mindspore(arguments))
    assert str(theirs.value).split("\n")[0].removesuffix(".") in str(ours.value)


@pytest.mark.parametrize(
    ("name", "arguments", "shape"),
    [("Flatten", (), (3,)), ("Flatten", (2, 1), (2, 3, 4)), ("Flatten", (1, 5), (2, 3, 4)), ("Flatten", (1.5,), (2, 3)),
     ("Unflatten", (1, (2, 3)), (3, 4)), ("Unflatten", (1, (3, -1)), (3, 4)), ("Unflatten", (2, (2, 2)), (3, 4)),
     ("Unflatten", (1, ()), (3, 4)), ("Unflatten", (1, (-1, -1)), (3, 4)), ("Unflatten", (1, (4, -2)), (3, 4)),
     ("Unflatten", (1, (True, 4)), (3, 4)), ("Unflatten", (0, (0, -1)), (0, 4))],
)
def test_wrong_shapes(name, arguments, shape, mode):
    with pytest.raises(Exception) as theirs:  # noqa: PT011
        getattr(torch.nn, name)(*arguments)(torch.ones(shape))
    lines = str(theirs.value).split("\n")
    sentence = "\n".join(lines[:2]) if "unexpected" in lines[0] else lines[0]
    with pytest.raises(theirs.type) as ours:
        getattr(nn, name)(*arguments)(Tensor(np.ones(shape, np.float32)))
    assert sentence.removesuffix(".") in str(ours.value)


# Lookups


class Looked(ms_nn.Cell):
    """The weighted sum of what an embedding finds."""

    def __init__(self, cell, weights):
        super().__init__()
        self.cell = cell
        self.weights = Tensor(weights)

    def construct(self, input):
        return (self.cell(input) * self.weights).sum()


@pytest.mark.parametrize(
    "options",
    [{"padding_idx": 1}, {"padding_idx": -1}, {"scale_grad_by_freq": True},
     {"padding_idx": 2, "scale_grad_by_freq": True}, {"sparse": True}],
)
@pytest.mark.parametrize("index_dtype", [torch.int64, torch.int32])
def test_gradient_of_rows(options, index_dtype, mode):
    module, cell = torch.nn.Embedding(5, 3, **options), nn.Embedding(5, 3, **options)
    cell.load_state_dict(module.state_dict())
    assert repr(cell) == repr(module)
    for indices in ([[1, 2, 2], [4, 0, 2]], [[2, 2, 2], [4, 4, 1]]):
        indices = torch.tensor(indices, dtype=index_dtype)
        weights = np.random.RandomState(0).standard_normal((2, 3, 3)).astype(np.float32)
        module.zero_grad()
        (module(indices) * torch.from_numpy(weights)).sum().backward()
        expected = module.weight.grad.to_dense() if module.sparse else module.weight.grad
        gradient = ms.grad(Looked(cell, weights), None, list(cell.get_parameters()))(torch_suite.to_mindspore(indices))
        gradient = gradient[0] if isinstance(gradient, tuple) else gradient
        np.testing.assert_allclose(gradient.asnumpy(), expected.numpy(), rtol=1e-6, atol=1e-7)
        np.testing.assert_array_equal(
            cell(torch_suite.to_mindspore(indices)).asnumpy(), module(indices).detach().numpy()
        )


@pytest.mark.parametrize("norm_type", [2.0, 1, float("inf"), -float("inf"), 0.0, 3.0, 0.5, -1.0])
def test_max_norm(norm_type, mode):
    """Rows are scaled in place, only those that are looked up, once however often they are."""
    start = np.random.RandomState(0).standard_normal((6, 4)).astype(np.float32)
    start[3] = 0
    module = torch.nn.Embedding(6, 4, max_norm=0.7, norm_type=norm_type, _weight=torch.from_numpy(start.copy()))
    cell = nn.Embedding(6, 4, max_norm=0.7, norm_type=norm_type, _weight=Tensor(start))
    for indices in ([[1, 3, 3], [1, 1, 0]], [[2, 0, 5], [5, 5, 5]]):
        expected = module(torch.tensor(indices)).detach().numpy()
        np.testing.assert_allclose(cell(Tensor(indices)).asnumpy(), expected, rtol=1e-6)
        np.testing.assert_allclose(cell.weight.asnumpy(), module.weight.detach().numpy(), rtol=1e-6)


def test_training_with_max_norm(mode):
    start = np.random.RandomState(0).standard_normal((5, 3)).astype(np.float32)
    weights = np.random.RandomState(1).standard_normal((4, 3)).astype(np.float32)
    module = torch.nn.Embedding(5, 3, padding_idx=0, max_norm=1.0, _weight=torch.from_numpy(start.copy()))
    cell = nn.Embedding(5, 3, padding_idx=0, max_norm=1.0, _weight=Tensor(start))
    theirs = torch.optim.SGD(module.parameters(), 0.5)
    step = ms_nn.TrainOneStepCell(Looked(cell, weights), ms_nn.SGD(list(cell.get_parameters()), 0.5))
    for indices in ([0, 1, 1, 2], [3, 4, 0, 1], [1, 2, 3, 4]):
        theirs.zero_grad()
        loss = (module(torch.tensor(indices)) * torch.from_numpy(weights)).sum()
        loss.backward()
        theirs.step()
        np.testing.assert_allclose(step(Tensor(indices)).asnumpy(), loss.detach().numpy(), rtol=1e-5)
        np.testing.assert_allclose(cell.weight.asnumpy(), module.weight.detach().numpy(), rtol=1e-5, atol=1e-7)


def test_max_norm_needs_a_parameter():
    with pytest.raises(TypeError, match="weight must be a Parameter"):
        F.embedding(Tensor([0]), Tensor(np.ones((2, 2), np.float32)), max_norm=1.0)


def test_embeddings_that_are_empty(mode):
    for indices, sizes in (([], (4, 3)), ([[]], (4, 3)), ([0, 1], (4, 0)), ([], (0, 3))):
        expected = torch.nn.functional.embedding(torch.tensor(indices, dtype=LONG), torch.ones(sizes)).shape
        cell = nn.Embedding(*sizes)
        assert cell(Tensor(np.array(indices, np.int64))).shape == tuple(expected)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_dtypes_of_embeddings(dtype, mode):
    weight = torch.randn(5, 3).to(dtype)
    # In a graph, MindSpore copies what it updates in float32 (MS-26).
    takes_max_norm = dtype == torch.float16 or (dtype == torch.float64 and mode == "pynative")
    for options in ({}, {"padding_idx": 1}, *([{"max_norm": 0.5}] if takes_max_norm else [])):
        module = torch.nn.Embedding(5, 3, _weight=weight.clone(), **options)
        cell = nn.Embedding(5, 3, _weight=torch_suite.to_mindspore(weight), **options)
        actual = cell(Tensor([[1, 2], [4, 4]]))
        assert actual.dtype == DTYPES[dtype]
        np.testing.assert_allclose(
            torch_suite.to_numpy(actual), torch_suite.to_numpy(module(torch.tensor([[1, 2], [4, 4]]))),
            rtol={torch.float16: 1e-3, torch.bfloat16: 8e-3, torch.float64: 1e-15}[dtype],
        )


def test_from_pretrained():
    matrix = np.arange(6, dtype=np.float32).reshape(3, 2)
    for freeze in (True, False):
        cell = nn.Embedding.from_pretrained(Tensor(matrix), freeze=freeze, padding_idx=1)
        assert cell.weight.requires_grad is not freeze
        assert isinstance(cell.weight, Parameter)
        np.testing.assert_array_equal(cell.weight.asnumpy(), matrix)
        assert cell.padding_idx == 1
    with pytest.raises(AssertionError, match="Embeddings parameter is expected to be 2-dimensional"):
        nn.Embedding.from_pretrained(Tensor(matrix[0]))
    with pytest.raises(AssertionError, match="Shape of weight does not match num_embeddings and embedding_dim"):
        nn.Embedding(2, 2, _weight=Tensor(matrix))


def test_one_hot():
    for indices, classes in (([2, 0], -1), ([[1, 0]], 4), (3, 5), ([], 3)):
        indices = torch.tensor(indices, dtype=LONG)
        actual = F.one_hot(torch_suite.to_mindspore(indices), classes)
        expected = torch.nn.functional.one_hot(indices, classes).numpy()
        assert actual.dtype == ms.int64
        assert actual.shape == expected.shape
        np.testing.assert_array_equal(actual.asnumpy(), expected)


# Derivatives


class Cubes(ms_nn.Cell):
    """The sum of the cubes of what an operator makes of the inputs' squares."""

    def __init__(self, operator):
        super().__init__()
        self.operator = operator

    def construct(self, *inputs):
        squares = ()
        for one in inputs:
            squares = (*squares, one * one)
        return (self.operator(*squares) ** 3).sum()


class SquaredGradient(ms_nn.Cell):
    """The sum of the squares of the gradients of all inputs."""

    def __init__(self, function, count):
        super().__init__()
        self.gradient = ms.grad(function, tuple(range(count)))

    def construct(self, *inputs):
        total = 0
        for one in self.gradient(*inputs):
            total = total + (one * one).sum()
        return total


class Distance(ms_nn.Cell):
    """A distance with constants."""

    def __init__(self, p):
        super().__init__()
        self.p = p

    def construct(self, x1, x2):
        return F.pairwise_distance(x1, x2, self.p)


class Similarity(ms_nn.Cell):
    """Cosines."""

    def construct(self, x1, x2):
        return F.cosine_similarity(x1, x2)


class Map(ms_nn.Cell):
    """A linear map."""

    def construct(self, input, weight, bias):
        return F.linear(input, weight, bias)


SECOND = [
    (Map(), torch.nn.functional.linear, [(3, 4), (5, 4), (5,)]),
    (Map(), torch.nn.functional.linear, [(2, 3, 4), (5, 4), (5,)]),
    (Map(), torch.nn.functional.linear, [(4,), (5, 4), (5,)]),
    (nn.Sequential(nn.Flatten(), nn.Unflatten(1, (3, 2))), torch.nn.Sequential(
        torch.nn.Flatten(), torch.nn.Unflatten(1, (3, 2))
    ), [(2, 2, 3)]),
    (Similarity(), torch.cosine_similarity, [(3, 4), (3, 4)]),
    (Distance(2.0), torch.pairwise_distance, [(3, 4), (3, 4)]),
    (Distance(3.0), lambda x1, x2: torch.pairwise_distance(x1, x2, 3.0), [(3, 4), (3, 4)]),
    (Distance(1.0), lambda x1, x2: torch.pairwise_distance(x1, x2, 1.0), [(3, 4), (3, 4)]),
]


@pytest.mark.parametrize(
    ("ours", "theirs", "shapes"), SECOND,
    ids=["linear", "linear 3d", "linear 1d", "flatten", "cosine", "p2", "p3", "p1"],
)
def test_second_derivatives(ours, theirs, shapes, mode):
    random = np.random.RandomState(0)
    arrays = [random.uniform(0.5, 1.5, shape).astype(np.float32) for shape in shapes]
    tensors = [torch.tensor(array, requires_grad=True) for array in arrays]
    total = (theirs(*(one * one for one in tensors)) ** 3).sum()
    first = torch.autograd.grad(total, tensors, create_graph=True)
    expected = torch.autograd.grad(sum((one**2).sum() for one in first), tensors)
    positions = tuple(range(len(arrays)))
    actual = ms.grad(SquaredGradient(Cubes(ours), len(arrays)), positions)(*map(Tensor, arrays))
    actual = actual if isinstance(actual, tuple) else (actual,)
    for one, other in zip(actual, expected, strict=True):
        np.testing.assert_allclose(one.asnumpy(), other.numpy(), rtol=2e-4, atol=2e-5)


@pytest.mark.parametrize("p", [2.0, 1.0, 3.0, 1.5, float("inf")])
def test_gradient_of_a_distance_of_zero(p, mode):
    """torch has zeros, not NaN."""
    x = np.zeros((2, 3), np.float32)
    tensor = torch.tensor(x, requires_grad=True)
    torch.pairwise_distance(tensor, torch.zeros(2, 3), p, 0.0).sum().backward()

    class Sum(ms_nn.Cell):
        def construct(self, x1, x2):
            return F.pairwise_distance(x1, x2, p, 0.0).sum()

    np.testing.assert_array_equal(ms.grad(Sum())(Tensor(x), Tensor(x)).asnumpy(), tensor.grad.numpy())


def test_gradient_of_small_cosines(mode):
    """eps is no part of torch's derivative."""
    x1, x2 = np.array([[1e-9, 0.0], [0.0, 0.0]], np.float32), np.array([[1.0, 2.0], [1.0, 2.0]], np.float32)
    tensors = [torch.tensor(one, requires_grad=True) for one in (x1, x2)]
    torch.cosine_similarity(*tensors).sum().backward()

    class Sum(ms_nn.Cell):
        def construct(self, x1, x2):
            return F.cosine_similarity(x1, x2).sum()

    for one, other in zip(ms.grad(Sum(), (0, 1))(Tensor(x1), Tensor(x2)), tensors, strict=True):
        np.testing.assert_allclose(one.asnumpy(), other.grad.numpy(), rtol=1e-6)


# Sizes


@pytest.mark.parametrize(
    ("module", "shapes"),
    [(torch.nn.Linear(4, 5), [(None, 4), (3, 4), (2, 4)]),
     (torch.nn.Linear(4, 5), [(None, None, 4), (3, 2, 4), (1, 5, 4)]),
     (torch.nn.Linear(4, 5, False), [(None, 3, 4), (2, 3, 4), (5, 3, 4)]),
     (torch.nn.Flatten(), [(None, 3, 4), (2, 3, 4), (5, 3, 4)]),
     (torch.nn.Flatten(1), [(2, None, None), (2, 3, 4), (2, 5, 1)]),
     (torch.nn.Unflatten(1, (2, -1)), [(None, 4), (2, 4), (3, 4)])],
    ids=["2d", "3d", "no bias", "flatten batch", "flatten sizes", "unflatten"],
)
def test_open_sizes(module, shapes, graph_mode):
    if isinstance(module, torch.nn.Linear):
        cell = ours_of(module)
    elif isinstance(module, torch.nn.Flatten):
        cell = nn.Flatten(module.start_dim, module.end_dim)
    else:
        cell = nn.Unflatten(module.dim, module.unflattened_size)
    cell.set_inputs(Tensor(shape=list(shapes[0]), dtype=ms.float32))
    for shape in shapes[1:]:
        array = np.random.RandomState(0).standard_normal(shape).astype(np.float32)
        np.testing.assert_allclose(
            cell(Tensor(array)).asnumpy(), module(torch.from_numpy(array)).detach().numpy(), rtol=1e-5, atol=1e-6
        )


def test_open_sizes_of_embeddings(graph_mode):
    cell = nn.Embedding(6, 3, padding_idx=0)
    cell.set_inputs(Tensor(shape=[None, None], dtype=ms.int64))
    for shape in ((2, 3), (4, 1)):
        indices = np.random.RandomState(0).randint(0, 6, shape)
        np.testing.assert_array_equal(cell(Tensor(indices)).asnumpy(), cell.weight.asnumpy()[indices])
