"""Losses: what ``fit`` makes small. They add, and numbers scale them: ``most_spikes("out") + 1e-5 * spikes("hidden")``.

A loss is computed from a batch of trials that are shown beside each other, each from the initial state on; it is a mean
over them. Names of ``target`` are quantities of the ``Trials``, which the network itself need not read.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np

from ernsnn.describe.arguments import checked
from ernsnn.describe.trials import Trials
from ernsnn.describe.units import to_number, to_single, to_unit
from ernsnn.errors import InvalidModel, unknown
from ernsnn.graph.graph import Graph, Projection


@dataclass(frozen=True, eq=False)
class Shown:
    """A batch of trials, and what came of them; ``which`` are their places among ``trials``.

    ``spikes`` by population, (batch, steps, neurons); ``probes`` by ``"population.variable"``, (batch, times, values);
    ``values`` by path, those that are fitted. All are tensors.
    """

    graph: Graph
    trials: Trials
    which: np.ndarray
    spikes: dict[str, Any]
    probes: dict[str, Any]
    values: dict[str, Any]

    @property
    def seconds(self) -> float:
        """How long a trial is shown."""
        return self.trials.show_ms / 1000.0

    def of(self, population: str) -> Any:
        """The spikes of a population. Raises InvalidModel where there is none of that name."""
        if population not in self.spikes:
            raise InvalidModel(unknown("loss: no population", population, self.spikes))
        return self.spikes[population]

    def tensor(self, values: Any) -> Any:
        """Numbers as a tensor like those of the spikes."""
        return next(iter(self.spikes.values())).new_tensor(np.asarray(values, dtype=float))

    def labels(self) -> np.ndarray:
        """The labels of the trials. Raises InvalidModel where they have none."""
        if self.trials.labels is None:
            raise InvalidModel("loss: the trials have no labels; give Trials(labels=...)")
        return np.asarray(self.trials.labels[self.which])

    def target(self, name: str) -> Any:
        """A quantity of the trials: an array whose first axis is the batch, or the spikes of each trial."""
        quantities = self.trials.quantities
        if name not in quantities:
            raise InvalidModel(unknown("loss: no quantity of the trials", name, quantities))
        shown = quantities[name]
        return shown[self.which] if isinstance(shown, np.ndarray) else [shown[k] for k in self.which.tolist()]

    def projection(self, name: str) -> Projection:
        """The projection of that name. Raises InvalidModel where there is none."""
        named = {p.name: p for p in self.graph.projections}
        if name not in named:
            raise InvalidModel(unknown("loss: no projection", name, named))
        return named[name]


Computed = Callable[[Shown], Any]


@dataclass(frozen=True, eq=False)
class Part:
    """``weight`` times a function of what was shown, that is a tensor of no dimension; ``says`` is what it is."""

    weight: float
    says: str
    of: Computed


@dataclass(frozen=True, eq=False)
class Loss:
    """A sum of parts.

    ``told`` gives the label that is told of each trial (batch,), where there is one; ``targets`` are the quantities of
    the trials that it reads.
    """

    parts: tuple[Part, ...]
    told: Computed | None = None
    targets: frozenset[str] = frozenset()

    def __call__(self, shown: Shown) -> Any:
        """The loss of a batch."""
        return sum(part.weight * part.of(shown) for part in self.parts)

    def __add__(self, other: Loss) -> Loss:
        if not isinstance(other, Loss):
            return NotImplemented
        return Loss(self.parts + other.parts, self.told or other.told, self.targets | other.targets)

    def __mul__(self, factor: float) -> Loss:
        scale = to_single(factor, "loss: its factor")
        scaled = tuple(Part(scale * part.weight, part.says, part.of) for part in self.parts)
        return Loss(scaled, self.told, self.targets)

    __rmul__ = __mul__

    def __repr__(self) -> str:
        return " + ".join(f"{part.weight:g} * {part.says}" for part in self.parts)


def _loss(says: str, part: Computed, told: Computed | None = None, target: str | None = None) -> Loss:
    return Loss((Part(1.0, says, part),), told, frozenset(() if target is None else (target,)))


@checked
def most_spikes(population: str, *, per_spike: float = 1.0) -> Loss:
    r"""Cross-entropy of the label under the softmax of spike counts: neuron i is to spike most in trials of label i.

    .. math:: L = -\log \frac{e^{c n_{label}}}{\sum_i e^{c n_i}}

    n are the counts of a trial, c is ``per_spike``. Raises InvalidModel on trials without labels, and on labels beyond
    the neurons.
    """
    scale = to_single(per_spike, "most_spikes.per_spike")

    def counts(shown: Shown) -> Any:
        return shown.of(population).sum(dim=1)

    says = f"most_spikes({population!r}, per_spike={scale!r})"
    return _loss(says, lambda shown: _cross_entropy(shown, scale * counts(shown), population), _largest(counts))


def _largest(scores: Computed) -> Computed:
    return lambda shown: scores(shown).argmax(dim=1)


def _cross_entropy(shown: Shown, scores: Any, population: str) -> Any:
    labels = shown.labels()
    if labels.max() >= scores.shape[1]:
        raise InvalidModel(f"loss: label {labels.max()} is beyond the {scores.shape[1]} neurons of {population}")
    of_label = scores.gather(1, shown.tensor(labels).long()[:, None])[:, 0]
    return (scores.logsumexp(dim=1) - of_label).mean()


@checked
def target_rates(population: str, target: Any) -> Loss:
    r"""The mean squared distance of rates from their targets: L = mean of (r - r*)^2, in Hz^2.

    ``target``: the rate in Hz of all neurons, one a neuron, or the name of a quantity of the trials: (trials,) or
    (trials, neurons).
    """
    fixed = None if isinstance(target, str) else to_unit(target, "Hz", "target_rates.target")

    def part(shown: Shown) -> Any:
        rates = shown.of(population).sum(dim=1) / shown.seconds
        wanted = np.asarray(shown.target(target) if fixed is None else fixed)
        wanted = wanted[:, None] if fixed is None and wanted.ndim == 1 else wanted
        if wanted.shape not in ((), (rates.shape[1],), (rates.shape[0], 1), tuple(rates.shape)):
            raise InvalidModel(
                f"target_rates: {population} has {rates.shape[1]} neurons, the target the shape {wanted.shape}"
            )
        return ((rates - shown.tensor(wanted)) ** 2).mean()

    says = f"target_rates({population!r}, {target if fixed is None else np.asarray(fixed).tolist()!r})"
    return _loss(says, part, target=target if isinstance(target, str) else None)


@checked
def spike_times(population: str, target: str, *, tau_ms: Any) -> Loss:
    r"""The distance of van Rossum (2001, Neural Computation 13:751) of spike trains from those wanted.

    .. math:: D = \frac{1}{\tau} \int (f(t) - f^*(t))^2 dt, \qquad f(t) = \sum_k e^{-(t - t_k)/\tau} [t \ge t_k]

    ``target`` names a quantity of the trials: SpikeTimes of each trial, or a raster (trials, frames, neurons) of
    0 and 1. The integral is a sum over the steps that are shown; a mean over trials and neurons.
    """
    tau = to_single(to_unit(tau_ms, "ms", "spike_times.tau_ms"), "spike_times.tau_ms")
    if not tau > 0:
        raise InvalidModel(f"spike_times.tau_ms: must be > 0, got {tau}")

    def part(shown: Shown) -> Any:
        actual = shown.of(population)
        difference = actual - shown.tensor(_raster(shown, target, tuple(actual.shape)))
        decay, dt_ms = float(np.exp(-shown.graph.dt_ms / tau)), shown.graph.dt_ms
        filtered, total = difference[:, 0], 0.0
        for k in range(difference.shape[1]):
            filtered = difference[:, k] + decay * filtered if k else difference[:, 0]
            total = total + (filtered**2).mean()
        return total * (dt_ms / tau)

    return _loss(f"spike_times({population!r}, {target!r}, tau_ms={tau!r})", part, target=target)


def _raster(shown: Shown, name: str, shape: tuple[int, int, int]) -> np.ndarray:
    """The spikes wanted, 1 in the step in which a neuron is to spike."""
    target, dt_ms = shown.target(name), shown.graph.dt_ms
    raster = np.zeros(shape)
    if isinstance(target, np.ndarray):
        if target.ndim != 3 or target.shape[2] != shape[2] or shape[1] % target.shape[1]:
            raise InvalidModel(f"spike_times: {name!r} of shape {target.shape} is no raster of {shape[2]} neurons")
        raster[:, :: shape[1] // target.shape[1]] = target
        return raster
    for trial, spikes in enumerate(target):
        if len(spikes.times_ms) != shape[2]:
            raise InvalidModel(f"spike_times: {name!r} has {len(spikes.times_ms)} neurons, and not {shape[2]}")
        for neuron, times in enumerate(spikes.times_ms):
            raster[trial, np.rint(np.asarray(times) / dt_ms).astype(int), neuron] = 1.0
    return raster


@checked
def read_out(population: str, target: str | None = None, *, variable: str = "v_mV", per_mV: float = 1.0) -> Loss:
    r"""A read-out of a probed variable of neurons, such as the V of ``LeakyIntegrator``.

    With ``target``, the name of a quantity of the trials, (trials, frames, neurons) or (trials, neurons), the mean
    squared distance from it, in the square of the variable's unit. Without, the cross-entropy of the label under the
    softmax of ``per_mV`` times the variable's mean over a trial, as in ``most_spikes``. Raises InvalidModel where the
    network has no such probe.
    """
    key, scale = f"{population}.{variable}", to_single(per_mV, "read_out.per_mV")

    def probed(shown: Shown) -> Any:
        if key not in shown.probes:
            raise InvalidModel(f"read_out: {key} is not recorded; add net.probe({population}, {variable!r})")
        return shown.probes[key]

    def distance(shown: Shown) -> Any:
        actual, wanted = probed(shown), np.asarray(shown.target(str(target)))
        films = wanted[:, None] if wanted.ndim == 2 else wanted
        if films.ndim != 3 or films.shape[2] != actual.shape[2] or actual.shape[1] % films.shape[1]:
            raise InvalidModel(
                f"read_out: {key} is recorded as {tuple(actual.shape[1:])} (times, neurons) a trial, but {target!r} "
                f"has the shape {wanted.shape}"
            )
        return ((actual - shown.tensor(np.repeat(films, actual.shape[1] // films.shape[1], axis=1))) ** 2).mean()

    def mean(shown: Shown) -> Any:
        return probed(shown).mean(dim=1)

    says = f"read_out({population!r}, {target!r}, variable={variable!r}, per_mV={scale!r})"
    if target is not None:
        return _loss(says, distance, target=target)
    return _loss(says, lambda shown: _cross_entropy(shown, scale * mean(shown), population), _largest(mean))


@checked
def spikes(population: str) -> Loss:
    """The spikes of a population in a trial, all neurons together: a small factor makes it sparse."""
    return _loss(f"spikes({population!r})", lambda shown: shown.of(population).sum() / len(shown.which))


@checked
def synaptic_operations() -> Loss:
    """The synaptic operations of a trial: each spike counts once for every synapse that it is sent over."""

    def part(shown: Shown) -> Any:
        total = 0.0
        for p in shown.graph.projections:
            counts = shown.of(p.pre)[:, :, p.pre_start : p.pre_start + p.connectivity.n_pre].sum(dim=(0, 1))
            total = total + (counts * shown.tensor(np.diff(p.connectivity.indptr))).sum()
        return total / len(shown.which)

    return _loss("synaptic_operations()", part)


@checked
def wiring_length(projection: str, length: Any) -> Loss:
    r"""The cost of wires: the sum of \|w\| times ``length`` over the synapses of a projection that is fitted.

    ``length``: a matrix (pre, post), or one number a synapse, such as distances between neurons (Sheeran et al. 2024).
    """
    lengths = np.asarray(to_number(length, "wiring_length.length"))

    def part(shown: Shown) -> Any:
        p = shown.projection(projection)
        if f"{projection}.w" not in shown.values:
            raise InvalidModel(f"wiring_length: {projection}.w is not fitted; name it in learn")
        rows, sides = p.synapses, (p.connectivity.n_pre, p.connectivity.n_post)
        each = lengths[rows.pre - p.pre_start, rows.post - p.post_start] if lengths.shape == sides else lengths
        if each.shape != (p.n_synapses,):
            raise InvalidModel(
                f"wiring_length: needs a matrix of {sides[0]} x {sides[1]} or {p.n_synapses} numbers, got an array of "
                f"shape {lengths.shape}"
            )
        return (shown.values[f"{projection}.w"].abs() * shown.tensor(each)).sum()

    return _loss(f"wiring_length({projection!r}, {sha256(lengths.tobytes()).hexdigest()})", part)
