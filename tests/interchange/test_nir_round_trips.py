"""Networks go to NIR graphs and back: losslessly for us, and as graphs that others can read."""

import re
import warnings
from itertools import pairwise

import nir
import numpy as np
import pytest
from own_kinds import adex, three_receptors
from random_networks import Draw

import ernsnn as ern
from ernsnn.describe.neurons import CLASSES


def through_a_file(graph, folder):
    nir.write(folder / "network.nir", graph)
    return nir.read(folder / "network.nir")


def quietly(network, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ern.ModelWarning)
        return ern.to_nir(network, **options)


SEEDS = [pytest.param(seed, marks=[pytest.mark.slow] if seed % 20 else []) for seed in range(200)]


@pytest.mark.parametrize("seed", SEEDS)
def test_random_networks_are_the_same_after_a_round_trip(seed: int, tmp_path) -> None:
    """By ``nir.read`` and by our own reader."""
    network = Draw(seed).net
    digest = ern.lower(network, seed).digest
    graph = through_a_file(quietly(network, seed=seed), tmp_path)
    for read in (graph, tmp_path / "network.nir"):
        back = ern.from_nir(read)
        assert ern.lower(back, seed).digest == digest
        assert ern.lower(back, seed + 1).digest == ern.lower(network, seed + 1).digest


def test_own_kinds_and_drawn_parameters_that_follow_others(tmp_path) -> None:
    network = three_receptors()
    network.population("drawn", 30, ern.LIF(v_rest_mV=ern.Normal(-65, 2), v_reset_mV=-80.0))
    network.population("own", 3, adex())
    facilitating = ern.ShortTerm.from_equations(
        "Facilitating",
        states={"u": "U"},
        on_spike="u = U + u*(1 - U)*exp(-since/tau)",
        factor="u",
        parameters={"U": 0.2, "tau": 50.0},
    )
    network.projection(
        "fac", network.populations["drawn"], network.populations["drawn"], weight_nA=0.1, short_term=facilitating()
    )
    back = ern.from_nir(through_a_file(quietly(network), tmp_path))
    assert ern.lower(back, 3).digest == ern.lower(network, 3).digest


def layers(scheme: str = "step_average", **options) -> ern.Network:
    """Two layers of LIF, driven by spikes, of which one is recurrent, with delays and currents."""
    rng = np.random.default_rng(5)
    net = ern.Network(dt_ms=0.5, current_integration=scheme, name="layers")
    times = [np.flatnonzero(rng.random(200) < 0.2) * 0.5 for _ in range(10)]
    inputs = net.population("inputs", 10, ern.SpikeTimes(times))
    cells = {"v_rest_mV": -1.0, "v_reset_mV": -2.0, "v_threshold_mV": 4.0, "tau_m_ms": rng.uniform(5, 12, 16)}
    one = net.population("one", 16, ern.LIF(**cells, **{"tau_syn_E_ms": 3.0, "tau_syn_I_ms": 3.0, **options}))
    two = net.population("two", 5, ern.SoftResetLIF(v_rest_mV=0.0, v_reset_mV=0.2, v_threshold_mV=2.0, tau_m_ms=8.0))
    net.projection("in", inputs, one, weight_nA=rng.normal(0.6, 1.5, (10, 16)), receptor="signed", delay_ms=1.5)
    net.projection("round", one, one, ern.FixedProbability(0.3), weight_nA=0.5, receptor="inhibitory")
    net.projection("on", one[4:12], two[1:4], weight_nA=ern.Uniform(0.5, 3.0), delay_ms=ern.Uniform(0.5, 2.0))
    return net


@pytest.mark.parametrize("scheme", ["step_average", "exact"])
@pytest.mark.parametrize("integration", ["euler", "exact"])
def test_the_nodes_alone_spike_like_the_network(integration: str, scheme: str, tmp_path) -> None:
    """Without the metadata, which other tools do not read.

    Where currents act from the next step on ("exact"), our layers are a step later each, with such delays.
    """
    network = layers(scheme)
    graph = through_a_file(ern.to_nir(network, seed=3, integration=integration), tmp_path)
    graph.metadata = {}
    times = network.populations["inputs"].model
    back = ern.from_nir(graph, dt_ms=0.5, inputs={"inputs": times}, integration=integration)
    was, now = (ern.run(n, duration_ms=100, backend="reference", seed=3).recording.spikes for n in (network, back))
    for name, late in (("one", 1), ("two", 2)):
        early = was[name][0] < 200 - late
        assert early.sum() > 20
        assert np.array_equal(was[name][0][early] - late * (scheme == "exact"), now[name][0][: early.sum()])
        assert np.array_equal(was[name][1][early], now[name][1][: early.sum()])


