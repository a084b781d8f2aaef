"""What the pages show is run, the Chinese ones say the same as the English ones, and their links lead somewhere."""

from __future__ import annotations

import ast
import collections
import configparser
import importlib
import json
import os
import pathlib
import re
import shlex
import statistics
import subprocess
import sys
import textwrap

import mindspore as ms
import numpy as np
import pytest
from safetensors.numpy import save_file

import mscompat
from mscompat import check
from mscompat.check import golden

ROOT = pathlib.Path(__file__).parent.parent
PAGES = [
    *ROOT.glob("*.md"),
    *(path for folder in ("mscompat", "tests", "examples") for path in sorted((ROOT / folder).rglob("*.md"))),
]
TRANSLATED = ["README.md", "examples/README.md"]
FRONT = ROOT / "README.md"
HAN = re.compile("[\u4e00-\u9fff]")
VERDICTS = {"正确": "right", "错误": "wrong", "报错": "raises"}


def read(path):
    return pathlib.Path(path).read_text(encoding="utf-8")


def translations(name):
    """A page, and its Chinese form."""
    path = ROOT / name
    return read(path), read(path.with_name("README_zh.md"))


def blocks_of(text):
    """(language, code) of each block."""
    found = re.findall(r"^( *)```(\w+)\n(.*?)^\1```$", text, re.DOTALL | re.MULTILINE)
    return [(language, textwrap.dedent(code)) for _, language, code in found]


def blocks_in(path, language):
    return [code for other, code in blocks_of(read(path)) if other == language]


def without_comments(language, code):
    if language == "python":
        return ast.unparse(ast.parse(code))
    return [shlex.split(line, comments=True) for line in code.splitlines()] if language == "bash" else code


def without_blocks(text):
    return re.sub(r"^( *)```.*?^\1```$", "", text, flags=re.DOTALL | re.MULTILINE)


def spans_of(text):
    """The code within lines."""
    return collections.Counter(re.findall(r"`([^`\n]+)`", text))


def tables_of(text):
    """Of each table, the cells of each row."""
    tables = re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)
    return [[line.strip("|").split(" | ") for line in table.splitlines()] for table in tables]


def links_of(text):
    text = without_blocks(text)
    found = re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r'<img src="([^"]+)"', text)
    return [link for link in found if not re.match(r"https?:", link)]


def anchors_of(text):
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.*)$", without_blocks(text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


# Pages


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(path):
    for link in links_of(read(path)):
        name, _, anchor = link.partition("#")
        target = path.parent / name if name else path
        assert target.exists(), link
        if anchor:
            assert anchor in anchors_of(read(target)), link


def test_links_are_found():
    assert links_of('[a](b.md#c) ![d](e.png) <img src="f.jpg"> [g](https://h)\n```\n[i](j)\n```\n') == [
        "b.md#c", "e.png", "f.jpg",
    ]
    assert anchors_of("# `nn`'s. A b\n```\n# c\n```\n## 步骤\n") == {"nns-a-b", "步骤"}


@pytest.mark.parametrize("page", translations("README.md"), ids=["English", "Chinese"])
def test_the_first_page_is_short(page):
    assert len(page.splitlines()) <= 150


