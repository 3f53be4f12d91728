"""Checks for networks that can be run and are probably not as intended, and the warning that a run gives.

G301 and the following are issues, not errors, because for each there are networks in which it is right.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from weakref import WeakSet

import numpy as np

from ernsnn.backend.issues import Issue, Limit
from ernsnn.errors import warn
from ernsnn.graph.graph import Graph, Neurons
from ernsnn.graph.spikes import GivenSpikes, PoissonSpikes
from ernsnn.graph.values import columns_of

_LONG_STEP_MS = 5.0
_HIGH_MV = 200.0
"""Thresholds above this are taken as intended: they mean that a neuron never spikes."""
_DEEP_REST_MV = -20.0
"""Rest potentials below this are in mV as biological neurons have them."""
_LEAKY = ("LIF", "AdaptiveLIF", "DeltaLIF", "ConductanceLIF", "AlphaLIF", "AlphaConductanceLIF")
"""Kinds whose V settles at v_rest + R i_offset."""


def doubts(graph: Graph) -> Iterator[Limit]:
    """Yield a limit for everything in a network that is probably not intended."""
    if graph.dt_ms > _LONG_STEP_MS:
        yield Limit("G303", graph.name, f"a step takes {graph.dt_ms:g} ms", "take steps of 1 ms or less")
    spiking = _spiking(graph)
    receptors = {(q.post, q.arrives_at) for q in graph.projections if q.n_synapses}
    receptors |= {(i.target.population, i.arrives_at) for i in graph.poisson_inputs}
    for p in graph.neurons():
        yield from _of_potentials(p)
        yield from _of_times(p, graph, receptors)
        if p.name not in spiking:
            reached = any(q.post == p.name and q.n_synapses for q in graph.projections)
            nothing = "what projects onto these neurons never spikes" if reached else "no synapse reaches these neurons"
            message = f"{nothing}, no current is injected, and i_offset does not make them spike"
            yield Limit("G305", p.name, message, "project spikes onto them, inject a current, or raise i_offset_nA")
    for projection in graph.projections:
        if projection.learning and projection.pre not in spiking:
            message = f"{projection.pre} never spikes: nothing is transmitted, and what its spikes change stays"
            remedy = f"give {projection.pre} spikes"
            yield Limit("G306", projection.name, message, remedy, names=(projection.pre,))


def _of_potentials(p: Neurons) -> Iterator[Limit]:
    if not {"v_rest_mV", "v_threshold_mV"} <= p.parameters.keys():
        return
    rest, threshold = (np.atleast_1d(p.parameters[name]) for name in ("v_rest_mV", "v_threshold_mV"))
    small = np.all((threshold > -1) & (threshold < 0))
    if small and np.all((rest > -1) & (rest < 0) | (rest < _DEEP_REST_MV)):
        message = f"v_rest_mV is {rest.min():g} and v_threshold_mV {threshold.max():g}: that looks like volts"
        yield Limit("G301", p.name, message, 'give potentials in mV, or with their unit: "-50 mV"')
    elif np.all(rest < _DEEP_REST_MV) and np.any((threshold > 0) & (threshold <= _HIGH_MV)):
        highest = float(np.max(threshold[threshold <= _HIGH_MV]))
        message = f"v_threshold_mV reaches {highest:g}, and v_rest_mV is {rest.min():g}"
        yield Limit("G304", p.name, message, f"is {-highest:g} meant? Read-outs that never spike have far higher ones")


def _of_times(p: Neurons, graph: Graph, receptors: set[tuple[str, str]]) -> Iterator[Limit]:
    """Yield time constants below the time step.

    None where current_integration is "step_average", which takes such time constants on purpose.
    """
    if graph.current_integration != "exact":
        return
    for name in ("tau_m_ms", "tau_syn_E_ms", "tau_syn_I_ms"):
        if name.startswith("tau_syn") and (p.name, name[8]) not in receptors:
            continue
        shortest = float(np.min(p.parameters.get(name, np.inf)))
        if shortest < graph.dt_ms * (1 - 1e-9):
            message = f"{name} is {shortest:g}, and a step takes {graph.dt_ms:g} ms: what decays is gone in the next"
            yield Limit("G302", p.name, message, "take a smaller dt_ms")


def _spiking(graph: Graph) -> set[str]:
    """The populations that can spike: by themselves, by currents and modulators, or by synapses of such."""
    spiking = {each.target.population for each in graph.injections}
    spiking |= {each.target.population for each in graph.modulations}
    spiking |= {each.target.population for each in graph.poisson_inputs if np.any(columns_of(each.means)[0])}
    spiking |= {source.name for source in graph.sources() if not _silent(source.spikes)}
    spiking |= {p.name for p in graph.neurons() if not _rests(p, graph)}
    onto: dict[str, list[str]] = {}
    for projection in graph.projections:
        if projection.n_synapses:
            onto.setdefault(projection.pre, []).append(projection.post)
    waiting = list(spiking)
    while waiting:
        reached = set(onto.get(waiting.pop(), ())) - spiking
        spiking |= reached
        waiting += reached
    return spiking


def _rests(p: Neurons, graph: Graph) -> bool:
    """Whether neurons without input do not spike by themselves either."""
    if p.draws or p.intrinsic or p.kind.name not in _LEAKY:  # of other kinds none can say when they spike
        return False
    values = p.parameters
    with np.errstate(over="ignore", invalid="ignore"):
        resistance = np.asarray(values["tau_m_ms"]) / values["cm_nF"]
        highest = np.maximum(values["v_init_mV"], values["v_rest_mV"] + resistance * values["i_offset_nA"])
    return bool(np.all(highest < values["v_threshold_mV"]))


def _silent(spikes: GivenSpikes | PoissonSpikes) -> bool:
    if isinstance(spikes, GivenSpikes):
        return len(spikes.steps) == 0
    return not np.any(columns_of(spikes.probabilities)[0])


def warn_of(issues: Iterable[Issue], graph: Graph) -> None:
    """Give one warning of the doubtful ones among the issues of a run, a line for each code; once for a graph."""
    by_code: dict[str, list[Issue]] = {}
    for issue in issues:
        if issue.doubtful:
            by_code.setdefault(issue.code, []).append(issue)
    if by_code and graph not in _reported:
        lines = [f"{first}{f' (and {len(others)} more)' if others else ''}" for first, *others in by_code.values()]
        listed = "\n".join(f"  {line}" for line in lines)
        backend = next(iter(by_code.values()))[0].backend
        warn(f"{backend} runs {graph.name}, but see result.issues:\n{listed}")
    _reported.add(graph)


_reported: WeakSet[Graph] = WeakSet()
