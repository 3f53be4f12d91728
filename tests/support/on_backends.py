"""Assertions on a network for every backend that reads equations, and on issues of the others."""

from __future__ import annotations

import numpy as np

import ernsnn as ern
from ernsnn.backend.discovery import backend_names
from ernsnn.backend.registry import get_backend

QUICK = {"native": {"precision": "float64"}, "brian2": {"target": "numpy"}}
"""Settings of backends that have several: the ones that compute in float64, and start soon."""


def assert_equal_spikes(net: ern.Network, duration_ms: float, within: float = 1e-9) -> dict[str, int]:
    """Assert that spikes are equal, and probes ``within`` a share of their size.

    Returns population -> number of spikes.
    """
    reading = [name for name in backend_names() if get_backend(name).kinds is None and not get_backend(name).missing()]
    assert len(reading) >= 3
    expected = ern.run(net, duration_ms=duration_ms, backend="reference")
    for name in reading:
        result = ern.run(net, duration_ms=duration_ms, backend=name, **QUICK.get(name, {}))
        for population, (steps, neurons) in expected.recording.spikes.items():
            np.testing.assert_array_equal(result.recording.spikes[population][0], steps, err_msg=name)
            np.testing.assert_array_equal(result.recording.spikes[population][1], neurons, err_msg=name)
        for key, (_, values) in expected.recording.signals.items():
            most = within * np.max(np.abs(values), initial=0.0)
            np.testing.assert_allclose(result.recording.signals[key][1], values, rtol=0, atol=most, err_msg=name)
    return dict(expected.spike_counts)


def refused_in_words(net: ern.Network, population: str, kind: str) -> None:
    """Assert that every other backend reports G201 on the population, naming its kind and backends that have it."""
    others = [name for name in backend_names() if get_backend(name).kinds is not None]
    assert {"loihi-emulator", "spinnaker", "nest"} <= set(others)
    for name in others:
        [issue] = [issue for issue in ern.check(net, name).errors if issue.code == "G201"]
        assert issue.path == population
        assert f"its neurons are {kind}" in issue.message
        assert "run it on brian2, native, reference, torch" in issue.remedy


def modulator_refused_in_words(net: ern.Network, modulator: str, kind: str) -> None:
    """Every other backend says G204 of the third factor, names its kind, and where it runs."""
    others = [name for name in backend_names() if get_backend(name).modulators is not None]
    assert {"loihi-emulator", "spinnaker", "nest"} <= set(others)
    for name in others:
        [issue] = [issue for issue in ern.check(net, name).errors if issue.code == "G204"]
        assert issue.path == modulator
        assert f"its kind is {kind}, and {name} has " in issue.message
        assert issue.remedy == "run it on brian2, native, reference, torch"
