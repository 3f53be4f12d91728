"""What the equations of a user's own kind of neurons may name its parameters, states and receptors: anything."""

from __future__ import annotations

import dataclasses
import keyword
import re
from typing import Any

import pytest
from forked import assert_same
from own_kinds import neuron

import ernsnn as ern
from ernsnn.describe.kinds import GIVEN, Parameter, state, table
from ernsnn.describe.modulators import Listener, ModulatorKind, expression, statements
from ernsnn.describe.modulators.kind import GIVEN as MODULATOR_GIVEN
from ernsnn.describe.neurons import LIBRARY
from ernsnn.describe.neurons.membrane import PARAMETERS
from ernsnn.graph.graph import Graph
from ernsnn.hardware_backends.brian2.compiler import compile_program
from ernsnn.hardware_backends.brian2.names import own
from ernsnn.hardware_backends.reference.engine import Engine

HOSTILE = (
    *("xi", "xi_a", "_a", "_spikespace", "a_pre", "x_post", "i", "j", "t", "N", "S", "E", "I", "Q", "inf", "pi", "e"),
    *("int", "double", "static", "new", "not_refractory", "clip", "np", "numpy", "self", "std", "mV", "second", "cm"),
    *(
        "NULL",
        "size_t",
        "where",
        "floor_of",
        "countdown",
        "V_new",
        "q1_in_E",
        "in_F",
        "dt_ms",
        "has_v_min_mV",
        "learns",
    ),
    *("piece", "i_injected", "i_column", "i_offset_nA_now", "gain0", "modulator0", "spiked_1", "factor0", "period0"),
    *("normal_stream0", "plastic0_trace_x_value", "intrinsic0", "cells", "lastspike", "cells_current", "refractory"),
    *("neuron_t_value", "linux", "cdef", "M_PI", "l" * 150, "rand", "network", "arrays", "spike_steps", "cells_update"),
)


def hostile(turn: int) -> Graph:
    """A kind whose parameters, constants, states, names of a step and receptors are called so."""
    names = HOSTILE[turn:] + HOSTILE[:turn]
    parameters, constants, states, steps, receptors = (names[k::5] for k in range(5))
    receptors = [r for r in receptors if not r.startswith("_")][:5]
    before = [
        f"{s} = 0.5*{names_of[0]} + {names_of[1]}" for s, *names_of in zip(steps, parameters, states, strict=False)
    ]
    moved = [f"{s} = {s}*{c} + 0.1*{b}" for s, c, b in zip(states, constants, steps, strict=False)]
    kind = neuron(
        "Hostile",
        table(
            "\n".join(f"{c} = 0.5 + 0.1*{p}" for c, p in zip(constants, parameters, strict=False)),
            "\n".join(
                [
                    *before,
                    *moved,
                    f"V = 0.2*({' + '.join([*states, *(f'in_{r}' for r in receptors)])}) + 0.1*i_offset_nA",
                    "V = V + 0.01*normal",
                ]
            ),
            "v_threshold_mV <= V",
            "V = 0.0",
            "\n".join(f"{s} = {s}*0.9" for s in states),
        ),
        states={"V": "0"} | dict.fromkeys(states, "0.1"),
        parameters=[Parameter(p) for p in parameters],
        receptors=receptors,
    )
    net = ern.Network()
    source = net.population("source", 4, ern.Poisson(rate_hz=100.0))
    homeostasis = ern.LearningRule.from_equations(on_post={"w": "0.01"}, on_epoch={"w": "-0.01"}, epoch_ms=5)
    learns = ern.IntrinsicPlasticity(target="v_threshold_mV", rule=homeostasis)
    given = {p: 1 + 0.1 * k for k, p in enumerate(parameters)}
    cells = net.population("cells", 3, kind(v_threshold_mV=0.6, **given), plasticity=learns)
    net.population("others", 2, ern.LIF())
    rule = ern.stdp.pair(A_plus=0.01, A_minus=0.01, w_max=2.0)
    for k, receptor in enumerate(r for r in kind.kind.words if r not in ("excitatory", "inhibitory", "signed")):
        learning = rule if k < 2 else None
        net.projection(
            f"p{k}", source, cells, weight_nA=0.1, receptor=receptor, delay_ms=ern.Uniform(1, 3), learning=learning
        )
    glia = net.astrocyte("glia", [cells], tau_ms=20)
    net.modulate(cells, glia, "i_offset_nA", gain=0.02)
    net.inject(cells, ern.CurrentSteps(times_ms=[10, 30], amplitudes_nA=[0.2, 0.0]))
    net.probe(cells, "V")
    net.probe(cells, states[0], every_ms=2)
    return ern.lower(net)


