"""Compiler from a graph to a Brian2 script: lays out, builds the parts, writes them with the template."""

from __future__ import annotations

from importlib.resources import files

import numpy as np

from ernsnn.arrays import Form
from ernsnn.backend.protocol import Program
from ernsnn.files import Content
from ernsnn.graph.graph import Graph, Probe
from ernsnn.recording.keys import neuron_key, synapse_key
from ernsnn.recording.recording import Recording

from ..templates import Escaped, script_template
from . import neurons, short_term, synapses
from .layout import SOURCES, Layout
from .modulators import modulators
from .parts import Group, Monitor, Parts, Pathway, SynapseGroup
from .start import queued, take_up

SAMPLES = 999
"""The slot in which values of probes are copied, at the end of a step; they are recorded in the next."""


def compile_program(
    graph: Graph, n_steps: int, *, target: str, threads: int, start: Recording | None = None
) -> Program:
    """``program.py`` and ``arrays.npz``; the program goes on from the end of ``start``."""
    return compiled(graph, n_steps, target=target, threads=threads, start=start)[0]


def compiled(
    graph: Graph, n_steps: int, *, target: str, threads: int, start: Recording | None
) -> tuple[Program, dict[str, Form]]:
    """See ``compile_program``; and the arrays of its state that the program records."""
    layout, parts = Layout(graph), Parts(frozen=graph.frozen)
    if start is not None:
        queued(parts, layout, start)
    groups: dict[str, Group] = {}
    if layout.sources:
        groups[SOURCES] = neurons.sources(layout, parts.first + n_steps, parts)
    for name in layout.cells:
        groups[name] = neurons.cells(name, layout, graph, synapses.longest_registers(layout, name), parts)
        neurons.intrinsic(layout, graph, groups[name], parts)
        synapses.spike_history(layout, groups[name], parts)
    parts.groups += groups.values()
    modulators(layout, graph, parts)
    parts.synapses += [synapses.static(s, parts) for s in layout.static]
    parts.synapses += [synapses.PlasticSynapses(s, graph, groups, layout).build(parts) for s in layout.plastic]
    for s in layout.unconnected:
        short_term.declare(s, groups[s.pre], graph.dt_ms, parts)
    empty = {p.name: p for p in graph.projections if not p.n_synapses}
    for k, probe in enumerate(graph.probes):
        if probe.target not in empty or probe.kind == "short_term":
            monitor(f"probe{k}", probe, layout, parts)
    if start is not None:
        take_up(parts, layout, start)
    arrays = collect(parts, layout)
    text = script_template(__package__).render(
        graph=graph,
        n_steps=n_steps,
        target=target,
        threads=threads,
        parts=parts,
        layout=layout,
        outputs=outputs(layout),
        kept=[(f"state/{o.name}/{name}", o.name, name) for o in parts.owners for name in o.kept],
        empty_synapses=[synapse_key(p.name, v.name) for p in empty.values() if p.learning for v in p.variables],
        empty_probes=[
            (probe.key, probe.every) for probe in graph.probes if probe.target in empty and probe.kind == "synapses"
        ],
    )
    written: dict[str, Content] = {"program.py": text, "arrays.npz": arrays}
    if target == "cpp_standalone":
        written["standalone.py"] = _resource("standalone.py")
    state = {f"state/{o.name}/{name}": Form("biuf", (o.length,)) for o in parts.owners for name in o.kept}
    return Program(written, makes=("recording.npz", "cpp/", "__pycache__/")), state


def _resource(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def collect(parts: Parts, layout: Layout) -> dict[str, np.ndarray]:
    """Collect the arrays that the script loads, by name."""
    arrays = {f"tables/{name}": values for name, values in parts.tables.items()}
    for group in parts.groups:
        arrays |= {f"{group.name}/{n}": v for n, v in group.values.items() if isinstance(v, np.ndarray)}
        arrays |= {f"{group.name}/{n}": index for n, (_, _, index) in group.links.items()}
    for s in parts.synapses:
        arrays |= {f"{s.name}/i": s.i, f"{s.name}/j": s.j}
        arrays |= {f"{s.name}/{n}": v for n, v in s.values.items() if isinstance(v, np.ndarray)}
    arrays |= {f"{merged.name}/delay": merged.delay for merged in (*layout.static, *layout.plastic)}
    arrays |= {f"{merged.name}/places": merged.places for merged in layout.plastic}
    arrays |= {f"monitors/{m.key}": m.record for m in parts.monitors}
    return arrays


def monitor(name: str, probe: Probe, layout: Layout, parts: Parts) -> None:
    """Add the monitor of a probe.

    A probe of every step is a StateMonitor. Others record an event of their owner, or, since synapses have no events,
    of neurons that copy the values of synapses then.
    """
    owner, variable, record = location(probe, layout)
    if probe.every == 1:
        parts.monitors.append(Monitor(name, probe.key, owner, variable, record, 1))
        return
    group = next((g for g in parts.groups if g.name == owner), None)
    if group is None:
        group = Group(name, len(record), ["value : 1"], spikes=False)
        group.events[name] = group.due(probe.every, parts.first)
        take = Pathway("take", "post", [f"value_post = {variable}_pre"], SAMPLES, 0, name, "end")
        parts.groups.append(group)
        places = np.arange(len(record), dtype=np.int32)
        parts.synapses.append(SynapseGroup(f"{name}_of", owner, name, [], [take], record, places))
        variable, record = "value", places
    else:
        for end, value in (("first", record[0]), ("last", record[-1])):
            group.parameter(f"{name}_{end}", np.array([float(value)]))
        group.events[name] = f"{group.due(probe.every, parts.first)} and i >= {name}_first and i <= {name}_last"
    parts.monitors.append(Monitor(name, probe.key, group.name, variable, record, probe.every, event=name))


def location(probe: Probe, layout: Layout) -> tuple[str, str, np.ndarray]:
    """(object, variable, indices) that a probe records."""
    if probe.kind == "neurons":
        first = layout.start[probe.target]
        return *layout.variable(probe), np.arange(first + probe.start, first + probe.stop)
    if probe.kind == "modulator":
        size = next(m.size for m in layout.graph.modulators if m.name == probe.target)
        return *layout.variable(probe), np.arange(size)
    merged = next(s for s in (*layout.static, *layout.plastic, *layout.unconnected) if probe.target in s.slices)
    if probe.kind == "short_term":
        return merged.pre, short_term.variable(merged, probe.variable), merged.pre_cells
    return merged.name, synapses.PlasticSynapses.variable(probe.variable), merged.places[merged.slices[probe.target]]


def outputs(layout: Layout) -> list[tuple[str, str, str, str]]:
    """(key of the recording, object, variable, its index as text) of final synapses and learned neuron parameters."""
    listed: list[tuple[str, str, str, str]] = []
    for s in layout.plastic:
        for name, part in s.slices.items():
            learning, index = s.first.learning, Escaped(f"arrays[{s.name + '/places'!r}][{part.start}:{part.stop}]")
            for v in learning.variables if learning else ():
                listed.append((synapse_key(name, v.name), s.name, synapses.PlasticSynapses.variable(v.name), index))
    for p in layout.graph.neurons():
        if p.intrinsic:
            first, target = layout.start[p.name], p.intrinsic.target
            index = Escaped(f"slice({first}, {first + p.size})")
            listed.append((neuron_key(p.name, target), layout.group[p.name], target, index))
    return listed
