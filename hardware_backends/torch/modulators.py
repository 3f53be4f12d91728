"""Stage 3 of the step: third factors, by the table of their kind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch

from ernsnn.describe.evaluation import assign, evaluator, evaluators
from ernsnn.errors import ProgramFailed
from ernsnn.graph.modulator import Member, Modulator

from ..reference.modulators import advanced
from .operations import OPERATIONS
from .space import Space, Spikes, to_numpy


class ModulatorState:
    """One third factor: ``state`` by name and ``value``, which plasticity and neurons read, each (batch, units)."""

    def __init__(self, m: Modulator, dt_ms: float, space: Space) -> None:
        self.m, self.space, table = m, space, m.equations
        numbers = {**m.parameters, **m.levels, **m.constants(dt_ms), "dt": dt_ms}
        self.fixed: dict[str, Any] = {name: space.tensor(value) for name, value in numbers.items()}
        self.state = {s.name: space.wide(evaluator(s.initial, OPERATIONS)(self.fixed), m.size) for s in table.states}
        self.value, self.given = space.zeros(m.size), space.zeros(m.size)
        self.pieces: tuple[int, ...] = ()
        self.before, self.heard, self.after = (
            evaluators(part, OPERATIONS) for part in (table.before, table.heard, table.after)
        )
        self.hears = list(m.hears.items()) if table.heard else []
        self.reads = [(read.name, other, read.variable) for read, other in zip(table.reads, m.others, strict=True)]
        self.rates = [(s.target, evaluator(s.value, OPERATIONS), s.derivative) for s in table.rates]
        self.integrated, self.h = table.integrated, dt_ms / table.time_ms
        self.sound = None if table.sound is None else evaluator(table.sound, OPERATIONS)
        self.shown = evaluator(m.value, OPERATIONS)

    def step(
        self, t: np.ndarray, on: np.ndarray, spikes: Mapping[str, Spikes], others: Mapping[str, ModulatorState]
    ) -> None:
        """Advance the runs that are ``on``, in the step ``t`` of the graph of each.

        ``spikes`` are those of all populations, ``others`` the modulators before this one.
        """
        names: dict[str, Any] = {**self.fixed, **self.state, "value": self.value}
        if self.m.schedule:
            steps, values = self.m.schedule
            pieces = tuple(np.searchsorted(steps, t, side="right").tolist())
            if pieces != self.pieces:
                self.pieces, self.given = pieces, self.space.scheduled(steps, values, t)
        names["given"] = self.given
        for name, other, variable in self.reads:
            names[name] = others[other].variable(variable)
        assign(self.before, names)
        for weight, members in self.hears:
            names["weight"], names["heard"] = weight, self.count(members, spikes)
            assign(self.heard, names)
        assign(self.after, names)
        if self.rates:
            self.integrate(names)
        if self.sound is not None and not bool(torch.all(torch.as_tensor(self.sound(names)))):
            raise ProgramFailed(f"{self.m.name}: in step {int(t[0])} {self.m.kind.unsound}")
        after = {name: self.space.wide(names[name], self.m.size) for name in self.state}
        value = self.space.wide(self.shown(names), self.m.size)
        if not on.all():
            here = torch.as_tensor(on[:, None], device=self.space.device)
            after = {name: torch.where(here, new, self.state[name]) for name, new in after.items()}
            value = torch.where(here, value, self.value)
        self.state, self.value = after, value

    def count(self, members: Iterable[Member], spikes: Mapping[str, Spikes]) -> torch.Tensor:
        """How many spikes of these members each unit hears."""
        total = self.space.zeros(1 if self.m.size == 1 else self.m.size)
        for member in members:
            fired = spikes[member.population].dense[:, member.start : member.stop]
            total = total + (fired.sum(dim=1, keepdim=True) if self.m.size == 1 else fired)
        return total

    def integrate(self, names: dict[str, Any]) -> None:
        """One step of the ``rates``, by the classical Runge-Kutta method or forward Euler."""
        y, h = torch.stack([self.space.wide(names[name], self.m.size) for name in self.integrated]), self.h
        end = advanced(y, h, lambda at: self.change(names, at), self.m.method)
        names |= zip(self.integrated, end, strict=True)

    def change(self, names: dict[str, Any], at: torch.Tensor) -> torch.Tensor:
        """The derivatives of the states that are integrated, a row each, where these have the values ``at``."""
        names |= zip(self.integrated, at, strict=True)
        found = []
        for target, value, derivative in self.rates:
            if derivative:
                found.append(self.space.wide(value(names), self.m.size))
            else:
                names[target] = value(names)
        return torch.stack(found)

    def variable(self, name: str) -> torch.Tensor:
        """A probed variable."""
        return self.value if name == "value" else self.state[self.m.kind.probes[name]]


class Read:
    """A third factor as plasticity reads it: ``value`` is a NumPy array of the units of a single run."""

    def __init__(self, state: ModulatorState) -> None:
        self.state = state

    @property
    def value(self) -> np.ndarray:
        """One number a unit."""
        return to_numpy(self.state.value)
