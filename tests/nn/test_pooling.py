"""Pools where torch's lists have nothing: NaN, infinities, dilation, empty batches, half types, derivatives, graphs."""

from __future__ import annotations

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor

torch = pytest.importorskip("torch", reason="torch is what pools are compared with")

from mscompat import functional, nn  # noqa: E402

SIZES = {1: (9,), 2: (7, 8), 3: (5, 6, 7)}
MAX_POOLS = [
    ("max_pool1d", (3, 2, 1)), ("max_pool2d", (2,)), ("max_pool2d", (3, 2, 1)),
    ("max_pool2d", ((3, 2), (2, 3), 1, 1, True)),
    ("max_pool2d", (2, 1, (0, 1), (3, 2))), ("max_pool3d", (2,)), ("max_pool3d", ((1, 3, 2), 2, (0, 1, 1))),
]
AVG_POOLS = [
    ("avg_pool1d", (3, 2, 1)), ("avg_pool2d", (2,)), ("avg_pool2d", (3, 2, 1, True, False)),
    ("avg_pool2d", (3, 2, 1, True)), ("avg_pool2d", (2, 2, 1, False, False, 3)),
    ("avg_pool2d", (2, 2, 0, True, True, -3)), ("avg_pool3d", (2, 2, 1, True)),
]
ADAPTIVE_AVG_POOLS = [
    ("adaptive_avg_pool1d", (4,)), ("adaptive_avg_pool2d", (1,)), ("adaptive_avg_pool2d", ((3, None),)),
    ("adaptive_avg_pool2d", ((7, 4),)), ("adaptive_avg_pool3d", ((2, 3, None),)), ("adaptive_avg_pool3d", (1,)),
]
ADAPTIVE_MAX_POOLS = [
    ("adaptive_max_pool1d", (4,)), ("adaptive_max_pool2d", (1,)), ("adaptive_max_pool2d", ((3, None),)),
    ("adaptive_max_pool2d", ((7, 4),)), ("adaptive_max_pool3d", ((2, 3, None),)),
]
POOLS = MAX_POOLS + AVG_POOLS + ADAPTIVE_AVG_POOLS + ADAPTIVE_MAX_POOLS


def ids(pools):
    return [f"{name}{arguments}" for name, arguments in pools]


def pools(listed):
    return pytest.mark.parametrize(("name", "arguments"), listed, ids=ids(listed))


@pytest.fixture(params=["pynative", "graph"])
def mode(request):
    ms.set_context(mode=ms.GRAPH_MODE if request.param == "graph" else ms.PYNATIVE_MODE)
    yield request.param
    ms.set_context(mode=ms.PYNATIVE_MODE)


class Pool(nn.Module):
    """A function with its arguments but the first."""

    def __init__(self, name, arguments, **keywords):
        super().__init__()
        self.function = getattr(functional, name)
        self.arguments = arguments
        self.has_indices = keywords.get("return_indices", False)

    def forward(self, input):
        if self.has_indices:
            return self.function(input, *self.arguments, return_indices=True)
        return self.function(input, *self.arguments)


def an_input(name, dtype=np.float32, batch=(2, 3)):
    return np.random.RandomState(0).standard_normal((*batch, *SIZES[int(name[-2])])).astype(dtype)


def by_torch(name, arguments, *inputs, **keywords):
    return getattr(torch.nn.functional, name)(*map(torch.from_numpy, inputs), *arguments, **keywords)


@pools(MAX_POOLS + ADAPTIVE_MAX_POOLS)
def test_nan_and_infinities_of_max_pools(name, arguments, mode):
    if mode == "graph" and "2d" not in name:
        pytest.skip("a graph for each takes long")
    for odd in ((np.nan,), (-np.inf,), (np.inf, np.nan, -np.inf)):
        array = an_input(name)
        places = np.random.RandomState(1).uniform(size=array.shape)
        for index, value in enumerate(odd):
            array[(places > index * 0.2) & (places < index * 0.2 + 0.2)] = value
        array[0, 0] = odd[0]
        output, indices = Pool(name, arguments, return_indices=True)(Tensor(array))
        expected, places = by_torch(name, arguments, array, return_indices=True)
        assert np.array_equal(output.asnumpy(), expected.numpy(), equal_nan=True)
        assert np.array_equal(indices.asnumpy(), places.numpy())
        assert indices.dtype == ms.int64


