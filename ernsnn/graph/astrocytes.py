"""Astrocytes in numbers and steps: what they hear, and at which level they open.

``Listening`` holds astrocytes of any kind. ``Leaky`` and ``Calcium`` are two such kinds in the form in which graphs
have always stored them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ernsnn.describe.expressions import Expr, Name, Num, Op
from ernsnn.describe.modulators import LIBRARY, Astrocyte, CalciumAstrocyte, Domain, Listener, ModulatorKind
from ernsnn.describe.modulators.calcium import is_moderate
from ernsnn.describe.modulators.kind import LEVEL
from ernsnn.describe.parametrised import check_values
from ernsnn.describe.stimuli import Schedule
from ernsnn.errors import InvalidModel
from ernsnn.graph.modulator import Lowering, Member, Modulator
from ernsnn.graph.values import Series


class _Domained(Modulator):
    """What astrocytes share: a domain, and a threshold that makes 1 or 0 of their level."""

    members: tuple[Member, ...]
    threshold: float | None
    threshold_off: float | None

    @property
    def levels(self) -> dict[str, float]:
        """The thresholds, where there is one."""
        if self.threshold is None or self.threshold_off is None:
            return {}
        return {"threshold": self.threshold, "threshold_off": self.threshold_off}

    @property
    def value(self) -> Expr:
        """The level, or 1 where the threshold is reached and 0 elsewhere."""
        if not self.levels:
            return self.kind.value
        at, off = (Op(">=", (Name(LEVEL), Name(level))) for level in self.levels)
        still = Op("and", (Op(">", (Name("value"), Num(0.0))), off))
        return Op("if", (Op("or", (at, still)), Num(1.0), Num(0.0)))

    def problems(self) -> Iterator[str]:
        """What is wrong with its thresholds."""
        if (self.threshold is None) != (self.threshold_off is None) or (self.threshold_off or 0) > (
            self.threshold or 0
        ):
            yield f": its thresholds are {self.threshold} and {self.threshold_off}"


class _Weighted(_Domained):
    """Astrocytes with a weight for each member of their domain."""

    weights: tuple[float, ...]

    @property
    def domain(self) -> tuple[tuple[Member, float], ...]:
        """The neurons that it listens to, each member with its weight."""
        return tuple(zip(self.members, self.weights, strict=True))

    def without(self, gone: Callable[[Member], bool]) -> Modulator:
        """This one without the members of its domain that are ``gone``."""
        heard = [(member, weight) for member, weight in self.domain if not gone(member)]
        members, weights = tuple(member for member, _ in heard), tuple(weight for _, weight in heard)
        return dataclasses.replace(self, members=members, weights=weights)  # type: ignore[type-var]

    def problems(self) -> Iterator[str]:
        """What is wrong with its weights and parameters."""
        yield from super().problems()
        if len(self.weights) != len(self.members):
            yield f" has {len(self.weights)} weights for {len(self.members)} members"
        known = {p.name for p in self.kind.parameters}
        if self.parameters.keys() != known:
            yield f" has other parameters than {', '.join(sorted(known))}"
            return
        try:
            check_values("", self.kind, self.parameters)
        except InvalidModel as error:
            yield str(error)


@dataclass(frozen=True, eq=False)
class Listening(_Weighted):
    """Astrocytes of any ``kind`` that has a state C. ``weights`` has one number a member."""

    name: str
    size: int
    kind: ModulatorKind
    parameters: dict[str, float]
    weights: tuple[float, ...]
    threshold: float | None
    threshold_off: float | None
    members: tuple[Member, ...]

    @property
    def of_library(self) -> bool:
        """Whether its kind is one of ernsnn's, and not of a user's own."""
        return LIBRARY.get(self.kind.name) is self.kind

    @classmethod
    def of(cls, m: Listener, low: Lowering) -> Listening:
        """What a user wrote, in numbers and steps."""
        members, off = _members(m, low)
        return cls(m.name, m.size, m.kind, m.parameters, m.weights, m.threshold, off, members)

    def problems(self) -> Iterator[str]:
        """What is wrong with its kind, weights and parameters."""
        yield from super().problems()
        if LEVEL not in {s.name for s in self.kind.states} or self.kind.reads:
            yield f": {self.kind.name} is no kind of astrocytes"


@dataclass(frozen=True, eq=False)
class Leaky(_Weighted):
    """Leaky astrocytes; see ``describe.Astrocyte``. ``weights`` has one number a member."""

    name: str
    size: int
    tau_ms: float
    weights: tuple[float, ...]
    bias: float
    initial: float
    threshold: float | None
    threshold_off: float | None
    members: tuple[Member, ...]

    kind = Astrocyte.kind

    @property
    def parameters(self) -> dict[str, float]:
        """Name -> value of every parameter of its kind."""
        return {"tau_ms": self.tau_ms, "bias": self.bias, "initial": self.initial}

    @classmethod
    def of(cls, m: Astrocyte, low: Lowering) -> Leaky:
        """What a user wrote, in numbers and steps."""
        members, off = _members(m, low)
        assert m.initial is not None
        return cls(m.name, m.size, m.tau_ms, m.weights, m.bias, m.initial, m.threshold, off, members)

    def undriven(self, spikes: Callable[[str], bool], why: Callable[[str], str]) -> str:
        """Why C can never be above 0; empty if it can."""
        if max(self.bias, self.initial) > 0:
            return ""
        rising = [member for member, weight in self.domain if weight > 0]
        if not rising:
            return "has no weight above 0"
        return "" if any(spikes(member.population) for member in rising) else "listens to none that ever spikes"


@dataclass(frozen=True, eq=False)
class Calcium(_Domained):
    """Astrocytes with calcium dynamics; see ``describe.CalciumAstrocyte``.

    ``kinetics`` has the constants of the equations by their symbols, in uM and seconds, ``initial`` the variables. To
    what spikes release comes the transmitter in uM that is given: ``values[k]`` (one a unit) from step ``steps[k]`` on.
    """

    name: str
    size: int
    tau_transmitter_ms: float
    release_uM: float
    steps: np.ndarray
    values: Series
    integration: Literal["rk4", "euler"]
    kinetics: dict[str, float]
    initial: dict[str, float]
    threshold: float | None
    threshold_off: float | None
    members: tuple[Member, ...]

    kind = CalciumAstrocyte.kind

    @property
    def parameters(self) -> dict[str, float]:
        """Name -> value of every parameter of its kind."""
        starts = {f"initial_{variable}": value for variable, value in self.initial.items()}
        released = {"tau_transmitter_ms": self.tau_transmitter_ms, "release_uM": self.release_uM}
        return {**self.kinetics, **starts, **released}

    @property
    def domain(self) -> tuple[tuple[Member, float], ...]:
        """The neurons that it listens to; every spike releases as much."""
        return tuple((member, 1.0) for member in self.members)

    @property
    def schedule(self) -> tuple[np.ndarray, Series] | None:
        """The transmitter that is given."""
        return (self.steps, self.values) if len(self.steps) else None

    @property
    def method(self) -> Literal["rk4", "euler"]:
        """How ``rates`` are integrated."""
        return self.integration

    @classmethod
    def of(cls, m: CalciumAstrocyte, low: Lowering) -> Calcium:
        """What a user wrote, in numbers and steps."""
        members, off = _members(m, low)
        never = Schedule([], np.zeros((0, m.size)))
        steps, values = low.schedule(f"{m.name}.transmitter_uM", m.transmitter_uM or never, m.size)
        return cls(
            name=m.name,
            size=m.size,
            tau_transmitter_ms=m.tau_transmitter_ms,
            release_uM=m.release_uM,
            steps=steps,
            values=values,
            integration=m.integration,
            kinetics=m.kinetics,
            initial=m.initial,
            threshold=m.threshold,
            threshold_off=off,
            members=members,
        )

    def without(self, gone: Callable[[Member], bool]) -> Modulator:
        """This one without the members of its domain that are ``gone``."""
        return dataclasses.replace(self, members=tuple(member for member in self.members if not gone(member)))

    def problems(self) -> Iterator[str]:
        """What is wrong with its constants."""
        yield from super().problems()
        known = {p.name for p in self.kind.parameters}
        if self.parameters.keys() != known or not self.tau_transmitter_ms > 0:
            yield ": has other constants than a calcium astrocyte"
        elif not all(map(is_moderate, (*self.kinetics.values(), *self.initial.values()))):
            yield ": has constants that its equations leave the floats with"


def _members(m: Domain, low: Lowering) -> tuple[tuple[Member, ...], float | None]:
    """The domain of astrocytes, and the level at which they close."""
    off = m.threshold if m.threshold_off is None else m.threshold_off
    return tuple(low.member(view) for view in m.listens_to), off
