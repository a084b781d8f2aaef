"""Damaged .safetensors and .ckpt files: refused or read, in bounded time and memory, and never the end of the process.

Run as a script, it reads the mutations of a format from a seed on, each within the bounds.
"""

from __future__ import annotations

import faulthandler
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import tracemalloc
from pathlib import Path

import mindspore as ms
import numpy as np
import pytest
from google.protobuf.message import DecodeError
from mindspore.train.checkpoint_pb2 import Checkpoint
from safetensors.numpy import save_file

ROOT = Path(__file__).parents[2]
FORMATS = ["safetensors", "ckpt"]
SECONDS = 5
MEMORY = 64 * 2**20  # beside 4 times the file
INTERESTING = [
    0, 1, 2, 7, 8, 127, 128, 255, 2**15, 2**16, 2**28, 2**31 - 1, 2**32, 2**53, 2**61, 2**62, 2**63 - 1, 2**63,
    2**64 - 1, 2**64, -1, -8, 10**30,
]  # fmt: skip
INT64 = [number for number in INTERESTING if -(2**63) <= number < 2**63]
SHAPES = {"float32": (3, 4), "float16": (2,), "int64": (), "bool": (2, 3), "uint8": (1, 1, 5), "float64": (70,)}


def original(form, path):
    """A file of many dtypes and shapes."""
    rng = np.random.default_rng(0)
    arrays = {f"layers.{dtype}": rng.integers(0, 2, shape).astype(dtype) for dtype, shape in SHAPES.items()}
    arrays["bfloat16"] = ms.Tensor([1, 2], ms.bfloat16).asnumpy()
    if form == "safetensors":
        save_file(arrays, path)
    else:
        tensors = [{"name": name, "data": ms.Tensor.from_numpy(array)} for name, array in arrays.items()]
        ms.save_checkpoint(tensors, path, append_dict={"epoch": 3, "note": "text"})
    return Path(path).read_bytes()


def varint(value):
    value %= 2**70
    parts = []
    while value > 127:
        parts.append(value & 127 | 128)
        value >>= 7
    return bytes([*parts, value])


def mutate_header(data, rng):
    """A number or type in safetensors' JSON becomes another, and the file stays whole."""
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    entry = header[rng.choice(sorted(header.keys() - {"__metadata__"}))]
    match rng.randrange(4):
        case 0:
            entry["shape"] = [rng.choice(INTERESTING) for _ in range(rng.choice([0, 1, 2, 40]))]
        case 1:
            entry["data_offsets"][rng.randrange(2)] = rng.choice(INTERESTING)
        case 2:
            entry["dtype"] = rng.choice(["F64", "F8_E4M3", "F4", "C64", "BOOL", "\x1b", ""])
        case 3:  # right, but for its shape
            end = len(data) - 8 - size
            shape = rng.choice([[0, rng.choice(INTERESTING)], [0] * rng.choice([2, 32, 33, 40]), [0, 2**62, 8]])
            header["empty\x1b"] = {"dtype": "F32", "shape": shape, "data_offsets": [end, end]}
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data[8 + size :]


def mutate_message(data, rng):
    """A field of a .ckpt becomes another, and the lengths around it are right."""
    checkpoint = Checkpoint.FromString(data)
    value = rng.choice(checkpoint.value)
    tensor = value.tensor
    match rng.randrange(5):
        case 0:
            del tensor.dims[:]
            tensor.dims.extend(rng.choice(INT64) for _ in range(rng.choice([0, 1, 2, 40])))
        case 1:
            tensor.tensor_type = rng.choice(["Float64", "Int4", "BFloat16", "Bool", "str", "\x1b", ""])
        case 2:
            tensor.tensor_content = tensor.tensor_content[: rng.choice([0, 1, 3, -1])]
        case 3:
            tensor.tensor_content *= rng.choice([2, 3, 100])
        case 4:
            value.tag = rng.choice([checkpoint.value[0].tag, "", "\x1b"])
    return checkpoint.SerializePartialToString()


def mutate(form, data, rng):
    """One to three changes."""
    for _ in range(rng.randint(1, 3)):
        start = rng.randrange(len(data) or 1)
        end = min(start + rng.choice([1, 2, 4, 8, 50]), len(data))
        number = rng.choice(INTERESTING)
        match rng.randrange(14):
            case 0:
                data = data[:start] + bytes([rng.randrange(256)]) + data[start + 1 :]
            case 1:
                data = data[:start] + data[end:]
            case 2:
                data = data[:end] + data[start:end] * rng.choice([1, 2, 100]) + data[end:]
            case 3:
                data = data[:start]
            case 4:
                data = data[:start] + (number % 2**64).to_bytes(8, "little") + data[start + 8 :]
            case 5:
                data = data[:start] + varint(number) + data[start + rng.choice([0, 1, 2]) :]
            case 6:
                data = data[:start] + str(number).encode() + data[end:]
            case _:
                try:
                    data = (mutate_header if form == "safetensors" else mutate_message)(data, rng)
                except (ValueError, LookupError, TypeError, AttributeError, DecodeError):  # changed beyond that already
                    data = data[:start] + b"\0" + data[end:]
    return data


def read_all(path):
    from mscompat.weights.files import list_groups, read_state_dict
    from mscompat.weights.listing import listing

    for line in listing(list_groups(path)):
        assert line.isprintable()
        assert line.isascii()
    for value in read_state_dict(path).values():
        if hasattr(value, "numpy"):
            assert value.numpy().shape == value.shape


def main(form, first, count):
    from mscompat import TorchFileError

    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, f"a.{form}")
        data = original(form, path)
        read_all(path)  # what is imported and made at the first time
        os.chmod(path, 0o600)
        mapped = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        largest = MEMORY + 4 * 200 * len(data)
        resource.setrlimit(resource.RLIMIT_AS, (mapped + largest, resource.RLIM_INFINITY))
        refused = 0
        for seed in range(first, first + count):
            mutated = mutate(form, data, random.Random(f"{form} {seed}"))
            Path(path).write_bytes(mutated)
            print(seed, file=sys.stderr, flush=True)  # the last one that is printed is the culprit
            faulthandler.dump_traceback_later(SECONDS, exit=True)
            tracemalloc.start()
            try:
                read_all(path)
            except (TorchFileError, OSError) as error:
                assert path in str(error)  # noqa: PT017 (it may also raise nothing)
                refused += 1
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            faulthandler.cancel_dump_traceback_later()
            assert peak < MEMORY + 4 * len(mutated), peak
        print(refused)


def check(form, first, count):
    result = subprocess.run(
        [sys.executable, __file__, form, str(first), str(count)], env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, timeout=SECONDS * 60, check=False,
    )
    assert result.returncode == 0, result.stderr[-3000:]
    assert count // 3 < int(result.stdout) < count  # most mutations are damage, and some are none


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="bounds memory as Linux does")
@pytest.mark.parametrize("form", FORMATS)
def test_some_mutations(form):
    check(form, 0, 60)


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="bounds memory as Linux does")
@pytest.mark.parametrize("form", FORMATS)
def test_mutations(form):
    check(form, 60, 750)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
