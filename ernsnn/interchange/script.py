"""A network as a Python file that builds it with the names of ``ernsnn``, and the arrays that the file reads."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from textwrap import indent
from typing import Any

import numpy as np

from ernsnn.describe.distributions import Distribution
from ernsnn.describe.modulators import CLASSES as MODULATORS
from ernsnn.describe.modulators import Domain, Either, Gate, Modulator, Signal
from ernsnn.describe.network import Network
from ernsnn.describe.neurons import Neuron
from ernsnn.describe.populations import Population, View
from ernsnn.describe.projections import Projection
from ernsnn.describe.stimuli import SpikeTimes
from ernsnn.describe.units import time_of
from ernsnn.errors import InvalidModel, quoted
from ernsnn.interchange.description import VALUES

MARK = "Written by `ernsnn import`"
"""Text by which a file is known as one that may be replaced."""
_WIDTH = 90
_INLINE = 6
"""Arrays of more numbers than this stand in the file beside."""
_HEAD = '''"""{title}

{mark}; the arrays stand in {beside} beside it.
"""

from pathlib import Path

import numpy as np

import ernsnn as ern

ARRAYS = dict(np.load(Path(__file__).with_name("{beside}")))


def build() -> ern.Network:
    """The network."""
'''


def script(network: Network, beside: str, title: str) -> tuple[str, dict[str, np.ndarray]]:
    """The text of a file whose ``build()`` makes ``network``, and the arrays that belong into the file ``beside``.

    Raises InvalidModel on kinds of neurons, short-term plasticity and third factors of a user's own.
    """
    writer = _Writer()
    head = _HEAD.format(title=_plain(title), mark=MARK, beside=_plain(beside))
    return head + "".join(indent(f"{statement}\n", "    ") for statement in writer.network(network)), writer.arrays


def _plain(text: str) -> str:
    """A text that can stand within quotes."""
    return "".join(c if c.isprintable() and c not in '"\\' else "_" for c in text)


def _call(function: str, arguments: Sequence[str]) -> str:
    """A call on one line, or with each argument on a line of its own where that were too long."""
    line = f"{function}({', '.join(arguments)})"
    if len(line) <= _WIDTH and "\n" not in line:
        return line
    return "\n".join([f"{function}(", *(indent(f"{argument},", "    ") for argument in arguments), ")"])


class _Writer:
    def __init__(self) -> None:
        self.arrays: dict[str, np.ndarray] = {}

    def network(self, net: Network) -> Iterable[str]:
        """The statements that build a network."""
        named = {"dt_ms": net.dt_ms, "current_integration": net.current_integration, "name": net.name}
        yield _call("net = ern.Network", self._named(named, ""))
        for p in net.populations.values():
            more = self._named({"plasticity": p.plasticity}, p.name)
            yield _call("net.population", [f'"{p.name}"', str(p.size), self.value(p.model, p.name), *more])
        for modulator in net.modulators.values():
            yield self._modulator(modulator)
        for q in net.projections.values():
            given = {name: getattr(q, name) or None for name in ("learning", "third_factors", "short_term")}
            given |= {"transmit": None if q.transmit == "w" else q.transmit}
            given = {q.weight_field: q.weight, "delay_ms": q.delay_ms, "receptor": q.receptor, **given}
            ends = [self.value(q.pre, ""), self.value(q.post, ""), self.value(q.connector, q.name)]
            yield _call("net.projection", [f'"{q.name}"', *ends, *self._named(given, q.name)])
        for i in net.poisson_inputs.values():
            given = {"rate_hz": i.rate_hz, "n": i.n, i.weight_field: i.weight, "receptor": i.receptor}
            yield _call("net.poisson_input", [f'"{i.name}"', self.value(i.target, ""), *self._named(given, i.name)])
        for k, injection in enumerate(net.injections):
            yield _call(
                "net.inject", [self.value(injection.target, ""), self.value(injection.current, f"injection{k}")]
            )
        for m in net.modulations:
            ends = [self.value(m.target, ""), self.value(m.modulator, ""), f'"{m.variable}"']
            yield _call("net.modulate", [*ends, *self._named({"gain": m.gain}, "")])
        for probe in net.probes:
            every = self._named({"every_ms": time_of(probe.every, net.dt_ms) if probe.every > 1 else None}, "")
            yield _call("net.probe", [self.value(probe.target, ""), f'"{probe.variable}"', *every])
        for start, stop in net.frozen:
            yield _call("net.freeze", [repr(time_of(start, net.dt_ms)), repr(time_of(stop, net.dt_ms))])
        yield "return net"

    def _modulator(self, made: Modulator) -> str:
        kind = _name_of(type(made), made.name)
        fields = dataclasses.fields(made)
        given = {f.name: getattr(made, f.name) for f in fields if f.name != "name"}
        if isinstance(made, Domain):
            heard = self.value(given.pop("listens_to"), made.name)
            return _call("net.modulator", [f'"{made.name}"', f"ern.{kind}", heard, *self._named(given, made.name)])
        methods: dict[type, str] = {Gate: "gate", Either: "either", Signal: "signal"}
        return _call(f"net.{methods[type(made)]}", [f'"{made.name}"', *self._named(given, made.name)])

    def _named(self, given: Mapping[str, Any], owner: str) -> list[str]:
        return [f"{name}={self.value(value, f'{owner}.{name}')}" for name, value in given.items() if value is not None]

    def value(self, value: Any, path: str) -> str:
        """A value as Python; arrays are named after ``path``."""
        if isinstance(value, np.generic):
            value = value.item()
        if isinstance(value, float) and not math.isfinite(value):
            return f'float("{value}")'
        if isinstance(value, str):
            return json.dumps(value)
        if value is None or isinstance(value, bool | int | float):
            return repr(value)
        if isinstance(value, np.ndarray):
            return self._array(value, path)
        if isinstance(value, Population):
            return f'net.populations["{value.name}"]'
        if isinstance(value, View):
            whole = value.size == value.population.size
            return f'net.populations["{value.population.name}"]' + ("" if whole else f"[{value.start}:{value.stop}]")
        if isinstance(value, Modulator):
            return f'net.modulators["{value.name}"]'
        if isinstance(value, Projection):
            return f'net.projections["{value.name}"]'
        if isinstance(value, Mapping):
            pairs = enumerate(value.items())
            items = [f"{self.value(key, '')}: {self.value(item, f'{path}.{k}')}" for k, (key, item) in pairs]
            return "{" + ", ".join(items) + "}"
        if isinstance(value, list | tuple):
            return "[" + ", ".join(self.value(item, f"{path}.{k}") for k, item in enumerate(value)) + "]"
        if isinstance(value, SpikeTimes):
            return self._spikes(value, path)
        return self._object(value, path)

    def _array(self, value: np.ndarray, path: str) -> str:
        if value.ndim == 1 and value.size <= _INLINE:
            return f"np.array({[self.value(v, '') for v in value.tolist()]}, np.{value.dtype.name})".replace("'", "")
        name, k = path, 2
        while name in self.arrays:
            name, k = f"{path}.{k}", k + 1
        self.arrays[name] = value
        return f'ARRAYS["{name}"]'

    def _spikes(self, value: SpikeTimes, path: str) -> str:
        named = "" if value.quantity is None else f", quantity={json.dumps(value.quantity)}"
        rows = value.times_ms
        if not any(len(row) for row in rows):
            return f"ern.SpikeTimes([[]] * {len(rows)}{named})"
        times, ends = np.concatenate(rows), np.cumsum([len(row) for row in rows])[:-1]
        self.arrays[f"{path}.times_ms"], self.arrays[f"{path}.ends"] = times, ends
        return f'ern.SpikeTimes(np.split(ARRAYS["{path}.times_ms"], ARRAYS["{path}.ends"]){named})'

    def _object(self, value: Any, path: str) -> str:
        kind = _name_of(type(value), path)
        given = {}
        for f in dataclasses.fields(value):
            held = getattr(value, f.name)
            plain = not isinstance(held, np.ndarray | Distribution)
            same = plain and held == f.default and repr(held) == repr(f.default)
            if held is not None and not same:
                given[f.name] = held
        if isinstance(value, Neuron):
            for p in value.kind.parameters:
                if p.follows and getattr(value, p.name) is getattr(value, p.follows):
                    given.pop(p.name, None)
        return _call(f"ern.{kind}", self._named(given, path))


def _name_of(kind: type, path: str) -> str:
    """The name of a class of ernsnn. Raises InvalidModel on another class."""
    name = kind.__name__
    if VALUES.get(name) is not kind and MODULATORS.get(name) is not kind:
        raise InvalidModel(f"{path}: {quoted(name)} is a class of your own, which a script cannot name")
    return name
