"""MindSpore's checkpoints, and NumPy's arrays on their way to tensors."""

from __future__ import annotations

import mindspore as ms
import numpy as np
import pytest
from defects import MENDED, VERSION, raises_still
from mindspore import Tensor
from mindspore.train.checkpoint_pb2 import Checkpoint


def test_save_checkpoint_drops_an_empty_tensor(tmp_path):
    """MS-36: without a word."""
    path = str(tmp_path / "weights.ckpt")
    arrays = {"full": np.ones(2, np.float32), "empty": np.zeros((0, 3), np.float32)}
    ms.save_checkpoint([{"name": name, "data": Tensor(array)} for name, array in arrays.items()], path)
    assert list(ms.load_checkpoint(path)) == ["full"], MENDED


@pytest.mark.parametrize("arrays", [{"complex": np.ones(2, np.complex64)}, {}], ids=["complex", "none"])
def test_save_checkpoint_writes_what_load_checkpoint_refuses(arrays, tmp_path):
    """MS-36: a complex tensor, and none."""
    path = str(tmp_path / "weights.ckpt")
    ms.save_checkpoint([{"name": name, "data": Tensor(array)} for name, array in arrays.items()], path)
    with raises_still(ValueError, "Complex64|parameter dict is empty"):
        ms.load_checkpoint(path)


def test_a_tensor_of_little_endian_values_is_refused():
    """MS-37: NumPy's dtype of the machine's own byte order, written out."""
    array = np.ones(2, np.dtype("float32").newbyteorder("<"))
    assert array.dtype == np.float32
    if VERSION < (2, 8):
        with raises_still(RuntimeError, "Unsupported tensor type"):
            Tensor(array)
    else:
        assert Tensor(array).asnumpy().tolist() == [1, 1]


def test_load_checkpoint_believes_the_sizes_that_a_file_states(tmp_path):
    """MS-38: here they are too large for what is there. Where they are too small, it writes beyond the tensor."""
    checkpoint = Checkpoint()
    value = checkpoint.value.add(tag="weight")
    value.tensor.dims.append(4)
    value.tensor.tensor_type = "Float32"
    value.tensor.tensor_content = np.ones(2, np.float32).tobytes()
    path = tmp_path / "weights.ckpt"
    path.write_bytes(checkpoint.SerializeToString())
    try:
        (parameter,) = ms.load_checkpoint(str(path)).values()
    except ValueError:
        pytest.fail(MENDED)
    assert parameter.shape == (4,)
