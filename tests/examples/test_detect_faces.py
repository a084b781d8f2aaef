"""examples/detect_faces.py: its networks against torch, its faces against those that facenet-pytorch finds.

The weights are in facenet-pytorch, which needs no torch to be read from: pip install --no-deps facenet-pytorch.
golden_faces.npz was written by record_faces.py.
"""

from __future__ import annotations

import pathlib
import re
import sys

import detect_faces
import numpy as np
import pytest
import run_options
from detect_faces import averages, resize, suppress
from models import mtcnn
from PIL import Image

import mscompat

ROOT = pathlib.Path(__file__).parents[2]
SCRIPT = ROOT / "examples" / "detect_faces.py"
FILE = pathlib.Path(__file__).with_name("golden_faces.npz")
GOLDEN = dict(np.load(FILE))

needs_weights = pytest.mark.skipif(
    not run_options.folder_of("facenet_pytorch"), reason="the weights are in it: pip install --no-deps facenet-pytorch"
)
needs_picture = pytest.mark.skipif(
    not run_options.folder_of("skimage"), reason="the picture is in scikit-image: pip install -e '.[examples]'"
)

# What is done to the picture of one astronaut.
PICTURES = {
    "astronaut": lambda image: image,
    "two_sizes": lambda image: np.hstack([image[:400, 40:400], np.pad(image[::2, ::-2], ((44, 100), (9, 0), (0, 0)))]),
    "cut_off": lambda image: image[75:400, :250],
    "nobody": lambda image: image[300:],
}


def make_picture(name):
    with Image.open(run_options.folder_of("skimage") / "data" / "astronaut.png") as image:
        return np.ascontiguousarray(PICTURES[name](np.asarray(image.convert("RGB"))))


@pytest.fixture(scope="module")
def networks():
    return detect_faces.load_networks(run_options.folder_of("facenet_pytorch") / "data")


@needs_weights
@needs_picture
@pytest.mark.parametrize("name", PICTURES)
def test_faces_of_facenet_pytorch(name, networks):
    faces = detect_faces.detect(make_picture(name), *networks)
    assert len(faces.boxes) == {"astronaut": 1, "two_sizes": 2, "cut_off": 1, "nobody": 0}[name]
    np.testing.assert_allclose(faces.boxes, GOLDEN[f"{name}/boxes"], rtol=0, atol=2e-3)  # pixels
    np.testing.assert_allclose(faces.landmarks, GOLDEN[f"{name}/landmarks"], rtol=0, atol=2e-3)
    np.testing.assert_allclose(faces.scores, GOLDEN[f"{name}/scores"], rtol=0, atol=1e-5)


def test_face_of_the_astronaut():
    """The record is no nonsense: her face is between these lines."""
    (box,), (score,) = GOLDEN["astronaut/boxes"], GOLDEN["astronaut/scores"]
    assert score > 0.99
    left, top, right, bottom = box
    assert 170 < left < 195
    assert 50 < top < 75
    assert 255 < right < 285
    assert 160 < bottom < 185


@needs_picture
def test_picture_of_the_first_page():
    """examples/faces.jpg is what the script draws, faces.png, saved by Pillow with quality=85 and subsampling=0."""
    faces = detect_faces.Faces(*(GOLDEN[f"astronaut/{name}"] for name in detect_faces.Faces._fields))
    picture = make_picture("astronaut")
    drawn = np.asarray(detect_faces.draw(Image.fromarray(picture), faces))
    with Image.open(SCRIPT.with_name("faces.jpg")) as image:
        differences = np.abs(np.asarray(image, float) - drawn)
    assert differences.mean() < 5
    assert differences[drawn != picture].mean() < 10  # without the box, 120


@needs_weights
@pytest.mark.parametrize("cell", [mtcnn.PNet, mtcnn.RNet, mtcnn.ONet])
def test_network_like_torch(cell, mode):
    """As near to torch in float64 as torch in float32 is, or within a few roundings."""
    torch = pytest.importorskip("torch", reason="compares with torch, which is not installed")
    import torch_models

    path = run_options.folder_of("facenet_pytorch") / "data" / f"{cell.__name__.lower()}.pt"
    network = getattr(torch_models, cell.__name__)()
    network.load_state_dict(torch.load(path))
    size = {"PNet": (31, 44), "RNet": (24, 24), "ONet": (48, 48)}[cell.__name__]
    images = np.random.RandomState(0).randint(0, 256, (5, 3, *size))
    input = torch.from_numpy((images - 127.5) / 128)
    with torch.no_grad():
        exact = [output.numpy() for output in network.double()(input)]
        rounded = [output.numpy() for output in network.float()(input.float())]
    outputs = detect_faces.load_network(cell(), path)(images)
    for output, wanted, other in zip(outputs, exact, rounded, strict=True):
        assert output.shape == wanted.shape
        assert np.abs(output - wanted).max() <= 4 * np.abs(other - wanted).max() + 1e-6 * np.abs(wanted).max()


