"""Whether the CA3 network of Ecker et al. replays the track that it explored, and with which ripples.

With each rule a network explores and learns for 405 s, and then runs for ``duration_ms`` without a stimulus but the
noise of its mossy fibres. Events, decoding and spectra are those of ``ernsnn.models.ca3_replay.replay``; the first
100 ms do not count. A seed has replay where at least one event does and more than one in twenty, and ripples where the
spectra of both PC and BC have a peak between 150 and 220 Hz and Fisher's g-test tells both from noise (p < .05).

The setting ``full`` is the network of the published size.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from ernsnn.errors import InvalidModel
from ernsnn.result import Result, run
from ernsnn.studies.estimates import Estimate
from ernsnn.studies.experiment import Experiment, Findings, Repeats
from ernsnn.studies.pictures import Line, Matrix, Picture, Raster

from .. import ca3_replay
from ..ca3_replay import RULES, Track, replay
from ..draws import rng_of

_SETTLE_MS, _SHUFFLES = 100.0, 200
MEASURES = {
    "events": "events",
    "replaying": "that replay",
    "forward": "forward",
    "backward": "backward",
    "pc_Hz": "PC rate (Hz)",
    "bc_Hz": "BC rate (Hz)",
    "pc_ripple_Hz": "PC peak (Hz)",
    "bc_ripple_Hz": "BC peak (Hz)",
}


def experiment(
    repeats: Repeats,
    *,
    scale: float = 0.1,
    rules: tuple[str, ...] = tuple(RULES),
    duration_ms: float = 10000.0,
    explored_s: float = 405.0,
) -> Findings:
    """Explore, learn and run without a stimulus with each of ``rules``, on every seed."""
    if not (duration_ms >= 1000 and explored_s >= 10 and rules):
        raise InvalidModel(
            f"ca3_replay: needs duration_ms >= 1000, explored_s >= 10 and a rule, got "
            f"{duration_ms}, {explored_s}, {rules}"
        )
    runs: dict[str, list[dict[str, float]]] = {rule: [] for rule in rules}
    pictures: list[Picture] = []
    for seed in repeats:
        for rule, found in runs.items():
            track, pairs, weights = ca3_replay.learnt_weights(scale, rule, int(seed), repeats.backend, explored_s)
            net = ca3_replay.build(pairs, weights, scale, rule)
            result = run(net, duration_ms=duration_ms, seed=int(seed), backend=repeats.backend)
            figures, shown = _figures(result, track, int(seed))
            if not found:
                pictures += [_learnt(rule, track, pairs, weights), *(p for p in shown)]
            found.append(figures)
    estimates = {rule: Estimate.of_runs(found) for rule, found in runs.items()}
    counts = {
        rule: {shows: int(sum(one[shows] for one in found)) for shows in ("replay", "ripples")}
        for rule, found in runs.items()
    }
    n = len(repeats.seeds)
    return Findings(
        {"scale": scale, "seeds": n, "found": estimates, "seeds_with": counts},
        ["rule", *MEASURES.values(), "seeds with replay", "seeds with ripples"],
        [
            [
                rule,
                *(of[key] for key in MEASURES),
                *(f"{counts[rule][shows]} of {n}" for shows in ("replay", "ripples")),
            ]
            for rule, of in estimates.items()
        ],
        [
            "mean ± 95 % interval over seeds; events, and those among them that replay, in "
            f"{duration_ms / 1000:g} s, at scale {scale:g}",
            "published: ripples between 150 and 220 Hz, both directions with the symmetric rule and forward with the "
            "asymmetric one; numbers of events and rates are not at hand",
        ],
        pictures,
    )


def _figures(result: Result, track: Track, seed: int) -> tuple[dict[str, float], list[Picture]]:
    """The measures of a run, and pictures of its longest event and its spectra."""
    duration = result.duration_ms
    times, cells = result.spikes("PC")
    rates = {name: replay.binned(result.spikes(name)[0], duration) for name in ("PC", "BC")}
    spans = [span for span in replay.events_ms(times, duration) if span[0] >= _SETTLE_MS]
    rng = rng_of(seed, "ca3_replay.shuffles")
    decoded = [replay.decode(track, times, cells, span, rng, _SHUFFLES) for span in spans]
    replayed = [event for event, _ in decoded if event.replays]
    peaks = {name: replay.ripple(rate, spans) for name, rate in rates.items()}
    low, high = replay.RIPPLE_HZ
    seconds = duration / 1000
    figures = {
        "events": float(len(spans)),
        "replaying": float(len(replayed)),
        "forward": float(sum(event.r > 0 for event in replayed)),
        "backward": float(sum(event.r < 0 for event in replayed)),
        "pc_Hz": len(times) / len(track.centres) / seconds,
        "bc_Hz": float(result.counts("BC").mean()) / seconds,
        **{f"{name.lower()}_ripple_Hz": peak for name, (peak, _) in peaks.items()},
        **{f"{name.lower()}_p": p for name, (_, p) in peaks.items()},
        "replay": float(len(replayed) > max(0.0, 0.05 * len(spans))),
        "ripples": float(all(low <= peak <= high and p < 0.05 for peak, p in peaks.values())),
    }
    if not decoded:
        return figures, []
    event, P = max(decoded, key=lambda one: one[0].stop_ms - one[0].start_ms)
    shown = Matrix(
        P,
        title=f"Position decoded from the event at {event.start_ms:g} ms (r {event.r:.2f}, p {event.p:.2g})",
        x_label=f"bin of {replay.BIN_MS:g} ms",
        y_label="position along the track (1/50)",
        limits=(0.0, 1.0),
    )
    return figures, [shown, _raster(result, track, event), _spectra(rates, spans)]


def _raster(result: Result, track: Track, event: replay.Event) -> Raster:
    """An event's spikes; PCs in the order of their fields, those without one last."""
    order = np.argsort(np.argsort(track.centres))  # NaN sorts last
    spikes = {name: result.spikes(name) for name in ("PC", "BC")}
    start, stop = max(0.0, event.start_ms - 50.0), event.stop_ms
    kept = {name: (t >= start) & (t < stop) for name, (t, _) in spikes.items()}
    shown = {name: (t[kept[name]], cells[kept[name]]) for name, (t, cells) in spikes.items()}
    shown["PC"] = shown["PC"][0], order[shown["PC"][1]]
    sizes = {population.name: population.size for population in result.graph.populations}
    return Raster(shown, sizes, start_ms=start, stop_ms=stop, dt_ms=result.graph.dt_ms, title="Spikes of this event")


