"""Every case of the table: values and gradients, both modes, batched and unbatched, against torch."""

from __future__ import annotations

import oracle
import pytest
import table
from harness import check_case
from oracle import assert_close


@pytest.mark.parametrize(("case", "transposed"), table.parameters())
def test_values_and_gradients(case, transposed):
    check_case(case, transposed)


@pytest.mark.parametrize(("case", "transposed"), table.parameters(table.FEW_NAMES, table.is_not_of_one_dimension))
def test_values_and_gradients_in_graph_mode(case, transposed, graph_mode):
    check_case(case, transposed)


def test_table_is_large_enough():
    counts = {operator: len(rows) for operator, rows in table.CASES.items()}
    assert min(counts.values()) >= 100
    assert min(counts["conv2d"], counts["conv_transpose2d"]) >= 300
    assert len(table.ROWS) == sum(counts.values())  # no name twice


def test_smoke_set_is_of_the_table():
    assert set(table.SMOKE_NAMES) <= table.ROWS.keys()


@pytest.mark.skipif(oracle.torch is None, reason="compares the reference with torch, which is not installed")
def test_reference_is_torch():
    for case, transposed in table.ROWS.values():
        inputs = oracle.make_inputs(case, transposed)
        expected, scales = oracle.torch_results(case, transposed, inputs), oracle.scales(case, transposed, inputs)
        for actual, wanted, scale in zip(oracle.reference(case, transposed, inputs), expected, scales, strict=True):
            assert (actual is None) == (wanted is None)
            if wanted is not None:
                assert_close(actual, wanted, scale, "float64", case.name)
