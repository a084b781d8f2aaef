"""What of this family is compared with torch's, and where it differs: see module_names.py."""

MODULES = (
    "CELU", "ELU", "GELU", "GLU", "Hardshrink", "Hardsigmoid", "Hardswish", "Hardtanh", "LeakyReLU", "LogSigmoid",
    "LogSoftmax", "Mish", "PReLU", "RReLU", "ReLU", "ReLU6", "SELU", "SiLU", "Sigmoid", "Softmax", "Softmax2d",
    "Softmin", "Softplus", "Softshrink", "Softsign", "Tanh", "Tanhshrink", "Threshold",
)
FUNCTIONS = (
    "celu", "elu", "gelu", "glu", "hardshrink", "hardsigmoid", "hardswish", "hardtanh", "leaky_relu", "log_softmax",
    "logsigmoid", "mish", "prelu", "relu", "relu6", "rrelu", "selu", "sigmoid", "silu", "softmax", "softmin",
    "softplus", "softshrink", "softsign", "tanh", "tanhshrink", "threshold",
)
# torch's op_db has them as torch.softmax, torch.sigmoid and so on.
UNLISTED = ("log_softmax", "sigmoid", "softmax", "tanh")
RANDOM = ("RReLU",)
RANDOM_FUNCTIONS = ("rrelu",)
MORE_MODULES = {
    "Hardsigmoid": [((), {}, (4, 3, 2, 5)), ((), {}, (3,)), ((), {}, ())],
    "RReLU": [((), {}, (4, 3, 2, 5)), ((0.1, 0.9), {}, (3,)), ((0.5, 0.5), {}, (2, 3))],
    "Hardswish": [((), {}, (3, 4))],
    "PReLU": [((3,), {}, (4, 3, 2, 5)), ((3, 0.5), {}, (2, 3)), ((1, -0.5), {}, (7,)), ((), {}, ())],
    "Softmax2d": [((), {}, (3, 4, 5))],
    "Softmax": [((0,), {}, ()), ((-2,), {}, (2, 3, 4, 2, 3))],
    "LogSoftmax": [((0,), {}, ()), ((-2,), {}, (2, 3, 4, 2, 3))],
}
DIFFERENCES = {
    ("Tanh", 2, "float64"): (
        "the gradient, 1 - y**2, of a y near to 1 that is one unit of the last place from torch's, whose y is as far "
        "from the true one"
    ),
}
