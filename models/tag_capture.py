r"""Marked synapses, each on its own, that spike trains tag and a signal consolidates.

Every protocol is a synapse between a source and a neuron that a strong teacher makes fire; the weight starts at its
rest w0 = .3. The rule is the mark model of the project's design note (its variant A_h = 0, w0 = .3, A_minus = .0105):

    post: w += .01 x (1 + a) (1 - w) (1 - .98 m)^2,   a += .02 x (1 - a) - .006 a;    pre: w -= .0105 y w (1 - .98 m)^2
    da/dt = -a/120 s,   dw/dt = -(w - w0 - (1 - w0) m)/900 s,
    dm/dt = (H(m - .5) - m)/600 s + .15/s P [a - .3]_+ (1 - m);   traces x, y: 20 ms;   epochs of 1 s
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ernsnn.describe import stdp
from ernsnn.describe.connectors import OneToOne
from ernsnn.describe.marks import Labile, Stable, WeightRelax
from ernsnn.describe.modulators import ThirdFactor
from ernsnn.describe.network import Network
from ernsnn.describe.neurons import LIF
from ernsnn.describe.stimuli import SpikeTimes
from ernsnn.errors import InvalidModel

# The teacher's spike acts two steps after it: one of delay, one since arrivals act from the next step on.
_TEACHER_LEAD_MS = 2


@dataclass(frozen=True)
class Protocol:
    """Spike times in ms at one synapse (post spikes as they reach it), and when P is 1 (from, to), or None."""

    pre: Sequence[int]
    post: Sequence[int]
    consolidation_ms: tuple[int, int] | None = None


def build(protocols: Mapping[str, Protocol], w0: float = 0.3) -> Network:
    """One marked synapse a protocol, in their order: populations "pre" and "post", projection "synapses", signal "P".

    Steps are of 1 ms; ``w``, ``a`` and ``m`` are probed once a second. Raises InvalidModel on post spikes too early
    for the teacher.
    """
    for name, protocol in protocols.items():
        if any(t <= _TEACHER_LEAD_MS for t in protocol.post):
            raise InvalidModel(f"tag_capture: {name}: post spikes come after {_TEACHER_LEAD_MS} ms")
    n, each = len(protocols), list(protocols.values())
    net = Network(name="tag_capture", dt_ms=1.0)
    pre = net.population("pre", n, SpikeTimes([list(p.pre) for p in each]))
    # A post spike reaches the synapse one step after it.
    early = 1 + _TEACHER_LEAD_MS
    teacher = net.population("teacher", n, SpikeTimes([[t - early for t in p.post] for p in each]))
    post = net.population("post", n, LIF(tau_syn_E_ms=0.3))
    net.projection("teaching", teacher, post, OneToOne(), weight_nA=100)
    rule = stdp.pair(
        A_plus=0.01,
        A_minus=0.0105,
        dependence="multiplicative",
        marks=[
            Labile("a", tau_s=120, rise=0.02, fall=0.006),
            Stable("m", tau_s=600, consolidated_by="P", tag="a"),
        ],
        rest=WeightRelax(tau_s=900, to=w0, of="m"),
    )
    times = sorted({0, *(t for p in each if p.consolidation_ms for t in p.consolidation_ms)})
    signal = net.signal("P", times_ms=times, values=np.array([[float(_open(p, t)) for p in each] for t in times]))
    synapses = net.projection(
        "synapses",
        pre,
        post,
        OneToOne(),
        weight_nA=w0,
        learning=rule,
        third_factors={"P": ThirdFactor(modulator=signal, per="post")},
    )
    for variable in rule.variables:
        net.probe(synapses, variable, every_ms=1000)
    return net


def _open(protocol: Protocol, t: int) -> bool:
    return protocol.consolidation_ms is not None and protocol.consolidation_ms[0] <= t < protocol.consolidation_ms[1]
