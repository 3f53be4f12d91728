"""Neurons that spike several times in a step, in rounds in which each spikes once."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np


def rounds(neurons: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the distinct ones of ``neurons``, which do not fall, then those that are there twice or more, and so on."""
    again = neurons[1:] == neurons[:-1]
    if not again.any():
        if len(neurons):
            yield neurons
        return
    which = np.arange(len(neurons)) - np.searchsorted(neurons, neurons)
    for k in range(int(which.max()) + 1):
        yield neurons[which == k]
