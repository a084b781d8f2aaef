"""Convolution cells for MindSpore that behave exactly like PyTorch's, and PyTorch's checkpoints in any cells."""

from . import functional, nn
from .conv import TorchConv2d, TorchConvTranspose2d
from .fast_cpu import set_fast_cpu
from .random import manual_seed
from .weights.state_dict import load_torch_state_dict, torch_state_dict
from .weights.torch_archive import TorchFileError, load_torch_file

__all__ = [
    "TorchConv2d",
    "TorchConvTranspose2d",
    "TorchFileError",
    "functional",
    "load_torch_file",
    "load_torch_state_dict",
    "manual_seed",
    "nn",
    "set_fast_cpu",
    "torch_state_dict",
]
__version__ = "0.1.0"
