"""The static weights of a graph as integers hold them, in the unit of the graph."""

from __future__ import annotations

import numpy as np

from ernsnn.graph.graph import Graph

from ..arithmetic import integers as n
from ..check.features import receptors
from .connections import layers
from .neurons import closed_form
from .quantise import quantise


def stored_weights(graph: Graph, order: n.Order, chip: bool) -> dict[str, np.ndarray]:
    """``"projection.w"`` -> one weight a synapse, of every projection that does not learn, as ``quantise`` holds it."""
    network, _ = quantise(graph, n_steps=1, order=order, chip=chip)
    neurons = {p.name: p for p in graph.neurons()}
    found: dict[str, np.ndarray] = {}
    for p in graph.projections:
        if p.learning is not None or p.post not in network.scale:
            continue
        post, rows = neurons[p.post], p.synapses
        membrane = closed_form(post, graph, "I" if receptors(graph, post) == {"I"} else "E")
        unit = membrane.jump * network.scale[p.post] * (-1.0 if p.arrives_at == "I" else 1.0)
        weights = np.zeros(p.n_synapses)
        for k, layer in enumerate(layers(p)):
            name = p.name if k == 0 else f"{p.name}#{k + 1}"
            held = sum(
                (c.weights * 2.0**c.exponent for c in network.connections if c.name in (name, f"{name}~fine")),
                np.zeros(layer.matrix.shape),
            )
            weights[layer.ids] = held[rows.post[layer.ids] - p.post_start, rows.pre[layer.ids] - p.pre_start] / unit
        found[f"{p.name}.w"] = weights
    return found
