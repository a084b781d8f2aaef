"""What examples/README.md says of optimisers and of MindSpore's own layers, and torch's record of all its tables.

golden_porting.npz holds what torch gave; ``python tests/examples/test_porting_guide.py`` writes it (with torch, and
examples and this folder in PYTHONPATH). Where torch is installed, the record is checked too.
"""

from __future__ import annotations

import re

import mindspore as ms
import numpy as np
import pytest
from mindspore import Parameter, Tensor, nn
from mindspore.experimental import optim
from porting_guide import (
    CELLS,
    FILE,
    GOLDEN,
    MENDED,
    OPTIMISERS,
    RANDOM,
    REFUSALS,
    ROWS,
    SAME,
    SECTIONS,
    TENSOR_HEADINGS,
    TOLERANCE,
    WRONG_CELLS,
    codes_as_in_torch,
    difference,
    draw,
    each_mode,
    error,
    wanted_of,
    weighted_sum,
)
from test_models import draw_weights
from test_porting_tensors import is_random, run_torch_expression

import mscompat

STEPS = 4


def test_every_table_is_tested():
    tested = {*TENSOR_HEADINGS, "Optimisers", "What mindspore.nn does otherwise", "Data"}
    assert {heading for heading, text in SECTIONS.items() if "\n| --- " in text} == tested
    assert all(map(codes_as_in_torch, TENSOR_HEADINGS))
    assert len(RANDOM) == 2


# Layers, losses, optimisers


def draw_input():
    """Of shape (3, 4, 5, 7): up to 6, where tanh is nearly 1, and once small enough for an epsilon to matter."""
    input = 2 * draw(3, 3, 4, 5, 7)
    input[0] *= 1e-3
    return input


def draw_loss_arguments(loss):
    if "CrossEntropy" in loss:
        return draw(5, 6, 5), np.arange(6, dtype=np.int32) % 5
    return draw(5, 6, 5), draw(6, 6, 5)


def draw_steps():
    """Two parameters and their gradients, some as small as an epsilon."""
    starts = [draw(7, 4, 5), draw(8, 5)]
    scale = 10.0 ** -np.arange(5)
    return starts, [[draw(9 + step, 4, 5) * scale**2, draw(20 + step, 5) * scale] for step in range(STEPS)]


def run_cell(code):
    return run_loss(code) if "Loss" in code or "Logits" in code else run_layer(code)


def run_layer(code):
    """Of the second training step, for what goes wrong late."""
    layer = eval(code, {"nn": nn})
    start = draw_weights({name: array.shape for name, array in mscompat.torch_state_dict(layer).items()})
    mscompat.load_torch_state_dict(layer, start)
    input = Tensor(draw_input())
    layer.set_train()
    gradient = ms.value_and_grad(WeightedSum(layer), 0, layer.trainable_params() or None, has_aux=True)
    for _ in range(2):
        (_, output), input_gradient = gradient(input)
    if layer.trainable_params():
        input_gradient = input_gradient[0]
    state = mscompat.torch_state_dict(layer)
    layer.set_train(False)
    results = {"output": output, "gradient": input_gradient, "evaluation": layer(input)}
    results = {name: value.asnumpy() for name, value in results.items()}
    return results | {name: value for name, value in state.items() if name.startswith("running_")}


class WeightedSum(nn.Cell):
    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def construct(self, input):
        output = self.layer(input)
        return weighted_sum(output), output


def run_loss(code):
    input, target = map(Tensor, draw_loss_arguments(code))
    loss = eval(code, {"nn": nn})
    results = loss(input, target), ms.grad(loss, 0)(input, target)
    return dict(zip(("output", "gradient"), (value.asnumpy() for value in results), strict=True))


def run_optimizer(code):
    starts, steps = draw_steps()
    parameters = [Parameter(Tensor(start), name=name) for start, name in zip(starts, ("weight", "gamma"), strict=True)]
    optimizer = eval(code, {"nn": nn, "optim": optim, "p": parameters})
    for gradients in steps:
        optimizer(tuple(Tensor(gradient.astype(np.float32)) for gradient in gradients))
    return {parameter.name: parameter.asnumpy() for parameter in parameters}


def run_torch_optimizer(code):
    import torch

    starts, steps = draw_steps()
    parameters = [torch.nn.Parameter(torch.from_numpy(start).double()) for start in starts]
    optimizer = eval(code, {"optim": torch.optim, "p": parameters})
    for gradients in steps:
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = torch.from_numpy(gradient.astype(np.float32)).double()
        optimizer.step()
    return dict(zip(("weight", "gamma"), (parameter.detach().numpy() for parameter in parameters), strict=True))


