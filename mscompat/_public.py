"""The public names of mscompat, which its __init__.py gives when they are asked for."""

from ._mindspore.launch import launch_blocking as launch_blocking
from .nn.conv import TorchConv1d as TorchConv1d
from .nn.conv import TorchConv2d as TorchConv2d
from .nn.conv import TorchConv3d as TorchConv3d
from .nn.conv_transpose import TorchConvTranspose1d as TorchConvTranspose1d
from .nn.conv_transpose import TorchConvTranspose2d as TorchConvTranspose2d
from .nn.conv_transpose import TorchConvTranspose3d as TorchConvTranspose3d
from .random import manual_seed as manual_seed
from .weights.errors import TorchFileError as TorchFileError
from .weights.inert import InertObject as InertObject
from .weights.state_dict import load_torch_state_dict as load_torch_state_dict
from .weights.state_dict import torch_state_dict as torch_state_dict
from .weights.tensors import TorchTensor as TorchTensor
from .weights.torch_archive import load_torch_file as load_torch_file
