"""ConvSpec: the arguments of a convolution in one record, from the layer or function to the plan. No MindSpore here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

__all__ = ["ConvSpec", "PaddingMode", "PaddingString"]

PaddingMode = Literal["zeros", "reflect", "replicate", "circular"]
PaddingString = Literal["valid", "same"]


@dataclass(frozen=True, kw_only=True)  # a NamedTuple becomes a plain tuple under capture_mode="bytecode" (MS-17)
class ConvSpec:
    """What a convolution is told, whatever it is given to convolve.

    stride, padding, dilation and output_padding have one element for each axis, or one for all: torch takes both forms,
    and prints what it was given.
    """

    # The layer or function, with whose name an error message begins.
    name: str
    # Axes along which it convolves: 1, 2 or 3.
    dimensions: int
    # Whether it is a transposed convolution, the gradient of the input of a convolution.
    transposed: bool
    # Steps of the kernel; of a transposed convolution, in its output.
    stride: tuple[int, ...]
    # Added at both ends of each axis of the input; of a transposed convolution, cut off from its output.
    padding: tuple[int, ...] | PaddingString
    # Steps between the elements of the kernel.
    dilation: tuple[int, ...]
    # Added at the end of each axis of a transposed convolution's output.
    output_padding: tuple[int, ...]
    # Groups of channels that are convolved apart.
    groups: int
    # What to pad with.
    padding_mode: PaddingMode
    # False once an attribute of a layer was set: it is checked again when the layer is called, as in torch.
    is_checked: bool = True

    def __hash__(self) -> int:
        # What a user sets may be a list. Graph mode does not find an attribute without a hash.
        arguments = (self.stride, self.padding, self.dilation, self.output_padding, self.groups, self.padding_mode)
        return hash((self.name, self.dimensions, self.transposed, *arguments)) if self.is_checked else hash(self.name)

    def with_attribute(self, name: str, value: Any) -> ConvSpec:
        """The spec of a layer one of whose attributes was set, to whatever the user likes."""
        return replace(self, **{name: value}, is_checked=False)
