"""Limits of NEST: one small function each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ernsnn.backend.issues import Limit
from ernsnn.backend.memory import neuron_bytes, too_little_memory
from ernsnn.graph.graph import Graph
from ernsnn.graph.values import columns_of

from ..numbers import out_of_range
from ..pynn_script.features import ELSEWHERE, lacking, pair_rules, two_currents
from .substeps import TICS_PER_MS, substeps, tics

_STATIC_BYTES, _PLASTIC_BYTES = 180, 560
"""Of a connection, here and in NEST and PyNN: measured with half a million to two million of them."""
_GONE = 700.0
"""Synaptic time constants in a step of NEST, of which it computes e to the power: more leave the floats."""
_SLOW, _WRONG = 1e7, 1e-5
"""Steps of a membrane's time constant from which on digits are lost that matter, and the share that is too much."""
_LARGEST = 1e100
_STIFF = 1e15
"""How often a conductance may charge a membrane in a step: at 1e16 the solver still ends, at 1e19 it does not."""
_MOST_TICS = 1e12


def post_traces(graph: Graph) -> Iterator[Limit]:
    """A neuron keeps one post trace for all of its synapses."""
    taus: dict[str, tuple[float, str]] = {}
    for p, rule in pair_rules(graph):
        tau, first = taus.setdefault(p.post, (rule.tau_minus_ms, p.name))
        if tau != rule.tau_minus_ms:
            message = f"tau_minus_ms is {rule.tau_minus_ms:g}, that of {first!r} at the same neurons {tau:g}"
            yield Limit("P210", f"{p.name}.learning", message, "use one tau_minus_ms")


def receptors(graph: Graph) -> Iterator[Limit]:
    """The sign of a weight decides the receptor; so what has both signs needs one time constant."""
    averaged = graph.current_integration == "step_average"
    for p, post in two_currents(graph):
        if averaged or p.receptor == "signed":
            why = "step_average is made of currents of both signs" if averaged else "weights have both signs"
            remedy = "make them equal" + (", or use current_integration='exact'" if averaged else "")
            message = f"{why}, and tau_syn_E_ms and tau_syn_I_ms of {post.name!r} differ"
            yield Limit("P212", p.name, message, remedy, names=(post.name,))


def conductances(graph: Graph) -> Iterator[Limit]:
    """NEST integrates them with a Runge-Kutta method of its own, and V cannot be held away from the threshold."""
    averaged = graph.current_integration == "step_average"
    for p in graph.neurons():
        if p.kind.name == "ConductanceLIF" and substeps(graph) > 1:
            why = "step_average" if averaged else "learning"
            message = f"conductances beside {why}, which takes several steps of NEST for one"
            yield Limit("P214", p.name, message, "use current_integration='exact'" if averaged else ELSEWHERE)
        elif p.kind.name == "ConductanceLIF":
            message = "V differs by what NEST's Runge-Kutta method and the specification leave out within a step"
            yield Limit("P102", p.name, message, "the difference falls with the square of dt_ms: choose a smaller one")


def strong_conductances(graph: Graph) -> Iterator[Limit]:
    """NEST's solver makes its steps the smaller, the faster a conductance charges the membrane, and does not end."""
    conducting = {p.name: p for p in graph.neurons() if p.kind.name == "ConductanceLIF"}
    weights = [(q.name, q.post, q.synapses.variables["w"]) for q in graph.projections if q.post in conducting]
    for i in graph.poisson_inputs:  # all spikes of a step together
        weights.append((i.name, i.target.population, i.weight * (1 + np.max(columns_of(i.means)[0], initial=0.0))))
    for name, post, values in weights:
        if post in conducting:
            largest = float(np.max(np.abs(values), initial=0.0))
            charges = largest * graph.dt_ms / float(np.min(conducting[post].parameters["cm_nF"]))
            if charges > _STIFF:
                message = f"{largest:g} uS charge V {charges:.2g} times in a step: NEST's solver does not end"
                yield Limit("P303", f"{name}.weight", message, f"use at most {largest * _STIFF / charges:.2g} uS")


