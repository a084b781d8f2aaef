"""torch's own test inputs for modules and functions, run on mscompat's, and compared: values, gradients, state.

torch.testing._internal lists, for each module, constructor arguments and inputs (module_db), and for each function,
samples (op_db). What it does not list of ours is in the tables of families/, in the same form.
"""

from __future__ import annotations

import copy
import inspect
from typing import Any, NamedTuple

import mindspore as ms
import numpy as np
import torch
from mindspore import Parameter, Tensor, nn, ops
from module_names import MORE_MODULES

import mscompat

DTYPES = {"float32": torch.float32, "float64": torch.float64}
_TO_MINDSPORE = {
    torch.float16: ms.float16, torch.bfloat16: ms.bfloat16, torch.float32: ms.float32, torch.float64: ms.float64,
    torch.int64: ms.int64, torch.int32: ms.int32, torch.int16: ms.int16, torch.int8: ms.int8, torch.uint8: ms.uint8,
    torch.bool: ms.bool_, torch.complex64: ms.complex64, torch.complex128: ms.complex128,
}
# Of the largest number that is expected, in units of the dtype's last place; or what torch itself is off, four times.
_UNITS = 32
_TIMES_TORCH = 4


class Call(NamedTuple):
    """A module's arguments and those of its call, or a function's (where the first are None), with torch's tensors."""

    constructor: tuple[tuple[Any, ...], dict[str, Any]] | None
    forward: tuple[tuple[Any, ...], dict[str, Any]]
    text: str
    constants: tuple[Any, ...] = ()
    """Tensors among them that torch does not differentiate for: running statistics."""


class Outcome(NamedTuple):
    """What came of a call, as NumPy arrays."""

    outputs: list[np.ndarray]
    input_gradients: list[np.ndarray | None]
    parameter_gradients: dict[str, np.ndarray]
    buffers: dict[str, np.ndarray]


def to_mindspore(value: Any) -> Any:
    """torch's tensors and dtypes as MindSpore's, inside lists, tuples and dicts too."""
    if isinstance(value, torch.Tensor):
        array = value.detach().float() if value.dtype == torch.bfloat16 else value.detach()
        return Tensor(array.resolve_conj().numpy().copy(), _TO_MINDSPORE[value.dtype])
    if isinstance(value, torch.dtype):
        return _TO_MINDSPORE[value]
    if isinstance(value, torch.Size):
        return tuple(value)
    if isinstance(value, (list, tuple)):
        return type(value)(map(to_mindspore, value))
    if isinstance(value, dict):
        return {name: to_mindspore(inner) for name, inner in value.items()}
    return value


def to_numpy(value: Any) -> np.ndarray:
    """A tensor of either framework; half types as float32."""
    if isinstance(value, torch.Tensor):
        value = value.detach()
        return (value.float() if value.dtype == torch.bfloat16 else value).numpy().copy()
    return (ops.cast(value, ms.float32) if value.dtype == ms.bfloat16 else value).asnumpy()


def differences(outcomes: list[Outcome], expected: Outcome, exact: Outcome) -> list[str]:
    """Sentences on what is not equal in the first of several calls where anything is not.

    `expected` is torch's outcome in the dtype at hand, `exact` is torch's in float64.
    """
    for number, outcome in enumerate(outcomes, 1):
        found = _differences(outcome, expected, exact)
        if found:
            return found if number == 1 else [f"call {number}: {text}" for text in found]
    return []


def _differences(actual: Outcome, expected: Outcome, exact: Outcome) -> list[str]:
    found = []

    def compare(name: str, one: Any, other: Any, reference: Any) -> None:
        if one is None or other is None:
            if (one is None) != (other is None):
                ours, theirs = ("none" if value is None else "one" for value in (one, other))
                found.append(f"{name}: {ours}, torch has {theirs}")
        elif one.shape != other.shape:
            found.append(f"{name}: shape {one.shape}, torch's {other.shape}")
        elif one.dtype != other.dtype:
            found.append(f"{name}: dtype {one.dtype}, torch's {other.dtype}")
        elif not np.issubdtype(one.dtype, np.floating):
            if not np.array_equal(one, other):
                found.append(f"{name}: {one.ravel()[:8]}, torch's {other.ravel()[:8]}")
        else:
            found.extend(_difference(name, one, other, reference))

    for index, arrays in enumerate(_aligned(actual.outputs, expected.outputs, exact.outputs)):
        compare(f"output {index}", *arrays)
    for index, arrays in enumerate(_aligned(actual.input_gradients, expected.input_gradients, exact.input_gradients)):
        compare(f"gradient of input {index}", *arrays)
    for part in ("parameter_gradients", "buffers"):
        ours, theirs, exactly = getattr(actual, part), getattr(expected, part), getattr(exact, part)
        if list(ours) != list(theirs):
            found.append(f"{part}: {list(ours)}, torch's {list(theirs)}")
        for name in ours.keys() & theirs.keys():
            compare(f"{part} {name}", ours[name], theirs[name], exactly[name])
    return found


