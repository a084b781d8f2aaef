"""Every case of the table: values and gradients, both modes, batched and unbatched, against torch."""

from __future__ import annotations

import cases
import numpy as np
import oracle
import pytest
from harness import make_layer, run_case, run_case_batched_and_unbatched
from oracle import assert_close

TABLE = [(case, False) for case in cases.conv2d_cases()] + [(case, True) for case in cases.conv_transpose2d_cases()]
NAMES = [f"{'conv_transpose2d' if transposed else 'conv2d'}-{case.name}" for case, transposed in TABLE]


@pytest.mark.parametrize(("case", "transposed"), TABLE, ids=NAMES)
def test_case(case, transposed, mode):
    inputs = oracle.make_inputs(case, transposed)
    layer = make_layer(case, transposed, inputs)
    expected = oracle.expected(case, transposed, inputs)
    if case.batch == 0:
        results = run_case(layer, case, inputs)
        for name, actual, wanted in zip(results._fields, results, expected, strict=True):
            if wanted is not None:
                assert_close(actual, wanted, case.dtype, name)
        return

    batched, unbatched = run_case_batched_and_unbatched(layer, case, inputs)
    first = inputs._replace(input=inputs.input[:1], cotangent=inputs.cotangent[:1])
    expected_first = oracle.expected(case, transposed, first)
    assert_close(batched.output, expected.output, case.dtype, "output")
    assert_close(batched.input_gradient, expected.input_gradient, case.dtype, "input gradient")
    assert_close(unbatched.output, expected_first.output[0], case.dtype, "unbatched output")
    assert_close(unbatched.input_gradient, expected_first.input_gradient[0], case.dtype, "unbatched input gradient")
    assert_close(batched.weight_gradient, expected.weight_gradient + expected_first.weight_gradient, case.dtype,
                 "weight gradient")
    if inputs.bias is not None:
        assert_close(batched.bias_gradient, expected.bias_gradient + expected_first.bias_gradient, case.dtype,
                     "bias gradient")


def test_table_is_large_enough():
    assert len(cases.conv2d_cases()) >= 300
    assert len(cases.conv_transpose2d_cases()) >= 300
    assert len(set(NAMES)) == len(NAMES)


@pytest.mark.skipif(oracle.torch is None, reason="compares the reference with torch, which is not installed")
@pytest.mark.parametrize(("case", "transposed"), TABLE, ids=NAMES)
def test_reference_is_torch(case, transposed):
    inputs = oracle.make_inputs(case, transposed)
    pairs = zip(oracle.reference(case, transposed, inputs), oracle.torch_results(case, transposed, inputs), strict=True)
    for actual, wanted in pairs:
        assert (actual is None) == (wanted is None)
        if wanted is not None:
            assert_close(actual, wanted, "float64")


@pytest.mark.parametrize("transposed", [False, True])
def test_non_contiguous_input(transposed, mode):
    import mindspore as ms

    table = cases.conv_transpose2d_cases() if transposed else cases.conv2d_cases()
    case = table[0]._replace(name="non_contiguous")
    inputs = oracle.make_inputs(case, transposed)
    layer = make_layer(case, transposed, inputs)
    view = ms.Tensor(np.ascontiguousarray(inputs.input.transpose(0, 3, 1, 2)), ms.float32).transpose(0, 2, 3, 1)
    assert_close(layer(view).asnumpy(), oracle.expected(case, transposed, inputs).output, case.dtype)
