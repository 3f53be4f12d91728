"""Third factors as small groups, by the table of their kind, and the copies of their values that neurons hold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from ernsnn.describe.evaluation import evaluated
from ernsnn.describe.expressions import Statement, names_in
from ernsnn.graph.graph import Bound, Graph
from ernsnn.graph.modulator import Member, Modulator

from .equations import Statements
from .layout import Layout, Synapses
from .names import own
from .parts import Group, Operation, Parts, Pathway, SynapseGroup
from .schedules import scheduled

# Where they stand within the synapses of a step: the spikes are known, and plasticity comes later. Those that read
# others come after these.
HEAR, RENEW, SOLVE, EVALUATE = -1003, -1002, -1001, -1000


def modulators(layout: Layout, graph: Graph, parts: Parts) -> None:
    """A group per third factor, with its states and ``value``."""
    order: dict[str, int] = {}
    for m in graph.modulators:
        order[m.name] = max((order[other] + 1 for other in m.others), default=EVALUATE)
        _Cells(m, layout, graph, parts).build(order[m.name])


class _Cells:
    """The group of one third factor."""

    def __init__(self, m: Modulator, layout: Layout, graph: Graph, parts: Parts) -> None:
        self.m, self.layout, self.graph, self.parts, self.table = m, layout, graph, parts, m.equations
        self.group = Group(layout.factor[m.name], m.size, [], spikes=False)
        self.states = [s.name for s in self.table.states]
        self.called: dict[str, str] = {"dt": "dt_ms", "given": "0.0"}
        self.language = Statements(self.states, lambda name: self.called.get(name) or own(name))
        self.standing = parts.freezes and self.table.standing

    def build(self, order: int) -> None:
        """Add the group, what it does in a step, and connections to what it hears."""
        group, parts, name = self.group, self.parts, self.group.name
        group.state("value")
        self.declare()
        self.link()
        renew = [*self.given(), *self.lines(self.table.before), *self.hear(), *self.lines(self.table.after)]
        evaluate = [*self.watched(), *self.held([f"value = {self.language.text(self.m.value, False)}"])]
        if self.standing:
            parts.let_freeze(group)
        parts.groups.append(group)
        if self.table.rates:
            self.solve()
            parts.operations.append(Operation(f"{name}_renewal", name, renew, "synapses", RENEW))
        else:
            evaluate = [*renew, *evaluate]
        parts.operations.append(Operation(f"{name}_update", name, evaluate, "synapses", order))

    def declare(self) -> None:
        """States, and those of the parameters and constants that a step reads."""
        m, table = self.m, self.table
        for s in table.states:
            start = float(evaluated(s.initial, m.parameters))
            if s.name in table.integrated:
                self.group.kept.append(own(s.name))
                self.group.values[own(s.name)] = start
            else:
                self.group.state(own(s.name), np.full(m.size, start) if start else None)
        read = {n for value in (*(s.value for s in table.statements), m.value) for n in names_in(value)}
        read |= set(names_in(table.sound)) if table.sound is not None else set()
        numbers = {**m.parameters, **m.levels, **m.constants(self.graph.dt_ms), "dt": self.graph.dt_ms}
        for name, value in numbers.items():
            if name in read:
                self.group.parameter(self.language.naming(name), np.array([value]))

    def lines(self, statements: Iterable[Statement]) -> list[str]:
        """Statements as code."""
        return self.held(list(self.language.assigned(statements)))

    def held(self, lines: list[str]) -> list[str]:
        """Code of which the assignments to states and ``value`` do nothing while the network does not learn."""
        return [self._held(line) for line in lines] if self.standing else lines

    def _held(self, line: str) -> str:
        variable, value = line.split(" = ", 1)
        if variable not in ("value", *map(own, self.states)):
            return line
        return f"{variable} = int(learns)*({value}) + int(not learns)*{variable}"

    def given(self) -> list[str]:
        """Code for what a schedule gives."""
        if not self.m.schedule:
            return []
        before, self.called["given"] = scheduled(*self.m.schedule, self.group, self.parts)
        return before

    def link(self) -> None:
        """Make the variables that it reads of others readable on the group."""
        others = {m.name: m for m in self.graph.modulators}
        for read, name in zip(self.table.reads, self.m.others, strict=True):
            other, here = others[name], own(read.name)
            variable = other.kind.probes[read.variable]
            index = np.arange(self.group.size) if other.size > 1 else np.zeros(self.group.size, dtype=int)
            self.group.equations.append(f"{here} : 1 (linked)")
            self.group.links[here] = (self.layout.factor[name], own(variable), index)

    def hear(self) -> Iterator[str]:
        """Code for the spikes of each weight, which connections count."""
        counters = []
        for k, (weight, members) in enumerate(self.m.hears.items() if self.table.heard else ()):
            counter, weighs = f"heard{k or ''}", f"weight{k or ''}"
            counters.append(counter)
            self.group.equations.append(f"{counter} : integer")
            if any("weight" in names_in(s.value) for s in self.table.heard):
                self.group.parameter(weighs, np.array([weight]))
            self.called |= {"heard": counter, "weight": weighs}
            yield from self.lines(self.table.heard)
            self.parts.synapses += hearing(members, counter, self.group, self.layout, self.parts)
        yield from (f"{counter} = 0" for counter in counters)

    def solve(self) -> None:
        """The rates, as differential equations that Brian2's own solver integrates."""
        unit = {1.0: "ms", 1000.0: "second"}.get(self.table.time_ms, f"({self.table.time_ms!r}*ms)")
        going = "*int(learns)" if self.standing else ""
        for s in self.table.rates:
            text, name = self.language.text(s.value, False), own(s.target)
            self.group.equations.append(
                f"d{name}/dt = ({text}){going}/{unit} : 1" if s.derivative else f"{name} = {text} : 1"
            )
        self.group.solver = (self.m.method, SOLVE)

    def watched(self) -> Iterator[str]:
        """Code that notes for the end whether the state was sound after every step."""
        if self.table.sound is not None:
            self.group.equations.append("sound : boolean")
            self.group.values["sound"] = True
            self.group.sound = ("sound", f"{self.m.name}: {self.table.unsound}")
            yield f"sound = sound and ({self.language.text(self.table.sound, True)})"


def hearing(members: Sequence[Member], counter: str, group: Group, layout: Layout, parts: Parts) -> list[SynapseGroup]:
    """Connections that count the spikes of the domain."""
    groups = []
    for side in layout.size:
        heard = [member for member in members if layout.group[member.population] == side]
        if heard:
            i = np.concatenate([layout.indices(member) for member in heard])
            j = np.concatenate([np.arange(member.stop - member.start) * (group.size > 1) for member in heard])
            often = "spike_count_pre" if parts.most_of(member.population for member in heard) > 1 else "1"
            count = Pathway("pre", "pre", [f"{counter}_post += {often}"], HEAR, 0)
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
