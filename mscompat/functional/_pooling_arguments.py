"""torch's rules for the arguments of pools, and its sentences where they are broken. No MindSpore here.

A size that Graph mode does not know before the call is None or -1.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any

from ._errors import fail

__all__: list[str] = []

_DTYPES = {
    "Int8": "Char", "Int16": "Short", "Int32": "Int", "Int64": "Long", "UInt8": "Byte", "Bool": "Bool",
    "Complex64": "ComplexFloat", "Complex128": "ComplexDouble",
}
_COUNT = {1: "one", 2: "two", 3: "three"}


@dataclass(frozen=True)
class Window:
    """What a pool moves over its input: sizes of each axis."""

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    ceil_mode: bool

    def output_size(self, axis: int, size: int) -> int:
        """torch's pooling_output_shape."""
        stride, padding = self.stride[axis], self.padding[axis]
        extent = size + 2 * padding - self.dilation[axis] * (self.kernel[axis] - 1) - 1
        steps = (extent + stride - 1 if self.ceil_mode else extent) // stride
        if self.ceil_mode and steps * stride >= size + padding:
            steps -= 1  # the last window would begin in the padding at the end
        return steps + 1

    def reach(self, axis: int, windows: int) -> int:
        """Where the last of so many windows ends, counted from the input's first element."""
        return (windows - 1) * self.stride[axis] + self.kernel[axis] - self.padding[axis]

    def of_axes(self, count: int) -> Window:
        """With axes of size 1 before, so that there are so many."""
        more = count - len(self.kernel)
        ones = (1,) * more
        return Window(
            ones + self.kernel, ones + self.stride, (0,) * more + self.padding, ones + self.dilation, self.ceil_mode
        )

    def has_empty_windows(self, axis: int, size: int) -> bool:
        """Whether a window's elements all lie in the padding, which takes a dilation."""
        if self.dilation[axis] < size:
            return False
        starts = (index * self.stride[axis] - self.padding[axis] for index in range(self.output_size(axis, size)))
        offsets = range(0, self.kernel[axis] * self.dilation[axis], self.dilation[axis])
        return any(all(not 0 <= start + offset < size for offset in offsets) for start in starts)


def is_known(size: Any) -> bool:
    """Whether a size is known before the call."""
    return size is not None and size >= 0


def check_dtype(name: str, kernel: str, dtype: Any, more: Sequence[Any]) -> None:
    """Floating-point numbers, and perhaps more."""
    if str(dtype) in ("Float16", "BFloat16", "Float32", "Float64") or dtype in more:
        return
    word = _DTYPES.get(str(dtype), str(dtype))
    fail(name, f"\"{kernel}\" not implemented for '{word}'", NotImplementedError)


def max_window(
    name: str, dimensions: int, kernel: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: Any, indices: bool
) -> Window:
    """The window of a max pool, its values not checked yet."""
    if dimensions == 1 and not indices:
        form = name + "() {} must be an int, list of ints or tuple of ints of size 1 but got size {}"
        with_none = name + "() {} must be None, an int, list of ints, or tuple of ints of size 1 but got size {}"
        with_comma = name + "() {} must be an int, list of ints, or tuple of ints of size 1 but got size {}"
        forms: tuple[str, ...] = (form, with_none, with_comma, form)
    else:
        forms = _forms(name, dimensions)
    _check_bool(name, "ceil_mode", ceil_mode)
    return _window(name, dimensions, forms, kernel, stride, padding, dilation, ceil_mode)


def avg_window(
    name: str, dimensions: int, kernel: Any, stride: Any, padding: Any, ceil_mode: Any, include_pad: Any, divisor: Any
) -> Window:
    """The window of an average pool, its values not checked yet."""
    _check_bool(name, "ceil_mode", ceil_mode)
    _check_bool(name, "count_include_pad", include_pad)
    if divisor is not None and (isinstance(divisor, bool) or not isinstance(divisor, Integral)):
        fail(name, f"argument 'divisor_override' must be int, not {type(divisor).__name__}", TypeError)
    forms = _forms(name, dimensions)
    if dimensions == 3:
        forms = tuple(form.replace("must either be a single", "must be a single") for form in forms)
        forms = tuple(form.replace("must either be omitted, a", "must be omitted, a") for form in forms)
    return _window(name, dimensions, forms, kernel, stride, padding, 1, ceil_mode)


