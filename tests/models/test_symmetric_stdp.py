"""Symmetric STDP: what each part of the method does to weights and thresholds, and that digits are learnt."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import ernsnn
from ernsnn.errors import InvalidModel
from ernsnn.models import symmetric_stdp
from ernsnn.models.experiments import symmetric_stdp as study
from ernsnn.models.experiments.symmetric_stdp import classified
from ernsnn.models.images import Split, split
from ernsnn.models.symmetric_stdp import ARMS, Arm, build, protocol


def two_bars(count: int) -> Split:
    """Images of 4 x 4 with a bright upper or lower half, for the digits 0 and 1."""
    images = np.zeros((2, 16))
    images[0, :8] = images[1, 8:] = 1.0
    labels = np.arange(count) % 2
    return Split(images[labels], labels, images[labels[:4]], labels[:4])


LEARNING, TESTS = protocol(two_bars(60), 1, seed=0, copies=20)


@pytest.fixture(scope="module")
def taught() -> ernsnn.Result:
    return ernsnn.run(build(LEARNING, 12, ARMS, 0), trials=LEARNING, backend="native")


@pytest.fixture(scope="module")
def learnt(taught: ernsnn.Result) -> ernsnn.Result:
    return ernsnn.run(build(LEARNING, 12, ARMS, 0), trials=TESTS, start=taught)


@pytest.mark.parametrize("signs", [(1, 1), (1, -1)])
def test_a_pair_in_either_order(signs: tuple[int, int]) -> None:
    rule = symmetric_stdp.rule(
        Arm(symmetric=signs[1] > 0, scaling=False), 0.02, 1.0, ernsnn.Normalise("post", "w", 1.0)
    )
    for pre_ms, post_ms, sign in ((10, 20, signs[0]), (20, 10, signs[1])):
        net = ernsnn.Network(dt_ms=1.0)
        pre, fires = (net.population(n, 1, ernsnn.SpikeTimes([[t]])) for n, t in (("pre", pre_ms), ("fires", post_ms)))
        post = net.population("post", 1, ernsnn.DeltaLIF(v_rest_mV=0, v_reset_mV=0, v_threshold_mV=10))
        net.projection("fire", fires, post, weight_mV=100.0)
        net.projection("plastic", pre, post, weight_mV=0.5, learning=rule)
        result = ernsnn.run(net, duration_ms=40, backend="reference")
        apart = result.spikes("post")[0][0] + 1 - pre_ms  # it reaches the synapse a step later
        assert result.weights("plastic")[0, 0] == pytest.approx(0.5 + sign * 0.02 * np.exp(-abs(apart) / 20), rel=1e-9)


def test_each_arm_lacks_its_part(learnt: ernsnn.Result) -> None:
    sums = {arm: learnt.weights(f"{arm}.see").sum(axis=0) for arm in ARMS if arm != "random_hidden"}
    for arm in ("full", "pair_STDP", "fixed_threshold"):
        assert sums[arm] == pytest.approx(0.1 * 320, rel=1e-4)
    assert sums["no_scaling"].max() > 1.2 * 0.1 * 320
    assert learnt.weights("full.tell").sum(axis=1) == pytest.approx(8.0, rel=1e-4)
    assert set(learnt.recording.neurons) == {f"{arm}.hidden" for arm in ARMS if arm != "fixed_threshold"}
    assert learnt.recording.neurons["full.hidden"]["v_threshold_mV"].max() > 14
    first = {p.name: p for p in learnt.graph.projections}
    assert first["random_hidden.see"].learning is None


def test_taught_outputs_fire_alone_and_tests_change_nothing(taught: ernsnn.Result, learnt: ernsnn.Result) -> None:
    counts, labels = taught.counts("full.output"), LEARNING.labels
    assert sorted(labels) == sorted(two_bars(60).train_labels)
    assert (counts.argmax(axis=1) == labels).all()
    assert (np.sort(counts, axis=1)[:, :-1] == 0).all()
    for projection in ("full.see", "full.tell"):
        assert np.array_equal(taught.weights(projection), learnt.weights(projection))


def test_two_bars_are_told_apart(learnt: ernsnn.Result) -> None:
    """Each hidden neuron that learnt one of the bars leads to its digit; where there is an answer, it is right."""
    see, tell = learnt.weights("full.see"), learnt.weights("full.tell")
    upper = see[:160].sum(axis=0) / see.sum(axis=0)
    clear = abs(upper - 0.5) > 0.2
    assert clear.sum() >= 6
    assert (tell[clear, :2].argmax(axis=1) == np.where(upper[clear] > 0.5, 0, 1)).all()
    answers = classified(learnt.counts("full.output"))
    assert 0 in answers
    assert 1 in answers
    assert all(answer in (-1, wanted) for answer, wanted in zip(answers, [0, 1, 0, 1], strict=True))


def test_no_spike_is_no_answer() -> None:
    assert classified(np.array([[0, 0, 0], [0, 2, 1]])).tolist() == [-1, 1]


def test_every_image_has_the_same_brightness() -> None:
    data = split("digits", 20, 10, 0)
    learning, tests = protocol(data, 1, 0, 12)
    for trials in (learning, tests):
        assert trials.quantities["inputs"].shape[1] == 768
        assert trials.quantities["inputs"].mean(axis=1) == pytest.approx(12.0)
    assert learning.rest_ms == 50  # so that no trace of an image meets the next


def test_digits_are_learnt_better_than_by_chance() -> None:
    found = study.EXPERIMENT.findings(seeds=[0], train=100, test=50, hidden=40, ablations=False)
    assert found.results["full"]["accuracy"]["mean"] > 0.3
    assert found.results["baselines"]["svm"]["mean"] > 0.85
    assert "misses works (0.88)" in found.notes[1]
    assert "100 of digits, 40 hidden: full" in study.measured(found.results)
    assert len(found.pictures) == 2
    assert np.trace(found.results["confusion"]) / 10 == pytest.approx(
        found.results["full"]["accuracy"]["mean"], abs=1e-3
    )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"hidden": 5}, "needs hidden >= 10 and epochs >= 1, got 5 and 1"),
        ({"images": "digit"}, "did you mean 'digits'"),
    ],
)
def test_settings(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidModel, match=message):
        study.EXPERIMENT.findings(**settings)
