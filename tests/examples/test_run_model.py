"""examples/run_model.py: what it prints and draws is what the network says. test_models.py compares that with torch."""

from __future__ import annotations

import functools
import pathlib
import re
import struct
import sys
import zlib

import mindspore as ms
import numpy as np
import pytest
import run_model
import run_options
from PIL import Image
from safetensors.numpy import save_file
from test_models import draw_weights

import mscompat

ROOT = pathlib.Path(__file__).parents[2]
SCRIPT = ROOT / "examples" / "run_model.py"


@pytest.fixture
def run(run_script):
    return functools.partial(run_script, SCRIPT)


def losses_of(output):
    losses = re.search(r"^loss ([\d.]+) before a step, ([\d.]+) after it", output, re.MULTILINE)
    return [float(loss) for loss in losses.groups()]


def network_with_weights(model, folder):
    """The network, and the same weights in weights.safetensors."""
    network = run_model.MODELS[model].build()
    weights = draw_weights({name: array.shape for name, array in mscompat.torch_state_dict(network).items()})
    save_file(weights, folder / "weights.safetensors")
    mscompat.load_torch_state_dict(network, weights)
    return network.set_train(False)


def test_generator(tmp_path, monkeypatch, capsys):
    network = network_with_weights("dcgan_generator", tmp_path)
    arguments = ["--weights", "weights.safetensors", "--output", "made.png", "--seed", "3", "--mode", "pynative"]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(ms, "set_device", lambda target: None)  # MindSpore refuses it once it runs
    monkeypatch.setattr(sys, "argv", [SCRIPT.name, "dcgan_generator", *arguments])
    assert run_model.main() == 0
    before, after = losses_of(capsys.readouterr().out)
    assert after < before

    noise = np.random.RandomState(3).standard_normal((1, 100, 1, 1)).astype(np.float32)
    (wanted,) = network(ms.Tensor(noise)).asnumpy()
    with Image.open(tmp_path / "made.png") as image:
        drawn = np.asarray(image, float)
    assert drawn.std() > 20
    np.testing.assert_allclose(drawn, (wanted.transpose(1, 2, 0) + 1) * 127.5, atol=0.51)


@pytest.mark.slow
@pytest.mark.parametrize("model", ["resnet18", "mobilenet_v2"])
def test_classifier(tmp_path, run, model):
    network = network_with_weights(model, tmp_path)
    pixels = np.random.RandomState(0).randint(0, 256, (224, 224, 3)).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "picture.png")
    result = run(model, "--weights", "weights.safetensors", "--picture", "picture.png")
    assert result.returncode == 0, result.stderr
    before, after = losses_of(result.stdout)
    assert after != before

    # torchvision's transforms: to tensor, then normalise.
    input = (pixels.transpose(2, 0, 1) / 255 - [[[0.485]], [[0.456]], [[0.406]]]) / [[[0.229]], [[0.224]], [[0.225]]]
    (scores,) = network(ms.Tensor(input[None], ms.float32)).asnumpy().astype(float)
    chances = np.exp(scores - scores.max()) / np.exp(scores - scores.max()).sum()
    printed = re.findall(r"^  class (\d+): ([\d.]+)%$", result.stdout, re.MULTILINE)
    assert [int(label) for label, _ in printed] == np.argsort(-scores)[:5].tolist()
    np.testing.assert_allclose([float(chance) / 100 for _, chance in printed], np.sort(chances)[:-6:-1], atol=6e-4)


@pytest.mark.slow
@pytest.mark.parametrize("model", ["unet", "cyclegan", "dcgan_discriminator", "hifigan"])
def test_without_weights(run, model):
    result = run(model)
    assert result.returncode == 0, result.stderr
    before, after = losses_of(result.stdout)
    assert after < before


