"""The command line: what it prints, writes and refuses."""

from __future__ import annotations

import configparser
import functools
import os
import resource
import subprocess
import sys
from pathlib import Path

import mindspore as ms
import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import mscompat
from mscompat import cli, load_torch_file

ROOT = Path(__file__).parents[2]
DATA = Path(__file__).parent / "data"
NETWORK = str(DATA / "network_zip.pth")


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Run a command in tmp_path: its exit code, what it prints, and what it prints to stderr."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        try:
            code = cli.main(arguments)
        except SystemExit as stop:
            code = stop.code
        return code, *capsys.readouterr()

    return run


def expected():
    return {name: tensor.numpy() for name, tensor in load_torch_file(NETWORK)["model"].items()}


def test_inspect(run):
    code, output, error = run("inspect", NETWORK)
    assert (code, error) == (0, "")
    *rows, totals = output.splitlines()
    arrays = expected()
    assert [row.split("  ")[0].strip() for row in rows] == list(arrays)
    assert rows[0] == "module.embedding.weight              [5, 8]        float32"
    assert rows[9] == "module.layers.1.num_batches_tracked  []            int64"
    values = sum(array.size for array in arrays.values())
    assert totals == f"{len(arrays)} tensors, {values} values: {values - 1} float32, 1 int64"


def test_inspect_other_files(run):
    _, rows, _ = run("inspect", NETWORK)
    for name in ("network.safetensors", "network.ckpt"):
        assert run("convert", NETWORK, name)[0] == 0
        code, output, error = run("inspect", name)
        assert (code, error) == (0, "")
        assert sorted(output.splitlines()) == sorted(rows.splitlines())


def test_inspect_of_nothing(run):
    save_file({}, "empty.safetensors")
    assert run("inspect", "empty.safetensors") == (0, "0 tensors, 0 values: none\n", "")


def test_names_move_no_cursor(run):
    save_file({"a\x1b[2Jb": np.ones(1, np.float32), "名": np.ones(1, np.float32)}, "odd.safetensors")
    _, output, _ = run("inspect", "odd.safetensors")
    assert "'a\\x1b[2Jb'  [1]  float32\n" in output
    assert output.isascii()


@pytest.mark.parametrize("target", ["out.ckpt", "out.safetensors"])
@pytest.mark.parametrize("source", ["network_zip.pth", "network_legacy.pth"])
def test_convert(run, tmp_path, source, target):
    code, output, error = run("convert", str(DATA / source), target)
    assert (code, error) == (0, "")
    assert output.startswith(f"{target}: 19 tensors, ")
    assert os.listdir(tmp_path) == [target]
    arrays = load_file(target) if target.endswith("s") else ms.load_checkpoint(target)
    assert sorted(arrays) == sorted(expected())
    for name, array in expected().items():
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
    assert run("convert", "a.safetensors", target)[:2] == (0, f"{target}: 1 tensor, 3 values: 3 bfloat16\n")
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
    ("out.safetensors", "save_file"), ("out.ckpt", "ms.save_checkpoint"),
])
def test_a_failed_write_leaves_what_was_there(run, tmp_path, monkeypatch, target, function):
    def fail(_, path):
        Path(path).write_text("half")
        raise OSError(28, "No space left on device", path)

    monkeypatch.setattr(f"mscompat.weights.files.{function}", fail)
    Path(target).write_text("mine")
    code, output, error = run("convert", "--force", NETWORK, target)
    assert (code, output) == (1, "")
    assert error.endswith("No space left on device\n")
    assert os.listdir(tmp_path) == [target]
    assert Path(target).read_text() == "mine"


@pytest.mark.parametrize(("arguments", "message"), [
    ([], "mscompat: error: the following arguments are required: COMMAND"),
    (["polish"], "mscompat: error: argument COMMAND: invalid choice: 'polish'"),
    (["inspect"], "mscompat inspect: error: the following arguments are required: FILE"),
    (["convert", NETWORK], "mscompat convert: error: the following arguments are required: DST"),
    (["convert", NETWORK, "a.pth"], "mscompat convert: error: DST must end in .ckpt or .safetensors, but got a.pth"),
    (["convert", NETWORK, "b/a.ckpt"], "mscompat convert: error: DST: there is no folder b"),
    (["convert", "--force", NETWORK, "folder.ckpt"], "mscompat convert: error: DST: folder.ckpt is a folder"),
])
def test_wrong_arguments(run, tmp_path, arguments, message):
    (tmp_path / "folder.ckpt").mkdir()
    code, output, error = run(*arguments)
    assert (code, output) == (2, "")
    assert message in error
    assert os.listdir(tmp_path) == ["folder.ckpt"]


