"""The case table: named calls of the layers, all legal in torch. Inputs, kernels and steps are not square."""

from __future__ import annotations

import itertools
from typing import Any, NamedTuple

import numpy as np

PADDING_MODES = ("zeros", "reflect", "replicate", "circular")


class Case(NamedTuple):
    name: str
    arguments: dict[str, Any]  # of the constructor
    input_shape: tuple[int, ...] = (4, 7, 9)  # without batch
    dtype: str = "float32"
    batch: int = 2
    output_size: Any = None
    contiguous: bool = True

    @property
    def dimensions(self) -> int:
        return len(self.input_shape) - 1

def conv2d_cases() -> list[Case]:
    cases: list[Case] = []

    def add(name: str, in_channels=4, out_channels=6, kernel_size: Any = (3, 2), case=None, **arguments):
        arguments = {"in_channels": in_channels, "out_channels": out_channels, "kernel_size": kernel_size, **arguments}
        cases.append(Case(name, arguments, **(case or {})))

    for name, value in _int_forms(2, 3).items():
        add(f"stride_{name}", stride=value)
        add(f"padding_{name}", padding=value)
        add(f"dilation_{name}", dilation=value)
    for name, value in _int_forms(2, 3).items():
        if not name.startswith("one_"):
            add(f"kernel_size_{name}", kernel_size=value)
    for name, bias in {"False": False, "0": 0, "None": None, "1": 1, "text": "yes"}.items():
        add(f"bias_{name}", bias=bias)
    add("bias_False_padding", bias=False, padding=1)
    add("numpy_channels", in_channels=np.int64(4), out_channels=np.int32(6), groups=np.int64(2))
    add("one_element_everywhere", stride=[2], padding=(1,), dilation=[2])

    kernels = {"1x1": 1, "2x3": (2, 3), "3x2": (3, 2), "4x3": (4, 3), "1x5": (1, 5)}
    for (kernel_name, kernel), stride, dilation in itertools.product(
        kernels.items(), ((1, 1), (2, 1), (2, 3)), ((1, 1), (2, 1), (1, 2))
    ):
        for padding in (0, (1, 2)):
            if _fits((7, 9), kernel, padding, dilation):
                add(f"kernel_{kernel_name}_stride_{stride}_dilation_{dilation}_padding_{padding}",
                    kernel_size=kernel, stride=stride, dilation=dilation, padding=padding)
    for padding in ("valid", "same", 3, 6, (0, 4), (5, 0)):
        add(f"padding_{padding}_kernel_2x3", kernel_size=(2, 3), padding=padding)
        add(f"padding_{padding}_groups_2", padding=padding, groups=2)
    for kernel, dilation in itertools.product(((2, 2), (2, 3), (4, 1), (3, 4), (5, 2)), (1, 2, (1, 3), (2, 1))):
        add(f"same_kernel_{kernel}_dilation_{dilation}", kernel_size=kernel, dilation=dilation, padding="same")
    add("same_stride_1_tuple", padding="same", stride=(1,))
    add("same_dilation_one_element", padding="same", dilation=[2])

    for mode in PADDING_MODES[1:]:
        for padding in (0, 1, (2, 3), (0, 2), (6, 8), [3, 1], "same", "valid"):
            add(f"{mode}_padding_{padding}", padding=padding, padding_mode=mode)
        for kernel, dilation in (((2, 4), 1), ((4, 3), (1, 2)), ((1, 2), 3), ((2, 2), (2, 1))):
            add(f"{mode}_same_kernel_{kernel}_dilation_{dilation}", kernel_size=kernel, dilation=dilation,
                padding="same", padding_mode=mode)
        add(f"{mode}_same_dilation_one_element", padding="same", dilation=(2,), padding_mode=mode)
        add(f"{mode}_stride_2_3", stride=(2, 3), padding=(1, 2), padding_mode=mode)
        add(f"{mode}_dilation", dilation=(2, 3), padding=(3, 2), padding_mode=mode)
        add(f"{mode}_groups", groups=2, padding=(2, 1), padding_mode=mode)
        add(f"{mode}_depthwise", out_channels=4, groups=4, padding=1, padding_mode=mode)
        add(f"{mode}_no_bias", bias=False, padding=1, padding_mode=mode)
    for padding in ((7, 9), (0, 9), (7, 0)):
        add(f"circular_padding_{padding}_whole_input", padding=padding, padding_mode="circular")
    for padding in ((8, 9), (11, 12)):
        add(f"replicate_padding_{padding}_beyond_input", padding=padding, padding_mode="replicate")

    for groups, out_channels in ((1, 6), (2, 6), (3, 9), (6, 6), (6, 12), (6, 18)):
        for stride, padding, dilation in ((1, 0, 1), ((2, 1), (1, 2), 1), (1, (2, 1), (2, 1)), ((1, 2), "valid", 1)):
            add(f"groups_{groups}_out_{out_channels}_stride_{stride}_padding_{padding}_dilation_{dilation}",
                in_channels=6, out_channels=out_channels, groups=groups, stride=stride, padding=padding,
                dilation=dilation, case={"input_shape": (6, 7, 9)})
    for channels in (1, 3):
        add(f"channels_{channels}_to_1", in_channels=channels, out_channels=1,
            case={"input_shape": (channels, 7, 9)})

    for mode in PADDING_MODES:
        for padding in (1, "same"):
            add(f"empty_batch_{mode}_{padding}", padding=padding, padding_mode=mode, case={"batch": 0})
        add(f"one_row_{mode}", kernel_size=(1, 2), padding=(0, 1), padding_mode=mode, case={"input_shape": (4, 1, 9)})
    for mode in ("zeros", "replicate", "circular"):
        add(f"one_pixel_{mode}", kernel_size=3, padding=1, padding_mode=mode, case={"input_shape": (4, 1, 1)})
        add(f"non_contiguous_{mode}", padding=1, padding_mode=mode, case={"contiguous": False})
    add("one_pixel_1x1", kernel_size=1, case={"input_shape": (4, 1, 1)})
    add("one_pixel_output", kernel_size=(7, 9))
    add("batch_1", padding=1, case={"batch": 1})
    add("batch_5", padding=1, case={"batch": 5})

    for dtype in ("float16", "float64", "bfloat16"):
        case = {"dtype": dtype}
        for mode in PADDING_MODES:
            add(f"{dtype}_{mode}", padding=(1, 2), padding_mode=mode, stride=(2, 1), case=case)
            add(f"{dtype}_{mode}_same", padding="same", padding_mode=mode, dilation=(1, 2), case=case)
            add(f"{dtype}_{mode}_empty_batch", padding=1, padding_mode=mode, case={"dtype": dtype, "batch": 0})
        add(f"{dtype}_groups", groups=2, padding=1, case=case)
        add(f"{dtype}_depthwise_multiplier", out_channels=8, groups=4, padding=1, case=case)
        add(f"{dtype}_no_bias", bias=False, stride=2, case=case)
        add(f"{dtype}_dilation", dilation=(2, 3), padding=(4, 1), case=case)
        add(f"{dtype}_1x1", kernel_size=1, case=case)
        add(f"{dtype}_same_even_kernel", kernel_size=(2, 4), padding="same", case=case)
    return cases


