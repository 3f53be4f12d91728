"""Quantities that are given: they change in given steps and hold in between."""

from __future__ import annotations

import numpy as np

from ernsnn.graph.graph import Calcium, Given

from .neurons import NEVER, padded
from .parts import Group, Parts


def scheduled(m: Given | Calcium, group: Group, parts: Parts) -> tuple[list[str], str]:
    """(code that comes first in a step, the values as an expression on ``group``)."""
    name = group.name
    parts.tables[f"{name}_steps"] = padded(m.steps.astype(float), NEVER)
    parts.tables[f"{name}_values"] = np.concatenate([np.zeros((1, m.size)), m.values])
    group.equations.append("piece : integer")
    group.values["piece"] = int(np.searchsorted(m.steps, parts.first))
    return [f"piece = piece + int({name}_steps(piece*dt) == t_in_timesteps)"], f"{name}_values(piece*dt, i)"
