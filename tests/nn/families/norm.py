"""What of this family is compared with torch's, and where it differs: see module_names.py."""

MODE_DEPENDENT = (
    "BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d",
)
MODULES = (
    "BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d", "GroupNorm",
    "LayerNorm", "LocalResponseNorm", "RMSNorm",
)
FUNCTIONS = (
    "batch_norm", "instance_norm", "group_norm", "layer_norm", "local_response_norm", "rms_norm", "normalize",
)

# Of one value, or of two, the gradient is 0, or 1e-6 of terms of 1e3: rounding errors of terms, torch's too.
_CANCELLED = "what is left where terms cancel is rounding, of torch's float64 too, which it is compared with"
FUNCTION_DIFFERENCES = {
    ("batch_norm", "", 8, "float64"): _CANCELLED,
    ("group_norm", "", 20, "float64"): _CANCELLED,
    ("layer_norm", "", 2, "float64"): _CANCELLED,
    ("layer_norm", "", 3, "float64"): _CANCELLED,
    ("layer_norm", "", 5, "float64"): _CANCELLED,
    ("normalize", "", 2, "float64"): _CANCELLED,
}
DIFFERENCES = {
    # Of both by 3e-13: torch's float64 is what it is compared with, and ours was nearer to NumPy's long double.
    ("GroupNorm", 2, "float64"): _CANCELLED,
}
