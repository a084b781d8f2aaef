"""The networks of the examples are written as their torch originals are: imports differ, and what the guide names."""

from __future__ import annotations

import ast
import pathlib

import pytest

FOLDER = pathlib.Path(__file__).parent
EXAMPLES = FOLDER.parents[1] / "examples"
GUIDE = (EXAMPLES / "README.md").read_text(encoding="utf-8")
ORIGINALS = FOLDER / "torch_models.py"

# torch's spelling and the port's, as rows of the guide have them.
SPELLINGS = [
    ("torch.cat([x, y], dim=1)", "ops.cat([x, y], axis=1)"),
    ("torch.flatten(x, 1)", "ops.flatten(x, start_dim=1)"),
    ("torch.tanh(x)", "F.tanh(x)"),
    ("x.size(1)", "x.shape[1]"),
]


class Respelled(ast.NodeTransformer):
    """torch's source with the spellings of the guide."""

    def visit_Call(self, node):
        self.generic_visit(node)
        match ast.unparse(node.func):
            case "torch.cat":
                node.func = ast.parse("ops.cat", mode="eval").body
                for keyword in node.keywords:
                    keyword.arg = "axis" if keyword.arg == "dim" else keyword.arg
            case "torch.flatten":
                node.func = ast.parse("ops.flatten", mode="eval").body
                node.keywords = [ast.keyword("start_dim", node.args.pop())]
            case "torch.tanh":
                node.func = ast.parse("F.tanh", mode="eval").body
            case text if text.endswith(".size") and len(node.args) == 1:
                return ast.Subscript(ast.Attribute(node.func.value, "shape", ast.Load()), node.args[0], ast.Load())
        return node


def respell(text):
    return ast.unparse(Respelled().visit(ast.parse(text)))


def definitions(source):
    """{name: source without docstrings and comments} of classes and functions."""
    found = {}
    for node in ast.parse(source).body:
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
            for inner in ast.walk(node):
                if isinstance(inner, (ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(inner) is not None:
                    inner.body = inner.body[1:] or [ast.Pass()]
            found[node.name] = ast.unparse(node)
    return found


@pytest.mark.parametrize(("torch_spelling", "spelling"), SPELLINGS)
def test_spellings_are_in_the_guide(torch_spelling, spelling):
    assert respell(torch_spelling) == ast.unparse(ast.parse(spelling))
    assert f"| `{torch_spelling}` | `{spelling}` |" in GUIDE


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("models/[a-z]*.py")), ids=lambda path: path.stem)
def test_only_imports_and_spellings_differ(path):
    originals = definitions(ORIGINALS.read_text(encoding="utf-8"))
    ported = definitions(path.read_text(encoding="utf-8"))
    assert ported
    for name, text in ported.items():
        assert text == respell(originals[name]), name


def test_the_network_of_the_training_differs_in_its_imports():
    ported = definitions((EXAMPLES / "train_autoencoder.py").read_text(encoding="utf-8"))
    assert ported["Autoencoder"] == definitions(ORIGINALS.read_text(encoding="utf-8"))["Autoencoder"]


def test_a_difference_is_noticed():
    source = ORIGINALS.read_text(encoding="utf-8")
    assert definitions(source) != definitions(source.replace("out += x", "out -= x"))
