"""Products of powers of variables, of which equations of learning and of transmission are sums."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ernsnn.describe.arguments import checked
from ernsnn.describe.units import to_single
from ernsnn.errors import InvalidModel

MOST_POWER = 1000
"""The largest power; backends write powers as products."""


@checked
@dataclass(frozen=True, kw_only=True)
class Factor:
    """(offset + scale * variable) ** power; ``variable`` is the weight, a mark, a trace or a third factor."""

    variable: str
    scale: float = 1.0
    offset: float = 0.0
    power: int = 1

    def __post_init__(self) -> None:
        path = f"Factor {self.variable}"
        power = to_single(self.power, f"{path}.power")
        if not 1 <= power <= MOST_POWER or not power.is_integer():
            raise InvalidModel(f"{path}: power must be a whole number from 1 to {MOST_POWER}, got {self.power}")
        object.__setattr__(self, "power", int(power))
        for name in ("scale", "offset"):
            object.__setattr__(self, name, to_single(getattr(self, name), f"{path}.{name}"))


@checked
@dataclass(frozen=True)
class Product:
    """coefficient * product of factors."""

    coefficient: float
    factors: tuple[Factor, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "coefficient", to_single(self.coefficient, "a coefficient"))
        object.__setattr__(self, "factors", tuple(self.factors))


def lowest(products: Sequence[Product], bounds: Callable[[str], tuple[float, float]]) -> float:
    """The lowest value of the sum of ``products`` with every variable at one of its ``bounds``.

    This is the minimum if no variable has a power above 1. An infinite bound counts as 1e6.
    """
    names = sorted({factor.variable for product in products for factor in product.factors})
    ends = [np.clip(bounds(name), -1e6, 1e6).tolist() for name in names]

    def total(corner: tuple[float, ...]) -> float:
        at = dict(zip(names, corner, strict=True))
        factors = (
            (p.coefficient, [(f.offset + f.scale * at[f.variable]) ** f.power for f in p.factors]) for p in products
        )
        return math.fsum(coefficient * math.prod(values) for coefficient, values in factors)

    return min(map(total, itertools.product(*ends)))
