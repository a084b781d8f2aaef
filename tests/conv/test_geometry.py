"""The integer arithmetic, against sizes and indices worked out by hand or by NumPy."""

import numpy as np
import pytest

from mscompat._conv import geometry


@pytest.mark.parametrize(
    ("kernel", "dilation", "pads"), [(1, 1, (0, 0)), (2, 1, (0, 1)), (3, 1, (1, 1)), (4, 1, (1, 2)), (4, 3, (4, 5))]
)
def test_same_padding_puts_the_odd_one_at_the_end(kernel, dilation, pads):
    assert geometry.same_padding(kernel, dilation) == pads
    assert geometry.conv_output_size(10, pads, kernel, 1, dilation) == 10


@pytest.mark.parametrize(
    ("padding", "dilation", "pads"),
    [
        ("valid", (1, 1), ((0, 0), (0, 0))),
        ("same", (1, 3), ((1, 1), (1, 2))),
        ("same", (2,), ((2, 2), (1, 1))),
        ((3,), (1, 1), ((3, 3), (3, 3))),
        ((3, 0), (1, 1), ((3, 3), (0, 0))),
    ],
)
def test_conv_padding(padding, dilation, pads):
    assert geometry.conv_padding(padding, (3, 2), dilation) == pads


@pytest.mark.parametrize(
    ("padding", "kernel_size", "dilation", "pads"),
    [
        ("valid", (3,), (1,), ((0, 0),)),
        ("same", (4,), (3,), ((4, 5),)),
        ((3,), (4,), (1,), ((3, 3),)),
        ("same", (3, 2, 4), (2,), ((2, 2), (1, 1), (3, 3))),
        ((1,), (3, 2, 4), (1, 1, 1), ((1, 1), (1, 1), (1, 1))),
        ((1, 0, 2), (3, 2, 4), (1, 1, 1), ((1, 1), (0, 0), (2, 2))),
    ],
)
def test_conv_padding_of_other_dimensions(padding, kernel_size, dilation, pads):
    assert geometry.conv_padding(padding, kernel_size, dilation) == pads


def test_one_dimension_as_two():
    c = geometry.Convolution((2, 4, 9), (6, 2, 3), (2,), ((1, 2),), (3,), 2)
    assert c.output_shape() == (2, 6, 3)
    as_two = c.as_two_dimensions()
    assert as_two == ((2, 4, 1, 9), (6, 2, 1, 3), (1, 2), ((0, 0), (1, 2)), (1, 3), 2)
    assert as_two.output_shape() == (2, 6, 1, 3)
    assert as_two.as_two_dimensions() is as_two


def test_non_zero_padding_of_one_element():
    assert geometry.non_zero_padding((2,), (3, 2), (1, 1)) == ((2, 2),)
    assert geometry.non_zero_padding("same", (3, 4), (2,)) == ((2, 2), (0, 0))
    assert geometry.non_zero_padding("same", (3, 4), (2, 1)) == ((2, 2), (1, 2))
    assert geometry.non_zero_padding((1, 2), (3, 4), (2, 1)) == ((1, 1), (2, 2))
    assert geometry.non_zero_padding((2,), (3,), (1,)) == ((2, 2),)
    assert geometry.non_zero_padding((2,), (3, 2, 4), (1, 1, 1)) == ((2, 2),)
    assert geometry.non_zero_padding("same", (3, 2, 4), (2,)) == ((2, 2), (0, 0), (0, 0))


@pytest.mark.parametrize("size", [1, 2, 3, 7])
@pytest.mark.parametrize("mode", ["reflect", "replicate", "circular"])
def test_pad_index_is_numpys(mode, size):
    limit = {"reflect": size - 1, "replicate": size + 3, "circular": size}[mode]
    for begin in range(limit + 1):
        for end in range(limit + 1):
            expected = np.pad(np.arange(size), (begin, end), {"reflect": "reflect", "replicate": "edge",
                                                              "circular": "wrap"}[mode])
            assert geometry.pad_index(mode, size, begin, end) == expected.tolist()


def test_transposed_size_inverts_the_convolutions():
    """For every legal output_padding, the adjoint convolution gives the padded input's size."""
    for stride in (1, 2, 3):
        for dilation in (1, 2, 4):
            for kernel in (1, 2, 3):
                for padding in (0, 1):
                    for output_padding in range(max(stride, dilation)):
                        size = geometry.conv_transpose_output_size(5, stride, padding, kernel, dilation,
                                                                    output_padding)
                        back = geometry.conv_output_size(size, (padding, padding), kernel, stride, dilation)
                        assert back == 5 + geometry.transposed_input_padding(output_padding, stride)
