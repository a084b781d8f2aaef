"""The layers of convolutional networks, exactly as PyTorch's, and PyTorch's checkpoints in any cells, for MindSpore.

The names are loaded when one of them is first asked for: MindSpore takes seconds, and `mscompat --help` and
`mscompat inspect` do without it.
"""

import sys
from importlib import import_module
from typing import TYPE_CHECKING

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

# What mscompat does to the process (_mindspore/README.md) has to come before MindSpore's first operator, which may come
# before the first of these names: where MindSpore is there already, it is done now, and otherwise with the first name.
if sys.modules.get("mindspore"):
    from . import _mindspore as _mindspore

if TYPE_CHECKING:
    from . import functional as functional
    from . import nn as nn
    from ._public import *
else:

    def __getattr__(name):
        """Load a public name (PEP 562)."""
        if name not in __all__ and name not in ("functional", "nn"):
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name, obj=sys.modules[__name__])
        # First nn, which imports nearly all else, whatever the name: threads that ask at once would find modules half
        # imported if each took them in another order.
        nn = import_module(".nn", __name__)
        if name == "nn":
            return nn
        if name == "functional":
            return import_module(".functional", __name__)
        return globals().setdefault(name, getattr(import_module("._public", __name__), name))


def __dir__() -> list[str]:
    """The public names: what Python's prompt completes."""
    return sorted([*__all__, "__version__", "functional", "nn"])
