"""The gated memory: what it shows of the published experiment, that reading harms nothing, and its experiment."""

from __future__ import annotations

import numpy as np
import pytest
from rasters import digest, raster

import ernsnn as ern
from ernsnn.errors import InvalidModel
from ernsnn.models import CA3Memory
from ernsnn.models.ca3_memory import build
from ernsnn.models.ca3_memory.operations import input_times
from ernsnn.models.ca3_memory.workload import clean_probes, noisy_trains, random_operations
from ernsnn.models.experiments.ca3_gated import EXPERIMENT


@pytest.mark.parametrize("gate", ["astrocyte", "majority"])
def test_of_the_published_raster_only_the_echo_of_old_bits_is_missing(gate):
    expected = raster("published")
    network = expected.network(gate=gate)
    out = ern.run(network, duration_ms=expected.duration_ms, backend="reference").trains("OUT")
    assert sum(map(len, out)) == expected.spikes["OUT"] - 2
    with_echo = [sorted([*train, 66.0] if n in (10, 11) else train) for n, train in enumerate(out)]
    assert digest(with_echo) == expected.digests["OUT"]


def test_the_gate_opens_for_a_learn_only_and_closes_after_7_ms():
    memory = CA3Memory(3, 4, gate="astrocyte", spacing_ms=10)
    memory.learn(cue=1, content=[0, 2])
    memory.recall(cue=1)
    memory.recall(content=[2])
    network = memory.network()
    network.probe(network.modulators["gate"], "value")
    value = ern.run(network, duration_ms=40, backend="reference").signal("gate", "value")[1]
    assert np.argwhere(value).tolist() == [[t, 1] for t in range(1, 8)]


def wrong_answers(gate, spacing_ms):
    """How many operations go wrong when four overlapping memories are read by several bits, and one is overwritten."""
    memory = CA3Memory(4, 12, gate=gate, spacing_ms=spacing_ms)
    contents = [[0, 1, 2, 3], [3, 4, 5, 6], [6, 7, 8, 9], [9, 10, 11, 0]]
    for cue, content in enumerate(contents):
        memory.learn(cue=cue, content=content)
    for _ in range(2):
        for content in contents:
            memory.recall(content=content[:3])
    for cue in range(4):
        memory.recall(cue=cue)
    memory.learn(cue=0, content=[5, 7])
    memory.recall(cue=0)
    return sum(not row.right for row in memory.run(backend="reference").operations)


@pytest.mark.parametrize("gate", ["astrocyte", "majority"])
@pytest.mark.parametrize("spacing_ms", [7, 12, 20])
def test_the_gated_memories_survive_being_read(gate, spacing_ms):
    assert wrong_answers(gate, spacing_ms) == 0


def test_the_published_memory_does_not():
    assert wrong_answers("none", 7) > 0


def learnt(gate, *, without=(), extra=()):
    """What cues 0 and 1 hold after 0 learns bits 0 and 1 at 0 ms, 1 learns 2 and 3 at 20, and 0 learns 1 and 2 at 40.

    Weights from 0 on to 1; the input spikes ``without`` are left out and the ``extra`` ones added: (input, ms), the
    bits from input 2 on.
    """
    spikes = [(0, 0), (2, 0), (3, 0), (1, 20), (4, 20), (5, 20), (0, 40), (3, 40), (4, 40)]
    driven = {(n, t + k) for n, t in spikes for k in range(3)} - set(without) | set(extra)
    trains = [sorted(t for m, t in driven if m == n) for n in range(6)]
    result = ern.run(build(2, 4, trains[:2], trains[2:], gate=gate), duration_ms=60, backend="reference")
    return [np.round(result.weights(name) / 6).tolist() for name in ("cue_to_content", "content_to_cue")]


HELD = np.array([[0, 1, 1, 0], [0, 0, 1, 1]])


@pytest.mark.parametrize("gate", ["astrocyte", "majority"])
def test_what_is_learnt_without_noise(gate):
    assert learnt(gate) == [HELD.tolist(), HELD.T.tolist()]


@pytest.mark.parametrize("spike", [(n, t) for n in (0, 3, 4) for t in (40, 41, 42)])
def test_the_majority_memory_does_not_need_every_spike_of_a_learn(spike):
    assert learnt("majority", without=[spike]) == [HELD.tolist(), HELD.T.tolist()]


@pytest.mark.parametrize("spike", [(n, t) for n in (1, 2, 5) for t in range(38, 46)])
def test_nor_does_it_learn_a_spurious_one(spike):
    assert learnt("majority", extra=[spike]) == [HELD.tolist(), HELD.T.tolist()]


def test_the_memory_with_gates_for_cues_only_does_both():
    assert learnt("astrocyte", without=[(0, 41)]) != [HELD.tolist(), HELD.T.tolist()]
    assert learnt("astrocyte", extra=[(2, 41)]) != [HELD.tolist(), HELD.T.tolist()]


def test_unknown_gates_and_currents_are_refused():
    with pytest.raises(InvalidModel, match="gate must be"):
        CA3Memory(gate="glia")
    with pytest.raises(InvalidModel, match="lateral_nA"):
        build(lateral_nA=-1.0)


