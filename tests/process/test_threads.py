"""The recipe of mscompat/_mindspore/README.md for inference from several threads: a lock around each call."""

from __future__ import annotations

import os
import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]
README = (ROOT / "mscompat" / "_mindspore" / "README.md").read_text(encoding="utf-8")
(RECIPE,) = re.findall(r"^### Several threads\n.*?```python\n(.*?)```", README, re.DOTALL | re.M)

SCRIPT = """
import sys, threading
import mindspore as ms, numpy as np
from mindspore import Tensor, nn
import mscompat

ms.set_context(mode=getattr(ms, sys.argv[1].upper() + "_MODE"))
if sys.argv[2] == "blocking":
    mscompat.launch_blocking()
network = nn.SequentialCell(
    mscompat.TorchConv2d(16, 8, 3, padding=1), nn.ReLU(),
    mscompat.TorchConvTranspose2d(8, 4, 3, stride=2, output_padding=1),
    mscompat.TorchConv2d(4, 2, 3, padding=1, padding_mode="reflect"),
)
images = [Tensor(np.random.default_rng(i).standard_normal((2, 16, 20, 20)).astype(np.float32)) for i in range(4)]
expected = [network(image).asnumpy() for image in images]
wrong = []

def call(position):
    for _ in range(50):
        if not np.array_equal(predict(network, images[position]), expected[position]):
            wrong.append(position)

threads = [threading.Thread(target=call, args=(position,)) for position in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print("wrong", wrong)
"""


@pytest.mark.parametrize("launch", ["as it is", pytest.param("blocking", marks=pytest.mark.slow)])
def test_a_lock_makes_threads_right(mode, launch):
    result = subprocess.run(
        [sys.executable, "-c", RECIPE + SCRIPT, mode, launch], env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, timeout=300, check=False,
    )
    assert "wrong []" in result.stdout, result.stdout + result.stderr
