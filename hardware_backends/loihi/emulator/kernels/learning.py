"""Plasticity, by LearningConnectionModelBitApproximate.

Sub-steps of an epoch count from 1. A row of synapses is what one pre neuron reaches.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..compiled import compiled, inlined
from ..state import Astrocytes, Output, Plasticity
from .sums import LOW, Int, add, mask, rounded, scale, store, summed, times, times_one

_X0, _Y0, _U = 0, 1, 2  # events of products
_OFFSET = 257  # the lowest value of w, t and d is -257
_TAG, _TOTAL, _PRODUCT = 1, 3, 4  # synaptic variables are 0 to 2: w, t, d; then rows of temporary values
_TRACES, _SPIKED, _SYNAPTIC = 5, 5, 7  # variables of parts: x1, x2, y1, y2, y3; x0, y0; then w, t, d


@inlined
def hear(step: int, r: int, p: Plasticity, glia: Astrocytes, out: Output) -> None:
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


@compiled
def _factors(side: int, r: int, c: int, e: int, p: Plasticity) -> None:
    """The traces of one side in product ``c`` for an event in sub-step e; those of post neurons have the mantissa."""
    it, n = p.products[c], p.ends[r, side].size
    first, last, start = (it.pre, it.post, 1) if side == 0 else (it.post, it.synaptic, it.mantissa)
    factor = (p.left if side == 0 else p.right)[it.row + e, :n]
    factor[:] = start
    for q in range(first, last):
        times(factor, p.past[p.parts[q].variable * p.steps + e], p.parts[q])


@compiled
def _add_all(factor: int, it: Any, right: np.ndarray, n: int, rows: np.ndarray, parts: np.ndarray) -> None:
    """Product ``it`` for all synapses of a pre neuron: ``factor`` is the neuron's own, ``right`` of post neurons."""
    product = right
    if it.synaptic < it.end:
        product = rows[_PRODUCT, :n]
        scale(factor, right, product)
        factor = 1
        for q in range(it.synaptic, it.end):
            times(product, rows[parts[q].variable - _SYNAPTIC], parts[q])
    add(rows[_TOTAL, :n], factor, product, it.right, it.left)


@inlined
def _add_one(total: Int, product: Int, j: int, it: Any, rows: np.ndarray, parts: np.ndarray) -> Int:
    """Product ``it`` for one synapse, to post neuron j; ``product`` is what neurons have to it."""
    for q in range(it.synaptic, it.end):
        product = times_one(product, rows[parts[q].variable - _SYNAPTIC, j], parts[q])
    return summed(total, product, it.right, it.left)


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
                        product = times_one(product, old, p.parts[q])
                    total = summed(total, product, it.right, it.left)
                if v == _TAG and sinks:
                    total = max(total, LOW)
            stays = rounded(total, np.int32(0), low, high) == old and rounded(total, np.int32(127), low, high) == old
            new = rounded(total, round_up, low, high)
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
            scale(1, synapses[v, at : at + n], rows[v, :n])
    for v in range(3):
        first, last = p.spans[r, v], p.spans[r, v + 1]
        applies = first < last and (live or (v == _TAG and sinks))
        for c in range(first, last):
            applies |= when[c] > 0
        if not applies:
            continue
        scale(128, rows[v, :n], total)
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
                total[j] = max(total[j], LOW)  # 128 * -257 lies below the limit, which even adding 0 applies
        if rule.masked:
            mask(total, p.exists[at : at + n])
        sunken |= store(total, round_up, p.low[r, v], p.high[r, v], synapses[v, at : at + n]) < -256
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
                    total = max(total, LOW)
            new = rounded(total, round_up, low, high) * (p.exists[at + j] if rule.masked else 1)
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
def learn(step: int, r: int, draw_x: float, draw_y: float, draw: float, p: Plasticity) -> None:
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
    n_active = 0
    for j in range(p.ends[r, 1].size):
        if p.last[r, 1, j] > 0:
            p.active[n_active] = j
            n_active += 1
    active = p.active[:n_active]
    u = rule.every > 0 and (step + 1) // rule.epoch % rule.every == 0
    p.live[:] = False
    for c in range(rule.first, rule.last):
        it = p.products[c]
        for e in range(rule.epoch if it.event == _U else 1, rule.epoch + 1):
            _factors(0, r, c, e, p)
            _factors(1, r, c, e, p)
            if it.event == _Y0 and n_active > 0:
                for i in range(p.ends[r, 0].size):
                    p.live[i] |= p.left[it.row + e, i] != 0
    p.sunken[r] = _rows(r, active, u, p.sunken[r], np.int32(127 - np.int64(128 * draw)), p)
    p.last[r] = 0
