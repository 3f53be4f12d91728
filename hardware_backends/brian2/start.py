"""Start of a program from the end of another: its variables, and the spikes in Brian2's queues at that time.

Its state is ``OWNER/VARIABLE`` for everything that the groups and synapses keep, and ``pending/GROUP/RECEPTOR``: what
static synapses have sent and arrives (k + 1 steps after the end, cell).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from ernsnn.arrays import Form, fits
from ernsnn.errors import InvalidModel
from ernsnn.graph.graph import Probe
from ernsnn.graph.probes import variables
from ernsnn.recording.recording import Recording

from . import short_term
from .layout import Layout, Synapses
from .parts import Parts
from .synapses import PlasticSynapses


def queued(parts: Parts, layout: Layout, start: Recording) -> None:
    """Tables of arrivals by spikes from before the first step; needed before the parts are built."""
    parts.first = start.end
    for group, receptors in _receptors(layout).items():
        for k, r in enumerate(receptors):
            pending = _pending(start, group, r, layout)
            if pending.any():
                parts.tables[f"{group}_pending{k}"] = _and_then_nothing(pending)
    for group, d in sorted({(s.post, d) for s in layout.plastic if s.first.learning for d in s.delays}):
        # A spike of m steps before the first reaches synapses of delay d in step d - m, counted from there.
        reaching = np.stack([_kept(start, f"{group}/spiked_{m}", layout.size[group]) for m in range(d, 0, -1)])
        if reaching.any():
            parts.late[group, d] = f"{group}_late{d}"
            parts.tables[f"{group}_late{d}"] = _and_then_nothing(reaching.astype(float))


def _receptors(layout: Layout) -> dict[str, list[str]]:
    """The receptors of each group."""
    return {group: [r.name for r in cells[0].kind.receptors] for group, cells in layout.cells.items()}


def _pending(start: Recording, group: str, r: str, layout: Layout) -> np.ndarray:
    return _kept(start, f"pending/{group}/{r}", None, layout.size[group])


def _kept(start: Recording, path: str, *shape: int | None) -> np.ndarray:
    """A part of the state. Raises InvalidModel where it is not there, or has another shape (None: of any length)."""
    values = None if start.state is None else start.state.get(path)
    if values is None or not fits(Form("biuf", shape), values):
        raise InvalidModel(
            f"start: its Brian2 program has other variables ({path}), as where learning rules that were the same for "
            "several projections no longer are; keep them the same, or use backend 'native'"
        )
    return values


def _and_then_nothing(table: np.ndarray) -> np.ndarray:
    return np.concatenate([table, np.zeros((1, table.shape[1]))])


def take_up(parts: Parts, layout: Layout, start: Recording) -> None:
    """Set the values of variables, after the parts are built. Raises InvalidModel where their layout is another."""
    for owner in parts.owners:
        for name in owner.kept:
            owner.values[name] = _kept(start, f"{owner.name}/{name}", owner.length)
    learning = {s.name: s for s in parts.synapses}
    for merged in layout.plastic:
        for v in merged.first.learning.variables if merged.first.learning else ():
            values = np.concatenate([start.synapses[p.name][v.name] for p in merged.projections])
            learning[merged.name].values[PlasticSynapses.variable(v.name)] = merged.sorted(values)
    groups = {group.name: group for group in parts.groups}
    for p in layout.graph.neurons():
        if p.intrinsic:
            target, first = p.intrinsic.target, layout.start[p.name]
            learned = groups[layout.group[p.name]].values[target]
            assert isinstance(learned, np.ndarray)
            learned[first : first + p.size] = start.neurons[p.name][target]


def state_after(layout: Layout, recording: Recording, start: Recording | None) -> dict[str, np.ndarray]:
    """The state at the end of what a program recorded: its own, and what Brian2's queues still hold."""
    state = dict(recording.state or {})
    since = max((step for step in layout.graph.resets if step < recording.end), default=0)
    longest = max((max(s.delays) for s in layout.static), default=1) - 1
    for group, receptors in _receptors(layout).items():
        for r in receptors:
            still = (
                np.zeros((0, 0))
                if start is None or since > start.end
                else _pending(start, group, r, layout)[recording.n_steps :]
            )
            state[f"pending/{group}/{r}"] = pending = np.zeros((max(longest, len(still)), layout.size[group]))
            if len(still):
                pending[: len(still)] += still
    for s in layout.static:
        for k, cells, weights in _sent(s, layout, recording, since):
            np.add.at(state[f"pending/{s.post}/{s.first.arrives_at}"], (k, cells), weights)
    return state


def seen(layout: Layout, state: Mapping[str, np.ndarray]) -> Iterator[tuple[Probe, np.ndarray]]:
    """Yield (probe, values) of all neurons and modulators in a state."""
    for probe in variables(layout.graph):
        part: slice | np.ndarray = slice(None)
        place = "/".join(layout.variable(probe)) if probe.kind in ("neurons", "modulator") else ""
        if probe.kind == "neurons":
            first = layout.start[probe.target]
            part = slice(first, first + probe.stop)
        elif probe.kind == "short_term":
            s = next(s for s in (*layout.plastic, *layout.unconnected) if probe.target in s.slices)
            place, part = f"{s.pre}/{short_term.variable(s, probe.variable)}", s.pre_cells
        if place in state:
            yield probe, state[place][part]


def _sent(
    s: Synapses, layout: Layout, recording: Recording, since: int
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """(row of ``pending``, cell, weight) of what each of the last spikes from step ``since`` on sent, under way."""
    end = recording.end
    for p in s.projections:
        steps, neurons = recording.spikes[p.pre][0], recording.spikes[p.pre][1] - p.pre_start
        last = (steps >= since) & (steps > end - max(s.delays)) & (neurons >= 0) & (neurons < p.connectivity.n_pre)
        for step, neuron in zip(steps[last].tolist(), neurons[last].tolist(), strict=True):
            rows = p.rows(neuron, neuron + 1)
            k = step + rows.delay - 1 - end
            later = k >= 0
            yield k[later], rows.post[later] + layout.start[p.post], rows.variables["w"][later]
