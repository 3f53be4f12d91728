"""The liquid: neurons, plasticity and astrocyte as the paper writes them, and the whole experiment in small."""

from __future__ import annotations

import numpy as np
import pytest

import ernsnn
from ernsnn.describe.connectors import FromList
from ernsnn.describe.network import Network
from ernsnn.errors import InvalidModel
from ernsnn.models import nalsm
from ernsnn.models.experiments import nalsm as study

GRID = (4, 4, 4)


def rates(n: int, pixels: int = 30) -> np.ndarray:
    return nalsm.input_rates_hz(np.random.default_rng(5).random((n, pixels)), highest=0.1)


def small_liquid() -> nalsm.Liquid:
    return nalsm.draw_liquid(1, 30, GRID)


def driven(weight: float, steps: int, shown: int) -> np.ndarray:
    """V of a neuron and an image of one pixel that spikes in each of the first steps, with nothing after it."""
    net = Network(dt_ms=1.0, current_integration="step_average")
    images = ernsnn.Trials(show_ms=shown, rest_ms=nalsm.REST_MS, rates=np.array([[1000.0], [0.0]]))
    inputs, cells = nalsm._cells(net, images, 1)
    net.projection("one", inputs, cells, FromList([(0, 0)]), weight_nA=weight, receptor="signed")
    net.probe(cells, "v_mV")
    return ernsnn.run(net, duration_ms=steps, backend="reference").signal("liquid", "v_mV")[1][:, 0]


def test_v_follows_the_recursion_of_the_program() -> None:
    V = driven(weight=2.0, steps=8, shown=8)
    u, v, expected = 0.0, 0.0, [0.0]
    for _ in range(7):
        u = u / np.e + 2.0
        v = v - v / 64 + u
        expected.append(v)
        v *= v < 20
    assert pytest.approx(np.where(np.array(expected) < 20, expected, 0.0)) == V


def test_v_moves_while_a_neuron_is_refractory() -> None:
    V = driven(weight=30.0, steps=8, shown=8)
    # A spike at 1, where v is at 30; none at 2 and 3, while v rises past 20; the next at 4.
    u = [30.0, 30 + 30 / np.e, 30 + 30 / np.e + 30 / np.e**2]
    assert V[:5] == pytest.approx([0.0, 0.0, u[1], u[1] * 63 / 64 + u[2], 0.0])


def test_between_images_v_returns_to_rest() -> None:
    for weight in (-15.0, 15.0):
        V = driven(weight, steps=7 + nalsm.REST_MS + 5, shown=7)
        assert abs(V[6]) > 0
        assert V[7 : 6 + nalsm.REST_MS - 1] == pytest.approx(-1000.0)
        assert V[6 + nalsm.REST_MS :] == pytest.approx(0.0, abs=0.02)


def test_an_input_spikes_as_often_as_the_programs() -> None:
    """An input neuron of theirs jumps above its threshold with p a step; it may not spike in the 2 steps after one."""
    rng, p = np.random.default_rng(0), np.array([0.02, 0.2, 0.5, 1.0])
    excited, counting_down, spikes = np.zeros(4, bool), np.zeros(4, int), np.zeros(4)
    for _ in range(20_000):
        spiking = excited & (counting_down <= 0)
        spikes += spiking
        excited = (excited & ~spiking) | (rng.random(4) < p)
        counting_down = np.where(spiking, 2, counting_down - 1)
    image = np.array([p])
    found = nalsm.input_rates_hz(image, highest=1 / p.sum())[0]
    assert found == pytest.approx(spikes / 20, rel=0.1)


def test_the_liquid_is_connected_by_kind() -> None:
    inhibitory = np.arange(216) >= 173
    count = dict.fromkeys(("EE", "EI", "IE", "II", "input"), 0)
    for seed in range(6):
        big = nalsm.draw_liquid(seed, 100, (6, 6, 6))
        for kind, of_kind in (("E", ~inhibitory), ("I", inhibitory)):
            pre, post = big.pairs[kind].T
            assert of_kind[pre].all()
            assert (pre != post).all()
            count[kind + "E"] += (~inhibitory[post]).sum()
            count[kind + "I"] += inhibitory[post].sum()
        count["input"] += len(big.pairs["input"])
        assert set(np.unique(big.signs["input"])) == {-1.0, 1.0}
    # Distances are alike for all kinds, so that what is connected is in proportion to C and to the numbers of pairs.
    pairs = {"EE": 173 * 172, "EI": 173 * 43, "IE": 43 * 173, "II": 43 * 42}
    density = {kind: count[kind] / n for kind, n in pairs.items()}
    assert density["EI"] / density["EE"] == pytest.approx(0.5, rel=0.1)
    assert density["IE"] / density["EE"] == pytest.approx(1.5, rel=0.1)
    assert density["II"] / density["EE"] == pytest.approx(0.25, rel=0.2)
    assert count["input"] == pytest.approx(6 * 0.15 * 100 * 216, rel=0.02)


