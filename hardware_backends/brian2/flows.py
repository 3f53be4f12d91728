"""Code of flows of synaptic variables over an epoch."""

from __future__ import annotations

from ernsnn.describe.flows import Flow, Latch, Relax
from ernsnn.graph.flows import kept, mean_share
from ernsnn.graph.graph import Learning

from .expressions import Constants, Naming, clipped
from .streams import advance, uniform


def code(learning: Learning, epoch_s: float, naming: Naming, constants: Constants) -> list[str]:
    """All flows of an ``epoch``: each finds a new value from the old ones, and only then are they set and clipped."""
    lines: list[str] = []
    moved: dict[str, str] = {}
    for flow in learning.flows:
        added, moved[flow.variable] = flown(flow, epoch_s, naming, constants)
        lines += added
    for v in learning.variables:
        if v.name in moved:
            name, new = naming(v.name), clipped(moved[v.name], v.low, v.high, constants)
            lines.append(f"{name} = {new}")
    return lines


def flown(flow: Flow, epoch_s: float, naming: Naming, constants: Constants) -> tuple[list[str], str]:
    """(code of one flow, name of the new value)."""
    if isinstance(flow, Latch):
        return latched(flow, epoch_s, naming, constants)
    return relaxed(flow, epoch_s, naming, constants)


def relaxed(flow: Relax, epoch_s: float, naming: Naming, constants: Constants) -> tuple[list[str], str]:
    """Code of ``ernsnn.graph.flows.relaxed``."""
    name, number = naming(flow.variable), constants.name
    limit = number(flow.to) + ("" if flow.of is None else f" + {number(flow.slope)}*{naming(flow.of)}")
    return [
        f"{name}_limit = {limit}",
        f"{name}_moved = {name}_limit + ({name} - {name}_limit)*{number(kept(flow.tau_s, epoch_s))}",
    ], f"{name}_moved"


def latched(flow: Latch, epoch_s: float, naming: Naming, constants: Constants) -> tuple[list[str], str]:
    """Code of ``ernsnn.graph.flows.latched``."""
    name, number = naming(flow.variable), constants.name
    back, share = number(1.0 / flow.tau_s), number(mean_share(flow.tag_tau_s, epoch_s))
    lines = [
        f"{name}_tagged = clip({naming(flow.tag)}*{share} - {number(flow.tag_threshold)}, 0, inf)",
        f"{name}_drive = {number(flow.rate_per_s)}*clip({naming(flow.signal)}, 0, inf)*{name}_tagged",
        f"{name}_rate = {back} + {name}_drive",
        f"{name}_limit = (int({name} > {number(flow.threshold)})*{back} + {name}_drive)/{name}_rate",
        f"{name}_moved = {name}_limit + ({name} - {name}_limit)*exp(-{number(epoch_s)}*{name}_rate)",
    ]
    if not flow.draws:
        return lines, f"{name}_moved"
    return lines + erased(flow, share, naming, constants), f"{name}_left"


def erased(flow: Latch, share: str, naming: Naming, constants: Constants) -> list[str]:
    """Code of ``ernsnn.graph.flows.erased``; the neurons keep the sum of the variable (``synapses.py``)."""
    assert flow.budget is not None
    assert flow.erasure is not None
    name, number = naming(flow.variable), constants.name
    excess = f"clip({name}_total/{name}_count/{number(flow.budget)} - 1, 0, inf)"
    return [
        *advance(f"{name}_stream"),
        f"{name}_drawn = {uniform(f'{name}_stream')}",
        f"{name}_chance = {number(flow.erasure)}*clip({naming(flow.signal)}, 0, 1)*{excess}",
        f"{name}_old = {name} > {number(flow.threshold)} and {naming(flow.tag)}*{share} < {number(flow.tag_threshold)}",
        f"{name}_left = int(not ({name}_old and {name}_drawn < {name}_chance))*{name}_moved",
    ]
