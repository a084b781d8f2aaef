"""Record what torch gives for the networks of examples/models: ``python tests/examples/record_models.py``.

Needs mscompat and torch, with examples and this folder in PYTHONPATH. Writes golden_models.npz beside this file.
"""

from __future__ import annotations

import numpy as np
import test_models
import torch
import torch_models
from test_models import CASES, FILE, LEARNING_RATE, STEPS, draw_input, draw_targets, draw_weights, norms, products

LOSSES = {
    "cross_entropy": torch.nn.functional.cross_entropy,
    "mse": torch.nn.functional.mse_loss,
    "bce": torch.nn.functional.binary_cross_entropy,
}
OPTIMIZERS = {
    "sgd": lambda parameters: torch.optim.SGD(parameters, LEARNING_RATE, momentum=0.9),
    "adam": lambda parameters: torch.optim.Adam(parameters, LEARNING_RATE, (0.5, 0.999), eps=1e-2),
}


def run(case: test_models.Case, dtype: torch.dtype) -> dict[str, np.ndarray]:
    """What test_models.run gives, from torch."""
    network = getattr(torch_models, case.cell.__name__)(**case.arguments)
    start = draw_weights(torch_shapes(network))
    network.load_state_dict({name: torch.from_numpy(array) for name, array in start.items()}, strict=False)
    network.to(dtype)
    input = torch.from_numpy(draw_input(case)).to(dtype)

    network.eval()
    outputs = network(input)
    results = name_outputs("evaluation", outputs if isinstance(outputs, tuple) else (outputs,))

    network.train()
    optimizer = OPTIMIZERS[case.optimizer](network.parameters())
    targets = [torch.from_numpy(target) for target in draw_targets(case, [results[name].shape for name in results])]
    targets = [target.to(dtype) if target.is_floating_point() else target for target in targets]
    for step in range(STEPS):
        outputs = network(input)
        outputs = outputs if isinstance(outputs, tuple) else (outputs,)
        loss = sum(LOSSES[case.loss](output, target) for output, target in zip(outputs, targets, strict=True))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        results |= {f"loss {step}": np.float64(loss.item()), **name_outputs(f"training {step}", outputs)}
    end = network.state_dict()
    return results | {f"change of {name}": end[name].numpy().astype(float) - start[name] for name in start}


def exact_and_rounded(case: test_models.Case) -> tuple[dict[str, np.ndarray], ...]:
    """The results in float64 and in float32, and the weights before the first step."""
    shapes = torch_shapes(getattr(torch_models, case.cell.__name__)(**case.arguments))
    return run(case, torch.float64), run(case, torch.float32), draw_weights(shapes)


def torch_shapes(network: torch.nn.Module) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}


def name_outputs(when, outputs):
    return {f"{when} output {index}": output.detach().numpy().astype(float) for index, output in enumerate(outputs)}


def record() -> None:
    """Write the file."""
    arrays = {"torch_version": np.array(torch.__version__)}
    for key, case in CASES.items():
        exact, rounded, weights = exact_and_rounded(case)
        arrays[f"{key}/names"] = np.array("\n".join(exact))
        arrays[f"{key}/norms"] = np.array([norms(name, exact, rounded, weights) for name in exact])
        arrays[f"{key}/products"] = np.stack([products(name, array) for name, array in exact.items()])
    np.savez_compressed(FILE, **arrays)
    print(f"{FILE}: {FILE.stat().st_size / 1e3:.0f} kB, torch {torch.__version__}")


if __name__ == "__main__":
    record()
