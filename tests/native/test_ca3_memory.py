"""The CA3 memory, spike for spike: the published raster, and all gates, in both precisions."""

from __future__ import annotations

import numpy as np
import pytest
from alike import assert_alike
from rasters import raster

import ernsnn as ern
from ernsnn.models import CA3Memory


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_the_published_raster(precision):
    expected = raster("published")
    result = ern.run(expected.network(), duration_ms=expected.duration_ms, backend="native", precision=precision)
    expected.assert_shown(result.trains)


@pytest.mark.parametrize("gate", ["none", "astrocyte", "majority"])
def test_all_gates(gate):
    memory = CA3Memory(3, 8, gate=gate, spacing_ms=12)
    for cue, content in enumerate([[0, 1, 2], [2, 3, 4], [4, 5, 6, 7]]):
        memory.learn(cue=cue, content=content)
    memory.recall(content=[2, 3])
    memory.learn(cue=0, content=[5, 7])
    for cue in range(3):
        memory.recall(cue=cue)
    network = memory.network()
    expected, exact, rounded = (
        ern.run(network, duration_ms=130, backend=backend, **options).recording
        for backend, options in [
            ("reference", {}),
            ("native", {"precision": "float64"}),
            ("native", {"precision": "float32"}),
        ]
    )
    assert_alike(exact, expected)
    for name, (steps, neurons) in expected.spikes.items():
        assert np.array_equal(rounded.spikes[name][0], steps)
        assert np.array_equal(rounded.spikes[name][1], neurons)
    for name, variables in expected.synapses.items():
        np.testing.assert_allclose(rounded.synapses[name]["w"], variables["w"], atol=1e-5)
