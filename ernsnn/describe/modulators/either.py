"""The largest of several third factors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from ernsnn.describe.arguments import checked
from ernsnn.describe.expressions import Name
from ernsnn.describe.modulators.kind import ModulatorKind, Read, joined
from ernsnn.describe.modulators.modulator import Modulator
from ernsnn.errors import InvalidModel


@cache
def either_kind(n: int) -> ModulatorKind:
    """The largest of ``n`` values."""
    names = [f"value{k}" for k in range(n)]
    reads = tuple(Read(name, "value") for name in names)
    return ModulatorKind("Either", reads=reads, value=joined("max", [Name(name) for name in names]))


@checked
@dataclass(frozen=True, eq=False, kw_only=True)
class Either(Modulator):
    """The largest of several third factors: with factors of 0 and 1, whether any of them is on.

    So can an astrocyte or sleep consolidate. Factors of several values give as many, one each; those of one value take
    part in all.
    """

    name: str
    factors: Sequence[Modulator]

    def __post_init__(self) -> None:
        object.__setattr__(self, "factors", tuple(self.factors))
        if len(self.factors) < 2:
            raise InvalidModel(f"{self.name}: needs at least two third factors")
        sizes = {factor.size for factor in self.factors} - {1}
        if len(sizes) > 1:
            raise InvalidModel(f"{self.name}: third factors of different sizes, {sorted(sizes)}")

    @property
    def kind(self) -> ModulatorKind:
        """The table of its equations."""
        return either_kind(len(self.factors))

    @property
    def size(self) -> int:
        """How many values it has at a time."""
        return max(factor.size for factor in self.factors)
