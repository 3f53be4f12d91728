"""A network of which every argument is data, and the same with one or two arguments that may be wrong."""

from __future__ import annotations

import math

import numpy as np

import ernsnn as ern

BAD = [
    *(math.nan, math.inf, -math.inf, -1, -1.0, 0, 0.0, -1e300, 1e300, 1e-320, 0.3, 2**70, True, None),
    *("x", "", "5 furlongs", "20 mV", "-3 ms", b"ms", [], [1, 2], [[1.0], [2.0, 3.0]], ["a"], {}, {"a": 1}, (1,)),
    *(1j, object(), int, np.array([np.nan]), np.ones(7), np.ones((2, 2, 2)), np.array([]), np.array("x")),
    *(ern.Uniform(2, 1), ern.Normal(0, -1), ern.Normal(0, 1), ern.Uniform(math.nan, 1), ern.LogNormal(-1, 1)),
    *(ern.LIF(), ern.Poisson(1.0), ern.AllToAll(), ern.OneToOne(), ern.Trace("pre", 5.0), "__import__('os').abort()"),
]
"""Values that no field expects, or only some."""


class Refused(Exception):
    """A case was refused as it should be: its message, and the words of which one must be in it."""

    def __init__(self, message, names):
        super().__init__(message)
        self.names = names


def picked(rng, values):
    return values[int(rng.integers(len(values)))]


def calls():
    """(name, arguments) of every part of a valid network, in the order in which they are made."""
    rule = {
        "event": "pre",
        "tau_ms": 20.0,
        "mode": "add",
        "on_post": "A*x*(1 - w)*(1 - m)**2",
        "on_pre": "-A*y*w*P",
        "A": 0.01,
        "bounds": (0.0, 1.0),
        "initial": 0.2,
        "epoch_ms": 10.0,
        "tau_s": 5.0,
    }
    return {
        "net": {"dt_ms": 1.0, "current_integration": "exact", "name": "net"},
        "source": {"size": 4, "rate_hz": 20.0},
        "given": {"size": 2, "times_ms": [[1.0, 5.0], [2.0]]},
        "cells": {
            "size": 4,
            "cm_nF": 1.0,
            "tau_m_ms": 20.0,
            "tau_refrac_ms": 2.0,
            "v_rest_mV": -65.0,
            "v_reset_mV": -65.0,
            "v_threshold_mV": -50.0,
            "i_offset_nA": 0.0,
            "tau_syn_E_ms": 5.0,
            "noise_mV": 0.1,
            "v_min_mV": -90.0,
        },
        "conducts": {
            "size": 2,
            "cm_nF": 0.2,
            "tau_m_ms": 10.0,
            "tau_syn_I_ms": 5.0,
            "e_rev_E_mV": 0.0,
            "e_rev_I_mV": -70.0,
        },
        "glia": {"tau_ms": 100.0, "threshold": 2.0, "threshold_off": 1.0, "weight": 1.0, "bias": 0.0},
        "signal": {"times_ms": [0.0, 10.0], "values": [0.0, 1.0]},
        "rule": rule,
        "plastic": {"weight_nA": 0.5, "delay_ms": 1.0, "receptor": "excitatory", "transmit": "w + A*m", "first": 0},
        "fixed": {"weight_nA": 0.5, "delay_ms": 2.0, "receptor": "inhibitory", "p": 0.5},
        "listed": {"weight_nA": [1.0, 2.0], "delay_ms": [1.0, 2.0], "pairs": [(0, 1), (1, 3)]},
        "opens": {"weight_uS": 0.1, "delay_ms": 1.0, "receptor": "inhibitory"},
        "drive": {"rate_hz": 8.0, "n": 100, "weight_nA": 0.1, "receptor": "excitatory"},
        "injected": {"times_ms": [1.0, 3.0], "amplitudes_nA": [0.1, 0.2]},
        "modulated": {"variable": "i_offset_nA", "gain": 0.1},
        "probed": {"variable": "v_mV", "every_ms": 2.0},
        "frozen": {"start_ms": 10.0, "stop_ms": 20.0},
        "run": {"duration_ms": 3.0, "seed": 0},
    }


def build(c):
    """Make and lower the network; returns its graph."""
    net = ern.Network(**c["net"])
    source = net.population("source", c["source"]["size"], ern.Poisson(c["source"]["rate_hz"]))
    given = net.population("given", c["given"]["size"], ern.SpikeTimes(c["given"]["times_ms"]))
    neuron = dict(c["cells"])
    cells = net.population("cells", neuron.pop("size"), ern.LIF(**neuron))
    glia = net.astrocyte("glia", [cells], **c["glia"])
    net.signal("signal", **c["signal"])
    r = c["rule"]
    rule = ern.LearningRule.from_equations(
        traces={"x": ern.Trace(r["event"], r["tau_ms"], mode=r["mode"]), "y": ern.Trace("post", 20.0)},
        on_post={"w": r["on_post"]},
        on_pre={"w": r["on_pre"]},
        parameters={"A": r["A"]},
        bounds={"w": r["bounds"]},
        marks=[ern.Mark("m", r["initial"])],
        flows=[ern.Relax("m", r["tau_s"])],
        third_factors=["P"],
        epoch_ms=r["epoch_ms"],
    )
    options = dict(c["plastic"])
    part = source[options.pop("first") :]
    net.projection("plastic", part, cells, learning=rule, third_factors={"P": glia}, **options)
    options = dict(c["fixed"])
    net.projection("fixed", cells, cells, ern.FixedProbability(options.pop("p")), **options)
    options = dict(c["listed"])
    net.projection("listed", given, cells, ern.FromList(options.pop("pairs")), **options)
    conducting = dict(c["conducts"])
    conducts = net.population("conducts", conducting.pop("size"), ern.ConductanceLIF(**conducting))
    net.projection("opens", source, conducts, **c["opens"])
    net.poisson_input("drive", cells, **c["drive"])
    net.inject(cells, ern.CurrentSteps(**c["injected"]))
    net.modulate(cells, glia, **c["modulated"])
    net.probe(cells, **c["probed"])
    net.freeze(**c["frozen"])
    return ern.lower(net, c["run"]["seed"])


WORDS = {
    "net": ["Network", "net", "step of", "steps of"],
    "source": ["Poisson", "Schedule"],
    "given": ["SpikeTimes"],
    "cells": ["LIF"],
    "conducts": ["ConductanceLIF"],
    "signal": ["Schedule"],
    "plastic": ["source[0:4]"],
    "rule": ["Trace", "on_p", "learning rule", "LearningRule", "mark 'm'", "m.", "Relax", "plastic"],
    "fixed": ["FixedProbability"],
    "listed": ["FromList"],
    "injected": ["CurrentSteps", "Schedule", "inject"],
    "modulated": ["modulate"],
    "probed": ["probe"],
    "frozen": ["freeze"],
    "run": ["duration_ms", "seed"],
}
"""Words by which an error may name a part, beside its name."""


def network(rng, folder):
    parts = calls()
    touched = set()
    for _ in range(int(rng.integers(1, 3))):
        part = picked(rng, list(parts))
        parts[part][picked(rng, list(parts[part]))] = picked(rng, BAD)
        touched.add(part)
    names = [name for part in touched for name in (part, *WORDS.get(part, []))]
    try:
        graph = build(parts)
        if sum(p.size for p in graph.populations) < 100:
            ern.run(graph, duration_ms=parts["run"]["duration_ms"], backend="reference")
    except ern.InvalidModel as error:
        raise Refused(str(error), names) from None
