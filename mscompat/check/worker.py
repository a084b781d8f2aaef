"""The process in which ``mscompat check`` runs calls: a call may end it.

It reads one line of JSON, {"golden": file, "device_target": name or None, "jobs": [[call's number, dtype, mode], ...]},
and writes lines of JSON: first the environment; then for each job when it starts, and how it ended.
"""

from __future__ import annotations

import json
import os
import pathlib
import platform
import sys
from typing import Any, TextIO

import mindspore as ms
import numpy as np
from mindspore import Tensor, nn, ops

from .. import __version__
from .. import nn as layers
from .._mindspore import onednn
from ..parameters import assign
from .golden import FACTORS, Golden, Record, Results, load, make_inputs, multiply, relative_error

__all__ = ["main", "run_job"]

MODES = {"pynative": ms.PYNATIVE_MODE, "graph": ms.GRAPH_MODE}


def main() -> None:
    """Read the jobs, run them, write what comes out."""
    # MindSpore prints to stdout here and there: let that go to stderr.
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    task = json.loads(sys.stdin.readline())
    target = task["device_target"]
    if target is not None:
        if not getattr(ms.device_context, target.lower()).is_available():
            _reply(replies, no_device="")
            return
        try:
            ms.set_device(target)
        except RuntimeError as error:
            _reply(replies, no_device=_text(error).partition(". ")[0])
            return
    _reply(replies, environment=_environment())
    try:
        (Tensor([1.0], ms.float32) + 1).asnumpy()
    except Exception as error:
        _reply(replies, broken=_text(error))
        return
    _reply(replies, ready=True)
    records = load(pathlib.Path(task["golden"]))[1]
    for number, dtype, mode in task["jobs"]:
        _reply(replies, started=True)
        ms.set_context(mode=MODES[mode])
        try:
            errors = run_job(records[number], dtype)
        except Exception as error:
            _reply(replies, raised=_text(error), type=type(error).__name__)
        else:
            _reply(replies, errors=errors)


def run_job(record: Record, dtype: str) -> dict[str, float | str]:
    """By the results' names: their relative errors, or in words what else is wrong with them."""
    factor = FACTORS[dtype]
    expected, scales = (multiply(results, factor) for results in record[1:])
    actual = _run(record.golden, dtype, factor)
    errors: dict[str, float | str] = {}
    for name, one, other, scale in zip(Results._fields, actual, expected, scales, strict=True):
        if other is None:
            continue
        if one.dtype != getattr(ms, dtype):
            errors[name] = f"dtype {one.dtype}, expected {dtype}"
        elif one.shape != other.shape:
            errors[name] = f"shape {one.shape}, expected {other.shape}"
        else:
            errors[name] = relative_error(_array(one), other, scale)
    return errors


def _run(golden: Golden, dtype: str, factor: float) -> Any:
    """The call's results as tensors."""
    inputs = multiply(make_inputs(golden), factor)
    wide = "float64" if dtype == "float64" else "float32"
    layer = getattr(layers, golden.layer)(**golden.arguments, dtype=getattr(ms, dtype))
    assign(layer.weight, _tensor(inputs.weight, dtype))
    if layer.bias is not None:
        assign(layer.bias, _tensor(inputs.bias, dtype))
    input = _tensor(inputs.input, dtype)
    if not golden.contiguous:
        channels, last = input.ndim - golden.dimensions - 1, input.ndim - 1
        to_first = (*range(channels), last, *range(channels, last))
        input = ops.transpose(_tensor(np.moveaxis(inputs.input, channels, -1), dtype), to_first)
    net = _Net(layer, golden.output_size, getattr(ms, wide))
    gradient = ms.value_and_grad(net, grad_position=0, weights=layer.trainable_params(), has_aux=True)
    (_, output), (input_gradient, parameter_gradients) = gradient(input, _tensor(inputs.cotangent, wide))
    return Results(output, input_gradient, *[*parameter_gradients, None][:2])


class _Net(nn.Cell):
    """Sums cotangent * output, so that the gradients are those of torch's output.backward(cotangent)."""

    def __init__(self, layer: nn.Cell, output_size: tuple[int, ...] | None, dtype: Any) -> None:
        super().__init__()
        self.layer = layer
        self.output_size = output_size
        self.dtype = dtype

    def construct(self, input: Tensor, cotangent: Tensor) -> Any:
        """The sum to differentiate, and the output."""
        output = self.layer(input) if self.output_size is None else self.layer(input, self.output_size)
        return (ops.cast(output, self.dtype) * cotangent).sum(), output


def _tensor(values: Any, dtype: str) -> Tensor:
    """Values as a tensor, rounded once: NumPy has no bfloat16."""
    return Tensor(np.asarray(values, "float64" if dtype == "float64" else "float32"), getattr(ms, dtype))


def _array(value: Tensor) -> np.ndarray:
    """A tensor's values, exactly."""
    if value.dtype == ms.bfloat16:
        value = ops.cast(value, ms.float32)
    return value.asnumpy().astype(np.float64)


def _environment() -> dict[str, str]:
    """What a reader of the report has to know of this machine."""
    return {
        "mscompat": __version__,
        "MindSpore": ms.__version__,
        "NumPy": np.__version__,
        "Python": platform.python_version(),
        "platform": platform.platform(),
        "processor": f"{_processor()}, {os.cpu_count()} cores",
        "device target": ms.get_context("device_target"),
        "oneDNN": ".".join(map(str, onednn.version() or ("not found",))),
        "CPU convolutions": onednn.state().value,
    }


def _processor() -> str:
    """The processor's name, as far as the system tells."""
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _text(error: Exception) -> str:
    """The error's own sentences: MindSpore adds a C++ call stack after a rule of dashes."""
    return str(error).partition("\n----")[0].strip() or type(error).__name__


def _reply(replies: TextIO, **message: Any) -> None:
    """Write a message as one line, at once: the process may end with the next call."""
    print(json.dumps(message), file=replies, flush=True)


if __name__ == "__main__":
    main()
