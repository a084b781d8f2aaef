"""Record the files of data/ with torch: python tests/weights/record_torch_files.py.

The tests know what is in them, and read them without torch.
"""

from __future__ import annotations

import argparse
import collections
import datetime
import pathlib
import random
import sys
import types

import numpy as np
import torch
from torch import nn

DATA = pathlib.Path(__file__).parent / "data"
DTYPES = (
    "float64", "float32", "float16", "bfloat16", "complex64", "complex128", "int64", "int32", "int16", "int8",
    "uint64", "uint32", "uint16", "uint8", "bool",
)  # fmt: skip


def contents():
    """All that load_torch_file reads: see EXPECTED in test_torch_archive.py."""
    base = torch.arange(24.0).reshape(2, 3, 4)
    tagged = nn.Parameter(torch.ones(2))
    tagged.tag = "x"  # an attribute makes torch write it in another way
    return {
        **{dtype: torch.tensor([0, 1, 2, 100]).to(getattr(torch, dtype)) for dtype in DTYPES},
        "base": base,
        "view": base[1:, ::2, 1],
        "permuted": base.permute(2, 0, 1),
        "scalar": torch.tensor(3.5),
        "empty": torch.empty(0, 3),
        "expanded": torch.tensor([[1.0], [2.0]]).expand(2, 3),
        "conjugate": torch.tensor([1 + 2j]).conj(),
        "negative": torch.tensor([1 + 2j]).conj().imag,
        "parameter": nn.Parameter(base),
        "tagged": tagged,
        "state_dict": nn.BatchNorm2d(2).state_dict(),
        "optimizer": torch.optim.SGD([nn.Parameter(torch.ones(2))], 0.5).state_dict(),
        "torch": [torch.Size([1, 2]), torch.float16, torch.device("cuda:1")],
        "numbers": [None, True, False, 7, -7, 300, 70000, 2**40, -(2**70), 0.5, 1 + 2j],
        "texts": ["ü", b"\x00\xff", bytearray(b"ab")],
        "containers": [(), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4), {1, 2}, {}, []],
        "dicts": [collections.OrderedDict(a=1), collections.Counter("aab"), collections.defaultdict(list, a=[1])],
        "options": argparse.Namespace(lr=0.5),
        "best": [np.float64(0.5), np.int32(-4)],
    }


class Network(nn.Module):
    """One of each kind of module, for test_state_dict.py."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(5, 8)
        self.line = nn.Conv1d(1, 2, 3, padding=1)
        self.layers = nn.Sequential(nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.PReLU(4))
        self.up = nn.ConvTranspose2d(4, 4, 3, stride=2, output_padding=1)
        self.group = nn.GroupNorm(2, 4)
        self.head = nn.Sequential(nn.LayerNorm(4), nn.Linear(4, 3))

    def forward(self, ids):
        x = self.line(self.embedding(ids).reshape(-1, 1, 8))
        x = x.reshape(ids.shape[0], -1, 2, 8).transpose(1, 2)
        x = self.group(self.up(self.layers(x)))
        return self.head(x.mean((2, 3)))


class Whole(nn.Module):
    """A module that is saved as a whole."""

    def __init__(self):
        super().__init__()
        self.register_buffer("scale", torch.full((2,), 3.0))
        self.register_buffer("cache", torch.ones(1), persistent=False)
        self.register_buffer("nothing", None)
        self.layers = nn.Sequential(nn.Linear(2, 2, bias=False), nn.BatchNorm1d(2))
        self.shared = self.layers[0]
        self.plain = torch.ones(5)
        with torch.no_grad():
            self.shared.weight.copy_(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))

    def forward(self, x):
        return self.shared(self.layers(x)) * self.scale * self.cache + self.plain[0]


def fakes():
    """Classes of libraries that need not be there, by what they are."""
    made = {}
    for name, base in (
        ("omegaconf.dictconfig.DictConfig", object), ("omegaconf.listconfig.ListConfig", object),
        ("mmengine.config.config.ConfigDict", dict), ("mmengine.logging.history_buffer.HistoryBuffer", object),
        ("lightning.fabric.utilities.data.AttributeDict", dict), ("library.Names", list),
    ):  # fmt: skip
        module, _, short = name.rpartition(".")
        for count in range(module.count(".") + 1):
            part = ".".join(module.split(".")[: count + 1])
            sys.modules.setdefault(part, types.ModuleType(part))
        made[short] = type(short, (base,), {"__module__": module})
        setattr(sys.modules[module], short, made[short])
    return made


def objects():
    """What people's checkpoints have beside the weights: see test_pickle_names.py."""
    classes = fakes()
    config = classes["DictConfig"]()
    config.__dict__.update(_content={"lr": 0.5, "layers": classes["ListConfig"]()}, _parent=None)
    history = classes["HistoryBuffer"]()
    history._log_history = np.array([0.5, 0.25])
    return {
        "weight": torch.ones(2),
        "epoch": 5,
        "params": {"width": 64},
        "array": np.arange(6, dtype=np.int16).reshape(2, 3),
        "big": np.arange(3, dtype=">f4"),
        "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "text": np.array(["a", "bc"]),
        "rng": np.random.RandomState(0).get_state(),
        "python_rng": random.Random(0).getstate(),
        "path": pathlib.PurePosixPath("runs/1"),
        "time": datetime.datetime(2024, 1, 2, 3, 4, 5),
        "deque": collections.deque([1, 2], maxlen=5),
        "config": config,
        "names": classes["Names"]([1, 2]),
        "settings": classes["AttributeDict"](lr=0.5),
        "nested": classes["ConfigDict"](model=classes["ConfigDict"](depth=50)),
        "history": history,
        classes["HistoryBuffer"]: {"class": "as a key"},
        ("a", 1): "tuple",
    }


def network():
    """Weights after some training, and an output."""
    torch.manual_seed(0)
    module = nn.DataParallel(Network())
    optimizer = torch.optim.SGD(module.parameters(), 0.1)
    ids = torch.tensor([[0, 1, 2, 3], [4, 3, 2, 1]])
    for _ in range(5):
        optimizer.zero_grad()
        (module(ids) ** 2).sum().backward()
        optimizer.step()
    module.eval()
    return {"epoch": 5, "model": module.state_dict(), "ids": ids.int(), "output": module(ids).detach()}


def no_source(cls):
    """In place of the source of a module's class, which the older format holds, with its path on this machine."""
    return ["class ", cls.__name__], 0, "source.py"


if __name__ == "__main__":
    DATA.mkdir(exist_ok=True)
    torch.serialization.get_source_lines_and_file = no_source
    for name, zipped in (("zip", True), ("legacy", False)):
        torch.save(contents(), DATA / f"contents_{name}.pth", _use_new_zipfile_serialization=zipped)
        torch.save(network(), DATA / f"network_{name}.pth", _use_new_zipfile_serialization=zipped)
        torch.save(Whole(), DATA / f"module_{name}.pth", _use_new_zipfile_serialization=zipped)
        torch.save(objects(), DATA / f"objects_{name}.pth", _use_new_zipfile_serialization=zipped)
    torch.save(nn.Linear(2, 2), DATA / "module.pth")
    torch.save({"weight": torch.eye(2).to_sparse()}, DATA / "sparse.pth")
    torch.jit.script(Whole()).save(DATA / "torchscript.pt")
    torch.jit.freeze(torch.jit.script(Whole()).eval()).save(DATA / "frozen.pt")
    print(f"wrote {sum(path.stat().st_size for path in DATA.iterdir()):,} bytes with torch {torch.__version__}")