def test_classes_of_pixels(tmp_path):
    scores = np.zeros((1, 2, 4, 6), np.float32)
    scores[0, 1, 1:3, 2:] = 1
    run_model.save(scores, tmp_path / "mask.png")
    with Image.open(tmp_path / "mask.png") as image:
        np.testing.assert_array_equal(np.asarray(image), 255 * scores[0, 1])


def test_pixels_are_normalised():
    picture = Image.new("RGB", (50, 40), (255, 0, 51))
    cyclegan, resnet = (run_model.make_input(run_model.MODELS[name], picture, 0) for name in ("cyclegan", "resnet18"))
    assert cyclegan.shape == (1, 3, 128, 128)
    np.testing.assert_allclose(cyclegan[0, :, 7, 9], [1, -1, -0.6], rtol=1e-6)
    np.testing.assert_allclose(resnet[0, :, 7, 9], [2.2489083, -2.0357143, -0.9155556], rtol=1e-6)


def test_weights_of_another_network(tmp_path):
    path = tmp_path / "other.safetensors"
    save_file({"weight": np.zeros(3, np.float32)}, path)
    with pytest.raises(SystemExit) as stop:
        run_options.load_weights(run_model.MODELS["dcgan_discriminator"].build(), path)
    assert stop.value.code.startswith(f"--weights {path}: Error(s) in loading state_dict for Discriminator:")
    assert 'Unexpected key(s) in state_dict: "weight"' in stop.value.code


def test_weights_of_no_network(tmp_path):
    path = tmp_path / "other.pth"
    path.write_text("nothing")
    with pytest.raises(SystemExit) as stop:
        run_options.load_weights(run_model.MODELS["dcgan_discriminator"].build(), path)
    assert stop.value.code.startswith(f"--weights {path}: ")


@pytest.mark.parametrize(("arguments", "message"), [
    (["vgg"], "argument model: invalid choice: 'vgg'"),
    (["resnet18", "--weights", "missing.pth"], "--weights: there is no file missing.pth"),
    (["resnet18", "--picture", "missing.png"], "--picture: [Errno 2] No such file or directory"),
    (["resnet18", "--output", "a.png"], "--output: resnet18 makes no picture"),
    (["unet", "--output", "a.gif"], "--output must end in .png, but got a.gif"),
    (["unet", "--output", "missing/a.png"], "--output: there is no folder missing"),
    (["unet", "--output", "folder.png"], "--output: folder.png is a folder"),
    (["unet", "--picture", "huge.png"], "--picture: Image size (400000000 pixels) exceeds limit of "),
    (["dcgan_generator", "--picture", "a.png"], "--picture: dcgan_generator makes a picture of noise"),
    (["hifigan", "--picture", "a.png"], "--picture: hifigan makes sound of a spectrogram"),
    (["hifigan", "--output", "a.png"], "--output: hifigan makes no picture"),
    (["unet", "--seed", "-1"], "--seed must be from 0 to 4294967295, but got -1"),
    (["unet", "--mode", "eager"], "argument --mode: invalid choice: 'eager'"),
    (["unet", "--device_target", "TPU"], "argument --device_target: invalid choice: 'TPU'"),
])
def test_wrong_argument(tmp_path, monkeypatch, capsys, arguments, message):
    (tmp_path / "folder.png").mkdir()
    Image.new("L", (1, 1)).save(tmp_path / "huge.png")
    header = (tmp_path / "huge.png").read_bytes()
    start = header.index(b"IHDR")
    ihdr = b"IHDR" + struct.pack(">II", 20_000, 20_000) + header[start + 12 : start + 17]
    checked = ihdr + struct.pack(">I", zlib.crc32(ihdr))
    (tmp_path / "huge.png").write_bytes(header[:start] + checked + header[start + 21 :])
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [SCRIPT.name, *arguments])
    with pytest.raises(SystemExit) as stop:
        run_model.parse_arguments()
    assert stop.value.code == 2
    assert f"{SCRIPT.name}: error: {message}" in capsys.readouterr().err
