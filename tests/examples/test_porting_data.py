"""The pipelines of data and the training that examples/README.md shows."""

from __future__ import annotations

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor
from mindspore.dataset import GeneratorDataset, vision
from porting_guide import (
    DATA,
    TOLERANCE,
    code_blocks,
    each_mode,
    error,
    imported,
)

import mscompat


@pytest.fixture(scope="module")
def guide(tmp_path_factory):
    """The guide's code: a class Classifier, a pipeline, and a network that is trained with it."""
    path = tmp_path_factory.mktemp("guide") / "guide_blocks.py"
    path.write_text(code_blocks(), encoding="utf-8")
    ms.set_seed(0)
    mscompat.manual_seed(0)
    with imported(path) as module:
        yield module


def pictures_of(data):
    """What the pictures show, in the order of a pipeline of the class of the guide."""
    return [batch[0].asnumpy()[..., 0, 0, 0].astype(int).tolist() for batch in data]


@pytest.mark.parametrize(("torch_code", "code"), [
    # Workers are processes, which take their time where tests share the cores.
    pytest.param(*row, marks=[pytest.mark.slow] if "workers" in row[0] else []) for row in DATA
])
def test_data(torch_code, code, guide):
    names = {"Pictures": guide.Pictures, "GeneratorDataset": GeneratorDataset}
    data = eval(code, names)
    batches = [[array.asnumpy() for array in batch] for batch in data]
    assert len(data) == len(batches)
    torch = pytest.importorskip("torch", reason="compares with torch, which is not installed")
    loader = eval(torch_code.replace("num_workers=2", ""), {**names, "DataLoader": torch.utils.data.DataLoader})
    for batch, wanted in zip(batches, loader, strict=True):
        for array, tensor in zip(batch, wanted, strict=True):
            np.testing.assert_array_equal(array, tensor.numpy())
            assert array.dtype == tensor.numpy().dtype


def test_pipeline_of_the_guide(guide):
    batches = list(guide.data)
    assert len(batches) == len(guide.data) == 2
    for images, labels in batches:
        assert (images.shape, images.dtype) == ((4, 3, 4, 6), ms.float32)
        assert labels.shape == (4,)
        values = ((images.asnumpy() * 0.25 + 0.5) * 255).round()
        np.testing.assert_array_equal(values[:, 0, 0, 0] % 3, labels.asnumpy())


def test_what_the_guide_says_of_data(guide):
    def pipeline(**options):
        return GeneratorDataset(guide.Pictures(), ["image", "label"], **options)

    assert pictures_of(pipeline()) != list(range(10))
    assert pictures_of(pipeline(shuffle=False)) == list(range(10))
    data = pipeline(shuffle=True)
    ms.set_seed(0)
    assert pictures_of(data) == pictures_of(data)
    iterator = data.create_tuple_iterator()
    assert pictures_of(iterator) != pictures_of(iterator)
    pictures_of(data.batch(2))
    second = data.batch(5)
    with pytest.raises(ValueError, match="not a tree"):
        pictures_of(second)


def test_normalize_takes_the_last_axis_for_the_colours(guide):
    data = GeneratorDataset(guide.Pictures(), ["image", "label"])
    with pytest.raises(RuntimeError, match=r"(?i)normalize"):
        next(iter(data.map([vision.ToTensor(), vision.Normalize((0.5,) * 3, (0.25,) * 3)], "image")))


def test_a_sample_is_no_dict():
    class Samples:
        def __len__(self):
            return 2

        def __getitem__(self, index):
            return {"image": np.zeros(3), "label": index}

    with pytest.raises((RuntimeError, TypeError)):
        next(iter(GeneratorDataset(Samples(), ["image", "label"])))


def test_types_of_data_stay():
    class Samples:
        def __len__(self):
            return 2

        def __getitem__(self, index):
            return np.zeros((4, 6, 3), np.uint8) / 255, Tensor([1.0])

    image, tensor = next(iter(GeneratorDataset(Samples(), ["image", "tensor"]).batch(2)))
    assert (image.shape, image.dtype) == ((2, 4, 6, 3), ms.float64)
    assert (tensor.shape, tensor.dtype) == ((2, 1), ms.float32)


@each_mode
def test_training_of_the_guide(guide, mode):
    """Its step, once more, gives torch's parameters."""
    torch = pytest.importorskip("torch", reason="compares with torch, which is not installed")
    F = torch.nn.functional
    network = guide.network
    state = mscompat.torch_state_dict(network)
    twin = torch.nn.ModuleDict({"conv": torch.nn.Conv2d(3, 8, 3, padding=1), "fc": torch.nn.Linear(48, 3)}).double()
    twin.load_state_dict({name: torch.from_numpy(array) for name, array in state.items()})
    optimizer = guide.optim.SGD(network.trainable_params(), 0.1, momentum=0.9)
    twin_optimizer = torch.optim.SGD(twin.parameters(), 0.1, momentum=0.9)
    for images, labels in guide.data:
        loss, gradients = guide.step(images, labels)
        optimizer(gradients)
        hidden = F.max_pool2d(F.relu(twin["conv"](torch.from_numpy(images.asnumpy()).double())), 2)
        wanted = F.cross_entropy(twin["fc"](torch.flatten(hidden, 1)), torch.from_numpy(labels.asnumpy()).long())
        twin_optimizer.zero_grad()
        wanted.backward()
        twin_optimizer.step()
        assert float(loss.asnumpy()) == pytest.approx(wanted.item(), rel=1e-5)
    results = mscompat.torch_state_dict(network)
    assert error(results, {name: tensor.numpy() for name, tensor in twin.state_dict().items()}) < TOLERANCE
