"""Damaged files of torch.save and torch.jit.save: refused or read, in bounded time and memory.

Run as a script, it reads the mutations of one file from a seed on, each within the bounds; where torch is there and
takes a mutation, it has the same values.
"""

from __future__ import annotations

import faulthandler
import io
import os
import random
import struct
import subprocess
import sys
import tempfile
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
from made_files import FLOATS, legacy, tensor, text, zipped

try:
    import torch
except ImportError:
    torch = None

ROOT = Path(__file__).parents[2]
DATA = Path(__file__).parent / "data"
RECORDED = [
    "contents_zip.pth", "contents_legacy.pth", "network_zip.pth", "network_legacy.pth", "objects_zip.pth",
    "objects_legacy.pth", "module_zip.pth", "module_legacy.pth", "torchscript.pt", "frozen.pt",
]  # fmt: skip
FILES = [*RECORDED, "made_zip", "made_legacy"]
SECONDS = 5
MEMORY = 64 * 2**20  # beside 4 times the file
NUMBERS = [
    0, 1, 2, 7, 127, 128, 255, 2**15, 2**16 - 1, 2**28, 2**31 - 1, 2**32 - 1, 2**53, 2**61, 2**62, 2**63, 2**64 - 1,
]  # fmt: skip
INSTRUCTIONS = (
    b".NKMJ\x8a\x8bIGFUTSVX\x8c\x8dCB\x8e\x96(012)\x85\x86\x87t]}ld\x8f\x91aesu\x90qrp\x94hjgc\x93R\x81\x92iobQP"
)
FRAGMENTS = [
    b"h\x00", b"h\x01", b"h\x05", b"2", b"0", b")R", b")\x81", b"}b", b"Nb", b"(e", b"(t", b"\x86", b"Q",
    b"]q\x00h\x00a",
    b"cos\nsystem\n", b"c__builtin__\nset\n", b"ccollections\nOrderedDict\n", b"cnumpy\ndtype\n",
    b"cbuiltins\ngetattr\n",
    b"cnumpy.core.multiarray\n_reconstruct\n", b"cnumpy.core.multiarray\nscalar\n", b"ctorch\nFloatStorage\n",
    b"ctorch._utils\n_rebuild_tensor_v2\n", b"ctorch._utils\n_rebuild_qtensor\n", b"J\xff\xff\xff\xff", FLOATS,
    tensor(), text(b"_modules"), text(b"_parameters"),
]  # fmt: skip


def original(name):
    """A recorded file, or one with a bit of everything in it."""
    if name in RECORDED:
        return (DATA / name).read_bytes()
    tensors = tensor() + tensor(b"K\x01", b"K\x02\x85", b"K\x02\x85")
    program = b"(" + tensors + b"c__builtin__\nset\n](K\x01K\x02e\x85Rt"
    return zipped(program) if name == "made_zip" else legacy(program)


def pickle_of(data):
    """Where the first large pickle is, and where it ends."""
    start = data.find(b"data.pkl") if data.startswith(b"PK") else data.find(b"\x80\x02", 100)
    start = max(data.find(b"\x80\x02", max(start, 0)), 0)
    end = data.find(b"PK", start) if data.startswith(b"PK") else len(data)
    return start, end if end > start else len(data)


def mutate_pickle(data, rng):
    """An instruction, a number or a fragment in the pickle becomes another. The archive around it stays whole."""
    if not data.startswith(b"PK"):
        return edit(data, *pickle_of(data), rng)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = [(entry, archive.read(entry)) for entry in archive.infolist()]
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for entry, inner in entries:
            name = entry.filename
            chance = {".pkl": 0.8, ".py": 0.3}.get(Path(name).suffix, 0.02)
            if rng.random() < chance:
                inner = edit(inner, 0, len(inner), rng)
            kind = zipfile.ZIP_DEFLATED if rng.random() < 0.02 else entry.compress_type
            archive.writestr(name, inner, kind)
    return content.getvalue()


def edit(data, start, end, rng):
    """Change what is between two places."""
    at = rng.randrange(start, max(end, start + 1))
    match rng.randrange(7):
        case 6:
            return data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :] if at < len(data) else data
        case 0:
            return data[:at] + bytes([rng.choice(INSTRUCTIONS)]) + data[at + 1 :]
        case 1:
            return data[:at] + rng.choice(FRAGMENTS) + data[at + rng.choice([0, 1, 3]) :]
        case 2:
            size = rng.choice([1, 2, 4, 8])
            return data[:at] + (rng.choice(NUMBERS) % 2 ** (8 * size)).to_bytes(size, "little") + data[at + size :]
        case 3:
            other, size = rng.randrange(start, max(end, start + 1)), rng.choice([1, 8, 40, 200])
            return data[:at] + data[other : other + size] * rng.choice([1, 2, 500]) + data[at:]
        case 4:
            return data[:at] + data[at + rng.choice([1, 5, 30]) :]
        case _:
            return data[:at] + rng.choice(FRAGMENTS) * rng.choice([2, 1000]) + data[at:]


