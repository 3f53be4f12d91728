"""What backends ask of any third factor: its table, what it hears, and what else it reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np

from ernsnn.describe.evaluation import evaluator
from ernsnn.describe.expressions import Expr
from ernsnn.describe.modulators import ModulatorKind
from ernsnn.describe.stimuli import Schedule
from ernsnn.graph.values import Series


@dataclass(frozen=True)
class Member:
    """Neurons start to stop (exclusive) of a population."""

    population: str
    start: int
    stop: int


class Lowering(Protocol):
    """How ``lower`` makes numbers and steps of what a user wrote."""

    def member(self, view: Any) -> Member:
        """A part of a population."""

    def schedule(self, path: str, schedule: Schedule, size: int) -> tuple[np.ndarray, Series]:
        """Steps and values of a schedule."""


class Modulator:
    """A third factor: ``size`` values at a time, by the table ``kind`` with numbers for its ``parameters``."""

    name: str
    size: int

    if TYPE_CHECKING:  # in some forms properties, in others fields, of which a property would be the default

        @property
        def kind(self) -> ModulatorKind:
            """The table of its kind."""

        @property
        def parameters(self) -> dict[str, float]:
            """Name -> value of every parameter of its kind."""

    @property
    def of_library(self) -> bool:
        """Whether its kind is one of ernsnn's, and not of a user's own."""
        return True

    @property
    def equations(self) -> ModulatorKind:
        """The table without what needs a schedule, where there is none."""
        return self.kind.having(["given"] if self.schedule else [])

    @property
    def levels(self) -> dict[str, float]:
        """Numbers that ``value`` reads beside these: ``threshold`` and ``threshold_off``, where there is one."""
        return {}

    @property
    def domain(self) -> tuple[tuple[Member, float], ...]:
        """The neurons that it listens to, each member with its weight."""
        return ()

    @property
    def hears(self) -> dict[float, list[Member]]:
        """The members of its domain by weight, in order of the first of each.

        Spikes of one weight are counted before they are weighed, so that their order rounds nothing.
        """
        found: dict[float, list[Member]] = {}
        for member, weight in self.domain:
            found.setdefault(weight, []).append(member)
        return found

    @property
    def schedule(self) -> tuple[np.ndarray, Series] | None:
        """What is ``given`` to it: ``values[k]`` (one a unit) from step ``steps[k]`` on, 0 before; None: nothing."""
        return None

    @property
    def others(self) -> tuple[str, ...]:
        """The names of the third factors that it reads, one for each of the kind's ``reads``."""
        return ()

    @property
    def value(self) -> Expr:
        """What plasticity and neurons read."""
        return self.kind.value

    @property
    def method(self) -> Literal["rk4", "euler"]:
        """How ``rates`` are integrated."""
        return self.kind.method

    def constants(self, dt_ms: float) -> dict[str, float]:
        """The constants of its equations by name."""
        values: dict[str, Any] = {name: np.float64(value) for name, value in self.parameters.items()}
        values["dt"] = np.float64(dt_ms)
        with np.errstate(all="ignore"):
            for s in self.kind.constants:
                values[s.target] = evaluator(s.value)(values)
        return {s.target: float(values[s.target]) for s in self.kind.constants}

    def without(self, gone: Callable[[Member], bool]) -> Modulator:
        """This one without the members of its domain that are ``gone``."""
        return self

    def problems(self) -> Iterator[str]:
        """What is wrong with numbers of its own, after ``its name``."""
        yield from ()

    def undriven(self, spikes: Callable[[str], bool], why: Callable[[str], str]) -> str:
        """Why its value can never be above 0, as far as that can be known; empty if it can.

        ``spikes`` tells whether a population ever spikes, ``why`` why another third factor can never be above 0.
        """
        return ""
