"""The liquid: neurons, plasticity and astrocyte as the paper writes them, and the whole experiment in small."""

from __future__ import annotations

import numpy as np
import pytest

import ernsnn
from ernsnn.describe.connectors import FromList
from ernsnn.describe.network import Network
from ernsnn.errors import InvalidModel
from ernsnn.models import nalsm

GRID = (4, 4, 4)


def images(n: int, pixels: int = 30) -> np.ndarray:
    return np.random.default_rng(5).random((n, pixels))


def drops() -> nalsm.Liquid:
    return nalsm.liquid(1, 30, GRID)


def test_v_follows_the_recursion_of_the_paper() -> None:
    tau_u = np.array([1.0, 2.0])
    net = Network(dt_ms=1.0)
    inputs, cells = nalsm._cells(net, tau_u, np.array([0.0, 1.0]), np.array([[1000.0], [0.0]]))
    net.projection("one", inputs, cells, FromList([(0, 0), (0, 1)]), weight_nA=3.0, receptor="signed")
    net.probe(cells, "v_mV")
    _, V = ernsnn.run(net, duration_ms=30, backend="reference").signal("liquid", "v_mV")
    u, v, expected = np.array([3.0, 3.0]), np.zeros(2), []
    for _ in range(28):
        v = v - v / 64 + u
        expected.append(v)
        u = u * np.exp(-1 / tau_u)
    assert V[2:] == pytest.approx(np.array(expected))
    assert (V[:2] == 0).all()


def test_the_liquid_is_connected_by_kind() -> None:
    inhibitory = np.arange(216) >= 173
    count = dict.fromkeys(("EE", "EI", "IE", "II", "input"), 0)
    for seed in range(6):
        big = nalsm.liquid(seed, 100, (6, 6, 6))
        for kind, of_kind in (("E", ~inhibitory), ("I", inhibitory)):
            pre, post = big.pairs[kind].T
            assert of_kind[pre].all()
            assert (pre != post).all()
            count[kind + "E"] += (~inhibitory[post]).sum()
            count[kind + "I"] += inhibitory[post].sum()
        count["input"] += len(big.pairs["input"])
        assert set(np.unique(big.signs["input"])) == {-1.0, 1.0}
        assert set(np.unique(big.tau_u_ms)) == {1.0, 2.0}
    # Distances are alike for all kinds, so that what is connected is in proportion to C and to the numbers of pairs.
    pairs = {"EE": 173 * 172, "EI": 173 * 43, "IE": 43 * 173, "II": 43 * 42}
    density = {kind: count[kind] / n for kind, n in pairs.items()}
    assert density["EI"] / density["EE"] == pytest.approx(0.5, rel=0.1)
    assert density["IE"] / density["EE"] == pytest.approx(1.5, rel=0.1)
    assert density["II"] / density["EE"] == pytest.approx(0.25, rel=0.2)
    assert count["input"] == pytest.approx(6 * 0.15 * 100 * 216, rel=0.02)


def test_the_astrocyte_is_the_papers_recursion() -> None:
    net = nalsm.build(drops(), images(4), highest=0.1, w_astro=0.05)
    result = ernsnn.run(net, duration_ms=80, backend="reference")
    spikes = {name: np.bincount(steps, minlength=80) for name, (steps, _) in result.recording.spikes.items()}
    A, expected = 0.15, []
    for t in range(80):
        A += (0.05 * (spikes["liquid"][t] - spikes["inputs"][t]) + 0.15 - A) / 100
        expected.append(A)
    assert result.signal("A", "value")[1][:, 0] == pytest.approx(expected)
    assert min(spikes["liquid"].sum(), spikes["inputs"].sum()) > 0


def test_inhibitory_magnitudes_learn_the_other_way_round() -> None:
    """Of one pairing: a post spike raises an excitatory weight by .15 x, and an inhibitory magnitude by A x."""
    excites, inhibits = nalsm._rule(False, 0.0), nalsm._rule(True, 0.0)
    for rule, up, down in (
        (excites, ("post", 0.15, {"x"}), ("pre", -1.0, {"A", "y"})),
        (inhibits, ("pre", -0.15, {"y"}), ("post", 1.0, {"A", "x"})),
    ):
        terms = {(t.event, t.coefficient, frozenset(f.variable for f in t.factors)) for t in rule.terms}
        assert terms == {(e, c, frozenset(f)) for e, c, f in (up, down)}


def test_weights_stay_in_their_bounds_and_move() -> None:
    liquid = drops()
    result = ernsnn.run(nalsm.build(liquid, images(10), highest=0.05), duration_ms=200, backend="native")
    weights = nalsm.learnt(liquid, result)
    for kind, low in (("E", 0.0), ("I", 0.0), ("input", -3.0)):
        assert weights[kind].min() >= low
        assert weights[kind].max() <= 3
        assert (weights[kind] != 3 * liquid.signs[kind]).any()


def test_copies_read_different_images_in_order() -> None:
    liquid, n = drops(), nalsm.COPIES + 3
    rates = np.zeros((n, 30))
    rates[np.arange(n), np.arange(n)] = 300.0  # image k is pixel k alone
    weights = {kind: np.zeros(len(pairs)) for kind, pairs in liquid.pairs.items()}
    weights["input"] = np.full(len(liquid.pairs["input"]), 15.0)
    net = nalsm.counting(liquid, rates, weights, pause_ms=30.0)
    result = ernsnn.run(net, duration_ms=2 * 280, backend="native")
    spikes = nalsm.rasters(liquid, result, n, 30.0)
    assert len(spikes) == n
    for k, (steps, neurons) in enumerate(spikes):
        pre, post = liquid.pairs["input"].T
        assert set(neurons) == set(post[pre == k])
        assert steps.max() < nalsm.SHOW_MS


def test_the_branching_factor_of_a_chain() -> None:
    """0 -> 1 and 1 -> 2: a wave that passes twice as often on the way out as on the way in."""
    liquid = nalsm.Liquid(np.ones(3), {"E": np.array([[0, 1], [1, 2]]), "I": np.zeros((0, 2), int)}, {})
    steps, neurons = np.array([100, 102, 104, 105]), np.array([0, 1, 2, 2])
    # Neuron 0: one target spike over (no source) 1; neuron 1: two over one; neuron 2, twice: none.
    assert nalsm.branching_factor(liquid, [(steps, neurons)]) == pytest.approx((1 + 2 + 0) / 3)
    assert np.isnan(nalsm.branching_factor(liquid, [(np.zeros(0, int), np.zeros(0, int))]))


def test_the_experiment_in_small() -> None:
    pytest.importorskip("sklearn")
    found = nalsm.experiment(
        seeds=[0, 1], data_set="digits", train=12, test=10, grid=GRID, w_astro_swept=(0.2,), pause_ms=10.0
    )
    assert set(found.results["arms"]) == set(nalsm.ARMS)
    assert all(0 <= of["accuracy"]["mean"] <= 1 for of in found.results["arms"].values())
    fixed, nalsm_arm = (found.results["arms"][arm]["A"]["mean"] for arm in ("fixed", "nalsm"))
    assert fixed == pytest.approx(nalsm_arm)
    assert "A" not in found.results["arms"]["lsm"]
    assert set(found.results["branching_by_w_astro"]) == {"0.015", "0.2"}
    assert all(of["rate_hz"]["ci95"] is not None for of in found.results["arms"].values())
    assert "nalsm over stdp" in nalsm.measured(found.results)
    assert len(found.pictures) == 2


def test_settings() -> None:
    with pytest.raises(InvalidModel, match="grid must be three whole numbers"):
        nalsm.experiment(grid=(10, 10))
