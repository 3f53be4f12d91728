"""From graphs to integers: the CA3 memory's constants, and networks that do in integers what the reference does."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ernsnn
from ernsnn import LIF, AllToAll, DeltaLIF, Network, OneToOne, SpikeTimes
from ernsnn.hardware_backends.loihi.arithmetic.integers import Cells, Connection, IntegerNetwork, Trace
from ernsnn.hardware_backends.loihi.arithmetic.rules import text
from ernsnn.hardware_backends.loihi.quantise.connections import layers, static
from ernsnn.hardware_backends.loihi.quantise.neurons import Input, choose_scale, closed_form
from ernsnn.hardware_backends.loihi.quantise.quantise import quantise, required
from ernsnn.hardware_backends.loihi.quantise.report import Report
from ernsnn.models.ca3_memory.network import build

SETTINGS = settings(deadline=None, derandomize=True)


@pytest.fixture(scope="module")
def ca3() -> IntegerNetwork:
    return required(ernsnn.lower(build()), n_steps=0)[0]


def cells(network: IntegerNetwork, name: str) -> Cells:
    return next(c for c in network.cells if c.name == name)


def connection(network: IntegerNetwork, name: str) -> Connection:
    return next(c for c in network.connections if c.name == name)


SLOW, FAST = (46.64, 140, 1161), (47.57, 143, 3542)
# loihi.md: the constants with which Lava reproduces the published raster.
CONSTANTS = {
    "CA3cueCueRecall": SLOW,
    "CA3contCueRecall": SLOW,
    "CA3contContRecall": SLOW,
    "CA3mergeCue": SLOW,
    "CA3mergeCont": SLOW,
    "CA3contCond": FAST,
    "CA3contCondInt": FAST,
    "CA3cueContRecall": FAST,
    "OUT": (46.64, 117, 1161),
}


def test_the_ca3_memory_gets_the_known_constants(ca3: IntegerNetwork) -> None:
    assert {c.name for c in ca3.cells} == set(CONSTANTS)
    for c in ca3.cells:
        assert (round(ca3.scale[c.name], 2), c.vth, c.dv) == CONSTANTS[c.name]
        assert (c.du, c.refractory) == (3949, 1)
        assert not c.bias.any()


def test_the_ca3_memory_gets_the_known_weights(ca3: IntegerNetwork) -> None:
    found = {(int(w), c.exponent) for c in ca3.connections if not c.rule for w in np.unique(c.weights) if w}
    assert found == {(255, 0), (-255, 0), (-159, 4), (191, 1), (85, 0)}
    lateral = connection(ca3, "CA3cueContRecall-CA3cueContRecall")
    assert lateral.mode == "INHIBITORY"
    assert not np.diag(lateral.weights).any()
    assert lateral.delays == 2


def test_the_ca3_memory_gets_its_own_rule(ca3: IntegerNetwork) -> None:
    # 255/64 = 3.98 units per impulse, stored as 4. A pre spike that meets a post spike takes w to 0 whatever it was,
    # so the POST product needs no correction for the coincidence.
    # A tau of 2 is needed only where a plastic connection transmits before it learns: an overwritten bit then echoes
    # once more and relearns q + q^2 of 6 nA, q = exp(-2/tau), which is below the threshold (.549) for tau < 2.15.
    for name in ("cue_to_content", "content_to_cue"):
        plastic = connection(ca3, name)
        assert plastic.rule is not None
        assert [text(p) for p in plastic.rule.dw] == ["4*y0*x1", "-4*x0*y1"]
        assert plastic.rule.traces == {"x1": Trace(64, 3.0), "y1": Trace(64, 3.0)}
        assert (plastic.exponent, plastic.mode, plastic.delays, plastic.post_delay) == (0, "EXCITATORY", 1, 1)


def test_quantising_is_deterministic() -> None:
    graph = ernsnn.lower(build())
    (a, first), (b, second) = quantise(graph, n_steps=10), quantise(graph, n_steps=10)
    assert str(first) == str(second)
    for left, right in zip(a.connections, b.connections, strict=True):
        np.testing.assert_array_equal(left.weights, right.weights)


@SETTINGS
@given(st.floats(0.1, 20), st.floats(0.1, 50), st.floats(0.05, 2))
def test_delta_v_is_the_closed_form(tau_s: float, tau_m: float, cm: float) -> None:
    net = Network(dt_ms=1.0, current_integration="step_average")
    net.population("n", 1, LIF(tau_syn_E_ms=tau_s, tau_m_ms=tau_m, cm_nF=cm))
    graph = ernsnn.lower(net)
    jump = closed_form(next(graph.neurons()), graph, "E").jump
    expected = tau_s * (1 - math.exp(-1 / tau_s)) * tau_m / cm * (1 - math.exp(-1 / tau_m))
    assert jump == pytest.approx(expected, rel=1e-9)


@SETTINGS
@given(st.floats(0.1, 1), st.lists(st.floats(0.05, 1), min_size=1, max_size=5))
def test_the_scale_keeps_what_it_promises(base: float, shares: list[float]) -> None:
    net = Network(dt_ms=1.0)
    net.population("n", 1, LIF())
    graph = ernsnn.lower(net)
    m = closed_form(next(graph.neurons()), graph, "E")
    levels = tuple(np.array([base * s]) for s in shares)
    scale = choose_scale(m, Input(static=levels, load=base * sum(shares)))
    assert m.threshold * scale * 4 <= 131071
    assert abs(round(m.threshold * scale) / (m.threshold * scale) - 1) <= 1 / 255
    # One of the weights is 255 * 2^k.
    logs = [math.log2(float(w[0]) * scale / 255) for w in levels]
    assert min(abs(x - round(x)) for x in logs) < 1e-9


def run_integers(network: IntegerNetwork, n_steps: int) -> dict[str, set[tuple[int, int]]]:
    """Static networks in Python's own integers, by the two recursions of loihi.md."""
    spikes = {s.name: set(zip(s.steps.tolist(), s.neurons.tolist(), strict=True)) for s in network.sources}
    spikes |= {c.name: set() for c in network.cells}
    arriving = {c.name: np.zeros((n_steps + 200, c.size), np.int64) for c in network.cells}
    state = {c.name: [np.zeros(c.size, np.int64) for _ in range(3)] for c in network.cells}

    def cut(x: np.ndarray) -> np.ndarray:
        return np.sign(x) * (np.abs(x) >> 12)

    for t in range(n_steps):
        for c in network.cells:
            u, v, waits = state[c.name]
            u = cut(u * (4096 - c.du - 1)) + (arriving[c.name][t] << 6)
            moved = cut(v * (4096 - c.dv)) + u + (c.bias.astype(np.int64) << c.bias_exp)
            v = np.where(waits > 0, v, moved)
            fires = (waits == 0) & (v > c.vth << 6)
            state[c.name] = [u, np.where(fires, 0, v), np.where(fires, c.refractory, np.maximum(waits - 1, 0))]
            spikes[c.name] |= {(t, int(i)) for i in np.flatnonzero(fires)}
        for k in network.connections:
            delays = np.broadcast_to(np.asarray(k.delays), k.weights.shape)
            for i in range(k.weights.shape[1]):
                if (t, i + k.pre_start) in spikes[k.pre]:
                    for j in np.flatnonzero(k.weights[:, i]):
                        arriving[k.post][t + delays[j, i], j + k.post_start] += int(k.weights[j, i]) << k.exponent
    return spikes


