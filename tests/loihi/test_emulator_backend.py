"""The backend "loihi-emulator": the CA3 memory, the user's units, and Lava itself beside it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from lava_needed import needs_lava

import ernsnn as ern
from ernsnn.errors import InvalidModel
from ernsnn.hardware_backends.loihi.emulator.backend import LoihiEmulatorBackend
from ernsnn.models.ca3_memory import build

ROOT = Path(__file__).resolve().parents[2]
RASTERS = {
    "published": ROOT.parent / "shared" / "data" / "ca3_experiment1.json",
    "own": ROOT / "tests" / "data" / "ca3_regression.json",
}


def lively() -> ern.Network:
    """Static and plastic delays, a gated rule with a mark, and probes of everything."""
    net = ern.Network(dt_ms=1.0)
    source = net.population("in", 6, ern.SpikeTimes([[5, 20, 30], [6, 21], [7, 40], [5, 25], [22], [35]]))
    a = net.population("a", 4, ern.LIF(tau_m_ms=10, cm_nF=0.2, tau_refrac_ms=2.0))
    b = net.population("b", 3, ern.LIF(tau_m_ms=8, cm_nF=0.2, tau_refrac_ms=1.0))
    net.projection("in-a", source, a, weight_nA=ern.Uniform(0.6, 1.6), delay_ms=2)
    rule = ern.pair_stdp(A_plus=0.1, A_minus=0.06, tau_plus_ms=4, tau_minus_ms=4, w_max=2.0)
    plastic = net.projection("a-b", a, b, weight_nA=ern.Uniform(0.2, 0.6), delay_ms=3, learning=rule)
    glia = net.astrocyte("glia", [a], tau_ms=30)
    for target, variable in ((a, "v_mV"), (plastic, "w"), (glia, "C")):
        net.probe(target, variable, every_ms=3)
    return net


@pytest.mark.parametrize("name", RASTERS)
def test_the_ca3_memory_spike_for_spike(name: str) -> None:
    path = RASTERS[name]
    if not path.exists():
        pytest.skip(f"{path.name} is not here (published data, not part of this repository)")
    data = json.loads(path.read_text())
    bench = data["testbench"]
    network = build(len(bench["cue"]), len(bench["cont"]), bench["cue"], bench["cont"])
    result = ern.run(network, duration_ms=bench["simTime"], backend=LoihiEmulatorBackend())
    assert {population: result.trains(population) for population in data["raster"]} == data["raster"]


def test_near_the_reference_in_the_users_units() -> None:
    expected = ern.run(lively(), duration_ms=60, backend="reference")
    found = ern.run(lively(), duration_ms=60, backend=LoihiEmulatorBackend())
    for population in expected.recording.spikes:
        assert found.trains(population) == expected.trains(population)
    assert sum(len(steps) for steps, _ in expected.recording.spikes.values()) > 30
    for key, (steps, values) in expected.recording.signals.items():
        assert np.array_equal(found.recording.signals[key][0], steps)
        # 8-bit weights, 12-bit decays, traces rounded at random; a plastic delay learns later (a relay).
        allowed = 0.2 if key == "a-b.w" else 0.02 * np.ptp(values)
        assert np.max(np.abs(found.recording.signals[key][1] - values)) < allowed, key
    [weights] = expected.recording.synapses["a-b"].values()
    assert np.max(np.abs(found.recording.synapses["a-b"]["w"] - weights)) < 0.1
    assert np.ptp(weights) > 0.3


def test_the_order_and_the_seed_matter() -> None:
    runs = [
        ern.run(lively(), duration_ms=60, backend=LoihiEmulatorBackend(), **options).recording
        for options in ({}, {"rounding_seed": 5}, {"order": "loihi"}, {})
    ]
    weights = [run.synapses["a-b"]["w"] for run in runs]
    assert np.array_equal(weights[0], weights[3])
    assert not np.array_equal(weights[0], weights[1])
    assert not np.array_equal(weights[0], weights[2])
    with pytest.raises(InvalidModel, match="order must be one of"):
        ern.run(lively(), duration_ms=60, backend=LoihiEmulatorBackend(), order="other")


@needs_lava
@pytest.mark.slow
def test_equal_to_lava_in_every_number() -> None:
    emulator, lava = (ern.run(lively(), duration_ms=60, backend=b) for b in (LoihiEmulatorBackend(), "lava"))
    ours, theirs = emulator.recording.to_arrays(), lava.recording.to_arrays()
    assert ours.keys() == theirs.keys()
    for key, values in theirs.items():
        assert np.array_equal(ours[key], values), key