@pytest.mark.parametrize("turn", range(5))
def test_names_that_mean_something(turn: int) -> None:
    graph = hostile(turn)
    assert len(Engine(graph).run(60, lambda fraction: None).spikes["cells"][0]) > 10
    assert_same(graph, 60)


@pytest.mark.slow
@pytest.mark.parametrize("turn", [0, 2])
def test_names_that_mean_something_in_compiled_code(turn: int) -> None:
    assert_same(hostile(turn), 60, target="cpp_standalone")


def hostile_third_factor(turn: int) -> Graph:
    """A third factor whose parameters, constants, states, names of a step and shares of rates are called so."""
    names = [name for name in (*HOSTILE, "heard0", "heard1", "weight1", "sound", "freezing", "k0") if "__" not in name]
    names = names[turn:] + names[:turn]
    parameters, constants, states, steps, shares = (names[k::5] for k in range(5))
    kind = ModulatorKind(
        "Hostile",
        parameters=tuple(map(Parameter, parameters)),
        states=(state("C", "0", "C"), *(state(s, "0.1", f"p{k}") for k, s in enumerate(states))),
        constants=statements("\n".join(f"{c} = 0.5 + 0.1*{p}" for c, p in zip(constants, parameters, strict=False))),
        before=statements(
            "\n".join(f"{n} = 0.5*{c}\n{s} = {s}*0.9*{n}" for n, c, s in zip(steps, constants, states, strict=False))
        ),
        heard=statements("\n".join(f"{s} = {s} + weight*heard" for s in states[1:])),
        after=statements(f"C = 0.01*({' + '.join(states)})"),
        rates=statements(f"{shares[0]} = {states[1]} - {states[0]}\nd{states[0]}/dt = {shares[0]}*0.1"),
        sound=expression("C > -1e9"),
    )
    net = ern.Network()
    source = net.population("source", 4, ern.Poisson(rate_hz=100.0))
    cells = net.population("cells", 3, ern.LIF(i_offset_nA=1.0))
    fields = [(p, Any, 1.0 + 0.1 * k) for k, p in enumerate(parameters)]
    options = {"frozen": True, "eq": False, "kw_only": True}
    cls = dataclasses.make_dataclass("Hostile", fields, bases=(Listener,), namespace={"kind": kind}, **options)
    made = net.modulator("glia", cls, [source, cells], weight=[1.0, -0.5], threshold=0.05, threshold_off=0.01)
    gate = net.gate("gate", opens={made: 0.05}, stays={made: 0.02})
    net.modulate(cells, gate, "i_offset_nA", gain=0.5)
    net.freeze(20, 30)
    for probe in made.kind.probes:
        net.probe(made, probe)
    net.probe(gate, "value")
    return ern.lower(net)


@pytest.mark.parametrize("turn", range(5))
def test_names_of_third_factors_that_mean_something(turn: int) -> None:
    graph = hostile_third_factor(turn)
    values = Engine(graph).run(60, lambda fraction: None).signals["gate.value"][1]
    assert 0 < values.mean() < 1
    assert_same(graph, 60)


