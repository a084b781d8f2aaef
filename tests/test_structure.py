"""The structure that the package keeps, and that each rule catches what it is there for."""

from __future__ import annotations

import ast
import configparser
import sys
from pathlib import Path

import pytest
from imports import UNREADABLE, Package
from structure import (
    circles,
    folders_without_readme,
    impurities,
    long_files,
    private_names,
    wrong_directions,
)

# From the top: a file imports what is in its own row, or below.
LAYERS = (
    ("__main__",),
    ("cli",),
    ("commands",),
    ("check",),
    ("__init__", "_public"),  # the public names
    ("nn",),
    ("init",),
    ("random",),
    ("_cephes",),  # logarithms and the like as torch's random numbers have them
    ("functional",),
    ("weights",),
    ("parameters",),
    ("_conv",),
    ("_conv.run",),
    ("_conv.plan",),
    ("_conv.devices",),
    ("_conv.algorithms",),
    ("_conv.shapes", "_conv.spec", "_conv.arguments", "_conv.geometry"),
    ("_constant", "_mindspore", "_missing", "_rounding", "_terminal"),
)
# They know no MindSpore: neither they nor what they import imports it.
PURE = ("_conv.spec", "_conv.arguments", "_conv.geometry", "_conv.shapes")
# The only folder that uses private names of MindSpore's: those with an underscore, and these modules.
HOME = "_mindspore"
PRIVATE_MODULES = ("mindspore.rewrite", "mindspore.ops.operations._grad_ops")
MOST_LINES = 350

ROOT = Path(__file__).parents[1]
PACKAGE = Package(ROOT / "mscompat")


def test_imports_point_downwards():
    assert list(wrong_directions(PACKAGE, LAYERS)) == []


def test_no_modules_import_each_other():
    assert list(circles(PACKAGE)) == []


def test_arithmetic_knows_no_mindspore():
    assert list(impurities(PACKAGE, PURE, "mindspore")) == []


def test_private_names_of_mindspore_are_in_one_folder():
    assert list(private_names(PACKAGE, "mindspore", PRIVATE_MODULES, HOME)) == []


def test_no_file_is_too_long():
    assert list(long_files(PACKAGE, MOST_LINES)) == []


def test_folders_explain_themselves():
    assert list(folders_without_readme(PACKAGE)) == []


def test_dependencies_are_what_is_imported():
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    lines = config["options"]["install_requires"].splitlines()
    assert "numpy>=1.25,<2" in lines  # MindSpore's binaries fail with NumPy 2
    declared = [line.rstrip(",.<>=0123456789") for line in lines if line and not line.startswith("#")]
    imported = {one.target.partition(".")[0] for module in PACKAGE.trees for one in PACKAGE.imports(module)}
    assert sorted(declared) == sorted(imported - sys.stdlib_module_names - {"mscompat"})


def test_all_files_are_read():
    assert {"mscompat", "mscompat.cli", "mscompat.check.worker", "mscompat._mindspore.onednn"} <= set(PACKAGE.trees)
    assert UNREADABLE not in {one.target for module in PACKAGE.trees for one in PACKAGE.imports(module)}


# That the rules catch what they are there for: packages made for it, written as {file: text}.

@pytest.fixture
def package(tmp_path):
    """Write a package, with an empty __init__.py in each folder, and read it."""
    def write(files):
        folder = tmp_path / "mscompat"
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        for inner in {folder, *(path for path in folder.rglob("*") if path.is_dir())}:
            if not (inner / "__init__.py").exists():
                (inner / "__init__.py").write_text("", encoding="utf-8")
        return Package(folder)

    return write


