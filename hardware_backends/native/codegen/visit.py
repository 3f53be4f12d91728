"""The kernel ``visit`` of a learning rule: what the spikes of a step do to its synapses, for one thread or several.

Post spikes reach the synapses and are logged; then the rows of pre neurons that spike are visited (see ``rule``). In
float32 what they send is summed up before it leaves. Called for no step, which is where ``a`` and ``b`` are equal, it
brings all rows up to date.

One worker does all of a step (``WHOLE``). Several share it in parts, between which they wait for one another: one
finds who spikes (``GATHER``). Of full rows each then replays, learns and sends in its own columns (``SENDS``), and at
last brings the pre traces of some rows up to date (``GROWS``), which all have read until then. Other rows are not cut:
each replays post spikes on some (``REPLAYS``), one learns and sends, and lets the traces grow. Where a step has too
little for that, the first does all in ``SENDS``.
"""

from __future__ import annotations

from ..history import arrive
from ..kernels.sums import hand_over

REPLAY, SEND, LEARN, GROW, ALL = range(5)
"""What ``rows`` does after the replay: nothing; transmit; PRE terms and transmit; grow pre traces; the last two."""
WHOLE, GATHER, REPLAYS, SENDS, GROWS = range(5)
"""Parts of a step."""
EVERY, MINE, NONE = range(3)
"""Which post spikes ``rows`` replays: all; those of the worker's columns, and pre traces stay as they are; none."""
CALLED = {"arrive": arrive, "hand_over": hand_over}
"""Kernels that those of rules call."""

_HANDED = "    hand_over(out, ring.values, at, low, high)\n"
_TEXT = """\
def visit(sides, spikes, state, posts, pre, everyone, ring, shares, v, wiring, x, y, log, third, of_post, factor, out,
          scratch, c, a, b, worker):
    n_pre, n_post, learns, k = len(everyone), wiring.n_post, state.learns[0] != 0, a - spikes.origin[0]
    if a == b:
        catch_up(state, everyone, v, wiring, x, y, log, third, factor, out, scratch, c)
        return 0
    if sides.part <= {GATHER} and worker == 0:
        gather(sides, spikes, state, posts, pre, everyone, shares, v, wiring, x, y, log, third, of_post, factor, out,
               scratch, c, learns, k)
    count, workers = state.n_spiking[0], len(shares) - 1
    if count == 0:
        return 0
    events = {EVERY}
    at = sides.first + (a + sides.delay) % ring.length * ring.span
    if sides.part == {WHOLE} or (count * n_post < state.worth[0] and sides.part == {SENDS} and worker == 0):
        mode, first, last, low, high = {ALL} if learns else {SEND}, 0, count, 0, n_post
    elif count * n_post < state.worth[0] or sides.part == {GATHER}:
        return 0
    elif sides.part == {REPLAYS}:
        mode, first, last, low, high = {REPLAY}, count * worker // workers, count * (worker + 1) // workers, 0, 0
    elif sides.part == {SENDS}:
        mode, first, last, low, high = {LEARN} if learns else {SEND}, 0, count, 0, n_post
        if {by_columns}:
            low = min(max(shares[worker] - sides.first_post, 0), n_post)
            high = min(max(shares[worker + 1] - sides.first_post, 0), n_post)
            events = {MINE}
        elif worker > 0:
            return 0
    elif {by_columns}:
        mode, events, low, high = {GROW} if learns else {REPLAY}, {NONE}, 0, 0
        first, last = count * worker // workers, count * (worker + 1) // workers
    elif worker > 0 or not learns:
        return 0
    else:
        mode, first, last, low, high = {GROW}, 0, count, 0, 0
    rows(pre, v, wiring, x, y.seen, log, third, factor, out, scratch[worker], c, mode, first, last, low, high,
         state.now[0], {place}, worker, state.cuts, events)
{handed}    return 0


def gather(sides, spikes, state, posts, pre, everyone, shares, v, wiring, x, y, log, third, of_post, factor, out,
           scratch, c, learns, k):
    n_pre, n_post, count, reaching, past = len(everyone), wiring.n_post, 0, 0, k - sides.delay
    for e in range(spikes.begin[sides.pre, k], spikes.end[sides.pre, k]):
        i = spikes.neurons[e] - sides.pre_start
        if i >= 0 and i < n_pre:
            if count > 0 and pre[count - 1] == i:
                x.times[i] += 1
                continue
            pre[count] = i
            x.times[i] = 1
            count += 1
    state.n_spiking[0] = count
    if learns:
        for e in range(spikes.begin[sides.post, past], spikes.end[sides.post, past]):
            j = spikes.neurons[e] - sides.post_start
            if j >= 0 and j < n_post:
                posts[reaching] = j
                reaching += 1
        if state.now[0] == len(log.start) - 1 or log.start[state.now[0]] + reaching > len(log.post):
            catch_up(state, everyone, v, wiring, x, y, log, third, factor, out, scratch, c)
        arrive(posts, y, third, of_post, log, reaching, state.now[0])
        state.now[0] += 1
        if sides.at_once and reaching:
            catch_up(state, everyone, v, wiring, x, y, log, third, factor, out, scratch, c)
    if {by_columns} and len(shares) > 2:
        cut(state, log, shares, sides.first_post)
    return 0


def cut(state, log, shares, first_post):
    for k in range(state.n_cut[0], state.now[0]):
        e = log.start[k]
        for worker in range(len(shares)):
            while e < log.start[k + 1] and log.post[e] < shares[worker] - first_post:
                e += 1
            state.cuts[worker, k] = e
    state.n_cut[0] = state.now[0]
    return 0


def catch_up(state, everyone, v, wiring, x, y, log, third, factor, out, scratch, c):
    now = state.now[0]
    if now > 0:
        rows(everyone, v, wiring, x, y.seen, log, third, factor, out, scratch[0], c,
             {REPLAY}, 0, len(everyone), 0, wiring.n_post, now, 0, 0, state.cuts, {EVERY})
        state.now[0] = state.n_cut[0] = 0
        x.since[:] = 0
        log.start[0] = 0
        log.last[:] = -1
    return 0
"""


def visit_text(full: bool, rounded: bool) -> str:
    """The text of ``visit`` for rows that are ``full`` or not, and for synapses that are ``rounded`` to float32."""
    names = {name: value for name, value in globals().items() if isinstance(value, int)}
    return _TEXT.format(**names, by_columns=full, place=0 if rounded else "at", handed=_HANDED if rounded else "")