def _spectra(rates: Mapping[str, np.ndarray], spans: list[tuple[float, float]]) -> Line:
    found = {name: replay.spectrum(rate, spans) for name, rate in rates.items()}
    shown = next(iter(found.values()))[0] > 0
    x = next(iter(found.values()))[0][shown].tolist()
    series = {name: (power[shown] / max(power[shown].max(), 1e-300)).tolist() for name, (_, power) in found.items()}
    title = "Spectra of rates within events"
    return Line(x, series, title=title, x_label="frequency (Hz)", y_label="power (of the largest)")


def _learnt(rule: str, track: Track, pairs: np.ndarray, weights: np.ndarray) -> Matrix:
    """Mean weights between cells by the place of their fields."""
    n, place = 50, track.centres / (2 * math.pi)
    both = ~np.isnan(place[pairs]).any(axis=1)
    pre, post = np.minimum((place[pairs[both]] * n).astype(int), n - 1).T
    total, number = np.zeros((n, n)), np.zeros((n, n))
    np.add.at(total, (pre, post), weights[both])
    np.add.at(number, (pre, post), 1.0)
    values = np.divide(total, number, out=np.full((n, n), np.nan), where=number > 0)
    return Matrix(
        values,
        title=f"Mean weight learnt by the {rule} rule",
        x_label="field of the post cell (1/50)",
        y_label="field of the pre cell (1/50)",
        unit="nS",
    )


def measured(results: Mapping[str, Any]) -> str:
    """A line for the table of published systems."""
    parts = []
    for rule, of in results["found"].items():
        counts, means = results["seeds_with"][rule], {key: of[key]["mean"] for key in MEASURES}
        peak = "-" if means["bc_ripple_Hz"] is None else f"{means['bc_ripple_Hz']:.0f}"
        parts.append(
            f"{rule}: replay in {counts['replay']}, ripples in {counts['ripples']} of {results['seeds']} seeds; "
            f"{means['forward']:.3g} forward, {means['backward']:.3g} backward of {means['events']:.3g} events; "
            f"BC peak {peak} Hz"
        )
    return f"scale {results['scale']:g}: " + "; ".join(parts)


EXPERIMENT = Experiment(
    name="ca3_replay",
    title="Sharp-wave ripples and replay in CA3 after exploration, by the symmetry of the learning rule",
    about=f"{ca3_replay.network.__doc__}\n{ca3_replay.exploration.__doc__}\n{replay.__doc__}\n{__doc__}",
    source="Ecker et al. 2022, eLife 71850",
    published="ripples of 150 to 220 Hz; replay in both directions (symmetric), forward (asymmetric)",
    measured=measured,
    settings={"full": {"scale": 1.0}},
    backend="native",
    run=experiment,
)
