"""Each private name of MindSpore's taken away: mscompat imports, and computes the same, only slower."""

from __future__ import annotations

import numpy as np
import pytest

SCRIPT = """
import numpy as np, mindspore as ms
from mindspore import Tensor
{}
import mscompat
from mscompat._conv import devices
devices._FEWEST_PATCHES = devices._FEWEST_POSITIONS = 0  # flipped, however small
ms.set_context(mode=ms.{}_MODE)
draw = np.random.RandomState(0).standard_normal

def run(layer, x):
    layer.weight.set_data(Tensor(draw(layer.weight.shape), layer.weight.dtype))
    layer.bias.set_data(Tensor(draw(layer.bias.shape), layer.bias.dtype))
    gradients = ms.grad(layer, 0, layer.trainable_params())(x)
    return [array.asnumpy() for array in (layer(x), gradients[0], *gradients[1])]

layers = [
    mscompat.TorchConv2d(4, 2, 3, padding=1), mscompat.TorchConv2d(4, 4, 3, padding=(1, 2), padding_mode="reflect"),
    mscompat.TorchConv2d(2, 4, 3, dtype=ms.float64), mscompat.TorchConvTranspose2d(2, 4, 3, stride=2, output_padding=1),
    mscompat.TorchConvTranspose2d(2, 4, 3), mscompat.TorchConv3d(2, 3, 2, stride=(1, 2, 1), padding=1),
    mscompat.TorchConvTranspose3d(2, 3, 2, stride=2, output_padding=(0, 1, 0), dilation=(2, 1, 1)),
]
results = [
    array for layer in layers
    for array in run(layer, Tensor(draw((2, layer.in_channels, 6, 5, 4)[: layer.weight.ndim]), layer.weight.dtype))
]
np.savez("results.npz", *results)
"""

CHANGES = {
    "the gradient of the weight": "from mindspore.ops.operations import _grad_ops\ndel _grad_ops.Conv2DBackpropFilter",
    "the gradients of three dimensions": (
        "from mindspore.ops.operations import nn_ops\ndel nn_ops.Conv3DBackpropInput"
    ),
    "the lists of amp": (
        "from mindspore.rewrite.common import namespace\ndel namespace._subtree_black_list\n"
        "from mindspore.rewrite.parsers.assign_parser import AssignParser\n"
        "del AssignParser._function_parse_black_list"
    ),
    "mindspore.rewrite": "import sys\nsys.modules['mindspore.rewrite.common.namespace'] = None",
    "_c_expression": "import mindspore\ndel mindspore._c_expression",
}


@pytest.fixture
def results(run_script, tmp_path):
    """Run the script after a change, and load what it computes."""

    def run(change, mode):
        (tmp_path / "script.py").write_text(SCRIPT.format(change, mode.upper()), encoding="utf-8")
        result = run_script("script.py")
        assert result.returncode == 0, result.stderr
        with np.load(tmp_path / "results.npz") as file:
            return list(file.values())

    return run


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["pynative", "graph"])
def test_computes_the_same(mode, results):
    expected = results("", mode)
    assert len(expected) == 28
    for what, change in CHANGES.items():
        for one, other in zip(expected, results(change, mode), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5, err_msg=what)
