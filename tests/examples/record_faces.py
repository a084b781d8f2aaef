"""Record the faces that facenet-pytorch's own MTCNN finds with torch: ``python tests/examples/record_faces.py``.

Needs facenet-pytorch with torch, torchvision and requests, and scikit-image, with examples and this folder in
PYTHONPATH. Writes golden_faces.npz beside this file.
"""

from __future__ import annotations

import facenet_pytorch
import numpy as np
import torch
from PIL import Image
from test_detect_faces import FILE, PICTURES, make_picture


def record() -> None:
    """Write the file."""
    arrays = {"torch_version": np.array(torch.__version__)}
    detector = facenet_pytorch.MTCNN(keep_all=True, select_largest=False)
    for name in PICTURES:
        boxes, scores, landmarks = detector.detect(Image.fromarray(make_picture(name)), landmarks=True)
        found = boxes is not None
        arrays[f"{name}/boxes"] = np.array(boxes, float) if found else np.zeros((0, 4))
        arrays[f"{name}/scores"] = np.array(scores, float) if found else np.zeros(0)
        arrays[f"{name}/landmarks"] = np.array(landmarks, float) if found else np.zeros((0, 5, 2))
        print(name, arrays[f"{name}/boxes"].round(1).tolist(), arrays[f"{name}/scores"])
    np.savez_compressed(FILE, **arrays)


if __name__ == "__main__":
    record()
