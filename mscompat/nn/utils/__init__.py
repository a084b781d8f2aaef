"""Weights in parts, and limits of gradients: torch/nn/utils."""

from . import parametrizations, parametrize
from .clip_grad import clip_grad_norm, clip_grad_value, get_total_norm
from .spectral_norm import remove_spectral_norm, spectral_norm
from .weight_norm import remove_weight_norm, weight_norm

__all__ = [
    "clip_grad_norm",
    "clip_grad_value",
    "get_total_norm",
    "parametrizations",
    "parametrize",
    "remove_spectral_norm",
    "remove_weight_norm",
    "spectral_norm",
    "weight_norm",
]
