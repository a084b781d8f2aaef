"""One contender in a process of its own: `worker.py 'LIBRARY MODE' [--pretend-avx512]`. run.py asks, in lines of JSON.

Of its own, because importing mscompat may mend oneDNN for the whole process: MindSpore's own layers are timed where
mscompat was never imported.
"""

from __future__ import annotations

import importlib
import inspect
import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from workload import Arrays, Case


def make_call(contender: Any, case: Case, backward: bool) -> Callable[[], tuple]:
    """What to time. Inputs and parameters are the same in every contender."""
    random = np.random.default_rng(0)
    input = random.standard_normal(case.input, np.float32)
    if case.subject in ("cell", "network"):
        return getattr(contender, case.subject)(case, input, backward)
    others = (shape and random.standard_normal(shape, np.float32) for shape in case.shapes)
    return getattr(contender, case.subject)(case, Arrays(input, *others), backward)


def cotangent(shape: tuple[int, ...]) -> np.ndarray:
    """The gradient of an output whose shape is known once it is there."""
    return np.random.default_rng(2).standard_normal(shape, np.float32)


def parameter(shape: tuple[int, ...]) -> np.ndarray:
    """The values of a cell's parameter."""
    return np.random.default_rng(3).uniform(0.5, 1.5, shape).astype(np.float32)


def make_network(made: Callable[..., Any], case: Case) -> Any:
    """A network, by the arguments of a case; None stands for a default."""
    names = inspect.signature(made).parameters
    given = zip(names, case.arguments["args"], strict=False)
    return made(**{name: value for name, value in given if value is not None})


def network_parameter(index: int, shape: tuple[int, ...]) -> np.ndarray:
    """The values of a network's parameter: of weights, such that outputs are about as large as inputs."""
    random = np.random.default_rng(index)
    if len(shape) > 1:
        high = (3 / np.prod(shape[1:])) ** 0.5
        return random.uniform(-high, high, shape).astype(np.float32)
    return random.uniform(0.5, 1.0, shape).astype(np.float32)


def digest(array: np.ndarray) -> tuple[float, float]:
    """A projection of the values and their scale, to see whether two contenders compute the same."""
    values = array.astype(np.float64).ravel()
    probe = np.resize(np.random.default_rng(1).standard_normal(9973), values.size)  # a prime: in step with no shape
    return float(probe @ values) / values.size**0.5, float(np.mean(values**2)) ** 0.5


def main() -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever a framework prints

    def answer(value: Any) -> None:
        print(json.dumps(value), file=answers, flush=True)

    library, mode = (*sys.argv[1].split(), "")[:2]
    module = "torch_contender" if library == "torch" else "mindspore_contender"
    contender = importlib.import_module(module).Contender(library, mode, "--pretend-avx512" in sys.argv)
    answer(contender.environment)
    calls: dict[str, Callable[[], tuple]] = {}

    def timed(call: Callable[[], tuple]) -> tuple[float, tuple]:
        start = time.perf_counter()
        results = call()
        contender.wait_for(results)
        return time.perf_counter() - start, results

    for line in sys.stdin:
        request = json.loads(line)
        key = request.get("key")
        if request["do"] == "prepare":
            calls[key] = make_call(contender, Case.from_json(request["case"]), request["backward"])
            seconds, results = timed(calls[key])
            answer({"seconds": seconds, "digests": [digest(contender.array(result)) for result in results]})
        elif request["do"] == "time":
            answer([timed(calls[key])[0] for _ in range(request["times"])])
        else:
            calls.clear()
            answer(None)


if __name__ == "__main__":
    main()
