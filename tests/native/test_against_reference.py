"""Random networks give the same spikes, weights, marks and probes on the reference and on the native engine.

Learning rules of random networks are all different, and each takes seconds to compile; their kernels run as plain
Python here, whose text is the same. A few common rules are compiled, too.
"""

from __future__ import annotations

import numpy as np
import pytest
from alike import assert_alike
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strategies import STEPS, networks

from ernsnn import lower
from ernsnn.hardware_backends.native import history
from ernsnn.hardware_backends.native.engine import Engine
from ernsnn.hardware_backends.reference.engine import Engine as Reference

SETTINGS = settings(deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), max_examples=25)
EVERYTHING = {"rules": ("general",), "always": ("plastic", "third_factors", "marks", "epochs", "flows")}


def assert_same(graph, compiled=False):
    expected = Reference(graph).run(STEPS, lambda fraction: None)
    assert_alike(Engine(graph, "float64", compiled).run(STEPS, lambda fraction: None), expected)


@SETTINGS
@given(networks(), st.integers(0, 2**31))
def test_random_networks(network, seed):
    assert_same(lower(network, seed))


@settings(SETTINGS, max_examples=10)
@given(networks(**EVERYTHING))
def test_flows(network):
    assert_same(lower(network, 3))


@settings(SETTINGS, max_examples=10)
@given(
    networks(rules=("general",), always=(*EVERYTHING["always"], "erasure", "normalise"), third_factor_sides=("pre",))
)
def test_third_factors_of_pre_neurons_and_erasure(network):
    assert_same(lower(network, 5))


@settings(SETTINGS, max_examples=10)
@given(networks(always=("plastic",)))
def test_logs_that_are_full_after_a_few_steps(network):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(history, "STEPS", 7)
        patch.setattr(history, "SPARE", 8)
        patch.setattr(history, "SPIKES_A_NEURON", 0)
        assert_same(lower(network, 6))


@settings(SETTINGS, max_examples=4)
@given(networks(rules=("pair",), always=("plastic",), heterogeneous_plastic_delays=False, intrinsic=False))
def test_compiled_pair_rules(network):
    assert_same(lower(network, 7), compiled=True)


@pytest.mark.slow
@settings(SETTINGS, max_examples=300)
@given(networks(), st.integers(0, 2**31))
def test_many_networks(network, seed):
    assert_same(lower(network, seed))


@pytest.mark.slow
@settings(SETTINGS, max_examples=5)
@given(networks(**EVERYTHING))
def test_compiled_rules_of_all_kinds(network):
    assert_same(lower(network, 8), compiled=True)


def test_the_comparison_sees_a_weight_that_differs():
    found, expected = (_recording(w) for w in (1.0, 1.0 + 1e-8))
    assert_alike(found, found)
    with pytest.raises(AssertionError):
        assert_alike(found, expected)


def _recording(w):
    from ernsnn.recording.recording import Recording

    return Recording(n_steps=1, spikes={}, synapses={"p": {"w": np.array([w])}})
