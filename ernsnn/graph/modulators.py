"""Third factors in numbers and steps: given ones, those that are made of others, and the forms of all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ernsnn.describe.modulators import (
    Astrocyte,
    CalciumAstrocyte,
    Either,
    Gate,
    Listener,
    ModulatorKind,
    Signal,
)
from ernsnn.describe.modulators import Modulator as Described
from ernsnn.describe.modulators.either import either_kind
from ernsnn.describe.modulators.gate import gate_kind
from ernsnn.errors import InvalidModel
from ernsnn.graph.astrocytes import Calcium, Leaky, Listening
from ernsnn.graph.modulator import Lowering, Modulator
from ernsnn.graph.values import Series, columns_of


@dataclass(frozen=True, eq=False)
class Given(Modulator):
    """A given third factor: ``values[k]`` (one a unit) from step ``steps[k]`` on, 0 before."""

    name: str
    size: int
    steps: np.ndarray
    values: Series

    kind = Signal.kind

    @property
    def parameters(self) -> dict[str, float]:
        """It has none."""
        return {}

    @property
    def schedule(self) -> tuple[np.ndarray, Series] | None:
        """What it is."""
        return self.steps, self.values

    @classmethod
    def of(cls, m: Signal, low: Lowering) -> Given:
        """What a user wrote, in numbers and steps."""
        return cls(m.name, m.size, *low.schedule(m.name, m.schedule, m.size))

    def undriven(self, spikes: Callable[[str], bool], why: Callable[[str], str]) -> str:
        """Whether it is ever above 0."""
        return "" if np.max(columns_of(self.values)[0], initial=0.0) > 0 else "is never above 0"


@dataclass(frozen=True)
class Condition:
    """One astrocyte's part in a gate."""

    astrocyte: str
    opens: float
    stays: float


@dataclass(frozen=True)
class Gated(Modulator):
    """Gates over astrocytes; see ``describe.Gate``. The astrocytes stand before it among the modulators."""

    name: str
    size: int
    conditions: tuple[Condition, ...]

    @property
    def kind(self) -> ModulatorKind:
        """The table of its kind."""
        return gate_kind(len(self.conditions))

    @property
    def parameters(self) -> dict[str, float]:
        """Name -> value of every parameter of its kind."""
        each = enumerate(self.conditions)
        return {name: value for k, c in each for name, value in ((f"opens{k}", c.opens), (f"stays{k}", c.stays))}

    @property
    def others(self) -> tuple[str, ...]:
        """The astrocytes."""
        return tuple(c.astrocyte for c in self.conditions)

    @classmethod
    def of(cls, m: Gate, low: Lowering) -> Gated:
        """What a user wrote, in numbers and steps."""
        stays = m.opens if m.stays is None else m.stays
        return cls(m.name, m.size, tuple(Condition(a.name, level, stays[a]) for a, level in m.opens.items()))

    def problems(self) -> Iterator[str]:
        """It needs astrocytes."""
        if not self.conditions:
            yield ": nothing cannot be what it is made of"

    def undriven(self, spikes: Callable[[str], bool], why: Callable[[str], str]) -> str:
        """Which of the astrocytes can never be above 0."""
        return next((f"needs {name}, which {why(name)}" for name in self.others if why(name)), "")


@dataclass(frozen=True)
class Largest(Modulator):
    """The largest of other modulators, which stand before it; see ``describe.Either``."""

    name: str
    size: int
    modulators: tuple[str, ...]

    @property
    def kind(self) -> ModulatorKind:
        """The table of its kind."""
        return either_kind(len(self.modulators))

    @property
    def parameters(self) -> dict[str, float]:
        """It has none."""
        return {}

    @property
    def others(self) -> tuple[str, ...]:
        """What it is the largest of."""
        return self.modulators

    @classmethod
    def of(cls, m: Either, low: Lowering) -> Largest:
        """What a user wrote, in numbers and steps."""
        return cls(m.name, m.size, tuple(factor.name for factor in m.factors))

    def problems(self) -> Iterator[str]:
        """It needs others."""
        if not self.modulators:
            yield ": nothing cannot be what it is made of"

    def undriven(self, spikes: Callable[[str], bool], why: Callable[[str], str]) -> str:
        """Why none of the others can ever be above 0."""
        reasons = {name: why(name) for name in self.modulators}
        return "" if "" in reasons.values() else "; ".join(f"{name} {reason}" for name, reason in reasons.items())


FORMS: Mapping[type[Described], Any] = {
    Astrocyte: Leaky,
    CalciumAstrocyte: Calcium,
    Signal: Given,
    Gate: Gated,
    Either: Largest,
    Listener: Listening,
}
"""In which form the graph holds what a user wrote."""


def lowered(m: Described, low: Lowering) -> Modulator:
    """What a user wrote, in numbers and steps: in the form of the first of its bases whose equations are its own.

    Raises InvalidModel on a class that has other equations than the one that it derives from, and is no Listener.
    """
    for base in type(m).__mro__:
        if base in FORMS and (base is Listener or base.kind is type(m).kind):  # type: ignore[attr-defined]
            return FORMS[base].of(m, low)  # type: ignore[no-any-return]
    raise InvalidModel(f"{m.name}: equations of your own stand in a class derived from ernsnn's Listener")
