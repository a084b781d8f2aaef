"""The package as a whole: what it exports and imports, and that the examples in its docstrings run."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pathlib
import pydoc
import re

import pytest

import mscompat

ROOT = pathlib.Path(__file__).parent.parent


def modules_with_examples():
    """Names of the modules whose docstrings have examples. Those of torch_archive.py read a file that is not there."""
    files = sorted({*(ROOT / "mscompat").rglob("*.py")} - {ROOT / "mscompat" / "weights" / "torch_archive.py"})
    return [
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in files if re.search(r"^ +>>> ", path.read_text(encoding="utf-8"), re.MULTILINE)
    ]


@pytest.mark.parametrize("module", modules_with_examples())
def test_docstring_examples(module):
    results = doctest.testmod(importlib.import_module(module))
    assert results.attempted > 0
    assert results.failed == 0


def test_public_names():
    assert sorted(mscompat.__all__) == [
        "InertObject", "TorchConv1d", "TorchConv2d", "TorchConv3d", "TorchConvTranspose1d", "TorchConvTranspose2d",
        "TorchConvTranspose3d", "TorchFileError", "TorchTensor", "launch_blocking", "load_torch_file",
        "load_torch_state_dict", "manual_seed", "torch_state_dict",
    ]
    assert sorted({*mscompat.__all__, "__version__", "functional", "nn"}) == dir(mscompat)
    for name in dir(mscompat):
        assert getattr(mscompat, name)


def test_import_star_shadows_nothing():
    names: dict = {}
    exec("nn = functional = 'of somebody else'\nfrom mscompat import *", names)
    assert names["nn"] == names["functional"] == "of somebody else"
    assert not {"check", "cli", "init", "random", "weights"} & set(names)


def test_users_receive_what_is_exported():
    path = ROOT / "tests" / "weights" / "data" / "network_zip.pth"
    tensor = mscompat.load_torch_file(path)["model"]["module.embedding.weight"]
    assert type(tensor) is mscompat.TorchTensor


@pytest.mark.parametrize("layer", [mscompat.TorchConv2d, mscompat.TorchConvTranspose2d])
def test_help_is_of_the_class(layer):
    """inspect and pydoc give a method without a docstring that of its base class: here, pybind's of Cell_."""
    assert next(iter(inspect.signature(layer).parameters)) == "in_channels"
    page = pydoc.render_doc(layer, renderer=pydoc.plaintext)
    assert page.splitlines()[3].startswith(f" |  {layer.__name__}(in_channels: ")
    assert "exactly as ``torch.nn." in page
    for method in (layer.__init__, layer.construct):
        assert method.__doc__
        assert inspect.getdoc(method) == inspect.cleandoc(method.__doc__)
    assert "_c_expression" not in inspect.getdoc(layer.__init__)


def test_nn_and_torchs_names():
    for name in ("Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"):
        assert getattr(mscompat.nn, name) is getattr(mscompat, f"Torch{name}")
    assert {"Module", "Sequential", "BatchNorm2d", "init", "utils", "functional"} <= set(dir(mscompat.nn))
    assert mscompat.nn.functional.relu is mscompat.functional.relu
    assert set(mscompat.functional.__all__) <= set(dir(mscompat.nn.functional))


@pytest.mark.parametrize(("module", "name", "sentence"), [
    (mscompat.nn, "MultiheadAttention",
     "mscompat.nn has no 'MultiheadAttention': see mindspore.nn.MultiheadAttention and"),
    (mscompat.nn, "Cell2d", "mscompat.nn has no 'Cell2d', nor has mindspore.nn: see"),
    (mscompat.functional, "gumbel_softmax",
     "mscompat.functional has no 'gumbel_softmax': see mindspore.ops.gumbel_softmax and"),
    (mscompat.nn.functional, "ctc", "mscompat.functional has no 'ctc', nor has mindspore.ops: see"),
])
def test_missing_names_say_where_to_look(module, name, sentence):
    with pytest.raises(AttributeError, match=re.escape(sentence)) as error:
        getattr(module, name)
    assert str(error.value).endswith("the guide (examples/README.md)")
    assert not hasattr(module, name)


def test_version_is_in_the_changelog():
    assert f"## {mscompat.__version__}" in (ROOT / "CHANGELOG.md").read_text()
