"""What stands directly in a cell, by MindSpore's private names and without them."""

from __future__ import annotations

import numpy as np
import pytest
from mindspore import Parameter, Tensor, nn

from mscompat import load_torch_state_dict, torch_state_dict
from mscompat._mindspore import cells


class Network(nn.Cell):
    """Cells, parameters and buffers of every kind; nothing is shared unless asked for."""

    def __init__(self, shared=False):
        super().__init__()
        self.line = nn.Dense(2, 3)
        self.norm = nn.BatchNorm2d(3)
        self.absent = None
        self.scale = Parameter(Tensor(np.ones(3, np.float32)), name="scale")
        self.register_buffer("grid", Tensor(np.arange(3, dtype=np.float32)))
        self.register_buffer("mask", Tensor(np.zeros(3, np.float32)), persistent=False)
        if shared:
            self.again = self.line
            self.factor = self.scale


@pytest.fixture(params=["private names", "public methods"])
def names(request, monkeypatch):
    """With MindSpore's private names, and as in a MindSpore that lacks them."""
    if request.param == "public methods":
        monkeypatch.setattr(cells, "_private", lambda cell, name: None)
    return request.param


def test_what_stands_in_a_cell(names):
    network = Network()
    assert cells.inner_cells(network) == {"line": network.line, "norm": network.norm}
    assert list(cells.own_parameters(network)) == ["scale"]
    assert cells.own_parameters(network)["scale"] is network.scale
    assert list(cells.own_buffers(network)) == ["grid"]
    assert cells.own_buffers(network.line) == {}


def test_what_is_shared_has_each_of_its_names():
    network = Network(shared=True)
    assert list(cells.inner_cells(network)) == ["line", "norm", "again"]
    assert list(cells.own_parameters(network)) == ["scale", "factor"]


def test_public_methods_give_what_is_shared_one_name():
    network = Network(shared=True)
    assert list(network.name_cells()) == ["line", "norm"]
    assert [name for name, _ in network.parameters_and_names(expand=False)] == ["scale"]


def test_weights_load_and_come_back(names):
    network = Network()
    state_dict = torch_state_dict(network)
    assert list(state_dict) == [
        "scale", "grid", "line.weight", "line.bias",
        "norm.weight", "norm.bias", "norm.running_mean", "norm.running_var",
    ]
    loaded = {name: value + 1 for name, value in state_dict.items()}
    load_torch_state_dict(network, loaded)
    np.testing.assert_equal(torch_state_dict(network), loaded)
