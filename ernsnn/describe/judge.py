"""Checks of kinds that are written as tables: their names, and that each name has a value where it is read."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, NoReturn, Protocol

from ernsnn.describe.expressions import Expr, Statement, check_expression, check_known, is_plain, is_truth
from ernsnn.errors import InvalidModel, quoted


class _Kind(Protocol):
    """What kinds of neurons, of third factors and of short-term plasticity have in common."""

    @property
    def parameters(self) -> tuple[Any, ...]: ...

    @property
    def states(self) -> tuple[Any, ...]: ...

    @property
    def requirements(self) -> tuple[Any, ...]: ...


class Judge:
    """The checks that all kinds share. Each raises InvalidModel, naming the kind and what is wrong with it."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        if not is_plain(kind):
            self.refuse(f"{quoted(kind)} is no name for a kind: letters and digits")

    def refuse(self, problem: str) -> NoReturn:
        """Raise InvalidModel."""
        raise InvalidModel(f"{quoted(self.kind)[1:-1]}: {problem}")

    def names(self, named: Collection[str], others: Iterable[str] = ()) -> None:
        """Check that names can stand in a program, and that each of ``named`` is the name of one thing."""
        each = list(named)
        for name in dict.fromkeys([*each, *others]):
            if not is_plain(name) or "__" in name:
                self.refuse(f"{quoted(name)} is no name here (ASCII letters, digits and single underscores)")
        self.once(each)

    def once(self, named: Collection[str]) -> None:
        """Check that each is the name of one thing."""
        each = list(named)
        twice = sorted({name for name in each if each.count(name) > 1})
        if twice:
            self.refuse(f"{', '.join(twice)} is the name of two things; rename one")

    def value(self, what: str, value: Expr, known: Collection[str]) -> None:
        """Check that an expression reads ``known`` names alone."""
        check_expression(value, f"{self.kind}: {what}")
        check_known(value, known, f"{self.kind}: {what}")

    def assigned(
        self, s: Statement, known: Collection[str], states: Collection[str], truths: Collection[str] = ()
    ) -> None:
        """Check the value of a statement; one of a state is a number. ``truths`` are names of what is true or false."""
        self.value(s.target, s.value, known)
        if s.target in states and is_truth(s.value, truths):
            self.refuse(f"{s.target} is set to what is true or false, not to a number")

    def number(self, what: str, value: Expr, known: Collection[str]) -> None:
        """Check that an expression of ``known`` names is a number."""
        self.value(what, value, known)
        if is_truth(value):
            self.refuse(f"{what} is true or false, not a number")

    def beginning(self, kind: _Kind) -> None:
        """Check what parameters fix: parameters that follow others, initial values, and requirements."""
        names = {p.name for p in kind.parameters}
        if not {p.follows for p in kind.parameters} <= {"", *names}:
            self.refuse("a parameter follows another that it does not have")
        for state in kind.states:
            self.value(f"the initial {state.name}", state.initial, names)
        for requirement in kind.requirements:
            self.value("a requirement", requirement.condition, names)

    def constants(self, constants: Iterable[Statement], known: Collection[str]) -> set[str]:
        """Check constants, each from those before it and from ``known`` names; returns all these names."""
        names = set(known)
        for s in constants:
            self.value(s.target, s.value, names)
            names |= {s.target}
        return names
