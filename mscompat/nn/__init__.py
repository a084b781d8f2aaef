"""The cells under torch.nn's names, so that a ported file changes one import.

Nothing else is here: mindspore.nn has layers of the same names with other defaults.
"""

from .conv import TorchConv1d as Conv1d
from .conv import TorchConv2d as Conv2d
from .conv import TorchConv3d as Conv3d
from .conv_transpose import TorchConvTranspose1d as ConvTranspose1d
from .conv_transpose import TorchConvTranspose2d as ConvTranspose2d
from .conv_transpose import TorchConvTranspose3d as ConvTranspose3d

__all__ = ["Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"]


def __dir__() -> list[str]:
    return __all__
