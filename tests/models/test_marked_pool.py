"""The pool of marked synapses and its experiments: what they simulate, and how they measure."""

from __future__ import annotations

import numpy as np
import pytest

import ernsnn
from ernsnn import InvalidModel, Network, Phase, SpikeTimes, Timeline
from ernsnn.graph.constants import constants
from ernsnn.models import marked_pool
from ernsnn.models.experiments import interference, resonance, retention, sleep

approx = pytest.approx


def test_the_membrane_is_that_of_the_note():
    """V += (1.5 teacher - V)/20 + .1 sqrt(2/20) N(0, 1)."""
    c = constants(marked_pool.CELL.kind, marked_pool.CELL.parameters, 1.0, "exact")
    assert c["P_m"] == approx(0.95, abs=1e-15)
    assert marked_pool.TEACHER_NA * c["k_c"] == approx(1.5 / 20, abs=1e-15)
    assert c["noise"] == approx(0.1 * np.sqrt(2 / 20), abs=1e-15)
    assert c["n_ref"] == 2


def changes(rule, event, **values):
    """What the terms of an event add to each variable."""
    total: dict[str, float] = {}
    for term in rule.terms:
        if term.event == event:
            product = term.coefficient
            for f in term.factors:
                product *= (f.offset + f.scale * values[f.variable]) ** f.power
            total[term.target] = total.get(term.target, 0.0) + product
    return total


def test_the_rule_is_that_of_the_note():
    rule, at = marked_pool.rule(marked_pool.MARKED), {"w": 0.4, "a": 0.3, "m": 0.7, "x": 0.9, "y": 0.6}
    gate = (1 - 0.98 * 0.7) ** 2
    assert changes(rule, "pre", **at) == approx({"w": -0.002 * 0.6 * 0.4 * gate})
    potentiation = 0.01 * 0.9 * 1.3 * 0.6
    assert changes(rule, "post", **at) == approx(
        {"w": (potentiation - 0.0015 * 0.4) * gate, "a": 0.02 * 0.9 * 0.7 - 0.006 * 0.3}
    )
    assert {t.tau_ms for t in rule.traces.values()} == {20}
    slow = changes(marked_pool.rule(marked_pool.SLOW), "post", **at)
    assert slow == approx({"w": 0.2 * (0.01 * 0.9 * 0.6 - 0.0015 * 0.4)})
    assert not marked_pool.rule(marked_pool.SLOW).flows
    assert [flow.variable for flow in marked_pool.rule(marked_pool.LABILE).flows] == ["a", "w"]


def test_pools_share_their_inputs_and_listen_each_to_itself():
    timeline = Timeline([Phase("a", 1000, inputs=np.full(10, 5.0), sleep=1.0)], inputs=np.ones(10), teacher=0, sleep=0)
    kinds = {"none": marked_pool.UNMARKED, "both": marked_pool.MARKED, "sleeping": sleep.ASLEEP}
    graph = ernsnn.lower(marked_pool.pools(timeline, kinds))
    assert [p.name for p in graph.projections] == ["inputs-none", "inputs-both", "inputs-sleeping"]
    assert {p.pre for p in graph.projections} == {"inputs"}
    listens = {m.name: [member.population for member in m.members] for m in graph.modulators if hasattr(m, "members")}
    assert listens == {"both_glia": ["both"], "sleeping_glia": ["sleeping"]}
    bound = {p.name: [b.modulator for b in p.learning.third_factors] for p in graph.projections}
    assert bound == {"inputs-none": [], "inputs-both": ["both_glia"], "inputs-sleeping": ["sleeping_P"]}


def played(trains, duration_ms, **more):
    """A result whose spikes are given."""
    net = Network()
    for name, times in {"pool": trains, **more}.items():
        net.population(name, len(times), SpikeTimes(times))
    return ernsnn.run(net, duration_ms=duration_ms, backend="reference")


def test_rates_count_spikes_per_neuron_within_the_phase():
    timeline = Timeline([Phase("a", 100), Phase("b", 400), Phase("c", 100)])
    result = played([[99, 100, 200, 499], [500, 300]], 600)
    assert marked_pool.cue_rates(result, "pool", timeline, ["a", "b", "c"]) == approx(
        [1 / 2 / 0.1, 4 / 2 / 0.4, 1 / 2 / 0.1]
    )


def test_probes_leave_no_trace_and_end_with_an_epoch():
    phases = marked_pool.to_whole_epochs("rest", marked_pool.probes("A", [1, 2], 5, 3))
    assert [p.name for p in phases] == ["A.0", "A.0.pause", "A.1", "A.1.pause", "A.2", "A.2.pause", "rest"]
    assert sum(p.duration_ms for p in phases) == 2000
    assert not any(p.plastic for p in phases)
    assert phases[0].quantities["inputs"].tolist() == [1, 40, 40, 1, 1]


def test_interference_protocol():
    timeline = interference.protocol(3, 100, 30, 10, 30.0, 40.0, 120.0)
    A, B = ({*np.flatnonzero(timeline[name].quantities["inputs"] == 40)} for name in "AB")
    assert (len(A), len(B), len(A & B)) == (30, 30, 10)
    assert {*np.flatnonzero(timeline["A_after_B.0"].quantities["inputs"] == 40)} == A
    assert {*np.flatnonzero(timeline["B_after_B.11"].quantities["inputs"] == 40)} == B
    starts = {name: timeline[name].start_ms for name in ("A", "gap", "A_after_A.0", "B", "gap after B", "A_after_B.0")}
    assert starts == {
        "A": 2000,
        "gap": 32_000,
        "A_after_A.0": 72_000,
        "B": 80_000,
        "gap after B": 200_000,
        "A_after_B.0": 240_000,
    }
    assert timeline.frozen_ms == [(72_000, 80_000), (240_000, 255_000)]


