"""Gates over several astrocytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from ernsnn.describe.arguments import checked
from ernsnn.describe.expressions import Num, Op
from ernsnn.describe.kinds import Parameter
from ernsnn.describe.modulators.domain import Domain
from ernsnn.describe.modulators.kind import LEVEL, ModulatorKind, Read, expression, joined
from ernsnn.describe.modulators.modulator import Modulator
from ernsnn.describe.units import to_single
from ernsnn.errors import InvalidModel

_FIELDS = ("opens", "stays")


@cache
def gate_kind(n: int) -> ModulatorKind:
    """A gate over ``n`` astrocytes, with a level at which each opens it, and one at which it stays open."""
    opens, stays = (joined("and", [expression(f"{LEVEL}{k} >= {field}{k}") for k in range(n)]) for field in _FIELDS)
    is_open = Op("or", (opens, Op("and", (expression("value > 0.0"), stays))))
    return ModulatorKind(
        "Gate",
        parameters=tuple(Parameter(f"{name}{k}") for k in range(n) for name in _FIELDS),
        reads=tuple(Read(f"{LEVEL}{k}", LEVEL) for k in range(n)),
        value=Op("if", (is_open, Num(1.0), Num(0.0))) if n else Num(0.0),
    )


@checked
@dataclass(frozen=True, eq=False, kw_only=True)
class Gate(Modulator):
    """1 while several astrocytes of any kind agree, else 0: a third factor with hysteresis.

    A closed gate opens when every astrocyte's C is at or above its number in ``opens``; an open one stays open while
    every C is at or above its number in ``stays`` (default: as ``opens``). Astrocytes of several values make as many
    gates, one each; those of one value take part in all.
    """

    name: str
    opens: Mapping[Domain, float]
    stays: Mapping[Domain, float] | None = None

    def __post_init__(self) -> None:
        if not self.opens:
            raise InvalidModel(f"{self.name}: a gate needs at least one astrocyte that opens it")
        stays = self.opens if self.stays is None else self.stays
        if set(stays) != set(self.opens):
            raise InvalidModel(f"{self.name}: opens and stays must name the same astrocytes")
        for field, given in (("opens", self.opens), ("stays", stays)):
            checked = {a: to_single(value, f"{self.name}.{field}[{a.name}]") for a, value in given.items()}
            object.__setattr__(self, field, checked)
        for astrocyte, level in self.opens.items():
            if stays[astrocyte] > level:
                raise InvalidModel(
                    f"{self.name}: {astrocyte.name} needs more to stay open ({stays[astrocyte]}) than to open "
                    f"({level}); the gate would flicker"
                )
        sizes = {a.size for a in self.opens} - {1}
        if len(sizes) > 1:
            raise InvalidModel(f"{self.name}: astrocytes of different sizes, {sorted(sizes)}")

    @property
    def kind(self) -> ModulatorKind:
        """The table of its equations."""
        return gate_kind(len(self.opens))

    @property
    def size(self) -> int:
        """How many gates there are."""
        return max(a.size for a in self.opens)
