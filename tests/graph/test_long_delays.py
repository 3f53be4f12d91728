"""Delays that are too long to be counted, and long ones, which cost memory alone."""

from __future__ import annotations

import numpy as np
import pytest

import ernsnn


@pytest.mark.parametrize(
    "delay_ms",
    [
        3e9,
        np.full((2, 2), 3e9),
        ernsnn.Exponential(1e300),
        ernsnn.Exponential(1e9),
        ernsnn.LogNormal(1.0, 30.0),
        ernsnn.Normal(1.0, 1e9),
        ernsnn.Uniform(1.0, 3e9),
    ],
    ids=repr,
)
def test_delays_beyond_what_backends_count_are_refused(delay_ms):
    net = ernsnn.Network()
    cells = net.population("cells", 2, ernsnn.LIF())
    net.projection("far", cells, cells, weight_nA=0.1, delay_ms=delay_ms)
    with pytest.raises(ernsnn.InvalidModel, match=r"far\.delay_ms: .*(choose shorter ones|choose less)"):
        ernsnn.lower(net)


@pytest.mark.parametrize("delay_ms", [1e6, ernsnn.Uniform(1.0, 1e6), ernsnn.Exponential(1e4)], ids=repr)
def test_long_delays_cost_memory_that_is_counted_and_no_time(delay_ms, monkeypatch):
    net = ernsnn.Network()
    source, cells = net.population("s", 1, ernsnn.SpikeTimes([[1.0]])), net.population("cells", 3, ernsnn.LIF())
    net.projection("far", source, cells, weight_nA=90.0, delay_ms=delay_ms)
    results = [ernsnn.run(net, duration_ms=20, backend=backend) for backend in ("reference", "native")]
    assert ernsnn.compare(*results).equal
    monkeypatch.setattr("ernsnn.backend.memory.available_bytes", lambda: 400_000)
    assert [issue.code for issue in ernsnn.check(net, "reference").errors] == ["R301"]
