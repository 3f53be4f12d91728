"""A whole network as JSON and arrays, and back: what NIR's nodes cannot say stands in a graph's metadata so.

Everything is rebuilt by the public constructors, which judge what they are given; nothing in a file is executed.
"""

from __future__ import annotations

import dataclasses
import json
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from ernsnn.describe import connectors, distributions, flows, learning, products, short_term, stimuli
from ernsnn.describe.modulators import CLASSES as MODULATORS
from ernsnn.describe.modulators import Either, Gate, Modulator, Signal, ThirdFactor
from ernsnn.describe.network import Network
from ernsnn.describe.neurons import CLASSES as NEURONS
from ernsnn.describe.neurons import Neuron
from ernsnn.describe.parametrised import Later, class_of
from ernsnn.describe.populations import IntrinsicPlasticity, Population, View
from ernsnn.describe.projections import Projection
from ernsnn.describe.units import time_of
from ernsnn.errors import InvalidModel, ModelWarning
from ernsnn.graph import encoding
from ernsnn.graph.storage import CLASSES as KINDS
from ernsnn.loading import Unfit, reading

SCHEMA = 1
_SHORT_TERM = {cls.__name__: cls for cls in (short_term.TsodyksMarkram, short_term.TsodyksUzielMarkram)}
VALUES: dict[str, Any] = {
    cls.__name__: cls
    for cls in (
        *(connectors.OneToOne, connectors.AllToAll, connectors.FixedProbability, connectors.FixedInDegree),
        *(connectors.FixedTotalNumber, connectors.FromList),
        *(distributions.Uniform, distributions.Normal, distributions.LogNormal, distributions.Exponential),
        *(learning.LearningRule, learning.Term, learning.Trace, learning.Mark, learning.Normalise),
        *(products.Factor, flows.Relax, flows.Latch, IntrinsicPlasticity, ThirdFactor),
        *(stimuli.Schedule, stimuli.SpikeTimes, stimuli.Poisson, stimuli.CurrentSteps),
        *_SHORT_TERM.values(),
        *NEURONS.values(),
    )
}
"""The classes that a description may hold by name."""
_BASES: dict[str, Any] = {"neuron": Neuron, "short_term": short_term.ShortTerm}
"""What kinds of a user's own derive from."""
_WEIGHTS = ("weight_nA", "weight_mV", "weight_uS")
_PROJECTION = ("connector", *_WEIGHTS, "delay_ms", "receptor", "learning", "third_factors", "transmit", "short_term")
_POISSON = ("rate_hz", "n", *_WEIGHTS, "receptor")


def description(network: Network) -> tuple[str, dict[str, np.ndarray]]:
    """A network as JSON, and its arrays by name. Raises InvalidModel on third factors of a class of the user's own."""
    writer = _Writer()
    parts = {
        "name": network.name,
        "dt_ms": network.dt_ms,
        "current_integration": network.current_integration,
        "populations": [
            [p.name, p.size, writer.value(p.model), writer.value(p.plasticity)] for p in network.populations.values()
        ],
        "modulators": [[m.name, writer.modulator(m)] for m in network.modulators.values()],
        "projections": [
            [p.name, writer.value(p.pre), writer.value(p.post), writer.fields(p, _PROJECTION)]
            for p in network.projections.values()
        ],
        "poisson_inputs": [
            [p.name, writer.value(p.target), writer.fields(p, _POISSON)] for p in network.poisson_inputs.values()
        ],
        "injections": [[writer.value(i.target), writer.value(i.current)] for i in network.injections],
        "modulations": [
            [writer.value(m.target), writer.value(m.modulator), m.variable, m.gain] for m in network.modulations
        ],
        "probes": [[writer.value(p.target), p.variable, p.every] for p in network.probes],
        "frozen": [list(interval) for interval in network.frozen],
    }
    return json.dumps(parts), writer.arrays


def described(text: str, arrays: Mapping[str, np.ndarray], dt_ms: float | None, what: str) -> Network:
    """The network of a description, with steps of ``dt_ms``, or of its own. Raises InvalidModel on what is none."""
    with reading(what), warnings.catch_warnings():
        warnings.simplefilter("ignore", ModelWarning)
        parts = json.loads(text)
        if not isinstance(parts, dict):
            raise Unfit("it must hold names and values")
        return _Reader(parts, arrays, dt_ms).network