def differences(name, english, chinese):
    """Each place where a page and its Chinese form do not say the same, as far as code, numbers and tables show it."""
    is_guide = name != "README.md"
    blocks = [blocks_of(page) for page in (english, chinese)]
    if not is_guide:  # its comments are translated
        blocks = [[(language, without_comments(language, code)) for language, code in each] for each in blocks]
    if blocks[0] != blocks[1]:
        yield "blocks of code"
    english, chinese = without_blocks(english), without_blocks(chinese)
    files = [sorted(link.partition("#")[0].replace("README_zh.md", "README.md") for link in links_of(page))
             for page in (english, chinese)]
    if files[0] != files[1]:
        yield "links"
    sizes = [sum(len(paragraph) > 80 for paragraph in page.split("\n\n")) for page in (english, chinese)]
    if sizes[1] <= 0.5 * sizes[0]:
        yield "length"
    numbers = [] if is_guide else [r"(?<![A-Za-z_\d.])\d+(?:\.\d+)*"]  # a guide may have words for some
    sections = [re.split(r"^(?=## )", page, flags=re.MULTILINE) for page in (english, chinese)]
    if len(sections[0]) != len(sections[1]):
        yield "number of sections"
    for one, other in zip(*sections, strict=False):
        heading = one.partition("\n")[0]
        if spans_of(one) != spans_of(other):
            yield f"{heading}: {spans_of(one) - spans_of(other)}, {spans_of(other) - spans_of(one)}"
        for what in (r"^#+ ", r"^- ", r"^\d\. ", r"^> \*\*", *numbers):
            counts = [collections.Counter(re.findall(what, section, re.MULTILINE)) for section in (one, other)]
            if counts[0] != counts[1]:
                yield f"{heading}: {what}"
    tables = [tables_of(page) for page in (english, chinese)]
    if [len(table) for table in tables[0]] != [len(table) for table in tables[1]]:
        yield "numbers of rows"
    for rows in zip(*tables, strict=False):
        for row, other_row in zip(*rows, strict=False):
            if len(row) != len(other_row) or any(map(cells_differ, row, other_row, [is_guide] * len(row))):
                yield f"row: {other_row}"


def cells_differ(english, chinese, is_guide):
    """Code and verdicts are the same in both. Of the guide, so is all but text, and text has some Chinese."""
    if spans_of(english) != spans_of(chinese):
        return True
    if re.match("right|wrong|raises", english.strip()) and verdict_of(english) != verdict_of(chinese):
        return True
    if (english.strip() in ("-", "---", "")) != (chinese.strip() in ("-", "---", "")):
        return True
    if not is_guide:
        return False
    is_text = re.sub("`[^`]*`|torch|[-]", "", english).strip() != ""
    return not HAN.search(chinese) if is_text else english.strip() != chinese.strip()


def verdict_of(cell):
    """What a cell of the guide's last columns says: right, wrong or raises, and whether in MindSpore 2.7 alone."""
    found = re.match("right|wrong|raises", cell.strip()) or re.search("|".join(VERDICTS), cell)
    return found and (VERDICTS.get(found[0], found[0]), "2.7" in cell)


@pytest.mark.parametrize("name", TRANSLATED)
def test_the_chinese_page_says_the_same(name):
    english, chinese = translations(name)
    assert english.startswith("English | [中文](README_zh.md)\n")
    assert chinese.startswith("[English](README.md) | 中文\n")
    assert len(blocks_of(english)) > 2
    assert sum(map(len, tables_of(chinese))) > (10 if name == "README.md" else 100)
    assert list(differences(name, english, chinese)) == []


def test_the_prose_of_the_chinese_guide_is_chinese():
    """No paragraph and no item was left in English."""
    for paragraph in re.split(r"\n\n|\n(?=\d\. |- )", without_blocks(translations("examples/README.md")[1])):
        text = re.sub("`[^`]*`", "", paragraph)
        if re.search("[A-Za-z]{3}", text) and not text.startswith("| "):
            assert HAN.search(text), paragraph


@pytest.mark.parametrize(("old", "new"), [
    ("| `x.size(1)` | `x.shape[1]` |", "| `x.size(1)` | `x.shape[0]` |"),
    ("batch_size=4, drop_last=True", "batch_size=4"),
    ("stop_gradient(x)`。", "stop_gradient(y)`。"),
    ("nn.Linear(48, 3)", "nn.Linear(48, 4)"),
    ("`torch.randperm(5)`", "`torch.randperm(6)`"),
    ("| 报错 | 报错 |\n", "| 报错 | raises |\n"),
    ("| 报错 | 报错 |\n", "| 报错 | 正确 |\n"),
    ("| `nn.GELU()` | `nn.GELU()` | 用 tanh 近似 |\n", ""),
    ("- 不写 `shuffle=False` ", "不写 `shuffle=False` "),
    ("## 优化器", "# 优化器"),
])
def test_a_difference_is_noticed(old, new):
    name = "examples/README.md"
    english, chinese = translations(name)
    assert old in chinese
    assert list(differences(name, english, chinese.replace(old, new, 1)))


