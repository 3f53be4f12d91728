"""The two neuron groups: spike sources that replay given spikes, and LIF cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ernsnn.describe.learning import EPOCH, POST, Trace
from ernsnn.graph.constants import decay, membrane
from ernsnn.graph.graph import Graph, Neurons
from ernsnn.graph.streams import start
from ernsnn.graph.values import columns_of

from .expressions import Constants, clipped, symbol, total
from .layout import CELLS, SOURCES, Layout
from .parts import NEVER, Group, Operation, Parts, padded
from .streams import advance, normal

AFTER_SYNAPSES = 10
EPOCH_INTRINSIC = -9
"""Its place at the end of a step: after the epochs of synapses, before the probes."""
_LACKING = {"g_leak": 1.0}
"""What cells have that lack a constant which others have, if not 0: what is divided by must not be."""
INTRINSIC_TARGETS = {"v_threshold_mV": "v_threshold", "i_offset_nA": "i_offset"}


def sources(layout: Layout, end: int, parts: Parts) -> Group:
    """Spikes are read from one table: each neuron has a cursor, which waits at the step of its next spike."""
    table: list[np.ndarray] = []
    cursors, length = [], 0
    for source in layout.sources:
        steps, neurons = source.spikes.between(parts.first, end)
        order = np.lexsort((steps, neurons))
        per_neuron = np.split(
            (steps[order] - parts.first).astype(float), np.cumsum(np.bincount(neurons, minlength=source.size))[:-1]
        )
        for spikes in per_neuron:
            cursors.append(length)
            table += [spikes, np.array([NEVER])]
            length += len(spikes) + 1
    group = Group(SOURCES, layout.size[SOURCES], ["spiking : boolean", "cursor : integer"])
    group.values["cursor"] = np.array(cursors)
    parts.tables["spike_steps"] = padded(np.concatenate(table), NEVER)
    code = ["spiking = spike_steps(cursor*dt) == t_in_timesteps", "cursor += int(spiking)"]
    parts.operations.append(Operation("sources_update", SOURCES, code, "groups", 0))
    return group


def cells(layout: Layout, graph: Graph, longest: dict[str, int], parts: Parts) -> Group:
    """All LIF populations in one group. ``longest``: stages of the registers of plastic delays, per receptor."""
    group = Group(CELLS, layout.size[CELLS], ["spiking : boolean"])
    group.state("countdown", kind="integer")

    def joined(values: Sequence[tuple[Neurons, float | np.ndarray]]) -> np.ndarray:
        return np.concatenate([np.broadcast_to(np.asarray(value), p.size) for p, value in values])

    def of(name: str) -> np.ndarray:
        return joined([(p, p.parameters[name]) for p in layout.cells])

    constants = [(p, membrane(p.parameters, graph.dt_ms, graph.current_integration)) for p in layout.cells]
    features = Features.of(graph, layout.cells)
    if features.noisy:
        states = np.concatenate([start(p.noise, p.size) if p.noise else np.ones((2, p.size)) for p in layout.cells], 1)
        for k in (0, 1):
            group.state(f"stream{k}", states[k])
    for name in features.constants:
        group.parameter(name, joined([(p, values.get(name, _LACKING.get(name, 0.0))) for p, values in constants]))
    if features.synaptic and features.jumps:
        group.parameter("jumps", joined([(p, np.array(p.delta)) for p in layout.cells]), "boolean")
    if features.conducts:
        if features.mixed:
            group.parameter("conducts", joined([(p, np.array(p.conduct)) for p in layout.cells]), "boolean")
        for r in "EI":
            group.parameter(f"v_rev_{r}", joined([(p, p.parameters.get(f"e_rev_{r}_mV", 0.0)) for p in layout.cells]))
    if features.floored:
        group.parameter("v_min", joined([(p, p.parameters.get("v_min_mV", -np.inf)) for p in layout.cells]))
    # Brian2's integers have 32 bits; so many steps last longer than any run.
    n_ref = [(p, np.minimum(values["n_ref"], np.iinfo(np.int32).max)) for p, values in constants]
    group.parameter("n_ref", joined(n_ref), "integer")
    learned = {INTRINSIC_TARGETS[p.intrinsic.target] for p in layout.cells if p.intrinsic}
    for name, source in (
        ("v_rest", "v_rest_mV"),
        ("v_reset", "v_reset_mV"),
        ("v_threshold", "v_threshold_mV"),
        ("i_offset", "i_offset_nA"),
    ):
        if name in learned:  # and so in the recording
            group.equations.append(f"{name} : 1")
            group.values[name] = of(source)
        else:
            group.parameter(name, of(source))
    group.state("V", of("v_init_mV"))
    for receptor in ("E", "I"):
        if features.synaptic:
            group.state(f"I_{receptor}")
        group.state(f"A_{receptor}")  # what arrives in the coming step
        for stage in range(1, longest[receptor]):
            group.state(f"q{stage}_{receptor}")
    if features.adaptive:
        group.state("theta")
        rises = [(p, p.parameters["threshold_increment_mV"] if p.adaptive else 0.0) for p in layout.cells]
        decays = [
            (p, decay(p.parameters["tau_threshold_ms"], graph.dt_ms) if p.adaptive else 1.0) for p in layout.cells
        ]
        group.parameter("theta_increment", joined(rises))
        group.parameter("P_theta", joined(decays))
    before, current = injected(layout, graph, group, parts)
    shifts = modulated(layout, graph, group)
    current, threshold = f"{current}{shifts['i_offset_nA']}", f"v_threshold{shifts['v_threshold_mV']}"
    current = f"({current})" if "+" in current else current
    code = [*before, *step(features, current, threshold), *registers(longest), *pending(group, parts)]
    parts.operations.append(Operation("cells_update", CELLS, code, "groups", 0))
    return group


@dataclass(frozen=True)
class Features:
    """What the cells of a program have, taken together."""

    averaged: bool
    adaptive: bool
    noisy: bool
    floored: bool
    currents: bool
    conducts: bool
    jumps: bool

    @classmethod
    def of(cls, graph: Graph, cells: Sequence[Neurons]) -> Features:
        """Of these cells."""
        return cls(
            averaged=graph.current_integration == "step_average",
            adaptive=any(p.adaptive for p in cells),
            noisy=any(p.noise for p in cells),
            floored=any("v_min_mV" in p.parameters for p in cells),
            currents=not all(p.delta or p.conduct for p in cells),
            conducts=any(p.conduct for p in cells),
            jumps=any(p.delta for p in cells),
        )

    @property
    def synaptic(self) -> bool:
        """Whether some have what decays in their synapses: I_E and I_I, which are conductances where they conduct."""
        return self.currents or self.conducts

    @property
    def mixed(self) -> bool:
        """Whether some conduct and some do not."""
        return self.conducts and (self.currents or self.jumps)

    @property
    def constants(self) -> list[str]:
        """Those of ``graph.constants.membrane`` that the equations read."""
        wanted = ["P_E", "P_I"] if self.synaptic else []
        if self.averaged:
            wanted += ["P_m", "R", "g_E", "g_I"]
        else:
            wanted += ["P_m", "k_c"] if self.currents or self.jumps else []
            wanted += ["k_E", "k_I"] if self.currents else []
            wanted += ["mean_E", "mean_I", "g_leak", "dt_cm"] if self.conducts else []
        return [*wanted, "noise"] if self.noisy else wanted


def step(has: Features, current: str, threshold: str) -> list[str]:
    """Stage 2 of the time step. int(...) of a condition selects exactly, without rounding."""
    share = "*g_{}" if has.averaged else "*int(not jumps)" if has.jumps else ""
    arrive = [f"I_{r} = I_{r} + A_{r}" + share.format(r) for r in "EI"] if has.synaptic else []
    integrate = (averaged if has.averaged else exact)(has, current)
    if has.noisy:
        integrate += [*advance("stream"), f"V_new = V_new + noise*({normal('stream')})"]
    if has.floored:
        integrate.append("V_new = clip(V_new, v_min, inf)")
    jump: list[str] = []
    if has.jumps:
        receptive = "jumps and active" if has.synaptic else "active"
        jumped = "V + int(receptive)*(A_E - A_I)"
        jump = [
            f"receptive = {receptive} and countdown <= 0",
            f"V = clip({jumped}, v_min, inf)" if has.floored else f"V = {jumped}",
        ]
    return [
        *(arrive if has.averaged else []),
        "active = countdown <= 0",
        *integrate,
        "V = int(active)*V_new + int(not active)*V",
        "countdown = countdown - int(not active)",
        *(["theta = theta*P_theta"] if has.adaptive else []),
        f"spiking = active and V >= {threshold}{' + theta' if has.adaptive else ''}",
        "V = int(spiking)*v_reset + int(not spiking)*V",
        "countdown = int(spiking)*n_ref + int(not spiking)*countdown",
        *(["theta = theta + int(spiking)*theta_increment"] if has.adaptive else []),
        *(["I_E = I_E*P_E", "I_I = I_I*P_I"] if has.synaptic else []),
        *([] if has.averaged else arrive),
        *jump,
    ]


def averaged(has: Features, current: str) -> list[str]:
    """V at the end of a step of which the synaptic currents have their averages."""
    through = "I_E*(v_rev_E - V) + I_I*(v_rev_I - V)" if has.conducts else "I_E - I_I"
    code = []
    if has.mixed:
        code = [f"synaptic = int(conducts)*({through}) + int(not conducts)*(I_E - I_I)"]
        through = "synaptic"
    return [*code, f"alpha = ({through} + {current})*R + v_rest", "V_new = alpha - P_m*(alpha - V)"]


def exact(has: Features, current: str) -> list[str]:
    """V at the end of a step in which currents decay, and conductances have their means.

    Where some conduct, the others' means and dt_cm are 0 and their g_leak is 1, so that all expressions are finite.
    """
    synaptic = " + k_E*I_E - k_I*I_I" if has.currents else ""
    linear = f"v_rest + P_m*(V - v_rest){synaptic} + {current}*k_c"
    if not has.conducts:
        return [f"V_new = {linear}"]
    code = [
        "g_total = g_leak + mean_E*I_E + mean_I*I_I",
        f"V_end = (g_leak*v_rest + mean_E*I_E*v_rev_E + mean_I*I_I*v_rev_I + {current})/g_total",
    ]
    conducted = "V_end + (V - V_end)*exp(-g_total*dt_cm)"
    if has.mixed:
        return [*code, f"V_new = int(conducts)*({conducted}) + int(not conducts)*({linear})"]
    return [*code, f"V_new = {conducted}"]


def registers(longest: dict[str, int]) -> list[str]:
    """Arrivals have been taken; those of plastic delays move one stage on."""
    code = []
    for receptor, stages in longest.items():
        chain = [f"A_{receptor}", *(f"q{stage}_{receptor}" for stage in range(1, stages))]
        code += [f"{first} = {second}" for first, second in pairwise(chain)]
        code.append(f"{chain[-1]} = 0")
    return code


def pending(group: Group, parts: Parts) -> list[str]:
    """Code for what static synapses sent before the program started, and the events of ``parts.late``."""
    if not parts.first:
        return []
    entry = "t_in_timesteps*dt"
    group.events |= {name: f"{name}({entry}, i) > 0" for name in parts.late.values()}
    arriving = [r for r in "EI" if f"pending_{r}" in parts.tables]
    return [f"A_{r} = A_{r} + pending_{r}({entry}, i)" for r in arriving]


def injected(layout: Layout, graph: Graph, group: Group, parts: Parts) -> tuple[list[str], str]:
    """Code that finds the injected current, and the expression of the whole constant current."""
    if not graph.injections:
        return [], "i_offset"
    steps = np.unique(np.concatenate([i.steps for i in graph.injections]))
    # Cells with the same columns of all injections share one of the table.
    had = np.full((len(graph.injections), group.size), -1)
    for row, injection in zip(had, graph.injections, strict=True):
        row[layout.indices(injection.target)] = columns_of(injection.values)[1]
    kinds, kind = np.unique(had, axis=1, return_inverse=True)
    table = np.zeros((len(steps) + 1, kinds.shape[1]))
    for columns, injection in zip(kinds, graph.injections, strict=True):
        piece = np.searchsorted(injection.steps, steps, side="right") - 1
        begun, inside = np.flatnonzero(piece >= 0), np.flatnonzero(columns >= 0)
        amounts = columns_of(injection.values)[0]
        table[np.ix_(begun + 1, inside)] += amounts[np.ix_(piece[begun], columns[inside])]
    group.parameter("i_column", kind.reshape(-1), "integer")
    parts.tables["current"] = table
    renewed = [parts.follow(group, "current", steps), "i_injected = current(piece*dt, i_column)"]
    return renewed, "i_offset + i_injected"


def modulated(layout: Layout, graph: Graph, group: Group) -> dict[str, str]:
    """What modulators add to a parameter, as text. Their values are those of the step before."""
    added = {"i_offset_nA": "", "v_threshold_mV": ""}
    sizes = {m.name: m.size for m in graph.modulators}
    for k, m in enumerate(graph.modulations):
        cells, gain, index = layout.indices(m.target), np.zeros(group.size), np.zeros(group.size, dtype=int)
        gain[cells] = m.gain
        index[cells] = np.arange(len(cells)) if sizes[m.modulator] > 1 else 0
        group.parameter(f"gain{k}", gain)
        group.equations.append(f"modulator{k} : 1 (linked)")
        group.links[f"modulator{k}"] = (layout.factor[m.modulator], "value", index)
        added[m.variable] += f" + gain{k}*modulator{k}"
    return added


def trace_code(name: str, trace: Trace, spikes: str, gate: str | None, freezes: bool) -> list[str]:
    """A trace before (``_old``) and after this step's own increment; terms of the trace's own event read the former."""
    old, grown = f"{name}_old", f"{name}_increment" + (f"*{gate}" if gate else "")
    code = [f"{old} = {name}*{name}_P"]
    if freezes:
        code = [f"{old} = int(learns)*({name}*{name}_P) + int(not learns)*{name}"]
        spikes = f"({spikes} and learns)"
    if trace.mode == "add":
        return [*code, f"{name} = {old} + {grown}*int({spikes})"]
    opened = f"({spikes} and {gate} != 0)" if gate else spikes
    return [*code, f"{name} = int({opened})*({grown}) + int(not {opened})*{old}"]


def declare_trace(group: Group, name: str, trace: Trace, dt_ms: float) -> None:
    """Its variables and constants."""
    group.state(name)
    group.equations.append(f"{name}_old : 1")
    group.parameter(f"{name}_P", np.array([decay(trace.tau_ms, dt_ms)]))
    group.parameter(f"{name}_increment", np.array([trace.increment]))


def intrinsic(layout: Layout, graph: Graph, group: Group, parts: Parts) -> None:
    """Intrinsic plasticity of each population that has it; a mask says which cells are its."""
    for k, p in enumerate(layout.cells):
        if p.intrinsic is None:
            continue
        learning, target = p.intrinsic.learning, INTRINSIC_TARGETS[p.intrinsic.target]
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
                parts.operations.append(Operation(f"{mask}_epoch", CELLS, change, "end", EPOCH_INTRINSIC))
        parts.operations.append(Operation(f"{mask}_update", CELLS, code, "synapses", AFTER_SYNAPSES))
        group.equations += constants.equations
        group.values |= constants.values