def _aligned(*lists: list[Any]) -> Any:
    length = max(map(len, lists))
    return zip(*([*one, *[None] * (length - len(one))] for one in lists), strict=True)


def _difference(name: str, actual: np.ndarray, expected: np.ndarray, exact: np.ndarray) -> list[str]:
    if not actual.size:
        return []
    with np.errstate(all="ignore"):
        odd = ~np.isfinite(expected)
        if not np.array_equal(np.where(odd, actual, 0), np.where(odd, expected, 0), equal_nan=True):
            return [f"{name}: other infinities or NaNs than torch's"]
        unit = np.finfo(expected.dtype).eps
        finite = np.where(odd, 0, exact).astype(np.float64)
        off = np.abs(np.where(odd, 0, actual) - finite).max()
        of_torch = np.abs(np.where(odd, 0, expected) - finite).max()
        scale = np.abs(finite).max()
    limit = max(_UNITS * unit * scale, _TIMES_TORCH * of_torch)
    if off <= limit:
        return []
    scale = max(scale, 1e-300)
    return [f"{name}: off by {off / scale:.1e} of the largest, torch by {of_torch / scale:.1e}"]


# torch


def torch_outcome(
    target: Any, call: Call, dtype: torch.dtype, training: bool, state: dict[str, Any] | None
) -> Outcome:
    """torch's own. In another dtype than the call's tensors have, they are cast."""
    args, kwargs = _cast(call.forward, dtype)
    module = None
    if call.constructor is not None:
        module = copy.deepcopy(target).to(dtype)
        if state is not None:
            module.load_state_dict({name: _cast(value, dtype) for name, value in state.items()})
        module.train(training)
    run = target if module is None else module
    given = [*call.forward[0], *call.forward[1].values()]
    leaves = [
        value for value, original in zip([*args, *kwargs.values()], given, strict=True)
        if _is_differentiable(value) and not _is_among(original, call.constants)
    ]
    for leaf in leaves:
        leaf.requires_grad_()
    outputs = _flat(run(*args, **kwargs))
    parameters = {} if module is None else dict(module.named_parameters())
    total = sum(
        (output * _cotangent(output.shape, output.dtype)).sum()
        for output in outputs if output.dtype.is_floating_point
    )
    gradients = [None] * (len(leaves) + len(parameters))
    if isinstance(total, torch.Tensor) and total.requires_grad:
        gradients = torch.autograd.grad(total, [*leaves, *parameters.values()], allow_unused=True)
        gradients = [
            torch.zeros_like(leaf) if one is None else one
            for leaf, one in zip([*leaves, *parameters.values()], gradients, strict=True)
        ]
    return Outcome(
        [to_numpy(output) for output in outputs],
        [None if one is None else to_numpy(one) for one in gradients[:len(leaves)]],
        {
            name: to_numpy(one)
            for name, one in zip(parameters, gradients[len(leaves):], strict=True) if one is not None
        },
        {} if module is None else {name: to_numpy(buffer) for name, buffer in module.named_buffers()},
    )


def _cast(value: Any, dtype: torch.dtype) -> Any:
    if isinstance(value, torch.Tensor):
        value = value.detach().clone()
        return value.to(dtype) if value.dtype.is_floating_point else value
    if isinstance(value, (list, tuple)) and not isinstance(value, torch.Size):
        return type(value)(_cast(inner, dtype) for inner in value)
    if isinstance(value, dict):
        return {name: _cast(inner, dtype) for name, inner in value.items()}
    return value


def _is_differentiable(value: Any) -> bool:
    return isinstance(value, torch.Tensor) and value.dtype.is_floating_point


def _is_among(value: Any, values: tuple[Any, ...]) -> bool:
    return any(value is one for one in values)


def _flat(outputs: Any) -> list[Any]:
    return list(outputs) if isinstance(outputs, (tuple, list)) else [outputs]


def _cotangent(shape: tuple[int, ...], dtype: torch.dtype) -> torch.Tensor:
    # All positive: where sums cancel, rounding errors are large beside them.
    numbers = np.random.RandomState(int(np.prod(shape)) % 1000).uniform(0.5, 1.5, tuple(shape))
    return torch.from_numpy(np.asarray(numbers)).to(torch.float32).to(dtype)


# MindSpore


