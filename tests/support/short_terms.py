"""Short-term plasticity of a kind of one state, and a projection that has it."""

from __future__ import annotations

import ernsnn as ern


def own(**changed) -> type[ern.ShortTerm]:
    given = {"parameters": {"a": 1.0}, "states": {"x": 1.0}, "on_spike": "x = x + a", "factor": "x"}
    return ern.ShortTerm.from_equations("Own", **{**given, **changed})


def between(short: object, learning: ern.LearningRule | None = None, **options) -> ern.Network:
    net = ern.Network()
    source = net.population("source", 3, ern.SpikeTimes([[1.0], [2.0], [3.0]]))
    cells = net.population("cells", 2, ern.LIF())
    net.projection("p", source, cells, weight_nA=0.5, short_term=short, learning=learning, **options)
    return net
