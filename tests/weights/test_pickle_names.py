"""What people save beside the weights: read, or records that hide nothing else."""

from __future__ import annotations

import argparse
import collections
import dataclasses
import datetime
import enum
import functools
import pathlib
import pickle
import random
from pathlib import Path

import numpy as np
import pytest
from made_files import FLOATS, check, legacy, read, tensor, text, zipped

from mscompat import TorchFileError, load_torch_file
from mscompat.weights.inert import InertObject
from mscompat.weights.tensors import TorchTensor

try:
    import torch
except ImportError:
    torch = None

needs_torch = pytest.mark.skipif(torch is None, reason="compares with torch, which is not installed")

DATA = Path(__file__).parent / "data"


class Color(enum.Enum):
    RED = 1


@dataclasses.dataclass
class Options:
    lr: float = 0.5


class Plain:
    def __init__(self):
        self.width = 64


class Slots:
    __slots__ = ("a",)

    def __init__(self):
        self.a = 1


class Outer:
    class Inner:
        pass


class Names(list):
    pass


class Table(dict):
    pass


class Ordered(collections.OrderedDict):
    pass


class Keywords:
    def __new__(cls, *, a):
        return super().__new__(cls)

    def __getnewargs_ex__(self):
        return (), {"a": 1}


Point = collections.namedtuple("Point", ["x", "y"])


def facts(value):
    """A record as (name, arguments, state, entries)."""
    assert isinstance(value, InertObject)
    return value.name, value.arguments, value.state, value.entries


HERE = __name__

PLAIN = {
    "deque": (collections.deque([1, 2], maxlen=3), [1, 2]),
    "empty deque": (collections.deque(), []),
    "OrderedDict": (collections.OrderedDict(b=1, a=2), {"b": 1, "a": 2}),
    "defaultdict": (collections.defaultdict(list, a=[1]), {"a": [1]}),
    "defaultdict of a function": (collections.defaultdict(functools.partial(int, "7"), a=1), {"a": 1}),
    "Counter": (collections.Counter("aab"), {"a": 2, "b": 1}),
    "set": ({1, "a", (1, 2)}, {1, "a", (1, 2)}),
    "frozenset": (frozenset([1, 2]), frozenset([1, 2])),
    "frozenset in a set": ({frozenset([1, 2])}, {frozenset([1, 2])}),
    "namespace": (argparse.Namespace(lr=0.5), {"lr": 0.5}),
    "tuple keys": ({(1, "a"): 2, (): 3, ((1,), 2): 4}, {(1, "a"): 2, (): 3, ((1,), 2): 4}),
    "complex key": ({1 + 2j: 3}, {1 + 2j: 3}),
    "large key": ({2**100: 3, -1: 4}, {2**100: 3, -1: 4}),
    "complex": (1 + 2j, 1 + 2j),
    "bytes": (b"\x00\xff", b"\x00\xff"),
    "no bytes": (b"", b""),
    "bytearray": (bytearray(b"ab"), bytearray(b"ab")),
    "NumPy's number": (np.float32(0.5), 0.5),
    "NumPy's bool": (np.bool_(True), True),
    "NumPy's big-endian number": (np.array(7, ">i4")[()], 7),
    "python's random state": (random.Random(0).getstate(), random.Random(0).getstate()),
}


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("name", PLAIN)
def test_plain(load, name, protocol):
    value, expected = PLAIN[name]
    found = read(load, value, protocol)
    assert isinstance(found, type(expected))
    assert found == expected


OBJECTS = {
    "path": (pathlib.PurePosixPath("runs/1"), ("pathlib.PurePosixPath", ("runs", "1"), None, None)),
    "date": (datetime.date(2024, 1, 2), ("datetime.date", (b"\x07\xe8\x01\x02",), None, None)),
    "timedelta": (datetime.timedelta(1, 2, 3), ("datetime.timedelta", (1, 2, 3), None, None)),
    "slice": (slice(1, 2), ("builtins.slice", (1, 2, None), None, None)),
    "range": (range(10), ("builtins.range", (0, 10, 1), None, None)),
    "enum": (Color.RED, (f"{HERE}.Color", (1,), None, None)),
    "dataclass": (Options(), (f"{HERE}.Options", (), {"lr": 0.5}, None)),
    "object": (Plain(), (f"{HERE}.Plain", (), {"width": 64}, None)),
    "slots": (Slots(), (f"{HERE}.Slots", (), (None, {"a": 1}), None)),
    "class in a class": (Outer.Inner(), (f"{HERE}.Outer.Inner", (), None, None)),
    "namedtuple": (Point(1, 2), (f"{HERE}.Point", (1, 2), None, None)),
    "subclass of list": (Names([1, 2]), (f"{HERE}.Names", (), None, [1, 2])),
    "subclass of dict": (Table(a=1), (f"{HERE}.Table", (), None, {"a": 1})),
    "subclass of OrderedDict": (Ordered(a=1), (f"{HERE}.Ordered", (), None, {"a": 1})),
    "class": (Plain, (f"{HERE}.Plain", (), None, None)),
    "function": (facts, (f"{HERE}.facts", (), None, None)),
    "built-in": (len, ("builtins.len", (), None, None)),
}


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("name", OBJECTS)
def test_objects_are_records(load, name, protocol):
    value, expected = OBJECTS[name]
    assert facts(read(load, value, protocol)) == expected