class _Caller(nn.Cell):
    """Calls a cell or function with tensors and constants in their places."""

    def __init__(self, target, places, constants, names):
        super().__init__()
        self.target = target
        self.places = places  # of each argument: (whether it is a tensor, its index there)
        self.constants = constants
        self.names = names  # of the last arguments, given by keyword

    def construct(self, *tensors):
        arguments = ()
        for is_tensor, index in self.places:
            if is_tensor:
                arguments += (tensors[index],)
            else:
                arguments += (self.constants[index],)
        count = len(arguments) - len(self.names)
        keywords = {}
        for position, name in enumerate(self.names):
            keywords[name] = arguments[count + position]
        outputs = self.target(*arguments[:count], **keywords)
        if not isinstance(outputs, (tuple, list)):
            outputs = (outputs,)
        return outputs


class _Summed(nn.Cell):
    """The sum of a caller's outputs times cotangents, and the outputs."""

    def __init__(self, caller, count):
        super().__init__()
        self.caller = caller
        self.count = count

    def construct(self, *arguments):
        cotangents = arguments[self.count:]
        outputs = self.caller(*arguments[:self.count])
        total = 0.0
        index = 0
        for output in outputs:
            if output.dtype in (ms.float16, ms.float32, ms.float64):
                total = total + (output * cotangents[index]).sum()
                index += 1
        return (total, *outputs)


def _caller(target: Any, call: Call) -> tuple[_Caller, list[torch.Tensor]]:
    args, kwargs = call.forward
    bound = inspect.signature(getattr(target, "forward", target)).bind(*args, **kwargs)
    tensors, constants, places = [], [], []
    for value in [*bound.args, *bound.kwargs.values()]:
        if isinstance(value, torch.Tensor):
            places.append((True, len(tensors)))
            tensors.append(value)
        else:
            places.append((False, len(constants)))
            constants.append(to_mindspore(value))
    return _Caller(target, tuple(places), tuple(constants), tuple(bound.kwargs)), tensors


def call_mindspore(target: Any, call: Call) -> Any:
    """The outputs alone, of a cell or a function, in the mode that is set."""
    caller, tensors = _caller(target, call)
    return caller(*map(to_mindspore, tensors))


def make_and_call(name: str, args: Any, kwargs: Any, forward: Any) -> None:
    """Make a cell, and call it with torch's FunctionInput, where there is one."""
    cell = getattr(mscompat.nn, name)(*args, **kwargs)
    if forward is not None:
        call_mindspore(cell, Call((), (forward.args, forward.kwargs), ""))


def mindspore_outcomes(
    target: Any, call: Call, shapes: list[tuple[tuple[int, ...], np.dtype]], times: int
) -> list[Outcome]:
    """mscompat's, of so many calls of one graph. `target` is a cell or a function; `shapes` are torch's outputs'."""
    caller, tensors = _caller(target, call)
    harness = _Summed(caller, len(tensors))
    cotangents = [
        to_mindspore(_cotangent(shape, torch.from_numpy(np.zeros(0, dtype)).dtype))
        for shape, dtype in shapes if np.issubdtype(dtype, np.floating)
    ]
    positions = tuple(
        index for index, tensor in enumerate(tensors)
        if _is_differentiable(tensor) and not _is_among(tensor, call.constants)
    )
    parameters = dict(target.named_parameters()) if isinstance(target, nn.Cell) else {}
    weights = [parameter for parameter in parameters.values() if parameter.requires_grad]
    gradient = None
    if cotangents and (positions or weights):
        gradient = ms.value_and_grad(harness, positions or None, weights or None, has_aux=True)
    outcomes = []
    for _ in range(times):
        inputs = list(map(to_mindspore, tensors))
        if gradient is None:
            outputs = caller(*inputs)
            of_inputs, of_parameters = [None] * len(positions), [None] * len(weights)
        else:
            (_, *outputs), gradients = gradient(*inputs, *cotangents)
            if positions and weights:
                of_inputs, of_parameters = gradients
            else:
                of_inputs, of_parameters = (gradients, ()) if positions else ((), gradients)
            if len(positions) == 1 and not isinstance(of_inputs, tuple):
                of_inputs = (of_inputs,)
        outcomes.append(Outcome(
            [to_numpy(output) for output in outputs],
            [None if one is None else to_numpy(one) for one in of_inputs],
            {name: to_numpy(one) for name, one in zip(parameters, of_parameters, strict=True) if one is not None},
            {name: to_numpy(one) for name, one in target.named_buffers()} if isinstance(target, nn.Cell) else {},
        ))
    return outcomes


