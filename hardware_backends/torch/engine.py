"""A single run, step by step, as every backend in this process has it: recorded, interrupted and resumed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from ernsnn.backend import stepping
from ernsnn.backend.state import state_of
from ernsnn.graph.graph import Graph, Probe
from ernsnn.loading import Unfit
from ernsnn.recording.keys import synapse_key
from ernsnn.recording.recording import Recording

from ..reference.intrinsic import final_values, load_values
from .network import Network
from .space import Spikes, to_numpy


class Held(dict[str, np.ndarray]):
    """The tensors of a network as arrays, by path; what is put into it goes into the network."""

    def __init__(self, network: Network) -> None:
        self.network = network
        super().__init__({path: np.array(value.cpu().numpy()) for path, value in _tensors(network).items()})

    def __setitem__(self, path: str, value: np.ndarray) -> None:
        before = _tensors(self.network)[path]
        if value.shape != tuple(before.shape):
            raise Unfit(f"{path} has the shape {value.shape}, and needs {tuple(before.shape)}")
        _put(self.network, path, torch.as_tensor(value).to(before))


class Engine(stepping.Engine):
    """The state of one run."""

    changes = ("held", "streams", "plastic", "intrinsic", "own")
    not_carried = ("own",)

    def __init__(self, graph: Graph, device: str, precision: str, threads: int) -> None:
        self.graph, self.threads = graph, threads
        self.network = Network(graph, device=device, precision=precision)
        populations = self.network.neurons
        self.streams = {name: n.streams for name, n in populations.items()}
        self.plastic = self.network.plastic
        self.intrinsic = {name: n.intrinsic for name, n in populations.items() if n.intrinsic}

    @property
    def held(self) -> Held:
        """The tensors of the network."""
        return Held(self.network)

    @property
    def own(self) -> Mapping[str, Any]:
        """The parameters that learn."""
        return {name: n.learned for name, n in self.network.neurons.items()}

    def problems(self) -> Iterator[str]:
        """See ``stepping.Engine.problems``."""
        for s in self.plastic.values():
            if not s.past.possible(s.p.connectivity.n_post):
                yield f"{s.p.name} has spikes of no neurons"

    @torch.no_grad()
    def step(self, t: int, spikes: dict[str, np.ndarray]) -> None:
        """See ``stepping.Engine.step``."""
        if torch.get_num_threads() != self.threads:
            torch.set_num_threads(self.threads)
        sizes = {p.name: p.size for p in self.graph.populations}
        fired = {name: Spikes(self.network.space, sizes[name], ids=ids) for name, ids in spikes.items()}
        self.network.step(t, np.array([t]), fired)
        spikes |= {name: fired[name].ids for name in self.network.neurons}

    def probe(self, probe: Probe) -> np.ndarray:
        """See ``stepping.Engine.probe``."""
        plastic = self.plastic.get(probe.target)
        if plastic is not None and probe.kind == "synapses":
            return plastic.variables[probe.variable].copy()
        return to_numpy(self.network.probe(probe))

    def write(self, probe: Probe, values: np.ndarray) -> None:
        """See ``stepping.Engine.write``."""
        given = self.network.space.tensor(values)
        if probe.kind == "neurons":
            neurons = self.network.neurons[probe.target]
            state = neurons.p.kind.probes[probe.variable]
            after = neurons.state[state].clone()
            after[0, probe.start : probe.stop] = given
            neurons.state[state] = after
        elif probe.target in self.plastic:
            plastic = self.plastic[probe.target]
            plastic.variables = {**plastic.variables, probe.variable: np.array(values, dtype=float)}
        else:
            self.network.static[probe.target].w = given

    def adjust(self, graph: Graph) -> None:
        """See ``stepping.Engine.adjust``."""
        self.graph = self.network.graph = graph
        for p in graph.neurons():
            self.network.neurons[p.name].adjust(p, graph)

    def final_values(self) -> dict[str, np.ndarray]:
        """See ``stepping.Engine.final_values``."""
        synapses = {synapse_key(s.p.name, name): v for s in self.plastic.values() for name, v in s.variables.items()}
        return synapses | final_values(self.network.neurons.values())

    def load_values(self, recording: Recording) -> None:
        """See ``stepping.Engine.load_values``."""
        for s in self.plastic.values():
            for name, values in s.variables.items():
                values[:] = recording.synapses[s.p.name][name]
        load_values(self.network.neurons.values(), recording.neurons)

    def state(self) -> dict[str, np.ndarray]:
        """See ``stepping.Engine.state``."""
        return state_of(self, whole=False)


def _holders(network: Network) -> Iterator[tuple[str, Any, Sequence[str]]]:
    """(path, object, attributes) of what changes: tensors, and dictionaries of tensors."""
    for name, n in network.neurons.items():
        yield f"neurons/{name}", n, ("state", "countdown")
    for name, m in network.modulators.items():
        yield f"modulators/{name}", m, ("state", "value")
    for name, s in network.static.items():
        if s.short_term:
            yield f"short_term/{name}", s.short_term, ("state", "last")


def _tensors(network: Network) -> dict[str, torch.Tensor]:
    found: dict[str, torch.Tensor] = {}
    for path, holder, attributes in _holders(network):
        for attribute in attributes:
            value = getattr(holder, attribute)
            inner = {f"/{key}": each for key, each in value.items()} if isinstance(value, dict) else {"": value}
            found |= {f"{path}/{attribute}{key}": each for key, each in inner.items()}
    for name, n in network.neurons.items():
        nothing = network.space.zeros(n.size)
        ring = [torch.stack([slot.get(r, nothing) for r in range(len(n.receptors))]) for slot in n.arrivals]
        found[f"neurons/{name}/arrivals"] = torch.stack(ring)
    return found


def _put(network: Network, path: str, value: torch.Tensor) -> None:
    kind, name, attribute, *key = path.split("/")
    if attribute == "arrivals":
        network.neurons[name].arrivals = [dict(enumerate(slot)) for slot in value]
        return
    holder = next(h for where, h, _ in _holders(network) if where == f"{kind}/{name}")
    if key:
        getattr(holder, attribute)[key[0]] = value
    else:
        setattr(holder, attribute, value)