def _forms(name: str, dimensions: int) -> tuple[str, ...]:
    count = _COUNT[dimensions]
    if dimensions == 1:
        return (name + "() argument '{}' should contain one int (got {})",) * 4
    return (
        f"{name}: {{}} must either be a single int, or a tuple of {count} ints",
        f"{name}: {{}} must either be omitted, a single int, or a tuple of {count} ints",
        f"{name}: {{}} must either be a single int, or a tuple of {count} ints",
        f"{name}: {{}} must be either a single int, or a tuple of {count} ints",
    )


def _window(
    name: str, dimensions: int, forms: Sequence[str], kernel: Any, stride: Any, padding: Any, dilation: Any,
    ceil_mode: bool,
) -> Window:
    sizes = integers(name, "kernel_size", kernel, dimensions, forms[0])
    if stride is None or (isinstance(stride, (tuple, list)) and not stride):
        steps = sizes
    else:
        steps = integers(name, "stride", stride, dimensions, forms[1])
    return Window(
        sizes, steps, integers(name, "padding", padding, dimensions, forms[2]),
        integers(name, "dilation", dilation, dimensions, forms[3]), ceil_mode,
    )


def integers(name: str, argument: str, value: Any, dimensions: int, form: str) -> tuple[int, ...]:
    """torch's tuple arguments: an int, or one element, stands for all axes."""
    if isinstance(value, (str, bytes)) or not isinstance(value, (Iterable, Integral)) or isinstance(value, bool):
        fail(name, f"argument '{argument}' must be tuple of ints, not {type(value).__name__}", TypeError)
    values = tuple(value) if isinstance(value, Iterable) else (value,) * dimensions
    for position, element in enumerate(values):
        if isinstance(element, bool) or not isinstance(element, Integral):
            found = f"found element of type {type(element).__name__} at pos {position}"
            fail(name, f"argument '{argument}' must be tuple of ints, but {found}", TypeError)
    if len(values) not in (1, dimensions):
        fail(name, form.format(argument, len(values)))
    return tuple(map(int, values if len(values) == dimensions else values * dimensions))


def _check_bool(name: str, argument: str, value: Any) -> None:
    if not isinstance(value, bool):
        fail(name, f"argument '{argument}' must be bool, not {type(value).__name__}", TypeError)


def max_output(name: str, window: Window, shape: tuple[Any, ...], indices: bool) -> tuple[Any, ...]:
    """Sizes of a max pool's output axes, None where the input's are not known; the values in range."""
    dimensions = len(window.kernel)
    if dimensions == 1 and not indices:
        return _max_output_1d(name, window, shape)
    if dimensions == 1:
        check_rank_1d(name, shape)
    elif len(shape) not in (dimensions + 1, dimensions + 2):
        fail(name, f"non-empty {dimensions + 1}D or {dimensions + 2}D (batch mode) tensor expected for input")
    return _output(name, "max_pool3d_with_indices_out_cpu_template", window, shape)


def avg_output(name: str, window: Window, shape: tuple[Any, ...], divisor: int | None) -> tuple[Any, ...]:
    """Sizes of an average pool's output axes, None where the input's are not known; the values in range."""
    dimensions, rank = len(window.kernel), len(shape)
    if divisor == 0:
        fail(name, "divisor must be not zero")
    if dimensions == 1:
        check_rank_1d(name, shape)
    elif dimensions == 3 and rank not in (4, 5):
        fail(name, "non-empty 4D or 5D (batch mode) tensor expected for input")
    elif rank < dimensions + 1:
        span = f"[{-max(rank, 1)}, {max(rank, 1) - 1}]"
        fail(name, f"Dimension out of range (expected to be in range of {span}, but got -3)", IndexError)
    return _output(name, "avg_pool3d", window, shape)


def check_rank_1d(name: str, shape: tuple[Any, ...]) -> None:
    if len(shape) not in (2, 3):
        fail(
            name,
            f"Expected 2 to 3 dimensions, but got {len(shape)}-dimensional tensor for argument #1 'self' "
            f"(while checking arguments for {name})",
        )


