"""Find faces in a picture with MTCNN (arXiv 1604.02878) and the weights that facenet-pytorch trained with torch.

    pip install -e '.[examples]'
    pip install --no-deps facenet-pytorch
    python examples/detect_faces.py

The weights come with facenet-pytorch (--no-deps: only its files are needed, not the old torch that it asks for), the
default picture with scikit-image: nothing else is downloaded. Three networks sift windows of the picture: P-Net, which
is convolutional, looks at every place in every size, R-Net and O-Net at what is left, at a higher resolution. Each
also corrects the windows that it keeps. Prints the faces and draws them.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import mindspore as ms
import numpy as np
import run_options
from models import mtcnn
from PIL import Image, ImageDraw

from mscompat import nn

MIN_SIZE = 20  # of a face, in pixels
SHRINK = 0.709  # from one size of the picture to the next: half the area
WINDOW, STRIDE = 12, 2  # of P-Net, in pixels
THRESHOLDS = (0.6, 0.7, 0.7)  # of the probability of a face: P-Net's, R-Net's, O-Net's

# Takes images of shape (N, 3, H, W), returns arrays.
Network = Callable[[np.ndarray], tuple[np.ndarray, ...]]


class Faces(NamedTuple):
    boxes: np.ndarray  # (N, 4): left, top, right, bottom, in pixels
    scores: np.ndarray  # (N,): probabilities
    landmarks: np.ndarray  # (N, 5, 2): x and y of eyes, nose and corners of the mouth


def main() -> int:
    args = parse_arguments()
    networks = load_networks(args.weights)
    faces = detect(np.asarray(args.picture), *networks)
    width, height = args.picture.size
    print(f"{len(faces.boxes)} face{'' if len(faces.boxes) == 1 else 's'} in {width} x {height} pixels")
    for number, (box, score) in enumerate(zip(faces.boxes, faces.scores, strict=True), start=1):
        left, top, right, bottom = box
        sides = f"left {left:.1f}, top {top:.1f}, right {right:.1f}, bottom {bottom:.1f}"
        print(f"face {number}: {sides}; score {score:.6f}")
    draw(args.picture, faces).save(args.output)
    print(f"wrote {args.output}")
    return 0


def load_networks(folder: Path) -> list[Network]:
    networks = {"pnet.pt": mtcnn.PNet(), "rnet.pt": mtcnn.RNet(), "onet.pt": mtcnn.ONet()}
    return [load_network(network, folder / name) for name, network in networks.items()]


def load_network(network: nn.Module, path: Path) -> Network:
    run_options.load_weights(network, path)
    network.eval()
    return lambda images: tuple(output.asnumpy() for output in network(ms.Tensor((images - 127.5) / 128, ms.float32)))


def detect(image: np.ndarray, p_net: Network, r_net: Network, o_net: Network) -> Faces:
    """Find the faces in an image of shape (H, W, 3), values from 0 to 255; the most probable first."""
    image = image.transpose(2, 0, 1).astype(np.float64)
    nothing = Faces(np.zeros((0, 4)), np.zeros(0), np.zeros((0, 5, 2)))

    boxes, scores, offsets = propose(image, p_net)
    boxes = square(boxes + offsets * np.tile(boxes[:, 2:] - boxes[:, :2], 2))

    boxes, windows = cut(image, boxes, 24)
    if not len(boxes):
        return nothing
    offsets, probabilities = r_net(windows)
    boxes, scores, offsets = above(THRESHOLDS[1], probabilities[:, 1], boxes, offsets)
    kept = suppress(boxes, scores, 0.7)
    boxes = square(correct(boxes[kept], offsets[kept]))

    boxes, windows = cut(image, boxes, 48)
    if not len(boxes):
        return nothing
    offsets, points, probabilities = o_net(windows)
    boxes, scores, offsets, points = above(THRESHOLDS[2], probabilities[:, 1], boxes, offsets, points)
    # All x, then all y, as fractions of the box. Its upper left pixel is (1, 1) to MATLAB, where the networks are from.
    landmarks = points.reshape(-1, 2, 5).transpose(0, 2, 1) * sizes(boxes)[:, None] + boxes[:, None, :2] - 1
    boxes = correct(boxes, offsets)
    kept = suppress(boxes, scores, 0.7, of_smaller=True)
    return Faces(boxes[kept], scores[kept], landmarks[kept])


def propose(image: np.ndarray, p_net: Network) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Boxes, probabilities and corrections of P-Net's windows, in all sizes of the image."""
    height, width = image.shape[1:]
    found = [(np.zeros((0, 4)), np.zeros(0), np.zeros((0, 4)))]
    scale = WINDOW / MIN_SIZE
    while min(height, width) * scale >= WINDOW:
        small = resize(image, (int(height * scale + 1), int(width * scale + 1)))
        offsets, probabilities = p_net(small[None])
        rows, columns = np.nonzero(probabilities[0, 1] >= THRESHOLDS[0])
        corner = STRIDE * np.stack([columns, rows], axis=1).astype(np.float32) + 1
        # In float32 like the numbers of the original: it decides what is just below a whole number.
        boxes = np.floor(np.concatenate([corner, corner + WINDOW - 1], axis=1) / np.float32(scale)).astype(float)
        scores = probabilities[0, 1, rows, columns]
        kept = suppress(boxes, scores, 0.5)
        found.append((boxes[kept], scores[kept], offsets[0, :, rows, columns][kept]))
        scale *= SHRINK
    boxes, scores, offsets = map(np.concatenate, zip(*found, strict=True))
    kept = suppress(boxes, scores, 0.7)
    return boxes[kept], scores[kept], offsets[kept]


