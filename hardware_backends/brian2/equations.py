"""Printing of a step of neurons, from the table of their kind's equations, as Brian2's code."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from itertools import groupby, repeat

import numpy as np

from ernsnn.describe.evaluation import evaluated
from ernsnn.describe.expressions import FUNCTIONS, TRUTHS, Expr, Name, Num, Op, Statement, names_in, printed
from ernsnn.describe.kinds import Kind, Table

from .expressions import Naming
from .names import own

LANGUAGE = {
    "if": "where({0}, {1}, {2})",
    "min": "clip({0}, -inf, {1})",
    "max": "clip({0}, {1}, inf)",
    "floor": "floor_of({0})",
    "ceil": "ceil_of({0})",
    "number": "where({0}, 1.0, 0.0)",
}
"""Operations that Brian2 writes differently from Python. ``where``, ``floor_of`` and ``ceil_of`` are defined by the
program: its own floor and ceil end at 2^31; and its clip of an integer is one, so that what is true becomes a float."""
_CONDITIONS = {"not": (True,), "and": (True, True), "or": (True, True), "if": (True, False, False)}
"""Operation -> for each argument, whether it is a condition."""


class Statements:
    """Prints statements on ``states``, which code names by ``naming``."""

    def __init__(self, states: Collection[str], naming: Naming, partly: Collection[str] = ()) -> None:
        self.states, self.naming, self.partly = states, naming, partly
        self.truths = {"active", "spiking", "free"}

    def assigned(self, statements: Iterable[Statement], where: str = "", only: Collection[str] = ()) -> Iterator[str]:
        """Print statements in order; those that assign to one of ``only`` act where ``where`` is true."""
        for target, group in groupby(statements, lambda s: s.target):
            run, name = list(group), self.naming(target)
            if target not in only:
                yield from (f"{name} = {self.copied(s, name)}" for s in run)
            elif len(run) == 1:
                yield f"{name} = where({where}, {self.value(run[0], name)}, {name})"
            else:
                current = name
                for s in run:
                    yield f"{name}_new = {self.copied(s, current)}"
                    current = f"{name}_new"
                yield f"{name} = where({where}, {current}, {name})"

    def copied(self, s: Statement, current: str) -> str:
        """``value``, but a copy of a variable that it is.

        Brian2 makes ``V += ...`` of ``V = V + ...``, which on NumPy changes all names that the array has by then.
        """
        text = self.value(s, current)
        return f"clip({text}, -inf, inf)" if text.isidentifier() and s.target not in self.truths else text

    def value(self, s: Statement, current: str) -> str:
        """Print the value of a statement; ``current`` is the name of its target so far."""
        truth = s.target not in self.states and self.is_truth(s.value)
        if truth:
            self.truths.add(s.target)
        text = self.text(s.value, truth, {s.target: current})
        return (
            f"where(has_{own(s.needs)}, {text}, {current})"
            if s.needs in self.partly and s.target in self.states
            else text
        )

    def text(self, value: Expr, truth: bool, called: dict[str, str] | None = None) -> str:
        """Print an expression, as a condition if ``truth``, else as a number."""
        names = called or {}
        return printed(self.typed(value, truth), LANGUAGE, lambda name: names.get(name) or self.naming(name))

    def is_truth(self, value: Expr) -> bool:
        """Whether Brian2 takes an expression as a condition."""
        return value.op in TRUTHS if isinstance(value, Op) else isinstance(value, Name) and value.id in self.truths

    def typed(self, value: Expr, truth: bool) -> Expr:
        """``value`` with conditions as 0 or 1 where a number is needed, and ``!= 0`` where a condition is.

        Functions of numbers alone become their value: Brian2 loses the function when it computes one by itself.
        """
        typed = value
        if isinstance(value, Op) and value.op in FUNCTIONS and not any(names_in(value)):
            number = float(evaluated(value, {}))
            if np.isfinite(number):
                typed = Op("neg", (Num(-number),)) if number < 0 else Num(number)
        elif isinstance(value, Op):
            conditions = _CONDITIONS.get(value.op, repeat(False))
            typed = Op(value.op, tuple(self.typed(arg, c) for arg, c in zip(value.args, conditions, strict=False)))
        if self.is_truth(value) == truth:
            return typed
        return Op("!=", (typed, Num(0.0))) if truth else Op("number", (typed,))


class Step(Statements):
    """Prints the step of a ``kind`` by its equations.

    Some neurons may lack statements of ``table``: those that need a parameter in ``partly``, which not all neurons
    have. The variable ``has_PARAMETER`` then says which do.
    """

    def __init__(self, kind: Kind, table: Table, naming: Naming, partly: Collection[str]) -> None:
        super().__init__([s.name for s in kind.states], naming, partly)
        self.kind, self.table = kind, table

    def code(self) -> list[str]:
        """The code of a step: arrivals, statements, countdown of refractoriness."""
        table = self.table
        code = ["active = countdown <= 0", *self.assigned(table.before, "active", self.kind.held)]
        code.append("countdown = countdown - int(not active)")
        if table.spike is not None:
            code.append(f"spiking = {self.text(Op('and', (Name('active'), table.spike)), True)}")
            code += self.assigned(table.reset, "spiking", self.states)
            code.append("countdown = int(spiking)*n_ref + int(not spiking)*countdown")
        if "free" in table.names:
            code.append("free = countdown <= 0")
        return [*code, *self.assigned(table.after)]
