"""What all third factors share, and how rules bind those of several values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ernsnn.describe.arguments import checked
from ernsnn.describe.modulators.kind import ModulatorKind


@dataclass(frozen=True, eq=False, kw_only=True)
class Modulator:
    """A third factor: a slow or external signal that modulates plasticity or neurons."""

    name: str

    @property
    def kind(self) -> ModulatorKind:
        """The table of its equations."""
        raise NotImplementedError

    @property
    def size(self) -> int:
        """How many values it has at a time."""
        raise NotImplementedError

    def check_step(self, dt_ms: float) -> None:
        """Raise InvalidModel where it cannot be computed in steps of ``dt_ms``."""


@checked
@dataclass(frozen=True, kw_only=True, eq=False)
class ThirdFactor:
    """A modulator of several values, bound to the ``"pre"`` or ``"post"`` neurons of a projection, one each."""

    modulator: Modulator
    per: Literal["pre", "post"]
