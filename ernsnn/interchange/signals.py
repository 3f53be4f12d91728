"""What flows along the edges of a NIR graph: of every node, from which neurons its input comes, by which weights."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ernsnn.errors import InvalidModel, quoted
from ernsnn.interchange import linear
from ernsnn.interchange.linear import Shape, Synapses, matrix_of, output_shape, size_of
from ernsnn.interchange.nodes import NEURONS, READOUTS, NirGraph, Node

CONSTANT = ""
"""The source of biases: one element that is 1 in every step."""
Signal = dict[str, Synapses]
"""Source -> synapses from it."""


@dataclass(eq=False)
class Signals:
    """The signals of a graph: the shape of each node's output, and what comes into every node that keeps a state.

    ``sources`` are the graph's inputs and its neurons; ``order`` puts them such that few of their edges lead back.
    """

    graph: NirGraph
    shapes: dict[str, Shape] = field(default_factory=dict)
    inputs: dict[str, Signal] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)


def signals_of(graph: NirGraph) -> Signals:
    """The signals of ``graph``. Raises InvalidModel, listing all, on nodes whose inputs and outputs do not fit."""
    signals, before, after = Signals(graph), _ends(graph, 1), _ends(graph, 0)
    problems = list(_shapes(signals, before, after))
    if not problems:
        problems = list(_flow(signals, before))
    if problems:
        raise InvalidModel.listing(map(InvalidModel, problems))
    signals.order = _order(signals)
    return signals


def _ends(graph: NirGraph, end: int) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {name: [] for name in graph.nodes}
    for edge in graph.edges:
        found[edge[end]].append(edge[1 - end])
    return found


def is_source(graph: NirGraph, node: Node) -> bool:
    """Whether a node's output is not a function of its inputs of the same step."""
    return node.name in graph.inputs or node.type in NEURONS


# Shapes


def _shapes(signals: Signals, before: Mapping[str, list[str]], after: Mapping[str, list[str]]) -> Iterator[str]:
    """Find the shape of every output, from the inputs on; yields what does not fit."""
    graph, shapes, failed = signals.graph, signals.shapes, set()
    for name in graph.inputs:
        try:
            shapes[name] = _given_shape(graph.nodes[name])
        except InvalidModel as problem:
            failed.add(name)
            yield str(problem)
    waiting = list(shapes)
    own = [n for n, node in graph.nodes.items() if node.type in NEURONS]
    while waiting or own:
        if not waiting:  # neurons that no known input reaches: the shape of their parameters
            name = own.pop(0)
            if name not in shapes and name not in failed and (shape := linear.parameter_shape(graph.nodes[name])):
                shapes[name] = shape
                waiting.append(name)
            continue
        name = waiting.pop()
        for follower in after[name]:
            try:
                shape = output_shape(graph.nodes[follower], shapes[name])
            except InvalidModel as problem:
                failed.add(follower)
                yield str(problem)
                continue
            if follower not in shapes:
                shapes[follower] = shape
                waiting.append(follower)
            elif size_of(shapes[follower]) != size_of(shape):
                yield f"{follower}: what leads to it has different shapes, {shapes[follower]} and {shape}"
    if not failed:
        for name, node in graph.nodes.items():
            if name not in shapes:
                yield f"{name}: nothing tells the shape of its input; no Input leads to this {node.type}"


def _given_shape(node: Node) -> Shape:
    shape = node.numbers("shape").reshape(-1)
    if not len(shape) or (shape % 1 != 0).any() or (shape < 1).any() or np.prod(shape) > linear.MOST_ELEMENTS:
        raise InvalidModel(f"{node.name}.shape: must be whole numbers >= 1, got {quoted(shape.tolist())}")
    return tuple(int(n) for n in shape)


# Flow