@pytest.mark.parametrize("protocol", [0, 1])
def test_objects_in_old_protocols(load, protocol):
    assert facts(read(load, Plain(), protocol)) == (f"{HERE}.Plain", (), {"width": 64}, None)
    assert read(load, Names([1, 2]), protocol).entries == [1, 2]
    assert read(load, Table(a=1), protocol).entries == {"a": 1}


def test_partial_and_keywords(load):
    record = read(load, functools.partial(divmod, 7))
    assert (record.name, record.arguments[0].name) == ("functools.partial", "builtins.divmod")
    assert record.state[1:3] == ((7,), {})
    assert facts(read(load, Keywords(a=1), 4)) == (f"{HERE}.Keywords", ({"a": 1},), None, None)


def test_records_as_keys(load):
    found = read(load, {Plain: 1, Color.RED: 2, Point(1, 2): 3})
    assert [(key.name, value) for key, value in found.items()] == [
        (f"{HERE}.Plain", 1), (f"{HERE}.Color", 2), (f"{HERE}.Point", 3)
    ]
    cls, again, one = read(load, [Plain, Plain, Plain()])
    assert cls is again
    assert one is not cls
    assert repr(cls) == f"<{HERE}.Plain, not run>"


def test_names_move_no_cursor(load):
    value = load(zipped(b"ca\x1b[2J\nb\xc3\xbc\n"))
    assert repr(value) == r"<'a\x1b[2J.b\xfc', not run>"


def test_collisions_by_chance(load):
    """-1 and -2 have the same hash in Python: so have the offsets of a window."""
    offsets = {(x, y): x * y for x in range(-20, 20) for y in range(-20, 20)}
    assert read(load, offsets) == offsets


@pytest.mark.parametrize("name", ["objects_zip.pth", "objects_legacy.pth"])
def test_recorded(name):
    """As torch saved it, of libraries that are not installed."""
    saved = load_torch_file(DATA / name)
    np.testing.assert_array_equal(saved["weight"].numpy(), np.ones(2))
    np.testing.assert_array_equal(saved["array"], np.arange(6).reshape(2, 3))
    assert (saved["array"].dtype, saved["big"].dtype) == (np.int16, np.float32)
    np.testing.assert_array_equal(saved["big"], np.arange(3))
    np.testing.assert_array_equal(saved["fortran"], np.arange(6).reshape(2, 3))
    assert saved["text"].state[4] == "".join(f"{letter}\0\0\0" for letter in "a\0bc").encode()
    np.testing.assert_array_equal(saved["rng"][1], np.random.RandomState(0).get_state()[1])
    assert saved["python_rng"] == random.Random(0).getstate()
    assert facts(saved["path"]) == ("pathlib.PurePosixPath", ("runs", "1"), None, None)
    assert saved["time"].name == "datetime.datetime"
    assert saved["deque"] == [1, 2]
    config = saved["config"]
    assert config.name == "omegaconf.dictconfig.DictConfig"
    assert config.state["_content"]["lr"] == 0.5
    assert config.state["_content"]["layers"].name == "omegaconf.listconfig.ListConfig"
    assert facts(saved["names"]) == ("library.Names", (), None, [1, 2])
    assert facts(saved["settings"]) == ("lightning.fabric.utilities.data.AttributeDict", (), None, {"lr": 0.5})
    assert saved["nested"].entries["model"].entries == {"depth": 50}
    np.testing.assert_array_equal(saved["history"].state["_log_history"], [0.5, 0.25])
    (cls,) = (key for key in saved if isinstance(key, InertObject))
    assert cls.name == "mmengine.logging.history_buffer.HistoryBuffer"
    assert saved[cls] == {"class": "as a key"}
    assert saved["a", 1] == "tuple"


@needs_torch
@pytest.mark.parametrize("zip_format", [True, False], ids=["zip", "legacy"])
@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_live(tmp_path, zip_format, protocol):
    value = {
        "weight": torch.ones(2), "objects": [value for value, _ in OBJECTS.values()],
        "plain": {name: value for name, (value, _) in PLAIN.items()},
    }  # fmt: skip
    torch.save(value, tmp_path / "a.pth", pickle, protocol, zip_format)
    saved = load_torch_file(tmp_path / "a.pth")
    np.testing.assert_array_equal(saved["weight"].numpy(), np.ones(2))
    assert [facts(found) for found in saved["objects"]] == [expected for _, expected in OBJECTS.values()]
    assert saved["plain"] == {name: expected for name, (_, expected) in PLAIN.items()}


