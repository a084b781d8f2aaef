"""Recorded results of torch: they hold the layers, and the reference that stands in for torch, on any machine."""

from __future__ import annotations

import pathlib

import cases
import mindspore as ms
import numpy as np
import oracle
import pytest
from initial_parameters import DTYPES, digests, parameters

import mscompat
from mscompat.check import golden as golden_file
from mscompat.check.golden import TOLERANCES, Inputs, Results, make_inputs
from mscompat.check.worker import run_job

INIT = dict(np.load(pathlib.Path(__file__).with_name("golden_init.npz")))
TORCH_VERSION, RECORDS = golden_file.load()
NAMES = [f"{record.golden.operator}/{record.golden.name}" for record in RECORDS]
each_record = pytest.mark.parametrize("record", RECORDS, ids=NAMES)


def test_golden_file():
    assert TORCH_VERSION.startswith("2.")
    assert str(INIT["torch_version"]) == TORCH_VERSION
    assert len(RECORDS) >= 60
    assert len(set(NAMES)) == len(RECORDS)
    assert golden_file.FILE.stat().st_size < 450e3


def test_golden_file_is_of_the_case_table():
    pytest.importorskip("torch", reason="records the file, and torch is not installed")
    import record_golden

    assert record_golden.goldens() == [record.golden for record in RECORDS]


@pytest.mark.parametrize("dimensions", [1, 2, 3])
def test_every_argument_is_recorded(dimensions):
    def recorded(transposed):
        goldens = [record.golden for record in RECORDS]
        return [golden for golden in goldens if (golden.dimensions, golden.transposed) == (dimensions, transposed)]

    for transposed in (False, True):
        layer = getattr(mscompat.nn, cases.layer_name(dimensions, transposed))
        names = set().union(*(golden.arguments for golden in recorded(transposed)))
        wanted = set(layer.__init__.__annotations__) - {"return", "device", "dtype"}
        assert names == wanted - ({"padding_mode"} if transposed else set())
        assert {len(golden.input_shape) for golden in recorded(transposed)} == {dimensions + 1, dimensions + 2}
    modes = {golden.arguments.get("padding_mode", "zeros") for golden in recorded(False)}
    strings = {golden.arguments.get("padding") for golden in recorded(False)
               if isinstance(golden.arguments.get("padding"), str)}
    sizes = {len(golden.output_size or ()) for golden in recorded(True)}
    if dimensions == 2:
        assert modes == set(cases.PADDING_MODES)
        assert {"valid", "same"} <= strings
        assert sizes == {0, 2, 4}
    else:  # fewer calls, for the size of the file
        assert {"zeros", "replicate", "circular"} <= modes
        assert strings == {"same"}
        assert sizes == {0, dimensions}


@each_record
def test_reference_is_torchs_record(record):
    golden = record.golden
    inputs = make_inputs(golden)
    for results, arrays, rtol in (
        (record.results, inputs, 0),
        (record.scales, Inputs(*(None if array is None else np.abs(array) for array in inputs)), 2**-11),  # float16
    ):
        if len(golden.input_shape) == golden.dimensions + 1:
            arrays = arrays._replace(input=arrays.input[None], cotangent=arrays.cotangent[None])
            results = results._replace(output=results.output[None], input_gradient=results.input_gradient[None])
        for actual, wanted in zip(oracle.reference(golden, golden.transposed, arrays), results, strict=True):
            assert (actual is None) == (wanted is None)
            if wanted is not None:
                np.testing.assert_allclose(actual, wanted, rtol=rtol, atol=0)


@each_record
def test_layer_is_torchs_record(record):
    errors = run_job(record, "float32")
    assert list(errors) == [
        name for name, array in zip(Results._fields, record.results, strict=True) if array is not None
    ]
    assert max(errors.values()) <= TOLERANCES["float32"]


@pytest.mark.parametrize("seed", [0, 42])
@pytest.mark.parametrize("dtype", DTYPES)
def test_manual_seed_is_torchs_record(dtype, seed):
    mscompat.manual_seed(seed)
    assert digests(parameters(dtype)) == INIT[f"{dtype}/{seed}"].tolist()


def test_mode_is_pynative_between_tests():
    assert ms.get_context("mode") == ms.PYNATIVE_MODE
