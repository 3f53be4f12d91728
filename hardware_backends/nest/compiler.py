"""Compiler from a graph to a PyNN script for NEST, which a template writes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from ernsnn.backend.protocol import Program
from ernsnn.graph.graph import Graph, Neurons, PoissonInput, Projection
from ernsnn.graph.values import columns_of

from ..pynn_script.layout import Arrays, cells, injections, trains
from ..pynn_script.rules import PairRule, pair_rule
from ..templates import script_template
from .substeps import arrivals, held, step_ms, substeps

_GONE = 600.0
"""Time constants after which nothing is left: e^-600 is 1e-261, and e^300, what half a step is made up for, a float."""
_SMALLEST = 1e-300
"""Instead of a weight of 0: of a negative range it would be the wrong side, where NEST refuses it."""


@dataclass(frozen=True)
class ConnectionList:
    """One PyNN projection: the columns of its list of connections are arrays, "``key``/pre" and so on."""

    key: str
    projection: Projection
    relayed: bool
    receptor: str


@dataclass(frozen=True)
class WeightUpdate:
    """Values by which the script brings the weights of a projection up to date at the end."""

    projection: Projection
    rule: PairRule
    wiring: ConnectionList
    potentiation: float
    depression: float


def compile_program(graph: Graph, n_steps: int, *, threads: int) -> Program:
    """``program.py`` and ``arrays.npz``."""
    n = substeps(graph)
    arrays: Arrays = {}
    trains(graph, n_steps, arrays)
    if n > 1:
        for p in graph.neurons():
            arrays[f"{p.name}/push"], arrays[f"{p.name}/pull"] = held(graph, p)
    wirings = [wiring for p in graph.projections if p.n_synapses for wiring in _wirings(graph, p, arrays)]
    text = script_template(__package__).render(
        graph=graph,
        n_steps=n_steps,
        n=n,
        h=step_ms(graph),
        threads=threads,
        longest=max((int(p.synapses.delay.max(initial=1)) for p in graph.projections), default=1),
        cells=[cells(_silenced(p, graph.dt_ms * (n_steps + 1)), graph.dt_ms, arrays) for p in graph.neurons()],
        sources=list(graph.sources()),
        relays=sorted({w.projection.pre for w in wirings if w.relayed}),
        wirings=wirings,
        plastic={p.name: _plastic(graph, p, wirings) for p in graph.projections if p.learning and p.n_synapses},
        empty=[p.name for p in graph.projections if p.learning and not p.n_synapses],
        injections=injections(graph, arrays),
        poisson_inputs=_poisson_inputs(graph, arrays),
        rng_seed=next((1 + int(p.key, 16) % (2**32 - 1) for p in graph.poisson_inputs), 1),
    )
    return Program({"program.py": text, "arrays.npz": arrays})


def _poisson_inputs(graph: Graph, arrays: Arrays) -> list[tuple[str, PoissonInput]]:
    """Poisson inputs that bring something and their keys: neuron i has column ``of[i]`` of ``rates``."""
    found = [(f"input/{k}", p) for k, p in enumerate(graph.poisson_inputs) if len(p.steps)]
    for key, p in found:
        columns, of = columns_of(p.means)
        kinds, kind = np.unique(columns, axis=1, return_inverse=True)
        weights = 1000.0 * (-1 if p.receptor == "inhibitory" else 1) * np.broadcast_to(p.weight, len(of))
        arrays |= {f"{key}/steps": p.steps, f"{key}/rates": kinds * (1000.0 / graph.dt_ms)}
        arrays |= {f"{key}/of": kind.reshape(-1)[of], f"{key}/weights": weights}
    return found


def _silenced(p: Neurons, longest_ms: float) -> Neurons:
    """``p``, refractory for no longer than a run: NEST counts steps of refractoriness in 32 bits."""
    refractory = np.minimum(p.parameters["tau_refrac_ms"], longest_ms)[()]
    return replace(p, parameters={**p.parameters, "tau_refrac_ms": refractory})


def _wirings(graph: Graph, p: Projection, arrays: Arrays) -> Iterator[ConnectionList]:
    """A projection of PyNN for every arrival and sign; where synapses learn, an arrival has one sign."""
    rows, sign, post = p.synapses, -1 if p.arrives_at == "I" else 1, graph.population(p.post)
    conducts = isinstance(post, Neurons) and post.kind.name == "ConductanceLIF"
    every, h = arrivals(graph, p), step_ms(graph)
    for k, arrival in enumerate(every):
        factor = sign * arrival.factor[rows.post]
        weight, delay = rows.variables["w"] * factor, (rows.delay - arrival.synaptic_early) * substeps(graph) * h
        columns = {"pre": rows.pre, "post": rows.post, "weight": weight, "delay": delay}
        excitatory = weight >= 0
        if conducts:
            columns["weight"] = rows.variables["w"]  # PyNN itself tells NEST of the receptor by the sign
        if p.learning:
            excitatory = factor >= 0
            columns["weight"] = np.copysign(np.maximum(np.abs(weight), _SMALLEST), factor)
            columns["w_max"] = p.learning.variable("w").high * factor
        for receptor, chosen in (("excitatory", excitatory), ("inhibitory", ~excitatory)):
            if chosen.any():
                key = f"{p.name}/{k}/{receptor}"
                arrays |= {f"{key}/{name}": _one_or_all(column[chosen]) for name, column in columns.items()}
                yield ConnectionList(key, p, arrival.relayed, receptor)
    if p.learning:
        arrays[f"{p.name}/unit"] = sign * every[0].factor[rows.post]
        arrays |= {f"{p.name}/{side}": getattr(rows, side) for side in ("pre", "post", "delay")}


def _one_or_all(column: np.ndarray) -> np.ndarray:
    """Weights and delays of which all are the same as one number; indices in 32 bits."""
    if column.dtype.kind == "i":
        return column.astype(np.int32)
    return column[0] if (column == column[0]).all() else column


def _plastic(graph: Graph, p: Projection, wirings: list[ConnectionList]) -> WeightUpdate:
    assert p.learning is not None
    rule, half = pair_rule(p.learning), graph.dt_ms / 2
    A_plus, A_minus = rule.fractions
    # A trace that is gone within a step is gone if it takes a little longer; NEST would divide by its time constant.
    shortest = graph.dt_ms / _GONE
    rule = replace(rule, tau_plus_ms=max(rule.tau_plus_ms, shortest), tau_minus_ms=max(rule.tau_minus_ms, shortest))
    return WeightUpdate(
        p,
        rule,
        next(w for w in wirings if w.projection is p),
        float(A_plus * np.exp(-half / rule.tau_plus_ms)),
        float(A_minus * np.exp(half / rule.tau_minus_ms)),
    )
