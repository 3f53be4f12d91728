"""Learning rules of random networks: the part of ``Draw`` (random_networks.py) that draws them."""

from __future__ import annotations

import ernsnn as ern

EPOCH = 5
"""Steps in the epochs of all rules: what is frozen must be whole epochs."""
W_MAX = 3.0


class Rules:
    """Draws rules of few forms, with random numbers in them, bound to third factors of the network."""

    def rule(self, pre, post, w_min: float) -> dict:
        names = ["pair", "multiplicative", "nearest", "triplet", "gated", "marks", "reward", "custom", "equations"]
        names += ["neighbours", "vogels", "neuromodulated"]
        chosen = self.one(*names)
        self.note(f"rule: {chosen}")
        bounds = {"w_min": w_min, "w_max": W_MAX}
        if chosen in ("pair", "multiplicative", "nearest"):
            return {"learning": self.pair(chosen, **bounds)}
        if chosen == "triplet":
            names = ("A2_plus", "A2_minus", "A3_plus", "A3_minus")
            return {
                "learning": ern.stdp.triplet(**{n: self.number(0.01, 0.1) for n in names}, **self.taus(4), **bounds)
            }
        return getattr(self, f"rule_{chosen}")(pre, post, w_min)

    def taus(self, count: int) -> dict:
        names = ("tau_plus_ms", "tau_minus_ms", "tau_x_ms", "tau_y_ms")[:count]
        return {name: self.ms(2, 20) for name in names}

    def pair(self, kind: str, **options):
        dependence = "multiplicative" if kind == "multiplicative" else "additive"
        pairing = "nearest" if kind == "nearest" else "all"
        amplitudes = {"A_plus": self.number(0.05, 0.3), "A_minus": self.number(0.05, 0.3)}
        return ern.stdp.pair(dependence=dependence, pairing=pairing, **amplitudes, **self.taus(2), **options)

    def rule_neighbours(self, pre, post, w_min: float) -> dict:
        """Nearest neighbours by one of the schemes, with one of the dependences on the weight."""
        dependence = self.one("additive", "multiplicative", "additive_multiplicative", "power")
        powers = {"mu_plus": self.one(0, 1, 3), "mu_minus": self.one(0, 2)} if dependence == "power" else {}
        rule = ern.stdp.nearest(
            scheme=self.one("symmetric", "pre_centered", "restricted"),
            dependence=dependence,
            **powers,
            A_plus=self.number(0.05, 0.3),
            A_minus=self.number(0.05, 0.3),
            **self.taus(2),
            w_min=w_min,
            w_max=W_MAX,
        )
        return {"learning": rule}

    def rule_vogels(self, pre, post, w_min: float) -> dict:
        """Plasticity that pre spikes alone depress."""
        rule = ern.stdp.vogels(
            tau_ms=self.ms(2, 20), eta=self.number(0.05, 0.2), rate_hz=self.number(5, 40), w_min=w_min, w_max=W_MAX
        )
        return {"learning": rule}

    def rule_neuromodulated(self, pre, post, w_min: float) -> dict:
        """Eligibility without bounds, times a third factor."""
        rule = ern.stdp.neuromodulated(
            A_plus=self.number(50, 200),
            A_minus=self.number(50, 200),
            tau_eligibility_ms=self.ms(20, 80),
            tau_signal_ms=self.one(None, self.ms(10, 50)),
            epoch_ms=EPOCH * self.dt,
            **self.taus(2),
            w_min=w_min,
            w_max=W_MAX,
        )
        return {"learning": rule, "third_factors": {"D": self.third_factor(pre, post)}}

    def rule_gated(self, pre, post, w_min: float) -> dict:
        """A trace that a third factor gates, powers, and sums that are normalised."""
        factor = self.third_factor(pre, post, sides=("pre",))
        mode, per = self.one("add", "set"), self.one("", "pre", "post", "pre", "post") if w_min == 0 else ""
        self.note(f"gated trace: {mode}", *[f"Normalise per {per}"] * bool(per))
        x, y, g = (ern.Factor(variable=name) for name in "xyg")
        soft = ern.Factor(variable="w", scale=-1 / W_MAX, offset=1.0, power=2)
        terms = [
            ern.Term("w", "post", self.number(0.1, 0.4), (x, soft)),
            ern.Term("w", "pre", -self.number(0.05, 0.2), (y, g)),
            ern.Term("w", "epoch", -self.number(0.02, 0.1), (ern.Factor(variable="w", offset=-1.0),)),
        ]
        rule = ern.LearningRule(
            terms=terms,
            traces={
                "x": ern.Trace("pre", self.ms(2, 20), self.number(0.5, 1.5), mode, gate="g"),
                "y": ern.Trace("post", self.ms(2, 20), self.number(0.5, 1.5)),
            },
            bounds={"w": (w_min, W_MAX)},
            third_factors=["g"],
            epoch_ms=EPOCH * self.dt,
            normalise=[ern.Normalise(per, "w", self.number(2, 6))] if per else [],
        )
        return {"learning": rule, "third_factors": {"g": factor}}

    def rule_marks(self, pre, post, w_min: float) -> dict:
        """Labile and stable marks on a pair or triplet rule, with erasure and a weight that relaxes."""
        second = lambda low, high: self.number(low, high) * self.dt / 1000  # noqa: E731
        erasure = (
            {"budget": self.number(0.05, 0.3), "erasure": self.number(0.3, 1)} if self.chance(0.8, "erasure") else {}
        )
        initial = self.one(0.0, self.number(0, 0.6), ern.Uniform(0.1, 0.9))
        thresholds = {"tag_threshold": self.number(0.1, 0.4), "threshold": self.number(0.3, 0.6)}
        marks = [
            ern.marks.Labile("a", second(30, 100), self.number(0.3, 0.8), self.number(0, 0.2), self.number(0.5, 2)),
            ern.marks.Stable("m", second(50, 200), "P", "a", rate_per_s=0.3 / second(5, 20), initial=initial,
                             protects=self.number(0.5, 0.95), **thresholds, **erasure),
        ]  # fmt: skip
        rest = ern.marks.WeightRelax(second(50, 300), self.number(0.2, 0.8), "m", self.number(1, W_MAX))
        options = {"marks": marks, "epoch_ms": EPOCH * self.dt, "rest": self.one(rest, None)}
        rule = self.pair("pair", w_min=w_min, w_max=W_MAX, **options)
        return {"learning": rule, "third_factors": {"P": self.third_factor(pre, post)}}

    def rule_reward(self, pre, post, w_min: float) -> dict:
        """An eligibility mark that a reward turns into weight at epochs."""
        rule = ern.LearningRule.from_equations(
            traces={"x": ern.Trace("pre", self.ms(2, 20)), "y": ern.Trace("post", self.ms(2, 20))},
            on_post={"e": "A*x"},
            on_pre={"e": "-B*y"},
            on_epoch={"w": "rate*e*R"},
            parameters={"A": self.number(0.1, 0.4), "B": self.number(0.05, 0.2), "rate": self.number(0.1, 0.5)},
            bounds={"w": (w_min, W_MAX)},
            marks=[ern.Mark("e", 0.0, -2.0, 2.0)],
            third_factors=["R"],
            epoch_ms=EPOCH * self.dt,
            flows=[ern.Relax("e", self.number(10, 60) * self.dt / 1000)],
        )
        return {"learning": rule, "third_factors": {"R": self.third_factor(pre, post)}}

    def rule_custom(self, pre, post, w_min: float) -> dict:
        """A mark of one's own, which gates plasticity and is transmitted."""
        mark = ern.marks.Custom(
            variable=ern.Mark("m", self.one(0.2, ern.Uniform(0.1, 0.9))),
            moves=ern.Relax("m", self.number(20, 100) * self.dt / 1000, self.number(0, 0.5)),
            changes=[ern.Term("m", "pre", self.number(0.02, 0.2), (ern.Factor(variable="g"),))],
            gates=[ern.marks.GateFactor(ern.Factor(variable="m", scale=-self.number(0.3, 0.9), offset=1.0))],
            third_factors=["g"],
        )
        rule = self.pair("pair", w_min=w_min, w_max=W_MAX, marks=[mark], epoch_ms=EPOCH * self.dt)
        factors = {"g": self.third_factor(pre, post)}
        self.note("transmit")
        transmit = self.one("w*(1 + 0.4*m)**2", "0.8*w - 0.1*m*w + 0.2")
        return {"learning": rule, "third_factors": factors, "transmit": transmit}

    def rule_equations(self, pre, post, w_min: float) -> dict:
        """Text with a sum of several products, and a parameter that is transmitted."""
        rule = ern.LearningRule.from_equations(
            traces={
                "r": ern.Trace("pre", self.ms(2, 20), self.number(0.5, 1.5)),
                "o": ern.Trace("post", self.ms(2, 20), self.number(0.5, 1.5), self.one("add", "set")),
            },
            on_post={"w": "A*r*(1 - lam*m)**2*(2 - w/2)", "m": "up*(1 - m)"},
            on_pre={"w": "-B*o*(w + 0.1) + drift", "m": "-down*m*(1 + g)"},
            on_epoch={"m": "-fade*m**2", "w": "-0.05*(w - 1)*g"},
            parameters={"A": self.number(0.1, 0.3), "B": self.number(0.05, 0.2), "lam": self.number(0.2, 0.8),
                        "up": self.number(0.05, 0.3), "down": self.number(0.02, 0.2), "drift": 0.01,
                        "fade": self.number(0.02, 0.2), "rho": self.number(0.1, 0.5)},
            bounds={"w": (w_min, W_MAX)},
            marks=[ern.Mark("m", self.one(0.0, self.rng.uniform(0, 1)))],
            third_factors=["g"],
            epoch_ms=EPOCH * self.dt,
        )  # fmt: skip
        self.note("transmit")
        return {"learning": rule, "third_factors": {"g": self.third_factor(pre, post)}, "transmit": "w + rho*m"}

    def intrinsic(self, scale: float):
        target, mode = self.one("v_threshold_mV", "i_offset_nA"), self.one("add", "set")
        self.note(f"intrinsic plasticity of {target}")
        low, high, sign = (-62.0, -50.0, 1.0) if target == "v_threshold_mV" else (-0.4 * scale, 0.6 * scale, -0.05)
        o, epochs = ern.Factor(variable="o", power=2), self.chance(0.5, "intrinsic plasticity with epochs")
        terms = [
            ern.Term("w", "post", sign * self.number(0.05, 0.2)),
            ern.Term("w", "post", sign * self.number(0.02, 0.1), (o,)),
        ]
        if epochs:
            middle = ern.Factor(variable="w", offset=-(low + high) / 2)
            terms.append(ern.Term("w", "epoch", -self.number(0.05, 0.2), (middle,)))
        rule = ern.LearningRule(
            terms=terms,
            traces={"o": ern.Trace("post", self.ms(3, 20), self.number(0.5, 1.5), mode)},
            bounds={"w": (low, high)},
            epoch_ms=EPOCH * self.dt if epochs else None,
        )
        return ern.IntrinsicPlasticity(target=target, rule=rule)
