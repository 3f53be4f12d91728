"""Randomness of a model's own, apart from that of the network: one generator for each named draw.

The names are those of the model and of what is drawn. Two draws of one seed are so independent of each other, which two
generators made from that seed alone are not: they give the same numbers.
"""

from __future__ import annotations

import numpy as np

from ernsnn.graph.seeds import generator, key_of


def rng_of(seed: int, draw: str) -> np.random.Generator:
    """The generator of ``draw``, such as "nalsm.liquid", under ``seed``."""
    return generator(key_of(seed, draw))
