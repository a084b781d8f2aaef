"""README.md of this folder says what the tests show: each row has its tests, and each repro its defect."""

from __future__ import annotations

import ast
import importlib.util
import pathlib
import re
import signal

import pytest
from defects import FOLDER, MENDED, ROOT, VERSION, run_script

README = (FOLDER / "README.md").read_text(encoding="utf-8")
HEADING = ["id", "what is wrong", "seen in", "what mscompat does instead", "what can go once it is mended", "tests"]
ROWS = [
    dict(zip(HEADING, re.split(r" \| ", line.strip("| ")), strict=True))
    for line in re.findall(r"^\| MS-.*$", README, re.MULTILINE)
]
REPROS = dict(re.findall(r"^\*\*(MS-\d\d)\*\*[^\n]*\n\n```python\n(.*?)```", README, re.DOTALL | re.MULTILINE))
ENDS_THE_PROCESS, SLOW, NEEDS_ONNX = "MS-21", "MS-27", "MS-33"  # that of MS-28 raises nothing with NumPy 1


def find_tests(path):
    """{name: docstring} of a file; that of a method has its class before it."""
    tests = {}
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        inner = [(f"{node.name}::", item) for item in node.body] if isinstance(node, ast.ClassDef) else [("", node)]
        for prefix, item in inner:
            if isinstance(item, ast.FunctionDef) and item.name.startswith("test_"):
                tests[prefix + item.name] = ast.get_docstring(item) or ""
    return tests


def find_tests_below(folder):
    return {name: text for path in sorted(folder.rglob("test_*.py")) for name, text in find_tests(path).items()}


def names_of(row):
    return re.findall(r"`((?:\w+::)?test_\w+)`", row["tests"])


def test_every_id_is_given_once_and_none_is_left_out():
    ids = [row["id"] for row in ROWS]
    assert sorted(ids) == [f"MS-{number:02}" for number in range(1, len(ids) + 1)]


def test_each_row_has_its_tests_or_says_why_there_are_none():
    here = {
        name: text for path in FOLDER.glob("test_*.py") if path != pathlib.Path(__file__)
        for name, text in find_tests(path).items()
    }
    assert {name: text for name, text in here.items() if not re.match(r"MS-\d\d: ", text)} == {}
    elsewhere = find_tests_below(FOLDER.parent).keys() - here.keys()
    stated = {(row["id"], name) for row in ROWS for name in names_of(row)}
    assert {(text[:5], name) for name, text in here.items()} == {pair for pair in stated if pair[1] in here}
    for row in ROWS:
        names = names_of(row)
        assert bool(names) != row["tests"].startswith("none: "), row["id"]
        assert set(names) <= (elsewhere if row["tests"].startswith("elsewhere") else here.keys()), row["id"]


def test_every_id_that_is_cited_has_a_row():
    ids = {row["id"] for row in ROWS}
    files = [
        path for folder in ("mscompat", "tests", "examples") for path in (ROOT / folder).rglob("*")
        if path.suffix in (".py", ".md")
    ]
    for path in [*files, *ROOT.glob("*.md")]:
        assert set(re.findall(r"\bMS-\d+\b", path.read_text(encoding="utf-8"))) <= ids, path


def test_repros_are_of_five_lines_at_most():
    assert set(REPROS) <= {row["id"] for row in ROWS}
    assert max(len(block.splitlines()) for block in REPROS.values()) == 5


def test_repros_show_their_defects(tmp_path):
    """In one process: each repro's assertions hold."""
    left_out = {SLOW, ENDS_THE_PROCESS}
    if importlib.util.find_spec("onnx") is None:
        left_out.add(NEEDS_ONNX)
    ids = [id for id in REPROS if id not in left_out]
    for id in ids:
        (tmp_path / f"{id}.py").write_text(REPROS[id], encoding="utf-8")
    result = run_script(f"""
        import runpy, traceback

        for id in {ids}:
            try:
                runpy.run_path(id + ".py")
            except Exception:
                print(id, traceback.format_exc())
            else:
                print(id)
    """, tmp_path)
    assert result.stdout.splitlines() == ids, f"{MENDED} {result.stdout} {result.stderr}"


def test_repro_ends_the_process(tmp_path):
    result = run_script(REPROS[ENDS_THE_PROCESS], tmp_path)
    assert result.returncode == -signal.SIGFPE, f"{MENDED} {result.stderr}"


def test_repro_prints_the_slow_loop(tmp_path):
    result = run_script(REPROS[SLOW], tmp_path)
    assert result.returncode == 0, result.stderr
    if VERSION < (2, 9):
        pytest.skip("the oneDNN of this MindSpore has no slow loop, and knows no ONEDNN_VERBOSE")
    assert ",cpu,convolution," in result.stdout
    if "avx512f" not in pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8"):
        pytest.skip("oneDNN takes the slow loop on processors with AVX-512, and this one has none")
    (expected,) = re.findall(r"# prints ([^ ,]+),", REPROS[SLOW])
    assert expected in result.stdout, f"{MENDED} {result.stdout}"
