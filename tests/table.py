"""The case table as pytest's parameters: by default a smoke set, chosen by name; the whole behind the marker slow."""

from __future__ import annotations

from collections.abc import Callable, Collection

import cases
import pytest
from cases import Case

CASES = {
    "conv1d": cases.conv_cases(1),
    "conv2d": cases.conv2d_cases(),
    "conv3d": cases.conv_cases(3),
    "conv_transpose1d": cases.conv_transpose_cases(1),
    "conv_transpose2d": cases.conv_transpose2d_cases(),
    "conv_transpose3d": cases.conv_transpose_cases(3),
}
ROWS = {
    f"{operator}-{case.name}": (case, operator.startswith("conv_transpose"))
    for operator, rows in CASES.items() for case in rows
}
"""(case, whether it is transposed) of each name."""

# One of each kind of argument, in each of its forms that are computed otherwise.
SMOKE = {
    "conv1d": [
        "stride_tuple", "same_kernel_(2,)_dilation_(3,)", "reflect_padding_(2,)", "replicate_stride_dilation_groups",
        "narrowing", "empty_batch_reflect", "float16_zeros", "float64_circular", "bfloat16_zeros",
    ],
    "conv3d": [
        "kernel_(2, 3, 4)_stride_(3, 2, 1)_dilation_1", "same_kernel_(2, 3, 4)_dilation_(3, 1, 2)",
        "reflect_padding_(2, 1, 3)", "circular_stride_dilation_groups", "empty_batch_circular", "non_contiguous_zeros",
        "float16_zeros", "float64_groups", "bfloat16_zeros",
    ],
    "conv2d": [
        "stride_tuple", "padding_list", "dilation_one_tuple", "kernel_size_int", "bias_False", "numpy_channels",
        "one_element_everywhere", "kernel_2x3_stride_(2, 3)_dilation_(1, 1)_padding_(1, 2)",
        "kernel_1x1_stride_(1, 1)_dilation_(1, 1)_padding_0", "padding_6_kernel_2x3",
        "same_kernel_(2, 3)_dilation_(1, 3)", "same_kernel_(5, 2)_dilation_2", "reflect_padding_(2, 3)",
        "replicate_padding_(6, 8)", "circular_padding_(7, 9)_whole_input", "reflect_same_kernel_(4, 3)_dilation_(1, 2)",
        "circular_stride_2_3", "replicate_groups", "groups_2_out_6_stride_(2, 1)_padding_(1, 2)_dilation_1",
        "groups_6_out_12_stride_1_padding_(2, 1)_dilation_(2, 1)", "channels_3_to_1", "empty_batch_zeros_1",
        "empty_batch_reflect_same", "one_pixel_replicate", "non_contiguous_zeros", "batch_5", "float16_zeros",
        "float16_depthwise_multiplier", "float64_reflect_same", "float64_groups", "bfloat16_circular",
        "bfloat16_zeros_empty_batch",
    ],
    "conv_transpose1d": [
        "stride_list", "kernel_(4,)_stride_(2,)_padding_(1,)_dilation_(3,)_output_padding_(2,)",
        "groups_3_out_9_stride_(2,)_padding_1_dilation_1", "output_size_(7,)", "empty_batch", "float64",
    ],
    "conv_transpose2d": [
        "stride_tuple", "output_padding_list", "dilation_int", "bias_False", "one_element_everywhere",
        "kernel_(2, 3)_stride_(2, 3)_padding_(1, 2)_dilation_(2, 1)_output_padding_(1, 2)",
        "kernel_(3, 1)_stride_(1, 1)_padding_(0, 0)_dilation_(3, 2)_output_padding_(2, 1)",
        "kernel_smaller_than_stride", "output_padding_5_dilation_6", "padding_beyond_the_kernel",
        "groups_2_out_6_stride_(2, 3)_padding_1_dilation_1", "groups_6_out_12_stride_1_padding_0_dilation_1",
        "output_size_(7, 13)", "output_size_[2, 6, 7, 15]_output_padding_1", "empty_batch_output_padding_above_stride",
        "one_pixel", "non_contiguous_groups", "float16_kernel_(3, 2)", "float64_output_padding_above_stride",
        "float64_groups", "bfloat16_output_size", "bfloat16_empty_batch",
    ],
    "conv_transpose3d": [
        "stride_tuple",
        "kernel_(4, 3, 2)_stride_(2, 1, 3)_padding_(1, 0, 2)_dilation_(3, 2, 1)_output_padding_(2, 1, 2)",
        "groups_3_out_9_stride_(2, 3, 1)_padding_1_dilation_1", "output_size_(7, 7, 10)", "empty_batch",
        "float16_groups", "float64",
    ],
}  # fmt: skip
SMOKE_NAMES = [f"{operator}-{name}" for operator, names in SMOKE.items() for name in names]
# Where each row is run by several algorithms: those of one and three dimensions that differ there.
FEW_NAMES = [
    *(name for name in SMOKE_NAMES if "2d-" in name),
    "conv1d-narrowing", "conv3d-same_kernel_(2, 3, 4)_dilation_(3, 1, 2)", "conv3d-circular_stride_dilation_groups",
    "conv_transpose1d-groups_3_out_9_stride_(2,)_padding_1_dilation_1",
    "conv_transpose3d-kernel_(4, 3, 2)_stride_(2, 1, 3)_padding_(1, 0, 2)_dilation_(3, 2, 1)_output_padding_(2, 1, 2)",
]


def parameters(
    by_default: Collection[str] = SMOKE_NAMES, only: Callable[[Case, bool], bool] = lambda case, transposed: True
) -> list:
    """The rows of the table, or only some: these names run by default, the others are marked slow."""
    return [
        pytest.param(*row, marks=[] if name in by_default else pytest.mark.slow, id=name)
        for name, row in ROWS.items() if only(*row)
    ]


def is_smoke(case: Case, transposed: bool) -> bool:
    """Of the smoke set: where the same arithmetic is run once more in another way."""
    return case.name in SMOKE[f"conv{'_transpose' if transposed else ''}{case.dimensions}d"]


def is_few(case: Case, transposed: bool) -> bool:
    """All of two dimensions, and of one and three those of the smoke set."""
    return case.dimensions == 2 or is_smoke(case, transposed)


def is_not_of_one_dimension(case: Case, transposed: bool) -> bool:
    """Of one dimension, only the smoke set: it is computed as two, of which there are all rows."""
    return case.dimensions > 1 or is_smoke(case, transposed)
