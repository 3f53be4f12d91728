"""When two recordings say the same."""

from __future__ import annotations

import numpy as np


def assert_alike(found, expected):
    """Equal spikes; everything else within 1e-9 relative."""
    assert found.spikes.keys() == expected.spikes.keys()
    for name, (steps, neurons) in expected.spikes.items():
        assert np.array_equal(found.spikes[name][0], steps), name
        assert np.array_equal(found.spikes[name][1], neurons), name
    assert found.signals.keys() == expected.signals.keys()
    for name, (steps, values) in expected.signals.items():
        assert np.array_equal(found.signals[name][0], steps), name
        np.testing.assert_allclose(found.signals[name][1], values, rtol=1e-9, atol=1e-9, err_msg=name)
    for kind in ("synapses", "neurons"):
        for owner, variables in getattr(expected, kind).items():
            for variable, values in variables.items():
                if len(values) == 0:
                    continue
                result = getattr(found, kind)[owner][variable]
                np.testing.assert_allclose(result, values, rtol=1e-9, atol=1e-12, err_msg=f"{owner}.{variable}")
