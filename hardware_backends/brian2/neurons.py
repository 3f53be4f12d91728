"""The two neuron groups: spike sources that replay given spikes, and LIF cells."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from ernsnn.describe.learning import EPOCH, POST, Trace
from ernsnn.graph.constants import decay, membrane
from ernsnn.graph.graph import Graph, Neurons

from .expressions import Constants, clipped, total
from .layout import CELLS, SOURCES, Layout
from .parts import Group, Operation, Parts

NEVER = 2.0**62
"""A step that is never reached."""

AFTER_SYNAPSES = 10
INTRINSIC_TARGETS = {"v_threshold_mV": "v_threshold", "i_offset_nA": "i_offset"}


def padded(values: np.ndarray, fill: float) -> np.ndarray:
    """A table filled up to a power of two: its length stands in the compiled code, which so seldom changes."""
    length = 1 << max(4, len(values).bit_length())
    return np.concatenate([values, np.full((length - len(values), *values.shape[1:]), fill)])


def sources(layout: Layout, n_steps: int, parts: Parts) -> Group:
    """Spikes are read from one table: each neuron has a cursor, which waits at the step of its next spike."""
    table: list[np.ndarray] = []
    cursors, length = [], 0
    for source in layout.sources:
        steps, neurons = source.spikes.between(0, n_steps)
        order = np.lexsort((steps, neurons))
        per_neuron = np.split(steps[order].astype(float), np.cumsum(np.bincount(neurons, minlength=source.size))[:-1])
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
    group = Group(CELLS, layout.size[CELLS], ["spiking : boolean", "countdown : integer"])

    def joined(values: Sequence[tuple[Neurons, float | np.ndarray]]) -> np.ndarray:
        return np.concatenate([np.broadcast_to(np.asarray(value), p.size) for p, value in values])

    def of(name: str) -> np.ndarray:
        return joined([(p, p.parameters[name]) for p in layout.cells])

    constants = [(p, membrane(p.parameters, graph.dt_ms, graph.current_integration)) for p in layout.cells]
    averaged = graph.current_integration == "step_average"
    wanted = ["P_m", "P_E", "P_I", *(("R", "g_E", "g_I") if averaged else ("k_E", "k_I", "k_c"))]
    for name in wanted:
        group.parameter(name, joined([(p, values[name]) for p, values in constants]))
    group.parameter("n_ref", joined([(p, values["n_ref"]) for p, values in constants]), "integer")
    learned = {INTRINSIC_TARGETS[p.intrinsic.target] for p in layout.cells if p.intrinsic}
    for name, source in (
        ("v_rest", "v_rest_mV"),
        ("v_reset", "v_reset_mV"),
        ("v_threshold", "v_threshold_mV"),
        ("i_offset", "i_offset_nA"),
    ):
        group.state(name, of(source)) if name in learned else group.parameter(name, of(source))
    group.state("V", of("v_init_mV"))
    for receptor in ("E", "I"):
        group.state(f"I_{receptor}")
        group.state(f"A_{receptor}")  # what arrives in the coming step
        for stage in range(1, longest[receptor]):
            group.state(f"q{stage}_{receptor}")
    adaptive = any(p.adaptive for p in layout.cells)
    if adaptive:
        group.state("theta")
        rises = [(p, p.parameters["threshold_increment_mV"] if p.adaptive else 0.0) for p in layout.cells]
        decays = [
            (p, decay(p.parameters["tau_threshold_ms"], graph.dt_ms) if p.adaptive else 1.0) for p in layout.cells
        ]
        group.parameter("theta_increment", joined(rises))
        group.parameter("P_theta", joined(decays))
    before, current = injected(layout, graph, group, parts)
    code = [*before, *step(averaged, adaptive, current), *registers(longest)]
    parts.operations.append(Operation("cells_update", CELLS, code, "groups", 0))
    return group


def step(averaged: bool, adaptive: bool, current: str) -> list[str]:
    """Stage 2 of the time step. int(...) of a condition selects exactly, without rounding."""
    arrive = ["I_E = I_E + A_E" + "*g_E" * averaged, "I_I = I_I + A_I" + "*g_I" * averaged]
    decays = ["I_E = I_E*P_E", "I_I = I_I*P_I"]
    if averaged:
        integrate = [f"alpha = (I_E - I_I + {current})*R + v_rest", "V_new = alpha - P_m*(alpha - V)"]
    else:
        integrate = [f"V_new = v_rest + P_m*(V - v_rest) + k_E*I_E - k_I*I_I + {current}*k_c"]
    return [
        *(arrive if averaged else []),
        "active = countdown <= 0",
        *integrate,
        "V = int(active)*V_new + int(not active)*V",
        "countdown = countdown - int(not active)",
        *(["theta = theta*P_theta"] if adaptive else []),
        f"spiking = active and V >= {'v_threshold + theta' if adaptive else 'v_threshold'}",
        "V = int(spiking)*v_reset + int(not spiking)*V",
        "countdown = int(spiking)*n_ref + int(not spiking)*countdown",
        *(["theta = theta + int(spiking)*theta_increment"] if adaptive else []),
        *decays,
        *([] if averaged else arrive),
    ]


def registers(longest: dict[str, int]) -> list[str]:
    """Arrivals have been taken; those of plastic delays move one stage on."""
    code = []
    for receptor, stages in longest.items():
        chain = [f"A_{receptor}", *(f"q{stage}_{receptor}" for stage in range(1, stages))]
        code += [f"{first} = {second}" for first, second in pairwise(chain)]
        code.append(f"{chain[-1]} = 0")
    return code


def injected(layout: Layout, graph: Graph, group: Group, parts: Parts) -> tuple[list[str], str]:
    """Code that finds the injected current, and the expression of the whole constant current."""
    if not graph.injections:
        return [], "i_offset"
    steps = np.unique(np.concatenate([i.steps for i in graph.injections]))
    table = np.zeros((len(steps) + 1, group.size))
    for injection in graph.injections:
        piece = np.searchsorted(injection.steps, steps, side="right") - 1
        amounts = np.where(piece[:, None] >= 0, injection.values[piece], 0.0)
        table[1:, layout.indices(injection.target)] += amounts
    parts.tables["current_steps"] = padded(steps.astype(float), NEVER)
    parts.tables["current"] = table
    group.equations.append("piece : integer")
    code = ["piece = piece + int(current_steps(piece*dt) == t_in_timesteps)", "i_injected = current(piece*dt, i)"]
    return code, "(i_offset + i_injected)"


def trace_code(name: str, trace: Trace, spikes: str, gate: str | None) -> list[str]:
    """A trace before (``_old``) and after this step's own increment; terms of the trace's own event read the former."""
    old, grown = f"{name}_old", f"{name}_increment" + (f"*{gate}" if gate else "")
    code = [f"{old} = {name}*{name}_P"]
    if trace.mode == "add":
        return [*code, f"{name} = {old} + {grown}*int({spikes})"]
    opened = f"({spikes} and {gate} != 0)" if gate else spikes
    return [*code, f"{name} = int({opened})*({grown}) + int(not {opened})*{old}"]


def declare_trace(group: Group, name: str, trace: Trace, dt_ms: float) -> None:
    """Its variables and constants."""
    for variable in (name, f"{name}_old"):
        group.state(variable)
    group.parameter(f"{name}_P", np.array([decay(trace.tau_ms, dt_ms)]))
    group.parameter(f"{name}_increment", np.array([trace.increment]))


def intrinsic(layout: Layout, graph: Graph, group: Group, parts: Parts) -> None:
    """Intrinsic plasticity of each population that has it; a mask says which cells are its."""
    for k, p in enumerate(layout.cells):
        if p.intrinsic is None:
            continue
        learning, target = p.intrinsic.learning, INTRINSIC_TARGETS[p.intrinsic.target]
        constants, variable, mask = Constants(f"intrinsic{k}_k"), learning.variables[0], f"intrinsic{k}"
        inside = np.zeros(group.size, dtype=bool)
        inside[layout.start[p.name] : layout.start[p.name] + p.size] = True
        group.parameter(mask, inside, "boolean")
        names = {t.name: f"{mask}_{t.name}_trace" for t in learning.traces}
        code: list[str] = []
        for t in learning.traces:
            declare_trace(group, names[t.name], t.trace, graph.dt_ms)
            code += trace_code(names[t.name], t.trace, "spiking", None)
        for event, suffix, when in ((POST, "_old", f"{mask} and spiking"), (EPOCH, "", f"{mask} and chosen")):
            terms = [term for term in learning.terms if term.event == event]
            if not terms:
                continue
            naming = {"w": target} | {name: own + suffix for name, own in names.items()}
            added = total(terms, naming.__getitem__, constants)
            new = clipped(f"{target} + {added}", variable.low, variable.high, constants)
            change = [f"changing = {when}", f"{target} = int(changing)*({new}) + int(not changing)*{target}"]
            if event == POST:
                code += change
            else:
                parts.operations.append(epoch(f"{mask}_epoch", group, change, learning.epoch_steps or 1, order=-9))
        parts.operations.append(Operation(f"{mask}_update", CELLS, code, "synapses", AFTER_SYNAPSES))
        group.equations += constants.equations
        group.values |= constants.values


def epoch(name: str, group: Group, code: list[str], every: int, order: int) -> Operation:
    """An operation at the end of every ``every``-th step, which Brian2 can only do at the start of the next.

    At time 0 it must do nothing: ``chosen``, which ``code`` reads, is false until a shared switch is on, which the
    first call turns.
    """
    switch = f"{name}_on"
    group.equations.append(f"{switch} : integer (shared)")
    guard = [f"{name}_now = {switch}", f"{switch} = 1", f"chosen = {name}_now > 0"]
    return Operation(name, group.name, [*guard, *code], "start", order, every)