def test_retention_measures_by_rank_against_novel_patterns():
    """Memory 0 drives the pool more than one novel pattern and as much as the other, memory 1 more than both."""
    timeline = retention.protocol(np.array([[0], [1]]), np.array([[2], [3]]), 4, [2])
    trains = [[timeline[f"2: {name}"].start_ms + 10 * k for name, n in SPIKES for k in range(n)]]
    result = played(trains, timeline.duration_ms)
    read = retention._read(result, "pool", timeline, 2, 2)
    assert read["auc"].tolist() == [0.75, 1.0]
    assert read["rate_hz"] == approx((6 + 12) / 12 / 0.4)
    assert read["marked"] == 0


SPIKES = [
    *((f"memory 0.{n}", 1) for n in range(6)),
    *((f"memory 1.{n}", 2) for n in range(6)),
    *((f"novel 0.{n}", 1) for n in range(2)),
]


def test_sleep_replays_the_memory_without_its_teacher():
    silent, replayed = (sleep.protocol(1, r, 4.0, 160.0, 30.0) for r in (False, True))
    assert silent["sleep"].start_ms == replayed["sleep.0"].start_ms == 160_000
    assert silent.duration_ms == replayed.duration_ms
    asleep = [p for p in replayed if p.name.startswith("sleep")]
    assert sum(p.duration_ms for p in asleep) == 30_000
    assert all(p.quantities["sleep"] == 1 and "teacher" not in p.quantities for p in asleep)
    shown = [p.quantities["inputs"] for p in asleep if "inputs" in p.quantities]
    assert len(shown) == 50
    assert all(np.array_equal(s, replayed["A"].quantities["inputs"]) for s in shown)


def test_resonance_drives_every_read_out_equally_where_weights_are_intact():
    effective = {
        "plain": lambda w, m: w,
        "additive": lambda w, m: w + m - 0.2,
        "multiplicative": lambda w, m: w * (1 + m),
    }
    for store in resonance.STORES.values():
        if store.w == resonance.INTACT:
            assert store.J * effective[store.read_out](0.95, 0.97) == approx(0.075 * 0.95)
        else:
            assert (store.w, store.J) == (0.32, 0.075)


@pytest.mark.parametrize(
    ("run", "words"),
    [
        (lambda: interference.EXPERIMENT.findings(shared=40), "share 40"),
        (lambda: interference.EXPERIMENT.findings(gap_s=0.5), "gap_s must be whole seconds"),
        (lambda: retention.EXPERIMENT.findings(at=[]), "at must be numbers"),
        (lambda: retention.EXPERIMENT.findings(active=0), "1 <= active"),
        (lambda: sleep.EXPERIMENT.findings(sleep_s=0), "sleep_s must be whole seconds"),
        (lambda: sleep.EXPERIMENT.findings(asleep_at_s=5), "asleep_at_s must be at least"),
        (lambda: resonance.EXPERIMENT.findings(cues=0), "cues must be a whole number"),
    ],
)
def test_settings_that_cannot_be_are_refused(run, words):
    with pytest.raises(InvalidModel, match=words):
        run()


def test_marks_keep_a_memory_that_unmarked_synapses_lose():
    results = interference.EXPERIMENT.findings(seeds=[0]).results
    kept = {condition: found["A_kept"]["mean"] for condition, found in results.items()}
    assert kept["both"] >= 0.9
    assert max(kept["none"], kept["slow"], kept["labile"]) <= 0.1
    assert results["both"]["B_after_B_hz"]["mean"] >= 0.9 * results["none"]["B_after_B_hz"]["mean"]


@pytest.mark.slow
def test_interference_is_the_same_on_the_reference():
    short = {"seeds": [1], "A_s": 4, "gap_s": 3, "B_s": 4}
    assert (
        interference.EXPERIMENT.findings(**short).results
        == interference.EXPERIMENT.findings(backend="reference", **short).results
    )


@pytest.mark.slow
def test_sleep_with_gate_and_replay_consolidates():
    kept = {name: r["A_after_B_hz"]["mean"] for name, r in sleep.EXPERIMENT.findings(seeds=[0, 1]).results.items()}
    assert kept["both"] >= 5 * max(kept["none"], kept["gate"], kept["replay"])


@pytest.mark.slow
def test_eroded_weights_are_recalled_by_the_additive_read_out_only():
    results = resonance.EXPERIMENT.findings(seeds=[0, 1]).results
    hits = {read_out: sizes["half"]["hits"]["mean"] for read_out, sizes in results["eroded"].items()}
    assert hits["additive"] > 0.95
    assert hits["plain"] == 0
    assert hits["multiplicative"] < 0.5


@pytest.mark.slow
def test_retention_of_a_few_memories():
    results = retention.EXPERIMENT.findings(seeds=[0], at=[2, 5]).results
    assert results["marks"]["5"]["mean_auc"]["mean"] >= 0.95
    assert results["budget"]["5"]["mean_auc"]["mean"] >= 0.95
    assert results["none"]["5"]["mean_auc"]["mean"] < 0.8
