"""What the tests of examples/README.md share: its tables and code, what torch gave, and how far off that is.

golden_porting.npz holds what torch gave; test_porting_guide.py writes it.
"""

from __future__ import annotations

import contextlib
import importlib.util
import pathlib
import re
import sys
import textwrap

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor, ops

import mscompat
from mscompat import random

GUIDE = (pathlib.Path(__file__).parents[2] / "examples" / "README.md").read_text(encoding="utf-8")
FILE = pathlib.Path(__file__).with_name("golden_porting.npz")
TOLERANCE = 5e-6  # of the largest value: sums, exponentials and their gradients in float32
MENDED = "right in this MindSpore: the guide need not say otherwise any more"
REFUSALS = (AttributeError, NotImplementedError, RuntimeError, TypeError, ValueError)

# The guide

SECTIONS = dict(section.split("\n", 1) for section in re.split(r"^## ", GUIDE, flags=re.MULTILINE)[1:])


def table_of(heading):
    """The rows, each a list of what its cells begin with: code without its quotes, or text."""
    lines = [line for line in SECTIONS[heading].split("\n") if line.startswith("| ")]
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]
    return [[re.sub(r"^`(.*?)`.*", r"\1", cell) for cell in row] for row in rows]


def codes_as_in_torch(heading):
    """What the text before the table lists, after its colon."""
    codes = re.split("`[,.]\\s+", SECTIONS[heading].split("\n| ")[0].split(":\n", 1)[1].strip() + "\n")[:-1]
    assert all(code[0] == "`" and "`" not in code[1:] for code in codes)
    return [code[1:] for code in codes]


def code_blocks():
    """All in the order in which they run: imports and network, data, training."""
    network, training, data = re.findall(r"^( *)```python\n(.*?)^\1```", GUIDE, flags=re.MULTILINE | re.DOTALL)
    return "\n".join(textwrap.dedent(code) for _, code in (network, data, training))


TENSOR_HEADINGS = ["Tensor methods", "Functions"]
ROWS = [row for heading in TENSOR_HEADINGS for row in table_of(heading)]
SAME = [code for heading in TENSOR_HEADINGS for code in codes_as_in_torch(heading)]
OPTIMISERS = table_of("Optimisers")
CELLS = table_of("What mindspore.nn does otherwise")
RANDOM = [code for code, *_ in CELLS if re.match(r"nn\.(Dropout|Embedding)", code)]
WRONG_CELLS = [row for row in CELLS if row[0] not in RANDOM]
DATA = table_of("Data")


def draw(seed, *shape):
    mscompat.manual_seed(seed)
    return random.uniform(-3, 3, int(np.prod(shape)), ms.float32).reshape(shape)


def leaves_of(output):
    return output if isinstance(output, (tuple, list)) else (output,)


def weighted_sum(output):
    """Of what has a gradient, with other weights for each element."""
    total = 0.0
    for leaf in leaves_of(output):
        if isinstance(leaf, Tensor) and leaf.dtype in (ms.float16, ms.float32, ms.float64):
            weights = ops.cos(ops.arange(leaf.size).astype(ms.float32)).reshape(leaf.shape)
            total = total + (leaf.astype(ms.float32) * weights).sum()
    return total


@contextlib.contextmanager
def imported(path):
    """The module of a file, which Graph mode looks up by its name."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, path.stem, module)
        spec.loader.exec_module(module)
        yield module


def difference(result, value):
    """Relative to the largest value, where there is one; not finite is far off."""
    result, value = result.astype(float), value.astype(float)
    largest = np.abs(value).max(initial=0)
    error = np.abs(result - value).max(initial=0) / (largest or 1)
    return error if np.isfinite(error) else np.inf


def error(results, wanted):
    """The largest difference; infinite for another shape."""
    assert results.keys() == wanted.keys()
    return max(
        difference(results[name], value) if results[name].shape == value.shape else np.inf
        for name, value in wanted.items()
    )


each_mode = pytest.mark.parametrize(
    # Each compilation of these takes a second; the networks of test_models.py have some of them in Graph mode.
    "mode", ["pynative", pytest.param("graph", marks=pytest.mark.slow)], indirect=True
)

GOLDEN = dict(np.load(FILE))


def wanted_of(code):
    return {name.rsplit("//", 1)[1]: value for name, value in GOLDEN.items() if name.rsplit("//", 1)[0] == code}
