"""Text that comes from a file."""

from __future__ import annotations

import pytest

from mscompat.weights.printing import printable


@pytest.mark.parametrize(
    ("text", "printed"),
    [("weight.0", "weight.0"), ("", ""), ("a\x1b[2J", r"'a\x1b[2J'"), ("名", r"'\u540d'"), ("a\nb", r"'a\nb'")],
)
def test_printable(text, printed):
    assert printable(text) == printed