def test_the_workload_is_what_it_says():
    found = list(random_operations(np.random.default_rng(0), 16, 0.25, 3000, 12, 6))
    kinds = [("learn" if op.kind == "learn" else "cue" if op.asked.cues else "fragment") for op in found]
    for kind, share in (("learn", 0.4), ("cue", 0.2), ("fragment", 0.4)):
        assert abs(kinds.count(kind) / 3000 - share) < 4 * (share * (1 - share) / 3000) ** 0.5
    gaps = {(kind == "learn"): b.t_ms - a.t_ms for kind, a, b in zip(kinds, found, found[1:], strict=False)}
    assert gaps == {True: 12, False: 6}
    memory = {}
    for op in found:
        if op.kind == "learn":
            memory[op.asked.cues[0]] = set(op.asked.contents)
        elif op.asked.cues:
            assert op.asked.cues[0] in memory
        else:
            assert 1 <= len(op.asked.contents) <= 4
            assert any(set(op.asked.contents) <= content for content in memory.values())
    density = np.mean([len(op.asked.contents) / 16 for op in found if op.kind == "learn"])
    assert abs(density - 0.25) < 0.02


def test_noise_drops_from_learns_only_and_spares_the_probes():
    rng = np.random.default_rng(1)
    planned = list(random_operations(rng, 8, 0.5, 200, 12, 8))
    probes = list(clean_probes(rng, planned))
    clean = [train for side in input_times([*planned, *probes], 8, 8) for train in side]
    everything = {(n, t) for n, train in enumerate(clean) for t in train}
    until = planned[-1].t_ms + 14
    learning = {t for op in planned if op.kind == "learn" for t, _ in op.spikes()}

    def spikes(noise, level):
        trains = noisy_trains(clean, planned, np.random.default_rng(2), noise, level)
        return {(n, t) for n, train in enumerate(trains) for t in train}

    assert spikes("drop", 0) == spikes("spurious", 0) == everything
    assert spikes("drop", 1) == {(n, t) for n, t in everything if t not in learning}
    share = 1 - len(spikes("drop", 0.1)) / len(everything)
    assert 0.05 < share < 0.15
    added = spikes("spurious", 0.1) - everything
    assert 0.05 * len(everything) < len(added) < 0.15 * len(everything)
    assert all(t < until for _, t in added)


def test_the_experiment_counts_every_recall():
    found = EXPERIMENT.findings(
        backend="reference", seeds=[0, 1], sizes=[6], spacings=["12/6"], operations=60, noise=[]
    )
    for memory in ("published", "gated", "majority"):
        cell = found.results[memory]["6x6"]["12/6"]
        kinds = [kind for kind in cell if kind not in ("all", "fragment")]
        assert cell["all"]["asked"] == sum(cell[kind]["asked"] for kind in kinds) > 40
        assert cell["all"]["right"] == sum(cell[kind]["right"] for kind in kinds)
        assert cell["all"]["right"] == cell["cue"]["right"] + cell["fragment"]["right"]
    assert found.results["gated"]["6x6"]["12/6"]["all"]["share"]["values"] == [1.0, 1.0]
    assert found.results["majority"]["6x6"]["12/6"]["all"]["share"]["values"] == [1.0, 1.0]
    assert found.results["published"]["6x6"]["12/6"]["all"]["share"]["mean"] < 0.9


def test_the_experiment_under_noise():
    settings = {"sizes": [8], "spacings": [], "noise": [0, 0.3], "operations": 40}
    found = EXPERIMENT.findings(backend="reference", seeds=[1], memories=["gated", "majority"], **settings)
    for memory in ("gated", "majority"):
        cells = found.results[memory]["8x8"]
        assert list(cells) == [f"12/8 {noise} {level}" for noise in ("drop", "spurious") for level in ("0", "0.3")]
        for cell in cells.values():
            assert cell["cue"]["asked"] == cell["fragment"]["asked"] <= 16
        assert cells["12/8 drop 0"]["all"]["share"]["mean"] == cells["12/8 spurious 0"]["all"]["share"]["mean"] == 1
        assert cells["12/8 drop 0.3"]["all"]["share"]["mean"] < 1
    gated, majority = (found.results[memory]["8x8"]["12/8 spurious 0.3"]["all"] for memory in ("gated", "majority"))
    assert majority["right"] > gated["right"]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"spacings": ["12"]}, "spacing"),
        ({"spacings": ["3/9"]}, "at least 4"),
        ({"sizes": [1]}, "sizes"),
        ({"density": 0}, "density"),
        ({"noise": [0.1, 1.5]}, "noise"),
        ({"noise_spacing": "8"}, "spacing"),
        ({"memories": ["glia"]}, "memories"),
        ({"operations": 1}, "operations"),
    ],
)
def test_bad_settings_are_named(settings, words):
    with pytest.raises(InvalidModel, match=words):
        EXPERIMENT.findings(backend="reference", seeds=[0], **settings)
