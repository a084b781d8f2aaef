"""examples/run_model.py: what it prints and draws is what the network says. test_models.py compares that with torch."""

from __future__ import annotations

import argparse
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


@pytest.fixture
def call_main(tmp_path, monkeypatch):
    """The script in this process, in tmp_path and in PyNative mode."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(ms, "set_device", lambda target: None)  # MindSpore refuses it once it runs

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", [SCRIPT.name, *arguments, "--mode", "pynative"])
        assert run_model.main() == 0

    return call


def test_generator(tmp_path, call_main, capsys):
    network = network_with_weights("dcgan_generator", tmp_path)
    arguments = ["--weights", "weights.safetensors", "--output", "made.png", "--seed", "3", "--train-step"]
    call_main("dcgan_generator", *arguments)
    printed = capsys.readouterr().out
    before, after = losses_of(printed)
    assert after < before
    assert "trained weights" not in printed

    noise = np.random.RandomState(3).standard_normal((1, 100, 1, 1)).astype(np.float32)
    (wanted,) = network(ms.Tensor(noise)).asnumpy()
    with Image.open(tmp_path / "made.png") as image:
        drawn = np.asarray(image, float)
    assert drawn.std() > 20
    np.testing.assert_allclose(drawn, (wanted.transpose(1, 2, 0) + 1) * 127.5, atol=0.51)


def test_trains_only_when_asked(call_main, monkeypatch, capsys):
    """And says what it waits for before it waits, how long that took, and where trained weights are."""
    monkeypatch.setattr(run_model, "train_step", lambda *arguments: pytest.fail("a step was not asked for"))
    call_main("dcgan_generator")
    pattern = (
        r"dcgan_generator: [\d,]+ parameters\nrandom weights: the output means nothing\n"
        r"trained weights: .*/pytorch/examples .* writes netG_epoch_24\.pth\nrunning the network \.\.\.\n"
        r"input \(1, 100, 1, 1\) to output \(1, 3, 64, 64\) in [\d.]+ s\n  from .*\nwrote dcgan_generator\.png\n"
    )
    assert re.fullmatch(pattern, capsys.readouterr().out)
    with Image.open("dcgan_generator.png") as image:
        assert image.size == (64, 64)


def test_message_comes_before_the_wait(capfd):
    """Where a pipe, which is not flushed by lines, is what prints are read from."""
    seen, seconds = run_model.timed("graph", "the network", lambda: capfd.readouterr().out)
    assert seen == "compiling and running the network ...\n"
    assert 0 <= seconds < 60


@pytest.mark.slow
@pytest.mark.parametrize("model", ["resnet18", "mobilenet_v2"])
def test_classifier(tmp_path, run, model):
    network = network_with_weights(model, tmp_path)
    pixels = np.random.RandomState(0).randint(0, 256, (224, 224, 3)).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "picture.png")
    result = run(model, "--weights", "weights.safetensors", "--picture", "picture.png", "--train-step")
    assert result.returncode == 0, result.stderr
    assert "\ncompiling and running the network ...\n" in result.stdout
    assert "\ncompiling and running a step ...\n" in result.stdout
    before, after = losses_of(result.stdout)
    assert after != before

    # torchvision's transforms: to tensor, then normalise.
    input = (pixels.transpose(2, 0, 1) / 255 - [[[0.485]], [[0.456]], [[0.406]]]) / [[[0.229]], [[0.224]], [[0.225]]]
    (scores,) = network(ms.Tensor(input[None], ms.float32)).asnumpy().astype(float)
    chances = np.exp(scores - scores.max()) / np.exp(scores - scores.max()).sum()
    printed = re.findall(r"^  (.+): ([\d.]+)%$", result.stdout, re.MULTILINE)
    assert [class_names().index(name) for name, _ in printed] == np.argsort(-scores)[:5].tolist()
    np.testing.assert_allclose([float(chance) / 100 for _, chance in printed], np.sort(chances)[:-6:-1], atol=6e-4)
    with Image.open(tmp_path / f"{model}.png") as image:
        drawn = run_model.draw_bars(Image.fromarray(pixels), run_model.best_classes(scores))
        assert bars_of(image) == pytest.approx(bars_of(drawn), abs=1)


@pytest.mark.slow
@pytest.mark.parametrize("model", ["unet", "cyclegan", "dcgan_discriminator", "hifigan"])
def test_without_weights(tmp_path, run, model):
    picture = [] if model in run_model.NO_PICTURE else ["--picture", "picture.png"]
    pixels = np.random.RandomState(0).randint(0, 256, (64, 64, 3)).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "picture.png")
    result = run(model, "--train-step", *picture)
    assert result.returncode == 0, result.stderr
    before, after = losses_of(result.stdout)
    assert after < before


def class_names():
    lines = (SCRIPT.parent / "imagenet_classes.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line[0] != "#"]


def test_class_names():
    """Each once, so that a name says which class it is; and at their places, of which these are well known."""
    names = class_names()
    assert len(names) == len(set(names)) == 1000
    known = {0: "tench", 1: "goldfish", 207: "golden retriever", 281: "tabby", 285: "Egyptian cat", 340: "zebra",
             508: "computer keyboard", 954: "banana", 999: "toilet tissue"}
    assert {label: names[label] for label in known} == known
    scores = np.zeros(1000, np.float32)
    scores[[281, 285, 999, 340, 0]] = 9, 8, 7, 6, 5
    best = run_model.best_classes(scores)
    assert list(best) == ["tabby", "Egyptian cat", "toilet tissue", "zebra", "tench"]
    exponentials = np.exp([9, 8, 7, 6, 5])
    np.testing.assert_allclose(list(best.values()), exponentials / (exponentials.sum() + 995), rtol=1e-5)


def bars_of(image):
    """The width of each bar: how many pixels of its middle line are blue."""
    blue = (np.asarray(image) == (70, 130, 180)).all(2)
    return [int(blue[46 + 62 * row].sum()) for row in range(5)]


def test_bars_are_as_long_as_the_chances():
    picture = Image.new("RGB", (50, 40), (255, 0, 51))
    chances = {"tabby": 1.0, "tench": 0.5, "lynx": 0.25, "cock": 0.125, "hen": 0.0}
    image = run_model.draw_bars(picture, chances)
    np.testing.assert_array_equal(np.asarray(image)[:, :320], np.broadcast_to((255, 0, 51), (320, 320, 3)))
    assert bars_of(image) == [321, 161, 81, 41, 1]
    text = np.asarray(image)[10:30, 320:].min(2)
    assert text.min() < 50, "no name above the bar"


def test_classes_of_pixels():
    scores = np.zeros((1, 2, 4, 6), np.float32)
    scores[0, 1, 1:3, 2:] = 1
    np.testing.assert_array_equal(np.asarray(run_model.draw_pixels(None, scores)), 255 * scores[0, 1])
    drawn = np.asarray(run_model.draw_pixels(Image.new("RGB", (50, 40), (255, 0, 51)), scores))
    np.testing.assert_array_equal(drawn[:, :6], np.broadcast_to((255, 0, 51), (4, 6, 3)))
    np.testing.assert_array_equal(drawn[:, 6:], np.repeat(255 * scores[0, 1, :, :, None], 3, axis=2))


@pytest.mark.parametrize("name", run_model.MODELS)
def test_every_network_says_where_its_weights_are(name):
    """A command where there is a file to fetch, or else whose program makes one."""
    text = run_model.advice(run_model.MODELS[name])
    assert re.fullmatch(r"trained weights: (curl -LO https://\S+\.pth|.* https://github\.com/\S+ .*)", text)


def test_default_picture(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", [SCRIPT.name, "resnet18"])
    monkeypatch.setattr(run_options, "folder_of", lambda package: None)
    with pytest.raises(SystemExit):
        run_model.parse_arguments()
    message = f"{SCRIPT.name}: error: the default picture is in scikit-image: pip install -e '.[examples]', or give a"
    assert message in capsys.readouterr().err


def test_cat_is_in_scikit_image():
    pytest.importorskip("skimage", reason="the picture is in scikit-image: pip install -e '.[examples]'")
    assert run_options.open_picture(argparse.ArgumentParser(), None, "chelsea.png").size == (451, 300)


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
    (["resnet18", "--weights", "missing.pth"], "--weights: there is no file missing.pth; trained weights: curl -LO "
     "https://download.pytorch.org/models/resnet18-f37072fd.pth\n"),
    (["resnet18", "--picture", "missing.png"], "--picture: [Errno 2] No such file or directory"),
    (["dcgan_discriminator", "--output", "a.png"], "--output: dcgan_discriminator gives one number"),
    (["resnet18", "--output", "a.gif"], "--output must end in .png, but got a.gif"),
    (["unet", "--output", "a.gif"], "--output must end in .png, but got a.gif"),
    (["unet", "--output", "missing/a.png"], "--output: there is no folder missing"),
    (["unet", "--output", "folder.png"], "--output: folder.png is a folder"),
    (["unet", "--picture", "huge.png"], "--picture: Image size (400000000 pixels) exceeds limit of "),
    (["dcgan_generator", "--picture", "a.png"], "--picture: dcgan_generator makes a picture of noise"),
    (["hifigan", "--picture", "a.png"], "--picture: hifigan makes sound of a spectrogram"),
    (["hifigan", "--output", "a.png"], "--output: hifigan makes sound"),
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
