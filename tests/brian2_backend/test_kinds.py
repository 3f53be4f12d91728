"""Kinds of neurons that are nobody's but a user's: their equations, in generated Brian2 code as on the reference."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from alike import assert_alike
from forked import run_forked
from own_kinds import neuron, three_receptors

import ernsnn as ern
from ernsnn.describe.kinds import table
from ernsnn.graph.graph import Graph
from ernsnn.hardware_backends.brian2.compiler import compile_program
from ernsnn.hardware_backends.reference.engine import Engine
from ernsnn.recording.recording import Recording

STEPS = 200
COMPILED = ("cython", "cpp_standalone")


def reference(graph: Graph, n_steps: int = STEPS) -> Recording:
    with np.errstate(all="ignore"):
        return Engine(graph).run(n_steps, lambda fraction: None)


def assert_same(graph: Graph, n_steps: int, target: str = "numpy") -> None:
    assert_alike(run_forked(graph, n_steps, target), reference(graph, n_steps))


def test_another_state_and_three_receptors() -> None:
    graph = ern.lower(three_receptors(), seed=4)
    assert min(len(steps) for steps, _ in reference(graph).spikes.values()) > 5
    assert_same(graph, STEPS)


def test_it_goes_on() -> None:
    graph = ern.lower(three_receptors(), seed=4)
    first = run_forked(graph, 90)
    second = run_forked(graph, STEPS - 90, start=first)
    whole = reference(graph)
    for name, (steps, neurons) in whole.spikes.items():
        assert np.array_equal(second.spikes[name][0], steps[steps >= 90]), name
        assert np.array_equal(second.spikes[name][1], neurons[steps >= 90]), name
    np.testing.assert_allclose(second.neurons["first"]["v_threshold_mV"], whole.neurons["first"]["v_threshold_mV"])


def test_it_goes_on_with_a_parameter_that_was_not_given() -> None:
    """Only one of two populations has a floor then: they are one group still."""

    def network(**given: float) -> Graph:
        net = ern.Network()
        source = net.population("source", 4, ern.Poisson(rate_hz=200.0))
        for name, more in (("one", {}), ("other", given)):
            cells = net.population(name, 4, ern.LIF(cm_nF=0.2, **more))
            rule = ern.stdp.pair(A_plus=0.01, A_minus=0.01, w_max=2.0)
            net.projection(f"to-{name}", source, cells, weight_nA=0.9, delay_ms=2.0, learning=rule)
            net.projection(f"less-{name}", source, cells, weight_nA=1.5, receptor="inhibitory")
            net.probe(cells, "v_mV")
        return ern.lower(net)

    plain, floored = network(), network(v_min_mV=-66.0)
    start = run_forked(plain, 50)
    found = run_forked(floored, 50, start=start)
    assert found.signals["one.v_mV"][1].min() < -67
    assert found.signals["other.v_mV"][1].min() >= -66
    engine = Engine(plain).run(50, lambda fraction: None)
    assert_alike(found, Engine(floored).run(50, lambda fraction: None, start=engine))


def test_one_group_a_kind() -> None:
    text = str(compile_program(ern.lower(three_receptors()), 10, target="numpy", threads=0).files["program.py"])
    assert "cells_AdEx = NeuronGroup(9," in text
    assert "cells_LIF = NeuronGroup(3," in text
    assert text.count("= NeuronGroup(") == 4  # sources and glia, too
    assert "    U = clip(V, -inf, v_peak_mV)\n" in text
    assert "    V_new = where(has_noise_mV, V_new + noise_mV*0.1*normal, V_new)\n" in text
    assert "    V = where(active, V_new, V)\n" in text
    assert "    V = where(spiking, v_reset_mV, V)\n" in text


@pytest.mark.parametrize("names", [("Same", "Same"), ("x" * 200, "LIF_spikes"), ("update", "LIF")])
def test_kinds_of_any_name(names: tuple[str, str]) -> None:
    net = ern.Network()
    source = net.population("source", 4, ern.Poisson(rate_hz=300.0))
    for k, name in enumerate(names):
        equations = table("", f"V = V*0.9{k} + in_E", "V > v_threshold_mV", "V = 0.0", "")
        cells = net.population(f"p{k}", 3, neuron(name, equations, states={"V": "0"})(v_threshold_mV=2.5 - k))
        net.projection(f"to{k}", source, cells, weight_nA=1.0)
        net.projection(f"on{k}", cells, cells, weight_nA=-0.1, receptor="signed")
    graph = ern.lower(net)
    assert min(len(steps) for steps, _ in reference(graph).spikes.values()) > 5
    assert_same(graph, STEPS)


def test_chance_and_no_spikes_at_all() -> None:
    """Neurons that spike by chance, without refractoriness, and neurons that never do."""
    by_chance = neuron(
        "Chance",
        table("", "x = x*0.9 + in_E + 0.01", "uniform < 1 - exp(-x*dt)", "", "x += 0.01*spiking"),
        states={"x": "0.1"},
        held=(),
        refractory="",
    )
    reads = neuron("Readout", table("", "y = y*0.95 + in_E", "", "", "z += y*dt"), states={"y": "0", "z": "0"}, held=())
    net = ern.Network(dt_ms=0.5)
    chance, out = net.population("chance", 20, by_chance()), net.population("out", 2, reads())
    net.projection("sums", chance, out, weight_nA=0.1)
    net.probe(out, "z")
    graph = ern.lower(net)
    assert len(reference(graph).spikes["chance"][0]) > 100
    assert len(reference(graph).spikes["out"][0]) == 0
    assert_same(graph, STEPS)


def test_what_is_not_selected_may_be_infinite() -> None:
    """V overflows at the spike, as without a bound an exponential upstroke does, and is reset all the same."""
    upstroke = neuron(
        "Upstroke",
        table(
            "",
            """
            V = V + dt*exp(V/2.0) + 2.0
            share = sqrt(V) if V > 0 else 0.0
            lost = (1/min(V, 0.0) if V < 0 else share) if V < 30 else 1.0
            x = x*0.9 + lost
            """,
            "V >= v_threshold_mV",
            "V = v_reset_mV",
            "",
        ),
        states={"V": "v_init_mV", "x": "0"},
    )
    net = ern.Network(dt_ms=1.0)
    cells = net.population("cells", 4, upstroke(v_init_mV=np.array([-65.0, -30.0, -7.0, 5.0]), tau_refrac_ms=3.0))
    for variable in ("V", "x"):
        net.probe(cells, variable)
    graph = ern.lower(net)
    expected = reference(graph)
    assert len(expected.spikes["cells"][0]) > 10
    assert np.isfinite(expected.signals["cells.V"][1]).all()
    assert_same(graph, STEPS)


FUNCTIONS = (
    *("min(x, y)", "max(x, y)", "abs(x)", "exp(x)", "expm1(x/9)", "exprel(x/9)", "exprel(0*x)", "log(abs(x) + 1)"),
    *("sqrt(abs(y))", "tanh(x)", "cos(y)", "floor(x)", "ceil(x)", "floor(-1e11*x)*2", "ceil(1e11*x)*floor(y*1e5)"),
    *("x**3", "(abs(x) + 1)**0.3", "(y*y + 1)**-1.5", "-x**2", "-(-x)", "x - (y - x)", "x/(y/(x + 9))", "x - -y"),
    *("1.0 if x < y else 2.0", "(1 if x < 0 else 2 if y < 0 else 3)", "(x > 0)*2 + (y > 0)", "1 if x else 2"),
    *("1 if not x else 2", "1 if (x < 0) == (y < 0) else 2", "3 if x > 0 and (y > 0 or x > 1) else 4", "min(x > 0, y)"),
    *("1.0 if (x > 0 if y > 0 else x < 1) else 0.0", "5 if -1 < x <= y else 6", "1 if floor(x) and y else 2"),
    *("x if active else y", "active*x", "1 if not (active and x > 0) else 0"),
    *(
        "exp(1)*x + tanh(0.5)",
        "x*abs(-3) - cos(3)",
        "x**2 - -max(-2, min(-1, 3))",
        "exprel(sqrt(0.25))/(y - floor(-2.5))",
    ),
)


def functions() -> Graph:
    """Every operation of expressions, of two states that take values on both sides of 0."""
    names = [f"f{k}" for k in range(len(FUNCTIONS))]
    before = "\n".join(f"{name} = {text}" for name, text in zip(names, FUNCTIONS, strict=True))
    kind = neuron(
        "Functions",
        table("", before, "x > 1.5", "", "above = x > y; f0 += above; x = 3*cos(7*x + y); y = 2*cos(5*y + 1)"),
        states={"x": "v_init_mV", "y": "v_rest_mV"} | dict.fromkeys(names, "0"),
        held=(),
    )
    net = ern.Network()
    size = 41
    start = {"v_init_mV": np.linspace(-2, 2, size), "v_rest_mV": np.linspace(-1.05, 3, size)[::-1]}
    cells = net.population("cells", size, kind(tau_refrac_ms=2.0, v_reset_mV=-70.0, **start))
    for name in names:
        net.probe(cells, name)
    return ern.lower(net)


@pytest.mark.parametrize("target", ["numpy", *(pytest.param(t, marks=pytest.mark.slow) for t in COMPILED)])
@pytest.mark.parametrize("n_steps", [1, 4])
def test_every_function(n_steps: int, target: str) -> None:
    """The values of the last step, as Brian2's variables and as the reference's probes have them."""
    graph = functions()
    expected = reference(graph, n_steps)
    state = run_forked(dataclasses.replace(graph, probes=()), n_steps, target).state
    assert state is not None
    for k, text in enumerate(FUNCTIONS):
        wanted = expected.signals[f"cells.f{k}"][1][-1]
        assert n_steps > 1 or len(np.unique(wanted)) > 1 or text == "exprel(0*x)", text
        np.testing.assert_allclose(state[f"cells/f{k}"], wanted, rtol=1e-9, atol=1e-9, err_msg=text)


@pytest.mark.slow
def test_three_receptors_in_compiled_code() -> None:
    graph = dataclasses.replace(ern.lower(three_receptors(), seed=4), probes=())
    assert_same(graph, STEPS, target="cpp_standalone")


@pytest.mark.parametrize(
    "before",
    [
        "was = V\nV = V + 0.1*i_offset_nA\nV = V - 0.01*was",  # two states
        "old = V\nV = V + 0.1*i_offset_nA\nwas = old",  # a name of its own
        "V = was\nV = V + 0.5*i_offset_nA\nwas = was + 0.25",
    ],
)
@pytest.mark.parametrize("held", [(), ("V", "was")])
def test_a_copy_of_a_variable_stays_when_that_changes(before: str, held: tuple[str, ...]) -> None:
    """Brian2 turns ``V = V + ...`` into ``V += ...``, which on NumPy would change the copy, too."""
    kind = neuron("Copies", table("", before, "V > 1e9", "", ""), states={"V": "v_init_mV", "was": "0.5"}, held=held)
    net = ern.Network()
    cells = net.population("cells", 2, kind(i_offset_nA=1.0))
    net.probe(cells, "V")
    net.probe(cells, "was")
    assert_same(ern.lower(net), 6)
