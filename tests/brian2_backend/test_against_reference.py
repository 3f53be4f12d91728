"""Random networks give the same spikes, weights, marks and probes on the reference and in generated Brian2 code."""

from __future__ import annotations

import pytest
from forked import assert_same
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strategies import STEPS, networks

from ernsnn import lower

SETTINGS = settings(deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), max_examples=20)


@SETTINGS
@given(networks(), st.integers(0, 2**31))
def test_random_networks(network, seed):
    assert_same(lower(network, seed), STEPS)


@settings(SETTINGS, max_examples=8)
@given(
    networks(
        rules=("general",),
        modulators=("astrocyte", "signal"),  # those with calcium are slow to compile, and have a test of their own
        always=("plastic", "third_factors", "marks", "epochs", "flows"),
        intrinsic=False,
    )
)
def test_flows(network):
    assert_same(lower(network, 3), STEPS)


@settings(SETTINGS, max_examples=3)
@given(networks(rules=("general",), modulators=("calcium",), always=("plastic", "third_factors"), intrinsic=False))
def test_astrocytes_with_calcium(network):
    assert_same(lower(network, 4), STEPS)


@pytest.mark.slow
@settings(SETTINGS, max_examples=150)
@given(networks(), st.integers(0, 2**31))
def test_many_networks(network, seed):
    assert_same(lower(network, seed), STEPS)
