"""What of this family is compared with torch's, and where it differs: see module_names.py."""

SLOW = ("CrossEntropyLoss", "NLLLoss", "cross_entropy", "gaussian_nll_loss", "nll_loss", "poisson_nll_loss")
MODULES = (
    "L1Loss", "MSELoss", "SmoothL1Loss", "HuberLoss", "KLDivLoss", "BCELoss", "BCEWithLogitsLoss", "SoftMarginLoss",
    "PoissonNLLLoss", "GaussianNLLLoss", "CrossEntropyLoss", "NLLLoss",
    "MarginRankingLoss", "HingeEmbeddingLoss", "CosineEmbeddingLoss", "TripletMarginLoss",
    "TripletMarginWithDistanceLoss", "MultiLabelSoftMarginLoss",
)
FUNCTIONS = (
    "l1_loss", "mse_loss", "smooth_l1_loss", "huber_loss", "kl_div", "binary_cross_entropy",
    "binary_cross_entropy_with_logits", "soft_margin_loss", "poisson_nll_loss", "gaussian_nll_loss", "cross_entropy",
    "nll_loss", "margin_ranking_loss", "hinge_embedding_loss", "cosine_embedding_loss", "triplet_margin_loss",
    "triplet_margin_with_distance_loss", "multilabel_soft_margin_loss",
)
# torch's samples of it hold torch's own modules; its module's inputs stand for it.
UNLISTED = ("triplet_margin_with_distance_loss",)
MORE_MODULES = {
    "TripletMarginLoss": [
        ((), {}, [(3, 4)] * 3),
        ((0.5,), {"p": 1, "reduction": "none"}, [(2, 3, 4)] * 3),
        ((), {"p": 3, "swap": True, "reduction": "sum"}, [(5, 4)] * 3),
        ((3.0,), {"p": float("inf")}, [(5, 4)] * 3),
        ((3.0,), {"p": 0.5, "eps": 0.0, "swap": True}, [(4,)] * 3),
    ],
    "TripletMarginWithDistanceLoss": [
        ((), {}, [(3, 4)] * 3),
        ((), {"margin": 0.5, "swap": True, "reduction": "none"}, [(2, 3, 4)] * 3),
        ((), {"margin": 2.0, "swap": True, "reduction": "sum"}, [(4,)] * 3),
    ],
}
