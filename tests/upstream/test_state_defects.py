"""Parameters and buffers: how new values reach what was compiled before."""

from __future__ import annotations

import signal

import mindspore as ms
import numpy as np
import pytest
from defects import MENDED, VERSION, raises_still, run_script
from mindspore import Parameter, Tensor, nn, ops

import mscompat


@pytest.mark.parametrize(("write", "is_right"), [
    ("layer.weight.set_data(Tensor(five))", False),
    ("ms.load_param_into_net(layer, {'weight': Parameter(Tensor(five))})", False),
    ("ops.assign(layer.weight, Tensor(five))", True),
])
def test_new_data_cuts_a_parameter_off_from_its_training(write, is_right, tmp_path):
    """MS-22: of an optimiser that has stepped before. In a process of its own, for 2.7's sake."""
    result = run_script(f"""
        import mindspore as ms
        import numpy as np
        from mindspore import Parameter, Tensor, nn, ops

        layer = nn.Dense(1, 1, weight_init="zeros", has_bias=False)
        optimizer, one = nn.SGD(layer.trainable_params(), 0.1), Tensor(np.ones((1, 1), np.float32))
        step = ms.value_and_grad(lambda x: layer(x).sum(), None, layer.trainable_params())
        optimizer(step(one)[1])
        five = np.full((1, 1), 5, np.float32)
        print("started", flush=True)
        {write}
        optimizer(step(one)[1])
        print(layer.weight.asnumpy().item())
    """, tmp_path)
    started, *after = result.stdout.split()
    assert started == "started", result.stderr
    if is_right:
        assert float(after[0]) == pytest.approx(4.9), result.stderr
    elif result.returncode == 0:
        assert after == ["5.0"], MENDED
    else:
        assert (result.returncode, VERSION) == (-signal.SIGSEGV, (2, 7)), result.stderr


class Shift(nn.Cell):
    def __init__(self):
        super().__init__()
        self.register_buffer("shift", Tensor(np.zeros(2, np.float32)))

    def construct(self, input):
        return input + self.shift


@pytest.mark.parametrize("compiled", ["outside", "within"])
def test_a_registered_buffer_is_a_constant_of_a_graph(compiled, graph_mode):
    """MS-23: whichever way it is replaced, in the cell that was compiled or within another."""
    inner, three = Shift(), np.full(2, 3, np.float32)
    outer, one = nn.SequentialCell(inner), Tensor(np.ones(2, np.float32))
    called = outer if compiled == "outside" else inner
    assert called(one).asnumpy().tolist() == [1, 1]
    if compiled == "outside":
        mscompat.load_torch_state_dict(inner, {"shift": three})
    else:
        inner.register_buffer("shift", Tensor(three))
    assert inner.shift.asnumpy().tolist() == [3, 3]
    assert called(one).asnumpy().tolist() == [1, 1], MENDED


def test_assign_takes_no_bfloat16():
    """MS-25: Parameter.copy_ does."""
    parameter, value = Parameter(Tensor([1.0, 2.0], ms.bfloat16)), Tensor([3.0, 4.0], ms.bfloat16)
    with raises_still(TypeError, "Assign"):
        ops.assign(parameter, value)
        parameter.asnumpy()
    parameter.copy_(value)
    assert parameter.float().asnumpy().tolist() == [3, 4]


class CalledTwice(nn.Cell):
    """Two results of one layer, compiled."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    @ms.jit
    def construct(self, first, second):
        outputs = self.layer(first), self.layer(second)
        return outputs[0].sum() + outputs[1].sum(), *outputs


def test_a_float64_parameter_is_copied_in_float32():
    """MS-26: the bias of a layer that is called twice, in a compiled function under ms.grad in PyNative mode."""
    layer = mscompat.TorchConv2d(1, 1, 1, dtype=ms.float64)
    layer.weight.set_data(Tensor(np.zeros((1, 1, 1, 1))))
    layer.bias.set_data(Tensor(np.array([0.1])))
    input = Tensor(np.zeros((1, 1, 1, 1)))
    two = CalledTwice(layer)
    gradient = ms.value_and_grad(two, None, layer.trainable_params(), has_aux=True)
    assert two(input, input)[1].asnumpy().item() == 0.1
    (_, output, _), _ = gradient(input, input)
    assert output.asnumpy().item() != 0.1, MENDED
    assert output.asnumpy().item() == np.float32(0.1)


def write_row(tensor, nines):
    tensor[1].copy_(nines)


def write_transposed(tensor, nines):
    tensor.T.copy_(nines)


def write_view(tensor, nines):
    tensor.view(-1).copy_(nines)


@pytest.mark.parametrize(("write", "shape"), [(write_row, (2,)), (write_transposed, (2, 2)), (write_view, (4,))])
@pytest.mark.parametrize("kind", [Tensor, Parameter])
def test_copying_into_a_view_writes_nothing(write, shape, kind):
    """MS-72: in PyNative mode; 2.10 writes through `view`."""
    if VERSION in ((2, 8), (2, 9)):
        pytest.skip("measured with 2.7 and 2.10 only")
    zeros = kind(Tensor(np.zeros((2, 2), np.float32)))
    write(zeros, Tensor(np.full(shape, 9, np.float32)))
    if VERSION >= (2, 10) and write is write_view:
        assert (zeros.asnumpy() == 9).all()
    else:
        assert not zeros.asnumpy().any(), MENDED


class AddOne(nn.Cell):
    def construct(self, input):
        return input + 1


def test_no_parameter_under_a_name_breaks_a_cell(mode):
    """MS-73: in PyNative mode it can be called."""
    cell, one = AddOne(), Tensor([1.0])
    cell.insert_param_to_cell("bias", None)
    with raises_still(AttributeError, "'NoneType' object has no attribute 'param_info'"):
        cell.init_parameters_data()
    if mode == "pynative":
        assert cell(one).asnumpy().tolist() == [2]
    else:
        with raises_still(AttributeError, "'NoneType' object has no attribute 'param_info'"):
            cell(one)


class Doubling(nn.Cell):
    """Doubles in training mode, gives back else."""

    def construct(self, input):
        return input * 2 if self.training else input


class Around(nn.Cell):
    def __init__(self):
        super().__init__()
        self.inner = Doubling()

    def construct(self, input):
        return self.inner(input)


def test_a_graph_keeps_the_mode_of_an_inner_cell(graph_mode):
    """MS-78: fine-tuning that freezes the norms of a network goes on with them in training mode."""
    cell, one = Around().set_train(), Tensor([1.0])
    assert cell(one).asnumpy() == 2
    cell.inner.set_train(False)
    assert cell(one).asnumpy() == 2, MENDED
    assert cell.set_train(False)(one).asnumpy() == 1
