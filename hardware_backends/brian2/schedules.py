"""Given quantities, which change in given steps and are constant in between."""

from __future__ import annotations

import numpy as np

from ernsnn.graph.values import Series, Shared, columns_of

from .parts import Group, Parts


def scheduled(steps: np.ndarray, values: Series, group: Group, parts: Parts) -> tuple[list[str], str]:
    """(code that comes first in a step, the values as an expression on ``group``)."""
    name = group.name
    columns, of = columns_of(values)
    parts.tables[f"{name}_values"] = np.concatenate([np.zeros((1, columns.shape[1])), columns])
    index = "i"
    if isinstance(values, Shared):
        index = f"{name}_column"
        group.parameter(index, of, "integer")
    return [parts.follow(group, name, steps)], f"{name}_values(piece*dt, {index})"
