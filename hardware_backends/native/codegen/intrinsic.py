"""The kernel of intrinsic plasticity, written from its rule: stages 4 and 5 for a population's own spikes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ernsnn.describe.learning import EPOCH, POST
from ernsnn.graph.graph import Learning

from ...machine_code import Kernel
from ..kernels.jit import load
from .expressions import Constants, Names, changed
from .neurons import TINY

_HEAD = '''\
def adapt(spikes, row, first, shares, cells, places, traces, decay, increment, c, learns, epoch, a, b, worker):
    """Step ``a`` of a worker's neurons; neuron i, of all the ``first`` + i, has its number in ``cells[places[i]]``."""
    if learns[0] == 0:
        return
    k = a - spikes.origin[0]
    low, high = max(shares[worker] - first, 0), min(shares[worker + 1] - first, len(places))
    for n in range(len(decay)):
        for i in range(low, high):
            traces[n, i] *= decay[n]
            if abs(traces[n, i]) < {tiny!r}:
                traces[n, i] = 0.0
'''


def adapt(learning: Learning) -> tuple[Kernel, np.ndarray]:
    """The kernel, and the numbers that it is to be passed as ``c``."""
    names, k = Names(learning), Constants()
    spiking, everyone = (list(_changed(learning, names, event, k)) for event in (POST, EPOCH))
    grown = [
        f"traces[{n}, i] {'' if t.trace.mode == 'set' else '+'}= increment[{n}]" for n, t in enumerate(learning.traces)
    ]
    lines = [*k.unpacked(), "for e in range(spikes.begin[row, k], spikes.end[row, k]):"]
    lines += ["    i = spikes.neurons[e]", "    if i >= low and i < high:", "        pass"]
    lines += [f"        {line}" for line in (*spiking, *grown)]
    if everyone:
        lines += ["if epoch and (a + 1) % epoch == 0:", "    for i in range(low, high):"]
        lines += [f"        {line}" for line in everyone]
    text = _HEAD.format(tiny=TINY) + "".join(f"    {line}\n" for line in lines)
    return load(text)["adapt"], k.array


def _changed(learning: Learning, names: Names, event: str, k: Constants) -> Iterator[str]:
    terms = [term for term in learning.terms if term.event == event]
    if terms:
        yield "v0 = cells[places[i]]"
        yield from (f"{names.of[t.name]} = traces[{n}, i]" for n, t in enumerate(learning.traces))
        yield from changed(terms, learning, names, k)
        yield "cells[places[i]] = v0"
