"""What a pickle may take: what people save is read, and what makes far more than is in it is refused early."""

from __future__ import annotations

import pickle
import struct

import numpy as np
import pytest
from made_files import FLOATS, tensor, text, traced, zipped

from mscompat import TorchFileError
from mscompat.weights.pickle_budget import _FREE, GRANT


def again(function, arguments):
    """Call a function with the same arguments 100,000 times."""
    return function + b"q\x00" + arguments + b"q\x01R](" + b"h\x00h\x01R" * 100_000 + b"e"


# Each makes or copies far more than is in it.
GREEDY = {
    "set, again and again": again(b"c__builtin__\nset\n", b"](" + b"K\x01" * 5000 + b"e\x85"),
    "dict, again and again": again(b"ccollections\nOrderedDict\n", b"](" + b"K\x01N\x86" * 5000 + b"e\x85"),
    "deque, again and again": again(b"ccollections\ndeque\n", b"](" + b"K\x01" * 5000 + b"e\x85"),
    "bytes, again and again": again(b"c_codecs\nencode\n", text(b"a" * 50_000) + text(b"latin1") + b"\x86"),
    "bytearray, again and again": again(
        b"cbuiltins\nbytearray\n", b"B" + struct.pack("<I", 50_000) + bytes(50_000) + b"\x85"
    ),
    "array, again and again": again(
        b"cnumpy._core.numeric\n_frombuffer\n",
        b"(B" + struct.pack("<I", 50_000) + bytes(50_000) + b"cnumpy\ndtype\n" + text(b"u1") + b"\x85R(K\x03"
        + text(b"|") + b"tb" + b"M" + struct.pack("<H", 50_000) + b"\x85" + text(b"C") + b"t",
    ),
    "device, again and again": again(b"ctorch\ndevice\n", text(b"a" * 50_000) + b"K\x01\x86"),
    "namespace, again and again": (
        b"cargparse\nNamespace\n)\x81}(" + b"".join(b"M" + struct.pack("<H", i) + b"N" for i in range(5000))
        + b"uq\x00b" + b"h\x00b" * 100_000
    ),
    "sets": b"\x8f" * 300_000,
    "dicts": b"}" * 1_000_000,
    "lists in lists": b"]" * 1_000_000 + b"a" * 999_999,
    "tuples in tuples": b")" + b"\x85" * 2_000_000,
    "marks": b"(" * 2_000_000,
    "places in the memo": b"N" + b"".join(
        b"r" + struct.pack("<I", 7 * index) for index in range(1, 800_000)
    ),
    "dicts of one": b"](" + b"}NNs" * 1_000_000 + b"e",
    "records": b"ca\nb\n" + b"2)R" * 1_000_000,
    "names": b"".join(b"ca%x\nb\n" % index for index in range(300_000)),
    "attributes of attributes": (
        b"cbuiltins\ngetattr\nq\x000ca\nb\n" + b"q\x010h\x00h\x01X\x04\x00\x00\x00abcd\x86R" * 100_000
    ),
    "arguments": b"ctorch.jit._pickle\nbuild_intlist\nq\x000(" + b"N" * 100_000 + b"tq\x01" + b"0h\x00h\x01R" * 100_000,
    "keys of many parts": b"(" + b"K\x01" * 90 + b"tq\x010}" + b"h\x01Ns" * 100_000,
    "long keys": (
        b"}X" + struct.pack("<I", 500_000) + b"a" * 500_000 + b"q\x000X" + struct.pack("<I", 500_000) + b"a" * 500_000
        + b"q\x010" + b"h\x00Ns" + b"h\x01Ns" * 100_000
    ),
}  # fmt: skip