@pytest.mark.parametrize("command", [["inspect"], ["convert", "--force"]], ids="-".join)
@pytest.mark.parametrize(("source", "message"), [
    ("missing.pth", "missing.pth: No such file or directory"),
    (str(DATA), "data: Is a directory"),
    (str(DATA / "module.pth"), "names 'torch.nn.modules.linear.Linear'"),
    (str(DATA / "sparse.pth"), "sparse tensors are not supported"),
    ("text.pth", "text.pth: the file is not one that torch.save wrote"),
    ("text.safetensors", "text.safetensors: the file is damaged"),
    ("text.ckpt", "text.ckpt: neither torch nor MindSpore wrote the file"),
])
def test_wrong_files(run, tmp_path, command, source, message):
    if source.startswith("text"):
        Path(source).write_text("text " * 10)
    target = ["out.ckpt"] if command[0] == "convert" else []
    Path("out.ckpt").write_text("mine")
    code, output, error = run(*command, source, *target)
    assert (code, output) == (1, "")
    assert error.startswith("mscompat: error: ")
    assert message in error
    assert error.count("\n") == 1
    assert Path("out.ckpt").read_text() == "mine"
    assert set(os.listdir(tmp_path)) <= {"out.ckpt", source}


@pytest.mark.parametrize(("exception", "code", "message"), [
    (KeyboardInterrupt(), 130, "mscompat: interrupted\n"),
    (MemoryError(), 1, "mscompat: error: there is not enough memory\n"),
])
def test_stopped(run, tmp_path, monkeypatch, exception, code, message):
    def stop(value):
        raise exception

    monkeypatch.setattr(cli, "to_numpy", stop)
    assert run("convert", NETWORK, "out.ckpt") == (code, "", message)
    assert os.listdir(tmp_path) == []


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


def test_what_is_no_tensor_is_left_out(run, monkeypatch):
    monkeypatch.setattr(cli, "read_state_dict", lambda path: {"a": np.ones(2, np.float32), "_extra_state": {}})
    code, output, error = run("convert", "in.pth", "out.safetensors")
    assert (code, output) == (0, "out.safetensors: 1 tensor, 2 values: 2 float32\n")
    assert error == "mscompat: left out _extra_state: not a tensor\n"


def test_progress_on_a_terminal_only(run, monkeypatch):
    assert run("convert", NETWORK, "a.ckpt")[2] == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    error = run("convert", NETWORK, "b.ckpt")[2]
    assert error.startswith("\rread 0 of 19 tensors")
    assert error.endswith("\r\x1b[K")


def test_version(run):
    assert run("--version") == (0, f"mscompat {mscompat.__version__}\n", "")


def run_module(*arguments, **options):
    return subprocess.run(
        [sys.executable, "-m", "mscompat", *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE, check=False, text=True, **options,
    )


@pytest.mark.slow
def test_as_a_module():
    """Into a pipe whose reader is gone, as head is when it has its lines: that is no error."""
    reader, writer = os.pipe()
    os.close(reader)
    result = run_module("inspect", NETWORK, stdout=writer)
    os.close(writer)
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.slow
@pytest.mark.parametrize("target", ["out.ckpt", "out.safetensors"])
def test_full_disk(tmp_path, target):
    """One line, also of libraries that log what they raise."""
    limit = functools.partial(resource.setrlimit, resource.RLIMIT_FSIZE, (100, 100))
    result = run_module("convert", NETWORK, target, cwd=tmp_path, preexec_fn=limit)
    assert result.returncode == 1
    assert result.stderr.startswith("mscompat: error: ")
    assert "File too large" in result.stderr
    assert result.stderr.count("\n") == 1
    assert os.listdir(tmp_path) == []


def test_console_script():
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    assert config["options.entry_points"]["console_scripts"].strip() == "mscompat = mscompat.cli:main"
