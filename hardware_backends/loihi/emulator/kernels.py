"""The compiled steps of the emulator: one function runs many steps of a whole network over flat arrays.

Formulae and integer widths are those of Lava's fixed-point models (lava-nc 0.10.0): AbstractPyLifModelFixed,
AbstractPyDenseModelBitAcc, LearningConnectionModelBitApproximate and LearningRuleApplierBitApprox.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .compiled import compiled, inlined
from .state import Astrocytes, Draws, Membranes, Output, Plasticity, Wiring

Int = Any  # numbers that numba keeps at the width they have; NumPy's types say less

_TOP = 1 << 23  # u and v are 24 bits wide
_LOW, _HIGH = np.int32(-(1 << 15) - 1), np.int32((1 << 15) - 1)  # the sums of learning; low is one too many, as Lava's
_X0, _Y0, _U = 0, 1, 2  # events of products
_TAG, _TOTAL, _PRODUCT = 1, 3, 4  # synaptic variables are 0 to 2: w, t, d; then rows of temporary values
_TRACES, _SPIKED, _SYNAPTIC = 5, 5, 7  # variables of parts: x1, x2, y1, y2, y3; x0, y0; then w, t, d


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
def _neurons(step: int, given: np.ndarray, m: Membranes, out: Output) -> int:
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
def _transmit(step: int, it: Any, m: Membranes, wiring: Wiring, synapses: np.ndarray, out: Output) -> None:
    """What connection ``it`` sends on: for each delay, the sum of weights is shifted as a whole (Dense, DelayDense)."""
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
    if not sent:
        return
    for d in range(it.n_delays):
        arriving = m.arriving[(step + wiring.delays[it.delays_at + d]) % len(m.arriving)]
        for j in range(it.n_post):
            total, into = np.int64(gathered[d * it.n_post + j]), it.post_first - m.n_given + j
            arriving[into] += total << it.exponent if it.exponent > 0 else total >> -it.exponent
            gathered[d * it.n_post + j] = 0


@compiled
def _astrocytes(step: int, glia: Astrocytes, out: Output) -> None:
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
        if it.gated:
            glia.on[a] = glia.c[a] >= (it.threshold_off if glia.on[a] else it.threshold)
            glia.sends[a] = it.level if glia.on[a] else 0
        else:
            glia.sends[a] = min(127, glia.c[a] >> it.shift)


# Plasticity. Sub-steps of an epoch count from 1. A row of synapses is what one pre neuron reaches.


@inlined
def _hear(step: int, r: int, p: Plasticity, glia: Astrocytes, out: Output) -> None:
    """Note in which sub-step neurons spiked last; what they spiked before that in the epoch counts at its start."""
    for side in range(2):
        end = p.ends[r, side]
        if step < end.delay:
            continue
        slot = (step - end.delay) % len(out.recent)
        for s in range(out.starts[slot, end.population], out.starts[slot, end.population + 1]):
            i = out.recent[slot, s] - end.first
            if 0 <= i < end.size:
                if p.last[r, side, i] > 0:
                    for k in range(2) if side == 0 else range(2, _TRACES):
                        p.traces[r, k, i] = min(127, p.traces[r, k, i] + p.impulse[r, k])
                p.last[r, side, i] = step % p.rules[r].epoch + 1
    for k in range(2, _TRACES):
        if p.third[r, k] >= 0:
            for j in range(p.ends[r, 1].size):
                p.traces[r, k, j] = glia.sends[p.third[r, k]]


@compiled
def _follow(r: int, k: int, draw: float, p: Plasticity) -> None:
    """A trace through the epoch that ends: x = floor(z) + (draw < frac(z)), z = exp(-1/tau) x, then the impulse."""
    side, epoch, impulse = (0 if k < 2 else 1), p.rules[r].epoch, p.impulse[r, k]
    for i in range(p.ends[r, side].size):
        x = p.traces[r, k, i]
        for e in range(1, epoch + 1):
            x = p.floor[r, k, x] + (draw < p.fraction[r, k, x])
            if p.last[r, side, i] == e:
                x = min(127, x + impulse)
            p.past[k * p.steps + e, i] = x
        p.traces[r, k, i] = x


@inlined
def _summed(total: Int, product: Int, right: int, left: int) -> Int:
    """clip(total + clip(product >> right << left)); a product is made in int32, which wraps as Lava's does."""
    change = np.left_shift(np.right_shift(np.int32(product), np.int32(right)), np.int32(left))
    change = min(max(np.int32(change), _LOW), _HIGH)
    return min(max(np.int32(total + change), _LOW), _HIGH)


@inlined
def _rounded(total: Int, round_up: Int, low: int, high: int) -> Int:
    """floor(total / 128), and one more if floor(128 draw) = 127 - round_up is less than the rest; clipped.

    Clipping here does what Lava's limits before rounding do.
    """
    return min(max(np.right_shift(np.int32(total + round_up), np.int32(7)), np.int32(low)), np.int32(high))


