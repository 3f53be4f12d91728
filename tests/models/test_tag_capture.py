"""The tag and capture experiment: its trains at the synapses, and the figures of the design note."""

from __future__ import annotations

import pytest
from by_hand import run, steps_of

from ernsnn import InvalidModel
from ernsnn.models import tag_capture as tc
from ernsnn.models.experiments import tag_capture as study


def test_spikes_reach_the_synapse_when_the_protocol_says():
    up, down = study.train(10, 3, 20.0, 5), study.train(200, 2, 20.0, -5)
    assert up == ([10, 60, 110], [15, 65, 115])
    assert down == ([205, 255], [200, 250])
    later = (2000, 3000)
    recording = run(tc.build({"up": tc.Protocol(*up, later), "down": tc.Protocol(*down)}), 1000)
    # A post spike reaches the synapse one step later.
    posts = sorted(zip(recording.spikes["post"][1].tolist(), steps_of(recording, "post"), strict=True))
    assert posts == [(0, t - 1) for t in up[1]] + [(1, t - 1) for t in down[1]]
    w, a = (recording.synapses["synapses"][v] for v in ("w", "a"))
    assert w[0] > 0.3 > w[1]
    assert a[0] > 0.03
    assert a[1] < 0.01


def test_consolidation_is_open_when_the_protocol_says():
    protocol = tc.Protocol(*study.train(10, 1, 20.0, 5), consolidation_ms=(20, 40))
    assert [tc._open(protocol, t) for t in (19, 20, 39, 40)] == [False, True, True, False]
    assert not tc._open(tc.Protocol([], []), 0)


SENSELESS = [
    {"lag_ms": 0},
    {"lag_ms": 30},
    {"weak_pairings": 0},
    {"strong_pairings": 7000},
    {"rate_hz": 0},
    {"consolidation_s": -1},
]


@pytest.mark.parametrize("settings", SENSELESS, ids=str)
def test_senseless_settings_are_refused(settings):
    with pytest.raises(InvalidModel, match="tag_capture"):
        study.EXPERIMENT.findings(**settings)


def test_a_post_spike_before_the_teacher_can_act_is_refused():
    with pytest.raises(InvalidModel, match="post spikes come after"):
        tc.build({"early": tc.Protocol([0], [2])})


@pytest.mark.slow
def test_the_figures_of_the_note():
    results = study.EXPERIMENT.findings(seeds=[0]).results
    for name in ("weak", "strong", "strong_concurrent_P", "strong_P_after_60s", "strong_P_after_240s"):
        assert results[name]["w_1800s"] == pytest.approx(results[name]["note"][0], abs=0.03)
    for name in ("marked_depressed", "unmarked_depressed"):
        found = results[name]
        assert [found["w_before"], found["w_after"]] == pytest.approx(found["note"], abs=0.03)
