"""Losses beyond torch's lists: sentences, NaN and infinity, ties, empty batches, dtypes, labels, second derivatives."""

from __future__ import annotations

import math
import warnings

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor
from mindspore import nn as ms_nn

import mscompat
from mscompat import functional as F
from mscompat import nn

torch = pytest.importorskip("torch", reason="torch is what losses are compared with")
pytest.importorskip("expecttest", reason="torch's own suite, torch.testing._internal, needs it")

import torch_suite  # noqa: E402

TF = torch.nn.functional
NAN, INF = math.nan, math.inf
PAIRS = ("l1_loss", "mse_loss", "smooth_l1_loss", "huber_loss", "soft_margin_loss", "hinge_embedding_loss")

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


def floats(*shape, dtype=torch.float32):
    return torch.from_numpy(np.random.RandomState(len(shape)).uniform(0.1, 0.9, shape)).to(dtype)


def classes(*shape, count=3, dtype=torch.int64):
    return torch.from_numpy(np.random.RandomState(1).randint(0, count, shape)).to(dtype)


def signs(*shape):
    return torch.sign(floats(*shape) - 0.5)


def call_of(*args, constants=(), **kwargs):
    return torch_suite.Call(None, (args, kwargs), "", constants)


def check(name, *args, constants=(), dtype=torch.float32, **kwargs):
    """Values and gradients, where the arguments have this dtype."""
    call = call_of(*args, constants=constants, **kwargs)
    expected = torch_suite.torch_outcome(getattr(TF, name), call, dtype, False, None)
    exact = torch_suite.torch_outcome(getattr(TF, name), call, torch.float64, False, None)
    shapes = [(output.shape, output.dtype) for output in expected.outputs]
    actual = torch_suite.mindspore_outcomes(getattr(F, name), call, shapes, 2)
    assert not torch_suite.differences(actual, expected, exact), (name, kwargs)


# Wrong arguments

