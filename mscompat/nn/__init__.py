"""The cells under torch.nn's names, so that a ported file changes one import.

Nothing else is here: mindspore.nn has layers of the same names with other defaults.
"""

from .conv import TorchConv2d as Conv2d
from .conv import TorchConvTranspose2d as ConvTranspose2d

__all__ = ["Conv2d", "ConvTranspose2d"]


def __dir__() -> list[str]:
    return __all__
