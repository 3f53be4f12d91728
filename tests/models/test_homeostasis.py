"""Homeostasis: perturbations that change what they should, loops that push the right way, and the judgement."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import ernsnn
from ernsnn.errors import InvalidModel
from ernsnn.models import homeostasis
from ernsnn.models.experiments import homeostasis as study
from ernsnn.models.experiments.homeostasis import CONDITIONS, PERTURBATIONS, PULSES, SINGLE
from ernsnn.models.homeostasis import N_E, Loops


@pytest.fixture(scope="module")
def wiring() -> homeostasis.Networks:
    return homeostasis.wire([0], 2)


def test_networks_are_drawn_by_seed_and_try(wiring: homeostasis.Networks) -> None:
    both, other = homeostasis.wire([1, 0], 2), wiring.pairs["EE"]
    assert both.networks == 4
    assert np.array_equal(both.pairs["EE"][len(other) :] - 2 * N_E, other)
    assert not np.array_equal(both.pairs["EE"][: len(other)], other)
    assert (other[:, 0] // N_E == other[:, 1] // N_E).all()
    assert (np.bincount(other[:, 1]) == 16).all()


def test_what_a_perturbation_changes(wiring: homeostasis.Networks) -> None:
    lost = study.perturbed("30 % of synapses lost", wiring)
    assert set(lost) == {"to_E", "EE"}
    for name, w_mV in (("to_E", 1.0), ("EE", 3.0)):
        assert set(lost[name]) == {0.0, w_mV}
        assert (lost[name] == 0).mean() == pytest.approx(0.3, abs=0.04)
    halved = study.perturbed("inhibition halved", wiring)
    assert set(halved) == {"IE"}
    assert set(halved["IE"]) == {4.0}
    assert all(study.perturbed(p, wiring) == {} for p in PERTURBATIONS if "before" in p or "regrown" in p)


def test_lost_synapses_are_those_of_the_list(wiring: homeostasis.Networks) -> None:
    """Weights that were scaled keep what they have; the others are gone, and come back as they were."""
    net = homeostasis.build(Loops(k_hours=1.0), wiring)
    for p in ernsnn.lower(net, 0).projections:
        if p.name in wiring.lost:
            assert np.array_equal(np.column_stack([p.synapses.pre, p.synapses.post]), wiring.pairs[p.name])


def test_perturbations_and_pulses_move_the_rate_of_a_network_without_loops(wiring: homeostasis.Networks) -> None:
    rates = study.play(Loops(), wiring, settle_s=2, window_s=2, speed_up=1.0)
    assert rates.shape == (2 + 2 * len(PERTURBATIONS) + 2 * PULSES, 2)
    before, *after = rates[1 : 2 + 2 * len(PERTURBATIONS) : 2].mean(axis=1)
    assert 2 < before < 10
    threefold, normal, lost, regrown, halved, back = after
    assert threefold > 3 * before
    assert lost < 0.5
    assert halved > 50
    assert max(normal, regrown, back) < 10
    pulses = rates[-2 * PULSES :].mean(axis=1)
    assert pulses[1::2].mean() > 1.5 * pulses[::2].mean()


def test_a_network_that_is_scaled_loses_and_regrows_synapses(wiring: homeostasis.Networks) -> None:
    """Standing still (k next to nothing), scaled weights are perturbed as static ones are."""
    still = Loops(k_hours=1e-9)
    scaled, static = (study.play(loops, wiring, settle_s=1, window_s=1, speed_up=1.0) for loops in (still, Loops()))
    assert scaled == pytest.approx(static, rel=0.01)  # the sums of weights are rounded elsewhere


@pytest.mark.parametrize("name", [name for name in CONDITIONS if name != "none"])
def test_loops_push_against_errors_of_both_signs(name: str, wiring: homeostasis.Networks) -> None:
    def rate(loops: Loops, rate_hz: float) -> float:
        result = ernsnn.run(
            homeostasis.build(loops, wiring, rate_hz, speed_up=100.0), duration_ms=2000, backend="native"
        )
        return float(study.rates_hz(result, 2)[1].mean())

    assert rate(CONDITIONS[name], 60.0) < rate(Loops(), 60.0)
    if name != "5 ms":  # which only takes away
        assert rate(CONDITIONS[name], 15.0) > rate(Loops(), 15.0)


def test_the_coordinator_hurries_where_there_is_need(wiring: homeostasis.Networks) -> None:
    """It is off at r0, where weights hardly move, and on under threefold input."""
    moved = {}
    for rate_hz in (20.0, 60.0):
        net = homeostasis.build(Loops(0.5, 0.3, k_hours=1e-3, k_coordinated=10.0), wiring, rate_hz)
        net.probe(net.modulators["need"], "value", every_ms=100.0)
        result = ernsnn.run(net, duration_ms=4000, backend="native")
        need = result.signal("need", "value")[1]
        assert set(np.unique(need)) <= {0.0, 1.0}
        assert (need.reshape(-1, 2, N_E) == need.reshape(-1, 2, N_E)[:, :, :1]).all()  # one for each network
        moved[rate_hz] = (need.mean(), np.abs(result.recording.synapses["EE"]["w"] / 3.0 - 1).mean())
    assert moved[60.0][0] > 0.9
    assert moved[20.0][0] < 0.5
    assert moved[60.0][1] > 0.01
    assert moved[60.0][1] > 3 * moved[20.0][1]


def test_the_judgement() -> None:
    back = np.array([15.0, 10.0, 8.0, *[5.0] * 12])
    assert study.judged(back) == (1.0, False)  # from second 1 on the mean of ten is 5.8
    assert study.judged(np.full(12, 5.0)) == (0.0, False)
    assert study.judged(np.array([*[5.0] * 10, *[20.0] * 2])) == (None, False)
    assert study.judged(np.array([*[60.0] * 3, *[5.0] * 20]))[1]
    assert not study.judged(np.array([*[70.0] * 2, *[5.0] * 20]))[1]


def test_findings_count_failures() -> None:
    seconds = 3 + 6 * 12 + 2 * PULSES
    good = np.full((seconds, 4), 5.0)
    good[-2 * PULSES + 1 :: 2] = 9.0
    bad, slow = good.copy(), good.copy()
    bad[3 : 3 + 12, :2] = 70.0
    slow[3] = 30.0  # the mean of ten is 7.5 then
    rates = {c: bad if c == "none" else slow if c in SINGLE else good for c in CONDITIONS}
    findings = study._findings(rates, seeds=2, settle_s=3, window_s=12)
    found = findings.results["conditions"]
    none = found["none"]
    assert (none["tries"], none["failures"], none["runaways"]) == (24, 2, 2)
    assert none["perturbations"][PERTURBATIONS[0]]["recovery_s"]["values"] == [12.0, 0.0]
    assert none["recovery_s"]["values"] == [2.0, 0.0]
    assert none["answer_hz"]["mean"] == 4.0
    assert found["all"]["failures"] == 0
    assert findings.results["best_single"] == "5 ms"  # all are alike
    assert findings.results["seconds_saved_over"]["5 ms"]["mean"] == pytest.approx(1 / 6)
    assert study.measured(findings.results).startswith("failures of 24 perturbations: none 2; 5 ms 0; ")
    assert len(findings.pictures) == 2


def test_settings() -> None:
    with pytest.raises(InvalidModel, match="window_s > 10"):
        study.EXPERIMENT.findings(window_s=10)


def test_no_condition_is_another() -> None:
    """Two of one kind would be told as two; what the coordinator adds is itself alone."""
    assert len(set(CONDITIONS.values())) == len(CONDITIONS)
    coordinated = CONDITIONS["all, coordinated"]
    assert replace(coordinated, k_coordinated=0.0) == CONDITIONS["all"]
