"""Whether an installed mscompat works: `python tests/smoke.py`, in an environment without a checkout of it.

CI runs it on the wheel and on the source distribution, each in an environment of its own. It needs what mscompat itself
needs, and nothing else.
"""

from __future__ import annotations

import pathlib
import shutil
import subprocess
import sys
import sysconfig
import tempfile

import mindspore as ms
import numpy as np
from safetensors.numpy import load_file

import mscompat
from mscompat import nn

CHECKPOINT = pathlib.Path(__file__).parent / "weights" / "data" / "network_zip.pth"
# What torch 2.13.0 gives for the weights and the image of `convolve`.
DOWN = [[[-36, -21, 3], [-19, -25, -29]], [[-9, 22, -5], [12, 8, -47]]]
UP = [[
    [-23, -3, -70, 173, 8, -39], [-28, 168, -129, 188, -1, 256],
    [-48, 3, -46, -129, 60, -153], [-41, 27, -29, -36, 136, -77],
]]


def require_installed() -> None:
    """Stop where a checkout, or an editable installation of one, would hide what the distribution lacks."""
    package = pathlib.Path(mscompat.__file__).resolve()
    if not package.is_relative_to(pathlib.Path(sysconfig.get_path("purelib")).resolve()):
        sys.exit(f"this mscompat is not an installed one: {package}")


def convolve() -> None:
    """UP ends in a row and a column of output_padding, which MindSpore's own layer computes wrongly (MS-01)."""
    down = nn.Conv2d(1, 2, (3, 2), stride=2, padding=1, padding_mode="reflect")
    up = nn.ConvTranspose2d(2, 1, 3, stride=2, padding=1, output_padding=1)
    for layer in (down, up):
        weights = {name: whole_numbers(array.shape) for name, array in mscompat.torch_state_dict(layer).items()}
        mscompat.load_torch_state_dict(layer, weights)
    image = ms.Tensor((np.arange(20) % 7).reshape(1, 1, 4, 5), ms.float32)
    np.testing.assert_array_equal(down(image).asnumpy(), [DOWN])
    np.testing.assert_array_equal(up(down(image)).asnumpy(), [UP])


def whole_numbers(shape: tuple[int, ...]) -> np.ndarray:
    """From -5 to 5: sums of their products are exact."""
    return (np.arange(np.prod(shape)) * 7 % 11 - 5).reshape(shape).astype(np.float32)


def read_checkpoint(target: pathlib.Path) -> None:
    """In Python and on the command line."""
    tensors = mscompat.load_torch_file(CHECKPOINT)["model"]
    assert tensors["module.line.weight"].shape == (2, 1, 3)
    command("inspect", CHECKPOINT)
    command("convert", "--key", "model", CHECKPOINT, target)
    np.testing.assert_equal(load_file(target), {name: tensor.numpy() for name, tensor in tensors.items()})


def command(*arguments: str | pathlib.Path) -> None:
    """Run the installed script: `python -m mscompat` would find a checkout in the current folder first."""
    script = shutil.which("mscompat", path=str(pathlib.Path(sys.executable).parent))
    if script is None:
        sys.exit("the distribution installed no command mscompat")
    subprocess.run([script, *arguments], check=True, stdout=subprocess.DEVNULL)


def main() -> None:
    require_installed()
    for mode in (ms.PYNATIVE_MODE, ms.GRAPH_MODE):
        ms.set_context(mode=mode)
        convolve()
    with tempfile.TemporaryDirectory() as folder:
        read_checkpoint(pathlib.Path(folder, "network.safetensors"))
    command("check", "--dtype", "float32", "--mode", "pynative")  # reads golden.npz, which has to be installed too
    print(f"mscompat {mscompat.__version__} works: {mscompat.__file__}")


if __name__ == "__main__":
    main()
