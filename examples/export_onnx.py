"""Export a network of mscompat.nn to ONNX, mend what MindSpore's exporter gets wrong, and check the file.

MindSpore writes the pads of a convolution as (top, bottom, left, right), where ONNX reads (top, left,
bottom, right), and gives a transposed convolution an output_shape with batch and channels, which ONNX has not.

    pip install -e '.[examples]'
    python examples/export_onnx.py --output network.onnx
"""

from __future__ import annotations

import argparse

import mindspore as ms
import numpy as np
import run_options

from mscompat import nn

with run_options.needs_extra():
    import onnx
    from onnx.reference import ReferenceEvaluator


def mend(model: onnx.ModelProto) -> onnx.ModelProto:
    """Correct the pads and output sizes of every convolution of a model that MindSpore exported."""
    for node in model.graph.node:
        if node.op_type not in ("Conv", "ConvTranspose"):
            continue
        attributes = {attribute.name: attribute for attribute in node.attribute}
        if "pads" in attributes:
            pads = list(attributes["pads"].ints)  # (top, bottom, left, right); ONNX has (top, left, bottom, right)
            attributes["pads"].ints[:] = [*pads[::2], *pads[1::2]]
        if "output_shape" in attributes:
            wanted = list(attributes["output_shape"].ints)[2:]
            node.attribute.remove(attributes["output_shape"])
            output_padding = np.subtract(wanted, inferred_size(model, node.output[0]))
            node.attribute.append(onnx.helper.make_attribute("output_padding", output_padding.tolist()))
    return model


def inferred_size(model: onnx.ModelProto, name: str) -> list[int]:
    """The sizes of a value beyond batch and channels, by ONNX's own rules."""
    bare = onnx.ModelProto()
    bare.CopyFrom(model)
    del bare.graph.value_info[:], bare.graph.output[:]
    bare.graph.output.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None))
    inferred = onnx.shape_inference.infer_shapes(bare)
    return [dimension.dim_value for dimension in inferred.graph.output[0].type.tensor_type.shape.dim][2:]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--output", default="network.onnx", help="file to write (default: network.onnx)")
    options = parser.parse_args()

    network = nn.Sequential(
        nn.Conv2d(3, 8, (3, 5), stride=2, padding=(1, 2)),
        nn.ReLU(),
        nn.ConvTranspose2d(8, 3, 3, stride=2, padding=1, output_padding=1),
    )
    image = ms.Tensor(np.random.default_rng(0).standard_normal((1, 3, 24, 32)), ms.float32)
    ms.export(network, image, file_name=options.output.removesuffix(".onnx"), file_format="ONNX")
    path = options.output.removesuffix(".onnx") + ".onnx"
    model = mend(onnx.load(path))
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)

    (output,) = ReferenceEvaluator(model).run(None, {model.graph.input[0].name: image.asnumpy()})
    difference = np.abs(output - network(image).asnumpy()).max()
    print(f"{path}: largest difference from MindSpore {difference:.1e}")


if __name__ == "__main__":
    main()
