"""Expressions evaluated with NumPy: constants, initial values and conditions, and the steps of the reference."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from ernsnn.describe.expressions import Expr, Name, Num, Op, Statement

Numbers = float | np.ndarray
Evaluator = Callable[[Mapping[str, Any]], Any]
"""Function from the values of names to that of an expression."""


def exprel(x: Any) -> Any:
    """expm1(x)/x, and 1 at 0."""
    zero = np.asarray(x) == 0
    safe = np.where(zero, 1.0, x)
    return np.where(zero, 1.0, np.expm1(safe) / safe)


OPERATIONS: Mapping[str, Callable[..., Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": np.divide,
    "**": np.power,
    "neg": operator.neg,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
    "and": np.logical_and,
    "or": np.logical_or,
    "not": np.logical_not,
    "if": np.where,
    "min": np.minimum,
    "max": np.maximum,
    "abs": np.abs,
    "floor": np.floor,
    "ceil": np.ceil,
    "exp": np.exp,
    "expm1": np.expm1,
    "exprel": exprel,
    "log": np.log,
    "sqrt": np.sqrt,
    "tanh": np.tanh,
    "cos": np.cos,
}


def evaluator(value: Expr, operations: Mapping[str, Callable[..., Any]] = OPERATIONS) -> Evaluator:
    """A function that computes an expression, its operations in the order in which they stand."""
    if isinstance(value, Num):
        number = value.value
        return lambda names: number
    if isinstance(value, Name):
        return operator.itemgetter(value.id)
    operation, args = operations[value.op], [evaluator(arg, operations) for arg in value.args]
    if len(args) == 1:
        (only,) = args
        return lambda names: operation(only(names))
    if len(args) == 2:
        return _binary(operation, value, *args)
    return lambda names: operation(*(arg(names) for arg in args))


def _binary(operation: Callable[..., Any], value: Op, left: Evaluator, right: Evaluator) -> Evaluator:
    """A function that computes an operation on two; it looks names and numbers up itself, which saves a call each."""
    match value.args:
        case Name(id=one), Name(id=other):
            return lambda names: operation(names[one], names[other])
        case Name(id=one), Num(value=number):
            return lambda names: operation(names[one], number)
        case Num(value=number), Name(id=other):
            return lambda names: operation(number, names[other])
        case Name(id=one), _:
            return lambda names: operation(names[one], right(names))
        case _, Name(id=other):
            return lambda names: operation(left(names), names[other])
    return lambda names: operation(left(names), right(names))


def evaluators(
    statements: Iterable[Statement], operations: Mapping[str, Callable[..., Any]] = OPERATIONS
) -> list[tuple[str, Evaluator]]:
    """(target, function of its value) of each statement, in order."""
    return [(s.target, evaluator(s.value, operations)) for s in statements]


def assign(statements: Iterable[tuple[str, Evaluator]], names: dict[str, Any]) -> None:
    """Execute what ``evaluators`` gave, in order."""
    for target, value in statements:
        names[target] = value(names)


def evaluated(value: Expr, names: Mapping[str, Any]) -> Any:
    """The value of an expression; infinite or NaN, without a warning, where it divides by 0 or overflows."""
    with np.errstate(all="ignore"):
        return evaluator(value)(names)
