"""What is wrong with a file."""

from __future__ import annotations

__all__ = ["TorchFileError"]


class TorchFileError(ValueError):
    """A file is damaged, is not one that torch, safetensors or MindSpore wrote, or holds what mscompat cannot read."""