class Tagged(torch.Tensor if torch else object):
    pass


@needs_torch
@pytest.mark.filterwarnings("ignore")  # quantized and nested tensors: that they are new, or old
def test_tensors_of_other_kinds(tmp_path):
    """They are listed, hide nothing, and say what they are when their values are asked for."""
    dense = torch.eye(2)
    tagged = torch.ones(2).as_subclass(Tagged)
    tagged.note = "x"
    saved = {
        "dense": dense, "coo": dense.to_sparse(), "csr": dense.to_sparse_csr(), "csc": dense.to_sparse_csc(),
        "quantized": torch.quantize_per_tensor(dense, 0.1, 3, torch.qint8),
        "per_channel": torch.quantize_per_channel(dense, torch.ones(2), torch.zeros(2), 0, torch.quint8),
        "nested": torch.nested.nested_tensor([torch.ones(2), torch.ones(3)]),
        "meta": torch.empty(3, 4, device="meta", dtype=torch.float16),
        "subclass": torch.ones(2).as_subclass(Tagged), "tagged": tagged, "parameter": torch.nn.Parameter(dense),
    }  # fmt: skip
    for zip_format in (True, False):
        torch.save(saved, tmp_path / "a.pth", _use_new_zipfile_serialization=zip_format)
        found = load_torch_file(tmp_path / "a.pth")
        for name in ("dense", "parameter"):
            np.testing.assert_array_equal(found[name].numpy(), np.eye(2))
        for name in ("subclass", "tagged"):
            np.testing.assert_array_equal(found[name].numpy(), np.ones(2))
        for name, shape, dtype, kind in (
            ("coo", (2, 2), "float32", "sparse"), ("csr", (2, 2), "float32", "sparse"),
            ("csc", (2, 2), "float32", "sparse"), ("quantized", (2, 2), "qint8", "quantized"),
            ("per_channel", (2, 2), "quint8", "quantized"), ("nested", (2,), "float32", "nested"),
            ("meta", (3, 4), "float16", "meta"),
        ):  # fmt: skip
            assert isinstance(found[name], TorchTensor)
            assert (found[name].shape, found[name].dtype) == (shape, dtype)
            assert repr(found[name]) == f"TorchTensor(shape={shape}, dtype={dtype}, {kind})"
            with pytest.raises(TorchFileError, match=rf"a\.pth: {kind} tensors are not supported"):
                found[name].numpy()


def test_unknown_tensors_are_records(load):
    """Of a function, a type or properties that torch may have one day."""
    new = tensor().replace(b"_rebuild_tensor_v2", b"_rebuild_tensor_v9")
    for program in (
        new, tensor(more=b"\x89)}" + text(b"a") + b"Ns"), tensor(more=b"\x89)K\x01"),
        b"ctorch._utils\n_rebuild_tensor_v3\n" + FLOATS.replace(b"torch\nFloat", b"torch.storage\nUntyped")[:-3]
        + b"\x10tQK\x00K\x04\x85K\x01\x85\x89)ctorch\nfloat3\ntR",
        b"ctorch._tensor\n_rebuild_from_type_v2\n(ctorch._utils\n_rebuild_new\nca\nb\n)NtR",
    ):  # fmt: skip
        weight, value = load(zipped(b"(" + tensor() + program + b"t", extra={}) if b"Untyped" not in program
                             else zipped(b"(N" + program + b"t"))
        assert isinstance(value, InertObject)
        if weight is not None:
            check(weight, np.arange(4, dtype=np.float32))


def test_place_of_python2(load):
    """Its memo counts from 1."""
    assert load(zipped(b"]q\x01(K\x01q\x02h\x02h\x01e"))[:2] == [1, 1]
    assert load(legacy(b"U\x02\xff\xfe", keys=(), storage=b"")) == b"\xff\xfe"


def test_numbers_of_old_protocols(load):
    program = b"(I7\nI01\nI00\nL123L\nF0.5\nV\\u00fc\nS'a\\n'\nS\"\\x00\"\nt"
    assert load(zipped(program)) == (7, True, False, 123, 0.5, "ü", "a\n", "\0")
    for wrong in (b"Ia\n", b"I" + b"1" * 1000 + b"\n", b"Sa\n", b"S'\n", b"F1.2.3\n", b"V\\u12\n", b"g1\n", b"p-1\n"):
        with pytest.raises(TorchFileError, match=r"damaged|255 bytes"):
            load(zipped(b"N" + wrong if wrong[:1] == b"p" else wrong))
