"""Given quantities, which change in given steps and are constant in between."""

from __future__ import annotations

import numpy as np

from ernsnn.graph.values import Series


def scheduled(steps: np.ndarray, values: Series, t: int, size: int) -> np.ndarray:
    """The values in step ``t``, one for each of ``size`` units; 0 before the first."""
    piece = int(np.searchsorted(steps, t, side="right")) - 1
    return np.asarray(values[piece]) if piece >= 0 else np.zeros(size)


def next_change(steps: np.ndarray, t: int) -> int:
    """The first step after ``t`` from which the values may differ."""
    later = steps[int(np.searchsorted(steps, t, side="right")) :]
    return int(later[0]) if len(later) else np.iinfo(np.int64).max
