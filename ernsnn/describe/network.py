"""The network as a user builds it: populations, projections, third factors, injected currents and probes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from ernsnn.describe.astrocytes import Astrocyte, Modulator, Signal, ThirdFactor
from ernsnn.describe.connectors import AllToAll, Connector, FixedInDegree, FromList, OneToOne
from ernsnn.describe.distributions import Distribution, Value, span
from ernsnn.describe.learning import LearningRule
from ernsnn.describe.neurons import LIF, AdaptiveLIF
from ernsnn.describe.stimuli import CurrentSteps, Poisson, Schedule, SpikeTimes
from ernsnn.describe.units import convert_fields, to_single, to_unit
from ernsnn.errors import InvalidModel

Receptor = Literal["excitatory", "inhibitory", "signed"]
RECEPTORS: tuple[Receptor, ...] = ("excitatory", "inhibitory", "signed")
_NAME = re.compile(r"[A-Za-z_][\w.\-]*")

INTRINSIC_TARGETS = ("v_threshold_mV", "i_offset_nA")
"""What intrinsic plasticity may change: variables of a neuron, in place of ``w``."""


@dataclass(frozen=True, eq=False, kw_only=True)
class IntrinsicPlasticity:
    """A learning rule on a population's own neurons: its variable ``w`` is the parameter ``target``.

    Traces and terms follow the neuron's own spikes as event ``"post"`` (without delay); epoch terms are allowed. A
    change made in step t acts from step t + 1.
    """

    target: Literal["v_threshold_mV", "i_offset_nA"]
    rule: LearningRule

    def __post_init__(self) -> None:
        if self.target not in INTRINSIC_TARGETS:
            raise InvalidModel(
                f"IntrinsicPlasticity.target: must be one of {', '.join(INTRINSIC_TARGETS)}, got {self.target!r}"
            )
        events = {t.event for t in self.rule.terms} | {t.event for t in self.rule.traces.values()}
        if "pre" in events:
            raise InvalidModel("IntrinsicPlasticity: a neuron has no pre spikes of its own; use 'post' for its spikes")
        if self.rule.marks or self.rule.third_factors or self.rule.normalise:
            raise InvalidModel("IntrinsicPlasticity: marks, third factors and Normalise belong to projections")


@dataclass(frozen=True, eq=False)
class Population:
    """``size`` neurons of one model, or a spike source. ``population[a:b]`` is a part of it."""

    name: str
    size: int
    model: LIF | SpikeTimes | Poisson
    plasticity: IntrinsicPlasticity | None = None

    @property
    def is_source(self) -> bool:
        """Whether its spikes are given, not computed."""
        return not isinstance(self.model, LIF)

    def __getitem__(self, part: slice) -> View:
        return View(self, 0, self.size)[part]


@dataclass(frozen=True, eq=False)
class View:
    """Neurons ``start`` to ``stop`` (exclusive) of a population."""

    population: Population
    start: int
    stop: int

    @property
    def size(self) -> int:
        """How many neurons it has."""
        return self.stop - self.start

    @property
    def name(self) -> str:
        """``population[start:stop]``."""
        return f"{self.population.name}[{self.start}:{self.stop}]"

    def __getitem__(self, part: slice) -> View:
        if not isinstance(part, slice) or part.step not in (None, 1):
            raise InvalidModel(f"{self.name}: a part is a slice a:b; for single neurons use FromList or a:a+1")
        for bound in (part.start, part.stop):
            if bound is not None and not isinstance(bound, int | np.integer):
                raise InvalidModel(f"{self.name}[{part.start}:{part.stop}]: bounds must be whole numbers")
            if bound is not None and not -self.size <= bound <= self.size:
                raise InvalidModel(f"{self.name}[{part.start}:{part.stop}]: beyond its {self.size} neurons")
        start, stop, _ = part.indices(self.size)
        if stop <= start:
            raise InvalidModel(f"{self.name}[{part.start}:{part.stop}]: is empty")
        return View(self.population, self.start + start, self.start + stop)


def as_view(given: Population | View, path: str) -> View:
    """A whole population as a view of itself."""
    if isinstance(given, Population):
        return View(given, 0, given.size)
    if not isinstance(given, View):
        raise InvalidModel(f"{path}: needs a population or a part of one, got {given!r}")
    return given


@dataclass(frozen=True, eq=False, kw_only=True)
class Projection:
    """Synapses from one population to another; see ``Network.projection``."""

    name: str
    pre: View
    post: View
    connector: Connector
    weight_nA: Value
    delay_ms: Value
    receptor: Receptor = "excitatory"
    learning: LearningRule | None = None
    third_factors: Mapping[str, ThirdFactor | Modulator] = field(default_factory=dict)
    transmit: str = "w"

    def __post_init__(self) -> None:
        convert_fields(self, self.name)


@dataclass(frozen=True, eq=False, kw_only=True)
class Injection:
    """A current injected into a population."""

    target: View
    current: CurrentSteps


@dataclass(frozen=True, eq=False, kw_only=True)
class Probe:
    """Records a variable every ``every_ms``: of neurons, a third factor, or a projection's synapses."""

    target: View | Modulator | Projection
    variable: str
    every_ms: float


