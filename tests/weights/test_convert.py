"""`mscompat convert`: what it writes, under which names, and where."""

from __future__ import annotations

import os
import re
from pathlib import Path

import mindspore as ms
import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import mscompat
from mscompat import load_torch_file
from mscompat.weights.safetensors_file import write_safetensors

try:
    import torch
except ImportError:
    torch = None

DATA = Path(__file__).parent / "data"
NETWORK = str(DATA / "network_zip.pth")

needs_torch = pytest.mark.skipif(torch is None, reason="makes a file with torch, which is not installed")


def expected():
    return {name: tensor.numpy() for name, tensor in load_torch_file(NETWORK)["model"].items()}


MINDSPORE_NAMES = {
    "module.layers.1.weight": "module.layers.1.gamma",
    "module.layers.1.bias": "module.layers.1.beta",
    "module.layers.1.running_mean": "module.layers.1.moving_mean",
    "module.layers.1.running_var": "module.layers.1.moving_variance",
    "module.layers.1.num_batches_tracked": None,
}
ASIDE = "mscompat: took 'model' and left aside '.' (2 tensors)\n"


@pytest.mark.parametrize("target", ["out.ckpt", "out.safetensors"])
@pytest.mark.parametrize("source", ["network_zip.pth", "network_legacy.pth"])
def test_convert(run, tmp_path, source, target):
    code, output, error = run("convert", str(DATA / source), target)
    assert (code, error) == (0, ASIDE)
    names = {} if target.endswith("s") else MINDSPORE_NAMES
    wanted = {names.get(name, name): array for name, array in expected().items()}
    wanted.pop(None, None)
    assert output.startswith(f"{target}: {len(wanted)} tensors, ")
    assert os.listdir(tmp_path) == [target]
    arrays = load_file(target) if target.endswith("s") else ms.load_checkpoint(target)
    assert sorted(arrays) == sorted(wanted)
    for name, array in wanted.items():
        found = arrays[name] if target.endswith("s") else arrays[name].asnumpy()
        assert (found.dtype, found.shape) == (array.dtype, array.shape)
        np.testing.assert_array_equal(found, array)
    if target.endswith("s"):
        (tmp_path / "plain").touch()
        assert os.stat(target).st_mode == os.stat("plain").st_mode


def test_converted_files_load_into_a_cell(run):
    """And on into another format: nothing is lost."""
    weights = {"weight": np.array([[1, 2]], np.float32), "bias": np.array([3], np.float32)}
    save_file(weights, "a.safetensors")
    assert run("convert", "a.safetensors", "b.ckpt")[0] == 0
    assert run("convert", "b.ckpt", "c.safetensors")[0] == 0
    for name in ("b.ckpt", "c.safetensors"):
        cell = ms.nn.Dense(2, 1)
        assert mscompat.load_torch_state_dict(cell, name) == ([], [])
        np.testing.assert_array_equal(cell.weight.asnumpy(), weights["weight"])
        np.testing.assert_array_equal(cell.bias.asnumpy(), weights["bias"])


@pytest.mark.parametrize("target", ["out.ckpt", "out.safetensors"])
def test_bfloat16(run, target):
    value = ms.Tensor([1, 2.5, -3], ms.bfloat16)
    save_file({"weight": value.asnumpy()}, "a.safetensors")
    code, output, _ = run("convert", "a.safetensors", target)
    assert (code, output.splitlines()[0]) == (0, f"{target}: 1 tensor, 3 values: 3 bfloat16")
    cell = ms.nn.Cell()
    cell.weight = ms.Parameter(ms.Tensor([0, 0, 0], ms.bfloat16))
    mscompat.load_torch_state_dict(cell, target)
    np.testing.assert_array_equal(cell.weight.float().asnumpy(), [1, 2.5, -3])


@pytest.mark.parametrize("target", ["out.ckpt", "out.safetensors"])
def test_nothing_is_overwritten_without_force(run, target):
    Path(target).write_text("mine")
    code, output, error = run("convert", NETWORK, target)
    assert (code, output) == (2, "")
    assert error.endswith(f"error: {target} is there already: --force writes over it\n")
    assert Path(target).read_text() == "mine"
    for _ in range(2):  # MindSpore's .ckpt is read-only
        assert run("convert", "--force", NETWORK, target)[0] == 0
    assert run("inspect", target)[0] == 0


