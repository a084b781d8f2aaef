"""Empty batches, of which mscompat computes nothing: it reshapes the input to the output, and adds the bias."""

from __future__ import annotations

import platform
import signal

import mindspore as ms
import numpy as np
import pytest
from defects import MENDED, empty_batch, raises_still, run, run_script
from mindspore import Tensor, ops


def pad_reflect(input):
    return ops.pad(input, (1, 1, 1, 1), "reflect")


def pad_replicate(input):
    return ops.pad(input, (1, 1, 1, 1), "replicate")


def pad_circular(input):
    return ops.pad(input, (1, 1, 1, 1), "circular")


def unfold(input):
    return ops.unfold(input, 3)


@pytest.mark.parametrize(("function", "message"), [
    (pad_reflect, r"PadV3\], the output size must be greater than 0"),
    (pad_replicate, r"PadV3\], the output size must be greater than 0"),
    (pad_circular, r"PadV3\], the output size must be greater than 0"),
    (unfold, r"Im2Col\], the attribute\[spatial size of input\]"),
])
def test_empty_batch_is_refused(function, message, mode):
    """MS-18: by each operator."""
    with raises_still(ValueError, message):
        run(mode, function, empty_batch(1, 4, 4))


def gather(input):
    return ops.Gather()(input, Tensor([1, 0, 1, 2], ms.int32), 3)


def gather_sum(input):
    return gather(input).sum()


def test_gather_has_no_gradient_of_an_empty_batch(mode):
    """MS-19: the output has its shape, the gradient raises."""
    assert run(mode, gather, empty_batch(1, 2, 3)).shape == (0, 1, 2, 4)
    with raises_still(RuntimeError, "UnsortedSegmentSum"):
        ms.grad(gather_sum)(empty_batch(1, 2, 3)).asnumpy()


BIAS_GRADIENTS = """
import mindspore as ms, numpy as np
from mindspore import Tensor, ops

def added(input, bias):
    return (input + bias.reshape(1, -1, 1, 1)).sum()

def bias_added(input, bias):
    return ops.BiasAdd()(input, bias).sum()

input, bias = Tensor(np.zeros((0, 1000, 2, 2), np.float32)), Tensor(np.ones(1000, np.float32))
for mode in (ms.PYNATIVE_MODE, ms.GRAPH_MODE):
    ms.set_context(mode=mode)
    for function in (added, bias_added):
        print(np.count_nonzero(ms.grad(function, 1)(input, bias).asnumpy()))
"""


@pytest.mark.slow
@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="has glibc fill the memory that it gives out")
def test_bias_gradient_of_an_empty_batch_is_what_memory_held(tmp_path):
    """MS-20: here, the byte of MALLOC_PERTURB_ (in a gigabyte, as much as MindSpore takes first).

    In Graph mode, and of BiasAdd, the gradient is zero.
    """
    result = run_script(BIAS_GRADIENTS, tmp_path, MALLOC_PERTURB_="85")
    added, bias_added, *in_graph_mode = map(int, result.stdout.split())
    assert added == 1000, MENDED
    assert [bias_added, *in_graph_mode] == [0, 0, 0], result.stderr


RESULTS_OF_NOTHING = """
import mindspore as ms, numpy as np
from mindspore import Tensor, ops

def total(input):
    return ops.ReduceSum()(input)

def mean(input):
    return ops.ReduceMean()(input)

def product(first, second):
    return ops.MatMul()(first, second)

def batched_product(first, second):
    return ops.BatchMatMul()(first, second)

def softmax(input):
    return ops.Softmax(-1)(input)

def zeros(*shape):
    return Tensor(np.zeros(shape, np.float32))

ms.set_context(mode=ms.MODE)
for function, *arguments in (
    (total, zeros(0, 3)), (mean, zeros(0, 3)), (product, zeros(2, 0), zeros(0, 3)),
    (batched_product, zeros(1, 2, 0), zeros(1, 0, 3)), (softmax, zeros(2, 3) - np.inf),
):
    output = ms.jit(function)(*arguments) if "GRAPH" in "MODE" else function(*arguments)
    print(function.__name__, output.asnumpy().ravel()[-1] == 0)
"""


@pytest.mark.slow
@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="has glibc fill the memory that it gives out")
def test_result_of_nothing_is_what_memory_held(mode, tmp_path):
    """MS-70: of each operator, as for MS-20. torch has 0, but NaN for the mean, and for Softmax of minus infinity."""
    script = RESULTS_OF_NOTHING.replace("MODE", f"{mode.upper()}_MODE")
    result = run_script(script, tmp_path, MALLOC_PERTURB_="85")
    names = ["total", "mean", "product", "batched_product", "softmax"]
    assert result.stdout.split() == [word for name in names for word in (name, "False")], f"{MENDED} {result.stderr}"


def gather_nd(input):
    return ops.GatherNd()(input, Tensor(np.zeros((0, 1)), ms.int32))


def drop_axis(input):
    return ops.StridedSlice(shrink_axis_mask=2)(input, (0, 0), (0, 1), (1, 1))


@pytest.mark.parametrize(("function", "size", "message"), [
    (gather_nd, 3, "should be a tuple with all positive item"), (drop_axis, 1, "'StridedSliceGrad', memcpy failed"),
])
def test_gradient_of_nothing_is_refused(function, size, message, mode):
    """MS-71: of each operator, which takes an empty batch."""
    assert run(mode, function, empty_batch(size)).size == 0
    with raises_still((RuntimeError, ValueError), message):
        ms.grad(function)(empty_batch(size)).asnumpy()


def layer_norm(input):
    return ops.LayerNorm(1, 1)(input, ops.ones((3,), ms.float32), ops.zeros((3,), ms.float32))[0]


def test_layer_norm_refuses_an_empty_batch(mode):
    """MS-71: with a sentence on the number of its axes."""
    with raises_still(RuntimeError, "must be at least 1, but got"):
        run(mode, layer_norm, empty_batch(3))


def test_float64_bias_add_of_an_empty_batch_ends_the_process(mode, tmp_path):
    """MS-21: by a division by zero."""
    result = run_script(f"""
        import mindspore as ms
        import numpy as np
        from mindspore import Tensor, nn, ops

        class Net(nn.Cell):
            def construct(self, input, bias):
                return ops.BiasAdd()(input, bias)

        ms.set_context(mode=ms.{mode.upper()}_MODE)
        print("started", flush=True)
        Net()(Tensor(np.zeros((0, 2, 3, 3))), Tensor(np.ones(2))).asnumpy()
    """, tmp_path)
    assert result.stdout.split() == ["started"], result.stderr
    assert result.returncode != 0, MENDED
    assert result.returncode == -signal.SIGFPE, result.stderr
