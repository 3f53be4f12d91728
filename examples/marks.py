"""Epigenetic marks: what was marked while a signal came is protected when noise unlearns everything else.

A labile tag a follows potentiation; a stable mark m latches where the tag meets the consolidation signal P, and then
protects the weight. The same network with the same rule, but without marks, forgets.
"""

import numpy as np

import ernsnn as ern

LEARN_MS, NOISE_MS = 1_000, 2_000

tag = ern.marks.Labile("a", tau_s=2, rise=0.05)
lock = ern.marks.Stable("m", tau_s=600, consolidated_by="P", tag="a", rate_per_s=4)

timeline = ern.Timeline(
    [ern.Phase("learn", LEARN_MS, rate=[60.0] * 20 + [2.0] * 20, signal=1.0), ern.Phase("noise", NOISE_MS, drive=0.9)],
    rate=[15.0] * 40,
    drive=0.0,
    signal=0.0,
)

for label, kept in (("with marks", [tag, lock]), ("without", [])):
    net = ern.Network(name="marks")
    inputs = net.population("inputs", 40, ern.Poisson(timeline.schedule("rate")))
    cells = net.population("cells", 5, ern.LIF(tau_refrac_ms=2))
    net.inject(cells, timeline.schedule("drive"))
    signal = net.signal("signal", timeline.schedule("signal"))
    rule = ern.stdp.pair(A_plus=0.01, A_minus=0.012, w_max=0.4, marks=kept)
    third_factors = {"P": signal} if kept else {}
    p = net.projection("memory", inputs, cells, weight_nA=0.2, learning=rule, third_factors=third_factors)
    net.probe(p, "w", every_ms=LEARN_MS)
    result = ern.run(net, duration_ms=timeline.duration_ms, seed=0, backend="reference")
    times_ms, w = result.signal("memory", "w")
    learned, left = (np.nanmean(row.reshape(40, 5)[:20]) for row in (w[0], w[-1]))
    print(f"{label:11} learned {learned:.3f} nA, left after the noise {left:.3f} nA")
