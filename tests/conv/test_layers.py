"""Every case of the table: values and gradients, both modes, batched and unbatched, against torch."""

from __future__ import annotations

import cases
import oracle
import pytest
from harness import check_case
from oracle import assert_close

TABLE = [(case, False) for case in cases.conv2d_cases()] + [(case, True) for case in cases.conv_transpose2d_cases()]
NAMES = [f"{'conv_transpose2d' if transposed else 'conv2d'}-{case.name}" for case, transposed in TABLE]
# A graph takes a quarter of a second to compile: four fifths of them are left to CI.
GRAPHS = [
    pytest.param(*row, marks=[] if position % 5 == 0 else pytest.mark.slow, id=name)
    for position, (row, name) in enumerate(zip(TABLE, NAMES, strict=True))
]


@pytest.mark.parametrize(("case", "transposed"), TABLE, ids=NAMES)
def test_pynative(case, transposed):
    check_case(case, transposed)


@pytest.mark.parametrize(("case", "transposed"), GRAPHS)
def test_graph(case, transposed, graph_mode):
    check_case(case, transposed)


def test_table_is_large_enough():
    assert len(cases.conv2d_cases()) >= 300
    assert len(cases.conv_transpose2d_cases()) >= 300
    assert len(set(NAMES)) == len(NAMES)


@pytest.mark.skipif(oracle.torch is None, reason="compares the reference with torch, which is not installed")
def test_reference_is_torch():
    for case, transposed in TABLE:
        inputs = oracle.make_inputs(case, transposed)
        expected, scales = oracle.torch_results(case, transposed, inputs), oracle.scales(case, transposed, inputs)
        for actual, wanted, scale in zip(oracle.reference(case, transposed, inputs), expected, scales, strict=True):
            assert (actual is None) == (wanted is None)
            if wanted is not None:
                assert_close(actual, wanted, scale, "float64", case.name)
