"""Kinds of neurons that a user writes: closed forms, the same on every backend, saved and loaded, bad ones refused."""

from __future__ import annotations

import dataclasses
import json
import math
import subprocess
import sys

import numpy as np
import pytest
from on_backends import assert_equal_spikes, refused_in_words

import ernsnn as ern
from ernsnn.describe.neurons import CLASSES, LIBRARY

LIF_PARAMETERS = {"cm_nF": 0.5, "tau_m_ms": 15.0, "tau_refrac_ms": 2.0, "v_rest_mV": -65.0, "v_reset_mV": -68.0}
LIF_PARAMETERS |= {"v_threshold_mV": -52.0, "i_offset_nA": 0.1, "tau_syn_E_ms": 4.0, "tau_syn_I_ms": 7.0}
BASE = {
    "name": "Written",
    "text": """
        dV/dt = -(V - v_rest_mV)/tau_m_ms + (I_E - I_I + i_offset_nA)/cm_nF
        dI_E/dt = -I_E/tau_syn_E_ms; dI_I/dt = -I_I/tau_syn_I_ms
    """,
    "parameters": LIF_PARAMETERS,
    "receptors": {"E": "I_E += w", "I": "I_I += w"},
    "threshold": "V >= v_threshold_mV",
    "reset": "V = v_reset_mV",
    "refractory": "tau_refrac_ms",
}


def written(**changes) -> type[ern.Neuron]:
    given = {**BASE, **changes}
    return ern.Neuron.from_equations(given.pop("name"), given.pop("text"), **given)


def network(model: ern.Neuron, dt: float = 0.5, size: int = 6, **weight) -> ern.Network:
    net = ern.Network(name="written", dt_ms=dt)
    drive = net.population("drive", 30, ern.Poisson(40.0))
    cells = net.population("cells", size, model)
    words = model.kind.words
    for receptor in [w for w in words if w not in ("signed",)]:
        unit = model.kind.receptor(receptor).unit
        value = weight.get(receptor, 0.6)
        part = ern.FixedProbability(0.5)
        net.projection(f"to_{receptor}", drive, cells, part, receptor=receptor, **{f"weight_{unit}": value})
    for variable in model.kind.probes:
        net.probe(cells, variable)
    return net


def test_lif_in_equations_is_lif() -> None:
    ours = ern.run(network(ern.LIF(**LIF_PARAMETERS), excitatory=2.0), duration_ms=300, backend="reference")
    theirs = ern.run(network(written()(), excitatory=2.0), duration_ms=300, backend="reference")
    assert ours.spike_counts["cells"] > 30
    np.testing.assert_array_equal(ours.recording.spikes["cells"], theirs.recording.spikes["cells"])
    V = [r.recording.signals["cells.v_mV"][1] for r in (ours, theirs)]
    np.testing.assert_allclose(*V, rtol=0, atol=1e-11)
    assert theirs.graph.population("cells").kind.probes.keys() == {"v_mV", "I_E_nA", "I_I_nA"}


def test_a_spike_through_an_alpha_synapse() -> None:
    """I = w e (t/tau) exp(-t/tau) moves V without leak by w e tau (1 - (1 + t/tau) exp(-t/tau))/cm."""
    alpha = ern.Neuron.from_equations(
        "Alpha",
        "dV/dt = I/cm_nF; dI/dt = a - I/tau_ms; da/dt = -a/tau_ms",
        parameters={"cm_nF": 2.0, "tau_ms": 3.0, "v_rest_mV": -65.0},
        receptors={"E": "a += w*exp(1)/tau_ms"},
    )
    net = ern.Network(dt_ms=0.5)
    cells = net.population("cells", 1, alpha())
    net.projection("p", net.population("s", 1, ern.SpikeTimes([[1.0]])), cells, weight_nA=0.7, delay_ms=0.5)
    net.probe(cells, "v_mV")
    V = ern.run(net, duration_ms=30, backend="native", precision="float64").recording.signals["cells.v_mV"][1][:, 0]
    t = np.maximum((np.arange(60) - 3) * 0.5, 0.0)  # it is there at the end of step 3
    expected = -65.0 + 0.7 * math.e * 3.0 * (1 - (1 + t / 3.0) * np.exp(-t / 3.0)) / 2.0
    np.testing.assert_allclose(V, expected, rtol=0, atol=1e-12)


