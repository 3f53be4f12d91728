"""The nodes and edges of a NIR graph, its sub-graphs dissolved, out of a file's tree or a ``nir.NIRGraph``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ernsnn.errors import InvalidModel, quoted
from ernsnn.interchange.hdf5 import DEEPEST

NEURONS: dict[str, tuple[str, ...]] = {
    "LIF": ("tau", "r", "v_leak", "v_threshold", "v_reset"),
    "CubaLIF": ("tau_mem", "tau_syn", "r", "v_leak", "v_threshold", "v_reset", "w_in"),
    "IF": ("r", "v_threshold", "v_reset"),
    "LI": ("tau", "r", "v_leak"),
    "CubaLI": ("tau_mem", "tau_syn", "r", "v_leak", "w_in"),
    "I": ("r",),
    "Threshold": ("threshold",),
}
"""The types of nodes that have a state, and their fields."""
READOUTS = ("LI", "CubaLI", "I")
"""Those whose output is their V."""
FIELDS: dict[str, tuple[str, ...]] = {
    **NEURONS,
    "Affine": ("weight", "bias"),
    "Linear": ("weight",),
    "Scale": ("scale",),
    "Conv1d": ("weight", "bias", "stride", "padding", "dilation", "groups"),
    "Conv2d": ("weight", "bias", "stride", "padding", "dilation", "groups"),
    "SumPool2d": ("kernel_size", "stride", "padding"),
    "AvgPool2d": ("kernel_size", "stride", "padding"),
    "Flatten": ("start_dim", "end_dim"),
    "Delay": ("delay",),
    "Input": ("shape",),
    "Output": (),
}
"""The types of nodes that are known, and the fields that they must have, but for those of ``DEFAULTS``."""
DEFAULTS: dict[str, float] = {"v_reset": 0.0, "w_in": 1.0, "bias": 0.0}
WHERE = "the NIR graph"
KEY = "ernsnn"
"""The key in a graph's metadata under which the whole network stands."""


@dataclass(frozen=True, eq=False)
class Node:
    """A node: its name with those of the sub-graphs that it is in, its type, its fields and its metadata."""

    name: str
    type: str
    fields: Mapping[str, Any]
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def numbers(self, name: str) -> np.ndarray:
        """A field as numbers of double precision. Raises InvalidModel, naming it, where they are none, or not finite.

        A field with a default may be missing.
        """
        if name not in self.fields:
            if name in DEFAULTS:
                return np.array(DEFAULTS[name])
            raise InvalidModel(f"{self.name}.{name}: is missing")
        value = self.fields[name]
        try:
            array = np.asarray(value)
            numbers = array.astype(np.float64) if array.dtype.kind in "biuf" else None
        except Exception:  # a foreign array may raise any error
            numbers = None
        if numbers is None:
            raise InvalidModel(f"{self.name}.{name}: must be numbers, got {quoted(value)}")
        if not np.isfinite(numbers).all():
            raise InvalidModel(f"{self.name}.{name}: has numbers that are not finite")
        return numbers

    def whole(self, name: str, n: int = 1, lowest: int = 0) -> tuple[int, ...]:
        """A field as ``n`` whole numbers of at least ``lowest``, of which one may stand for all."""
        numbers = self.numbers(name).reshape(-1)
        if (
            len(numbers) not in (1, n)
            or (numbers % 1 != 0).any()
            or (numbers < lowest).any()
            or (numbers > 2**31).any()
        ):
            many = "a whole number" if n == 1 else f"{n} whole numbers"
            raise InvalidModel(f"{self.name}.{name}: must be {many} >= {lowest}, got {quoted(numbers.tolist())}")
        return tuple(int(number) for number in np.broadcast_to(numbers, n))


@dataclass(frozen=True, eq=False)
class NirGraph:
    """Nodes by name, without sub-graphs, and edges between them; ``inputs`` and ``outputs`` are the graph's own."""

    nodes: dict[str, Node]
    edges: list[tuple[str, str]]
    inputs: list[str]
    outputs: list[str]
    metadata: Mapping[str, Any]


def tree_of(graph: Any) -> dict[str, Any]:
    """A ``nir.NIRGraph`` as names and values. Raises InvalidModel on another object."""
    try:
        tree = graph.to_dict()
    except Exception as error:
        reason = " ".join(str(error).split())
        raise InvalidModel(f"from_nir: needs a file or a nir.NIRGraph, got {quoted(graph)} ({reason})") from None
    if not isinstance(tree, dict):
        raise InvalidModel(f"from_nir: needs a file or a nir.NIRGraph, got {quoted(graph)}")
    return tree


def graph_of(tree: Mapping[str, Any]) -> NirGraph:
    """The nodes and edges of a tree. Raises InvalidModel, listing all, on nodes and edges that cannot be."""
    problems: list[str] = []
    nodes: dict[str, Node] = {}
    edges: list[tuple[str, str]] = []
    ends = _collect(tree, "", 0, nodes, edges, problems)
    for node in nodes.values():
        problems += _problems(node)
    if problems:
        raise InvalidModel.listing(map(InvalidModel, problems))
    if not nodes:
        raise InvalidModel(f"{WHERE}: has no nodes")
    metadata = tree.get("metadata")
    return NirGraph(nodes, edges, *ends, metadata if isinstance(metadata, Mapping) else {})


