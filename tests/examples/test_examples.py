"""The example, run as its reader would run it: as a script, in a folder of its own."""

from __future__ import annotations

import functools
import importlib.util
import os
import re
import signal
import socket
import subprocess
import sys
import warnings
from pathlib import Path

import mindspore as ms
import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "examples" / "train_autoencoder.py"
HEADER = "epoch    MindSpore        torch    MindSpore        torch"


@pytest.fixture(autouse=True)
def _needs_packages():
    for module in ("sklearn", "matplotlib", "tqdm"):
        pytest.importorskip(module, reason=f"the example needs {module}: pip install -e '.[examples]'")


@pytest.fixture
def run(run_script):
    return functools.partial(run_script, SCRIPT)


@pytest.fixture
def example():
    """The script as a module, for what needs no process of its own: each takes seconds to start."""
    spec = importlib.util.spec_from_file_location(SCRIPT.stem, SCRIPT)
    module = importlib.util.module_from_spec(spec)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # other people's
        spec.loader.exec_module(module)
    return module


@pytest.fixture
def parse(example, monkeypatch, capsys):
    """Parse wrong arguments: the exit code and what is printed to stderr."""

    def parse(*arguments):
        monkeypatch.setattr(sys, "argv", [SCRIPT.name, *arguments])
        with pytest.raises(SystemExit) as stop:
            example.parse_arguments()
        output = capsys.readouterr()
        assert output.out == ""
        return stop.value.code, output.err

    return parse


def losses_of(output, name):
    """(mean, first batch) of each epoch, as printed."""
    found = re.findall(rf"^{name} epoch \d+/\d+: loss ([\d.]+), of the first batch ([\d.]+) ", output, re.MULTILINE)
    return np.array(found, float).reshape(-1, 2)


def held_back_loss(output):
    return float(re.search(r"^loss on the 197 digits held back: ([\d.]+)$", output, re.MULTILINE)[1])


def read_pictures(path):
    """The ten inputs and the ten outputs of the picture, as grey values from 0 (white) to 1, of shape (2, 10, 8, 8)."""
    with Image.open(path) as image:
        assert image.format == "PNG"
        ink = 1 - np.asarray(image.convert("L"), float) / 255
    dark = ink > 0.5
    # The boxes' frames are the only lines that are dark nearly all the way across: two pixels thick.
    lines = np.flatnonzero(dark.mean(1) > 0.8)
    lines = lines[np.insert(np.diff(lines) > 2, 0, True)]
    assert len(lines) == 4, "top and bottom of two rows of boxes"
    pictures = []
    for top, bottom in lines.reshape(2, 2):
        # The top line starts and ends where the boxes do.
        sides = np.flatnonzero(np.diff(dark[top].astype(int)))
        assert len(sides) == 20, "left and right of ten boxes"
        for left, right in sides.reshape(10, 2):
            centres = (np.arange(8) + 0.5) / 8
            rows, columns = top + centres * (bottom - top), left + centres * (right - left)
            pictures.append(ink[np.ix_(rows.astype(int), columns.astype(int))])
    return np.array(pictures).reshape(2, 10, 8, 8)