# Loops over slices, which become vector instructions: a sum as an index might be negative, for all a compiler knows.


@compiled
def _scale(factor: int, values: np.ndarray, into: np.ndarray) -> None:
    for k in range(len(into)):
        into[k] = factor * values[k]


@compiled
def _times(product: np.ndarray, values: np.ndarray, part: Any) -> None:
    """product *= clip(value + constant, low, high)."""
    constant, low, high = np.int32(part.constant), np.int32(part.low), np.int32(part.high)
    for k in range(len(product)):
        product[k] *= min(max(np.int32(values[k] + constant), low), high)


@compiled
def _add(total: np.ndarray, factor: int, product: np.ndarray, right: int, left: int) -> None:
    for k in range(len(total)):
        total[k] = _summed(total[k], factor * product[k], right, left)


@compiled
def _add_times(
    total: np.ndarray, factor: int, product: np.ndarray, right: int, left: int, values: np.ndarray, part: Any
) -> None:
    """``_times`` and ``_add`` in one."""
    constant, low, high = np.int32(part.constant), np.int32(part.low), np.int32(part.high)
    for k in range(len(total)):
        value = np.int32(factor * product[k]) * min(max(np.int32(values[k] + constant), low), high)
        total[k] = _summed(total[k], value, right, left)


@compiled
def _store(total: np.ndarray, round_up: Int, low: int, high: int, into: np.ndarray) -> Int:
    """Rounds, and returns the lowest result."""
    lowest: Int = np.int32(0)
    for k in range(len(total)):
        new = _rounded(total[k], round_up, low, high)
        into[k] = new
        lowest = min(lowest, new)
    return lowest


@compiled
def _factors(side: int, r: int, c: int, e: int, p: Plasticity) -> None:
    """The traces of one side in product ``c`` for an event in sub-step e; those of post neurons have the mantissa."""
    it, n = p.products[c], p.ends[r, side].size
    first, last, start = (it.pre, it.post, 1) if side == 0 else (it.post, it.synaptic, it.mantissa)
    factor = (p.left if side == 0 else p.right)[it.row + e, :n]
    for k in range(n):
        factor[k] = start
    for q in range(first, last):
        _times(factor, p.past[p.parts[q].variable * p.steps + e], p.parts[q])


@compiled
def _add_all(factor: int, it: Any, right: np.ndarray, n: int, rows: np.ndarray, parts: np.ndarray) -> None:
    """Product ``it`` for all synapses of a pre neuron: ``factor`` is the neuron's own, ``right`` of post neurons."""
    total, product = rows[_TOTAL, :n], rows[_PRODUCT, :n]
    if it.synaptic == it.end:
        _add(total, factor, right, it.right, it.left)
    elif it.synaptic == it.end - 1:
        _add_times(
            total, factor, right, it.right, it.left, rows[parts[it.synaptic].variable - _SYNAPTIC], parts[it.synaptic]
        )
    else:
        _scale(factor, right, product)
        for q in range(it.synaptic, it.end):
            _times(product, rows[parts[q].variable - _SYNAPTIC], parts[q])
        _add(total, 1, product, it.right, it.left)


@inlined
def _add_one(total: Int, product: Int, j: int, it: Any, rows: np.ndarray, parts: np.ndarray) -> Int:
    """Product ``it`` for one synapse, to post neuron j; ``product`` is what neurons have to it."""
    for q in range(it.synaptic, it.end):
        part = parts[q]
        value = rows[part.variable - _SYNAPTIC, j] + part.constant
        product = np.int32(product * min(max(value, part.low), part.high))
    return _summed(total, product, it.right, it.left)


