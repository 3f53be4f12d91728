"""A digest of the nodes of a NIR graph, by which a graph that ernsnn wrote is known to be as it was."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from ernsnn.interchange.nodes import NirGraph


def fingerprint(graph: NirGraph) -> str:
    """SHA-256 of all nodes, their fields and the edges, in the order of their names."""
    total = hashlib.sha256()
    for name, node in sorted(graph.nodes.items()):
        total.update(repr((name, node.type)).encode())
        for field, value in sorted(node.fields.items()):
            total.update(field.encode())
            total.update(_bytes(value))
    total.update(repr(sorted(graph.edges)).encode())
    return total.hexdigest()


def _bytes(value: Any) -> bytes:
    array = np.asarray(value)
    if array.dtype.kind not in "biuf":
        return repr(value).encode()
    return repr(array.shape).encode() + np.ascontiguousarray(array, np.float64).tobytes()
