"""Third factors: astrocytes and given signals as small groups, and the copies of their values that neurons hold."""

from __future__ import annotations

import numpy as np

from ernsnn.graph.constants import decay
from ernsnn.graph.graph import Bound, Gated, Given, Graph, Leaky

from .expressions import Constants
from .layout import CELLS, SOURCES, Layout, Synapses
from .neurons import NEVER, padded
from .parts import Group, Operation, Parts, Pathway, SynapseGroup

# Where they stand within the synapses of a step: the spikes are known, and plasticity comes later.
HEAR, EVALUATE = -30, -20


def modulators(layout: Layout, graph: Graph, parts: Parts) -> None:
    """A group per third factor, with ``value``; astrocytes also with ``C``."""
    for m in graph.modulators:
        name = layout.factor[m.name]
        group = Group(name, m.size, ["value : 1"], spikes=False)
        if isinstance(m, Given):
            parts.tables[f"{name}_steps"] = padded(m.steps.astype(float), NEVER)
            parts.tables[f"{name}_values"] = np.concatenate([np.zeros((1, m.size)), m.values])
            group.equations.append("piece : integer")
            code = [
                f"piece = piece + int({name}_steps(piece*dt) == t_in_timesteps)",
                f"value = {name}_values(piece*dt, i)",
            ]
        elif isinstance(m, Gated):
            code = gate(m, group, graph, layout)
        else:
            code = astrocyte(m, group, graph.dt_ms)
            parts.synapses += hearing(m, name, layout)
        parts.groups.append(group)
        order = EVALUATE + isinstance(m, Gated)  # gates read astrocytes
        parts.operations.append(Operation(f"{name}_update", name, code, "synapses", order))


def astrocyte(m: Leaky, group: Group, dt_ms: float) -> list[str]:
    constants = Constants()
    group.equations += ["C : 1", "heard : integer"]
    code = [f"C = C*{constants.name(float(decay(m.tau_ms, dt_ms)))} + {constants.name(m.weight)}*heard", "heard = 0"]
    if m.threshold is None or m.threshold_off is None:
        code.append("value = C")
    else:
        opens, stays = constants.name(m.threshold), constants.name(m.threshold_off)
        code.append(f"value = int(C >= {opens} or (value > 0 and C >= {stays}))")
    group.equations += constants.equations
    group.values |= constants.values
    return code


def gate(m: Gated, group: Group, graph: Graph, layout: Layout) -> list[str]:
    constants = Constants()
    sizes = {other.name: other.size for other in graph.modulators}
    opens, stays = [], []
    for k, condition in enumerate(m.conditions):
        index = np.arange(m.size) if sizes[condition.astrocyte] > 1 else np.zeros(m.size, dtype=int)
        group.equations.append(f"C{k} : 1 (linked)")
        group.links[f"C{k}"] = (layout.factor[condition.astrocyte], "C", index)
        opens.append(f"C{k} >= {constants.name(condition.opens)}")
        stays.append(f"C{k} >= {constants.name(condition.stays)}")
    group.equations += constants.equations
    group.values |= constants.values
    return [f"value = int(({' and '.join(opens)}) or (value > 0 and {' and '.join(stays)}))"]


def hearing(m: Leaky, name: str, layout: Layout) -> list[SynapseGroup]:
    """Connections that count the spikes of the domain."""
    found = []
    for side in (CELLS, SOURCES):
        members = [member for member in m.members if layout.group[member.population] == side]
        if members:
            i = np.concatenate([layout.indices(member) for member in members])
            j = np.concatenate([np.arange(member.stop - member.start) * (m.size > 1) for member in members])
            count = Pathway("pre", "pre", ["heard_post += 1"], HEAR, 0)
            found.append(SynapseGroup(f"{name}_hears_{side}", side, name, [], [count], i, j))
    return found


def local_value(bound: Bound, s: Synapses, group: Group, layout: Layout) -> tuple[str, list[str]]:
    """(name of a third factor's value on ``group``, code that refreshes it there).

    Brian2 can read a linked variable within a group, but not through a synapse: hence a copy a step.
    """
    source, p = layout.factor[bound.modulator], s.first
    name = source if bound.per == "all" else f"{source}_{bound.per}_of_{s.name}"
    if f"{name} : 1" not in group.equations:
        index = np.zeros(group.size, dtype=int)
        if bound.per != "all":
            population, start = (p.pre, p.pre_start) if bound.per == "pre" else (p.post, p.post_start)
            size = p.connectivity.n_pre if bound.per == "pre" else p.connectivity.n_post
            first = layout.start[population] + start
            index[first : first + size] = np.arange(size)
        group.equations += [f"{name} : 1", f"{name}_now : 1 (linked)"]
        group.links[f"{name}_now"] = (source, "value", index)
        return name, [f"{name} = {name}_now"]
    return name, []
