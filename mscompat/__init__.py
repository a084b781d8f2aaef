"""The layers of convolutional networks, exactly as PyTorch's, and PyTorch's checkpoints in any cells, for MindSpore.

All names are loaded at import, not when they are asked for. MindSpore, which takes seconds, has to be imported here in
any case: its oneDNN can be capped before its first operator only, and that operator may come before the first layer.
What is left to put off takes a tenth of that time.
"""

# All that an import does to the process: see _mindspore/README.md.
from ._mindspore.numpy_version import require_numpy_1

require_numpy_1()  # raises ImportError under NumPy 2, before MindSpore is imported

from ._mindspore import onednn

onednn.cap()  # on CPUs with AVX-512, where oneDNN is slow without; MSCOMPAT_FAST_CPU=0 turns it off

from . import functional as functional
from . import nn as nn
from ._mindspore.launch import launch_blocking
from .nn.conv import TorchConv1d, TorchConv2d, TorchConv3d
from .nn.conv_transpose import TorchConvTranspose1d, TorchConvTranspose2d, TorchConvTranspose3d
from .random import manual_seed
from .weights.errors import TorchFileError
from .weights.inert import InertObject
from .weights.state_dict import load_torch_state_dict, torch_state_dict
from .weights.tensors import TorchTensor
from .weights.torch_archive import load_torch_file

# Without functional and nn: `from mscompat import *` would shadow mindspore's, or torch's.
__all__ = [
    "InertObject",
    "TorchConv1d",
    "TorchConv2d",
    "TorchConv3d",
    "TorchConvTranspose1d",
    "TorchConvTranspose2d",
    "TorchConvTranspose3d",
    "TorchFileError",
    "TorchTensor",
    "launch_blocking",
    "load_torch_file",
    "load_torch_state_dict",
    "manual_seed",
    "torch_state_dict",
]
__version__ = "0.1.0"


def __dir__() -> list[str]:
    """The public names: what Python's prompt completes."""
    return sorted([*__all__, "__version__", "functional", "nn"])
