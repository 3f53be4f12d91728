"""Limits and roundings of SpiNNaker: one small function each."""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial, wraps

import numpy as np

from ernsnn.backend.issues import Limit
from ernsnn.backend.memory import neuron_bytes, too_little_memory
from ernsnn.backend.protocol import Capability
from ernsnn.graph.graph import Graph, Neurons

from ..pynn_script.features import ELSEWHERE, lacking, pair_rules, two_currents
from ..pynn_script.layout import parameters
from ..pynn_script.rules import PairRule
from .rounding import ACCUM, LARGEST, RECEPTORS, ReceptorSynapses, accum, largest_sums, parts, scale, unit

PACKAGE = "spynnaker"
NOT_INSTALLED = "sPyNNaker is not installed: pip install 'ernsnn[spinnaker]'"
ATOMS_PER_CORE, DELAY_STAGES = 256, 8
_RING_BUFFER_BITS, _RECEPTOR_BITS = 14, 1
"""Constants of sPyNNaker: neurons a core, repetitions of a delay, bits for neuron, receptor and delay."""
_REAL_TIME_MS = 1.0
"""The shortest step in ms for a core of 256 neurons."""
_SLOWEST = 1e9
_TRACE_UNITS = 2048
_BYTES = 200
"""Bytes of a connection, here and in PyNN's lists."""


def time_scale(graph: Graph) -> int:
    """The factor by which a run must be slower than real time, so that a step has a millisecond."""
    return max(1, math.ceil(min(_REAL_TIME_MS / graph.dt_ms, _SLOWEST) - 1e-9))


def step_ms(graph: Graph) -> float:
    """A step as sPyNNaker holds it, in whole microseconds."""
    return float(np.rint(graph.dt_ms * 1000)) / 1000


def time_step(graph: Graph, time_scale_factor: int) -> Iterator[Limit]:
    """Yield limits for steps that are no whole microseconds, and for those that are slower than real time."""
    if (factor := time_scale_factor or time_scale(graph)) > 1:
        message = (
            f"a step of {graph.dt_ms:g} ms takes {graph.dt_ms * factor:g} ms: {factor} times slower than real time"
        )
        yield Limit("S101", "dt_ms", message, "set time_scale_factor to say otherwise")
    if abs(step_ms(graph) - graph.dt_ms) > 1e-9 * graph.dt_ms:
        message = f"{graph.dt_ms * 1000:g} us is no whole number of microseconds"
        yield Limit("S301", "dt_ms", message, "use a dt_ms that is a multiple of .001")


def numbers(graph: Graph) -> Iterator[Limit]:
    """Yield limits for V, currents and parameters, which are S16.15."""
    message = f"V and currents are whole multiples of {ACCUM:.3g} mV and nA in every step"
    yield Limit("S104", graph.name, message, "", ACCUM)
    if graph.current_integration == "exact":
        message = "a spike acts in the step in which it arrives, as its average over that, and not from the next one on"
        yield Limit("S105", graph.name, message, "use current_integration='step_average', which says just that")
    for p in graph.neurons():
        if p.kind.name == "ConductanceLIF":
            message = f"a conductance acts as a whole multiple of {ACCUM:.3g} uS, rounded down"
            yield Limit("S110", p.name, message, "", ACCUM)
        yield from _stored(p.name, {**parameters(p, graph.dt_ms), "v_init": p.parameters["v_init_mV"]})


def _stored(
    path: str, values: Mapping[str, float | np.ndarray], scales: Mapping[str, float] | None = None
) -> Iterator[Limit]:
    """Yield limits on numbers that S16.15 rounds or cannot hold, some after scaling; of arrays the worst."""
    changed, largest = [], 0.0
    for name, value in values.items():
        asked, scaled = np.atleast_1d(np.asarray(value, dtype=float)), (scales or {}).get(name, 1.0)
        if np.any(np.abs(asked) >= (LARGEST - ACCUM) / scaled):
            message = f"reaches {asked[np.argmax(np.abs(asked))]:g}"
            yield Limit("S304", f"{path}.{name}", message, f"stay below {LARGEST / scaled:g}")
        stored = accum(asked * scaled) / scaled
        off = np.abs(stored - asked)
        worst = int(np.argmax(off))
        if off[worst] > 1e-12 * abs(asked[worst]):
            changed.append(f"{name} {asked[worst]:.8g} -> {stored[worst]:.8g}")
            largest = max(largest, float(off[worst] / abs(asked[worst])))
    if changed:
        yield Limit("S103", path, ", ".join(changed), "", largest)


def memory(graph: Graph) -> Iterator[Limit]:
    """Yield a limit where the host's memory is too small for explicit neurons and synapses."""
    return too_little_memory(graph, "S302", neuron_bytes(graph) + _BYTES * graph.n_synapses)


def weight_unit(p: Neurons) -> str:
    """The unit of weights onto these neurons, the same on both receptors."""
    return p.kind.receptors[0].unit


def _of_synapses(check: Callable[[Graph], Iterable[Limit]]) -> Capability:
    """Let a check skip graphs that do not fit into memory."""

    @wraps(check)
    def checked(graph: Graph) -> Iterable[Limit]:
        return () if any(memory(graph)) else check(graph)

    return checked


