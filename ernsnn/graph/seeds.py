"""Randomness: one counter-based generator per named draw, so that no draw depends on any other.

The key of a draw comes from (seed, path of the object); row r of it starts at counter r of Philox (Salmon et al. 2011).
So rows can be drawn in any order, one at a time, and adding a population changes no other numbers.
"""

from __future__ import annotations

import hashlib

import numpy as np


def key_of(seed: int, path: str) -> str:
    """The 128-bit key of the draw ``path`` under ``seed``, as 32 hexadecimal digits."""
    return hashlib.sha256(f"{seed}:{path}".encode()).hexdigest()[:32]


def generator(key: str, row: int = 0) -> np.random.Generator:
    """The generator of one row of a draw."""
    return np.random.Generator(np.random.Philox(key=int(key, 16), counter=[0, 0, 0, row]))


class Rows:
    """One generator for all rows of a draw: moved to a row it is ``generator(key, row)``, in a tenth of the time."""

    def __init__(self, key: str) -> None:
        self.philox = np.random.Philox(key=int(key, 16), counter=[0, 0, 0, 0])
        self.start = self.philox.state
        self.generator = np.random.Generator(self.philox)

    def at(self, row: int, drawn: int = 0) -> np.random.Generator:
        """The generator of ``row`` after so many 64-bit numbers of it are ``drawn``; the last one stands there, too."""
        counter = self.start["state"]["counter"]
        counter[0], counter[3] = drawn // 4, row  # a count of Philox gives four numbers
        self.philox.state = self.start
        if drawn % 4:
            self.philox.random_raw(drawn % 4, output=False)
        return self.generator
