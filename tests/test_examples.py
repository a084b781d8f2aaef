"""The example runs as its reader would run it: as a script, in a folder of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).parents[1]
SCRIPT = ROOT / "examples" / "train_autoencoder.py"
HEADER = "epoch    MindSpore        torch    MindSpore        torch"


@pytest.fixture
def run(tmp_path):
    """Run Python with the arguments in tmp_path, where the script leaves its picture and MindSpore its folders."""
    for module in ("sklearn", "matplotlib", "tqdm"):
        pytest.importorskip(module, reason=f"the example needs {module}: pip install mscompat[examples]")

    def run(*arguments, first_path=None):
        paths = [first_path, ROOT, os.environ.get("PYTHONPATH")]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(str(path) for path in paths if path)}
        return subprocess.run(
            [sys.executable, *map(str, arguments)], cwd=tmp_path, env=environment, capture_output=True, text=True,
            timeout=300,
        )

    return run


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
    # An axes box is a black frame; only frames are dark over so long a run of a row.
    rows = np.flatnonzero((ink > 0.5).mean(1) > 0.8)
    edges = rows[np.insert(np.diff(rows) > 10, 0, True)]
    assert len(edges) == 4, "top and bottom of two rows of boxes"
    pictures = []
    for top, bottom in edges.reshape(2, 2):
        columns = np.flatnonzero((ink[top:bottom] > 0.5).mean(0) > 0.98)
        sides = columns[np.insert(np.diff(columns) > 10, 0, True)]
        assert len(sides) == 20, "left and right of ten boxes"
        for left, right in sides.reshape(10, 2):
            centres = (np.arange(8) + 0.5) / 8
            pictures.append(ink[np.ix_((top + centres * (bottom - top)).astype(int),
                                       (left + centres * (right - left)).astype(int))])
    return np.array(pictures).reshape(2, 10, 8, 8)


def check_inputs(inputs):
    """They are the first of each digit among those held back."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    expected = [digits.images[1600:][digits.target[1600:] == digit][0] / 16 for digit in range(10)]
    np.testing.assert_allclose(inputs, expected, atol=0.02)


def test_one_epoch(run, tmp_path):
    result = run(SCRIPT, "--epochs", 1, "--output", "digits.png")
    assert result.returncode == 0, result.stderr
    ((mean, first),) = losses_of(result.stdout, "MindSpore")
    assert held_back_loss(result.stdout) < mean < first
    assert "wrote digits.png" in result.stdout
    assert re.search(r"MindSpore: 100%.* 1/1 ", result.stderr), "the progress bar"
    inputs, outputs = read_pictures(tmp_path / "digits.png")
    check_inputs(inputs)
    # The printed loss is that of the whole held-back set.
    assert np.mean((outputs - inputs) ** 2) == pytest.approx(held_back_loss(result.stdout), rel=0.5)


@pytest.mark.parametrize(("arguments", "message"), [
    (["--epochs", 0], "--epochs must be at least 1, but got 0"),
    (["--epochs", "many"], "argument --epochs: invalid int value: 'many'"),
    (["--seed", -1], "--seed must be from 0 to 4294967295, but got -1"),
    (["--seed", 2**32], "--seed must be from 0 to 4294967295, but got 4294967296"),
    (["--mode", "eager"], "argument --mode: invalid choice: 'eager'"),
    (["--device_target", "TPU"], "argument --device_target: invalid choice: 'TPU'"),
    (["--output", "missing/digits.png"], "--output: there is no folder missing"),
    (["--output", "digits.bmp"], "--output must end in .png, but got digits.bmp"),
])
def test_wrong_argument(run, tmp_path, arguments, message):
    result = run(SCRIPT, *arguments)
    assert result.returncode == 2
    assert message in result.stderr.splitlines()[-1]
    assert "Traceback" not in result.stderr
    assert result.stdout == ""
    assert not list(tmp_path.glob("*.png"))


def test_without_torch(run, tmp_path):
    (tmp_path / "shadow").mkdir()
    (tmp_path / "shadow" / "torch.py").write_text("raise ImportError('No module named torch')\n")
    result = run(SCRIPT, "--compare-torch", first_path=tmp_path / "shadow")
    assert result.returncode == 2
    assert result.stderr.splitlines()[-1] == "--compare-torch needs torch: No module named torch"
    assert result.stdout == ""


@pytest.mark.parametrize(("torch_losses", "code"), [
    ("[[0.5, 0.25]]", 0),
    ("[[0.5, 0.2502]]", 0),
    ("[[0.5, 0.2503]]", 1),
    ("[[0.5, float('nan')]]", 1),
])
def test_compare_fails_above_the_tolerance(run, torch_losses, code):
    program = (
        "import sys, numpy, train_autoencoder\n"
        f"sys.exit(train_autoencoder.compare(numpy.array([[0.5, 0.25]]), numpy.array({torch_losses})))"
    )
    result = run("-c", program, first_path=SCRIPT.parent)
    assert result.returncode == code, result.stderr
    assert HEADER in result.stdout
    failed = "FAILED: the losses of MindSpore and torch differ by more than 0.001" in result.stderr
    assert failed == (code == 1)


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [[], ["--mode", "pynative"]], ids=["default", "pynative"])
def test_learns_in_two_minutes(run, tmp_path, arguments):
    start = time.perf_counter()
    result = run(SCRIPT, *arguments)
    seconds = time.perf_counter() - start
    assert result.returncode == 0, result.stderr
    assert seconds < 120
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
    result = run(SCRIPT, "--mode", mode, "--compare-torch")
    assert result.returncode == 0, result.stderr
    table = result.stdout.split(HEADER)[1].split("largest")[0].split("\n")[1:-1]
    numbers = np.array([line.split() for line in table], float)
    assert numbers.shape == (20, 5)
    np.testing.assert_array_equal(numbers[:, 0], range(1, 21))
    np.testing.assert_array_equal(numbers[:, [3, 1]], losses_of(result.stdout, "MindSpore"))
    np.testing.assert_array_equal(numbers[:, [4, 2]], losses_of(result.stdout, "torch"))
    np.testing.assert_array_equal(numbers[0, [1, 3]], numbers[0, [2, 4]])
    np.testing.assert_allclose(numbers[:, [1, 3]], numbers[:, [2, 4]], rtol=1e-3)
    difference = float(re.search(r"largest relative difference of a batch's loss: (\S+)", result.stdout)[1])
    assert difference <= 1e-3
