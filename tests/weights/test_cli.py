"""The command line: what it prints, writes and refuses."""

from __future__ import annotations

import configparser
import functools
import json
import os
import resource
import signal
import subprocess
import sys
import threading
from pathlib import Path

import mindspore as ms
import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import mscompat
from mscompat import cli, commands, load_torch_file

try:
    import torch
except ImportError:
    torch = None

ROOT = Path(__file__).parents[2]
DATA = Path(__file__).parent / "data"
NETWORK = str(DATA / "network_zip.pth")

needs_torch = pytest.mark.skipif(torch is None, reason="makes a file with torch, which is not installed")


def expected():
    return {name: tensor.numpy() for name, tensor in load_torch_file(NETWORK)["model"].items()}


def test_inspect(run):
    code, output, error = run("inspect", NETWORK, "--key", "model")
    assert (code, error) == (0, "")
    *rows, totals = output.splitlines()
    arrays = expected()
    assert [row.split("  ")[0].strip() for row in rows] == list(arrays)
    assert rows[0] == "module.embedding.weight              [5, 8]        float32"
    assert rows[9] == "module.layers.1.num_batches_tracked  []            int64"
    values = sum(array.size for array in arrays.values())
    assert totals == f"{len(arrays)} tensors, {values} values: {values - 1} float32, 1 int64"


WHOLE_FILE = """\
. (the top of the file):
  ids     [2, 4]  int32
  output  [2, 3]  float32
  2 tensors, 14 values: 8 int32, 6 float32

model:
{rows}

besides:
  epoch: int 5

in all: 21 tensors, 338 values: 329 float32, 8 int32, 1 int64
"""


def test_inspect_shows_the_whole_file(run):
    rows = run("inspect", NETWORK, "--key=model")[1].splitlines()
    assert run("inspect", NETWORK) == (0, WHOLE_FILE.format(rows="\n".join(f"  {row}" for row in rows)), "")


def test_inspect_other_files(run):
    _, rows, _ = run("inspect", NETWORK, "--key=model")
    for name in ("network.safetensors", "network.ckpt"):
        assert run("convert", NETWORK, name, "--names=torch")[0] == 0
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
    assert run("convert", "odd.safetensors", "odd.ckpt")[0] == 0


@pytest.mark.parametrize("suffix", [".safetensors", ".ckpt", pytest.param(".pth", marks=needs_torch)])
def test_names_of_files_and_tensors_are_escaped_everywhere(run, suffix):
    """By inspect, convert, and what they say of wrong arguments, on stdout and stderr."""
    odd = "a\n\x1b[31m\u202eb"
    source = f"source {odd}{suffix}"
    if suffix == ".safetensors":
        save_file({odd: np.ones(2, np.float32)}, source)
    elif suffix == ".ckpt":
        assert run("convert", NETWORK, "a.safetensors", "--key=model")[0] == 0
        ms.save_checkpoint([{"name": odd, "data": ms.Tensor([1.0, 1.0])}], "odd.ckpt")
        os.rename("odd.ckpt", source)
    else:
        torch.save({"m": {odd: torch.ones(2), odd + "extra": 3}, odd: torch.ones(1), odd + "text": odd}, source)
    key = ["--key=m"] if suffix == ".pth" else []
    targets = [f"target {odd}.safetensors", f"target {odd}.ckpt"]
    codes = []
    for command in (
        ["inspect", source], *(["convert", source, target, *key] for target in targets),
        ["inspect", source, f"--key={odd}.x"], ["convert", source, targets[0]], ["convert", source, f"{odd}/b.ckpt"],
        ["convert", source, odd], ["inspect", odd], ["inspect", source, odd], [odd],
        ["check", f"--json={odd}/report.json"], ["check", "--mode", odd],
    ):
        code, output, error = run(*command)
        codes.append(code)
        for text in (output, error):
            assert text.isascii()
            assert all(line.isprintable() for line in text.split("\n"))
        assert "a\\n\\x1b[31m\\u202eb" in output + error or "a \\x1b[31m\\u202eb" in output + error
    assert codes[:3] == [0, 0, 0]
    assert set(codes[3:]) == {1, 2}


