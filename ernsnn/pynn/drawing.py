"""Random numbers that a script asks for without a seed of its own: they come from the seed of ``setup``."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import numpy as np
from pyNN import random
from pyNN.connectors import Connector
from pyNN.models import BaseModelType
from pyNN.parameters import LazyArray, ParameterSpace
from pyNN.space import BaseStructure

from ernsnn.graph.seeds import generator, key_of

from .simulator import state

_HOLDERS = (BaseModelType, Connector, BaseStructure)


class NumpyRNG(random.NumpyRNG):
    """PyNN's generator; without a ``seed`` it draws from the seed of ``setup``.

    Those without a seed are numbered in the order in which they are first used after ``setup``, so that a script draws
    the same numbers in every process, and after every ``setup`` with the same seed.
    """

    def __init__(self, seed: int | None = None, parallel_safe: bool = True) -> None:
        random.WrappedRNG.__init__(self, seed, parallel_safe)
        self._stream = np.random.RandomState(seed)
        self._setups = -1

    @property
    def rng(self) -> np.random.RandomState:
        """NumPy's generator, seeded."""
        if self.seed is None and self._setups != state.setups:
            self._setups = state.setups
            words = generator(key_of(state.seed, f"generator {state.number('generator')}")).integers(0, 1 << 32, 4)
            self._stream.seed(words)
        return self._stream

    def __deepcopy__(self, memo: dict[int, Any]) -> NumpyRNG:
        copy = NumpyRNG(self.seed, self.parallel_safe)
        copy._stream, copy._setups = deepcopy(self.rng, memo), self._setups
        return copy


class RandomDistribution(random.RandomDistribution):
    __doc__ = random.RandomDistribution.__doc__

    def __init__(self, distribution: str, parameters_pos: Any = None, rng: Any = None, **parameters_named: Any) -> None:
        super().__init__(distribution, parameters_pos, rng or NumpyRNG(), **parameters_named)


def seeded(given: Any, own: NumpyRNG | None = None) -> Any:
    """``given`` itself, in which every generator of PyNN's own that has no seed is now one of ``NumpyRNG``.

    Where an ``own`` generator is given, it takes the place of every one without a seed.
    It looks into distributions, lazy arrays, parameters, cell and synapse types, connectors and structures.
    """
    if isinstance(given, random.RandomDistribution):
        given.rng = ours(given.rng, own)
    elif isinstance(given, LazyArray):
        seeded(given.base_value, own)
        for _, operand in given.operations:
            seeded(operand, own)
    elif isinstance(given, ParameterSpace):
        seeded(dict(given.items()), own)
    elif isinstance(given, Mapping):
        for value in given.values():
            seeded(value, own)
    elif isinstance(given, _HOLDERS):
        for name, value in vars(given).items():
            if name == "rng":
                given.rng = ours(value, own)
            else:
                seeded(value, own)
    return given


def ours(rng: Any, own: NumpyRNG | None = None) -> Any:
    """``rng``, or one of ``NumpyRNG``, the ``own`` one if given, where it has no seed, or there is none."""
    if own and (rng is None or (isinstance(rng, random.NumpyRNG) and rng.seed is None)):
        return own
    plain = type(rng) is random.NumpyRNG and rng.seed is None
    return NumpyRNG(parallel_safe=rng.parallel_safe) if plain else NumpyRNG() if rng is None else rng
