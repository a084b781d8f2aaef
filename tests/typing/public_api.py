"""The public names as a type checker sees them. It is checked by test_typing.py, and never run.

A line that ends in `# wrong` has to be an error, all others none. `# wrong where MindSpore is read` is one for checkers
that read MindSpore's source, which declares no types of its own (it has no py.typed): for the others, a Tensor is Any.
"""

from pathlib import Path
from typing import Any, assert_type

import mindspore as ms
import numpy as np
from mindspore import Parameter, Tensor
from mindspore import nn as mindspore_nn

import mscompat
from mscompat import TorchConv2d, TorchConvTranspose2d, functional, nn

image = Tensor(np.ones((1, 3, 8, 9)), ms.float32)

# Constructors.
conv = TorchConv2d(3, 6, 3, padding="same", padding_mode="reflect")
assert_type(conv, TorchConv2d)
assert_type(nn.Conv2d(3, 6, (3, 5), 2, [1, 2], bias=False, device="cpu", dtype=ms.float16), TorchConv2d)
up = nn.ConvTranspose2d(6, 3, (3, 2), stride=[2, 1], output_padding=(1, 0), padding_mode="zeros")
assert_type(up, TorchConvTranspose2d)
network: mindspore_nn.Cell = conv

TorchConv2d(3, 6, 3, padding_mode="reflct")  # wrong
TorchConv2d(3, 6, 3, padding="sam")  # wrong
TorchConv2d(3, 6, 3, stride="2")  # wrong
TorchConv2d(3, 6, 3, dilation=1.5)  # wrong
TorchConv2d(3, 6)  # wrong
TorchConv2d(3, 6, 3, output_padding=1)  # wrong
nn.ConvTranspose2d(3, 6, 3, padding_mode="reflect")  # wrong
nn.ConvTranspose2d(3, 6, 3, padding="same")  # wrong

# Calls.
assert_type(conv(image), Tensor)
assert_type(up(image), Tensor)
assert_type(up(image, output_size=(16, 17)), Tensor)
assert_type(up(image, [1, 3, 16, 17]), Tensor)

conv()  # wrong
conv(image, image)  # wrong
conv("image")  # wrong where MindSpore is read
up(image, output_size="16")  # wrong
up(image, 16)  # wrong

# Attributes; users set those of finished layers.
assert_type(conv.weight, Parameter)
conv.stride = (2, 1)
conv.padding_mode = "circular"
conv.reset_parameters()

# Functions.
assert_type(functional.conv2d(image, conv.weight, None, padding="valid"), Tensor)
assert_type(functional.conv_transpose2d(image, up.weight, up.bias, stride=2), Tensor)

functional.conv2d(image, conv.weight, padding="sam")  # wrong
functional.conv2d(image, conv.weight, stride=2.5)  # wrong
functional.conv2d(image, conv.weight, padding_mode="zeros")  # wrong
functional.conv_transpose2d(image, up.weight, padding="same")  # wrong

# Weights.
keys = mscompat.load_torch_state_dict(conv, "model.pth", strict=False, key="model_ema")
assert_type(keys.missing_keys, list[str])
assert_type(keys.unexpected_keys, list[str])
mscompat.load_torch_state_dict(conv, Path("model.pth"), convert_dtype=True)
mscompat.load_torch_state_dict(conv, mscompat.torch_state_dict(up))
assert_type(list(mscompat.torch_state_dict(conv)), list[str])
saved = mscompat.load_torch_file(Path("model.pth"))
assert_type(saved, Any)
if isinstance(saved, mscompat.TorchTensor):
    assert_type(saved.shape, tuple[int, ...])
    assert_type(saved.dtype, str)
if isinstance(saved, mscompat.InertObject):
    assert_type(saved.name, str)
try:
    mscompat.load_torch_file("model.pth")
except mscompat.TorchFileError as error:
    assert_type(error.args, tuple[Any, ...])

mscompat.load_torch_state_dict(conv, 3)  # wrong
mscompat.load_torch_state_dict(conv, {}, True, True)  # wrong
mscompat.load_torch_file(3)  # wrong

# The rest.
mscompat.manual_seed(0)
mscompat.launch_blocking()
assert_type(mscompat.__version__, str)

mscompat.manual_seed("0")  # wrong
mscompat.manual_sead(0)  # wrong
