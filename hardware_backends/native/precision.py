"""In which precision neurons are computed."""

from __future__ import annotations

import numpy as np

from ernsnn.graph.graph import Graph, Neurons

LONGEST_WAIT = 2**24
"""Whole numbers up to this one are float32 numbers."""


def why_double(p: Neurons, graph: Graph) -> str:
    """Why these neurons are computed in float64 whatever was asked for, or nothing."""
    if {"normal", "uniform"} & p.equations(graph.current_integration).names:
        return "it draws random numbers, whose streams are whole numbers of 31 bits"
    if np.max(p.constants(graph.dt_ms, graph.current_integration)["n_ref"]) > LONGEST_WAIT:
        return f"its refractory time is longer than {LONGEST_WAIT:,} steps"
    return ""
