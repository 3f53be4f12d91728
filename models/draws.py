"""Random numbers of models beside those of the network: one generator for each named draw.

A name consists of the model's and of the draw's. So two draws of one seed are independent, while two generators made
from the seed alone would give the same numbers.
"""

from __future__ import annotations

import numpy as np

from ernsnn.graph.seeds import generator, key_of


def rng_of(seed: int, draw: str) -> np.random.Generator:
    """The generator of ``draw``, such as "nalsm.liquid", under ``seed``."""
    return generator(key_of(seed, draw))
