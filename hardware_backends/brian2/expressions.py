"""Texts of Brian2 expressions, in which numbers are named constants, so that new numbers need no new compilation."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from ernsnn.describe.learning import Term
from ernsnn.describe.products import Product

from ..printers import Notation

Naming = Callable[[str], str]


class Constants:
    """Numbers that an object's code uses, by name; equal numbers share one."""

    def __init__(self, prefix: str = "k") -> None:
        self.prefix = prefix
        self.values: dict[str, float] = {}

    def name(self, value: float) -> str:
        """The text by which code refers to a number."""
        for name, known in self.values.items():
            if known == value:
                return name
        name = f"{self.prefix}{len(self.values)}"
        self.values[name] = value
        return name

    @property
    def equations(self) -> list[str]:
        """The declarations of the constants."""
        return [f"{name} : 1 (shared, constant)" for name in self.values]


def total(products: Iterable[Product | Term], naming: Naming, constants: Constants) -> str:
    """The sum of products."""
    notation = Notation(naming, constants.name, lambda base, power: f"{base}**{power}")
    return " + ".join(map(notation.product, products))


def clipped(value: str, low: float, high: float, constants: Constants) -> str:
    """``value`` within its bounds."""
    if np.isinf(low) and np.isinf(high):
        return value
    bounds = [f"{'-' if b < 0 else ''}inf" if np.isinf(b) else constants.name(b) for b in (low, high)]
    return f"clip({value}, {bounds[0]}, {bounds[1]})"