class _Writer:
    def __init__(self) -> None:
        self.arrays: dict[str, np.ndarray] = {}

    def fields(self, owner: Any, names: tuple[str, ...]) -> dict[str, Any]:
        return {name: self.value(getattr(owner, name)) for name in names if getattr(owner, name) is not None}

    def modulator(self, made: Modulator) -> dict[str, Any]:
        """The fields of a third factor. Raises InvalidModel on a class that is not ernsnn's."""
        kind = type(made).__name__
        if MODULATORS.get(kind) is not type(made):
            raise InvalidModel(f"{made.name}: {kind} is a class of your own, which a NIR graph cannot hold")
        names = tuple(f.name for f in dataclasses.fields(made) if f.name != "name")
        return {"is": kind, **self.fields(made, names)}

    def value(self, value: Any) -> Any:
        if value is None or isinstance(value, str | bool | int | float):
            return value
        if isinstance(value, np.generic):
            return value.item()
        if isinstance(value, np.ndarray):
            if value.ndim == 0:
                return value.item()
            name = f"a{len(self.arrays)}"
            self.arrays[name] = np.ascontiguousarray(value)
            return {"array": name}
        if isinstance(value, Population):
            return {"part": [value.name, 0, value.size]}
        if isinstance(value, View):
            return {"part": [value.population.name, value.start, value.stop]}
        if isinstance(value, Modulator):
            return {"modulator": value.name}
        if isinstance(value, Projection):
            return {"projection": value.name}
        if isinstance(value, Mapping):
            return {"dict": [[self.value(key), self.value(item)] for key, item in value.items()]}
        if isinstance(value, list | tuple):
            return [self.value(item) for item in value]
        return self._object(value)

    def _object(self, value: Any) -> dict[str, Any]:
        name = type(value).__name__
        fields = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
        if isinstance(value, Neuron):
            # A parameter that follows another must be that very object again, or a draw would be another.
            for p in value.kind.parameters:
                if p.follows and fields.get(p.name) is fields.get(p.follows):
                    fields[p.name] = None
        encoded = {key: self.value(item) for key, item in fields.items()}
        if VALUES.get(name) is type(value):
            return {"is": name, **encoded}
        base = "neuron" if isinstance(value, Neuron) else "short_term"
        assert isinstance(value, Neuron | short_term.ShortTerm), f"no JSON form for {name}"
        return {"own": base, "name": name, "kind": encoding.encode(value.kind, self.arrays), "fields": encoded}


class _Reader:
    """Rebuilds a network. Raises any error on what no description holds."""

    def __init__(self, parts: Mapping[str, Any], arrays: Mapping[str, np.ndarray], dt_ms: float | None) -> None:
        self.arrays, dt = arrays, parts["dt_ms"]
        self.network = net = Network(
            dt_ms=dt if dt_ms is None else dt_ms,
            current_integration=parts["current_integration"],
            name=parts["name"],
        )
        for name, size, model, plasticity in parts["populations"]:
            net.population(name, size, self.value(model), plasticity=self.value(plasticity))
        for name, given in parts["modulators"]:
            self._modulator(name, given)
        for name, pre, post, given in parts["projections"]:
            options = {key: self.value(item) for key, item in given.items()}
            net.projection(name, self.value(pre), self.value(post), **options)
        for name, target, given in parts["poisson_inputs"]:
            net.poisson_input(name, self.value(target), **{key: self.value(item) for key, item in given.items()})
        for target, current in parts["injections"]:
            net.inject(self.value(target), self.value(current))
        for target, modulator, variable, gain in parts["modulations"]:
            net.modulate(self.value(target), self.value(modulator), variable, gain=gain)
        for target, variable, every in parts["probes"]:
            net.probe(self.value(target), variable, every_ms=time_of(every, dt))
        for start, stop in parts["frozen"]:
            net.freeze(time_of(start, dt), time_of(stop, dt))

    def _modulator(self, name: str, given: Mapping[str, Any]) -> None:
        options = {key: self.value(item) for key, item in given.items() if key != "is"}
        kind: Any = MODULATORS[given["is"]]
        if kind is Gate:
            self.network.gate(name, **options)
        elif kind is Either:
            self.network.either(name, **options)
        elif kind is Signal:
            self.network.signal(name, **options)
        else:
            self.network.modulator(name, kind, **options)

    def value(self, value: Any) -> Any:
        if isinstance(value, list):
            return tuple(self.value(item) for item in value)
        if not isinstance(value, dict):
            return value
        if value.keys() == {"array"}:
            return np.array(self.arrays[value["array"]])
        if value.keys() == {"part"}:
            name, start, stop = value["part"]
            return self.network.populations[name][start:stop]
        if value.keys() == {"modulator"}:
            return self.network.modulators[value["modulator"]]
        if value.keys() == {"projection"}:
            return self.network.projections[value["projection"]]
        if value.keys() == {"dict"}:
            return {self.value(key): self.value(item) for key, item in value["dict"]}
        if "own" in value:
            fields = {key: self.value(item) for key, item in value["fields"].items()}
            kind = encoding.decode(value["kind"], self.arrays, KINDS)
            if not fields.keys() <= {p.name for p in kind.parameters}:
                raise Unfit(f"{value['name']} has other parameters than its equations")
            base, name = _BASES[value["own"]], str(value["name"])
            return class_of(base, name, Later(lambda: kind), dict.fromkeys(fields), f"Of the kind {name}.")(**fields)
        made = VALUES[value["is"]]
        return made(**{key: self.value(item) for key, item in value.items() if key != "is"})