def conv_transpose2d_cases() -> list[Case]:
    cases: list[Case] = []

    def add(name: str, in_channels=4, out_channels=6, kernel_size: Any = (3, 2), case=None, **arguments):
        arguments = {"in_channels": in_channels, "out_channels": out_channels, "kernel_size": kernel_size, **arguments}
        cases.append(Case(name, arguments, **{"input_shape": (4, 4, 5), **(case or {})}))

    for name, value in _int_forms(2, 3).items():
        add(f"stride_{name}", stride=value)
        add(f"padding_{name}", padding=value, kernel_size=(5, 7))
        add(f"dilation_{name}", dilation=value)
        add(f"output_padding_{name}", output_padding=value, stride=4)
    for name, value in _int_forms(2, 3).items():
        if not name.startswith("one_"):
            add(f"kernel_size_{name}", kernel_size=value)
    for name, bias in {"False": False, "0": 0, "None": None, "1": 1, "text": "yes"}.items():
        add(f"bias_{name}", bias=bias, stride=2)
    add("positional_like_torch", stride=2, padding=1, output_padding=1, groups=2, bias=True, dilation=1,
        padding_mode="zeros", device=None, dtype=None)
    add("numpy_channels", in_channels=np.int64(4), out_channels=np.int32(6), groups=np.int64(2))
    add("one_element_everywhere", stride=[2], padding=(1,), output_padding=[1], dilation=(2,))

    # Every output_padding that torch accepts, axis by axis: below stride or below dilation.
    for kernel, stride, padding, dilation in itertools.product(
        ((1, 2), (2, 3), (3, 1), (4, 3)), ((1, 1), (2, 1), (2, 3)), ((0, 0), (1, 0), (1, 2)), ((1, 1), (2, 1), (3, 2))
    ):
        limits = [max(step, spread) for step, spread in zip(stride, dilation, strict=True)]
        for output_padding in {(0, 0), (limits[0] - 1, 0), (limits[0] - 1, limits[1] - 1)}:
            if _transposed_size((4, 5), kernel, stride, padding, dilation, output_padding) > 0:
                add(f"kernel_{kernel}_stride_{stride}_padding_{padding}_dilation_{dilation}"
                    f"_output_padding_{output_padding}",
                    kernel_size=kernel, stride=stride, padding=padding, dilation=dilation,
                    output_padding=output_padding)
    add("kernel_smaller_than_stride", kernel_size=(1, 2), stride=(3, 4), output_padding=(2, 3))
    add("output_beyond_the_kernel", kernel_size=1, stride=3, padding=1, output_padding=2)
    add("one_pixel_beyond_the_kernel", kernel_size=1, stride=3, padding=1, output_padding=2,
        case={"input_shape": (4, 1, 1)})
    add("output_padding_5_dilation_6", kernel_size=2, stride=(1, 2), dilation=6, output_padding=5)
    add("padding_beyond_the_kernel", kernel_size=(2, 1), stride=3, padding=(3, 2), output_padding=2)

    for groups, out_channels in ((1, 6), (2, 6), (3, 9), (6, 6), (6, 12)):
        for stride, padding, output_padding, dilation in (
            (1, 0, 0, 1), ((2, 3), 1, (1, 2), 1), ((2, 1), (0, 1), (1, 0), (1, 2))
        ):
            add(f"groups_{groups}_out_{out_channels}_stride_{stride}_padding_{padding}_dilation_{dilation}",
                in_channels=6, out_channels=out_channels, groups=groups, stride=stride, padding=padding,
                output_padding=output_padding, dilation=dilation, case={"input_shape": (6, 4, 5)})

    upsample = {"kernel_size": 3, "stride": (2, 3), "padding": 1}
    for size in ((7, 13), [8, 15], (7, 15), [8, 14], (2, 6, 8, 14), [2, 6, 7, 15], (99, 99, 8, 13)):
        add(f"output_size_{size}", case={"output_size": size}, **upsample)
        add(f"output_size_{size}_output_padding_1", output_padding=1, case={"output_size": size}, **upsample)
    add("output_size_dilation", kernel_size=(2, 3), stride=2, dilation=3, case={"output_size": (11, 16)})
    add("output_size_numpy", case={"output_size": np.array([8, 14])}, **upsample)

    add("empty_batch", stride=2, case={"batch": 0})
    add("empty_batch_output_padding", stride=2, padding=1, output_padding=1, case={"batch": 0})
    add("empty_batch_output_padding_above_stride", dilation=3, output_padding=2, case={"batch": 0})
    add("empty_batch_no_rows", stride=2, case={"batch": 0, "input_shape": (4, 0, 5)})
    add("empty_batch_output_size", case={"batch": 0, "output_size": (8, 14)}, **upsample)
    add("one_pixel", stride=2, case={"input_shape": (4, 1, 1)})
    add("one_row", stride=2, padding=(0, 1), case={"input_shape": (4, 1, 9)})
    add("one_pixel_output", kernel_size=3, padding=1, case={"input_shape": (4, 1, 1)})
    add("non_contiguous", stride=2, case={"contiguous": False})
    add("non_contiguous_groups", stride=2, groups=2, padding=1, case={"contiguous": False})
    add("batch_1", stride=2, case={"batch": 1})
    add("batch_5", stride=2, case={"batch": 5})

    for dtype in ("float16", "float64", "bfloat16"):
        case = {"dtype": dtype}
        for kernel in ((3, 2), (4, 4)):
            add(f"{dtype}_kernel_{kernel}", kernel_size=kernel, stride=2, padding=1, output_padding=1, case=case)
        add(f"{dtype}_groups", groups=2, stride=(1, 2), case=case)
        add(f"{dtype}_depthwise_multiplier", out_channels=8, groups=4, stride=2, case=case)
        add(f"{dtype}_no_bias", bias=False, stride=(3, 2), case=case)
        add(f"{dtype}_output_padding_above_stride", dilation=(3, 4), output_padding=(2, 3), stride=(1, 2), case=case)
        add(f"{dtype}_output_size", case={"dtype": dtype, "output_size": (8, 14)}, **upsample)
        add(f"{dtype}_empty_batch", stride=2, output_padding=1, case={"dtype": dtype, "batch": 0})
        add(f"{dtype}_1x1", kernel_size=1, case=case)
    return cases