@pytest.mark.parametrize(("target", "function"), [
    ("out.safetensors", "mscompat.weights.writing.write_safetensors"), ("out.ckpt", "mindspore.save_checkpoint"),
])
def test_a_failed_write_leaves_what_was_there(run, tmp_path, monkeypatch, target, function):
    def fail(_, path):
        Path(path).write_text("half")
        raise OSError(28, "No space left on device", path)

    monkeypatch.setattr(function, fail)
    Path(target).write_text("mine")
    code, output, error = run("convert", "--force", NETWORK, target)
    assert (code, output) == (1, "")
    assert error.endswith("No space left on device\n")
    assert os.listdir(tmp_path) == [target]
    assert Path(target).read_text() == "mine"


@pytest.mark.parametrize("array", [np.ones(2, np.complex64), np.ones((0, 2), np.float32)], ids=["complex", "empty"])
def test_what_mindspores_format_loses(run, tmp_path, array):
    save_file({"a": array, "b": np.ones(1, np.float32)}, "in.safetensors")
    code, output, error = run("convert", "in.safetensors", "out.ckpt")
    assert (code, output) == (1, "")
    assert error == "mscompat: error: MindSpore's .ckpt holds no empty and no complex tensors: a\n"
    assert os.listdir(tmp_path) == ["in.safetensors"]
    assert run("convert", "in.safetensors", "out.safetensors")[0] == 0


def test_nothing_to_convert(run):
    save_file({}, "empty.safetensors")
    code, output, error = run("convert", "empty.safetensors", "out.ckpt")
    assert (code, output, error) == (1, "", "mscompat: error: MindSpore's .ckpt holds one tensor at least\n")
    assert run("convert", "empty.safetensors", "out.safetensors")[0] == 0


@needs_torch
def test_what_is_no_tensor_is_left_out(run):
    beside = {"epoch": 3, "best": {"loss": 0.5}, "_extra_state": {"scale": torch.ones(3)}}
    torch.save({"weight": torch.ones(2), **beside}, "a.pth")
    code, output, error = run("convert", "a.pth", "out.safetensors")
    assert (code, output.splitlines()[0]) == (0, "out.safetensors: 1 tensor, 2 values: 2 float32")
    assert error == (
        "mscompat: took '.' and left aside '_extra_state' (1 tensor)\n"
        "mscompat: left out epoch: not a tensor, but int 3\n"
        "mscompat: left out best: not a tensor, but dict of 1\n"
        "mscompat: left out _extra_state: a group of its own, --key _extra_state\n"
    )


def batch_norms(*prefixes):
    return {
        f"{prefix}{name}": np.full(3, index + 1, np.float32)
        for prefix in prefixes for index, name in enumerate(("weight", "bias", "running_mean", "running_var"))
    } | {f"{prefix}num_batches_tracked": np.array(7) for prefix in prefixes}


def check_loads(path, cell, monkeypatch):
    """By MindSpore's own functions, with nothing missing, and no warning."""
    warnings = []
    monkeypatch.setattr(ms.log, "warning", lambda *arguments: warnings.append(arguments))
    missing, left_over = ms.load_param_into_net(cell, ms.load_checkpoint(path))
    assert (missing, warnings) == ([], [])
    return left_over


def test_mindspore_loads_what_is_written(run, monkeypatch):
    save_file(batch_norms("1.") | {"2.weight": np.full(3, 5, np.float32)}, "a.safetensors")
    code, output, _ = run("convert", "a.safetensors", "b.ckpt")
    assert code == 0
    assert output.splitlines()[1] == (
        "names: MindSpore's for 1 batch norm (4 renamed, 1 num_batches_tracked dropped); 1 weight of another norm or "
        "a PReLU cannot be told, and kept (see --help)"
    )
    norm = ms.nn.Cell()
    norm.weight = ms.Parameter(ms.Tensor(np.ones(3, np.float32)))
    cell = ms.nn.SequentialCell(ms.nn.ReLU(), ms.nn.BatchNorm2d(3), norm)
    assert check_loads("b.ckpt", cell, monkeypatch) == []
    for index, name in enumerate(("gamma", "beta", "moving_mean", "moving_variance")):
        np.testing.assert_array_equal(getattr(cell[1], name).asnumpy(), np.full(3, index + 1))


