"""Dropout: what stays the same whatever the random numbers are, their statistics, and where they begin anew."""

from __future__ import annotations

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor, nn, ops

import mscompat
from mscompat import functional as F

torch = pytest.importorskip("torch", reason="torch is what dropout is compared with")

# Name of the cell, of the function, a shape, and how many of its first axes have a mask of their own.
CASES = [
    ("Dropout", "dropout", (40, 50, 10), 3), ("Dropout", "dropout", (20000,), 1),
    ("Dropout1d", "dropout1d", (100, 200, 3), 2), ("Dropout1d", "dropout1d", (20000, 3), 1),
    ("Dropout2d", "dropout2d", (100, 200, 3, 2), 2),
    ("Dropout3d", "dropout3d", (100, 200, 3, 2, 2), 2), ("Dropout3d", "dropout3d", (20000, 3, 2, 2), 1),
    ("AlphaDropout", "alpha_dropout", (40, 50, 10), 3),
    ("FeatureAlphaDropout", "feature_alpha_dropout", (100, 200, 3, 2), 2),
    ("FeatureAlphaDropout", "feature_alpha_dropout", (100, 200), 2),
]
IDS = [f"{cell}-{len(shape)}" for cell, _, shape, _ in CASES]
DTYPES = {"float16": ms.float16, "bfloat16": ms.bfloat16, "float32": ms.float32, "float64": ms.float64}
_LIMIT = -1.7580993408473766


@pytest.fixture(params=["pynative", "graph"])
def mode(request):
    ms.set_context(mode=ms.GRAPH_MODE if request.param == "graph" else ms.PYNATIVE_MODE)
    yield request.param
    ms.set_context(mode=ms.PYNATIVE_MODE)


@pytest.fixture(autouse=True)
def _seed():
    ms.set_seed(7)


def to_numpy(x):
    return (ops.cast(x, ms.float32) if x.dtype == ms.bfloat16 else x).asnumpy().astype(np.float64)


class Both(nn.Cell):
    """The sum of a cell's output, and the output."""

    def __init__(self, cell):
        super().__init__()
        self.cell = cell

    def construct(self, x):
        output = self.cell(x)
        return ops.cast(output, ms.float32).sum(), output


def output_and_gradient(cell, x):
    (_, output), gradient = ms.value_and_grad(Both(cell), 0, None, has_aux=True)(x)
    return output, gradient


@pytest.mark.parametrize("p", [0.1, 0.5, 0.8])
@pytest.mark.parametrize(("cell", "function", "shape", "axes"), CASES, ids=IDS)
def test_masks(cell, function, shape, axes, p, mode):
    """Values, gradients, whole channels, and the share: 20000 masks, whose share is off by 0.0035 at most, 4.5 times
    that is allowed."""
    layer = getattr(mscompat.nn, cell)(p)
    values = np.random.RandomState(0).uniform(0.5, 1.5, shape).astype(np.float32)
    output, gradient = map(to_numpy, output_and_gradient(layer, Tensor(values)))
    if "Alpha" in cell:
        slope = 1 / np.sqrt((_LIMIT**2 * p + 1) * (1 - p))
        shift = -_LIMIT * slope * p
        kept = gradient != 0
        np.testing.assert_allclose(gradient[kept], slope, rtol=1e-6)
        np.testing.assert_allclose(output[kept], (values * slope + shift)[kept], rtol=1e-5)
        np.testing.assert_allclose(output[~kept], _LIMIT * slope + shift, rtol=1e-5)
    else:
        kept = output != 0
        np.testing.assert_allclose(gradient[kept], 1 / (1 - p), rtol=1e-6)
        np.testing.assert_allclose(output[kept], values[kept] / (1 - p), rtol=1e-6)
        assert (gradient[~kept] == 0).all()
    masks = kept.reshape(*shape[:axes], -1)
    assert (masks == masks[..., :1]).all()
    masks = masks[..., 0]
    assert abs(masks.mean() - (1 - p)) < 0.016
    for axis in range(axes):
        if shape[axis] >= 40:  # masks do not repeat along an axis: as many neighbours are equal as chance has it
            first, second = np.take(masks, range(shape[axis] - 1), axis), np.take(masks, range(1, shape[axis]), axis)
            assert abs((first == second).mean() - (p * p + (1 - p) * (1 - p))) < 0.03
    again, _ = output_and_gradient(layer, Tensor(values))
    assert again.shape == shape
    assert (to_numpy(again) == output).mean() < 0.9
    # In a wholly new call of the function, too.
    one, other = (to_numpy(getattr(F, function)(Tensor(values), p, True)) for _ in range(2))
    assert (one == other).mean() < 0.9


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("cell", "function", "shape", "axes"), CASES[::2], ids=IDS[::2])
def test_p_of_0_and_1_and_evaluation(cell, function, shape, axes, dtype, mode):
    shape = shape[:1] if len(shape) == 1 else (2, 3, *shape[2:])
    values = np.random.RandomState(0).standard_normal(shape).astype(np.float32)
    values.ravel()[:3] = [np.nan, np.inf, -np.inf]
    x = Tensor(values, DTYPES[dtype])
    layer = getattr(mscompat.nn, cell)
    for identity in (layer(0), layer(0.5).eval(), layer(1).eval()):
        output, gradient = output_and_gradient(identity, x)
        assert output.dtype == x.dtype
        np.testing.assert_array_equal(to_numpy(output), to_numpy(x))
        np.testing.assert_array_equal(to_numpy(gradient), np.ones(shape))
    output, gradient = output_and_gradient(layer(1.0), x)
    assert output.dtype == x.dtype
    expected = getattr(torch.nn, cell)(1.0)(torch.from_numpy(values)).numpy()
    np.testing.assert_array_equal(to_numpy(output), expected)
    np.testing.assert_array_equal(to_numpy(gradient), np.zeros(shape))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("cell", "function", "shape", "axes"), CASES[::2], ids=IDS[::2])
