"""The values that ``fit`` changes: where they start, how far a step goes, and the bounds that they are kept within."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ernsnn.describe.arguments import checked
from ernsnn.describe.expressions import Name, Op
from ernsnn.describe.names import owner_and_variable
from ernsnn.describe.units import to_single
from ernsnn.errors import InvalidModel, unknown
from ernsnn.graph.connectivity import CSR
from ernsnn.graph.graph import Graph, Neurons, Projection

APART_MV = 0.1
"""How far a threshold is kept above the reset, and other voltages that must not cross apart, in mV."""
_STEP = 0.02
_VOLTAGE_MV, _LEAST_CURRENT = 10.0, 0.1


@checked
@dataclass(frozen=True)
class Shared:
    """A parameter of neurons of which all neurons of the population keep one value, as some chips need it."""

    path: str


@dataclass(frozen=True, eq=False)
class Learned:
    """One entry of ``learn``: its path, first value - one number or one a neuron or synapse -, bounds and step."""

    path: str
    start: np.ndarray
    low: np.ndarray | float
    high: np.ndarray | float
    step: float


def learned(graph: Graph, learn: Any, bounds: Mapping[str, Any], rates: float | Mapping[str, float]) -> list[Learned]:
    """What ``learn`` names, of a graph. Raises InvalidModel, naming the path, on what cannot be fitted."""
    entries = [each if isinstance(each, Shared) else str(each) for each in learn]
    paths = [each.path if isinstance(each, Shared) else each for each in entries]
    if not paths:
        raise InvalidModel("fit.learn: names nothing to learn; give paths such as 'see.w' or 'cells.tau_m_ms'")
    twice = sorted({path for path in paths if paths.count(path) > 1})
    if twice:
        raise InvalidModel(f"fit.learn: {twice[0]!r} is named twice")
    known = dict(_learnable(graph))
    for path in paths:
        if path not in known:
            raise InvalidModel(unknown("fit.learn: nothing that can be learnt is called", path, known), path=path)
    for what, named in (("bounds", bounds), ("learning_rate", rates if isinstance(rates, Mapping) else {})):
        for path in named:
            if path not in paths:
                raise InvalidModel(unknown(f"fit.{what}: not among learn:", path, paths), path=path)
    return [
        _learned(known[path], path, isinstance(each, Shared), graph, bounds.get(path), rates, set(paths))
        for each, path in zip(entries, paths, strict=True)
    ]


def _learnable(graph: Graph) -> Iterator[tuple[str, Neurons | Projection]]:
    for n in graph.neurons():
        yield from ((f"{n.name}.{name}", n) for name in n.parameters if name != n.kind.refractory)
    yield from ((f"{p.name}.w", p) for p in graph.projections if not p.learning)


def _learned(
    owner: Neurons | Projection,
    path: str,
    shared: bool,
    graph: Graph,
    bounds: Any,
    rates: float | Mapping[str, float],
    others: set[str],
) -> Learned:
    value = np.asarray(graph.values[path], dtype=float)
    if shared and isinstance(owner, Projection):
        raise InvalidModel(f"Shared({path!r}): weights are one a synapse; share a parameter of neurons")
    size = owner.n_synapses if isinstance(owner, Projection) else owner.size
    start = np.asarray(value.mean()) if shared else np.broadcast_to(value, size).copy()
    low, high = _own_bounds(owner, path, graph, others)
    if bounds is not None:
        given = [to_single(bound, f"fit.bounds[{path!r}]") for bound in bounds]
        if len(given) != 2 or not given[0] <= given[1]:
            raise InvalidModel(f"fit.bounds[{path!r}]: needs a pair (low, high), got {bounds!r}")
        low, high = np.maximum(low, given[0]), np.minimum(high, given[1])
    if shared:
        low, high = np.max(low), np.min(high)
    if (start < low).any() or (start > high).any():
        raise InvalidModel(f"{path}: starts at {start.min():g} to {start.max():g}, outside of its bounds")
    relative = rates.get(path) if isinstance(rates, Mapping) else rates
    step = _scale(path, start) * (_STEP if relative is None else to_single(relative, f"fit.learning_rate of {path}"))
    return Learned(path, start, low, high, step)


def _scale(path: str, start: np.ndarray) -> float:
    """The size by which a step of a value is measured."""
    size = float(np.sqrt(np.mean(start**2))) if start.size else 1.0
    if path.endswith("_mV"):
        return _VOLTAGE_MV
    return size if size > 0 else _LEAST_CURRENT


def _own_bounds(owner: Neurons | Projection, path: str, graph: Graph, others: set[str]) -> tuple[Any, Any]:
    """The bounds that a value has by its meaning: weights keep their sign, time constants are at least a step."""
    if isinstance(owner, Projection):
        return (-np.inf if owner.receptor == "signed" else 0.0), np.inf
    _, name = owner_and_variable(path)
    low, high = -np.inf, np.inf
    parameter = next(p for p in owner.kind.parameters if p.name == name)
    if parameter.low is not None:
        low = parameter.low + (1e-6 if parameter.excluded else 0.0)
    if name.startswith("tau_"):
        low = max(low, graph.dt_ms)
    bounds: tuple[Any, Any] = (low, high)
    for requirement in owner.kind.requirements:
        match requirement.condition:
            case Op(op="<" | "<=", args=(Name(id=less), Name(id=more))):
                bounds = _apart(bounds, owner, name, less, more, others)
            case Op(op=">" | ">=", args=(Name(id=more), Name(id=less))):
                bounds = _apart(bounds, owner, name, less, more, others)
    return bounds


def _apart(
    bounds: tuple[Any, Any], owner: Neurons, name: str, less: str, more: str, others: set[str]
) -> tuple[Any, Any]:
    """``bounds`` of ``name`` by the requirement that ``less`` lies below ``more``; where both are learnt, by half."""
    if name not in (less, more) or not {less, more} <= owner.parameters.keys():
        return bounds
    below, above = (np.asarray(owner.parameters[one], dtype=float) for one in (less, more))
    apart = min(APART_MV, float(np.min(above - below)))
    both = {f"{owner.name}.{less}", f"{owner.name}.{more}"} <= others
    if name == more:
        return np.maximum(bounds[0], (below + above + apart) / 2 if both else below + apart), bounds[1]
    return bounds[0], np.minimum(bounds[1], (below + above - apart) / 2 if both else above - apart)


def fixed(graph: Graph) -> dict[str, Any]:
    """All values of a graph that may have been drawn, with which a network has them under every seed."""
    now = graph.values
    values: dict[str, Any] = {path: value for path, value in now.items() if isinstance(value, np.ndarray)}
    for p in graph.projections:
        if isinstance(p.connectivity, CSR):
            values[f"{p.name}.w"] = np.broadcast_to(now[f"{p.name}.w"], p.n_synapses)
    return values
