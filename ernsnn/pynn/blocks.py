"""The synapses of a script's projection as ernsnn has them: in blocks, one between each two populations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from pyNN import common

from ernsnn.describe.connectors import AllToAll, Connector, FromList, OneToOne

from .simulator import state


@dataclass(frozen=True, eq=False)
class Block:
    """Synapses of two populations and one receptor: a projection of ernsnn. ``ids`` are their places, in its order.

    ``sign`` is -1 where the script writes the weights as negative numbers.
    """

    name: str
    pre: str
    post: str
    receptor: str
    sign: float
    pairs: np.ndarray
    ids: np.ndarray


def connector_of(pairs: np.ndarray, n_pre: int, n_post: int) -> tuple[Connector, tuple[int, ...]]:
    """The connector that makes these sorted pairs, all-to-all and one-to-one without storing them, and its shape."""
    if len(pairs) == n_pre * n_post and (pairs @ [n_post, 1] == np.arange(len(pairs))).all():
        return AllToAll(), (n_pre, n_post)
    if len(pairs) == n_pre == n_post and (pairs[:, 0] == pairs[:, 1]).all():
        return OneToOne(), (n_pre,)
    return FromList(pairs), (len(pairs),)


def one_or_all(values: np.ndarray, shape: tuple[int, ...]) -> Any:
    return float(values[0]) if len(values) and (values == values[0]).all() else values.reshape(shape)


def owners(side: Any) -> np.ndarray:
    """For each neuron of a population, view or assembly, the number of its population and its place there."""
    parts = side.populations if isinstance(side, common.Assembly) else [side]
    sides = [np.stack([np.full(p.size, state.populations.index(p.root)), p.places]) for p in parts]
    return np.concatenate(sides, axis=1)
