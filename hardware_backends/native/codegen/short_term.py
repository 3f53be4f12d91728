"""Kernels of short-term plasticity, written from the table of its kind: pre neurons that spike, one by one."""

from __future__ import annotations

import functools

from ernsnn.describe.expressions import printed
from ernsnn.describe.short_term import NEVER, ShortTermKind

from ...machine_code import Kernel
from ..kernels.arithmetic import FUNCTIONS
from ..kernels.jit import load
from .neurons import LANGUAGE

_HEAD = '''\
def renew(spikes, row, start, state, last, factor, constants, a, b, worker):
    """Of the neurons from ``start`` on, those that spike in step ``a``; ``constants`` end with dt."""
    if worker > 0:
        return
    t, k = a, a - spikes.origin[0]
    for e in range(spikes.begin[row, k], spikes.end[row, k]):
        i = spikes.neurons[e] - start
        if i < 0 or i >= len(last):
            continue
        g_dt = constants[{n}, i]
        g_since = (t - last[i] if last[i] >= 0.0 else {never!r})*g_dt
'''


@functools.cache
def renew(kind: ShortTermKind) -> Kernel:
    """The kernel that renews the states (states, n_pre) and the factors of neurons that spike."""
    parameters, states = [p.name for p in kind.parameters], [s.name for s in kind.states]

    def name_of(name: str) -> str:
        prefix = "c" if name in parameters else "s" if name in states else "t"
        return f"g_{name}" if name in ("dt", "since") else f"{prefix}_{name}"

    lines = [f"c_{name} = constants[{k}, i]" for k, name in enumerate(parameters) if name in kind.names]
    lines += [f"s_{name} = state[{k}, i]" for k, name in enumerate(states)]
    lines += [f"{name_of(s.target)} = {printed(s.value, LANGUAGE, name_of)}" for s in kind.on_spike]
    lines += [f"state[{k}, i] = s_{name}" for k, name in enumerate(states)]
    # Of several spikes in a step the factors add up.
    lines += [f"factor[i] = {printed(kind.factor, LANGUAGE, name_of)} + (factor[i] if last[i] == t else 0.0)"]
    lines.append("last[i] = t")
    text = _HEAD.format(n=len(parameters), never=NEVER) + "".join(f"        {line}\n" for line in lines)
    return load(text, FUNCTIONS)["renew"]
