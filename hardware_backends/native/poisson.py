"""Poisson input: the counts of ``graph.poisson``, for all inputs in one call, added to what arrives in a step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from ernsnn.graph.graph import Graph, PoissonInput
from ernsnn.graph.poisson import Tables
from ernsnn.graph.streams import start

from ..machine_code import Call
from .kernels.jit import compiled

_SLOTS, _FEWEST, _MOST = 1 << 17, 16, 1 << 12
"""How many slots the guides of all tables have together, and each at least and at most."""
_END = 2**31 - 1
"""Stands after the thresholds of each table: no number of a stream is larger."""


class Guides(NamedTuple):
    """Tables in which a count is found at once: the numbers of a stream are divided into equal slots.

    The thresholds of all tables, and three times ``_END`` after those of each, stand in ``thresholds``. Of table m slot
    s has ``slots[m, s]``: the place e there of the first that is not below the first of its numbers, or -1 - e where it
    lies within. Place e means the count ``e + offsets[m]``.
    """

    slots: np.ndarray
    thresholds: np.ndarray
    offsets: np.ndarray


class Schedules(NamedTuple):
    """The inputs: input p has the units ``cuts[p]`` to ``cuts[p + 1]``, one a neuron, of equal tables if ``alike[p]``.

    The first of these is about ``neuron[p]`` of all neurons; what arrives there lies at ``first[p]`` in a step's
    arrivals. Unit u has in piece k the table ``pieces[tables[u] + k]``. Piece k of input p begins at ``steps[k - 1]``
    of those from ``changes[p]`` to ``changes[p + 1]``.
    """

    cuts: np.ndarray
    alike: np.ndarray
    neuron: np.ndarray
    first: np.ndarray
    tables: np.ndarray
    pieces: np.ndarray
    changes: np.ndarray
    steps: np.ndarray


class PoissonInputs:
    """All Poisson inputs of a graph. ``first`` says where what arrives at the first neuron of an input lies.

    Worker w draws for the neurons ``shares[w]`` to ``shares[w + 1]`` of all.

    The streams stand before step ``at[0]``; they follow from the step, so that nothing has to be kept.
    """

    def __init__(
        self, graph: Graph, first: Callable[[PoissonInput], int], ring: np.ndarray, shares: np.ndarray
    ) -> None:
        inputs = graph.poisson_inputs
        self.keys = [(p.key, p.target.stop - p.target.start) for p in inputs]
        n = sum(size for _, size in self.keys)
        self.states, self.at = np.zeros((2, n), np.uint32), np.full(1, -1)
        weights = [np.broadcast_to(p.weight, size) for p, (_, size) in zip(inputs, self.keys, strict=True)]
        length, receptors, width = ring.shape
        self.drawn, self.shares = np.zeros(n, np.int32), shares
        self.schedules = _schedules(inputs, first, width)
        self.guides = _guides([p.inversion.tables for p in inputs])
        self.weights = np.concatenate(weights).astype(float)
        self.ring = ring.reshape(-1), receptors * width, length

    def kernel(self) -> Call:
        """The kernel that draws the counts of a window, and moves the streams on."""
        return add.bind(
            self.states, self.at, self.drawn, self.shares, self.schedules, self.guides, self.weights, *self.ring
        )

    def stand_before(self, t: int) -> None:
        """Bring the streams to where they are before step ``t``; from there ``add`` moves them on."""
        if self.at[0] != t:
            self.states[:] = np.concatenate([start(key, size, t) for key, size in self.keys], axis=1)
            self.at[0] = t


def _schedules(inputs: tuple[PoissonInput, ...], first: Callable[[PoissonInput], int], width: int) -> Schedules:
    cuts, changes, piece, table = [0], [0], 0, 0
    tables, pieces, steps = [], [], []
    for p in inputs:
        index, of = p.inversion.index, p.inversion.of
        tables.append(piece + of * len(index))
        pieces.append(index.T.reshape(-1) + table)
        steps.append(p.steps)
        cuts.append(cuts[-1] + len(of))
        changes.append(changes[-1] + len(p.steps))
        piece, table = piece + index.size, table + len(p.inversion.tables.lowest)
    places = np.array([first(p) for p in inputs])
    alike = [(p.inversion.index == p.inversion.index[:, :1]).all() for p in inputs]
    whole = (
        cuts,
        alike,
        places % width,
        places,
        np.concatenate(tables),
        np.concatenate(pieces),
        changes,
        np.concatenate(steps),
    )
    return Schedules(*map(_whole, whole))


def _whole(values: object) -> np.ndarray:
    return np.ascontiguousarray(values, np.int64)


def _guides(tables: list[Tables]) -> Guides:
    """All tables, one after the other."""
    n = sum(len(each.lowest) for each in tables)
    n_slots = 1 << int(np.clip(_SLOTS // n, _FEWEST, _MOST)).bit_length() - 1
    edges = np.arange(n_slots + 1, dtype=np.int64) * (2**31 // n_slots)
    slots, thresholds = np.zeros((n, n_slots), np.int32), list(_thresholds(tables))
    starts = np.cumsum([0, *map(len, thresholds[:-1])])
    for row, own, begin in zip(slots, thresholds, starts, strict=True):
        places = begin + np.searchsorted(own, edges)
        inside = begin + np.searchsorted(own, edges[1:] - 1) > places[:-1]
        row[:] = np.where(inside, -1 - places[:-1], places[:-1])
    lowest = np.concatenate([each.lowest for each in tables])
    return Guides(slots, np.concatenate(thresholds), _whole(lowest - starts))


def _thresholds(tables: list[Tables]) -> Iterator[np.ndarray]:
    for each in tables:
        for part in np.split(each.thresholds, each.starts[1:-1]):
            yield np.append(part, np.full(3, _END, np.int32))


@compiled
def piece_at(steps: np.ndarray, t: int) -> int:
    """How many of the changes in ``steps``, which rise, have come in step ``t``."""
    piece, later = 0, len(steps)
    while piece < later:
        middle = (piece + later) // 2
        if steps[middle] <= t:
            piece = middle + 1
        else:
            later = middle
    return piece


@compiled
def add_alike(
    numbers: np.ndarray,
    slot: np.ndarray,
    thresholds: np.ndarray,
    offset: int,
    shift: int,
    weight: np.ndarray,
    into: np.ndarray,
) -> None:
    """Add the counts of ``numbers`` by one table, which has so many slots that few hold a threshold."""
    for i in range(len(numbers)):
        place = slot[numbers[i] >> shift]
        if place < 0:
            place = -1 - place
            while thresholds[place] < numbers[i]:
                place += 1
        into[i] += weight[i] * (place + offset)


@compiled
def add(
    states: np.ndarray,
    at: np.ndarray,
    drawn: np.ndarray,
    shares: np.ndarray,
    schedules: Schedules,
    guides: Guides,
    weights: np.ndarray,
    values: np.ndarray,
    span: int,
    length: int,
    a: int,
    b: int,
    worker: int,
) -> int:
    """Draw the counts of the steps ``a`` to ``b`` (exclusive), times the weights, into ``values``.

    Step s starts there at s % length * span.
    """
    low31, m0, m1 = np.uint64(2**31 - 1), np.uint64(2147483563), np.uint64(2147483399)
    tables, pieces, steps, changes = schedules.tables, schedules.pieces, schedules.steps, schedules.changes
    slots, thresholds, offsets = guides.slots, guides.thresholds, guides.offsets
    shift = 31
    n_slots = slots.shape[1]
    while n_slots > 1:
        n_slots //= 2
        shift -= 1
    for p in range(len(schedules.cuts) - 1):
        cut, neuron = schedules.cuts[p], schedules.neuron[p]
        begin = min(max(shares[worker] - neuron, 0), schedules.cuts[p + 1] - cut)
        end = min(max(shares[worker + 1] - neuron, 0), schedules.cuts[p + 1] - cut)
        n, begin, arrives = end - begin, cut + begin, schedules.first[p] + begin
        first, second, numbers = states[0][begin : begin + n], states[1][begin : begin + n], drawn[begin : begin + n]
        mine, weight = tables[begin : begin + n], weights[begin : begin + n]
        for t in range(a, b):
            for i in range(n):
                # As in ``graph.streams``: the moduli are 2^31 - 85 and 2^31 - 249, so that 2^31 is 85 or 249.
                x = np.uint64(first[i]) * np.uint64(40014)
                x = (x & low31) + (x >> np.uint64(31)) * np.uint64(85)
                x = x - m0 if x >= m0 else x
                y = np.uint64(second[i]) * np.uint64(40692)
                y = (y & low31) + (y >> np.uint64(31)) * np.uint64(249)
                y = y - m1 if y >= m1 else y
                first[i], second[i] = np.uint32(x), np.uint32(y)
                difference = np.int32(x) - np.int32(y)
                numbers[i] = difference if difference > 0 else difference + np.int32(2147483562)
            piece = piece_at(steps[changes[p] : changes[p + 1]], t)
            into = values[t % length * span + arrives : t % length * span + arrives + n]
            if schedules.alike[p] and n > 0:
                table = pieces[mine[0] + piece]
                add_alike(numbers, slots[table], thresholds, offsets[table], shift, weight, into)
                continue
            for i in range(n):
                table, number = np.uint64(pieces[mine[i] + piece]), numbers[i]
                place = slots[table, np.uint64(number >> shift)]
                e = np.uint64(place ^ (place >> 31))
                # Two at most, mostly: added without a branch, which would be foreseen half of the times.
                e += np.uint64(thresholds[e] < number) + np.uint64(thresholds[e + np.uint64(1)] < number)
                while thresholds[e] < number:
                    e += np.uint64(1)
                into[i] += weight[i] * (np.int64(e) + offsets[table])
    if worker == 0:
        at[0] = b
    return 0
