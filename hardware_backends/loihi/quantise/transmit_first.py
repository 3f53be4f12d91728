r"""Learning in the chip's order, in which a step transmits before it learns, with the specified transmission.

Specified is: post spikes that reach the synapse, then pre spikes, then transmission. What the next step will have
learnt by the time it transmits is known a step ahead, since a post spike takes a step to reach the synapse: it is heard
at once here, and what pre spikes do then depends on traces alone. So the tag holds the learnt weight W, and w what a
spike of the next step transmits:

.. math:: w = W + POST + PRE', \qquad W \leftarrow w \text{ if there was a pre spike}, \quad W \leftarrow W + POST

with the POST terms of this step and PRE' the PRE terms as they will be in the next one. Traces of pre spikes are then
a step older than in Lava's step; those of post spikes are as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ernsnn.describe.learning import EPOCH
from ernsnn.graph.graph import Learning

from ..arithmetic.integers import Operand, Order, Product
from ..arithmetic.limits import TAG_MAX, TAG_MIN
from ..arithmetic.limits import WEIGHT_MAX as W
from ..arithmetic.rules import Axis

EVERY_STEP = "u0"


def looks_ahead(learning: Learning, order: Order) -> bool:
    """Whether a rule is stored in this way: the tag must be free, and there must be no epochs, since u0 is used."""
    epochs = learning.flows or any(term.event == EPOCH for term in learning.terms)
    return order == "loihi" and len(learning.variables) == 1 and not epochs


def tag_axis(weight: Axis) -> Axis:
    """The axis of a weight in the tag: from 0 up over the whole range, so that the bounds are equal.

    A signed weight has the axis of w.
    """
    if weight.low < 0 < weight.high:
        return replace(weight, name="t")
    step = weight.step * W / (TAG_MAX - TAG_MIN)
    return Axis("t", step, -TAG_MIN if weight.high else -TAG_MAX, TAG_MIN, TAG_MAX)


def look_ahead(
    weight: Axis, post: Sequence[Product], pre: Sequence[Product]
) -> tuple[tuple[Product, ...], tuple[Product, ...]]:
    """dw and dt, from the products of POST terms and those of PRE terms in every step, both in levels of w.

    A tag of half levels takes everything twice: no product can change anything by more than 256 levels.
    """
    times = 1 if weight.low < 0 < weight.high else 2
    learnt, held = (Operand("t", constant=int(tag_axis(weight).zero)),), (Operand("w"),)

    def level(sign: int, event: str) -> Product:
        return Product(sign, 0 if times == 1 else -1, event, learnt)

    forgets, takes = level(-1, "x0"), Product(1, 0, "x0", held)
    dw = (Product(-1, 0, EVERY_STEP, held), level(1, EVERY_STEP), forgets, takes, *post, *pre)
    return dw, (forgets, takes) * times + tuple(post) * times