def conv_cases(dimensions: int) -> list[Case]:
    """Those of one and of three dimensions: what the two-dimensional table has, in fewer combinations."""
    cases: list[Case] = []

    def add(name: str, in_channels=4, out_channels=6, kernel_size: Any = None, case=None, **arguments):
        kernel_size = of(3, 2, 2) if kernel_size is None else kernel_size
        arguments = {"in_channels": in_channels, "out_channels": out_channels, "kernel_size": kernel_size, **arguments}
        cases.append(Case(name, arguments, **{"input_shape": (in_channels, *of(6, 5, 7)), **(case or {})}))

    def of(*sizes: int) -> tuple[int, ...]:
        return sizes[:dimensions]

    for name, value in _int_forms(*of(2, 1, 3)).items():
        add(f"stride_{name}", stride=value)
        add(f"padding_{name}", padding=value)
        add(f"dilation_{name}", dilation=value)
        if dimensions == 1 or not name.startswith("one_"):
            add(f"kernel_size_{name}", kernel_size=value)
    for name, bias in {"False": False, "0": 0, "None": None, "1": 1, "text": "yes"}.items():
        add(f"bias_{name}", bias=bias)
    add("numpy_channels", in_channels=np.int64(4), out_channels=np.int32(6), groups=np.int64(2))
    for kernel in (1, of(2, 3, 4), of(5, 1, 2)):
        for stride, dilation in ((1, 1), (of(3, 2, 1), 1), (1, of(1, 2, 1))):
            add(f"kernel_{kernel}_stride_{stride}_dilation_{dilation}", kernel_size=kernel, stride=stride,
                dilation=dilation, padding=of(4, 1, 3))
    for kernel, dilation in itertools.product((of(2, 3, 4), of(5, 2, 1)), (1, of(3, 1, 2), [2])):
        add(f"same_kernel_{kernel}_dilation_{dilation}", kernel_size=kernel, dilation=dilation, padding="same")
    add("valid", padding="valid", stride=2)

    for mode in PADDING_MODES[1:]:
        for padding in (1, of(2, 1, 3), of(5, 4, 6), "same", "valid"):
            add(f"{mode}_padding_{padding}", padding=padding, padding_mode=mode)
        add(f"{mode}_same_dilation_one_element", kernel_size=of(3, 2, 2), padding="same", dilation=(2,),
            padding_mode=mode)
        add(f"{mode}_same_even_kernel", kernel_size=of(4, 2, 2), padding="same", padding_mode=mode)
        add(f"{mode}_stride_dilation_groups", groups=2, stride=of(2, 1, 3), dilation=of(2, 3, 1), padding=of(3, 2, 1),
            padding_mode=mode)
        add(f"{mode}_no_bias", bias=False, padding=of(0, 1, 0) if dimensions > 1 else 1, padding_mode=mode)
    add("circular_whole_input", padding=of(6, 5, 7), padding_mode="circular")
    add("replicate_beyond_input", padding=of(8, 1, 9), padding_mode="replicate")

    for groups, out_channels in ((2, 6), (3, 9), (6, 6), (6, 12)):
        for stride, padding, dilation in ((1, 0, 1), (of(2, 1, 2), of(1, 2, 0), 1), (1, of(2, 1, 0), of(2, 1, 3))):
            add(f"groups_{groups}_out_{out_channels}_stride_{stride}_padding_{padding}_dilation_{dilation}",
                in_channels=6, out_channels=out_channels, groups=groups, stride=stride, padding=padding,
                dilation=dilation)
    add("channels_1_to_1", in_channels=1, out_channels=1)
    add("narrowing", in_channels=6, out_channels=2, padding=1)

    for mode in PADDING_MODES:
        add(f"empty_batch_{mode}", padding=1, padding_mode=mode, case={"batch": 0})
        add(f"non_contiguous_{mode}", padding=1, padding_mode=mode, case={"contiguous": False})
    add("one_element", kernel_size=3, padding=1, case={"input_shape": (4, *of(1, 1, 1))})
    add("one_element_output", kernel_size=of(6, 5, 7))
    add("batch_1", padding=1, case={"batch": 1})

    for dtype in ("float16", "float64", "bfloat16"):
        case = {"dtype": dtype}
        for mode in PADDING_MODES:
            add(f"{dtype}_{mode}", padding=of(1, 2, 0), padding_mode=mode, stride=of(2, 1, 1), case=case)
        add(f"{dtype}_same", padding="same", dilation=of(1, 2, 1), case=case)
        add(f"{dtype}_empty_batch", padding=1, case={"dtype": dtype, "batch": 0})
        add(f"{dtype}_groups", groups=2, padding=1, case=case)
        add(f"{dtype}_no_bias", bias=False, stride=2, dilation=of(2, 1, 3), case=case)
    return cases


