"""Recorded results of torch: they hold the layers, and the reference that stands in for torch, on any machine."""

from __future__ import annotations

import pathlib

import cases
import mindspore as ms
import numpy as np
import oracle
import pytest
import test_init
from harness import array, make_layer, tensor
from oracle import assert_close

import mscompat

FILE = pathlib.Path(__file__).with_name("golden_torch.npz")
GOLDEN = dict(np.load(FILE))
NAMES = sorted({key.rpartition("/")[0] for key in GOLDEN if key.startswith("conv")})
TABLES = {
    "conv2d": {case.name: case for case in cases.conv2d_cases()},
    "conv_transpose2d": {case.name: case for case in cases.conv_transpose2d_cases()},
}


def golden(name: str):
    layer, _, case_name = name.partition("/")
    wanted = [GOLDEN.get(f"{name}/{field}") for field in oracle.Results._fields]
    return TABLES[layer][case_name], layer == "conv_transpose2d", wanted


def test_golden_file():
    assert str(GOLDEN["torch_version"]).startswith("2.")
    assert len(NAMES) >= 100
    assert FILE.stat().st_size < 3e6


@pytest.mark.parametrize("name", NAMES)
def test_reference_is_torchs_record(name):
    case, transposed, expected = golden(name)
    inputs = oracle.make_inputs(case, transposed)
    dtype = "float64" if case.dtype == "float64" else "float32"  # of the record
    results = zip(oracle.reference(case, transposed, inputs), expected, oracle.scales(case, transposed, inputs),
                  strict=True)
    for actual, wanted, scale in results:
        assert (actual is None) == (wanted is None)
        if wanted is not None:
            assert_close(actual, np.float64(wanted), scale, dtype)


@pytest.mark.parametrize("name", NAMES)
def test_layer_is_torchs_record(name):
    case, transposed, expected = golden(name)
    inputs = oracle.make_inputs(case, transposed)
    layer = make_layer(case, transposed, inputs)
    options = () if case.output_size is None else (tuple(int(size) for size in case.output_size),)
    output = layer(tensor(inputs.input, case.dtype), *options)
    scale = oracle.scales(case, transposed, inputs).output
    assert_close(array(output), np.float64(expected[0]), scale, case.dtype)


@pytest.mark.parametrize("seed", [0, 42])
@pytest.mark.parametrize("dtype", test_init.DTYPES)
def test_manual_seed_is_torchs_record(dtype, seed):
    mscompat.manual_seed(seed)
    assert test_init.digests(test_init.parameters(dtype)) == GOLDEN[f"init/{dtype}/{seed}"].tolist()


def test_mode_is_pynative_between_tests():
    assert ms.get_context("mode") == ms.PYNATIVE_MODE
