"""float64 that passes through float32, and float32 that is less exact than it could be."""

from __future__ import annotations

import mindspore as ms
import numpy as np
import pytest
from defects import MENDED, run
from mindspore import Tensor, ops

# Of float64, an error above this one comes of float32, whose own is at most 6e-8.
LARGE = 1e-10


def normal(*shape):
    return np.random.default_rng(0).standard_normal(shape)


def windows(x, size):
    """Means of windows of so many elements along each of the last two axes, as long as they."""
    rows, columns = x.shape[-2] // size, x.shape[-1] // size
    return x.reshape(*x.shape[:-2], rows, size, columns, size).mean((-3, -1))


def avg_pool(x):
    return ops.AvgPool(2, 2)(x)


def avg_pool3d(x):
    return ops.AvgPool3D((1, 2, 2), (1, 2, 2))(x.reshape(1, 1, 1, 4, 4))


def layer_norm(x):
    return ops.LayerNorm(3, 3, 1e-5)(x, ops.ones((4,), ms.float64), ops.zeros((4,), ms.float64))[0]


def group_norm(x):
    return ops.group_norm(x, 1, eps=1e-5)


def grid_sample(x):
    return ops.grid_sample(x, ops.zeros((1, 1, 1, 2), ms.float64))


def softplus(x):
    return ops.Softplus()(x)


def log_softmax(x):
    return ops.LogSoftmax(3)(x)


def standardized(x, axes):
    return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + 1e-5)


@pytest.mark.parametrize(("function", "expected"), [
    (avg_pool, lambda x: windows(x, 2)),
    (avg_pool3d, lambda x: windows(x, 2)[None]),
    (layer_norm, lambda x: standardized(x, 3)),
    (group_norm, lambda x: standardized(x, (1, 2, 3))),
    (grid_sample, lambda x: x[:, :, 1:3, 1:3].mean((2, 3), keepdims=True)),
    (softplus, lambda x: np.log1p(np.exp(x))),
    (log_softmax, lambda x: x - np.log(np.exp(x).sum(3, keepdims=True))),
], ids=lambda value: value.__name__)
def test_float64_is_computed_in_float32(function, expected, mode):
    """MS-53: of each operator, which gives float64; of GroupNorm, eps alone is rounded."""
    values = normal(1, 1, 4, 4) / 100
    actual, expected = run(mode, function, Tensor(values)), expected(values)
    assert actual.dtype == np.float64
    error = np.abs(actual - expected).max()
    assert error > LARGE, MENDED
    assert error < 1e-4


def averages(x):
    return ops.AvgPool(3, 3)(x)


def test_float64_gradient_of_avg_pool_is_computed_in_float32(mode):
    """MS-53: that of AdaptiveAvgPool2D is right."""
    gradient = run(mode, ms.grad(averages), Tensor(np.ones((1, 1, 3, 3))))
    assert np.all(gradient == np.float32(1 / 9)), MENDED


def plus(x):
    return ops.Add()(x, 0.1)


def minus(x):
    return ops.Sub()(x, 0.1)


def times(x):
    return ops.Mul()(x, 0.1)


def divided(x):
    return ops.RealDiv()(x, 0.1)


def power(x):
    return ops.Pow()(x, 0.1)


def plus_by_name(x):
    return x + 0.1


@pytest.mark.parametrize("function", [plus, minus, times, divided, power, plus_by_name])
def test_a_number_beside_float64_is_rounded_to_float32(function, mode):
    """MS-54: by each operator; a tensor without axes, in float64, is not."""
    two, tenth = np.array([2.0]), np.float64(np.float32(0.1))
    by_numpy = {plus: two + tenth, minus: two - tenth, times: two * tenth, divided: two / tenth, power: two**tenth}
    actual = run(mode, function, Tensor(two))
    np.testing.assert_allclose(actual, by_numpy.get(function, two + tenth), rtol=1e-14, err_msg=MENDED)


def third(x):
    return Tensor(1.0 / x.shape[0], ms.float64)


def test_a_graph_computes_with_numbers_in_float32(mode):
    """MS-55: with Python's, which are float64 in PyNative mode."""
    actual = run(mode, third, Tensor(np.zeros(3))).item()
    if mode == "graph":
        assert actual == np.float32(1 / 3), MENDED
    else:
        assert actual == 1 / 3


def exp(x):
    return ops.Exp()(x)


def tanh(x):
    return ops.Tanh()(x)


def elu(x):
    return ops.Elu()(x)


def mish(x):
    return ops.Mish()(x)


def softplus_of(x):
    return np.log1p(np.exp(x))


def mish_slope(x):
    share, tanh = 1 / (1 + np.exp(-x)), np.tanh(softplus_of(x))
    return tanh + x * share * (1 - tanh**2)


@pytest.mark.parametrize(("function", "expected", "range", "error"), [
    (exp, np.exp, (-80, 80), 2e-5),
    (tanh, np.tanh, (1, 12), 1e-4),
    (elu, np.expm1, (-12, -0.1), 7e-6),
    (softplus, softplus_of, (-2, 12), 5e-6),
    (ms.grad(mish), mish_slope, (4, 6), 8e-4),
], ids=["exp", "tanh", "elu", "softplus", "mish_slope"])
def test_float32_is_inexact(function, expected, range, error, mode):
    """MS-56: of each operator, the largest error, as a share of the value; float32 can hold it to 6e-8."""
    x = Tensor(np.linspace(*range, 4001), ms.float32)
    values = expected(x.asnumpy().astype(np.float64))
    assert np.abs(run(mode, function, x) / values - 1).max() > error / 2, MENDED


def expm1(x):
    return ops.Expm1()(x)


def log1p(x):
    return ops.Log1p()(x)


@pytest.mark.parametrize(("dtype", "small"), [(ms.float32, 1e-8), (ms.float64, 1e-17)])
@pytest.mark.parametrize("function", [expm1, log1p])
def test_expm1_and_log1p_of_small_numbers_are_zero(function, dtype, small, mode):
    """MS-57: they are what they are there to avoid, exp(x) - 1 and log(1 + x)."""
    assert run(mode, function, Tensor([small], dtype)).item() == 0, MENDED
