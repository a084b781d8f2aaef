"""torch's stream of random numbers: see also test_init.py, for uniform values."""

from __future__ import annotations

import mindspore as ms
import numpy as np
import pytest

import mscompat
from mscompat import _cephes, _rounding, random

torch = pytest.importorskip("torch")

DTYPES = ("float32", "float64", "float16", "bfloat16")
SIZES = (*range(101), 127, 128, 1000, 4097, 100_000, 2**20 + 5)


def bits(array: np.ndarray) -> np.ndarray:
    """The numbers as integers: -0 is not 0."""
    return array.view({2: np.int16, 4: np.int32, 8: np.int64}[array.dtype.itemsize])


def torch_normal(mean: float, std: float, size: int, dtype: str) -> np.ndarray:
    values = torch.empty(size, dtype=getattr(torch, dtype)).normal_(mean, std)
    return (values.float() if dtype == "bfloat16" else values).numpy()


@pytest.fixture(autouse=True)
def seed():
    mscompat.manual_seed(5)
    torch.manual_seed(5)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("mean", "std"), [(0, 1), (0.3, 0.02), (-1, 1e-3), (0, 1e-41), (5, 0), (0, 1e3), (-7, 1e-8)])
def test_normal_is_torchs_bit_for_bit(dtype, mean, std):
    """One stream through all sizes: the second value of a pair stays for the next odd size below 16."""
    for size in SIZES:
        if size > 1000 and std not in (1, 0.02):
            continue
        expected, actual = torch_normal(mean, std, size, dtype), random.normal(mean, std, size, getattr(ms, dtype))
        assert (actual.shape, actual.dtype) == (expected.shape, expected.dtype)
        np.testing.assert_array_equal(bits(actual), bits(expected), err_msg=str(size))


def test_many_seeds():
    for number in range(100):
        mscompat.manual_seed(number)
        torch.manual_seed(number)
        for dtype in DTYPES:
            actual = random.normal(0, 1, 64 + number, getattr(ms, dtype))
            np.testing.assert_array_equal(bits(actual), bits(torch_normal(0, 1, 64 + number, dtype)))


def test_second_of_a_pair_waits():
    """Through other draws, in all dtypes; manual_seed forgets it."""
    draws = (("float32", 3), ("float32", 40), ("float64", 1), ("float16", 5), ("bfloat16", 0), ("float64", 7))
    for dtype, size in draws:
        np.testing.assert_array_equal(random.normal(0, 1, size, getattr(ms, dtype)), torch_normal(0, 1, size, dtype))
        np.testing.assert_array_equal(random.uniform(0, 1, 3, ms.float32), torch.rand(3).numpy())
    first = random.normal(0, 1, 1, ms.float32)
    mscompat.manual_seed(5)
    torch.manual_seed(5)
    second = random.normal(0, 1, 1, ms.float32)
    np.testing.assert_array_equal(second, torch_normal(0, 1, 1, "float32"))
    assert first != second


def test_permutation():
    for size in (0, 1, 2, 3, 10, 1000, 5000):
        np.testing.assert_array_equal(random.permutation(size), torch.randperm(size).numpy())
        np.testing.assert_array_equal(random.uniform(0, 1, 1, ms.float32), torch.rand(1).numpy())


def test_every_float32_logarithm_and_angle_that_a_draw_can_need_is_close():
    """Of all numbers that a draw of 24 bits gives, every 97th: the polynomials err by a few ulp."""
    draws = np.arange(0, 2**24, 97).astype(np.float32) * np.float32(2.0**-24)
    exact = np.log(np.float64(1) - draws)
    np.testing.assert_allclose(_cephes.log(np.float32(1) - draws), exact, rtol=4e-7)
    angles = np.float32(2 * np.pi) * draws
    sin, cos = _cephes.sin_and_cos(angles)
    np.testing.assert_allclose(sin, np.sin(angles.astype(np.float64)), rtol=2e-7, atol=2e-7)
    np.testing.assert_allclose(cos, np.cos(angles.astype(np.float64)), rtol=2e-7, atol=2e-7)


def test_fma_float32_rounds_once():
    """Where the exact sum lies beside the middle of two float32, closer than float64 can tell; and among subnormals."""
    one, small = np.float32(1), np.float32(2.0**-24)
    tiny = np.float32(2.0**-60)
    for sign in (1, -1):
        # 1 + 2^-24 is halfway between 1 and the next float32; 2^-60 more, or less, decides.
        factor = np.array([small * (1 + 2.0**-23)], np.float32)
        assert _rounding.fma_float32(factor, one, one)[0] == np.float32(1 + 2.0**-23)
        product = _rounding.fma_float32(np.array([sign * tiny]), one, np.float64(1) + 2.0**-24)
        assert product[0] == (1 + 2.0**-23 if sign > 0 else 1)
    values = np.random.RandomState(0).uniform(-1, 1, 1000).astype(np.float32) * np.float32(2.0**-70)
    exact = (values.astype(np.longdouble) * np.longdouble(np.float32(2.0**-60))).astype(np.float32)
    np.testing.assert_array_equal(_rounding.fma_float32(values, np.float32(2.0**-60), np.float32(0)), exact)


def test_unseeded_draws_differ(monkeypatch):
    monkeypatch.setattr(random, "_generator", None)
    monkeypatch.setattr(ms, "get_seed", lambda: None)
    for size in (1, 20):
        first, second = (random.normal(0, 1, size, ms.float32) for _ in range(2))
        assert not np.array_equal(first, second)


def build(nn, dtype):
    """A model as torch users write them."""
    return nn.Sequential(
        nn.Embedding(50, 12, padding_idx=3, dtype=dtype),
        nn.Linear(12, 7, dtype=dtype),
        nn.Conv1d(7, 4, 3, dtype=dtype),
        nn.BatchNorm1d(4, dtype=dtype),
        nn.ConvTranspose2d(3, 5, (2, 3), dtype=dtype),
        nn.LayerNorm(5, dtype=dtype),
        nn.GroupNorm(2, 4, dtype=dtype),
        nn.Bilinear(3, 4, 5, dtype=dtype),
        nn.Embedding(3, 4, dtype=dtype),  # 12 values: not by the vectorised code
        nn.Embedding(1, 3, dtype=dtype),  # and an odd number
        nn.Linear(5, 6, bias=False, dtype=dtype),
        nn.Conv3d(2, 3, 1, dtype=dtype),
    )


def initialise(nn, model):
    """What DCGAN, and many after it, do."""
    for module in model.modules():
        if isinstance(module, (nn.Conv1d, nn.ConvTranspose2d, nn.Conv3d, nn.Linear)):
            nn.init.normal_(module.weight.data, 0.0, 0.02)
            if module.bias is not None:
                nn.init.constant_(module.bias.data, 0)
        elif isinstance(module, nn.BatchNorm1d):
            nn.init.normal_(module.weight.data, 1.0, 0.02)
        elif isinstance(module, nn.Embedding):
            nn.init.xavier_normal_(module.weight)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_same_seed_same_network(dtype):
    ours, theirs = build(mscompat.nn, getattr(ms, dtype)), build(torch.nn, getattr(torch, dtype))
    for _ in range(2):
        assert list(ours.state_dict()) == list(theirs.state_dict())
        for name, value in theirs.state_dict().items():
            np.testing.assert_array_equal(ours.state_dict()[name].asnumpy(), value.numpy(), err_msg=name)
        initialise(mscompat.nn, ours)
        initialise(torch.nn, theirs)
