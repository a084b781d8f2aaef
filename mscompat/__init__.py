"""Convolution cells for MindSpore that behave exactly like PyTorch's."""

from . import functional, nn
from .conv import TorchConv2d, TorchConvTranspose2d
from .random import manual_seed

__all__ = ["TorchConv2d", "TorchConvTranspose2d", "functional", "manual_seed", "nn"]
__version__ = "0.1.0"
