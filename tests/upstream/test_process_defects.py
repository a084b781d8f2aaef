"""What MindSpore costs and lacks, where it shows without a clock."""

from __future__ import annotations

import gc

import pytest
from defects import MENDED, numbers
from mindspore import nn, ops
from mindspore.ops import auto_generate
from mindspore.ops.operations import _grad_ops, nn_ops


@pytest.mark.parametrize(("operator", "arguments"), [
    (ops.Slice, ((0, 0, 0, 2), (2, 4, 7, 3))), (ops.Transpose, ((1, 0, 3, 2),)),
])
def test_slice_and_transpose_make_views(operator, arguments):
    """MS-31: whose values are in another order in memory, so that the next operator copies them."""
    assert not operator()(numbers(2, 4, 7, 5), *arguments).is_contiguous(), MENDED


class AddOne(nn.Cell):
    def construct(self, input):
        return input + 1


def test_compiling_a_cell_collects_garbage(graph_mode):
    """MS-40: of every generation; a second call, which compiles nothing, does not."""
    generations = []

    def note(phase, info):
        if phase == "start":
            generations.append(info["generation"])

    cell, input = AddOne(), numbers(3)
    gc.callbacks.append(note)
    try:
        cell(input)
        assert 2 in generations, MENDED
        gc.collect()
        generations.clear()
        cell(input)
        assert 2 not in generations
    finally:
        gc.callbacks.remove(note)


def test_gradients_of_convolutions_have_no_public_operators():
    """MS-42: that of the input has one in two dimensions."""
    assert hasattr(ops, "Conv2DTranspose")
    for module, name in (
        (_grad_ops, "Conv2DBackpropFilter"), (_grad_ops, "Conv3DBackpropFilter"), (nn_ops, "Conv3DBackpropInput")
    ):
        assert not hasattr(ops, name), MENDED
        assert hasattr(module, name)


def test_gradients_of_pools_and_of_resizing_have_no_public_operators():
    """MS-76: of those that mscompat needs."""
    for module, names in (
        (_grad_ops, ("AvgPoolGrad", "AvgPool3DGrad", "AdaptiveAvgPool2DGrad", "AdaptiveAvgPool3DGrad",
                     "MaxPool3DGradWithArgmax")),
        (auto_generate, ("ResizeNearestNeighborV2Grad", "ResizeBilinearGrad")),
    ):
        for name in names:
            assert not hasattr(ops, name), MENDED
            assert hasattr(module, name)