def check_inputs(inputs):
    """They are the first of each digit among those held back."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    expected = [digits.images[1600:][digits.target[1600:] == digit][0] / 16 for digit in range(10)]
    np.testing.assert_allclose(inputs, expected, atol=0.02)


def test_one_epoch(run, tmp_path):
    result = run("--epochs", "1", "--output", "digits.png")
    assert result.returncode == 0, result.stderr
    ((mean, first),) = losses_of(result.stdout, "MindSpore")
    assert mean < first
    assert held_back_loss(result.stdout) < first
    assert "wrote digits.png" in result.stdout
    assert re.search(r"MindSpore: 100%.* 1/1 ", result.stderr), "the progress bar"
    inputs, outputs = read_pictures(tmp_path / "digits.png")
    check_inputs(inputs)
    # The printed loss is that of all digits held back, the picture's of ten.
    assert np.mean((outputs - inputs) ** 2) == pytest.approx(held_back_loss(result.stdout), rel=0.2)


def test_wrong_argument_ends_the_script(run, tmp_path):
    result = run("--epochs", "0")
    assert result.returncode == 2
    assert result.stderr.endswith("error: --epochs must be at least 1, but got 0\n")
    assert result.stdout == ""
    assert not list(tmp_path.glob("*.png"))


@pytest.mark.parametrize(("arguments", "message"), [
    (["--epochs", "0"], "--epochs must be at least 1, but got 0"),
    (["--epochs", "many"], "argument --epochs: invalid int value: 'many'"),
    (["--seed", "-1"], "--seed must be from 0 to 4294967295, but got -1"),
    (["--seed", "4294967296"], "--seed must be from 0 to 4294967295, but got 4294967296"),
    (["--mode", "eager"], "argument --mode: invalid choice: 'eager'"),
    (["--device-target", "TPU"], "argument --device-target: invalid choice: 'TPU'"),
    (["--device_target", "TPU"], "argument --device_target: invalid choice: 'TPU'"),
    (["--output", "missing/digits.png"], "--output: there is no folder missing"),
    (["--output", "digits.bmp"], "--output must end in .png, but got digits.bmp"),
    (["--checkpoint", "missing/digits.ckpt"], "--checkpoint: there is no folder missing"),
    (["--distributed"], "--distributed needs msrun: msrun --worker_num=2 --local_worker_num=2 --join=True"),
])
def test_wrong_argument(parse, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    code, error = parse(*arguments)
    assert code == 2
    assert f"{SCRIPT.name}: error: {message}" in error


def test_too_many_processes(parse, monkeypatch):
    monkeypatch.setenv("MS_WORKER_NUM", "3")
    code, error = parse("--distributed")
    assert code == 2
    assert error.endswith("error: --distributed: 3 processes cannot share batches of 64 images equally\n")


def test_without_torch(parse, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    code, error = parse("--compare-torch")
    assert code == 2
    assert re.fullmatch(r"--compare-torch needs torch: .*torch.*\n", error)


@pytest.mark.parametrize(("torch_losses", "code"), [
    ([0.4, 0.2], 0),
    ([0.4003, 0.1997], 0),  # the first batch by 0.75e-3
    ([0.4005, 0.1995], 1),  # the first batch by 1.25e-3
    ([0.4, 0.2005], 0),  # the mean by 0.83e-3
    ([0.4, 0.2007], 1),  # the mean by 1.17e-3
    ([0.4, float("nan")], 1),
])
def test_compare_fails_above_the_tolerance(example, capsys, torch_losses, code):
    assert example.compare(np.array([[0.4, 0.2]] * 2), np.array([[0.4, 0.2], torch_losses])) == code
    output = capsys.readouterr()
    assert HEADER in output.out
    assert ("FAILED: the losses of MindSpore and torch differ by more than 0.001" in output.err) == (code == 1)


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [[], ["--mode", "pynative"]], ids=["default", "pynative"])
def test_learns(run, tmp_path, arguments):
    result = run(*arguments)
    assert result.returncode == 0, result.stderr
    losses = losses_of(result.stdout, "MindSpore")
    assert losses.shape == (20, 2)
    assert losses[-1, 0] < losses[0, 0] / 5
    assert held_back_loss(result.stdout) < losses[0, 0] / 5
    inputs, outputs = read_pictures(tmp_path / "autoencoder.png")
    check_inputs(inputs)
    # Each output looks more like its own input than like any other.
    distances = np.mean((outputs[:, None] - inputs[None]) ** 2, axis=(2, 3))
    np.testing.assert_array_equal(distances.argmin(1), range(10))


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["graph", "pynative"])
def test_learns_like_torch(run, mode):
    pytest.importorskip("torch", reason="compares with torch, which is not installed")
    result = run("--mode", mode, "--compare-torch")
    assert result.returncode == 0, result.stderr
    table = result.stdout.split(HEADER)[1].split("largest")[0].split("\n")[1:-1]
    numbers = np.array([line.split() for line in table], float)
    assert numbers.shape == (20, 5)
    np.testing.assert_array_equal(numbers[:, 0], range(1, 21))
    np.testing.assert_array_equal(numbers[:, [3, 1]], losses_of(result.stdout, "MindSpore"))
    np.testing.assert_array_equal(numbers[:, [4, 2]], losses_of(result.stdout, "torch"))
    np.testing.assert_array_equal(numbers[0, [1, 3]], numbers[0, [2, 4]])
    np.testing.assert_allclose(numbers[:, [1, 3]], numbers[:, [2, 4]], rtol=1e-3)
    difference = float(re.search(r"largest relative difference: (\S+)", result.stdout)[1])
    assert difference <= 1e-3


def run_with_msrun(folder, *arguments):
    """Run the script in two processes; what they print."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    programs = Path(sys.executable).parent
    paths = [str(ROOT), os.environ.get("PYTHONPATH")]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "PATH": os.pathsep.join([str(programs), os.environ["PATH"]]),  # msrun starts 'python'
    }
    options = ["--worker_num=2", "--local_worker_num=2", "--join=True", f"--master_port={port}", "--log_dir=log"]
    with subprocess.Popen(
        [programs / "msrun", *options, SCRIPT, "--distributed", *arguments], cwd=folder, env=environment,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    ) as process:
        try:
            output = process.communicate(timeout=180)[0]
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    assert process.returncode == 0, output
    return output


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["graph", "pynative"])
def test_two_processes_train_like_one(run, tmp_path, mode):
    """The same losses, the same weights but for rounding, and one process to speak for both."""
    arguments = ["--mode", mode, "--epochs", "1"]
    one = run(*arguments, "--checkpoint", "one.ckpt")
    assert one.returncode == 0, one.stderr
    output = run_with_msrun(tmp_path, *arguments, "--checkpoint", "two.ckpt")
    assert output.count("wrote two.ckpt") == output.count("loss on the 197 digits") == 1
    np.testing.assert_allclose(held_back_loss(output), held_back_loss(one.stdout), atol=1.5e-6)
    printed = r"MindSpore epoch 1/1: loss ([\d.]+), of the first batch ([\d.]+) "
    ((*losses,),) = re.findall(printed, output)
    np.testing.assert_allclose(np.array(losses, float), losses_of(one.stdout, "MindSpore")[0], atol=1.5e-6)
    weights, wanted = (ms.load_checkpoint(str(tmp_path / name)) for name in ("two.ckpt", "one.ckpt"))
    assert list(weights) == list(wanted)
    for name, weight in wanted.items():
        np.testing.assert_allclose(
            weights[name].asnumpy(), weight.asnumpy(), rtol=0, atol=1e-6 * np.abs(weight.asnumpy()).max()
        )
