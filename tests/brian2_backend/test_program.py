"""The generated script: runs alone, equals the published raster, stays small, and is merged as promised."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from alike import assert_alike
from forked import assert_same, run_forked
from rasters import raster

import ernsnn as ern
from ernsnn.hardware_backends.brian2 import Brian2Backend
from ernsnn.hardware_backends.brian2.cost import choose_target
from ernsnn.hardware_backends.native import engine as native
from ernsnn.hardware_backends.reference.engine import Engine
from ernsnn.models.ca3_memory import build
from ernsnn.recording.recording import Recording


@pytest.mark.parametrize("target", ["numpy", "cpp_standalone"])
def test_published_raster(target):
    expected = raster("published")
    result = ern.run(expected.network(), duration_ms=expected.duration_ms, backend="brian2", target=target)
    assert result.meta["options"]["target"] == target
    expected.assert_shown(result.trains)


def lively():
    net = ern.Network(dt_ms=0.5)
    source = net.population("in", 20, ern.Poisson(rate_hz=60.0))
    cells = net.population("cells", 5, ern.LIF(tau_m_ms=ern.Uniform(8, 20), cm_nF=0.2, tau_refrac_ms=1.0))
    rule = ern.pair_stdp(A_plus=0.02, A_minus=0.015, w_max=1.0)
    net.projection("plastic", source, cells, weight_nA=ern.Uniform(0.3, 0.9), delay_ms=1.5, learning=rule)
    net.projection("between", cells, cells, ern.AllToAll(self_connections=False), weight_nA=0.2, receptor="inhibitory")
    net.probe(cells, "v_mV", every_ms=5)
    return net


def test_script_runs_without_ernsnn(tmp_path):
    """In an interpreter where importing ernsnn fails, the script gives the spikes of the reference."""
    graph = ern.lower(lively(), seed=3)
    ern.compile(graph, "brian2", duration_ms=200, out=tmp_path / "program", target="numpy")
    alone = "import sys, runpy; sys.modules['ernsnn'] = None; sys.argv = ['program.py']; runpy.run_path('program.py')"
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    subprocess.run(
        [sys.executable, "-c", alone], cwd=tmp_path / "program", check=True, env=environment, capture_output=True
    )
    with np.load(tmp_path / "program" / "recording.npz") as file:
        arrays = {name: file[name] for name in file.files if not name.startswith("about/")}
    found, expected = Recording.from_arrays(arrays, {}), Engine(graph).run(400, lambda fraction: None)
    assert sum(len(steps) for steps, _ in expected.spikes.values()) > 100
    for name, (steps, neurons) in expected.spikes.items():
        assert np.array_equal(found.spikes[name][0], steps)
        assert np.array_equal(found.spikes[name][1], neurons)
    np.testing.assert_allclose(found.synapses["plastic"]["w"], expected.synapses["plastic"]["w"], rtol=1e-9)


def test_script_compiles_as_python_and_names_no_ernsnn(tmp_path):
    program = Brian2Backend().compile(ern.lower(lively(), 0), 10, target="numpy")
    compile(program.files["program.py"], "program.py", "exec")
    assert "import ernsnn" not in program.files["program.py"]


def test_populations_and_projections_of_one_kind_are_merged():
    text = Brian2Backend().compile(ern.lower(build(8, 16)), 10, target="numpy").files["program.py"]
    assert text.count("= NeuronGroup(") == 2  # sources, cells
    assert text.count("= Synapses(") == 4  # from sources; between cells E and I; plastic


def test_same_code_with_new_numbers():
    """What C++ is compiled from must not hold weights, time constants or spike times."""

    def code(weight, tau_ms, times):
        net = ern.Network()
        source = net.population("in", 2, ern.SpikeTimes(times))
        cells = net.population("cells", 3, ern.LIF(tau_m_ms=tau_ms))
        rule = ern.pair_stdp(A_plus=weight / 10, A_minus=0.1, w_max=10 * weight)
        net.projection("p", source, cells, weight_nA=weight, learning=rule)
        text = Brian2Backend().compile(ern.lower(net), 10, target="numpy").files["program.py"]
        blocks = text.split('"""')[3::2]  # equations and code, without the docstring
        return "\n".join(blocks)

    assert code(1.0, 20.0, [[1], [2]]) == code(2.5, 11.0, [[1, 4, 5], [7]])


def test_target_is_chosen_by_the_size_of_the_work():
    small, large = ern.Network(), ern.Network()
    small.population("cells", 10, ern.LIF())
    cells = large.population("cells", 2000, ern.LIF())
    large.projection("p", cells, cells, weight_nA=0.1)
    assert choose_target(ern.lower(small), 1000) == "numpy"
    assert choose_target(ern.lower(large), 100_000) == "cpp_standalone"


