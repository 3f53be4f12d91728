"""HTML of a result for notebooks: a short table, and a small raster for light and dark pages."""

from __future__ import annotations

import html

from ernsnn.analyse.activity import mean_rate_hz
from ernsnn.recording.readings import Readings

WIDTH, MOST_HEIGHT, MOST_SPIKES = 640, 240, 3_000
_COLOURS = ("#3d8bd4", "#d9822b", "#3fa66a", "#c94f7c", "#8a6fd1", "#a8862c", "#2fa3a3", "#b0603a")
"""Colours of medium lightness, which are visible on white and on black."""


def notebook(result: Readings) -> str:
    """HTML of a result: text in the page's own colour, everything that has a name escaped."""
    meta = result.meta
    head = (
        f"<b>{_text(result.graph.name)}</b> on {_text(meta['backend'])}: {result.duration_ms:.12g} ms, "
        f"seed {result.graph.seed}, graph {result.graph.digest[:12]}"
    )
    rows = "".join(_row(result, k, name) for k, name in enumerate(result.recording.spikes))
    columns = "".join(f"<th>{c}</th>" for c in ("population", "neurons", "spikes", "mean rate"))
    table = f"<table><thead><tr>{columns}</tr></thead><tbody>{rows}</tbody></table>"
    return f"<div><p>{head}</p>{_raster(result)}{table}</div>"


def _text(given: object) -> str:
    return html.escape(str(given))


def _row(result: Readings, k: int, name: str) -> str:
    size, spikes = result.graph.population(name).size, result.spike_counts[name]
    rate = mean_rate_hz(spikes, size, result.duration_ms)
    dot = f'<span style="color:{_COLOURS[k % len(_COLOURS)]}">&#9632;</span>'
    return f"<tr><td>{dot} {_text(name)}</td><td>{size}</td><td>{spikes}</td><td>{rate:.4g} Hz</td></tr>"


def _raster(result: Readings) -> str:
    """The raster as SVG, one path a population; of very many spikes every k-th is drawn, and a line of text says so."""
    sizes = [result.graph.population(name).size for name in result.recording.spikes]
    total = sum(result.spike_counts.values())
    every = -(-total // MOST_SPIKES) if total else 1
    height = min(MOST_HEIGHT, 4 * sum(sizes) + 4)
    row = height / sum(sizes)
    thickness = 2 if total < 1_000 else 1
    paths, base = [], 0
    for k, (name, size) in enumerate(zip(result.recording.spikes, sizes, strict=True)):
        times, neurons = (array[::every] for array in result.spikes(name))
        x, y = (times - result.start_ms) / result.duration_ms * (WIDTH - 4) + 2, (neurons + base) * row
        marks = "".join(f"M{a:.1f} {b:.1f}v{max(row * 0.8, 1.5):.1f}" for a, b in zip(x, y, strict=True))
        drawn = f'stroke="{_COLOURS[k % len(_COLOURS)]}" stroke-width="{thickness}" fill="none"'
        paths.append(f'<path d="{marks}" {drawn}><title>{_text(name)}</title></path>')
        base += size
    span = f"{result.start_ms:.12g} to {result.start_ms + result.duration_ms:.12g} ms"
    rest = f"<p>every {every}th of {total} spikes is drawn</p>" if every > 1 else ""
    return (
        f'<svg viewBox="0 0 {WIDTH} {height:g}" width="{WIDTH}" style="max-width:100%" role="img" '
        f'aria-label="spikes, {span}">'
        f'<rect width="{WIDTH}" height="{height:g}" fill="none" stroke="currentColor" stroke-opacity="0.3"/>'
        f"{''.join(paths)}</svg><p>{span}</p>{rest}"
    )
