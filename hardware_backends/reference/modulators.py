"""Stage 3 of the step: third factors, by the table of their kind."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from ernsnn.describe.evaluation import assign, evaluated, evaluator, evaluators
from ernsnn.errors import ProgramFailed
from ernsnn.graph.arithmetic import OPERATIONS
from ernsnn.graph.modulator import Member, Modulator

from .schedules import next_change, scheduled


class ModulatorState:
    """One third factor: ``state`` by name, one number a unit, and ``value``, which plasticity and neurons read.

    What is given stays the same array until it changes, and with it the value of a signal.
    """

    changes = ("state", "value")

    def __init__(self, m: Modulator, dt_ms: float) -> None:
        self.m, table = m, m.equations
        self.state = {s.name: np.full(m.size, evaluated(s.initial, m.parameters)) for s in table.states}
        self.value, self.holds_until = np.zeros(m.size), 0
        self.names: dict[str, Any] = {**m.parameters, **m.levels, **m.constants(dt_ms), "dt": dt_ms}
        self.names["given"] = np.zeros(m.size)
        self.before, self.heard, self.after = (
            evaluators(part, OPERATIONS) for part in (table.before, table.heard, table.after)
        )
        self.hears = list(m.hears.items()) if table.heard else []
        self.reads = [(read.name, other, read.variable) for read, other in zip(table.reads, m.others, strict=True)]
        self.rates = [(s.target, evaluator(s.value, OPERATIONS), s.derivative) for s in table.rates]
        self.integrated, self.h = table.integrated, dt_ms / table.time_ms
        self.sound = None if table.sound is None else evaluator(table.sound, OPERATIONS)
        self.shown = evaluator(m.value, OPERATIONS)
        # Nothing but a schedule.
        self.steady = bool(m.schedule) and not (table.states or table.reads)

    def step(self, t: int, spikes: Mapping[str, np.ndarray], others: Mapping[str, ModulatorState]) -> None:
        """Advance, given the neurons that spike in step ``t`` per population, and the modulators before this one."""
        if self.steady and t < self.holds_until:
            return
        names = self.names
        names |= self.state
        names["value"] = self.value
        if self.m.schedule and t >= self.holds_until:
            names["given"] = np.array(scheduled(*self.m.schedule, t, self.m.size))
            self.holds_until = next_change(self.m.schedule[0], t)
        for name, other, variable in self.reads:
            names[name] = others[other].variable(variable)
        assign(self.before, names)
        for weight, members in self.hears:
            names["weight"], names["heard"] = weight, self.count(members, spikes)
            assign(self.heard, names)
        assign(self.after, names)
        if self.rates:
            self.integrate(names)
        if self.sound is not None and not np.all(self.sound(names)):
            raise ProgramFailed(f"{self.m.name}: in step {t} {self.m.kind.unsound}")
        self.state = {name: self.wide(names[name]) for name in self.state}
        self.value = self.wide(self.shown(names))

    def wide(self, value: Any) -> np.ndarray:
        """``value`` as one number a unit, where equations give one for all."""
        shape = (self.m.size,)
        return value if np.shape(value) == shape else np.full(shape, value)

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
                np.add.at(count, neurons[first:last] - member.start, 1)
        return count  # type: ignore[no-any-return]

    def integrate(self, names: dict[str, Any]) -> None:
        """One step of the ``rates``, by the classical Runge-Kutta method or forward Euler."""
        y, h = np.stack([names[name] for name in self.integrated]), self.h
        end = advanced(y, h, lambda at: self.change(names, at), self.m.method)
        names |= zip(self.integrated, end, strict=True)

    def change(self, names: dict[str, Any], at: np.ndarray) -> np.ndarray:
        """The derivatives of the states that are integrated, a row each, where these have the values ``at``."""
        names |= zip(self.integrated, at, strict=True)
        found, row = np.empty_like(at), 0
        for target, value, derivative in self.rates:
            if derivative:
                found[row] = value(names)
                row += 1
            else:
                names[target] = value(names)
        return found

    def variable(self, name: str) -> np.ndarray:
        """A probed variable."""
        return self.value if name == "value" else self.state[self.m.kind.probes[name]]


def advanced(y: Any, h: float, change: Callable[[Any], Any], method: str) -> Any:
    """``y`` after a step of ``h`` by the classical Runge-Kutta method or forward Euler, where ``change`` is dy/dt."""
    k1 = change(y)
    if method == "euler":
        return y + h * k1
    k2 = change(y + h / 2 * k1)
    k3 = change(y + h / 2 * k2)
    k4 = change(y + h * k3)
    return y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