def _max_output_1d(name: str, window: Window, shape: tuple[Any, ...]) -> tuple[Any, ...]:
    if len(shape) not in (2, 3) or not all(size is None or size != 0 for size in shape[-2:]):
        fail(
            name,
            f"{name}: Expected 2D or 3D (batch mode) tensor with optional 0 dim batch size for input, but "
            f"got:{list(shape)}",
        )
    (kernel,), (stride,), (padding,), (dilation,) = window.kernel, window.stride, window.padding, window.dilation
    if kernel <= 0:
        fail(name, f"{name}() kernel_size must be greater than zero, but got {kernel}")
    if stride <= 0:
        fail(name, f"{name}() stride must be greater than zero, but got {stride}")
    if padding < 0:
        fail(name, f"{name}() padding must be non-negative, but got {padding}")
    if padding > kernel // 2:
        fail(
            name,
            f"{name}() padding should be at most half of kernel size, but got padding={padding} and "
            f"kernel_size={kernel}",
        )
    if dilation <= 0:
        fail(name, f"{name}() dilation must be greater than zero, but got {dilation}")
    if not is_known(shape[-1]):
        return (None,)
    size = window.output_size(0, shape[-1])
    if size <= 0:
        fail(name, f"{name}() Invalid computed output size: {size}")
    return (size,)


def _output(name: str, checker_3d: str, window: Window, shape: tuple[Any, ...]) -> tuple[Any, ...]:
    """torch's checks of two and three dimensions, in its order; one dimension is two, the first of size 1."""
    dimensions = len(window.kernel)
    for axis in range(dimensions):
        kernel, padding, dilation = window.kernel[axis], window.padding[axis], window.dilation[axis]
        if window.stride[axis] == 0:
            fail(name, "stride should not be zero")
        if padding < 0:
            fail(name, f"pad must be non-negative, but got pad: {padding}")
        if padding > int(((kernel - 1) * dilation + 1) / 2):  # towards zero, as C++ divides
            fail(
                name,
                f"pad should be at most half of effective kernel size, but got pad={padding}, kernel_size={kernel} and "
                f"dilation={dilation}",
            )
    for values, noun, letter in (
        (window.kernel, "kernel size", "k{}"), (window.stride, "stride", "d{}"),
        (window.dilation, "dilation", "dilation{}"),
    ):
        if min(values) <= 0:
            by_axis = zip("THW"[-dimensions:], values, strict=True) if dimensions > 1 else (("H", 1), ("W", values[0]))
            listed = " ".join(f"{letter.format(axis)}: {value}" for axis, value in by_axis)
            fail(name, f"{noun} should be greater than zero, but got {listed}")
    _check_not_empty(name, checker_3d, dimensions, shape)
    if checker_3d == "avg_pool3d" and dimensions == 3:
        _check_avg_kernel_3d(name, window.kernel, shape[-3:])
    sizes = tuple(
        window.output_size(axis, size) if is_known(size) else None for axis, size in enumerate(shape[-dimensions:])
    )
    if any(size is not None and size < 1 for size in sizes):
        one = ("1",) if dimensions == 1 else ()
        given = "x".join(map(str, (shape[-dimensions - 1], *one, *shape[-dimensions:])))
        computed = "x".join(map(str, (shape[-dimensions - 1], *one, *sizes)))
        fail(name, f"Given input size: ({given}). Calculated output size: ({computed}). Output size is too small")
    return sizes


def _check_avg_kernel_3d(name: str, kernel: tuple[int, ...], inner: tuple[Any, ...]) -> None:
    """A rule of this pool alone: no kernel is larger than the input, whatever the padding."""
    if any(is_known(size) and size < length for size, length in zip(inner, kernel, strict=True)):
        image = " ".join(f"{axis}: {size}" for axis, size in zip("THW", inner, strict=True))
        lengths = " ".join(f"k{axis}: {length}" for axis, length in zip("THW", kernel, strict=True))
        fail(name, f"input image ({image}) smaller than kernel size ({lengths})")


def _check_not_empty(name: str, checker_3d: str, dimensions: int, shape: tuple[Any, ...]) -> None:
    """Of a batch only the number may be zero."""
    inner = shape[-dimensions - 1:]
    if len(shape) <= dimensions + 2 and not any(size == 0 for size in inner):
        return
    if dimensions == 3:
        fail(
            name,
            f"{checker_3d}(): Expected input's non-batch dimensions to have positive length, but input has a shape of "
            f"{list(shape)} and non-batch dimension 0 has length zero!",
        )
    shown = [*shape[:-1], 1, shape[-1]] if dimensions == 1 else list(shape)
    fail(
        name,
        f"Expected 3D or 4D (batch mode) tensor with optional 0 dim batch size for input, but got:{shown}",
    )