# By default every third: each kind of growth has several.
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow if index % 3 else []) for index, name in enumerate(GREEDY)]
)
def test_memory_is_that_of_the_pickle(load, name):
    """Not of the file: there are 25 MB of zeros beside it. It is also what bounds the time."""
    content = zipped(GREEDY[name], bytes(25_000_000))
    size = len(content) - 25_000_000
    # What is in the machine and its error, beside what is granted; the lists grow by an eighth, and are copied then.
    limit = 1.5 * (_FREE + GRANT * size) + 2 * size

    def refuse():
        with pytest.raises(TorchFileError, match="makes more of its values than it holds"):
            load(content)

    traced(refuse, limit=limit)


def test_time_is_that_of_the_pickle(load):
    """The same tensor, which takes five bytes and the time for 64 dimensions, is not made without end."""
    first = tensor(shape=b"(" + b"K\x01" * 64 + b"tq\x01", strides=b"h\x01").replace(b"_v2\n", b"_v2\nq\x02")[:-1]
    with pytest.raises(TorchFileError, match="makes more of its values than it holds"):
        load(zipped(first + b"q\x03R](" + b"h\x02h\x03R" * 100_000 + b"e"))


LEGITIMATE = {
    "numbers": list(range(300_000)),
    "losses": [index * 0.37 for index in range(200_000)],
    "results": [{"epoch": index, "loss": index * 0.3, "name": f"run_{index}"} for index in range(20_000)],
    "small dicts": [{"loss": index} for index in range(20_000)],
    "pairs": [(index, index + 1) for index in range(40_000)],
    "words": {f"token_{index}": index for index in range(40_000)},
    "sets": [{index} for index in range(20_000)],
    "empty lists": [[] for _ in range(40_000)],
    "texts": ["名前" * 10 + str(index) for index in range(20_000)],
}


@pytest.mark.parametrize("protocol", [2, pytest.param(4, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", LEGITIMATE)
def test_what_people_save_is_read(load, monkeypatch, name, protocol):
    if protocol == 2 and name not in ("small dicts", "sets"):  # torch.save's default: as much of it as one likes
        monkeypatch.setattr("mscompat.weights.pickle_budget._FREE", 2**13)
    value = LEGITIMATE[name]
    content = zipped(pickle.dumps(value, protocol)[2:-1])
    assert traced(load, content, limit=_FREE + GRANT * len(content)) == value


def test_many_small_tensors(load, monkeypatch):
    """20,000 of them, as torch's pickles have them, of one storage; and the state of an optimizer of 10,000 more."""
    one = FLOATS.replace(b"X\x01\x00\x00\x000", b"h\x03").replace(text(b"storage"), b"h\x00").replace(
        b"ctorch\nFloatStorage\n", b"h\x01").replace(text(b"cpu"), b"h\x02")
    memo = (
        text(b"storage") + b"q\x000ctorch\nFloatStorage\nq\x010" + text(b"cpu") + b"q\x020" + text(b"0") + b"q\x030"
        + b"ctorch._utils\n_rebuild_tensor_v2\nq\x040ccollections\nOrderedDict\nq\x050" + text(b"step") + b"q\x060"
    )  # fmt: skip
    monkeypatch.setattr("mscompat.weights.pickle_budget._FREE", 2**13)
    places = iter(range(7, 10_000_000))

    def put():
        return b"r" + struct.pack("<I", next(places))

    def small():
        return (
            b"h\x04(" + one[1:-1] + b"Q" + b"K\x00K\x02\x85" + put() + b"K\x01\x85" + put()
            + b"\x89h\x05)R" + put() + b"t" + put() + b"R" + put()
        )

    weights = b"".join(text(b"layer.%d.weight" % index) + put() + small() for index in range(20_000))
    state = b"".join(
        b"J" + struct.pack("<i", index) + b"}" + put() + b"(h\x06" + small() + text(b"exp_avg") + small() + b"u"
        for index in range(5_000)
    )
    content = zipped(memo + b"}(" + weights + text(b"optimizer") + b"}(" + state + b"uu")
    value = traced(load, content, limit=_FREE + GRANT * len(content))
    assert len(value) == 20_001
    assert len(value["optimizer"]) == 5_000
    np.testing.assert_array_equal(value["optimizer"][7]["step"].numpy(), [0, 1])