@compiled
def _rows(r: int, n_active: int, u: bool, sinks: bool, round_up: Int, p: Plasticity) -> bool:
    """Learn in all synapses that may change: per pre neuron and target in all, or in those to post neurons with y0.

    True if any tag is -257 now.
    """
    rule, n, sunken = p.rules[r], p.ends[r, 1].size, False
    spiked, fired, live, active, when = p.last[r, 0], p.last[r, 1], p.live, p.active, p.when
    products, parts, left, right = p.products, p.parts, p.left, p.right
    rows, synapses, low, high, exists = p.rows, p.synapses, p.low[r], p.high[r], p.exists
    total = rows[_TOTAL, :n]
    for i in range(p.ends[r, 0].size):
        if not (u or sinks or live[i] or (rule.has_x0 and spiked[i] > 0)):
            continue
        at, whole = rule.at + i * n, sinks
        for c in range(rule.first, rule.last):
            it = products[c]
            e = rule.epoch * u if it.event == _U else (spiked[i] if it.event == _X0 else 0)
            when[c] = e if e > 0 and left[it.row + e, i] != 0 else 0
            whole |= when[c] > 0
        if not (whole or live[i]):
            continue
        for v in range(3):
            if rule.uses >> v & 1:
                if whole:
                    _scale(1, synapses[v, at : at + n], rows[v, :n])
                else:
                    for k in range(n_active):
                        rows[v, active[k]] = synapses[v, at + active[k]]
        first = rule.first
        while first < rule.last:
            v, last = products[first].target, first
            whole, lowest = v == _TAG and sinks, 0
            while last < rule.last and products[last].target == v:
                whole |= when[last] > 0
                last += 1
            if whole:
                _scale(128, rows[v, :n], total)
                for c in range(first, last):
                    it = products[c]
                    if when[c] > 0:
                        row = it.row + when[c]
                        _add_all(left[row, i], it, right[row, :n], n, rows, parts)
                    elif it.event == _Y0 and live[i]:
                        for k in range(n_active):
                            j = active[k]
                            row = it.row + fired[j]
                            total[j] = _add_one(total[j], np.int32(left[row, i] * right[row, j]), j, it, rows, parts)
                    if v == _TAG and sinks:  # 128 * -257 lies below the limit, which even adding 0 applies
                        for j in range(n):
                            total[j] = max(total[j], _LOW)
                if rule.masked:
                    for j in range(n):
                        total[j] *= exists[at + j]
                lowest = _store(total, round_up, low[v], high[v], synapses[v, at : at + n])
            elif live[i]:
                for k in range(n_active):
                    j = active[k]
                    one: Int = np.int32(rows[v, j] << 7)
                    for c in range(first, last):
                        it = products[c]
                        if it.event == _Y0:
                            row = it.row + fired[j]
                            one = _add_one(one, np.int32(left[row, i] * right[row, j]), j, it, rows, parts)
                    new = _rounded(one, round_up, low[v], high[v]) * (exists[at + j] if rule.masked else 1)
                    synapses[v, at + j] = new
                    lowest = min(lowest, new)
            sunken |= lowest < -256
            first = last
    return sunken


@compiled
def _learn(step: int, r: int, draw_x: float, draw_y: float, draw: float, p: Plasticity) -> None:
    """The end of an epoch.

    var -> floor(sum / 128), rounded up at random, with sum = 128 var, and for each product, in their order,
    sum = clip(sum + clip(product >> right << left)). Synapses that nothing can change are left out, except after a tag
    of -257, which rises by itself.
    """
    rule, n_pre, n_post = p.rules[r], p.ends[r, 0].size, p.ends[r, 1].size
    for k in range(_TRACES):
        if p.used[r, k]:
            _follow(r, k, draw_x if k < 2 else draw_y, p)
    for side in range(2):
        for e in range(1, rule.epoch + 1):
            for i in range(p.ends[r, side].size):
                p.past[(_SPIKED + side) * p.steps + e, i] = p.last[r, side, i] > 0
    n_active = 0
    for j in range(n_post):
        if p.last[r, 1, j] > 0:
            p.active[n_active] = j
            n_active += 1
    u = rule.every > 0 and (step + 1) // rule.epoch % rule.every == 0
    for i in range(n_pre):
        p.live[i] = False
    for c in range(rule.first, rule.last):
        it = p.products[c]
        for e in range(rule.epoch if it.event == _U else 1, rule.epoch + 1):
            _factors(0, r, c, e, p)
            _factors(1, r, c, e, p)
            if it.event == _Y0 and n_active > 0:
                for i in range(n_pre):
                    p.live[i] |= p.left[it.row + e, i] != 0
    p.sunken[r] = _rows(r, n_active, u, p.sunken[r], np.int32(127 - np.int64(128 * draw)), p)
    for i in range(n_pre):
        p.last[r, 0, i] = 0
    for j in range(n_post):
        p.last[r, 1, j] = 0


@compiled
def run_steps(
    first: int,
    n_steps: int,
    given_at: np.ndarray,
    given: np.ndarray,
    membranes: Membranes,
    wiring: Wiring,
    plastic: Plasticity,
    glia: Astrocytes,
    draws: Draws,
    out: Output,
) -> tuple[int, int]:
    """Run steps ``first`` on: at most ``n_steps``, fewer when ``out`` is full. Returns steps done and spikes found.

    Spikes given in the k-th of these steps are ``given[given_at[k]:given_at[k + 1]]``.
    """
    found = 0
    for k in range(n_steps):
        step = first + k
        if found + out.recent.shape[1] > len(out.neurons):
            return k, found
        n = _neurons(step, given[given_at[k] : given_at[k + 1]], membranes, out)
        for s in range(n):
            out.steps[found + s], out.neurons[found + s] = step, out.recent[step % len(out.recent), s]
        found += n
        _astrocytes(step, glia, out)
        for c in range(len(wiring.connections)):
            it = wiring.connections[c]
            r = it.rule
            for phase in range(2):
                if (phase == 0) == (it.transmits_first > 0):
                    _transmit(step, it, membranes, wiring, plastic.synapses, out)
                elif r >= 0:
                    _hear(step, r, plastic, glia, out)
                    if (step + 1) % plastic.rules[r].epoch == 0:
                        _learn(step, r, draws.pre[k, r], draws.post[k, r], draws.synapses[k, r], plastic)
    return n_steps, found