@pytest.mark.parametrize("damage", ["offsets", "dtype", "shape"])
def test_errors_move_no_cursor(run, damage):
    """safetensors' own text has the names as they are."""
    header = {"a\x1b[2J\nb": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}
    header["名\x1b"] = {"dtype": "F32", "shape": [1], "data_offsets": [0 if damage == "offsets" else 4, 8]}
    if damage != "offsets":
        header["名\x1b"] |= {"dtype": "\x1b[1m"} if damage == "dtype" else {"shape": [2**63, 0], "data_offsets": [4, 4]}
    text = json.dumps(header, ensure_ascii=False).encode()
    Path("odd.safetensors").write_bytes(len(text).to_bytes(8, "little") + text + bytes(8 if damage != "shape" else 4))
    for command in (["inspect", "odd.safetensors"], ["convert", "odd.safetensors", "out.ckpt"]):
        code, output, error = run(*command)
        assert (code, output) == (1, "")
        assert error.startswith("mscompat: error: ")
        assert error.endswith("\n")
        assert error[:-1].isprintable()
        assert error.isascii()


def test_empty_tensors_are_named_without_escapes(run):
    save_file({"a\x1b[2J": np.ones((0, 2), np.float32)}, "odd.safetensors")
    error = run("convert", "odd.safetensors", "out.ckpt")[2]
    assert error.endswith("no complex tensors: 'a\\x1b[2J'\n")


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

    monkeypatch.setattr(commands, "to_stored", stop)
    assert run("convert", NETWORK, "out.ckpt") == (code, "", message)
    assert os.listdir(tmp_path) == []


@pytest.fixture
def stylegan(run):
    weights = {"conv.weight": torch.ones(2, 3), "conv.bias": torch.ones(2)}
    torch.save({"g_ema": weights, "latent_avg": torch.ones(4)}, "g.pth")
    return "g.pth"


@needs_torch
def test_no_weights_are_lost(run, tmp_path, stylegan):
    """StyleGAN2's files: neither the tensor nor the group beside it is passed over."""
    output = run("inspect", stylegan)[1]
    assert all(name in output for name in ("g_ema:\n", "  conv.weight  [2, 3]", "  latent_avg  [4]"))
    for command in (["convert", stylegan, "out.ckpt"], ["convert", stylegan, "out.safetensors"]):
        code, output, error = run(*command)
        assert (code, output, error.count("\n")) == (1, "", 1)
        assert error.endswith(
            "g.pth: several groups of tensors could be meant, '.' (1 tensor), 'g_ema' (2 tensors): "
            "name one by key=, or by --key in the command line\n"
        )
    assert os.listdir(tmp_path) == [stylegan]
    assert run("convert", stylegan, "out.ckpt", "--key", "g_ema")[0] == 0
    assert sorted(ms.load_checkpoint("out.ckpt")) == ["conv.bias", "conv.weight"]
    code, _, error = run("convert", stylegan, "top.safetensors", "--key", ".")
    assert (code, error) == (0, "mscompat: left out g_ema: a group of its own, --key g_ema\n")
    assert list(load_file("top.safetensors")) == ["latent_avg"]


@needs_torch
def test_a_wrong_key(run, stylegan):
    for command in (["inspect", stylegan], ["convert", stylegan, "out.ckpt"]):
        for key in ("g", "g_ema.conv", ""):
            code, output, error = run(*command, "--key", key)
            assert (code, output) == (1, "")
            assert error.endswith(f"g.pth: there is no {key!r}, but '.' (1 tensor), 'g_ema' (2 tensors)\n")
        assert "is no group of tensors, but a tensor" in run(*command, "--key", "latent_avg")[2]