def test_dtypes(cell, function, shape, axes, dtype, mode):
    values = np.random.RandomState(0).uniform(0.5, 1.5, shape).astype(np.float32)
    x = Tensor(values, DTYPES[dtype])
    output, gradient = output_and_gradient(getattr(mscompat.nn, cell)(0.25), x)
    assert output.dtype == gradient.dtype == x.dtype
    if "Alpha" not in cell:
        kept = to_numpy(output) != 0
        eps = {"float16": 1e-3, "bfloat16": 8e-3}.get(dtype, 1e-6)
        np.testing.assert_allclose(to_numpy(output)[kept], to_numpy(x)[kept] / 0.75, rtol=eps)
        np.testing.assert_allclose(to_numpy(gradient)[kept], 1 / 0.75, rtol=eps)


def test_alpha_dropout_keeps_mean_and_variance():
    x = Tensor(np.random.RandomState(0).standard_normal((500, 400)).astype(np.float32))
    for p in (0.1, 0.5):
        output = mscompat.nn.AlphaDropout(p)(x).asnumpy()
        assert abs(output.mean()) < 0.02
        assert abs(output.std() - 1) < 0.02


def test_seed_in_pynative_mode():
    """The same seed again gives the same masks again, for functions and for cells, whatever was drawn between."""
    x, y = Tensor(np.ones((20, 30), np.float32)), Tensor(np.ones((7, 5), np.float32))
    layer, channels = mscompat.nn.Dropout(0.5), mscompat.nn.Dropout1d(0.5)

    def draw():
        return [to_numpy(one) for one in (
            layer(x), F.dropout(y), layer(x), channels(x), F.dropout(x, 0.2), F.alpha_dropout(x, 0.4, True)
        )]

    ms.set_seed(5)
    first = draw()
    second = draw()
    ms.set_seed(5)
    third = draw()
    ms.set_seed(6)
    fourth = draw()
    for one, two, three, four in zip(first, second, third, fourth, strict=True):
        assert np.array_equal(one, three)
        assert not np.array_equal(one, two)
        assert not np.array_equal(one, four)


def test_shapes_have_masks_of_their_own():
    """MindSpore's operators begin with the same numbers for each shape."""
    ms.set_seed(5)
    one = F.dropout(Tensor(np.ones((600,), np.float32))).asnumpy()
    other = F.dropout(Tensor(np.ones((20, 30), np.float32))).asnumpy().ravel()
    assert 0.4 < (one == other).mean() < 0.6


def test_layers_of_one_graph_have_masks_of_their_own():
    ms.set_context(mode=ms.GRAPH_MODE)
    try:
        class Two(mscompat.nn.Module):
            def __init__(self):
                super().__init__()
                self.one, self.two = mscompat.nn.Dropout(0.5), mscompat.nn.Dropout(0.5)

            def forward(self, x):
                return self.one(x), self.two(x), self.two(x), F.dropout(x, 0.5), F.dropout(x, 0.5)

        net = Two()
        x = Tensor(np.ones((20, 50), np.float32))
        masks = [to_numpy(one) for _ in range(3) for one in net(x)]
        for index, one in enumerate(masks):
            for other in masks[:index]:
                assert 0.4 < (one == other).mean() < 0.6
        assert all((to_numpy(one) == 1).all() for one in net.eval()(x)[:3])
    finally:
        ms.set_context(mode=ms.PYNATIVE_MODE)


