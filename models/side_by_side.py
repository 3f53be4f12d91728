"""Networks side by side: many networks as one, so that they run at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def side_by_side(pairs: Sequence[np.ndarray | None], n_pre: int, n_post: int) -> np.ndarray:
    """The synapses of all networks as pairs (pre, post), one network after the other.

    ``pairs[k]`` (n, 2) are those of the k-th network, in its own numbers; None: it has none. In the populations that
    all networks share, its neurons are ``n_pre`` and ``n_post`` from ``k n_pre`` and ``k n_post`` on.
    """
    sizes = np.array([n_pre, n_post])
    return np.concatenate([np.zeros((0, 2), int), *(p + k * sizes for k, p in enumerate(pairs) if p is not None)])
