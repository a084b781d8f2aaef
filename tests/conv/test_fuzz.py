"""Legal arguments drawn at random with a fixed seed, against torch (the NumPy reference where it is not installed)."""

from __future__ import annotations

import math

import numpy as np
import oracle
import pytest
from cases import PADDING_MODES, Case, expand
from harness import check_case

CALLS = {  # of each number of dimensions
    "pynative": {1: 20, 2: 60, 3: 20},
    "graph": {1: 2, 2: 6, 3: 2},
}


def draw_sizes(random, low: int, high: int, dimensions: int):
    """A size for each axis in one of torch's forms, from low to high inclusive."""
    sizes = [int(random.randint(low, high + 1)) for _ in range(dimensions)]
    return [sizes[0], tuple(sizes), sizes, (sizes[0],)][random.choice(4, p=[0.3, 0.4, 0.2, 0.1])]


def draw_channels(random) -> dict:
    groups = int(random.choice([1, 1, 2, 3]))
    return {
        "in_channels": groups * int(random.randint(1, 4)),
        "out_channels": groups * int(random.randint(1, 4)),
        "groups": groups,
        "bias": bool(random.randint(2)),
    }


def draw_kernel(random, dimensions: int) -> tuple[int, ...]:
    return tuple(int(size) for size in random.randint(1, 5, dimensions))


def draw_conv(random, name: str, dimensions: int) -> Case | None:
    mode = str(random.choice(PADDING_MODES))
    arguments = {
        **draw_channels(random),
        "kernel_size": draw_kernel(random, dimensions),
        "stride": draw_sizes(random, 1, 3, dimensions),
        "padding": ["same", "valid", draw_sizes(random, 0, 4, dimensions)][random.choice(3, p=[0.2, 0.1, 0.7])],
        "dilation": draw_sizes(random, 1, 3, dimensions),
        "padding_mode": mode,
    }
    if arguments["padding"] == "same":
        arguments["stride"] = 1
    size = tuple(int(rows) for rows in random.randint(1, 11, dimensions))
    padding = arguments["padding"]
    if mode != "zeros" and dimensions > 1 and isinstance(padding, (tuple, list)) and len(padding) == 1:
        return None
    pads = oracle.padding_of(arguments, dimensions)
    reaches = zip(size, pads, arguments["kernel_size"], expand(arguments["dilation"], dimensions), strict=True)
    for rows, pad, kernel, spread in reaches:
        if rows + sum(pad) < spread * (kernel - 1) + 1:
            return None
        if max(pad) > {"zeros": 99, "replicate": 99, "reflect": rows - 1, "circular": rows}[mode]:
            return None
    return Case(name, arguments, (arguments["in_channels"], *size), batch=int(random.randint(1, 4)))


def draw_conv_transpose(random, name: str, dimensions: int) -> Case | None:
    arguments = {
        **draw_channels(random),
        "kernel_size": draw_kernel(random, dimensions),
        "stride": draw_sizes(random, 1, 4, dimensions),
        "padding": draw_sizes(random, 0, 3, dimensions),
        "dilation": draw_sizes(random, 1, 4, dimensions),
    }
    stride, padding, dilation = (expand(arguments[key], dimensions) for key in ("stride", "padding", "dilation"))
    arguments["output_padding"] = tuple(int(random.randint(0, limit)) for limit in np.maximum(stride, dilation))
    size = [int(rows) for rows in random.randint(1, 7, dimensions)]
    output = [
        (rows - 1) * step - 2 * pad + spread * (kernel - 1) + 1
        for rows, step, pad, spread, kernel in zip(
            size, stride, padding, dilation, arguments["kernel_size"], strict=True
        )
    ]
    if min(output) < 1 or math.prod(output) > 20_000:
        return None
    output_size = None
    # torch indexes into stride, padding and dilation here: their 1-element forms end in an IndexError.
    whole = all(isinstance(value, int) or len(value) == dimensions
                for value in (arguments[name] for name in ("stride", "padding", "dilation")))
    if whole and random.randint(3) == 0:
        output_size = tuple(least + int(random.randint(0, step)) for least, step in zip(output, stride, strict=True))
    return Case(name, arguments, (arguments["in_channels"], *size), batch=int(random.randint(1, 4)),
                output_size=output_size)


@pytest.mark.parametrize("seed", [2026, pytest.param(2027, marks=pytest.mark.slow)])
@pytest.mark.parametrize("dimensions", [1, 2, 3])
@pytest.mark.parametrize("transposed", [False, True], ids=["conv", "conv_transpose"])
def test_random_calls(transposed, dimensions, seed, mode):
    random = np.random.RandomState(seed)
    draw = draw_conv_transpose if transposed else draw_conv
    done = 0
    while done < CALLS[mode][dimensions]:
        case = draw(random, f"fuzz_{done}", dimensions)
        if case is None:
            continue
        done += 1
        check_case(case, transposed)


@pytest.mark.parametrize("dimensions", [1, 2, 3])
@pytest.mark.parametrize("groups", [1, 2])
def test_transposed_is_the_adjoint(groups, dimensions, mode):
    """<conv(x), y> == <x, conv_transpose(y)>: one weight, stride, padding and dilation."""
    import mindspore as ms
    from mindspore import Tensor

    from mscompat import functional as F

    def of(*sizes):
        return sizes[:dimensions]

    random = np.random.RandomState(groups)
    weight = random.standard_normal((6, 4 // groups, *of(3, 2, 2)))
    input = random.standard_normal((2, 4, *of(8, 9, 7)))
    steps = {"stride": of(2, 3, 1), "padding": of(1, 2, 0), "dilation": of(2, 1, 3), "groups": groups}
    conv, conv_transpose = getattr(F, f"conv{dimensions}d"), getattr(F, f"conv_transpose{dimensions}d")
    # (8 + 2 - 5) and (9 + 4 - 2) leave remainders 1 and 2: output_padding gives the input's size back.
    extra = of(1, 2, 0)

    class Pair(ms.nn.Cell):
        def construct(self, input, weight, other):
            return conv(input, weight, **steps), conv_transpose(other, weight, output_padding=extra, **steps)

    other = random.standard_normal((2, 6, *of(3, 4, 4)))
    forward, backward = Pair()(*(Tensor(array, ms.float64) for array in (input, weight, other)))
    assert forward.shape == other.shape
    assert backward.shape == input.shape
    np.testing.assert_allclose((forward.asnumpy() * other).sum(), (input * backward.asnumpy()).sum(), rtol=1e-12)
