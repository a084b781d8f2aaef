"""Whole modules and TorchScript archives: their state dicts."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from made_files import check, tensor, text, traced, zipped

from mscompat import TorchFileError, load_torch_file
from mscompat.weights.inert import InertObject, module_state_dict

try:
    import torch
    from torch import nn
except ImportError:
    torch = None

needs_torch = pytest.mark.skipif(torch is None, reason="compares with torch, which is not installed")

DATA = Path(__file__).parent / "data"

WHOLE = {
    "scale": np.full(2, 3, np.float32),
    "layers.0.weight": np.array([[1, 2], [3, 4]], np.float32),
    "layers.1.weight": np.ones(2, np.float32),
    "layers.1.bias": np.zeros(2, np.float32),
    "layers.1.running_mean": np.zeros(2, np.float32),
    "layers.1.running_var": np.ones(2, np.float32),
    "layers.1.num_batches_tracked": np.array(0),
    "shared.weight": np.array([[1, 2], [3, 4]], np.float32),
}


@pytest.mark.parametrize("name", ["module_zip.pth", "module_legacy.pth"])
def test_recorded_module(name):
    record = load_torch_file(DATA / name)
    assert isinstance(record, InertObject)
    assert record.name == "__main__.Whole"
    assert record.state["training"] is True
    check(module_state_dict(record), WHOLE)


def test_recorded_torchscript():
    """There, buffers that are not saved are saved. A plain tensor is an attribute of the module's, and no state."""
    record = load_torch_file(DATA / "torchscript.pt")
    assert record.name == "__torch__.Whole"
    expected = {"scale": WHOLE["scale"], "cache": np.ones(1, np.float32), **WHOLE}
    check(module_state_dict(record), expected)
    check(record.state["plain"], np.ones(5, np.float32))


def test_recorded_frozen():
    """Its weights have lost their names, and the first is multiplied by what the normalisation does."""
    record = load_torch_file(DATA / "frozen.pt")
    state_dict = module_state_dict(record)
    assert list(state_dict) == [f"CONSTANTS.c{index}" for index in range(len(state_dict))]
    np.testing.assert_array_equal(state_dict["CONSTANTS.c2"].numpy(), WHOLE["layers.0.weight"])


def record_of(parameters=None, buffers=None, modules=None, **more):
    record = InertObject("library.Module")
    record.state = {"_parameters": parameters or {}, "_buffers": buffers or {}, "_modules": modules or {}, **more}
    return record


def test_what_is_no_module():
    half = record_of()
    del half.state["_buffers"]
    odd = record_of()
    odd.state["_modules"] = [1]
    for value in (None, 1, {}, [], {"_parameters": {}, "_buffers": {}, "_modules": {}}, InertObject("a"), half, odd):
        assert module_state_dict(value) is None
    assert module_state_dict(record_of()) == {}


def test_order_and_what_is_left_out():
    inner = record_of({"w": 1})
    record = record_of(
        {"a": 2, "none": None, 7: 8}, {"b": 3, "transient": 4, "none": None},
        {"m": inner, "none": None, "odd": 5, "n": inner}, _non_persistent_buffers_set={"transient"},
    )  # fmt: skip
    assert list(module_state_dict(record).items()) == [("a", 2), ("b", 3), ("m.w", 1), ("n.w", 1)]
    outer = record_of({}, {}, {"module": record})
    assert list(module_state_dict(outer)) == ["module.a", "module.b", "module.m.w", "module.n.w"]


def test_fx():
    """A GraphModule is a call with the state of a module."""
    body = record_of({"w": 1}).state
    record = InertObject("torch.fx.graph_module.reduce_graph_module", (body, "import torch"))
    assert module_state_dict(record) == {"w": 1}


def test_modules_that_hold_themselves():
    record = record_of({"w": 1})
    other = record_of({"v": 2}, {}, {"back": record})
    record.state["_modules"] = {"self": record, "other": other}
    assert list(module_state_dict(record)) == ["w", "other.v"]


@pytest.mark.parametrize("parameters", [{}, {"w": 1}])
@pytest.mark.parametrize("width", [2, 100])
def test_names_without_end(parameters, width):
    record = record_of(parameters)
    for _ in range(100):
        record = record_of({}, {}, {f"m{index}": record for index in range(width)})

    def refuse():
        with pytest.raises(TorchFileError, match=r"library\.Module hold each other too often"):
            module_state_dict(record)

    traced(refuse, limit=2**25)


