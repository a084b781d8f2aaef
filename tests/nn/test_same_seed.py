"""After the same seed, a whole network holds torch's weights."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is what networks are compared with")

import mscompat  # noqa: E402

EXAMPLES = Path(__file__).parents[1] / "examples"


def network(nn):
    """The same lines for both: every kind of layer that draws."""

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.words = nn.Embedding(50, 7, padding_idx=3)
            self.features = nn.Sequential(
                nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.PReLU(8), nn.Conv2d(8, 8, 3, groups=4, bias=False),
                nn.GroupNorm(2, 8), nn.ConvTranspose2d(8, 4, 4, stride=2), nn.InstanceNorm2d(4, affine=True),
            )
            self.signal = nn.ModuleList([nn.Conv1d(2, 3, 5), nn.ConvTranspose1d(3, 2, 4), nn.LayerNorm(9)])
            self.volume = nn.Conv3d(1, 2, 3)
            self.pairs = nn.Bilinear(3, 4, 5)
            self.head = nn.Linear(31, 17)
            for module in self.modules():
                if isinstance(module, nn.ConvTranspose2d):
                    nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
                elif isinstance(module, nn.Linear):
                    nn.init.xavier_uniform_(module.weight)
                    nn.init.trunc_normal_(module.bias, std=0.02)
                elif isinstance(module, nn.Conv3d):
                    nn.init.orthogonal_(module.weight)
                    nn.init.constant_(module.bias, 0.25)

    return Net()


@pytest.mark.parametrize("seed", [0, 1234])
def test_a_network_of_every_kind_of_layer(seed):
    mscompat.manual_seed(seed)
    ours = network(mscompat.nn).state_dict()
    torch.manual_seed(seed)
    theirs = network(torch.nn).state_dict()
    assert list(ours) == list(theirs)
    normal = {"words.weight", "features.5.weight", "head.bias"}  # 2 units of the last place, at most
    for name, value in theirs.items():
        actual, expected = ours[name].asnumpy(), value.numpy()
        if name == "volume.weight":  # of a QR decomposition, whose rounding is LAPACK's
            np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-6)
        elif name in normal:
            np.testing.assert_array_max_ulp(actual, expected, maxulp=2)
        else:
            np.testing.assert_array_equal(actual, expected, err_msg=name)


@pytest.mark.parametrize(("module", "name"), [
    ("resnet", "ResNet18"), ("mobilenet", "MobileNetV2"), ("unet", "UNet"), ("dcgan", "Generator"),
    ("cyclegan", "ResnetGenerator"), ("mtcnn", "ONet"), ("hifigan", "HiFiGANGenerator"),
])
def test_networks_of_the_examples(module, name, monkeypatch):
    """DCGAN's and HiFi-GAN's are drawn from normal distributions, the rest evenly."""
    monkeypatch.syspath_prepend(str(EXAMPLES))
    originals = importlib.import_module("torch_models")
    mscompat.manual_seed(7)
    ours = getattr(importlib.import_module(f"models.{module}"), name)().state_dict()
    torch.manual_seed(7)
    theirs = getattr(originals, name)().state_dict()
    sys.modules.pop("torch_models")
    assert list(ours) == list(theirs)
    for key, value in theirs.items():
        np.testing.assert_array_max_ulp(ours[key].asnumpy(), value.numpy(), maxulp=2)
