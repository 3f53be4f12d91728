"""The CA3 network that replays: its numbers, what it learns, and what finds replay and ripples."""

from __future__ import annotations

import numpy as np
import pytest

import ernsnn as ern
from ernsnn.models import ca3_replay
from ernsnn.models.ca3_replay import exploration, network, replay
from ernsnn.models.experiments.ca3_replay import EXPERIMENT


@pytest.mark.parametrize(("scale", "stronger"), [(1.0, 1.0), (0.1, 10.0)])
def test_the_network_has_the_published_numbers(scale, stronger):
    pairs = np.array([[0, 1], [1, 2]])
    net = ca3_replay.build(pairs, np.array([1.0, 2.0]), scale, "asymmetric")
    assert {name: p.size for name, p in net.populations.items()} == {
        name: round(size * scale) for name, size in {"PC": 8000, "BC": 150}.items()
    }
    for name, weight, delay, p in (
        ("PC_to_BC", 0.85, 0.9, 0.1),
        ("BC_to_PC", 0.65, 1.1, 0.25),
        ("BC_to_BC", 5, 0.6, 0.25),
    ):
        each = net.projections[name]
        assert each.weight_uS == pytest.approx(weight * stronger / 1000)
        assert (each.delay_ms, each.connector.p) == (delay, p)
    np.testing.assert_allclose(net.projections["PC_to_PC"].weight_uS, np.array([1.27, 2.54]) * stronger / 1000)
    assert net.poisson_inputs["mossy"].weight_uS == pytest.approx(0.0215)
    assert network.PC().parameters["cm_nF"] == pytest.approx(0.18014, rel=1e-4)  # 41.75 ms x 4.315 nS


@pytest.mark.parametrize(("rise", "decay", "receptor"), [(1.3, 9.5, "E"), (0.65, 5.4, "M"), (0.3, 3.3, "I")])
def test_a_spike_peaks_at_the_authors_conductance(rise, decay, receptor):
    net = ern.Network(dt_ms=0.1)
    source, cell = net.population("s", 1, ern.SpikeTimes([[1.0]])), net.population("c", 1, network.PC())
    net.projection("p", source, cell, weight_uS=1e-6, delay_ms=0.1, receptor=receptor)
    net.probe(cell, f"g_{receptor}")
    g = ern.run(net, duration_ms=30.0, backend="reference").signal("c", f"g_{receptor}")[1]
    assert g.max() == pytest.approx(1e-6 * decay / (decay - rise), rel=0.01)


def test_cells_agree_on_reference_and_native():
    rng = np.random.default_rng(0)
    pairs = np.array([(i, j) for i in range(160) for j in range(160) if i != j and rng.random() < 0.1])
    net = ca3_replay.build(pairs, np.full(len(pairs), 1.0), 0.02)
    one, other = (ern.run(net, duration_ms=300.0, seed=1, backend=name) for name in ("reference", "native"))
    assert one.spike_counts["PC"] > 20 < one.spike_counts["BC"]
    for name in ("PC", "BC"):
        for a, b in zip(one.spikes(name), other.spikes(name), strict=True):
            np.testing.assert_array_equal(a, b)


def test_exploration_has_the_rates_of_the_track():
    track = exploration.Track.drawn(400, 0)
    places = ~np.isnan(track.centres)
    assert places.sum() == 200
    # 5 cells more lie at either end, on the stretch that 5 of the 190 others share.
    end = 2 * np.pi * 5 / 190
    assert (track.centres < end).sum() >= 5 <= (track.centres > 2 * np.pi - end).sum()
    trains = exploration.exploration_spikes(track, 0, 100.0)
    assert min(np.diff(t).min() for t in trains if len(t) > 1) >= exploration.REFRACTORY_MS
    expected = track.rates(track.position(np.arange(0, 100, 0.01))).mean(axis=1)
    counts = np.array([len(t) for t in trains])
    # The refractory period takes some of a place cell's spikes.
    assert counts[places].sum() == pytest.approx(100 * expected[places].sum(), rel=0.15)
    assert counts[~places].sum() == pytest.approx(2000, rel=0.1)


def test_learning_is_the_sum_over_all_pairs():
    trains = [np.array([10.0, 60.0]), np.array([30.0, 100.0])]
    for rule, of in ca3_replay.RULES.items():
        pairs_learnt = 0
        # At .1 nS the asymmetric rule meets the bound of 0: 0 -> 1 has the later spikes, 1 -> 0 the earlier ones.
        for seed in range(30):
            net = exploration.learning_network(trains, rule)
            result = ern.run(net, duration_ms=150.0, seed=seed, backend="reference")
            p = next(each for each in result.graph.projections if each.name == "learnt")
            for i, j, w in zip(
                p.synapses.pre - p.pre_start,
                p.synapses.post - p.post_start,
                result.recording.synapses["learnt"]["w"],
                strict=True,
            ):
                expected, pairs_learnt = exploration.FIRST_NS, pairs_learnt + 1
                events = sorted(
                    (max(x, y), of.plus if y > x else of.minus, abs(x - y)) for x in trains[i] for y in trains[j]
                )
                for at in sorted({event[0] for event in events}):
                    change = sum(by * np.exp(-apart / of.tau_ms) for when, by, apart in events if when == at)
                    expected = min(max(expected + change, 0.0), of.most)
                assert w * 1000 == pytest.approx(expected, rel=1e-9, abs=1e-12)
        assert pairs_learnt > 1


