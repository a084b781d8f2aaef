"""The whole table by each algorithm: not only by the one that this processor takes."""

from __future__ import annotations

import mindspore as ms
import numpy as np
import pytest
import table
from cases import Case, expand
from harness import check_case
from mindspore import Tensor, nn

from mscompat._conv.algorithms import tiles
from mscompat._conv.algorithms.cells import AxisRange


@pytest.mark.parametrize(("case", "transposed"), table.parameters(table.FEW_NAMES, table.is_few))
def test_im2col(case, transposed, slow_onednn):
    check_case(case, transposed)


# By default every third row: a tile's arithmetic is that of test_im2col, which has them all.
@pytest.mark.parametrize(("case", "transposed"), table.parameters(table.FEW_NAMES[::3], table.is_smoke))
def test_im2col_in_tiles(case, transposed, slow_onednn, small_tiles):
    check_case(case, transposed)


@pytest.mark.parametrize(("case", "transposed"), table.parameters(
    ["conv2d-same_kernel_(2, 3)_dilation_(1, 3)", "conv_transpose2d-float64_groups"], table.is_smoke
))
def test_im2col_in_graph_mode(case, transposed, slow_onednn, graph_mode, monkeypatch, request):
    """As they are, and in tiles, so once more where they are whole."""
    limit, tiled = tiles.patch_limit, []

    def recorded(c):
        tiled.append(c.patches() > limit(c))
        return limit(c)

    monkeypatch.setattr(tiles, "patch_limit", recorded)
    check_case(case, transposed)
    if not any(tiled):
        request.getfixturevalue("small_tiles")
        request.getfixturevalue("forgotten")()
        check_case(case, transposed)


def is_smoke_and_may_be_refused(case, transposed):
    return case.dimensions < 3 and table.is_smoke(case, transposed)


@pytest.mark.parametrize(("case", "transposed"), table.parameters(
    ["conv2d-groups_2_out_6_stride_(2, 1)_padding_(1, 2)_dilation_1", "conv2d-reflect_padding_(2, 3)",
     "conv1d-replicate_stride_dilation_groups", "conv_transpose2d-stride_tuple", "conv_transpose1d-float64"],
    is_smoke_and_may_be_refused,
))
def test_im2col_with_native_gradients(case, transposed, always_refused, small_tiles):
    """As large kernels of few channels are computed."""
    check_case(case, transposed)


@pytest.mark.parametrize(("case", "transposed"), table.parameters(
    ["conv2d-same_kernel_(2, 3)_dilation_(1, 3)", "conv1d-stride_tuple", "conv_transpose1d-stride_list"],
    is_smoke_and_may_be_refused,
))
def test_im2col_with_native_gradients_in_graph_mode(case, transposed, always_refused, graph_mode):
    check_case(case, transposed)


def may_flip(case, transposed):
    """Whether the algorithm can be another than that of test_layers.py."""
    channels = case.arguments["in_channels"], case.arguments["out_channels"]
    output, input = channels if transposed else channels[::-1]
    stride = expand(case.arguments.get("stride", 1), case.dimensions)
    return case.dimensions < 3 and table.is_few(case, transposed) and output <= input and max(stride) == 1


# What the table has few of: as many channels as the input or fewer, and stride 1.
NARROWING = [
    (Case(f"narrowing_{in_channels}_{out_channels}_groups_{groups}_kernel_{kernel}_dilation_{dilation}_{padding}_{mode}",
          {"in_channels": in_channels, "out_channels": out_channels, "groups": groups, "kernel_size": kernel,
           "dilation": dilation, "padding": padding, "padding_mode": mode}, (in_channels, 7, 9)), False)
    for in_channels, out_channels, groups in ((4, 1, 1), (6, 4, 2), (4, 4, 1), (6, 6, 6))
    for kernel, dilation, padding, mode in (
        ((3, 2), 1, 0, "zeros"), ((2, 4), 1, "same", "zeros"), ((3, 2), (2, 3), (4, 3), "zeros"),
        ((1, 3), 1, (0, 2), "reflect"), ((3, 2), (1, 2), (3, 1), "zeros"),  # 3 is above the kernel: not flipped
    )
]


NARROWING_GRAPHS = {
    "narrowing_4_1_groups_1_kernel_(3, 2)_dilation_1_0_zeros",
    "narrowing_6_4_groups_2_kernel_(2, 4)_dilation_1_same_zeros",
    "narrowing_6_6_groups_6_kernel_(1, 3)_dilation_1_(0, 2)_reflect",
}


@pytest.mark.parametrize(
    ("case", "transposed"),
    [*table.parameters(table.FEW_NAMES, table.is_few), *(pytest.param(*row, id=row[0].name) for row in NARROWING)],
)
def test_flipped(case, transposed, always_flipped):
    check_case(case, transposed)


@pytest.mark.parametrize(
    ("case", "transposed"),
    [
        *table.parameters(
            ["conv2d-channels_3_to_1", "conv2d-groups_6_out_12_stride_1_padding_(2, 1)_dilation_(2, 1)",
             "conv_transpose2d-groups_6_out_12_stride_1_padding_0_dilation_1"],
            may_flip,
        ),
        *(
            pytest.param(*row, marks=[] if row[0].name in NARROWING_GRAPHS else pytest.mark.slow, id=row[0].name)
            for row in NARROWING
        ),
    ],
)
def test_flipped_in_graph_mode(case, transposed, always_flipped, graph_mode):
    check_case(case, transposed)


class Cube(nn.Cell):
    def __init__(self, cell):
        super().__init__()
        self.cell = cell

    def construct(self, input):
        output = self.cell(input)
        return output * output * output


class Gradient(nn.Cell):
    def __init__(self, cell):
        super().__init__()
        self.cell = cell

    def construct(self, input):
        return ms.grad(self.cell)(input)


def test_axis_range(mode):
    """What differentiates it itself is the fourth derivative of a convolution by im2col."""
    numbers = np.random.RandomState(0).standard_normal((2, 3, 7, 4)).astype(np.float32)
    part = np.zeros_like(numbers)
    part[:, :, 1:5] = numbers[:, :, 1:5]
    axis_range, input = AxisRange(2, 7, 1, 5), Tensor(numbers)
    np.testing.assert_array_equal(axis_range(input).asnumpy(), numbers[:, :, 1:5])
    first = Gradient(Cube(axis_range))
    np.testing.assert_allclose(first(input).asnumpy(), 3 * part**2, rtol=1e-6)
    np.testing.assert_allclose(Gradient(first)(input).asnumpy(), 6 * part, rtol=1e-6)
