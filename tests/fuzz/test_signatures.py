"""Every public call with an argument of a wrong kind: refused as InvalidModel, whatever the kind and the argument.

The calls are made from the signatures of everything in ``ernsnn.__all__``, of the methods of ``Network`` and of
``ernsnn.stdp`` and ``ernsnn.marks``: each argument in turn is replaced by each wrong object, the others staying as
in a call that works.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import nir
import numpy as np
import pytest

import ernsnn as ern
from ernsnn.describe.populations import View


class Unfriendly:
    """An object that fails at whatever is asked of it."""

    def __repr__(self):
        raise RuntimeError("no repr")

    def __array__(self, *args, **keywords):
        raise RuntimeError("no array")

    def __float__(self):
        raise RuntimeError("no float")

    __iter__ = __len__ = __index__ = __array__


WRONG: dict[str, Any] = {
    "None": None,
    "number": 3,
    "huge": 10**400,
    "nan": float("nan"),
    "text": "x",
    "long text": "x" * 100_000,
    "bytes": b"x",
    "True": True,
    "list": [1],
    "texts": ["x"],
    "nested": [[1], [2, 3]],
    "None in a list": [None],
    "dict": {},
    "numbers by number": {1: 1},
    "None by text": {"x": None},
    "set": {1},
    "array of objects": np.array([None, "x"]),
    "array": np.zeros((2, 3, 4)),
    "complex": 1j,
    "object": object(),
    "unfriendly": Unfriendly(),
    "class": ern.LIF,
    "function": len,
    "timedelta": np.timedelta64(20, "s"),
    "datetime": np.datetime64("2026-01-01"),
    "masked": np.ma.masked_array([1.0, 2.0], [True, False]),
    "generator": range,
}


class World:
    """Objects for calls that work, made anew for every call."""

    def __init__(self) -> None:
        self.net = net = ern.Network()
        self.inputs = net.population("inputs", 3, ern.SpikeTimes([[1], [2], [3]]))
        self.cells = net.population("cells", 2, ern.LIF())
        self.rule = ern.stdp.pair(A_plus=0.1, A_minus=0.1)
        self.p = net.projection("p", self.inputs, self.cells, weight_nA=0.5, learning=self.rule)
        self.glia = net.astrocyte("glia", [self.cells], tau_ms=10)
        self.reward = net.signal("reward", times_ms=[0], values=[1])
        self.factor = ern.Factor(variable="w")


def calls() -> dict[str, Callable[[World], tuple[Callable[..., Any], dict[str, Any]]]]:
    """Name -> (what to call, its arguments by name) in a world."""
    m, term = ern.marks, {"target": "w", "event": "pre", "coefficient": 0.1, "factors": ()}
    relax = {"variable": "m", "tau_s": 1.0}
    latch = {
        "variable": "m",
        "tau_s": 1.0,
        "threshold": 0.5,
        "tag": "a",
        "tag_tau_s": 1.0,
        "tag_threshold": 0.3,
        "rate_per_s": 1.0,
    }
    neurons = {"v_rest_mV": -65.0, "tau_m_ms": 10.0}
    equations = {
        "name": "Leaky",
        "text": "dV/dt = -V/tau_ms",
        "parameters": {"tau_ms": 5.0},
        "receptors": {"E": "V += w"},
        "units": {"E": "mV"},
        "positive": ["tau_ms"],
        "initial": {"V": 1.0},
        "threshold": "V >= 2.0",
        "reset": "V = 0.0",
        "held": ("V",),
        "method": "exact",
    }
    short_term = {
        "name": "Depressing",
        "states": {"x": 1.0},
        "on_spike": "x = 1 + (x*(1 - U) - 1)*exp(-since/tau_ms)",
        "factor": "x",
        "parameters": {"U": 0.5, "tau_ms": 100.0},
    }
    plain = {
        "LIF": (ern.LIF, neurons),
        "AdaptiveLIF": (ern.AdaptiveLIF, neurons),
        "DeltaLIF": (ern.DeltaLIF, neurons),
        "ConductanceLIF": (ern.ConductanceLIF, neurons),
        "AlphaLIF": (ern.AlphaLIF, neurons),
        "AlphaConductanceLIF": (ern.AlphaConductanceLIF, neurons),
        "AdEx": (ern.AdEx, neurons),
        "AlphaAdEx": (ern.AlphaAdEx, neurons),
        "AdaptiveConductanceLIF": (ern.AdaptiveConductanceLIF, neurons),
        "HodgkinHuxley": (ern.HodgkinHuxley, {"cm_nF": 0.2}),
        "SoftResetLIF": (ern.SoftResetLIF, neurons),
        "DualLIF": (ern.DualLIF, neurons),
        "IzhikevichCurrents": (ern.IzhikevichCurrents, {"a": 0.02, "c_mV": -60.0}),
        "EscapeLIF": (ern.EscapeLIF, neurons),
        "LeakyIntegrator": (ern.LeakyIntegrator, {"tau_m_ms": 20.0}),
        "Izhikevich": (ern.Izhikevich, {"a": 0.02, "c_mV": -60.0}),
        "Neuron.from_equations": (ern.Neuron.from_equations, equations),
        "TsodyksMarkram": (ern.TsodyksMarkram, {"U": 0.4, "tau_rec_ms": 500.0}),
        "TsodyksUzielMarkram": (ern.TsodyksUzielMarkram, {"U": 0.4, "tau_rec_ms": 500.0}),
        "ShortTerm.from_equations": (ern.ShortTerm.from_equations, short_term),
        "AllToAll": (ern.AllToAll, {}),
        "OneToOne": (ern.OneToOne, {}),
        "FixedProbability": (ern.FixedProbability, {"p": 0.5}),
        "FixedInDegree": (ern.FixedInDegree, {"n": 1}),
        "FixedTotalNumber": (ern.FixedTotalNumber, {"n": 4}),
        "FromList": (ern.FromList, {"pairs": [(0, 0)]}),
        "Schedule": (ern.Schedule, {"times_ms": [0], "values": [1]}),
        "SpikeTimes": (ern.SpikeTimes, {"times_ms": [[1]]}),
        "Poisson": (ern.Poisson, {"rate_hz": 3}),
        "CurrentSteps": (ern.CurrentSteps, {"times_ms": [0], "amplitudes_nA": [1]}),
        "Phase": (ern.Phase, {"name": "a", "duration_ms": 3}),
        "Timeline": (ern.Timeline, {"phases": [ern.Phase("a", 3)]}),
        "Trials": (ern.Trials, {"show_ms": 3, "x": [1.0, 2.0]}),
        "replay": (ern.replay, {"name": "r", "duration_ms": 9, "quantity": "q", "patterns": [1, 2], "cue_ms": 2}),
        "Factor": (ern.Factor, {"variable": "w"}),
        "Product": (ern.Product, {"coefficient": 1.0}),
        "Term": (ern.Term, term),
        "Trace": (ern.Trace, {"event": "pre", "tau_ms": 10}),
        "Mark": (ern.Mark, {"name": "m"}),
        "Normalise": (ern.Normalise, {"per": "pre", "variable": "w", "total": 1.0}),
        "Relax": (ern.Relax, relax),
        "Latch": (ern.Latch, {**relax, **latch, "signal": "P"}),
        "stdp.pair": (ern.stdp.pair, {"A_plus": 0.1, "A_minus": 0.1}),
        "stdp.nearest": (ern.stdp.nearest, {"A_plus": 0.1, "A_minus": 0.1}),
        "stdp.triplet": (ern.stdp.triplet, {}),
        "stdp.vogels": (ern.stdp.vogels, {"eta": 0.1}),
        "stdp.neuromodulated": (ern.stdp.neuromodulated, {"A_plus": 0.1, "A_minus": 0.1}),
        "marks.Labile": (m.Labile, {"name": "a", "tau_s": 120, "rise": 0.02}),
        "marks.Stable": (m.Stable, {"name": "m", "tau_s": 600, "consolidated_by": "P", "tag": "a"}),
        "marks.Custom": (m.Custom, {"variable": ern.Mark("m"), "moves": ern.Relax("m", 1.0)}),
        "marks.WeightRelax": (m.WeightRelax, {"tau_s": 3}),
        "LearningRule": (ern.LearningRule, {"terms": [ern.Term(**term)]}),
        "from_equations": (ern.LearningRule.from_equations, {"on_pre": {"w": "-0.1*w"}}),
        "Network": (ern.Network, {}),
        "Issue": (ern.Issue, {"backend": "b", "code": "c", "path": "p", "fidelity": "exact", "message": "m"}),
        "Option": (ern.Option, {"default": 1, "choices": (), "help": ""}),
        "Program": (ern.Program, {"files": {"program.py": ""}}),
        "load_graph": (ern.load_graph, {"folder": "nowhere"}),
        "resume": (ern.resume, {"folder": "nowhere"}),
    }
    picture = {"title": "T", "x_label": "x"}
    plain |= {
        "Experiment": (ern.Experiment, {"name": "n", "title": "T", "run": _run, "backend": "reference"}),
        "Repeats": (ern.Repeats, {"backend": "reference", "seeds": [1]}),
        "Findings": (ern.Findings, {"results": {}, "heads": ["a"], "rows": [["b"]]}),
        "FastSigmoid": (ern.FastSigmoid, {"slope_per_mV": 2.0}),
        "SuperSpike": (ern.SuperSpike, {"slope_per_mV": 2.0}),
        "Arctangent": (ern.Arctangent, {"slope_per_mV": 2.0}),
        "Shared": (ern.Shared, {"path": "cells.tau_m_ms"}),
        "most_spikes": (ern.losses.most_spikes, {"population": "cells", "per_spike": 0.5}),
        "target_rates": (ern.losses.target_rates, {"population": "cells", "target": 5.0}),
        "spike_times": (ern.losses.spike_times, {"population": "cells", "target": "wanted", "tau_ms": 5.0}),
        "read_out": (ern.losses.read_out, {"population": "cells", "target": "wanted"}),
        "spikes": (ern.losses.spikes, {"population": "cells"}),
        "wiring_length": (ern.losses.wiring_length, {"projection": "p", "length": [1.0]}),
        "Estimate": (ern.Estimate, {"mean": 1.0, "half_width": 0.1, "values": (1.0,)}),
        "Estimate.of": (ern.Estimate.of, {"values": [1.0, 2.0]}),
        "Line": (ern.pictures.Line, {"x": [0, 1], "series": {"a": [1.0, None]}, "y_label": "y", **picture}),
        "Bars": (ern.pictures.Bars, {"groups": ["g"], "series": {"a": [1.0]}, **picture}),
        "Scatter": (ern.pictures.Scatter, {"points": {"a": ([1], [2])}, "y_label": "y", **picture}),
        "Histogram": (ern.pictures.Histogram, {"series": {"a": [1.0]}, **picture}),
        "Raster": (
            ern.pictures.Raster,
            {"spikes": {"a": ([1.0], [0])}, "sizes": {"a": 1}, "start_ms": 0, "stop_ms": 2, "dt_ms": 1},
        ),
        "Matrix": (ern.pictures.Matrix, {"values": [[1.0]], "y_label": "y", **picture}),
    }
    for distribution, values in (("Uniform", (0, 1)), ("Normal", (0, 1)), ("LogNormal", (1, 1)), ("Exponential", (1,))):
        plain[distribution] = (_used(getattr(ern, distribution)), {f"{k}": value for k, value in enumerate(values)})
    worldly = {
        "with_marks": lambda w: (m.with_marks, {"rule": w.rule, "marks": []}),
        "IntrinsicPlasticity": lambda w: (
            ern.IntrinsicPlasticity,
            {"target": "i_offset_nA", "rule": ern.LearningRule.from_equations(on_post={"w": "0.1"})},
        ),
        "population": lambda w: (w.net.population, {"name": "n", "size": 2, "model": ern.LIF()}),
        "projection": lambda w: (w.net.projection, {"name": "n", "pre": w.inputs, "post": w.cells, "weight_nA": 1.0}),
        "astrocyte": lambda w: (w.net.astrocyte, {"name": "n", "listens_to": [w.cells], "tau_ms": 5.0}),
        "calcium": lambda w: (w.net.calcium_astrocyte, {"name": "n", "listens_to": [w.cells]}),
        "Astrocyte": lambda w: (ern.Astrocyte, {"name": "n", "listens_to": [w.cells], "tau_ms": 5.0}),
        "modulator": lambda w: (
            w.net.modulator,
            {"name": "n", "kind": ern.Astrocyte, "listens_to": [w.cells], "tau_ms": 5.0},
        ),
        "DoubleExponential": lambda w: (
            ern.DoubleExponential,
            {"name": "n", "listens_to": [w.cells], "tau_rise_ms": 5.0, "tau_decay_ms": 9.0},
        ),
        "CalciumAstrocyte": lambda w: (ern.CalciumAstrocyte, {"name": "n", "listens_to": [w.cells]}),
        "Signal": lambda w: (ern.Signal, {"name": "n", "schedule": ern.Schedule([0], [1])}),
        "Gate": lambda w: (ern.Gate, {"name": "n", "opens": {w.glia: 1.0}}),
        "Either": lambda w: (ern.Either, {"name": "n", "factors": [w.glia, w.reward]}),
        "ThirdFactor": lambda w: (ern.ThirdFactor, {"modulator": w.glia, "per": "pre"}),
        "gate": lambda w: (w.net.gate, {"name": "n", "opens": {w.glia: 1.0}}),
        "either": lambda w: (w.net.either, {"name": "n", "factors": [w.glia, w.reward]}),
        "signal": lambda w: (w.net.signal, {"name": "n", "times_ms": [0], "values": [1]}),
        "poisson_input": lambda w: (
            w.net.poisson_input,
            {"name": "n", "target": w.cells, "rate_hz": 8.0, "n": 1000, "weight_nA": 0.1},
        ),
        "PoissonInput": lambda w: (
            ern.PoissonInput,
            {"name": "n", "target": View(w.cells, 0, 2), "rate_hz": 8.0, "weight_nA": 0.1},
        ),
        "inject": lambda w: (w.net.inject, {"target": w.cells, "current": ern.Schedule([0], [1])}),
        "modulate": lambda w: (
            w.net.modulate,
            {"target": w.cells, "modulator": w.glia, "variable": "i_offset_nA", "gain": 1},
        ),
        "probe": lambda w: (w.net.probe, {"target": w.cells, "variable": "v_mV"}),
        "freeze": lambda w: (w.net.freeze, {"start_ms": 0, "stop_ms": 3}),
        "with_values": lambda w: (w.net.with_values, {"values": {"p.w": 0.2, "cells.tau_m_ms": 5.0}}),
        "follow": lambda w: (w.net.follow, {"timeline": ern.Timeline([])}),
        "Population": lambda w: (ern.Population, {"name": "n", "size": 2, "model": ern.LIF()}),
        "Projection": lambda w: (
            ern.Projection,
            {
                "name": "n",
                "pre": View(w.inputs, 0, 3),
                "post": View(w.cells, 0, 2),
                "connector": ern.AllToAll(),
                "delay_ms": 1.0,
                "weight_nA": 1.0,
            },
        ),
        "Probe": lambda w: (ern.Probe, {"target": w.glia, "variable": "C", "every_ms": 1.0}),
        "lower": lambda w: (ern.lower, {"network": w.net}),
        "fit": lambda w: (ern.fit, _fitted()),
        "run": lambda w: (ern.run, {"model": w.net, "duration_ms": 2, "backend": "reference"}),
        "check": lambda w: (ern.check, {"model": w.net, "backend": "reference"}),
        "compile": lambda w: (ern.compile, {"model": w.net, "duration_ms": 2, "out": "program", "target": "numpy"}),
        "save_graph": lambda w: (ern.save_graph, {"graph": ern.lower(w.net), "folder": "graph"}),
        "from_nir": lambda w: (ern.from_nir, {"graph": _nir(), "dt_ms": 1.0}),
        "to_nir": lambda w: (ern.to_nir, {"network": w.net}),
        "to_nir_data": lambda w: (ern.to_nir_data, {"result": _result(w)}),
        "from_nir_data": lambda w: (ern.from_nir_data, {"data": ern.to_nir_data(_result(w)), "dt_ms": 1.0}),
        "compare": lambda w: (ern.compare, dict.fromkeys(("a", "b"), _result(w))),
        "counts": lambda w: (_result(w).counts, {"population": "cells", "edges_ms": [0.0, 1.0]}),
        "write_report": lambda w: (ern.write_report, {"result": _result(w), "out": "page.html"}),
        "Result": lambda w: (ern.Result, {"graph": _result(w).graph, "recording": _result(w).recording}),
        "Recording": lambda w: (ern.Recording, {"n_steps": 3, "spikes": {}}),
        "Graph": lambda w: (ern.Graph, {f: getattr(ern.lower(w.net), f) for f in _fields(ern.Graph)}),
    }
    return {name: lambda w, c=call: c for name, call in plain.items()} | worldly


def _fitted():
    trials = ern.Trials(show_ms=3, labels=[0, 1], x=[[[1.0, 0.0]] * 3, [[0.0, 1.0]] * 3])
    net = ern.Network()
    given, cells = net.population("given", 2, trials.spikes("x")), net.population("cells", 2, ern.LIF())
    net.projection("p", given, cells, weight_nA=0.5)
    loss = ern.losses.most_spikes("cells")
    return {"network": net, "trials": trials, "learn": ["p.w"], "loss": loss, "epochs": 1, "validation": trials}


def _fields(kind):
    return [name for name in inspect.signature(kind).parameters if name != "schema"]


def _nir():
    ones = np.ones(2)
    cells = nir.LIF(tau=0.02 * ones, r=ones, v_leak=0 * ones, v_threshold=ones)
    return nir.NIRGraph.from_list(nir.Affine(np.eye(2), ones), cells)


def _result(w):
    return ern.run(w.net, duration_ms=2, backend="reference")


def _run(repeats, *, level: float = 0.5):
    return ern.Findings({}, ["a"], [[level]])


def _used(distribution):
    """A distribution is judged where it is used, in the unit that it is used in."""

    def use(**keywords):
        return ern.Mark("m", initial=distribution(*keywords.values()), low=-1e9, high=1e9)

    return use


CALLS = calls()
MESSAGES: dict[str, Callable[[World], object]] = {
    "G.listens_to: must be a sequence of Population or View, got None": lambda w: w.net.astrocyte(
        "G", None, tau_ms=1.0
    ),
    "E.factors: must be a sequence of Astrocyte or CalciumAstrocyte or DoubleExponential or Either or Gate or Signal, "
    "got None": lambda w: w.net.either("E", None),
    "n.connector: must be AllToAll or FixedInDegree or FixedProbability or FixedTotalNumber or FromList or OneToOne or "
    "None, got the class AllToAll; write AllToAll(...)": lambda w: w.net.projection(
        "n", w.inputs, w.cells, ern.AllToAll, weight_nA=1
    ),
    "LearningRule.on_pre: must be a mapping from text to text or None, got 'x'": lambda w: (
        ern.LearningRule.from_equations(on_pre="x")
    ),
    "stdp.pair.marks: must be a sequence of Labile or Stable or Custom, got Labile(name='a', tau_s=120.0, "
    "rise=0.02, fall=0.0, opens=1.0, initial=0.0)": lambda w: ern.stdp.pair(
        A_plus=0.1, A_minus=0.1, marks=ern.marks.Labile("a", tau_s=120, rise=0.02)
    ),
    "stdp.pair: needs A_minus": lambda w: ern.stdp.pair(A_plus=0.1),
    "stdp.pair: no argument 'a_plus'; did you mean 'A_plus'?": lambda w: ern.stdp.pair(a_plus=0.1, A_minus=1),
    "LIF: no argument 'v_thresh_mV'; did you mean 'v_threshold_mV'?": lambda w: ern.LIF(v_thresh_mV=-50),
    "projection: no argument 'weight'; did you mean 'weight_nA' or 'weight_mV' or 'weight_uS'?": lambda w: (
        w.net.projection("n", w.inputs, w.cells, weight=1)
    ),
    "FixedProbability.self_connections: must be True or False, got 'no'": lambda w: ern.FixedProbability(0.5, "no"),
    "a.plastic: must be True or False, got []": lambda w: ern.Phase("a", 3, plastic=[]),
    "Phase.name: must be text, got 3": lambda w: ern.Phase(3, 5),
    "model: must be Network or Graph, got 3": lambda w: ern.run(3, duration_ms=3),
    "population: takes 3 arguments without a name, got 4; name the others: plasticity": lambda w: w.net.population(
        "a", 3, ern.LIF(), None
    ),
}


def parameters(function, given):
    """The arguments that can be replaced: those of the signature, and those given beyond it."""
    own = [
        p.name
        for p in inspect.signature(function).parameters.values()
        if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)
    ]
    return list(dict.fromkeys([*own, *given]))


def outcome(call: Callable[[], object]) -> str | None:
    """What a call is refused with; None if it goes through. Fails on any error that is not one of the package's."""
    try:
        call()
    except (ern.InvalidModel, ern.BackendNotAvailable, ern.UnsupportedOnBackend) as refused:
        return str(refused)
    return None


