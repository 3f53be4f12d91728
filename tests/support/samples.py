"""Networks that together use every feature of a description: for digests, saving and loading.

Run as a script, it prints their digests: tests/data/digests.json holds those that are promised.
"""

from __future__ import annotations

import hashlib
import json

import numpy as np

import ernsnn
from ernsnn import (
    LIF,
    AdaptiveLIF,
    AllToAll,
    Exponential,
    Factor,
    FixedInDegree,
    FixedProbability,
    FixedTotalNumber,
    FromList,
    LearningRule,
    LogNormal,
    Mark,
    Network,
    Normal,
    Normalise,
    OneToOne,
    Poisson,
    Schedule,
    SpikeTimes,
    Term,
    ThirdFactor,
    Trace,
    Uniform,
)

SEED = 20240607


def connectors() -> Network:
    net = Network(dt_ms=0.1, name="connectors")
    source = net.population("source", 6, SpikeTimes([[0.1 * k, 5.0 + k] for k in range(6)]))
    a, b = net.population("a", 6, LIF()), net.population("b", 40, LIF(tau_refrac_ms=2))
    net.projection("one", source, a, OneToOne(), weight_nA=np.linspace(0.1, 0.6, 6))
    net.projection("all", a, b, weight_nA=0.25, delay_ms="1.5 ms")
    net.projection("but_self", a, a, AllToAll(self_connections=False), weight_nA=0.1, receptor="inhibitory")
    net.projection("probability", b, b, FixedProbability(0.2), weight_nA=0.1)
    net.projection("sparse", b, b, FixedProbability(0.05, self_connections=False), weight_nA=0.1)
    net.projection("degree", b, a, FixedInDegree(7), weight_nA=0.1)
    net.projection("degree_but_self", a, b, FixedInDegree(3, self_connections=False), weight_nA=0.1)
    pairs = [(5, 1), (0, 39), (5, 1), (2, 7)]
    net.projection("list", a, b, FromList(pairs), weight_nA=[0.4, 0.1, 0.2, 0.3], delay_ms=[0.4, 0.1, 0.2, 0.3])
    matrix = np.arange(12.0).reshape(3, 4) / 10
    net.projection("parts", a[1:4], b[10:14], FixedProbability(0.5), weight_nA=matrix, delay_ms=0.1 + matrix)
    net.projection("signed", a, b, weight_nA=Uniform(-1, 1), receptor="signed")
    return net


def distributions() -> Network:
    net = Network(current_integration="step_average", name="distributions")
    model = LIF(
        cm_nF=LogNormal(0.3, 0.1),
        tau_m_ms=Normal(20, 3, low=5),
        tau_refrac_ms=Exponential(2),
        tau_syn_E_ms=Uniform("3 ms", "6 ms"),
        v_rest_mV=Normal(-65, 1),
        v_threshold_mV=np.linspace(-50, -45, 9),
        i_offset_nA=Uniform(0, 1),
    )
    a = net.population("a", 9, model)
    b = net.population("b", 7, AdaptiveLIF(tau_threshold_ms=Uniform(50, 100), threshold_increment_mV=Exponential(1)))
    net.projection("uniform", a, b, weight_nA=Uniform(0.1, 0.2), delay_ms=Uniform(1, 8))
    net.projection("normal", a, b, weight_nA=Normal(0.1, 0.1, low=0), delay_ms=Normal(5, 3))
    net.projection("lognormal", a, b, weight_nA=LogNormal("0.2 nA", 0.7), delay_ms=LogNormal(3, 0.5))
    net.projection("exponential", a, b, weight_nA=Exponential(0.2), delay_ms=Exponential(3))
    return net


def stimuli() -> Network:
    net = Network(name="stimuli")
    net.population("constant", 3, Poisson("50 Hz", at_most_one=True))
    net.population("each", 3, Poisson([10.0, 20.0, 30.0], at_most_one=True))
    changing = Schedule([10, 20], [[100.0, 0.0, 50.0], [0.0, 10.0, 0.0]])
    net.population("changing", 3, Poisson(changing, at_most_one=True))
    a = net.population("a", 4, LIF())
    net.inject(a, ernsnn.CurrentSteps(times_ms=[5, 10], amplitudes_nA=[0.5, 0]))
    net.inject(a[1:3], ernsnn.CurrentSteps(times_ms=[7], amplitudes_nA=[[0.5, -0.5]]))
    net.probe(a[0:2], "v_mV", every_ms=5)
    return net


