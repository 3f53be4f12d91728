"""Conversion of an integer network to the flat arrays of the emulator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..arithmetic.integers import Astrocyte, Cells, IntegerNetwork, Operand, Product, Rule, Source, Trace
from ..arithmetic.limits import (
    ACCUMULATOR_WIDTH,
    EXPONENT_MAX,
    MANTISSA_MAX,
    MANTISSA_WIDTH,
    TAG_MAX,
    TAG_MIN,
    TRACE_MAX,
    WIDTHS,
)
from .state import (
    CONNECTION,
    END,
    GLIA,
    MEMBER,
    PART,
    PRODUCT,
    RULE,
    Astrocytes,
    Membranes,
    Output,
    Plasticity,
    Wiring,
)

TRACES = ("x1", "x2", "y1", "y2", "y3")
SYNAPTIC = ("w", "t", "d")
VARIABLES = (*TRACES, "x0", "y0", *SYNAPTIC)
THIRD = Trace(impulse=0, tau=65535.0)
"""The trace that a third factor passes in Lava, which may lose 1 on its way."""

BOUNDS = {"MIXED": (-256, 255), "EXCITATORY": (0, 255), "INHIBITORY": (-255, 0)}
DELAY_BOUNDS = (0, 255)
FRACTION = 7
"""Bits of the sum of products below one unit of a synaptic variable."""


class Places:
    """The place of each population and astrocyte in the arrays."""

    def __init__(self, network: IntegerNetwork) -> None:
        populations: list[Source | Cells] = [*network.sources, *network.cells]
        self.population = {p.name: k for k, p in enumerate(populations)}
        self.astrocyte = {a.name: k for k, a in enumerate(network.astrocytes)}
        self.size = np.array([p.size for p in populations], dtype=np.int64)
        self.first = np.cumsum(self.size) - self.size
        self.n_given = sum(s.size for s in network.sources)
        self.total = int(self.size.sum())

    def neuron(self, population: str, index: int) -> int:
        """The index in the whole network of a neuron of ``population``."""
        return int(self.first[self.population[population]]) + index


def _records(dtype: np.dtype[np.void], rows: Sequence[Sequence[Any]]) -> np.ndarray:
    return np.array([tuple(row) for row in rows], dtype=dtype)


def membranes(network: IntegerNetwork, places: Places) -> Membranes:
    """Neurons at rest."""

    def each(value: Any, dtype: type) -> np.ndarray:
        values: list[np.ndarray] = [
            np.broadcast_to(np.asarray(value(c), dtype=dtype), (c.size,)) for c in network.cells
        ]
        return np.concatenate([np.zeros(0, dtype), *values])

    n = places.total - places.n_given
    longest = max((int(np.max(c.delays, initial=1)) for c in network.connections), default=1)
    return Membranes(
        n_given=places.n_given,
        first=places.first,
        size=places.size,
        keep_u=each(lambda c: 4096 - (c.du + 1), np.int64),
        keep_v=each(lambda c: 4096 - c.dv, np.int64),
        threshold=each(lambda c: c.vth << 6, np.int64),
        bias=each(lambda c: np.asarray(c.bias, dtype=np.int32) << c.bias_exp, np.int32),
        refractory=each(lambda c: c.refractory, np.int64),
        u=np.zeros(n, np.int32),
        v=np.zeros(n, np.int32),
        waits=np.zeros(n, np.int64),
        arriving=np.zeros((longest + 1, n), np.int32),
    )


def wiring(network: IntegerNetwork, places: Places) -> Wiring:
    """All connections in their order; those with a rule follow each other in ``plasticity``."""
    connections, delays = [], np.zeros(0, np.int64)
    counts, targets, weights = [np.zeros(1, np.int64)], [np.zeros(0, np.int32)], [np.zeros(0, np.int32)]
    synapses = n_rules = n_rows = 0
    gathered = 1
    for c in network.connections:
        n_post, n_pre = c.weights.shape
        rule = -1
        if c.rule:
            every, at = np.ones(1, np.int64), synapses
            rule, n_rules, synapses = n_rules, n_rules + 1, synapses + n_post * n_pre
        else:
            delay = np.broadcast_to(np.asarray(c.delays), c.weights.shape).T
            pre, post = np.nonzero((c.weights.T != 0) & (delay > 0))
            every, which = np.unique(delay[pre, post], return_inverse=True)
            at, n_rows = n_rows, n_rows + n_pre
            counts.append(np.bincount(pre, minlength=n_pre))
            targets.append((which * n_post + post).astype(np.int32))
            weights.append(c.weights.T[pre, post].astype(np.int32))
        where = places.neuron(c.pre, c.pre_start), n_pre, places.neuron(c.post, c.post_start), n_post
        first = c.rule is None or c.order == "loihi"
        connections.append((places.population[c.pre], *where, c.exponent, at, len(delays), len(every), rule, first))
        delays, gathered = np.concatenate([delays, every]), max(gathered, len(every) * n_post)
    return Wiring(
        connections=_records(CONNECTION, connections),
        rows=np.cumsum(np.concatenate(counts)),
        targets=np.concatenate(targets),
        weights=np.concatenate(weights),
        delays=delays.astype(np.int64),
        gathered=np.zeros(gathered, np.int32),
    )


def reduced(product: Product) -> tuple[int, int]:
    """Mantissa and exponent as Lava keeps them: it reads c - var as -(var - c), and halves even mantissas above 7."""
    mantissa, exponent = product.mantissa, product.exponent
    for part in product.parts:
        mantissa *= part.sign
    while abs(mantissa) > MANTISSA_MAX and mantissa % 2 == 0 and exponent < EXPONENT_MAX:
        mantissa, exponent = mantissa // 2, exponent + 1
    return mantissa, exponent


def shifts(product: Product) -> tuple[int, int]:
    """The shifts of a product, (right, then left), in bits."""
    width = sum(WIDTHS[part.variable] for part in product.parts) + MANTISSA_WIDTH
    return min(31, max(0, width - ACCUMULATOR_WIDTH)), reduced(product)[1] + FRACTION


def _part(part: Operand) -> tuple[int, int, int, int]:
    limit = 1 << WIDTHS[part.variable]
    low, high = (-1, 1) if part.sgn else (-limit, limit - 1)
    return VARIABLES.index(part.variable), part.sign * part.constant, low, high


def _decay(trace: Trace) -> tuple[np.ndarray, np.ndarray]:
    """Whole and fractional part of every trace value a step later; Lava's own floating point."""
    later = np.exp(-1 / np.array([trace.tau]))[0] * np.arange(TRACE_MAX + 1) if trace.tau else np.zeros(TRACE_MAX + 1)
    return np.floor(later).astype(np.int32), later % 1