@pytest.mark.parametrize("name", CALLS)
def test_wrong_kinds(name, tmp_path, monkeypatch):
    """Refused in words that are no longer than a user reads, or taken: as text that names a folder is."""
    monkeypatch.chdir(tmp_path)
    for parameter in parameters(*CALLS[name](World())):
        for kind, wrong in WRONG.items():
            function, given = CALLS[name](World())
            try:
                said = outcome(lambda: function(**{**given, parameter: wrong}))  # noqa: B023
            except Exception as error:
                raise AssertionError(f"{name}({parameter}={kind}): {type(error).__name__}: {error}") from error
            assert said is None or len(said) < 2000, f"{name}({parameter}={kind})"


@pytest.mark.parametrize(("said", "call"), MESSAGES.items())
def test_messages(said, call):
    """The object in the user's words, what it must be, and what was given."""
    assert outcome(lambda: call(World())) == said


def test_all_that_is_public_is_called():
    """What no call is made of: errors and constants, modules, results of ours, and what backends derive from."""
    others = {
        "EPOCH",
        "POST",
        "PRE",
        "Backend",
        "Comparison",
        "Energy",
        "Fit",
        "Issues",
        "Loss",
        "Metrics",
        "losses",
        "marks",
        "pictures",
        "stdp",
    }
    aliases = {"pair_stdp": "stdp.pair", "triplet_stdp": "stdp.triplet", "Neuron": "Neuron.from_equations"}
    aliases["ShortTerm"] = "ShortTerm.from_equations"
    missing = {
        name
        for name in ern.__all__
        if name not in others
        and not (inspect.isclass(getattr(ern, name)) and issubclass(getattr(ern, name), BaseException))
    }
    assert {aliases.get(name, name) for name in missing} <= CALLS.keys()


def test_three_thousand_wrong_calls():
    wrong = sum(len(parameters(*CALLS[name](World()))) for name in CALLS) * len(WRONG)
    assert wrong >= 3000
