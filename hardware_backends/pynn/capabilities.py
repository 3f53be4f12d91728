"""What NEST cannot do, or what a user should know: one small function per limit."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ernsnn.execution.issues import Issue
from ernsnn.execution.memory import too_little_memory
from ernsnn.graph.graph import Graph, Neurons

from .codes import issue
from .rules import NotThePairRule, pair_rule
from .substeps import substeps

_ELSEWHERE = "run it on native or brian2"
_STATIC_BYTES, _PLASTIC_BYTES = 450, 950
"""Of a connection, here and in NEST and PyNN: measured with 250 thousand and a million of them."""
_TIC_MS = 1e-3


def neuron_models(graph: Graph) -> Iterator[Issue]:
    """Neurons are PyNN's IF_curr_exp."""
    for p in graph.neurons():
        if p.adaptive:
            yield issue("P201", p.name, "its threshold adapts; that of IF_curr_exp is fixed", "use LIF")
        if p.delta:
            yield issue("P202", p.name, "what arrives moves V at once; only IF_curr_exp is written here", _ELSEWHERE)
        if p.intrinsic:
            yield issue("P203", p.name, f"its {p.intrinsic.target} learns", _ELSEWHERE)
        if p.noise:
            yield issue("P204", f"{p.name}.noise_mV", "no noise on the membrane", "drive it with Poisson spikes")
        if "v_min_mV" in p.parameters:
            yield issue("P205", f"{p.name}.v_min_mV", "voltages have no floor", "leave v_min_mV out")


def modulators(graph: Graph) -> Iterator[Issue]:
    """Nothing but spikes and currents acts on neurons and synapses."""
    for m in graph.modulators:
        yield issue("P206", m.name, "there are no astrocytes, signals and gates", _ELSEWHERE)
    if graph.frozen:
        yield issue("P207", graph.name, f"{len(graph.frozen)} phases without learning", _ELSEWHERE)


def learning(graph: Graph) -> Iterator[Issue]:
    """Synapses learn by the pair rule, whose post trace a neuron keeps for all of them."""
    taus: dict[str, tuple[float, str]] = {}
    for p in graph.projections:
        if p.learning is None:
            continue
        w = p.learning.variable("w")
        if w.low != 0 or not 0 < w.high < np.inf:
            message = f"weights from {w.low:g} to {w.high:g}; NEST's are from 0 to a number"
            yield issue("P209", f"{p.name}.learning.bounds", message, "use w_min=0 and a w_max")
        if p.several_a_pair:
            yield issue("P211", p.name, "pairs of neurons with several plastic synapses", "use one a pair")
        try:
            rule = pair_rule(p.learning)
        except NotThePairRule as why:
            yield issue("P208", f"{p.name}.learning", f"is not the pair rule: {why}", _ELSEWHERE)
            continue
        tau, first = taus.setdefault(p.post, (rule.tau_minus_ms, p.name))
        if tau != rule.tau_minus_ms:
            message = f"tau_minus_ms is {rule.tau_minus_ms:g}, that of {first!r} at the same neurons {tau:g}"
            yield issue("P210", f"{p.name}.learning", message, "use one tau_minus_ms")


def receptors(graph: Graph) -> Iterator[Issue]:
    """The sign of a weight decides the receptor; so what has both signs needs one time constant."""
    for p in graph.projections:
        post = graph.population(p.post)
        averaged = graph.current_integration == "step_average"
        if not isinstance(post, Neurons) or post.delta or not (averaged or p.receptor == "signed"):
            continue
        if np.any(np.asarray(post.parameters["tau_syn_E_ms"]) != post.parameters["tau_syn_I_ms"]):
            why = "step_average is made of currents of both signs" if averaged else "weights have both signs"
            remedy = "make them equal" + (", or use current_integration='exact'" if averaged else "")
            yield issue("P212", p.name, f"{why}, and tau_syn_E_ms and tau_syn_I_ms of {p.post!r} differ", remedy)


def probes(graph: Graph) -> Iterator[Issue]:
    """Weights change when they are used only, and currents are not those of the specification."""
    for probe in graph.probes:
        if probe.kind != "neurons" or probe.variable != "v_mV":
            remedy = "probe v_mV; a recording has final weights"
            yield issue("P213", probe.key, "only v_mV of neurons can be recorded", remedy)


def resolution(graph: Graph) -> Iterator[Issue]:
    """NEST counts time in microseconds."""
    n = substeps(graph)
    if n > 1:
        why = "learning" if n == 4 else "step_average"
        yield issue("P101", graph.name, f"a step is {n} of NEST, because of {why}: it runs slower by about that", "")
    tics = graph.dt_ms / n / _TIC_MS
    if abs(tics - round(tics)) > 1e-9 * tics or round(tics) < 1:
        message = f"dt_ms / {n} = {graph.dt_ms / n:g} ms is no whole number of microseconds"
        yield issue("P301", "dt_ms", message, f"use a dt_ms that is a multiple of {n * _TIC_MS:g}")


def memory(graph: Graph) -> Iterator[Issue]:
    """Every synapse is stored explicitly, and twice where spikes arrive twice."""
    bytes_each = sum(p.n_synapses * (_PLASTIC_BYTES if p.learning else _STATIC_BYTES) for p in graph.projections)
    times = 2 if graph.current_integration == "step_average" else 1
    return too_little_memory(graph, "nest", "P302", times * bytes_each)


CAPABILITIES = (neuron_models, modulators, learning, receptors, probes, resolution, memory)
