"""Static synapses, which send, and plastic ones, which learn and then send."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ernsnn.describe.learning import EPOCH, POST, PRE
from ernsnn.describe.products import Factor, Product
from ernsnn.graph.graph import Graph, Learning, Variable
from ernsnn.graph.streams import start
from ernsnn.graph.values import Value

from . import flows, short_term
from .expressions import Constants, Naming, clipped, total
from .layout import Layout, Synapses
from .modulators import local_value
from .names import symbol
from .neurons import arriving, before_spike, declare_trace, powers, trace_code
from .parts import Group, Operation, Parts, Pathway, SynapseGroup

# Order within the synapses of a step (see modulators.py for what comes first).
TRACES, POST_EVENTS, PRE_EVENTS = -10, -4, 0
# At the end of a step, before the probes.
EPOCH_TERMS, ERASURE_ZERO, ERASURE_SUM, EPOCH_FLOWS = -1000, -999, -998, -997
EPOCH_ZERO, EPOCH_SUM, EPOCH_SCALE = -996, -995, -994


def longest_registers(layout: Layout, group: str) -> dict[str, int]:
    """The longest delay of plastic synapses onto these neurons, per receptor of their kind."""
    delays = [(s.first.arrives_at, max(s.delays)) for s in layout.plastic if s.post == group]
    receptors = [r.name for r in layout.cells[group][0].kind.receptors]
    return {r: max([d for at, d in delays if at == r], default=1) for r in receptors}


def static(s: Synapses, parts: Parts) -> SynapseGroup:
    """Static synapses. Arrivals are read at the start of a step, so that a delay of one step is 0 in Brian2."""
    group = SynapseGroup(s.name, s.pre, s.post, ["w : 1"], [], s.i, s.j, {"w": s.initial("w")})
    delay: int | str = s.delays[0] - 1 if len(s.delays) == 1 else f"{s.name}_delay"
    into, held = f"{arriving(s.first.arrives_at)}_post", ""
    if parts.resets and s.delays != [1]:
        if len(s.delays) > 1:
            group.equations.append("delay_steps : integer (constant)")
            group.values["delay_steps"] = s.delay
        steps = "delay_steps - 1" if len(s.delays) > 1 else delay
        held = f"*int({parts.since_reset(steps)})"
    group.pathways.append(Pathway("pre", "pre", [f"{into} += w{held}"], PRE_EVENTS, delay))
    for event, times in powers(parts.most_of(p.pre for p in s.projections)):
        group.pathways.append(Pathway(event, "pre", [f"{into} += {times}*w{held}"], PRE_EVENTS, delay, event))
    return group


class PlasticSynapses:
    """Builds one plastic Synapses object, with the traces that its neurons hold for it.

    Synapses with short-term plasticity alone learn nothing.
    """

    def __init__(self, s: Synapses, graph: Graph, groups: dict[str, Group], layout: Layout) -> None:
        self.s, self.graph, self.groups, self.layout = s, graph, groups, layout
        self.learning: Learning = s.first.learning or _nothing(s.first.weight)
        self.constants = Constants()
        self.mixed = len(s.delays) > 1
        self.values: dict[str, float | np.ndarray] = {}
        self.equations: list[str] = []
        self.kept: list[str] = []
        for variable in self.learning.variables:
            self.equations.append(f"{self.variable(variable.name)} : 1")
            self.values[self.variable(variable.name)] = s.initial(variable.name)
        if self.mixed:
            self.equations.append("delay_steps : integer (constant)")
            self.values["delay_steps"] = s.delay
        self.third: dict[str, str] = {}
        self.factor, self.most = "", 1
        self.flag = "plastic" if graph.frozen else ""

    @staticmethod
    def variable(name: str) -> str:
        """The name in code of a variable of synapses; the weight is w."""
        return "w" if name == "w" else symbol("mark", name)

    def trace_names(self, name: str) -> dict[int, str]:
        """delay -> variable; a pre trace has one, under delay 0."""
        event = next(t.trace.event for t in self.learning.traces if t.name == name)
        own = f"{self.s.name}_{symbol('trace', name)}"
        return {0: own} if event == PRE else {d: f"{own}_{d}" for d in self.s.delays}

    def naming(self, pre_suffix: str, post_suffix: str) -> Naming:
        """Function from names to code of an event: variables, traces before or after this step, third factors."""

        def name_of(name: str) -> str:
            if name in {v.name for v in self.learning.variables}:
                return self.variable(name)
            if name in self.third:
                return self.third[name]
            names = self.trace_names(name)
            if 0 in names:
                return f"{names[0]}{pre_suffix}_pre"
            if len(names) == 1:
                return f"{next(iter(names.values()))}{post_suffix}_post"
            return "(" + " + ".join(f"int(delay_steps == {d})*{n}{post_suffix}_post" for d, n in names.items()) + ")"

        return name_of

    def change(self, event: str, naming: Naming, only_if: str = "", guarded: bool = True) -> list[str]:
        """Code of all terms of an event: all read the old values, then each target is set and clipped.

        Code that is ``guarded`` changes nothing while learning is frozen.
        """
        conditions = [c for c in (self.flag * guarded, only_if) if c]
        guard = f"int({' and '.join(conditions)})" if conditions else ""
        terms = [t for t in self.learning.terms if t.event == event]
        changed = [v for v in self.learning.variables if any(t.target == v.name for t in terms)]
        added = {v.name: total([t for t in terms if t.target == v.name], naming, self.constants) for v in changed}
        code = []
        if len(changed) > 1:
            code = [f"change{k} = {added[v.name]}" for k, v in enumerate(changed)]
            added = {v.name: f"change{k}" for k, v in enumerate(changed)}
        for v in changed:
            target, amount = self.variable(v.name), f"{guard}*({added[v.name]})" if guard else added[v.name]
            code.append(f"{target} = {clipped(f'{target} + {amount}', v.low, v.high, self.constants)}")
        return code

    def build(self, parts: Parts) -> SynapseGroup:
        """The object; its operations go to ``parts``."""
        s, pre_group, post_group = self.s, self.groups[self.s.pre], self.groups[self.s.post]
        group = SynapseGroup(s.name, s.pre, s.post, self.equations, [], s.i, s.j, self.values, self.kept)
        self.most = parts.most_of(p.pre for p in s.projections)
        parts.let_freeze(group, "plastic")
        parts.operations += self.bind_third_factors()
        self.declare_traces(parts)
        if s.first.short_term:
            self.factor = short_term.declare(s, pre_group, self.graph.dt_ms, parts)
        elif self.most > 1:
            self.factor = "spike_count_pre"
        delay: int | str = s.delays[0] if not self.mixed else f"{s.name}_post_delay"
        reached = parts.since_reset("delay_steps" if self.mixed else s.delays[0])
        pathways = [
            Pathway("post", "post", self.change(POST, self.naming("_old", "_old"), reached), POST_EVENTS, delay),
            # A synapse changes and then sends in one visit.
            Pathway("pre", "pre", [*self.pre_events(), *self.sending()], PRE_EVENTS, 0),
        ]
        for d in s.delays:
            if late := parts.late.get((s.post, d)):
                code = self.change(POST, self.naming("_old", "_old"), f"delay_steps == {d}" * self.mixed)
                pathways.append(Pathway(f"post_late{d}", "post", code, POST_EVENTS, 0, late))
        pathways += self.epochs(pre_group, post_group, parts)
        group.pathways += [p for p in pathways if p.code]
        self.equations += self.constants.equations
        self.values |= self.constants.values
        return group

    def pre_events(self) -> Iterator[str]:
        """Code of the pre spikes of a step, one after the other."""
        for number in range(1, self.most + 1):
            only_if = f"spike_count_pre >= {number}" * (number > 1)
            yield from self.change(PRE, self.naming(before_spike("", number), ""), only_if)

    def bind_third_factors(self) -> list[Operation]:
        code: dict[str, list[str]] = {self.s.pre: [], self.s.post: []}
        self.gates: dict[tuple[str, str], str] = {}
        gated = {(t.trace.gate, t.trace.event) for t in self.learning.traces}
        for bound in self.learning.third_factors:
            side = self.s.pre if bound.per == "pre" else self.s.post
            name, refresh = local_value(bound, self.s, self.groups[side], self.layout)
            code[side] += refresh
            self.third[bound.symbol] = f"{name}_{'pre' if bound.per == 'pre' else 'post'}"
            for event, owner in ((PRE, self.s.pre), (POST, self.s.post)):
                if (bound.symbol, event) in gated:
                    name, refresh = local_value(bound, self.s, self.groups[owner], self.layout)
                    code[owner] += refresh
                    self.gates[bound.symbol, event] = name
        return [
            Operation(f"{self.s.name}_factors_{owner}", owner, lines, "synapses", TRACES - 1)
            for owner, lines in code.items()
            if lines
        ]

    def declare_traces(self, parts: Parts) -> None:
        code: dict[str, list[str]] = {self.s.pre: [], self.s.post: []}
        for t in self.learning.traces:
            owner = self.s.pre if t.trace.event == PRE else self.s.post
            gate = self.gates.get((t.trace.gate, t.trace.event)) if t.trace.gate else None
            for d, name in self.trace_names(t.name).items():
                most, spikes = (1, f"spiked_{d}") if d else (self.most, "spiking")
                declare_trace(self.groups[owner], name, t.trace, self.graph.dt_ms, most)
                code[owner] += trace_code(name, t.trace, spikes, gate, parts.freezes, most)
        for owner, lines in code.items():
            if lines:
                parts.let_freeze(self.groups[owner])
                parts.operations.append(Operation(f"{self.s.name}_traces_{owner}", owner, lines, "synapses", TRACES))

    def sending(self) -> list[str]:
        sent = total(self.learning.transmit, self.naming("", ""), self.constants)
        sent = f"({sent})*{self.factor}" if self.factor else sent
        register = {d: f"{arriving(self.s.first.arrives_at, d - 1)}_post" for d in self.s.delays}
        if not self.mixed:
            return [f"{register[self.s.delays[0]]} += {sent}"]
        return [f"sent = {sent}", *(f"{name} += int(delay_steps == {d})*sent" for d, name in register.items())]

    def epochs(self, pre_group: Group, post_group: Group, parts: Parts) -> list[Pathway]:
        """Code for the end of an epoch: pathways of an event of all pre neurons."""
        learning, naming = self.learning, self.naming("", "")
        every, event = learning.epoch_steps or 1, f"{self.s.name}_epoch"
        ways = [Pathway("epoch", "pre", self.change(EPOCH, naming, guarded=False), EPOCH_TERMS, 0, event, "end")]
        if learning.flows:
            ways += self.sums_for_erasure(post_group, parts)
            moved = flows.code(learning, every * self.graph.dt_ms / 1000, naming, self.constants)
            ways.append(Pathway("flows", "pre", moved, EPOCH_FLOWS, 0, event, "end"))
        for k, n in enumerate(learning.normalise):
            side, group = ("pre", pre_group) if n.per == PRE else ("post", post_group)
            variable = learning.variable(n.variable)
            sums, name = f"{self.s.name}_sum{k}", self.variable(n.variable)
            group.state(sums)
            scaled = f"{name}*(int(scalable)*({self.constants.name(n.total)}/divisor) + int(not scalable))"
            code = [
                f"scalable = {sums}_{side} > 0",
                f"divisor = int(scalable)*{sums}_{side} + int(not scalable)",
                f"{name} = {clipped(scaled, variable.low, variable.high, self.constants)}",
            ]
            place = 3 * k  # one after the other
            parts.operations.append(Operation(f"{sums}_zero", group.name, [f"{sums} = 0"], "end", EPOCH_ZERO + place))
            ways += [
                Pathway(f"sum{k}", "pre", [f"{sums}_{side} += {name}"], EPOCH_SUM + place, 0, event, "end"),
                Pathway(f"scale{k}", "pre", code, EPOCH_SCALE + place, 0, event, "end"),
            ]
        if any(way.code for way in ways):
            parts.let_freeze(pre_group)
            pre_group.events[event] = pre_group.due(every, parts.first) + " and learns" * parts.freezes
        return ways

    def sums_for_erasure(self, group: Group, parts: Parts) -> list[Pathway]:
        """Declare variables of a flow with erasure: the sum of its variable per neuron, 1/synapses, and streams."""
        ways = []
        for k, (variable, key) in enumerate(self.learning.erasure.items()):
            name = self.variable(variable)
            sums, count = f"{self.s.name}_{name}_sum", np.bincount(self.s.j, minlength=group.size)
            group.state(sums)
            self.equations += [f"{name}_count : 1 (constant)", f"{name}_total = {sums}_post : 1"]
            self.values[f"{name}_count"] = count[self.s.j].astype(float)
            for n, states in enumerate(start(key, len(self.s.j))):
                self.equations.append(f"{name}_stream{n} : 1")
                self.values[f"{name}_stream{n}"] = self.s.sorted(states)
                self.kept.append(f"{name}_stream{n}")
            parts.operations.append(Operation(f"{sums}_zero", group.name, [f"{sums} = 0"], "end", ERASURE_ZERO))
            code = [f"{sums}_post += {name}"]
            ways.append(Pathway(f"count{k}", "pre", code, ERASURE_SUM, 0, f"{self.s.name}_epoch", "end"))
        return ways


def _nothing(weight: Value) -> Learning:
    """A rule that changes nothing and transmits the weight."""
    w = Variable("w", weight, -np.inf, np.inf)
    return Learning((w,), (), (), (), None, (), (), (Product(1.0, (Factor(variable="w"),)),), {})


def spike_history(layout: Layout, group: Group, parts: Parts) -> None:
    """Variables that hold which cells spiked d steps ago: post traces grow when a spike reaches the synapse."""
    longest = max((d for s in layout.plastic if s.first.learning for d in s.delays if s.post == group.name), default=0)
    if not longest:
        return
    for d in range(1, longest + 1):
        group.state(f"spiked_{d}", kind="boolean")
    code = [f"spiked_{d} = spiked_{d - 1}" for d in range(longest, 1, -1)] + ["spiked_1 = spiking"]
    parts.operations.append(Operation(f"{group.name}_history", group.name, code, "synapses", TRACES + 1))
