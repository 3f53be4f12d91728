"""Poisson input: the counts of ``graph.poisson``, for all inputs in one call, added to what arrives in a step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from ernsnn.graph.graph import Graph, PoissonInput
from ernsnn.graph.poisson import Tables
from ernsnn.graph.streams import start

from .kernels.jit import compiled

COLUMNS = ("begin", "end", "first", "table")
BEGIN, END, FIRST, TABLE = range(len(COLUMNS))
_SLOTS, _FEWEST, _MOST = 1 << 19, 16, 1 << 12
"""How many slots the guides of all tables have together, and each at least and at most."""
_END = 2**31 - 1
"""Stands after the thresholds of each table: no number of a stream is larger."""


class Guides(NamedTuple):
    """Tables in which a count is found at once: the numbers of a stream are divided into equal slots.

    Of table m slot s has ``slots[m, s]``: how many thresholds lie below all of its numbers, n, or -1 - n where one
    more lies within. The thresholds of m, and ``_END``, stand in ``thresholds`` from ``starts[m]`` on.
    """

    slots: np.ndarray
    starts: np.ndarray
    thresholds: np.ndarray
    lowest: np.ndarray


class Schedules(NamedTuple):
    """The inputs: rows of ``runs`` from ``cuts[p]`` to ``cuts[p + 1]`` are those of input p.

    A run is about neurons from ``begin`` to ``end`` of all inputs, which have equal tables: in piece k that of
    ``pieces[table + k]``. What arrives at them starts at ``first`` in a step's arrivals. Piece k of input p begins
    at ``steps[k - 1]`` of those from ``changes[p]`` to ``changes[p + 1]``.
    """

    cuts: np.ndarray
    runs: np.ndarray
    pieces: np.ndarray
    changes: np.ndarray
    steps: np.ndarray


class PoissonInputs:
    """All Poisson inputs of a graph. ``first`` says where what arrives at the first neuron of an input lies.

    The streams stand before step ``at[0]``; they follow from the step, so that nothing has to be kept.
    """

    def __init__(self, graph: Graph, first: Callable[[PoissonInput], int], ring: np.ndarray) -> None:
        inputs = graph.poisson_inputs
        self.keys = [(p.key, p.target.stop - p.target.start) for p in inputs]
        n = sum(size for _, size in self.keys)
        self.states, self.at = np.zeros((2, n), np.uint32), np.full(1, -1)
        weights = [np.broadcast_to(p.weight, size) for p, (_, size) in zip(inputs, self.keys, strict=True)]
        length, receptors, width = ring.shape
        self.add = add.bind(
            self.states,
            self.at,
            np.zeros(n, np.int32),
            _schedules(inputs, first),
            _guides([p.inversion.tables for p in inputs]),
            np.concatenate(weights).astype(float),
            ring.reshape(-1),
            receptors * width,
            length,
        )

    def stand_before(self, t: int) -> None:
        """Bring the streams to where they are before step ``t``; from there ``add`` moves them on."""
        if self.at[0] != t:
            self.states[:] = np.concatenate([start(key, size, t) for key, size in self.keys], axis=1)
            self.at[0] = t


def _schedules(inputs: tuple[PoissonInput, ...], first: Callable[[PoissonInput], int]) -> Schedules:
    cuts, runs, pieces, changes, steps = [0], [np.zeros((0, len(COLUMNS)), np.int64)], [np.zeros(0, np.int64)], [0], []
    begin = tables = piece = 0
    for p in inputs:
        index, of = p.inversion.index, p.inversion.of
        # Neighbours with equal columns are one run.
        kind = np.concatenate([[0], np.cumsum((index[:, 1:] != index[:, :-1]).any(axis=0))])
        starts = np.concatenate([[0], np.flatnonzero(np.diff(kind[of])) + 1])
        ends = np.append(starts[1:], len(of))
        runs.append(
            np.stack([begin + starts, begin + ends, first(p) + starts, piece + of[starts] * len(index)], axis=1)
        )
        pieces.append(index.T.reshape(-1) + tables)
        steps.append(p.steps)
        cuts.append(cuts[-1] + len(starts))
        changes.append(changes[-1] + len(p.steps))
        begin, tables, piece = begin + len(of), tables + len(p.inversion.tables.lowest), piece + index.size
    return Schedules(*map(_whole, (cuts, np.concatenate(runs), np.concatenate(pieces), changes, np.concatenate(steps))))


def _whole(values: object) -> np.ndarray:
    return np.ascontiguousarray(values, np.int64)


def _guides(tables: list[Tables]) -> Guides:
    """All tables, one after the other."""
    n = sum(len(each.lowest) for each in tables)
    n_slots = 1 << int(np.clip(_SLOTS // n, _FEWEST, _MOST)).bit_length() - 1
    edges = np.arange(n_slots + 1, dtype=np.int64) * (2**31 // n_slots)
    slots, thresholds = np.zeros((n, n_slots), np.int32), list(_thresholds(tables))
    for row, own in zip(slots, thresholds, strict=True):
        below = np.searchsorted(own, edges)  # how many thresholds are below the first number of each slot
        inside = np.searchsorted(own, edges[1:] - 1) > below[:-1]  # or below the last, but not the first
        row[:] = np.where(inside, -1 - below[:-1], below[:-1])
    starts = np.cumsum([0, *map(len, thresholds[:-1])])
    lowest = np.concatenate([each.lowest for each in tables])
    return Guides(slots, _whole(starts), np.concatenate(thresholds), lowest)


def _thresholds(tables: list[Tables]) -> Iterator[np.ndarray]:
    for each in tables:
        for part in np.split(each.thresholds, each.starts[1:-1]):
            yield np.append(part, np.int32(_END))


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
def add(
    states: np.ndarray,
    at: np.ndarray,
    drawn: np.ndarray,
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
    if worker > 0:
        return 0
    low31, m0, m1 = np.uint64(2**31 - 1), np.uint64(2147483563), np.uint64(2147483399)
    first, second = states[0], states[1]
    runs, pieces, steps = schedules.runs, schedules.pieces, schedules.steps
    slots, thresholds = guides.slots, guides.thresholds
    shift = 31
    n_slots = slots.shape[1]
    while n_slots > 1:
        n_slots //= 2
        shift -= 1
    for t in range(a, b):
        for i in range(len(drawn)):
            # As in ``graph.streams``: the moduli are 2^31 - 85 and 2^31 - 249, so that 2^31 is 85 or 249.
            x = np.uint64(first[i]) * np.uint64(40014)
            x = (x & low31) + (x >> np.uint64(31)) * np.uint64(85)
            x = x - m0 if x >= m0 else x
            y = np.uint64(second[i]) * np.uint64(40692)
            y = (y & low31) + (y >> np.uint64(31)) * np.uint64(249)
            y = y - m1 if y >= m1 else y
            first[i], second[i] = np.uint32(x), np.uint32(y)
            difference = np.int32(x) - np.int32(y)
            drawn[i] = difference if difference > 0 else difference + np.int32(2147483562)
        at[0] = t + 1
        arriving = values[t % length * span :]
        for p in range(len(schedules.cuts) - 1):
            piece = piece_at(steps[schedules.changes[p] : schedules.changes[p + 1]], t)
            for r in range(schedules.cuts[p], schedules.cuts[p + 1]):
                table = pieces[runs[r, TABLE] + piece]
                slot, own, lowest = slots[table], thresholds[guides.starts[table] :], guides.lowest[table]
                begin, end = runs[r, BEGIN], runs[r, END]
                numbers, weight = drawn[begin:end], weights[begin:end]
                into = arriving[runs[r, FIRST] : runs[r, FIRST] + end - begin]
                for i in range(len(numbers)):
                    count = slot[numbers[i] >> shift]
                    if count < 0:
                        count = -1 - count
                        while own[count] < numbers[i]:
                            count += 1
                    into[i] += weight[i] * (lowest + count)
    return 0