@needs_torch
def test_a_network_of_torchs_in_mindspores_own_loader(run, monkeypatch):
    """What it computes in evaluation depends on the running statistics."""
    module = torch.nn.Sequential(
        torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2), torch.nn.Flatten(), torch.nn.Linear(8, 3),
    )
    x = torch.randn(5, 1, 4, 4)
    for _ in range(3):
        module(x * 3 + 1)
    torch.save({"model": module.state_dict(), "epoch": 3}, "model.pth")
    assert run("convert", "model.pth", "model.ckpt")[0] == 0
    cell = ms.nn.SequentialCell(
        mscompat.nn.Conv2d(1, 2, 3), ms.nn.BatchNorm2d(2), ms.nn.Flatten(), ms.nn.Dense(8, 3),
    ).set_train(False)
    assert check_loads("model.ckpt", cell, monkeypatch) == []
    wanted = module.eval()(x).detach().numpy()
    np.testing.assert_allclose(cell(ms.Tensor(x.numpy())).asnumpy(), wanted, rtol=1e-4, atol=1e-5)
    mscompat.load_torch_state_dict(cell, {name: tensor * 0 for name, tensor in module.state_dict().items()})
    assert mscompat.load_torch_state_dict(cell, "model.ckpt") == ([], [])
    np.testing.assert_allclose(cell(ms.Tensor(x.numpy())).asnumpy(), wanted, rtol=1e-4, atol=1e-5)


def test_converted_names_load_into_a_cell(run):
    """And come back as torch's."""
    weights = batch_norms("1.")
    save_file(weights, "a.safetensors")
    assert run("convert", "a.safetensors", "b.ckpt")[0] == 0
    code, output, _ = run("convert", "b.ckpt", "c.safetensors")
    assert (code, output.splitlines()[1]) == (0, "names: torch's for 1 batch norm (4 renamed)")
    assert sorted(load_file("c.safetensors")) == sorted(weights.keys() - {"1.num_batches_tracked"})
    for name in ("b.ckpt", "c.safetensors"):
        cell = ms.nn.SequentialCell(ms.nn.ReLU(), ms.nn.BatchNorm2d(3))
        assert mscompat.load_torch_state_dict(cell, name) == ([], [])
        np.testing.assert_array_equal(cell[1].moving_variance.asnumpy(), np.full(3, 4))


@pytest.mark.parametrize(("target", "names", "expected", "sentence"), [
    ("b.ckpt", "torch", ["running_mean", "weight"], "the file's own, which shows no batch norm to give torch's"),
    ("b.safetensors", "mindspore", ["gamma", "moving_mean"], "MindSpore's for 1 batch norm (3 renamed)"),
    ("b.safetensors", None, ["running_mean", "weight"], "the file's own"),
])
def test_names(run, target, names, expected, sentence):
    ones = np.ones(3, np.float32)
    save_file({"weight": ones, "running_mean": ones, "running_var": ones}, "a.safetensors")
    code, output, _ = run("convert", "a.safetensors", target, *([f"--names={names}"] if names else []))
    assert code == 0
    assert sentence in output.splitlines()[1]
    output = run("inspect", target)[1]
    assert all(name in output for name in expected)


@pytest.mark.parametrize("name", ["out.ckpt", "out.safetensors"])
@pytest.mark.parametrize("there", [True, False], ids=["file", "dangling"])
def test_a_link_is_written_through(run, tmp_path, name, there):
    (tmp_path / "store").mkdir()
    blob = tmp_path / "store" / "blob"  # as the caches of hubs have them
    if there:
        blob.write_text("old")
    os.symlink(blob, name)
    code, output, error = run("convert", NETWORK, name)
    assert (code, output) == (2, "")
    assert "is there already" in error
    assert run("convert", "--force", NETWORK, name)[0] == 0
    assert os.readlink(name) == str(blob)
    assert blob.is_file()
    assert not blob.is_symlink()
    assert os.listdir(blob.parent) == ["blob"]
    assert run("inspect", name)[0] == 0


