"""The network as a user builds it: populations, projections, third factors, injected currents and probes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from ernsnn.describe.arguments import checked
from ernsnn.describe.attached import Injection, Modulation, Probe, probeable
from ernsnn.describe.connectors import AllToAll, Connector
from ernsnn.describe.fields import is_one_of
from ernsnn.describe.kinds import CHANGEABLE
from ernsnn.describe.learning import LearningRule
from ernsnn.describe.modulators import Modulator, ThirdFactor
from ernsnn.describe.names import network_name, part_name
from ernsnn.describe.neurons import Neuron
from ernsnn.describe.poisson_input import PoissonInput
from ernsnn.describe.populations import (
    IntrinsicPlasticity,
    Population,
    View,
    as_view,
    check_changeable,
    check_population,
    check_width,
)
from ernsnn.describe.projections import Projection, check_projection, warn_of_zeros
from ernsnn.describe.replacing import Replaceable
from ernsnn.describe.short_term import ShortTerm
from ernsnn.describe.stimuli import CurrentSteps, Poisson, Schedule, SpikeTimes
from ernsnn.describe.third_factors import ThirdFactors
from ernsnn.describe.timeline import Timeline
from ernsnn.describe.units import single_time, time_of, to_single, to_unit, whole_steps
from ernsnn.describe.weights import receptor_word
from ernsnn.errors import InvalidModel, quoted

MOST_NEURONS = 2**31 - 1
"""The largest size of a population: backends and files count neurons in 32 bits."""


class Network(ThirdFactors, Replaceable):
    """A network under construction.

    Methods add parts and return them; they raise InvalidModel on arguments without a meaning.

    ``dt_ms`` is the length of a step. ``current_integration`` says how currents act within a step: ``"exact"``
    (Rotter and Diesmann 1999; NEST's and Brian2's order) or ``"step_average"`` (SpiNNaker's).
    """

    @checked
    def __init__(
        self,
        *,
        dt_ms: float = 1.0,
        current_integration: Literal["exact", "step_average"] = "exact",
        name: str = "network",
    ) -> None:
        self.name = network_name(name)
        self.dt_ms = to_single(to_unit(dt_ms, "ms", "Network.dt_ms"), "Network.dt_ms")
        if not self.dt_ms > 0:
            raise InvalidModel(f"Network.dt_ms: must be > 0, got {self.dt_ms}")
        if not is_one_of(current_integration, ("exact", "step_average")):
            raise InvalidModel(
                f"Network.current_integration: must be 'exact' or 'step_average', got {current_integration!r}"
            )
        self.current_integration = current_integration
        self.populations: dict[str, Population] = {}
        self.projections: dict[str, Projection] = {}
        self.modulators: dict[str, Modulator] = {}
        self.poisson_inputs: dict[str, PoissonInput] = {}
        self.injections: list[Injection] = []
        self.modulations: list[Modulation] = []
        self.probes: list[Probe] = []
        self.frozen: list[tuple[int, int]] = []

    def __repr__(self) -> str:
        return (
            f"<Network {self.name}: {len(self.populations)} populations, "
            f"{sum(p.size for p in self.populations.values())} neurons, {len(self.projections)} projections>"
        )

    @checked
    def population(
        self,
        name: str,
        size: int,
        model: Neuron | SpikeTimes | Poisson,
        *,
        plasticity: IntrinsicPlasticity | None = None,
    ) -> Population:
        """Add ``size`` neurons of ``model``: one of the neurons, ``SpikeTimes`` or ``Poisson``."""
        self._check_name(name)
        if size < 1:
            raise InvalidModel(f"{name}: a population needs a whole number of neurons >= 1, got {size!r}")
        if size > MOST_NEURONS:
            raise InvalidModel(f"{name}.size: no more than {MOST_NEURONS} neurons, got {quoted(size)}")
        population = Population(name, size, model, plasticity)
        check_population(population, self.dt_ms, self.current_integration)
        self.populations[name] = population
        return self.populations[name]

    @checked
    def projection(
        self,
        name: str,
        pre: Population | View,
        post: Population | View,
        connector: Connector | None = None,
        *,
        weight_nA: Any = None,
        weight_mV: Any = None,
        weight_uS: Any = None,
        delay_ms: Any = None,
        receptor: str = "excitatory",
        learning: LearningRule | None = None,
        third_factors: Mapping[str, ThirdFactor | Modulator] | None = None,
        transmit: str = "w",
        short_term: ShortTerm | None = None,
    ) -> Projection:
        """Add synapses from ``pre`` to ``post`` (connector: all to all by default).

        Weights are given as ``weight_nA``, or as ``weight_mV`` where ``post`` has DeltaLIF neurons, whose V they move,
        or as ``weight_uS`` where it has ConductanceLIF ones.
        Weights and ``delay_ms`` are numbers, distributions, or arrays: one value a synapse in list order for
        FromList and OneToOne, else a matrix (pre, post). Delays are at least one step, which is the default; drawn
        ones are rounded to the grid. Weights are >= 0 on the ``"excitatory"`` and ``"inhibitory"`` receptor, which
        acts negatively, and of either sign on ``"signed"``, which adds to the excitatory current. With a learning
        rule the weight is the initial ``w``; what a spike transmits is ``transmit``, a sum of products of ``w``, marks
        and the rule's parameters. ``third_factors`` says which astrocyte or signal each third factor of the rule is.
        With ``short_term``, such as ``TsodyksMarkram``, what a spike transmits is times the factor of its pre neuron,
        whose state all of its synapses of this projection share. It goes on while learning is frozen.
        Warns (ModelWarning) of a matrix of initial weights in which some are 0: those synapses learn, too.
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
            weight_mV=weight_mV,
            weight_uS=weight_uS,
            delay_ms=self.dt_ms if delay_ms is None else delay_ms,
            receptor=receptor_word(receptor),
            learning=learning,
            third_factors=dict(third_factors or {}),
            transmit=transmit,
            short_term=short_term,
        )
        check_projection(projection, self.dt_ms, self.modulators)
        warn_of_zeros(projection)
        self.projections[name] = projection
        return projection

    @checked
    def poisson_input(
        self,
        name: str,
        target: Population | View,
        *,
        rate_hz: Any,
        n: Any = 1,
        weight_nA: Any = None,
        weight_mV: Any = None,
        weight_uS: Any = None,
        receptor: str = "excitatory",
    ) -> PoissonInput:
        """Add strong Poisson input: each neuron of ``target`` gets spikes of ``n`` sources of its own.

        In a step of dt a neuron gets k spikes of the same weight w, k drawn from the Poisson distribution with the mean
        n * rate_hz * dt, independently for each neuron and step; k * w is added to ``receptor`` in that step as if it
        had been sent one step before, over the shortest delay (Brian2's PoissonInput, NEST's poisson_generator).

        ``rate_hz``, of one source, is a number, one number a neuron, a distribution, or a ``Schedule``; ``n`` a whole
        number >= 0, or one a neuron; the weight (nA, mV or uS, as for ``projection``) a number, one a neuron, or a
        distribution, of which each neuron draws one. The counts depend on the seed, on ``name`` and on the step alone,
        and are the same on every backend that has Poisson input; its spikes are not recorded. Raises InvalidModel on
        what cannot be, and, when the network is lowered, on more than 1e9 spikes a step.
        """
        self._check_name(name)
        view = as_view(target, f"{name}.target")
        self._check_own(view, name)
        self.poisson_inputs[name] = PoissonInput(
            name=name,
            target=view,
            rate_hz=rate_hz,
            n=n,
            weight_nA=weight_nA,
            weight_mV=weight_mV,
            weight_uS=weight_uS,
            receptor=receptor_word(receptor),
        )
        return self.poisson_inputs[name]

    @checked
    def inject(self, target: Population | View, current: CurrentSteps | Schedule) -> Injection:
        """Inject a stepwise current into neurons: CurrentSteps, or a Schedule in nA."""
        if isinstance(current, Schedule):
            current = CurrentSteps(
                times_ms=current.times_ms,
                amplitudes_nA=current.values,
                columns=current.columns,
                quantity=current.quantity,
            )
        view = as_view(target, "inject")
        self._check_own(view, "inject")
        if view.population.is_source:
            raise InvalidModel(f"inject: {view.population.name} is a spike source and takes no current")
        check_changeable("inject", view.population, "i_offset_nA")
        check_width(f"current injected into {view.name}", current.schedule.width, view.size)
        self.injections.append(Injection(target=view, current=current))
        return self.injections[-1]

    @checked
    def modulate(
        self,
        target: Population | View,
        modulator: Modulator,
        variable: Literal["i_offset_nA", "v_threshold_mV"],
        *,
        gain: float,
    ) -> Modulation:
        """Let an astrocyte, gate or signal act on neurons: their ``variable`` is shifted by ``gain`` times its value.

        Its value after the astrocytes of a step acts on the neurons of the next step; in step 0 nothing acts. A
        modulator of several values has one for each neuron of ``target``. ``gain``: nA or mV per unit of the value.
        """
        view = as_view(target, "modulate")
        self._check_own(view, "modulate")
        path = f"modulate {view.name}"
        if view.population.is_source:
            raise InvalidModel(f"{path}: {view.population.name} is a spike source and has no {variable}")
        if not isinstance(modulator, Modulator) or self.modulators.get(modulator.name) is not modulator:
            raise InvalidModel(f"{path}: {modulator!r} is no astrocyte, gate or signal of this network")
        if modulator.size not in (1, view.size):
            raise InvalidModel(f"{path}: {modulator.name} has {modulator.size} values for {view.size} neurons")
        if not is_one_of(variable, CHANGEABLE):
            raise InvalidModel(f"{path}: variable must be one of {', '.join(CHANGEABLE)}, got {variable!r}")
        check_changeable(path, view.population, variable)
        number = to_single(gain, f"{path}: gain")
        self.modulations.append(Modulation(target=view, modulator=modulator, variable=variable, gain=number))
        return self.modulations[-1]

    @checked
    def probe(
        self, target: Population | View | Modulator | Projection, variable: str, *, every_ms: Any = None
    ) -> Probe:
        """Record ``variable`` of ``target`` at the end of every ``every_ms`` (default: every step).

        Variables: of neurons ``v_mV``, ``I_E_nA`` and ``I_I_nA`` or ``g_E_uS`` and ``g_I_uS``, ``theta_mV``; of a third
        factor ``value`` or, for an astrocyte, ``C`` (of a CalciumAstrocyte also ``I``, ``h``, ``Gamma_A``, ``Y``); of a
        projection ``w`` and its marks, one value a synapse, and the states of its short-term plasticity, one a pre
        neuron. Spikes are always recorded.
        """
        where: View | Modulator | Projection
        if isinstance(target, Population | View):
            where = as_view(target, "probe")
            self._check_own(where, "probe")
            known = probeable(where.population.model)
        elif isinstance(target, Projection):
            where = target
            known = (*(target.learning.variables if target.learning else ("w",)), *target.states)
        elif not isinstance(target, Modulator):
            kind = type(target).__name__
            raise InvalidModel(
                f"probe: needs a population, a projection or a third factor, got an object of type {kind}"
            )
        else:
            where, known = target, tuple(target.kind.probes)
        if not is_one_of(variable, known):
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
        path = f"probe of {where.name}.{variable}"
        every = 1 if every_ms is None else self._steps(every_ms, f"{path}: every_ms")
        if every < 1:
            raise InvalidModel(f"{path}: every_ms must be at least one step of {self.dt_ms} ms, got {every_ms}")
        self.probes.append(Probe(target=where, variable=variable, every=every))
        return self.probes[-1]

    @checked
    def freeze(self, start_ms: Any, stop_ms: Any) -> None:
        """Freeze all learning from ``start_ms`` to ``stop_ms`` (exclusive), as during a test.

        Weights, marks, traces, intrinsic plasticity, astrocytes and gates stand still and take part in no epoch;
        neurons, sources, given signals, transmission and short-term plasticity, which is no learning, go on. Raises
        InvalidModel on times that are no whole steps, on an interval that is empty, negative, or overlaps another; when
        lowered, on one that is not made of whole epochs.
        """
        start, stop = self._steps(start_ms, "freeze: start_ms"), self._steps(stop_ms, "freeze: stop_ms")
        if not 0 <= start < stop:
            raise InvalidModel(f"freeze: needs 0 <= start_ms < stop_ms, got {start_ms} and {stop_ms}")
        for first, last in self.frozen:
            if start < last and first < stop:
                now, before = (f"{self._ms(a)} to {self._ms(b)} ms" for a, b in ((start, stop), (first, last)))
                raise InvalidModel(f"freeze: {now} overlaps {before}, which is frozen already")
        self.frozen.append((start, stop))

    @property
    def frozen_ms(self) -> list[tuple[float, float]]:
        """(start, stop) in ms of every interval in which nothing learns; ``frozen`` has them in steps."""
        return [(self._ms(start), self._ms(stop)) for start, stop in self.frozen]

    @checked
    def follow(self, timeline: Timeline) -> None:
        """Freeze the phases of ``timeline`` that are not plastic."""
        for start, stop in timeline.frozen_ms:
            self.freeze(start, stop)

    def learning_rules(self) -> Iterator[LearningRule]:
        """The rules of all projections and populations."""
        yield from (p.learning for p in self.projections.values() if p.learning)
        yield from (p.plasticity.rule for p in self.populations.values() if p.plasticity)

    def _steps(self, time_ms: Any, path: str) -> int:
        """A time as whole steps. Raises InvalidModel where it is none."""
        return whole_steps(single_time(time_ms, path), self.dt_ms, path)

    def _ms(self, steps: int) -> float:
        return time_of(steps, self.dt_ms)

    # Checks. Each raises InvalidModel and names the object.

    def _check_name(self, name: str) -> None:
        part_name(name)
        if any(name in parts for parts in (self.populations, self.projections, self.modulators, self.poisson_inputs)):
            raise InvalidModel(f"{name}: the name is taken; every part of a network needs a name of its own")

    def _check_own(self, view: View, path: str) -> None:
        if self.populations.get(view.population.name) is not view.population:
            raise InvalidModel(f"{path}: population {view.population.name!r} is not part of this network")
