"""The extremes of u and V under given spikes, by the emulator's arithmetic for one population without clipping.

Inputs are given spikes, and expected arrivals of sources with known rates; all others are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..arithmetic.integers import Cells
from ..check.arrivals import Heard
from .compiled import compiled

_QUIET = 20
"""The number of time constants after which all 24 bits have decayed."""
_NEVER_DECAYS = 100_000
"""The number of steps for which a V without decay is computed after the last change."""


@dataclass(frozen=True, eq=False)
class Extremes:
    """Extremes of each neuron: the highest and lowest u, the lowest V, and a bound below V.

    The bound holds with any further input, and however often the neuron spikes, if the V by that input is added.
    """

    u_high: np.ndarray
    u_low: np.ndarray
    v_low: np.ndarray
    v_bound: np.ndarray


class _Wires(NamedTuple):
    """Synapses of sender i: those from ``rows[i]`` to ``rows[i + 1]``."""

    rows: np.ndarray
    targets: np.ndarray
    delays: np.ndarray
    weights: np.ndarray


class _Events(NamedTuple):
    """Events by step: a spike, of an amount of 1, or (``rates``) a change of a sender's expected amount a step."""

    steps: np.ndarray
    senders: np.ndarray
    amounts: np.ndarray
    rates: np.ndarray


class _Working(NamedTuple):
    """Rings of what arrives, and of changes of expected amounts; then each neuron's state, and how long it waits."""

    arriving: np.ndarray
    changing: np.ndarray
    rate: np.ndarray
    u: np.ndarray
    v: np.ndarray
    bound: np.ndarray
    waits: np.ndarray


def extremes(cells: Cells, heard: Sequence[Heard]) -> Extremes:
    """The extremes over all steps, also after the last spike."""
    wires, extremes = _wires(heard), np.zeros((5, cells.size))
    bias = np.asarray(cells.bias, dtype=np.float64) * 2.0**cells.bias_exp
    slow = 4096 / cells.dv if cells.dv else _NEVER_DECAYS / _QUIET
    quiet = int(_QUIET * (4096 / (cells.du + 1) + slow)) + int(np.max(wires.delays, initial=1)) + 1
    keep_u, keep_v, threshold = 4096.0 - (cells.du + 1), 4096.0 - cells.dv, float(cells.vth << 6)
    ring, n = int(np.max(wires.delays, initial=0)) + 1, cells.size
    (arriving, changing), (rate, u, v, bound) = np.zeros((2, ring, n)), np.zeros((4, n))
    room = _Working(arriving, changing, rate, u, v, bound, np.zeros(n, np.int64))
    _follow(keep_u, keep_v, threshold, cells.refractory, bias, quiet, wires, _events(heard), room, extremes)
    *far, drift = extremes
    if not cells.dv:
        far[2][drift < 0] = far[3][drift < 0] = -np.inf
    return Extremes(*far)


def _wires(heard: Sequence[Heard]) -> _Wires:
    rows = [np.zeros(1, np.int64)]
    wires = [(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))]
    for h in heard:
        pre, post = np.nonzero(h.now.T)
        rows.append(np.bincount(pre, minlength=h.now.shape[1]))
        wires.append((post + h.post_start, h.delays[post, pre].astype(np.int64), h.now[post, pre]))
    return _Wires(np.cumsum(np.concatenate(rows)), *(np.concatenate(parts) for parts in zip(*wires, strict=True)))


def _events(heard: Sequence[Heard]) -> _Events:
    events = [(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0), np.zeros(0, np.bool_))]
    first = 0
    for h in heard:
        steps, senders, amounts = h.sender.events()
        events.append((steps, senders + first, amounts, np.full(len(steps), h.sender.poisson)))
        first += h.now.shape[1]
    together = [np.concatenate(parts) for parts in zip(*events, strict=True)]
    order = np.argsort(together[0], kind="stable")
    return _Events(*(part[order] for part in together))


@compiled
def _follow(
    keep_u: float,
    keep_v: float,
    threshold: float,
    refractory: int,
    bias: np.ndarray,
    quiet: int,
    wires: _Wires,
    events: _Events,
    room: _Working,
    extremes: np.ndarray,
) -> None:
    """Fills the rows of ``extremes``, the last one with what V gains a step at the end. Whole numbers stay whole."""
    n, ring = len(bias), len(room.arriving)
    arriving, changing, rate, u, v, bound, waits = room
    at, k, since = 0, 0, 0
    while since < quiet or k < len(events.steps):
        if since >= quiet:  # all is as it stays until the next change
            at, since = events.steps[k], 0
        slot = at % ring
        for j in range(n):
            rate[j] += changing[slot, j]
            u[j] = np.trunc(u[j] * keep_u / 4096) + arriving[slot, j] + rate[j]
            changing[slot, j], arriving[slot, j] = 0.0, 0.0
            extremes[0, j], extremes[1, j] = max(extremes[0, j], u[j]), min(extremes[1, j], u[j])
            bound[j] = np.trunc(min(bound[j], 0.0) * keep_v / 4096) + u[j] + bias[j]
            extremes[3, j] = min(extremes[3, j], bound[j])
            if waits[j] > 0:
                waits[j] -= 1
                continue
            v[j] = np.trunc(v[j] * keep_v / 4096) + u[j] + bias[j]
            extremes[2, j] = min(extremes[2, j], v[j])
            if v[j] > threshold:
                v[j], waits[j] = 0.0, refractory
        since += 1
        while k < len(events.steps) and events.steps[k] == at:
            since = 0
            sender = events.senders[k]
            for s in range(wires.rows[sender], wires.rows[sender + 1]):
                into, amount = (at + wires.delays[s]) % ring, wires.weights[s] * events.amounts[k]
                if events.rates[k]:
                    changing[into, wires.targets[s]] += amount
                else:
                    arriving[into, wires.targets[s]] += amount
            k += 1
        at += 1
    for j in range(n):
        extremes[4, j] = u[j] + bias[j]
