"""A network with other numbers: the same parts, synapses and delays, some of their values replaced."""

from __future__ import annotations

import copy
import dataclasses
from abc import ABC
from collections.abc import Mapping
from typing import Any, Self

from ernsnn.describe.arguments import checked
from ernsnn.describe.attached import Injection, Modulation, Probe
from ernsnn.describe.modulators import Modulator, ThirdFactor
from ernsnn.describe.names import owner_and_variable
from ernsnn.describe.poisson_input import PoissonInput
from ernsnn.describe.populations import Population, View
from ernsnn.describe.projections import Projection, check_projection
from ernsnn.describe.replaced import SHORT_TERM, Values, modulator, poisson_input, population, projection, variables_of
from ernsnn.errors import InvalidModel, unknown

_REFERRING = (Population, View, Modulator, ThirdFactor, Projection, PoissonInput, Injection, Modulation, Probe)
"""What refers to other parts of a network, or is referred to."""
_WEIGHTS = {"weight_nA": "w", "weight_mV": "w", "weight_uS": "w"}


class Replaceable(ABC):
    """What makes another network of a network."""

    dt_ms: float
    current_integration: Any
    populations: dict[str, Population]
    modulators: dict[str, Modulator]
    projections: dict[str, Projection]
    poisson_inputs: dict[str, PoissonInput]
    injections: list[Injection]
    modulations: list[Modulation]
    probes: list[Probe]
    frozen: list[tuple[int, int]]

    @checked
    def with_values(self, values: Mapping[str, Any], *, seed: int = 0) -> Self:
        """A network with other values, and with the very same synapses and delays; this one stays as it is.

        ``values``: path -> number, array, distribution or quantity with a unit. Paths are ``"cells.tau_m_ms"``, any
        parameter of a population's neurons or source; ``"see.w"``, ``"see.delay_ms"`` and ``"see.m"``, the (initial)
        weight, the delay and a mark of a projection; ``"see.short_term.U"``; ``"noise.w"``, ``"noise.rate_hz"`` and
        ``"noise.n"`` of a Poisson input; and ``"glia.tau_ms"``, any number of a third factor. ``Graph.values`` holds
        those of neurons and synapses.

        An array has one number a neuron, or one a synapse, in the order of ``Graph.values`` and
        ``Recording.synapses``, which is by pre neuron, then by post neuron; or it is a matrix (pre, post), of which
        the places with a synapse are read. Where a connector draws its synapses, one number a synapse is for those of
        ``seed``, which the new projection then has under every seed. Only what is named changes: v_init_mV stays where
        v_rest_mV is replaced.

        Raises InvalidModel, naming the path, on unknown ones, on other shapes, and on values that the part cannot have;
        on too many or too few of drawn synapses when the network is lowered.
        """
        given: dict[str, dict[str, Any]] = {}
        for path, value in values.items():
            owner, variable = self._owner(path)
            given.setdefault(owner, {})[variable] = value
        return self._rebuilt(given, seed)

    def _owner(self, path: str) -> tuple[str, str]:
        """The part of this network, and its variable, that a path names."""
        parts: dict[str, Any] = {**self.populations, **self.projections, **self.modulators, **self.poisson_inputs}
        owner, variable = owner_and_variable(path)
        if owner not in parts and owner.endswith(f".{SHORT_TERM}"):
            owner, variable = owner.removesuffix(f".{SHORT_TERM}"), f"{SHORT_TERM}.{variable}"
        if owner not in parts:
            raise InvalidModel(unknown("with_values: no part of the network", owner or path, parts), path=path)
        known = variables_of(parts[owner])
        if variable not in known:
            meant = _WEIGHTS.get(variable, "")
            hint = f"{variable!r}; did you mean {meant!r}?" if meant in known else unknown("", variable, known).lstrip()
            raise InvalidModel(f"with_values: {owner} has no {hint}", path=path)
        return owner, variable

    def _rebuilt(self, given: Mapping[str, Values], seed: int) -> Self:
        new, made = copy.copy(self), dict[int, Any]()

        def renewed(part: Any) -> Any:
            """A part as it is in the new network."""
            if isinstance(part, Mapping):
                return {renewed(key): renewed(value) for key, value in part.items()}
            if isinstance(part, tuple | list):
                return type(part)(map(renewed, part))
            if not isinstance(part, _REFERRING):
                return part
            if id(part) not in made:
                clone = copy.copy(part)
                for field in dataclasses.fields(part):
                    object.__setattr__(clone, field.name, renewed(getattr(part, field.name)))
                values = given.get(getattr(part, "name", ""))
                made[id(part)] = clone if values is None else new._changed(clone, values, seed)
            return made[id(part)]

        for attribute in Replaceable.__annotations__:  # projections are checked against the new modulators
            if isinstance(getattr(self, attribute), dict | list):
                setattr(new, attribute, renewed(getattr(self, attribute)))
        return new

    def _changed(self, part: Any, values: Values, seed: int) -> Any:
        """A part of this network with other values."""
        if isinstance(part, Population):
            return population(part, values, self.dt_ms, self.current_integration)
        if isinstance(part, Projection):
            new = projection(part, values, seed)
            check_projection(new, self.dt_ms, self.modulators)
            return new
        return modulator(part, values, self.dt_ms) if isinstance(part, Modulator) else poisson_input(part, values)
