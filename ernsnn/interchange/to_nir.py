"""Networks as NIR graphs (docs/nir.md)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

import numpy as np

from ernsnn.describe.arguments import checked
from ernsnn.describe.fields import is_one_of
from ernsnn.describe.network import Network
from ernsnn.errors import InvalidModel, quoted, warn
from ernsnn.graph.graph import Graph, Neurons, Projection
from ernsnn.graph.lower import lower
from ernsnn.graph.memory import require_memory
from ernsnn.interchange.codes import CODES
from ernsnn.interchange.description import SCHEMA, description
from ernsnn.interchange.fingerprint import fingerprint
from ernsnn.interchange.hdf5 import needed
from ernsnn.interchange.neurons import ENDLESS, INSTANT, INTEGRATIONS, added, always, at, tau_from
from ernsnn.interchange.nodes import KEY, graph_of, tree_of
from ernsnn.interchange.signals import depth_first
from ernsnn.issues import Limit

_SHORT = 0.01
"""The time constant in steps below which a synaptic current is over within its step."""
_MOST_DELAYS = 16
"""The most different delays of a projection, each of which needs a path of its own."""
_LEAKY = ("LIF", "SoftResetLIF", "LeakyIntegrator", "DeltaLIF")
"""Kinds that NIR has."""


@checked
def to_nir(network: Network, *, seed: int = 0, integration: Literal["euler", "exact"] = "euler") -> Any:
    """The network as a ``nir.NIRGraph``, which ``nir.write`` writes and ``from_nir`` reads.

    Populations become nodes LIF, CubaLIF, IF, LI, CubaLI or I, and Input, of their names. Projections become Linear, or
    Affine with i_offset_nA and the spikes of ``from_nir``'s ``bias`` as bias, after a Delay where they take longer than
    a step a population. Potentials in mV are NIR's units, times are in s; ``integration`` is the way of stepping of the
    tools that will read the graph, as for ``from_nir``. What is drawn is drawn under ``seed``.

    Under the key "ernsnn" of the metadata the whole network stands: plasticity, marks, astrocytes, stimuli and probes.
    From it ``from_nir`` gives the very network again, which lowers to the same digest, while the nodes are as they were
    written. A ModelWarning (codes I1xx) lists what other tools cannot see. Raises InvalidModel as ``lower`` does, and
    on third factors of a class of your own.
    """
    if not is_one_of(integration, INTEGRATIONS):
        raise InvalidModel(f"to_nir: integration must be one of {', '.join(INTEGRATIONS)}, got {quoted(integration)}")
    return _Writer(network, lower(network, seed), integration).made


class _Writer:
    def __init__(self, network: Network, graph: Graph, integration: str) -> None:
        self.nir, self.graph, self.integration, self.dt = needed("nir"), graph, integration, network.dt_ms
        self.hop = 1 if network.current_integration == "step_average" else 2
        self.nodes: dict[str, Any] = {}
        self.edges: list[tuple[str, str]] = []
        self.limits: list[Limit] = list(_unseen(graph))
        text, arrays = description(network)
        self.offsets: dict[str, np.ndarray] = {}
        for population in graph.sources():
            self.nodes[population.name] = self._input(population.size)
        self.biases = set(_biases(graph))
        self.neurons = [p for p in graph.neurons() if p.name not in self.biases]
        for neurons in self.neurons:
            self.nodes[neurons.name] = self._neurons(neurons)
        self.projections = [p for p in graph.projections if p.n_synapses and p.pre not in self.biases]
        for projection in graph.projections:
            if projection.n_synapses and projection.pre in self.biases:
                self._bias(projection)
        order, self.shift = self._order()
        self.position = {name: k for k, name in enumerate(order)}
        for projection in self.projections:
            self._projection(projection)
        self._ends()
        self.made = self.nir.NIRGraph(self.nodes, self.edges)
        written = fingerprint(graph_of(tree_of(self.made)))
        self.made.metadata = {
            KEY: {"schema": SCHEMA, "nodes": written, "network": text, "dt_ms": self.dt, "arrays": arrays}
        }
        if self.limits:
            issues = [str(limit.issue("nir", CODES)) for limit in self.limits]
            warn("\n".join([f"{network.name}: other tools will not read from this NIR graph all that it is:", *issues]))

    def _input(self, size: int) -> Any:
        return self.nir.Input(input_type={"input": np.array([size])})

    def _free(self, name: str) -> str:
        free, k = name, 2
        while free in self.nodes or any(free == p.name for p in self.graph.populations):
            free, k = f"{name}_{k}", k + 1
        return free

    # Neurons

    def _neurons(self, p: Neurons) -> Any:
        """The node of a population; what it cannot say becomes a limit."""
        self.limits += _of_kind(p, self.dt)

        def numbers(name: str, default: Any) -> np.ndarray:
            return np.array(np.broadcast_to(p.parameters.get(name, default), p.size), np.float64)

        tau, rest = numbers("tau_m_ms", 20.0), numbers("v_rest_mV", 0.0)
        r = tau / numbers("cm_nF", tau)
        tau_syn = numbers("tau_syn_E_ms", INSTANT * self.dt)
        self.offsets[p.name] = numbers("i_offset_nA", 0.0)
        reset, spikes_at = numbers("v_reset_mV", 0.0), numbers("v_threshold_mV", 1.0)
        threshold = at(spikes_at, reset)
        metadata = {}
        if p.kind.name == "SoftResetLIF":
            reset, metadata = threshold - (spikes_at - reset), {"reset": "subtraction"}
        elif np.all(p.parameters.get("tau_refrac_ms", 0.0) == self.dt):
            metadata = {"reset": "late_value"}
        spiking = {} if p.kind.name == "LeakyIntegrator" else {"v_threshold": threshold, "v_reset": reset}
        if (tau >= ENDLESS / 2 * self.dt).all() and (tau_syn < _SHORT * self.dt).all():
            r = 1000.0 / numbers("cm_nF", 1.0)
            return (self.nir.IF if spiking else self.nir.I)(r=r, **spiking, metadata=metadata)
        tau_s = tau_from(tau, self.dt, self.integration)
        if (tau_syn < _SHORT * self.dt).all():
            kind = self.nir.LIF if spiking else self.nir.LI
            return kind(tau=tau_s, r=r, v_leak=rest, **spiking, metadata=metadata)
        kind = self.nir.CubaLIF if spiking else self.nir.CubaLI
        decay_s = tau_from(tau_syn, self.dt, self.integration)
        return kind(
            tau_syn=decay_s, tau_mem=tau_s, r=r, v_leak=rest, **spiking, w_in=np.ones(p.size), metadata=metadata
        )

    # Projections

    def _order(self) -> tuple[list[str], dict[str, int]]:
        """Populations in the order in which spikes reach them, and after how many steps at least."""
        targets: dict[str, list[str]] = {p.name: [] for p in self.graph.populations if p.name not in self.biases}
        for projection in self.projections:
            targets[projection.pre].append(projection.post)
        order = depth_first([*(s.name for s in self.graph.sources()), *targets], targets)
        position = {name: k for k, name in enumerate(order)}
        shift = dict.fromkeys(order, 0)
        for name in order:
            for target in targets[name]:
                if position[name] < position[target]:
                    shift[target] = max(shift[target], shift[name] + self.hop)
        return order, shift

    def _projection(self, p: Projection) -> None:
        """The nodes between two populations: one Linear for each delay, with a Delay before it where it is longer."""
        pre, post = self.graph.population(p.pre), self.graph.population(p.post)
        assert isinstance(post, Neurons)
        rows, by = p.synapses, self._weights(p, post)
        delay = rows.delay + self.hop - 1 - (self.shift[p.post] - self.shift[p.pre])
        least = 0 if self.position[p.pre] < self.position[p.post] else 1
        if (delay < least).any():
            late = int(least - delay.min())
            self.limits.append(Limit("I103", p.name, f"arrives {late} steps later for other tools, as on longer paths"))
        delay = np.maximum(delay, least) - least
        if len(np.unique(delay)) > _MOST_DELAYS:
            self.limits.append(Limit("I103", p.name, f"more than {_MOST_DELAYS} delays: others read their median"))
            delay = np.full(len(delay), int(np.median(delay)))
        steps = np.unique(delay)
        require_memory(p.name, 24 * len(steps) * pre.size * post.size, "take a smaller network")
        for step in steps.tolist():
            here = delay == step
            matrix = np.zeros((post.size, pre.size))
            np.add.at(matrix, (rows.post[here], rows.pre[here]), (rows.variables["w"] * by[rows.post])[here])
            source = p.pre
            if step:
                source = self._free(f"{p.name}.delay")
                taken = (step + least) * self.dt / 1000.0
                self.nodes[source] = self.nir.Delay(delay=np.full(pre.size, taken))
                self.edges.append((p.pre, source))
            name = self._free(p.name)
            self.nodes[name] = self._linear(matrix, p.post if not step else "")
            self.edges += [(source, name), (name, p.post)]

    def _bias(self, p: Projection) -> None:
        """Add the weights of spikes that come in every step to the bias of the neurons that they reach."""
        post, rows = self.graph.population(p.post), p.synapses
        assert isinstance(post, Neurons)
        self.offsets[p.post] += np.bincount(
            rows.post, rows.variables["w"] * self._weights(p, post)[rows.post], minlength=post.size
        )

    def _linear(self, matrix: np.ndarray, post: str) -> Any:
        """A matrix, with the bias of the population ``post`` where no other has it yet."""
        bias = self.offsets.get(post)
        if bias is None or not bias.any():
            return self.nir.Linear(weight=matrix)
        self.offsets[post] = np.zeros_like(bias)
        return self.nir.Affine(weight=matrix, bias=bias)

    def _weights(self, p: Projection, post: Neurons) -> np.ndarray:
        """By what weights onto each neuron are multiplied."""
        word, values = p.arrives_at, post.parameters
        sign = -1.0 if word == "I" else 1.0
        tau = np.asarray(values.get("tau_m_ms", 20.0))
        decay = np.asarray(values.get(f"tau_syn_{word}_ms", INSTANT * self.dt))
        adds = added(self.graph.current_integration, self.dt, tau, decay)
        if post.kind.name == "DeltaLIF":
            kept = np.exp(-self.dt / tau)
            by = sign * kept / (tau / values["cm_nF"] * -np.expm1(-self.dt / tau))
        elif f"e_rev_{word}_mV" in values:
            rest = values.get("v_rest_mV", values.get("e_rev_leak_mV", 0.0))
            by = (np.asarray(values[f"e_rev_{word}_mV"]) - rest) * adds
        else:
            by = sign * adds
        return np.array(np.broadcast_to(by, post.size), np.float64)

    def _ends(self) -> None:
        """Add an Input, and an Affine with their bias, to neurons that need one, and an Output to the last ones."""
        reached = {edge[1] for edge in self.edges}
        alone = [p.name for p in self.neurons if p.name not in reached or self.offsets[p.name].any()]
        if not alone and not any(True for _ in self.graph.sources()):
            alone = [self.neurons[0].name]
        for name in alone:
            start, through = self._free(f"{name}.input"), self._free(f"{name}.bias")
            self.nodes[start] = self._input(1)
            weight = np.zeros((len(self.offsets[name]), 1))
            self.nodes[through] = self.nir.Affine(weight=weight, bias=self.offsets[name])
            self.edges += [(start, through), (through, name)]
        leaving = {edge[0] for edge in self.edges}
        everyone = [*(s.name for s in self.graph.sources()), *(p.name for p in self.neurons)]
        last = [name for name in everyone if name not in leaving]
        for name in last or everyone[-1:]:
            end = self._free(f"{name}.output")
            self.nodes[end] = self.nir.Output(output_type={"output": np.array([self.graph.population(name).size])})
            self.edges.append((name, end))


def _biases(graph: Graph) -> Iterator[str]:
    """The populations that ``from_nir`` makes of biases, where nothing but static synapses of theirs is there."""
    known = always(graph.dt_ms).parameters
    touched = {p.post for p in graph.projections} | {i.target.population for i in graph.injections}
    touched |= {i.target.population for i in graph.poisson_inputs} | {m.target.population for m in graph.modulations}
    touched |= {p.pre for p in graph.projections if p.learning or p.short_term}
    sending = {p.pre for p in graph.projections if p.n_synapses}
    for p in graph.neurons():
        if (
            p.name in sending
            and p.size == 1
            and p.kind.name == "LIF"
            and p.parameters == known
            and p.name not in touched
            and not p.intrinsic
        ):
            yield p.name


def _unseen(graph: Graph) -> Iterator[Limit]:
    """Yield a limit for every part that no node stands for."""
    for projection in graph.projections:
        if projection.learning or projection.short_term:
            yield Limit("I101", projection.name, "its weights change; others read the initial ones")
    for modulator in graph.modulators:
        yield Limit("I101", modulator.name, "others have no third factors")
    for given in graph.poisson_inputs:
        yield Limit("I101", given.name, "others get no Poisson input")
    for injection in graph.injections:
        yield Limit("I101", injection.target.population, "others get no current that changes")
    for modulation in graph.modulations:
        yield Limit("I101", modulation.target.population, f"{modulation.modulator} does not act on others' neurons")


def _of_kind(p: Neurons, dt_ms: float) -> Iterator[Limit]:
    """Yield limits for neurons that differ from their nodes."""
    kind, values = p.kind.name, p.parameters
    if kind not in _LEAKY:
        yield Limit("I102", p.name, f"{kind} is no neuron of NIR; others read a leaky one")
    if p.intrinsic:
        yield Limit("I101", p.name, f"its {p.intrinsic.target} changes; others read the initial one")
    if p.draws or values.get("v_min_mV") is not None:
        yield Limit("I102", p.name, "others have no noise and no lower bound of V")
    if np.any(_different(values, "tau_syn_E_ms", "tau_syn_I_ms")):
        yield Limit("I102", p.name, "others read tau_syn_E_ms for both receptors")
    refractory = np.asarray(values.get("tau_refrac_ms", 0.0))
    if refractory.any() and not ((refractory == dt_ms).all() and kind != "SoftResetLIF"):
        yield Limit("I102", p.name, "others have no tau_refrac_ms")
    if np.any(_different(values, "v_init_mV", "v_rest_mV")):
        yield Limit("I102", p.name, "others start at v_rest_mV")


def _different(values: Mapping[str, Any], one: str, other: str) -> Any:
    return np.asarray(values[one]) != values[other] if one in values and other in values else False
