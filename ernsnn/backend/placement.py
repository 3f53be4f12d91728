"""Placement of neurons on chips by backends, and the cores and links that spikes cross."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ernsnn.backend.protocol import Placed
from ernsnn.backend.registry import get_backend, names_of
from ernsnn.errors import InvalidModel
from ernsnn.graph.graph import Graph

Crossed = tuple[dict[str, np.ndarray] | None, dict[str, np.ndarray] | None]


def placement(graph: Graph, backend: str) -> Sequence[Placed]:
    """The placements of a graph by ``backend``, one for each kind of chip.

    Raises InvalidModel where it has none, and BackendNotAvailable as ``get_backend`` does.
    """
    placed = get_backend(backend).placement(graph)
    if not placed:
        raise InvalidModel(
            f"placement {backend}: it puts neurons on no chip, as {names_of(lambda each: each.places)} does where it "
            f"finds no errors (`ernsnn check MODEL --backend {backend}`)"
        )
    return placed


def crossed(graph: Graph, placed: Sequence[Placed]) -> Crossed:
    """(cores, links) on the chip of ``placed[0]``: the core of each neuron, and how many links its spikes cross.

    Both are None if ``placed`` is empty. They are the arguments ``cores`` and ``links`` of ``Result.energy``. Raises
    UnsupportedOnBackend where the neurons do not fit.
    """
    return (placed[0].cores_of(graph), placed[0].links_of(graph)) if placed else (None, None)