def _flow(signals: Signals, before: Mapping[str, list[str]]) -> Iterator[str]:
    """Follow the signals through all linear nodes; yields what cannot be mapped."""
    graph, made = signals.graph, {}
    for name, node in graph.nodes.items():
        if is_source(graph, node):
            linear.require_entries(name, size_of(signals.shapes[name]))
            made[name] = {name: Synapses.identity(size_of(signals.shapes[name]))}
    pending = {n: sum(b not in made for b in before[n]) for n in graph.nodes if n not in made}
    ready = [n for n, count in pending.items() if not count]
    followers = _ends(graph, 0)
    while ready:
        name = ready.pop()
        node = graph.nodes[name]
        try:
            given = _joined(made[b] for b in before[name])
        except InvalidModel as problem:
            yield f"{name}: {problem}"
            return
        try:
            made[name] = _through(node, given, signals.shapes[before[name][0]])
        except InvalidModel as problem:
            yield str(problem)
            return
        for follower in followers[name]:
            if follower in pending:
                pending[follower] -= 1
                if not pending[follower]:
                    ready.append(follower)
    if circular := sorted(n for n, count in pending.items() if count and n not in made):
        yield f"{', '.join(circular)}: lead back to themselves without a neuron between"
        return
    for name, node in graph.nodes.items():
        if node.type in NEURONS or name in graph.outputs:
            try:
                signals.inputs[name] = _joined(made[b] for b in before[name])
            except InvalidModel as problem:
                yield f"{name}: {problem}"
                continue
            yield from _continuous(graph, name, signals.inputs[name])


def _joined(parts: Iterator[Signal]) -> Signal:
    joined: Signal = {}
    for part in parts:
        for source, synapses in part.items():
            joined[source] = joined[source].plus(synapses) if source in joined else synapses
    return joined


def _through(node: Node, given: Signal, shape: Shape) -> Signal:
    """A linear node's output."""
    matrix = matrix_of(node, shape)
    if matrix is None:
        return given
    made = {source: matrix.after(synapses, node.name) for source, synapses in given.items()}
    if matrix.bias is not None and matrix.bias.any():
        n = len(matrix.bias)
        bias = Synapses(np.zeros(n, np.int64), np.arange(n), matrix.bias, np.zeros(n))
        made[CONSTANT] = made[CONSTANT].plus(bias) if CONSTANT in made else bias.merged()
    return made


def _continuous(graph: NirGraph, name: str, given: Signal) -> Iterator[str]:
    for source in given:
        if source != CONSTANT and graph.nodes[source].type in READOUTS:
            if name not in graph.outputs:
                yield f"{name}: gets the potential of {source}, and neurons send spikes only; let it end in an Output"
            elif not is_plain(given):
                yield f"{name}: changes or adds to the potential of {source}; lead that to an Output of its own"


def is_plain(given: Signal) -> bool:
    """Whether a signal is what one source sends, unchanged."""
    if len(given) != 1:
        return False
    ((source, synapses),) = given.items()
    same = np.array_equal(synapses.pre, synapses.post) and len(set(synapses.pre.tolist())) == len(synapses.pre)
    return source != CONSTANT and same and bool((synapses.weight == 1).all() and (synapses.delay_s == 0).all())


def _order(signals: Signals) -> list[str]:
    """Sources in the order in which signals reach them from the inputs."""
    graph = signals.graph
    targets: dict[str, list[str]] = {name: [] for name, node in graph.nodes.items() if is_source(graph, node)}
    for name, given in signals.inputs.items():
        for source in given:
            if source != CONSTANT and name in targets:
                targets[source].append(name)
    return depth_first([*graph.inputs, *targets], targets)


def depth_first(starts: Iterable[str], targets: Mapping[str, Sequence[str]]) -> list[str]:
    """All that ``starts`` lead to, each before what it leads to, unless that leads back to it."""
    finished: list[str] = []
    seen: set[str] = set()
    for start in starts:
        if start in seen:
            continue
        seen.add(start)
        stack = [(start, iter(targets[start]))]
        while stack:
            name, rest = stack[-1]
            following = next((n for n in rest if n not in seen), None)
            if following is None:
                finished.append(name)
                stack.pop()
            else:
                seen.add(following)
                stack.append((following, iter(targets[following])))
    return finished[::-1]
