"""Mixed precision and export to ONNX."""

from __future__ import annotations

import mindspore as ms
import pytest
from defects import MENDED, numbers, run_script, skip_without_onnx
from mindspore import nn, ops
from mindspore.rewrite.common import namespace
from mindspore.rewrite.parsers.assign_parser import AssignParser

import mscompat


def test_auto_mixed_precision_imports_cells_by_file_name(tmp_path):
    """MS-32: of a cell in a file of the name of one of MindSpore's, from the second time on.

    In a process of its own: level O1 changes sys.path, and writes a folder into the current one.
    """
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "conv.py").write_text(
        "from mindspore import nn, ops\n\n\n"
        "class Mine(nn.Cell):\n"
        "    def construct(self, input):\n"
        "        return ops.relu(input)\n",
        encoding="utf-8",
    )
    result = run_script("""
        from mindspore import amp, nn
        from package.conv import Mine

        amp.auto_mixed_precision(nn.SequentialCell(Mine(), nn.ReLU()), "O1")
        print("once")
        try:
            amp.auto_mixed_precision(nn.SequentialCell(Mine(), nn.ReLU()), "O1")
        except ImportError as error:
            print(error)
    """, tmp_path)
    once, *again = result.stdout.splitlines()
    assert once == "once", result.stderr
    assert again, MENDED
    assert again[0].startswith("cannot import name 'Mine' from 'conv'")


def test_auto_mixed_precision_has_lists_of_what_to_leave_alone():
    """MS-32: no defect, but what mscompat needs, and uses. Neither list is part of MindSpore's interface."""
    cells, functions = namespace._subtree_black_list, AssignParser._function_parse_black_list
    assert isinstance(cells, list)
    assert isinstance(functions, list)
    for layer in (mscompat.TorchConv2d, mscompat.TorchConvTranspose2d):
        assert any(issubclass(layer, cell) for cell in cells if cell is not nn.Cell)


def exported_attributes(layer, operator, folder):
    """Attributes of the ONNX operator that a layer becomes."""
    onnx = pytest.importorskip("onnx", reason="reads the exported file, and onnx is not installed")
    path = folder / "layer.onnx"
    ms.export(layer, numbers(1, 1, 6, 7), file_name=str(path), file_format="ONNX")
    (node,) = (node for node in onnx.load(str(path)).graph.node if node.op_type == operator)
    return {attribute.name: onnx.helper.get_attribute_value(attribute) for attribute in node.attribute}


def test_onnx_export_of_conv2d_mixes_up_pads(mode, tmp_path):
    """MS-33: top, bottom, left and right are 1, 1, 2 and 2."""
    layer = nn.Conv2d(1, 1, 3, pad_mode="pad", padding=(1, 1, 2, 2), dilation=(1, 2))
    pads = exported_attributes(layer, "Conv", tmp_path)["pads"]
    assert pads != [1, 2, 1, 2], MENDED
    assert pads == [1, 1, 2, 2]


def test_onnx_export_of_conv2d_transpose_has_a_wrong_output_shape(mode, tmp_path):
    """MS-34: ONNX wants the spatial sizes alone."""
    layer = nn.Conv2dTranspose(1, 1, 3, stride=2, pad_mode="pad", padding=0)
    output_shape = exported_attributes(layer, "ConvTranspose", tmp_path)["output_shape"]
    assert output_shape != [13, 15], MENDED
    assert output_shape == [1, 1, 13, 15]


class CropToTheEnd(nn.Cell):
    def construct(self, input):
        return ops.Slice()(input, (0, 0, 1, 1), (-1, -1, -1, 2))


def test_onnx_export_of_a_slice_to_the_end_is_cut_short(mode, tmp_path):
    """MS-35: a size of -1 becomes an end of begin - 1."""
    skip_without_onnx()
    runtime = pytest.importorskip("onnxruntime", reason="runs the exported file: in the parity extra")
    input = numbers(1, 1, 3, 3)
    ms.export(CropToTheEnd(), input, file_name=str(tmp_path / "crop.onnx"), file_format="ONNX")
    session = runtime.InferenceSession(str(tmp_path / "crop.onnx"))
    (output,) = session.run(None, {session.get_inputs()[0].name: input.asnumpy()})
    assert output.shape != (1, 1, 2, 2), MENDED
