"""Compiler from an integer network to a Lava script, which a template writes."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

import numpy as np

from ernsnn.backend.protocol import Program
from ernsnn.errors import InvalidModel
from ernsnn.files import Content

from ...templates import script_template
from ..arithmetic.integers import Astrocyte, Cells, Connection, IntegerNetwork, Operand, Product, Source
from ..arithmetic.limits import DELAY_MAX
from ..floats import FloatCells, FloatNetwork
from ..readout import Readout

_LONGEST = 80
"""The largest number of letters of a variable's name, since files, whose names have at most 255, are named after
them."""

Watch = Mapping[str, Sequence[int] | np.ndarray]
"""Name of cells, a plastic connection or an astrocyte -> the steps after which its state is recorded."""


def compile_program(
    network: IntegerNetwork | FloatNetwork,
    n_steps: int,
    title: str,
    *,
    patience_s: float,
    watch: Watch | None = None,
    readouts: Sequence[Readout] = (),
    populations: Sequence[str] | None = None,
    chip: bool = False,
) -> Program:
    """``program.py``, ``arrays.npz`` and ernsnn's files that the script imports.

    It records the spikes of ``populations`` (None: of all), what ``readouts`` say, and raw integers for ``watch``. For
    the ``chip`` it has Lava's own processes only, which must do (see ``check.chip``), and reads back what is learnt,
    once, at the end.
    """
    return _Writer(network, watch or {}, readouts, chip).program(n_steps, title, patience_s, populations)


class _Writer:
    """Collects the values for the template and the arrays."""

    def __init__(
        self, network: IntegerNetwork | FloatNetwork, watch: Watch, readouts: Sequence[Readout], chip: bool
    ) -> None:
        self.network, self.watch, self.readouts, self.chip = network, watch, readouts, chip
        self.arrays: dict[str, np.ndarray] = {}
        self.size = {s.name: s.size for s in network.sources} | {c.name: c.size for c in network.cells}
        names = {
            "source": [s.name for s in network.sources],
            "cells": [c.name for c in network.cells],
            "astrocyte": [a.name for a in network.astrocytes],
            "synapses": [c.name for c in network.connections],
        }
        every = [name for group in names.values() for name in group]
        twice = sorted({name for name in every if every.count(name) > 1})
        if twice:
            raise InvalidModel(f"each part needs a name of its own; used twice: {', '.join(twice)}")
        self.ids: dict[str, str] = {}
        for prefix, group in names.items():
            for name in group:
                self.ids[name] = self._identifier(prefix, name)
        self.watched = [*names["cells"], *names["astrocyte"], *(c.name for c in network.connections if c.rule)]
        for name in (*watch, *(r.name for r in readouts)):
            if name not in self.watched:
                raise InvalidModel(f"nothing to watch in {name!r}; there is: {', '.join(self.watched)}")
            steps = [watch.get(name, ()), *(r.steps for r in readouts if r.name == name)]
            wanted = np.unique(np.concatenate([np.asarray(s, dtype=np.int64) for s in steps]))
            self.arrays[f"{self.ids[name]}/watch"] = wanted

    def _identifier(self, prefix: str, name: str) -> str:
        """A variable of the script, and a file's name: of a long name the beginning."""
        plain = re.sub(r"\W+", "_", f"{prefix}_{name}", flags=re.ASCII)[:_LONGEST].strip("_")
        taken = set(self.ids.values())
        return next(i for i in (plain + (f"_{k}" if k else "") for k in itertools.count()) if i not in taken)

    def program(self, n_steps: int, title: str, patience_s: float, populations: Sequence[str] | None) -> Program:
        network, ids = self.network, self.ids
        recorded = list(self.size) if populations is None else populations
        parts: dict[str, Any] = {
            "sources": [self._source(s) for s in network.sources],
            "cells": [{**self._cells(c), "recorded": c.name in recorded} for c in network.cells],
            "astrocytes": [self._astrocyte(a) for a in network.astrocytes],
            "static": [self._static(c) for c in network.connections if c.rule is None],
            "plastic": [self._plastic(c) for c in network.connections if c.rule is not None],
        }
        for r in self.readouts:
            self.arrays |= {f"{r.key}/steps": r.steps, f"{r.key}/picked": self._picked(r)}
        members = [m["id"] for a in parts["astrocytes"] for m in a["members"]]
        text = script_template(__package__).render(
            **parts,
            chip=self.chip,
            arithmetic="floating" if isinstance(network, FloatNetwork) else "fixed",
            title=title,
            n_steps=n_steps,
            patience_s=patience_s,
            everything=[*ids.values(), *members],
            given=[(s.name, ids[s.name]) for s in network.sources if s.name in recorded],
            fired=[(c.name, ids[c.name]) for c in network.cells if c.name in recorded],
            readouts=[(r, ids[r.name]) for r in self.readouts],
            raw=[(name, ids[name]) for name in self.watch],
        )
        ours = ("shim.py", "running.py", "hardware.py", "processes/__init__.py", "processes/models.py")
        written: dict[str, Content] = {
            "program.py": text,
            "arrays.npz": self.arrays,
            **{name: _resource(name) for name in ours},
        }
        return Program(written, makes=("recording.npz", "journal/", "__pycache__/", "processes/__pycache__/"))

    def _source(self, source: Source) -> dict[str, Any]:
        name = self.ids[source.name]
        # Sorted, and each spike once: a neuron that is given two in a step sends one.
        steps, neurons = np.unique(np.array([source.steps, source.neurons], dtype=np.int64), axis=1)
        self.arrays |= {f"{name}/steps": steps, f"{name}/neurons": neurons}
        return {**vars(source), "id": name, "port": self._port(source.name)}

    def _port(self, population: str) -> str:
        """The port from which its spikes come. Given spikes go to the chip first."""
        name = self.ids[population]
        given = any(s.name == population for s in self.network.sources)
        return f"sent_{name}" if self.chip and given else f"{name}.s_out"

    def _cells(self, cells: Cells | FloatCells) -> dict[str, Any]:
        name = self.ids[cells.name]
        self.arrays[f"{name}/bias"] = cells.bias
        return {**vars(cells), "id": name}

    def _astrocyte(self, astrocyte: Astrocyte) -> dict[str, Any]:
        name = self.ids[astrocyte.name]
        members = [
            {"id": f"members{k}_{name}", "population": self.ids[p], "size": self.size[p], "start": a, "stop": b}
            for k, (p, a, b) in enumerate(astrocyte.members)
        ]
        return {**vars(astrocyte), "id": name, "members": members}

    def _synapses(self, c: Connection) -> dict[str, Any]:
        """Values that static and plastic connections share."""
        name = self.ids[c.name]
        self.arrays[f"{name}/weights"] = self._placed(c, c.weights)
        return {**vars(c), "id": name, "port": self._port(c.pre), "post": self.ids[c.post]}

    def _static(self, c: Connection) -> dict[str, Any]:
        shared = self._synapses(c)
        longest = int(np.max(c.delays))
        if longest > DELAY_MAX:
            raise InvalidModel(f"{c.name}: a delay of {longest} steps; Loihi's longest is {DELAY_MAX}")
        if longest > 1:
            delays = np.maximum(np.broadcast_to(c.delays, c.weights.shape) - 1, 0)
            self.arrays[f"{shared['id']}/delays"] = self._placed(c, delays)
        return {**shared, "delayed": longest > 1}

    def _plastic(self, c: Connection) -> dict[str, Any]:
        assert c.rule is not None
        shared, rule = self._synapses(c), c.rule
        exists = np.broadcast_to(c.delays, c.weights.shape) > 0
        if np.max(c.delays) > 1:
            raise InvalidModel(f"{c.name}: a plastic delay of {np.max(c.delays)} steps; here it is 1")
        unknown = set(rule.third.values()) - {a.name for a in self.network.astrocytes}
        if unknown:
            raise InvalidModel(f"{c.name}: the third factor comes from {min(unknown)!r}, which is no astrocyte")
        tag = np.zeros(c.weights.shape, dtype=np.int64) if c.tag is None else c.tag
        self.arrays |= {f"{shared['id']}/tag": self._placed(c, tag), f"{shared['id']}/exists": self._placed(c, exists)}
        # Lava's rules with third factors let every y pass a decay of this time constant, as do ernsnn's.
        slow = {name: {"impulse": 0, "tau": 65535} for name in rule.third}
        return {
            **shared,
            "third": tuple(rule.third),
            "senders": {name: self.ids[sender] for name, sender in rule.third.items()},
            "targets": {t: series(p) for t, p in (("dw", rule.dw), ("dt", rule.dt), ("dd", rule.dd)) if p},
            "traces": {**{n: vars(t) for n, t in rule.traces.items() if n not in slow}, **slow},
            "epoch": rule.epoch,
            "seed": rule.seed,
        }

    def _picked(self, r: Readout) -> np.ndarray:
        """Positions in the state of whole populations, which is what processes hold."""
        c = next((c for c in self.network.connections if c.name == r.name), None)
        if c is None:
            return r.picked
        post, pre = np.divmod(r.picked, c.weights.shape[1])
        picked: np.ndarray = (post + c.post_start) * self.size[c.pre] + pre + c.pre_start
        return picked

    def _placed(self, c: Connection, matrix: np.ndarray) -> np.ndarray:
        """``matrix`` at its place among all neurons of both populations."""
        kind = {"b": np.bool_, "f": np.float64}.get(matrix.dtype.kind, np.int64)
        whole: np.ndarray = np.zeros((self.size[c.post], self.size[c.pre]), dtype=kind)
        n_post, n_pre = matrix.shape
        whole[c.post_start : c.post_start + n_post, c.pre_start : c.pre_start + n_pre] = matrix
        return whole


def series(products: Sequence[Product]) -> str:
    """A sum of products as Lava reads it."""
    text = " ".join(f"{'-' if p.mantissa < 0 else '+'} {_product(p)}" for p in products)
    return text.removeprefix("+ ")


def _product(p: Product) -> str:
    return "*".join([f"{abs(p.mantissa)}*2^{p.exponent}", p.event, *(_part(part) for part in p.parts)])


def _part(p: Operand) -> str:
    if p.sign == 1 and p.constant == 0:
        return f"sgn({p.variable})" if p.sgn else p.variable
    inner = f"{p.constant}-{p.variable}" if p.sign == -1 else f"{p.variable}{p.constant:+d}"
    return f"sgn({inner})" if p.sgn else f"({inner})"


def _resource(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")
