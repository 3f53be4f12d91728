"""Closed forms of the flows over one epoch, so that every backend gets the same numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ernsnn.describe.flows import Flow, Latch, Relax


def kept(tau_s: float, epoch_s: float) -> float:
    """exp(-D/tau): the share of a deviation that is left after an epoch."""
    return float(np.exp(-epoch_s / tau_s))


def mean_share(tau_s: float, epoch_s: float) -> float:
    """(tau/D)(1 - exp(-D/tau)): the mean over an epoch of what decays from 1."""
    return float(-np.expm1(-epoch_s / tau_s) * tau_s / epoch_s)


def relaxed(flow: Relax, epoch_s: float, v: np.ndarray, u: np.ndarray | float) -> np.ndarray:
    """v after an epoch; ``u`` is the variable that sets its target. See ``describe.flows.Relax``."""
    limit = flow.to + flow.slope * u
    return np.asarray(limit + (v - limit) * kept(flow.tau_s, epoch_s))


def latched(
    flow: Latch, epoch_s: float, m: np.ndarray, tag: np.ndarray | float, signal: np.ndarray | float
) -> np.ndarray:
    """m after an epoch, without erasure. See ``describe.flows.Latch``."""
    above = np.maximum(tag * mean_share(flow.tag_tau_s, epoch_s) - flow.tag_threshold, 0.0)
    drive = flow.rate_per_s * np.maximum(signal, 0.0) * above
    back = 1.0 / flow.tau_s
    rate = back + drive
    limit = ((m > flow.threshold) * back + drive) / rate
    return np.asarray(limit + (m - limit) * np.exp(-epoch_s * rate))


def erased(
    flow: Latch,
    epoch_s: float,
    m: np.ndarray,
    tag: np.ndarray | float,
    signal: np.ndarray | float,
    mean: np.ndarray,
    drawn: np.ndarray,
) -> np.ndarray:
    """Whether each m is set to 0, by the values before an epoch, their ``mean`` per neuron and a random number."""
    assert flow.budget is not None
    assert flow.erasure is not None
    old = (m > flow.threshold) & (tag * mean_share(flow.tag_tau_s, epoch_s) < flow.tag_threshold)
    chance = flow.erasure * np.clip(signal, 0.0, 1.0) * np.maximum(mean / flow.budget - 1.0, 0.0)
    return np.asarray(old & (drawn < chance))


def flown(flow: Flow, epoch_s: float, read: Callable[[str], Any]) -> np.ndarray:
    """The flow's variable after an epoch, unclipped; ``read`` gives what variables and third factors are before it."""
    before = read(flow.variable)
    if isinstance(flow, Latch):
        return latched(flow, epoch_s, before, read(flow.tag), read(flow.signal))
    return relaxed(flow, epoch_s, before, 0.0 if flow.of is None else read(flow.of))