def run_torch_cell(code):
    import torch

    layer = eval(code, {"nn": torch.nn})
    if "Loss" in code:
        input, target = map(torch.from_numpy, draw_loss_arguments(code))
        input = input.double().requires_grad_()
        loss = layer(input, target.double() if target.is_floating_point() else target.long())
        loss.backward()
        return {"output": loss.detach().numpy(), "gradient": input.grad.numpy()}
    shapes = {name: tuple(value.shape) for name, value in layer.state_dict().items()}
    layer.load_state_dict({name: torch.from_numpy(value) for name, value in draw_weights(shapes).items()}, strict=False)
    layer.double().train()
    for _ in range(2):
        input = torch.from_numpy(draw_input()).double().requires_grad_()
        output = layer(input)
        (output * torch.cos(torch.arange(output.numel()).double()).reshape(output.shape)).sum().backward()
    state = {name: value.numpy().copy() for name, value in layer.state_dict().items() if name.startswith("running_")}
    results = {"output": output, "gradient": input.grad, "evaluation": layer.eval()(input)}
    return {name: value.detach().numpy() for name, value in results.items()} | state


# Tests


@each_mode
@pytest.mark.parametrize(("code", "right"), [(row[0], row[2]) for row in OPTIMISERS])
def test_optimisers(code, right, mode):
    assert error(run_optimizer(right), wanted_of(code)) < TOLERANCE


WRONG = [row[:2] for row in [*OPTIMISERS, *WRONG_CELLS] if row[1] != "-"]


@pytest.mark.slow  # each is compiled with its gradient
@pytest.mark.parametrize(("code", "wrong"), [*WRONG, ("optim.Adam(p, 0.01)", "optim.Adam(p, 0.01)")])
def test_wrong(code, wrong, graph_mode):
    """It would not be in the table otherwise. In Graph mode, where more is wrong."""
    try:
        results = (run_optimizer if "(p, " in wrong else run_cell)(wrong)
    except REFUSALS:
        return
    assert error(results, wanted_of(code)) > 10 * TOLERANCE, MENDED


def torch_results():
    """{code: {name: array}} of all that is recorded."""
    results = {code: run_torch_expression(code) for code in [*(row[0] for row in ROWS), *SAME]}
    others = {row[0]: run_torch_optimizer(row[0]) for row in OPTIMISERS}
    others |= {row[0]: run_torch_cell(row[0]) for row in WRONG_CELLS}
    return results | {
        code: {name: value.astype(np.float32) for name, value in named.items()} for code, named in others.items()
    }


@pytest.mark.filterwarnings("ignore:.*torch.meshgrid.*:UserWarning")
def test_record():
    pytest.importorskip("torch", reason="compares with torch, which is not installed")
    results = torch_results()
    assert sorted(GOLDEN) == sorted(f"{code}//{name}" for code, named in results.items() for name in named)
    for code, named in results.items():
        for name, value in named.items():
            recorded = GOLDEN[f"{code}//{name}"]
            assert recorded.shape == value.shape
            if not (is_random(code) or value.dtype == bool):
                assert difference(recorded, value) < 1e-6, (code, name)


@pytest.mark.parametrize(("code", "right"), [
    ("nn.LayerNorm((5, 7))", "nn.LayerNorm((5, 7), epsilon=1e-5, begin_norm_axis=2, begin_params_axis=2)"),
    ("nn.MaxPool2d(3, 2, 1)", 'nn.MaxPool2d(3, 2, pad_mode="pad", padding=1)'),
])
def test_arguments_that_the_guide_names(code, right):
    """They are what is missing: with them, the layers give torch's."""
    assert error(run_cell(right), wanted_of(code)) < TOLERANCE
    (row,) = (row for row in CELLS if row[0] == code)
    assert all(name in row[2] for name in re.findall(r"(begin_\w+|pad_mode)=", right))


@pytest.mark.parametrize(("code", "wrong"), [row[:2] for row in CELLS if row[0] in RANDOM])
def test_random_cells(code, wrong):
    """Whether the deviation is not torch's (of ones with dropout: sqrt(0.3 / 0.7)); 20,000 values give 1%."""
    layer = eval(wrong, {"nn": nn})
    if "Embedding" in wrong:
        assert layer.embedding_table.asnumpy().std() != pytest.approx(1, rel=0.2)
    else:
        ones = Tensor(np.ones((100, 200, 1, 1), np.float32))
        assert layer.set_train()(ones).asnumpy().std() != pytest.approx(np.sqrt(0.3 / 0.7), rel=0.2)


def test_cells_of_mindspore_start_in_evaluation_mode():
    class Network(mscompat.nn.Module):
        def __init__(self):
            super().__init__()
            self.own, self.inner = mscompat.nn.Linear(2, 2), nn.Dense(2, 2)

    network = Network()
    assert network.training
    assert network.own.training
    assert not network.inner.training
    assert network.train().inner.training
    optimizer = optim.SGD(network.trainable_params(), 0.1)
    assert not nn.TrainOneStepCell(nn.WithLossCell(network, mscompat.nn.MSELoss()), optimizer).training


def record():
    arrays = {
        f"{code}//{name}": value for code, named in torch_results().items() for name, value in named.items()
    }
    np.savez_compressed(FILE, **arrays)
    print(f"{FILE}: {FILE.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    record()
