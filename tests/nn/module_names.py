"""The modules and functions that are compared with torch's, and where they differ: the tables of families/ as one.

Each table has MODULES and FUNCTIONS, names that mscompat.nn and mscompat.functional have. It may have

- MORE_MODULES: {name: [(arguments, keywords, shape of the input, or list of shapes), ...]}, where torch's module_db
  lists none or too few;
- MODE_DEPENDENT: names of modules that compute otherwise in training;
- SLOW: names of modules and functions of which torch lists so many inputs that they do not run by default;
- RANDOM, RANDOM_FUNCTIONS: names whose values in training are MindSpore's random numbers;
- DIFFERENCES: {(module, index in torch's list, dtype or mode or "everywhere"): why};
- FUNCTION_DIFFERENCES: {(function, variant, index in torch's list, dtype or mode or "everywhere"): why};
- WRONG_DIFFERENCES: {(module or function, variant, index among torch's wrong calls): why it raises something else};
- UNLISTED: names of FUNCTIONS that torch's op_db does not have; their module's inputs stand for them.
"""

from __future__ import annotations

from typing import Any

from families import activation, conv, dropout, linear, loss, norm, padding, pooling, upsampling

_FAMILIES = (conv, norm, pooling, padding, upsampling, linear, activation, dropout, loss)


def _names(table: str) -> tuple[str, ...]:
    return tuple(name for family in _FAMILIES for name in getattr(family, table, ()))


def _rows(table: str) -> dict[Any, Any]:
    return {key: value for family in _FAMILIES for key, value in getattr(family, table, {}).items()}


MODULES = _names("MODULES")
MODE_DEPENDENT = _names("MODE_DEPENDENT")
SLOW = _names("SLOW")
FUNCTIONS = tuple(name for name in _names("FUNCTIONS") if name not in _names("UNLISTED"))
RANDOM = _names("RANDOM")
RANDOM_FUNCTIONS = _names("RANDOM_FUNCTIONS")
MORE_MODULES = _rows("MORE_MODULES")
DIFFERENCES = _rows("DIFFERENCES")
FUNCTION_DIFFERENCES = _rows("FUNCTION_DIFFERENCES")
WRONG_DIFFERENCES = _rows("WRONG_DIFFERENCES")
