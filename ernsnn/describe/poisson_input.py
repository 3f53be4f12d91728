"""Strong Poisson input: spikes of many sources onto each neuron of a target, given by their number in a step alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ernsnn.describe.arguments import checked
from ernsnn.describe.distributions import Distribution, Value
from ernsnn.describe.populations import Population, View
from ernsnn.describe.stimuli import convert_rates, rates_width
from ernsnn.describe.units import to_number
from ernsnn.describe.weights import Weighted
from ernsnn.errors import InvalidModel, quoted


@checked
@dataclass(frozen=True, eq=False, kw_only=True)
class PoissonInput(Weighted):
    """Spikes of ``n`` independent Poisson sources of ``rate_hz`` onto every neuron; see ``Network.poisson_input``."""

    name: str
    target: View
    rate_hz: Any
    n: Any = 1
    weight_nA: Value | None = None
    weight_mV: Value | None = None
    weight_uS: Value | None = None
    receptor: str = "excitatory"

    def __post_init__(self) -> None:
        convert_rates(self, self.name)
        object.__setattr__(self, "n", to_number(self.n, f"{self.name}.n"))
        if problems := list(self._problems()):
            raise InvalidModel("\n".join(problems))

    @property
    def reached(self) -> Population:
        """See ``Weighted.reached``."""
        return self.target.population

    def _problems(self) -> Iterator[str]:
        n = np.asarray(self.n)
        if not ((n >= 0) & (n % 1 == 0)).all():
            yield f"{self.name}.n: needs whole numbers of sources >= 0, got {quoted(self.n)}"
        yield from self._misshapen("n", n.shape)
        width = rates_width(self.rate_hz)
        yield from self._misshapen("rate_hz", () if width is None else (width,))
        yield from self.receptor_problems()
        if self.reached.is_source:
            return
        if problems := list(self.unit_problems()):
            yield from problems
            return
        if not isinstance(self.weight, Distribution):
            yield from self._misshapen(self.weight_field, np.shape(self.weight))
        yield from self.sign_problems()

    def _misshapen(self, field: str, shape: tuple[int, ...]) -> Iterator[str]:
        if shape not in ((), (self.target.size,)):
            yield (
                f"{self.name}.{field}: needs one number or {self.target.size}, one a neuron of {self.target.name}, got "
                f"an array of shape {shape}"
            )
