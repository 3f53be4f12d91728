"""Given quantities, which change in given steps and are constant in between."""

from __future__ import annotations

import numpy as np

from ernsnn.graph.graph import Calcium, Given


def scheduled(given: Given | Calcium, t: int) -> np.ndarray:
    """The values in step ``t``, one a unit; 0 before the first."""
    piece = int(np.searchsorted(given.steps, t, side="right")) - 1
    return np.asarray(given.values[piece]) if piece >= 0 else np.zeros(given.size)


def next_change(given: Given | Calcium, t: int) -> int:
    """The first step after ``t`` from which the values may differ."""
    later = given.steps[int(np.searchsorted(given.steps, t, side="right")) :]
    return int(later[0]) if len(later) else np.iinfo(np.int64).max
