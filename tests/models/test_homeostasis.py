"""Homeostasis: perturbations that strike whom they should, loops that push the right way, and the judgement."""

from __future__ import annotations

import numpy as np
import pytest

import ernsnn
from ernsnn.errors import InvalidModel
from ernsnn.models import homeostasis
from ernsnn.models.homeostasis import CONDITIONS, N_E, PERTURBATIONS


def network_of(result: ernsnn.Result, projection: str) -> np.ndarray:
    """Which network each synapse of a projection is in."""
    return next(p for p in result.graph.projections if p.name == projection).synapses.post // N_E


def test_each_perturbation_strikes_its_own_networks() -> None:
    net = homeostasis.build("none", tries=1, settle_s=0.3, perturbed_s=0.3)
    result = ernsnn.run(net, duration_ms=600, backend="native")
    lost, kept = result.recording.synapses["EE_lost"]["w"], net.projections["EE_kept"].weight
    assert kept == 2.0
    of = network_of(result, "EE_lost")
    assert (lost[of == 1] == 0).all()
    assert (lost[of != 1] == 2.0).all()
    halved, of = result.recording.synapses["IE"]["w"], network_of(result, "IE")
    assert (halved[of == 2] == 5.0).all()
    assert (halved[of != 2] == 10.0).all()
    share = len(lost) / (len(lost) + next(p.n_synapses for p in result.graph.projections if p.name == "EE_kept"))
    assert share == pytest.approx(0.3, abs=0.03)
    steps, inputs = result.recording.spikes["inputs"]
    rates = [np.bincount(inputs[late] // 40, minlength=3) for late in (steps < 300, steps >= 300)]
    assert rates[1][0] / rates[0][0] == pytest.approx(3, rel=0.25)
    assert rates[1][1:] / rates[0][1:] == pytest.approx(1, rel=0.25)


def test_the_same_networks_in_every_condition_and_perturbation() -> None:
    pairs = [
        next(p for p in ernsnn.lower(homeostasis.build(c, tries=2), 0).projections if p.name == "IE").synapses.pre
        for c in ("none", "all, coordinated")
    ]
    assert np.array_equal(*pairs)
    first, second, third = (p - p.min() for p in np.split(pairs[0], 3))
    assert np.array_equal(first, second)
    assert np.array_equal(first, third)


@pytest.mark.parametrize("condition", [c for c in CONDITIONS if c != "none"])
def test_loops_push_against_threefold_input(condition: str) -> None:
    settle, perturbed = 0.2, 1.3
    rates = {}
    for c in ("none", condition):
        net = homeostasis.build(c, tries=1, settle_s=settle, perturbed_s=perturbed, speed_up=1000.0)
        result = ernsnn.run(net, duration_ms=1000 * (settle + perturbed), backend="native")
        steps, neurons = result.recording.spikes["excites"]
        rates[c] = ((steps > 700) & (neurons < N_E)).sum()
    assert rates[condition] < rates["none"]


def test_the_judgement() -> None:
    back = np.array([15, 10, 8, 5, 5, 5, 5, 5, 5, 5.0])
    assert homeostasis.judged(back) == (2.0, True, False)  # seconds 2, 3 and 4 are the first three that are back
    assert homeostasis.judged(np.full(10, 5.0)) == (0.0, True, False)
    late = np.array([5, 5, 5, 5, 5, 5, 5, 5, 9, 9.0])
    assert homeostasis.judged(late)[1:] == (False, False)
    assert homeostasis.judged(np.array([70, 60, 5, 5, 5, 5, 5.0]))[2]
    assert not homeostasis.judged(np.array([70, 5, 5, 5, 5, 5, 5.0]))[2]  # the first second is the blow itself


def test_findings_count_failures() -> None:
    good, bad = np.full((10, 6), 5.0), np.full((10, 6), 5.0)
    bad[5:, :2] = 20.0
    rates = {c: bad if c == "none" else good for c in CONDITIONS}
    found = homeostasis._findings(rates, seeds=2, settled=4)
    assert found.results["none"][PERTURBATIONS[0]]["failures"] == 2
    assert found.results["none"][PERTURBATIONS[1]]["failures"] == 0
    assert found.results["none"][PERTURBATIONS[0]]["recovery_s"] is None
    assert "none: 2" in found.notes[1]
    assert homeostasis.measured(found.results).startswith("failures of 6: none: 2, 5 ms: 0")
    assert len(found.pictures) == 3


def test_settings() -> None:
    with pytest.raises(InvalidModel, match="whole seconds"):
        homeostasis.experiment(settle_s=1.0)