def chain(scheme: str, cell: LIF | DeltaLIF, weight: dict[str, float], delay: float) -> Network:
    """Spikes that go through four populations: every step of delay shows in the raster."""
    net = Network(dt_ms=0.5, current_integration=scheme)
    before = net.population("s", 3, SpikeTimes([[1.0, 20.0, 21.0], [2.0, 40.0], [5.0, 5.5, 6.0]]))
    for k in range(4):
        after = net.population(f"n{k}", 3, cell)
        net.projection(f"p{k}", before, after, OneToOne(), delay_ms=delay, **weight)
        net.projection(
            f"i{k}",
            after,
            after,
            AllToAll(self_connections=False),
            delay_ms=1.5,
            receptor="inhibitory",
            **{name: 0.3 * value for name, value in weight.items()},
        )
        before = after
    return net


@pytest.mark.parametrize("delay", [0.5, 3.0])
@pytest.mark.parametrize("scheme", ["exact", "step_average"])
def test_currents_act_when_they_do_in_the_specification(scheme: str, delay: float) -> None:
    cell = LIF(tau_m_ms=5, tau_syn_E_ms=0.7, tau_syn_I_ms=0.7, cm_nF=0.2, tau_refrac_ms=1.3, i_offset_nA=0.1)
    graph = ernsnn.lower(chain(scheme, cell, {"weight_nA": 12.0}, delay))
    same_spikes(graph, 160)


@pytest.mark.parametrize("refractory", [0.0, 2.0])
def test_jumps_act_when_they_do_in_the_specification(refractory: float) -> None:
    graph = ernsnn.lower(chain("exact", DeltaLIF(tau_refrac_ms=refractory), {"weight_mV": 21.0}, 1.0))
    same_spikes(graph, 160)


def same_spikes(graph: ernsnn.Graph, steps: int) -> None:
    result = ernsnn.run(graph, duration_ms=steps * graph.dt_ms, backend="reference")
    found = run_integers(required(graph, n_steps=steps)[0], steps)
    for p in graph.populations:
        at, who = result.recording.spikes[p.name]
        assert found[p.name] == set(zip(at.tolist(), who.tolist(), strict=True)), p.name
    assert sum(map(len, found.values())) > 15