@needs_torch
def test_inspect_folds_an_optimizer(run):
    module = torch.nn.Sequential(*[torch.nn.Linear(2, 2) for _ in range(10)])
    optimizer = torch.optim.Adam(module.parameters())
    module(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    torch.save({"net": module.state_dict(), "optimizer": optimizer.state_dict()}, "a.pth")
    output = run("inspect", "a.pth")[1]
    folded = "optimizer.state: 20 groups, 60 tensors, 140 values: 140 float32 (--key optimizer.state lists them)"
    assert f"\n{folded}\n" in output
    assert "  optimizer.param_groups: list of 1\n" in output
    assert len(output.splitlines()) < 40
    output = run("inspect", "a.pth", "--key", "optimizer.state")[1]
    assert output.count("exp_avg_sq") == 20
    assert "optimizer.state.19:\n" in output
    assert run("convert", "a.pth", "out.ckpt")[0] == 0
    assert len(ms.load_checkpoint("out.ckpt")) == 20


def test_progress_on_a_terminal_only(run, monkeypatch):
    assert run("convert", "--key=model", NETWORK, "a.ckpt")[2] == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    error = run("convert", "--key=model", NETWORK, "b.ckpt")[2]
    assert error.startswith("\r\x1b[Kread 1 of 18 tensors\r\x1b[Kread 2 of 18 tensors")
    assert error.endswith("\r\x1b[K")


@pytest.mark.parametrize("suffix", [".pth", ".ckpt", ".safetensors"])
def test_a_fifo_is_refused_at_once(run, suffix):
    os.mkfifo(f"fifo{suffix}")
    for command in (["inspect", f"fifo{suffix}"], ["convert", f"fifo{suffix}", "out.ckpt"]):
        code, output, error = run(*command)
        assert (code, output) == (1, "")
        assert error.endswith(f"fifo{suffix}: not a regular file\n")
    if suffix != ".pth":
        code, output, error = run("convert", "--force", NETWORK, f"fifo{suffix}")
        assert (code, output) == (2, "")
        assert error.endswith(f"DST: fifo{suffix} is not a regular file\n")


SLOW_WRITER = """
import os, signal, sys, time
from mscompat import cli
from mscompat.weights import writing

def slow_writer(_, path):
    with open(path, "w") as file:
        file.write("half")
    print(os.path.dirname(path), flush=True)
    time.sleep(100)

writing.write_safetensors = slow_writer
# Under nohup, or in the background of a shell, these are ignored, and a program that finds them so leaves them alone.
for number in (signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.default_int_handler)
print("started", flush=True)
sys.exit(cli.main(sys.argv[1:]))
"""


@pytest.mark.parametrize(("number", "code", "message"), [
    (signal.SIGTERM, 143, "mscompat: terminated\n"), (signal.SIGHUP, 129, "mscompat: terminated\n"),
    (signal.SIGINT, 130, "mscompat: interrupted\n"),
])
def test_a_signal_leaves_nothing_behind(tmp_path, number, code, message):
    (tmp_path / "out.safetensors").write_text("mine")
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW_WRITER, "convert", "--force", "--key=model", NETWORK, "out.safetensors"],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        cwd=tmp_path,
    )
    try:
        assert process.stdout.readline() == "started\n"
        assert os.path.isdir(process.stdout.readline().strip())
        process.send_signal(number)
        assert process.communicate(timeout=60)[1] == message
    finally:
        process.kill()
    assert process.returncode == code
    assert os.listdir(tmp_path) == ["out.safetensors"]
    assert (tmp_path / "out.safetensors").read_text() == "mine"


def test_signal_handlers_are_put_back(run):
    handlers = []
    given = signal.signal(signal.SIGTERM, signal.SIG_DFL)  # tests may run where it is ignored
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(commands, "read_group", lambda *_: handlers.append(signal.getsignal(signal.SIGTERM)) or 1 / 0)
            with pytest.raises(ZeroDivisionError):
                run("convert", NETWORK, "a.ckpt")
            assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            with pytest.raises(ZeroDivisionError):
                run("convert", NETWORK, "a.ckpt")
    finally:
        signal.signal(signal.SIGTERM, given)
    assert callable(handlers[0])
    assert handlers[1] is signal.SIG_IGN


def test_in_a_thread(tmp_path, capsys):
    """Where signals cannot be handled."""
    codes = []
    thread = threading.Thread(target=lambda: codes.append(cli.main(["convert", NETWORK, str(tmp_path / "a.ckpt")])))
    thread.start()
    thread.join()
    assert codes == [0]


def test_version(run):
    assert run("--version") == (0, f"mscompat {mscompat.__version__}\n", "")


WITHOUT = """
import sys
for name in sys.argv[1].split(","):
    sys.modules[name] = None  # an import of it raises
from mscompat.cli import main
sys.exit(main(sys.argv[2:]))
"""


def run_without(libraries, *arguments, cwd):
    """Run a command in a process in which libraries cannot be imported: exit code, stdout and stderr."""
    result = subprocess.run(
        [sys.executable, "-c", WITHOUT, libraries, *arguments], env={**os.environ, "PYTHONPATH": str(ROOT)}, cwd=cwd,
        capture_output=True, text=True, check=False,
    )
    return result.returncode, result.stdout, result.stderr


