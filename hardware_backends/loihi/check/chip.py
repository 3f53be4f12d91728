"""Limits of a board with Loihi 2 beyond Lava's simulator: ernsnn's own processes have no models for the chip."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ernsnn.graph.graph import Graph

from ..arithmetic.integers import Cells, Connection, IntegerNetwork, Source
from ..arithmetic.limits import LOIHI_2
from ..placement import place
from ..quantise.report import Report

_SIMULATE = "run it on the backend lava, the simulator of the chip"


def on_chip(graph: Graph, network: IntegerNetwork, report: Report) -> IntegerNetwork:
    """``network``, which is ``graph`` in integers, as the chip runs it; limits are added to ``report``."""
    for cells in network.cells:
        if cells.refractory:
            message = f"is refractory ({_steps(cells.refractory)}); Lava's LIF, which the chip has, never is"
            report.add("L401", cells.name, message, f"set tau_refrac_ms=0, or {_SIMULATE}")
    for c in network.connections:
        if c.rule:
            _plastic(c, network, report)
    for astrocyte in network.astrocytes:
        report.add("L404", astrocyte.name, "an astrocyte is a process of ours, without a model for it", _SIMULATE)
    for probe in graph.probes:
        message = "cannot be read while it runs: only spikes, and weights at the end"
        report.add("L406", probe.key, message, "leave the probe out")
    for source in network.sources:
        report.add("L407", source.name, "its spikes are sent by the host, step by step")
    used = place(network, LOIHI_2)
    if used.chips > 1:
        report.add("L408", graph.name, f"takes {used.cores} of {LOIHI_2.cores} cores", "make the network smaller")
    at_once = (replace(c, post_delay=0) if c.rule else c for c in network.connections)
    return replace(network, connections=tuple(at_once))


def _plastic(c: Connection, network: IntegerNetwork, report: Report) -> None:
    if c.order == "spinnaker":
        message = "learns before it transmits, which only a process of ours does"
        report.add("L402", c.name, message, 'use order="loihi", or ' + _SIMULATE)
    if c.post_delay:
        report.add("L403", c.name, f"learns from a post spike at once, not {_steps(c.post_delay)} later")
    populations: list[Source | Cells] = [*network.sources, *network.cells]
    size = {p.name: p.size for p in populations}
    if not np.all(c.delays) or c.weights.shape != (size[c.post], size[c.pre]):
        message = "learns between some neurons of its populations only; Lava's LearningDense learns between all"
        report.add("L405", c.name, message, f"connect all to all, or {_SIMULATE}")


def _steps(number: int) -> str:
    return f"{number} step{'s' * (number != 1)}"
