"""Record what torch gives, for machines without torch: ``python tests/record_golden.py``, with mscompat and torch.

Writes golden_torch.npz beside this file: values and gradients of every sixth case of the table, and digests of initial
parameters, with torch's version.
"""

from __future__ import annotations

import pathlib

import cases
import numpy as np
import oracle
import test_init
import torch

FILE = pathlib.Path(__file__).with_name("golden_torch.npz")


def golden_cases() -> list[tuple[str, cases.Case, bool]]:
    """(key, case, transposed) of the recorded cases."""
    tables = ((cases.conv2d_cases(), False), (cases.conv_transpose2d_cases(), True))
    return [
        (f"{'conv_transpose2d' if transposed else 'conv2d'}/{case.name}", case, transposed)
        for table, transposed in tables
        for case in table[::6]
    ]


def record() -> None:
    """Write the file."""
    arrays = {"torch_version": np.array(torch.__version__)}
    for key, case, transposed in golden_cases():
        results = oracle.torch_results(case, transposed, oracle.make_inputs(case, transposed))
        for name, array in zip(results._fields, results, strict=True):
            if array is not None:
                arrays[f"{key}/{name}"] = array if case.dtype == "float64" else array.astype(np.float32)
    for dtype in test_init.DTYPES:
        for seed in (0, 42):
            torch.manual_seed(seed)
            arrays[f"init/{dtype}/{seed}"] = np.array(test_init.digests(test_init.torch_parameters(dtype)))
    np.savez_compressed(FILE, **arrays)
    print(f"{FILE}: {len(arrays)} arrays, {FILE.stat().st_size / 1e6:.2f} MB, torch {torch.__version__}")


if __name__ == "__main__":
    record()