def test_a_plastic_delay_beyond_the_registers_is_an_issue():
    net = ern.Network()
    cells = net.population("cells", 2, ern.LIF())
    net.projection("far", cells, cells, weight_nA=0.5, delay_ms=65, learning=ern.pair_stdp(A_plus=0.1, A_minus=0.1))
    issues = ern.check(net, "brian2")
    assert [(issue.code, issue.path) for issue in issues.errors] == [("B201", "far.delay_ms")]
    with pytest.raises(ern.UnsupportedOnBackend, match=r"B201 .*far\.delay_ms"):
        ern.run(net, duration_ms=10, backend="brian2")


def test_what_many_synapses_will_take_is_told_and_stops_nothing():
    net = ern.Network()
    cells = net.population("cells", 10_000, ern.LIF(i_offset_nA=1.0))
    net.projection("dense", cells, cells, weight_nA=ern.Uniform(0, 1))
    issues = ern.check(net, "brian2")
    assert [(issue.code, issue.path, issue.fidelity) for issue in issues] == [("B301", "dense", "exact")]
    assert "2.4 GB" in issues[0].message


def test_names_that_are_words_of_brian2():
    """Marks, traces, third factors and populations may be called as Brian2 calls its own variables."""
    net = ern.Network()
    source = net.population("N", 3, ern.Poisson(rate_hz=200.0))
    cells = net.population("dt", 2, ern.LIF(cm_nF=0.1))
    reward = net.signal("t", times_ms=[5, 30], values=[1.0, 0.5])
    rule = ern.LearningRule.from_equations(
        traces={"i": ern.Trace("pre", 10), "lastspike": ern.Trace("post", 10)},
        on_post={"w": "0.1*i*t", "N": "0.1*i"},
        on_pre={"w": "-0.05*lastspike*(1 - N)"},
        marks=[ern.Mark("N")],
        third_factors=["t"],
        bounds={"w": (0, 3)},
    )
    net.projection("E", source, cells, weight_nA=1.0, learning=rule, third_factors={"t": reward})
    assert_same(ern.lower(net), 100)


HOSTILE = (
    *("xi", "xi_a", "_a", "__b", "_spikespace", "a_pre", "x_post", "i", "j", "t", "N", "dt", "S", "E", "inf", "pi"),
    *(
        "lambda",
        "int",
        "double",
        "while",
        "not_refractory",
        "exp",
        "clip",
        "np",
        "numpy",
        "self",
        "v0",
        "x0",
        "k0",
        "c",
    ),
    *("w_value", "mark_a", "change0", "learns", "plastic", "period0", "λ", "наз", "n" * 190),
)


def named(marks, traces, factors):
    """A network whose one rule has marks, traces and third factors of these names, and uses all of them."""
    net = ern.Network()
    source = net.population("in", 3, ern.Poisson(rate_hz=200.0))
    cells = net.population("cells", 2, ern.LIF(cm_nF=0.1))
    reward = net.signal("reward", times_ms=[5, 30], values=[1.0, 0.5])
    read = [ern.Factor(variable=name, scale=0.5, offset=0.5) for name in (*traces, *factors)]
    terms = [ern.Term("w", event, 0.01, [factor]) for factor in read for event in ("pre", "post")]
    terms += [
        ern.Term(mark, event, 0.01, [factor])
        for mark, factor in zip(marks, read, strict=False)
        for event in ("pre", "post", "epoch")
    ]
    rule = ern.LearningRule(
        traces={name: ern.Trace(("pre", "post")[k % 2], 10, gate=factors[k]) for k, name in enumerate(traces)},
        terms=terms,
        marks=[ern.Mark(name) for name in marks],
        flows=[ern.Relax(variable=name, tau_s=0.1) for name in marks],
        epoch_ms=10,
        third_factors=factors,
        bounds={"w": (0, 3)},
    )
    p = net.projection("p", source, cells, weight_nA=1.0, learning=rule, third_factors=dict.fromkeys(factors, reward))
    net.probe(p, marks[0], every_ms=7)
    return net


THIRD = len(HOSTILE) // 3


