"""Every function that torch's own suite knows and we have, with every sample that it lists: values and gradients."""

from __future__ import annotations

import mindspore as ms
import pytest
from module_names import FUNCTION_DIFFERENCES, FUNCTIONS, RANDOM_FUNCTIONS, SLOW, WRONG_DIFFERENCES

torch = pytest.importorskip("torch", reason="torch is what functions are compared with")
pytest.importorskip("expecttest", reason="torch's own suite, torch.testing._internal, needs it")

import torch_suite  # noqa: E402

import mscompat  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # torch's, of losses, which are ours too


def rows():
    """All of float32. Of float64 no graphs: what computes it is the same there.

    Of SLOW functions neither: their modules' inputs run in graphs and in float64.
    """
    for name in FUNCTIONS:
        if name in RANDOM_FUNCTIONS:
            continue  # test_dropout.py, test_activation.py
        for dtype, mode in (("float32", "pynative"), ("float64", "pynative"), ("float32", "graph")):
            if name in SLOW and (dtype, mode) != ("float32", "pynative"):
                continue
            is_fast = (dtype, mode) == ("float32", "pynative") and name not in SLOW
            yield pytest.param(
                name, dtype, mode, id=f"{name}-{dtype}-{mode}", marks=[] if is_fast else pytest.mark.slow
            )


@pytest.fixture
def in_mode(mode):
    ms.set_context(mode=ms.GRAPH_MODE if mode == "graph" else ms.PYNATIVE_MODE)
    yield
    ms.set_context(mode=ms.PYNATIVE_MODE)


@pytest.mark.parametrize(("name", "dtype", "mode"), list(rows()))
def test_as_torch_lists_it(name, dtype, mode, in_mode, record_property):
    infos = torch_suite.function_infos(name)
    assert infos, f"torch's op_db has no {name}"
    found, count = {}, 0
    for info in infos:
        if torch_suite.DTYPES[dtype] not in info.dtypes:
            continue
        for index, call in enumerate(torch_suite.function_calls(info, dtype)):
            count += 1
            sentences = compare(name, info, call, dtype)
            if sentences:
                found[info.variant_test_name, index] = f"{call.text}: {'; '.join(sentences)}"
    record_property("torch_functions", (name, count, len(found)))
    expected = {
        (variant, index) for one, variant, index, where in FUNCTION_DIFFERENCES
        if one == name and where in (dtype, mode, "everywhere")
    }
    unexpected = {key: text for key, text in found.items() if key not in expected}
    assert not unexpected, "\n".join(f"{key}: {text}" for key, text in unexpected.items())
    assert expected <= found.keys(), f"no longer different: {expected - found.keys()}"


def compare(name, info, call, dtype):
    theirs, ours = info.op, getattr(mscompat.functional, name)
    expected = torch_suite.torch_outcome(theirs, call, torch_suite.DTYPES[dtype], False, None)
    exact = torch_suite.torch_outcome(theirs, call, torch.float64, False, None)
    shapes = [(output.shape, output.dtype) for output in expected.outputs]
    return torch_suite.differences(torch_suite.mindspore_outcomes(ours, call, shapes, 2), expected, exact)


@pytest.mark.parametrize("mode", ["pynative", "graph"])
@pytest.mark.parametrize("name", list(filter(torch_suite.has_function_errors, FUNCTIONS)))
def test_wrong_as_torch_lists_it(name, mode, in_mode):
    """torch's class and sentence."""
    count = 0
    for info in torch_suite.function_infos(name):
        if info.error_inputs_func is None:
            continue
        for error in info.error_inputs("cpu"):
            sample = error.sample_input
            call = torch_suite.Call(None, ((sample.input, *sample.args), sample.kwargs), "")
            count += 1
            if (name, info.variant_test_name, count - 1) in WRONG_DIFFERENCES:
                continue
            with pytest.raises(error.error_type, match=error.error_regex):
                torch_suite.call_mindspore(getattr(mscompat.functional, name), call)
    assert count
