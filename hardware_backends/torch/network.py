"""The order of a time step, stage by stage, of several runs beside each other; see ``reference.engine``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ernsnn.errors import InvalidModel, unknown
from ernsnn.graph.graph import Graph, Probe, Source

from ..reference.synapses import PlasticState
from .lif.whole import Whole, computes
from .modulators import ModulatorState, Read
from .neurons import NeuronState
from .space import Space, Spikes
from .static import StaticState
from .surrogate import Derivative

DTYPES = {"float64": torch.float64, "float32": torch.float32}


@dataclass(frozen=True, eq=False)
class Outputs:
    """What runs beside each other gave: ``spikes`` by population, (runs, steps, neurons), how often a neuron spikes.

    ``probes`` by the key of the probe: (runs, times, values). Gradients flow through both.
    """

    spikes: dict[str, torch.Tensor]
    probes: dict[str, torch.Tensor]


class Network:
    """All state of several runs of a graph, each of which begins, at rest, in the step ``first`` of the graph.

    What is given - spikes of sources, currents, schedules, noise - is that of the graph's own steps, so that trials
    that a graph shows one after the other are computed beside each other. ``values`` are tensors that stand for
    numbers of the graph, and through which gradients flow: "population.parameter", a number or (neurons,), and
    "projection.w" (synapses,), in the order of ``Projection.synapses``. With a ``surrogate``, the derivative of a spike
    by the margin by which its condition is met, gradients flow through spikes. Plastic synapses and intrinsic
    plasticity are computed by the reference's code, on the processor, in a single run without gradients.
    Networks of LIF neurons alone are ``compiled`` on the processor: see ``lif``.
    Raises InvalidModel where there are several runs, or gradients, and something learns.
    """

    def __init__(
        self,
        graph: Graph,
        *,
        device: str = "cpu",
        precision: str = "float64",
        first: Sequence[int] | np.ndarray = (0,),
        values: Mapping[str, torch.Tensor] | None = None,
        surrogate: Derivative | None = None,
        compiled: bool = True,
    ) -> None:
        given = _checked(graph, dict(values or {}))
        differentiates = bool(given) or surrogate is not None
        self.space = Space(torch.device(device), DTYPES[precision], len(first), differentiates)
        self.graph, self.first, self.surrogate = graph, np.asarray(first, np.int64), surrogate
        self.compiled = compiled and device == "cpu" and computes(graph)
        if len(first) > 1 or differentiates:
            _require_static(graph)
        longest = max((p.delay_range[1] for p in graph.projections), default=1)
        space = self.space
        self.modulators = {m.name: ModulatorState(m, graph.dt_ms, space) for m in graph.modulators}
        self.neurons = {
            p.name: NeuronState(p, graph, space, longest, self.modulators, given, surrogate, self.first.tolist())
            for p in graph.neurons()
        }
        read = {name: Read(state) for name, state in self.modulators.items()}
        self.plastic = {
            p.name: PlasticState(p, self.neurons[p.post], read, graph.dt_ms) for p in graph.projections if p.learning
        }
        self.static = {
            p.name: StaticState(p, self.neurons[p.post], graph.dt_ms, space, given)
            for p in graph.projections
            if not p.learning
        }
        self.inputs = [(p, [p.counting() for _ in first], space.tensor(p.weight)) for p in graph.poisson_inputs]

    def step(self, k: int, t: np.ndarray, spikes: dict[str, Spikes]) -> None:
        """Step ``k`` of all runs, which is the step ``t`` of the graph in each; ``spikes`` are those of the sources.

        The spikes of all other populations are added to them.
        """
        graph, space = self.graph, self.space
        for p, countings, weight in self.inputs:
            target = self.neurons[p.target.population]
            counts = space.tensor(np.stack([one.at(int(now)) for one, now in zip(countings, t, strict=True)]))
            brought = torch.nn.functional.pad(weight * counts, (p.target.start, target.size - p.target.stop))
            target.arrive_all(k, target.receptors.index(p.arrives_at), brought)
        spikes |= {name: state.step(k, t) for name, state in self.neurons.items()}
        learning = np.array([graph.learns_at(int(now)) for now in t])
        for modulator in self.modulators.values():
            on = learning | (not modulator.m.kind.standing)
            if on.any():
                modulator.step(t, on, spikes, self.modulators)
        for plastic in self.plastic.values():
            plastic.remember(k, spikes[plastic.p.post].ids)
            if learning[0]:
                plastic.learn(k, spikes[plastic.p.pre].ids)
        for projection in graph.projections:
            if projection.learning:
                self.plastic[projection.name].transmit(k, spikes[projection.pre].ids)
            else:
                self.static[projection.name].transmit(k, spikes[projection.pre])
        if learning[0]:
            for plastic in self.plastic.values():
                plastic.epoch(k)
            for name, neurons in self.neurons.items():
                if neurons.intrinsic:
                    neurons.learn(k, spikes[name].ids)

    def probe(self, probe: Probe) -> torch.Tensor:
        """Stage 6: the values of a probe, (runs, values)."""
        if probe.kind == "neurons":
            return self.neurons[probe.target].variable(probe.variable)[:, probe.start : probe.stop]
        if probe.kind == "modulator":
            return self.modulators[probe.target].variable(probe.variable)
        if probe.target in self.plastic:
            synapses = self.plastic[probe.target]
            if probe.kind == "short_term" and synapses.short_term:
                return self.space.tensor(synapses.short_term.state[probe.variable])[None]
            return self.space.tensor(synapses.variables[probe.variable])[None]
        static = self.static[probe.target]
        if probe.kind == "short_term" and static.short_term:
            return static.short_term.state[probe.variable]
        return static.w[None].expand(self.space.batch, -1)

    def run(self, n_steps: int, given: Mapping[str, torch.Tensor] | None = None) -> Outputs:
        """Run all runs for ``n_steps`` steps from their first; to be called once.

        ``given`` has the spikes (runs, steps, neurons) of some sources in place of those of the graph.
        """
        for first in self.first.tolist():
            if (reset := self.graph.next_reset(first)) is not None and reset < first + n_steps:
                raise InvalidModel(f"Trials.reset: the network is reset in step {reset}, within a run from {first} on")
        space = self.space
        rasters = {name: spikes.to(space.device, space.dtype) for name, spikes in (given or {}).items()}
        rasters |= {p.name: self._given(p, n_steps) for p in self.graph.sources() if p.name not in rasters}
        if self.compiled and not given:
            return self._run_compiled(rasters, n_steps)
        fired: dict[str, list[torch.Tensor]] = {p.name: [] for p in self.graph.neurons()}
        seen: dict[str, list[torch.Tensor]] = {p.key: [] for p in self.graph.probes}
        for k in range(n_steps):
            spikes = {name: Spikes(self.space, raster.shape[2], dense=raster[:, k]) for name, raster in rasters.items()}
            self.step(k, self.first + k, spikes)
            for name, kept in fired.items():
                kept.append(spikes[name].dense)
            for probe in self.graph.probes:
                if (k + 1) % probe.every == 0:
                    seen[probe.key].append(self.probe(probe))
        neurons = {name: torch.stack(kept, dim=1) for name, kept in fired.items() if kept}
        return Outputs(rasters | neurons, {key: torch.stack(kept, dim=1) for key, kept in seen.items() if kept})

    def _run_compiled(self, rasters: dict[str, torch.Tensor], n_steps: int) -> Outputs:
        whole = Whole(self.graph, self.space, self.neurons, self.static)
        spiked, V = whole.run(rasters, self.first, n_steps, self.surrogate or torch.zeros_like)
        places = np.cumsum([0, *(n.size for n in self.neurons.values())]).tolist()
        begins = dict(zip(self.neurons, places, strict=False))
        spikes = {name: spiked[:, :, begins[name] : begins[name] + n.size] for name, n in self.neurons.items()}
        probes = {
            p.key: V[:, p.every - 1 :: p.every, begins[p.target] + p.start : begins[p.target] + p.stop]
            for p in self.graph.probes
        }
        return Outputs(rasters | spikes, {key: seen for key, seen in probes.items() if seen.shape[1]})

    def _given(self, source: Source, n_steps: int) -> torch.Tensor:
        """The spikes of a source in all runs, (runs, steps, neurons)."""
        raster = np.zeros((len(self.first), n_steps, source.size))
        for run, first in enumerate(self.first.tolist()):
            steps, neurons = source.spikes.between(first, first + n_steps)
            np.add.at(raster[run], (steps - first, neurons), 1.0)
        return self.space.tensor(raster)


def _checked(graph: Graph, values: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """``values``. Raises InvalidModel on one that stands for nothing of the graph, or has another shape."""
    sizes = {f"{n.name}.{name}": n.size for n in graph.neurons() for name in n.parameters if name != n.kind.refractory}
    sizes |= {f"{p.name}.w": p.n_synapses for p in graph.projections if not p.learning}
    for path, value in values.items():
        if path not in sizes:
            raise InvalidModel(unknown("no number with a gradient", path, sizes))
        if tuple(value.shape) not in ((), (sizes[path],)):
            raise InvalidModel(
                f"{path}: needs one number or {sizes[path]}, got the shape {tuple(value.shape)}", path=path
            )
    return values


def _require_static(graph: Graph) -> None:
    """Raise InvalidModel where something learns."""
    for p in graph.projections:
        if p.learning:
            raise InvalidModel(
                f"{p.name}: learns by a rule: its runs cannot go on beside each other, nor have gradients; leave out "
                "learning=",
                path=p.name,
            )
    for n in graph.neurons():
        if n.intrinsic:
            raise InvalidModel(
                f"{n.name}: has intrinsic plasticity: its runs cannot go on beside each other, nor have gradients; "
                "leave out intrinsic=",
                path=n.name,
            )
