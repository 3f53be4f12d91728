"""The flat arrays that the compiled steps work on. Neurons have one index in the whole network, given ones first."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


def _record(*names: str) -> np.dtype[np.void]:
    return np.dtype([(name, np.int64) for name in names])


CONNECTION = _record(
    *("pre", "pre_first", "n_pre", "post_first", "n_post"),
    *("exponent", "at", "delays_at", "n_delays", "rule", "transmits_first"),
)
"""``at``: its first row in ``Wiring.rows``, or synapse in ``Plasticity.synapses``; ``rule``: -1 if static."""

RULE = _record("epoch", "every", "at", "first", "last", "has_x0", "uses", "with_y", "with_u", "alone", "masked")
"""u fires in every ``every``-th epoch (0: never); ``uses`` has a bit for each of w, t, d that is read or written,
``with_y`` for those with products of y0, ``with_u`` with products of u that are alone; ``alone`` if all of u are."""

END = _record("population", "first", "size", "delay")
"""The pre or post neurons of a plastic connection, and how late their spikes are learnt from."""

PRODUCT = _record("target", "event", "mantissa", "right", "left", "pre", "post", "synaptic", "end", "row", "alone")
"""mantissa * parts, shifted ``right``, then ``left``. Parts from ``pre`` on are of pre neurons, and so forth. It is
``alone`` if u fires it, and all its parts are of the variable that it changes."""

PART = _record("variable", "constant", "low", "high")
"""clip(variable + constant, low, high); a sign is a clip to -1 and 1."""

GLIA = _record("decay", "gain", "gated", "threshold", "threshold_off", "level", "shift", "members_at", "n_members")

MEMBER = _record("population", "first", "last")


class Membranes(NamedTuple):
    """Per population, where it begins and its size; per LIF neuron, its parameters and state; what arrives in steps."""

    n_given: int
    first: np.ndarray
    size: np.ndarray
    keep_u: np.ndarray
    keep_v: np.ndarray
    threshold: np.ndarray
    bias: np.ndarray
    refractory: np.ndarray
    u: np.ndarray
    v: np.ndarray
    waits: np.ndarray
    arriving: np.ndarray


class Wiring(NamedTuple):
    """Connections, synapses of static ones by pre neuron, ``gathered``: the sums (delay, post) of one connection."""

    connections: np.ndarray
    rows: np.ndarray
    targets: np.ndarray
    weights: np.ndarray
    delays: np.ndarray
    gathered: np.ndarray


class Plasticity(NamedTuple):
    """Learning rules r of all plastic connections, their state, and what one epoch needs room for.

    ``traces`` (r, trace, neuron), ``last`` (r, side, neuron): the sub-step of the last spike or 0, ``synapses``
    (w t d, synapse) with rows of pre neurons, ``spans`` (r, w t d): where the products of each begin, and the last end,
    ``past`` (trace, sub-step, neuron), ``active``: the post neurons with y0 in an epoch, ``still`` (r, pre): all its
    synapses would stay as they are when u fires.
    """

    rules: np.ndarray
    ends: np.ndarray
    spans: np.ndarray
    products: np.ndarray
    parts: np.ndarray
    used: np.ndarray
    third: np.ndarray
    impulse: np.ndarray
    floor: np.ndarray
    fraction: np.ndarray
    low: np.ndarray
    high: np.ndarray
    exists: np.ndarray
    traces: np.ndarray
    last: np.ndarray
    synapses: np.ndarray
    sunken: np.ndarray
    steps: int
    past: np.ndarray
    left: np.ndarray
    right: np.ndarray
    live: np.ndarray
    active: np.ndarray
    when: np.ndarray
    rows: np.ndarray
    table: np.ndarray
    still: np.ndarray


class Astrocytes(NamedTuple):
    """Leaky integrators with a state ``c``, and what they send."""

    cells: np.ndarray
    members: np.ndarray
    c: np.ndarray
    on: np.ndarray
    sends: np.ndarray


class Draws(NamedTuple):
    """Random numbers (step, rule) for rounding the traces of either side, and synapses."""

    pre: np.ndarray
    post: np.ndarray
    synapses: np.ndarray


class Output(NamedTuple):
    """Rings over recent steps: who spiked, and from which place on each population did; then the spikes of one call.

    ``steps`` and ``neurons`` have room for them, ``written`` is how many there are.
    """

    recent: np.ndarray
    starts: np.ndarray
    steps: np.ndarray
    neurons: np.ndarray
    written: np.ndarray
