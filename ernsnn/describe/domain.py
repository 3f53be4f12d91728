"""Base of astrocytes: the neurons of their domain, and the threshold that makes a gate of their calcium."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ernsnn.describe.fields import is_one_of
from ernsnn.describe.units import to_single
from ernsnn.errors import InvalidModel

if TYPE_CHECKING:
    from ernsnn.describe.populations import Population, View


@dataclass(frozen=True, eq=False, kw_only=True)
class Domain:
    """Base of all kinds of astrocytes.

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
        """Convert the fields that are declared here. Raises InvalidModel on values that they cannot have."""
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
        """The number of astrocytes."""
        return 1 if self.per == "domain" else self.listens_to[0].size
