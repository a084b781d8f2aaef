"""Interpolation, shuffles, fold and grids: what torch's own lists do not have."""

from __future__ import annotations

import math
import warnings

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor, nn

torch = pytest.importorskip("torch", reason="torch is what modules are compared with")

import mscompat  # noqa: E402
from mscompat import functional as F  # noqa: E402
from mscompat.functional._resampling_weights import taps  # noqa: E402

TF = torch.nn.functional
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # torch's, which are ours too
FACTORS = [*np.arange(30, 331) / 100, 1 / 3, 2 / 3, 1 / 7, 5 / 7, 4 / 3]


def numbers(shape, dtype=np.float32, seed=0):
    return np.random.RandomState(seed).standard_normal(shape).astype(dtype)


# Which pixels, and with what weights


def lengths(step):
    """(length, length of the output, factor or None)."""
    found = [(one, other, None) for one in range(1, 41) for other in range(1, 41)]
    found += [
        (one, math.floor(one * float(factor)), float(factor)) for one in range(1, 41) for factor in FACTORS
        if math.floor(one * float(factor)) > 0
    ]
    return found[::step]


def torch_call(input, output_size, factor, position, **kwargs):
    """torch's interpolation of one axis; the others keep their sizes."""
    size = list(input.shape[2:])
    if factor is None:
        size[position] = output_size
        return TF.interpolate(input, size, **kwargs)
    factors = [1.0] * len(size)
    factors[position] = factor
    return TF.interpolate(input, None, tuple(factors), **kwargs)


