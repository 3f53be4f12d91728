"""Third factors of random networks: the part of ``Draw`` (random_networks.py) that draws astrocytes and the like."""

from __future__ import annotations

import numpy as np

import ernsnn as ern


class Glia:
    """Draws modulators into ``self.glia``."""

    def modulator(self, name: str, heard=None) -> None:
        """A modulator of any kind; given a part that it hears, one value for each of its neurons where it can."""
        cells = [g for g in self.glia if isinstance(g, ern.Astrocyte | ern.CalciumAstrocyte)]
        others = [g for g in self.glia if not isinstance(g, ern.Either)]
        kinds = ["astrocyte", "astrocyte", "calcium", "signal", *["gate"] * bool(cells)]
        kind = self.one(*kinds, *["either"] * bool(others))
        if heard is not None:
            kind, per, heard = self.one("astrocyte", "calcium"), "neuron", [heard]
        else:
            per, heard = self.one("domain", "neuron"), [self.part(self.one(*self.sources, *self.neurons))]
        if per == "domain" and self.chance(0.4):
            heard.append(self.part(self.one(*self.neurons)))
        if kind == "gate":
            chosen = cells[: self.one(1, 2)]
            if {c.size for c in chosen} - {1} != {max(c.size for c in chosen)} - {1}:
                chosen = chosen[:1]
            opens = {c: self.number(0.25, 0.5) for c in chosen}
            stays = {c: 0.6 * level for c, level in opens.items()} if self.chance(0.5) else None
            made = self.net.gate(name, opens=opens, stays=stays)
        elif kind == "either":
            beside = self.net.signal(f"{name}_beside", self.phases.schedule("level"))
            made = self.net.either(name, [self.one(*others), beside])
        elif kind == "signal":
            made = self.signal(name, per)
        elif kind == "calcium":
            made = self.calcium(name, heard, per)
        else:
            weight = self.number(0.2, 0.5)
            made = self.net.astrocyte(
                name,
                heard,
                tau_ms=self.ms(2, 15),
                weight=self.one(weight, [weight, -0.3 * weight][: len(heard)]),
                bias=self.one(0.0, self.number(-0.2, 0.2)),
                initial=self.one(None, self.number(0, 0.5)),
                per=per,
                **self.thresholds(0.3, 1.5),
            )
        self.note(kind, f"{kind} per {per}")
        self.glia.append(made)

    def thresholds(self, low: float, high: float) -> dict:
        if not self.chance(0.5, "astrocyte as a gate"):
            return {}
        return {"threshold": self.number(low, high)} | ({"threshold_off": 0.5 * low} if self.chance(0.5) else {})

    def signal(self, name: str, per: str):
        if self.chance(0.4, "signal of a timeline"):
            return self.net.signal(name, self.phases.schedule("level"))
        width = () if per == "domain" else (self.one(*self.neurons).size,)
        times = np.array([0, 20, 45, 80, 120]) * self.dt
        return self.net.signal(name, times_ms=times, values=self.rng.uniform(-0.5, 1.5, (5, *width)))

    def calcium(self, name: str, heard, per: str):
        """Fast enough to do something within STEPS steps, and with little enough transmitter to follow."""
        speed = self.number(10, 30) / self.dt
        rates = {"Omega_C_per_s": 6, "Omega_L_per_s": 0.1, "O_P_uM_per_s": 0.9, "O_2_per_uM_s": 0.2}
        rates |= {"O_N_per_uM_s": 0.1, "O_beta_uM_per_s": 5, "O_3K_uM_per_s": 4.5, "F_ex_uM_per_s": 0.09}
        options = {rate: value * speed for rate, value in rates.items()}
        options |= {"release_uM": self.number(1, 2), "tau_transmitter_ms": self.ms(1, 4)}
        if self.chance(0.4, "calcium: transmitter given"):
            times = np.array([5, 50, 110]) * self.dt
            size = 1 if per == "domain" else heard[0].size
            options["transmitter_uM"] = ern.Schedule(times, self.rng.uniform(0, 5, self.one((3,), (3, size))))
        integration = self.one("rk4", "euler")
        self.note(f"calcium: {integration}")
        return self.net.calcium_astrocyte(
            name,
            heard,
            per=per,
            integration=integration,
            initial_C_uM=self.number(0.05, 0.5),
            initial_I_uM=self.number(0.1, 0.8),
            initial_Gamma_A=self.number(0, 1),
            I_bias_uM=self.one(0.0, 0.05),
            **options,
            **self.thresholds(0.3, 0.6),
        )

    def third_factor(self, pre, post, *, sides: tuple[str, ...] = ("pre", "post")):
        """One of the modulators as a third factor, or a new one of as many values as there are neurons."""
        side = self.one("all", *sides)
        view = {"pre": pre, "post": post}.get(side)
        fitting = [g for g in self.glia if g.size == (1 if view is None else view.size)]
        if not fitting:
            self.modulator(f"g{len(self.net.modulators)}", heard=view)
            fitting = [g for g in self.glia[-1:] if g.size in (1, view.size if view is not None else 1)]
        if not fitting:
            fitting = [self.net.signal(f"level{len(self.net.modulators)}", self.phases.schedule("level"))]
        made = self.one(*fitting)
        self.note(f"third factor per {side}" if made.size > 1 else "third factor per all")
        return made if made.size == 1 else ern.ThirdFactor(modulator=made, per=side)