def test_weights_grow_between_neighbouring_fields():
    track, pairs, weights = ca3_replay.learnt_weights(0.05, "symmetric", 0, duration_s=60.0)
    apart = np.abs(np.diff(track.centres[pairs], axis=1)[:, 0])
    assert weights[apart < 0.2].mean() > 3 * weights[apart > 1].mean()


def _sweep(track, speed, rng):
    """Spikes of cells whose field the position passes, at ``speed`` rad/ms, beside noise."""
    times, cells = [], []
    for k, centre in enumerate(track.centres):
        if not np.isnan(centre):
            at = (centre / speed if speed > 0 else (centre - 2 * np.pi) / speed) + 300
            times += (at + rng.normal(0, 3, 3)).tolist()
            cells += [k] * 3
    return np.array(times), np.array(cells)


@pytest.mark.parametrize("sign", [1, -1])
def test_a_sweep_is_replay_in_its_direction(sign):
    rng = np.random.default_rng(3)
    track = exploration.Track.drawn(200, 0)
    times, cells = _sweep(track, sign * 2 * np.pi / 200, rng)
    ((start, stop),) = replay.events_ms(times, 1000.0)
    assert start < 320
    assert stop > 480
    event, P = replay.decode(track, times, cells, (300.0, 500.0), rng, 100)
    assert event.replays
    assert event.r * sign > 0.9
    np.testing.assert_allclose(P.sum(axis=0), 1.0)


def test_spikes_in_any_order_are_no_replay():
    rng = np.random.default_rng(4)
    track = exploration.Track.drawn(200, 0)
    found = []
    for _ in range(100):
        times, cells = rng.uniform(0, 100, 300), rng.integers(0, 200, 300)
        found.append(replay.decode(track, times, cells, (0.0, 100.0), rng, 60)[0].replays)
    assert sum(found) <= 12  # 5 of 100 by chance


@pytest.mark.parametrize(("frequency", "inside"), [(180.0, True), (260.0, False)])
def test_the_frequency_of_an_oscillation_is_found_where_it_is(frequency, inside):
    t = np.arange(2000)
    rate = 5 + np.sin(2 * np.pi * frequency * t / 1000) + np.random.default_rng(0).normal(0, 0.5, 2000)
    peak, p = replay.ripple(rate, [(100.0, 900.0), (1000.0, 1090.0)])
    assert peak == pytest.approx(frequency, abs=8)
    assert p < 1e-6
    assert (replay.RIPPLE_HZ[0] <= peak <= replay.RIPPLE_HZ[1]) is inside


def test_noise_has_no_ripple():
    rng = np.random.default_rng(0)
    found = [replay.ripple(rng.poisson(5, 2000).astype(float), [(0.0, 1000.0)])[1] < 0.05 for _ in range(100)]
    assert sum(found) <= 12
    assert np.isnan(replay.ripple(np.zeros(1000), [(0.0, 500.0)])[0])
    assert replay.ripple(np.ones(1000), [])[1] == 1.0


def test_settings_are_checked():
    with pytest.raises(ern.InvalidModel, match="no rule 'symetric'; did you mean 'symmetric'"):
        EXPERIMENT.findings(seeds=[0], rules=("symetric",))
    with pytest.raises(ern.InvalidModel, match="scale must leave two basket cells"):
        EXPERIMENT.findings(seeds=[0], scale=0.001)
    with pytest.raises(ern.InvalidModel, match="needs duration_ms >= 1000"):
        EXPERIMENT.findings(seeds=[0], duration_ms=10.0)
    with pytest.raises(ern.InvalidModel, match="no spikes to learn from"):
        exploration.learning_network([np.array([]), np.array([])], "symmetric")


def test_the_experiment_in_small():
    found = EXPERIMENT.findings(seeds=[0], rules=("symmetric",), explored_s=60.0, duration_ms=1000.0)
    (row,) = found.rows
    assert row[0] == "symmetric"
    assert len(row) == len(found.heads)
    of = found.results["found"]["symmetric"]
    assert of["replaying"]["mean"] == of["forward"]["mean"] + of["backward"]["mean"] <= of["events"]["mean"]
    assert found.pictures
    assert EXPERIMENT.measured(found.results).startswith("scale 0.1: symmetric: replay in")