def test_the_astrocyte_is_the_papers_recursion() -> None:
    net = nalsm.build(small_liquid(), nalsm.images_to_learn(rates(4)), w_astro=0.05)
    result = ernsnn.run(net, duration_ms=120, backend="reference")
    spikes = {name: np.bincount(steps, minlength=120) for name, (steps, _) in result.recording.spikes.items()}
    A, expected = 0.15, []
    for t in range(120):
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
    liquid = small_liquid()
    result = ernsnn.run(nalsm.build(liquid, nalsm.images_to_learn(rates(10))), duration_ms=300, backend="native")
    weights = nalsm.learnt(liquid, result)
    for kind, low in (("E", 0.0), ("I", 0.0), ("input", -3.0)):
        assert weights[kind].min() >= low
        assert weights[kind].max() <= 3
        assert (weights[kind] != 3 * liquid.signs[kind]).any()


def test_copies_read_different_images_in_order() -> None:
    liquid, n = small_liquid(), nalsm.COPIES + 3
    shown = np.zeros((n, 30))
    shown[np.arange(n), np.arange(n)] = 300.0  # image k is pixel k alone
    weights = {kind: np.zeros(len(pairs)) for kind, pairs in liquid.pairs.items()}
    weights["input"] = np.full(len(liquid.pairs["input"]), 15.0)
    images = nalsm.images_to_count(shown)
    result = ernsnn.run(nalsm.counting(liquid, images, weights), trials=images, backend="native")
    assert result.duration_ms == 2 * 260
    counts, spikes = nalsm.counted(liquid, result, n), nalsm.rasters(liquid, result, nalsm.COPIES)
    pre, post = liquid.pairs["input"].T
    for k, of_image in enumerate(counts):
        assert set(np.flatnonzero(of_image)) == set(post[pre == k])
    for (steps, neurons), of_image in zip(spikes, counts, strict=False):
        assert np.array_equal(np.bincount(neurons, minlength=64), of_image)
        assert steps.max() < nalsm.SHOW_MS


def test_the_branching_factor_of_a_chain() -> None:
    """0 -> 1 and 1 -> 2: a wave that passes twice as often on the way out as on the way in."""
    liquid = nalsm.Liquid(3, {"E": np.array([[0, 1], [1, 2]]), "I": np.zeros((0, 2), int)}, {})
    steps, neurons = np.array([100, 102, 104, 105]), np.array([0, 1, 2, 2])
    # Neuron 0: one target spike over (no source) 1; neuron 1: two over one; neuron 2, twice: none.
    assert nalsm.branching_factor(liquid, [(steps, neurons)]) == pytest.approx((1 + 2 + 0) / 3)
    assert np.isnan(nalsm.branching_factor(liquid, [(np.zeros(0, int), np.zeros(0, int))]))


def test_the_experiment_in_small() -> None:
    pytest.importorskip("sklearn")
    found = study.EXPERIMENT.findings(
        seeds=[0, 1], data_set="digits", train=12, test=10, grid=GRID, w_astro_swept=(0.2,), passes=2
    )
    assert set(found.results["arms"]) == set(study.ARMS)
    # Two seeds of ten images: shares are twentieths, and four arms of a liquid beat guessing.
    shares = [of["accuracy"]["mean"] for of in found.results["arms"].values()]
    assert all(20 * share == pytest.approx(round(20 * share)) for share in shares)
    assert np.mean(shares) > 0.15
    fixed, nalsm_arm = (found.results["arms"][arm]["A"]["mean"] for arm in ("fixed", "nalsm"))
    assert fixed == pytest.approx(nalsm_arm)
    assert "A" not in found.results["arms"]["lsm"]
    assert set(found.results["branching_by_w_astro"]) == {"0.015", "0.2"}
    assert all(of["rate_hz"]["ci95"] is not None for of in found.results["arms"].values())
    gain = found.results["gain_points"]["nalsm over stdp"]["mean"]
    assert f"nalsm over stdp {gain:.1f} ±" in study.measured(found.results)
    assert len(found.pictures) == 2


def test_settings() -> None:
    with pytest.raises(InvalidModel, match="grid must be three whole numbers"):
        study.EXPERIMENT.findings(grid=(10, 10))
    with pytest.raises(InvalidModel, match="passes must be at least 1"):
        study.EXPERIMENT.findings(passes=0)
