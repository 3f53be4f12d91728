"""Attachments to the parts of a network: injected currents, modulations and probes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ernsnn.describe.arguments import checked
from ernsnn.describe.modulators import Modulator
from ernsnn.describe.neurons import Neuron
from ernsnn.describe.populations import View
from ernsnn.describe.projections import Projection
from ernsnn.describe.stimuli import CurrentSteps, Poisson, SpikeTimes


@dataclass(frozen=True, eq=False, kw_only=True)
class Injection:
    """A current injected into a population."""

    target: View
    current: CurrentSteps


@dataclass(frozen=True, eq=False, kw_only=True)
class Modulation:
    """A modulator that shifts a parameter of neurons; see ``Network.modulate``."""

    target: View
    modulator: Modulator
    variable: Literal["i_offset_nA", "v_threshold_mV"]
    gain: float


@checked
@dataclass(frozen=True, eq=False, kw_only=True)
class Probe:
    """Records a variable every ``every`` steps: of neurons, a third factor, or a projection's synapses."""

    target: View | Modulator | Projection
    variable: str
    every: int


def probeable(model: Neuron | SpikeTimes | Poisson) -> tuple[str, ...]:
    """The variables of a neuron that a probe can record."""
    return tuple(model.kind.probes) if isinstance(model, Neuron) else ()
