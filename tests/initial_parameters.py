"""Layers that are built one after the other, and the parameters that they get: ours and torch's."""

from __future__ import annotations

import hashlib

import mindspore as ms
import numpy as np
from harness import array

import mscompat

try:
    import torch
except ImportError:
    torch = None

DTYPES = ("float32", "float64", "float16", "bfloat16")
LAYERS = [  # name, arguments: built one after the other, from one stream
    ("Conv2d", {"in_channels": 3, "out_channels": 16, "kernel_size": 3}),
    ("ConvTranspose2d", {"in_channels": 16, "out_channels": 8, "kernel_size": (2, 5), "groups": 4}),
    ("Conv2d", {"in_channels": 8, "out_channels": 8, "kernel_size": (7, 1), "groups": 8, "bias": False}),
    ("ConvTranspose2d", {"in_channels": 5, "out_channels": 1, "kernel_size": 1}),
    ("Conv2d", {"in_channels": 1, "out_channels": 1, "kernel_size": 1}),
    ("Conv2d", {"in_channels": 64, "out_channels": 96, "kernel_size": (3, 4), "padding_mode": "reflect"}),
    ("Conv1d", {"in_channels": 8, "out_channels": 12, "kernel_size": 5, "groups": 2}),
    ("ConvTranspose3d", {"in_channels": 4, "out_channels": 6, "kernel_size": (2, 3, 1), "groups": 2}),
    ("ConvTranspose1d", {"in_channels": 3, "out_channels": 2, "kernel_size": 4, "bias": False}),
    ("Conv3d", {"in_channels": 2, "out_channels": 5, "kernel_size": (1, 2, 3)}),
]
ORDER = tuple(range(len(LAYERS)))


def parameters(dtype: str, order=ORDER) -> list[np.ndarray]:
    layers = [getattr(mscompat.nn, LAYERS[position][0])(**LAYERS[position][1], dtype=getattr(ms, dtype))
              for position in order]
    return [array(parameter) for layer in layers for parameter in layer.get_parameters()]


def digests(arrays: list[np.ndarray]) -> list[str]:
    return [hashlib.sha256(array.tobytes()).hexdigest() for array in arrays]


def torch_parameters(dtype: str, order=ORDER) -> list[np.ndarray]:
    layers = [getattr(torch.nn, LAYERS[position][0])(**LAYERS[position][1], dtype=getattr(torch, dtype))
              for position in order]
    return [parameter.detach().double().numpy() for layer in layers for parameter in layer.parameters()]
