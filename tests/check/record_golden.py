"""Record what torch gives, for machines without torch: PYTHONPATH=.:tests python tests/check/record_golden.py.

Writes mscompat/check/golden.npz: values and gradients of calls of every kind, which ``mscompat check`` and
test_golden.py compare with. And golden_init.npz beside this file: digests of initial parameters. Both hold torch's
version.
"""

from __future__ import annotations

import pathlib
import zlib

import numpy as np
import oracle
import table
import torch
from initial_parameters import DTYPES, digests, torch_parameters

from mscompat.check.golden import FILE, Golden, Inputs, Record, make_inputs, save

INIT_FILE = pathlib.Path(__file__).with_name("golden_init.npz")

# Each kind of argument, and each way in which a lowering could go wrong, of the case table.
NAMES = {
    "conv2d": (
        "stride_tuple", "stride_one_list", "padding_int", "dilation_tuple", "kernel_size_int", "bias_False_padding",
        "one_element_everywhere", "kernel_1x1_stride_(2, 1)_dilation_(1, 1)_padding_(1, 2)",
        "kernel_4x3_stride_(2, 3)_dilation_(1, 2)_padding_(1, 2)", "padding_valid_groups_2", "padding_6_kernel_2x3",
        "padding_(0, 4)_kernel_2x3", "same_kernel_(2, 3)_dilation_(1, 3)", "same_kernel_(4, 1)_dilation_1",
        "reflect_padding_(2, 3)", "reflect_padding_(6, 8)", "reflect_same_kernel_(4, 3)_dilation_(1, 2)",
        "replicate_padding_(0, 2)", "replicate_same_dilation_one_element", "replicate_padding_(8, 9)_beyond_input",
        "circular_padding_same", "circular_stride_2_3", "circular_dilation", "circular_groups",
        "circular_padding_(7, 9)_whole_input", "groups_2_out_6_stride_(2, 1)_padding_(1, 2)_dilation_1",
        "groups_6_out_6_stride_1_padding_0_dilation_1", "groups_6_out_12_stride_1_padding_(2, 1)_dilation_(2, 1)",
        "channels_1_to_1", "empty_batch_zeros_same", "empty_batch_reflect_1", "one_pixel_circular", "one_pixel_output",
        "non_contiguous_zeros", "batch_1",
    ),
    "conv_transpose2d": (
        "stride_list", "stride_one_tuple", "padding_tuple", "dilation_tuple", "kernel_size_int", "bias_False",
        "one_element_everywhere", "kernel_(1, 2)_stride_(2, 1)_padding_(0, 0)_dilation_(1, 1)_output_padding_(1, 0)",
        "kernel_(2, 3)_stride_(2, 3)_padding_(1, 2)_dilation_(1, 1)_output_padding_(1, 2)",
        "kernel_(4, 3)_stride_(1, 1)_padding_(1, 2)_dilation_(2, 1)_output_padding_(1, 0)",
        "kernel_(2, 3)_stride_(1, 1)_padding_(0, 0)_dilation_(3, 2)_output_padding_(2, 1)",
        "kernel_smaller_than_stride", "output_beyond_the_kernel", "one_pixel_beyond_the_kernel",
        "padding_beyond_the_kernel", "groups_2_out_6_stride_(2, 1)_padding_(0, 1)_dilation_(1, 2)",
        "groups_6_out_6_stride_(2, 3)_padding_1_dilation_1", "groups_6_out_12_stride_1_padding_0_dilation_1",
        "output_size_(7, 13)", "output_size_[2, 6, 7, 15]_output_padding_1", "output_size_dilation", "empty_batch",
        "empty_batch_output_padding_above_stride", "one_row", "one_pixel_output", "non_contiguous_groups", "batch_1",
    ),
    "conv1d": (
        "stride_tuple", "padding_list", "dilation_one_tuple", "kernel_size_int", "bias_False",
        "same_kernel_(2,)_dilation_(3,)", "reflect_padding_(2,)", "circular_same_even_kernel",
        "replicate_stride_dilation_groups", "groups_6_out_12_stride_(2,)_padding_(1,)_dilation_1", "narrowing",
        "empty_batch_reflect", "non_contiguous_zeros", "one_element_output",
    ),
    "conv_transpose1d": (
        "stride_list", "output_padding_int", "bias_False", "padding_beyond_the_kernel",
        "kernel_(4,)_stride_(2,)_padding_(1,)_dilation_(3,)_output_padding_(2,)",
        "groups_3_out_9_stride_(2,)_padding_1_dilation_1", "output_size_(7,)", "empty_batch", "non_contiguous",
    ),
    "conv3d": (
        "stride_tuple", "dilation_tuple", "kernel_(2, 3, 4)_stride_(3, 2, 1)_dilation_1",
        "same_kernel_(2, 3, 4)_dilation_(3, 1, 2)", "circular_stride_dilation_groups",
        "groups_6_out_6_stride_(2, 1, 2)_padding_(1, 2, 0)_dilation_1", "empty_batch_circular", "replicate_no_bias",
    ),
    "conv_transpose3d": (
        "stride_tuple", "bias_False",
        "kernel_(1, 2, 3)_stride_1_padding_(1, 0, 2)_dilation_(3, 2, 1)_output_padding_(2, 1, 0)",
        "groups_3_out_9_stride_1_padding_0_dilation_1", "output_size_(7, 7, 10)", "empty_batch",
    ),
}


def goldens() -> list[Golden]:
    """The calls to record: of the cases with a batch of 2, every second one without a batch."""
    calls = []
    for operator, names in NAMES.items():
        for number, name in enumerate(names):
            case, transposed = table.ROWS[f"{operator}-{name}"]
            size = None if case.output_size is None else tuple(case.output_size)
            unbatched = case.batch == 2 and number % 2 == 0 and len(size or ()) <= case.dimensions
            input, output = (case.batch, *case.input_shape), oracle.make_inputs(case, transposed).cotangent.shape
            calls.append(Golden(
                name, case.dimensions, transposed, case.arguments, input[1:] if unbatched else input,
                output[1:] if unbatched else output, size, case.contiguous, zlib.crc32(name.encode()),
            ))
    return calls


def record() -> None:
    """Write the files."""
    records = []
    for golden in goldens():
        inputs = make_inputs(golden)
        absolute = Inputs(*(None if array is None else np.abs(array) for array in inputs))
        results, scales = (oracle.torch_results(golden, golden.transposed, each) for each in (inputs, absolute))
        records.append(Record(golden, results, scales))
    save(FILE, torch.__version__, records)
    print(f"{FILE}: {len(records)} calls, {FILE.stat().st_size} bytes, torch {torch.__version__}")

    arrays = {"torch_version": np.array(torch.__version__)}
    for dtype in DTYPES:
        for seed in (0, 42):
            torch.manual_seed(seed)
            arrays[f"{dtype}/{seed}"] = np.array(digests(torch_parameters(dtype)))
    np.savez_compressed(INIT_FILE, **arrays)
    print(f"{INIT_FILE}: {len(arrays)} arrays")


if __name__ == "__main__":
    record()
