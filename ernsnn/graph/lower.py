"""Lowering of a network to a graph. All randomness is fixed here, from the seed and the objects' names."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any, Literal

import numpy as np

from ernsnn.describe.arguments import checked
from ernsnn.describe.attached import Injection, Modulation, Probe
from ernsnn.describe.distributions import Distribution, farthest
from ernsnn.describe.equations import parse_products
from ernsnn.describe.learning import LearningRule
from ernsnn.describe.modulators import ThirdFactor
from ernsnn.describe.names import network_name
from ernsnn.describe.network import Network
from ernsnn.describe.parametrised import check_values
from ernsnn.describe.poisson_input import PoissonInput
from ernsnn.describe.populations import Population, View
from ernsnn.describe.products import Product, lowest
from ernsnn.describe.projections import Projection
from ernsnn.describe.short_term import unusable
from ernsnn.describe.stimuli import Poisson, Schedule, SpikeTimes, rates_over_time
from ernsnn.describe.trials import Trials
from ernsnn.describe.units import all_whole_steps, time_of, whole_steps
from ernsnn.errors import InvalidModel, about
from ernsnn.graph import connectivity as conn
from ernsnn.graph import graph as g
from ernsnn.graph.chunks import CHUNK
from ernsnn.graph.connect import connected
from ernsnn.graph.driven import undriven
from ernsnn.graph.injections import merged
from ernsnn.graph.memory import require_memory
from ernsnn.graph.modulator import Member
from ernsnn.graph.modulators import lowered
from ernsnn.graph.poisson import MOST_A_STEP
from ernsnn.graph.seeds import generator, key_of
from ernsnn.graph.shown import Shown
from ernsnn.graph.spikes import GivenSpikes, PoissonSpikes, poisson_spikes
from ernsnn.graph.values import Array, Draw, Scalar, Series, Value, sample, series

LONGEST_DELAY = 2**31 - 1
"""The longest delay in steps that every backend can count."""


@checked
def lower(network: Network, seed: int = 0, trials: Trials | None = None) -> g.Graph:
    """The graph of ``network`` under ``seed``, in which ``trials`` replace those that it was described with.

    Every draw has a generator of its own, keyed by (seed, path of the object), so a change in one part of a network
    moves no numbers elsewhere. Raises InvalidModel on times that are no multiples of dt, rates that are too high,
    drawn parameters that no neuron can have, consolidation signals that nothing drives, and on numbers and synapses
    that memory cannot hold, before any is taken; all such problems of a network are listed together.
    """
    network_name(network.name)
    if not network.populations:
        raise InvalidModel(f"{network.name}: has no population")
    lowering = _Lowering(network, seed, trials)
    graph = g.Graph(
        name=network.name,
        seed=int(seed),
        dt_ms=network.dt_ms,
        current_integration=network.current_integration,
        populations=lowering.each(lowering.population, network.populations.values()),
        projections=lowering.each(lowering.projection, network.projections.values()),
        modulators=lowering.each(lambda m: lowered(m, lowering), network.modulators.values()),
        injections=merged(lowering.each(lowering.injection, network.injections)),
        modulations=lowering.each(lowering.modulation, network.modulations),
        probes=lowering.each(lowering.probe, network.probes),
        frozen=lowering.each(lowering.frozen, lowering.shown.frozen(network.frozen)),
        poisson_inputs=lowering.each(lowering.poisson_input, network.poisson_inputs.values()),
        resets=lowering.shown.resets(),
    )
    problems = lowering.problems or list(lowering.shown.unread()) or list(undriven(graph))
    if problems:
        raise InvalidModel.listing(problems)
    return graph


def lower_population(network: Network, name: str, seed: int) -> g.Population:
    """One population of ``network``, as ``lower`` has it."""
    return _Lowering(network, seed).population(network.populations[name])


_DRAWS = {"normal": "noise", "uniform": "chance"}
"""Random number that equations may read -> last part of the path of its streams."""


class _Lowering:
    def __init__(self, network: Network, seed: int, trials: Trials | None = None) -> None:
        self.network, self.seed, self.dt = network, seed, network.dt_ms
        self.shown = Shown(trials, network.dt_ms)
        self.problems: list[InvalidModel] = []

    def each(self, method: Any, parts: Iterable[Any]) -> tuple[Any, ...]:
        """Lower every part; an error is kept and the others go on, so that all errors are reported together."""
        done = []
        for part in parts:
            try:
                with about(getattr(part, "name", "")):
                    done.append(method(part))
            except InvalidModel as problem:
                self.problems.append(problem)
        return tuple(done)

    def key(self, path: str, seed: int | None = None) -> str:
        return key_of(self.seed if seed is None else seed, path)

    # Populations

    def population(self, p: Population) -> g.Population:
        if isinstance(p.model, SpikeTimes):
            return g.Source(p.name, p.size, self.given_spikes(p.name, p.model))
        if isinstance(p.model, Poisson):
            return g.Source(p.name, p.size, self.poisson(p, p.model))
        parameters = {
            name: self.neuron_values(value, p.size, f"{p.name}.{name}") for name, value in p.model.parameters.items()
        }
        # A parameter that was left to follow a drawn one must follow that very draw.
        given, kind = p.model.parameters, p.model.kind
        for follower in kind.parameters:
            if follower.follows and given[follower.name] is given[follower.follows]:
                parameters[follower.name] = parameters[follower.follows]
        check_values(p.name, kind, parameters)
        drawn = kind.given(self.network.current_integration, parameters).names
        return g.Neurons(
            name=p.name,
            size=p.size,
            kind=kind,
            parameters=parameters,
            draws={name: self.key(f"{p.name}.{path}") for name, path in _DRAWS.items() if name in drawn},
            intrinsic=self.intrinsic(p, parameters),
        )

    def neuron_values(self, value: Any, size: int, path: str) -> float | np.ndarray:
        if isinstance(value, Distribution):
            require_memory(path, 8 * size, "take fewer neurons")
            return sample(value.kind, tuple(value.parameters.values()), generator(self.key(path)), size)
        return value if isinstance(value, float) else np.asarray(value)

    def intrinsic(self, p: Population, parameters: dict[str, Any]) -> g.Intrinsic | None:
        if p.plasticity is None:
            return None
        initial = parameters[p.plasticity.target]
        value: Value = Scalar(initial) if isinstance(initial, float) else Array(initial)
        low, high = p.plasticity.rule.bounds_of("w")
        if np.min(initial) < low or np.max(initial) > high:
            raise InvalidModel(f"{p.name}: {p.plasticity.target} starts outside the rule's bounds [{low}, {high}]")
        return g.Intrinsic(p.plasticity.target, self.rule(p.name, p.plasticity.rule, value, (), ()))

    def given_spikes(self, name: str, model: SpikeTimes) -> GivenSpikes:
        model = self.shown.spikes(name, model)
        counts = [len(row) for row in model.times_ms]
        neurons = np.repeat(np.arange(len(counts)), counts)
        times = np.concatenate([np.zeros(0), *model.times_ms])
        steps = np.rint(times / self.dt)
        # Nearly all are whole steps to the last digits. Only the others, and the latest, are looked at one by one.
        doubtful = np.abs(steps * self.dt - times) > 1e-7 * self.dt
        doubtful[times.argmax() if len(times) else 0 :][:1] = True
        for n in np.flatnonzero(doubtful).tolist():
            steps[n] = whole_steps(float(times[n]), self.dt, f"{name}, spike of neuron {neurons[n]}")
        twice = neurons[:-1][(np.diff(steps) == 0) & (np.diff(neurons) == 0)]
        if len(twice):
            i = twice[0]
            raise InvalidModel(f"{name}: two spikes of neuron {i} fall into one step; a neuron spikes once a step")
        indptr = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        return GivenSpikes(indptr, steps.astype(np.int64))

    def poisson(self, p: Population, model: Poisson) -> PoissonSpikes:
        path = f"{p.name}.rate_hz"
        rates = self.rates(path, model.rate_hz, p.size)
        return poisson_spikes(path, rates, self.dt, self.key(f"{p.name}.spikes"), model.at_most_one)

    def rates(self, path: str, rate_hz: Any, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        """Rates as ``columns``; those of a distribution are drawn, one a neuron."""
        drawn = self.neuron_values(rate_hz, size, path) if isinstance(rate_hz, Distribution) else rate_hz
        return self.columns(path, rates_over_time(drawn), size)

    def schedule(self, path: str, schedule: Schedule, size: int) -> tuple[np.ndarray, Series]:
        """Steps (k,) and values (k, size) of a schedule."""
        steps, columns, of = self.columns(path, schedule, size)
        return steps, series(columns, of)

    def columns(self, path: str, schedule: Schedule, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        """Steps (k,), columns (k, m) and which of them each of ``size`` neurons has; None: one each."""
        schedule = self.shown.schedule(path, schedule)
        steps = all_whole_steps(np.asarray(schedule.times_ms, dtype=float), self.dt, path)
        if (np.diff(steps) == 0).any():
            raise InvalidModel(f"{path}: two of its times fall into one step of {self.dt} ms")
        values = np.asarray(schedule.values, dtype=float)
        require_memory(path, values.nbytes + 8 * size, "take fewer neurons, or fewer changes")
        if values.ndim == 1:
            return steps, values[:, None], np.zeros(size, np.int64)
        return steps, values, schedule.columns

    # Projections

    def projection(self, p: Projection) -> g.Projection:
        connectivity, order = connected(p, lambda path: self.key(path, p.seed))
        weight = self.synapse_values(p, p.weight, connectivity, order, f"{p.name}.{p.weight_field}")
        learning = None
        if p.learning is not None:
            bounds = tuple(
                g.Bound(s, f.modulator.name, f.per if f.modulator.size > 1 else "all")
                if isinstance(f, ThirdFactor)
                else g.Bound(s, f.name, "all")
                for s, f in p.third_factors.items()
            )
            names = p.learning.variables
            transmit = parse_products(p.transmit, names, self.used(p.learning), f"{p.name}.transmit")
            if not transmit:
                raise InvalidModel(f"{p.name}.transmit: {p.transmit!r} is always 0")
            if p.weight_field == "weight_uS" and (low := lowest(transmit, p.learning.bounds_of)) < -1e-12:
                raise InvalidModel(
                    f"{p.name}.transmit: a conductance is not negative, but {p.transmit!r} comes down to {low:g} "
                    "within the rule's bounds"
                )
            marks = tuple(
                g.Variable(
                    m.name,
                    self.synapse_values(p, m.initial, connectivity, order, f"{p.name}.learning.{m.name}"),
                    m.low,
                    m.high,
                )
                for m in p.learning.marks
            )
            learning = self.rule(p.name, p.learning, weight, marks, transmit, bounds)
        return g.Projection(
            name=p.name,
            pre=p.pre.population.name,
            post=p.post.population.name,
            pre_start=p.pre.start,
            post_start=p.post.start,
            connectivity=connectivity,
            receptor=p.receptor,
            weight=weight,
            delay=self.delays(p, connectivity, order),
            learning=learning,
            short_term=self.short_term(p),
        )

    def short_term(self, p: Projection) -> g.ShortTerm | None:
        if p.short_term is None:
            return None
        kind, path = p.short_term.kind, f"{p.name}.short_term"
        parameters = {
            name: self.neuron_values(value, p.pre.size, f"{path}.{name}")
            for name, value in p.short_term.parameters.items()
        }
        check_values(path, kind, parameters)
        if problem := unusable(kind, parameters, self.dt):
            raise InvalidModel(f"{path}: {problem}")
        return g.ShortTerm(kind, parameters)

    @staticmethod
    def used(rule: LearningRule) -> dict[str, float]:
        """The rule's parameters, less those whose names are variables."""
        return {k: v for k, v in rule.parameters.items() if k not in rule.variables}

    def rule(
        self,
        path: str,
        rule: LearningRule,
        weight: Value,
        marks: tuple[g.Variable, ...],
        transmit: tuple[Product, ...],
        third_factors: tuple[g.Bound, ...] = (),
    ) -> g.Learning:
        epoch = None if rule.epoch_ms is None else whole_steps(rule.epoch_ms, self.dt, f"{path}.learning.epoch_ms")
        return g.Learning(
            variables=(g.Variable("w", weight, *rule.bounds_of("w")), *marks),
            traces=tuple(g.Traced(name, trace) for name, trace in rule.traces.items()),
            terms=tuple(rule.terms),
            third_factors=third_factors,
            epoch_steps=epoch,
            flows=tuple(rule.flows),
            normalise=tuple(rule.normalise),
            transmit=transmit,
            erasure={f.variable: self.key(f"{path}.learning.{f.variable}.erasure") for f in rule.flows if f.draws},
        )

    def synapse_values(
        self,
        p: Projection,
        value: Any,
        connectivity: conn.Connectivity,
        order: np.ndarray | None,
        path: str,
        step_ms: float | None = None,
    ) -> Value:
        if isinstance(value, Distribution):
            return Draw(value.kind, tuple(value.parameters.values()), self.key(path, p.seed), step_ms)
        if isinstance(value, float):
            return Scalar(value)
        values = np.asarray(value)
        if order is not None:
            return Array(values[order])
        if isinstance(connectivity, conn.OneToOne):
            return Array(values)
        if values.ndim == 1:
            n = connectivity.n_synapses
            if len(values) != n:
                raise InvalidModel(f"{path}: {len(values)} values for the {n} synapses that seed {p.seed} draws")
            return Array(values)
        chosen, starts = np.empty(connectivity.n_synapses), connectivity.indptr
        for i, (a, b) in enumerate(pairwise(starts.tolist())):
            chosen[a:b] = values[i, connectivity.targets(i)]
        return Array(chosen)

    def delays(self, p: Projection, connectivity: conn.Connectivity, order: np.ndarray | None) -> Value:
        path = f"{p.name}.delay_ms"
        value = self.synapse_values(p, p.delay_ms, connectivity, order, path, self.dt)
        if isinstance(value, Scalar):
            steps = np.array([whole_steps(value.value, self.dt, path)])
        elif isinstance(value, Array):
            steps = self.whole(value.values, path)
        else:
            steps = np.array([farthest(p.delay_ms) / self.dt])
        if np.max(steps, initial=0) > LONGEST_DELAY:
            longest = f"{np.max(steps) * self.dt:.4g} ms, and no delay is longer than {LONGEST_DELAY * self.dt:.4g} ms"
            raise InvalidModel(f"{path}: reaches {longest}, {LONGEST_DELAY} steps; choose shorter ones")
        if isinstance(value, Scalar):
            return Scalar(float(steps[0]))
        return Array(steps.astype(np.int32)) if isinstance(value, Array) else value

    def whole(self, times: np.ndarray, path: str) -> np.ndarray:
        """Times as whole steps, in int64, chunk by chunk."""
        steps = np.empty(len(times), np.int64)
        for first in range(0, len(times), CHUNK):
            steps[first : first + CHUNK] = all_whole_steps(times[first : first + CHUNK], self.dt, path)
        return steps

    # The rest

    @staticmethod
    def member(view: Any) -> Member:
        return Member(view.population.name, view.start, view.stop)

    def injection(self, i: Injection) -> g.Injected:
        with about(f"current injected into {i.target.name}", i.target.population.name):
            steps, values = self.schedule(f"current injected into {i.target.name}", i.current.schedule, i.target.size)
        return g.Injected(self.member(i.target), steps, values)

    def poisson_input(self, p: PoissonInput) -> g.PoissonInput:
        steps, rates, of = self.rates(f"{p.name}.rate_hz", p.rate_hz, p.target.size)
        if np.min(rates, initial=0.0) < 0:
            raise InvalidModel(f"{p.name}.rate_hz: must be >= 0, got {np.min(rates)}")
        if isinstance(p.n, float):
            sources: np.ndarray | float = p.n
        else:  # neurons have a column together where they have the same rates and as many sources
            of = np.arange(p.target.size) if of is None else of
            pairs, of = np.unique(np.stack([of, p.n]), axis=1, return_inverse=True)
            rates, sources, of = rates[:, pairs[0].astype(int)], pairs[1], of.reshape(-1)
        with np.errstate(over="ignore"):
            means = rates * sources * (self.dt / 1000.0)
        if not np.max(means, initial=0.0) <= MOST_A_STEP:
            raise InvalidModel(
                f"{p.name}: a neuron gets {np.max(means):.3g} spikes in a step of {self.dt} ms, more than "
                f"{MOST_A_STEP:g}; choose a smaller dt_ms, or lower rate_hz or n"
            )
        weight = self.neuron_values(p.weight, p.target.size, f"{p.name}.{p.weight_field}")
        key = self.key(f"{p.name}.counts")
        return g.PoissonInput(p.name, self.member(p.target), p.receptor, weight, steps, series(means, of), key)

    def modulation(self, m: Modulation) -> g.Modulation:
        return g.Modulation(self.member(m.target), m.modulator.name, m.variable, m.gain)

    def frozen(self, interval: tuple[int, int]) -> tuple[int, int]:
        first, last = interval
        for rule in self.network.learning_rules():
            if rule.epoch_ms is not None:
                every = whole_steps(rule.epoch_ms, self.dt, "epoch_ms")
                if first % every or last % every:
                    start, stop = time_of(first, self.dt), time_of(last, self.dt)
                    raise InvalidModel(
                        f"Network.freeze: from {start} to {stop} ms are no whole epochs of {rule.epoch_ms} ms, so that "
                        "one would be partly frozen; choose multiples of it"
                    )
        return interval

    def probe(self, p: Probe) -> g.Probe:
        kind: Literal["modulator", "synapses", "short_term"]
        if isinstance(p.target, View):
            return g.Probe("neurons", p.target.population.name, p.target.start, p.target.stop, p.variable, p.every)
        short = isinstance(p.target, Projection) and p.variable in p.target.states
        kind = "short_term" if short else "synapses" if isinstance(p.target, Projection) else "modulator"
        return g.Probe(kind, p.target.name, 0, 0, p.variable, p.every)