NEURON_VARIABLES = ("v_mV", "I_E_nA", "I_I_nA", "theta_mV")


class Network:
    """A network under construction. Methods add parts, return them, and refuse at once what cannot mean anything.

    ``dt_ms`` is the length of a step. ``current_integration`` says how currents act within a step: ``"exact"``
    (Rotter and Diesmann 1999; NEST's and Brian2's order) or ``"step_average"`` (SpiNNaker's).
    """

    def __init__(
        self,
        *,
        dt_ms: float = 1.0,
        current_integration: Literal["exact", "step_average"] = "exact",
        name: str = "network",
    ) -> None:
        self.name = name
        self.dt_ms = to_single(to_unit(dt_ms, "ms", "Network.dt_ms"), "Network.dt_ms")
        if not self.dt_ms > 0:
            raise InvalidModel(f"Network.dt_ms: must be > 0, got {self.dt_ms}")
        if current_integration not in ("exact", "step_average"):
            raise InvalidModel(
                f"Network.current_integration: must be 'exact' or 'step_average', got {current_integration!r}"
            )
        self.current_integration = current_integration
        self.populations: dict[str, Population] = {}
        self.projections: dict[str, Projection] = {}
        self.modulators: dict[str, Modulator] = {}
        self.injections: list[Injection] = []
        self.probes: list[Probe] = []

    def __repr__(self) -> str:
        return (
            f"<Network {self.name}: {len(self.populations)} populations, "
            f"{sum(p.size for p in self.populations.values())} neurons, {len(self.projections)} projections>"
        )

    def population(
        self, name: str, size: int, model: LIF | SpikeTimes | Poisson, *, plasticity: IntrinsicPlasticity | None = None
    ) -> Population:
        """Add ``size`` neurons of ``model``: ``LIF``, ``AdaptiveLIF``, or a source as ``SpikeTimes`` or ``Poisson``."""
        self._check_name(name)
        if isinstance(size, bool) or not isinstance(size, int | np.integer) or size < 1:
            raise InvalidModel(f"{name}: a population needs a whole number of neurons >= 1, got {size!r}")
        if not isinstance(model, LIF | SpikeTimes | Poisson):
            raise InvalidModel(f"{name}: the model must be LIF, AdaptiveLIF, SpikeTimes or Poisson, got {model!r}")
        if isinstance(model, SpikeTimes) and len(model.times_ms) != size:
            raise InvalidModel(f"{name}: {size} neurons, but spike times for {len(model.times_ms)}")
        if isinstance(model, Poisson):
            self._check_length(f"{name}.rate_hz", np.shape(model.schedule.values)[1:], size)
        if isinstance(model, LIF):
            for parameter, value in model.parameters.items():
                if not isinstance(value, Distribution):
                    self._check_length(f"{name}.{parameter}", np.shape(value), size)
        if plasticity is not None and not isinstance(plasticity, IntrinsicPlasticity):
            raise InvalidModel(f"{name}.plasticity: must be an IntrinsicPlasticity, got {plasticity!r}")
        if plasticity is not None and not isinstance(model, LIF):
            raise InvalidModel(f"{name}: a spike source has nothing for intrinsic plasticity to change")
        self.populations[name] = Population(name, int(size), model, plasticity)
        return self.populations[name]

    def projection(
        self,
        name: str,
        pre: Population | View,
        post: Population | View,
        connector: Connector | None = None,
        *,
        weight_nA: Any,
        delay_ms: Any = None,
        receptor: Receptor = "excitatory",
        learning: LearningRule | None = None,
        third_factors: Mapping[str, ThirdFactor | Modulator] | None = None,
        transmit: str = "w",
    ) -> Projection:
        """Add synapses from ``pre`` to ``post`` (connector: all to all by default).

        ``weight_nA`` and ``delay_ms`` are numbers, distributions, or arrays: one value a synapse in list order for
        FromList and OneToOne, else a matrix (pre, post). Delays are at least one step, which is the default; drawn
        ones are rounded to the grid. Weights are >= 0 on the ``"excitatory"`` and ``"inhibitory"`` receptor, which
        acts negatively, and of either sign on ``"signed"``, which adds to the excitatory current. With a learning
        rule the weight is the initial ``w``; what a spike transmits is ``transmit``, a sum of products of ``w``, marks
        and the rule's parameters. ``third_factors`` says which astrocyte or signal each third factor of the rule is.
        """
        self._check_name(name)
        pre_view, post_view = as_view(pre, f"{name}.pre"), as_view(post, f"{name}.post")
        for view in (pre_view, post_view):
            self._check_own(view, name)
        connector = AllToAll() if connector is None else connector
        projection = Projection(
            name=name,
            pre=pre_view,
            post=post_view,
            connector=connector,
            weight_nA=weight_nA,
            delay_ms=self.dt_ms if delay_ms is None else delay_ms,
            receptor=receptor,
            learning=learning,
            third_factors=dict(third_factors or {}),
            transmit=transmit,
        )
        self._check_projection(projection)
        self.projections[name] = projection
        return projection

    def astrocyte(
        self, name: str, listens_to: Sequence[Population | View], *, tau_ms: float, **options: Any
    ) -> Astrocyte:
        """Add leaky astrocytes that listen to ``listens_to``; the options are those of ``Astrocyte``."""
        self._check_name(name)
        if isinstance(listens_to, Population | View):
            raise InvalidModel(f"{name}.listens_to: needs a list of populations or parts of them")
        views = [as_view(member, f"{name}.listens_to") for member in listens_to]
        for view in views:
            self._check_own(view, name)
        astrocyte = Astrocyte(name=name, listens_to=views, tau_ms=tau_ms, **options)
        self.modulators[name] = astrocyte
        return astrocyte

    def signal(self, name: str, *, times_ms: Any, values: Any) -> Signal:
        """Add a given third factor: ``values[k]`` (a number, or one a neuron) from ``times_ms[k]`` on, 0 before."""
        self._check_name(name)
        signal = Signal(name=name, schedule=Schedule(times_ms, values))
        self.modulators[name] = signal
        return signal

    def inject(self, target: Population | View, current: CurrentSteps) -> Injection:
        """Inject a stepwise current into neurons."""
        if not isinstance(current, CurrentSteps):
            raise InvalidModel(f"inject: the current must be CurrentSteps, got {current!r}")
        view = as_view(target, "inject")
        self._check_own(view, "inject")
        if view.population.is_source:
            raise InvalidModel(f"inject: {view.population.name} is a spike source and takes no current")
        self._check_length(f"current injected into {view.name}", np.shape(current.schedule.values)[1:], view.size)
        self.injections.append(Injection(target=view, current=current))
        return self.injections[-1]

    def probe(
        self, target: Population | View | Modulator | Projection, variable: str, *, every_ms: Any = None
    ) -> Probe:
        """Record ``variable`` of ``target`` at the end of every ``every_ms`` (default: every step).

        Variables: of neurons ``v_mV``, ``I_E_nA``, ``I_I_nA``, ``theta_mV``; of a third factor ``value`` or, for an
        astrocyte, ``C``; of a projection ``w`` and its marks, one value a synapse. Spikes are always recorded.
        """
        every = (
            self.dt_ms if every_ms is None else to_single(to_unit(every_ms, "ms", "probe.every_ms"), "probe.every_ms")
        )
        where: View | Modulator | Projection
        if isinstance(target, Population | View):
            where = as_view(target, "probe")
            self._check_own(where, "probe")
            model = where.population.model
            known = () if where.population.is_source else NEURON_VARIABLES[: 4 if isinstance(model, AdaptiveLIF) else 3]
        elif isinstance(target, Projection):
            where, known = target, target.learning.variables if target.learning else ("w",)
        elif not isinstance(target, Astrocyte | Signal):
            raise InvalidModel(f"probe: needs a population, a projection, an astrocyte or a signal, got {target!r}")
        else:
            where, known = target, ("C", "value") if isinstance(target, Astrocyte) else ("value",)
        if variable not in known:
            raise InvalidModel(
                f"probe of {where.name}: no variable {variable!r} (there is: {', '.join(known) or 'none'})"
            )
        if not isinstance(where, View) and where not in [*self.projections.values(), *self.modulators.values()]:
            raise InvalidModel(f"probe: {where.name!r} is not part of this network")
        owner = where.population if isinstance(where, View) else where
        if any(p.variable == variable and owner is (getattr(p.target, "population", p.target)) for p in self.probes):
            raise InvalidModel(
                f"probe of {where.name}: {variable!r} of {owner.name} is recorded already; let one probe record all"
            )
        self.probes.append(Probe(target=where, variable=variable, every_ms=every))
        return self.probes[-1]

    # Checks. Each raises InvalidModel and names the object.

    def _check_name(self, name: str) -> None:
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise InvalidModel(f"{name!r}: a name starts with a letter and has letters, digits, '_', '-' and '.' only")
        if name in self.populations or name in self.projections or name in self.modulators:
            raise InvalidModel(f"{name}: the name is taken; every part of a network needs a name of its own")

    def _check_own(self, view: View, path: str) -> None:
        if self.populations.get(view.population.name) is not view.population:
            raise InvalidModel(f"{path}: population {view.population.name!r} is not part of this network")

    @staticmethod
    def _check_length(path: str, shape: tuple[int, ...], size: int) -> None:
        if shape not in ((), (size,)):
            raise InvalidModel(f"{path}: needs one number or {size}, got an array of shape {shape}")

    def _check_projection(self, p: Projection) -> None:
        if not isinstance(p.connector, Connector):
            raise InvalidModel(f"{p.name}: {p.connector!r} is no connector; use AllToAll(), OneToOne(), ...")
        if p.receptor not in RECEPTORS:
            raise InvalidModel(f"{p.name}.receptor: must be one of {', '.join(RECEPTORS)}, got {p.receptor!r}")
        if p.post.population.is_source:
            raise InvalidModel(f"{p.name}: {p.post.population.name} is a spike source and takes no input")
        if isinstance(p.connector, OneToOne) and p.pre.size != p.post.size:
            raise InvalidModel(f"{p.name}: one to one needs equal sizes, got {p.pre.size} and {p.post.size}")
        if isinstance(p.connector, FixedInDegree):
            candidates = p.pre.size - (not p.connector.self_connections)
            if p.connector.n > candidates:
                raise InvalidModel(
                    f"{p.name}: an in-degree of {p.connector.n} needs as many pre neurons, there are {candidates}"
                )
        if isinstance(p.connector, FromList) and len(p.connector.pairs):
            highest = np.max(p.connector.pairs, axis=0)
            for side, index, view in (("pre", highest[0], p.pre), ("post", highest[1], p.post)):
                if index >= view.size:
                    raise InvalidModel(
                        f"{p.name}: {side} index {index} is beyond the {view.size} neurons of {view.name}"
                    )
        if p.learning is not None and not isinstance(p.learning, LearningRule):
            raise InvalidModel(f"{p.name}.learning: must be a LearningRule, got {p.learning!r}")
        values = {"weight_nA": p.weight_nA, "delay_ms": p.delay_ms}
        values |= {f"mark {m.name}": m.initial for m in (p.learning.marks if p.learning else ())}
        for name, value in values.items():
            self._check_synapse_shape(p, name, value)
        if not isinstance(p.delay_ms, Distribution) and np.min(p.delay_ms, initial=np.inf) < self.dt_ms * (1 - 1e-9):
            raise InvalidModel(
                f"{p.name}.delay_ms: the shortest delay is one step of {self.dt_ms} ms, got {np.min(p.delay_ms)}"
            )
        _check_weights(p)
        if p.learning is None:
            if p.third_factors or p.transmit != "w":
                raise InvalidModel(f"{p.name}: third_factors and transmit need a learning rule")
        else:
            self._check_learning(p, p.learning)

    def _check_synapse_shape(self, p: Projection, name: str, value: Value) -> None:
        shape = () if isinstance(value, Distribution) else np.shape(value)
        listed = {FromList: lambda c: len(c.pairs), OneToOne: lambda c: p.pre.size}.get(type(p.connector))
        allowed = (listed(p.connector),) if listed else (p.pre.size, p.post.size)
        if shape not in ((), allowed):
            kind = type(p.connector).__name__
            raise InvalidModel(
                f"{p.name}.{name}: for {kind} needs one number or an array of shape {allowed}, got {shape}"
            )

    def _check_learning(self, p: Projection, rule: LearningRule) -> None:
        missing = [n for n in rule.third_factors if n not in p.third_factors]
        extra = [n for n in p.third_factors if n not in rule.third_factors]
        if missing or extra:
            raise InvalidModel(
                f"{p.name}.third_factors: "
                + "; ".join(
                    [f"say which astrocyte or signal {n!r} is" for n in missing]
                    + [f"the rule has no third factor {n!r}" for n in extra]
                )
            )
        for symbol, given in p.third_factors.items():
            modulator = given.modulator if isinstance(given, ThirdFactor) else given
            if not isinstance(modulator, Astrocyte | Signal) or self.modulators.get(modulator.name) is not modulator:
                raise InvalidModel(
                    f"{p.name}.third_factors[{symbol!r}]: {given!r} is no astrocyte or signal of this network"
                )
            if isinstance(given, ThirdFactor):
                size = p.pre.size if given.per == "pre" else p.post.size
                if modulator.size not in (1, size):
                    raise InvalidModel(
                        f"{p.name}.third_factors[{symbol!r}]: {modulator.name} has {modulator.size} values for {size} "
                        f"{given.per} neurons"
                    )
            elif modulator.size != 1:
                raise InvalidModel(
                    f"{p.name}.third_factors[{symbol!r}]: {modulator.name} has {modulator.size} values; say whose with "
                    f"ThirdFactor(modulator=..., per='pre' or 'post')"
                )
        for name, trace in rule.traces.items():
            gate = p.third_factors[trace.gate] if trace.gate else None
            if isinstance(gate, ThirdFactor) and gate.modulator.size > 1 and gate.per != trace.event:
                raise InvalidModel(
                    f"{p.name}: trace {name!r} lives on the {trace.event} neurons, its gate {trace.gate!r} on the "
                    "others"
                )


def _check_weights(p: Projection) -> None:
    lowest, highest = span(p.weight_nA)
    if p.receptor != "signed" and lowest < 0:
        hint = " (Normal takes low=0)" if isinstance(p.weight_nA, Distribution) else ""
        raise InvalidModel(
            f"{p.name}.weight_nA: weights on the {p.receptor} receptor are >= 0, but reach {lowest}{hint}; an "
            "inhibitory receptor acts negatively by itself, and receptor='signed' takes both signs"
        )
    if p.learning is not None:
        low, high = p.learning.bounds_of("w")
        if lowest < low or highest > high:
            raise InvalidModel(
                f"{p.name}.weight_nA: initial weights from {lowest} to {highest} leave the rule's bounds "
                f"[{low}, {high}]"
            )
