"""Poisson input to a group of neurons: the counts of ``ernsnn.graph.poisson``, found by bisection in tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from ernsnn.graph.graph import Graph, PoissonInput
from ernsnn.graph.poisson import table_length
from ernsnn.graph.streams import MODULI, start
from ernsnn.graph.values import columns_of

from .layout import Layout
from .parts import Group, Parts
from .streams import advance, whole

Arriving = Callable[[str], str]


def poisson_inputs(layout: Layout, graph: Graph, group: Group, arriving: Arriving, parts: Parts) -> list[str]:
    """Code that adds to ``arriving(receptor)`` what the inputs to neurons of ``group`` bring in a step."""
    inputs = [p for p in graph.poisson_inputs if layout.group[p.target.population] == group.name]
    code: list[str] = []
    for k, together in enumerate(_together(inputs, layout)):
        code += _code(f"poisson{k}", together, layout, group, arriving(together[0].arrives_at), parts)
    return code


def _together(inputs: list[PoissonInput], layout: Layout) -> Iterator[list[PoissonInput]]:
    """Inputs of one receptor that no neuron has two of: one line of code serves them all."""
    rows: list[tuple[list[PoissonInput], set[int]]] = []
    for p in inputs:
        cells = set(layout.indices(p.target).tolist())
        # What a neuron gets is added in the order of the inputs.
        last = max((k for k, (_, taken) in enumerate(rows) if taken & cells), default=-1)
        found = next((k for k in range(last + 1, len(rows)) if rows[k][0][0].arrives_at == p.arrives_at), None)
        if found is None:
            rows.append(([p], cells))
        else:
            rows[found][0].append(p)
            rows[found][1].update(cells)
    yield from (together for together, _ in rows)


def _code(
    name: str, inputs: list[PoissonInput], layout: Layout, group: Group, arriving: str, parts: Parts
) -> list[str]:
    tables, longest = _tables(inputs)
    weight, column = np.zeros(group.size), np.zeros(group.size, np.int64)  # column 0: no input, whose weight is 0
    states = np.ones((2, group.size))
    steps = np.unique(np.concatenate([p.steps for p in inputs]))
    columns = [np.zeros((len(steps) + 1, 1))]
    first_table, first_column = 1, 1
    for p in inputs:
        cells, found = layout.indices(p.target), p.inversion
        weight[cells], column[cells] = p.weight, found.of + first_column
        states[:, cells] = start(p.key, len(cells), parts.first)
        # Piece k of all inputs begins at steps[k - 1]; in piece 0 there are none.
        pieces = np.concatenate([[0], np.searchsorted(p.steps, steps, side="right")])
        columns.append(found.index[pieces] + first_table)
        first_table, first_column = first_table + len(found.tables.lowest), first_column + found.index.shape[1]
    parts.tables[f"{group.name}_{name}"] = tables.reshape(-1)
    parts.tables[f"{group.name}_{name}_table"] = np.concatenate(columns, axis=1) * tables.shape[1]
    for k, state in enumerate(states):
        group.equations.append(f"{name}_stream{k} : 1")
        group.values[f"{name}_stream{k}"] = state
    group.parameter(f"{name}_weight", weight)
    group.parameter(f"{name}_column", column, "integer")
    entry = f"{group.name}_{name}"
    code = [
        parts.follow(group, f"{group.name}_{name}", steps, f"{name}_piece"),
        *advance(f"{name}_stream"),
        f"{name}_drawn = {whole(f'{name}_stream')}",
        f"{name}_table = {entry}_table({name}_piece*dt, {name}_column)",
    ]
    # Bisection: how many of the thresholds, which stand behind the lowest count, are below the number drawn.
    at = f"{name}_table"
    code.append(f"{name}_count = {entry}({at}*dt) - {at}")
    for step in [longest >> k for k in range(1, longest.bit_length())]:
        code.append(f"{at} = {at} + {step}*int({entry}(({at} + {step})*dt) < {name}_drawn)")
    return [*code, f"{arriving} = {arriving} + {name}_weight*({name}_count + {at})"]


def table_bytes(inputs: Sequence[PoissonInput]) -> int:
    """What the tables of all inputs take at most: every row is as long as the longest, and lies here and in a file."""
    means = [np.unique(columns_of(p.means)[0]) for p in inputs]
    longest = max((float(table_length(np.max(each, initial=0.0))) for each in means), default=0.0)
    return int(16 * 2 * longest * sum(map(len, means)))


def _tables(inputs: list[PoissonInput]) -> tuple[np.ndarray, int]:
    """A row for each table of all inputs, after one without counts: the lowest count, and the thresholds.

    Rows have the same length, a power of two; what is left of one is filled with a number that none is above.
    """
    found = [p.inversion.tables for p in inputs]
    most = max(int(np.max(np.diff(tables.starts), initial=0)) for tables in found)
    length = 1 << most.bit_length()
    rows = [np.concatenate([[0.0], np.full(length - 1, MODULI[0])])]
    for tables in found:
        for k, lowest in enumerate(tables.lowest.tolist()):
            own = tables.thresholds[tables.starts[k] : tables.starts[k + 1]]
            rows.append(np.concatenate([[lowest], own, np.full(length - 1 - len(own), MODULI[0])]))
    return np.stack(rows), length
