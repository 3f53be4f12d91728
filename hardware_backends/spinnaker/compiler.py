"""Compiler from a graph to a PyNN script for SpiNNaker, which a template writes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files

import numpy as np

from ernsnn.backend.protocol import Program
from ernsnn.graph.graph import Graph, Projection

from ..pynn_script.layout import Arrays, cells, injections, trains
from ..pynn_script.rules import PairRule, pair_rule
from ..templates import script_template
from .capabilities import step_ms
from .rounding import largest_sums, parts

CARRIED = ("board.py", "mapping.py")
"""Files of this folder that are copied beside a program."""


@dataclass(frozen=True)
class ConnectionList:
    """One PyNN projection: its list of connections is the array ``key``."""

    key: str
    projection: Projection
    receptor: str
    rule: PairRule | None


def compile_program(graph: Graph, n_steps: int, *, time_scale_factor: int) -> Program:
    """``program.py``, ``arrays.npz`` and the files that are copied beside them."""
    arrays: Arrays = {}
    trains(graph, n_steps, arrays)
    wirings = [wiring for p in graph.projections for wiring in _wirings(graph, p, arrays)]
    text = script_template(__package__).render(
        graph=graph,
        n_steps=n_steps,
        dt=step_ms(graph),
        time_scale_factor=time_scale_factor,
        cells=[cells(p, graph.dt_ms, arrays) for p in graph.neurons()],
        sums=largest_sums(graph),
        sources=list(graph.sources()),
        wirings=wirings,
        learning=[w for w in wirings if w.rule],
        empty=[p.name for p in graph.projections if p.learning and not p.n_synapses],
        injections=injections(graph, arrays),
    )
    carried = {name: files(__package__).joinpath(name).read_text(encoding="utf-8") for name in CARRIED}
    return Program({"program.py": text, "arrays.npz": arrays, **carried})


def _wirings(graph: Graph, p: Projection, arrays: Arrays) -> Iterator[ConnectionList]:
    """A projection of PyNN for every receptor. Weights are magnitudes."""
    rows, rule = p.synapses, pair_rule(p.learning) if p.learning else None
    for part in parts(p):
        key = f"{p.name}/{part.receptor}"
        columns = [rows.pre, rows.post, np.abs(rows.variables["w"]), rows.delay * step_ms(graph)]
        arrays[key] = np.stack(columns, axis=1)[part.chosen]
        yield ConnectionList(key, p, part.receptor, rule)
