"""Lookups: torch/nn/modules/sparse.py."""

from __future__ import annotations

from typing import Any

import mindspore as ms
from mindspore import Parameter, Tensor, ops

from .. import functional as F
from ..parameters import assign
from . import init
from .batchnorm import new_parameter
from .module import Module

__all__ = ["Embedding"]


class Embedding(Module):
    """Look up rows of a matrix, as ``torch.nn.Embedding``.

    Args:
        num_embeddings (int): how many rows there are.
        embedding_dim (int): size of a row.
        padding_idx (int, optional): a row that gets no gradient, and is zero at first. Default: None.
        max_norm (float, optional): rows that are looked up are first scaled down to this norm, in place. Default: None.
        norm_type (float): p of that norm. Default: 2.0.
        scale_grad_by_freq (bool): whether a row's gradient is divided by how often it is looked up. Default: False.
        sparse (bool): accepted, and printed: the gradient is dense. Default: False.
        device (str, optional): None, or the current device target.
        dtype (optional): of the matrix. Default: None: float32.

    Inputs:
        - **input** (Tensor) - numbers of rows, int64 or int32, of any shape.

    Outputs:
        Tensor of shape (*, embedding_dim).

    Raises:
        IndexError, RuntimeError, AssertionError, TypeError: As torch does, with torch's sentence. In a graph, a row
            that does not exist raises MindSpore's own error.

    Differences from torch:
        The gradient is dense where `sparse` is True. `_weight` is copied.

    Examples:
        >>> from mindspore import Tensor
        >>> from mscompat import nn
        >>> nn.Embedding(10, 3)(Tensor([[1, 2, 4, 5], [4, 3, 2, 9]])).shape
        (2, 4, 3)
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
        _weight: Tensor | None = None,
        _freeze: bool = False,
        device: str | None = None,
        dtype: Any = None,
    ) -> None:
        """See Args of the class."""
        super().__init__()
        self.num_embeddings = num_embeddings
        self.embedding_dim = embedding_dim
        if padding_idx is not None:
            if not -num_embeddings <= padding_idx < max(num_embeddings, 1):
                raise AssertionError("For 'Embedding', Padding_idx must be within num_embeddings.")
            if padding_idx < 0:
                padding_idx = num_embeddings + padding_idx
        self.padding_idx = padding_idx
        self.max_norm = max_norm
        self.norm_type = norm_type
        self.scale_grad_by_freq = scale_grad_by_freq
        if _weight is None:
            size = (num_embeddings, embedding_dim)
            self.weight = new_parameter(type(self).__name__, "weight", size, 0, device, dtype, buffer=_freeze)
            self.reset_parameters()
        else:
            if list(_weight.shape) != [num_embeddings, embedding_dim]:
                raise AssertionError(
                    "For 'Embedding', Shape of weight does not match num_embeddings and embedding_dim."
                )
            self.weight = Parameter(Tensor(_weight), name="weight", requires_grad=not _freeze)
        self.sparse = sparse

    def reset_parameters(self) -> None:
        """Draw new rows, as torch does: see mscompat.manual_seed. A training under way goes on from them."""
        init.normal_(self.weight)
        self._fill_padding_idx_with_zero()

    def _fill_padding_idx_with_zero(self) -> None:
        if self.padding_idx is not None:
            if self.num_embeddings == 0:
                raise IndexError("For 'Embedding', index 0 is out of bounds for dimension 0 with size 0.")
            dtype = self.weight.dtype
            rows = (ops.cast(self.weight, ms.float32) if dtype == ms.bfloat16 else self.weight).asnumpy().copy()
            rows[self.padding_idx] = 0
            assign(self.weight, Tensor(rows, dtype))

    def forward(self, input: Tensor) -> Tensor:
        """See Inputs and Outputs of the class."""
        return F.embedding(
            input, self.weight, self.padding_idx, self.max_norm, self.norm_type, self.scale_grad_by_freq, self.sparse
        )

    def extra_repr(self) -> str:
        """torch's."""
        text = f"{self.num_embeddings}, {self.embedding_dim}"
        if self.padding_idx is not None:
            text += f", padding_idx={self.padding_idx}"
        if self.max_norm is not None:
            text += f", max_norm={self.max_norm}"
        if self.norm_type != 2:
            text += f", norm_type={self.norm_type}"
        if self.scale_grad_by_freq is not False:
            text += f", scale_grad_by_freq={self.scale_grad_by_freq}"
        if self.sparse is not False:
            text += ", sparse=True"
        return text

    @classmethod
    def from_pretrained(
        cls,
        embeddings: Tensor,
        freeze: bool = True,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
    ) -> Embedding:
        """Make one of a matrix, which is copied, as ``torch.nn.Embedding.from_pretrained``.

        Args:
            embeddings (Tensor): the matrix.
            freeze (bool): whether it is not trained. Default: True.
            padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse: see the class. The row of padding_idx stays
                as it is.

        Raises:
            AssertionError: If the matrix has not two axes.

        Examples:
            >>> from mindspore import Tensor
            >>> from mscompat import nn
            >>> print(nn.Embedding.from_pretrained(Tensor([[1.0, 2.3, 3.0], [4.0, 5.1, 6.3]]))(Tensor([1])))
            [[4.  5.1 6.3]]
        """
        if len(embeddings.shape) != 2:
            raise AssertionError("For 'Embedding', Embeddings parameter is expected to be 2-dimensional.")
        rows, columns = embeddings.shape
        return cls(
            num_embeddings=rows, embedding_dim=columns, _weight=embeddings, _freeze=freeze, padding_idx=padding_idx,
            max_norm=max_norm, norm_type=norm_type, scale_grad_by_freq=scale_grad_by_freq, sparse=sparse,
        )