@needs_weights
def test_weights_are_read_without_torch(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    folder = run_options.folder_of("facenet_pytorch") / "data"
    cell = mtcnn.PNet()
    detect_faces.load_network(cell, folder / "pnet.pt")
    assert mscompat.torch_state_dict(cell)["conv1.weight"].std() > 0.2  # initially, at most 0.12


@pytest.mark.slow
@needs_weights
@needs_picture
@pytest.mark.parametrize("arguments", [[], ["--mode", "pynative", "--output", "drawn.png"]])
def test_script(tmp_path, run_script, arguments):
    result = run_script(SCRIPT, *arguments)
    assert result.returncode == 0, result.stderr
    name = "drawn.png" if arguments else "faces.png"
    first, second, third = result.stdout.splitlines()
    assert first == "1 face in 512 x 512 pixels"
    assert third == f"wrote {name}"
    numbers = re.fullmatch(
        r"face 1: left ([\d.]+), top ([\d.]+), right ([\d.]+), bottom ([\d.]+); score ([\d.]+)", second
    ).groups()
    left, top, right, bottom, score = map(float, numbers)
    np.testing.assert_allclose([[left, top, right, bottom]], GOLDEN["astronaut/boxes"], rtol=0, atol=0.051)
    assert score > 0.99
    with Image.open(tmp_path / name) as image:
        drawn = np.asarray(image.convert("RGB"))
    middle = round((left + right) / 2), round((top + bottom) / 2)
    inner = left + 1, top + 1, right - 1, bottom - 1  # the lines are three pixels thick
    for x, y in ((middle[0], inner[1]), (middle[0], inner[3]), (inner[0], middle[1]), (inner[2], middle[1])):
        assert drawn[round(y), round(x)].tolist() == [0, 255, 0]
    for x, y in GOLDEN["astronaut/landmarks"][0]:
        assert drawn[round(y), round(x)].tolist() == [255, 0, 0]


def test_picture_smaller_than_a_window():
    faces = detect_faces.detect(np.zeros((8, 30, 3), np.uint8), None, None, None)
    assert [array.shape for array in faces] == [(0, 4), (0,), (0, 5, 2)]


@pytest.mark.parametrize(("old", "new"), [(5, 3), (3, 5), (7, 7), (24, 48), (97, 24)])
def test_resize_like_torch(old, new):
    torch = pytest.importorskip("torch", reason="compares with torch, which is not installed")
    image = np.random.RandomState(0).random((3, old, 11))
    wanted = torch.nn.functional.interpolate(torch.from_numpy(image)[None], size=(new, 4), mode="area")[0]
    np.testing.assert_allclose(resize(image, (new, 4)), wanted, rtol=1e-13)


def test_averages():
    np.testing.assert_array_equal(averages(4, 2), [[0.5, 0.5, 0, 0], [0, 0, 0.5, 0.5]])
    np.testing.assert_array_equal(6 * averages(5, 3), [[3, 3, 0, 0, 0], [0, 2, 2, 2, 0], [0, 0, 0, 3, 3]])


def test_suppress():
    boxes = np.array([[0, 0, 10, 10], [0, 0, 10, 5], [20, 0, 30, 10], [0, 0, 10, 9]], float)
    scores = np.array([0.7, 0.9, 0.8, 0.6])
    # The second has half of the first and 5/9 of the last; the first would have 9/10 of the last.
    assert suppress(boxes, scores, 0.7).tolist() == [1, 2, 0]
    assert suppress(boxes, scores, 0.55).tolist() == [1, 2, 0]
    assert suppress(boxes, scores, 0.45).tolist() == [1, 2]
    # It lies in both others: all of the smaller one.
    assert suppress(boxes, scores, 0.7, of_smaller=True).tolist() == [1, 2]
    assert suppress(boxes[:0], scores[:0], 0.7).tolist() == []


def test_weights_of_another_network(tmp_path):
    for name in ("pnet.pt", "rnet.pt", "onet.pt"):
        torch_file = pathlib.Path(__file__).parents[1] / "weights/data" / "network_zip.pth"
        (tmp_path / name).write_bytes(torch_file.read_bytes())
    with pytest.raises(SystemExit) as stop:
        detect_faces.load_networks(tmp_path)
    assert stop.value.code.startswith(f"--weights {tmp_path / 'pnet.pt'}: Error(s) in loading state_dict for PNet:")


@pytest.fixture
def folder(tmp_path):
    """Of weights, such as they are, and a picture."""
    for name in ("pnet.pt", "rnet.pt", "onet.pt"):
        (tmp_path / name).touch()
    Image.new("RGB", (40, 30)).save(tmp_path / "picture.png")
    (tmp_path / "text.png").write_text("no picture")
    picture = (tmp_path / "picture.png").read_bytes()
    (tmp_path / "broken.png").write_bytes(picture[:8] + b"\0\0\0\1IHDRx" + picture[12:])
    return tmp_path


@pytest.mark.parametrize(("arguments", "message"), [
    ([], "the weights are in facenet-pytorch: pip install --no-deps facenet-pytorch"),
    (["--weights", "."], "the default picture is in scikit-image: pip install -e '.[examples]', or give a --picture"),
    (["--weights", "missing"], "--weights: there is no pnet.pt in missing"),
    (["--weights", ".", "--picture", "missing.png"], "--picture: [Errno 2] No such file or directory: "),
    (["--weights", ".", "--picture", "text.png"], "--picture: cannot identify image file 'text.png'"),
    (["--weights", ".", "--picture", "broken.png"], "--picture: Truncated IHDR chunk"),
    (["--weights", ".", "--picture", "picture.png", "--output", "faces.gif"], "--output must end in .png, but got"),
    (["--weights", ".", "--picture", "picture.png", "--output", "a/b.png"], "--output: there is no folder a"),
    (["--mode", "eager"], "argument --mode: invalid choice: 'eager'"),
])
def test_wrong_argument(folder, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(folder)
    monkeypatch.setattr(run_options, "folder_of", lambda package: None)
    monkeypatch.setattr(sys, "argv", [SCRIPT.name, *arguments])
    with pytest.raises(SystemExit) as stop:
        detect_faces.parse_arguments()
    assert stop.value.code == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert f"{SCRIPT.name}: error: {message}" in output.err
