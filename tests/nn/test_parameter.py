"""nn.Parameter and nn.Buffer."""

from __future__ import annotations

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor, ops

from mscompat import nn

try:
    import torch
except ImportError:
    torch = None


class Scale(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(ops.ones(3))
        self.fixed = nn.Parameter(ops.ones(3), requires_grad=False)
        self.shift = nn.Buffer(ops.zeros(3))
        self.hidden = nn.Buffer(ops.zeros(3), persistent=False)

    def forward(self, x):
        return self.scale * x * self.fixed + self.shift + self.hidden


def test_parameter_is_mindspores(mode):
    module = Scale()
    assert type(module.scale) is type(ms.Parameter(ops.ones(3)))
    assert list(dict(module.named_parameters())) == ["scale", "fixed"]
    assert [one.name for one in module.get_parameters()] == ["scale", "fixed", "shift", "hidden"]
    assert [one.name for one in module.trainable_params()] == ["scale"]
    assert list(dict(module.named_buffers())) == ["shift", "hidden"]
    assert list(module.state_dict()) == ["scale", "fixed", "shift"]
    gradient = ms.grad(module, None, module.trainable_params())(ops.ones(3) * 2)
    np.testing.assert_array_equal(gradient[0].asnumpy(), [2, 2, 2])
    module.shift = ops.ones(3)
    np.testing.assert_array_equal(module(ops.ones(3)).asnumpy(), [2, 2, 2])


def test_isinstance():
    for parameter in (nn.Parameter(ops.ones(2)), ms.Parameter(ops.ones(2)), nn.Conv2d(1, 1, 1).weight):
        assert isinstance(parameter, nn.Parameter)
        assert not isinstance(parameter, nn.Buffer)
    for other in (ops.ones(2), np.ones(2), None, nn.Buffer(ops.ones(2))):
        assert not isinstance(other, nn.Parameter)
    assert issubclass(ms.Parameter, nn.Parameter)
    assert not issubclass(Tensor, nn.Parameter)
    assert isinstance(nn.Buffer(), nn.Buffer)
    assert isinstance(Scale().shift, nn.Buffer)
    assert not isinstance(ops.ones(2), nn.Buffer)


def test_no_class_is_derived():
    for name in ("Parameter", "Buffer"):
        with pytest.raises(TypeError, match="cannot be derived"):
            type("Derived", (getattr(nn, name),), {})


def test_arguments():
    assert nn.Parameter().shape == nn.Buffer().shape == (0,)
    assert nn.Parameter().requires_grad
    assert not nn.Parameter(ops.ones(2), False).requires_grad
    assert nn.Parameter(requires_grad=False, data=ops.ones(2)).shape == (2,)
    integers = nn.Parameter(Tensor([1, 2], ms.int32), requires_grad=False)
    assert integers.dtype == ms.int32
    again = nn.Parameter(nn.Parameter(ops.ones(2), False))
    assert again.requires_grad


@pytest.mark.parametrize("dtype", [ms.float16, ms.bfloat16, ms.float64, ms.int64])
def test_dtypes(dtype):
    values = Tensor(np.array([1, 2]), dtype)
    for made in (nn.Parameter(values, requires_grad=False), nn.Buffer(values)):
        assert made.dtype == dtype
        np.testing.assert_array_equal(ops.cast(made, ms.float32).asnumpy(), [1, 2])


def test_values_are_copies():
    values = ops.ones(2) * 3
    parameter, buffer = nn.Parameter(values), nn.Buffer(values)
    ops.assign(values, ops.ones(2))
    for made in (parameter, nn.Parameter(parameter), buffer):
        np.testing.assert_array_equal(made.asnumpy(), [3, 3])


@pytest.mark.skipif(torch is None, reason="compares with torch, which is not installed")
@pytest.mark.parametrize(
    ("name", "args", "torch_args"),
    [
        ("Parameter", ([1.0],), None),
        ("Parameter", (3.0,), None),
        ("Parameter", (ops.ones(2), 1), (torch.ones(2), 1) if torch else None),
        ("Parameter", (Tensor([1]),), (torch.tensor([1]),) if torch else None),
        ("Parameter", (Tensor([True]),), (torch.tensor([True]),) if torch else None),
        ("Buffer", ([1.0],), None),
    ],
)
def test_errors_are_torchs(name, args, torch_args):
    with pytest.raises(Exception) as expected:  # noqa: PT011
        getattr(torch.nn, name)(*(args if torch_args is None else torch_args))
    with pytest.raises(expected.type) as actual:
        getattr(nn, name)(*args)
    sentence = str(expected.value).replace("_make_subclass(): argument 'require_grad' (position 3) ", "")
    assert sentence in str(actual.value)


def test_buffer_in_a_parameters_place():
    module = Scale()
    with pytest.raises(TypeError):
        nn.Buffer(ops.ones(2), False)
    module.register_buffer("third", nn.Buffer(ops.ones(1), persistent=False))  # as in torch, this argument counts
    assert "third" in module.state_dict()
    module.shift = nn.Buffer(ops.ones(3))
    assert list(dict(module.named_buffers())) == ["shift", "hidden", "third"]
    np.testing.assert_array_equal(module.shift.asnumpy(), [1, 1, 1])
