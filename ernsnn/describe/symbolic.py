"""Derivatives and linear parts of expressions."""

from __future__ import annotations

from collections.abc import Collection

from ernsnn.describe.expressions import Expr, Name, Num, Op, names_in, substituted

ZERO, ONE = Num(0.0), Num(1.0)


class NoDerivative(ValueError):
    """An operation whose derivative is no expression of these operations."""


def add(a: Expr, b: Expr) -> Expr:
    """a + b, simplified."""
    if a == ZERO:
        return b
    if b == ZERO:
        return a
    return Op("-", (a, b.args[0])) if isinstance(b, Op) and b.op == "neg" else Op("+", (a, b))


def negative(a: Expr) -> Expr:
    """-a, simplified."""
    if isinstance(a, Num):
        return Num(-a.value) if a.value else a
    return a.args[0] if isinstance(a, Op) and a.op == "neg" else Op("neg", (a,))


def times(a: Expr, b: Expr) -> Expr:
    """a * b, simplified."""
    if ZERO in (a, b):
        return ZERO
    if a == ONE:
        return b
    if b == ONE:
        return a
    return negative(b) if a == Num(-1.0) else Op("*", (a, b))


def over(a: Expr, b: Expr) -> Expr:
    """a / b, simplified."""
    return ZERO if a == ZERO else a if b == ONE else Op("/", (a, b))


def derivative(value: Expr, name: str) -> Expr:
    """d value / d name. Raises NoDerivative where that is no expression of the known operations."""
    if isinstance(value, Num):
        return ZERO
    if isinstance(value, Name):
        return ONE if value.id == name else ZERO
    if name not in names_in(value):
        return ZERO
    args, d = value.args, [derivative(arg, name) for arg in value.args]
    match value.op:
        case "+":
            return add(*d)
        case "-":
            return add(d[0], negative(d[1]))
        case "neg":
            return negative(d[0])
        case "*":
            return add(times(d[0], args[1]), times(args[0], d[1]))
        case "/" if d[1] == ZERO:
            return over(d[0], args[1])
        case "/":
            return add(over(d[0], args[1]), negative(over(times(args[0], d[1]), times(args[1], args[1]))))
        case "**" if d[1] == ZERO:
            return times(times(args[1], Op("**", (args[0], add(args[1], Num(-1.0))))), d[0])
        case "exp" | "expm1":
            return times(Op("exp", args), d[0])
        case "log":
            return over(d[0], args[0])
        case "sqrt":
            return over(d[0], times(Num(2.0), value))
        case "tanh":
            return times(add(ONE, negative(times(value, value))), d[0])
        case "abs":
            return Op("if", (Op(">=", (args[0], ZERO)), d[0], negative(d[0])))
        case "min" | "max":
            chosen = Op("<=" if value.op == "min" else ">=", args)
            return Op("if", (chosen, d[0], d[1]))
        case "if":
            return d[1] if d[1] == d[2] else Op("if", (args[0], d[1], d[2]))
        case "floor" | "ceil":
            return ZERO
    raise NoDerivative(value.op)


def simplified(value: Expr) -> Expr:
    """``value`` without sums with 0 and products with 0 and 1."""
    if not isinstance(value, Op):
        return value
    args = tuple(simplified(arg) for arg in value.args)
    match value.op:
        case "+":
            return add(*args)
        case "-":
            return args[0] if args[1] == ZERO else negative(args[1]) if args[0] == ZERO else Op("-", args)
        case "*":
            return times(*args)
        case "/":
            return over(*args)
        case "neg":
            return negative(args[0])
    return Op(value.op, args)


def linear_part(value: Expr, names: Collection[str]) -> tuple[dict[str, Expr], Expr] | None:
    """Coefficients and rest of ``value`` = sum of coefficient * name + rest; None where it is no such sum."""
    try:
        slopes = {name: derivative(value, name) for name in names}
    except NoDerivative:
        return None
    if any(set(names_in(slope)) & set(names) for slope in slopes.values()):
        return None
    rest = simplified(substituted(value, dict.fromkeys(names, ZERO)))
    return {name: slope for name, slope in slopes.items() if slope != ZERO}, rest
