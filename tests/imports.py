"""The package's imports and attributes, read from its syntax trees: no file is imported, and no text is searched."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

__all__ = ["UNREADABLE", "Import", "Package"]

UNREADABLE = "?"  # the target of import_module(variable)


class Import(NamedTuple):
    """One import of a file."""

    line: int
    target: str  # the dotted name of a module; of a name of a module, that module and the name
    name: str = ""  # that it gives to the file, if any
    meaning: str = ""  # of that name: of `import a.b`, which gives the name a, a


class Package:
    """A package's files. A module's name has the package's own in front of it: mscompat.nn.conv."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.name = folder.name
        self.files = {self._module(path): path for path in sorted(folder.rglob("*.py"))}
        self.trees = {
            module: ast.parse(path.read_text(encoding="utf-8"), str(path)) for module, path in self.files.items()
        }

    def _module(self, path: Path) -> str:
        parts = [self.name, *path.relative_to(self.folder).with_suffix("").parts]
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    def imports(self, module: str) -> Iterator[Import]:
        """All imports of a file, also those in functions, and those by import_module and __import__."""
        for node in ast.walk(self.trees[module]):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    name = alias.asname or alias.name.partition(".")[0]
                    yield Import(node.lineno, alias.name, name, alias.name if alias.asname else name)
            elif isinstance(node, ast.ImportFrom):
                origin = self._absolute(module, "." * node.level + (node.module or ""))
                for alias in node.names:
                    target = f"{origin}.{alias.name}"
                    yield Import(node.lineno, target, alias.asname or alias.name, target)
            elif isinstance(node, ast.Call) and _called(node) in ("import_module", "__import__"):
                first = node.args[0] if node.args else None
                known = isinstance(first, ast.Constant) and isinstance(first.value, str)
                yield Import(node.lineno, self._absolute(module, first.value) if known else UNREADABLE)

    def inner_imports(self, module: str) -> Iterator[tuple[int, str]]:
        """Lines and names of the modules of the package that a file imports."""
        for one in self.imports(module):
            target = one.target
            while target and target not in self.files:  # from a module, a name
                target = target.rpartition(".")[0]
            if target:
                yield one.line, target

    def _absolute(self, module: str, name: str) -> str:
        """A module's name without the leading dots."""
        level = len(name) - len(name.lstrip("."))
        if not level:
            return name
        parts = module.split(".")
        is_folder = self.files[module].name == "__init__.py"
        base = parts[: len(parts) - level + is_folder]
        return ".".join([*base, *filter(None, [name[level:]])])


def _called(node: ast.Call) -> str:
    """The last name of what is called."""
    function = node.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
