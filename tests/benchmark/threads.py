"""Count what goes wrong when several threads call a network at once, without a lock, in PyNative mode on CPU.

python tests/benchmark/threads.py [--runs 10] prints, for MindSpore's own layers and for mscompat's, the wrong results,
the errors, and the processes that a signal ended. It is a race: the numbers differ from run to run.
"""

from __future__ import annotations

import argparse
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
CALLS = 200  # of each thread

SCRIPT = """
import sys, threading
import mindspore as ms, numpy as np
from mindspore import Tensor, nn

library, network, count, calls = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
ms.set_context(mode=ms.PYNATIVE_MODE)
if library == "mscompat":
    from mscompat.nn import Conv2d, ConvTranspose2d
    layers = {
        "plain": lambda: (Conv2d(4, 8, 3, padding=1), nn.ReLU(), Conv2d(8, 8, 3, 2, 1)),
        "mixed": lambda: (
            Conv2d(4, 8, 3, padding=1), nn.ReLU(), ConvTranspose2d(8, 4, 3, 2, 1),
            Conv2d(4, 2, 3, padding=1, padding_mode="reflect"),
        ),
    }
else:
    same = {"pad_mode": "pad", "padding": 1, "has_bias": True}
    layers = {
        "plain": lambda: (nn.Conv2d(4, 8, 3, **same), nn.ReLU(), nn.Conv2d(8, 8, 3, 2, **same)),
        "mixed": lambda: (
            nn.Conv2d(4, 8, 3, **same), nn.ReLU(), nn.Conv2dTranspose(8, 4, 3, 2, **same), nn.ReflectionPad2d(1),
            nn.Conv2d(4, 2, 3, pad_mode="valid", has_bias=True),
        ),
    }
network = nn.SequentialCell(*layers[network]())
inputs = [np.random.default_rng(i).standard_normal((2, 4, 40, 40)).astype(np.float32) for i in range(count)]
expected = [network(Tensor(x)).asnumpy() for x in inputs]
found = []

def call(position):
    for _ in range(calls):
        try:
            output = network(Tensor(inputs[position])).asnumpy()
        except Exception as error:  # whatever the race makes of it is counted
            found.append("error")
        else:
            if output.shape != expected[position].shape or not np.allclose(output, expected[position], atol=1e-5):
                found.append("wrong")

threads = [threading.Thread(target=call, args=(position,)) for position in range(count)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print("counted", found.count("wrong"), found.count("error"))
"""


def run(library: str, network: str, threads: int, limit: float) -> tuple[int, int] | str:
    """Wrong results and errors of a process, or how it ended."""
    try:
        result = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", SCRIPT, library, network, str(threads), str(CALLS)],
            env={**os.environ, "PYTHONPATH": str(ROOT), "GLOG_v": "4"}, capture_output=True, text=True, timeout=limit,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return "hung"
    if result.returncode != 0:
        return "ended by a signal" if result.returncode < 0 else "failed"
    _, wrong, errors = result.stdout.split()[-3:]
    return int(wrong), int(errors)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=10, help="processes of each kind (default: %(default)s)")
    parser.add_argument("--limit", type=float, default=120, help="seconds for one (default: %(default)s)")
    options = parser.parse_args()
    for network in ("plain", "mixed"):
        for library in ("mindspore", "mscompat"):
            for count in (2, 4):
                results = [run(library, network, count, options.limit) for _ in range(options.runs)]
                counts = [result for result in results if not isinstance(result, str)]
                ended = [result for result in results if isinstance(result, str)]
                wrong, errors = ([each[part] for each in counts] for part in (0, 1))
                print(
                    f"{network} {library:9} {count} threads, {count * CALLS} calls: wrong {wrong}, errors {errors}, "
                    f"{', '.join(ended) or 'all ended by themselves'}", flush=True,
                )


if __name__ == "__main__":
    main()