def conv_transpose_cases(dimensions: int) -> list[Case]:
    """Those of one and of three dimensions."""
    cases: list[Case] = []

    def add(name: str, in_channels=4, out_channels=6, kernel_size: Any = None, case=None, **arguments):
        kernel_size = of(3, 2, 2) if kernel_size is None else kernel_size
        arguments = {"in_channels": in_channels, "out_channels": out_channels, "kernel_size": kernel_size, **arguments}
        cases.append(Case(name, arguments, **{"input_shape": (in_channels, *of(4, 3, 5)), **(case or {})}))

    def of(*sizes: int) -> tuple[int, ...]:
        return sizes[:dimensions]

    for name, value in _int_forms(*of(2, 1, 3)).items():
        add(f"stride_{name}", stride=value)
        add(f"padding_{name}", padding=value, kernel_size=of(5, 3, 7))
        add(f"dilation_{name}", dilation=value)
        add(f"output_padding_{name}", output_padding=value, stride=4)
    for name, bias in {"False": False, "0": 0, "None": None, "1": 1, "text": "yes"}.items():
        add(f"bias_{name}", bias=bias, stride=2)
    add("positional_like_torch", stride=2, padding=1, output_padding=1, groups=2, bias=True, dilation=1,
        padding_mode="zeros", device=None, dtype=None)
    for kernel, stride, padding, dilation in itertools.product(
        (of(1, 2, 3), of(4, 3, 2)), (1, of(2, 1, 3)), (0, of(1, 0, 2)), (1, of(3, 2, 1))
    ):
        limits = [max(steps) - 1 for steps in zip(*(expand(v, dimensions) for v in (stride, dilation)), strict=True)]
        for output_padding in {(0,) * dimensions, tuple(limits)}:
            sizes = [of(4, 3, 5), *(expand(value, dimensions) for value in (kernel, stride, padding, dilation))]
            if _transposed_size(*sizes, output_padding) > 0:
                add(f"kernel_{kernel}_stride_{stride}_padding_{padding}_dilation_{dilation}"
                    f"_output_padding_{output_padding}",
                    kernel_size=kernel, stride=stride, padding=padding, dilation=dilation,
                    output_padding=output_padding)
    add("output_beyond_the_kernel", kernel_size=1, stride=3, padding=1, output_padding=2)
    add("output_padding_5_dilation_6", kernel_size=2, dilation=6, output_padding=5)
    add("padding_beyond_the_kernel", kernel_size=of(2, 1, 3), stride=3, padding=of(3, 2, 1), output_padding=2)
    for groups, out_channels in ((2, 6), (3, 9), (6, 6), (6, 12)):
        for stride, padding, dilation in ((1, 0, 1), (of(2, 3, 1), 1, 1), (of(2, 1, 2), 0, of(2, 1, 3))):
            add(f"groups_{groups}_out_{out_channels}_stride_{stride}_padding_{padding}_dilation_{dilation}",
                in_channels=6, out_channels=out_channels, groups=groups, stride=stride, padding=padding,
                dilation=dilation)
    upsample = {"kernel_size": 3, "stride": of(2, 3, 2), "padding": 1}
    for size in (of(7, 7, 10), [*of(8, 9, 9)], (2, 6, *of(8, 8, 10))):
        add(f"output_size_{size}", case={"output_size": size}, **upsample)
        add(f"output_size_{size}_output_padding_1", output_padding=1, case={"output_size": size}, **upsample)
    add("empty_batch", stride=2, output_padding=1, case={"batch": 0})
    add("empty_batch_output_padding_above_stride", dilation=3, output_padding=2, case={"batch": 0})
    add("one_element", stride=2, case={"input_shape": (4, *of(1, 1, 1))})
    add("one_element_output", kernel_size=3, padding=1, case={"input_shape": (4, *of(1, 1, 1))})
    add("non_contiguous", stride=2, groups=2, padding=1, case={"contiguous": False})
    add("batch_1", stride=2, case={"batch": 1})
    for dtype in ("float16", "float64", "bfloat16"):
        case = {"dtype": dtype}
        add(f"{dtype}", stride=of(2, 1, 2), padding=1, output_padding=of(1, 0, 1), case=case)
        add(f"{dtype}_groups", groups=2, stride=2, case=case)
        add(f"{dtype}_no_bias", bias=False, stride=1, case=case)
        add(f"{dtype}_output_padding_above_stride", dilation=of(3, 1, 4), output_padding=of(2, 0, 3), case=case)
        add(f"{dtype}_output_size", case={"dtype": dtype, "output_size": of(8, 8, 10)}, **upsample)
        add(f"{dtype}_empty_batch", stride=2, output_padding=1, case={"dtype": dtype, "batch": 0})
    return cases


