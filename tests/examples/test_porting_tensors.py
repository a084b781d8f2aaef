"""Methods and functions of tensors, as the tables of examples/README.md write them, and as torch does."""

from __future__ import annotations

import re

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor
from porting_guide import (
    MENDED,
    REFUSALS,
    ROWS,
    SAME,
    TOLERANCE,
    difference,
    draw,
    each_mode,
    imported,
    leaves_of,
    wanted_of,
)

INPUTS = {
    "x": 2 * draw(0, 2, 3, 4, 2), "y": draw(1, 2, 3, 4, 2), "r": draw(2, 2, 1, 4, 2), "a": draw(3, 3, 4),
    "b": draw(4, 4, 5), "p": draw(5, 2, 3, 4), "q": draw(6, 2, 4, 5), "i": np.array([2, 0]),
    "index": np.arange(32).reshape(2, 2, 4, 2) % 3,
}
DIFFERENTIABLE = [name for name, array in INPUTS.items() if array.dtype == np.float32]


def is_random(code):
    return re.match(r"(torch|ops)\.rand", code) is not None


def as_ops(code):
    """torch's spelling with MindSpore's names: of types, and of functions those of ops."""
    return re.sub(r"\btorch\.", "ops.", re.sub(r"\btorch\.(?=float|int)", "ms.", code))


HEADER = """
import mindspore as ms
from mindspore import ops
from porting_guide import weighted_sum

import mscompat.nn.functional as F
from mscompat import nn
"""
CELL = """

class Value{number}(nn.Module):
    def forward(self, {arguments}):
        return {code}


class Sum{number}(nn.Module):
    def forward(self, {arguments}):
        output = {code}
        return weighted_sum(output), output
"""
WRITTEN = list(dict.fromkeys([*(row[1] for row in ROWS), *map(as_ops, SAME), *(as_ops(row[0]) for row in ROWS)]))


@pytest.fixture(scope="module")
def cells(tmp_path_factory):
    """A module with two cells for each expression: Graph mode reads sources from files."""
    path = tmp_path_factory.mktemp("guide") / "guide_expressions.py"
    arguments = ", ".join(INPUTS)
    text = "".join(CELL.format(number=number, arguments=arguments, code=code) for number, code in enumerate(WRITTEN))
    path.write_text(HEADER + text, encoding="utf-8")
    with imported(path) as module:
        yield module


def run(cells, code, wanted):
    """How the values and the gradients differ from torch's, in two calls: a text, empty if they do not.

    wanted: {"value 0": array, ..., "gradient x": array, ...}. Without gradients, the cell is only called.
    """
    number = WRITTEN.index(code)
    inputs = [Tensor(array) for array in INPUTS.values()]
    positions = tuple(index for index, name in enumerate(INPUTS) if name in DIFFERENTIABLE)
    cell = getattr(cells, f"Value{number}")()
    gradients = [name for name in wanted if name.startswith("gradient")]
    # Not in Graph mode, where each compilation takes its time; in PyNative mode, an exception in the gradient spoils
    # the following ones.
    if not gradients or ms.get_context("mode") == ms.PYNATIVE_MODE:
        for _ in range(2):
            text = differences(name_values(cell(*inputs)), wanted, code)
            if text or not gradients:
                break
        if text or not gradients:
            return text
    gradient = ms.value_and_grad(getattr(cells, f"Sum{number}")(), positions, has_aux=True)
    for _ in range(2):
        (_, output), found = gradient(*inputs)
        results = name_values(output)
        for name, array in zip(DIFFERENTIABLE, found, strict=True):
            if f"gradient {name}" in wanted or array.asnumpy().any():
                results[f"gradient {name}"] = array.asnumpy()
        text = differences(results, wanted, code)
        if text:
            break
    return text


def name_values(output):
    return {f"value {index}": as_array(leaf) for index, leaf in enumerate(leaves_of(output))}


def as_array(value):
    return value.asnumpy() if isinstance(value, Tensor) else np.asarray(value)


def differences(results, wanted, code):
    names = {name for name in wanted if name in results or not name.startswith("gradient")}
    if not results.keys() <= wanted.keys() or not names <= results.keys():
        return f"{sorted(results)} for {sorted(wanted)}"
    for name in names:
        result, value = results[name], wanted[name]
        if result.shape != value.shape:
            return f"{name}: shape {result.shape} for {value.shape}"
        # Of indices, MindSpore's are often int32.
        if result.dtype != value.dtype and not (result.dtype == np.int32 and value.dtype == np.int64):
            return f"{name}: {result.dtype} for {value.dtype}"
        if not is_random(code) and difference(result, value) > TOLERANCE:
            return f"{name}: off by {difference(result, value):.1e}"
    return ""


def run_torch_expression(code):
    """What run wants."""
    import torch

    results = {}
    for dtype in (torch.float32, torch.float64):
        inputs = {name: torch.from_numpy(array.copy()) for name, array in INPUTS.items()}
        for name in DIFFERENTIABLE:
            inputs[name] = inputs[name].to(dtype).requires_grad_()
        names = {"torch": torch, **inputs}
        if ".numpy()" in code or ".tolist()" in code:  # of what has a gradient, torch gives none
            names |= {name: tensor.detach() for name, tensor in inputs.items()}
        output = eval(code.replace(".cuda()", ""), names)  # torch's may be without one
        values = [leaf.detach().numpy() if isinstance(leaf, torch.Tensor) else leaf for leaf in leaves_of(output)]
        for index, value in enumerate(values):
            # In float32's type, but of float64's numbers.
            before = results.get(f"value {index}", np.asarray(value))
            results[f"value {index}"] = np.asarray(value).astype(before.dtype)
        total = sum(
            (leaf * torch.cos(torch.arange(leaf.numel()).double()).reshape(leaf.shape)).sum()
            for leaf in leaves_of(output) if isinstance(leaf, torch.Tensor) and leaf.requires_grad
        )
        if not isinstance(total, int):
            total.backward()
    gradients = {name: inputs[name].grad for name in DIFFERENTIABLE}
    return results | {
        f"gradient {name}": array.numpy().astype(np.float32) for name, array in gradients.items() if array is not None
    }


# Tests


@each_mode
@pytest.mark.parametrize(("code", "written"), [row[:2] for row in ROWS])
def test_written_as_the_table_says(code, written, mode, cells):
    assert run(cells, written, wanted_of(code)) == ""


@each_mode
@pytest.mark.parametrize("code", SAME)
def test_as_in_torch(code, mode, cells):
    assert run(cells, as_ops(code), wanted_of(code)) == ""


@each_mode
@pytest.mark.parametrize(("code", "pynative", "graph"), [(row[0], *row[2:]) for row in ROWS])
def test_written_as_in_torch(code, pynative, graph, mode, cells):
    """The last columns. What is there may change with a version of MindSpore, and then the guide says less."""
    told = pynative if mode == "pynative" else graph
    word = re.match(r"right|wrong|raises", told)[0]
    if "in 2.7" in told:
        version = ms.__version__.rpartition(".")[0]
        if version not in ("2.7", "2.10"):
            pytest.skip(f"the guide says nothing of MindSpore {version} here")
        word = word if version == "2.7" else "right"
    try:
        text = run(cells, as_ops(code), wanted_of(code))
    except REFUSALS as refusal:
        found, text = "raises", str(refusal)
    else:
        found = "wrong" if text else "right"
    assert found == word, f"{text}\n{MENDED}" if found == "right" else text