@pytest.mark.parametrize("step", [23, pytest.param(1, marks=pytest.mark.slow)])
@pytest.mark.parametrize("nearest", ["nearest", "nearest-exact"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("others", [(), (2,), (130,), (2, 2)], ids=["1d", "small 2d", "large 2d", "3d"])
def test_nearest_pixels_are_torch_s(others, dtype, nearest, step):
    for length, output_size, factor in lengths(step):
        input = torch.arange(length, dtype=getattr(torch, dtype)).expand(1, 2, *others, length).contiguous()
        expected = torch_call(input, output_size, factor, len(others), mode=nearest)[0, 0].reshape(-1, output_size)[0]
        found = taps(
            nearest, length, output_size, factor, False, False, dtype=getattr(np, dtype), is_small=others == (2,)
        )
        assert found.indices[:, 0].tolist() == expected.long().tolist(), (length, output_size, factor)


@pytest.mark.parametrize("align_corners", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("name", "kind", "antialias"),
    [
        ("bilinear", "linear", False), ("bicubic", "cubic", False), ("bilinear", "linear", True),
        ("bicubic", "cubic", True), ("lanczos", "lanczos", True),
    ],
)
def test_weights_are_torch_s(name, kind, antialias, dtype, align_corners):
    if name == "lanczos" and align_corners:
        pytest.skip("torch has no such mode")
    unit = np.finfo(dtype).eps
    for length, output_size, factor in lengths(97):
        units = torch.eye(length, dtype=getattr(torch, dtype)).reshape(length, 1, 1, length)
        expected = torch_call(
            units, output_size, factor, 1, mode=name, align_corners=align_corners, antialias=antialias
        )[:, 0, 0].T.numpy()
        found = taps(kind, length, output_size, factor, align_corners, antialias, dtype=getattr(np, dtype))
        matrix = np.zeros((output_size, length))
        for column in range(found.indices.shape[1]):
            matrix[np.arange(output_size), found.indices[:, column]] += found.weights[:, column]
        assert np.abs(matrix - expected).max() <= 8 * unit, (length, output_size, factor)


# Values and derivatives


class Loss(nn.Cell):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def construct(self, input, cotangent):
        return ((self.function(input * input) ** 2) * cotangent).sum()


class Penalty(nn.Cell):
    def __init__(self, loss):
        super().__init__()
        self.gradient = ms.grad(loss)

    def construct(self, input, cotangent):
        return (self.gradient(input, cotangent) ** 2).sum()


class Call(nn.Cell):
    """A function with its arguments."""

    def __init__(self, function, *arguments, **keywords):
        super().__init__()
        self.function = function
        self.arguments = arguments
        self.keywords = tuple(keywords.items())
        self.names = tuple(keywords)
        self.values = tuple(keywords.values())

    def construct(self, input):
        keywords = {}
        for position, name in enumerate(self.names):
            keywords[name] = self.values[position]
        return self.function(input, *self.arguments, **keywords)


CALLS = [
    ("nearest", "interpolate", (2, 3, 5, 7), (), {"scale_factor": 2}),
    # Large enough not to be MindSpore's operator.
    ("nearest image", "interpolate", (1, 70, 20, 24), (), {"scale_factor": 2}),
    ("nearest to a size", "interpolate", (2, 3, 5, 7), ((3, 9),), {}),
    ("nearest-exact signal", "interpolate", (2, 3, 7), (None, 1.7), {"mode": "nearest-exact"}),
    ("nearest volume", "interpolate", (2, 3, 4, 3, 5), (None, 1.7), {}),
    ("linear", "interpolate", (2, 3, 7), (None, 1.7), {"mode": "linear"}),
    ("bilinear by 2", "interpolate", (2, 3, 5, 7), (None, 2), {"mode": "bilinear"}),
    ("bilinear", "interpolate", (2, 3, 5, 7), (None, 2.3), {"mode": "bilinear"}),
    ("bilinear aligned", "interpolate", (2, 3, 5, 7), ((12, 4),), {"mode": "bilinear", "align_corners": True}),
    ("bilinear antialias", "interpolate", (2, 3, 26, 9), ((7, 14),), {"mode": "bilinear", "antialias": True}),
    ("bilinear of a pixel", "interpolate", (2, 3, 1, 1), ((24, 40),), {"mode": "bilinear"}),
    ("bicubic", "interpolate", (2, 3, 5, 7), (None, 1.5), {"mode": "bicubic", "recompute_scale_factor": True}),
    ("bicubic antialias", "interpolate", (2, 3, 26, 9), ((5, 14),), {"mode": "bicubic", "antialias": True}),
    ("lanczos", "interpolate", (2, 3, 9, 7), ((5, 14),), {"mode": "lanczos", "antialias": True}),
    ("trilinear", "interpolate", (1, 2, 3, 4, 5), (None, (2.0, 0.7, 1.3)), {"mode": "trilinear"}),
    ("area", "interpolate", (2, 3, 9, 7), ((4, 14),), {"mode": "area"}),
    ("area signal", "interpolate", (2, 3, 9), (3,), {"mode": "area"}),
    ("pixel_shuffle", "pixel_shuffle", (2, 8, 3, 5), (2,), {}),
    ("pixel_unshuffle", "pixel_unshuffle", (2, 3, 4, 6), (2,), {}),
    ("channel_shuffle", "channel_shuffle", (2, 6, 3, 5), (2,), {}),
    ("unfold", "unfold", (2, 3, 5, 6), ((2, 3), (2, 1), (1, 2), (1, 2)), {}),
    ("fold", "fold", (2, 12, 12), ((6, 5), (2, 3), (1, 2), 1, (2, 1)), {}),
    ("affine_grid", "affine_grid", (2, 2, 3), ((2, 3, 4, 5), False), {}),
    ("affine_grid of volumes", "affine_grid", (2, 3, 4), ((2, 3, 2, 4, 5), True), {}),
]


SMOKE = {"nearest image", "bilinear by 2", "bicubic", "area", "pixel_shuffle", "unfold"}  # in Graph mode too


def derivative_rows():
    for label, name, *call in CALLS:
        for dtype in ("float32", "float64"):
            for mode in ("pynative", "graph"):
                is_slow = mode == "graph" and (dtype == "float64" or label not in SMOKE)
                marks = pytest.mark.slow if is_slow else []
                yield pytest.param(name, *call, dtype, mode, marks=marks, id=f"{label}-{dtype}-{mode}")


@pytest.mark.parametrize(
    ("name", "shape", "args", "kwargs", "dtype", "mode"), list(derivative_rows()), indirect=["mode"]
)
def test_two_derivatives(name, shape, args, kwargs, dtype, mode):
    array = numbers(shape, dtype)
    input = torch.from_numpy(array).requires_grad_()
    output = getattr(TF, name)(input * input, *args, **kwargs)
    cotangent = np.random.RandomState(1).uniform(0.5, 1.5, output.shape).astype(dtype)
    gradient, = torch.autograd.grad((output ** 2 * torch.from_numpy(cotangent)).sum(), input, create_graph=True)
    second, = torch.autograd.grad((gradient ** 2).sum(), input)
    call = Call(getattr(F, name), *args, **kwargs)
    loss = Loss(call)
    tensors = Tensor(array), Tensor(cotangent)
    limit = 64 * np.finfo(dtype).eps
    for found, expected in (
        (call(Tensor(array * array)), output), (ms.grad(loss)(*tensors), gradient),
        (ms.grad(Penalty(loss))(*tensors), second),
    ):
        expected = expected.detach().numpy()
        assert found.shape == expected.shape
        assert str(found.dtype).lower() == dtype
        np.testing.assert_allclose(found.asnumpy(), expected, rtol=0, atol=limit * np.abs(expected).max())


@pytest.mark.parametrize("half", ["float16", "bfloat16"])
@pytest.mark.parametrize(
    ("name", "shape", "args"),
    [
        ("interpolate", (2, 3, 5, 7), (None, 1.7)), ("interpolate", (2, 3, 5, 7), (None, 2, "bilinear")),
        ("interpolate", (2, 3, 5, 7), (9, None, "bicubic")), ("pixel_shuffle", (2, 8, 3, 5), (2,)),
        ("pixel_unshuffle", (2, 3, 4, 6), (2,)), ("channel_shuffle", (2, 6, 3, 5), (2,)),
        ("unfold", (2, 3, 5, 6), (2,)), ("fold", (2, 12, 12), ((4, 5), 2)),
        ("affine_grid", (2, 2, 3), ((2, 3, 4, 5), False)),
    ],
)
def test_half(name, shape, args, half):
    input = torch.from_numpy(numbers(shape)).to(getattr(torch, half))
    tensor = Tensor(input.float().numpy()).astype(getattr(ms, half))
    found = getattr(F, name)(tensor, *args)
    assert found.dtype == tensor.dtype
    expected = getattr(TF, name)(input, *args).float().numpy()
    unit = torch.finfo(input.dtype).eps
    limit = 4 * unit * np.abs(expected).max()
    np.testing.assert_allclose(found.astype(ms.float32).asnumpy(), expected, rtol=0, atol=limit)


@pytest.mark.parametrize("name", ["pixel_shuffle", "pixel_unshuffle", "channel_shuffle"])
@pytest.mark.parametrize("dtype", [np.int64, np.uint8, np.bool_, np.complex64])
def test_other_dtypes_are_moved(name, dtype):
    array = (np.arange(96).reshape(1, 4, 4, 6) % 7).astype(dtype)
    found = getattr(F, name)(Tensor(array), 2).asnumpy()
    np.testing.assert_array_equal(found, getattr(TF, name)(torch.from_numpy(array), 2).numpy(), strict=True)


def test_nearest_bytes():
    array = np.arange(35, dtype=np.uint8).reshape(1, 1, 5, 7)
    for kwargs in ({"scale_factor": 2}, {"size": (3, 11)}, {"size": 4, "mode": "nearest-exact"}):
        found = F.interpolate(Tensor(array), **kwargs).asnumpy()
        np.testing.assert_array_equal(found, TF.interpolate(torch.from_numpy(array), **kwargs).numpy(), strict=True)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(
    "kwargs",
    [
        {"scale_factor": 2}, {"size": (4, 13)}, {"size": (4, 13), "mode": "bicubic"},
        {"size": (4, 13), "mode": "bilinear", "antialias": True}, {"size": (4, 13), "mode": "area"},
    ],
)
def test_nan_stays_among_its_neighbours(kwargs, value):
    array = numbers((1, 2, 9, 8))
    array[0, 1, 4, 5] = value
    expected = TF.interpolate(torch.from_numpy(array), **kwargs).numpy()
    found = F.interpolate(Tensor(array), **kwargs).asnumpy()
    np.testing.assert_array_equal(np.isfinite(found), np.isfinite(expected))
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_an_infinity_of_a_bilinear_image_stays_among_its_neighbours():
    """MindSpore's operator makes NaN of it, where torch's is an infinity."""
    array = numbers((1, 2, 9, 8))
    array[0, 1, 4, 5] = np.inf
    kwargs = {"scale_factor": 2, "mode": "bilinear"}
    expected = TF.interpolate(torch.from_numpy(array), **kwargs).numpy()
    found = F.interpolate(Tensor(array), **kwargs).asnumpy()
    np.testing.assert_array_equal(np.isfinite(found), np.isfinite(expected))


@pytest.mark.parametrize(
    ("name", "shape", "args"),
    [
        ("interpolate", (0, 3, 5, 7), (None, 2)), ("interpolate", (0, 3, 5, 7), (None, 2.0, "bicubic")),
        ("interpolate", (2, 3, 5, 7), (None, 0.1, "area")), ("pixel_shuffle", (0, 8, 3, 5), (2,)),
        ("pixel_unshuffle", (0, 3, 4, 6), (2,)), ("channel_shuffle", (0, 6, 3, 5), (2,)),
        ("unfold", (0, 3, 5, 6), (2,)), ("fold", (0, 12, 12), ((4, 5), 2)),
    ],
)
def test_empty(name, shape, args, mode):
    found = Call(getattr(F, name), *args)(Tensor(np.zeros(shape, np.float32)))
    assert found.shape == tuple(getattr(TF, name)(torch.zeros(shape), *args).shape)
    loss = Loss(Call(getattr(F, name), *args))
    assert ms.grad(loss)(Tensor(np.zeros(shape, np.float32)), Tensor(np.zeros(found.shape, np.float32))).shape == shape


def test_empty_samples(mode):
    for shape, places in (((0, 3, 4, 5), (0, 6, 7, 2)), ((2, 3, 4, 5), (2, 0, 7, 2))):
        input, grid = np.zeros(shape, np.float32), np.zeros(places, np.float32)
        found = F.grid_sample(Tensor(input), Tensor(grid), align_corners=False)
        assert found.shape == tuple(TF.grid_sample(torch.from_numpy(input), torch.from_numpy(grid)).shape)


# Graphs


def test_a_graph_takes_a_second_shape(graph_mode):
    for name, arguments in (("Upsample", (None, 2, "bilinear")), ("PixelUnshuffle", (2,)), ("Unfold", (2,))):
        cell, reference = getattr(mscompat.nn, name)(*arguments), getattr(torch.nn, name)(*arguments)
        for shape in ((2, 3, 4, 6), (1, 3, 8, 4)):
            array = numbers(shape)
            expected = reference(torch.from_numpy(array)).numpy()
            np.testing.assert_allclose(cell(Tensor(array)).asnumpy(), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "arguments", "open_shape", "shapes"),
    [
        ("Upsample", (None, 2), (None, 3, 4, 6), [(2, 3, 4, 6), (5, 3, 4, 6)]),
        ("Upsample", (None, 1.5, "bicubic"), (None, 3, 4, 6), [(2, 3, 4, 6), (5, 3, 4, 6)]),
        ("Upsample", (None, 2), (None, 3, None, None), [(2, 3, 4, 6), (1, 3, 9, 5)]),
        ("Upsample", ((8, 12), None, "bilinear"), (None, 3, None, None), [(2, 3, 4, 6), (1, 3, 2, 3)]),
        ("PixelShuffle", (2,), (None, 8, None, None), [(2, 8, 4, 6), (1, 8, 9, 5)]),
        ("PixelUnshuffle", (2,), (None, 3, None, None), [(2, 3, 4, 6), (1, 3, 8, 2)]),
        ("ChannelShuffle", (2,), (None, 4, None, None), [(2, 4, 4, 6), (1, 4, 8, 2)]),
        ("Unfold", (2,), (None, 3, 4, 6), [(2, 3, 4, 6), (1, 3, 4, 6)]),
        ("Fold", ((4, 5), 2), (None, 12, 12), [(2, 12, 12), (3, 12, 12)]),
    ],
)
def test_open_sizes(graph_mode, name, arguments, open_shape, shapes):
    cell = getattr(mscompat.nn, name)(*arguments)
    cell.set_inputs(Tensor(shape=open_shape, dtype=ms.float32))
    for shape in shapes:
        array = numbers(shape)
        expected = getattr(torch.nn, name)(*arguments)(torch.from_numpy(array)).numpy()
        np.testing.assert_allclose(cell(Tensor(array)).asnumpy(), expected, atol=1e-6)


# Wrong arguments

IMAGE, VOLUME = (2, 3, 5, 7), (2, 3, 4, 5, 6)
SHUFFLES = ("pixel_shuffle", "pixel_unshuffle", "channel_shuffle")
WRONG = [
    *(("interpolate", [IMAGE], (), kwargs) for kwargs in (
        {}, {"size": 3, "scale_factor": 2}, {"size": (3,)}, {"size": (3.0, 4)}, {"size": 3.0}, {"size": True},
        {"size": "ab"}, {"size": (0, 3)}, {"size": -1}, {"scale_factor": 0.1}, {"scale_factor": (2,)},
        {"scale_factor": "a"}, {"scale_factor": (2, "a")}, {"scale_factor": -1.0}, {"scale_factor": 0},
        {"scale_factor": float("nan")},
        {"size": 3, "recompute_scale_factor": True}, {"size": 3, "align_corners": True}, {"size": 3, "mode": "foo"},
        {"size": 3, "mode": "linear"}, {"size": 3, "mode": "trilinear"}, {"size": 3, "antialias": True},
        {"size": 3, "mode": "lanczos"}, {"size": 3, "mode": "lanczos", "antialias": True, "align_corners": True},
        {"size": (3, -1), "mode": "area"}, {"scale_factor": 2, "mode": "bilinear", "align_corners": 1},
    )),
    *(("interpolate", [shape], (), {"scale_factor": 2, "mode": mode}) for shape, mode in (
        ((5,), "nearest"), ((2, 5), "linear"), ((2, 3, 4), "bilinear"), ((2, 3, 4), "bicubic"), (VOLUME, "linear"),
        (VOLUME, "bilinear"), ((1, 1, 1, 1, 1, 1), "nearest"), ((2, 0, 5, 7), "nearest"), ((2, 3, 0, 7), "bicubic"),
        ((2, 3, 0, 7), "area"), ((2, 3, 0), "nearest"), ((2, 3, 4, 0, 2), "trilinear"), ((2, 0, 5), "linear"),
    )),
    *((name, [shape], (value,), {}) for name in SHUFFLES for shape, value in (
        ((2, 8, 4, 6), 0), ((2, 8, 4, 6), -1), ((2, 8, 4, 6), 3), ((2, 8, 4, 6), 2.0), ((2, 8, 4, 6), True),
        ((2, 8, 4, 6), (2, 2)), ((8,), 2), ((8, 4), 2),
    )),
    ("pixel_unshuffle", [(2, 8, 4, 5)], (2,), {}),
    *(("unfold", [(2, 8, 4, 6)], args, {}) for args in (
        ((2,) * 3,), (((2,),)), (2, 1, 0, 0), (2, 0), (0,), (2, 1, -1), (9,), (2.0,), ("a",), (True,),
    )),
    *(("unfold", [shape], (2,), {}) for shape in ((8, 4), (2, 0, 4, 6), (1, 1, 8, 4, 6), (0, 4, 6))),
    *(("fold", [(2, 12, 12)], args, {}) for args in (
        (4, 2), ((4, 5), (2, 5)), ((4, 5), 2, 1, 0, 0), ((4, 5), 0), ((4, 5), 2, 0), ((4, 5), 2, 1, -1), (4.0, 2),
        ((0, 5), 2), ((4, 5, 6), 2), ((4,), 2), (True, 2),
    )),
    *(("fold", [shape], ((4, 5), 2), {}) for shape in ((12,), (1, 2, 12, 12), (2, 0, 12), (2, 12, 0))),
    *(("grid_sample", [IMAGE, (2, 6, 7, 2)], args, {}) for args in (
        ("foo",), ("bilinear", "foo"), ("bilinear", "zeros", 1),
    )),
    *(("grid_sample", shapes, (), {}) for shapes in (
        [(2, 3, 4), (2, 6, 1)], [IMAGE, (1, 6, 7, 2)], [IMAGE, (2, 6, 7, 3)], [VOLUME, (2, 6, 7, 2)],
        [IMAGE, (2, 6, 2)], [(2, 3, 0, 5), (2, 6, 7, 2)],
    )),
    ("grid_sample", [VOLUME, (2, 6, 7, 8, 3)], ("bicubic",), {}),
    *(("affine_grid", [shape], (size, False), {}) for shape, size in (
        ((2, 2, 3), (2, 3, 4)), ((2, 3, 3), (2, 3, 4, 5)), ((2, 3, 4), (2, 3, 4, 5)), ((2, 2, 3), (3, 3, 4, 5)),
        ((2, 2, 3), (2, 3, 0, 5)),
    )),
]


@pytest.mark.parametrize(
    ("name", "shapes", "args", "kwargs"), WRONG, ids=[f"{name}-{index}" for index, (name, *_) in enumerate(WRONG)]
)
def test_wrong_arguments(name, shapes, args, kwargs):
    with pytest.raises(Exception) as theirs:  # noqa: PT011
        getattr(TF, name)(*map(torch.zeros, shapes), *args, **kwargs)
    with pytest.raises(theirs.type) as ours:
        getattr(F, name)(*(Tensor(np.zeros(shape, np.float32)) for shape in shapes), *args, **kwargs)
    sentence = str(theirs.value).split("\n")[0].rstrip(".").replace("torch.Size", "")
    if "invalid combination" in sentence or "argument '" in sentence:  # written by torch's parser
        return
    text = str(ours.value)
    assert sentence.replace("([", "(").replace("])", ")") in text, (sentence, text)
    assert text.startswith(f"For '{name}', ")


@pytest.mark.parametrize("dtype", [np.int32, np.bool_])
@pytest.mark.parametrize(
    ("name", "shape", "args"),
    [
        *(("interpolate", (2, 3, *[4] * axes), (None, 2, kind)) for axes, kind in (
            (2, "nearest"), (1, "nearest"), (3, "nearest-exact"), (2, "bilinear"), (1, "linear"), (3, "trilinear"),
            (2, "bicubic"), (2, "area"),
        )),
        ("unfold", (2, 3, 4, 5), (2,)), ("fold", (2, 12, 12), ((4, 5), 2)),
    ],
)
def test_wrong_dtypes(name, shape, args, dtype):
    if dtype is np.bool_ and name != "interpolate":
        pytest.skip("torch takes it")
    array = np.zeros(shape, dtype)
    with pytest.raises(NotImplementedError) as theirs:
        getattr(TF, name)(torch.from_numpy(array), *args)
    with pytest.raises(NotImplementedError) as ours:
        getattr(F, name)(Tensor(array), *args)
    assert str(theirs.value) in str(ours.value)


@pytest.mark.parametrize(
    ("name", "shape", "arguments", "error", "sentence"),
    [
        ("Upsample", IMAGE, (3, 2.0), ValueError, "only one of size or scale_factor should be defined"),
        ("PixelShuffle", IMAGE, (2,), RuntimeError, r"input.size\(-3\)=3 is not divisible by 4"),
        ("ChannelShuffle", IMAGE, (2,), RuntimeError, "Got 3 channels and 2 groups"),
        ("Unfold", IMAGE, (9,), RuntimeError, "its components must be at least one"),
        ("Fold", (2, 12, 12), ((4, 5), (2, 5)), RuntimeError, "divisible by the product of kernel_size"),
    ],
)
def test_wrong_calls_of_modules(name, shape, arguments, error, sentence, mode):
    cell = getattr(mscompat.nn, name)(*arguments)
    with pytest.raises(error, match=sentence):
        cell(Tensor(np.zeros(shape, np.float32)))


def test_former_names_warn_as_torch_s():
    image = np.zeros((1, 1, 2, 2), np.float32)
    for name in ("upsample", "upsample_nearest", "upsample_bilinear"):
        texts = []
        for functions, input in ((TF, torch.from_numpy(image)), (F, Tensor(image))):
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                getattr(functions, name)(input, 3)
            texts.append([str(one.message) for one in caught if one.category is UserWarning])
        assert texts[0] == texts[1]
        assert texts[0]


# Grids


@pytest.mark.parametrize("align_corners", [False, True])
@pytest.mark.parametrize("padding_mode", ["zeros", "border", "reflection"])
@pytest.mark.parametrize("sampling", ["bilinear", "nearest", "bicubic"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_grid_sample(dtype, sampling, padding_mode, align_corners):
    array = numbers((2, 3, 5, 7), dtype)
    places = np.random.RandomState(1).uniform(-1.7, 1.7, (2, 6, 4, 2)).astype(dtype)
    input, grid = torch.from_numpy(array).requires_grad_(), torch.from_numpy(places).requires_grad_()
    output = TF.grid_sample(input, grid, sampling, padding_mode, align_corners)
    expected = [output, *torch.autograd.grad((output ** 2).sum(), (input, grid))]

    def loss(input, grid):
        return (F.grid_sample(input, grid, sampling, padding_mode, align_corners) ** 2).sum()

    tensors = Tensor(array), Tensor(places)
    found = [F.grid_sample(*tensors, sampling, padding_mode, align_corners), *ms.grad(loss, (0, 1))(*tensors)]
    for one, other in zip(found, expected, strict=True):
        other = other.detach().numpy()
        np.testing.assert_allclose(
            one.asnumpy(), other, rtol=0, atol=128 * np.finfo(dtype).eps * max(np.abs(other).max(), 1)
        )


def test_a_spatial_transformer(mode):
    """The two together, in both modes."""

    class Transformer(nn.Cell):
        def construct(self, theta, image):
            return F.grid_sample(image, F.affine_grid(theta, (2, 3, 4, 6), False), align_corners=False)

    theta, image = numbers((2, 2, 3)), numbers((2, 3, 5, 7))
    ours = ms.grad(Transformer(), (0, 1))(Tensor(theta), Tensor(image))
    inputs = torch.from_numpy(theta).requires_grad_(), torch.from_numpy(image).requires_grad_()
    grid = TF.affine_grid(inputs[0], (2, 3, 4, 6), False)
    theirs = torch.autograd.grad(TF.grid_sample(inputs[1], grid, align_corners=False).sum(), inputs)
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one.asnumpy(), other.numpy(), rtol=0, atol=1e-5 * float(other.abs().max()))


def test_graphs_know_factors_as_they_are(graph_mode):
    """A cell's factor reaches the plan in float64: as float32, 1 / 3 of 9 would have another last index."""
    for factor in (1 / 3, 2.3, 0.7, 3.3):
        array = np.arange(33, dtype=np.float32).reshape(1, 1, 33)
        expected = torch.nn.Upsample(scale_factor=factor)(torch.from_numpy(array)).numpy()
        np.testing.assert_array_equal(mscompat.nn.Upsample(scale_factor=factor)(Tensor(array)).asnumpy(), expected)


def test_repeated_gradients_in_a_graph(graph_mode):
    """From the second call on, some of MindSpore's gradients are wrong."""
    for arguments in ((None, 2), (None, 2, "bilinear"), (5, None, "bicubic")):
        cell = mscompat.nn.Upsample(*arguments)
        gradient = ms.grad(cell)
        input = Tensor(numbers((2, 3, 4, 6)))
        first = gradient(input).asnumpy()
        for _ in range(3):
            np.testing.assert_array_equal(gradient(input).asnumpy(), first)
