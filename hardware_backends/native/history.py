"""Traces of a projection's two sides, and the log of post spikes from which rows catch up."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ernsnn.backend.state import outside
from ernsnn.describe.learning import POST, PRE
from ernsnn.graph.constants import decay
from ernsnn.graph.graph import Learning

from .codegen.neurons import TINY
from .kernels.jit import compiled
from .memory import SPARE, SPIKES_A_NEURON, STEPS


class PreTraces(NamedTuple):
    """``values`` (traces, n_pre) are those in learning step ``since`` of each neuron; ``path`` is scratch space.

    ``found`` are those of neurons that spike as they are now, which threads still read as they were. ``times`` says
    of a neuron that spikes in the present step how often it does.
    """

    values: np.ndarray
    decay: np.ndarray
    increment: np.ndarray
    since: np.ndarray
    path: np.ndarray
    found: np.ndarray
    times: np.ndarray


class PostTraces(NamedTuple):
    """``values`` (traces, n_post) are those of now, ``seen`` the same as precise as synapses are.

    ``gate`` is the row of a third factor, or -1.
    """

    values: np.ndarray
    seen: np.ndarray
    decay: np.ndarray
    increment: np.ndarray
    sets: np.ndarray
    gate: np.ndarray


class Log(NamedTuple):
    """Post spikes as they reached the synapses: those of learning step k are ``start[k]`` to ``start[k + 1]``.

    ``values`` holds, for each, the neuron's traces before their own increment and the third factors of that step.
    ``last``, ``before`` and ``after`` chain the spikes of one neuron; -1 is the end.
    """

    start: np.ndarray
    post: np.ndarray
    step: np.ndarray
    values: np.ndarray
    last: np.ndarray
    before: np.ndarray
    after: np.ndarray


def pre_traces(learning: Learning, n_pre: int, dt_ms: float) -> PreTraces:
    """All 0, as at the start."""
    traces = [t.trace for t in learning.traces if t.trace.event == PRE]
    decays, increments = [decay(t.tau_ms, dt_ms) for t in traces], [t.increment for t in traces]
    return PreTraces(
        np.zeros((len(traces), n_pre)),
        np.array(decays, np.float64),
        np.array(increments, np.float64),
        np.zeros(n_pre, np.int64),
        np.zeros((len(traces), STEPS)),
        np.zeros((len(traces), n_pre)),
        np.zeros(n_pre, np.int64),
    )


def post_traces(learning: Learning, n_post: int, dt_ms: float, precision: str) -> PostTraces:
    """All 0, as at the start."""
    traces = [t.trace for t in learning.traces if t.trace.event == POST]
    symbols = [b.symbol for b in learning.third_factors]
    values = np.zeros((len(traces), n_post))
    return PostTraces(
        values,
        values if precision == "float64" else values.astype(precision),
        np.array([decay(t.tau_ms, dt_ms) for t in traces], np.float64),
        np.array([t.increment for t in traces], np.float64),
        np.array([t.mode == "set" for t in traces], np.bool_),
        np.array([-1 if t.gate is None else symbols.index(t.gate) for t in traces], np.int64),
    )


def empty_log(n_post: int, n_values: int, precision: str) -> Log:
    """A log without spikes."""
    size = SPIKES_A_NEURON * n_post + SPARE
    chains = [np.full(n, -1, np.int32) for n in (n_post, size, size)]
    post, values = np.zeros(size, np.uint32), np.zeros((size, n_values), precision)
    return Log(np.zeros(STEPS + 1, np.int64), post, np.zeros(size, np.int32), values, *chains)


def possible(log: Log, since: np.ndarray, now: int, n_post: int) -> bool:
    """Whether indices of a log after ``now`` learning steps lead to where they can."""
    if not 0 <= now <= STEPS or log.start[0] != 0 or (np.diff(log.start[: now + 1]) < 0).any():
        return False
    n = int(log.start[now])
    if n > len(log.post) or outside(since, now + 1):
        return False
    spikes = np.arange(n)
    earlier, later = log.before[:n], log.after[:n]
    return not (
        outside(log.post[:n], n_post)
        or outside(log.step[:n], now)
        or outside(log.last, n, least=-1)
        or (earlier < -1).any()
        or (earlier >= spikes).any()
        or ((later != -1) & (later <= spikes)).any()
        or outside(later, n, least=-1)
    )


@compiled
def arrive(
    posts: np.ndarray, y: PostTraces, third: np.ndarray, of_post: np.ndarray, log: Log, count: int, now: int
) -> None:
    """Learning step ``now``: the post traces decay, and ``count`` spikes of ``posts`` are logged and added to them.

    ``third`` (factors, neurons) holds the third factors; of those that are not ``of_post`` the first number counts.
    """
    traces, n = y.values, log.start[now]
    for k in range(len(traces)):
        for i in range(traces.shape[1]):
            traces[k, i] *= y.decay[k]
            if abs(traces[k, i]) < TINY:
                traces[k, i] = 0.0
    for spike in range(count):
        j = posts[spike]
        log.post[n] = j
        log.step[n] = now
        log.before[n] = log.last[j]
        log.after[n] = -1
        if log.last[j] >= 0:
            log.after[log.last[j]] = n
        log.last[j] = n
        for k in range(len(third)):
            log.values[n, len(traces) + k] = third[k, j if of_post[k] else 0]
        for k in range(len(traces)):
            log.values[n, k] = traces[k, j]
            gate = 1.0 if y.gate[k] < 0 else third[y.gate[k], j if of_post[y.gate[k]] else 0]
            if not y.sets[k]:
                traces[k, j] += y.increment[k] * gate
            elif gate != 0:
                traces[k, j] = y.increment[k] * gate
        n += 1
    log.start[now + 1] = n
    for k in range(len(traces)):
        for i in range(traces.shape[1]):
            y.seen[k, i] = traces[k, i]