def test_depth():
    record = record_of({"w": 1})
    for _ in range(500):
        record = record_of({}, {}, {"m": record})
    assert list(module_state_dict(record)) == ["m." * 500 + "w"]
    for _ in range(600):
        record = record_of({}, {}, {"m": record})
    with pytest.raises(TorchFileError, match="hold each other too often"):
        module_state_dict(record)


def test_many_names():
    """Long ones, and many places of a few modules, are what large models have."""
    names = {f"{'a_long_name_' * 10}{index}": index for index in range(20_000)}
    assert len(module_state_dict(record_of(names))) == 20_000
    block = record_of({f"w{index}": index for index in range(10)})
    assert len(module_state_dict(record_of({}, {}, {str(index): block for index in range(1000)}))) == 10_000


def test_error_names_the_file(tmp_path):
    """Hostile: 2**60 names in a few bytes."""
    def module(modules):
        state = text(b"_parameters") + b"}" + text(b"_buffers") + b"}" + text(b"_modules") + modules
        return b"ca\nb\n)\x81}(" + state + b"ub"

    program = module(b"}") + b"q\x00"
    for _ in range(60):
        program = b"0".join([program, module(b"}(" + text(b"a") + b"h\x00" + text(b"b") + b"h\x00u") + b"q\x00"])
    (tmp_path / "a.pth").write_bytes(zipped(program))
    with pytest.raises(TorchFileError, match=r"a\.pth: the modules of a\.b hold"):
        module_state_dict(load_torch_file(tmp_path / "a.pth"))


CODE = b'class M(Module):\n  __parameters__ = ["w", ]\n  __buffers__ = ["b", ]\n  w : Tensor\n'


def scripted(code, compress=zipfile.ZIP_DEFLATED, name="archive/code/__torch__.py"):
    """An archive of a module with the tensors w, b and t."""
    state = b"}(" + b"".join(text(key) + tensor() for key in (b"w", b"b", b"t")) + b"u"
    content = io.BytesIO(zipped(b"c__torch__\nM\n)\x81" + state + b"b", extra={"constants.pkl": b"\x80\x02)."}))
    if code is not None:
        with zipfile.ZipFile(content, "a", compress) as file:
            file.writestr(name, code)
    return content.getvalue()


@pytest.mark.parametrize(
    ("code", "names"),
    [
        (CODE, ["w", "b"]),
        (CODE.replace(b'  __buffers__ = ["b", ]\n', b""), ["w", "b", "t"]),
        (CODE.replace(b'"w", ', b"").replace(b'"b", ', b'"t", "w", '), ["w", "t"]),
        (CODE.replace(b"class M(", b"class N("), None),
        (b"", None),
        (None, ["w", "b", "t"]),
        (b"\n" * 2**25 + CODE, ["w", "b", "t"]),
        (CODE.replace(b"M", b"N") * 20_000 + CODE, ["w", "b", "t"]),
    ],
)
def test_code_by_hand(tmp_path, code, names):
    path = tmp_path / "a.pt"
    path.write_bytes(scripted(code))
    record = traced(load_torch_file, path, limit=2**26)
    state_dict = module_state_dict(record)
    assert (state_dict and list(state_dict)) == names


def test_damaged_code(tmp_path):
    content = scripted(CODE)
    start = content.index(b"archive/code/__torch__.py") + 25
    path = tmp_path / "a.pt"
    path.write_bytes(content[:start] + b"\xff" * 20 + content[start + 20 :])
    assert list(module_state_dict(load_torch_file(path))) == ["w", "b", "t"]
    for compress in (zipfile.ZIP_STORED, zipfile.ZIP_LZMA):
        path.write_bytes(scripted(CODE, compress))
        assert module_state_dict(load_torch_file(path)).keys() >= {"w", "b"}