@pytest.mark.parametrize("turn", range(3))
def test_names_that_mean_something_in_a_language(turn):
    """Each is once a mark, once a trace and once a third factor; Brian2 and the native engine learn the same."""
    names = HOSTILE[turn * THIRD :] + HOSTILE[: turn * THIRD]
    net = named(names[: THIRD - 2], names[THIRD - 2 : 2 * THIRD - 2], names[2 * THIRD - 2 :])
    graph = ern.lower(net, seed=2)
    expected = Engine(graph).run(60, lambda fraction: None)
    assert all(values.max() > 0 for values in expected.synapses["p"].values())
    assert_alike(run_forked(graph, 60), expected)
    assert_alike(native.Engine(graph, "float64", compiled=False).run(60, lambda fraction: None), expected)


@pytest.mark.slow
@pytest.mark.parametrize("target", ["cython", "cpp_standalone"])
def test_names_that_mean_something_in_compiled_code(target):
    net = named(["xi", "_a", "λ", "while"], ["double", "a_pre", "n" * 190], ["int", "x_post", "_pre"])
    assert_same(ern.lower(net, seed=2), 60, target=target)


def test_sums_are_refused_with_threads():
    net = ern.Network()
    cells = net.population("cells", 2, ern.LIF())
    rule = ern.LearningRule(terms=[], epoch_ms=1, normalise=[ern.Normalise("post", "w", 1.0)])
    net.projection("p", cells, cells, weight_nA=0.5, learning=rule)
    with pytest.raises(ern.UnsupportedOnBackend, match="threads=0"):
        ern.run(net, duration_ms=5, backend="brian2", target="cpp_standalone", threads=2)


@pytest.mark.slow
@pytest.mark.parametrize("threads", [0, 2])
def test_everything_in_cpp_standalone(threads):
    """One network with nearly every feature, compiled to C++."""
    net = ern.Network(dt_ms=0.5, current_integration="step_average")
    source = net.population("in", 12, ern.Poisson(rate_hz=ern.Schedule([0, 30], [80.0, 40.0])))
    given = net.population("given", 2, ern.SpikeTimes([[0, 10, 20], [5, 15]]))
    homeostasis = ern.LearningRule.from_equations(
        on_post={"w": "0.3"}, on_epoch={"w": "-0.2"}, epoch_ms=5, bounds={"w": (-54, -40)}
    )
    cells = net.population(
        "cells",
        6,
        ern.AdaptiveLIF(cm_nF=0.1, tau_m_ms=ern.Uniform(6, 12), tau_refrac_ms=1.0),
        plasticity=ern.IntrinsicPlasticity(target="v_threshold_mV", rule=homeostasis),
    )
    glia = net.astrocyte("glia", [cells], tau_ms=20, threshold=2.0, threshold_off=0.7)
    per_cell = net.astrocyte("per-cell", [cells], tau_ms=20, per="neuron")
    rule = ern.LearningRule.from_equations(
        traces={"x": ern.Trace("pre", 10, gate="P"), "y": ern.Trace("post", 12, mode="set")},
        on_post={"w": "0.05*x*(1 + a)*(2 - w)*(1 - 0.9*m)**2", "a": "0.1*x*(1 - a)*(1 + 0.1*q)"},
        on_pre={"w": "-0.02*y*w*(1 - 0.9*m)**2"},
        on_epoch={"m": "0.1*a*P*(1 - m)", "a": "-0.1*a"},
        marks=[ern.Mark("a"), ern.Mark("m", initial=ern.Uniform(0, 0.1))],
        third_factors=["P", "q"],
        bounds={"w": (0, 2)},
        epoch_ms=4,
        normalise=[] if threads else [ern.Normalise("post", "w", 9.0)],
    )
    net.projection(
        "plastic",
        source,
        cells,
        weight_nA=ern.Uniform(0.2, 1),
        delay_ms=ern.Uniform(0.5, 2),
        learning=rule,
        third_factors={"P": glia, "q": ern.ThirdFactor(modulator=per_cell, per="post")},
        transmit="w + 0.5*m",
    )
    net.projection("teach", given, cells, weight_nA=2.0)
    net.projection("back", cells, cells, ern.FixedProbability(0.5), weight_nA=0.3, receptor="inhibitory", delay_ms=1.5)
    net.inject(cells[:3], ern.CurrentSteps(times_ms=[10, 40], amplitudes_nA=[0.1, 0.0]))
    net.probe(cells, "v_mV")
    net.probe(cells, "theta_mV", every_ms=3)
    net.probe(net.projections["plastic"], "m", every_ms=7)
    net.probe(glia, "C")
    graph = ern.lower(net, seed=1)
    assert sum(len(s) for s, _ in run_forked(graph, 160).spikes.values()) > 100
    assert_same(graph, 160, target="cpp_standalone", threads=threads)