def make_pair(name: str, call: Call, dtype: str = "float32") -> tuple[torch.nn.Module, Any]:
    """torch's module and mscompat's, with the same state. torch's lists leave the dtype of parameters to Module.to."""
    args, kwargs = call.constructor
    if dtype != "float32" and "dtype" in inspect.signature(getattr(torch.nn, name)).parameters:
        kwargs = {"dtype": DTYPES[dtype], **kwargs}
    module = getattr(torch.nn, name)(*args, **kwargs)
    cell = getattr(mscompat.nn, name)(*to_mindspore(args), **to_mindspore(kwargs))
    assert isinstance(cell, nn.Cell)
    assert repr(cell).replace("TorchConv", "Conv") == repr(module)
    ours, theirs = cell.state_dict(), module.state_dict()
    assert {key: (tuple(value.shape), value.dtype) for key, value in ours.items()} == {
        key: (tuple(value.shape), to_mindspore(value.dtype)) for key, value in theirs.items()
    }
    assert list(ours) == list(theirs)
    assert all(isinstance(value, Parameter) for value in ours.values())
    cell.load_state_dict(theirs)
    assert cell.training
    assert module.training
    return module, cell


# The lists


def module_calls(name: str, dtype: str, training: bool) -> list[Call]:
    """torch's inputs of a module, and ours, where torch has none."""
    calls = []
    for info in _module_db().get(name, []):
        torch.manual_seed(0)
        inputs = info.module_inputs_func(
            info, device="cpu", dtype=DTYPES[dtype], requires_grad=False, training=training
        )
        for one in inputs:
            constructor = (one.constructor_input.args, one.constructor_input.kwargs)
            forward = (one.forward_input.args, one.forward_input.kwargs)
            constants = (forward[0][1],) if name in _CONSTANT_SECOND else ()
            calls.append(Call(constructor, forward, f"{name}{constructor} {one.desc}", constants))
    for args, kwargs, shape in MORE_MODULES.get(name, []):
        random = np.random.RandomState(0)
        inputs = tuple(
            torch.from_numpy(np.asarray(random.standard_normal(one))).to(DTYPES[dtype])
            for one in (shape if isinstance(shape, list) else [shape])
        )
        calls.append(Call((args, kwargs), (inputs, {}), f"{name}{args}{kwargs} of {shape}"))
    return calls


def has_module_errors(name: str) -> bool:
    """Whether torch lists wrong calls of a module."""
    return any(info.module_error_inputs_func is not None for info in _module_db().get(name, []))


def module_errors(name: str, training: bool) -> list[Any]:
    """torch's wrong calls of a module: ErrorModuleInput."""
    errors = []
    for info in _module_db().get(name, []):
        if info.module_error_inputs_func is not None:
            errors.extend(info.module_error_inputs_func(
                info, device="cpu", dtype=torch.float32, requires_grad=False, training=training
            ))
    return errors


def function_infos(name: str) -> list[Any]:
    """torch's OpInfos of a function: one for each variant (modes of interpolate and pad)."""
    from torch.testing._internal.common_methods_invocations import op_db

    return [info for info in op_db if info.name == f"nn.functional.{name}"]


def has_function_errors(name: str) -> bool:
    """Whether torch lists wrong calls of a function."""
    return any(info.error_inputs_func is not None for info in function_infos(name))


def function_calls(info: Any, dtype: str) -> list[Call]:
    """torch's samples of a function."""
    torch.manual_seed(0)
    np.random.seed(0)
    calls = []
    for sample in info.sample_inputs("cpu", DTYPES[dtype], requires_grad=False):
        args = (sample.input, *sample.args)
        names = _CONSTANTS.get(info.name, ())
        given = inspect.signature(info.op).bind(*args, **sample.kwargs).arguments if names else {}
        constants = tuple(given[name] for name in names if given.get(name) is not None)
        calls.append(Call(None, (args, sample.kwargs), f"{info.name} {sample.args}{sample.kwargs}"[:300], constants))
    return calls


# Arguments that torch does not differentiate for, and raises if they require it.
_CONSTANTS = {
    "nn.functional.batch_norm": ("running_mean", "running_var"),
    "nn.functional.instance_norm": ("running_mean", "running_var"),
    "nn.functional.cross_entropy": ("weight",),
    "nn.functional.nll_loss": ("weight",),
    "nn.functional.binary_cross_entropy": ("weight",),
    "nn.functional.binary_cross_entropy_with_logits": ("weight", "pos_weight"),
    "nn.functional.soft_margin_loss": ("target",),
}
_CONSTANT_SECOND = ("SoftMarginLoss",)  # modules whose second input is such an argument


def _module_db() -> dict[str, list[Any]]:
    if not _modules:
        from torch.testing._internal.common_modules import module_db

        for info in module_db:
            _modules.setdefault(info.module_cls.__name__, []).append(info)
    return _modules


_modules: dict[str, list[Any]] = {}
