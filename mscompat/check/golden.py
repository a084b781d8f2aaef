"""Calls of the six layers with what torch gives for them: golden.npz, which tests/check/record_golden.py writes."""

from __future__ import annotations

import ast
import math
import pathlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

__all__ = [
    "FACTORS", "FILE", "TOLERANCES", "Golden", "Inputs", "Record", "Results", "load", "make_inputs", "multiply",
    "relative_error", "save",
]

FILE = pathlib.Path(__file__).with_name("golden.npz")

# Largest error of an element allowed, relative to the sum of the absolute values of the terms that it is the sum of.
TOLERANCES = {"float64": 1e-15, "float32": 5e-7, "float16": 1e-3, "bfloat16": 4e-3}  # float: 4 eps; half: 1 or 0.5 eps

# The recorded inputs have 6 significant bits, which every dtype holds, and torch's float64 results of them are exact.
# Input, bias and cotangent are multiplied by this number of 16 bits, so that float32 has to round, and the 11 bits of
# TF32 or HF32 don't suffice; all results are multiplied with them, the gradient of the weight twice.
FACTORS = {"float64": 40503 / 2**15, "float32": 40503 / 2**15, "float16": 1.0, "bfloat16": 1.0}
_BITS = 5  # of the inputs, after the binary point


class Golden(NamedTuple):
    """A call that torch made."""

    name: str
    dimensions: int
    transposed: bool
    arguments: dict[str, Any]  # of the constructor
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    output_size: tuple[int, ...] | None
    contiguous: bool
    seed: int

    @property
    def operator(self) -> str:
        """The function's name in torch.nn.functional."""
        return f"conv{'_transpose' if self.transposed else ''}{self.dimensions}d"

    @property
    def layer(self) -> str:
        """The layer's name in torch.nn."""
        return f"Conv{'Transpose' if self.transposed else ''}{self.dimensions}d"


class Inputs(NamedTuple):
    """Arguments of a call and of its backward pass, as float64."""

    input: np.ndarray
    weight: np.ndarray
    bias: np.ndarray | None
    cotangent: np.ndarray


class Results(NamedTuple):
    """What a call and its backward pass give."""

    output: np.ndarray
    input_gradient: np.ndarray
    weight_gradient: np.ndarray
    bias_gradient: np.ndarray | None


class Record(NamedTuple):
    """A call, what torch gives for make_inputs(golden), and the sums of the absolute values of the terms of that."""

    golden: Golden
    results: Results
    scales: Results


def make_inputs(golden: Golden) -> Inputs:
    """The same random numbers everywhere: of either sign, from 0.5 to 2."""
    random = np.random.RandomState(golden.seed)  # its numbers never change: NumPy's NEP 19

    def draw(*shape: int) -> np.ndarray:
        """Numbers of 6 significant bits at most."""
        return random.randint(2 ** (_BITS - 1), 2 ** (_BITS + 1), shape) * random.choice([-1, 1], shape) / 2**_BITS

    shapes = _shapes(golden)
    input, weight = draw(*shapes.input_gradient), draw(*shapes.weight_gradient)
    bias = None if shapes.bias_gradient is None else draw(*shapes.bias_gradient)
    return Inputs(input, weight, bias, draw(*shapes.output))


def multiply(arrays: Any, factor: float) -> Any:
    """Inputs or Results with all but the weight multiplied by factor; the weight's gradient by its square."""
    powers = {"weight": 1.0, "weight_gradient": factor**2}
    return type(arrays)(*(
        None if array is None else array * powers.get(name, factor)
        for name, array in zip(arrays._fields, arrays, strict=True)
    ))


def relative_error(actual: np.ndarray, expected: np.ndarray, scale: np.ndarray) -> float:
    """The largest error of an element, relative to the sum of the absolute values of its terms. NaN counts as inf."""
    if not expected.size:
        return 0.0
    error = float((np.abs(actual - expected) / np.maximum(scale, 1e-300)).max())
    return math.inf if math.isnan(error) else error


def save(path: pathlib.Path, torch_version: str, records: list[Record]) -> None:
    """Write a file of records."""
    values, scales = (
        np.concatenate([array.ravel() for results in part for array in results if array is not None])
        for part in ([record.results for record in records], [record.scales for record in records])
    )
    integers = np.round(values * 4**_BITS).astype(np.int64)
    if not np.array_equal(integers / 4**_BITS, values):
        raise ValueError("torch's results are not exact")
    np.savez_compressed(
        path, torch_version=np.array(torch_version), calls=np.array(repr([tuple(record.golden) for record in records])),
        values=integers, scales=scales.astype(np.float16),
    )


def load(path: pathlib.Path = FILE) -> tuple[str, list[Record]]:
    """torch's version and the records of a file that save wrote."""
    with np.load(path) as arrays:
        goldens = [Golden(*fields) for fields in ast.literal_eval(str(arrays["calls"]))]
        results = _split(goldens, arrays["values"] / 4**_BITS)
        scales = _split(goldens, arrays["scales"].astype(np.float64))
        return str(arrays["torch_version"]), list(map(Record, goldens, results, scales))


def _split(goldens: list[Golden], flat: np.ndarray) -> Iterator[Results]:
    """Cut the file's one long array into the results of each call."""
    start = 0
    for golden in goldens:
        arrays: list[Any] = []
        for shape in _shapes(golden):
            end = start if shape is None else start + math.prod(shape)
            arrays.append(None if shape is None else flat[start:end].reshape(shape))
            start = end
        yield Results(*arrays)


def _shapes(golden: Golden) -> Any:
    """The shapes of the results, which are those of the inputs."""
    arguments = golden.arguments
    first, second = arguments["out_channels"], arguments["in_channels"]
    if golden.transposed:
        first, second = second, first
    size = arguments["kernel_size"]
    kernel = (size,) * golden.dimensions if isinstance(size, int) else tuple(size)
    weight = (first, second // arguments.get("groups", 1), *kernel)
    bias = (arguments["out_channels"],) if arguments.get("bias", True) else None
    shapes: Any = golden.output_shape, golden.input_shape, weight, bias
    return Results(*shapes)
