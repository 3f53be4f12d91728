"""Astrocytes with calcium dynamics in the Brian2 program: the reference's numbers, and code that can be read."""

from __future__ import annotations

import shutil

import pytest
from forked import assert_same

import ernsnn as ern
from ernsnn.hardware_backends.brian2.compiler import compile_program
from ernsnn.hardware_backends.brian2.cost import choose_target


def network(**options):
    """Cells that hear spikes, a schedule, or both; one of them gates plasticity, one takes part in a gate."""
    net = ern.Network(dt_ms=0.5)
    source, target = net.population("s", 2, ern.Poisson(60)), net.population("n", 2, ern.LIF(i_offset_nA=0.9))
    given = ern.Schedule([20, 150], [[3.0, 9.0], [0.0, 1.0]])
    each = net.calcium_astrocyte("each", [target], per="neuron", transmitter_uM=given, release_uM=30.0, **options)
    euler = net.calcium_astrocyte("euler", [source, target], threshold=0.3, threshold_off=0.2, integration="euler")
    alone = net.calcium_astrocyte("alone", transmitter_uM=ern.Schedule([0], [20.0]))
    gate = net.gate("gate", opens={each: 0.3, alone: 0.2}, stays={each: 0.1, alone: 0.1})
    for cell in (each, euler, alone):
        for variable in ern.CalciumAstrocyte.kind.probes:
            net.probe(cell, variable)
    net.probe(gate, "value")
    rule = ern.LearningRule.from_equations(
        traces={"x": ern.Trace("pre", 10)},
        on_pre={"w": "-0.05*c*(1 + g)"},
        on_post={"w": "0.1*x*P"},
        third_factors=["c", "g", "P"],
        bounds={"w": (0, 3)},
    )
    third = {
        "c": ern.ThirdFactor(modulator=each, per="post"),
        "g": ern.ThirdFactor(modulator=gate, per="post"),
        "P": euler,
    }
    net.probe(net.projection("p", source, target, weight_nA=0.5, learning=rule, third_factors=third), "w")
    return net


def test_it_equals_the_reference():
    assert_same(ern.lower(network(), 3), 1000)


def test_it_stands_still_while_learning_is_frozen():
    net = network()
    net.freeze(0, 5)
    net.freeze(100, 200)
    assert_same(ern.lower(net, 3), 600)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="needs a C++ compiler")
def test_the_compiled_program_equals_the_reference():
    assert_same(ern.lower(network(), 3), 1000, target="cpp_standalone")


def test_too_much_transmitter_ends_the_program():
    net = ern.Network()
    many = net.population("many", 30, ern.SpikeTimes([[7]] * 30))
    net.calcium_astrocyte("cell", [many])
    with pytest.raises(ern.ProgramFailed, match="cell: its transmitter is more than a step can follow"):
        ern.run(net, duration_ms=9, backend="brian2", target="numpy")


def test_the_program_says_the_equations_as_the_literature_does():
    program = compile_program(ern.lower(network()), 10, target="numpy", threads=0).files["program.py"]
    for variable in ("C", "I", "h", "Gamma_A"):
        assert f"    d{variable}/dt = " in program
    assert 'method="rk4"' in program
    assert 'method="euler"' in program
    assert '.state_updater.when, factor0.state_updater.order = "synapses", -1001' in program


@pytest.mark.skipif(shutil.which("g++") is None, reason="needs a C++ compiler")
def test_equations_to_solve_make_compiling_worth_while_sooner():
    def target(cells):
        net = ern.Network()
        source = net.population("s", 1, ern.Poisson(1))
        for k in range(cells):
            net.calcium_astrocyte(f"cell{k}", [source])
        return choose_target(ern.lower(net), 20_000)

    assert target(0) == "numpy"
    assert target(2) == "cpp_standalone"
