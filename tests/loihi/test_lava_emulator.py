"""Lava and the emulator, bit for bit: every spike, and every variable after every step."""

from __future__ import annotations

import numpy as np
import pytest
from drawn_integers import integer_networks
from hypothesis import given, settings
from lava_needed import LAVA, needs_lava

from ernsnn.hardware_backends.loihi.arithmetic.integers import IntegerNetwork
from ernsnn.hardware_backends.loihi.emulator.emulator import Emulator
from ernsnn.hardware_backends.loihi.lava.run import run_on_lava

STEPS = 60


# Each example takes some seconds; the emulator is tested against plain numbers with many more.
@needs_lava
@settings(LAVA, max_examples=2)
@given(integer_networks(steps=STEPS))
def test_they_agree(network: IntegerNetwork) -> None:
    assert_same(network)


@needs_lava
@pytest.mark.slow
@settings(LAVA, max_examples=30)
@given(integer_networks(steps=STEPS))
def test_they_agree_on_many(network: IntegerNetwork) -> None:
    assert_same(network)


def assert_same(network: IntegerNetwork) -> None:
    names = [c.name for c in network.cells] + [a.name for a in network.astrocytes]
    names += [c.name for c in network.connections if c.rule]
    lava = run_on_lava(network, STEPS, watch=dict.fromkeys(names, range(STEPS)), patience_s=60)
    emulator = Emulator(network)
    for step in range(STEPS):
        emulator.advance(1)
        for name, variables in lava.states.items():
            for variable, values in variables.items():
                found = emulator.variable(name, variable).reshape(-1)
                assert np.array_equal(found, values[step].reshape(-1)), (step, name, variable)
    assert emulator.spikes.keys() == lava.spikes.keys()
    for name, (steps, neurons) in emulator.spikes.items():
        assert np.array_equal(lava.spikes[name][0], steps), name
        assert np.array_equal(lava.spikes[name][1], neurons), name
