"""NumPy 2, with which MindSpore's binaries do not work: said at import, not by a SystemError in the first operator."""

from __future__ import annotations

import importlib.metadata

import numpy as np

__all__ = ["require_numpy_1"]


def require_numpy_1() -> None:
    """Raise ImportError under NumPy 2, which a later ``pip install`` may bring along unasked."""
    if not np.__version__.startswith("1."):
        raise ImportError(
            f"MindSpore {importlib.metadata.version('mindspore')} cannot work with NumPy {np.__version__}, for it was "
            "compiled against NumPy 1. To mend it: pip install 'numpy<2'"
        )
