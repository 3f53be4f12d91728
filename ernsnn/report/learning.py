"""The section on learning: variables of synapses and parameters of neurons, before and after a run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from ernsnn.analyse.export.contents import weight_unit
from ernsnn.graph.graph import Graph, Neurons, Projection
from ernsnn.recording.recording import Recording
from ernsnn.report.charts import shorten
from ernsnn.report.draw import draw
from ernsnn.report.layout import Section, charts, table
from ernsnn.report.markup import Html, tag
from ernsnn.report.scales import number
from ernsnn.result import Result
from ernsnn.studies.pictures import Histogram, Matrix

MOST_CELLS = 64
MOST_SYNAPSES = 2_000_000
MOST_PICTURES = 12
_LETTERS = 20
_BEFORE, _AFTER = "before", "after"


@dataclass(frozen=True, eq=False)
class Change:
    """A learned variable of ``owner``, before and after: all ``count`` values, or as many as ``note`` says."""

    owner: Projection | Neurons
    variable: str
    label: str
    count: int
    before: np.ndarray
    after: np.ndarray
    note: str = ""


def learning(result: Result) -> Section | None:
    """Every variable of every plastic projection, and what intrinsic plasticity changed; None where nothing learns."""
    changed = list(changes(result.graph, result.recording))
    if not changed:
        return None
    pictures = [_picture(change) for change in changed[:MOST_PICTURES]]
    heads = ("of", "variable", "how many", "mean and range before", "mean and range after", "changed")
    rows = [
        [c.owner.name, c.label, f"{c.count:,}", _range(c.before), _range(c.after), _share(c.before != c.after)]
        for c in changed
    ]
    notes = [f"Pictures of the first {MOST_PICTURES} of {len(changed)}."] if len(changed) > MOST_PICTURES else []
    if result.recording.first_step:
        notes.append("This run went on from another: before is what the graph starts with.")
    parts = [charts(*pictures), table(heads, rows, numbers=(2, 5), caption="Variables that learn")]
    return Section("learning", "What was learnt", [*parts, *(tag("p", note, class_="note") for note in notes)])


def changes(graph: Graph, recording: Recording) -> Iterator[Change]:
    """Yield every learned variable; of very many synapses those of every k-th pre neuron."""
    for p in graph.projections:
        final = recording.synapses.get(p.name, {})
        every = -(-p.n_synapses // MOST_SYNAPSES) or 1
        note = f"Of every {every}th neuron of {p.pre}." if every > 1 else ""
        for v in p.variables if p.learning else ():
            if v.name in final:
                indptr = p.connectivity.indptr
                ranges = [(k, int(indptr[k]), int(indptr[k + 1])) for k in range(0, len(indptr) - 1, every)]
                before = _joined(np.broadcast_to(v.initial.row(k, a, b - a), b - a) for k, a, b in ranges)
                before = before.astype(final[v.name].dtype).astype(float)  # as exact as the backend keeps it
                after = _joined(final[v.name][a:b] for _, a, b in ranges)
                label = f"w ({weight_unit(graph, p)})" if v.name == "w" else v.name
                yield Change(p, v.name, label, p.n_synapses, before, after, note)
    for cells in graph.neurons():
        for name, values in recording.neurons.get(cells.name, {}).items():
            before = np.broadcast_to(cells.parameters[name], cells.size).astype(float)
            yield Change(cells, name, name, cells.size, before, values.astype(float))


def _joined(parts: Iterable[np.ndarray]) -> np.ndarray:
    return np.concatenate([np.zeros(0), *parts])


def _range(values: np.ndarray) -> str:
    if not values.size:
        return "-"
    return f"{number(float(values.mean()))}, {number(float(values.min()))} to {number(float(values.max()))}"


def _share(true: np.ndarray) -> str:
    return f"{true.mean():.1%}" if true.size else "-"


def _picture(change: Change) -> Html:
    owner, both = change.owner, {_BEFORE: change.before, _AFTER: change.after}
    drawn = {when: values[np.isfinite(values)] for when, values in both.items()}
    title = f"{owner.name}: {change.label}"
    if isinstance(owner, Projection) and _is_small(owner):
        return tag("div", *_matrices(owner, title, both), class_="pair")
    what = "synapses" if isinstance(owner, Projection) else "neurons"
    return draw(Histogram(drawn, title=title, x_label=change.label, y_label=what, note=change.note))


def _is_small(projection: Projection) -> bool:
    """Whether a projection is small enough to be drawn as a matrix."""
    c = projection.connectivity
    return max(c.n_pre, c.n_post) <= MOST_CELLS and not projection.several_a_pair


def _matrices(projection: Projection, title: str, both: dict[str, np.ndarray]) -> Iterable[Html]:
    c, rows = projection.connectivity, projection.synapses
    everything = np.concatenate([*both.values(), [0.0]])
    everything = everything[np.isfinite(everything)]
    limits = float(everything.min()), float(everything.max()) or 1.0
    for when, values in both.items():
        cells = np.full((c.n_pre, c.n_post), np.nan)
        cells[rows.pre - projection.pre_start, rows.post - projection.post_start] = np.where(
            np.isfinite(values), values, np.nan
        )
        x_label, y_label = shorten(projection.post, _LETTERS), shorten(projection.pre, _LETTERS)
        yield draw(Matrix(cells, title=f"{title} {when}", x_label=x_label, y_label=y_label, limits=limits))
