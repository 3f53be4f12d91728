"""Random networks made of every feature, from a seed alone: the same ones on any version of the package.

They are built from the public names of ``ernsnn`` and from NumPy's generator, with nothing of the other tests, so that
they can be run on an older version and its results compared (``equality.py``). Times scale with dt, so that all
networks are equally lively. Learning rules are drawn from a short list, with random numbers in them: native compiles a
kernel for each form of a rule, which takes a second.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
from random_glia import Glia
from random_rules import EPOCH, W_MAX, Rules

import ernsnn as ern

STEPS = 160
CONDUCTANCE = 60.0
"""The current in nA that a conductance of 1 uS lets in at rest, about."""
PROBED = {
    ern.LIF: ("v_mV", "I_E_nA", "I_I_nA"),
    ern.AdaptiveLIF: ("v_mV", "I_E_nA", "I_I_nA", "theta_mV"),
    ern.ConductanceLIF: ("v_mV", "g_E_uS", "g_I_uS"),
    ern.DeltaLIF: ("v_mV",),
    ern.Astrocyte: ("value", "C"),
    ern.CalciumAstrocyte: ("value", "C", "I", "h", "Gamma_A", "Y"),
}
UNIT = {ern.DeltaLIF: "mV", ern.ConductanceLIF: "uS"}
"""Kind of neurons -> unit of weights, where it is not nA."""


class Draw(Glia, Rules):
    """One network. ``features`` counts what it has."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng([20261130, seed])
        self.seed, self.features, self.learning = seed, Counter(), {}
        dt_ms = self.one(1.0, 0.5, 0.1)
        scheme = self.one("exact", "step_average")
        self.net = ern.Network(dt_ms=dt_ms, current_integration=scheme, name=f"random_{seed}")
        self.dt = dt_ms
        self.note(scheme, f"dt_ms={dt_ms}")
        self.build()

    # Draws

    def note(self, *features: str) -> None:
        self.features.update(features)

    def one(self, *choices):
        return choices[int(self.rng.integers(len(choices)))]

    def chance(self, p: float, feature: str = "") -> bool:
        drawn = bool(self.rng.random() < p)
        if drawn and feature:
            self.note(feature)
        return drawn

    def number(self, low: float, high: float) -> float:
        return float(self.rng.uniform(low, high))

    def ms(self, low: float, high: float) -> float:
        """A time of so many steps."""
        return self.number(low, high) * self.dt

    def values(self, low: float, high: float, size: int, unit: float = 1.0):
        """One number for all neurons, one each, or a distribution of them."""
        low, high = low * unit, high * unit
        kind = self.one("number", "number", "array", "uniform", "normal")
        if kind == "number":
            return self.number(low, high)
        self.note("parameters drawn" if kind != "array" else "parameters as arrays")
        if kind == "array":
            return self.rng.uniform(low, high, size)
        if kind == "uniform":
            return ern.Uniform(low, high)
        return ern.Normal((low + high) / 2, (high - low) / 4, low=low, high=high)

    # Networks

    def build(self) -> None:
        self.timeline()
        self.sources = [self.given(), *([self.poisson()] if self.chance(0.6, "Poisson") else [])]
        self.neurons = [self.population(f"n{k}") for k in range(self.rng.integers(2, 5))]
        self.glia: list = []
        for k in range(self.rng.integers(1, 5)):
            self.modulator(f"g{k}")
        for k, post in enumerate(self.neurons):
            self.projection(f"drive{k}", self.one(*self.sources), post, drive=True)
        for k in range(self.rng.integers(0, 3)):
            self.projection(f"p{k}", self.one(*self.sources, *self.neurons, *self.neurons), self.one(*self.neurons))
        for k in range(self.one(0, 1, 1, 2, 3)):
            self.plastic(f"learn{k}", self.one(*self.sources, *self.neurons), self.one(*self.neurons))
        for post in self.neurons:
            if self.chance(0.5):
                self.inject(post)
            if self.chance(0.35):
                self.modulate(post)
        self.probes()

    def timeline(self) -> None:
        """Phases whose quantities Poisson sources, currents and signals follow, some of them without learning."""
        epoch, phases = EPOCH * self.dt, []
        patterns = [self.rng.uniform(0, 1.5, 3) for _ in range(2)]
        for k in range(3):
            plastic = not self.chance(0.25)
            level = self.number(0.3, 1.2)
            phases.append(ern.Phase(f"phase{k}", int(self.rng.integers(3, 8)) * epoch, plastic=plastic, level=level))
        phases += ern.replay("sleep", 8 * epoch, "pattern", patterns, cue_ms=2 * epoch, pause_ms=epoch, seed=self.seed)
        self.phases = ern.Timeline(phases, level=0.7, pattern=0.2)
        self.frozen = bool(self.phases.frozen_ms) and self.chance(0.6, "freezes of a timeline")
        if self.frozen:
            self.net.follow(self.phases)
        elif self.chance(0.3, "freeze"):
            first = int(self.rng.integers(0, 12))
            self.net.freeze(first * epoch, (first + int(self.rng.integers(1, 6))) * epoch)

    # Populations

    def given(self):
        size = int(self.rng.integers(3, 9))
        hits = self.rng.random((size, STEPS)) < self.number(0.08, 0.2)
        times = [(np.flatnonzero(row) * self.dt).tolist() for row in hits]
        return self.net.population("given", size, ern.SpikeTimes(times))

    def poisson(self):
        per_step, kind = 1000.0 / self.dt, self.one("array", "schedule", "columns", "timeline")
        per_step *= self.one(1.0, 6.0)  # several spikes a step are rare, or not
        size = int(self.rng.integers(3, 9))
        self.note(f"Poisson rates: {kind}")
        if kind == "array":
            rate = self.rng.uniform(0.02, 0.2, size) * per_step
        elif kind == "schedule":
            times, rates = np.array([3, 41, 97]) * self.dt, self.rng.uniform(0, 0.25, (3, size))
            rate = ern.Schedule(times, rates * per_step)
        elif kind == "columns":
            values, columns = self.rng.uniform(0, 0.25, (2, 2)) * per_step, self.rng.integers(0, 2, size)
            rate = ern.Schedule(np.array([0, 55]) * self.dt, values, columns)
        else:
            rate = self.phases.schedule("level")
            rate = ern.Schedule(rate.times_ms, np.asarray(rate.values) * 0.1 * per_step)
        return self.net.population("poisson", size, ern.Poisson(rate))

    def population(self, name: str):
        size, u = int(self.rng.integers(2, 13)), self.dt
        kinds = [ern.LIF, ern.AdaptiveLIF, ern.ConductanceLIF]
        kind = self.one(*kinds, *([ern.DeltaLIF] if self.net.current_integration == "exact" else []))
        self.note(kind.__name__)
        scale = CONDUCTANCE if kind is ern.ConductanceLIF else 1.0
        tau_m = self.values(4, 20, size, u)
        parameters = {
            "cm_nF": self.values(0.15, 0.4, size, u * scale),
            "tau_m_ms": tau_m,
            "tau_refrac_ms": self.one(0.0, u, 2 * u, self.ms(0.1, 3.9), self.rng.uniform(0, 3, size) * u),
            "v_rest_mV": self.values(-66, -64, size),
            "v_reset_mV": self.values(-67, -63, size),
            "v_threshold_mV": self.values(-61, -56, size),
            "i_offset_nA": self.values(-0.15, 0.25, size, scale),
        }
        if self.chance(0.5, "v_init"):
            parameters["v_init_mV"] = self.values(-68, -55, size)
        if self.chance(0.35, "noise"):
            parameters["noise_mV"] = self.values(0.3, 2, size)
        if self.chance(0.35, "v_min"):
            parameters["v_min_mV"] = self.values(-75, -68, size)
        if kind is not ern.DeltaLIF:
            equal = self.chance(0.2, "tau_syn = tau_m") and not isinstance(tau_m, ern.Uniform | ern.Normal)
            parameters["tau_syn_E_ms"] = tau_m if equal else self.values(1, 6, size, u)
            parameters["tau_syn_I_ms"] = self.values(1, 6, size, u)
        if kind is ern.ConductanceLIF:
            parameters["e_rev_E_mV"] = self.values(-10, 10, size)
            parameters["e_rev_I_mV"] = self.values(-85, -70, size)
        if kind is ern.AdaptiveLIF:
            parameters["tau_threshold_ms"] = self.values(3, 30, size, u)
            parameters["threshold_increment_mV"] = self.values(0.2, 2, size)
        plasticity = self.intrinsic(scale) if self.chance(0.35) else None
        return self.net.population(name, size, kind(**parameters), plasticity=plasticity)

    def part(self, population):
        if population.size > 2 and self.chance(0.3, "parts of populations"):
            start = int(self.rng.integers(0, population.size - 1))
            return population[start : int(self.rng.integers(start + 1, population.size)) + 1]
        return population[:]

    # Injections and modulations

    def inject(self, population) -> None:
        part, kind = self.part(population), self.one("constant", "steps", "each", "noise", "columns", "timeline")
        scale = CONDUCTANCE if isinstance(population.model, ern.ConductanceLIF) else 1.0
        self.note(f"injection: {kind}")
        times, columns = np.array([4, 30, 90]) * self.dt, None
        if kind == "constant":
            times, amplitudes = [0.0], [self.number(0.1, 0.3)]
        elif kind == "steps":
            amplitudes = self.rng.uniform(-0.3, 0.5, 3)
        elif kind == "each":
            amplitudes = self.rng.uniform(-0.3, 0.5, (3, part.size))
        elif kind == "noise":
            times, amplitudes = np.arange(STEPS) * self.dt, self.rng.normal(0.1, 0.3, STEPS)
        elif kind == "columns":
            amplitudes, columns = self.rng.uniform(-0.3, 0.5, (3, 2)), self.rng.integers(0, 2, part.size)
        else:
            followed = self.phases.schedule("level")
            times, amplitudes = followed.times_ms, np.asarray(followed.values) * 0.25
        amplitudes = np.asarray(amplitudes) * scale
        if self.chance(0.5):
            self.net.inject(part, ern.Schedule(times, amplitudes, columns))
        else:
            self.net.inject(part, ern.CurrentSteps(times_ms=times, amplitudes_nA=amplitudes, columns=columns))

    def modulate(self, population) -> None:
        fitting = [g for g in self.glia if g.size in (1, population.size)]
        if not fitting:
            return
        made, variable = self.one(*fitting), self.one("i_offset_nA", "v_threshold_mV")
        scale = CONDUCTANCE if isinstance(population.model, ern.ConductanceLIF) else 1.0
        gain = self.number(-0.2, 0.2) * scale if variable == "i_offset_nA" else self.number(-1, 1.5)
        self.note(f"modulation of {variable}")
        self.net.modulate(self.part(population) if made.size == 1 else population, made, variable, gain=gain)

    # Projections

    def connector(self, pre, post):
        kind = self.one("all", "but itself", "list", "probability", "degree", *["one"] * (pre.size == post.size))
        both = (pre.size, post.size)
        self.note(f"connector: {kind}")
        if kind == "one":
            return ern.OneToOne(), (pre.size,)
        if kind == "list":
            count = int(self.rng.integers(4, 20))
            pairs = np.stack([self.rng.integers(0, pre.size, count), self.rng.integers(0, post.size, count)], axis=1)
            if len(np.unique(pairs, axis=0)) < count:
                self.note("several synapses a pair")
            return ern.FromList(pairs), (count,)
        if kind == "probability":
            return ern.FixedProbability(self.number(0.4, 0.9), self.one(True, False)), both
        if kind == "degree":
            itself = pre.size == 1 or self.one(True, False)
            return ern.FixedInDegree(int(self.rng.integers(1, pre.size + itself)), itself), both
        return ern.AllToAll(self_connections=kind == "all"), both

    def delay(self, shape):
        kind = self.one("one step", "one", "array", "uniform", "normal")
        self.note(f"delay: {kind}")
        if kind == "one step":
            return None
        if kind == "one":
            return int(self.rng.integers(1, 7)) * self.dt
        if kind == "array":
            return self.rng.integers(1, 7, shape) * self.dt
        drawn = {"uniform": ern.Uniform(0.6 * self.dt, 6.4 * self.dt), "normal": ern.Normal(3 * self.dt, self.dt)}
        return drawn[kind]

    def weight(self, low: float, high: float, shape):
        kind = self.one("number", "array", "uniform", "normal", "lognormal", "exponential")
        middle = (low + high) / 2
        self.note(f"weights: {kind}")
        if kind == "lognormal" and low >= 0:
            return ern.LogNormal(middle, 0.3)
        if kind == "exponential" and low >= 0:
            return ern.Exponential(middle)
        if kind == "normal":
            return ern.Normal(middle, (high - low) / 4, low=low, high=high)
        if kind == "uniform":
            return ern.Uniform(low, high)
        return self.rng.uniform(low, high, shape) if kind == "array" else self.number(low, high)

    def projection(self, name: str, pre, post, *, drive: bool = False) -> None:
        pre, post = self.part(pre), post[:] if drive else self.part(post)
        unit = UNIT.get(type(post.population.model), "nA")
        receptor = "excitatory" if drive else self.one("excitatory", "inhibitory", *["signed"] * (unit != "uS"))
        connector, shape = (ern.AllToAll(), (pre.size, post.size)) if drive else self.connector(pre, post)
        share = 2 / pre.size if drive else 1 / (1 + np.sqrt(pre.size))
        low, high = (
            (0.8 * share, 2.8 * share) if drive else (-share if receptor == "signed" else 0.2 * share, 1.5 * share)
        )
        self.note(f"receptor: {receptor}")
        weight = {f"weight_{unit}": self.weight(low, high, shape)}
        self.net.projection(name, pre, post, connector, delay_ms=self.delay(shape), receptor=receptor, **weight)

    def plastic(self, name: str, pre, post) -> None:
        pre, post = self.part(pre), self.part(post)
        unit, (connector, shape) = UNIT.get(type(post.population.model), "nA"), self.connector(pre, post)
        receptor = self.one("excitatory", "excitatory", "inhibitory", *["signed"] * (unit != "uS"))
        w_min = -W_MAX if receptor == "signed" else 0.0
        learning = self.rule(pre, post, w_min)
        self.note(f"receptor: {receptor}, plastic", "plastic projection")
        weight = self.one(self.number(0.3, 2), self.rng.uniform(0.3, 2, shape), ern.Uniform(0.3, 2))
        options = {f"weight_{unit}": weight, "delay_ms": self.delay(shape), "receptor": receptor}
        made = self.net.projection(name, pre, post, connector, **options, **learning)
        self.learning[made] = ("w", *(mark.name for mark in learning["learning"].marks))

    # Probes

    def probes(self) -> None:
        every = lambda: int(self.one(1, 1, 2, 3, 7)) * self.dt  # noqa: E731
        for target in (*self.neurons, *self.net.modulators.values()):
            for variable in PROBED.get(type(getattr(target, "model", target)), ("value",)):
                self.net.probe(self.part(target) if target in self.neurons else target, variable, every_ms=every())
        for projection, variables in self.learning.items():
            for variable in variables:
                self.net.probe(projection, variable, every_ms=every())