@pools(AVG_POOLS + ADAPTIVE_AVG_POOLS)
def test_nan_and_infinities_of_average_pools(name, arguments):
    for dtype in (np.float32, np.float64):
        array = an_input(name, dtype)
        array.ravel()[[5, 17, 40]] = np.nan, np.inf, -np.inf
        output = getattr(functional, name)(Tensor(array), *arguments)
        expected = by_torch(name, arguments, array).numpy()
        assert np.allclose(output.asnumpy(), expected, rtol=1e-6, atol=1e-6, equal_nan=True)


@pools(POOLS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_second_derivatives(name, arguments, dtype):
    """The derivative of the sum of the squares of a gradient: a gradient penalty."""
    for batch in ((2, 3), (3,)):
        array = an_input(name, dtype, batch)
        function = getattr(functional, name)

        def loss(input, function=function):
            return (function(2 * input, *arguments) ** 4).sum()

        gradient = ms.grad(loss)

        def penalty(input, gradient=gradient):
            return (gradient(input) ** 2).sum()

        input = torch.from_numpy(array).requires_grad_()
        theirs = getattr(torch.nn.functional, name)(2 * input, *arguments)
        (first,) = torch.autograd.grad((theirs ** 4).sum(), input, create_graph=True)
        (second,) = torch.autograd.grad((first ** 2).sum(), input)
        for found, expected in ((gradient, first.detach()), (ms.grad(penalty), second)):
            off = np.abs(found(Tensor(array)).asnumpy() - expected.numpy()).max() / expected.abs().max().item()
            assert off < 64 * np.finfo(dtype).eps


@pools([POOLS[2], AVG_POOLS[0], AVG_POOLS[1], ADAPTIVE_AVG_POOLS[1], ADAPTIVE_AVG_POOLS[2], ADAPTIVE_MAX_POOLS[2]])
def test_second_derivatives_in_a_graph(name, arguments):
    ms.set_context(mode=ms.GRAPH_MODE)
    try:
        array, pool = an_input(name), Pool(name, arguments)

        def loss(input):
            return (pool(2 * input) ** 4).sum()

        gradient = ms.grad(loss)

        def penalty(input):
            return (gradient(input) ** 2).sum()

        found = ms.grad(penalty)(Tensor(array)).asnumpy()
    finally:
        ms.set_context(mode=ms.PYNATIVE_MODE)
    input = torch.from_numpy(array).requires_grad_()
    theirs = getattr(torch.nn.functional, name)(2 * input, *arguments)
    (first,) = torch.autograd.grad((theirs ** 4).sum(), input, create_graph=True)
    (second,) = torch.autograd.grad((first ** 2).sum(), input)
    assert np.allclose(found, second.numpy(), rtol=1e-5, atol=1e-5 * second.abs().max().item())


@pools(POOLS)
def test_empty_batch(name, arguments):
    array = an_input(name, batch=(0, 3))
    function = getattr(functional, name)
    expected = by_torch(name, arguments, array)
    output = function(Tensor(array), *arguments)
    assert output.shape == tuple(expected.shape)
    gradient = ms.grad(lambda input: function(input, *arguments).sum())(Tensor(array))
    assert gradient.shape == array.shape
    if "max" in name:
        _, indices = function(Tensor(array), *arguments, return_indices=True)
        assert (indices.shape, indices.dtype) == (output.shape, ms.int64)


@pytest.mark.parametrize("name", ["max_pool2d", "avg_pool2d", "adaptive_avg_pool2d", "adaptive_max_pool2d"])
def test_empty_batch_in_a_graph(name, mode):
    assert Pool(name, (2,))(Tensor(an_input(name, batch=(0, 3)))).shape[:2] == (0, 3)


@pytest.mark.parametrize("size", [0, (0, 2), (2, 0)])
@pytest.mark.parametrize("name", ["adaptive_avg_pool2d", "adaptive_max_pool2d"])
def test_output_without_elements(name, size):
    array = an_input(name)
    assert getattr(functional, name)(Tensor(array), size).shape == tuple(by_torch(name, (size,), array).shape)
    gradient = ms.grad(lambda input: getattr(functional, name)(input, size).sum())(Tensor(array))
    assert np.array_equal(gradient.asnumpy(), np.zeros_like(array))


@pools([row for row in POOLS if row[0] != "avg_pool3d"])  # torch has none
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_types(name, arguments, dtype, mode):
    in_graphs = POOLS[2], AVG_POOLS[2], ADAPTIVE_AVG_POOLS[2], ADAPTIVE_MAX_POOLS[2]
    if mode == "graph" and (name, arguments) not in in_graphs:
        pytest.skip("a graph for each takes long")
    array = torch.from_numpy(an_input(name)).to(getattr(torch, dtype))
    expected = getattr(torch.nn.functional, name)(array, *arguments).double().numpy()
    exact = getattr(torch.nn.functional, name)(array.double(), *arguments).numpy()
    output = Pool(name, arguments)(Tensor(array.float().numpy(), getattr(ms, dtype)))
    assert output.dtype == getattr(ms, dtype)
    limit = max(np.abs(expected - exact).max(), torch.finfo(array.dtype).eps * np.abs(exact).max())
    assert np.abs(output.float().asnumpy() - exact).max() <= limit


@pytest.mark.parametrize("dtype", ["int8", "int16", "int32", "int64", "uint8"])
def test_integers(dtype):
    array = np.random.RandomState(0).randint(0, 100, (2, 3, 7, 8)).astype(dtype)
    output = functional.max_pool2d(Tensor(array), 3, 2, 1)
    assert output.dtype == getattr(ms, dtype)
    assert np.array_equal(output.asnumpy(), by_torch("max_pool2d", (3, 2, 1), array).numpy())


@pools([POOLS[2], AVG_POOLS[1], AVG_POOLS[2], ADAPTIVE_AVG_POOLS[1], ADAPTIVE_AVG_POOLS[2], ADAPTIVE_MAX_POOLS[2]])
def test_graph_takes_another_shape(name, arguments):
    ms.set_context(mode=ms.GRAPH_MODE)
    try:
        pool = Pool(name, arguments)

        def summed(input):
            return pool(input).sum()

        for shape in ((2, 3, 7, 8), (1, 2, 9, 10), (2, 3, 7, 8)):
            array = np.random.RandomState(0).standard_normal(shape).astype(np.float32)
            gradient = ms.grad(summed)(Tensor(array)).asnumpy()
            expected = by_torch(name, arguments, array).numpy()
            assert np.allclose(pool(Tensor(array)).asnumpy(), expected, rtol=1e-5, atol=1e-6)
            assert np.isclose(gradient.sum(), sum_of_gradient(name, arguments, array), rtol=1e-5)
    finally:
        ms.set_context(mode=ms.PYNATIVE_MODE)


def sum_of_gradient(name, arguments, array):
    input = torch.from_numpy(array).requires_grad_()
    return torch.autograd.grad(getattr(torch.nn.functional, name)(input, *arguments).sum(), input)[0].sum().item()


@pools([POOLS[1], POOLS[2], AVG_POOLS[1], AVG_POOLS[2], ADAPTIVE_AVG_POOLS[1], ADAPTIVE_MAX_POOLS[1]])
def test_sizes_that_are_not_known_before_the_call(name, arguments):
    ms.set_context(mode=ms.GRAPH_MODE)
    try:
        for open_shape in ((None, 3, 7, 8), (None, 3, None, None)):
            pool = Pool(name, arguments)
            pool.set_inputs(Tensor(shape=open_shape, dtype=ms.float32))
            for batch in (2, 5):
                array = an_input(name, batch=(batch, 3))
                expected = by_torch(name, arguments, array).numpy()
                assert np.allclose(pool(Tensor(array)).asnumpy(), expected, rtol=1e-5, atol=1e-6)
    finally:
        ms.set_context(mode=ms.PYNATIVE_MODE)


WRONG = [
    (name, arguments)
    for name in ("max_pool1d", "max_pool2d", "max_pool3d", "avg_pool1d", "avg_pool2d", "avg_pool3d")
    for arguments in (
        (2.0,), ("a",), (True,), (None,), (0,), (-1,), ((2, 2, 2, 2),), ((),), ((2.0,),), (2, 0), (2, -1),
        (2, (1, 1, 1, 1)), (2, 1.5), (2, 2, 2), (2, 2, -1), (2, 2, (1, 1, 1, 1)), (2, 2, ()), (20,),
    )
] + [
    (name, arguments)
    for name in ("max_pool1d", "max_pool2d", "max_pool3d")
    for arguments in ((2, 2, 0, 0), (2, 2, 0, -2), (2, 2, 0, ()), (2, 2, 0, 20), (2, 2, 0, 1, 1), (2, 2, 0, 1, None))
] + [
    (name, arguments) for name in ("avg_pool2d", "avg_pool3d")
    for arguments in ((2, 2, 0, 1), (2, 2, 0, False, 2), (2, 2, 0, False, True, 0), (2, 2, 0, False, True, 1.5))
] + [
    (f"adaptive_{kind}_pool{dimensions}d", (size,)) for kind in ("avg", "max") for dimensions in (1, 2, 3)
    for size in ((), (2, 3, 4, 5), 2.0, None, -1, True, (2.5,) * dimensions, (-1,) * dimensions)
]


@pytest.mark.parametrize(("name", "arguments"), WRONG, ids=[f"{name}{arguments}" for name, arguments in WRONG])
def test_wrong_arguments(name, arguments):
    """torch's class and sentence."""
    array = an_input(name)
    with pytest.raises((RuntimeError, TypeError, ValueError, IndexError)) as theirs:
        by_torch(name, arguments, array)
    with pytest.raises(type(theirs.value)) as ours:
        getattr(functional, name)(Tensor(array), *arguments)
    assert same_sentence(str(ours.value), str(theirs.value))


@pytest.mark.parametrize("shape", [
    (8,), (3, 8), (0, 8), (3, 0), (2, 0, 8), (2, 3, 0), (0, 8, 9), (2, 0, 8, 9), (2, 3, 0, 9), (0, 3, 8, 9),
    (2, 3, 8, 9, 7), (2, 0, 8, 9, 7), (2, 3, 8, 0, 7), (1, 2, 3, 8, 9, 7),
])
@pytest.mark.parametrize("kind", ["max", "avg", "adaptive_max", "adaptive_avg"])
def test_shapes(kind, shape):
    """Taken or refused as by torch."""
    array = np.zeros(shape, np.float32)
    for dimensions in (1, 2, 3):
        name = f"{kind}_pool{dimensions}d"
        expected = shape_or_error(by_torch, name, (2,), array)
        found = shape_or_error(getattr(functional, name), Tensor(array), 2)
        assert type(found) is type(expected)
        if isinstance(expected, Exception):
            assert same_sentence(str(found), str(expected))
        else:
            assert found == expected


def shape_or_error(function, *arguments):
    try:
        return tuple(function(*arguments).shape)
    except (RuntimeError, IndexError, ValueError) as error:
        return error


def same_sentence(ours, theirs):
    """But for the position of an argument, the dot at the end, and whom the sentence is from."""
    def plain(text):
        for position in range(1, 8):
            text = text.replace(f" (position {position})", "")
        return text.split("\n")[0].rstrip(".").partition("(): argument")[2] or text.split("\n")[0].rstrip(".")

    return plain(theirs).replace("argument ", "") in ours.replace("argument ", "")


@pytest.mark.parametrize("mode", ["graph"], indirect=True)
@pytest.mark.parametrize(("arguments", "sentence"), [
    ((2, 0), "stride should not be zero"), ((2, 2, 2), "pad should be at most half"),
    ((20,), "Output size is too small"),
])
def test_wrong_arguments_in_a_graph(arguments, sentence, mode):
    with pytest.raises(RuntimeError, match=sentence):
        Pool("max_pool2d", arguments)(Tensor(an_input("max_pool2d")))


@pytest.mark.parametrize(("name", "dtype"), [
    ("max_pool2d", "bool"), ("avg_pool2d", "int32"), ("adaptive_avg_pool2d", "int64"),
])
def test_dtypes_that_are_refused(name, dtype):
    array = an_input(name).astype(dtype)
    with pytest.raises(NotImplementedError) as theirs:
        by_torch(name, (2,), array)
    with pytest.raises(NotImplementedError) as ours:
        getattr(functional, name)(Tensor(array), 2)
    assert str(theirs.value) in str(ours.value)


def test_windows_in_the_padding_are_refused():
    """torch gives -inf, and an index that is outside of the input."""
    array = np.zeros((1, 1, 2, 5), np.float32)
    _, indices = by_torch("max_pool2d", ((2, 2), (1, 3), (1, 0), (3, 1)), array, return_indices=True)
    assert indices.max() >= 10
    with pytest.raises(RuntimeError, match="all its elements in the padding"):
        functional.max_pool2d(Tensor(array), (2, 2), (1, 3), (1, 0), (3, 1))


@pytest.mark.parametrize(("shape", "window", "size"), [
    ((2, 3, 6, 8), (2,), None), ((2, 3, 7, 9), (3, 2, 1), None), ((2, 3, 7, 9), (2,), (7, 9)),
    ((3, 7, 9), (2, 2), [7, 9]),
    ((2, 3, 7, 9), (2,), (2, 3, 7, 9)), ((2, 3, 6, 8), ((3, 2), (3, 2)), None), ((0, 3, 6, 8), (2,), None),
])
def test_max_unpool2d(shape, window, size, mode):
    array = np.random.RandomState(0).standard_normal(shape).astype(np.float32)
    output, indices = by_torch("max_pool2d", window, array, return_indices=True)
    output = output.requires_grad_()
    theirs = torch.nn.MaxUnpool2d(*window)
    expected = theirs(output, indices, size)
    (gradient,) = torch.autograd.grad((expected ** 3).sum(), output)
    cell = nn.MaxUnpool2d(*window)
    assert repr(cell) == repr(theirs)

    def loss(input, indices):
        return (cell(input, indices, size) ** 3).sum()

    inputs = Tensor(output.detach().numpy()), Tensor(indices.numpy())
    assert np.array_equal(cell(*inputs, size).asnumpy(), expected.detach().numpy())
    assert np.allclose(ms.grad(loss)(*inputs).asnumpy(), gradient.numpy(), rtol=1e-6)


def test_second_derivatives_of_max_unpool2d():
    array = an_input("max_pool2d")
    output, indices = by_torch("max_pool2d", (2,), array, return_indices=True)
    output = output.requires_grad_()
    (first,) = torch.autograd.grad(
        (torch.nn.functional.max_unpool2d(2 * output, indices, 2) ** 4).sum(), output, create_graph=True
    )
    (second,) = torch.autograd.grad((first ** 2).sum(), output)
    places = Tensor(indices.numpy())
    gradient = ms.grad(lambda input: (functional.max_unpool2d(2 * input, places, 2) ** 4).sum())
    found = ms.grad(lambda input: (gradient(input) ** 2).sum())(Tensor(output.detach().numpy()))
    assert np.allclose(found.asnumpy(), second.numpy(), rtol=1e-5)


def test_wrong_calls_of_max_unpool2d():
    input, indices = np.zeros((1, 1, 2, 2), np.float32), np.zeros((1, 1, 2, 2), np.int64)
    for array, places, arguments in (
        (input, indices.astype(np.float32), (2,)), (input, indices.astype(np.int32), (2,)),
        (input, indices[..., :1].copy(), (2,)), (input[0, 0], indices[0, 0], (2,)), (input, indices, (2, None, 3)),
        (input, indices, (2, None, 0, (9, 9))), (input, indices, (2, None, 0, (5,))), (input, indices, (2.5,)),
        (input.astype(np.int32), indices, (2,)), (input[:, :0], indices[:, :0], (2,)),
    ):
        with pytest.raises((RuntimeError, TypeError, ValueError)) as theirs:
            by_torch("max_unpool2d", arguments, array, places)
        with pytest.raises(type(theirs.value)) as ours:
            functional.max_unpool2d(Tensor(array), Tensor(places), *arguments)
        assert same_sentence(str(ours.value), str(theirs.value).replace(" (position 3)", ""))


def test_lists_and_attributes():
    array = Tensor(an_input("max_pool2d"))
    assert functional.max_pool2d(array, [2, 2], [1, 2]).shape == (2, 3, 6, 4)
    cell = nn.MaxPool2d(2)
    assert cell(array).shape == (2, 3, 3, 4)
    cell.stride = 1
    assert cell(array).shape == (2, 3, 6, 7)
