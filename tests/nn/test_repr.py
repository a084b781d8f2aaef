"""The printed form: torch's text with the class name."""

import cases
import pytest
import table

from mscompat import TorchConv2d, TorchConvTranspose2d, nn

try:
    import torch
except ImportError:
    torch = None


@pytest.mark.parametrize(
    ("layer", "text"),
    [
        (TorchConv2d(4, 6, 3), "TorchConv2d(4, 6, kernel_size=(3, 3), stride=(1, 1))"),
        (
            TorchConv2d(4, 6, 3, padding="same", dilation=(1, 2), groups=2, bias=None, padding_mode="circular"),
            "TorchConv2d(4, 6, kernel_size=(3, 3), stride=(1, 1), padding=same, dilation=(1, 2), groups=2, "
            "bias=False, padding_mode=circular)",
        ),
        (TorchConv2d(4, 6, [3, 2], [2], padding=[1]),
         "TorchConv2d(4, 6, kernel_size=(3, 2), stride=(2,), padding=(1,))"),
        (
            TorchConvTranspose2d(4, 6, (3, 2), (2, 3), 1, (0, 1), 2, 0, dilation=(1, 1)),
            "TorchConvTranspose2d(4, 6, kernel_size=(3, 2), stride=(2, 3), padding=(1, 1), output_padding=(0, 1), "
            "groups=2, bias=False)",
        ),
    ],
)
def test_repr(layer, text):
    assert repr(layer) == text


@pytest.mark.skipif(torch is None, reason="compares with torch, which is not installed")
def test_repr_is_torchs_for_every_case():
    for case, transposed in table.ROWS.values():
        name = cases.layer_name(case.dimensions, transposed)
        of_torch = getattr(torch.nn, name)(**case.arguments)
        assert repr(getattr(nn, name)(**case.arguments)) == f"Torch{of_torch!r}"
