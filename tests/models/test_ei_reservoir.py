"""The reservoir: networks differ in their balance alone, targets are reached, and read-outs are right."""

from __future__ import annotations

import numpy as np
import pytest

import ernsnn
from ernsnn.errors import InvalidModel
from ernsnn.models import ei_reservoir, readout
from ernsnn.models.ei_reservoir import NETWORKS, Balance, Condition
from ernsnn.models.experiments import ei_reservoir as study
from ernsnn.models.experiments.ei_reservoir import ADAPTIVE, COUPLINGS, GRID, conditions


def test_networks_differ_in_their_balance_alone() -> None:
    of = [Condition("h = 1", b) for b in (Balance(1.0, 2.0), Balance(2.0, 3.0), Balance(), Balance(w_E=3.0))]
    graph = ernsnn.lower(ei_reservoir.build(of, np.random.default_rng(0).random(5), 2, 16, 3), 3)
    parts = {p.name: p for p in graph.projections}

    def of_network(name: str, k: int, sizes: tuple[int, int]) -> np.ndarray:
        """Pre, post and weight of network k, sorted."""
        found = parts[name].synapses
        mine = found.post // sizes[1] == k
        assert (found.pre[mine] // sizes[0] == k).all()
        pre, post, weight = found.pre[mine] - k * sizes[0], found.post[mine] - k * sizes[1], found.variables["w"][mine]
        return np.stack([pre, post, weight])[:, np.lexsort((pre, post))]

    for name, kinds in (("EE", (16, 16)), ("EI", (16, 4))):
        first = of_network(name, 0, kinds)
        for k, condition in enumerate(of):
            own = of_network(name, k, kinds)
            assert np.array_equal(own[:2], first[:2])
            assert own[2] == pytest.approx(first[2] * condition.balance.w_E)
    first, second = (of_network("IE", k, (4, 16)) for k in (0, 1))
    assert np.array_equal(first[:2], second[:2])
    assert second[2] == pytest.approx(first[2] * 6.0 / 2.0)
    assert of_network("IE_adapts", 0, (4, 16)).size == 0
    for k in (2, 3):
        assert of_network("IE_adapts", k, (4, 16)) == pytest.approx(first)  # w = 2 nA is g w_E of the first
    offsets = np.asarray(next(p for p in graph.neurons() if p.name == "E").parameters["i_offset_nA"])
    assert np.array_equal(offsets, np.tile(offsets[:16], 4))


def test_heterogeneity_is_in_degrees_and_offsets() -> None:
    degrees, offsets = {}, {}
    for h in (0.0, 1.0):
        drawn = ei_reservoir.structure(h, 100, 0)
        degrees[h] = np.bincount(drawn.synapses["EE"][0][:, 1], minlength=100)
        offsets[h] = drawn.offsets["E"].std()
    assert set(degrees[0.0]) == {16}
    assert degrees[1.0].mean() == pytest.approx(16, rel=0.25)
    assert degrees[1.0].std() > 8
    assert degrees[1.0].min() >= 1
    assert offsets[0.0] == pytest.approx(1, rel=0.2)
    assert offsets[1.0] == pytest.approx(5, rel=0.2)


def test_numbers_reach_inhibitory_neurons_where_they_drive_them() -> None:
    of = [Condition(network, Balance(2.0, 2.0)) for network in ("h = 0", "h = 0, driven")]
    net = ei_reservoir.build(of, np.array([0.0, 1.0]), 0, 16, 0)
    inputs = {i.target.population.name: np.asarray(i.current.amplitudes_nA) for i in net.injections}
    assert (inputs["I"][:, :4] == 0).all()
    assert (inputs["I"][:, 4:] != 0).all()
    assert np.array_equal(inputs["E"][:, :16], inputs["E"][:, 16:])


@pytest.mark.parametrize("spread", [0.0, 0.5])
def test_plasticity_brings_neurons_to_their_targets(spread: float) -> None:
    balance = Balance(w_E=1.0, target_hz=40.0, spread=spread)
    numbers, size = np.random.default_rng(1).random(700), 40
    net = ei_reservoir.build([Condition("h = 0", balance)], numbers, 300, size, 1)
    result = ernsnn.run(net, duration_ms=700 * 20, seed=1, backend="native")
    _, rates = ei_reservoir.states(result, 400)
    wanted = ei_reservoir.targets(balance, size, 1)
    assert wanted.std() == 0 if spread == 0 else wanted.std() > 10
    assert rates.mean() == pytest.approx(wanted.mean(), rel=0.25)
    if spread:
        assert np.corrcoef(rates, wanted)[0, 1] > 0.7


def test_only_what_is_not_held_learns_while_numbers_are_read() -> None:
    numbers = np.random.default_rng(2).random(40)
    of = [Condition("h = 0", Balance(held=held)) for held in (True, False)]
    finals = [
        ernsnn.run(ei_reservoir.build(of, numbers, 20, 16, 2), duration_ms=n * 20, seed=2, backend="reference")
        for n in (20, 40)
    ]
    before, after = (r.recording.synapses["IE_adapts"]["w"] for r in finals)
    held = finals[0].graph.projections[-1].synapses.post < 16
    assert before[held].std() > 0
    assert np.array_equal(before[held], after[held])
    assert (before[~held] != after[~held]).any()


def test_states_are_spikes_that_fade() -> None:
    of = [Condition("h = 0", Balance(2.0, 2.0))]
    net = ei_reservoir.build(of, np.random.default_rng(3).random(12), 0, 16, 3)
    result = ernsnn.run(net, duration_ms=12 * 20, seed=3, backend="native")
    told, rates = ei_reservoir.states(result, 5)
    steps, neurons = result.recording.spikes["E"]
    late = steps >= 7 * 20
    assert rates == pytest.approx(np.bincount(neurons[late], minlength=16) / 0.1)
    ages = 239 - steps[late]
    expected = np.bincount(neurons[late], np.exp(-ages / 20), 16)
    assert told.shape == (5, 16)
    assert told[-1] == pytest.approx(expected)


def test_capacity_of_a_shift_register_of_noise_and_of_silence() -> None:
    rng = np.random.default_rng(0)
    numbers = rng.random(900)
    register = np.column_stack([np.roll(numbers, k) for k in range(5)])
    assert readout.capacity(100 * register, numbers) == pytest.approx(4, abs=0.2)
    assert readout.capacity(rng.random((900, 5)), numbers) < 0.3
    assert readout.capacity(np.zeros((900, 5)), numbers) == 0


def test_narma_follows_its_equation() -> None:
    numbers = np.random.default_rng(0).random(60)
    y, v = readout.narma(numbers), numbers / 2
    t = 40
    assert y[t + 1] == pytest.approx(0.3 * y[t] + 0.05 * y[t] * y[t - 9 : t + 1].sum() + 1.5 * v[t - 9] * v[t] + 0.1)
    wanted = readout.narma(np.random.default_rng(1).random(300))
    assert readout.error(100 * wanted[:, None], wanted) < 0.05
    assert readout.error(np.zeros((300, 1)), wanted) == pytest.approx(1, abs=0.2)


def test_findings_judge_by_the_best_static_balance() -> None:
    def runs(capacity: float, narma_error: float = 1.0) -> list[dict[str, float]]:
        return [{"capacity": capacity, "narma_error": narma_error, "rate_hz": 40.0, "off_target": 0.1}] * 2

    found = {c: runs(1.0) for c in conditions()}
    for network in NETWORKS:
        found[Condition(network, Balance(3.0, 2.0))] = runs(2.0)
        found[Condition(network, Balance(4.0, 1.0))] = runs(1.0, 0.5)
    found[Condition("h = 0", ADAPTIVE["adapting"])] = runs(2.5, 0.4)
    found[Condition("h = .5", ADAPTIVE["adapting"])] = runs(1.95)
    findings = study._findings(found)
    first = findings.results["h = 0"]
    assert (first["best_static"]["w_E_nA"], first["best_static"]["g"]) == (3.0, 2.0)
    assert (first["best_static_at_narma"]["w_E_nA"], first["best_static_at_narma"]["g"]) == (4.0, 1.0)
    assert first["adapting"]["gain"]["mean"] == 1.25
    assert first["adapting"]["narma_gain"]["mean"] == 1.25
    assert len(first["static"]) == len(GRID) * len(COUPLINGS)
    assert any(n.startswith("h = 0, adapting: works, and gains") for n in findings.notes)
    assert any(n.startswith("h = .5, adapting: works, and does not gain") for n in findings.notes)
    assert any(n.startswith("h = 1, adapting: does not work") for n in findings.notes)
    told = study.measured(findings.results)
    assert "adapting: h = 0: 1.25 ± 0.00; h = .5: 0.97 ± 0.00" in told
    assert told.endswith("NARMA-10: 0.50 to 1.25")
    assert len(findings.pictures) == 2


def test_the_experiment_reads_every_network() -> None:
    found = study.EXPERIMENT.findings(seeds=[0], excitatory=20, numbers=300, adaptation=50).results
    rates = [of["rate_hz"]["mean"] for of in found["h = 0"]["static"] if of["w_E_nA"] == 2.0]
    assert len(rates) == len(GRID)
    assert rates == sorted(rates, reverse=True)  # the more inhibition, the less they fire
    assert found["h = 0"]["adapting"]["capacity"]["mean"] > 0.2
    assert found["h = 1"]["adapting"]["off_target"]["mean"] < 0.5


def test_settings() -> None:
    with pytest.raises(InvalidModel, match="ei_reservoir: needs 16 to 4000 excitatory"):
        study.EXPERIMENT.findings(excitatory=10)
