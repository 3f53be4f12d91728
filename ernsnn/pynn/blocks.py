"""The synapses of a script's projection as ernsnn has them: in blocks, one between each two populations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from pyNN import common

from ernsnn.describe.connectors import AllToAll, Connector, FromList, OneToOne
from ernsnn.errors import InvalidModel

from .simulator import state

MOST_KINDS = 500
"""The largest number of different sets of constants of a projection, each of which takes a projection of ernsnn."""


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


@dataclass(frozen=True)
class Shared:
    """What the synapses of one block share."""

    projection: Any
    block: Block

    def constant(self, name: str) -> float:
        """A parameter."""
        values = np.ravel(self.projection.values[name])
        return float(values[self.block.ids[0]] if len(values) > 1 else values[0])

    def decay_ms(self) -> float:
        """See ``Projection``."""
        return float(self.projection.decay_ms())


def blocks_of(projection: Any) -> Iterator[Block]:
    """Yield the blocks of a projection, one for each pair of populations, receptor and set of constants."""
    (pre_owner, pre), (post_owner, post) = (
        owners(side)[:, of] for side, of in ((projection.pre, projection.pre_of), (projection.post, projection.post_of))
    )
    count, kinds = len(state.populations), _kinds(projection)
    receptors = [(projection.receptor_type, projection.sign)]
    between = pre_owner * count + post_owner
    if projection.two_receptors:
        receptors = list(zip(projection.two_receptors, (1.0, -1.0), strict=True))
        between = 2 * between + (projection.column("weight") < 0)
    n_kinds = int(kinds.max(initial=0)) + 1
    if n_kinds > MOST_KINDS:
        raise InvalidModel(
            f"{projection.label}: its synapses have {n_kinds} different sets of constants, of which there may be "
            f"{MOST_KINDS}; round what is drawn, or give fewer values"
        )
    between = between * n_kinds + kinds
    for key in np.unique(between).tolist():
        both, number = divmod(key // n_kinds, len(receptors))
        ids = np.flatnonzero(between == key)
        pairs = np.stack([pre[ids], post[ids]], axis=1)
        order = np.lexsort((pairs[:, 1], pairs[:, 0]))
        first, second = (state.populations[k].name for k in divmod(both, count))
        receptor, sign = receptors[number]
        celltype = state.populations[both % count].celltype
        receptor = getattr(celltype, "own_receptors", {}).get(receptor, receptor)
        yield Block(state.name_of(projection.label), first, second, receptor, sign, pairs[order], ids[order])


def _kinds(projection: Any) -> np.ndarray:
    """For each synapse, which of the different sets of constants it has: parameters beside weight and delay."""
    constants = [np.asarray(values) for name, values in projection.values.items() if name not in ("weight", "delay")]
    varied = [values for values in constants if values.ndim and (values != values[:1]).any()]
    if not varied:
        return np.zeros(len(projection), np.int64)
    return np.unique(np.stack(varied), axis=1, return_inverse=True)[1].reshape(-1)


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
