r"""Learning rules in integers, before their coefficients are rounded: Terms become sums of monomials.

A variable v of the graph is held as an integer n with v = step (n + zero). A factor offset + scale v is then
A (n + c) with A = scale * step and c = zero + offset/A: one factor of Lava's where n + c fits its width, else the sum
of A (n + zero) and offset.

Lava reads traces at the end of a step, after the impulses of its spikes; the specification reads a trace before an
impulse that it owes to the same event. So a trace reads n - impulse at its own side's events, and a trace of pre spikes
n - impulse x0 at those of post spikes, x0 being 1 where both spike in the step.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from ernsnn.describe.learning import EPOCH, POST, PRE, Term
from ernsnn.describe.products import Factor

from .integers import Operand, Product, Variable
from .limits import (
    ACCUMULATOR_WIDTH,
    EXPONENT_MIN,
    MANTISSA_MAX,
    MANTISSA_WIDTH,
    PRE_TRACES,
    PRODUCT_WIDTH_MAX,
    WIDTHS,
)

_LARGE = range(MANTISSA_MAX // 2 + 1, MANTISSA_MAX + 1)
"""Mantissas with which all bits are used."""
OVERSHOOT = 1 / 32
"""A factor may leave its width by this share: being cut off there costs less than a difference of rounded products."""

Sum = list[tuple[float, tuple[Operand, ...]]]


@dataclass(frozen=True, kw_only=True)
class Side(Factor):
    """1 where offset + scale * variable is above 0, -1 where it is below."""


@dataclass(frozen=True)
class Axis:
    """The representation of a variable of the graph by an integer n: v = step * (n + zero), n from low to high.

    A trace has a ``side`` and its ``impulse``.
    """

    name: Variable
    step: float
    zero: float
    low: int
    high: int
    side: Literal["pre", "post"] | None = None
    impulse: int = 0

    def value(self, n: float) -> float:
        """The value of the integer n."""
        return self.step * (n + self.zero)

    def integer(self, value: float) -> float:
        """The unrounded integer for ``value``."""
        return value / self.step - self.zero

    @property
    def limit(self) -> int:
        """The magnitude at which a factor with this variable is clipped."""
        return int(2 ** WIDTHS[self.name])


@dataclass(frozen=True)
class Monomial:
    """coefficient * event * parts is added to the target's integer."""

    coefficient: float
    event: str
    parts: tuple[Operand, ...]

    @property
    def width(self) -> int:
        """Bits of the factors and the mantissa."""
        return sum(WIDTHS[part.variable] for part in self.parts) + MANTISSA_WIDTH

    @property
    def shift(self) -> int:
        """The number of bits by which Lava shifts the product down, which the exponent compensates."""
        return max(0, self.width - ACCUMULATOR_WIDTH)

    @property
    def rest(self) -> tuple[Operand, ...]:
        """All factors but traces of pre spikes and coincidences: a correction has the same as what it corrects."""
        return tuple(part for part in self.parts if part.variable not in ("x0", *PRE_TRACES))

    @property
    def corrects(self) -> bool:
        """Whether it subtracts the impulse that a coincident spike added to a trace."""
        return any(part.variable in ("x0", "y0") for part in self.parts)


def widened(m: Monomial) -> tuple[Monomial, int]:
    """``m`` with a factor that is a constant, d + k, where its coefficient is too small to be held well; and k.

    Nothing changes d, which is 0. It makes the product wider, so that Lava shifts it further down. Not at epochs of
    more than a step: longer ones do the same there.
    """
    wide = replace(m, parts=(*m.parts, Operand("d")))
    if m.event not in ("x0", "y0", "u0") or wide.width > PRODUCT_WIDTH_MAX:
        return m, 1
    if abs(math.ldexp(m.coefficient, m.shift - EXPONENT_MIN)) >= _LARGE[0]:
        return m, 1
    asked = abs(math.ldexp(m.coefficient, wide.shift - EXPONENT_MIN))
    choices = [(mantissa, max(1, min(round(asked / mantissa), 2 ** WIDTHS["d"] - 1))) for mantissa in _LARGE]
    _, constant = min(choices, key=lambda choice: abs(math.prod(choice) - asked))
    return replace(m, coefficient=m.coefficient / constant, parts=(*m.parts, Operand("d", constant=constant))), constant


def monomials(term: Term, target_step: float, axes: Mapping[str, Axis], event: str) -> list[Monomial]:
    """A term as monomials: all factors multiplied out."""
    sums: dict[tuple[Operand, ...], float] = {}
    powers = [alternatives(f, axes[f.variable], term.event) for f in term.factors for _ in range(f.power)]
    for chosen in itertools.product(*powers):
        number = term.coefficient / target_step * math.prod(a for a, _ in chosen)
        parts = [part for _, more in chosen for part in more]
        once = {part for part in parts if part.variable == "x0"}  # x0 is 0 or 1: its square is itself
        key = tuple(sorted((p for p in parts if p.variable != "x0"), key=_order)) + tuple(once)
        sums[key] = sums.get(key, 0.0) + number
    return [Monomial(number, event, parts) for parts, number in sums.items() if number]


def _order(part: Operand) -> tuple[str, int]:
    return part.variable, part.constant


def alternatives(factor: Factor, axis: Axis, event: str) -> Sum:
    """A factor (its power aside) as a sum of numbers times parts."""
    own = axis.impulse and ((event == PRE and axis.side == "pre") or (event == POST and axis.side == "post"))
    seen = replace(axis, zero=axis.zero - axis.impulse) if own else axis
    scaled = factor.scale * axis.step
    if not scaled:
        return [(factor.offset, ())]
    if isinstance(factor, Side):
        threshold = axis.integer(-factor.offset / factor.scale)
        return [(math.copysign(1.0, scaled), (Operand(axis.name, constant=-round(threshold), sgn=True),))]
    constant = seen.zero + factor.offset / scaled
    slack = axis.limit * (1 + OVERSHOOT)
    if axis.low + constant >= -slack and axis.high + constant <= slack:
        result: Sum = [(scaled, (Operand(axis.name, constant=round(constant)),))]
    else:
        result = [(scaled, (Operand(axis.name, constant=round(seen.zero)),)), (factor.offset, ())]
    if axis.impulse and axis.side == "pre" and event == POST:
        result.append((-scaled * axis.impulse, (Operand("x0"),)))
    return result


def rounded_ends(factor: Factor, axis: Axis) -> tuple[tuple[float, float], ...]:
    """(asked, stored) of a factor at both ends of its variable's range."""
    scaled = factor.scale * axis.step

    def stored(n: int) -> float:
        total = 0.0
        for number, parts in alternatives(factor, axis, EPOCH):
            within = [min(max(n + p.constant, -axis.limit), axis.limit - 1) for p in parts]
            total += number * math.prod(within)
        return total

    if not scaled or isinstance(factor, Side):
        return ()
    return tuple((factor.offset + factor.scale * axis.value(n), stored(n)) for n in (axis.low, axis.high))


def text(product: Product) -> str:
    """A product as text, in Lava's syntax: -4*2^3*x0*y1*(w-255)."""

    def written(part: Operand) -> str:
        sign = "-" if part.sign < 0 else ""
        inner = f"{sign}{part.variable}{part.constant:+d}" if part.constant else f"{sign}{part.variable}"
        if part.sgn:
            return f"sgn({inner})"
        return f"({inner})" if part.constant or sign else inner

    exponent = f"*2^{product.exponent}" if product.exponent else ""
    return "*".join([f"{product.mantissa}{exponent}", product.event, *map(written, product.parts)])
