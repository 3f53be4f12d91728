"""Comparison of two recordings."""

from __future__ import annotations

import numpy as np


def assert_alike(actual, expected):
    """Assert that spikes are equal, and everything else within 1e-9 relative."""
    assert actual.spikes.keys() == expected.spikes.keys()
    for name, (steps, neurons) in expected.spikes.items():
        assert np.array_equal(actual.spikes[name][0], steps), name
        assert np.array_equal(actual.spikes[name][1], neurons), name
    assert actual.signals.keys() == expected.signals.keys()
    for name, (steps, values) in expected.signals.items():
        assert np.array_equal(actual.signals[name][0], steps), name
        np.testing.assert_allclose(actual.signals[name][1], values, rtol=1e-9, atol=1e-9, err_msg=name)
    for kind in ("synapses", "neurons"):
        for owner, variables in getattr(expected, kind).items():
            for variable, values in variables.items():
                if len(values) == 0:
                    continue
                result = getattr(actual, kind)[owner][variable]
                np.testing.assert_allclose(result, values, rtol=1e-9, atol=1e-12, err_msg=f"{owner}.{variable}")
