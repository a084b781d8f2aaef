"""Legal arguments drawn at random with a fixed seed, against torch (the NumPy reference where it is not installed)."""

from __future__ import annotations

import numpy as np
import oracle
import pytest
from cases import PADDING_MODES, Case
from harness import check_case

CALLS = {"pynative": 100, "graph": 12}


def draw_pair(random, low: int, high: int):
    """A pair in one of torch's forms, from low to high inclusive."""
    pair = [int(random.randint(low, high + 1)) for _ in range(2)]
    return [pair[0], tuple(pair), pair, (pair[0],)][random.choice(4, p=[0.3, 0.4, 0.2, 0.1])]


def draw_channels(random) -> dict:
    groups = int(random.choice([1, 1, 2, 3]))
    return {
        "in_channels": groups * int(random.randint(1, 4)),
        "out_channels": groups * int(random.randint(1, 4)),
        "groups": groups,
        "bias": bool(random.randint(2)),
    }


def draw_conv2d(random, name: str) -> Case | None:
    mode = str(random.choice(PADDING_MODES))
    arguments = {
        **draw_channels(random),
        "kernel_size": tuple(int(size) for size in random.randint(1, 5, 2)),
        "stride": draw_pair(random, 1, 3),
        "padding": ["same", "valid", draw_pair(random, 0, 4)][random.choice(3, p=[0.2, 0.1, 0.7])],
        "dilation": draw_pair(random, 1, 3),
        "padding_mode": mode,
    }
    if arguments["padding"] == "same":
        arguments["stride"] = 1
    size = tuple(int(rows) for rows in random.randint(1, 11, 2))
    if mode != "zeros" and isinstance(arguments["padding"], (tuple, list)) and len(arguments["padding"]) == 1:
        return None
    pads = oracle.padding_of(arguments)
    for axis in (0, 1):
        kernel = oracle.pair(arguments["dilation"])[axis] * (arguments["kernel_size"][axis] - 1) + 1
        if size[axis] + sum(pads[axis]) < kernel:
            return None
        if max(pads[axis]) > {"zeros": 99, "replicate": 99, "reflect": size[axis] - 1, "circular": size[axis]}[mode]:
            return None
    return Case(name, arguments, (arguments["in_channels"], *size), batch=int(random.randint(1, 4)))


def draw_conv_transpose2d(random, name: str) -> Case | None:
    arguments = {
        **draw_channels(random),
        "kernel_size": tuple(int(size) for size in random.randint(1, 5, 2)),
        "stride": draw_pair(random, 1, 4),
        "padding": draw_pair(random, 0, 3),
        "dilation": draw_pair(random, 1, 4),
    }
    limits = np.maximum(oracle.pair(arguments["stride"]), oracle.pair(arguments["dilation"]))
    arguments["output_padding"] = tuple(int(random.randint(0, limit)) for limit in limits)
    size = [int(rows) for rows in random.randint(1, 7, 2)]
    output = [
        (size[axis] - 1) * oracle.pair(arguments["stride"])[axis] - 2 * oracle.pair(arguments["padding"])[axis]
        + oracle.pair(arguments["dilation"])[axis] * (arguments["kernel_size"][axis] - 1) + 1
        for axis in (0, 1)
    ]
    if min(output) < 1:
        return None
    output_size = None
    # torch indexes into stride, padding and dilation here: their 1-element forms end in an IndexError.
    whole = all(isinstance(value, int) or len(value) == 2
                for value in (arguments[name] for name in ("stride", "padding", "dilation")))
    if whole and random.randint(3) == 0:
        output_size = tuple(
            least + int(random.randint(0, step))
            for least, step in zip(output, oracle.pair(arguments["stride"]), strict=True)
        )
    return Case(name, arguments, (arguments["in_channels"], *size), batch=int(random.randint(1, 4)),
                output_size=output_size)


@pytest.mark.parametrize("transposed", [False, True], ids=["conv2d", "conv_transpose2d"])
def test_random_calls(transposed, mode):
    random = np.random.RandomState(2026)
    draw = draw_conv_transpose2d if transposed else draw_conv2d
    done = 0
    while done < CALLS[mode]:
        case = draw(random, f"fuzz_{done}")
        if case is None:
            continue
        done += 1
        check_case(case, transposed)


@pytest.mark.parametrize("groups", [1, 2])
def test_transposed_is_the_adjoint(groups, mode):
    """<conv(x), y> == <x, conv_transpose(y)>: one weight, stride, padding and dilation."""
    import mindspore as ms
    from mindspore import Tensor

    from mscompat import functional as F

    random = np.random.RandomState(groups)
    weight, input = random.standard_normal((6, 4 // groups, 3, 2)), random.standard_normal((2, 4, 8, 9))
    steps = {"stride": (2, 3), "padding": (1, 2), "dilation": (2, 1), "groups": groups}

    class Pair(ms.nn.Cell):
        def construct(self, input, weight, other):
            # (8 + 2 - 5) and (9 + 4 - 2) leave remainders 1 and 2: output_padding gives the input's size back.
            return F.conv2d(input, weight, **steps), F.conv_transpose2d(other, weight, output_padding=(1, 2), **steps)

    other = random.standard_normal((2, 6, 3, 4))
    forward, backward = Pair()(*(Tensor(array, ms.float64) for array in (input, weight, other)))
    assert forward.shape == other.shape
    assert backward.shape == input.shape
    np.testing.assert_allclose((forward.asnumpy() * other).sum(), (input * backward.asnumpy()).sum(), rtol=1e-12)