def resize(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Each new pixel is the mean of those it touches: torch.nn.functional.interpolate(mode='area')."""
    return averages(image.shape[1], size[0]) @ image @ averages(image.shape[2], size[1]).T


def averages(old: int, new: int) -> np.ndarray:
    """The matrix, of shape (new, old), that resizes a line."""
    index, place = np.arange(new)[:, None], np.arange(old)
    touched = (place >= index * old // new) & (place < -((index + 1) * -old // new))
    return touched / touched.sum(1, keepdims=True)


def cut(image: np.ndarray, boxes: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """The boxes that have pixels in the image, and these, of shape (N, 3, size, size)."""
    ends = np.trunc(boxes).astype(int)
    left, top = np.maximum(ends[:, :2], 1).T - 1
    right, bottom = np.minimum(ends[:, 2:], [image.shape[2], image.shape[1]]).T
    inside = (left < right) & (top < bottom)
    areas = np.stack([left, top, right, bottom], axis=1)[inside]
    windows = [resize(image[:, y:y_end, x:x_end], (size, size)) for x, y, x_end, y_end in areas]
    return boxes[inside], np.array(windows).reshape(-1, 3, size, size)


def above(threshold: float, scores: np.ndarray, *arrays: np.ndarray) -> list[np.ndarray]:
    """The first array, the scores and the other arrays, where the score is above the threshold."""
    passed = scores > threshold
    first, *others = (array[passed] for array in arrays)
    return [first, scores[passed], *others]


def suppress(boxes: np.ndarray, scores: np.ndarray, threshold: float, of_smaller: bool = False) -> np.ndarray:
    """Indices of the boxes, best first, that overlap no better one by more than this share of their union.

    Or of the smaller of the two: then, as in the original, with sizes that count the pixels at both ends.
    """
    extra = 1 if of_smaller else 0
    areas = np.prod(boxes[:, 2:] - boxes[:, :2] + extra, axis=1)
    order = np.argsort(-scores, kind="stable")
    kept = []
    while order.size:
        best, order = order[0], order[1:]
        kept.append(best)
        low = np.maximum(boxes[best, :2], boxes[order, :2])
        high = np.minimum(boxes[best, 2:], boxes[order, 2:])
        common = np.prod(np.maximum(high - low + extra, 0), axis=1)
        whole = np.minimum(areas[best], areas[order]) if of_smaller else areas[best] + areas[order] - common
        order = order[common <= threshold * whole]
    return np.array(kept, dtype=int)


def sizes(boxes: np.ndarray) -> np.ndarray:
    """Width and height, of shape (N, 2), with the pixels at both ends."""
    return boxes[:, 2:] - boxes[:, :2] + 1


def correct(boxes: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Move each side by its offset, a fraction of the box's size."""
    return boxes + offsets * np.tile(sizes(boxes), 2)


def square(boxes: np.ndarray) -> np.ndarray:
    """Squares with the same centres and the longer side."""
    centre, size = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
    half = size.max(1, keepdims=True) / 2
    return np.concatenate([centre - half, centre + half], axis=1)


def draw(image: Image.Image, faces: Faces) -> Image.Image:
    image = image.copy()
    canvas = ImageDraw.Draw(image)
    for box, landmarks in zip(faces.boxes, faces.landmarks, strict=True):
        canvas.rectangle(box.tolist(), outline="lime", width=3)
        for point in landmarks:
            canvas.ellipse((*(point - 2), *(point + 2)), fill="red")
    return image


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Find faces in a picture with MTCNN.")
    run_options.add(parser)
    parser.add_argument("--picture", type=Path, help="default: an astronaut, from scikit-image")
    parser.add_argument("--weights", type=Path, help="folder of {p,r,o}net.pt (default: facenet-pytorch's)")
    parser.add_argument("--output", type=Path, default="faces.png", help="the picture to write (default: faces.png)")
    args = parser.parse_args()

    run_options.check_output(parser, args.output)
    if args.weights is None:
        package = run_options.folder_of("facenet_pytorch")
        if package is None:
            parser.error("the weights are in facenet-pytorch: pip install --no-deps facenet-pytorch")
        args.weights = package / "data"
    for name in ("pnet.pt", "rnet.pt", "onet.pt"):
        if not (args.weights / name).is_file():
            parser.error(f"--weights: there is no {name} in {args.weights}")
    args.picture = run_options.open_picture(parser, args.picture, "astronaut.png")
    run_options.apply(parser, args)
    return args


if __name__ == "__main__":
    sys.exit(main())
