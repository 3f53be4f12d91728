"""How synapses whose weights stay are stored: rows of targets and weights, sorted by delay."""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from ernsnn.graph.chunks import chunks, in_threads
from ernsnn.graph.connectivity import Dense
from ernsnn.graph.graph import Projection
from ernsnn.graph.values import Scalar

from .kernels.packing import order, put, take
from .populations import Populations
from .wiring import gather, narrowed

FULL, LISTED, DELAYED = range(3)
"""Kinds of rows: to every neuron of the other side; to listed ones; to listed ones by stretches of equal delays."""


class Member(NamedTuple):
    """A projection, and where in a step's arrivals its first post neuron lies."""

    first: int
    p: Projection


class Chunk(NamedTuple):
    """The synapses of some rows of a bundle, those of one member after those of the other, in the graph's order.

    Member q has those from ``cuts[q]`` to ``cuts[q + 1]``. ``places`` says where each stands among the sorted ones.
    """

    cuts: list[int]
    places: np.ndarray
    stretches: np.ndarray
    counts: np.ndarray


class Bundle:
    """Static projections whose rows are stored together: those of the same pre neurons to different neurons.

    Only projections whose synapses have weights and delays of their own are brought together: their stretches of equal
    delays get so much longer.
    """

    def __init__(self, p: Projection, first: int, receptor: int) -> None:
        self.members, self.receptor = [Member(first, p)], receptor
        self.p, shortest, self.longest = p, *p.delay_range
        one = FULL if isinstance(p.connectivity, Dense) else LISTED
        self.kind = one if shortest == self.longest else DELAYED
        self.shared = isinstance(p.weight, Scalar)
        self.holed = self.kind == FULL and p.connectivity.n_pre * p.connectivity.n_post > p.n_synapses

    def meets(self, other: Bundle) -> bool:
        """Whether both send to one neuron's receptor."""
        return any(
            a.first < b.first + b.p.connectivity.n_post and b.first < a.first + a.p.connectivity.n_post
            for a in self.members
            for b in other.members
        )

    def takes(self, other: Bundle) -> bool:
        """Whether the other's rows may be stored with these."""
        sides = [(b.p.pre, b.p.pre_start, b.p.connectivity.n_pre, b.receptor) for b in (self, other)]
        alike = all(b.kind == DELAYED and not b.shared and not b.p.short_term for b in (self, other))
        return alike and sides[0] == sides[1] and not self.meets(other)

    def join(self, other: Bundle) -> None:
        """Store the other's rows with these; targets rise within what has one delay."""
        for member in other.members:
            insort(self.members, member, key=lambda m: m.first)
        self.longest = max(self.longest, other.longest)

    @property
    def first(self) -> int:
        """Where in a step's arrivals the targets count from."""
        return self.members[0].first

    @property
    def n_synapses(self) -> int:
        """Of all members."""
        return sum(m.p.n_synapses for m in self.members)

    @property
    def n_weights(self) -> int:
        """How many weights are stored, once they are no longer shared; a full matrix has one where no synapse is."""
        c = self.p.connectivity
        return c.n_pre * c.n_post if self.kind == FULL else self.n_synapses

    def starts(self) -> np.ndarray:
        """Where each row starts, and the end of the last."""
        return np.asarray(sum(m.p.connectivity.indptr.astype(np.int64) for m in self.members))

    def fill_targets(self, targets: np.ndarray) -> None:
        """Those of a bundle of the kind LISTED."""
        c, starts = self.p.connectivity, self.starts()
        for first, last in chunks(starts):
            targets[starts[first] : starts[last]] = c.posts(first, last)

    def fill_weights(self, weights: np.ndarray) -> None:
        """Those of a bundle of the kinds FULL and LISTED that are not shared."""
        if not self.holed:
            gather(self.p, self.p.weight, weights)
            return
        c, starts = self.p.connectivity, self.starts()
        for first, last in chunks(starts):
            rows, found = (
                weights[first * c.n_post : last * c.n_post],
                self.p.weight.rows(first, starts[first : last + 1]),
            )
            rows[self.present(first, last)] = narrowed(self.p, found, weights.dtype)

    def present(self, first: int = 0, last: int | None = None) -> np.ndarray:
        """Where rows first to last (exclusive) of a full matrix have a synapse."""
        n_post, last = self.p.connectivity.n_post, self.p.connectivity.n_pre if last is None else last
        there = np.ones((last - first, n_post), np.bool_)
        itself = np.arange(first, min(last, n_post))
        there[itself - first, itself] = False
        return there.reshape(-1)

    def fill(self, targets: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Those of the kind DELAYED, and weights unless shared. Returns all stretches, and how many each row has."""

        def work(part: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
            first, last = part
            chunk = self.chunk(first, last)
            inside = slice(starts[first], starts[last])
            for q, (at, p) in enumerate(self.members):
                places = chunk.places[chunk.cuts[q] : chunk.cuts[q + 1]]
                to = p.connectivity.posts(first, last).astype(np.uint32) + np.uint32(at - self.first)
                put(to, places, targets[inside])
                if not self.shared:
                    rows = p.connectivity.indptr[first : last + 1]
                    put(narrowed(p, p.weight.rows(first, rows), weights.dtype), places, weights[inside])
            return chunk.stretches, chunk.counts

        starts = self.starts()
        parts = list(in_threads(work, chunks(starts)))
        stretches, counts = zip(*parts, strict=True) if parts else ((), ())
        return np.concatenate([np.zeros((0, 2), np.uint16), *stretches]), np.concatenate([np.zeros(0, int), *counts])

    def chunk(self, first: int, last: int) -> Chunk:
        """The synapses of rows first to last (exclusive) of a bundle of the kind DELAYED."""
        rows = [m.p.connectivity.indptr[first : last + 1].astype(np.int64) for m in self.members]
        cuts = [0, *np.cumsum([r[-1] - r[0] for r in rows]).tolist()]
        delays = np.empty(cuts[-1], np.int32)
        for q, m in enumerate(self.members):
            delays[cuts[q] : cuts[q + 1]] = m.p.delay.rows(first, rows[q])
        starts = np.stack([r - r[0] + cut for r, cut in zip(rows, cuts[:-1], strict=True)])
        places, counts = np.empty(cuts[-1], np.int32), np.zeros(last - first, np.int32)
        stretches = np.empty((cuts[-1], 2), np.int32)
        scratch = np.zeros(self.longest + 1, np.int32), np.empty(self.longest + 1, np.int32)
        n = order(starts, delays, places, stretches, counts, *scratch)
        return Chunk(cuts, places, stretches[:n].astype(_least(stretches[:n])), counts)

    def read(self, p: Projection, weights: np.ndarray) -> np.ndarray:
        """The weights of a member of a bundle of the kind DELAYED, in the graph's order."""
        found = np.empty(p.n_synapses, weights.dtype)
        for stored, places, mine in self._pieces(p):
            take(weights[stored], places, found[mine])
        return found

    def write(self, p: Projection, weights: np.ndarray, values: np.ndarray) -> None:
        """Set them."""
        for stored, places, mine in self._pieces(p):
            put(values[mine].astype(weights.dtype), places, weights[stored])

    def _pieces(self, p: Projection) -> Iterable[tuple[slice, np.ndarray, slice]]:
        """For chunks of rows: where they are stored, the places there of the member's synapses, and which these are."""
        starts, own, q = self.starts(), p.connectivity.indptr, [m.p for m in self.members].index(p)
        for first, last in chunks(starts):
            chunk = self.chunk(first, last)
            places = chunk.places[chunk.cuts[q] : chunk.cuts[q + 1]]
            yield slice(starts[first], starts[last]), places, slice(own[first], own[last])


def _least(stretches: np.ndarray) -> type:
    """The smallest type that holds what is said of stretches."""
    return np.uint16 if np.max(stretches, initial=0) < 1 << 16 else np.uint32


def bundled(static: Sequence[Projection], neurons: Populations) -> list[Bundle]:
    """All projections; what arrives at a neuron is added up in their order, whichever are stored together."""
    found: list[Bundle] = []
    n = neurons.arriving.shape[2]
    for p in static:
        first = neurons.first_of(p)
        new = Bundle(p, first, first // max(n, 1))
        for other in reversed(found):
            if other.takes(new):
                other.join(new)
                break
            if other.meets(new):
                found.append(new)
                break
        else:
            found.append(new)
    return found