def learning() -> Network:
    net = Network(name="learning")
    source, a = net.population("source", 5, Poisson(40, at_most_one=True)), net.population("a", 5, LIF())
    astrocyte = net.astrocyte("astrocyte", [source, a[1:3]], tau_ms=50, threshold=3, threshold_off=1)
    each = net.astrocyte("each", [a], tau_ms=50, per="neuron", weight=0.5)
    reward = net.signal("reward", times_ms=[3, 9], values=[1.0, -0.5])
    net.projection("pair", source, a, weight_nA=0.5, learning=ernsnn.stdp.pair(A_plus=0.01, A_minus=0.012))
    soft = ernsnn.stdp.pair(A_plus=1, A_minus=1, dependence="multiplicative", pairing="nearest", w_max=2)
    net.projection("soft", source, a, weight_nA=Uniform(0, 1), delay_ms=Uniform(1, 3), learning=soft)
    net.projection("triplet", source, a, OneToOne(), weight_nA=0.5, learning=ernsnn.stdp.triplet())
    marked = LearningRule.from_equations(
        traces={"x": Trace("pre", 20, gate="g"), "y": Trace("post", 30, 0.5, mode="set")},
        on_pre={"w": "-A*y*w*(1 + r)", "m": "-0.1*m*(x + y)**2"},
        on_post={"w": "A*x*(1 - lam*m)**2*(1 - w)", "m": "eta*x*(1 - m)/3"},
        on_epoch={"w": "-0.01*(w - 0.5)*e", "m": "-m**2/100"},
        parameters={"A": 0.05, "lam": 0.8, "eta": 0.1, "rho": 0.5},
        bounds={"w": (0, 2)},
        marks=[Mark("m", Normal(0.3, 0.1, low=0, high=1))],
        third_factors=["g", "r", "e"],
        epoch_ms=10,
        normalise=[Normalise("post", "w", 3.0)],
    )
    factors = {"g": astrocyte, "r": reward, "e": ThirdFactor(modulator=each, per="post")}
    marked_p = net.projection(
        "marked", source, a, weight_nA=0.7, learning=marked, third_factors=factors, transmit="w*(1 + rho*m)"
    )
    net.probe(marked_p, "m", every_ms=4)
    net.probe(astrocyte, "C")
    return net


def intrinsic() -> Network:
    net = Network(dt_ms=0.5, name="intrinsic")
    up = LearningRule(
        traces={"o": Trace("post", 100)},
        terms=[
            Term("w", "post", 0.5, (Factor(variable="o", offset=1.0),)),
            Term("w", "epoch", -0.1, (Factor(variable="w", offset=50.0, power=3),)),
        ],
        bounds={"w": (-55, -40)},
        epoch_ms=5,
    )
    net.population("n", 4, LIF(), plasticity=ernsnn.IntrinsicPlasticity(target="v_threshold_mV", rule=up))
    return net


def marks() -> Network:
    net = Network(name="marks")
    source, a = net.population("source", 5, Poisson(40, at_most_one=True)), net.population("a", 5, LIF())
    glia = net.astrocyte("glia", [a], tau_ms=500, weight=0.1, threshold=0.5)
    rule = ernsnn.stdp.pair(
        A_plus=0.01,
        A_minus=0.002,
        marks=[
            ernsnn.marks.Labile("a", tau_s=120, rise=0.02, fall=0.006, initial=Uniform(0, 1)),
            ernsnn.marks.Stable("m", tau_s=600, consolidated_by="P", tag="a"),
        ],
        epoch_ms=20,
        rest=ernsnn.marks.WeightRelax(tau_s=900, of="m"),
    )
    net.projection("p", source, a, weight_nA=Uniform(0.1, 0.3), learning=rule, third_factors={"P": glia})
    return net


def astrocytes() -> Network:
    net = Network(name="astrocytes")
    source, a = net.population("source", 3, Poisson(40, at_most_one=True)), net.population("a", 3, LIF())
    rate = net.astrocyte("rate", [a, source], tau_ms=100, weight=[0.02, -0.01], bias=0.15, initial=0.1)
    given = Schedule([10, 30], [[1.0, 2.0, 3.0], [0.0, 0.0, 5.0]])
    options = {"integration": "euler", "release_uM": 30, "K_D_uM": 0.4, "threshold": 0.5}
    calcium = net.calcium_astrocyte("calcium", [a], per="neuron", transmitter_uM=given, **options)
    net.gate("gate", opens={rate: 0.2, calcium: 0.3}, stays={rate: 0.1, calcium: 0.3})
    net.probe(calcium, "Gamma_A")
    net.calcium_astrocyte("published", [source])
    return net


def totals() -> Network:
    net = Network(name="totals")
    a, b = net.population("a", 9, LIF()), net.population("b", 40, LIF())
    net.projection("many", a, b, FixedTotalNumber(700), weight_nA=Uniform(0.1, 0.2))
    net.projection("but_self", b, b, FixedTotalNumber(500, self_connections=False), weight_nA=0.1)
    net.projection("different", b, a, FixedTotalNumber(80, replace=False), weight_nA=0.1)
    net.projection("most", a, a, FixedTotalNumber(60, replace=False, self_connections=False), weight_nA=0.1)
    return net


def counts() -> Network:
    net = Network(name="counts")
    net.population("strong", 3, Poisson([5.0, 900.0, 20_000.0]))
    net.population("drawn", 20, Poisson(Uniform(0, 50)))
    net.population("changing", 2, Poisson(Schedule([10, 20], [3000.0, 0.0])))
    return net


SAMPLES = {
    build.__name__: build
    for build in (connectors, distributions, stimuli, learning, intrinsic, marks, astrocytes, totals, counts)
}


def contents(graph: ernsnn.Graph) -> str:
    """SHA-256 over the values of draws, of which a graph's digest holds the keys only."""
    total = hashlib.sha256()
    for p in graph.projections:
        rows = p.synapses
        for array in (rows.pre, rows.post, rows.delay, *rows.variables.values()):
            total.update(np.ascontiguousarray(array).tobytes())
    for source in graph.sources():
        for array in source.spikes.between(0, 300):
            total.update(array.astype(np.int64).tobytes())
    return total.hexdigest()


def digests() -> dict[str, dict[str, str]]:
    graphs = {name: ernsnn.lower(build(), SEED) for name, build in SAMPLES.items()}
    return {name: {"digest": graph.digest, "contents": contents(graph)} for name, graph in graphs.items()}


if __name__ == "__main__":
    print(json.dumps(digests(), indent=2))
