"""Normalisations: values and second derivatives that torch's own lists do not have."""

from __future__ import annotations

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor, ops
from mindspore import nn as msnn
from norm_cases import CELLS, Step, close, numbers, pair, same_statistics, torch

from mscompat import functional as F
from mscompat import nn

# Second derivatives: a gradient penalty.

IN_GRAPHS = ("batch-2d", "batch-3d", "instance-2d", "group", "layer", "rms")


def second_derivatives():
    for name in CELLS:
        for training in (True, False):
            yield pytest.param(name, training, "pynative", id=f"{name}-{training}-pynative")
    for name in IN_GRAPHS:
        yield pytest.param(name, True, "graph", id=f"{name}-graph", marks=pytest.mark.slow)


@pytest.mark.parametrize(("name", "training", "mode"), list(second_derivatives()))
def test_second_derivatives(name, training, mode):
    """Of the result of a product, since those of a leaf are right more often (MS-08)."""
    cell, args, kwargs, shape = CELLS[name]
    theirs, ours = pair(cell, args, kwargs, training)
    array, cotangent = numbers(*shape), numbers(*shape, seed=9)
    input = torch.from_numpy(array).requires_grad_()
    weights = list(theirs.parameters())
    output = theirs(input * input * input)
    gradients = torch.autograd.grad((output * output * torch.from_numpy(cotangent)).sum(), [input], create_graph=True)
    expected = torch.autograd.grad((gradients[0] ** 2).sum(), [input, *weights], allow_unused=True)

    ms.set_context(mode=ms.GRAPH_MODE if mode == "graph" else ms.PYNATIVE_MODE)
    try:
        penalty = Penalty(Loss(ours, Tensor(cotangent)))
        trained = list(ours.parameters())
        found = ms.grad(penalty, 0, trained or None)(Tensor(array))
    finally:
        ms.set_context(mode=ms.PYNATIVE_MODE)
    found = [found[0], *found[1]] if trained else [found]
    for one, other in zip(found, expected, strict=True):
        close(one, torch.zeros(one.shape) if other is None else other, 1e-4)


class Loss(msnn.Cell):
    def __init__(self, cell, cotangent):
        super().__init__()
        self.cell = cell
        self.cotangent = cotangent
        self.sum = ops.ReduceSum()

    def construct(self, x):
        output = self.cell(x * x * x)
        return self.sum(output * output * self.cotangent)


class Penalty(msnn.Cell):
    def __init__(self, loss):
        super().__init__()
        self.loss = loss
        self.gradient = ops.GradOperation()
        self.sum = ops.ReduceSum()

    def construct(self, x):
        return self.sum(self.gradient(self.loss)(x) ** 2)


# Values


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", CELLS)
def test_not_finite(name, number, mode):
    """And that what comes after it in the same graph is right: BatchNorm writes into constants."""
    cell, args, kwargs, shape = CELLS[name]
    if mode == "graph" and not np.isnan(number):
        pytest.skip("one number is enough for a graph")
    theirs, ours = pair(cell, args, kwargs)
    wrong, right = numbers(*shape), numbers(*shape, seed=3)
    wrong.ravel()[2] = number
    for array in (right, wrong, right):
        close(ours(Tensor(array)), theirs(torch.from_numpy(array)))


@pytest.mark.parametrize("name", [name for name in CELLS if "unbatched" not in name and "tracked" not in name])
def test_empty_batch(name, mode):
    cell, args, kwargs, shape = CELLS[name]
    theirs, ours = pair(cell, args, kwargs)
    array = numbers(0, *shape[1:])
    assert ours(Tensor(array)).shape == array.shape
    if not name.startswith("instance"):  # which torch refuses in some cases: "select(): index 0 out of range"
        assert tuple(theirs(torch.from_numpy(array)).shape) == array.shape
        same_statistics(ours, theirs)
    if ours.trainable_params():
        for gradient in ms.grad(Step(ours), None, ours.trainable_params())(Tensor(array)):
            assert not gradient.asnumpy().any()


