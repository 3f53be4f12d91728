"""PyNN's cell and synapse types that ernsnn lacks: scripts can make them; ``check`` and ``run`` list them all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from pyNN.standardmodels import build_translations, cells, synapses

from ernsnn.backend.issues import Limit

from .simulator import State
from .synapses import Synapse

_WRITTEN = "ernsnn has no cell of this name for scripts of PyNN; write its equations with ern.Neuron.from_equations"
_SOURCE = "its rate and its shape change together; spikes that are drawn outside can be given"

CELLS = {
    "IF_facets_hardware1": "it is the neuron of one chip, with parameters that the others do not know",
    "GIF_cond_exp": _WRITTEN,
    "SpikeSourceInhGamma": _SOURCE,
}
SYNAPSES = {
    "StochasticTsodyksMarkramSynapse": "what a spike of ernsnn transmits is not drawn",
    "MultiQuantalSynapse": "what a spike of ernsnn transmits is not drawn",
    "SimpleStochasticSynapse": "spikes of ernsnn are transmitted for certain",
}


class Absent:
    """A type of PyNN's that no backend of ernsnn runs, and why."""

    reason: str
    remedy = ""
    """What to do instead; empty for one of PyNN's types, of which others are near."""

    def lacks(self, constant: Callable[[str], float]) -> str:
        """See ``Synapse.lacks``."""
        return self.reason


def _made(name: str, base: type, *kinds: type, **attributes: object) -> type:
    same = build_translations(*((n, n) for n in base.default_parameters))  # type: ignore[attr-defined]
    return type(name, (*kinds, base), {"__doc__": base.__doc__, "translations": same, **attributes})


TYPES: dict[str, type] = {
    **{name: _made(name, getattr(cells, name), Absent, reason=why) for name, why in CELLS.items()},
    **{name: _made(name, getattr(synapses, name), Absent, Synapse, reason=why) for name, why in SYNAPSES.items()},
}
"""The types by name; ``ernsnn.pynn`` has them as attributes."""


def unsupported(state: State) -> Iterator[Limit]:
    """Yield a limit for each part of the script of an absent type: Y201 cells, Y202 synapses."""

    def limit(code: str, path: str, thing: object, reason: str, remedy: str) -> Limit:
        return Limit(code, path, f"{type(thing).__name__}: {reason}", remedy)

    for population in state.populations:
        if isinstance(population.celltype, Absent):
            cell: Any = population.celltype
            remedy = "use SpikeSourceArray, SpikeSourcePoisson or SpikeSourceGamma"
            if "SpikeSource" not in type(cell).__name__:
                remedy = f"use {'IF_cond_exp' if cell.conductance_based else 'IF_curr_exp'}"
            yield limit("Y201", population.label, cell, cell.reason, cell.remedy or remedy)
    for projection in state.projections:
        lacks = projection.synapse_type.lacks
        reasons = [lacks(constant) for constant in projection.constants()] or [lacks(lambda name: 0.0)]
        if reason := next(filter(None, reasons), ""):
            remedy = "use StaticSynapse or STDPMechanism"
            if projection.synapse_type.plastic:
                remedy = "use another rule or weight_dependence, with whole numbers of 0 and above as its powers"
            remedy = getattr(projection.synapse_type, "remedy", "") or remedy
            yield limit("Y202", projection.label, projection.synapse_type, reason, remedy)
