"""The spikes of the last steps: as a list of them says, in memory for what there is."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import ernsnn as ern
from ernsnn.backend.state import restore, state_of
from ernsnn.hardware_backends.reference.past import Past


@pytest.mark.parametrize("length", [1, 2, 7, 100])
@pytest.mark.parametrize("rate", [0.0, 0.02, 0.5])
def test_as_a_list_of_steps(length, rate):
    rng, past, listed = np.random.default_rng(length), Past(length), []
    for t in range(1000):
        spikes = np.flatnonzero(rng.random(9) < rate)
        past.put(t, spikes)
        listed.append(spikes)
        for back in {0, length // 2, length - 1}:
            expected = listed[t - back] if back <= t else []
            assert past.at(t - back).tolist() == list(expected)
        assert past.possible(9)
    most = max((sum(map(len, listed[t : t + length])) for t in range(1000 - length)), default=0)
    assert len(past.kept["neurons"]) <= 2 * (most + 9)


def test_it_goes_on_from_its_state():
    rng, one = np.random.default_rng(1), Past(5)
    for t in range(23):
        one.put(t, np.flatnonzero(rng.random(4) < 0.5))
    other = Past(5)
    restore(other, {path: np.array(part) for path, part in state_of(one).items()})
    for t in range(23, 60):
        for past in (one, other):
            past.put(t, np.arange(t % 4))
        assert [one.at(t - back).tolist() for back in range(5)] == [other.at(t - back).tolist() for back in range(5)]


@pytest.mark.parametrize("backend", ["reference", "native"])
def test_a_plastic_delay_of_a_million_steps_keeps_a_state_of_few_arrays(backend):
    net = ern.Network(dt_ms=1.0)
    source, cells = net.population("source", 3, ern.SpikeTimes([[1.0]] * 3)), net.population("cells", 2, ern.LIF())
    rule = ern.stdp.pair(A_plus=0.1, A_minus=0.1)
    net.projection("learns", source, cells, weight_nA=0.5, delay_ms=1e6, learning=rule)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ern.ModelWarning)
        result = ern.run(net, duration_ms=5.0, backend=backend)
        assert len(result.recording.state) < 100
        assert ern.run(net, duration_ms=5.0, start=result).recording.n_steps == 5
