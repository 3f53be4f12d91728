"""Features of graphs that Loihi does not have: one small function each."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from ernsnn.backend.issues import Limit
from ernsnn.backend.memory import neuron_bytes, too_little_memory
from ernsnn.graph.constants import refractory_steps
from ernsnn.graph.graph import Graph, Neurons

from ..arithmetic.limits import REFRACTORY_MAX
from ..quantise.latch import without_field

_RUN_ELSEWHERE = "run it on reference or brian2"
_PER_NEURON = "i_offset_nA"
"""The only parameter that may differ within a population: the bias."""
LARGEST_MATRIX = 20_000_000
"""The largest number of weights of one projection."""
_ENTRY_BYTES = 130
"""Bytes of a weight while integers are chosen, measured with nine million."""


def neuron_models(graph: Graph) -> Iterator[Limit]:
    """Yield limits for neurons other than leaky integrators with one fixed threshold."""
    for p in graph.neurons():
        if p.intrinsic:
            yield Limit("L202", p.name, f"its {p.intrinsic.target} learns", _RUN_ELSEWHERE)
        if "noise_mV" in p.parameters:
            yield Limit("L203", f"{p.name}.noise_mV", "no noise on the membrane", "drive it with Poisson spikes")
        if "v_min_mV" in p.parameters:
            yield Limit("L204", f"{p.name}.v_min_mV", "voltages have no floor", "leave v_min_mV out")


def potentials(graph: Graph) -> Iterator[Limit]:
    """Yield limits for V that does not start at rest, or is not reset to it, since V is stored relative to rest."""
    for p in graph.neurons():
        for name in ("v_reset_mV", "v_init_mV"):
            if np.any(np.asarray(p.parameters[name]) != p.parameters["v_rest_mV"]):
                yield Limit("L205", f"{p.name}.{name}", "is not v_rest_mV: a spike resets to 0", "set it to v_rest_mV")
        if np.any(np.asarray(p.parameters["v_threshold_mV"]) <= p.parameters["v_rest_mV"]):
            remedy = "raise the threshold, or lower v_rest_mV and add the difference as i_offset_nA"
            yield Limit("L302", f"{p.name}.v_threshold_mV", "lies at or below rest, where V is 0", remedy)


def uniform(graph: Graph) -> Iterator[Limit]:
    """Yield limits for decays and thresholds that differ within a population."""
    for p in graph.neurons():
        for name, value in p.parameters.items():
            if name != _PER_NEURON and np.ptp(value) > 0:
                yield Limit("L206", f"{p.name}.{name}", "differs between neurons", "use one population a value")


def receptors(graph: Graph, p: Neurons) -> set[str]:
    """E and I, as far as something arrives there."""
    return {q.arrives_at for q in graph.projections if q.post == p.name}


def currents(graph: Graph) -> Iterator[Limit]:
    """Yield limits for different time constants of E and I, which share u."""
    for p in graph.neurons():
        same = p.kind.name == "DeltaLIF" or np.array_equal(p.parameters["tau_syn_E_ms"], p.parameters["tau_syn_I_ms"])
        if not same and len(receptors(graph, p)) == 2:
            yield Limit("L207", p.name, "tau_syn_E_ms and tau_syn_I_ms differ; there is one current", "make them equal")


def drives(graph: Graph) -> Iterator[Limit]:
    """Yield limits for injections and modulations, since a bias is constant."""
    for injection in graph.injections:
        yield Limit("L208", injection.target.population, "a current that changes in time", "drive it with spikes")
    for modulation in graph.modulations:
        what = f"{modulation.modulator!r} shifts {modulation.variable}"
        yield Limit("L208", modulation.target.population, what, _RUN_ELSEWHERE, names=(modulation.modulator,))


def phases(graph: Graph) -> Iterator[Limit]:
    """Yield a limit for phases without learning, which cannot be switched off."""
    if graph.frozen:
        yield Limit("L209", graph.name, f"{len(graph.frozen)} phases without learning", _RUN_ELSEWHERE)


def plastic_shapes(graph: Graph) -> Iterator[Limit]:
    """Yield limits for plastic projections that are not one matrix with one delay, or transmit other than w."""
    for p in graph.projections:
        if p.learning is None:
            continue
        if p.n_synapses and p.n_synapses <= LARGEST_MATRIX:
            if len(np.unique(p.synapses.delay)) > 1:
                yield Limit("L211", f"{p.name}.delay_ms", "several plastic delays", "use one projection a delay")
            if p.several_a_pair:
                yield Limit("L211", p.name, "pairs of neurons with several plastic synapses", "use one a pair")
        for n in p.learning.normalise:
            yield Limit("L216", f"{p.name}.learning", f"no synapse knows the sum of {n.variable!r}", _RUN_ELSEWHERE)
        if not p.learning.transmits_w:
            yield Limit("L217", f"{p.name}.transmit", "only w is transmitted", "transmit w")


def short_term(graph: Graph) -> Iterator[Limit]:
    """Yield limits for short-term plasticity."""
    for p in graph.projections:
        if p.short_term:
            message = f"short-term plasticity ({p.short_term.kind.name}); a spike transmits the weight"
            yield Limit("L221", f"{p.name}.short_term", message, _RUN_ELSEWHERE)


def sizes(graph: Graph) -> Iterator[Limit]:
    """Yield limits for projections with too large matrices, which are stored in full."""
    for p in graph.projections:
        entries = p.connectivity.n_pre * p.connectivity.n_post
        if entries > LARGEST_MATRIX:
            message = f"a matrix of {entries} weights would be written out; at most {LARGEST_MATRIX} are"
            yield Limit("L304", p.name, message, "split the populations")


def memory(graph: Graph) -> Iterator[Limit]:
    """Yield a limit where memory is too small for all neurons and matrices at once."""
    entries = (p.connectivity.n_pre * p.connectivity.n_post for p in graph.projections)
    matrices = sum(_ENTRY_BYTES * n for n in entries if n <= LARGEST_MATRIX)
    return too_little_memory(graph, "L310", neuron_bytes(graph) + matrices)


def refractoriness(graph: Graph) -> Iterator[Limit]:
    """Yield limits for long refractory periods, and for delta neurons, whose input at the end of one counts."""
    for p in graph.neurons():
        steps = int(np.max(refractory_steps(p.parameters["tau_refrac_ms"], graph.dt_ms)))
        if steps > REFRACTORY_MAX:
            message = f"{steps} steps; there are at most {REFRACTORY_MAX}"
            yield Limit("L305", f"{p.name}.tau_refrac_ms", message, "choose a larger dt_ms")
        if p.kind.name == "DeltaLIF" and steps:
            yield Limit("L110", p.name, "what arrives in the last refractory step counts; the specification loses it")


def probes(graph: Graph) -> Iterator[Limit]:
    """Yield limits for probes of single currents, which are one here, and of static weights, which cannot be read."""
    fixed = {p.name for p in graph.projections if p.learning is None}
    absent = {p.name: without_field(p.learning) for p in graph.projections if p.learning}
    delta = {p.name for p in graph.neurons() if p.kind.name == "DeltaLIF"}
    for probe in graph.probes:
        if probe.kind == "neurons" and probe.target in delta:
            yield Limit(
                "L110", probe.key, "V is read before the jumps of its step; the specification reads it after them"
            )
        if probe.kind == "neurons" and probe.variable != "v_mV":
            yield Limit("L220", probe.key, "only v_mV of neurons can be read back", "probe v_mV")
        if probe.variable in absent.get(probe.target, ()):
            message = "shares the field of the stable mark, and is not there to be read"
            yield Limit("L220", probe.key, message, "probe the stable mark")
        if probe.target in fixed:
            yield Limit("L220", probe.key, "weights that do not learn are not read back", "leave the probe out")


FEATURES: tuple[Callable[[Graph], Iterator[Limit]], ...] = (
    neuron_models,
    potentials,
    uniform,
    currents,
    drives,
    phases,
    plastic_shapes,
    short_term,
    sizes,
    refractoriness,
    probes,
)
