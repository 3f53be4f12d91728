"""Stage 3 of the step: third factors, by the table of their kind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from ernsnn.describe.evaluation import Evaluator, evaluated, evaluator
from ernsnn.describe.expressions import Statement
from ernsnn.errors import ProgramFailed
from ernsnn.graph.modulator import Member, Modulator

from .schedules import next_change, scheduled

Statements = list[tuple[str, Evaluator]]


class ModulatorState:
    """One third factor: ``state`` by name, one number a unit, and ``value``, which plasticity and neurons read.

    What is given stays the same array until it changes, and with it the value of a signal.
    """

    changes = ("state", "value")

    def __init__(self, m: Modulator, dt_ms: float) -> None:
        self.m, table = m, m.equations
        self.state = {s.name: np.full(m.size, evaluated(s.initial, m.parameters)) for s in table.states}
        self.value, self.holds_until = np.zeros(m.size), 0
        self.names: dict[str, Any] = {**m.parameters, **m.constants(dt_ms), "dt": dt_ms, "given": np.zeros(m.size)}
        self.before, self.heard, self.after = map(_compiled, (table.before, table.heard, table.after))
        self.hears = list(m.hears.items()) if table.heard else []
        self.reads = [(read.name, other, read.variable) for read, other in zip(table.reads, m.others, strict=True)]
        self.rates = [(s.target, evaluator(s.value), s.derivative) for s in table.rates]
        self.integrated, self.h = table.integrated, dt_ms / table.time_ms
        self.sound = None if table.sound is None else evaluator(table.sound)
        self.shown = evaluator(m.value)

    @property
    def steady(self) -> bool:
        """Whether it is a schedule alone: the same array until that changes, and also while nothing learns."""
        return not self.m.kind.standing

    def step(self, t: int, spikes: Mapping[str, np.ndarray], others: Mapping[str, ModulatorState]) -> None:
        """Advance, given the neurons that spike in step ``t`` per population, and the modulators before this one."""
        names = self.names
        names |= self.state
        names["value"] = self.value
        if self.m.schedule and t >= self.holds_until:
            names["given"], self.holds_until = (
                scheduled(*self.m.schedule, t, self.m.size),
                next_change(self.m.schedule[0], t),
            )
        for name, other, variable in self.reads:
            names[name] = others[other].variable(variable)
        _assign(self.before, names)
        for weight, members in self.hears:
            names["weight"], names["heard"] = weight, self.count(members, spikes)
            _assign(self.heard, names)
        _assign(self.after, names)
        if self.rates:
            self.integrate(names)
            if self.sound is not None and not np.all(self.sound(names)):
                raise ProgramFailed(f"{self.m.name}: in step {t} {self.m.kind.unsound}")
        self.state = {name: names[name] for name in self.state}
        self.value = self.shown(names)

    def count(self, members: Iterable[Member], spikes: Mapping[str, np.ndarray]) -> np.ndarray | float:
        """How many spikes of these members each unit hears."""
        count: Any = 0.0
        for member in members:
            neurons = spikes[member.population]
            if not len(neurons):
                continue
            first, last = neurons.searchsorted((member.start, member.stop)).tolist()  # they rise
            if self.m.size == 1:
                count += last - first
            elif last > first:
                count = np.zeros(self.m.size) if isinstance(count, float) else count
                count[neurons[first:last] - member.start] += 1
        return count  # type: ignore[no-any-return]

    def integrate(self, names: dict[str, Any]) -> None:
        """One step of the ``rates``, by the classical Runge-Kutta method or forward Euler."""
        start, h = [names[name] for name in self.integrated], self.h
        k1 = self.change(names, start)
        if self.m.method == "euler":
            end = [y + h * a for y, a in zip(start, k1, strict=True)]
        else:
            k2 = self.change(names, [y + h / 2 * k for y, k in zip(start, k1, strict=True)])
            k3 = self.change(names, [y + h / 2 * k for y, k in zip(start, k2, strict=True)])
            k4 = self.change(names, [y + h * k for y, k in zip(start, k3, strict=True)])
            slopes = zip(start, k1, k2, k3, k4, strict=True)
            end = [y + h / 6 * (a + 2 * b + 2 * c + d) for y, a, b, c, d in slopes]
        names |= zip(self.integrated, end, strict=True)

    def change(self, names: dict[str, Any], at: list[np.ndarray]) -> list[np.ndarray]:
        """The derivatives of the states that are integrated, where these have the values ``at``."""
        names |= zip(self.integrated, at, strict=True)
        found = []
        for target, value, derivative in self.rates:
            if derivative:
                found.append(value(names))
            else:
                names[target] = value(names)
        return found

    def variable(self, name: str) -> np.ndarray:
        """A probed variable."""
        return self.value if name == "value" else self.state[self.m.kind.probes[name]]


def _compiled(statements: Iterable[Statement]) -> Statements:
    return [(s.target, evaluator(s.value)) for s in statements]


def _assign(statements: Statements, names: dict[str, Any]) -> None:
    for target, value in statements:
        names[target] = value(names)
