"""What mscompat does to the process, and what it takes from MindSpore that is private. Nothing else belongs here.

Every module of mscompat that computes imports this folder first, and so does what is done at import: see README.md.
"""

from .numpy_version import require_numpy_1

require_numpy_1()  # raises ImportError under NumPy 2, before MindSpore is imported

from . import onednn

onednn.cap()  # on CPUs with AVX-512, where oneDNN is slow without; MSCOMPAT_FAST_CPU=0 turns it off
