"""What an import of mscompat does to the process, and when; what it refuses; that names are loaded when asked for."""

from __future__ import annotations

import os
import pathlib
import pickle
import subprocess
import sys

import pytest

import mscompat

ROOT = pathlib.Path(__file__).parents[2]


def run(script, **variables):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **variables}
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script], env=environment, capture_output=True, text=True, timeout=120,
        check=False,
    )


@pytest.mark.parametrize("load", ["from mscompat import nn", "import mscompat.nn.functional", "mscompat.manual_seed"])
def test_numpy_2_is_refused_before_mindspore_is_imported(load):
    """MindSpore's first tensor operator would raise a bare SystemError."""
    result = run(f"""
import sys, numpy
numpy.__version__ = "2.1.0"
import mscompat
try:
    {load}
except ImportError as error:
    print(error)
print("mindspore" in sys.modules)
""")
    sentence, imported = result.stdout.splitlines()
    assert "cannot work with NumPy 2.1.0, for it was compiled against NumPy 1" in sentence
    assert sentence.endswith("To mend it: pip install 'numpy<2'")
    assert imported == "False"


# Lines that print what the process has: MindSpore, and oneDNN looked after.
SEEN = """
import sys
print("mindspore" in sys.modules, "mscompat._mindspore.onednn" in sys.modules and
      sys.modules["mscompat._mindspore.onednn"]._state is not None)
"""


@pytest.mark.parametrize(("lines", "seen"), [
    ("import mscompat; mscompat.__version__; dir(mscompat); mscompat.__all__; from mscompat import cli", "False False"),
    ("import mscompat; hasattr(mscompat, 'no_such_name'); hasattr(mscompat, '__path__')", "False False"),
    ("import mscompat, mindspore", "True False"),  # the one order that is too late for the cap: it warns
    ("import mindspore, mscompat", "True True"),
    ("import mscompat; mscompat.nn", "True True"),
    ("import mscompat; mscompat.functional", "True True"),
    ("import mscompat; mscompat.load_torch_file", "True True"),
    ("from mscompat import nn", "True True"),
    ("from mscompat import *", "True True"),
    ("import mscompat.nn.functional as F", "True True"),
    ("import mscompat.functional", "True True"),
    ("from mscompat.nn import init", "True True"),
    ("from mscompat.weights import state_dict", "True True"),
    ("from mscompat.check import worker", "True True"),
])
def test_when_onednn_is_looked_after(lines, seen):
    result = run(lines + SEEN)
    assert result.stdout == f"{seen}\n", result.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_an_import_starts_no_thread_and_runs_no_operator():
    """Beside what `import mindspore` does: MindSpore's threads start with its first operator."""
    script = """
import os, pathlib
{}
print(sorted((path / "comm").read_text().strip() for path in pathlib.Path("/proc/self/task").iterdir()))
print(sorted(os.sched_getaffinity(0)))
"""
    ours, alone = (run(script.format(line)).stdout for line in ("from mscompat import *", "import mindspore"))
    assert ours == alone != ""


def test_torch_is_not_imported():
    result = run("import sys; from mscompat import *; print('torch' in sys.modules)")
    assert result.stdout == "False\n", result.stderr


THREADS = """
import sys, threading
import mscompat

names = [name for name in dir(mscompat) if name != "__version__"]
start = threading.Barrier(len(names))
found, errors = {}, []

def ask(name):
    start.wait()
    try:
        found[name] = getattr(mscompat, name)
    except BaseException as error:
        errors.append(f"{name}: {error!r}")

sys.setswitchinterval(1e-5)
threads = [threading.Thread(target=ask, args=(name,)) for name in names]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(errors, [name for name in names if found.get(name) is not getattr(mscompat, name)])
print(mscompat.nn.Conv2d is found["TorchConv2d"], found["nn"].functional.relu is found["functional"].relu)
"""


def test_threads_may_ask_for_the_first_names_at_once():
    result = run(THREADS)
    assert result.stdout == "[] []\nTrue True\n", result.stderr


GRAPH = """
import mindspore as ms, numpy as np
import mscompat

ms.set_context(mode=ms.GRAPH_MODE)
loaded = set(vars(mscompat)) & {"nn", "functional"}  # not loaded yet: the compiler asks for them

class Net(ms.nn.Cell):
    def construct(self, x):
        return mscompat.functional.relu(x) + mscompat.nn.functional.leaky_relu(x, 0.5)

@ms.jit
def double(x):
    return mscompat.nn.functional.relu(x) * 2

x = ms.Tensor(np.array([-2.0, 3.0], np.float32))
print(loaded, double(x), Net()(x))
"""


def test_compiled_code_may_ask_for_the_first_names(tmp_path):
    (tmp_path / "script.py").write_text(GRAPH)
    result = run(f"import runpy; runpy.run_path({str(tmp_path / 'script.py')!r})")
    assert result.stdout == "set() [0. 6.] [-1.  6.]\n", result.stderr


def test_pickles_open_in_a_process_that_has_not_asked_for_a_name():
    network = mscompat.nn.Sequential(mscompat.TorchConv2d(1, 2, 3), mscompat.nn.ReLU())
    things = pickle.dumps([network, mscompat.TorchFileError("text"), mscompat.functional.relu, mscompat.manual_seed])
    result = run(f"""
import pickle
network, error, relu, seed = pickle.loads({things!r})
import mscompat
print(type(network[0]) is mscompat.TorchConv2d, type(error) is mscompat.TorchFileError, error)
print(relu is mscompat.functional.relu, seed is mscompat.manual_seed)
""")
    assert result.stdout == "True True text\nTrue True\n", result.stderr


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'mscompat' has no attribute 'TorchConv4d'"):
        _ = mscompat.TorchConv4d
    with pytest.raises(ImportError, match="cannot import name 'TorchConv4d' from 'mscompat'"):
        from mscompat import TorchConv4d  # noqa: F401
