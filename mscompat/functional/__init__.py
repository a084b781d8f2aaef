"""torch.nn.functional's functions. One file for each family, as in mscompat.nn."""

from __future__ import annotations

from typing import NoReturn

from .. import _mindspore as _mindspore  # before MindSpore: it refuses NumPy 2, and caps oneDNN
from .._missing import missing
from .activation import (
    celu,
    elu,
    gelu,
    glu,
    hardshrink,
    hardsigmoid,
    hardswish,
    hardtanh,
    leaky_relu,
    logsigmoid,
    mish,
    prelu,
    relu,
    relu6,
    rrelu,
    selu,
    sigmoid,
    silu,
    softplus,
    softshrink,
    softsign,
    tanh,
    tanhshrink,
    threshold,
)
from .adaptive_pooling import (
    adaptive_avg_pool1d,
    adaptive_avg_pool2d,
    adaptive_avg_pool3d,
    adaptive_max_pool1d,
    adaptive_max_pool2d,
    adaptive_max_pool3d,
)
from .avg_pooling import avg_pool1d, avg_pool2d, avg_pool3d
from .batchnorm import batch_norm, instance_norm
from .binary_cross_entropy import binary_cross_entropy, binary_cross_entropy_with_logits, multilabel_soft_margin_loss
from .conv import conv1d, conv2d, conv3d, conv_transpose1d, conv_transpose2d, conv_transpose3d
from .cross_entropy import cross_entropy, nll_loss
from .distance import cosine_similarity, pairwise_distance
from .dropout import alpha_dropout, dropout, dropout1d, dropout2d, dropout3d, feature_alpha_dropout
from .embedding_loss import cosine_embedding_loss, hinge_embedding_loss, margin_ranking_loss
from .folding import fold, unfold
from .grid_sampling import affine_grid, grid_sample
from .likelihood_loss import gaussian_nll_loss, kl_div, poisson_nll_loss
from .linear import bilinear, linear
from .loss import huber_loss, l1_loss, mse_loss, smooth_l1_loss, soft_margin_loss
from .normalization import group_norm, layer_norm, local_response_norm, normalize, rms_norm
from .padding import pad
from .pooling import max_pool1d, max_pool2d, max_pool3d
from .shuffling import channel_shuffle, native_channel_shuffle, pixel_shuffle, pixel_unshuffle
from .softmax import log_softmax, softmax, softmin
from .sparse import embedding, one_hot
from .triplet_loss import triplet_margin_loss, triplet_margin_with_distance_loss
from .unpooling import max_unpool2d
from .upsampling import interpolate, upsample, upsample_bilinear, upsample_nearest

__all__ = [
    "adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d", "adaptive_max_pool1d", "adaptive_max_pool2d",
    "adaptive_max_pool3d", "affine_grid", "alpha_dropout", "avg_pool1d", "avg_pool2d", "avg_pool3d", "batch_norm",
    "bilinear", "binary_cross_entropy", "binary_cross_entropy_with_logits", "celu", "channel_shuffle", "conv1d",
    "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "cosine_embedding_loss",
    "cosine_similarity", "cross_entropy", "dropout", "dropout1d", "dropout2d", "dropout3d", "elu", "embedding",
    "feature_alpha_dropout", "fold", "gaussian_nll_loss", "gelu", "glu", "grid_sample", "group_norm", "hardshrink",
    "hardsigmoid", "hardswish", "hardtanh", "hinge_embedding_loss", "huber_loss", "instance_norm", "interpolate",
    "kl_div", "l1_loss", "layer_norm", "leaky_relu", "linear", "local_response_norm", "log_softmax", "logsigmoid",
    "margin_ranking_loss", "max_pool1d", "max_pool2d", "max_pool3d", "max_unpool2d", "mish", "mse_loss",
    "multilabel_soft_margin_loss", "native_channel_shuffle", "nll_loss", "normalize", "one_hot", "pad",
    "pairwise_distance", "pixel_shuffle", "pixel_unshuffle", "poisson_nll_loss", "prelu", "relu", "relu6", "rms_norm",
    "rrelu", "selu", "sigmoid", "silu", "smooth_l1_loss", "soft_margin_loss", "softmax", "softmin", "softplus",
    "softshrink", "softsign", "tanh", "tanhshrink", "threshold", "triplet_margin_loss",
    "triplet_margin_with_distance_loss", "unfold", "upsample", "upsample_bilinear", "upsample_nearest",
]


def __getattr__(name: str) -> NoReturn:
    raise missing("mscompat.functional", name)


def __dir__() -> list[str]:
    """The functions: what Python's prompt completes."""
    return __all__
