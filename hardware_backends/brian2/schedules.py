"""Quantities that are given: they change in given steps and hold in between."""

from __future__ import annotations

import numpy as np

from ernsnn.graph.graph import Calcium, Given

from .parts import Group, Parts


def scheduled(m: Given | Calcium, group: Group, parts: Parts) -> tuple[list[str], str]:
    """(code that comes first in a step, the values as an expression on ``group``)."""
    name = group.name
    parts.tables[f"{name}_values"] = np.concatenate([np.zeros((1, m.size)), m.values])
    return [parts.follow(group, name, m.steps)], f"{name}_values(piece*dt, i)"
