"""Weights as a backend would hold them, in the place of those that are fitted."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from ernsnn.backend.protocol import Backend
from ernsnn.backend.registry import get_backend, names_of
from ernsnn.errors import InvalidModel
from ernsnn.graph.graph import Graph, Neurons
from ernsnn.graph.values import Array


def rounding(name: str, graph: Graph) -> Backend:
    """The backend of that name. Raises InvalidModel where it holds weights as they are; as ``Backend.require`` does."""
    backend = get_backend(name)
    if not backend.rounds:
        others = names_of(lambda each: each.rounds)
        raise InvalidModel(f"fit.for_chip: {name} holds weights as they are; leave it out, or name {others}")
    backend.require(graph)
    return backend


def rounded(backend: Backend, graph: Graph, values: Mapping[str, Any]) -> dict[str, Any]:
    """The tensors ``values``, and all other weights that ``backend`` rounds, as it holds them.

    A gradient by a rounded weight is that by the weight itself (a straight-through estimator, Bengio et al. 2013).
    """
    now = {path: np.asarray(value.detach().cpu().numpy(), dtype=float) for path, value in values.items()}
    like, forward = next(iter(values.values())), dict(values)
    for path, held in backend.stored(with_numbers(graph, now)).items():
        fixed = like.new_tensor(held)
        forward[path] = values[path] + (fixed - values[path]).detach() if path in values else fixed
    return forward


def with_numbers(graph: Graph, numbers: Mapping[str, np.ndarray]) -> Graph:
    """The same graph with other numbers of ``Graph.values``: parameters of neurons and static weights."""
    return dataclasses.replace(
        graph,
        populations=tuple(
            dataclasses.replace(p, parameters={k: numbers.get(f"{p.name}.{k}", v) for k, v in p.parameters.items()})
            if isinstance(p, Neurons)
            else p
            for p in graph.populations
        ),
        projections=tuple(
            dataclasses.replace(p, weight=Array(numbers[f"{p.name}.w"])) if f"{p.name}.w" in numbers else p
            for p in graph.projections
        ),
    )