def products(rule: Rule) -> list[tuple[str, Product]]:
    """All products with their targets, in the order of ``SYNAPTIC``."""
    return [(v, p) for v, series in zip(SYNAPTIC, (rule.dw, rule.dt, rule.dd), strict=True) for p in series]


def plasticity(network: IntegerNetwork, places: Places) -> Plasticity:
    """The plastic connections; all traces at 0."""
    plastic = [(c, c.rule) for c in network.connections if c.rule]
    n_rules = len(plastic)
    n_pre, n_post = (max((c.weights.shape[k] for c, _ in plastic), default=1) for k in (1, 0))
    neurons, steps = max(n_pre, n_post), max((rule.epoch for _, rule in plastic), default=1) + 1
    n_products = max((len(products(rule)) for _, rule in plastic), default=1)
    size = sum(c.weights.size for c, _ in plastic)
    synapses, exists = np.zeros((3, size), np.int16), np.ones(0, np.int8)
    if any(isinstance(c.delays, np.ndarray) for c, _ in plastic):
        exists = np.ones(size, np.int8)
    third, impulse = np.full((n_rules, 5), -1), np.zeros((n_rules, 5), np.int32)
    used = np.zeros((n_rules, 5), bool)
    floor, fraction = np.zeros((n_rules, 5, TRACE_MAX + 1), np.int32), np.zeros((n_rules, 5, TRACE_MAX + 1))
    low, high, spans = (np.zeros((n_rules, columns), np.int64) for columns in (3, 3, 4))
    rules: list[tuple[int, ...]] = []
    ends: list[tuple[int, ...]] = []
    series: list[tuple[int, ...]] = []
    parts: list[tuple[int, ...]] = []
    at = 0
    for r, (c, rule) in enumerate(plastic):
        own = products(rule)
        synapses[0, at : at + c.weights.size] = c.weights.T.ravel()
        if c.tag is not None:
            synapses[1, at : at + c.weights.size] = c.tag.T.ravel()
        if isinstance(c.delays, np.ndarray):
            exists[at : at + c.weights.size] = c.delays.T.ravel() > 0
        for name, trace in {**rule.traces, **dict.fromkeys(rule.third, THIRD)}.items():
            k = TRACES.index(name)
            used[r, k], impulse[r, k] = True, trace.impulse
            floor[r, k], fraction[r, k] = _decay(trace)
        for name, sender in rule.third.items():
            third[r, TRACES.index(name)] = places.astrocyte[sender]
        low[r], high[r] = np.array([BOUNDS[c.mode], (TAG_MIN, TAG_MAX), DELAY_BOUNDS]).T
        read = {part.variable for _, p in own for part in p.parts} | {target for target, _ in own}
        uses = sum(1 << k for k, name in enumerate(SYNAPTIC) if name in read)
        alone = [p.event[0] == "u" and {part.variable for part in p.parts} <= {target} for target, p in own]
        with_y = sum({1 << SYNAPTIC.index(target) for target, p in own if p.event == "y0"})
        with_u = sum({1 << SYNAPTIC.index(target) for (target, _), it in zip(own, alone, strict=True) if it})
        all_alone = all(it for (_, p), it in zip(own, alone, strict=True) if p.event[0] == "u")
        events = {p.event for _, p in own}
        every = max((1 << int(e[1:]) for e in events if e[0] == "u"), default=0)
        masked = isinstance(c.delays, np.ndarray)
        series_at = len(series), len(series) + len(own)
        spans[r] = len(series) + np.searchsorted([SYNAPTIC.index(target) for target, _ in own], range(4))
        rules.append((rule.epoch, every, at, *series_at, "x0" in events, uses, with_y, with_u, all_alone, masked))
        ends.append((places.population[c.pre], places.neuron(c.pre, c.pre_start), c.weights.shape[1], 0))
        ends.append((places.population[c.post], places.neuron(c.post, c.post_start), c.weights.shape[0], c.post_delay))
        for k, (target, p) in enumerate(own):
            event = {"x": 0, "y": 1, "u": 2}[p.event[0]]
            kinds = [[q for q in p.parts if q.variable[0] in kind] for kind in ("x", "y", "wtd")]
            cuts = np.cumsum([len(parts), *(len(kind) for kind in kinds)]).tolist()
            parts.extend(_part(q) for kind in kinds for q in kind)
            series.append((SYNAPTIC.index(target), event, reduced(p)[0], *shifts(p), *cuts, k * steps, alone[k]))
        at += c.weights.size
    return Plasticity(
        rules=_records(RULE, rules),
        ends=_records(END, ends).reshape(n_rules, 2),
        spans=spans,
        products=_records(PRODUCT, series),
        parts=_records(PART, parts),
        used=used,
        third=third,
        impulse=impulse,
        floor=floor,
        fraction=fraction,
        low=low,
        high=high,
        exists=exists,
        traces=np.zeros((n_rules, 5, neurons), np.int32),
        last=np.zeros((n_rules, 2, neurons), np.int32),
        synapses=synapses,
        sunken=np.array(
            [c.tag is not None and bool(rule.dt and np.any(c.tag < -256)) for c, rule in plastic], dtype=bool
        ),
        steps=steps,
        past=np.zeros(((len(TRACES) + 2) * steps, neurons), np.int32),
        left=np.zeros((n_products * steps, n_pre), np.int32),
        right=np.zeros((n_products * steps, n_post), np.int32),
        live=np.zeros(n_pre, bool),
        active=np.zeros(n_post, np.int64),
        when=np.zeros(len(series), np.int64),
        rows=np.zeros((5, n_post), np.int32),
        table=np.zeros((3, 2 * 256 + 1), np.int32),
        still=np.zeros((n_rules, n_pre), bool),
    )


