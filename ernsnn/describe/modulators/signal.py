"""Given third factors."""

from __future__ import annotations

from dataclasses import dataclass

from ernsnn.describe.arguments import checked
from ernsnn.describe.expressions import Name
from ernsnn.describe.modulators.kind import ModulatorKind
from ernsnn.describe.modulators.modulator import Modulator
from ernsnn.describe.stimuli import Schedule


@checked
@dataclass(frozen=True, eq=False, kw_only=True)
class Signal(Modulator):
    """A given third factor, such as a reward: a Schedule of numbers, or of one number a neuron."""

    kind = ModulatorKind("Signal", value=Name("given"), standing=False)

    name: str
    schedule: Schedule

    @property
    def size(self) -> int:
        """How many values it has at a time."""
        return self.schedule.width or 1