@pytest.mark.parametrize("line", [
    "import mindspore",
    "import mindspore as ms",
    "import mindspore.nn",
    "from mindspore import Tensor",
    "from mindspore.nn import Cell as C",
    'from importlib import import_module; import_module("mindspore")',
    'import importlib as i; i.import_module("mindspore.nn")',
    '__import__("mindspore")',
    'from importlib import import_module; import_module("mind" + "spore")',
    "def f():\n    import mindspore",
    "if TYPE_CHECKING:\n    from mindspore import Tensor",
    "try:\n    import mindspore\nexcept ImportError:\n    pass",
    "from . import helper",
    "from .helper import f",
    "from mscompat._conv import helper",
    "from .._conv.helper import *",
    'from importlib import import_module; import_module(".helper", "mscompat._conv")',
])
def test_purity(package, line):
    helper = "from .deeper import g"
    deeper = "from mindspore import ops"
    (found,) = impurities(package({
        "_conv/spec.py": line, "_conv/helper.py": helper, "_conv/deeper.py": deeper,
    }), ["_conv.spec"], "mindspore")
    assert found.startswith("mscompat._conv.spec")
    assert ("helper -> mscompat._conv.deeper:1 imports mindspore.ops" in found) == ("helper" in line)


def test_purity_of_what_is_pure(package):
    """Text is not searched, and a file that is not there is not pure."""
    pure = package({"_conv/spec.py": '"""import mindspore"""\nimport math\nfrom .geometry import f\nmindspore = 1\n',
                    "_conv/geometry.py": "from . import spec"})
    assert list(impurities(pure, ["_conv.spec", "_conv.geometry"], "mindspore")) == []
    assert list(impurities(pure, ["_conv.plan"], "mindspore")) == ["mscompat._conv.plan: there is no such file"]


@pytest.mark.parametrize(("file", "line", "target"), [
    ("weights/tensors.py", "from ..nn import conv", "nn.conv"),
    ("nn/conv.py", "from .. import check", "check"),
    ("nn/conv.py", "from mscompat import TorchConv2d", ""),
    ("functional.py", "from .nn.conv import Conv2d", "nn.conv"),
    ("functional.py", "def f():\n    from . import nn", "nn"),
    ("weights/tensors.py", "from ..cli import main", "cli"),
    ("_conv/plan.py", "from .run import run", "_conv.run"),
    ("_conv/devices.py", "from . import plan", "_conv.plan"),
    ("_conv/algorithms/native.py", "from ..devices import cpu", "_conv.devices"),
    ("_conv/geometry.py", "from .algorithms.native import f", "_conv.algorithms.native"),
    ("_mindspore/onednn.py", "from .._conv import spec", "_conv.spec"),
    ("_conv/run.py", 'import importlib\nimportlib.import_module("..functional", __package__)', "functional"),
])
def test_directions(package, file, line, target):
    module = f"mscompat.{file.removesuffix('.py').replace('/', '.')}"
    tree = {name: "" for name in (
        "cli.py", "check/worker.py", "weights/tensors.py", "nn/conv.py", "functional.py", "_conv/run.py",
        "_conv/plan.py", "_conv/devices.py", "_conv/algorithms/native.py", "_conv/spec.py", "_mindspore/onednn.py",
    )}
    full = f"mscompat.{target}" if target else "mscompat"
    made = package({**tree, file: line})
    assert list(wrong_directions(made, LAYERS)) == [
        f"{module}:{line.count(chr(10)) + 1} imports {full}, a layer above it"
    ]


def test_directions_that_are_right(package):
    assert list(wrong_directions(package({
        "__init__.py": "from . import functional, nn\nfrom .weights.tensors import T",
        "cli.py": "from . import __version__, check\nfrom .weights import tensors",
        "check/worker.py": "from .. import Layer\nfrom ..nn import conv",
        "weights/tensors.py": "from .._conv import spec",
        "nn/conv.py": "from .. import functional\nfrom .linear import f\nfrom ..weights.tensors import g",
        "nn/linear.py": "from .._mindspore import amp",
        "functional.py": "from ._conv.run import run",
        "_conv/run.py": "from .plan import plan\nfrom .algorithms import native",
        "_conv/plan.py": "from . import geometry",
        "_conv/algorithms/native.py": "from ..geometry import f",
        "_conv/geometry.py": "from .spec import Spec",
        "_conv/spec.py": "import math",
        "_mindspore/amp.py": "import mindspore",
    }), LAYERS)) == []


