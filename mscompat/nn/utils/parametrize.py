"""Parameters that are computed by modules: torch/nn/utils/parametrize.py.

``module.weight`` is computed of ``module.parametrizations.weight.original`` (or of original0, original1...) whenever it
is read, in graphs too.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any

from mindspore import Parameter, Tensor

from ...parameters import assign
from ..containers import ModuleDict, ModuleList
from ..module import Module
from .computed import Computed, forget_computed, plain_class, put_parameter, set_computed

__all__ = [
    "ParametrizationList",
    "is_parametrized",
    "register_parametrization",
    "remove_parametrizations",
    "type_before_parametrizations",
]


class ParametrizationList(ModuleList):
    """The modules that compute a parameter, one after the other, and what the first is given: ``original``...

    register_parametrization makes them.
    """

    def __init__(
        self, modules: Sequence[Module], original: Tensor, unsafe: bool = False, is_buffer: bool = False
    ) -> None:
        if len(modules) == 0:
            raise ValueError("ParametrizationList requires one or more modules.")
        super().__init__(modules)
        self.unsafe = unsafe
        new: Any = original
        for module in reversed(list(self)):
            if hasattr(module, "right_inverse"):
                with contextlib.suppress(NotImplementedError):
                    new = module.right_inverse(new)
        if not isinstance(new, (Tensor, Sequence)):
            raise ValueError(
                "'right_inverse' must return a Tensor or a Sequence of tensors (list, tuple...). "
                f"Got {type(new).__name__}"
            )
        self.is_tensor = isinstance(new, Tensor)
        self.ntensors = 1 if self.is_tensor else len(new)
        self.is_buffer = is_buffer
        shape, dtype = original.shape, original.dtype
        if isinstance(new, Tensor):
            if new.dtype != dtype:
                raise ValueError(
                    "When `right_inverse` outputs one tensor, it may not change the dtype.\n"
                    f"original.dtype: {dtype}\nright_inverse(original).dtype: {new.dtype}"
                )
            # The same Parameter goes on: an optimiser needs not know.
            if new is not original:
                assign(original, new)
            self.original_names: tuple[str, ...] = ("original",)
            _put(self, "original", original, is_buffer)
        else:
            self.original_names = tuple(f"original{index}" for index in range(len(new)))
            for index, (name, value) in enumerate(zip(self.original_names, new, strict=True)):
                if not isinstance(value, Tensor):
                    raise ValueError(
                        "'right_inverse' must return a Tensor or a Sequence of tensors (list, tuple...). "
                        f"Got element {index} of the sequence with type {type(value).__name__}."
                    )
                _put(self, name, Parameter(value, requires_grad=_is_trained(original)), is_buffer)
        if not unsafe:
            _check_same(self(), shape, dtype, "unparametrized", "parametrized", "`unsafe` flag")

    def right_inverse(self, value: Tensor) -> None:
        """Compute the originals of a parameter, and write them."""
        new: Any = value
        for module in reversed(list(self)):
            if not hasattr(module, "right_inverse"):
                raise RuntimeError(f"parametrization {type(module).__name__} does not implement right_inverse.")
            new = module.right_inverse(new)
        if self.is_tensor:
            if not isinstance(new, Tensor):
                raise ValueError(f"`right_inverse` should return a tensor. Got {type(new).__name__}")
            if new.dtype != self.original.dtype:
                raise ValueError(
                    f"The tensor returned by `right_inverse` has dtype {new.dtype} while `original` has dtype "
                    f"{self.original.dtype}"
                )
            assign(self.original, new)
            return
        if not isinstance(new, Sequence):
            raise ValueError(f"'right_inverse' must return a sequence of tensors. Got {type(new).__name__}.")
        if len(new) != self.ntensors:
            raise ValueError(
                f"'right_inverse' must return a sequence of tensors of length {self.ntensors}. Got a sequence of "
                f"length {len(new)}."
            )
        for index, (name, tensor) in enumerate(zip(self.original_names, new, strict=True)):
            original = getattr(self, name)
            if tensor.dtype != original.dtype:
                raise ValueError(
                    f"Tensor {index} returned by `right_inverse` has dtype {tensor.dtype} while `{name}` has dtype "
                    f"{original.dtype}"
                )
            assign(original, tensor)

    def forward(self) -> Tensor:
        """The parameter."""
        originals = ()
        for name in self.original_names:
            originals += (getattr(self, name),)  # type: ignore[assignment]
        value = self._inner_cells[0](*originals)
        for module in self._inner_cells[1:]:
            value = module(value)
        return value


def register_parametrization(
    module: Module, tensor_name: str, parametrization: Module, *, unsafe: bool = False
) -> Module:
    """Have a parameter or buffer computed by a module, as ``torch.nn.utils.parametrize.register_parametrization`` does.

    Call it before the first call of a graph around the module.

    Args:
        module (Module): whose parameter or buffer it is.
        tensor_name (str): of the parameter or buffer.
        parametrization (Module): its forward computes the parameter, of the original or of what the one before it
            gives. It may have a ``right_inverse``, which computes the original (or a tuple of several) of a parameter.
        unsafe (bool): whether dtype and shape may change.

    Returns:
        The module.

    Raises:
        ValueError, AttributeError: With torch's sentence.

    Examples:
        >>> import mindspore as ms
        >>> from mscompat import nn
        >>> class Positive(nn.Module):
        ...     def forward(self, x):
        ...         return ms.ops.exp(x)
        ...
        ...     def right_inverse(self, y):
        ...         return ms.ops.log(y)
        >>> layer = nn.Conv2d(1, 2, 1, bias=False)
        >>> nn.utils.parametrize.register_parametrization(layer, "weight", Positive())
        ParametrizedTorchConv2d(
          1, 2, kernel_size=(1, 1), stride=(1, 1), bias=False
          (parametrizations): ModuleDict(
            (weight): ParametrizationList(
              (0): Positive()
            )
          )
        )
        >>> layer.weight = ms.ops.ones((2, 1, 1, 1))
        >>> print(layer.parametrizations.weight.original.asnumpy().ravel())
        [0. 0.]
    """
    parametrization.train(module.training)
    if is_parametrized(module, tensor_name):
        parametrizations: Any = module.parametrizations[tensor_name]
        if not unsafe:
            _check_another(module, tensor_name, parametrization)
        parametrizations.append(parametrization)
        parametrizations.unsafe |= unsafe
        return module
    original = getattr(module, tensor_name, None)
    if original is None and hasattr(module, tensor_name):
        raise AttributeError(f"'NoneType' object has no attribute 'shape': {tensor_name} is None")
    if not isinstance(original, Parameter) or getattr(type(module), tensor_name, None) is not None:
        raise ValueError(
            f"Module '{module}' does not have a parameter, a buffer, or a parametrized element with name "
            f"'{tensor_name}'"
        )
    is_buffer = tensor_name in module._own_buffers
    before = original.name
    try:
        parametrizations = ParametrizationList([parametrization], original, unsafe, is_buffer)
    except Exception:
        original.name = before
        raise
    delattr(module, tensor_name)
    if not is_parametrized(module):
        module.add_module("parametrizations", ModuleDict())
    module.parametrizations[tensor_name] = parametrizations
    set_computed(module, tensor_name, Computed("parametrization", _getter(tensor_name), _putter(tensor_name)))
    return module


def is_parametrized(module: Module, tensor_name: str | None = None) -> bool:
    """Whether a module computes this parameter or buffer, or any, so: as torch.nn.utils.parametrize.is_parametrized."""
    parametrizations = getattr(module, "parametrizations", None)
    if not isinstance(parametrizations, ModuleDict):
        return False
    return len(parametrizations) > 0 if tensor_name is None else tensor_name in parametrizations


def remove_parametrizations(module: Module, tensor_name: str, leave_parametrized: bool = True) -> Module:
    """Make a plain parameter or buffer again, as ``torch.nn.utils.parametrize.remove_parametrizations`` does.

    Args:
        module (Module): what register_parametrization was given.
        tensor_name (str): of the parameter or buffer.
        leave_parametrized (bool): whether it gets the value that was computed, or that of the original.

    Returns:
        The module.

    Raises:
        ValueError: With torch's sentence: it is not computed; there are several originals.
    """
    if not is_parametrized(module, tensor_name):
        raise ValueError(f"Module {module} does not have a parametrization on {tensor_name}")
    parametrizations: Any = module.parametrizations[tensor_name]
    originals = [getattr(parametrizations, name) for name in parametrizations.original_names]
    if len(originals) > 1 or not parametrizations.is_tensor:
        if not leave_parametrized:
            raise ValueError(
                "Cannot leave unparametrized (`leave_parametrized=False`) a tensor that is parametrized in terms of a "
                "sequence of tensors."
            )
        result = Parameter(getattr(module, tensor_name), requires_grad=any(map(_is_trained, originals)))
    else:
        result = originals[0]
        if leave_parametrized:
            assign(result, getattr(module, tensor_name))
    forget_computed(module, tensor_name)
    del module.parametrizations[tensor_name]
    if not is_parametrized(module):
        del module.parametrizations
    _put(module, tensor_name, result, parametrizations.is_buffer)
    return module


def type_before_parametrizations(module: Module) -> type:
    """The class that a module had before its parameters were computed."""
    return plain_class(module) if is_parametrized(module) else type(module)


def _getter(name: str) -> Any:
    def get(self: Module) -> Tensor:
        return getattr(self.parametrizations, name).forward()

    return get


def _putter(name: str) -> Any:
    def put(self: Module, value: Tensor) -> None:
        getattr(self.parametrizations, name).right_inverse(value)

    return put


def _put(module: Module, name: str, value: Parameter, is_buffer: bool) -> None:
    if is_buffer:
        module.register_buffer(name, value)
    else:
        put_parameter(module, name, value)


def _is_trained(original: Tensor) -> bool:
    return isinstance(original, Parameter) and original.requires_grad


def _check_another(module: Module, name: str, parametrization: Module) -> None:
    """Whether one more parametrization fits."""
    before = getattr(module, name)
    after = parametrization(before)
    _check_same(
        after, before.shape, before.dtype, f"module.{name}", f"parametrization(module.{name})", "the `unsafe` flag"
    )
    if not hasattr(parametrization, "right_inverse"):
        return
    try:
        inverse = parametrization.right_inverse(after)
    except NotImplementedError:
        return
    if not isinstance(inverse, Tensor):
        raise ValueError(f"parametrization.right_inverse must return a tensor. Got: {type(inverse).__name__}")
    for what in ("dtype", "shape"):
        wanted, found = getattr(before, what), getattr(inverse, what)
        if wanted != found:
            raise ValueError(
                f"The tensor returned by parametrization.right_inverse must have the same {what} as module.{name}, "
                f"unless the `unsafe` flag is enabled.\nmodule.{name}.{what}: {wanted}\nreturned {what}: {found}"
            )


def _check_same(value: Any, shape: Any, dtype: Any, before: str, after: str, flag: str) -> None:
    if not isinstance(value, Tensor):
        raise ValueError(f"A parametrization must return a tensor. Got {type(value).__name__}.")
    separator = " " if before == "unparametrized" else "."
    for what, wanted, found in (("dtype", dtype, value.dtype), ("shape", shape, value.shape)):
        if wanted != found:
            raise ValueError(
                f"Registering a parametrization may not change the {what} of the tensor, unless {flag} is enabled.\n"
                f"{before}{separator}{what}: {wanted}\n{after}{separator}{what}: {found}"
            )
