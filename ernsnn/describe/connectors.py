"""Connectors: which pre neuron reaches which post neuron (PyNN's connectors, under short names)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ernsnn.describe.arguments import checked
from ernsnn.describe.units import to_number, to_single
from ernsnn.errors import InvalidModel


@dataclass(frozen=True, eq=False)
class Connector:
    """Base of all connectors."""


@checked
@dataclass(frozen=True, eq=False)
class OneToOne(Connector):
    """Neuron i to neuron i; both sides must have the same size."""


@checked
@dataclass(frozen=True, eq=False, kw_only=True)
class AllToAll(Connector):
    """Every neuron to every neuron; ``self_connections=False`` leaves out i -> i (by position on both sides)."""

    self_connections: bool = True


@checked
@dataclass(frozen=True, eq=False)
class FixedProbability(Connector):
    """Each pair independently with probability ``p`` (PyNN: FixedProbabilityConnector)."""

    p: float
    self_connections: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "p", to_single(self.p, "FixedProbability.p"))
        if not 0 <= self.p <= 1:
            raise InvalidModel(f"FixedProbability: p must lie in [0, 1], got {self.p}")


@checked
@dataclass(frozen=True, eq=False)
class FixedInDegree(Connector):
    """Each post neuron receives from exactly ``n`` pre neurons, drawn without replacement (PyNN: FixedNumberPre)."""

    n: int
    self_connections: bool = True

    def __post_init__(self) -> None:
        _keep_count(self)


@checked
@dataclass(frozen=True, eq=False)
class FixedTotalNumber(Connector):
    """``n`` synapses in all, each between a pair drawn uniformly (PyNN: FixedTotalNumber; NEST: fixed_total_number).

    With ``replace`` pairs are drawn independently, and one that is drawn twice has two synapses, each with a weight and
    a delay of its own; without, the ``n`` pairs differ. A neuron's in-degree is binomial with ``replace``, and
    hypergeometric without.
    """

    n: int
    replace: bool = True
    self_connections: bool = True

    def __post_init__(self) -> None:
        _keep_count(self)


@checked
@dataclass(frozen=True, eq=False)
class FromList(Connector):
    """Explicit (pre, post) pairs; a pair given twice is two synapses.

    Arrays of weights or delays for this connector are in the order of the list.
    """

    pairs: Sequence[tuple[int, int]] | np.ndarray

    def __post_init__(self) -> None:
        pairs = np.asarray(to_number(self.pairs, "FromList.pairs"))
        if pairs.size == 0:
            pairs = pairs.reshape(0, 2)
        if pairs.ndim != 2 or pairs.shape[1] != 2:
            raise InvalidModel(f"FromList: needs pairs (pre, post), got an array of shape {pairs.shape}")
        if (pairs != np.floor(pairs)).any() or (pairs < 0).any() or (pairs >= 2**53).any():
            raise InvalidModel("FromList: indices must be whole numbers >= 0, and below 2^53")
        indices = pairs.astype(np.int64)
        indices.setflags(write=False)
        object.__setattr__(self, "pairs", indices)


def _keep_count(connector: FixedInDegree | FixedTotalNumber) -> None:
    """Hold ``n`` to whole numbers that are not negative."""
    name = type(connector).__name__
    n = to_single(connector.n, f"{name}.n")
    if n < 0 or not n.is_integer():
        raise InvalidModel(f"{name}: n must be a whole number >= 0, got {connector.n}")
    object.__setattr__(connector, "n", int(n))
