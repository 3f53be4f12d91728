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
_OFFSET = 257  # the lowest value of w, t and d is -257
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
        glia.on[a] = glia.c[a] >= (it.threshold_off if glia.on[a] else it.threshold)
        glia.sends[a] = it.level * glia.on[a] if it.gated else min(127, glia.c[a] >> it.shift)


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
def _times_one(product: Int, value: Int, part: Any) -> Int:
    """product * clip(value + constant, low, high), in int32."""
    return np.int32(product * min(max(value + part.constant, part.low), part.high))


@inlined
def _rounded(total: Int, round_up: Int, low: int, high: int) -> Int:
    """floor(total / 128), and one more if floor(128 draw) = 127 - round_up is less than the rest; clipped.

    Since the rest is whole, that is where the draw is less than its share of 128. Clipping does what Lava's limits do.
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
    factor[:] = start
    for q in range(first, last):
        _times(factor, p.past[p.parts[q].variable * p.steps + e], p.parts[q])


@compiled
def _add_all(factor: int, it: Any, right: np.ndarray, n: int, rows: np.ndarray, parts: np.ndarray) -> None:
    """Product ``it`` for all synapses of a pre neuron: ``factor`` is the neuron's own, ``right`` of post neurons."""
    product = right
    if it.synaptic < it.end:
        product = rows[_PRODUCT, :n]
        _scale(factor, right, product)
        factor = 1
        for q in range(it.synaptic, it.end):
            _times(product, rows[parts[q].variable - _SYNAPTIC], parts[q])
    _add(rows[_TOTAL, :n], factor, product, it.right, it.left)


@inlined
def _add_one(total: Int, product: Int, j: int, it: Any, rows: np.ndarray, parts: np.ndarray) -> Int:
    """Product ``it`` for one synapse, to post neuron j; ``product`` is what neurons have to it."""
    for q in range(it.synaptic, it.end):
        product = _times_one(product, rows[parts[q].variable - _SYNAPTIC, j], parts[q])
    return _summed(total, product, it.right, it.left)


@compiled
def _tables(r: int, u: bool, sinks: bool, round_up: Int, p: Plasticity) -> None:
    """The results of an epoch's end for every value of w, t and d at a synapse that no spike changes:
    4 new + 2 (new is the lowest, -257) + 1 (the old value would not stay with every draw)."""
    for v in range(3):
        low, high = p.low[r, v], p.high[r, v]
        for k in range(p.table.shape[1]):
            old = np.int32(k - _OFFSET)
            total: Int = np.int32(old << 7)
            for c in range(p.spans[r, v], p.spans[r, v + 1]):
                it = p.products[c]
                if u and it.alone:
                    product: Int = np.int32(it.mantissa)
                    for q in range(it.synaptic, it.end):
                        product = _times_one(product, old, p.parts[q])
                    total = _summed(total, product, it.right, it.left)
                if v == _TAG and sinks:
                    total = max(total, _LOW)
            stays = _rounded(total, np.int32(0), low, high) == old and _rounded(total, np.int32(127), low, high) == old
            new = _rounded(total, round_up, low, high)
            p.table[v, k] = 4 * new + 2 * (new < -256) + (not stays)


@compiled
def _look_up(table: np.ndarray, values: np.ndarray) -> Int:
    """Replaces ``values`` by what ``table`` makes of them; returns the bits below them, of all together."""
    bits = np.int32(0)
    for k in range(len(values)):
        entry = table[np.uint32(np.int32(values[k]) + np.int32(_OFFSET))]  # unsigned: cannot count from the end
        values[k] = entry >> 2
        bits |= entry
    return bits & 3


@inlined
def _whole_row(r: int, i: int, active: np.ndarray, sinks: bool, round_up: Int, p: Plasticity) -> bool:
    """Learn in all synapses of pre neuron i, products ``p.when`` in all of them. True if any tag is -257 now."""
    rule, n, sunken = p.rules[r], p.ends[r, 1].size, False
    fired, live, when = p.last[r, 1], p.live[i], p.when
    products, parts, left, right = p.products, p.parts, p.left, p.right
    rows, synapses, at, total = p.rows, p.synapses, rule.at + i * n, p.rows[_TOTAL, :n]
    for v in range(3):
        if rule.uses >> v & 1:
            _scale(1, synapses[v, at : at + n], rows[v, :n])
    for v in range(3):
        first, last = p.spans[r, v], p.spans[r, v + 1]
        if first == last or not (live or (v == _TAG and sinks) or np.any(when[first:last])):
            continue
        _scale(128, rows[v, :n], total)
        for c in range(first, last):
            it = products[c]
            if when[c] > 0:
                row = it.row + when[c]
                _add_all(left[row, i], it, right[row, :n], n, rows, parts)
            elif it.event == _Y0 and live:
                for j in active:
                    row = it.row + fired[j]
                    total[j] = _add_one(total[j], np.int32(left[row, i] * right[row, j]), j, it, rows, parts)
            for j in range(n if v == _TAG and sinks else 0):
                total[j] = max(total[j], _LOW)  # 128 * -257 lies below the limit, which even adding 0 applies
        if rule.masked:
            total *= p.exists[at : at + n]
        sunken |= _store(total, round_up, p.low[r, v], p.high[r, v], synapses[v, at : at + n]) < -256
    return sunken


