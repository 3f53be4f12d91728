"""Third factors: astrocytes and given signals as small groups, and the copies of their values that neurons hold."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ernsnn.graph.constants import decay
from ernsnn.graph.graph import Bound, Calcium, Gated, Given, Graph, Largest, Leaky, Member

from . import calcium
from .expressions import Constants
from .layout import Layout, Synapses
from .parts import Group, Operation, Parts, Pathway, SynapseGroup
from .schedules import scheduled

# Order within the synapses slot of a step: after spikes, before plasticity.
HEAR, RELEASE, SOLVE, EVALUATE = -30, -22, -21, -20


def modulators(layout: Layout, graph: Graph, parts: Parts) -> None:
    """A group per third factor, with ``value``; astrocytes also with ``C``."""
    for m in graph.modulators:
        name, constants = layout.factor[m.name], Constants()
        group, order = Group(name, m.size, [], spikes=False), EVALUATE
        group.state("value")
        if isinstance(m, Given):
            before, now = scheduled(m, group, parts)
            code = [*before, f"value = {now}"]
        elif isinstance(m, Gated):
            code, order = gate(m, group, constants, graph, layout), EVALUATE + 1  # gates read astrocytes
        elif isinstance(m, Largest):
            code, order = largest(m, group, graph, layout), EVALUATE + 2  # reads gates too
        elif isinstance(m, Leaky):
            code = [*leaky(m, group, constants, graph.dt_ms), opened(m, constants)]
            for weight, counter in counters(m).items():
                heard = [member for member, w in zip(m.members, m.weights, strict=True) if w == weight]
                parts.synapses += hearing(heard, counter, group, layout)
        else:
            renew = calcium.cells(m, group, constants, graph.dt_ms, parts)
            renew = [held(line, parts.freezes) for line in renew]
            parts.operations.append(Operation(f"{name}_transmitter", name, renew, "synapses", RELEASE))
            group.solver = (m.integration, SOLVE)
            code = [*calcium.watch(m, group), opened(m, constants)]
            parts.synapses += hearing(m.members, "heard", group, layout)
        if not isinstance(m, Given):
            parts.let_freeze(group)
            code = [held(line, parts.freezes) for line in code]
        group.equations += constants.equations
        group.values |= constants.values
        parts.groups.append(group)
        parts.operations.append(Operation(f"{name}_update", name, code, "synapses", order))


def held(line: str, freezes: bool) -> str:
    """An assignment that does not change its variable while learning is frozen; counters are not frozen."""
    variable, value = line.split(" = ", 1)
    if not freezes or variable not in ("C", "value", "released", "Y"):
        return line
    return f"{variable} = int(learns)*({value}) + int(not learns)*{variable}"


def counters(m: Leaky) -> dict[float, str]:
    """Counters of spikes, one for each weight: sums of whole numbers do not depend on the order of spikes."""
    return {weight: f"heard{k or ''}" for k, weight in enumerate(dict.fromkeys(m.weights))}


def leaky(m: Leaky, group: Group, constants: Constants, dt_ms: float) -> list[str]:
    group.state("C", np.full(m.size, m.initial) if m.initial else None)
    group.equations += [f"{counter} : integer" for counter in counters(m).values()]
    P, bias = constants.name(float(decay(m.tau_ms, dt_ms))), constants.name(m.bias) if m.bias else ""
    kept = f"{bias} + (C - {bias})*{P}" if bias else f"C*{P}"
    gained = "".join(f" + {constants.name(weight)}*{counter}" for weight, counter in counters(m).items())
    return [f"C = {kept}{gained}", *(f"{counter} = 0" for counter in counters(m).values())]


def opened(m: Leaky | Calcium, constants: Constants) -> str:
    """The expression that plasticity reads: C, or with a threshold 1 where it is reached and 0 elsewhere."""
    if m.threshold is None or m.threshold_off is None:
        return "value = C"
    opens, stays = constants.name(m.threshold), constants.name(m.threshold_off)
    return f"value = int(C >= {opens} or (value > 0 and C >= {stays}))"


def link(name: str, other: str, variable: str, group: Group, graph: Graph, layout: Layout) -> str:
    """Make a variable of another modulator readable on ``group`` as ``name``."""
    size = next(m.size for m in graph.modulators if m.name == other)
    index = np.arange(group.size) if size > 1 else np.zeros(group.size, dtype=int)
    group.equations.append(f"{name} : 1 (linked)")
    group.links[name] = (layout.factor[other], variable, index)
    return name


def largest(m: Largest, group: Group, graph: Graph, layout: Layout) -> list[str]:
    values = [link(f"value{k}", name, "value", group, graph, layout) for k, name in enumerate(m.modulators)]
    code = [f"top = {values[0]}", *(f"top = clip({value}, top, inf)" for value in values[1:])]
    return [*code, "value = top"]


def gate(m: Gated, group: Group, constants: Constants, graph: Graph, layout: Layout) -> list[str]:
    opens, stays = [], []
    for k, condition in enumerate(m.conditions):
        link(f"C{k}", condition.astrocyte, "C", group, graph, layout)
        opens.append(f"C{k} >= {constants.name(condition.opens)}")
        stays.append(f"C{k} >= {constants.name(condition.stays)}")
    return [f"value = int(({' and '.join(opens)}) or (value > 0 and {' and '.join(stays)}))"]


def hearing(members: Sequence[Member], counter: str, group: Group, layout: Layout) -> list[SynapseGroup]:
    """Connections that count the spikes of the domain."""
    groups = []
    for side in layout.size:
        heard = [member for member in members if layout.group[member.population] == side]
        if heard:
            i = np.concatenate([layout.indices(member) for member in heard])
            j = np.concatenate([np.arange(member.stop - member.start) * (group.size > 1) for member in heard])
            count = Pathway("pre", "pre", [f"{counter}_post += 1"], HEAR, 0)
            name = f"{group.name}_{counter.replace('heard', 'hears')}_{side}"
            groups.append(SynapseGroup(name, side, group.name, [], [count], i, j))
    return groups


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