@pytest.mark.parametrize(("arguments", "code", "message"), [
    (["--help"], 0, "Carry weights from PyTorch to MindSpore."),
    (["check", "--help"], 0, "Takes about two"),
    (["--version"], 0, f"mscompat {mscompat.__version__}\n"),
    (["polish"], 2, "invalid choice: 'polish'"),
    (["inspect", "a.pth", "--kee"], 2, "unrecognized arguments: --kee"),
    (["inspect", "missing.pth"], 1, "mscompat: error: missing.pth: No such file or directory\n"),
    (["convert", "missing.pth", "a.ckpt"], 1, "mscompat: error: missing.pth: No such file or directory\n"),
])
def test_what_is_answered_at_once(tmp_path, arguments, code, message):
    """Without the libraries that take their time to import."""
    found, output, error = run_without("mindspore,numpy,safetensors", *arguments, cwd=tmp_path)
    assert found == code
    assert message in output + error


@pytest.mark.parametrize("source", ["a.safetensors", "a.ckpt", pytest.param("a.pth", marks=needs_torch)])
def test_inspect_and_convert_to_safetensors_need_no_mindspore(tmp_path, monkeypatch, source):
    """Of bfloat16 too, whose NumPy type is MindSpore's."""
    monkeypatch.chdir(tmp_path)
    wanted = {"half": ms.Tensor([[1, 2.5, -3]], ms.bfloat16).asnumpy(), "full": np.arange(6, dtype=np.float32)}
    if source == "a.safetensors":
        save_file(wanted, source)
    elif source == "a.ckpt":
        ms.save_checkpoint([{"name": name, "data": ms.Tensor(array)} for name, array in wanted.items()], source)
    else:
        torch.save({"half": torch.tensor([[1, 2.5, -3]], dtype=torch.bfloat16), "full": torch.arange(6.0)}, source)
    code, output, error = run_without("mindspore", "inspect", source, cwd=tmp_path)
    assert (code, error) == (0, "")
    totals = "2 tensors, 9 values: 6 float32, 3 bfloat16"
    assert sorted(output.splitlines()) == [totals, "full  [6]     float32", "half  [1, 3]  bfloat16"]
    code, output, error = run_without("mindspore", "convert", source, "b.safetensors", cwd=tmp_path)
    assert (code, output.splitlines()[0], error) == (0, f"b.safetensors: {totals}", "")
    arrays = load_file("b.safetensors")
    assert set(arrays) == set(wanted)
    for name, array in wanted.items():
        # By name: ml_dtypes, which onnx brings, has another bfloat16 than MindSpore.
        assert arrays[name].dtype.name == array.dtype.name
        np.testing.assert_array_equal(arrays[name].astype(np.float32), array.astype(np.float32))


def test_a_ckpt_needs_mindspore(tmp_path):
    save_file({"full": np.arange(6, dtype=np.float32)}, tmp_path / "a.safetensors")
    code, output, error = run_without("mindspore", "convert", "a.safetensors", "b.ckpt", cwd=tmp_path)
    assert (code, output) == (1, "")
    assert error.startswith("mscompat: error: ")
    assert "mindspore" in error
    assert error.count("\n") == 1


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


@pytest.mark.parametrize(("name", "printed"), [
    ("module.pth", "2 tensors, 6 values: 6 float32\n"),
    ("torchscript.pt", "9 tensors, 20 values: 19 float32, 1 int64\n"),
])
def test_whole_modules_have_a_state_dict(run, name, printed):
    code, output, error = run("inspect", str(DATA / name))
    assert (code, error) == (0, "")
    assert output.endswith(printed)
    assert run("convert", str(DATA / name), "weights.safetensors")[0] == 0
    assert printed.split(",")[0] == f"{len(load_file('weights.safetensors'))} tensors"


def test_a_sparse_tensor_is_listed_and_not_read(run):
    assert run("inspect", str(DATA / "sparse.pth"))[0] == 0
    code, output, error = run("convert", str(DATA / "sparse.pth"), "weights.safetensors")
    assert (code, output) == (1, "")
    assert "sparse tensors are not supported" in error