@inlined
def _active_synapses(r: int, i: int, active: np.ndarray, u: bool, sinks: bool, round_up: Int, p: Plasticity) -> bool:
    """Learn in the synapses of pre neuron i to post neurons with y0, from ``p.rows``. True if any tag is -257 now."""
    rule, at, lowest = p.rules[r], p.rules[r].at + i * p.ends[r, 1].size, 0
    fired, products, rows, parts, left, right = p.last[r, 1], p.products, p.rows, p.parts, p.left, p.right
    for v in range(3):
        if not rule.with_y >> v & 1:
            continue
        low, high, synapses = p.low[r, v], p.high[r, v], p.synapses[v]
        for j in active:
            total: Int = np.int32(rows[v, j] << 7)
            for c in range(p.spans[r, v], p.spans[r, v + 1]):
                it = products[c]
                if it.event == _Y0 or (u and it.event == _U):
                    row = it.row + (fired[j] if it.event == _Y0 else rule.epoch)
                    total = _add_one(total, np.int32(left[row, i] * right[row, j]), j, it, rows, parts)
                if v == _TAG and sinks:
                    total = max(total, _LOW)
            new = _rounded(total, round_up, low, high) * (p.exists[at + j] if rule.masked else 1)
            synapses[at + j] = new
            lowest = min(lowest, new)
    return lowest < -256


@compiled
def _rows(r: int, active: np.ndarray, u: bool, sinks: bool, round_up: Int, p: Plasticity) -> bool:
    """Learn in all synapses that may change. True if any tag is -257 now.

    Where x0 or a product of u with other factors than what it changes applies, those of a pre neuron all may; else
    those to post neurons with y0, and, where u fires or a tag sinks, the others by a table.
    """
    rule, n, sunken = p.rules[r], p.ends[r, 1].size, False
    changed = (rule.with_u if u else 0) | (sinks << _TAG)
    if changed:
        _tables(r, u, sinks, round_up, p)
    spiked, still = p.last[r, 0], p.still[r]
    for i in range(p.ends[r, 0].size):
        live, at, whole = p.live[i], rule.at + i * n, False
        if not (live or sinks or (u and not still[i]) or (rule.has_x0 and spiked[i] > 0)):
            continue
        for c in range(rule.first, rule.last):
            it = p.products[c]
            e = rule.epoch * u if it.event == _U else (spiked[i] if it.event == _X0 else 0)
            p.when[c] = e if e > 0 and p.left[it.row + e, i] != 0 else 0
            whole |= p.when[c] > 0 and not it.alone
        if whole:
            sunken |= _whole_row(r, i, active, sinks, round_up, p)
            still[i] = False
            continue
        for v in range(3):
            if live and rule.uses >> v & 1:
                for j in active:
                    p.rows[v, j] = p.synapses[v, at + j]
        hits = 0
        for v in range(3):
            if changed >> v & 1:
                hits |= _look_up(p.table[v], p.synapses[v, at : at + n])
                for j in range(at, at + n if rule.masked else at):
                    p.synapses[v, j] *= p.exists[j]
        sunken |= hits > 1
        if live:
            sunken |= _active_synapses(r, i, active, u, sinks, round_up, p)
        still[i] = u and rule.alone and not (live or sinks or hits)
    return sunken


@compiled
def _learn(step: int, r: int, draw_x: float, draw_y: float, draw: float, p: Plasticity) -> None:
    """The end of an epoch.

    var -> floor(sum / 128), rounded up at random, with sum = 128 var, and for each product, in their order,
    sum = clip(sum + clip(product >> right << left)). Synapses that nothing can change are left out, except after a tag
    of -257, which rises by itself.
    """
    rule = p.rules[r]
    for k in range(_TRACES):
        if p.used[r, k]:
            _follow(r, k, draw_x if k < 2 else draw_y, p)
    for side in range(2):
        for e in range(1, rule.epoch + 1):
            for i in range(p.ends[r, side].size):
                p.past[(_SPIKED + side) * p.steps + e, i] = p.last[r, side, i] > 0
    active = np.flatnonzero(p.last[r, 1, : p.ends[r, 1].size])
    u = rule.every > 0 and (step + 1) // rule.epoch % rule.every == 0
    p.live[:] = False
    for c in range(rule.first, rule.last):
        it = p.products[c]
        for e in range(rule.epoch if it.event == _U else 1, rule.epoch + 1):
            _factors(0, r, c, e, p)
            _factors(1, r, c, e, p)
            if it.event == _Y0 and len(active) > 0:
                for i in range(p.ends[r, 0].size):
                    p.live[i] |= p.left[it.row + e, i] != 0
    p.sunken[r] = _rows(r, active, u, p.sunken[r], np.int32(127 - np.int64(128 * draw)), p)
    p.last[r] = 0


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
    """Run at most ``n_steps`` steps from ``first`` on, fewer when ``out`` is full. Returns how many steps, and spikes.

    Spikes given in the k-th of these steps are ``given[given_at[k]:given_at[k + 1]]``.
    """
    n_spikes = 0
    for k in range(n_steps):
        step = first + k
        if n_spikes + out.recent.shape[1] > len(out.neurons):
            return k, n_spikes
        n = _neurons(step, given[given_at[k] : given_at[k + 1]], membranes, out)
        for s in range(n):
            out.steps[n_spikes + s], out.neurons[n_spikes + s] = step, out.recent[step % len(out.recent), s]
        n_spikes += n
        _astrocytes(step, glia, out)
        for c in range(len(wiring.connections)):
            it, r = wiring.connections[c], wiring.connections[c].rule
            for phase in range(2):
                if (phase == 0) == (it.transmits_first > 0):
                    _transmit(step, it, membranes, wiring, plastic.synapses, out)
                elif r >= 0:
                    _hear(step, r, plastic, glia, out)
                    if (step + 1) % plastic.rules[r].epoch == 0:
                        _learn(step, r, draws.pre[k, r], draws.post[k, r], draws.synapses[k, r], plastic)
    return n_steps, n_spikes