HALVES = {"float16": (ms.float16, torch.float16, 2e-3), "bfloat16": (ms.bfloat16, torch.bfloat16, 1.6e-2)}


@pytest.mark.filterwarnings("ignore:Mismatch dtype between input and weight")  # torch's, of RMSNorm
@pytest.mark.parametrize("parameters", ["float32", "half"])
@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("name", CELLS)
def test_half_types(name, dtype, parameters):
    cell, args, kwargs, shape = CELLS[name]
    ours_dtype, their_dtype, tolerance = HALVES[dtype]
    array = numbers(*shape)
    theirs, ours = pair(cell, args, kwargs)
    if parameters == "half":
        if cell == "LocalResponseNorm":
            pytest.skip("no parameters")
        theirs = theirs.to(their_dtype)
        ours = getattr(nn, cell)(*args, **kwargs, dtype=ours_dtype)
        ours.load_state_dict({
            key: value.float() if value.is_floating_point() else value for key, value in theirs.state_dict().items()
        })
    rounded = torch.from_numpy(array).to(their_dtype)
    expected = theirs(rounded.float() if cell == "LocalResponseNorm" else rounded)  # torch's has no half types on CPU
    actual = ours(Tensor(array, ours_dtype))
    assert actual.dtype == ours_dtype
    close(ops.cast(actual, ms.float32), expected, tolerance)
    for (_, buffer), (_, other) in zip(ours.named_buffers(), theirs.named_buffers(), strict=True):
        assert buffer.dtype == (ours_dtype if other.dtype == their_dtype else buffer.dtype)
        close(ops.cast(buffer, ms.float32), other, tolerance)


@pytest.mark.parametrize("eps", [0.0, 1e-12, 3.0])
def test_eps_that_operators_refuse(eps, mode):
    array = numbers(3, 4, 5)
    state = [np.abs(numbers(4, seed=seed)) + 0.5 for seed in range(4)]
    for name, *arguments in (("batch_norm", *state), ("group_norm", 2), ("layer_norm", (5,))):
        is_array = name == "batch_norm"
        ours = getattr(F, name)(Tensor(array), *(map(Tensor, arguments) if is_array else arguments), eps=eps)
        theirs = map(torch.from_numpy, arguments) if is_array else arguments
        close(ours, getattr(torch.nn.functional, name)(torch.from_numpy(array), *theirs, eps=eps))


@pytest.mark.parametrize("p", [2.0, 1.0, 3.0, 0.5, 0.0, float("inf"), -1.0, -float("inf")])
def test_normalize(p, mode):
    """Zeros, NaN and infinity."""
    array = np.array([[0, 0], [1, 1], [0, 2], [3, 4], [np.nan, 1], [np.inf, 1]], np.float32)
    ours, theirs = F.normalize(Tensor(array), p), torch.nn.functional.normalize(torch.from_numpy(array), p)
    assert np.allclose(ours.asnumpy(), theirs.numpy(), 1e-5, equal_nan=True)
    if mode == "pynative":
        array, cotangent = array[:4], np.array([1, 2], np.float32)
        input = torch.from_numpy(array).requires_grad_()
        total = (torch.nn.functional.normalize(input, p) * torch.from_numpy(cotangent)).sum()
        expected = torch.autograd.grad(total, input)[0]
        actual = ms.grad(lambda x: (F.normalize(x, p) * Tensor(cotangent)).sum())(Tensor(array))
        assert np.allclose(actual.asnumpy(), expected.numpy(), 1e-4, 1e-6)


def test_normalize_of_half_types():
    array = np.array([[0, 0], [3, 4], [1e-4, 2e-4]], np.float16)
    expected = torch.nn.functional.normalize(torch.from_numpy(array)).numpy()
    assert np.allclose(F.normalize(Tensor(array)).asnumpy(), expected, 2e-3, equal_nan=True)
