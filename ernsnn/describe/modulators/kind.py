"""A kind of third factor as one table: what every backend carries out, prints in its own language, or refuses by name.

A step: the statements ``before``; the statements ``heard``, once for each weight that a domain has; the statements
``after``; then the ``rates`` over dt, while all else is held. ``value`` is then what plasticity and neurons read.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from ernsnn.describe.expressions import (
    Expr,
    Name,
    Num,
    Op,
    Statement,
    is_truth,
    parse_expression,
    parse_statements,
)
from ernsnn.describe.judge import Judge
from ernsnn.describe.kinds import Parameter, Requirement, State
from ernsnn.errors import quoted

GIVEN = ("dt", "heard", "weight", "given", "value", "threshold", "threshold_off")
"""Names that a step gives: ``dt`` in ms; in ``heard``, the number of spikes heard in this step from the members of one
``weight``; ``given``, the number that a schedule has in this step; ``value``, what it was in the step before. The
thresholds of a domain belong to no kind: no table reads them."""
LEVEL = "C"
"""The state of every kind that listens to neurons which a threshold and gates compare with their levels."""


@dataclass(frozen=True)
class Read:
    """The name under which a table reads a ``variable`` of another third factor: a probe, or ``value``."""

    name: str
    variable: str


@dataclass(frozen=True)
class ModulatorKind:
    """A kind of third factor.

    Statements that assign no state assign names of their own, which the rest of their part then knows. A statement that
    ``needs`` "given" stands only where there is a schedule. Those of ``rates`` give derivatives, for a unit of time of
    ``time_ms``, by a ``method``; the others of ``rates`` assign what derivatives share. ``standing`` kinds stand still
    while the network does not learn. ``sound`` is a condition that must hold after every step, ``unsound`` says what
    is wrong where it does not. ``units`` has the unit of each probe that has one.
    """

    name: str
    parameters: tuple[Parameter, ...] = ()
    states: tuple[State, ...] = ()
    reads: tuple[Read, ...] = ()
    constants: tuple[Statement, ...] = ()
    before: tuple[Statement, ...] = ()
    heard: tuple[Statement, ...] = ()
    after: tuple[Statement, ...] = ()
    rates: tuple[Statement, ...] = ()
    time_ms: float = 1.0
    method: Literal["rk4", "euler"] = "rk4"
    value: Expr = Name(LEVEL)  # noqa: RUF009 - frozen
    standing: bool = True
    sound: Expr | None = None
    unsound: str = ""
    units: tuple[tuple[str, str], ...] = ()
    requirements: tuple[Requirement, ...] = ()
    version: int = 1
    """Of a kind of the library: it rises when its equations change."""

    def __post_init__(self) -> None:
        _check(self)

    def __hash__(self) -> int:
        return hash((self.name, self.states, self.before, self.heard))

    def having(self, names: Iterable[str]) -> ModulatorKind:
        """This kind without the statements that need what is not among ``names``."""
        return _having(self, frozenset(names))

    @property
    def probes(self) -> dict[str, str]:
        """What a probe can record -> the state that it is, or ``value``."""
        return {state.probe: state.name for state in self.states if state.probe} | {"value": "value"}

    @property
    def integrated(self) -> tuple[str, ...]:
        """The states that ``rates`` change."""
        return tuple(s.target for s in self.rates if s.derivative)

    @property
    def statements(self) -> tuple[Statement, ...]:
        """All statements of a step."""
        return (*self.before, *self.heard, *self.after, *self.rates)


@cache
def _having(kind: ModulatorKind, names: frozenset[str]) -> ModulatorKind:
    parts = ("before", "heard", "after", "rates")
    kept: dict[str, Any] = {
        part: tuple(s for s in getattr(kind, part) if not s.needs or s.needs in names) for part in parts
    }
    return dataclasses.replace(kind, **kept)


def _check(kind: ModulatorKind) -> None:
    """Raise InvalidModel on names and expressions that cannot stand in a program, and on what has no value."""
    judge = Judge(kind.name)
    parameters, states = {p.name for p in kind.parameters}, {s.name for s in kind.states}
    constants, reads = [s.target for s in kind.constants], [read.name for read in kind.reads]
    named = [*(p.name for p in kind.parameters), *(s.name for s in kind.states), *constants, *reads, *GIVEN]
    judge.names(named, [*(s.target for s in kind.statements), *kind.probes])
    judge.beginning(kind)
    if not kind.time_ms > 0 or kind.method not in ("rk4", "euler"):
        judge.refuse("rates need a unit of time above 0 ms, and the method 'rk4' or 'euler'")
    everywhere = {*judge.constants(kind.constants, parameters | {"dt"}), *states, *reads, "given", "value"}
    for part in ("before", "heard", "after", "rates"):
        known = everywhere | ({"heard", "weight"} if part == "heard" else set())
        for s in getattr(kind, part):
            if s.needs not in ("", "given"):
                judge.refuse(f"{s.target} needs {quoted(s.needs)}; a statement needs nothing, or given")
            if s.derivative and (part != "rates" or s.target not in states or kind.integrated.count(s.target) > 1):
                judge.refuse(f"d{s.target}/dt stands among rates, once, of a state")
            if not s.derivative and s.target in ({*everywhere, *GIVEN} - (set() if part == "rates" else states)):
                judge.refuse(f"{s.target} cannot be assigned in {part}")
            judge.assigned(s, known, states)
            known = known | {s.target}
    judge.number("value", kind.value, everywhere)
    if kind.sound is not None:
        judge.value("sound", kind.sound, everywhere)
        if not is_truth(kind.sound):
            judge.refuse("sound is a condition such as C < 10.0")


def statements(text: str) -> tuple[Statement, ...]:
    """Statements of a kind of the library, from text."""
    return parse_statements(text, "a third factor of the library")


def expression(text: str) -> Expr:
    """An expression of a kind of the library, from text."""
    return parse_expression(text, "a third factor of the library")


def joined(operation: str, parts: Sequence[Expr]) -> Expr:
    """Expressions joined by an operation such as ``and`` or ``max``, as a tree that is not deep; 0 of none."""
    if len(parts) < 2:
        return parts[0] if parts else Num(0.0)
    half = len(parts) // 2
    return Op(operation, (joined(operation, parts[:half]), joined(operation, parts[half:])))