if torch is not None:

    class Inner(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.randn(2, 2))
            self.register_buffer("mean", torch.randn(2))
            self.register_buffer("cache", torch.randn(2), persistent=False)
            self.register_buffer("nothing", None)
            self.register_parameter("no_weight", None)
            self.note = torch.randn(7)

        def forward(self, x):
            return x @ self.weight + self.mean + self.cache

    class Outer(nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = nn.Parameter(torch.randn(2))
            self.blocks = nn.ModuleList([Inner(), nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2), nn.ReLU())])
            self.names = nn.ModuleDict({"a": nn.Linear(2, 2, bias=False), "b": Inner()})
            self.tied = self.names["a"]
            self.blocks[1][0].weight = self.names["a"].weight
            self.sizes = [1, 2]
            self.rates = {"lr": 0.5}

        def forward(self, x):
            for block in self.blocks:
                x = block(x)
            for block in self.names.values():
                x = block(x)
            return self.tied(x) * self.scale + self.sizes[0] + self.rates["lr"]


MODULES = {
    "nested": lambda: Outer(),
    "a layer": lambda: nn.Conv2d(2, 4, 3),
    "LSTM": lambda: nn.LSTM(2, 3, bidirectional=True),
    "transformer": lambda: nn.TransformerEncoderLayer(4, 2, 8),
    "parameter list": lambda: nn.ParameterList([nn.Parameter(torch.randn(2)) for _ in range(3)]),
    "no weights": lambda: nn.Sequential(nn.ReLU()),
    "DataParallel": lambda: nn.DataParallel(Outer()),
    "weight_norm": lambda: nn.utils.weight_norm(nn.Linear(2, 2)),
    "spectral_norm": lambda: nn.utils.spectral_norm(nn.Linear(2, 2)),
    "attention": lambda: nn.MultiheadAttention(4, 2),
}


def same(state_dict, expected):
    assert list(state_dict) == list(expected)
    for name, value in expected.items():
        assert state_dict[name].dtype == str(value.dtype).removeprefix("torch.")
        np.testing.assert_array_equal(state_dict[name].numpy(), value.detach().numpy())


@needs_torch
@pytest.mark.filterwarnings("ignore")  # what torch says of its own parts
@pytest.mark.parametrize("zip_format", [True, False], ids=["zip", "legacy"])
@pytest.mark.parametrize("name", MODULES)
def test_whole_modules(tmp_path, name, zip_format):
    module = MODULES[name]()
    torch.save(module, tmp_path / "a.pth", _use_new_zipfile_serialization=zip_format)
    same(module_state_dict(load_torch_file(tmp_path / "a.pth")), module.state_dict())


@needs_torch
@pytest.mark.filterwarnings("ignore")
def test_fx_module(tmp_path):
    module = torch.fx.symbolic_trace(nn.Sequential(nn.Linear(2, 2), nn.ReLU()))
    torch.save(module, tmp_path / "a.pth")
    same(module_state_dict(load_torch_file(tmp_path / "a.pth")), module.state_dict())


@needs_torch
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["script", "trace"])
@pytest.mark.parametrize("name", ["nested", "a layer", "LSTM", "no weights", "attention"])
def test_torchscript(tmp_path, name, kind):
    module = MODULES[name]().eval()
    sizes = {"nested": (3, 2), "a layer": (1, 2, 5, 5), "LSTM": (3, 1, 2), "no weights": (2, 2), "attention": (3, 1, 4)}
    inputs = (torch.randn(sizes[name]),) * (3 if name == "attention" else 1)
    made = torch.jit.script(module) if kind == "script" else torch.jit.trace(module, inputs)
    made.save(tmp_path / "a.pt")
    record = load_torch_file(tmp_path / "a.pt")
    state_dict = module_state_dict(record)
    loaded = torch.jit.load(tmp_path / "a.pt")
    if not any(True for _ in made.state_dict()):
        assert all(name.startswith("CONSTANTS.") for name in state_dict)
    else:
        same(state_dict, loaded.state_dict())
        same(state_dict, made.state_dict())
    if kind == "script" and name == "nested":
        assert record.state["sizes"] == [1, 2]
        assert record.state["rates"] == {"lr": 0.5}


@needs_torch
@pytest.mark.filterwarnings("ignore")
def test_frozen(tmp_path):
    module = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 2)).eval()
    torch.jit.save(torch.jit.freeze(torch.jit.script(module)), tmp_path / "a.pt")
    state_dict = module_state_dict(load_torch_file(tmp_path / "a.pt"))
    expected = [value.numpy() for value in module.state_dict().values()]
    assert len(state_dict) == len(expected)
    for name, value in state_dict.items():
        assert name.startswith("CONSTANTS.c")
        assert any(np.array_equal(value.numpy(), array) for array in expected)