def astrocytes(network: IntegerNetwork, places: Places) -> Astrocytes:
    """Astrocytes, silent."""
    cells: list[tuple[Any, ...]] = []
    members: list[tuple[int, int, int]] = []
    for a in network.astrocytes:
        gate = (a.threshold is not None, a.threshold or 0, _closes(a))
        cells.append((a.decay, a.gain, *gate, a.level, a.shift, len(members), len(a.members)))
        for name, start, stop in a.members:
            members.append((places.population[name], places.neuron(name, start), places.neuron(name, stop)))
    n = len(cells)
    zeros = np.zeros(n, np.int64)
    return Astrocytes(_records(GLIA, cells), _records(MEMBER, members), zeros, np.zeros(n, bool), zeros.copy())


def _closes(a: Astrocyte) -> int:
    return (a.threshold if a.threshold_off is None else a.threshold_off) or 0


def output(network: IntegerNetwork, places: Places, room: int) -> Output:
    """Room for ``room`` spikes, and rings as long as the longest delay."""
    longest = max((c.post_delay for c in network.connections if c.rule), default=0)
    return Output(
        recent=np.zeros((longest + 1, places.total), np.int64),
        starts=np.zeros((longest + 1, len(places.size) + 1), np.int64),
        steps=np.zeros(room, np.int64),
        neurons=np.zeros(room, np.int32),
        written=np.zeros(1, np.int64),
    )