def test_a_file_without_a_layer(package):
    assert list(wrong_directions(package({"new.py": ""}), LAYERS)) == ["mscompat.new has no layer"]


def test_circles(package):
    made = package({
        "a.py": "from .b import f", "b.py": "def f():\n    from . import c", "c.py": "import mscompat.a",
        "d.py": "from . import a, e", "e.py": "from . import d", "f.py": "from . import a",
    })
    assert list(circles(made)) == [
        "mscompat.a -> mscompat.b -> mscompat.c -> mscompat.a", "mscompat.d -> mscompat.e -> mscompat.d",
    ]


@pytest.mark.parametrize("line", [
    "from mindspore import _c_expression",
    "import mindspore._c_expression as c",
    "from mindspore._c_expression import MSContext",
    'from importlib import import_module; import_module("mindspore._c_expression")',
    "from mindspore.rewrite.common.namespace import x",
    "from mindspore import rewrite",
    "from mindspore.ops.operations._grad_ops import Conv2DBackpropFilter",
    "import mindspore as ms; ms.rewrite.SymbolTree",
    "import mindspore; mindspore.common._x",
    "from mindspore import ops as o; o.operations._grad_ops.A",
    "def f(cell): return cell._cells",
    "def f(cell): cell._cells = {}",
    "def f(cell): return cell.inner()._params.items()",
    'def f(cell): return getattr(cell, "_buffers", None)',
    'def f(cell): return cell.__dict__["_params"]',
    'def f(cell): return vars(cell)["_params"]',
    "class C(Cell):\n    def f(self): return self._cells",
    "class C(Cell):\n    def f(self): return super()._add_attr()",
])
def test_private_names(package, line):
    made = package({"nn/conv.py": line, "_mindspore/cells.py": line})
    (found,) = private_names(made, "mindspore", PRIVATE_MODULES, HOME)
    assert found.startswith("mscompat.nn.conv:")


@pytest.mark.parametrize("line", [
    "from mindspore import ops, Tensor; ops.Conv2D; Tensor.__name__",
    "import mindspore as ms; ms.ops.operations.nn_ops",
    "from . import _x; _x.f",
    "class C:\n    __slots__ = ('_a',)\n    def f(self, other): return self._a + other._a",
    "class C:\n    def __init__(self): self._a = 1\ndef f(c): return c._a",
    "def _f(): pass\nthis._f",
    "record._replace(a=1)._asdict()",
    "mindspore_rewrite = 1; mindspore_rewrite.x",
])
def test_names_that_are_not_private_of_mindspore(package, line):
    assert list(private_names(package({"nn/conv.py": line}), "mindspore", PRIVATE_MODULES, HOME)) == []


def test_long_files_and_folders_without_readme(package):
    made = package({"a.py": "x = 1\n" * 351, "b.py": "x = 1\n" * 350, "nn/c.py": "", "nn/d.py": "", "weights/e.py": "",
                    "check/f.py": "", "check/g.py": "", "check/README.md": "# The self-check\n"})
    assert list(long_files(made, MOST_LINES)) == ["mscompat.a: 351 lines"]
    assert list(folders_without_readme(made)) == ["mscompat/nn"]


def test_imports_are_of_the_tree(package):
    """Names in comments and strings are none, and relative ones are counted from the file's own folder."""
    made = package({"nn/__init__.py": "from .conv import f", "nn/conv.py": "# import torch\nx = 'import torch'",
                    "nn/more/a.py": "from ..conv import f\nfrom ... import nn\nfrom . import __name__"})
    assert [target for _, target in made.inner_imports("mscompat.nn")] == ["mscompat.nn.conv"]
    assert [target for _, target in made.inner_imports("mscompat.nn.more.a")] == [
        "mscompat.nn.conv", "mscompat.nn", "mscompat.nn.more",
    ]
    assert list(made.imports("mscompat.nn.conv")) == []
    assert all(isinstance(tree, ast.Module) for tree in made.trees.values())