WRONG = [
    *[(name, (floats(2, 3), floats(2, 4)), {}) for name in PAIRS],
    *[(name, (floats(2, 3), floats(2, 3)), {"reduction": "foo"}) for name in (*PAIRS, "kl_div", "poisson_nll_loss")],
    *[(name, (floats(2, 3), floats(2, 3)), {"reduction": None}) for name in ("mse_loss", "kl_div")],
    *[(name, (floats(2, 3), floats(2, 3)), {"reduction": "batchmean"}) for name in ("l1_loss", "huber_loss")],
    *[(name, (classes(2, 3), classes(2, 3)), {}) for name in ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss")],
    *[(name, (floats(2, 3), floats(2, 3)), {"weight": floats(3)}) for name in ("mse_loss", "l1_loss", "huber_loss")],
    *[
        (name, (floats(2, 3), floats(2, 3)), {"weight": floats(2, 3), "reduction": "elementwise_mean"})
        for name in ("mse_loss", "l1_loss", "huber_loss")
    ],
    ("l1_loss", (floats(2, 3), classes(2, 3) > 1), {}),
    ("smooth_l1_loss", (floats(2), floats(2)), {"beta": -1.0}),
    ("smooth_l1_loss", (floats(2), floats(2)), {"beta": NAN}),
    ("smooth_l1_loss", (floats(2), floats(2)), {"beta": "a"}),
    ("huber_loss", (floats(2), floats(2)), {"delta": 0.0}),
    ("huber_loss", (floats(2), floats(3)), {"delta": 0.0}),
    ("kl_div", (floats(2, 3), classes(2, 3)), {}),
    ("kl_div", (floats(2, 3), floats(2, 4)), {}),
    ("binary_cross_entropy", (floats(2, 3), floats(3)), {}),
    ("binary_cross_entropy", (floats(2, 3), floats(3)), {"reduction": "foo"}),
    ("binary_cross_entropy", (floats(2, 3), floats(2, 3).double()), {}),
    ("binary_cross_entropy", (floats(2, 3), classes(2, 3)), {}),
    ("binary_cross_entropy", (floats(2, 3), floats(2, 3)), {"weight": floats(2)}),
    ("binary_cross_entropy", (floats(2, 3), floats(2, 3)), {"weight": floats(4, 2, 3)}),
    ("binary_cross_entropy_with_logits", (floats(2, 3), floats(3)), {}),
    ("binary_cross_entropy_with_logits", (floats(2, 3), classes(2, 3)), {}),
    ("binary_cross_entropy_with_logits", (classes(2, 3), floats(2, 3)), {}),
    ("binary_cross_entropy_with_logits", (floats(2, 3), classes(2, 3) > 0), {}),
    *[
        ("binary_cross_entropy_with_logits", (floats(2, 3), floats(2, 3)), {name: floats(*shape)})
        for name in ("weight", "pos_weight") for shape in ((2,), (4, 2, 3))
    ],
    ("gaussian_nll_loss", (floats(2, 3), floats(2, 3), floats(3)), {}),
    ("gaussian_nll_loss", (floats(2, 3), floats(2, 3), -1.0), {}),
    ("gaussian_nll_loss", (floats(2, 3), floats(2, 3), floats(2)), {"reduction": "foo"}),
    ("margin_ranking_loss", (floats(3), floats(3, 1), signs(3)), {}),
    ("margin_ranking_loss", (floats(3, 2), floats(4, 2), signs(3, 1)), {}),
    ("hinge_embedding_loss", (classes(3, 2), classes(3, 2)), {}),
    ("cosine_embedding_loss", (floats(2), floats(2), signs(1)), {}),
    ("cosine_embedding_loss", (floats(3, 2), floats(3, 2), torch.tensor(1.0)), {}),
    ("cosine_embedding_loss", (floats(3, 2), floats(3, 2), signs(3, 1)), {}),
    ("cosine_embedding_loss", (floats(3, 2), floats(4, 2), signs(3)), {}),
    ("cosine_embedding_loss", (floats(3, 2), floats(3, 2), signs(4)), {}),
    ("triplet_margin_loss", (floats(3, 2), floats(2), floats(3, 2)), {}),
    ("triplet_margin_loss", (floats(3, 2), floats(3, 3), floats(3, 2)), {}),
    ("triplet_margin_loss", (floats(3, 2),) * 3, {"margin": 0}),
    ("triplet_margin_with_distance_loss", (floats(3, 2),) * 3, {"margin": 0}),
    ("triplet_margin_with_distance_loss", (floats(3, 2), floats(2), floats(3, 2)), {}),
    ("multilabel_soft_margin_loss", (floats(3, 2), floats(3)), {}),
    ("multilabel_soft_margin_loss", (floats(3, 2), floats(3, 2)), {"reduction": "foo"}),
    ("multilabel_soft_margin_loss", (floats(3, 2), floats(3, 2)), {"weight": floats(3)}),
    ("multilabel_soft_margin_loss", (torch.tensor(1.0), torch.tensor(1.0)), {}),
]
WRONG_CLASSES = [
    ((torch.tensor(1.0), torch.tensor(1)), {}), ((floats(3), classes(2)), {}), ((floats(3), classes(3)), {}),
    ((floats(2, 3), torch.tensor(1)), {}), ((floats(2, 3), classes(4)), {}), ((floats(2, 3), classes(2, 1)), {}),
    ((floats(2, 3), classes(2, 3)), {}), ((floats(2, 3, 4), classes(2, 5)), {}),
    ((floats(2, 3, 4), classes(3, 4)), {}), ((floats(2, 3, 4), classes(2)), {}),
    ((floats(2, 3, 4, 5), classes(2, 5, 4)), {}), ((floats(2, 3, 4, 5), classes(2, 4)), {}),
    ((floats(2, 3, 4, 5, 6), classes(2, 4, 5, 5)), {}), ((floats(2, 3), classes(2, dtype=torch.int16)), {}),
    ((floats(2, 3), classes(2) > 1), {}), ((floats(2, 3, 4), classes(2, 4, dtype=torch.uint8)), {}),
    ((floats(2, 3), floats(2)), {}), ((classes(2, 3), classes(2)), {}),
    ((floats(2, 3), classes(2)), {"weight": floats(4)}), ((floats(2, 3), classes(2)), {"weight": floats(3, 1)}),
    ((floats(2, 3, 4, 5), classes(2, 4, 5)), {"weight": floats(4)}),
    ((floats(2, 3), classes(2)), {"weight": floats(3).double()}), ((floats(2, 3), classes(2)), {"reduction": "foo"}),
    ((floats(2, 3), classes(4)), {"reduction": "foo"}), ((floats(2, 0), classes(2)), {}),
]
WRONG += [(name, *row) for name in ("cross_entropy", "nll_loss") for row in WRONG_CLASSES]
WRONG += [
    ("cross_entropy", (floats(2, 3), classes(2)), {"label_smoothing": 1.5}),
    ("cross_entropy", (floats(2, 3), floats(2, 3)), {"label_smoothing": 1.5}),
    ("cross_entropy", (floats(2, 3), floats(2, 3)), {"ignore_index": 1}),
    ("cross_entropy", (floats(2, 3), floats(2, 3)), {"weight": floats(4)}),
    ("cross_entropy", (floats(2, 3), classes(2)), {"ignore_index": 1.5}),
]
# Graphs are slow to compile; what raises, raises before.
WRONG_IN_GRAPHS = [WRONG[index] for index in range(0, len(WRONG), 6)]


def raised(function, *args, **kwargs):
    with pytest.raises(Exception) as caught:  # noqa: PT011  any class, which is compared
        function(*args, **kwargs)
    return caught.type, str(caught.value).split("\n")[0]


def check_wrong(name, args, kwargs):
    kind, sentence = raised(getattr(TF, name), *args, **kwargs)
    actual_kind, actual = raised(torch_suite.call_mindspore, getattr(F, name), call_of(*args, **kwargs))
    assert actual_kind is kind, (name, args, kwargs, actual)
    # What torch says of where it is in its code, or to do instead, needs not be there.
    for ending in ("Target ", " If you are trying", " Use the `^`", ". Got: Long"):
        sentence = sentence.split(ending)[0] if ending in sentence[1:] else sentence
    if not sentence.startswith("Target"):
        assert sentence.strip().rstrip(".") in actual, (name, args, kwargs)


@pytest.mark.parametrize(
    ("name", "args", "kwargs"), WRONG, ids=[f"{row[0]}-{index}" for index, row in enumerate(WRONG)]
)
def test_wrong_call(name, args, kwargs):
    check_wrong(name, args, kwargs)


def test_wrong_calls_in_graphs(graph_mode):
    for name, args, kwargs in WRONG_IN_GRAPHS:
        check_wrong(name, args, kwargs)


def test_wrong_constructors():
    for name, kwargs in (
        ("HuberLoss", {"delta": "a"}), ("TripletMarginLoss", {"margin": 0}),
        ("TripletMarginWithDistanceLoss", {"margin": -1}), ("CrossEntropyLoss", {"weight": 1.0}),
    ):
        kind, sentence = raised(getattr(torch.nn, name), **kwargs)
        actual_kind, actual = raised(getattr(nn, name), **kwargs)
        assert actual_kind is kind
        assert sentence.split(":")[0].split("(")[0] in actual


@pytest.mark.parametrize("name", ["CrossEntropyLoss", "BCELoss", "MSELoss", "KLDivLoss", "MarginRankingLoss"])
def test_deprecated_arguments(name):
    for size_average in (None, True, False):
        for reduce in (None, True, False):
            if size_average is None and reduce is None:
                continue
            with pytest.warns(UserWarning, match="size_average and reduce args will be deprecated"):
                loss = getattr(nn, name)(size_average=size_average, reduce=reduce)
            assert loss.reduction == getattr(torch.nn, name)(size_average=size_average, reduce=reduce).reduction
    check("mse_loss", floats(2, 3), floats(3, 2).T, size_average=False)
    check("mse_loss", floats(2, 3), floats(3, 2).T, None, False)
    check("l1_loss", floats(2, 3), floats(3, 2).T, reduction="elementwise_mean")


# Broadcasting


@pytest.mark.parametrize("name", ["l1_loss", "mse_loss", "smooth_l1_loss", "huber_loss"])
def test_broadcasting_warns(name, mode):
    for shape, other in (((2, 3), (3,)), ((3,), (2, 3)), ((2, 1), (1, 3))):
        one, two = floats(*shape), floats(*other)
        with pytest.warns(UserWarning, match="Using a target size") as of_torch:
            getattr(TF, name)(one, two)
        with pytest.warns(UserWarning, match="Using a target size") as ours:
            torch_suite.call_mindspore(getattr(F, name), call_of(one, two))
        assert str(of_torch[0].message) in {str(warning.message) for warning in ours}
        check(name, one, two, reduction="none")
        check(name, one, two)


def test_no_warning_without_broadcasting():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        F.mse_loss(Tensor([1.0]), Tensor([2.0]))
        F.kl_div(Tensor([1.0]), Tensor([2.0]), reduction="batchmean")
        with pytest.raises(UserWarning, match="'mean' divides the total loss by both the batch size"):
            F.kl_div(Tensor([1.0]), Tensor([2.0]))


# NaN, infinity, and where there is a kink

ODD = torch.tensor([0.0, 1.0, -1.0, NAN, INF, -INF, 3.0, 0.5, -0.7, 0.7])


@pytest.mark.parametrize("reduction", ["none", "sum"])
def test_odd_elements(reduction, mode):
    zeros = torch.zeros_like(ODD)
    for name in ("l1_loss", "mse_loss", "smooth_l1_loss", "huber_loss"):
        check(name, ODD, zeros, reduction=reduction)
    check("smooth_l1_loss", ODD, zeros, reduction=reduction, beta=0.7)
    check("smooth_l1_loss", ODD, zeros, reduction=reduction, beta=0)
    check("huber_loss", ODD, zeros, reduction=reduction, delta=0.7)
    halves = torch.full_like(ODD, 0.3)
    check("soft_margin_loss", ODD, halves, constants=(halves,), reduction=reduction)


def test_odd_probabilities(mode):
    probabilities = torch.tensor([0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1e-30, 1e-13, 1 - 2**-24, 0.5, 0.3])
    targets = torch.tensor([0.0, 1.0, 0.5, 0.0, 1.0, 0.5, 0.7, 0.0, 0.2, 0.5, 0.0])
    check("binary_cross_entropy", probabilities, targets, reduction="none")
    check("binary_cross_entropy", probabilities.double(), targets.double(), reduction="none", dtype=torch.float64)


def test_odd_logits(mode):
    logits = torch.tensor([0.0, 100.0, -100.0, 100.0, -100.0, 1e30, -1e30, NAN, INF, INF, 20.0, -20.0])
    targets = torch.tensor([0.5, 0.0, 0.0, 1.0, 1.0, 0.3, 0.3, 0.2, 0.0, 0.5, 1.0, 0.0])
    check("binary_cross_entropy_with_logits", logits, targets, reduction="none")
    check("binary_cross_entropy_with_logits", -logits[:8], targets[:8], reduction="none")
    check("multilabel_soft_margin_loss", logits[None, :6], targets[None, :6])


def test_odd_divergences(mode):
    inputs = torch.tensor([-1.0, -INF, 0.0, -2.0, NAN, -3.0])
    targets = torch.tensor([0.0, 0.5, 1.0, -0.5, 0.2, 1.5])
    check("kl_div", inputs, targets, constants=(targets,), reduction="none")
    check("kl_div", inputs[2:], targets[2:], reduction="none")
    check("kl_div", inputs, targets, reduction="none", log_target=True)
    check("poisson_nll_loss", inputs.nan_to_num(0, 0, 0), targets.abs() * 4, full=True)


def test_odd_scores(mode):
    scores = torch.tensor([
        [0.0, -INF, 1.0], [100.0, 0.0, -100.0], [1e4, 1e4, -1e4], [NAN, 0.0, 1.0], [-1e30, 0.0, 0.0], [-INF, -INF, 0.0],
    ])
    for target in ([0, 0, 1, 2, 0, 2], [2, 2, 0, -100, 1, -100]):
        check("cross_entropy", scores, torch.tensor(target), reduction="none")
    check("cross_entropy", scores[1:3], torch.tensor([0, 1]), label_smoothing=0.1)
    check("nll_loss", scores, torch.tensor([0, 0, 1, -100, 0, -100]))


def test_ties_of_margins():
    """torch's gradient of what is clamped at 0 is 1 there, not that of ReLU."""
    one, two = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([2.0, 2.0, 2.0])
    target = torch.ones(3)
    for margin in (0.0, 1.0):
        check("margin_ranking_loss", one, two, target, margin=margin, reduction="none", constants=(target,))
        check("hinge_embedding_loss", one, -target, margin=2.0, reduction="none", constants=(-target,))
    zeros = torch.zeros(2, 2)
    vectors = zeros, torch.tensor([[1.0, 0.0], [0.0, 0.0]]), torch.tensor([[2.0, 0.0]] * 2)
    for p in (1, 2):
        check("triplet_margin_loss", *vectors, margin=1.0, eps=0.0, p=p)
    check("cosine_embedding_loss", vectors[0], vectors[1], torch.tensor([1, -1]))


# Sizes


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
def test_no_element(reduction, mode):
    empty = floats(0, 3)
    for name in (*PAIRS[:4], "binary_cross_entropy", "binary_cross_entropy_with_logits", "kl_div", "poisson_nll_loss"):
        check(name, empty, empty.clone(), reduction=reduction)
    for name in ("cross_entropy", "nll_loss"):
        check(name, empty, classes(0), reduction=reduction)
        check(name, floats(2, 3, 0), classes(2, 0), reduction=reduction)
    check("cross_entropy", empty, empty.clone(), reduction=reduction)
    check("kl_div", empty, empty.clone(), reduction="batchmean")


def test_no_axis(mode):
    one, two = torch.tensor(0.3), torch.tensor(0.8)
    for name in (*PAIRS[:4], "binary_cross_entropy", "binary_cross_entropy_with_logits", "poisson_nll_loss"):
        for reduction in ("none", "mean", "sum"):
            check(name, one, two, reduction=reduction)
    check("kl_div", one, two, reduction="batchmean")
    check("margin_ranking_loss", one, two, torch.tensor(1.0))


def test_without_a_batch(mode):
    for reduction in ("none", "mean"):
        check("cross_entropy", floats(3), torch.tensor(1), reduction=reduction)
        check("nll_loss", floats(3), torch.tensor(1), reduction=reduction)
        # torch has no gradient there.
        loss = nn.CrossEntropyLoss(reduction=reduction)(torch_suite.to_mindspore(floats(3)), Tensor([1]))
        np.testing.assert_allclose(loss.asnumpy(), TF.cross_entropy(floats(3), torch.tensor([1])).numpy(), 1e-6)
        check("cross_entropy", floats(3), torch.tensor(1), reduction=reduction, label_smoothing=0.2)
        check("cross_entropy", floats(3), floats(3), reduction=reduction, weight=floats(3), label_smoothing=0.2)


# Classes


def test_all_samples_are_ignored(mode):
    for name in ("cross_entropy", "nll_loss"):
        for kwargs in ({}, {"weight": floats(3)}):
            target = torch.tensor([-100, -100])
            check(name, floats(2, 3), target, reduction="sum", constants=tuple(kwargs.values()), **kwargs)
            assert math.isnan(float(getattr(F, name)(*map(torch_suite.to_mindspore, (floats(2, 3), target)))))


def test_label_smoothing_with_weights_and_ignored_samples(mode):
    weight = floats(3)
    for shape, target_shape in (((5, 3), (5,)), ((2, 3, 4), (2, 4)), ((2, 3, 2, 4), (2, 2, 4))):
        for reduction in ("none", "mean", "sum"):
            check(
                "cross_entropy", floats(*shape), classes(*target_shape), weight=weight, ignore_index=1,
                reduction=reduction, label_smoothing=0.2, constants=(weight,),
            )


def test_weights_of_ignored_classes_do_not_count(mode):
    weight = torch.tensor([1.0, NAN, 2.0])
    check("nll_loss", floats(4, 3), torch.tensor([0, 1, 2, 1]), weight=weight, ignore_index=1, constants=(weight,))


@pytest.mark.parametrize("dtype", ["int32", "uint8", "int64"])
def test_dtypes_of_labels(dtype, mode):
    scores, target = floats(4, 3), classes(4)
    expected = TF.cross_entropy(scores, target, ignore_index=1).item()
    labels = Tensor(target.numpy().astype(dtype))
    for ignore_index, value in ((1, expected), (-100, TF.cross_entropy(scores, target).item())):
        loss = nn.CrossEntropyLoss(ignore_index=ignore_index)(torch_suite.to_mindspore(scores), labels)
        np.testing.assert_allclose(float(loss), value, 1e-6)
    loss = nn.CrossEntropyLoss(ignore_index=2**40)(torch_suite.to_mindspore(scores), labels)
    np.testing.assert_allclose(float(loss), value, 1e-6)


@pytest.mark.parametrize("label", [3, -1, 2**31 - 1])
def test_label_out_of_range_makes_nan(label, mode):
    scores, target = floats(2, 3), torch.tensor([1, label])
    for name in ("cross_entropy", "nll_loss"):
        with pytest.raises(IndexError):
            getattr(TF, name)(scores, target)
        for kwargs in ({}, {"weight": Tensor([1.0, 2.0, 3.0])}):
            call = call_of(scores, target, reduction="none", **kwargs)
            (losses,) = torch_suite.call_mindspore(getattr(F, name), call)
            assert np.isnan(losses.asnumpy()).tolist() == [False, True]
            for reduction in ("mean", "sum"):
                loss = Reduced(getattr(F, name), torch_suite.to_mindspore(target), {"reduction": reduction, **kwargs})
                gradient = Gradient(loss)(torch_suite.to_mindspore(scores)).asnumpy()
                assert np.isnan(gradient).any(1).tolist() == [reduction == "mean", True]


def test_minus_one_can_be_ignored(mode):
    check("cross_entropy", floats(4, 3), torch.tensor([0, -1, 2, -1]), ignore_index=-1)


# Dtypes

MIXED = [
    (torch.float64, torch.float32), (torch.float32, torch.float64), (torch.float16, torch.float32),
    (torch.float32, torch.bfloat16), (torch.float16, torch.bfloat16), (torch.float32, torch.int64),
]


@pytest.mark.parametrize(("one", "other"), MIXED)
def test_dtypes_are_promoted(one, other, mode):
    for name in ("l1_loss", "mse_loss", "smooth_l1_loss", "huber_loss", "soft_margin_loss", "poisson_nll_loss"):
        for reduction in ("none", "mean"):
            args = floats(2, 3).to(one), (floats(2, 3) * 5).to(other)
            expected = getattr(TF, name)(*args, reduction=reduction)
            actual = getattr(F, name)(*map(torch_suite.to_mindspore, args), reduction=reduction)
            assert actual.dtype == torch_suite.to_mindspore(expected.dtype), name
            np.testing.assert_allclose(torch_suite.to_numpy(actual), torch_suite.to_numpy(expected.float()), 1e-2)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_types(dtype, mode):
    one, two, labels = floats(4, 3).to(dtype), floats(3, 4).T.to(dtype), classes(4)
    rows = [(name, (one, two)) for name in (
        *PAIRS[:4], "kl_div", "binary_cross_entropy", "binary_cross_entropy_with_logits", "cross_entropy",
    )]
    rows += [("cross_entropy", (one, labels)), ("nll_loss", (one, labels))]
    rows += [("cosine_embedding_loss", (one, two, labels))]
    for name, args in rows:
        for reduction in ("none", "mean", "sum"):
            expected = getattr(TF, name)(*args, reduction=reduction)
            actual = getattr(F, name)(*map(torch_suite.to_mindspore, args), reduction=reduction)
            assert actual.dtype == torch_suite.to_mindspore(expected.dtype)
            np.testing.assert_allclose(
                torch_suite.to_numpy(actual), torch_suite.to_numpy(expected), 2e-2, 1e-2, err_msg=name
            )


# Second derivatives

TWICE = [
    ("l1_loss", (floats(3, 4), floats(4, 3).T), {}), ("mse_loss", (floats(3, 4), floats(4, 3).T), {}),
    ("mse_loss", (floats(3, 4), floats(4, 3).T), {"weight": floats(3, 4) + 1}),
    ("huber_loss", (floats(3, 4), floats(4, 3).T), {"delta": 0.2}),
    ("kl_div", (floats(3, 4), floats(4, 3).T), {}), ("kl_div", (floats(3, 4), floats(4, 3).T), {"log_target": True}),
    ("binary_cross_entropy", (floats(3, 4), floats(4, 3).T), {}),
    ("binary_cross_entropy_with_logits", (floats(3, 4), floats(4, 3).T), {"pos_weight": floats(4)}),
    ("soft_margin_loss", (floats(3, 4), signs(3, 4)), {}),
    ("poisson_nll_loss", (floats(3, 4), floats(4, 3).T * 4), {"full": True, "log_input": False}),
    ("gaussian_nll_loss", (floats(3, 4), floats(4, 3).T, floats(3)), {}),
    ("cross_entropy", (floats(3, 4), classes(3)), {"weight": floats(4), "label_smoothing": 0.1}),
    ("cross_entropy", (floats(2, 3, 4, 5), classes(2, 4, 5)), {"ignore_index": 1}),
    ("cross_entropy", (floats(3, 4), floats(3, 4)), {}), ("cross_entropy", (floats(3), torch.tensor(1)), {}),
    ("nll_loss", (floats(2, 3, 4), classes(2, 4)), {"weight": floats(3)}),
    ("hinge_embedding_loss", (floats(3, 4), signs(3, 4)), {}),
    ("cosine_embedding_loss", (floats(3, 4), floats(4, 3).T, signs(3)), {}),
    ("triplet_margin_loss", (floats(3, 4), floats(4, 3).T, -floats(3, 4)), {"margin": 3.0, "swap": True}),
    ("triplet_margin_loss", (floats(3, 4), floats(4, 3).T, -floats(3, 4)), {"margin": 3.0, "p": 3}),
    ("multilabel_soft_margin_loss", (floats(3, 4), signs(3, 4)), {}),
]


class Squared(ms_nn.Cell):
    """The sum of squares of a loss: its derivative does not leave the loss's own second derivative out."""

    def __init__(self, function, args, kwargs):
        super().__init__()
        self.function = function
        self.args = args
        self.kwargs = kwargs

    def construct(self, input):
        return (self.function(input, *self.args, **self.kwargs) ** 2).sum()


class Reduced(ms_nn.Cell):
    """A loss of one target."""

    def __init__(self, function, target, kwargs):
        super().__init__()
        self.function = function
        self.target = target
        self.kwargs = kwargs

    def construct(self, input):
        return self.function(input, self.target, **self.kwargs)


class Gradient(ms_nn.Cell):
    def __init__(self, cell):
        super().__init__()
        self.cell = cell
        self.gradient = ms.ops.GradOperation()

    def construct(self, input):
        return self.gradient(self.cell)(input)


class SumOfSquares(ms_nn.Cell):
    def __init__(self, cell):
        super().__init__()
        self.cell = cell

    def construct(self, input):
        return (self.cell(input) ** 2).sum()


def check_twice(name, args, kwargs):
    doubled = [arg.double() if arg.is_floating_point() else arg for arg in args]
    input = doubled[0].clone().requires_grad_()
    keywords = {key: value.double() if isinstance(value, torch.Tensor) else value for key, value in kwargs.items()}
    loss = getattr(TF, name)(input, *doubled[1:], **keywords)
    (gradient,) = torch.autograd.grad((loss**2).sum(), input, create_graph=True)
    (expected,) = torch.autograd.grad((gradient**2).sum(), input)
    squared = Squared(
        getattr(F, name), torch_suite.to_mindspore(args[1:]),
        {key: torch_suite.to_mindspore(value) for key, value in kwargs.items()},
    )
    actual = Gradient(SumOfSquares(Gradient(squared)))(torch_suite.to_mindspore(args[0]))
    scale = expected.abs().max().item()
    np.testing.assert_allclose(actual.asnumpy(), expected.numpy(), 0, 2e-5 * scale, err_msg=f"{name}{kwargs}")


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
def test_second_derivatives(reduction):
    for name, args, kwargs in TWICE:
        check_twice(name, args, {**kwargs, "reduction": reduction})


@pytest.mark.slow
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
def test_second_derivatives_in_graphs(reduction, graph_mode):
    for name, args, kwargs in TWICE:
        check_twice(name, args, {**kwargs, "reduction": reduction})


def test_smooth_l1_has_no_second_derivative():
    """Nor has MindSpore's own, and says so."""
    with pytest.raises(RuntimeError, match="SmoothL1LossGrad's bprop not defined"):
        check_twice("smooth_l1_loss", (floats(3, 4), floats(4, 3).T), {})


# In networks


def test_a_second_shape_and_open_sizes(graph_mode):
    rows = (
        (nn.CrossEntropyLoss(ignore_index=1), TF.cross_entropy, {"ignore_index": 1}, (None, 3), (None,)),
        (nn.CrossEntropyLoss(), TF.cross_entropy, {}, (None, 3, None, 4), (None, None, 4)),
        (nn.MSELoss(), TF.mse_loss, {}, (None, 3), None),
        (nn.BCEWithLogitsLoss(), TF.binary_cross_entropy_with_logits, {}, (None, 3), None),
        (nn.KLDivLoss(reduction="batchmean"), TF.kl_div, {"reduction": "batchmean"}, (None, 3), None),
        (nn.SmoothL1Loss(), TF.smooth_l1_loss, {}, (None, None), None),
    )
    for loss, function, kwargs, shape, labels in rows:
        for is_open in (False, True):
            if is_open:
                open_target = shape, ms.float32
                if labels is not None:
                    open_target = labels, ms.int64
                open_input = Tensor(shape=shape, dtype=ms.float32)
                loss.set_inputs(open_input, Tensor(shape=open_target[0], dtype=open_target[1]))
            for rows_ in (2, 5):
                sizes = tuple(size or rows_ for size in shape)
                one = floats(*sizes).numpy() - 0.4
                two = floats(*sizes, 1)[..., 0] if labels is None else classes(*(size or rows_ for size in labels))
                expected = function(torch.from_numpy(one), two, **kwargs).item()
                np.testing.assert_allclose(float(loss(Tensor(one), torch_suite.to_mindspore(two))), expected, 1e-5)


@pytest.mark.parametrize("name", ["CrossEntropyLoss", "BCEWithLogitsLoss"])
def test_training(name, mode):
    """A few steps lead to torch's weights."""
    weight, rows = floats(4, 3), floats(5, 4)
    target = classes(5) if name == "CrossEntropyLoss" else floats(5, 3)
    theirs = torch.nn.Linear(4, 3, bias=False)
    ours = ms_nn.Dense(4, 3, has_bias=False, weight_init=Tensor(weight.T.numpy().copy()))
    with torch.no_grad():
        theirs.weight.copy_(weight.T)
    optimizer = torch.optim.SGD(theirs.parameters(), 0.5)
    step = ms_nn.TrainOneStepCell(
        ms_nn.WithLossCell(ours, getattr(nn, name)()), ms_nn.SGD(ours.trainable_params(), 0.5)
    )
    step.set_train()
    for _ in range(3):
        optimizer.zero_grad()
        loss = getattr(torch.nn, name)()(theirs(rows), target)
        loss.backward()
        optimizer.step()
        np.testing.assert_allclose(float(step(*map(torch_suite.to_mindspore, (rows, target)))), loss.item(), 1e-5)
    np.testing.assert_allclose(ours.weight.asnumpy(), theirs.weight.detach().numpy(), 1e-4)


def test_weights_are_buffers():
    loss = nn.BCEWithLogitsLoss(Tensor([1.0, 2.0]), pos_weight=Tensor([3.0, 1.0]))
    assert list(loss.state_dict()) == ["weight", "pos_weight"]
    assert not list(loss.parameters())
    assert not loss.trainable_params()
    one, two = Tensor([[0.5, -1.0]]), Tensor([[1.0, 0.0]])
    before = float(loss(one, two))
    loss.load_state_dict({"weight": Tensor([2.0, 4.0]), "pos_weight": Tensor([3.0, 1.0])})
    np.testing.assert_allclose(float(loss(one, two)), 2 * before, 1e-6)
    assert mscompat.nn.CrossEntropyLoss().weight is None
