"""examples/README_zh.md says what examples/README.md says: the same code in the same places, all else in Chinese.

The code itself is tested as the English guide's: test_porting_guide.py, test_porting_tensors.py, test_porting_data.py.
"""

from __future__ import annotations

import collections
import re

import pytest
from porting_guide import EXAMPLES, GUIDE

CHINESE = (EXAMPLES / "README_zh.md").read_text(encoding="utf-8")
CODE_BLOCK = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)
HAN = re.compile("[\u4e00-\u9fff]")


def sections(text):
    """The text before the first heading of the second level, and each section with its heading."""
    return re.split(r"^(?=## )", text, flags=re.MULTILINE)


def codes(text):
    """What stands in quotes, and how often, without the blocks."""
    return collections.Counter(re.findall("`([^`\n]+)`", CODE_BLOCK.sub("", text)))


def rows(text):
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in text.split("\n") if line[:2] == "| "]


def items(text):
    """What the items of lists begin with."""
    return re.findall(r"^(?:\d\.|-) ", CODE_BLOCK.sub("", text), re.MULTILINE)


def differences(english, chinese):
    """Each place where the two guides do not say the same, as far as code shows it."""
    if CODE_BLOCK.findall(english) != CODE_BLOCK.findall(chinese):
        yield "blocks of code"
    pairs = list(zip(sections(english), sections(chinese), strict=False))
    if len(sections(english)) != len(sections(chinese)):
        yield "number of sections"
    for one, other in pairs:
        heading = one.partition("\n")[0]
        if codes(one) != codes(other):
            yield f"{heading}: {codes(one) - codes(other)}, {codes(other) - codes(one)}"
        if items(one) != items(other):
            yield f"{heading}: items of lists"
        if len(rows(one)) != len(rows(other)):
            yield f"{heading}: number of rows"
        for row, other_row in zip(rows(one), rows(other), strict=False):
            if len(row) != len(other_row) or any(map(cells_differ, row, other_row)):
                yield f"{heading}: {other_row}"


def cells_differ(english, chinese):
    """Code, numbers and torch's name are the same in both; a text holds the same code and some Chinese."""
    text = re.sub("`[^`]*`|torch|[-]", "", english)
    if not text.strip():
        return english != chinese
    return codes(english) != codes(chinese) or not HAN.search(chinese)


def test_chinese_guide_has_the_same_code():
    assert list(differences(GUIDE, CHINESE)) == []
    assert len(rows(CHINESE)) > 100


def test_each_guide_begins_with_a_link_to_the_other():
    assert GUIDE.partition("\n")[0] == "English | [中文](README_zh.md)"
    assert CHINESE.partition("\n")[0] == "[English](README.md) | 中文"


def test_prose_is_chinese():
    """No paragraph and no item was left in English."""
    for paragraph in re.split(r"\n\n|\n(?=\d\. |- )", CODE_BLOCK.sub("", CHINESE)):
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
    ("| `nn.GELU()` | `nn.GELU()` | 用 tanh 近似 |\n", ""),
    ("- 不写 `shuffle=False` ", "不写 `shuffle=False` "),
    ("## 优化器", "# 优化器"),
])
def test_a_difference_is_noticed(old, new):
    assert old in CHINESE
    assert list(differences(GUIDE, CHINESE.replace(old, new, 1)))
