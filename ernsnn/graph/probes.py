"""Variables that probes can record of a graph."""

from __future__ import annotations

from collections.abc import Iterator

from ernsnn.errors import unknown
from ernsnn.graph.graph import Graph, Neurons, Population, Probe, Projection


def not_probed(graph: Graph, target: str, variable: str) -> str:
    """A message on how to record ``variable`` of ``target``, or on the variables that the target has instead."""
    known = {p.name: ("populations", _of_population(p)) for p in graph.populations}
    known |= {p.name: ("projections", (*(v.name for v in p.variables), *_of_short_term(p))) for p in graph.projections}
    known |= {m.name: ("modulators", tuple(m.kind.probes)) for m in graph.modulators}
    if target not in known:
        return unknown("no population, projection or third factor", target, known)
    kind, variables = known[target]
    if variable not in variables:
        return unknown(f"a probe of {target} records no", variable, variables)
    return f"add net.probe(net.{kind}[{target!r}], {variable!r}) before the run"


def variables(graph: Graph) -> Iterator[Probe]:
    """Yield a probe for every variable, of whole populations and in every step."""
    for p in graph.populations:
        yield from (Probe("neurons", p.name, 0, p.size, name, 1) for name in _of_population(p))
    for m in graph.modulators:
        yield from (Probe("modulator", m.name, 0, 0, name, 1) for name in m.kind.probes)
    for projection in graph.projections:
        yield from (Probe("synapses", projection.name, 0, 0, v.name, 1) for v in projection.variables)
        yield from (Probe("short_term", projection.name, 0, 0, name, 1) for name in _of_short_term(projection))


def _of_population(p: Population) -> tuple[str, ...]:
    return tuple(p.kind.probes) if isinstance(p, Neurons) else ()


def _of_short_term(p: Projection) -> tuple[str, ...]:
    return tuple(state.name for state in p.short_term.kind.states) if p.short_term else ()