def test_spikes_by_chance_come_at_their_rate() -> None:
    chance = ern.Neuron.from_equations(
        "Chance", "x = 1.0", parameters={"rate_per_ms": 0.03}, receptors={}, probability="1 - exp(-dt*rate_per_ms)"
    )
    net = ern.Network(dt_ms=0.5)
    net.population("cells", 200, chance())
    results = [ern.run(net, duration_ms=400, backend=b, seed=3) for b in ("reference", "native")]
    counts = [r.spike_counts["cells"] for r in results]
    assert counts[0] == counts[1]
    p = 1 - math.exp(-0.015)
    assert abs(counts[0] - 160_000 * p) < 4 * math.sqrt(160_000 * p * (1 - p))


def test_a_read_out_never_spikes_and_a_soft_reset_keeps_the_rest() -> None:
    leak = "dV/dt = -V/tau_ms"
    parameters = {"tau_ms": 20.0, "theta_mV": 1.0}
    read_out = ern.Neuron.from_equations(
        "ReadOut", leak, parameters=parameters, receptors={"E": "V += w"}, units={"E": "mV"}
    )
    soft = ern.Neuron.from_equations(
        "Soft",
        leak,
        parameters=parameters,
        receptors={"E": "V += w"},
        units={"E": "mV"},
        threshold="V >= theta_mV",
        reset="V -= theta_mV",
    )
    net = ern.Network()
    source = net.population("source", 1, ern.SpikeTimes([[1.0]]))
    for name, kind in (("out", read_out), ("soft", soft)):
        cells = net.population(name, 1, kind())
        net.projection(f"to_{name}", source, cells, weight_mV=2.5)
        net.probe(cells, "v_mV")
    result = ern.run(net, duration_ms=6, backend="reference")
    assert result.spike_counts["out"] == 0
    P = math.exp(-1 / 20)
    expected, V = [], 2.5
    for _ in range(3):
        V *= P
        expected.append(V - (V >= 1.0))
        V = expected[-1]
    np.testing.assert_allclose(result.recording.signals["soft.v_mV"][1][3:, 0], expected, atol=1e-12)


def hodgkin_huxley(**how) -> type[ern.Neuron]:
    """Traub and Miles's gates, as PyNN's HH_cond_exp has them, with one kind of synapse."""
    return ern.Neuron.from_equations(
        "HH",
        """
        v = V - v_offset_mV
        a_m = 0.32*4.0*exprel((13.0 - v)/4.0)**-1
        b_m = 0.28*5.0*exprel((v - 40.0)/5.0)**-1
        a_h = 0.128*exp((17.0 - v)/18.0); b_h = 4.0/(1.0 + exp((40.0 - v)/5.0))
        a_n = 0.032*5.0*exprel((15.0 - v)/5.0)**-1; b_n = 0.5*exp((10.0 - v)/40.0)
        dm/dt = a_m*(1 - m) - b_m*m; dh/dt = a_h*(1 - h) - b_h*h; dn/dt = a_n*(1 - n) - b_n*n
        dV/dt = (g_Na_uS*m**3*h*(50.0 - V) + g_K_uS*n**4*(-90.0 - V) + g_leak_uS*(-65.0 - V) + g_E*(0.0 - V)
                 + i_offset_nA)/cm_nF
        dg_E/dt = -g_E/tau_syn_E_ms
        """,
        parameters={"cm_nF": 0.2, "v_offset_mV": -63.0, "g_Na_uS": 20.0, "g_K_uS": 6.0, "g_leak_uS": 0.01}
        | {"tau_syn_E_ms": 2.0, "i_offset_nA": 0.3},
        receptors={"E": "g_E += w"},
        units={"E": "uS"},
        initial={"V": -65.0, "h": 1.0},
        remember={"V_was": "V"},
        threshold="V >= -20.0 and V < V_was and V_was >= V_older",
        held=(),
        **how,
    )


