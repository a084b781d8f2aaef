"""Every module that torch's own suite knows and we have, with every input that it lists: values, gradients, state."""

from __future__ import annotations

import mindspore as ms
import pytest
from module_names import DIFFERENCES, MODE_DEPENDENT, MODULES, RANDOM, SLOW, WRONG_DIFFERENCES

torch = pytest.importorskip("torch", reason="torch is what modules are compared with")
pytest.importorskip("expecttest", reason="torch's own suite, torch.testing._internal, needs it")

import torch_suite  # noqa: E402

import mscompat  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # torch's, of losses, which are ours too


# Graphs take a second each to compile: by default, one module of each kind.
GRAPHS = (
    "BatchNorm2d", "ConstantPad2d", "Conv2d", "ConvTranspose2d", "Dropout", "GELU", "GroupNorm", "MSELoss", "MaxPool2d",
    "PReLU", "Softmax",
)


def rows():
    """All of float32. Of float64 no graphs: what computes it is the same there.

    In float64, not those in evaluation either that compute the same in training.
    """
    for name in MODULES:
        for training in (True, False):
            if training and name in RANDOM:
                continue  # test_dropout.py, test_activation.py
            is_same = not training and name not in (*MODE_DEPENDENT, *RANDOM)
            for dtype, mode in (("float32", "pynative"), ("float64", "pynative"), ("float32", "graph")):
                is_fast = dtype == "float32" and not is_same and name not in SLOW
                is_fast = is_fast and (mode == "pynative" or name in GRAPHS)
                if is_same and dtype == "float64":
                    continue
                yield pytest.param(
                    name, dtype, training, mode, marks=[] if is_fast else pytest.mark.slow,
                    id=f"{name}-{dtype}-{'training' if training else 'evaluation'}-{mode}",
                )


@pytest.fixture
def in_mode(mode):
    ms.set_context(mode=ms.GRAPH_MODE if mode == "graph" else ms.PYNATIVE_MODE)
    yield
    ms.set_context(mode=ms.PYNATIVE_MODE)


@pytest.mark.parametrize(("name", "dtype", "training", "mode"), list(rows()))
def test_as_torch_lists_it(name, dtype, training, mode, in_mode, record_property):
    calls = torch_suite.module_calls(name, dtype, training)
    assert calls, f"no inputs of {name}: add some to MORE_MODULES"
    found = {}
    for index, call in enumerate(calls):
        sentences = compare(name, call, dtype, training)
        if sentences:
            found[index] = f"{call.text}: {'; '.join(sentences)}"
    record_property("torch_modules", (name, len(calls), len(found)))
    expected = {index for (one, index, where) in DIFFERENCES if one == name and where in (dtype, mode, "everywhere")}
    unexpected = {index: text for index, text in found.items() if index not in expected}
    assert not unexpected, "\n".join(f"{index}: {text}" for index, text in unexpected.items())
    assert expected <= found.keys(), f"no longer different: {expected - found.keys()}"


def compare(name, call, dtype, training):
    module, cell = torch_suite.make_pair(name, call, dtype)
    cell.train(training)
    state = module.state_dict()
    expected = torch_suite.torch_outcome(module, call, torch_suite.DTYPES[dtype], training, state)
    exact = torch_suite.torch_outcome(module, call, torch.float64, training, state)
    shapes = [(output.shape, output.dtype) for output in expected.outputs]
    # Some of MindSpore's operators are wrong from the second call of a graph on. (Statistics have moved, then.)
    times = 1 if training and expected.buffers else 2
    return torch_suite.differences(torch_suite.mindspore_outcomes(cell, call, shapes, times), expected, exact)


@pytest.mark.parametrize("mode", ["pynative", "graph"])
@pytest.mark.parametrize("name", list(filter(torch_suite.has_module_errors, MODULES)))
def test_wrong_as_torch_lists_it(name, mode, in_mode):
    """torch's class and sentence."""
    errors = torch_suite.module_errors(name, training=False)
    assert errors
    for index, error in enumerate(errors):
        if (name, "", index) in WRONG_DIFFERENCES:
            continue
        constructor, forward = error.module_error_input.constructor_input, error.module_error_input.forward_input
        args, kwargs = torch_suite.to_mindspore((constructor.args, constructor.kwargs))
        with pytest.raises(error.error_type, match=error.error_regex):
            torch_suite.make_and_call(name, args, kwargs, forward)


def test_every_module_is_listed():
    here = {
        name for name in mscompat.nn.__all__
        if isinstance(getattr(mscompat.nn, name), type) and hasattr(torch.nn, name)
    }
    # They have tests of their own, in test_module.py, test_container.py, test_parameter.py; and a pool's indices are no
    # samples (test_pooling.py).
    others = {"Buffer", "MaxUnpool2d", "Module", "ModuleDict", "ModuleList", "Parameter", "ParameterList", "Sequential"}
    assert here - others == set(MODULES)