@_of_synapses
def weights(graph: Graph) -> Iterator[Limit]:
    """Yield limits for weights, which are whole multiples of a unit of each receptor (see ``rounding``)."""
    sums, neurons = largest_sums(graph), {p.name: p for p in graph.neurons()}
    for name, both in sums.items():
        limit = LARGEST / scale(neurons[name])
        for receptor, largest in zip(RECEPTORS, both, strict=True):
            if largest >= limit:
                reached = f"{largest:g} {weight_unit(neurons[name])}"
                message = f"what its {receptor} synapses transmit together reaches {reached}"
                yield Limit("S304", name, message, f"stay below {limit:g}")
    for p in graph.projections:
        for part in parts(p):
            post, largest = neurons[p.post], sums[p.post][RECEPTORS.index(part.receptor)]
            if largest < LARGEST / scale(post):
                asked = np.abs(p.synapses.variables["w"][part.chosen])
                yield from _rounded(part, asked, unit(post, largest), weight_unit(post))


def _rounded(part: ReceptorSynapses, asked: np.ndarray, one: float, unit: str) -> Iterator[Limit]:
    stored = np.rint(asked / one) * one
    off = np.abs(stored - asked)
    worst = int(np.argmax(off))
    if off[worst] > 1e-12 * asked[worst]:
        lost = np.count_nonzero((stored == 0) & (asked > 0))
        message = f"{part.receptor} weights in units of {one:.3g} {unit}: {asked[worst]:.6g} -> {stored[worst]:.6g}"
        message += f"; {lost} of {len(asked)} become 0" if lost else ""
        remedy = "weaker or fewer synapses onto a neuron leave them more bits"
        yield Limit("S102", part.projection.name, message, remedy, 1.0 if lost else float(off[worst] / asked[worst]))


@_of_synapses
def learning(graph: Graph) -> Iterator[Limit]:
    """Yield limits for several rules at a population, and for learning in whole numbers."""
    rules: dict[str, tuple[PairRule, str]] = {}
    sums, neurons = largest_sums(graph), {p.name: p for p in graph.neurons()}
    for p, rule in pair_rules(graph):
        if rule.soft_minus and not rule.soft_plus:
            message = "depression depends on the weight, potentiation does not"
            yield Limit("S214", f"{p.name}.learning", message, ELSEWHERE)
        first, name = rules.setdefault(p.post, (rule, p.name))
        if first != rule:
            message = f"is not that of {name!r}; neurons have one rule for all that learns onto them"
            yield Limit("S210", f"{p.name}.learning", message, "use one rule", names=(name,))
        post = neurons[p.post]
        one = unit(post, sums[p.post][p.arrives_at == "I"])
        up = rule.A_plus * (rule.w_max if rule.soft_plus else 1.0) / one
        down = rule.A_minus * (rule.w_max if rule.soft_minus else 1.0) / one
        message = f"traces in {_TRACE_UNITS}ths, weights in units of {one:.3g} {weight_unit(post)}, of which a pair of "
        message += f"spikes changes up to {up:.3g} up and {down:.3g} down"
        remedy = "what is below half a unit is lost: make changes larger, or w_max smaller" if min(up, down) < 5 else ""
        yield Limit("S106", f"{p.name}.learning", message, remedy, min(1.0, 0.5 / max(min(up, down), 0.5)))
        if math.isfinite(rule.w_max):
            given = {"A_plus": rule.A_plus, "A_minus": rule.A_minus, "w_max": rule.w_max}
            scaled = given.keys() if not rule.soft_plus else ("w_max",)
            yield from _stored(f"{p.name}.learning", given, dict.fromkeys(scaled, scale(post)))
        yield Limit("S107", p.name, "final weights are those after the last pre spike of each synapse")


def receptors(graph: Graph) -> Iterator[Limit]:
    """Yield limits for signed weights onto receptors with different time constants."""
    for p, post in two_currents(graph):
        if p.receptor == "signed":
            message = f"weights have both signs, and tau_syn_E_ms and tau_syn_I_ms of {post.name!r} differ"
            yield Limit("S212", p.name, message, "make them equal", names=(post.name,))


@_of_synapses
def delays(graph: Graph) -> Iterator[Limit]:
    """Yield limits for delays beyond the steps that a core stores."""
    for p in graph.projections:
        longest = int(p.synapses.delay.max(initial=1))
        ahead = delay_slots(graph.population(p.post).size)
        if longest > ahead * (1 + DELAY_STAGES):
            message = f"reach {longest} steps; at a population of that size the longest is {ahead * (1 + DELAY_STAGES)}"
            yield Limit("S303", f"{p.name}.delay_ms", message, "use shorter delays, or longer steps")
        elif longest > ahead:
            message = f"reach {longest} steps, more than {ahead}: cores of their own repeat what comes later"
            yield Limit("S108", f"{p.name}.delay_ms", message)


def delay_slots(neurons: int) -> int:
    """The number of steps ahead for which a core of a population of that size stores arrivals."""
    neuron_bits = max(1, (min(neurons, ATOMS_PER_CORE) - 1).bit_length())
    return int(2 ** (_RING_BUFFER_BITS - _RECEPTOR_BITS - neuron_bits))


def probes(graph: Graph) -> Iterator[Limit]:
    """Yield limits for probes, since only spikes and final weights are read back."""
    for probe in graph.probes:
        yield Limit("S213", probe.key, "only spikes and final weights are read back", "leave the probe out")


def installed(graph: Graph) -> Iterator[Limit]:
    """Yield an issue where sPyNNaker, which places neurons, is not installed."""
    if importlib.util.find_spec(PACKAGE) is None:
        yield Limit("S109", graph.name, f"cores and chips are not known: {NOT_INSTALLED}")


def capabilities(time_scale_factor: int = 0) -> tuple[Capability, ...]:
    """The limits of a run with this option."""
    return (
        *lacking("S"),
        partial(time_step, time_scale_factor=time_scale_factor),
        numbers,
        weights,
        learning,
        receptors,
        delays,
        probes,
        memory,
        installed,
    )