def test_a_link_to_nowhere(run, tmp_path):
    os.symlink("missing/out.ckpt", "out.ckpt")
    code, output, error = run("convert", "--force", NETWORK, "out.ckpt")
    assert (code, output) == (1, "")
    assert error == f"mscompat: error: {tmp_path}/missing: No such file or directory\n"
    assert os.listdir(tmp_path) == ["out.ckpt"]


def test_a_circle_of_links(run, tmp_path):
    os.symlink("b.ckpt", "a.ckpt")
    os.symlink("a.ckpt", "b.ckpt")
    code, output, error = run("convert", "--force", NETWORK, "a.ckpt")
    assert (code, output) == (1, "")
    assert error.endswith("Too many levels of symbolic links\n")
    assert sorted(os.listdir(tmp_path)) == ["a.ckpt", "b.ckpt"]


@pytest.mark.parametrize("name", ["a.safetensors", "a.ckpt"])
@pytest.mark.parametrize("link", [True, False])
def test_onto_itself(run, tmp_path, name, link):
    assert run("convert", NETWORK, name, "--names=torch")[0] == 0
    before = run("inspect", name)[1]
    if link:
        os.symlink(name, "link" + Path(name).suffix)
        assert run("convert", "--force", name, "link" + Path(name).suffix, "--names=torch")[0] == 0
    else:
        assert run("convert", "--force", name, name, "--names=torch")[0] == 0
    assert run("inspect", name)[1] == before


def test_safetensors_reads_what_is_written(run):
    """Every type, byte order and memory layout that a file of torch's or MindSpore's may bring."""
    kinds = ["f8", "f4", "f2", "c8", "i8", "i4", "i2", "i1", "u8", "u4", "u2", "u1", "?"]
    arrays = {kind: np.arange(6).reshape(2, 3).astype(kind) for kind in kinds} | {"名": np.ones((), np.float32)}
    arrays |= {"empty": np.ones((0, 2), np.int16), "half": ms.Tensor([1, -2], ms.bfloat16).asnumpy()}
    save_file(arrays, "a.safetensors")
    assert run("convert", "a.safetensors", "b.safetensors")[0] == 0
    found = load_file("b.safetensors")
    # By name: ml_dtypes, which onnx brings, has another bfloat16 than MindSpore.
    assert {name: array.dtype.name for name, array in found.items()} == {
        name: array.dtype.name for name, array in arrays.items()
    }
    for each in (found, arrays):
        each["half"] = each["half"].astype(np.float32)
    np.testing.assert_equal(found, arrays)
    assert os.path.getsize("b.safetensors") == os.path.getsize("a.safetensors")
    odd = {"big": np.arange(6, dtype=">i4").reshape(2, 3), "turned": np.asfortranarray(np.ones((2, 3), np.float32))}
    odd["turned"][0] = 2
    write_safetensors(odd, "c.safetensors")
    for name, array in load_file("c.safetensors").items():
        np.testing.assert_array_equal(array, odd[name])


@pytest.mark.parametrize(("name", "array", "sentence"), [
    ("a\x1b", np.ones(2, np.complex128), "the .safetensors format has no such types: 'a\\x1b' (complex128)"),
    ("a", np.array(["text"]), "the .safetensors format has no such types: a (str128)"),
    ("__metadata__", np.ones(2), "the .safetensors format has another use for the name __metadata__"),
    ("\ud800", np.ones(2), "surrogates not allowed"),
])
def test_what_the_format_of_safetensors_cannot_hold(tmp_path, name, array, sentence):
    with pytest.raises(ValueError, match=re.escape(sentence)):
        write_safetensors({name: array}, tmp_path / "a.safetensors")
    assert not (tmp_path / "a.safetensors").exists()
