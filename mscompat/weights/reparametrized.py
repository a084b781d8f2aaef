"""Weights that a checkpoint holds in parts: weight_norm and spectral_norm of torch.nn.utils, old names and new.

Formulas: torch/nn/utils/weight_norm.py, spectral_norm.py and parametrizations.py of torch 2.13, in evaluation mode.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from .arrays import cast, to_numpy

__all__ = ["combine", "part_names", "with_other_form"]


class _Form(NamedTuple):
    """How one of torch's functions spreads a weight over names."""

    function: str  # torch's name of it
    parts: tuple[str, ...]  # the names of the parts, with {} for that of the weight; the first has the weight's shape
    compute: Callable[..., np.ndarray]  # of the parts, and whether the weight is a transposed convolution's


def _weight_norm(direction: np.ndarray, magnitude: np.ndarray, transposed: bool) -> np.ndarray:
    """magnitude * direction / its norm over the axes along which the magnitude is one number."""
    if magnitude.ndim not in (0, direction.ndim) or any(
        size not in (1, of_direction) for size, of_direction in zip(magnitude.shape, direction.shape, strict=False)
    ):
        raise ValueError(f"a magnitude of shape {magnitude.shape} does not fit a direction of {direction.shape}")
    axes = tuple(axis for axis in range(direction.ndim) if magnitude.ndim == 0 or magnitude.shape[axis] == 1)
    return direction * (magnitude / np.sqrt(np.square(direction).sum(axis=axes, keepdims=True)))


def _spectral_norm(original: np.ndarray, left: np.ndarray, right: np.ndarray, transposed: bool) -> np.ndarray:
    """original / sigma, its largest singular value, as the vectors left and right of the last step give it."""
    # torch's axis of the outputs: the second of a transposed convolution. The vectors tell, if they are of two lengths.
    for axis in (1, 0) if transposed else (0, 1):
        if original.ndim > axis and original.shape[axis] == left.size:
            matrix = np.moveaxis(original, axis, 0).reshape(left.size, -1)
            if matrix.shape[1] == right.size:
                return original / (left @ matrix @ right)
    raise ValueError(f"vectors of {left.size} and {right.size} elements do not fit a weight of {original.shape}")


_FORMS = (
    _Form("weight_norm", ("{}_v", "{}_g"), _weight_norm),
    _Form("weight_norm", ("parametrizations.{}.original1", "parametrizations.{}.original0"), _weight_norm),
    _Form("spectral_norm", ("{}_orig", "{}_u", "{}_v"), _spectral_norm),
    _Form(
        "spectral_norm",
        ("parametrizations.{}.original", "parametrizations.{}.0._u", "parametrizations.{}.0._v"),
        _spectral_norm,
    ),
)


class _Combined:
    """A weight made of its parts when its values are asked for: see TorchTensor."""

    def __init__(self, form: _Form, parts: tuple[Any, ...], transposed: bool) -> None:
        self._form = form
        self._parts = parts
        self._transposed = transposed
        self.shape = tuple(parts[0].shape)
        self.dtype = parts[0].dtype

    def numpy(self) -> np.ndarray:
        """The product, in float64; NaN, as in torch, where a norm is 0."""
        parts = (cast(to_numpy(part), np.dtype(np.float64)) for part in self._parts)
        with np.errstate(divide="ignore", invalid="ignore"):
            return self._form.compute(*parts, self._transposed)


def combine(state_dict: Mapping[str, Any], wanted: Mapping[str, bool]) -> tuple[dict[str, Any], list[str]]:
    """Put weights in the place of their parts.

    Args:
        state_dict (mapping): names and tensors.
        wanted (mapping): the names that the cell has; whether each is a transposed convolution's.

    Returns:
        The state dict, in which the parts of each wanted weight that it lacks are replaced by the weight, and a
        sentence for each weight of which some parts are there and others are not.
    """
    combined, incomplete = dict(state_dict), []
    for name, transposed in wanted.items():
        if name in combined:
            continue
        forms = [(form, _parts_of(form, name)) for form in _FORMS]
        present = [[part for part in parts if part in combined and part not in wanted] for _, parts in forms]
        # weight_norm and spectral_norm share the name weight_v: the form of which most is there is meant.
        best = max(range(len(forms)), key=lambda position: len(present[position]) / len(forms[position][1]))
        form, parts = forms[best]
        if len(present[best]) == len(parts):
            combined[name] = _Combined(form, tuple(combined.pop(part) for part in parts), transposed)
        elif present[best]:
            lacking = [part for part in parts if part not in present[best]]
            incomplete.append(
                f"{name}: of the parts that {form.function} makes of it, {_listed(present[best])} is there, but not "
                f"{_listed(lacking)}. "
            )
    return combined, incomplete


def part_names(names: Iterable[str]) -> set[str]:
    """The names of all parts that these weights may have been made of, and those of these parts in the other form."""
    names = set(names)
    return {part for name in names for form in _FORMS for part in _parts_of(form, name)} | _other_names(names).keys()


def with_other_form(state_dict: dict[str, Any], wanted: Iterable[str]) -> dict[str, Any]:
    """A state dict whose parts have the names that a cell wants: torch's function has an older and a newer form."""
    others = _other_names(set(wanted) - state_dict.keys())
    return {others.get(name, name): value for name, value in state_dict.items()}


def _other_names(names: set[str]) -> dict[str, str]:
    """{what the other form of torch's function calls a part: its name here}, of weights all of whose parts are here."""
    found: dict[str, str] = {}
    for form in _FORMS:
        first = re.compile(r"((?:.*\.)?)" + re.escape(form.parts[0]).replace(r"\{\}", r"([^.]+)"))
        for match in filter(None, map(first.fullmatch, names)):
            parts = _parts_of(form, match[1] + match[2])
            if names.issuperset(parts):
                for other in _FORMS:
                    if other is not form and other.function == form.function:
                        found.update(zip(_parts_of(other, match[1] + match[2]), parts, strict=True))
    return found


def _parts_of(form: _Form, name: str) -> list[str]:
    prefix, dot, own = name.rpartition(".")
    return [prefix + dot + part.format(own) for part in form.parts]


def _listed(names: list[str]) -> str:
    return " and ".join(f'"{name}"' for name in names)