def _collect(
    tree: Mapping[str, Any],
    within: str,
    depth: int,
    nodes: dict[str, Node],
    edges: list[tuple[str, str]],
    problems: list[str],
) -> tuple[list[str], list[str]]:
    """Add the nodes and edges of a graph, and of those in it; returns the names of its inputs and outputs."""
    where = within.rstrip(".") or WHERE
    members, given = tree.get("nodes"), tree.get("edges")
    if depth > DEEPEST:
        problems.append(f"{where}: more than {DEEPEST} graphs within each other")
        return [], []
    if not isinstance(members, Mapping) or given is None:
        problems.append(f"{where}: a graph needs nodes and edges")
        return [], []
    into: dict[str, list[str]] = {}
    out_of: dict[str, list[str]] = {}
    for key, member in members.items():
        name = f"{within}{key}"
        if not isinstance(key, str) or not isinstance(member, Mapping):
            problems.append(f"{quoted(name)}: is no node")
            continue
        kind = member.get("type")
        kind = kind.decode("utf-8", "replace") if isinstance(kind, bytes) else kind
        if kind == "NIRGraph":
            into[key], out_of[key] = _collect(member, f"{name}.", depth + 1, nodes, edges, problems)
            continue
        if not isinstance(kind, str):
            problems.append(f"{quoted(name)}: needs a type, got {quoted(kind)}")
            continue
        if name in nodes:
            problems.append(f"{quoted(name)}: two nodes have this name")
        metadata = member.get("metadata")
        fields = {k: v for k, v in member.items() if k not in ("type", "metadata") and v is not None}
        nodes[name] = Node(name, kind, fields, metadata if isinstance(metadata, Mapping) else {})
        into[key] = out_of[key] = [name]
    problems += _edges(given, where, into, out_of, edges)
    own = [f"{within}{key}" for key in members if into.get(key) == [f"{within}{key}"]]
    return [n for n in own if nodes[n].type == "Input"], [n for n in own if nodes[n].type == "Output"]


def _edges(
    given: Any,
    where: str,
    into: Mapping[str, list[str]],
    out_of: Mapping[str, list[str]],
    edges: list[tuple[str, str]],
) -> Iterator[str]:
    """Add the edges of one graph; yields what is wrong with them."""
    seen = set()
    try:
        pairs = [tuple(pair) for pair in given]
    except TypeError:
        pairs = [(given,)]
    for pair in pairs:
        ends = [e.decode("utf-8", "replace") if isinstance(e, bytes) else e for e in pair]
        if len(ends) != 2 or not all(isinstance(e, str) for e in ends):
            yield f"{where}: an edge must be a pair of names, got {quoted(pair)}"
            continue
        (a, b), strange = ends, [e for e in ends if e not in into]
        if strange:
            yield f"{where}: the edge from {quoted(a)} to {quoted(b)} names no node {quoted(strange[0])}"
            continue
        if (a, b) in seen:
            yield f"{where}: the edge from {quoted(a)} to {quoted(b)} is given twice"
            continue
        seen.add((a, b))
        if len(out_of[a]) != 1:
            yield f"{quoted(a)}: an edge leaves this graph, which has {len(out_of[a])} outputs and needs one"
        elif len(into[b]) != 1:
            yield f"{quoted(b)}: an edge enters this graph, which has {len(into[b])} inputs and needs one"
        else:
            edges.append((out_of[a][0], into[b][0]))


def _problems(node: Node) -> Iterator[str]:
    if node.type not in FIELDS:
        yield f"{node.name}: nodes of the type {quoted(node.type)} cannot be mapped"
        return
    for name in FIELDS[node.type]:
        if name not in node.fields and name not in DEFAULTS:
            yield f"{node.name}.{name}: is missing"
    if node.type in NEURONS:
        yield from _of_neuron(node)
        return
    for name in FIELDS[node.type]:
        if name in node.fields and name != "padding":
            try:
                node.numbers(name)
            except InvalidModel as problem:
                yield str(problem)


def _of_neuron(node: Node) -> Iterator[str]:
    """What is wrong with the parameters of a neuron."""
    values: dict[str, np.ndarray] = {}
    for name in NEURONS[node.type]:
        if name in node.fields or name in DEFAULTS:
            try:
                values[name] = node.numbers(name)
            except InvalidModel as problem:
                yield str(problem)
    shapes = {v.shape for v in values.values() if v.size > 1}
    if len(shapes) > 1:
        yield f"{node.name}: its parameters have different shapes, {', '.join(map(str, sorted(shapes)))}"
    for name, value in values.items():
        if name.startswith("tau") and not (value > 0).all():
            yield f"{node.name}.{name}: must be > 0, got {value.min():g}"
        if value.size == 0:
            yield f"{node.name}.{name}: has no numbers"
    known = {"v_threshold", "v_reset"} <= values.keys() and all(v.size for v in values.values())
    if known and len(shapes) <= 1 and not (values["v_reset"] < values["v_threshold"]).all():
        yield f"{node.name}.v_reset: must lie below v_threshold, or every spike would be followed by another"
