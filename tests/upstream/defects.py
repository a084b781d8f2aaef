"""What the tests of MindSpore's defects share."""

from __future__ import annotations

import contextlib
import os
import pathlib
import re
import subprocess
import sys
import textwrap

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor

FOLDER = pathlib.Path(__file__).parent
ROOT = FOLDER.parents[1]
VERSION = tuple(int(part) for part in ms.__version__.split(".")[:2])
MENDED = f"mended in MindSpore {ms.__version__}: tests/upstream/README.md says what can go"


@contextlib.contextmanager
def raises_still(error_type, match):
    """Fail with MENDED unless the block raises error_type with a message in which match is found."""
    message = None
    try:
        yield
    except error_type as error:
        message = str(error)
        # In PyNative mode it may come once more, with the next result: here, and not in another test.
        with contextlib.suppress(error_type):
            Tensor(1.0).add(1).asnumpy()
    assert message is not None, MENDED
    assert re.search(match, message), message


def run(mode, function, *arguments):
    """function(*arguments) as a NumPy array; in Graph mode compiled, where a bare operator would run as in PyNative."""
    output = (ms.jit(function) if mode == "graph" else function)(*arguments)
    return output.asnumpy()


def numbers(*shape, dtype=ms.float32):
    """0.1, 0.2, and so on."""
    return Tensor(np.arange(1, 1 + np.prod(shape)).reshape(shape) / 10, dtype)


def empty_batch(*shape):
    return Tensor(np.zeros((0, *shape), np.float32))


def run_script(script, folder, **variables):
    """Run Python source in a process of its own, in a folder, with these environment variables."""
    path = folder / "script.py"
    path.write_text(textwrap.dedent(script), encoding="utf-8")
    paths = filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), **variables}
    return subprocess.run(
        [sys.executable, str(path)], cwd=folder, env=environment, capture_output=True, text=True, timeout=300,
        check=False,
    )


def derivative(order, function, input):
    """Of that order, as an array: each loss is the sum of squares of the gradient of the one before.

    The first loss is the sum of function(input)**3.
    """
    def cubes(input):
        return (function(input) ** 3).sum()

    def sum_of_squares(gradient):
        def loss(input):
            return (gradient(input) ** 2).sum()

        return loss

    loss = cubes
    for _ in range(order - 1):
        loss = sum_of_squares(ms.grad(loss))
    return ms.grad(loss)(input).asnumpy()


def derivative_of_copies(order, input, copies):
    """The same by hand, where function(input) holds each element of input as often as copies says.

    The sum is c * x**3 and its gradient 3 * c * x**2, whose square is 9 * c**2 * x**4; the gradient of that is
    36 * c**2 * x**3, and so on.
    """
    x = input.asnumpy().astype(np.float64)
    c = np.broadcast_to(copies, x.shape).astype(np.float64)
    return {2: 36 * c**2 * x**3, 3: 7776 * c**4 * x**5}[order]


def is_right(actual, expected):
    return np.allclose(actual, expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())


def skip_without_onnx():
    pytest.importorskip("onnx", reason="MindSpore's exporter needs onnx, which is not installed")
