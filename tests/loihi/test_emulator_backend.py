"""The backend "loihi-emulator": the CA3 memory, the user's units, and Lava itself beside it."""

from __future__ import annotations

import numpy as np
import pytest
from lava_needed import needs_lava
from on_loihi import assert_near_the_reference, assert_the_ca3_memory_is, lively
from rasters import RASTERS

import ernsnn as ern
from ernsnn.errors import InvalidModel


@pytest.mark.parametrize("name", RASTERS)
def test_the_ca3_memory_spike_for_spike(name: str) -> None:
    assert_the_ca3_memory_is(name, "loihi-emulator")


def test_near_the_reference_in_the_users_units() -> None:
    assert_near_the_reference("loihi-emulator")


def test_the_order_and_the_seed_matter() -> None:
    runs = [
        ern.run(lively(), duration_ms=60, backend="loihi-emulator", **options).recording
        for options in ({}, {"rounding_seed": 5}, {"order": "loihi"}, {})
    ]
    weights = [run.synapses["a-b"]["w"] for run in runs]
    assert np.array_equal(weights[0], weights[3])
    assert not np.array_equal(weights[0], weights[1])
    assert not np.array_equal(weights[0], weights[2])
    with pytest.raises(InvalidModel, match="order must be one of"):
        ern.run(lively(), duration_ms=60, backend="loihi-emulator", order="other")


@needs_lava
@pytest.mark.slow
def test_equal_to_lava_in_every_number() -> None:
    emulator, lava = (ern.run(lively(), duration_ms=60, backend=b) for b in ("loihi-emulator", "lava"))
    ours, theirs = emulator.recording.to_arrays(), lava.recording.to_arrays()
    assert ours.keys() == theirs.keys()
    for key, values in theirs.items():
        assert np.array_equal(ours[key], values), key
