"""mscompat.functional under the name that torch gives it: ``import mscompat.nn.functional as F``."""

from ..functional import *  # noqa: F403
from ..functional import __all__ as __all__
from ..functional import __dir__ as __dir__
from ..functional import __getattr__ as __getattr__