# What README.md shows


def port():
    """The network in torch and its port."""
    return blocks_in(FRONT, "python")[:2]


def test_the_port_differs_in_its_imports():
    original, ported = (code.splitlines() for code in port())
    assert original[2:] == ported[2:]
    assert [line.replace("torch", "mscompat") for line in original[:2]] == ported[:2]


@pytest.mark.usefixtures("mode")
def test_the_port_runs(tmp_path, monkeypatch):
    """In both modes; and as it is in torch in torch, with the same outputs."""
    original, ported = port()
    (tmp_path / "net_mscompat.py").write_text(ported, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    network = importlib.import_module("net_mscompat").Net().eval()
    monkeypatch.delitem(sys.modules, "net_mscompat")
    image = np.random.RandomState(0).standard_normal((2, 3, 16, 18)).astype(np.float32)
    output = network(ms.Tensor(image)).asnumpy()
    assert output.shape == (2, 10)
    torch = pytest.importorskip("torch", reason="runs the same network in torch")
    names: dict = {}
    exec(original, names)
    other = names["Net"]().eval()
    other.load_state_dict({name: torch.tensor(value) for name, value in mscompat.torch_state_dict(network).items()})
    with torch.no_grad():
        np.testing.assert_allclose(output, other(torch.from_numpy(image)).numpy(), rtol=1e-5, atol=1e-6)


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    """Run shell commands, and give what they print, in a folder where the code of the first page has run."""
    pytest.importorskip("torch", reason="the page's code compares with torch, which is not installed")
    folder = tmp_path_factory.mktemp("page")
    for name, code in zip(("net_torch", "net_mscompat", "compare"), blocks_in(FRONT, "python"), strict=True):
        (folder / f"{name}.py").write_text(code, encoding="utf-8")
    (folder / "bin").mkdir()
    program = folder / "bin" / "mscompat"
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m mscompat "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    environment = {
        **os.environ, "PYTHONPATH": str(ROOT), "PATH": os.pathsep.join([str(program.parent), os.environ["PATH"]])
    }

    def run(command):
        return subprocess.run(
            command, shell=True, cwd=folder, env=environment, capture_output=True, text=True, timeout=1200, check=True
        ).stdout

    run.first = run(f"{shlex.quote(sys.executable)} compare.py")
    return run


def test_the_difference_is_the_one_that_is_told(session):
    """Its last places are those of the processor."""
    pattern = r"max \|difference\| ([\d.e-]+), of outputs up to ([\d.]+)"
    (told,) = re.findall(f"`{pattern}`", read(FRONT))
    ((difference, largest),) = re.findall(f"^{pattern}$", session.first, re.MULTILINE)
    assert largest == told[1]
    assert float(difference) < 4 * float(told[0])


def commands():
    """(command, what it prints) of the page's session."""
    (text,) = blocks_in(FRONT, "console")
    return [tuple(part.split("\n", 1)) for part in text.split("$ ")[1:]]


@pytest.mark.parametrize(("command", "printed"), [
    pytest.param(*pair, marks=[pytest.mark.slow] if pair[0].startswith("mscompat check") else [], id=pair[0])
    for pair in commands()
])
def test_commands_print_what_is_told(command, printed, session):
    assert session(command) == printed


def test_the_verdict_counts_all_calls():
    count = len(golden.load()[1]) * len(check.DTYPES) * len(check.MODES)
    assert f"PASSED: on CPU, {count} calls give torch's values and gradients." in commands()[-1][1]


