"""The groups of neurons: spike sources that replay given spikes, and the cells of each kind."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import numpy as np

from ernsnn.describe.evaluation import evaluated
from ernsnn.describe.learning import EPOCH, POST, Trace
from ernsnn.graph.constants import decay
from ernsnn.graph.graph import Graph
from ernsnn.graph.streams import start
from ernsnn.graph.values import columns_of

from .equations import Step
from .expressions import Constants, clipped, total
from .layout import SOURCES, Layout
from .names import own, symbol
from .parts import NEVER, Group, Operation, Parts, padded
from .poisson import poisson_inputs
from .streams import advance, normal, uniform

AFTER_SYNAPSES = 10
EPOCH_INTRINSIC = -9
"""The order of intrinsic plasticity at the end of a step: after the epochs of synapses, before the probes."""


def sources(layout: Layout, end: int, parts: Parts) -> Group:
    """The group of spike sources. Spikes are read from one table; each neuron has a cursor at its next spike.

    Several spikes of a neuron in a step are one event with a ``spike_count``. What is sent after a delay cannot read
    it: there each power of two in the number of further spikes is an event of its own, ``again1``, ``again2``, ...
    """
    table, counts = [np.zeros(0)], [np.zeros(0, np.int64)]
    cursors, length = [], 0
    for source in layout.sources:
        steps, neurons = source.spikes.between(parts.first, end)
        both, times = np.unique(np.stack([neurons, steps - parts.first]), axis=1, return_counts=True)
        ends = np.cumsum(np.bincount(both[0], minlength=source.size))[:-1]
        for spikes, often in zip(np.split(both[1].astype(float), ends), np.split(times, ends), strict=True):
            cursors.append(length)
            table += [spikes, np.array([NEVER])]
            counts += [often, np.zeros(1, np.int64)]
            length += len(spikes) + 1
        parts.most[source.name] = int(times.max(initial=1))
    group = Group(SOURCES, layout.size[SOURCES], ["spiking : boolean", "cursor : integer"])
    group.values["cursor"] = np.array(cursors)
    parts.tables["spike_steps"] = padded(np.concatenate(table), NEVER)
    code = ["spiking = spike_steps(cursor*dt) == t_in_timesteps", "cursor += int(spiking)"]
    if (most := parts.most_of(parts.most)) > 1:
        group.counted, often = True, np.concatenate(counts)
        parts.tables["spike_counts"] = padded(often.astype(float), 0.0)
        group.equations.append("spike_count : integer")
        reading = ["spike_count = int(spiking)*int(spike_counts(cursor*dt))"]
        for event, power in powers(most):
            parts.tables[f"spike_{event}"] = padded(((often - 1).clip(0) & power > 0).astype(float), 0.0)
            group.equations.append(f"{event} : boolean")
            group.events[event] = event
            reading.append(f"{event} = spiking and spike_{event}(cursor*dt) > 0")
        code[1:1] = reading
    parts.operations.append(Operation("sources_update", SOURCES, code, "groups", 0))
    return group


def powers(most: int) -> list[tuple[str, int]]:
    """(event, how many spikes it is) of which up to ``most`` spikes of a step consist, beside the first."""
    return [(f"again{1 << k}", 1 << k) for k in range((most - 1).bit_length())]


def cells(name: str, layout: Layout, graph: Graph, longest: dict[str, int], parts: Parts) -> Group:
    """All neurons of one kind. ``longest``: stages of the registers of plastic delays, per receptor."""
    populations, scheme = layout.cells[name], graph.current_integration
    kind, group = populations[0].kind, Group(name, layout.size[name], ["spiking : boolean"])
    table = kind.given(scheme, {parameter for p in populations for parameter in p.parameters})
    needed = dict.fromkeys(s.needs for s in table.statements if s.needs)
    partly = [parameter for parameter in needed if any(parameter not in p.parameters for p in populations)]
    values = [{"dt": graph.dt_ms} | p.parameters | p.constants(graph.dt_ms, scheme) for p in populations]

    def joined(each: Iterable[float | np.ndarray]) -> np.ndarray:
        return np.concatenate([np.broadcast_to(np.asarray(v), p.size) for v, p in zip(each, populations, strict=True)])

    group.state("countdown", kind="integer")
    # Brian2's integers have 32 bits; so many steps last longer than any run.
    most = np.iinfo(np.int32).max
    group.parameter("n_ref", joined(np.minimum(v["n_ref"], most) for v in values), "integer")
    for parameter in partly:
        given = joined(np.array(parameter in p.parameters) for p in populations)
        group.parameter(f"has_{own(parameter)}", given, "boolean")
    learned = {p.intrinsic.target for p in populations if p.intrinsic}
    for read in dict.fromkeys(["dt", *(p.name for p in kind.parameters), *(name for name in table.constant_names)]):
        if read in learned:  # and so in the recording
            group.equations.append(f"{read} : 1")
            group.values[read] = joined(v[read] for v in values)
        elif read in table.names:  # neurons that lack the parameter read it, too, without an effect
            group.parameter("dt_ms" if read == "dt" else own(read), joined(v.get(read, 0.0) for v in values))
    for state in kind.states:
        initial = joined(evaluated(state.initial, p.parameters) for p in populations)
        group.state(own(state.name), initial if initial.any() else None)
    for receptor, stages in longest.items():
        for stage in range(stages):
            group.state(arriving(receptor, stage))
    before, called = inputs(layout, graph, group, parts)
    for draw, text in (("normal", normal), ("uniform", uniform)):
        if draw in table.names:
            drawn = [start(p.draws[draw], p.size) if draw in p.draws else np.ones((2, p.size)) for p in populations]
            for k, states in enumerate(np.concatenate(drawn, axis=1)):
                group.state(f"{draw}_stream{k}", states)
                group.streams.append(f"{draw}_stream{k}")
            before += [*advance(f"{draw}_stream"), f"{draw} = {text(f'{draw}_stream')}"]
    before += poisson_inputs(layout, graph, group, arriving, parts)
    called |= {f"in_{receptor}": arriving(receptor) for receptor in longest}
    step = Step(kind, table, lambda name: called.get(name) or own(name), partly)
    code = [*before, *step.code(), *registers(longest), *pending(group, longest, parts)]
    parts.operations.append(Operation(f"{name}_update", name, code, "groups", 0))
    return group


def arriving(receptor: str, later: int = 0) -> str:
    """The variable with the sum that arrives at a receptor in the next step, or ``later`` steps after that."""
    return f"q{later}_" * (later > 0) + own(f"in_{receptor}")


def registers(longest: dict[str, int]) -> list[str]:
    """Code that moves arrivals of plastic delays one register on, after those of this step have been read."""
    code = []
    for receptor, stages in longest.items():
        chain = [arriving(receptor, stage) for stage in range(stages)]
        code += [f"{first} = {second}" for first, second in pairwise(chain)]
        code.append(f"{chain[-1]} = 0")
    return code


def pending(group: Group, receptors: Iterable[str], parts: Parts) -> list[str]:
    """Lines that add what static synapses sent before the program started; registers the events ``parts.late``."""
    if not parts.first:
        return []
    entry = "t_in_timesteps*dt"
    late = [name for (cells, _), name in parts.late.items() if cells == group.name]
    group.events |= {name: f"{name}({entry}, i) > 0{parts.before_resets}" for name in late}
    tables = {arriving(r): f"{group.name}_pending{k}" for k, r in enumerate(receptors)}
    kept = "int(began < 0)*" * bool(parts.resets)
    return [f"{into} = {into} + {kept}{table}({entry}, i)" for into, table in tables.items() if table in parts.tables]


def inputs(layout: Layout, graph: Graph, group: Group, parts: Parts) -> tuple[list[str], dict[str, str]]:
    """(code that computes the parameters that change in a run, name in the equations -> name in code)."""
    code, added = injected(layout, graph, group, parts)
    for parameter, shifts in modulated(layout, graph, group).items():
        shift = " + ".join(shifts)
        added.setdefault(parameter, parameter)
        added[parameter] += f" + ({shift})" if len(shifts) > 1 else f" + {shift}"
    code += [f"{parameter}_now = {value}" for parameter, value in added.items()]
    return code, {"dt": "dt_ms"} | {parameter: f"{parameter}_now" for parameter in added}


def injected(layout: Layout, graph: Graph, group: Group, parts: Parts) -> tuple[list[str], dict[str, str]]:
    """(code that computes the injected current, the expression of the sum of constant currents)."""
    injections = [i for i in graph.injections if layout.group[i.target.population] == group.name]
    if not injections:
        return [], {}
    steps = np.unique(np.concatenate([i.steps for i in injections]))
    # Cells with the same columns of all injections share one of the table.
    had = np.full((len(injections), group.size), -1)
    for row, injection in zip(had, injections, strict=True):
        row[layout.indices(injection.target)] = columns_of(injection.values)[1]
    kinds, kind = np.unique(had, axis=1, return_inverse=True)
    table = np.zeros((len(steps) + 1, kinds.shape[1]))
    for columns, injection in zip(kinds, injections, strict=True):
        piece = np.searchsorted(injection.steps, steps, side="right") - 1
        begun, inside = np.flatnonzero(piece >= 0), np.flatnonzero(columns >= 0)
        amounts = columns_of(injection.values)[0]
        table[np.ix_(begun + 1, inside)] += amounts[np.ix_(piece[begun], columns[inside])]
    group.parameter("i_column", kind.reshape(-1), "integer")
    current = f"{group.name}_current"
    parts.tables[current] = table
    code = [parts.follow(group, current, steps), f"i_injected = {current}(piece*dt, i_column)"]
    return code, {"i_offset_nA": "i_offset_nA + i_injected"}


def modulated(layout: Layout, graph: Graph, group: Group) -> dict[str, list[str]]:
    """Expressions that modulators add to parameters, with their values of the step before."""
    added: dict[str, list[str]] = {}
    sizes = {m.name: m.size for m in graph.modulators}
    for k, m in enumerate(graph.modulations):
        if layout.group[m.target.population] != group.name:
            continue
        cells, gain, index = layout.indices(m.target), np.zeros(group.size), np.zeros(group.size, dtype=int)
        gain[cells] = m.gain
        index[cells] = np.arange(len(cells)) if sizes[m.modulator] > 1 else 0
        group.parameter(f"gain{k}", gain)
        group.equations.append(f"modulator{k} : 1 (linked)")
        group.links[f"modulator{k}"] = (layout.factor[m.modulator], "value", index)
        added.setdefault(m.variable, []).append(f"gain{k}*modulator{k}")
    return added


def trace_code(name: str, trace: Trace, spikes: str, gate: str | None, freezes: bool, most: int = 1) -> list[str]:
    """A trace before (``_old``) and after this step's own increment; terms of the trace's own event read the former.

    Of up to ``most`` spikes in a step the second reads ``_old2``, and so on.
    """
    old, grown = f"{name}_old", f"{name}_increment" + (f"*{gate}" if gate else "")
    code = [f"{old} = {name}*{name}_P"]
    if freezes:
        code = [f"{old} = int(learns)*({name}*{name}_P) + int(not learns)*{name}"]
    for number in range(1, most + 1):
        now = spikes if number == 1 else f"(spike_count >= {number})"
        if freezes:
            now = f"({now} and learns)"
        new = name if number == most else before_spike(name, number + 1)
        if trace.mode == "add":
            code.append(f"{new} = {old} + {grown}*int({now})")
        else:
            opened = f"({now} and {gate} != 0)" if gate else now
            code.append(f"{new} = int({opened})*({grown}) + int(not {opened})*{old}")
        old = new
    return code


def before_spike(name: str, number: int) -> str:
    """The variable with the value of a trace before the spike of this ``number`` in a step."""
    return f"{name}_old" + (str(number) if number > 1 else "")


def declare_trace(group: Group, name: str, trace: Trace, dt_ms: float, most: int = 1) -> None:
    """Declare the variables and constants of a trace, of up to ``most`` spikes in a step."""
    group.state(name)
    group.equations += [f"{before_spike(name, number)} : 1" for number in range(1, most + 1)]
    group.parameter(f"{name}_P", np.array([decay(trace.tau_ms, dt_ms)]))
    group.parameter(f"{name}_increment", np.array([trace.increment]))


def intrinsic(layout: Layout, graph: Graph, group: Group, parts: Parts) -> None:
    """Intrinsic plasticity of each population that has it; a mask holds which cells belong to it."""
    for k, p in enumerate(graph.neurons()):
        if p.intrinsic is None or layout.group[p.name] != group.name:
            continue
        learning, target = p.intrinsic.learning, p.intrinsic.target
        constants, variable, mask = Constants(f"intrinsic{k}_k"), learning.variables[0], f"intrinsic{k}"
        parts.let_freeze(group)
        inside = np.zeros(group.size, dtype=bool)
        inside[layout.start[p.name] : layout.start[p.name] + p.size] = True
        group.parameter(mask, inside, "boolean")
        names = {t.name: f"{mask}_{symbol('trace', t.name)}" for t in learning.traces}
        code: list[str] = []
        for t in learning.traces:
            declare_trace(group, names[t.name], t.trace, graph.dt_ms)
            code += trace_code(names[t.name], t.trace, "spiking", None, parts.freezes)
        spiking = f"{mask} and spiking" + " and learns" * parts.freezes
        for event, suffix in ((POST, "_old"), (EPOCH, "")):
            terms = [term for term in learning.terms if term.event == event]
            if not terms:
                continue
            when = spiking
            if event == EPOCH:
                when = f"{mask} and {group.due(learning.epoch_steps or 1, parts.first)}" + " and learns" * parts.freezes
            naming = {"w": target} | {name: own + suffix for name, own in names.items()}
            added = total(terms, naming.__getitem__, constants)
            new = clipped(f"{target} + {added}", variable.low, variable.high, constants)
            change = [f"changing = {when}", f"{target} = int(changing)*({new}) + int(not changing)*{target}"]
            if event == POST:
                code += change
            else:
                parts.operations.append(Operation(f"{mask}_epoch", group.name, change, "end", EPOCH_INTRINSIC))
        parts.operations.append(Operation(f"{mask}_update", group.name, code, "synapses", AFTER_SYNAPSES))
        group.equations += constants.equations
        group.values |= constants.values
