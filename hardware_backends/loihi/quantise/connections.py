"""Quantisation of synapses to matrices of integers: layers, a second exponent, relays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from ernsnn.describe.learning import EPOCH
from ernsnn.graph.graph import Projection

from ..arithmetic import integers as n
from ..arithmetic.limits import DELAY_MAX, WEIGHT_BITS, WEIGHT_MAX
from ..arithmetic.numbers import Weights, relative, sign_mode, weights
from .learning import Learned
from .predicted import largest_change
from .report import Report

FINE_ERROR = 0.1
"""The relative error above which small weights of a projection get a connection with their own exponent."""
SMALL_ERROR = 0.01
"""The relative error above which a weight then moves to that connection."""


@dataclass(frozen=True, eq=False)
class Synapses:
    """One synapse a pair at most: signed weights in the unit of the graph, delays in steps, 0 where there is none.

    ``ids`` are the places of these synapses among those of the projection.
    """

    matrix: np.ndarray
    delays: np.ndarray
    ids: np.ndarray

    @property
    def there(self) -> np.ndarray:
        """The mask of synapses (post, pre)."""
        return self.delays > 0


def layers(p: Projection) -> list[Synapses]:
    """The projection as matrices (n_post, n_pre): several where pairs of neurons have several synapses."""
    rows, shape = p.synapses, (p.connectivity.n_post, p.connectivity.n_pre)
    sign = -1.0 if p.arrives_at == "I" else 1.0
    post, pre = rows.post - p.post_start, rows.pre - p.pre_start
    matrices: list[Synapses] = []
    left = np.arange(p.n_synapses)
    while len(left) or not matrices:
        _, first = np.unique(post[left] * shape[1] + pre[left], return_index=True)
        now = left[first]
        matrix, delays = np.zeros(shape), np.zeros(shape, np.int64)
        matrix[post[now], pre[now]] = sign * rows.variables["w"][now]
        delays[post[now], pre[now]] = rows.delay[now]
        matrices.append(Synapses(matrix, delays, now))
        left = np.delete(left, first)
    return matrices


def static(p: Projection, synapses: list[Synapses], unit: float, lag: int, report: Report) -> Iterator[n.Connection]:
    """Connections of static synapses. ``unit`` is weight units per unit of the graph, ``lag`` added to delays."""
    for k, layer in enumerate(synapses):
        name = p.name if k == 0 else f"{p.name}#{k + 1}"
        asked = layer.matrix * unit
        fits = weights(asked)
        for part, chosen in enumerate(_split(asked, fits)):
            suffix = "" if part == 0 else "~fine"
            yield n.Connection(
                name=name + suffix,
                pre=p.pre,
                post=p.post,
                pre_start=p.pre_start,
                post_start=p.post_start,
                weights=chosen.matrix,
                exponent=chosen.exponent,
                bits=WEIGHT_BITS,
                mode=chosen.mode,
                delays=_delays(p, np.where(layer.there, layer.delays + lag, 0), report),
            )
            _note_worst(p.name + ".weight", asked, chosen, unit, report)


def _split(asked: np.ndarray, fits: Weights) -> list[Weights]:
    """One part, or two where a single exponent leaves too little of small weights."""
    with np.errstate(divide="ignore", invalid="ignore"):
        errors = np.where(asked != 0, np.abs(fits.stored / asked - 1), 0.0)
    if fits.exponent == 0 or not np.any(errors > FINE_ERROR):
        return [fits]
    small = errors > SMALL_ERROR
    small &= np.abs(asked) < 2.0 ** (fits.exponent - 1) * WEIGHT_MAX
    fine = weights(np.where(small, asked, 0.0))
    if fine.exponent >= fits.exponent:
        return [fits]
    coarse = replace(fits, matrix=np.where(small, 0, fits.matrix).astype(np.int32))
    return [coarse, fine]


def _note_worst(path: str, asked: np.ndarray, chosen: Weights, unit: float, report: Report) -> None:
    """The worst of the weights that this part holds, and how many became 0."""
    mine = chosen.matrix != 0
    if mine.any():
        errors = np.where(mine, np.abs(chosen.stored - asked), -1.0) / np.where(asked, np.abs(asked), 1.0)
        at = np.unravel_index(int(np.argmax(errors)), asked.shape)
        written = f"{chosen.matrix[at]}*2^{chosen.exponent}"
        report.note("L104", path, "weight", float(asked[at]) / unit, float(chosen.stored[at]) / unit, written)
    # A weight that another part holds is off by more than half a step of this one.
    lost = (asked != 0) & ~mine & (np.abs(asked) <= 0.5 * (1 + (chosen.mode == "MIXED")) * 2.0**chosen.exponent)
    if chosen.exponent == 0 and lost.any():
        largest = float(np.max(np.abs(asked[lost]))) / unit
        count = np.count_nonzero(lost)
        report.add("L112", path, f"{count} weights up to {largest:.4g} round to 0", "use weights of more equal size")


def _delays(p: Projection, delays: np.ndarray, report: Report) -> int | np.ndarray:
    longest = int(np.max(delays, initial=1))
    if longest > DELAY_MAX:
        report.add(
            "L301",
            f"{p.name}.delay_ms",
            f"a delay of {longest} steps; Loihi's longest is {DELAY_MAX}",
            "shorten the delay, or choose a larger dt_ms",
        )
    some = np.unique(delays[delays > 0])
    return int(some[0]) if len(some) == 1 else delays.astype(np.int32) if len(some) else 1


@dataclass(frozen=True, eq=False)
class PlasticConnections:
    """Connections of one plastic projection: the learning one and, for delays, the relay before it."""

    connections: tuple[n.Connection, ...]
    cells: tuple[n.Cells, ...]


RELAY = "~relay"
"""The suffix of names of relays."""
RELAY_VTH, RELAY_WEIGHT = 64, 255


def plastic(
    p: Projection, synapses: Synapses, learned: Learned, exponent: int, lag: int, order: n.Order, report: Report
) -> PlasticConnections:
    """A projection that learns.

    Lava has no delay on learning connections, so a delay beyond one step goes through relay neurons, which fire as a
    spike arrives. The plastic synapse then sees pre spikes as much later as post spikes: what it learns is the same.
    """
    delays = np.unique(synapses.delays[synapses.there])
    own = int(delays[0]) if len(delays) else 1
    _delays(p, np.where(synapses.there, synapses.delays + lag, 0), report)
    relayed = own + lag - 1
    if order == "loihi":
        remedy = 'on Lava\'s simulator and the emulator, order="spinnaker" has it as specified'
        report.add("L110", p.name, _transmits_first(p, learned), remedy)
    axis = learned.weight
    asked = (-synapses.matrix if p.arrives_at == "I" else synapses.matrix) / axis.step
    held = np.clip(np.rint(asked), axis.low, axis.high).astype(np.int32)
    mode: n.SignMode = "MIXED" if axis.low < 0 < axis.high else sign_mode(np.array([axis.low, axis.high]))
    if mode == "MIXED":
        held = 2 * np.floor_divide(held, 2)  # LearningDense cuts the lowest bit of the weights that it starts from
    _note_initial(p, asked, held, axis.step, report)
    connection = n.Connection(
        name=p.name,
        pre=p.pre,
        post=p.post,
        pre_start=p.pre_start,
        post_start=p.post_start,
        weights=held,
        exponent=exponent,
        bits=WEIGHT_BITS,
        mode=mode,
        delays=1 if synapses.there.all() else synapses.there.astype(np.int32),
        rule=learned.rule,
        tag=_tag(p, learned, report),
        order=order,
        post_delay=own + relayed - learned.rule.ahead,
    )
    if not relayed:
        return PlasticConnections((connection,), ())
    size, name = p.connectivity.n_pre, p.name + RELAY
    relay = n.Cells(name, size, 4095, 4095, RELAY_VTH, np.zeros(size, np.int32), 0, 0)
    to_relay = n.Connection(
        name=f"{p.name}~to_relay",
        pre=p.pre,
        post=name,
        pre_start=p.pre_start,
        post_start=0,
        weights=np.diag(np.full(size, RELAY_WEIGHT, np.int32)),
        exponent=0,
        bits=WEIGHT_BITS,
        mode="EXCITATORY",
        delays=relayed,
    )
    return PlasticConnections((to_relay, replace(connection, pre=name, pre_start=0)), (relay,))


def _transmits_first(p: Projection, learned: Learned) -> str:
    """A message on the effects of the order "loihi"."""
    if learned.rule.ahead:
        return (
            "a step transmits before it learns: so w is kept a step ahead, as what the next spike will transmit, and "
            "the learnt weight in the tag; what is transmitted is the same, but every step takes all synapses"
        ) + (", and third factors are those of the step before" if learned.rule.third else "")
    assert p.learning is not None
    terms = [term for term in p.learning.terms if term.target == "w" and term.event != EPOCH]
    late = sum(largest_change(term, p.learning) for term in terms)
    return (
        "a spike transmits the weight from before this step's learning, here off by "
        f"{late:.3g} at most: its tag and epochs are taken, and w cannot be kept a step ahead"
    )


def _note_initial(p: Projection, asked: np.ndarray, held: np.ndarray, step: float, report: Report) -> None:
    at = np.unravel_index(int(np.argmax(np.abs(held - asked))), asked.shape)
    written = f"{held[at]} of {WEIGHT_MAX}"
    report.note("L109", f"{p.name}.weight", "initial weight", float(asked[at]) * step, float(held[at]) * step, written)


def _tag(p: Projection, learned: Learned, report: Report) -> np.ndarray | None:
    """The initial tags (post, pre): a mark or the learnt weight; 0 where there is no synapse."""
    name = "w" if learned.rule.ahead else learned.mark
    if name is None:
        return None
    axis, rows = learned.axes[name], p.synapses
    values = rows.variables[name]
    asked = values / axis.step - axis.zero
    held = np.clip(np.rint(asked), axis.low, axis.high).astype(np.int32)
    if len(values):
        at = int(np.argmax(np.abs(held - asked)))
        stored = axis.value(float(held[at]))
        if relative(float(values[at]), stored):
            report.note("L109", f"{p.name}.{name}", "initial value", float(values[at]), stored, str(held[at]))
    tag = np.zeros((p.connectivity.n_post, p.connectivity.n_pre), np.int32)
    tag[rows.post - p.post_start, rows.pre - p.pre_start] = held
    return tag
