"""The rules of the package's structure, each a function that gives the places where a package breaks it.

They read syntax trees only: see imports.py. The tables that they go by are in test_structure.py.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence

from imports import UNREADABLE, Package

Layers = Sequence[Sequence[str]]

# What NamedTuple gives its classes, under names with an underscore so that they are no fields.
_NAMEDTUPLE = {"_asdict", "_fields", "_make", "_replace"}
_BY_NAME = ("delattr", "getattr", "hasattr", "setattr")


def wrong_directions(package: Package, layers: Layers) -> Iterator[str]:
    """Imports of a higher layer; files and folders that have no layer."""
    for module in package.trees:
        own = _layer(package, module, layers)
        if own is None:
            yield f"{module} has no layer"
            continue
        for line, target in package.inner_imports(module):
            other = _layer(package, target, layers)
            if other is not None and other < own:
                yield f"{module}:{line} imports {target}, a layer above it"


def circles(package: Package) -> Iterator[str]:
    """Modules that import each other, by whatever way; each circle once."""
    graph = {module: {target for _, target in package.inner_imports(module)} - {module} for module in package.trees}
    seen: set[frozenset[str]] = set()
    finished: set[str] = set()

    def walk(module: str, way: list[str]) -> Iterator[str]:
        """Follow the imports of a module, to which a way leads."""
        if module in way:
            circle = way[way.index(module):]
            if frozenset(circle) not in seen:
                seen.add(frozenset(circle))
                yield " -> ".join([*circle, module])
        elif module not in finished:
            for target in sorted(graph[module]):
                yield from walk(target, [*way, module])
            finished.add(module)

    for module in graph:
        yield from walk(module, [])


def impurities(package: Package, pure: Iterable[str], library: str) -> Iterator[str]:
    """Imports of a library by modules that must not know it, their own or those of what they import."""
    for name in pure:
        module = f"{package.name}.{name}"
        if module not in package.trees:
            yield f"{module}: there is no such file"
            continue
        ways = {module: module}  # and how to get there
        for inner in (remaining := [module]):
            for one in package.imports(inner):
                if one.target == UNREADABLE or one.target.partition(".")[0] == library:
                    what = "what cannot be read" if one.target == UNREADABLE else one.target
                    yield f"{ways[inner]}:{one.line} imports {what}"
            for _, target in package.inner_imports(inner):
                if target not in ways:
                    ways[target] = f"{ways[inner]} -> {target}"
                    remaining.append(target)


def private_names(package: Package, library: str, private_modules: Iterable[str], home: str) -> Iterator[str]:
    """Uses of a library's private names outside the folder that is for them.

    An attribute with an underscore is taken for the library's where no file of the package defines it: the type of an
    object is not known here.
    """
    ours = set().union(_NAMEDTUPLE, *map(_defined, package.trees.values()))
    for module, tree in package.trees.items():
        if f"{module}.".startswith(f"{package.name}.{home}."):
            continue
        meanings = {}
        for one in package.imports(module):
            meanings[one.name] = one.meaning
            if _is_private(one.target, library, private_modules):
                yield f"{module}:{one.line} imports {one.target}"
        chained = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and id(node) not in chained:
                root, path = _path(node)
                foreign = [name for name in path.split(".") if _is_underscored(name) and name not in ours]
                if foreign or _is_private(f"{meanings.get(root, root)}.{path}", library, private_modules):
                    yield f"{module}:{node.lineno} uses {root}.{path}"
            elif (name := _name_in_quotes(node)) and _is_underscored(name) and name not in ours:
                yield f"{module}:{node.lineno} uses {name!r}"


def long_files(package: Package, most: int) -> Iterator[str]:
    """Files of more lines than fit into a reader's head."""
    for module, path in package.files.items():
        lines = len(path.read_text(encoding="utf-8").splitlines())
        if lines > most:
            yield f"{module}: {lines} lines"


def folders_without_readme(package: Package) -> Iterator[str]:
    """Folders of several files that no README.md explains. The package's own folder has the project's."""
    folders = {path.parent for path in package.files.values()} - {package.folder}
    for folder in sorted(folders):
        files = [path for path in folder.glob("*.py") if path.name != "__init__.py"]
        if len(files) > 1 and not (folder / "README.md").is_file():
            yield f"{package.name}/{folder.relative_to(package.folder).as_posix()}"


def _layer(package: Package, module: str, layers: Layers) -> int | None:
    """The number of a module's layer from the top: that of the longest name which it is or is below."""
    rows = {name: number for number, row in enumerate(layers) for name in row}
    name = module.removeprefix(package.name).removeprefix(".")
    if not name:
        return rows.get("__init__")
    while name and name not in rows:
        name = name.rpartition(".")[0]
    return rows.get(name)


def _is_underscored(name: str) -> bool:
    """Whether a name is private; __name__ is not."""
    return name.startswith("_") and not (name.startswith("__") and name.endswith("__"))


def _is_private(target: str, library: str, private_modules: Iterable[str]) -> bool:
    """Whether a dotted name is private of the library."""
    first, *others = target.split(".")
    return first == library and (
        any(map(_is_underscored, others)) or any(f"{target}.".startswith(f"{name}.") for name in private_modules)
    )


def _defined(tree: ast.Module) -> set[str]:
    """The names that a file gives: to functions, classes, variables, and to attributes of self."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            if isinstance(node.value, ast.Name) and node.value.id in ("self", "cls"):
                names.add(node.attr)
        elif isinstance(node, ast.Assign) and any(getattr(target, "id", "") == "__slots__" for target in node.targets):
            names.update(one.value for one in ast.walk(node.value) if isinstance(one, ast.Constant))
    return names


def _path(node: ast.Attribute) -> tuple[str, str]:
    """What a chain of attributes starts from, and the chain: a.b.c gives a and b.c."""
    names: list[str] = []
    inner: ast.expr = node
    while isinstance(inner, ast.Attribute):
        names.insert(0, inner.attr)
        inner = inner.value
    return inner.id if isinstance(inner, ast.Name) else "(...)", ".".join(names)


def _name_in_quotes(node: ast.AST) -> str:
    """The attribute that getattr(x, "name"), x.__dict__["name"] or vars(x)["name"] stands for."""
    value: ast.expr | None = None
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") in _BY_NAME and len(node.args) > 1:
        value = node.args[1]
    elif isinstance(node, ast.Subscript):
        of_dict = isinstance(node.value, ast.Attribute) and node.value.attr == "__dict__"
        of_vars = isinstance(node.value, ast.Call) and getattr(node.value.func, "id", "") == "vars"
        value = node.slice if of_dict or of_vars else None
    return value.value if isinstance(value, ast.Constant) and isinstance(value.value, str) else ""
