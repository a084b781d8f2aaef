"""What of this family is compared with torch's, and where it differs: see module_names.py."""

MODULES = ("AlphaDropout", "Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "FeatureAlphaDropout")
FUNCTIONS = ("alpha_dropout", "dropout", "dropout1d", "dropout2d", "dropout3d", "feature_alpha_dropout")
# torch's op_db has no dropout1d.
UNLISTED = ("dropout1d",)
RANDOM = MODULES
RANDOM_FUNCTIONS = FUNCTIONS
MORE_MODULES = {
    "AlphaDropout": [((0.3,), {}, (2, 3))],
    "Dropout": [((0.3,), {}, (2, 3))],
    "Dropout1d": [((0.3,), {}, (2, 3, 4)), ((), {}, (3, 4))],
    "Dropout2d": [((0.3,), {}, (2, 3, 4, 5))],
    "Dropout3d": [((0.3,), {}, (2, 3, 4, 5, 2)), ((), {}, (3, 4, 5, 2))],
    "FeatureAlphaDropout": [((0.3,), {}, (2, 3, 4))],
}
