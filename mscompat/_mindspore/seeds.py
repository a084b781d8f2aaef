"""Whether mindspore.set_seed was called since: random operators keep the seeds that they were made with.

set_seed clears MindSpore's counts of the operators that were made, which are private. Without them, the same seed again
goes unnoticed: numbers go on where they were.
"""

from __future__ import annotations

import mindspore as ms

__all__ = ["seed_and_whether_new"]

try:
    from mindspore.common.seed import _get_graph_seed
except ImportError:
    _get_graph_seed = None

_last: int | None = None


def seed_and_whether_new() -> tuple[int | None, bool]:
    """mindspore's seed, None if there is none, and whether it was set since the last call."""
    global _last
    seed = ms.get_seed()
    is_new = seed != _last
    _last = seed
    if seed is not None and _get_graph_seed is not None:
        # A count of our own among MindSpore's: 0 once set_seed has cleared them.
        is_new = _get_graph_seed(0, "mscompat")[1] == 0
    return seed, is_new
