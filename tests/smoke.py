"""Whether an installed mscompat works: `python tests/smoke.py`, from a folder without a checkout of it.

CI runs it on the wheel and on the source distribution, each in an environment of its own without pytest. The numbers
are torch's: see `expected`.
"""

from __future__ import annotations

import pathlib
import subprocess
import sys
import tempfile

import mindspore as ms
import numpy as np

import mscompat
from mscompat import nn

CHECKPOINT = pathlib.Path(__file__).parent / "weights" / "data" / "network_zip.pth"


class Network(nn.Module):
    """A convolution, and a transposed one whose output_padding MindSpore's own computes wrongly."""

    def __init__(self):
        super().__init__()
        self.down = nn.Conv2d(1, 2, 3, stride=2, padding=1)
        self.up = nn.ConvTranspose2d(2, 1, 3, stride=2, padding=1, output_padding=1)

    def forward(self, x):
        return self.up(self.down(x))


def expected() -> np.ndarray:
    """What torch computes. With all weights 1 and no bias, by hand: both layers are sums over windows."""
    image = np.pad(np.arange(16, dtype=np.float32).reshape(4, 4), 1)
    small = [[image[2 * row:2 * row + 3, 2 * column:2 * column + 3].sum() for column in (0, 1)] for row in (0, 1)]
    output = np.zeros((6, 6), np.float32)
    for row in (0, 1):
        for column in (0, 1):
            output[2 * row:2 * row + 3, 2 * column:2 * column + 3] += 2 * small[row][column]
    return output[1:5, 1:5]


def main() -> None:
    package = pathlib.Path(mscompat.__file__).parent
    if "site-packages" not in package.parts:
        sys.exit(f"this is not an installed mscompat: {package}")
    image = ms.Tensor(np.arange(16, dtype=np.float32).reshape(1, 1, 4, 4))
    for mode in (ms.PYNATIVE_MODE, ms.GRAPH_MODE):
        ms.set_context(mode=mode)
        network = Network()
        for name, parameter in network.named_parameters():
            parameter.set_data(ms.Tensor(np.full(parameter.shape, 0 if "bias" in name else 1, np.float32)))
        np.testing.assert_allclose(network(image).asnumpy()[0, 0], expected(), rtol=1e-6)
    tensor = mscompat.load_torch_file(str(CHECKPOINT))["model"]["module.embedding.weight"]
    assert isinstance(tensor, mscompat.TorchTensor), tensor
    with tempfile.TemporaryDirectory() as folder:
        target = pathlib.Path(folder, "network.safetensors")
        subprocess.run([sys.executable, "-m", "mscompat", "convert", str(CHECKPOINT), str(target)], check=True)
        assert target.stat().st_size > 100
    subprocess.run([pathlib.Path(sys.executable).with_name("mscompat"), "--version"], check=True)
    print(f"mscompat {mscompat.__version__} works: {package}")


if __name__ == "__main__":
    main()
