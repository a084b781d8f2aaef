"""Pickles that are hostile, damaged or odd: nothing that they say is run, and they take what they are worth."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from made_files import FLOATS, Shell, legacy, long, program_of, tensor, text, traced, zipped

from mscompat import TorchFileError
from mscompat.weights.inert import InertObject

ROOT = Path(__file__).parents[2]


def plain(make, program):
    """A file without storages."""
    return make(program, **({"keys": (), "storage": b""} if make is legacy else {}))


def parts(value):
    """A record as (name, arguments, state), its arguments too."""
    if isinstance(value, InertObject):
        return (value.name, *map(parts, value.arguments), *([value.state] if value.state is not None else []))
    return value


SYSTEM = f"{os.system.__module__}.system"

# Each: a pickle that would run something in Python, and what is read instead.
INERT = {
    "os.system": (program_of(Shell(os.system, "touch RAN")), (SYSTEM, "touch RAN")),
    "eval": (program_of(Shell(eval, "open('RAN', 'w')")), ("builtins.eval", "open('RAN', 'w')")),
    "exec": (program_of(Shell(exec, "open('RAN', 'w')"), 4), ("builtins.exec", "open('RAN', 'w')")),
    "a module that nobody imports": (b"cantigravity\nfly\n)R", ("antigravity.fly",)),
    "getattr": (b"cbuiltins\ngetattr\n(cos\npath\n" + text(b"join") + b"tR", ("os.path.join",)),
    "getattr, and the call": (
        b"cbuiltins\ngetattr\n(cos\n__dict__\n" + text(b"system") + b"tR" + text(b"touch RAN") + b"\x85R",
        ("os.__dict__.system", "touch RAN"),
    ),
    "getattr of an object": (
        b"cbuiltins\ngetattr\n(ca\nb\n)R" + text(b"c") + b"tR)R",
        ("operator.call", ("builtins.getattr", ("a.b",), "c")),
    ),
    "getattr of what is known": (b"\x8c\x05torch\x8c\x0eSize.__class__\x93", ("torch.Size.__class__",)),
    "a dotted way": (b"\x8c\x0dcollections.a\x8c\x0bOrderedDict\x93", ("collections.a.OrderedDict",)),
    "torch.load": (b"ctorch\nload\n" + text(b"x") + b"\x85R", ("torch.load", "x")),
    "load_from_bytes": (b"ctorch.storage\n_load_from_bytes\nC\x01x\x85R", ("torch.storage._load_from_bytes", b"x")),
    "a dunder": (b"ctorch\n__dict__\n", ("torch.__dict__",)),
    "our own module": (b"cmscompat.weights.pickle_names\n_FUNCTIONS\n", ("mscompat.weights.pickle_names._FUNCTIONS",)),
    "our own class": (b"cmscompat.weights.inert\nInertObject\n)\x81", ("mscompat.weights.inert.InertObject",)),
    "numpy.load": (b"cnumpy\nload\n" + text(b"x") + b"\x85R", ("numpy.load", "x")),
    "numpy of objects": (b"cnumpy\ndtype\nX\x02\x00\x00\x00O8\x89\x88\x87R", ("numpy.dtype", "O8", False, True)),
    "INST": (b"(S'touch RAN'\nios\nsystem\n", ("os.system", "touch RAN")),
    "INST without arguments": (b"(ios\nsystem\n", ("os.system",)),
    "OBJ": (b"(cos\nsystem\n" + text(b"touch RAN") + b"o", ("os.system", "touch RAN")),
    "NEWOBJ": (b"csubprocess\nPopen\n" + text(b"touch RAN") + b"\x85\x81", ("subprocess.Popen", "touch RAN")),
    "NEWOBJ_EX": (
        b"csubprocess\nPopen\n)}" + text(b"args") + text(b"touch RAN") + b"s\x92",
        ("subprocess.Popen", {"args": "touch RAN"}),
    ),
    "NEWOBJ of what is known": (b"ccollections\nOrderedDict\n)\x81", ("collections.OrderedDict",)),
    "NEWOBJ with arguments": (b"cargparse\nNamespace\nK\x01\x85\x81", ("argparse.Namespace", 1)),
    "REDUCE of a class": (b"cargparse\nNamespace\n)R", ("argparse.Namespace",)),
    "BUILD": (b"cos\nsystem\n)\x81}" + text(b"__setstate__") + b"cos\nsystem\nsb", None),
    "BUILD of a str": (b"ca\nb\n)\x81" + text(b"c") + b"b", ("a.b", "c")),
    "persistent id of an int": (b"K\x01Q", ("persistent_load", 1)),
    "text persistent id": (b"Pid\n", ("persistent_load", "id")),
    "persistent id of another kind": (
        FLOATS.replace(b"storage", b"storagE")[1:].replace(b"tQ", b"t0N"), None,
    ),
    "set of no list": (b"c__builtin__\nset\nK\x01\x85R", ("builtins.set", 1)),
    "dict of no pairs": (b"ccollections\nOrderedDict\n]K\x01a\x85R", ("collections.OrderedDict", [1])),
    "dict of no pair": (
        b"ccollections\nOrderedDict\n]" + text(b"abc") + b"a\x85R", ("collections.OrderedDict", ["abc"]),
    ),
    "dict of letters": (b"ccollections\nOrderedDict\n" + text(b"abcd") + b"\x85R", ("collections.OrderedDict", "abcd")),
    "bytes of another encoding": (
        b"c_codecs\nencode\n" + text(b"x") + text(b"zlib") + b"\x86R", ("_codecs.encode", "x", "zlib"),
    ),
    "bytes out of range": (
        b"c_codecs\nencode\n" + text("€".encode()) + text(b"latin1") + b"\x86R", ("_codecs.encode", "€", "latin1"),
    ),
    "bytearray of a size": (b"cbuiltins\nbytearray\n" + long(2**40) + b"\x85R", ("builtins.bytearray", 2**40)),
    "range without end": (b"cbuiltins\nrange\n" + long(2**60) + b"\x85R", ("builtins.range", 2**60)),
}  # fmt: skip

# Each: a pickle, and what the error says.
HOSTILE = {
    "EXT1": (b"\x82\x01", "unknown instruction: b'.x82'"),
    "NEXT_BUFFER": (b"\x97", "unknown instruction: b'.x97'"),
    "REDUCE of a str": (text(b"os.system") + b")R", "calls what is no function"),
    "REDUCE of a result": (b"ctorch\nSize\n)\x85R)R", "calls what is no function"),
    "REDUCE without a tuple": (b"ctorch\nSize\n]R", "without a tuple of arguments"),
    "BUILD of a tensor": (tensor() + b"}b", "gives a state to a TorchTensor"),
    "BUILD of a function": (b"ctorch\nSize\n}b", "gives a state to a Named"),
    "BUILD of a str": (text(b"a") + b"}b", "gives a state to a str"),
    "BUILD of a namespace": (b"cargparse\nNamespace\n)\x81K\x01b", "gives a state to a _Namespace"),
    "APPEND to a tuple": (b")K\x01a", "adds to a tuple"),
    "APPEND to a function": (b"ctorch\nSize\nK\x01a", "adds to a Named"),
    "SETITEM of a namespace": (b"cargparse\nNamespace\nK\x01K\x01s", "adds to a Named"),
    "list as a key": (b"}]Ns", "a key of a dict is of type list"),
    "list in a set": (b"c__builtin__\nset\n]]a\x85R", "a key of a dict is of type list"),
    "deep tuple as a key": (b"}K\x00" + b"\x85" * 20_000 + b"Ns", "more than 100 parts"),
    "colliding keys": (
        b"}(" + b"".join(b"\x8a\x10" + (2**64 + i * (2**61 - 1)).to_bytes(16, "little") + b"N" for i in range(2000))
        + b"u", "made to collide",
    ),
    "colliding tuples": (
        b"}(" + b"".join(b"".join(b"J" + struct.pack("<i", -1 - (i >> j & 1)) for j in range(11)).join((b"(", b"t"))
        + b"N" for i in range(2048)) + b"u", "made to collide",
    ),
    "wide tuple as a key": (b"}(" + b"N" * 101 + b"tNs", "more than 100 parts"),
    "tuple of tuples of tuples as a key": (
        b"}K\x01" + b"".join(b"\x85q%c" % i + b"h%c" % i * 2 + b"\x87" for i in range(40)) + b"Ns", "more than 100",
    ),
    "key without a value": (b"}(K\x01u", "a key without a value"),
    "persistent id without a type": (b"(" + text(b"storage") + text(b"x") * 2 + b"NK\x04tQ", "not described as torch"),
    "persistent id of 3": (b"(" + text(b"storage") + b"K\x01K\x02tQ", "not described as torch does"),
    "storage of another size": (tensor(storage=FLOATS.replace(b"K\x04tQ", b"K\x05tQ")), "not|size"),
    "storage of a negative size": (
        tensor(storage=FLOATS.replace(b"K\x04tQ", b"J\xff\xff\xff\xfftQ")), "not described as torch does",
    ),
    "storage without a location": (
        tensor(storage=FLOATS.replace(b"X\x03\x00\x00\x00cpu", b"N")), "not described as torch does",
    ),
    "storage of two types": (tensor() + tensor(storage=FLOATS.replace(b"Float", b"Int")), "has two types or sizes"),
    "huge storage": (tensor(storage=FLOATS.replace(b"K\x04tQ", long(2**61) + b"tQ")), "bytes, not|size"),
    "tensor without a storage": (tensor(storage=b"(N"), "a tensor without a storage"),
    "past the end": (tensor(shape=b"K\x05\x85"), "lies outside its storage"),
    "offset past the end": (tensor(b"K\x01"), "lies outside its storage"),
    "stride past the end": (tensor(strides=b"K\x02\x85"), "lies outside its storage"),
    "negative offset": (tensor(b"J\xff\xff\xff\xff"), "sizes or strides are no such"),
    "negative size": (tensor(shape=b"J\xff\xff\xff\xff\x85"), "sizes or strides are no such"),
    "negative stride": (tensor(b"K\x03", strides=b"J\xff\xff\xff\xff\x85"), "sizes or strides are no such"),
    "bool as a size": (tensor(shape=b"\x88\x85"), "sizes or strides are no such"),
    "list of sizes": (tensor(shape=b"]K\x04a"), "sizes or strides are no such"),
    "sizes and strides of two ranks": (tensor(shape=b"K\x02K\x02\x86"), "sizes or strides are no such"),
    "rank above torch's": (tensor(shape=b"(" + b"K\x01" * 65 + b"t", strides=b"(" + b"K\x01" * 65 + b"t"), "no such"),
    "sizes that overflow": (tensor(shape=(long(2**32) * 2) + b"\x86", strides=b"K\x00K\x00\x86"), "no such"),
    "sizes that overflow, and none": (
        tensor(shape=(long(2**61) * 2) + b"K\x00\x87", strides=b"K\x00K\x00K\x00\x87"), "no such",
    ),
    "expanded a million times": (tensor(shape=long(2**40) + b"\x85", strides=b"K\x00\x85"), "overlap each other"),
    "expanded again and again": (
        b"](" + tensor(shape=long(2**23) + b"\x85", strides=b"K\x00\x85") * 9 + b"e", "overlap each other",
    ),
    "too few arguments": (b"ctorch._utils\n_rebuild_tensor_v2\n)R", "the pickle is damaged"),
    "too many arguments": (tensor(more=b"\x89)NNN"), "the pickle is damaged"),
    "empty stack": (b"", "the pickle is damaged"),
    "tuple of nothing": (b"\x87", "a tuple of more than there is"),
    "mark without an end": (b"K\x01(", "a mark without an end"),
    "no mark": (b"t", "the pickle is damaged"),
    "no memo": (b"h\x05", "the pickle is damaged"),
    "memo of nothing": (b"q\x05", "the pickle is damaged"),
    "huge text": (b"X\xff\xff\xff\xff", "the pickle ends early"),
    "huger text": (b"\x8d" + struct.pack("<Q", 2**40), "the pickle ends early"),
    "hugest text": (b"\x8d" + struct.pack("<Q", 2**63 + 1), "the pickle ends early"),
    "huge bytes": (b"\x8e" + struct.pack("<Q", 2**40), "the pickle ends early"),
    "huge bytearray": (b"\x96" + struct.pack("<Q", 2**40), "the pickle ends early"),
    "huge number": (b"\x8b" + struct.pack("<i", 2**31 - 1), "more than 255 bytes"),
    "number of a negative length": (b"\x8b" + struct.pack("<i", -1), "more than 255 bytes"),
    "name without an end": (b"c" + b"a" * 5000, "a line without an end"),
    "no text": (b"X\x01\x00\x00\x00\xff", "damaged"),
    "not ASCII in a name": (b"c\xff\xfe\n\xff\n", "damaged"),
    "number as a name": (b"K\x01K\x02\x93", "a name that is none"),
    "storage of a long name": (tensor(storage=FLOATS.replace(text(b"0"), text(b"0" * 40))), "not described as torch"),
    "unknown instruction": (b"\xff", "unknown instruction: b'.xff'"),
}  # fmt: skip


@pytest.mark.parametrize("make", [zipped, legacy])
@pytest.mark.parametrize("name", INERT)
def test_nothing_is_imported_or_run(load, tmp_path, monkeypatch, name, make):
    program, expected = INERT[name]
    content = plain(make, program)
    monkeypatch.chdir(tmp_path)
    load(plain(make, b"N"))  # what reading a file imports at the first time
    modules = set(sys.modules)
    value = traced(load, content, limit=2**20 + 100 * len(content))
    assert set(sys.modules) == modules, "something was imported"
    assert os.listdir(tmp_path) == ["made.pth"], "what the file says was run"
    if expected is not None:
        assert isinstance(value, InertObject)
        assert parts(value) == expected
    assert "\n" not in repr(value)


@pytest.mark.parametrize("make", [zipped, legacy])
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile(load, tmp_path, monkeypatch, name, make):
    program, message = HOSTILE[name]
    content = make(program)
    monkeypatch.chdir(tmp_path)

    def refuse():
        with pytest.raises(TorchFileError, match=message) as error:
            load(content)
        return str(error.value)

    sentence = traced(refuse, limit=2**20 + 100 * len(content))
    assert len(sentence) < 500
    assert sentence.isprintable()
    assert sentence.isascii()
    assert os.listdir(tmp_path) == ["made.pth"], "what the file says was run"


BILLION = b"]q\x00K\x01a" + b"".join(b"](" + b"h%c" % i * 10 + b"eq%c" % (i + 1) for i in range(40))

# Odd, but harmless.
HARMLESS = {
    "huge place in the memo": b"K\x07r\xff\xff\xff\xffj\xff\xff\xff\xff",
    "huge frame": b"\x95" + b"\xff" * 8 + b"K\x07",
    "deep list": b"]" * 30_000 + b"a" * 29_999,
    "deep tuple": b")" + b"\x85" * 30_000,
    "deep dict": b"}" + b"N}" * 30_000 + b"s" * 30_000,
    "billion laughs": BILLION,
    "list in itself": b"]q\x00h\x00a",
    "tensor in a key": b"}K\x01\x85Ns",
}


@pytest.mark.parametrize("make", [zipped, legacy])
@pytest.mark.parametrize("name", HARMLESS)
def test_odd_but_harmless(load, name, make):
    content = plain(make, HARMLESS[name])
    value = traced(load, content, limit=2**20 + 100 * len(content))
    assert type(value) in (int, list, tuple, dict)


def test_lists_in_lists_come_and_go():
    """Freed, compared and shown without the end of the process: in one of its own."""
    script = """
import io, sys
from mscompat.weights.pickle_machine import unpickle
from mscompat.weights.tensor_file import File
for made in (b"]X\\x08\\x00\\x00\\x0012345678" + b"0", b"ca\\nb\\n)RX\\x08\\x00\\x00\\x00123456780"):
    data = b"\\x80\\x02" + made * 200_000 + b"a" * 199_999 + b"."
    values = [unpickle(File("file", 0), io.BytesIO(data), len(data), None) for _ in range(2)]
    for function in (repr, lambda value: value == values[1]):
        try:
            function(values[0])
        except RecursionError:
            pass
    del values
print("done")
"""
    result = subprocess.run(
        [sys.executable, "-c", script], env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
        timeout=300, check=False,
    )
    assert result.stdout == "done\n", result.stderr
