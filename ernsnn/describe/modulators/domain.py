"""What all astrocytes share: the neurons of their domain, and a threshold that makes a gate of their calcium."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from ernsnn.describe.fields import convert_fields, is_one_of
from ernsnn.describe.modulators.modulator import Modulator
from ernsnn.describe.parametrised import check_values
from ernsnn.describe.units import to_number, to_single
from ernsnn.errors import InvalidModel

if TYPE_CHECKING:
    from ernsnn.describe.populations import Population, View


@dataclass(frozen=True, eq=False, kw_only=True)
class Domain(Modulator):
    """An astrocyte's members, threshold and gate: what all kinds of astrocytes share.

    ``per="domain"``: one astrocyte hears every neuron of ``listens_to``; ``per="neuron"``: astrocyte i hears neuron i
    of every member, all of one size. As a third factor it gives its calcium C, or, with a threshold, 1 where
    C >= threshold and 0 elsewhere; with ``threshold_off`` < threshold an open gate stays open while C >= threshold_off
    (hysteresis). It acts in the step of the spikes that it hears, before plasticity.
    """

    name: str
    listens_to: Sequence[Population | View]
    threshold: float | None = None
    threshold_off: float | None = None
    per: Literal["domain", "neuron"] = "domain"

    def _check_domain(self) -> None:
        """Convert what is declared here. Raises InvalidModel on what cannot be."""
        object.__setattr__(self, "listens_to", tuple(self.listens_to))
        if not is_one_of(self.per, ("domain", "neuron")):
            raise InvalidModel(f"{self.name}.per: must be 'domain' or 'neuron', got {self.per!r}")
        for field in ("threshold", "threshold_off"):
            value = getattr(self, field)
            if value is not None:
                object.__setattr__(self, field, to_single(value, f"{self.name}.{field}"))
        if self.threshold_off is not None and (self.threshold is None or self.threshold_off > self.threshold):
            raise InvalidModel(f"{self.name}.threshold_off: needs a threshold at or above it")
        sizes = {member.size for member in self.listens_to}
        if self.per == "neuron" and len(sizes) > 1:
            raise InvalidModel(f"{self.name}: per='neuron' needs members of one size, got {sorted(sizes)}")

    @property
    def size(self) -> int:
        """How many astrocytes there are."""
        return 1 if self.per == "domain" else self.listens_to[0].size


@dataclass(frozen=True, eq=False, kw_only=True)
class Listener(Domain):
    """Astrocytes of a kind whose parameters are fields; a subclass has its ``kind`` and these fields.

    Its table tells what a spike of its domain does: ``weight`` is one number for all members of ``listens_to``, or one
    a member, of either sign. It has a state C, which thresholds and gates look at. Raises InvalidModel on parameters
    out of range, and where there is nothing to listen to.
    """

    weight: float | Sequence[float] | np.ndarray = 1.0

    def __post_init__(self) -> None:
        if type(self).kind is Listener.kind:
            raise InvalidModel("Listener is what all kinds of astrocytes share; choose one, such as Astrocyte")
        own = {f.name for f in dataclasses.fields(self)} - {f.name for f in dataclasses.fields(Listener)}
        unknown = sorted(own - {p.name for p in self.kind.parameters})
        if unknown:
            raise InvalidModel(f"{self.name}: {', '.join(unknown)} is in no equation of {self.kind.name}")
        convert_fields(self, self.name)
        if not self.listens_to:
            raise InvalidModel(f"{self.name}: an astrocyte needs at least one population to listen to")
        self._check_domain()
        object.__setattr__(self, "weight", to_number(self.weight, f"{self.name}.weight"))
        if np.shape(self.weight) not in ((), (len(self.listens_to),)):
            raise InvalidModel(
                f"{self.name}.weight: needs one number, or one for each of the {len(self.listens_to)} members of "
                f"listens_to, got an array of shape {np.shape(self.weight)}"
            )
        for p in self.kind.parameters:
            value = getattr(self, p.name)
            value = getattr(self, p.follows) if value is None and p.follows else value
            object.__setattr__(self, p.name, to_single(value, f"{self.name}.{p.name}"))
        check_values(self.name, self.kind, self.parameters)

    @property
    def parameters(self) -> dict[str, float]:
        """Name -> value of every parameter of its kind."""
        return {p.name: getattr(self, p.name) for p in self.kind.parameters}

    @property
    def weights(self) -> tuple[float, ...]:
        """The weight of each member."""
        return tuple(np.broadcast_to(self.weight, len(self.listens_to)).tolist())
