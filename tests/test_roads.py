"""The whole table on each road: not only on the one that this processor takes."""

from __future__ import annotations

import cases
import pytest
from harness import check_case

from mscompat import _onednn
from mscompat._geometry import Convolution
from mscompat._lowering import roads

TABLE = [(case, False) for case in cases.conv2d_cases()] + [(case, True) for case in cases.conv_transpose2d_cases()]
NAMES = [f"{'conv_transpose2d' if transposed else 'conv2d'}-{case.name}" for case, transposed in TABLE]


def thinned(step, offset):
    """One in step by default, the rest marked slow."""
    return [
        pytest.param(*row, marks=[] if position % step == offset else pytest.mark.slow, id=name)
        for position, (row, name) in enumerate(zip(TABLE, NAMES, strict=True))
    ]


@pytest.fixture
def slow_onednn(monkeypatch):
    """A process in which oneDNN takes its reference loop, and can no longer be kept from it."""
    monkeypatch.setattr(_onednn, "_state", _onednn.State.ENVIRONMENT)


@pytest.fixture
def small_tiles(monkeypatch):
    """Products of a fifth of the patches, at most: several tiles in every case."""
    monkeypatch.setattr(Convolution, "limit", lambda self: max(self.patches() // 5, 1))
    clear()
    yield
    clear()


def clear():
    for made in (roads._conv2d, roads._input_gradient, roads._weight_gradient):
        made.cache_clear()


@pytest.mark.parametrize(("case", "transposed"), thinned(12, 0))
def test_products(case, transposed, slow_onednn):
    check_case(case, transposed)


@pytest.mark.parametrize(("case", "transposed"), thinned(24, 1))
def test_products_in_tiles(case, transposed, slow_onednn, small_tiles):
    check_case(case, transposed)


@pytest.mark.parametrize(("case", "transposed"), thinned(64, 2))
def test_products_in_graph_mode(case, transposed, slow_onednn, graph_mode):
    check_case(case, transposed)


# A quarter of the table: the tiles are those of test_products_in_tiles, and a graph of them takes a second to compile.
@pytest.mark.parametrize(("case", "transposed"), thinned(64, 3)[3::4])
def test_products_in_tiles_in_graph_mode(case, transposed, slow_onednn, small_tiles, graph_mode):
    check_case(case, transposed)