def test_hodgkin_and_huxley_s_neuron() -> None:
    with pytest.raises(ern.InvalidModel, match="V_older"):
        hodgkin_huxley(method="rk4")


@pytest.mark.parametrize(
    "changes",
    [
        {"method": "rk4", "substeps": 2, "text": BASE["text"].replace("cm_nF\n", "cm_nF - 0.001*(V + 60)**2\n", 1)},
        {"method": "exponential", "text": BASE["text"].replace("cm_nF\n", "cm_nF - 0.0001*(V + 60)**3\n", 1)},
        {"probability": "0.2*(V > -60.0)*dt if V > -64 else 0.0", "threshold": None},
        {
            "text": BASE["text"] + "dw_nA/dt = (0.01*(V - v_rest_mV) - w_nA)/tau_w_ms",
            "parameters": LIF_PARAMETERS | {"tau_w_ms": 30.0},
            "reset": "V = v_reset_mV; w_nA += 0.2",
        },
        {
            "text": BASE["text"] + "dg/dt = -g/3.0; V = V + 0.02*g*normal",
            "receptors": {**BASE["receptors"], "NMDA": "g += 2*w"},
        },
    ],
    ids=["quadratic", "cubic", "chance", "adapting", "three receptors and noise"],
)
def test_the_same_on_every_backend(changes: dict) -> None:
    kind = written(**changes)
    counts = assert_equal_spikes(network(kind(), NMDA=0.3, excitatory=2.0), duration_ms=120)
    assert counts["cells"] > 10
    refused_in_words(network(kind()), "cells", "Written")


def test_a_held_state_stays_while_others_are_pulled_by_it() -> None:
    """While V is held the linear rest moves as if V were constant: w decays to a V."""
    kind = ern.Neuron.from_equations(
        "Held",
        "dV/dt = -V/10.0 + 3.0; dw/dt = V - w/5.0",
        parameters={"tau_refrac_ms": 8.0},
        receptors={},
        threshold="V >= 12.0",
        reset="V = 2.0",
        refractory="tau_refrac_ms",
    )
    net = ern.Network()
    cells = net.population("cells", 1, kind())
    net.probe(cells, "v_mV")
    net.probe(cells, "w")
    result = ern.run(net, duration_ms=30, backend="reference")
    [first, *_] = result.recording.spikes["cells"][0]
    V, w = (result.recording.signals[f"cells.{name}"][1][:, 0] for name in ("v_mV", "w"))
    assert np.all(V[first : first + 9] == 2.0)
    decayed = 10.0 + (w[first] - 10.0) * np.exp(-np.arange(9) / 5.0)
    np.testing.assert_allclose(w[first : first + 9], decayed, rtol=0, atol=1e-11)


def test_runge_and_kutta_s_error_falls_with_the_fourth_power_of_the_step() -> None:
    def last(substeps: int) -> float:
        kind = ern.Neuron.from_equations(
            "Logistic",
            "dx/dt = x*(1 - x)",
            parameters={},
            receptors={},
            initial={"x": 0.1},
            method="rk4",
            substeps=substeps,
        )
        net = ern.Network(dt_ms=1.0)
        net.probe(net.population("cells", 1, kind()), "x")
        return float(ern.run(net, duration_ms=2, backend="reference").recording.signals["cells.x"][1][-1, 0])

    exact = 1 / (1 + 9 * math.exp(-2.0))
    errors = [abs(last(n) - exact) for n in (1, 2, 4)]
    assert 10 < errors[0] / errors[1] < 25
    assert 10 < errors[1] / errors[2] < 25


def test_it_is_saved_whole_and_loaded(tmp_path) -> None:
    cubic = BASE["text"].replace("cm_nF\n", "cm_nF - 0.0001*(V + 60)**3\n", 1)
    graph = ern.lower(network(written(method="exponential", text=cubic)(), excitatory=2.0))
    loaded = ern.load_graph(ern.save_graph(graph, tmp_path / "graph"))
    assert loaded.digest == graph.digest
    assert loaded.population("cells").kind == graph.population("cells").kind
    results = [ern.run(g, duration_ms=50, backend="native") for g in (graph, loaded)]
    assert results[0].spike_counts == results[1].spike_counts


