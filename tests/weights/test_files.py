"""Files of weights: which tensors of them are meant, and what safetensors' parser lets through."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

import mindspore as ms
import numpy as np
import pytest
from safetensors.numpy import save_file

from mscompat import TorchFileError
from mscompat.weights.files import read_file, read_state_dict
from mscompat.weights.groups import GroupError, choose_group, find_groups
from mscompat.weights.inert import InertObject
from mscompat.weights.listing import describe, listing
from mscompat.weights.names import common_prefix, to_mindspore, to_torch
from mscompat.weights.regular_file import open_regular

A, B = np.ones(2), np.ones((2, 3))
WEIGHTS = {"weight": B, "bias": A}
ADAM = {"state": {0: {"step": 1, "exp_avg": A}, 1: {"step": 1, "exp_avg": B}}, "param_groups": [{"lr": 0.1}]}


def keys(value):
    return [group.key for group in find_groups(value).walk()]


def test_groups():
    saved = {"g": {"net": WEIGHTS, "names": ["a"]}, "optimizer": ADAM, "rng": [A, B], "loss": A, "epoch": 3}
    assert keys(saved) == [".", "g.net", "optimizer.state.0", "optimizer.state.1", "rng"]
    groups = {group.key: group for group in find_groups(saved).walk()}
    assert list(groups["."].tensors) == ["loss"]
    assert [name for name, _ in groups["."].others()] == ["epoch"]
    assert list(groups["rng"].tensors) == ["0", "1"]
    assert groups["g.net"].state_dict() == WEIGHTS


MEANT = {
    "a state dict": (WEIGHTS, "."),
    "with what is no tensor": ({**WEIGHTS, "epoch": 3, "options": {"a": 1}, "list": [1]}, "."),
    "an empty one": ({}, "."),
    "no tensors": ({"weight": [1, 2]}, "."),
    "a wrapper": ({"state_dict": WEIGHTS, "epoch": 3}, "state_dict"),
    "two wrappers": ({"model": {"state_dict": WEIGHTS}}, "model.state_dict"),
    "any name": ({"what": {"ever": WEIGHTS}}, "what.ever"),
    "a name with dots": ({"a.b": WEIGHTS}, "a.b"),
    "in a list": ([WEIGHTS, {"epoch": 3}], "0"),
    "beside an optimizer": ({"net": WEIGHTS, "optim_g": {"a": WEIGHTS}, "any": ADAM}, "net"),
    "beside a scheduler": ({"net": WEIGHTS, "lr_scheduler": {"a": A}, "schedulers": [{"a": A}]}, "net"),
    "beside random states": ({"net": WEIGHTS, "rng_state": {"cpu": A}, "random_states": {"a": A}, "cuda": [A]}, "net"),
    "beside settings": ({"net": WEIGHTS, "hyper_parameters": {"class_weights": A}, "args": {"a": A}}, "net"),
    "beside an object's settings": ({"net": WEIGHTS, "any": InertObject("torch.optim.adam.Adam", ({"a": A},))}, "net"),
    "beside a loss": ({"model_state_dict": WEIGHTS, "loss": A, "epoch": 3}, "model_state_dict"),
    "beside a NumPy scalar": ({"g_ema": WEIGHTS, "best": np.float32(3)}, "g_ema"),
    "twice": ({"model": WEIGHTS, "best": WEIGHTS}, "model"),
    "with an extra state": ({**WEIGHTS, "_extra_state": {"a": A}, "head._extra_state": {"a": A}}, "."),
}  # fmt: skip


@pytest.mark.parametrize("name", MEANT)
def test_what_is_meant(name):
    saved, key = MEANT[name]
    assert choose_group(saved).key == key


UNCLEAR = {
    "EMA": ({"model": WEIGHTS, "model_ema": WEIGHTS | {"c": A}}, ["model", "model_ema"]),
    "BasicSR": ({"params": dict(WEIGHTS), "params_ema": dict(WEIGHTS)}, ["params", "params_ema"]),
    "StyleGAN": ({"g_ema": WEIGHTS, "latent_avg": A}, [".", "g_ema"]),
    "nested names": ({"encoder": WEIGHTS, "decoder": dict(WEIGHTS)}, ["encoder", "decoder"]),
    "tensors beside": ({**WEIGHTS, "head": dict(WEIGHTS)}, [".", "head"]),
}


@pytest.mark.parametrize("name", UNCLEAR)
def test_what_is_not_clear(name):
    saved, meant = UNCLEAR[name]
    with pytest.raises(GroupError, match="several groups of tensors could be meant") as error:
        choose_group(saved)
    assert all(repr(key) in str(error.value) for key in meant)
    for key in meant:
        assert choose_group(saved, key).key == key


def test_many_groups_make_a_short_error():
    with pytest.raises(GroupError, match=r"'0' .*, and 988 more: name one") as error:
        choose_group([dict(WEIGHTS) for _ in range(1000)])
    assert len(str(error.value)) < 500


def test_nothing_looks_like_a_state_dict():
    for saved, key in (({"optimizer": ADAM}, None), ({"optimizer": ADAM}, "optimizer"), ([A, B], None)):
        with pytest.raises(GroupError, match="no group of tensors looks like a state dict"):
            choose_group(saved, key)


KEYS = {
    "g_ema": ("g_ema", ["conv.weight", "conv.bias"]),
    "deep.models.1": ("deep.models.1", ["b"]),
    "deep": ("deep.list.0", ["weight", "bias"]),
    "with.dots": ("with.dots", ["c"]),
    "with.dots.more": ("with.dots.more", ["weight", "bias"]),
    "with.other": ("with.other", ["d"]),
    "optimizer.state.1": ("optimizer.state.1", ["step", "exp_avg"]),
    "object.model": ("object.model", ["weight", "bias"]),
    "rng": ("rng", ["0", "1"]),
    ".": (".", ["loss", "g_ema", "deep"]),
}


@pytest.mark.parametrize("key", KEYS)
def test_keys(key):
    module = InertObject("trainer.Trainer")
    module.state = {"model": WEIGHTS}
    saved = {
        "loss": A, "g_ema": {"conv.weight": B, "conv.bias": A}, "with.dots": {"c": A}, "with.dots.more": dict(WEIGHTS),
        "with": {"other": {"d": A}}, "optimizer": ADAM, "object": module, "rng": (A, B),
    }  # fmt: skip
    saved["deep"] = {"list": [dict(WEIGHTS)]} if key == "deep" else {"models": [{"a": A}, {"b": A}]}
    group = choose_group(saved, key)
    found, names = KEYS[key]
    assert group.key == found
    assert set(names) <= set(group.state_dict())
    assert key == "." or set(names) == set(group.state_dict())


@pytest.mark.parametrize(("key", "message"), [
    ("h", "there is no 'h', but '.' (1 tensor), 'g' (2 tensors)"),
    ("g.h", "there is no 'g.h', but '.' (1 tensor), 'g' (2 tensors)"),
    ("", "there is no '', but "),
    ("..", "there is no '..', but "),
    ("\x1b", "there is no '\\x1b', but "),
    ("loss", "'loss' is no group of tensors, but a tensor"),
    ("epoch", "'epoch' is no group of tensors, but of type int"),
    ("args", "there are no tensors in 'args'"),
])
def test_wrong_keys(key, message):
    with pytest.raises(GroupError) as error:
        choose_group({"loss": A, "g": WEIGHTS, "epoch": 3, "args": {"a": 1}}, key)
    assert message in str(error.value)


def test_keys_that_are_no_str():
    saved = {(1, 2): WEIGHTS, None: 3, 2: {"a": A}, (1, 3): 4, 10**5000: 5}
    assert keys(saved) == ["<tuple 0>", "2"]
    assert [name for name, _ in find_groups(saved).others()] == ["None", "<tuple 3>", "<int 4>"]
    assert choose_group(saved, "2").state_dict() == {"a": A}


def test_a_key_that_means_two_places():
    saved = {"a.b": {"c": {"w": A}}, "a": {"b.c": {"w": B}, "d": {"w": A}}}
    assert choose_group(saved, "a.d").state_dict() == {"w": A}
    with pytest.raises(GroupError, match=r"'a\.b\.c' may mean \('a\.b', 'c'\) and \('a', 'b\.c'\)"):
        choose_group(saved, "a.b.c")


def test_two_entries_of_a_name():
    with pytest.raises(GroupError, match=r"two entries of \. have the same name"):
        choose_group({1: A, "1": B}).state_dict()


def test_trees_of_a_hostile_file():
    """Circles, depth, and sharing that would make a tree of 2^200 places."""
    circle = {"weight": A}
    circle["self"] = circle
    circle["list"] = [circle]
    assert keys(circle) == ["."]
    assert choose_group(circle).key == "."
    assert any("self: the same as" in line or "self: dict" in line for line in listing(find_groups(circle)))
    shared = {"weight": A}
    for _ in range(90):
        shared = {"a": shared, "b": shared, "c": [shared]}
    assert len(keys(shared)) == 1
    assert len(list(listing(find_groups(shared)))) < 300
    deep = []
    for _ in range(100_000):
        deep = [deep]
    assert choose_group({"model": WEIGHTS, "deep": deep}).key == "model"


def test_descriptions_are_short_and_inert():
    deep = ()
    for _ in range(60):
        deep = (deep, deep)
    for value, text in (
        (3, "int 3"), (10**5000, "int of 16,610 bits"), (0.5, "float 0.5"), (True, "bool True"), (None, "None"),
        ("a\x1b", "str 'a\\x1b'"), ({1: 2}, "dict of 1"), ([1] * 2000, "list of 2,000"), (deep, "tuple of 2"),
        (InertObject("omegaconf.dictconfig.DictConfig"), "omegaconf.dictconfig.DictConfig, not run"),
        (InertObject("a\x1b"), "'a\\x1b', not run"), (A, "tensor [2] float64"),
    ):  # fmt: skip
        assert describe(value) == text
    for value in ("x" * 10**6, InertObject("x" * 10**6), "\x1b" * 100):
        assert len(describe(value)) <= 75


def test_what_else_is_there_is_cut():
    lines = list(listing(find_groups({**WEIGHTS, **{f"number {i}": i for i in range(1000)}})))
    assert len(lines) < 120
    assert "  ...: 900 more" in lines


@pytest.mark.parametrize(("names", "wanted", "prefix"), [
    (["module.a", "module.b"], ["a", "b"], "module."),
    (["module._orig_mod.a", "module._orig_mod.b"], ["a", "b"], "module._orig_mod."),
    (["module.net.a", "module.net.b"], ["net.a", "net.b"], "module."),
    (["module.net.a", "module.net.b"], ["a", "b", "net"], "module.net."),
    (["module.a", "module.b"], ["module.a"], ""),  # it fits as it is
    (["module.a", "b"], ["a", "b"], ""),
    (["module.a", "module.b"], ["c"], ""),
    (["module.a", "other.b"], ["a", "b"], ""),  # not shared
    (["modul.a", "module.b"], ["a", "b"], ""),
    (["net.layers.0.weight", "net.layers.1.weight"], ["0.weight", "1.weight"], "net.layers."),
    (["m.0.0.weight"], ["0.weight", "0.0.weight"], "m."),  # as many: the fewest
    (["m.x.weight", "m.x.bias"], ["weight", "bias", "x.weight"], "m.x."),  # the most
    (["a"], ["b"], ""), ([], ["a"], ""), (["a"], [], ""), ([""], ["a"], ""),
    (["m.num_batches_tracked", "m.weight"], ["weight"], "m."),
])
def test_common_prefix(names, wanted, prefix):
    assert common_prefix(names, wanted) == prefix


def test_mindspores_names():
    norm = ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"]
    names = [*(f"a.{name}" for name in norm), "b.weight", "b.bias", "c.running_mean", *norm]
    renaming = to_mindspore(names)
    assert (renaming.norms, renaming.dropped) == (2, ["a.num_batches_tracked", "num_batches_tracked"])
    assert list(renaming.names.values()) == [
        "a.gamma", "a.beta", "a.moving_mean", "a.moving_variance", "b.weight", "b.bias", "c.running_mean",
        "gamma", "beta", "moving_mean", "moving_variance",
    ]  # fmt: skip
    back = to_torch(renaming.names.values())
    assert (back.norms, back.dropped) == (2, [])
    assert list(back.names.values()) == list(renaming.names)
    # Nothing is written over.
    assert to_mindspore(["weight", "gamma", "running_mean", "running_var"]).norms == 0


def write_safetensors(path, content=b"", **tensors):
    header = {
        name: {"dtype": dtype, "shape": shape, "data_offsets": [start, end]}
        for name, (dtype, shape, start, end) in tensors.items()
    }
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + content)


@pytest.mark.parametrize("shape", [[1] * 40, [1] * 33, [0, 2**63], [0, 2**62, 8], [2**63, 0], [0, 2**64 - 1]], ids=str)
def test_shapes_that_numpy_cannot_hold(tmp_path, shape):
    path = tmp_path / "a.safetensors"
    size = 0 if 0 in shape else 4
    write_safetensors(path, bytes(size), weight=("F32", shape, 0, size))
    with pytest.raises(TorchFileError, match=r"a\.safetensors: the file is damaged"):
        read_state_dict(path)


@pytest.mark.parametrize(("dtype", "size"), [("F8_E4M3", 1), ("F8_E5M2", 1), ("F8_E8M0", 1), ("F4", 1)])
def test_types_that_numpy_has_not(tmp_path, dtype, size):
    path = tmp_path / "a.safetensors"
    write_safetensors(path, bytes(size), weight=(dtype, [2 if dtype == "F4" else 1], 0, size))
    weight = read_state_dict(path)["weight"]
    assert weight.dtype.startswith(dtype[:2].lower())
    with pytest.raises(TorchFileError, match=r"a\.safetensors: weight cannot be read"):
        weight.numpy()


@pytest.mark.parametrize("shape", [(), (0, 3), (1,) * 32, (2, 3)], ids=str)
def test_safetensors_shapes(tmp_path, shape):
    path = tmp_path / "a.safetensors"
    save_file({"weight": np.ones(shape, np.float16)}, path)
    weight = read_state_dict(path)["weight"]
    assert (weight.shape, weight.dtype) == (shape, "float16")
    np.testing.assert_array_equal(weight.numpy(), np.ones(shape))


@pytest.mark.parametrize("suffix", [".pth", ".ckpt", ".safetensors"])
def test_regular_files_only(tmp_path, suffix):
    fifo, server = tmp_path / f"fifo{suffix}", socket.socket(socket.AF_UNIX)
    os.mkfifo(fifo)
    os.symlink("/dev/zero", tmp_path / f"device{suffix}")
    server.bind(str(tmp_path / f"socket{suffix}"))
    for name in ("fifo", "device", "socket"):
        with pytest.raises(TorchFileError, match=f"{name}{suffix}: not a regular file"):
            read_file(tmp_path / f"{name}{suffix}")
        with pytest.raises(TorchFileError, match=f"{name}{suffix}: not a regular file"):
            open_regular(tmp_path / f"{name}{suffix}")
    server.close()
    with pytest.raises(IsADirectoryError):
        open_regular(tmp_path)
    with pytest.raises(FileNotFoundError):
        open_regular(tmp_path / "missing")
    (tmp_path / "a").write_bytes(b"abc")
    with open_regular(tmp_path / "a") as stream:
        assert stream.read() == b"abc"


@pytest.mark.parametrize("suffix", [".ckpt", ".safetensors"])
def test_names_of_a_file(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    if suffix == ".ckpt":
        ms.save_checkpoint([{"name": "a", "data": ms.Tensor([1.0])}], str(path), append_dict={"note": "text"})
    else:
        save_file({"a": np.ones(1, np.float32)}, path)
    with pytest.raises(TorchFileError, match=r"there is no 'model', but '\.' "):
        read_state_dict(path, "model")
    assert list(read_state_dict(path, ".")) == list(read_state_dict(Path(path)))