def test_two_exponents_where_one_would_lose_the_small_weights() -> None:
    net = Network()
    source, target = net.population("s", 3, SpikeTimes([[], [], []])), net.population("n", 3, LIF())
    net.projection("p", source, target, OneToOne(), weight_nA=np.array([0.007, 0.5, 1.0]))
    (projection,) = ernsnn.lower(net).projections
    report = Report()
    coarse, fine = static(projection, layers(projection), 4000.0, 0, report)
    assert (coarse.name, fine.name) == ("p", "p~fine")
    assert coarse.exponent > fine.exponent
    stored = sum(np.diag(c.weights) * 2.0**c.exponent for c in (coarse, fine))
    np.testing.assert_allclose(stored / 4000, [0.007, 0.5, 1.0], rtol=0.01)
    assert not report.limits


def test_several_synapses_of_one_pair_become_several_connections() -> None:
    net = Network()
    source, target = net.population("s", 1, SpikeTimes([[]])), net.population("n", 1, LIF())
    pairs = ernsnn.FromList([(0, 0), (0, 0)])
    net.projection("p", source, target, pairs, weight_nA=[1.0, 0.5], delay_ms=[10.0, 20.0])
    network, _ = required(ernsnn.lower(net), n_steps=0)
    # "exact": one step more.
    assert {c.name: c.delays for c in network.connections} in ({"p": 11, "p#2": 21}, {"p": 21, "p#2": 11})


def test_a_plastic_delay_goes_through_a_relay_that_learns_the_same() -> None:
    net = Network(dt_ms=1.0, current_integration="step_average")
    source, target = net.population("s", 5, SpikeTimes([[]] * 5)), net.population("n", 2, LIF())
    rule = ernsnn.stdp.pair(A_plus=0.1, A_minus=0.1)
    net.projection("p", source[1:4], target, AllToAll(), weight_nA=0.5, delay_ms=4, learning=rule)
    network, _ = required(ernsnn.lower(net), n_steps=0)
    relay, plastic = connection(network, "p~to_relay"), connection(network, "p")
    assert (relay.delays, relay.pre_start, relay.post) == (3, 1, "p~relay")
    # Pre spikes are seen 3 steps late, so post spikes, which take 4, are as well.
    assert (plastic.pre, plastic.pre_start, plastic.delays, plastic.post_delay) == ("p~relay", 0, 1, 7)
    cell = cells(network, "p~relay")
    assert cell.vth < 255
    assert (cell.size, cell.du, cell.dv, cell.refractory) == (3, 4095, 4095, 0)


def test_sparse_plastic_synapses_are_told_apart_by_their_delays() -> None:
    net = Network(dt_ms=1.0, current_integration="step_average")
    source, target = net.population("s", 3, SpikeTimes([[]] * 3)), net.population("n", 3, LIF())
    net.projection("p", source, target, OneToOne(), weight_nA=0.5, learning=ernsnn.stdp.pair(A_plus=0.1, A_minus=0.1))
    plastic = connection(required(ernsnn.lower(net), n_steps=0)[0], "p")
    np.testing.assert_array_equal(plastic.delays, np.eye(3))
    np.testing.assert_array_equal(plastic.weights, 128 * np.eye(3))


def test_inhibitory_and_signed_synapses_learn_within_their_own_integers() -> None:
    net = Network(dt_ms=1.0, current_integration="step_average")
    source, target = net.population("s", 2, SpikeTimes([[], []])), net.population("n", 2, LIF())
    rule = ernsnn.stdp.pair(A_plus=0.1, A_minus=0.1)
    signed = ernsnn.stdp.pair(A_plus=0.1, A_minus=0.1, w_min=-1.0)
    net.projection("in", source, target, AllToAll(), weight_nA=1.0, learning=rule, receptor="inhibitory")
    net.projection("both", source, target, AllToAll(), weight_nA=-0.5, learning=signed, receptor="signed")
    network, _ = required(ernsnn.lower(net), n_steps=0)
    inhibitory, mixed = connection(network, "in"), connection(network, "both")
    assert (inhibitory.mode, inhibitory.weights[0, 0]) == ("INHIBITORY", -255)
    assert (mixed.mode, mixed.weights[0, 0]) == ("MIXED", -128)
    # Potentiation of inhibition takes the integer down.
    for plastic, sign in ((inhibitory, -1), (mixed, 1)):
        assert plastic.rule
        up = sum(p.mantissa * 2.0**p.exponent for p in plastic.rule.dw if p.parts[0].variable == "x1")
        assert sign * up > 0