def layer_name(dimensions: int, transposed: bool) -> str:
    """The name of the layer in torch.nn."""
    return f"Conv{'Transpose' if transposed else ''}{dimensions}d"


def expand(value: Any, dimensions: int) -> tuple[int, ...]:
    """An argument as torch takes it, with an element for each axis."""
    values = [int(element) for element in np.atleast_1d(np.asarray(value))]
    return tuple(values) if len(values) == dimensions else (values[0],) * dimensions


def _int_forms(*sizes: int) -> dict[str, Any]:
    """torch's ways to write an int for each axis."""
    first, last = sizes[0], sizes[-1]
    forms = {
        "int": first,
        "tuple": sizes,
        "list": list(sizes),
        "one_tuple": (first,),
        "one_list": [first],
        "numpy_int": np.int64(first),
        "numpy_ints": (*map(np.int32, sizes[:-1]), np.int64(last)),
        "numpy_array": np.array(sizes),
    }
    if list(sizes) == list(range(first, last + 1)):
        forms["range"] = range(first, last + 1)
    return forms


def _fits(size, kernel, padding, dilation) -> bool:
    kernel, padding = ((value, value) if isinstance(value, int) else value for value in (kernel, padding))
    return all(
        size[axis] + 2 * padding[axis] >= dilation[axis] * (kernel[axis] - 1) + 1 for axis in (0, 1)
    )


def _transposed_size(size, kernel, stride, padding, dilation, output_padding) -> int:
    return min(
        (rows - 1) * step - 2 * pad + spread * (extent - 1) + extra + 1
        for rows, extent, step, pad, spread, extra in zip(
            size, kernel, stride, padding, dilation, output_padding, strict=True
        )
    )
