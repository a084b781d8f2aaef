"""Normalisations, with torch's beside them: what the tests of them share."""

from __future__ import annotations

import numpy as np
import pytest
from mindspore import Tensor
from mindspore import nn as msnn

from mscompat import nn

torch = pytest.importorskip("torch", reason="torch is what modules are compared with")

CELLS = {
    "batch-1d": ("BatchNorm1d", (4,), {}, (5, 4, 7)),
    "batch-2d": ("BatchNorm2d", (4,), {}, (3, 4, 5, 6)),
    "batch-2d-untracked": ("BatchNorm2d", (4,), {"track_running_stats": False}, (3, 4, 5, 6)),
    "batch-3d": ("BatchNorm3d", (4,), {}, (2, 4, 3, 5, 2)),
    "instance-1d": ("InstanceNorm1d", (4,), {"affine": True}, (2, 4, 9)),
    "instance-2d": ("InstanceNorm2d", (4,), {}, (2, 4, 5, 6)),
    "instance-2d-unbatched": ("InstanceNorm2d", (4,), {"affine": True}, (4, 5, 6)),
    "instance-2d-tracked": ("InstanceNorm2d", (4,), {"affine": True, "track_running_stats": True}, (2, 4, 5, 6)),
    "instance-3d": ("InstanceNorm3d", (4,), {"affine": True}, (2, 4, 3, 5, 2)),
    "group": ("GroupNorm", (2, 4), {}, (3, 4, 5, 6)),
    "group-one": ("GroupNorm", (1, 4), {}, (3, 4, 5)),
    "group-each": ("GroupNorm", (4, 4), {}, (3, 4, 5, 2, 3)),
    "layer": ("LayerNorm", ((5, 6),), {}, (3, 4, 5, 6)),
    "layer-plain": ("LayerNorm", (6,), {"elementwise_affine": False}, (3, 4, 6)),
    "rms": ("RMSNorm", (6,), {"eps": 1e-3}, (3, 4, 6)),
    "response": ("LocalResponseNorm", (3, 0.5), {}, (2, 6, 3, 4)),
    "response-even": ("LocalResponseNorm", (4, 0.5), {}, (2, 6, 3)),
}


def numbers(*shape, seed=0):
    return np.random.RandomState(seed).standard_normal(shape).astype(np.float32)


def pair(name, args, kwargs, training=True):
    """torch's module and ours, with the same random state."""
    theirs = getattr(torch.nn, name)(*args, **kwargs).train(training)
    with torch.no_grad():
        for index, value in enumerate(theirs.state_dict().values()):
            if value.dtype.is_floating_point:
                value.copy_(torch.from_numpy(np.abs(numbers(*value.shape, seed=index + 1)) + 0.5))
    ours = getattr(nn, name)(*args, **kwargs)
    ours.load_state_dict(theirs.state_dict())
    return theirs, ours.train(training)


def close(actual, expected, tolerance=2e-5):
    actual = np.asarray(actual.asnumpy() if isinstance(actual, Tensor) else actual, np.float64)
    expected = expected.detach().double().numpy() if isinstance(expected, torch.Tensor) else expected
    assert actual.shape == expected.shape
    assert np.array_equal(np.isfinite(actual), np.isfinite(expected))
    assert np.array_equal(np.isnan(actual), np.isnan(expected))
    finite = np.isfinite(expected)
    off = np.abs(actual[finite] - expected[finite]).max(initial=0)
    assert off <= tolerance * max(np.abs(expected[finite]).max(initial=0), 1e-3), off


def same_statistics(ours, theirs):
    for (name, buffer), (_, expected) in zip(ours.named_buffers(), theirs.named_buffers(), strict=True):
        close(buffer, expected), name


class Step(msnn.Cell):
    def __init__(self, cell):
        super().__init__()
        self.cell = cell

    def construct(self, x):
        return (self.cell(x) ** 2).sum()
