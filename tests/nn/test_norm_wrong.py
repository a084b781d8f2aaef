"""Normalisations: wrong inputs, with torch's class and sentence."""

from __future__ import annotations

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor
from norm_cases import torch

from mscompat import functional as F
from mscompat import nn

WRONG = [
    ("BatchNorm2d", (3,), (2, 3, 4)),
    ("BatchNorm1d", (3,), (2, 3, 4, 5)),
    ("BatchNorm3d", (3,), (2, 3, 4)),
    ("BatchNorm2d", (3,), (2, 4, 5, 5)),
    ("BatchNorm1d", (3,), (1, 3)),
    ("InstanceNorm2d", (3,), (2, 3)),
    ("InstanceNorm1d", (3,), (2, 3, 1)),
    ("GroupNorm", (2, 4), (3, 6, 5)),
    ("GroupNorm", (2, 4), (1,)),
    ("LayerNorm", (5,), (2, 4)),
    ("RMSNorm", ((4, 5),), (2, 4)),
    ("LocalResponseNorm", (2,), (2, 4)),
    ("LocalResponseNorm", (0,), (2, 4, 3)),
]


@pytest.mark.parametrize(("name", "args", "shape"), WRONG)
def test_wrong_inputs(name, args, shape, mode):
    with pytest.raises(Exception) as theirs:  # noqa: PT011
        getattr(torch.nn, name)(*args)(torch.zeros(shape))
    with pytest.raises(theirs.type) as ours:
        getattr(nn, name)(*args)(Tensor(np.zeros(shape, np.float32)))
    assert str(theirs.value).rstrip(".") in str(ours.value)


WRONG_CALLS = [
    lambda F, x, o: F.batch_norm(x, o(4), o(3)),
    lambda F, x, o: F.batch_norm(x, o(3), o(4)),
    lambda F, x, o: F.batch_norm(x, None, o(3)),
    lambda F, x, o: F.batch_norm(x, o(3), None, training=True),
    lambda F, x, o: F.batch_norm(x, o(3), o(3), o(4)),
    lambda F, x, o: F.batch_norm(x, o(3), o(3), None, o(4)),
    lambda F, x, o: F.batch_norm(x, o(3), o(3), training=True, eps=0.0),
    lambda F, x, o: F.batch_norm(x, o(3), o(3), eps=-1.0),
    lambda F, x, o: F.batch_norm(x, o(3), o(3), momentum=None),
    lambda F, x, o: F.instance_norm(x, use_input_stats=False),
    lambda F, x, o: F.instance_norm(x, o(3)),
    lambda F, x, o: F.instance_norm(x, weight=o(4)),
    lambda F, x, o: F.instance_norm(x, o(4), o(4)),
    lambda F, x, o: F.group_norm(x, 2),
    lambda F, x, o: F.group_norm(x, 0),
    lambda F, x, o: F.group_norm(x, -1),
    lambda F, x, o: F.group_norm(x, 1.5),
    lambda F, x, o: F.group_norm(x, 3, o(4)),
    lambda F, x, o: F.layer_norm(x, []),
    lambda F, x, o: F.layer_norm(x, 5),
    lambda F, x, o: F.layer_norm(x, (5.0,)),
    lambda F, x, o: F.layer_norm(x, (5,), o(4)),
    lambda F, x, o: F.layer_norm(x, (5,), None, o(4)),
    lambda F, x, o: F.layer_norm(x, (3, 5)),
    lambda F, x, o: F.rms_norm(x, (4,)),
    lambda F, x, o: F.rms_norm(x, (5,), o(4)),
    lambda F, x, o: F.normalize(x, dim=4),
    lambda F, x, o: F.normalize(x, dim=(1, 1)),
]


@pytest.mark.parametrize("index", range(len(WRONG_CALLS)))
def test_wrong_calls(index):
    def run(module, zeros):
        WRONG_CALLS[index](module, zeros(2, 3, 4, 5), zeros)

    with pytest.raises(Exception) as theirs:  # noqa: PT011
        run(torch.nn.functional, torch.zeros)
    with pytest.raises(theirs.type) as ours:
        run(F, lambda *shape: Tensor(np.zeros(shape, np.float32)))
    sentence = str(theirs.value).rstrip(".")
    assert sentence.replace(" type", "")[:40] in str(ours.value).replace(" type", ""), sentence


DTYPES = (ms.float16, ms.bfloat16, ms.float32, ms.float64)


@pytest.mark.parametrize("input", DTYPES)
def test_dtypes_that_torch_refuses(input):
    names = dict(zip(DTYPES, (torch.float16, torch.bfloat16, torch.float32, torch.float64), strict=True))
    for weight in DTYPES:
        for bias in DTYPES:
            try:
                torch.nn.functional.layer_norm(
                    torch.ones(2, 5, dtype=names[input]), (5,), torch.ones(5, dtype=names[weight]),
                    torch.ones(5, dtype=names[bias]),
                )
                sentence = None
            except RuntimeError as error:
                sentence = str(error)
            tensors = Tensor(np.ones((2, 5)), input), (5,), Tensor(np.ones(5), weight), Tensor(np.ones(5), bias)
            if sentence is None:
                assert F.layer_norm(*tensors).dtype == input
            else:
                with pytest.raises(RuntimeError) as found:
                    F.layer_norm(*tensors)
                assert sentence.rstrip(".")[:40] in str(found.value)


def test_wrong_constructors():
    with pytest.raises(ValueError, match=r"num_channels \(5\) must be divisible by num_groups \(2\)"):
        nn.GroupNorm(2, 5)
    with pytest.raises(RuntimeError, match="Trying to create tensor with negative dimension -1"):
        nn.BatchNorm2d(-1)
    with pytest.raises(TypeError, match="must be tuple of ints"):
        nn.LayerNorm((2.5,))
    with pytest.raises(TypeError, match="must be tuple of ints"):
        nn.BatchNorm1d(2.5)