@pytest.mark.parametrize(
    "change",
    [
        lambda kind: kind["exact"]["before"][0].update(target='V"); import os'),
        lambda kind: kind["exact"]["before"][0]["value"].update(op="__import__"),
        lambda kind: kind["exact"]["before"][0]["value"].update(args=[]),
        lambda kind: kind["states"][0].update(name="V\nx = 1"),
        lambda kind: kind["parameters"][0].update(name="os.system"),
        lambda kind: kind["receptors"][0].update(name="E; x"),
        lambda kind: kind.update(refractory="nothing"),
        lambda kind: kind.update(name="a b"),
        lambda kind: kind["exact"]["after"].append(kind["exact"]["after"][0] | {"target": "dt"}),
        lambda kind: kind["exact"].update(spike={"is": "Num", "value": 1.0}),
        lambda kind: kind["exact"]["propagators"][0].update(matrix=[]),
        lambda kind: kind["exact"]["before"][0].update(derivative=True),
    ],
)
def test_a_kind_in_a_file_is_not_trusted(tmp_path, change) -> None:
    folder = ern.save_graph(ern.lower(network(written()())), tmp_path / "graph")
    stored = json.loads((folder / "graph.json").read_text())
    [kind] = [p["kind"] for p in stored["graph"]["populations"] if p["is"] == "Neurons"]
    change(kind)
    (folder / "graph.json").write_text(json.dumps(stored))
    with pytest.raises(ern.InvalidModel):
        ern.load_graph(folder)


TEXTS = [
    "",
    "x",
    "V >",
    "import os",
    "__import__('os')",
    "V = V.real",
    "[V]",
    "(" * 200,
    "V = " + "(" * 90 + "V" + ")" * 90,
]
TEXTS += ["dt = 3.0", "active = 1.0", "in_E = 2.0", "w = 3.0", "dV/dt = 1\ndV/dt = 2", "dQ/dt = nothing", "V = 1e400"]
TEXTS += ["x\x00y", "λ = 1", "for i in V: pass", "a" * 30_000, "V = exp(V, V)", "V = foo(V)", "V := 3", "I_E += w*w"]
TEXTS += [
    "I_E += w*V",
    "I_E = w",
    "q += w",
    "1",
    "V = V >= 3",
    "x = active\nV = x",
    "if zz: V = 3",
    "if v_rest_mV: V = 3.0",
]
OBJECTS = [None, 3, True, [], {}, b"bytes", np.zeros(3), object(), float("nan"), 10**30, ern.LIF]
ARGUMENTS = (
    "name",
    "text",
    "parameters",
    "receptors",
    "threshold",
    "reset",
    "refractory",
    "units",
    "positive",
    "initial",
)
ARGUMENTS += ("probability", "held", "remember", "method", "substeps")


def attempts():
    for argument in ARGUMENTS:
        for given in (*TEXTS, *OBJECTS):
            yield {argument: given}
            if argument in ("parameters", "receptors", "units", "initial", "remember"):
                yield {argument: {"new": given}}
                yield {argument: {"V": given}}
                yield {argument: {given: 1.0}} if isinstance(given, str) else {argument: {"E": given}}


def test_what_cannot_be_meant_is_refused_in_words() -> None:
    refused = 0
    for changes in attempts():
        given = {**BASE, **changes}
        if "probability" in changes:
            del given["threshold"]
        try:
            kind = ern.Neuron.from_equations(given.pop("name"), given.pop("text"), **given)
            net = ern.Network()
            net.population("cells", 2, kind())
            ern.run(net, duration_ms=3, backend="reference")
        except ern.InvalidModel:
            refused += 1
    assert refused > 900


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"text": "dV/dt = -V*V"}, "dV/dt is not linear.*method='rk4'"),
        ({"text": "dV/dt = -V*i_offset_nA"}, "not linear, or has coefficients that change"),
        ({"text": "dV/dt = -V/tau"}, "no known name 'tau'.*tau_m_ms"),
        ({"threshold": "V"}, "a spike is a condition"),
        ({"probability": "0.5"}, "a threshold or a probability, not both"),
        ({"positive": ["tau_m"]}, "no parameter 'tau_m'; did you mean 'tau_m_ms'"),
        ({"method": "rk5"}, "no method 'rk5'; did you mean 'rk4'"),
        ({"receptors": {"E": "I_E += w*w"}}, "linear in w"),
        ({"receptors": {"E": "I_E += 1"}}, "uses no w"),
        ({"units": {"E": "pA"}}, "no unit of a weight 'pA'"),
        ({"units": {"X": "nA"}}, "no receptor 'X'"),
        ({"held": ("U",)}, "no state 'U'"),
    ],
)
def test_messages(changes: dict, message: str) -> None:
    with pytest.raises(ern.InvalidModel, match=f"(?s){message}"):
        written(**changes)


