"""A single run, step by step, as every backend in this process has it: recorded, interrupted and resumed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from ernsnn.backend import stepping
from ernsnn.backend.state import hand_over
from ernsnn.graph.graph import Graph, Probe
from ernsnn.loading import Unfit
from ernsnn.recording.keys import synapse_key
from ernsnn.recording.recording import Recording

from ..reference.intrinsic import final_values, load_values
from .network import Network
from .neurons import NeuronState
from .space import Spikes, to_numpy


class Held(dict[str, np.ndarray]):
    """The tensors of a network as arrays, by path; what is put into it goes into the network."""

    def __init__(self, network: Network) -> None:
        self.places = dict(_places(network))
        self.rings = {f"arrivals/{name}": n for name, n in network.neurons.items()}
        tensors = {path: _get(place) for path, place in self.places.items()}
        tensors |= {path: _ring(neurons) for path, neurons in self.rings.items()}
        super().__init__({path: np.array(value.cpu().numpy()) for path, value in tensors.items()})

    def __setitem__(self, path: str, value: np.ndarray) -> None:
        ring = self.rings.get(path)
        before = _get(self.places[path]) if ring is None else _ring(ring)
        if value.shape != tuple(before.shape):
            raise Unfit(f"{path} has the shape {value.shape}, and needs {tuple(before.shape)}")
        given = torch.as_tensor(value).to(before)
        if ring is None:
            _set(self.places[path], given)
        else:
            ring.arrivals = [dict(enumerate(slot)) for slot in given]


class Engine(stepping.Engine):
    """The state of one run."""

    changes = ("held", "streams", "plastic", "intrinsic", "own")
    not_carried, not_reset = ("own",), ("streams",)

    def __init__(self, graph: Graph, device: str, precision: str, threads: int) -> None:
        self.graph, self.threads = graph, threads
        self.network = Network(graph, device=device, precision=precision)
        self.sizes = {p.name: p.size for p in graph.populations}
        populations = self.network.neurons
        self.streams = {name: n.streams for name, n in populations.items()}
        self.plastic = self.network.plastic
        self.intrinsic = {name: n.intrinsic for name, n in populations.items() if n.intrinsic}
        self.begin()

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
        if self.graph.resets_at(t):
            self.reset()
        fired = {name: Spikes(self.network.space, self.sizes[name], ids=ids) for name, ids in spikes.items()}
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

    def succeed(self, other: Engine, t: int) -> None:
        """See ``stepping.Engine.succeed``."""
        places = dict(_places(self.network))
        for path, place in _places(other.network):
            _set(places[path], _get(place).clone())
        for name, before in other.network.neurons.items():
            self.network.neurons[name].succeed(before, t)
        for name, plastic in other.plastic.items():
            hand_over(plastic, self.plastic[name])
            for variable, values in self.plastic[name].variables.items():
                values[:] = plastic.variables[variable]

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


Place = tuple[Any, str, str | None]
"""An object, and which of its attributes is a tensor, or a dictionary of tensors with this key."""


def _places(network: Network) -> Iterator[tuple[str, Place]]:
    """Path -> place of the tensors that change, but arrivals."""
    static = {name: s.short_term for name, s in network.static.items() if s.short_term}
    holders: list[tuple[str, Any, Sequence[str]]] = [
        *((f"cells/{name}", n, ("state", "countdown")) for name, n in network.neurons.items()),
        *((f"modulators/{name}", m, ("state", "value")) for name, m in network.modulators.items()),
        *((f"short_term/{name}", s, ("state", "last")) for name, s in static.items()),
    ]
    for path, holder, attributes in holders:
        for attribute in attributes:
            value = getattr(holder, attribute)
            for key in value if isinstance(value, dict) else (None,):
                yield f"{path}/{attribute}" + ("" if key is None else f"/{key}"), (holder, attribute, key)


def _get(place: Place) -> torch.Tensor:
    holder, attribute, key = place
    value: Any = getattr(holder, attribute)
    return value if key is None else value[key]  # type: ignore[no-any-return]


def _set(place: Place, value: torch.Tensor) -> None:
    holder, attribute, key = place
    if key is None:
        setattr(holder, attribute, value)
    else:
        getattr(holder, attribute)[key] = value


def _ring(neurons: NeuronState) -> torch.Tensor:
    """What arrives in the steps to come, (steps, receptors, runs, neurons)."""
    nothing = neurons.space.zeros(neurons.size)
    return torch.stack(
        [torch.stack([slot.get(r, nothing) for r in range(len(neurons.receptors))]) for slot in neurons.arrivals]
    )
