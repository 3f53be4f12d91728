"""The section on trials: what each population did in them, which labels it tells apart, and some trials as rasters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from ernsnn.analyse.trials import InTrials, by_trials
from ernsnn.recording.trials import TrialReadings
from ernsnn.report.charts import shorten
from ernsnn.report.draw import draw
from ernsnn.report.layout import Section, charts, facts, table
from ernsnn.report.markup import Html, tag
from ernsnn.report.scales import number
from ernsnn.result import Result
from ernsnn.studies.pictures import Matrix, Raster

EXAMPLES = 3
HEADS = ("population", "neurons", "spikes a trial", "first spike (ms)", "trials without spikes", "told right")
_LABELS = "each neuron stands for the label in whose trials it spikes most in this very run"


def rows(populations: Sequence[InTrials], n: int) -> list[list[str]]:
    """The cells under ``HEADS``, of ``n`` trials."""

    def cells(p: InTrials) -> list[str]:
        means = [number(value, 4) if value is not None else "-" for value in (p.spikes_a_trial, p.first_spike_ms)]
        silent = "-" if p.silent_trials is None else f"{p.silent_trials:,}"
        right = "-" if p.told_right is None else f"{p.told_right:,} of {n:,}"
        return [p.population, f"{p.neurons:,}", *means, silent, right]

    return [cells(p) for p in populations]


def trials(result: Result) -> Section | None:
    """The section; None where the run had no trials."""
    read = result.trials
    if read is None:
        return None
    known: list[tuple[str, object]] = [
        ("trials", f"{read.n:,}, from {read.start_ms:.12g} ms on"),
        ("each", f"shown for {read.show_ms:.12g} ms, then {read.rest_ms:.12g} ms of rest"),
    ]
    if read.labels is not None:
        of = Counter(read.labels.tolist())
        words = [f"{label} ({n:,} trial{'s' * (n > 1)})" for label, n in sorted(of.items())]
        known.append(("labels", _listed(words)))
    populations = list(by_trials(read))
    note = "Spikes while a trial is shown; the first spike of any neuron, in the median trial."
    note += f" Told right: {_LABELS}." if read.labels is not None else ""
    computed = {p.name for p in result.graph.neurons()}
    told = {p.population: p.told_right for p in populations if p.population in computed and p.told_right is not None}
    best = max(told, key=told.__getitem__, default=None)
    parts: list[Html] = [
        facts(known),
        table(HEADS, rows(populations, read.n), numbers=range(1, len(HEADS)), caption="Populations by trials"),
        tag("p", note, class_="note"),
        charts(*map(draw, [*(_of_labels(read, best) if best else ()), *_examples(result, read)])),
    ]
    return Section("trials", "Trials", parts)


def _of_labels(read: TrialReadings, population: str) -> Iterator[Matrix]:
    """The confusion matrix of a population, and its mean spikes by label."""
    assert read.labels is not None
    known, shown = np.unique(read.labels, return_inverse=True)
    told = read.majority(population)
    confusion = np.zeros((len(known), len(known) + 1))
    np.add.at(confusion, (shown, np.where(told < 0, len(known), known.searchsorted(told))), 1)
    named = "" if known.tolist() == list(range(len(known))) else f" Labels: {_listed(known.tolist())}."
    name = shorten(population, 30)
    yield Matrix(
        confusion,
        title=f"Labels told by {name}",
        x_label="label told; last column: none",
        y_label="label shown",
        unit="trials",
        note=f"Where {_LABELS}, and a trial is told to be that whose neurons spike most on average.{named}",
    )
    counts = read.counts(population)
    yield Matrix(
        np.stack([counts[shown == k].mean(axis=0) for k in range(len(known))]),
        title=f"Spikes of {name} by label",
        x_label="neuron",
        y_label="label shown",
        unit="spikes a trial",
        note=f"Means over the trials of each label.{named}",
    )


def _examples(result: Result, read: TrialReadings) -> Iterator[Raster]:
    """Rasters of the first trials, of different labels where they have some."""
    chosen = np.arange(read.n)
    if read.labels is not None:
        chosen = np.sort(np.unique(read.labels, return_index=True)[1])
    dt_ms, starts = result.graph.dt_ms, read.starts_ms
    for k in chosen[:EXAMPLES].tolist():
        first = round(starts[k] / dt_ms)
        last = first + round((read.show_ms + read.rest_ms) / dt_ms)
        last = min(last, result.recording.end)
        spikes = {}
        for p in result.graph.populations:
            steps, neurons = result.recording.spikes[p.name]
            inside = slice(*steps.searchsorted((first, last)))
            spikes[p.name] = (steps[inside] * dt_ms, neurons[inside])
        label = "" if read.labels is None else f", label {read.labels[k]}"
        sizes = {p.name: p.size for p in result.graph.populations}
        yield Raster(
            spikes,
            sizes,
            start_ms=first * dt_ms,
            stop_ms=last * dt_ms,
            dt_ms=dt_ms,
            title=f"Trial {k}{label}",
        )


def _listed(words: Sequence[object]) -> str:
    """At most 20 of them."""
    return ", ".join(map(str, words[:20])) + (f" and {len(words) - 20:,} more" if len(words) > 20 else "")