def poisson_inputs(graph: Graph) -> Iterator[Limit]:
    """NEST draws their counts itself, in each of its own steps."""
    averaged = graph.current_integration == "step_average"
    for p in graph.poisson_inputs:
        if averaged or substeps(graph) > 1:
            why = "step_average" if averaged else "learning"
            message = f"Poisson input beside {why}, which takes several steps of NEST for one"
            yield Limit("P216", p.name, message, "use current_integration='exact'" if averaged else ELSEWHERE)
        else:
            message = "its counts are drawn by NEST: others than elsewhere, of the same distribution"
            yield Limit("P104", p.name, message, "compare what is counted or averaged over time; or " + ELSEWHERE)


def probes(graph: Graph) -> Iterator[Limit]:
    """Weights change when they are used only, and currents are not those of the specification."""
    for probe in graph.probes:
        if probe.kind != "neurons" or probe.variable != "v_mV":
            remedy = "probe v_mV; a recording has final weights"
            yield Limit("P213", probe.key, "only v_mV of neurons can be recorded", remedy)


def resolution(graph: Graph) -> Iterator[Limit]:
    """NEST counts time in microseconds."""
    n = substeps(graph)
    if n > 1:
        why = "learning" if n == 4 else "step_average"
        yield Limit("P101", graph.name, f"a step is {n} of NEST, because of {why}: it runs slower by about that")
    held = tics(graph)
    if not (held < _MOST_TICS and abs(held - round(held)) <= 1e-9 * held and round(held) >= 1):
        message = f"dt_ms / {n} = {graph.dt_ms / n:g} ms is no whole number of microseconds up to {_MOST_TICS:g}"
        yield Limit("P301", "dt_ms", message, f"use a dt_ms that is a multiple of {n / TICS_PER_MS:g}")


def time_constants(graph: Graph) -> Iterator[Limit]:
    """NEST's closed forms lose digits where almost nothing leaks in a step, and divide by 0 where all is gone."""
    h = graph.dt_ms / substeps(graph)
    for p in graph.neurons() if h else ():  # a step without a length is no whole number of microseconds
        for name in ("tau_syn_E_ms", "tau_syn_I_ms"):
            shortest = float(np.min(p.parameters.get(name, np.inf)))
            if shortest < h / _GONE:
                message = f"{shortest:g} ms, of which NEST's step of {h:g} ms has more than {_GONE:g}"
                yield Limit("P303", f"{p.name}.{name}", message, f"use at least {h / _GONE:.3g} ms")
        longest = float(np.max(p.parameters["tau_m_ms"]))
        lost, path, remedy = longest / h * np.finfo(float).eps, f"{p.name}.tau_m_ms", f"use at most {_SLOW * h:.3g} ms"
        if lost > _WRONG:
            yield Limit("P303", path, f"{longest:g} ms: V would be off by {lost:.1g} of what currents do to it", remedy)
        elif longest > _SLOW * h:
            yield Limit("P103", path, f"V is off by {lost:.1g} of what currents do to it", remedy)


def numbers(graph: Graph) -> Iterator[Limit]:
    """Numbers whose products leave the floats. A long refractory time does not count: a run ends before it."""
    parts: list[tuple[str, Any]] = [(f"a current into {k.target.population}", k.values) for k in graph.injections]
    for p in graph.neurons():
        parts.append((p.name, {name: value for name, value in p.parameters.items() if name != "tau_refrac_ms"}))
    parts += [(q.name, {"weight": q.weight, "learning": q.learning}) for q in graph.projections]
    parts += [(i.name, {"weight": i.weight}) for i in graph.poisson_inputs]
    for name, held in parts:
        for path, value in out_of_range(held, 0.0, _LARGEST):
            message = f"{value:g} is more than NEST can compute with"
            yield Limit("P303", f"{name}.{path}".rstrip("."), message, f"use numbers up to {_LARGEST:g}")


def memory(graph: Graph) -> Iterator[Limit]:
    """Every synapse is stored explicitly, and twice where spikes arrive twice."""
    bytes_each = sum(p.n_synapses * (_PLASTIC_BYTES if p.learning else _STATIC_BYTES) for p in graph.projections)
    times = 2 if graph.current_integration == "step_average" else 1
    return too_little_memory(graph, "P302", neuron_bytes(graph) + times * bytes_each)


CAPABILITIES = (
    *lacking("P"),
    *(
        post_traces,
        receptors,
        conductances,
        strong_conductances,
        poisson_inputs,
        probes,
        resolution,
        time_constants,
        numbers,
        memory,
    ),
)
