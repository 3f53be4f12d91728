"""Flows in the Brian2 program: the same numbers as the reference, and code that can be read."""

from __future__ import annotations

from forked import assert_same

import ernsnn
from ernsnn.describe.marks import Labile, Stable, WeightRelax
from ernsnn.hardware_backends.brian2.compiler import compile_program


def marked():
    """Both marks and the weight's flow, delays of several steps, one consolidation signal a neuron."""
    net = ernsnn.Network(dt_ms=0.5)
    source, target = net.population("s", 4, ernsnn.Poisson(80)), net.population("n", 3, ernsnn.LIF(i_offset_nA=0.9))
    glia = net.astrocyte("glia", [target], per="neuron", tau_ms=100, weight=0.3, threshold=0.5, threshold_off=0.2)
    rule = ernsnn.stdp.pair(
        A_plus=0.05,
        A_minus=0.02,
        dependence="multiplicative",
        marks=[
            Labile("a_pre", tau_s=0.3, rise=0.3, fall=0.05, initial=ernsnn.Uniform(0, 0.9)),
            Stable("N", tau_s=0.6, consolidated_by="P", tag="a_pre", rate_per_s=8.0, initial=ernsnn.Uniform(0, 0.9)),
        ],
        epoch_ms=10,
        rest=WeightRelax(tau_s=0.9, of="N"),
    )
    third = {"P": ernsnn.ThirdFactor(modulator=glia, per="post")}
    synapses = net.projection(
        "p",
        source,
        target,
        weight_nA=ernsnn.Uniform(0.1, 0.9),
        delay_ms=ernsnn.Uniform(0.5, 2),
        learning=rule,
        third_factors=third,
        transmit="w + 0.5*N",
    )
    for variable in rule.variables:
        net.probe(synapses, variable, every_ms=5)
    return ernsnn.lower(net, 3)


def test_marks_equal_the_reference():
    assert_same(marked(), 600)


def test_every_flow_is_worked_out_before_a_variable_is_set():
    program = compile_program(marked(), 10, target="numpy", threads=0).files["program.py"]
    code = program.split('"flows": """')[1]
    targets = [line.split(" = ")[0].strip() for line in code[: code.index('"""')].splitlines() if " = " in line]
    set_last = ["w", "mark_a_pre_value", "mark_N_value"]
    assert targets[-3:] == set_last
    assert not set(set_last) & set(targets[:-3])
    assert {f"{name}_moved" for name in set_last} <= set(targets[:-3])