def mutate(data, rng):
    """One to three changes, of the bytes or of the pickle."""
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        at = rng.randrange(len(data) or 1)
        match rng.randrange(10):
            case 0:
                data = data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :] if data else data
            case 1:
                data = data[:at]
            case 2:
                data = data[:at] + struct.pack("<Q", rng.choice(NUMBERS))[: rng.choice([1, 2, 4, 8])] + data[at + 4 :]
            case 3:
                data = edit(data, 0, len(data), rng)
            case _:
                try:
                    data = mutate_pickle(data, rng)
                except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, OSError, ValueError, EOFError,
                        RuntimeError, struct.error, IndexError, KeyError, ImportError):  # changed beyond that already
                    data = edit(data, 0, len(data), rng)
                except zipfile.zlib.error:
                    data = data[:-1]
    return data


def read_all(value):
    """Names, shapes, types and values of the tensors in dicts, lists and records."""
    from mscompat.weights.inert import InertObject, module_state_dict
    from mscompat.weights.tensors import TorchTensor, UnsupportedTensor

    found = []
    todo = [((), value)]
    while todo and len(found) < 1000:
        path, value = todo.pop()
        if isinstance(value, TorchTensor):
            if not isinstance(value, UnsupportedTensor):
                found.append((path, value.shape, value.dtype, value.numpy().tobytes()))
            assert repr(value).isprintable()
        elif torch is not None and isinstance(value, torch.Tensor):
            value = value.detach().resolve_conj().resolve_neg()
            array = value.view(torch.int16).numpy() if value.dtype == torch.bfloat16 else value.numpy()
            found.append((path, tuple(value.shape), str(value.dtype)[len("torch.") :], array.tobytes()))
        elif isinstance(value, np.ndarray):
            value.tobytes()
        elif isinstance(value, InertObject):
            assert repr(value).isprintable()
            module_state_dict(value)
            if len(path) < 5:
                todo.extend(((*path, "record"), part) for part in (value.state, value.entries, value.arguments))
        elif isinstance(value, dict) and len(path) < 5:
            todo.extend(((*path, key), item) for key, item in list(value.items())[:100])
        elif isinstance(value, (list, tuple)) and len(path) < 5:
            todo.extend(((*path, index), item) for index, item in enumerate(value[:100]))
    return found


def torch_takes(path, ours):
    """Whether torch has the same tensors, where it takes the file. It has none for many things that are harmless."""
    try:
        theirs = read_all(torch.load(path, weights_only=True))
    except Exception:
        return False
    assert ours == theirs
    return True


def main(name, first, count):
    import resource
    import warnings

    from mscompat import TorchFileError, load_torch_file

    warnings.simplefilter("ignore")
    data = original(name)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "a.pth")
        Path(path).write_bytes(data)
        read_all(load_torch_file(path))  # what is imported and made at the first time
        if torch is not None:
            torch_takes(path, read_all(load_torch_file(path)))
        mapped = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (mapped + 2**29, resource.RLIM_INFINITY))
        refused = compared = 0
        for seed in range(first, first + count):
            mutated = mutate(data, random.Random(f"{name} {seed}"))
            Path(path).write_bytes(mutated)
            print(seed, file=sys.stderr, flush=True)  # the last one that is printed is the culprit
            faulthandler.dump_traceback_later(SECONDS, exit=True)
            tracemalloc.start()
            ours = None
            try:
                ours = read_all(load_torch_file(path))
            except (TorchFileError, OSError) as error:
                assert path in str(error)  # noqa: PT017 (it may also raise nothing)
                assert str(error).isprintable()  # noqa: PT017
                refused += 1
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            faulthandler.cancel_dump_traceback_later()
            assert peak < MEMORY + 4 * len(mutated), peak
            if torch is not None and ours is not None:
                compared += torch_takes(path, ours)
        print(refused, compared)


def check(name, first, count):
    result = subprocess.run(
        [sys.executable, __file__, name, str(first), str(count)], env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, timeout=SECONDS * 60, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr[-3000:]
    refused, compared = map(int, result.stdout.split())
    assert count // 4 < refused < count  # most mutations are damage, and some are none
    assert compared or torch is None or not name.startswith("network")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="bounds memory as Linux does")
@pytest.mark.parametrize("name", ["contents_zip.pth", "network_legacy.pth", "objects_zip.pth", "torchscript.pt"])
def test_some_mutations(name):
    check(name, 0, 60)


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="bounds memory as Linux does")
@pytest.mark.parametrize("name", FILES)
def test_mutations(name):
    check(name, 60, 130)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