@pytest.mark.parametrize(("cell", "function", "shape", "axes"), CASES, ids=IDS)
def test_second_derivative(cell, function, shape, axes):
    """d/dx of (3 * mask**3 * x**2)**2 is 36 * mask**6 * x**3, with the mask of the call."""
    shape = shape[:1] if len(shape) == 1 else (2, 3, *shape[2:])
    x = Tensor(np.random.RandomState(0).uniform(0.5, 1.5, shape).astype(np.float32))
    ms.set_seed(9)
    scale = ms.grad(lambda x: getattr(F, function)(x, 0.4, True).sum())(x).asnumpy()
    ms.set_seed(9)
    shift = getattr(F, function)(x, 0.4, True).asnumpy() - scale * x.asnumpy()
    first = ms.grad(lambda x: (getattr(F, function)(x, 0.4, True) ** 3).sum())
    ms.set_seed(9)
    second = ms.grad(lambda x: (first(x) ** 2).sum())(x).asnumpy()
    y = scale * x.asnumpy() + shift
    np.testing.assert_allclose(second, 2 * (3 * scale * y**2) * (6 * scale**2 * y), rtol=1e-4, atol=1e-4)


def test_wrong(mode):
    x = np.ones((2, 3), np.float32)
    for name in ("Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout", "FeatureAlphaDropout"):
        for p in (-0.1, 1.5, 2):
            with pytest.raises(ValueError, match=f"dropout probability has to be between 0 and 1, but got {p}"):
                getattr(mscompat.nn, name)(p)
    for name in ("dropout", "dropout1d", "alpha_dropout", "feature_alpha_dropout"):
        for p in (-0.1, 1.5, float("nan")):
            with pytest.raises(ValueError, match=f"dropout probability has to be between 0 and 1, but got {p}"):
                getattr(F, name)(Tensor(x), p, True)
    for shape in ((4,), (1, 2, 3, 4)):
        with pytest.raises(RuntimeError) as expected:
            torch.nn.Dropout1d()(torch.ones(shape))
        with pytest.raises(RuntimeError) as actual:
            mscompat.nn.Dropout1d()(Tensor(np.ones(shape, np.float32)))
        assert str(expected.value) in str(actual.value)
    with pytest.raises(RuntimeError, match="Feature dropout requires at least 2 dimensions in the input"):
        mscompat.nn.FeatureAlphaDropout()(Tensor([1.0]))
    with pytest.raises(TypeError, match=r"argument 'train' \(position 3\) must be bool, not int"):
        F.dropout(Tensor(x), 0.5, 1)
    with pytest.raises(RuntimeError, match="result type Float can't be cast to the desired output type Long"):
        F.dropout(Tensor(np.ones(3, np.int64)))


@pytest.mark.parametrize(("name", "shape"), [
    ("dropout2d", (2, 3, 4)), ("dropout2d", (2, 3)), ("dropout2d", (2, 3, 1, 1, 2)), ("dropout3d", (2, 3)),
    ("dropout3d", (2, 3, 2, 1, 1, 2)), ("dropout3d", (4,)),
])
def test_warnings(name, shape):
    """torch's, each time."""
    x = np.ones(shape, np.float32)
    for _ in range(2):
        with pytest.warns(UserWarning, match=name) as expected:
            of_torch = getattr(torch.nn.functional, name)(torch.from_numpy(x))
        with pytest.warns(UserWarning, match=name) as actual:
            output = getattr(F, name)(Tensor(x))
        assert [str(one.message) for one in actual] == [str(one.message) for one in expected]
        assert output.shape == of_torch.shape


def test_empty_and_scalar(mode):
    empty = Tensor(np.ones((0, 3), np.float32))
    for name in ("Dropout", "AlphaDropout", "FeatureAlphaDropout", "Dropout1d"):
        assert getattr(mscompat.nn, name)()(empty).shape == (0, 3)
    assert mscompat.nn.Dropout()(Tensor(1.0)).shape == mscompat.nn.AlphaDropout()(Tensor(1.0)).shape == ()


@pytest.mark.parametrize("name", ["Dropout", "Dropout2d", "AlphaDropout", "FeatureAlphaDropout"])
def test_open_sizes(name):
    ms.set_context(mode=ms.GRAPH_MODE)
    try:
        cell = getattr(mscompat.nn, name)(0.5)
        cell.set_inputs(Tensor(shape=(None, 3, None, 4), dtype=ms.float32))
        for shape in ((20, 3, 4, 4), (50, 3, 2, 4)):
            output = cell(Tensor(np.ones(shape, np.float32))).asnumpy()
            assert output.shape == shape
            assert 0.3 < (output == output.max()).mean() < 0.7
            assert ms.grad(cell)(Tensor(np.ones(shape, np.float32))).shape == shape
    finally:
        ms.set_context(mode=ms.PYNATIVE_MODE)