def test_a_network_from_nodes_gives_the_nodes_again() -> None:
    """Thresholds, resets, time constants, r, leak and dt survive: snntorch 304, 367, 380, 384, lava-dl 217, NIR 111."""
    n, rng = 4, np.random.default_rng(0)
    given = {
        "a": nir.LIF(
            tau=rng.uniform(0.005, 0.02, n), r=rng.uniform(0.5, 3, n), v_leak=rng.normal(0, 0.1, n),
            v_threshold=rng.uniform(0.8, 1.2, n), v_reset=rng.normal(-0.2, 0.1, n),
        ),
        "b": nir.CubaLIF(
            tau_mem=rng.uniform(0.005, 0.02, n), tau_syn=rng.uniform(0.003, 0.01, n), r=rng.uniform(0.5, 3, n),
            v_leak=rng.normal(0, 0.1, n), v_threshold=rng.uniform(0.8, 1.2, n), v_reset=rng.normal(-0.2, 0.1, n),
        ),
        "c": nir.LIF(
            tau=np.full(n, 0.01), r=np.ones(n), v_leak=np.zeros(n), v_threshold=np.ones(n), v_reset=np.zeros(n),
            metadata={"reset": "subtraction"},
        ),
        "d": nir.CubaLI(tau_mem=np.full(n, 0.01), tau_syn=np.full(n, 0.004), r=np.ones(n), v_leak=np.zeros(n)),
    }  # fmt: skip
    weights = {f"w{k}": nir.Affine(rng.normal(size=(n, n)), rng.normal(0, 0.1, n)) for k in given}
    names = [name for k in given for name in (f"w{k}", k)]
    chain = ["in", *names, "out"]
    nodes = {**given, **weights, "in": nir.Input(np.array([n])), "out": nir.Output(np.array([n]))}
    graph = nir.NIRGraph(nodes, list(pairwise(chain)))
    back = ern.to_nir(ern.from_nir(graph, dt_ms=1.0))
    for name, node in given.items():
        after = back.nodes[name]
        assert type(after) is type(node)
        for field in ("tau", "tau_mem", "tau_syn", "r", "v_leak", "v_threshold", "v_reset"):
            if hasattr(node, field):
                np.testing.assert_allclose(getattr(after, field), getattr(node, field), rtol=1e-9, atol=1e-12)
    assert back.nodes["c"].metadata == {"reset": "subtraction"}
    for before, node in weights.items():
        (after,) = [back.nodes[a] for a, b in back.edges if b == before[1:]]
        np.testing.assert_allclose(after.weight, node.weight, rtol=1e-9)
        np.testing.assert_allclose(after.bias, node.bias, rtol=1e-9)
    assert len(back.nodes) == len(graph.nodes)
    assert ern.from_nir(back).dt_ms == 1.0


def test_a_step_that_is_given_replaces_that_of_the_network() -> None:
    network = ern.Network(dt_ms=0.5)
    network.population("a", 2, ern.LIF())
    graph = ern.to_nir(network)
    assert ern.from_nir(graph).dt_ms == 0.5
    assert ern.from_nir(graph, dt_ms=0.25).dt_ms == 0.25


def test_nodes_that_were_changed_are_read_and_the_rest_is_left(tmp_path) -> None:
    network = layers()
    graph = ern.to_nir(network)
    graph.nodes["in"].weight[0, 0] += 1
    graph = through_a_file(graph, tmp_path)
    with pytest.warns(ern.ModelWarning, match="I104"):
        back = ern.from_nir(graph, dt_ms=0.5)
    ours = ern.lower(network, 0)
    assert back.populations["one"].size == 16
    assert ern.lower(back, 0).digest != ours.digest
    with pytest.warns(ern.ModelWarning, match="I104"), pytest.raises(ern.InvalidModel, match="give dt_ms"):
        ern.from_nir(graph)


def test_what_others_cannot_see_is_listed() -> None:
    net = ern.Network(dt_ms=1.0, name="rich")
    source = net.population("source", 3, ern.Poisson(20.0))
    cells = net.population("cells", 20, ern.AdaptiveLIF(tau_refrac_ms=2.0, noise_mV=0.1))
    glia = net.astrocyte("glia", [cells], tau_ms=50.0)
    rule = ern.stdp.pair(A_plus=0.01, A_minus=0.01, w_max=1.0)
    net.projection("learns", source, cells, weight_nA=0.5, learning=rule)
    net.projection("far", source, cells, weight_nA=0.5, delay_ms=ern.Uniform(1, 60))
    net.poisson_input("noise", cells, rate_hz=5.0, weight_nA=0.1)
    net.inject(cells, ern.CurrentSteps(times_ms=[5.0], amplitudes_nA=[0.1]))
    net.modulate(cells, glia, "i_offset_nA", gain=0.1)
    with pytest.warns(ern.ModelWarning) as caught:
        ern.to_nir(net)
    (message,) = [str(warning.message) for warning in caught]
    for line in (
        "I101 .*learns",
        "I101 .*glia",
        "I101 .*noise",
        "I102 .*AdaptiveLIF",
        "I102 .*tau_refrac",
        "I103 .*far",
    ):
        assert re.search(line, message), line


def test_third_factors_of_a_class_of_the_users_own_are_refused() -> None:
    class Mine(ern.Astrocyte):
        pass

    net = ern.Network()
    cells = net.population("cells", 2, ern.LIF())
    net.modulator("mine", Mine, [cells], tau_ms=5.0)
    with pytest.raises(ern.InvalidModel, match="mine: Mine is a class of your own"):
        ern.to_nir(net)


@pytest.mark.parametrize("kind", CLASSES)
def test_every_kind_gives_a_graph_that_nir_takes(kind: str, tmp_path) -> None:
    net = ern.Network(dt_ms=0.1, name=kind)
    cells = net.population("cells", 3, getattr(ern, kind)())
    unit = cells.model.kind.receptors[0].unit
    net.projection("p", cells, cells, ern.AllToAll(self_connections=False), **{f"weight_{unit}": 0.01})
    graph = through_a_file(quietly(net), tmp_path)
    assert {type(node).__name__ for node in graph.nodes.values()} >= {"Linear", "Input", "Output"}
    assert ern.lower(ern.from_nir(graph)).digest == ern.lower(net).digest
