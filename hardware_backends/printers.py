"""Printing of products of powers in any language, for backends that compile learning rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from ernsnn.describe.products import Factor


class Products(Protocol):
    """A Product, or a Term."""

    @property
    def coefficient(self) -> float:
        """The coefficient."""

    @property
    def factors(self) -> tuple[Factor, ...]:
        """The factors by which it is multiplied."""


@dataclass(frozen=True)
class Notation:
    """The texts of variables, numbers and powers in a language; ``known`` are factors with names of their own."""

    variable: Callable[[str], str]
    number: Callable[[float], str]
    power: Callable[[str, int], str]
    known: Mapping[Factor, str] = field(default_factory=dict)

    def factor(self, f: Factor) -> str:
        """(offset + scale * variable) ** power."""
        if f in self.known:
            return self.known[f]
        variable = self.variable(f.variable)
        scaled = variable if f.scale == 1 else f"-{variable}" if f.scale == -1 else f"{self.number(f.scale)}*{variable}"
        if f.offset == 0:
            base = scaled if scaled == variable else f"({scaled})"
        elif f.scale == -1:
            base = f"({self.number(f.offset)} - {variable})"
        else:
            base = f"({self.number(f.offset)} + {scaled})"
        return base if f.power == 1 else self.power(base, f.power)

    def product(self, p: Products) -> str:
        """coefficient * factors, from left to right as the reference multiplies; a coefficient of 1 is left out."""
        factors = [self.factor(f) for f in p.factors]
        return "*".join(factors if factors and p.coefficient == 1 else [self.number(p.coefficient), *factors])
