"""Neurons, static and plastic transmission, and astrocytes: a step, by AbstractPyLifModelFixed and Lava's Dense."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..compiled import compiled, inlined
from ..state import Astrocytes, Membranes, Output, Wiring
from .sums import Int

_TOP = 1 << 23  # u and v are 24 bits wide


@inlined
def _truncated(value: Int) -> Int:
    """value / 4096, truncated toward zero."""
    return value >> 12 if value >= 0 else -((-value) >> 12)


@inlined
def _fires(n: int, arrived: Int, m: Membranes) -> bool:
    """One neuron's step, in int32 where Lava is, so that even what overflows agrees.

    u = trunc(u (4096 - (du + 1)) / 4096) + 64 arrived, wrapped once at +-2^23;
    v = clip(trunc(v (4096 - dv) / 4096) + u + bias), which spikes above the threshold, strictly, and then is 0.
    """
    u = np.int32(_truncated(np.int64(m.u[n]) * m.keep_u[n]) + np.int32(arrived << 6))
    if u > _TOP:
        u = np.int32(u - 2 * _TOP)
    elif u <= -_TOP:
        u = np.int32(u + 2 * _TOP)
    m.u[n] = u
    if m.waits[n] > 0:
        m.waits[n] -= 1
        return False
    v: Int = np.int32(_truncated(np.int64(m.v[n]) * m.keep_v[n]) + u + m.bias[n])
    v = min(max(v, -_TOP + 1), _TOP - 1)
    if v > m.threshold[n]:
        m.v[n], m.waits[n] = 0, m.refractory[n]
        return True
    m.v[n] = v
    return False


@compiled
def neurons(step: int, given: np.ndarray, m: Membranes, out: Output) -> int:
    """All spikes of a step, into the ring ``out.recent``: by population, ascending, as indices of the whole network."""
    slot = step % len(out.recent)
    fired, starts = out.recent[slot], out.starts[slot]
    arriving = m.arriving[step % len(m.arriving)]
    n, g = 0, 0
    for p in range(len(m.first)):
        starts[p] = n
        first, last = m.first[p], m.first[p] + m.size[p]
        if first < m.n_given:
            while g < len(given) and given[g] < last:
                fired[n] = given[g]
                g, n = g + 1, n + 1
        else:
            for k in range(first - m.n_given, last - m.n_given):
                if _fires(k, arriving[k], m):
                    fired[n] = k + m.n_given
                    n += 1
                arriving[k] = 0
    starts[len(m.first)] = n
    return n


@inlined
def transmit(step: int, it: Any, m: Membranes, wiring: Wiring, synapses: np.ndarray, out: Output) -> None:
    """Transmit over connection ``it``: for each delay, the sum of weights is shifted as a whole (Dense, DelayDense)."""
    slot = step % len(out.recent)
    gathered, sent = wiring.gathered, False
    for s in range(out.starts[slot, it.pre], out.starts[slot, it.pre + 1]):
        i = out.recent[slot, s] - it.pre_first
        if i < 0 or i >= it.n_pre:
            continue
        sent = True
        if it.rule >= 0:
            row = synapses[0, it.at + i * it.n_post : it.at + (i + 1) * it.n_post]
            for j in range(it.n_post):
                gathered[j] += row[j]
        else:
            for k in range(wiring.rows[it.at + i], wiring.rows[it.at + i + 1]):
                gathered[wiring.targets[k]] += wiring.weights[k]
    for d in range(it.n_delays if sent else 0):
        arriving = m.arriving[(step + wiring.delays[it.delays_at + d]) % len(m.arriving)]
        for j in range(it.n_post):
            total, into = np.int64(gathered[d * it.n_post + j]), it.post_first - m.n_given + j
            arriving[into] += total << it.exponent if it.exponent > 0 else total >> -it.exponent
            gathered[d * it.n_post + j] = 0


@compiled
def astrocytes(step: int, glia: Astrocytes, out: Output) -> None:
    """c = trunc(c (4096 - decay) / 4096) + gain * spikes; then what it sends.

    With a threshold that is ``level`` from c >= threshold on until c < threshold_off, else min(127, c >> shift).
    """
    slot = step % len(out.recent)
    for a in range(len(glia.cells)):
        it, heard = glia.cells[a], 0
        for k in range(it.members_at, it.members_at + it.n_members):
            member = glia.members[k]
            for s in range(out.starts[slot, member.population], out.starts[slot, member.population + 1]):
                heard += member.first <= out.recent[slot, s] < member.last
        glia.c[a] = _truncated(glia.c[a] * (4096 - it.decay)) + it.gain * heard
        glia.on[a] = glia.c[a] >= (it.threshold_off if glia.on[a] else it.threshold)
        glia.sends[a] = it.level * glia.on[a] if it.gated else min(127, glia.c[a] >> it.shift)
