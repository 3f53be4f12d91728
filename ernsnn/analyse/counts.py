"""Counts of the events of a run that cost energy on any hardware, computed from a graph and its spikes.

A count depends on the graph and on the spikes alone, so that backends whose spikes agree have equal counts. Terms are
NeuroBench's (Yik et al. 2025): spikes are binary, so that every effective synaptic operation is an accumulate (AC) and
none a multiply-accumulate (MAC); ``operations`` counts both for any layer, such as those of an artificial network.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ernsnn.describe.learning import EPOCH, POST, PRE
from ernsnn.graph.connectivity import CSR, Dense
from ernsnn.graph.graph import Graph, PoissonInput, Projection
from ernsnn.graph.values import Array, Scalar
from ernsnn.recording.recording import Recording


@dataclass(frozen=True)
class Operations:
    """Synaptic operations of one layer: ``dense`` ones if nothing is skipped, and the effective ones."""

    dense: int
    acs: int
    macs: int


def operations(weights: np.ndarray, inputs: np.ndarray) -> Operations:
    """Operations of a layer with ``weights`` (outputs, inputs) for ``inputs`` (steps, inputs), or one step of them.

    Effective ones multiply a weight that is not 0 by an input that is not 0. They are accumulates where all inputs are
    -1, 0 or 1, and multiply-accumulates otherwise (NeuroBench's ``synaptic_operations``).
    """
    weights, inputs = np.asarray(weights), np.atleast_2d(inputs)
    effective = int(np.sum((inputs != 0) @ np.count_nonzero(weights, axis=0)))
    binary = bool(np.isin(inputs, (-1, 0, 1)).all())
    return Operations(len(inputs) * weights.size, effective if binary else 0, 0 if binary else effective)


@dataclass(frozen=True)
class NeuronCounts:
    """One population that is computed. A membrane is updated in every step; ``spikes`` of these updates end in one."""

    population: str
    updates: int
    spikes: int
    intrinsic_updates: int


@dataclass(frozen=True)
class SynapseCounts:
    """The synaptic events of one projection in a run.

    ``dense`` = steps * n_pre * n_post; ``effective`` = the synapses of each spike whose weight is not 0, or all of them
    where they learn, since a chip visits those whatever their weight. ``learning`` counts synapses visited by an event
    that has terms: by pre and post spikes and at epochs. ``mark_updates`` counts the marks that terms and flows change.
    """

    projection: str
    storage: str
    synapses: int
    nonzero: int
    possible: int
    dense: int
    effective: int
    learning: dict[str, int]
    mark_updates: int

    @property
    def connection_sparsity(self) -> float:
        """Weights of 0, or absent, among all possible ones."""
        return 1.0 - self.nonzero / self.possible if self.possible else 0.0


@dataclass(frozen=True)
class InputCounts:
    """One Poisson input. ``effective``: the spikes that it brings with a weight that is not 0, each as a synapse would.

    They are not recorded, and counted as expected.
    """

    input: str
    effective: int


@dataclass(frozen=True)
class Counts:
    """All counts of a run. What Poisson inputs bring are synaptic operations of sparse synapses."""

    steps: int
    dt_ms: float
    neurons: tuple[NeuronCounts, ...]
    synapses: tuple[SynapseCounts, ...]
    astrocyte_updates: int
    inputs: tuple[InputCounts, ...] = ()

    @property
    def totals(self) -> dict[str, float]:
        """Name of an event in price sets -> how often it happened."""
        return {what: total(self) for what, total in TOTALS.items()}

    def to_json(self) -> dict[str, Any]:
        """The same as plain data."""
        return {
            "steps": self.steps,
            "totals": self.totals,
            "neurons": [asdict(n) for n in self.neurons],
            "synapses": [{**asdict(s), "connection_sparsity": s.connection_sparsity} for s in self.synapses],
            "inputs": [asdict(i) for i in self.inputs],
        }


TOTALS: dict[str, Callable[[Counts], float]] = {
    "dense_operation": lambda c: sum(s.dense for s in c.synapses),
    "mac": lambda c: 0,  # spikes are binary
    "synaptic_operation": lambda c: sum(s.effective for s in c.synapses) + sum(i.effective for i in c.inputs),
    "synaptic_operation.dense": lambda c: sum(s.effective for s in c.synapses if s.storage == "dense"),
    "synaptic_operation.sparse": lambda c: (
        sum(s.effective for s in c.synapses if s.storage == "sparse") + sum(i.effective for i in c.inputs)
    ),
    "neuron_update": lambda c: sum(n.updates for n in c.neurons),
    "neuron_ms": lambda c: sum(n.updates for n in c.neurons) * c.dt_ms,
    "spike": lambda c: sum(n.spikes for n in c.neurons),
    "learning_update": lambda c: sum(sum(s.learning.values()) for s in c.synapses),
    "mark_update": lambda c: sum(s.mark_updates for s in c.synapses),
    "astrocyte_update": lambda c: c.astrocyte_updates,
}
"""Name of an event -> how its total is computed."""


def count(graph: Graph, recording: Recording) -> Counts:
    """Every count of a run of ``graph``. What learns counts only in steps in which the network does."""
    recording, begin = recording.from_zero(), recording.first_step
    learns = np.ones(recording.n_steps, np.bool_)
    for first, last in graph.frozen:
        learns[max(first - begin, 0) : max(last - begin, 0)] = False
    neurons = []
    for p in graph.neurons():
        steps, intrinsic = recording.spikes[p.name][0], 0
        if p.intrinsic:
            rule = p.intrinsic.learning
            visits = {POST: int(learns[steps].sum()), EPOCH: p.size * _epochs(rule.epoch_steps, learns, begin)}
            intrinsic = sum(visits[event] for event in {term.event for term in rule.terms})
        neurons.append(NeuronCounts(p.name, p.size * recording.n_steps, len(steps), intrinsic))
    computed = [m.size for m in graph.modulators if m.kind.states]
    return Counts(
        recording.n_steps,
        graph.dt_ms,
        tuple(neurons),
        tuple(_of_projection(p, recording, learns) for p in graph.projections),
        sum(computed) * int(learns.sum()),
        tuple(_of_input(p, begin, recording.n_steps) for p in graph.poisson_inputs),
    )


def _of_input(p: PoissonInput, begin: int, n_steps: int) -> InputCounts:
    expected = p.expected(begin, begin + n_steps)
    return InputCounts(p.name, round(float(expected[np.broadcast_to(p.weight, len(expected)) != 0].sum())))


def _of_projection(p: Projection, recording: Recording, learns: np.ndarray) -> SynapseCounts:
    n_pre, n_post = p.connectivity.n_pre, p.connectivity.n_post
    pre_steps, pre = _inside(*recording.spikes[p.pre], p.pre_start, n_pre)
    per_pre = np.bincount(pre, minlength=n_pre)
    row = np.diff(p.connectivity.indptr)
    nonzero = row if p.learning else _nonzero(p)
    final = recording.synapses.get(p.name, {}).get("w") if p.learning else None
    learning, marks = dict.fromkeys((PRE, POST, EPOCH), 0), 0
    if p.learning:
        rule = p.learning
        epochs = _epochs(rule.epoch_steps, learns, recording.first_step)
        visits = {
            PRE: int(np.bincount(pre[learns[pre_steps]], minlength=n_pre) @ row),
            POST: _post_visits(p, recording, learns),
            EPOCH: epochs * p.n_synapses,
        }
        for event in learning:
            changed = list({t.target for t in rule.terms if t.event == event})
            if event == EPOCH:
                changed += [f.variable for f in rule.flows] + [n.variable for n in rule.normalise]
            learning[event] = visits[event] * bool(changed)
            marks += visits[event] * sum(name != "w" for name in changed)
    return SynapseCounts(
        projection=p.name,
        storage="dense" if isinstance(p.connectivity, Dense) else "sparse",
        synapses=p.n_synapses,
        nonzero=int(np.count_nonzero(final)) if final is not None else int(nonzero.sum()),
        possible=n_pre * n_post,
        dense=recording.n_steps * n_pre * n_post,
        effective=int(per_pre @ nonzero),
        learning=learning,
        mark_updates=marks,
    )


def _epochs(every: int | None, learns: np.ndarray, begin: int) -> int:
    return int(learns[(every - 1 - begin) % every :: every].sum()) if every else 0


def _inside(steps: np.ndarray, neurons: np.ndarray, start: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    inside = (neurons >= start) & (neurons < start + n)
    return steps[inside], neurons[inside] - start


def _nonzero(p: Projection) -> np.ndarray:
    """The number of synapses of each pre neuron whose weight is not 0."""
    indptr, weight = p.connectivity.indptr, p.weight
    if isinstance(weight, Scalar):
        return np.diff(indptr) * int(weight.value != 0)
    if isinstance(weight, Array):
        return np.diff(np.concatenate([[0], np.cumsum(weight.values != 0)])[indptr])
    rows = zip(indptr[:-1].tolist(), np.diff(indptr).tolist(), strict=True)
    return np.array([np.count_nonzero(weight.row(k, start, n)) for k, (start, n) in enumerate(rows)], np.int64)


def _post_visits(p: Projection, recording: Recording, learns: np.ndarray) -> int:
    """Synapses that post spikes reach, each after its delay, within the run and while the network learns."""
    n_post = p.connectivity.n_post
    steps, post = _inside(*recording.spikes[p.post], p.post_start, n_post)
    total = 0
    for delay, degree in _degrees(p):
        arriving = steps + delay
        inside = arriving < len(learns)
        there = inside.copy()
        there[inside] = learns[arriving[inside]]
        total += int(np.bincount(post[there], minlength=n_post) @ degree)
    return total


def _degrees(p: Projection) -> Iterable[tuple[int, np.ndarray]]:
    """(delay in steps, how many synapses of that delay each post neuron has)."""
    c = p.connectivity
    if not isinstance(p.delay, Scalar):
        rows = p.synapses
        for delay in np.unique(rows.delay).tolist():
            yield delay, np.bincount(rows.post[rows.delay == delay] - p.post_start, minlength=c.n_post)
    elif isinstance(c, CSR):
        yield int(p.delay.value), np.bincount(c.indices, minlength=c.n_post)
    else:
        degree = np.full(c.n_post, c.n_pre if isinstance(c, Dense) else 1)
        if isinstance(c, Dense) and not c.self_connections:
            degree[: min(c.n_pre, c.n_post)] -= 1
        yield int(p.delay.value), degree
