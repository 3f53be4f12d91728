"""The reservoir: networks differ in their balance alone, targets are reached, and read-outs are right."""

from __future__ import annotations

import numpy as np
import pytest

import ernsnn
from ernsnn.errors import InvalidModel
from ernsnn.models import ei_reservoir
from ernsnn.models.ei_reservoir import GRID, Condition, conditions


def test_networks_differ_in_their_balance_alone() -> None:
    numbers = np.random.default_rng(0).random(5)
    graph = ernsnn.lower(ei_reservoir.build(numbers, 2, excitatory=16, seed=3), 3)
    parts = {p.name: p for p in graph.projections}
    n_static = len(GRID) * 3
    static, adapts = parts["IE"].synapses, parts["IE_adapts"].synapses
    pre, post = static.pre.reshape(n_static, -1), static.post.reshape(n_static, -1)
    for k, condition in enumerate(conditions()[:n_static]):
        assert np.array_equal(pre[k] - 4 * k, pre[0])
        assert np.array_equal(post[k] - 16 * k, post[0])
        assert condition.g is not None
    first_adaptive = np.sort(adapts.pre)[: pre.shape[1]] - 4 * n_static
    assert np.array_equal(np.sort(first_adaptive), np.sort(pre[0]))


@pytest.mark.parametrize(("adapts", "spread"), [("uniform", 0.0), ("spread", 0.5)])
def test_plasticity_brings_neurons_to_their_targets(adapts: str, spread: float) -> None:
    numbers, size, learnt = np.random.default_rng(1).random(700), 40, 600
    result = ernsnn.run(ei_reservoir.build(numbers, learnt, size, 1), duration_ms=700 * 20, seed=1, backend="native")
    network = conditions().index(Condition("weak", adapts=adapts))
    steps, neurons = result.recording.spikes["E"]
    late = (neurons // size == network) & (steps >= 300 * 20)
    rates = np.bincount(neurons[late] % size, minlength=size) / (400 * 0.02)
    wanted = ei_reservoir._targets(spread, size, 1)
    assert wanted.std() == 0 if adapts == "uniform" else wanted.std() > 10
    assert rates.mean() == pytest.approx(wanted.mean(), rel=0.25)
    if adapts == "spread":
        assert np.corrcoef(rates, wanted)[0, 1] > 0.7


def test_nothing_is_learnt_while_numbers_are_read() -> None:
    numbers = np.random.default_rng(2).random(40)
    finals = [
        ernsnn.run(ei_reservoir.build(numbers, 20, 16, 2), duration_ms=n * 20, seed=2, backend="reference")
        for n in (20, 40)
    ]
    before, after = (r.recording.synapses["IE_adapts"]["w"] for r in finals)
    assert before.std() > 0
    assert np.array_equal(before, after)


def test_capacity_of_a_shift_register_and_of_noise() -> None:
    rng = np.random.default_rng(0)
    numbers = rng.random(900)
    register = np.column_stack([np.roll(numbers, k) for k in range(5)])
    assert ei_reservoir.capacity(100 * register, numbers) == pytest.approx(4, abs=0.1)
    assert ei_reservoir.capacity(rng.random((900, 5)), numbers) < 0.2


def test_narma_follows_its_equation() -> None:
    numbers = np.random.default_rng(0).random(60)
    y, v = ei_reservoir.narma(numbers), numbers / 2
    t = 40
    assert y[t + 1] == pytest.approx(0.3 * y[t] + 0.05 * y[t] * y[t - 9 : t + 1].sum() + 1.5 * v[t - 9] * v[t] + 0.1)
    wanted = ei_reservoir.narma(np.random.default_rng(1).random(300))
    assert ei_reservoir.error(100 * wanted[:, None], wanted) < 0.05
    assert ei_reservoir.error(np.zeros((300, 1)), wanted) == pytest.approx(1, abs=0.2)


def test_findings_judge_by_the_best_static_balance() -> None:
    def runs(capacity: float) -> list[dict[str, float]]:
        return [{"capacity": capacity, "narma_error": 1.0, "rate_hz": 40.0}] * 2

    found = {c: runs(1.0 if c.g != 2.0 else 2.0) for c in conditions()}
    found[Condition("weak", adapts="uniform")] = runs(2.5)
    found[Condition("strong", adapts="uniform")] = runs(1.95)
    findings = ei_reservoir._findings(found)
    assert findings.results["weak"]["best_g"] == 2.0
    assert findings.results["weak"]["uniform"]["gain"]["mean"] == 1.25
    assert any(n.startswith("weak, uniform: works, and gains") for n in findings.notes)
    assert any(n.startswith("strong, uniform: works, and does not gain") for n in findings.notes)
    assert any(n.startswith("driven, uniform: does not work") for n in findings.notes)
    assert findings.results["what_gains"]["strong over weak coupling, uniform"]["mean"] == pytest.approx(1.95 / 2.5)
    assert "weak 2.00, 2.50, 1.00; strong 2.00, 1.95" in ei_reservoir.measured(findings.results)
    assert len(findings.pictures) == 2


def test_the_experiment_reads_every_network() -> None:
    found = ei_reservoir.experiment(seeds=[0], excitatory=20, numbers=300, adaptation=50).results
    rates = [of["rate_hz"]["mean"] for of in found["weak"]["static"].values()]
    assert len(rates) == len(GRID)
    assert rates == sorted(rates, reverse=True)  # the more inhibition, the less they fire
    assert found["weak"]["uniform"]["capacity"]["mean"] > 0.2


def test_settings() -> None:
    with pytest.raises(InvalidModel, match="ei_reservoir: needs 16 excitatory"):
        ei_reservoir.experiment(excitatory=10)
