"""Random networks for property tests: small, strongly driven, and with every feature unless it is turned off.

Structure is drawn by Hypothesis, so it shrinks; numbers come from a generator seeded by one drawn integer, so they are
irregular and no threshold is met exactly by a tie. Everything scales with dt, so that all networks are equally lively.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from drawn_inputs import poisson_input
from drawn_modulators import modulator
from hypothesis import strategies as st

import ernsnn
from ernsnn import Factor, Latch, LearningRule, Mark, Network, Normalise, Relax, Term, Trace

STEPS = 120
"""The number of steps in which drawn networks have given spikes."""

RULES = ("pair", "multiplicative", "nearest", "triplet", "general")
"""Kinds of learning rules. "general" has random terms; its extras are switched by the other arguments."""

W_MAX = 3.0


class _Builder:
    def __init__(self, draw, rng, options):
        self.draw, self.rng, self.options = draw, rng, options
        self.network = Network(
            dt_ms=draw(st.sampled_from(options["dt_ms"])), current_integration=draw(st.sampled_from(options["schemes"]))
        )
        self.dt = self.network.dt_ms
        self.common = draw(st.integers(2, 9))

    def on(self, option: str) -> bool:
        """Whether a feature is allowed, and drawn here."""
        return option in self.options["always"] or (self.options[option] and self.draw(st.booleans()))

    def number(self, low: float, high: float) -> float:
        return float(self.rng.uniform(low, high))

    def values(self, low: float, high: float, size: int, unit: float = 1.0):
        """One number, or where allowed one a neuron: as an array, or as a distribution."""
        low, high = low * unit, high * unit
        if not self.on("heterogeneous"):
            return self.number(low, high)
        return self.draw(st.sampled_from([self.rng.uniform(low, high, size), ernsnn.Uniform(low, high)]))

    # Populations

    def neurons(self, name: str):
        size, u = self.draw(st.integers(1, 6)), self.dt
        tau_m = self.values(4, 20, size, u)
        kind = self.kind()
        # A conductance of 1 uS lets in about 60 nA.
        scale = 60.0 if kind is ernsnn.ConductanceLIF else 1.0
        parameters = {
            "cm_nF": self.values(0.15, 0.4, size, u * scale),
            "tau_m_ms": tau_m,
            "tau_refrac_ms": self.draw(st.sampled_from([0.0, u, 2 * u, 3 * u, self.number(0.1, 3.9) * u])),
            "v_rest_mV": self.values(-66, -64, size),
            "v_reset_mV": self.values(-67, -63, size),
            "v_threshold_mV": self.values(-61, -57, size),
            "i_offset_nA": self.values(-0.1, 0.3, size, scale),
        }
        if self.draw(st.booleans()):
            parameters["v_init_mV"] = self.values(-68, -55, size)
        if self.on("noise"):
            parameters["noise_mV"] = self.values(0.3, 2, size)
        if self.on("floor"):
            parameters["v_min_mV"] = self.values(-75, -68, size)
        if kind is not ernsnn.DeltaLIF:
            # Equal time constants are the singular case of the exact integration.
            equal = not isinstance(tau_m, ernsnn.Uniform) and self.draw(st.integers(0, 4)) == 0
            parameters["tau_syn_E_ms"] = tau_m if equal else self.values(1, 6, size, u)
            parameters["tau_syn_I_ms"] = self.values(1, 6, size, u)
        if kind is ernsnn.ConductanceLIF:
            parameters["e_rev_E_mV"] = self.values(-10, 10, size)
            parameters["e_rev_I_mV"] = self.values(-85, -70, size)
        if kind is ernsnn.AdaptiveLIF:
            parameters["tau_threshold_ms"] = self.values(3, 30, size, u)
            parameters["threshold_increment_mV"] = self.values(0.2, 2, size)
        plasticity = self.intrinsic(scale) if self.on("intrinsic") else None
        return self.network.population(name, size, kind(**parameters), plasticity=plasticity)

    def kind(self):
        if self.network.current_integration == "exact" and self.on("delta"):
            return ernsnn.DeltaLIF
        if self.on("conductance"):
            return ernsnn.ConductanceLIF
        return ernsnn.AdaptiveLIF if self.on("adaptive") else ernsnn.LIF

    def intrinsic(self, scale: float):
        target = self.draw(st.sampled_from(["v_threshold_mV", "i_offset_nA"]))
        low, high, sign = (-62.0, -50.0, 1.0) if target == "v_threshold_mV" else (-0.4 * scale, 0.6 * scale, -0.05)
        middle = (low + high) / 2
        mode = self.draw(st.sampled_from(["add", "set"])) if self.options["nearest"] else "add"
        traces = {"o": Trace("post", self.number(3, 20) * self.dt, self.number(0.5, 1.5), mode=mode)}
        terms = [
            Term("w", "post", sign * self.number(0.1, 0.4)),
            Term("w", "post", sign * self.number(0.02, 0.1), (Factor(variable="o", power=2),)),
        ]
        epoch = self.epoch()
        if epoch:
            terms.append(Term("w", "epoch", -self.number(0.05, 0.2), (Factor(variable="w", offset=-middle),)))
            terms.append(Term("w", "epoch", sign * self.number(0.01, 0.1), (Factor(variable="o"),)))
        rule = LearningRule(terms=terms, traces=traces, bounds={"w": (low, high)}, epoch_ms=epoch)
        return ernsnn.IntrinsicPlasticity(target=target, rule=rule)

    def given(self, name: str):
        size = self.draw(st.integers(1, 6))
        hits = self.rng.random((size, STEPS)) < self.number(0.05, 0.2)
        times = [(np.flatnonzero(row) * self.dt).tolist() for row in hits]
        return self.network.population(name, size, ernsnn.SpikeTimes(times))

    def poisson(self, name: str):
        size, per_step = self.draw(st.integers(1, 6)), 1000.0 / self.dt * self.draw(st.sampled_from([1.0, 5.0]))
        if self.draw(st.booleans()):
            rate = self.rng.uniform(0.02, 0.2, size) * per_step
        else:
            values = self.rng.uniform(0.0, 0.3, (3, size)) * per_step
            rate = ernsnn.Schedule(np.array([3, 41, 77]) * self.dt, values)
        return self.network.population(name, size, ernsnn.Poisson(rate))

    # Projections

    def part(self, population):
        if population.size > 1 and self.on("views"):
            start = self.draw(st.integers(0, population.size - 1))
            return population[start : self.draw(st.integers(start + 1, population.size))]
        return population[:]

    def connector(self, pre, post):
        kinds = ["all", "list", "probability", "degree", "number"] + ["one"] * (pre.size == post.size)
        kind = self.draw(st.sampled_from(kinds))
        itself = self.draw(st.booleans())
        if kind == "one":
            return ernsnn.OneToOne(), (pre.size,)
        if kind == "list":
            count = self.draw(st.integers(1, 12))
            pairs = np.stack([self.rng.integers(0, pre.size, count), self.rng.integers(0, post.size, count)], axis=1)
            if not self.options["several_synapses"]:
                pairs = self.rng.permutation(np.unique(pairs, axis=0))
            return ernsnn.FromList(pairs), (len(pairs),)
        if kind == "probability":
            return ernsnn.FixedProbability(self.number(0.3, 0.9), itself), (pre.size, post.size)
        if kind == "degree":
            itself = itself or pre.size == 1
            return ernsnn.FixedInDegree(self.draw(st.integers(1, pre.size - (not itself))), itself), (
                pre.size,
                post.size,
            )
        if kind == "number":
            pairs = pre.size * post.size - (0 if itself else min(pre.size, post.size))
            count = self.draw(st.integers(0, min(pairs, 12)))
            replace = self.options["several_synapses"] and self.draw(st.booleans())
            return ernsnn.FixedTotalNumber(count, replace, itself), (pre.size, post.size)
        return ernsnn.AllToAll(self_connections=itself), (pre.size, post.size)

    def delay(self, shape, plastic: bool):
        longest = self.options["max_plastic_delay" if plastic else "max_delay"]
        if longest > 1 and self.on("heterogeneous_plastic_delays" if plastic else "heterogeneous_delays"):
            drawn = ernsnn.Uniform(0.5 * self.dt, (longest + 0.49) * self.dt)
            return self.draw(st.sampled_from([self.rng.integers(1, longest + 1, shape) * self.dt, drawn]))
        return self.draw(st.integers(1, longest)) * self.dt

    def projection(self, name: str, pre, post, *, strong: bool):
        pre, post = self.part(pre), self.part(post)
        receptor = "excitatory" if strong else self.draw(st.sampled_from(self.options["receptors"]))
        plastic = self.on("plastic")
        connector, shape = self.connector(pre, post)
        low, high = (0.8, 2.8) if strong else (0.2, 2.0)
        unit = post.population.model.kind.receptors[0].unit
        if receptor == "signed" and unit == "uS":
            receptor = "inhibitory"
        if receptor == "signed":
            low = -1.5
        weight = self.draw(
            st.sampled_from([self.number(low, high), self.rng.uniform(low, high, shape), ernsnn.Uniform(low, high)])
        )
        options = self.learning(name, pre, post, receptor) if plastic else {}
        return self.network.projection(
            name,
            pre,
            post,
            connector,
            **{f"weight_{unit}": weight},
            delay_ms=self.delay(shape, plastic),
            receptor=receptor,
            **options,
        )

    # Learning

    def learning(self, name: str, pre, post, receptor: str):
        kind = self.draw(st.sampled_from(self.options["rules"]))
        w_min = -W_MAX if receptor == "signed" else self.draw(st.sampled_from([0.0, 0.05]))
        tau = lambda: self.number(2, 20) * self.dt  # noqa: E731
        if kind in ("pair", "multiplicative", "nearest"):
            return {
                "learning": ernsnn.stdp.pair(
                    tau_plus_ms=tau(),
                    tau_minus_ms=tau(),
                    A_plus=self.number(0.05, 0.4),
                    A_minus=self.number(0.05, 0.4),
                    w_min=w_min,
                    w_max=W_MAX,
                    dependence="multiplicative" if kind == "multiplicative" else "additive",
                    pairing="nearest" if kind == "nearest" else "all",
                )
            }
        if kind == "triplet":
            return {
                "learning": ernsnn.stdp.triplet(
                    tau_plus_ms=tau(),
                    tau_minus_ms=tau(),
                    tau_x_ms=2 * tau(),
                    tau_y_ms=2 * tau(),
                    A2_plus=self.number(0.01, 0.1),
                    A2_minus=self.number(0.01, 0.2),
                    A3_plus=self.number(0.01, 0.1),
                    A3_minus=self.number(0.01, 0.1),
                    w_min=w_min,
                    w_max=W_MAX,
                )
            }
        return self.general(name, pre, post, w_min)

    def general(self, name: str, pre, post, w_min: float):
        modulators, per = {}, None
        if self.on("third_factors"):
            modulators["g"], per = modulator(self, f"{name}_mod", pre, post)
        traces = {
            "r1": self.trace("pre", per),
            "r2": self.trace("pre", per),
            "o1": self.trace("post", per),
            "o2": self.trace("post", per),
        }
        marks = ()
        if self.on("marks"):
            marks = (Mark("m", self.draw(st.sampled_from([0.0, self.number(0, 1), ernsnn.Uniform(0.1, 0.9)]))),)
        epoch = self.epoch()
        third = ("g",) if modulators else ()
        readable = {"pre": [*traces, *third], "post": [*traces, *third], "epoch": [*traces, *third]}
        terms = [
            Term("w", "post", self.number(0.05, 0.4), (Factor(variable="r1"), *self.factors(readable["post"], marks))),
            Term("w", "pre", -self.number(0.05, 0.4), (Factor(variable="o1"), *self.factors(readable["pre"], marks))),
        ]
        for mark in marks:
            up = (Factor(variable=mark.name, scale=-1.0, offset=1.0), *self.factors(readable["post"], ()))
            terms.append(Term(mark.name, "post", self.number(0.05, 0.3), up))
            down = (Factor(variable=mark.name), *self.factors(readable["pre"], ()))
            terms.append(Term(mark.name, "pre", -self.number(0.02, 0.2), down))
        normalise = ()
        if epoch:
            drift = (Factor(variable="w", offset=-self.number(0.5, 1.5)), *self.factors(readable["epoch"], marks))
            terms.append(Term("w", "epoch", -self.number(0.02, 0.2), drift))
            if marks:
                terms.append(Term("m", "epoch", -self.number(0.02, 0.2), (Factor(variable="m", power=2),)))
            if w_min >= 0 and self.on("normalise"):
                normalise = (Normalise(self.draw(st.sampled_from(["pre", "post"])), "w", self.number(2, 6)),)
        flows = self.flows(marks, third) if epoch and self.on("flows") else ()
        rho, transmit = self.number(0.1, 1.0), "w"
        if marks and self.on("transmit"):
            transmit = self.draw(st.sampled_from(["w + rho*m", "w*(1 + rho*m)**2", "0.5*w - 0.1*m*w + 0.3"]))
        # Unused traces, third factors and parameters are refused.
        read = {factor.variable for term in terms for factor in term.factors}
        traces = {name: trace for name, trace in traces.items() if name in read}
        read |= {trace.gate for trace in traces.values()} | {signal for flow in flows for signal in flow.signals}
        rule = LearningRule(
            terms=terms,
            traces=traces,
            marks=marks,
            flows=flows,
            bounds={"w": (w_min, W_MAX)},
            third_factors=[name for name in third if name in read],
            epoch_ms=epoch,
            normalise=normalise,
            parameters={"rho": rho} if "rho" in transmit else {},
        )
        bound = {name: modulator for name, modulator in modulators.items() if name in read}
        return {"learning": rule, "third_factors": bound, "transmit": transmit}

    def flows(self, marks, third) -> tuple[Relax | Latch, ...]:
        """A flow of the weight, and of a mark one of either kind: the latch needs a third factor."""
        second = lambda: self.number(5, 100) * self.dt / 1000  # noqa: E731
        drawn = [Relax("w", second(), self.number(0.3, 1.0))]
        if marks:
            drawn = [Relax("w", second(), self.number(0.2, 0.5), "m", self.number(0.2, 2.0))]
            if third and self.draw(st.integers(0, 2)):
                taus = {"tau_s": second(), "tag_tau_s": second(), "rate_per_s": self.number(0.1, 0.5) / second()}
                thresholds = {"threshold": self.number(0.2, 0.7), "tag_threshold": self.number(0.1, 1.0)}
                if self.on("erasure"):
                    thresholds |= {"budget": self.number(0.05, 0.3), "erasure": self.number(0.2, 1.0)}
                drawn.append(Latch(variable="m", tag="w", signal="g", **taus, **thresholds))
            else:
                drawn.append(Relax("m", second(), self.number(0, 0.5)))
        order = self.draw(st.permutations(drawn))
        return tuple(order[: self.draw(st.integers(1, len(order)))])

    def trace(self, event: str, per: str | None):
        mode = self.draw(st.sampled_from(["add", "set"])) if self.options["nearest"] else "add"
        gate = "g" if per in ("all", event) and self.on("gates") else None
        return Trace(event, self.number(2, 20) * self.dt, self.number(0.4, 1.5), mode, gate)

    def factors(self, readable: list[str], marks) -> tuple[Factor, ...]:
        factors = []
        for variable in self.draw(st.lists(st.sampled_from(readable), max_size=2)):
            affine = self.draw(st.booleans())
            factors.append(
                Factor(
                    variable=variable,
                    scale=self.number(-0.4, 0.8) if affine else 1.0,
                    offset=self.number(0.3, 1.0) if affine else 0.0,
                    power=self.draw(st.integers(1, 2)),
                )
            )
        for mark in marks:
            factors.append(Factor(variable=mark.name, scale=-self.number(0.1, 0.9), offset=1.0, power=2))
        if self.draw(st.booleans()):
            factors.append(Factor(variable="w", scale=-0.5, offset=self.number(1.6, 2.0)))
        return tuple(factors)

    # All of it

    def build(self) -> Network:
        sources = [self.given("given")]
        if self.options["poisson"] and self.draw(st.booleans()):
            sources.append(self.poisson("noise"))
        neurons = [self.neurons(f"n{k}") for k in range(self.draw(st.integers(2, 4)))]
        for k, target in enumerate(neurons):
            self.projection(f"drive{k}", self.draw(st.sampled_from(sources)), target, strong=True)
        for k in range(self.draw(st.integers(1, 4))):
            pre = self.draw(st.sampled_from([*sources, *neurons, *neurons]))
            self.projection(f"p{k}", pre, self.draw(st.sampled_from(neurons)), strong=False)
        for target in neurons:
            if self.on("injections"):
                part = self.part(target)
                shape = self.draw(st.sampled_from([(3,), (3, part.size)]))
                times, amplitudes = np.array([4, 30, 70]) * self.dt, self.rng.uniform(-0.2, 0.8, shape)
                self.network.inject(part, ernsnn.CurrentSteps(times_ms=times, amplitudes_nA=amplitudes))
        for target in neurons:
            if self.on("poisson_inputs"):
                poisson_input(self, f"background-{target.name}", self.part(target))
        for made in self.network.modulators.values():
            if self.on("modulations"):
                self.modulation(made, neurons)
        if self.options["probes"]:
            self.probes(neurons)
        if self.on("freeze"):
            self.freeze()
        return self.network

    def modulation(self, made, neurons) -> None:
        fitting = [n for n in neurons if made.size in (1, n.size)]
        if fitting:
            target = self.draw(st.sampled_from(fitting))
            target = self.part(target) if made.size == 1 else target
            variable = self.draw(st.sampled_from(["i_offset_nA", "v_threshold_mV"]))
            gain = self.number(-0.2, 0.2) if variable == "i_offset_nA" else self.number(-1, 2)
            self.network.modulate(target, made, variable, gain=gain)

    def epoch(self) -> float | None:
        """Epochs of one length for all where something is frozen, which must be for whole epochs."""
        if not self.on("epochs"):
            return None
        return self.draw(st.sampled_from([self.common] if self.options["freeze"] else range(2, 10))) * self.dt

    def freeze(self) -> None:
        first = self.draw(st.integers(0, 10))
        for length in self.draw(st.lists(st.integers(1, 8), min_size=1, max_size=2)):
            self.network.freeze(first * self.common * self.dt, (first + length) * self.common * self.dt)
            first += length + 1

    def probes(self, neurons) -> None:
        for target in neurons:
            for variable in target.model.kind.probes:
                if self.draw(st.booleans()):
                    every = self.draw(st.integers(1, 7)) * self.dt
                    self.network.probe(self.part(target), variable, every_ms=every)
        for projection in self.network.projections.values():
            if projection.learning and self.draw(st.booleans()):
                every = self.draw(st.integers(1, 7)) * self.dt
                for variable in projection.learning.variables:
                    self.network.probe(projection, variable, every_ms=every)


@st.composite
def networks(
    draw,
    *,
    schemes: Sequence[str] = ("exact", "step_average"),
    receptors: Sequence[str] = ("excitatory", "inhibitory", "signed"),
    rules: Sequence[str] = RULES,
    dt_ms: Sequence[float] = (1.0, 0.5, 0.1),
    modulators: Sequence[str] = ("astrocyte", "calcium", "signal"),
    third_factor_sides: Sequence[str] = ("all", "pre", "post"),
    max_delay: int = 4,
    max_plastic_delay: int = 4,
    heterogeneous: bool = True,
    heterogeneous_delays: bool = True,
    heterogeneous_plastic_delays: bool = True,
    views: bool = True,
    several_synapses: bool = True,
    adaptive: bool = True,
    delta: bool = True,
    conductance: bool = True,
    noise: bool = True,
    floor: bool = True,
    intrinsic: bool = True,
    plastic: bool = True,
    nearest: bool = True,
    third_factors: bool = True,
    gates: bool = True,
    marks: bool = True,
    transmit: bool = True,
    epochs: bool = True,
    normalise: bool = True,
    flows: bool = True,
    erasure: bool = True,
    freeze: bool = True,
    modulations: bool = True,
    either: bool = True,
    agreement: bool = True,
    always: Sequence[str] = (),
    injections: bool = True,
    poisson: bool = True,
    poisson_inputs: bool = True,
    probes: bool = True,
) -> Network:
    """A random Network: 2 to 4 populations "n0".. of 1 to 6 neurons, a source "given" and perhaps one "noise".

    Projections "drive0".. come from a source and are strong; "p0".. are anything. Lists say what may be chosen, bools
    whether a feature may occur; all may by default, and those named in ``always`` do. Run it for about STEPS steps,
    with any seed.
    """
    options = {name: value for name, value in locals().items() if name != "draw"}
    rules = [rule for rule in rules if nearest or rule != "nearest"]
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return _Builder(draw, rng, {**options, "rules": rules}).build()
