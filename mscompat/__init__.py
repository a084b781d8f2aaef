"""Convolution cells for MindSpore that behave exactly like PyTorch's, and PyTorch's checkpoints in any cells."""

# All that an import does to the process: see _mindspore/README.md.
from ._mindspore.numpy_version import require_numpy_1

require_numpy_1()  # raises ImportError under NumPy 2, before MindSpore is imported

from ._mindspore import onednn

onednn.cap()  # on CPUs with AVX-512, where oneDNN is slow without; MSCOMPAT_FAST_CPU=0 turns it off

from . import functional, nn
from ._mindspore.launch import launch_blocking
from .nn.conv import TorchConv2d, TorchConvTranspose2d
from .random import manual_seed
from .weights.state_dict import load_torch_state_dict, torch_state_dict
from .weights.torch_archive import TorchFileError, load_torch_file

__all__ = [
    "TorchConv2d",
    "TorchConvTranspose2d",
    "TorchFileError",
    "functional",
    "launch_blocking",
    "load_torch_file",
    "load_torch_state_dict",
    "manual_seed",
    "nn",
    "torch_state_dict",
]
__version__ = "0.1.0"