def test_no_name_is_taken_twice() -> None:
    """What Brian2 takes for its own, and what programs declare, is no name that equations keep."""
    import brian2
    from brian2.core.functions import DEFAULT_CONSTANTS, DEFAULT_FUNCTIONS
    from brian2.core.namespace import DEFAULT_UNITS

    group = brian2.NeuronGroup(1, "v : 1", threshold="v > 1", reset="", events={"other": "v > 2"})
    synapses = brian2.Synapses(group, group, "a : 1", on_pre="a += 1", on_post="a += 1")
    taken = {*DEFAULT_UNITS, *DEFAULT_FUNCTIONS, *DEFAULT_CONSTANTS, *keyword.kwlist} - {"-inf"}
    for thing in (group, synapses):
        taken |= {*dir(thing), *vars(thing), *thing.variables} - {"v", "a", "v_post", "v_pre", "active"}
    assert sorted(name for name in taken if own(name) == name) == []
    for graph in (hostile(0), learning_and_flows()):
        text = str(compile_program(graph, 10, target="numpy", threads=0).files["program.py"])
        names = set(re.findall(r"(?m)^ +(\w+)(?: : | [+*]?= )", "\n".join(text.split('"""')[3::2])))
        known = (*ern.LIF.kind.exact.names, *(p.name for p in PARAMETERS))
        theirs = {own(n) for n in (*HOSTILE, "V", "I_E", "I_I", *known)}
        glia = ern.Astrocyte.kind
        theirs |= {*GIVEN, *MODULATOR_GIVEN, "cursor"}  # of third factors and sources, which no equation meets
        theirs |= {"C", *(p.name for p in glia.parameters), *(s.target for s in glia.constants)}
        assert len(names) > 60
        assert sorted(name for name in names - theirs if own(name) == name and name[:3] != "in_") == []


def learning_and_flows() -> Graph:
    """A rule with all that keeps variables of its own on neurons and synapses."""
    net = ern.Network()
    source = net.population("source", 3, ern.Poisson(rate_hz=200.0))
    cells = net.population("cells", 2, ern.LIF())
    reward = net.signal("reward", times_ms=[5, 30], values=[1.0, 0.5])
    glia = net.astrocyte("glia", [cells], tau_ms=20, per="neuron")
    tagged = {"tag": "a", "tag_tau_s": 1, "tag_threshold": 0.1, "signal": "r"}
    tagged = {"tag": "a", "tag_tau_s": 1, "tag_threshold": 0.1, "signal": "r"}
    latch = ern.Latch(variable="b", tau_s=10, threshold=0.5, rate_per_s=1, budget=0.5, erasure=0.5, **tagged)
    rule = ern.LearningRule.from_equations(
        traces={"x": ern.Trace("pre", 10), "y": ern.Trace("post", 10)},
        on_post={"w": "0.1*x*r", "a": "0.1*x*g"},
        on_pre={"w": "-0.05*y"},
        marks=[ern.Mark("a"), ern.Mark("b")],
        third_factors=["r", "g"],
        bounds={"w": (0, 3)},
        epoch_ms=5,
        normalise=[ern.Normalise("post", "w", 2.0)],
        flows=[latch, ern.Relax(variable="w", tau_s=0.1)],
    )
    factors = {"r": reward, "g": ern.ThirdFactor(modulator=glia, per="post")}
    how = {"weight_nA": 1.0, "delay_ms": ern.Uniform(1, 3), "learning": rule, "third_factors": factors}
    p = net.projection("p", source, cells, **how, transmit="w + 0.1*b")
    net.probe(p, "b", every_ms=3)
    net.probe(cells, "v_mV", every_ms=3)
    net.freeze(5, 10)
    return ern.lower(net)


def test_library_kinds_keep_their_names() -> None:
    for kind in LIBRARY.values():
        tables = [t for t in (kind.exact, kind.step_average) if t]
        names = {name for t in tables for name in t.names} | {s.name for s in kind.states}
        assert [name for name in sorted(names - {"dt"}) if own(name) != name] == []
