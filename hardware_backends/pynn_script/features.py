"""Limits of PyNN on every simulator: one small function each. ``prefix`` is the letter of the backend's codes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from ernsnn.backend.issues import Limit
from ernsnn.backend.protocol import Capability
from ernsnn.graph.graph import Graph, Neurons, PoissonInput, Projection

from .rules import NotThePairRule, PairRule, pair_rule

ELSEWHERE = "run it on native or brian2"


def _neuron_models(prefix: str, graph: Graph) -> Iterator[Limit]:
    """Yield limits for neurons other than PyNN's IF_curr_exp and IF_cond_exp."""
    for p in graph.neurons():
        if p.intrinsic:
            yield Limit(f"{prefix}203", p.name, f"its {p.intrinsic.target} learns", ELSEWHERE)
        if "noise_mV" in p.parameters:
            remedy = "drive it with Poisson spikes"
            yield Limit(f"{prefix}204", f"{p.name}.noise_mV", "no noise on the membrane", remedy)
        if "v_min_mV" in p.parameters:
            yield Limit(f"{prefix}205", f"{p.name}.v_min_mV", "voltages have no floor", "leave v_min_mV out")


def _phases(prefix: str, graph: Graph) -> Iterator[Limit]:
    """Learning cannot be switched off."""
    if graph.frozen:
        yield Limit(f"{prefix}207", graph.name, f"{len(graph.frozen)} phases without learning", ELSEWHERE)


def _short_term(prefix: str, graph: Graph) -> Iterator[Limit]:
    """Yield limits for short-term plasticity."""
    for p in graph.projections:
        if p.short_term:
            message = f"short-term plasticity ({p.short_term.kind.name}); here a spike transmits the weight"
            yield Limit(f"{prefix}215", f"{p.name}.short_term", message, ELSEWHERE)


def _learning(prefix: str, graph: Graph) -> Iterator[Limit]:
    """Yield limits for learning rules other than the pair rule."""
    for p in graph.projections:
        if p.learning is None:
            continue
        w = p.learning.variable("w")
        if w.low != 0 or not 0 < w.high < np.inf:
            message = f"weights from {w.low:g} to {w.high:g}; here they are from 0 to a number"
            yield Limit(f"{prefix}209", f"{p.name}.learning.bounds", message, "use w_min=0 and a w_max")
        if p.several_a_pair:
            yield Limit(f"{prefix}211", p.name, "pairs of neurons with several plastic synapses", "use one a pair")
        try:
            pair_rule(p.learning)
        except NotThePairRule as why:
            yield Limit(f"{prefix}208", f"{p.name}.learning", f"is not the pair rule: {why}", ELSEWHERE)


def lacking(prefix: str) -> tuple[Capability, ...]:
    """The capabilities of this file."""
    checks: tuple[Callable[[str, Graph], Iterator[Limit]], ...] = (_neuron_models, _phases, _short_term, _learning)
    return tuple(partial(check, prefix) for check in checks)


def pair_rules(graph: Graph) -> Iterator[tuple[Projection, PairRule]]:
    """The projections that learn by the pair rule."""
    for p in graph.projections:
        if p.learning is not None:
            try:
                rule = pair_rule(p.learning)
            except NotThePairRule:
                continue
            yield p, rule


def two_currents(graph: Graph) -> Iterator[tuple[Projection | PoissonInput, Neurons]]:
    """The projections and Poisson inputs onto neurons whose two synaptic currents decay differently."""
    acting: list[Projection | PoissonInput] = [*graph.projections, *graph.poisson_inputs]
    for p in acting:
        post = graph.population(p.post if isinstance(p, Projection) else p.target.population)
        if not isinstance(post, Neurons) or post.kind.name != "LIF":
            continue
        if np.any(np.asarray(post.parameters["tau_syn_E_ms"]) != post.parameters["tau_syn_I_ms"]):
            yield p, post
