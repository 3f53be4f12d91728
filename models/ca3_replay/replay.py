r"""What shows replay and ripples in spikes: events, the decoded position within them, and the spectrum of a rate.

An event is a time of at least 50 ms in which the PC rate, smoothed over 20 ms (Gaussian), stays above its mean over the
run and somewhere exceeds the mean by two deviations. In bins of 10 ms the position is decoded by Bayes, with Poisson
counts n of the cells and rates f at a position x, all positions alike beforehand:

    P(x | n) ~ prod f_i(x)^n_i exp(-10 ms sum f_i(x))

Over bins with spikes, r is the correlation of time and position weighted by P. An event replays the track if |r|
exceeds that of 95 % of shuffles, in each of which the fields are dealt to the place cells anew: forward if r > 0.

The spectrum is the mean of periodograms of half-overlapping Hann windows of 128 ms within events (one around the middle
of a shorter event) of a rate in bins of 1 ms. Its peak is sought between 100 and 350 Hz, so that it can lie outside the
ripple band of 150 to 220 Hz; Fisher's g-test gives the chance of a peak as large among ordinates of noise (of an
averaged spectrum, which varies less, it errs towards no ripple).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .exploration import OTHER_HZ, Track

BIN_MS, LEAST_MS, RIPPLE_HZ = 10.0, 50.0, (150.0, 220.0)
_SMOOTH_MS, _POSITIONS, _WINDOW, _SOUGHT_HZ = 20.0, 50, 128, (100.0, 350.0)


@dataclass(frozen=True)
class Event:
    """Start and stop in ms, the weighted correlation r, and the share of shuffles in which |r| is as large."""

    start_ms: float
    stop_ms: float
    r: float
    p: float

    @property
    def replays(self) -> bool:
        """Whether position goes with time more than in 95 % of shuffles."""
        return self.p < 0.05


def binned(times_ms: np.ndarray, duration_ms: float, bin_ms: float = 1.0) -> np.ndarray:
    """How many spikes each bin has."""
    bins = np.floor(np.asarray(times_ms) / bin_ms + 1e-9).astype(int)
    return np.bincount(bins, minlength=round(duration_ms / bin_ms))[: round(duration_ms / bin_ms)].astype(float)


def events_ms(times_ms: np.ndarray, duration_ms: float) -> list[tuple[float, float]]:
    """Start and stop of every event, of whole bins of ``BIN_MS``."""
    lags = np.arange(-4 * _SMOOTH_MS, 4 * _SMOOTH_MS + 1)
    kernel = np.exp(-((lags / _SMOOTH_MS) ** 2) / 2)
    rate = np.convolve(binned(times_ms, duration_ms), kernel / kernel.sum(), mode="same")
    edges = np.flatnonzero(np.diff(np.concatenate([[0], (rate > rate.mean()).astype(int), [0]])))
    found = []
    for start, stop in edges.reshape(-1, 2).tolist():
        whole = (stop - start) // BIN_MS * BIN_MS
        if whole >= LEAST_MS and rate[start:stop].max() > rate.mean() + 2 * rate.std():
            found.append((float(start), start + whole))
    return found


def decode(
    track: Track, times_ms: np.ndarray, cells: np.ndarray, span_ms: tuple[float, float], rng: np.random.Generator,
    shuffles: int,
) -> tuple[Event, np.ndarray]:  # fmt: skip
    """What an event replays, and P(x | n) as (positions, bins)."""
    start, stop = span_ms
    places = np.flatnonzero(~np.isnan(track.centres))
    rank = np.full(len(track.centres), -1)
    rank[places] = np.arange(len(places))
    kept = (times_ms >= start) & (times_ms < stop) & (rank[cells] >= 0)
    n_bins = round((stop - start) / BIN_MS)
    counts = np.zeros((len(places), n_bins))
    bins = np.minimum(np.floor((times_ms[kept] - start) / BIN_MS + 1e-9).astype(int), n_bins - 1)
    np.add.at(counts, (rank[cells[kept]], bins), 1.0)
    active = np.flatnonzero(counts.any(axis=1))
    x = (np.arange(_POSITIONS) + 0.5) / _POSITIONS * 2 * np.pi
    rates = track.rates(x)[places] + OTHER_HZ
    log, silent = np.log(rates), -BIN_MS / 1000 * rates.sum(axis=0)
    few = counts[active]

    def posterior(chosen: np.ndarray) -> np.ndarray:
        likelihood = log[chosen].T @ few + silent[:, None]
        P = np.exp(likelihood - likelihood.max(axis=0))
        return np.asarray(P / P.sum(axis=0))

    filled = few.any(axis=0)
    P = posterior(active)
    r = correlation(P[:, filled])
    dealt = (rng.permutation(len(places))[: len(active)] for _ in range(shuffles))
    larger = sum(abs(correlation(posterior(chosen)[:, filled])) >= abs(r) for chosen in dealt)
    return Event(start, stop, r, (1 + larger) / (1 + shuffles)), P


def correlation(P: np.ndarray) -> float:
    """The correlation of row and column weighted by ``P``; 0 where one of them does not vary."""
    if P.size == 0:
        return 0.0
    weight = P / P.sum()
    rows, columns = np.arange(P.shape[0], dtype=float), np.arange(P.shape[1], dtype=float)
    down, along = weight.sum(axis=1), weight.sum(axis=0)
    rows, columns = rows - down @ rows, columns - along @ columns
    spread = math.sqrt((down @ rows**2) * (along @ columns**2))
    return float(rows @ weight @ columns / spread) if spread > 1e-12 else 0.0


def spectrum(rate: np.ndarray, spans_ms: Sequence[tuple[float, float]]) -> tuple[np.ndarray, np.ndarray]:
    """Frequencies in Hz and power of a rate in bins of 1 ms within ``spans_ms``; 0 where there is no window."""
    starts: list[int] = []
    for start, stop in spans_ms:
        if stop - start < _WINDOW:
            starts.append(round((start + stop - _WINDOW) / 2))
        else:
            starts += range(round(start), round(stop) - _WINDOW + 1, _WINDOW // 2)
    inside = [k for k in starts if 0 <= k <= len(rate) - _WINDOW]
    windows = np.array([rate[k : k + _WINDOW] for k in inside]).reshape(-1, _WINDOW)
    even = windows - windows.mean(axis=1, keepdims=True)
    power = (np.abs(np.fft.rfft(even * np.hanning(_WINDOW))) ** 2).sum(axis=0)
    return np.fft.rfftfreq(_WINDOW, 1e-3), power / max(1, len(inside))


def ripple(rate: np.ndarray, spans_ms: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """The frequency of the peak between 100 and 350 Hz, and the p of Fisher's g-test; NaN and 1 if nothing varies."""
    frequencies, power = spectrum(rate, spans_ms)
    sought = (frequencies >= _SOUGHT_HZ[0]) & (frequencies <= _SOUGHT_HZ[1])
    found = power[sought]
    if not found.sum() > 0:
        return math.nan, 1.0
    n, g = len(found), float(found.max() / found.sum())
    terms = [(-1) ** (k - 1) * math.comb(n, k) * (1 - k * g) ** (n - 1) for k in range(1, math.floor(1 / g) + 1)]
    return float(frequencies[sought][found.argmax()]), min(1.0, max(0.0, math.fsum(terms)))
