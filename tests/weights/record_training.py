"""Record with torch what a training gives in the middle of which weights are loaded, or drawn anew.

python tests/weights/record_training.py writes data/training.npz. test_training.py compares it with a live torch, where
there is one, and mscompat with it.
"""

from __future__ import annotations

import itertools
import pathlib

import numpy as np
import torch

PATH = pathlib.Path(__file__).parent / "data" / "training.npz"
SEED_OF_RESET = 7
RATE = 0.05
DECAY = 0.1
SQUARE_SHARE = float(1 - np.float32(0.999))  # MindSpore computes it in float32: 5e-5 more than 0.001


class AdamWeightDecay(torch.optim.Optimizer):
    """MindSpore's nn.AdamWeightDecay, which torch lacks: AdamW without the correction of the bias.

    MindSpore's optimisers of mindspore.nn do not decay what is named gamma or beta: a norm's weight and bias.
    """

    def __init__(self, parameters):
        super().__init__(parameters, {})

    @torch.no_grad()
    def step(self):
        for position, parameter in enumerate(self.param_groups[0]["params"]):
            state = self.state[parameter]
            if not state:
                state["mean"], state["square"] = torch.zeros_like(parameter), torch.zeros_like(parameter)
            state["mean"].mul_(0.9).add_(parameter.grad, alpha=0.1)
            state["square"].mul_(0.999).addcmul_(parameter.grad, parameter.grad, value=SQUARE_SHARE)
            update = state["mean"] / (state["square"].sqrt() + 1e-6) + (0 if position < 2 else DECAY) * parameter
            parameter.sub_(update, alpha=RATE)


OPTIMIZERS = {
    "SGD": lambda parameters: torch.optim.SGD(parameters, RATE, momentum=0.9),
    "Adam": lambda parameters: torch.optim.Adam(parameters, RATE),
    "AdamW": lambda parameters: torch.optim.AdamW(parameters, RATE, weight_decay=DECAY),
    "AdamWeightDecay": AdamWeightDecay,
}


def arrays() -> dict[str, np.ndarray]:
    """Input, target, the first weights and those that are loaded later."""
    random = np.random.default_rng(0)
    shapes = {
        "norm.weight": (2,), "norm.bias": (2,), "norm.running_mean": (2,), "norm.running_var": (2,),
        "conv.weight": (3, 2, 3, 3), "conv.bias": (3,),
    }  # fmt: skip
    found = {"input": random.standard_normal((4, 2, 6, 5)), "target": random.standard_normal((4, 3, 4, 3))}
    for when, (name, shape) in itertools.product(("first", "later"), shapes.items()):
        found[f"{when}.{name}"] = np.square(random.standard_normal(shape)) + 0.1
    return {name: array.astype(np.float32) for name, array in found.items()}


def weights(found: dict[str, np.ndarray], when: str) -> dict[str, np.ndarray]:
    return {name.removeprefix(f"{when}."): array for name, array in found.items() if name.startswith(f"{when}.")}


def train(optimizer: str, what: str) -> dict[str, np.ndarray]:
    """Two steps, then 'load' or 'reset', then three steps: their losses and the weights."""
    found = arrays()

    class Network(torch.nn.Module):
        def __init__(self):
            super().__init__()
            # In this order: before a BatchNorm, the bias has a gradient of rounding errors alone.
            self.norm = torch.nn.BatchNorm2d(2)
            self.conv = torch.nn.Conv2d(2, 3, 3)

        def forward(self, x):
            return self.conv(self.norm(x))

    def load(when):
        network.load_state_dict({name: torch.tensor(array) for name, array in weights(found, when).items()}, False)

    network = Network()
    load("first")
    step_of = OPTIMIZERS[optimizer](network.parameters())
    input, target = torch.tensor(found["input"]), torch.tensor(found["target"])

    def step():
        step_of.zero_grad()
        loss = ((network(input) - target) ** 2).mean()
        loss.backward()
        step_of.step()
        return loss.item()

    step(), step()
    if what == "load":
        load("later")
    else:
        torch.manual_seed(SEED_OF_RESET)
        network.conv.reset_parameters()
    losses = [step(), step(), step()]
    state = {name: value.detach().numpy().copy() for name, value in network.state_dict().items()}
    del state["norm.num_batches_tracked"]
    return {"losses": np.array(losses, np.float32), **state}


def record() -> dict[str, np.ndarray]:
    return {
        f"{optimizer}.{what}.{name}": array
        for optimizer in OPTIMIZERS for what in ("load", "reset") for name, array in train(optimizer, what).items()
    }


if __name__ == "__main__":
    np.savez_compressed(PATH, **arrays(), **record())
    print(f"{PATH}: {PATH.stat().st_size:,} bytes")