def test_what_a_kind_lacks_cannot_be_acted_on() -> None:
    kind = ern.Neuron.from_equations(
        "Bare", "dV/dt = -V/5.0", parameters={}, receptors={"E": "V += w"}, units={"E": "mV"}
    )
    net = ern.Network()
    cells = net.population("cells", 1, kind())
    with pytest.raises(ern.InvalidModel, match="are Bare, which has no i_offset_nA"):
        net.inject(cells, ern.CurrentSteps(times_ms=[1.0], amplitudes_nA=[1.0]))
    with pytest.raises(ern.InvalidModel, match="are Bare, which has no v_threshold_mV"):
        net.modulate(cells, net.signal("s", times_ms=[0.0], values=[1.0]), "v_threshold_mV", gain=1.0)
    with pytest.raises(ern.InvalidModel, match="receptor: must be one of excitatory, signed, got 'inhibitory'"):
        net.projection("p", cells, cells, weight_mV=1.0, receptor="inhibitory")
    with pytest.raises(ern.InvalidModel, match="Bare has no currents to average"):
        ern.Network(current_integration="step_average").population("cells", 1, kind())


def test_parameters_follow_and_may_be_left_out() -> None:
    kind = ern.Neuron.from_equations(
        "Optional",
        "dV/dt = -V/tau_ms\nif floor_mV: V = max(V, floor_mV)",
        parameters={"tau_ms": 5.0, "tau_slow_ms": "tau_ms", "floor_mV": None},
        receptors={"E": "V += w"},
        units={"E": "mV"},
    )
    assert kind(tau_ms=7.0).parameters == {"tau_ms": 7.0, "tau_slow_ms": 7.0}
    with pytest.raises(ern.InvalidModel, match="tau_m"):
        kind(tau_m=3.0)
    net = ern.Network()
    for name, given in (("floored", {"floor_mV": -1.0}), ("free", {})):
        cells = net.population(name, 1, kind(**given))
        source = net.population(f"to_{name}", 1, ern.SpikeTimes([[1.0]]))
        net.projection(f"p_{name}", source, cells, weight_mV=-4.0, receptor="signed")
        net.probe(cells, "v_mV")
    signals = ern.run(net, duration_ms=5, backend="native").recording.signals
    assert signals["floored.v_mV"][1].min() == pytest.approx(-4.0)  # what arrives is floored in the next step
    assert signals["floored.v_mV"][1][-1] >= -1.0
    assert signals["free.v_mV"][1][-1] == pytest.approx(-4.0 * math.exp(-2 / 5), rel=1e-6)
    assert dataclasses.is_dataclass(kind)


def test_kinds_of_the_library_have_the_names_of_their_classes_and_are_made_once() -> None:
    assert {name: kind.name for name, kind in LIBRARY.items()} == {name: name for name in CLASSES}
    assert all(CLASSES[name].kind is kind for name, kind in LIBRARY.items())
    assert all(CLASSES[name]().parameters for name in CLASSES)  # their defaults can be had


def test_the_text_of_kinds_is_read_when_they_are_used() -> None:
    code = "import ernsnn as ern; from ernsnn.describe.neurons import CLASSES; later = vars(ern.AdEx)['kind']\n"
    code += "print(later.made is None); ern.AdEx(); print(later.made.name)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "AdEx"]
