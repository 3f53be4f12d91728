"""Third factors and intrinsic plasticity as kernels: equal to the reference to the bit, whatever window and threads."""

from __future__ import annotations

import numpy as np
import pytest
from random_networks import STEPS, Draw

import ernsnn as ern
from ernsnn.errors import ProgramFailed
from ernsnn.hardware_backends.native.engine import Engine
from ernsnn.hardware_backends.native.kernels.driver import Driver
from ernsnn.hardware_backends.reference.engine import Engine as Reference


def recorded(graph: ern.Graph, threads: int = 1, compiled: bool = True) -> dict[str, np.ndarray]:
    return Engine(graph, "float64", compiled, threads).run(STEPS, lambda fraction: None).to_arrays()


def expected(graph: ern.Graph) -> dict[str, np.ndarray]:
    return Reference(graph).run(STEPS, lambda fraction: None).to_arrays()


def assert_equal(found: dict[str, np.ndarray], wanted: dict[str, np.ndarray], kinds: tuple[str, ...] = ("",)) -> None:
    assert found.keys() == wanted.keys()
    for name, array in wanted.items():
        if name.startswith(kinds):
            assert found[name].astype(array.dtype).tobytes() == array.tobytes(), name


def assert_factors_equal(seeds: range) -> None:
    kinds: set[str] = set()
    for seed in seeds:
        graph = ern.lower(Draw(seed).net, seed)
        same = ("spikes/", "neurons/", *(f"signals/{m.name}." for m in graph.modulators))
        assert_equal(recorded(graph, compiled=False), expected(graph), same)
        kinds |= {m.kind.name for m in graph.modulators}
        kinds |= {"adapts" for p in graph.neurons() if p.intrinsic} | {"modulates" for _ in graph.modulations}
    assert kinds >= {"Astrocyte", "CalciumAstrocyte", "Gate", "Signal", "adapts", "modulates"}


def test_random_networks() -> None:
    assert_factors_equal(range(12))


@pytest.mark.slow
def test_100_random_networks() -> None:
    assert_factors_equal(range(12, 130))


def network(every: bool) -> ern.Network:
    """Neurons that learn under every third factor; with ``every``, neurons too follow them and adapt themselves."""
    net = ern.Network(dt_ms=0.5)
    inputs = net.population("inputs", 60, ern.Poisson(60.0))
    cells = net.population("cells", 300, ern.LIF(tau_refrac_ms=2.0))
    alone = net.astrocyte(
        "alone", [cells, inputs[5:40]], tau_ms=20.0, weight=[0.05, 0.02], threshold=0.3, threshold_off=0.1
    )
    each = net.astrocyte("each", [cells], tau_ms=30.0, weight=0.5, bias=-0.1, per="neuron")
    calcium = net.calcium_astrocyte(
        "calcium",
        [cells],
        per="neuron",
        transmitter_uM=ern.Schedule([10.0, 31.0, 60.0], [0.4, 0.0, 2.0]),
        release_uM=3.0,
        O_beta_uM_per_s=50.0,
    )
    rises = net.modulator("rises", ern.DoubleExponential, [cells], tau_rise_ms=2.0, tau_decay_ms=20.0, weight=0.01)
    gate = net.gate("gate", opens={each: 0.3, rises: 0.02}, stays={each: 0.1, rises: 0.01})
    given = net.signal("given", times_ms=[5.0, 30.0], values=[0.5, 0.2])
    largest = net.either("largest", [gate, given])
    rule = ern.LearningRule.from_equations(
        traces={"x": ern.Trace("pre", 20), "y": ern.Trace("post", 30)},
        on_pre={"w": "-0.02*y*A"},
        on_post={"w": "0.05*x*B*E + 0.01*x*C**3*R"},
        third_factors=["A", "B", "C", "E", "R"],
        bounds={"w": (0, 5)},
    )
    factors = {"A": alone, "R": rises}
    factors |= {n: ern.ThirdFactor(modulator=m, per="post") for n, m in (("B", each), ("C", calcium), ("E", largest))}
    weights = ern.Uniform(0.5, 2.5)
    net.projection("p", inputs, cells, weight_nA=weights, delay_ms=2.5, learning=rule, third_factors=factors)
    for m in (alone, each, calcium, rises, gate, largest):
        net.probe(m, "value", every_ms=3.0)
    net.probe(calcium, "I", every_ms=3.0)
    if every:
        net.modulate(cells, each, "v_threshold_mV", gain=0.2)
        net.modulate(cells[:100], given, "i_offset_nA", gain=0.3)
        net.inject(cells[40:90], ern.Schedule([7.0, 40.0], [0.2, -0.1]))
    return net


@pytest.mark.parametrize("every", [False, True])
def test_every_third_factor(every: bool) -> None:
    graph = ern.lower(network(every), 3)
    engine = Engine(graph, "float64")
    assert isinstance(engine.loop.run, Driver)  # no Python between kernels
    assert engine.window == (1 if every else 5)
    one = engine.run(STEPS, lambda fraction: None).to_arrays()
    assert_equal(one, expected(graph))
    for threads in (2, 3):
        assert_equal(recorded(graph, threads), one)
    changing = [name for name, values in one.items() if name.endswith("/values") and len(np.unique(values)) > 1]
    assert len(changing) == 7


@pytest.mark.parametrize("threads", [1, 2])
def test_intrinsic_plasticity(threads: int) -> None:
    net = ern.Network(dt_ms=0.5)
    inputs = net.population("inputs", 60, ern.Poisson(60.0))
    last = ern.Factor(variable="y", offset=0.5, power=3)
    rule = ern.LearningRule(
        traces={"y": ern.Trace("post", 50.0), "z": ern.Trace("post", 20.0, mode="set")},
        terms=[
            ern.Term("w", "post", 0.3, (last,)),
            ern.Term("w", "post", -0.1, (ern.Factor(variable="z"),)),
            ern.Term("w", "epoch", -0.05, (ern.Factor(variable="z"),)),
        ],
        bounds={"w": (-65, -48)},
        epoch_ms=5.0,
    )
    adapts = ern.IntrinsicPlasticity(target="v_threshold_mV", rule=rule)
    for k, n in enumerate((300, 70)):
        cells = net.population(f"cells{k}", n, ern.LIF(), plasticity=adapts)
        net.projection(f"p{k}", inputs, cells, weight_nA=ern.Uniform(0.2, 1.2))
    net.freeze(30, 40)
    graph = ern.lower(net, 3)
    assert_equal(recorded(graph, threads), expected(graph))


@pytest.mark.parametrize("threads", [1, 2])
def test_what_cannot_be_stops_the_run_in_the_same_step(threads: int) -> None:
    net = ern.Network(dt_ms=1.0)
    inputs = net.population("inputs", 400, ern.Poisson(200.0))
    net.population("cells", 3, ern.LIF(i_offset_nA=1.0))
    for name, release in (("later", 9.0), ("sooner", 40.0), ("as_soon", 40.0)):
        net.calcium_astrocyte(name, [inputs], release_uM=release, tau_transmitter_ms=500.0)
    graph = ern.lower(net, 1)
    with pytest.raises(ProgramFailed) as wanted:
        expected(graph)
    assert "sooner: in step" in str(wanted.value)
    with pytest.raises(ProgramFailed) as found:
        recorded(graph, threads)
    assert str(found.value) == str(wanted.value)
