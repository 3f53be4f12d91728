"""Third factors: slow or external signals that modulate plasticity, as astrocytes and given signals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from ernsnn.describe.fields import convert_fields
from ernsnn.describe.stimuli import Schedule
from ernsnn.describe.units import to_single
from ernsnn.errors import InvalidModel

if TYPE_CHECKING:
    from ernsnn.describe.populations import Population, View


@dataclass(frozen=True, eq=False, kw_only=True)
class Astrocyte:
    r"""Leaky astrocytes: C decays by exp(-dt/tau) and then adds ``weight`` per spike of its domain in the same step.

    .. math:: C(t) = C(t-1) e^{-dt/\tau} + weight \cdot n(t), \qquad C(-1) = 0

    ``per="domain"``: one astrocyte hears every neuron of ``listens_to``; ``per="neuron"``: astrocyte i hears neuron i
    of every member, all of one size. As a third factor it gives C itself, or, with a threshold, 1 where C >= threshold
    and 0 elsewhere; with ``threshold_off`` < threshold an open gate stays open while C >= threshold_off (hysteresis).
    It acts in the step of the spikes that it hears, before plasticity.
    """

    name: str
    listens_to: Sequence[Population | View]
    tau_ms: float
    weight: float = 1.0
    threshold: float | None = None
    threshold_off: float | None = None
    per: Literal["domain", "neuron"] = "domain"

    def __post_init__(self) -> None:
        convert_fields(self, self.name)
        if not self.listens_to:
            raise InvalidModel(f"{self.name}: an astrocyte needs at least one population to listen to")
        if self.per not in ("domain", "neuron"):
            raise InvalidModel(f"{self.name}.per: must be 'domain' or 'neuron', got {self.per!r}")
        if not self.tau_ms > 0:
            raise InvalidModel(f"{self.name}.tau_ms: must be > 0, got {self.tau_ms}")
        for field in ("weight", "threshold", "threshold_off"):
            value = getattr(self, field)
            if value is not None:
                object.__setattr__(self, field, to_single(value, f"{self.name}.{field}"))
        if self.threshold_off is not None and (self.threshold is None or self.threshold_off > self.threshold):
            raise InvalidModel(f"{self.name}.threshold_off: needs a threshold at or above it")
        object.__setattr__(self, "listens_to", tuple(self.listens_to))
        sizes = {member.size for member in self.listens_to}
        if self.per == "neuron" and len(sizes) > 1:
            raise InvalidModel(f"{self.name}: per='neuron' needs members of one size, got {sorted(sizes)}")

    @property
    def size(self) -> int:
        """How many astrocytes there are."""
        return 1 if self.per == "domain" else self.listens_to[0].size


@dataclass(frozen=True, eq=False, kw_only=True)
class Signal:
    """A given third factor, such as a reward: a Schedule of numbers, or of one number a neuron."""

    name: str
    schedule: Schedule

    @property
    def size(self) -> int:
        """How many values it has at a time."""
        values = np.asarray(self.schedule.values)
        return 1 if values.ndim == 1 else int(values.shape[1])


@dataclass(frozen=True, eq=False, kw_only=True)
class Gate:
    """1 while several astrocytes agree, else 0: a third factor with hysteresis.

    A closed gate opens when every astrocyte's C is at or above its number in ``opens``; an open one stays open while
    every C is at or above its number in ``stays`` (default: as ``opens``). Astrocytes of several values make as many
    gates, one each; those of one value take part in all.
    """

    name: str
    opens: Mapping[Astrocyte, float]
    stays: Mapping[Astrocyte, float] | None = None

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
    def size(self) -> int:
        """How many gates there are."""
        return max(a.size for a in self.opens)


Modulator = Astrocyte | Signal | Gate


@dataclass(frozen=True, kw_only=True, eq=False)
class ThirdFactor:
    """A modulator of several values, bound to the ``"pre"`` or ``"post"`` neurons of a projection, one each."""

    modulator: Modulator
    per: Literal["pre", "post"]
