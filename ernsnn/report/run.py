"""The page of a run: network, activity, probes, learning, costs, issues, and the command that repeats it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ernsnn.analyse.activity import mean_rate_hz
from ernsnn.analyse.metrics import Metrics
from ernsnn.analyse.summary import Summary
from ernsnn.backend.placement import Crossed, crossed
from ernsnn.backend.placement import placement as placement_on
from ernsnn.backend.protocol import Placed
from ernsnn.backend.registry import get_backend
from ernsnn.describe.arguments import checked
from ernsnn.describe.units import time_of
from ernsnn.errors import ErnsnnError, InvalidModel, UnsupportedOnBackend
from ernsnn.files import MANIFEST, add_file, real, write_file
from ernsnn.loading import open_regular, reading
from ernsnn.report.activity import activity, ratio
from ernsnn.report.costs import costs
from ernsnn.report.layout import Page, Section, facts, render, table, verdict
from ernsnn.report.learning import learning
from ernsnn.report.markup import Html, join, tag
from ernsnn.report.scales import number
from ernsnn.report.traces import traces
from ernsnn.report.trials import trials
from ernsnn.result import Result

REPORT_FILE = "report.html"


def page(result: Result, summary: Summary | None = None, placement: str | None = None) -> str:
    """The report of ``result`` as the text of one HTML file.

    ``summary`` is the model's summary of the run, by default the saved one.
    ``placement`` names the backend whose placement on chips is shown, and counted as packets: by default that which
    ran it, if it is for any chip. Raises InvalidModel where that backend has no placement.
    """
    if summary is None:
        summary = result.summary
    metrics, placed = result.metrics(), _placement(result, placement)
    energy = result.energy(None, *_crossed(result, placed))
    sections = [
        _again(result),
        activity(result, metrics, summary.marks if summary else ()),
        trials(result),
        _operations(summary) if summary else None,
        learning(result),
        traces(result),
        costs(metrics, energy),
        _placed(placed),
        _issues(result.meta),
    ]
    meta = result.meta
    return render(
        Page(
            kind="Run",
            title=result.graph.name,
            lead=f"on {meta['backend']}, seed {meta['seed']}, graph {meta['digest'][:12]}",
            sections=[section for section in sections if section],
            tiles=_tiles(result, metrics, summary),
            warnings=_warnings(meta),
        )
    )


@checked
def write_report(result: Result | str | Path, out: str | Path | None = None, *, placement: str | None = None) -> Path:
    """Write the report of a result, or of the folder of a saved run, to the file ``out``, whole or not at all.

    Without ``out``, ``report.html`` in the folder; for ``placement`` see ``page``. The summary is the saved one; no
    code of a model is loaded. Raises InvalidModel where there is no run, or nothing can be written.
    """
    if isinstance(result, Result):
        return _to_file(REPORT_FILE if out is None else out, page(result, placement=placement))
    folder = Path(result)
    text = page(Result.load(folder), placement=placement)
    return _to_file(out, text) if out is not None else into_folder(folder, text)


_HEAD = 2000
"""The number of bytes at the beginning of a page that hold its generator."""


def _is_report(file: Path) -> bool:
    try:
        with reading(str(file)), open_regular(file) as opened:
            return b'content="ernsnn ' in opened.read(_HEAD)
    except (InvalidModel, OSError):
        return False


def _to_file(out: str | Path, text: str) -> Path:
    path = real(out)
    if path.exists() and not _is_report(path):
        raise InvalidModel(f"{out}: exists, and is no report; name another file")
    write_file(path, text)
    return Path(out)


def into_folder(folder: Path, text: str) -> Path:
    """Add a report to the folder of a run."""
    path = folder / REPORT_FILE
    if path.exists() and not path.is_symlink() and not _is_report(path):
        raise InvalidModel(f"{path}: exists, and is no report; move it elsewhere, or name another file for the report")
    if (folder / MANIFEST).exists():
        add_file(folder, REPORT_FILE, text, known=True)
    else:
        write_file(path, text)
    return path


def _tiles(result: Result, metrics: Metrics, summary: Summary | None) -> list[tuple[str, str, str]]:
    meta, counts = result.meta, metrics.counts
    cells, spikes = sum(p.size for p in result.graph.populations), sum(result.spike_counts.values())
    speed = result.duration_ms / 1000 / meta["wall_s"] if meta["wall_s"] else 0.0
    tiles = [
        ("simulated", _time(result.duration_ms), f"in steps of {result.graph.dt_ms:.12g} ms"),
        ("wall time", _time(1000 * meta["wall_s"]), f"{number(speed)} × real time"),
        ("neurons", number(cells, 4), _many(len(result.graph.populations), "population")),
        ("synapses", number(result.graph.n_synapses, 4), _many(len(result.graph.projections), "projection")),
        ("spikes", number(spikes, 4), f"{number(mean_rate_hz(spikes, cells, result.duration_ms))} Hz a neuron"),
        ("activation sparsity", ratio(metrics.activation_sparsity), "of neurons that are computed"),
        ("synaptic operations", number(counts.totals["synaptic_operation"], 4), "that change something"),
    ]
    if summary and summary.verdict:
        right = sum(mark.right is True for mark in summary.marks)
        tiles.insert(0, (summary.name, f"{right} of {len(summary.marks)}", "right"))
    return tiles


def _many(n: int, what: str) -> str:
    return f"{n} {what}{'s' * (n != 1)}"


def _time(ms: float) -> str:
    """``240 ms``, ``12.5 s``, ``2 h 3 min``."""
    if ms < 1000:
        return f"{number(ms)} ms"
    seconds = ms / 1000
    if seconds < 120:
        return f"{number(seconds)} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"


def _warnings(meta: Mapping[str, Any]) -> list[str]:
    left = [] if meta.get("finished", True) else ["This run was interrupted: `ernsnn resume` goes on with it."]
    differs = sum(issue["fidelity"] == "approximate" for issue in meta.get("issues", []))
    note = f"{meta['backend']} differs from what was described in {_many(differs, 'place')}: see Issues."
    return [*left, *([note] if differs else [])]


def _again(result: Result) -> Section:
    """The command that repeats the run, or Python code where it was started from Python."""
    meta = result.meta
    command = meta.get("notes", {}).get("command")
    if command is None:
        options = "".join(f", {name}={value!r}" for name, value in meta["options"].items())
        duration = repr(time_of(result.recording.n_steps, result.graph.dt_ms)).removesuffix(".0")
        options += f", weights_at_ms={meta['weights_at_ms']!r}" if meta.get("weights_at_ms") else ""
        options += ", start=before)  # the result that this one goes on from" if meta.get("start") else ")"
        command = (
            'graph = ern.load_graph("DIR")  # the folder of this run\n'
            f"ern.run(graph, duration_ms={duration}, backend={meta['backend']!r}{options}"
        )
    known: list[tuple[str, object]] = [
        ("graph", tag("code", meta["digest"])),
        ("seed", meta["seed"]),
        ("options", ", ".join(f"{name} = {json.dumps(value)}" for name, value in meta["options"].items()) or "none"),
        ("versions", ", ".join(f"{name} {version}" for name, version in meta["versions"].items())),
    ]
    known += [("passed over", "; ".join(meta["auto"]))] if meta.get("auto") else []
    return Section("again", "Run it again", [tag("pre", command), facts(known)])


def _operations(summary: Summary) -> Section | None:
    if not summary.rows:
        return Section(summary.name, summary.name.capitalize(), [tag("pre", summary.text)])
    numbered = len(summary.marks) == len(summary.rows)
    rows: list[Sequence[object]] = []
    for k, row in enumerate(summary.rows):
        right = summary.marks[k].right if numbered else None
        rows.append([k + 1, *row[:-1], verdict(row[-1], right)] if numbered else row)
    heads = ["#", *summary.heads] if numbered else summary.heads
    parts = [tag("p", summary.verdict), table(heads, rows, numbers=[0, 1] if numbered else [])]
    parts += [tag("p", note, class_="note") for note in summary.notes]
    return Section(summary.name, summary.name.capitalize(), parts)


def _placement(result: Result, asked: str | None) -> Sequence[Placed]:
    """The placement by a backend; None where the backend that ran has none, or is no longer installed."""
    if asked is not None:
        return placement_on(result.graph, asked)
    try:
        return get_backend(result.meta["backend"]).placement(result.graph)
    except ErnsnnError:
        return ()


def _crossed(result: Result, placed: Sequence[Placed]) -> Crossed:
    try:
        return crossed(result.graph, placed)
    except UnsupportedOnBackend:
        return None, None


def _placed(placed: Sequence[Placed]) -> Section | None:
    parts = [_plain(each.to_json()) for each in placed]
    return Section("placement", "Placement on chips", parts) if parts else None


def _plain(data: Mapping[str, Any]) -> Html:
    """Plain values as facts, and lists of like dictionaries as tables, in which a further such list is its length."""
    tables = {name: v for name, v in data.items() if isinstance(v, list) and v and isinstance(v[0], dict)}
    known = [(name.replace("_", " "), _text(v)) for name, v in data.items() if name not in tables and name != "chip"]
    parts = [tag("h3", data.get("chip", "")), facts(known)]
    for name, rows in tables.items():
        heads = list(rows[0])
        numeric = [k for k, head in enumerate(heads) if all(isinstance(row.get(head), int | float) for row in rows)]
        cells = ([_text(row.get(head)) for head in heads] for row in rows)
        named = [head.replace("_", " ") for head in heads]
        parts.append(table(named, cells, numbers=numeric, caption=name.replace("_", " ")))
    return join(*parts)


def _text(value: Any) -> str:
    if isinstance(value, float):
        return number(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    if not isinstance(value, list):
        return str(value) or "-"
    return f"{len(value):,}" if value and isinstance(value[0], dict) else ", ".join(map(_text, value)) or "none"


def _issues(meta: Mapping[str, Any]) -> Section:
    rows = [
        [issue["code"], issue["fidelity"], issue["path"], issue["message"], issue["remedy"] or "-"]
        for issue in meta.get("issues", [])
    ]
    if not rows:
        note = f"{meta['backend']} runs this network as it was described: no issues."
        return Section("issues", "Issues", [tag("p", note)])
    return Section("issues", "Issues", [table(("code", "fidelity", "where", "what", "remedy"), rows)])