def test_the_first_page_names_what_is_there(monkeypatch):
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    (block,) = blocks_in(FRONT, "bash")
    for extra in re.findall(r"'\.\[(\w+)\]'", block):
        assert extra in config["options.extras_require"]
    for script in re.findall(r"python ([\w/]+\.py)", block):
        assert (ROOT / script).is_file()
    # .ci/run evaluates the first line that has this.
    assert next(line for line in read(FRONT).splitlines() if "python -m pytest" in line) in block.splitlines()
    monkeypatch.syspath_prepend(str(ROOT / "tests" / "nn"))
    modules = importlib.import_module("module_names").MODULES  # that are compared with torch's own inputs
    text = read(FRONT)
    assert f"(mscompat/nn/README.md), {len(modules)} modules" in text
    assert f"(mscompat/functional/README.md), {len(mscompat.functional.__all__)} functions" in text
    for name in re.findall(r"`(\w+)`", re.findall(r"^\| other layers .*$", text, re.MULTILINE)[0]):
        assert not hasattr(mscompat.nn, name)


def test_figures_are_of_the_last_run():
    """In README.md the means, in the benchmark's each network."""
    results = json.loads(read(ROOT / "tests" / "benchmark" / "results_networks.json"))
    values = {target["name"]: target["value"] for target in results["targets"]}
    orders = [(mode, passes) for mode in ("graph", "pynative") for passes in ("forward", "forward+backward")]
    means = {
        (mode, passes, other): f"{values[f'{mode}: mscompat / {other}, whole networks, {passes}, mean']:.2f}"
        for other in ("torch", "native") for mode, passes in orders
    }
    told = dict(re.findall(r"^- (Graph|PyNative) mode: (.*)$", read(FRONT), re.MULTILINE))
    for mode in ("Graph", "PyNative"):
        assert re.findall(r"\d\.\d\d", told[mode]) == [
            means[mode.lower(), passes, other]
            for other in ("torch", "native") for passes in ("forward", "forward+backward")
        ]
    medians = {
        (one["case"], one["pass"], one["contender"]): one["median"]
        for one in results["measurements"] if one["kind"] == "network"
    }
    _, networks, runs, *_ = tables_of(read(ROOT / "tests" / "benchmark" / "README.md"))
    for (_, *cells), other in zip(runs[2:4], ("torch", "native"), strict=True):
        assert [cell.split(",")[0].strip() for cell in cells] == [means[mode, passes, other] for mode, passes in orders]
    rows = networks[2:-1]
    assert [row[0].strip() for row in rows] == list(dict.fromkeys(case for case, _, _ in medians))
    for case, *cells in rows:
        case = case.strip()
        assert [cell.strip() for cell in cells] == [
            f"{medians[case, passes, f'mscompat {mode}'] / medians[case, passes, 'torch']:.2f}"
            for mode, passes in orders
        ]
    for cell, (mode, passes) in zip(runs[4][1:], orders, strict=True):
        cases = (case.strip() for case, *_ in rows)
        ratios = [medians[case, passes, f"native {mode}"] / medians[case, passes, "torch"] for case in cases]
        assert cell.strip() == f"{statistics.geometric_mean(ratios):.2f}"


# What other pages show


def test_checkpoints_load(tmp_path, monkeypatch):
    load, settings = blocks_in(ROOT / "mscompat" / "weights" / "README.md", "python")
    path = ROOT / "tests" / "weights" / "data" / "network_zip.pth"
    (tmp_path / "model.pth").write_bytes(path.read_bytes())
    monkeypatch.chdir(tmp_path)
    names: dict = {"cell": ms.nn.CellDict({"embedding": ms.nn.Embedding(5, 8)})}
    with pytest.raises(RuntimeError, match=r'Unexpected key.* "line.weight"'):
        exec(load, names)
    saved = {"embedding.weight": mscompat.load_torch_file(path)["model"]["module.embedding.weight"].numpy()}
    save_file(saved, tmp_path / "model.safetensors")
    exec(load.replace("model.pth", "model.safetensors"), names)
    np.testing.assert_equal(names["state_dict"], saved)
    torch = pytest.importorskip("torch", reason="writes a file with torch")
    torch.save({"epoch": 3, "mean": torch.tensor([0.5, 0.25])}, "model.pth")
    exec(settings, names)
    assert (names["epoch"], names["mean"].tolist()) == (3, [0.5, 0.25])
