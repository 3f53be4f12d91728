"""What a network refuses, with the name of the object in the message."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import ernsnn
from ernsnn import (
    LIF,
    AdaptiveLIF,
    AllToAll,
    Astrocyte,
    CurrentSteps,
    Factor,
    FixedInDegree,
    FixedTotalNumber,
    FromList,
    InvalidModel,
    LearningRule,
    LogNormal,
    Mark,
    Network,
    Normal,
    OneToOne,
    Poisson,
    Schedule,
    Signal,
    SpikeTimes,
    Term,
    ThirdFactor,
    Trace,
    Uniform,
)

NAN = float("nan")


class World:
    """A network with one of each."""

    def __init__(self):
        net = self.net = Network()
        self.s = net.population("s", 3, SpikeTimes([[1], [2], [3]]))
        self.a, self.b = net.population("a", 3, LIF()), net.population("b", 4, AdaptiveLIF())
        self.p = net.projection("p", self.a, self.b, weight_nA=0.5)
        self.glia = net.astrocyte("glia", [self.a], tau_ms=50)
        self.each = net.astrocyte("each", [self.a], tau_ms=50, per="neuron")
        self.reward = net.signal("reward", times_ms=[0], values=[1.0])
        self.stdp = ernsnn.stdp.pair(A_plus=1, A_minus=1)
        self.modulated = LearningRule(terms=[Term("w", "pre", 0.1, (Factor(variable="g"),))], third_factors=["g"])
        self.gated = LearningRule.from_equations(
            traces={"x": Trace("pre", tau_ms=20, gate="g")},
            on_post={"w": "x * g"},
            third_factors=["g"],
            bounds={"w": (0, 1)},
        )

    def project(self, pre=None, post=None, connector=None, **options):
        pre, post = pre or self.a, post or self.b
        return self.net.projection("q", pre, post, connector, **{"weight_nA": 0.5, **options})


OTHER = World()

REFUSED = [
    # names
    (lambda w: w.net.population("a", 1, LIF()), "a: the name is taken"),
    (lambda w: w.net.population("p", 1, LIF()), "p: the name is taken"),
    (lambda w: w.net.population("glia", 1, LIF()), "glia: the name is taken"),
    (lambda w: w.net.projection("a", w.a, w.b, weight_nA=1), "a: the name is taken"),
    (lambda w: w.net.astrocyte("reward", [w.a], tau_ms=5), "reward: the name is taken"),
    (lambda w: w.net.signal("s", times_ms=[0], values=[1]), "s: the name is taken"),
    *[(lambda w, n=n: w.net.population(n, 1, LIF()), "a name starts") for n in ("", "1a", "a b", "a\n", "a/b")],
    *[(lambda w, n=n: w.net.population(n, 1, LIF()), "population.name: must be text, got") for n in (None, 3)],
    # populations
    *[(lambda w, n=n: w.net.population("z", n, LIF()), "z: .*>= 1") for n in (0, -1)],
    *[(lambda w, n=n: w.net.population("z", n, LIF()), "z.size: .*whole number, got") for n in (True, "3", None, 1.5)],
    (lambda w: w.net.population("z", 1, LIF), r"z.model: must be .*LIF or SpikeTimes.* write LIF\(\.\.\.\)"),
    (lambda w: w.net.population("z", 1, None), "z.model: must be .*LIF or SpikeTimes or Poisson, got None"),
    (lambda w: w.net.population("z", 2, SpikeTimes([[1]])), "z: 2 neurons"),
    (lambda w: w.net.population("z", 2, Poisson([1, 2, 3])), "z.rate_hz"),
    (lambda w: w.net.population("z", 2, Poisson(Schedule([0], [[1, 2, 3]]))), "z.rate_hz"),
    (lambda w: w.net.population("z", 2, LIF(cm_nF=[1, 2, 3])), "z.cm_nF"),
    (lambda w: w.net.population("z", 2, LIF(cm_nF=[[1, 2]])), "z.cm_nF"),
    (lambda w: w.net.population("z", 2, LIF(cm_nF=[])), "z.cm_nF"),
    (lambda w: w.net.population("z", 2, LIF(), plasticity=w.stdp), "z.plasticity"),
    (
        lambda w: w.net.population(
            "z",
            1,
            Poisson(3),
            plasticity=ernsnn.IntrinsicPlasticity(
                target="i_offset_nA", rule=LearningRule(terms=[Term("w", "post", 1)])
            ),
        ),
        "z: a spike source",
    ),
    (lambda w: Poisson(-1), "Poisson.rate_hz"),
    (lambda w: Poisson([3, -1]), "Poisson.rate_hz"),
    (lambda w: Poisson(NAN), "Poisson.rate_hz"),
    # neurons
    *[
        (lambda w, n=n, v=v: LIF(**{n: v}), f"LIF.{n}")
        for n in ("cm_nF", "tau_m_ms", "tau_syn_E_ms", "tau_syn_I_ms")
        for v in (0, -1, [1, 0], NAN)
    ],
    (lambda w: LIF(tau_refrac_ms=-1), "LIF.tau_refrac_ms"),
    (lambda w: LIF(v_rest_mV=NAN), "LIF.v_rest_mV"),
    (lambda w: LIF(v_reset_mV=-50, v_threshold_mV=-50), "v_reset_mV must lie below v_threshold_mV"),
    (lambda w: LIF(v_reset_mV=[-60, -40]), "v_reset_mV must lie below v_threshold_mV"),
    (lambda w: LIF(v_reset_mV=[-60, -60], v_threshold_mV=[-50, -50, -50]), "different lengths"),
    (lambda w: AdaptiveLIF(tau_threshold_ms=0), "AdaptiveLIF.tau_threshold_ms"),
    # parts
    (lambda w: w.a[3:], "a.*empty"),
    (lambda w: w.a[2:1], "a.*empty"),
    (lambda w: w.a[0:4], "a.*beyond"),
    (lambda w: w.a[-4:], "a.*beyond"),
    (lambda w: w.a[::2], "a.*slice"),
    (lambda w: w.a[1], "a.*slice"),
    (lambda w: w.a[0:1.5], "a.*whole"),
    (lambda w: w.a[1:][0:3], "a.*beyond"),
    # projections: ends
    (lambda w: w.project(pre=OTHER.a), "q: population 'a' is not part"),
    (lambda w: w.project(post=OTHER.b[1:]), "q: population 'b' is not part"),
    (lambda w: w.project(pre="a"), "q.pre"),
    (lambda w: w.project(post=w.p), "q.post"),
    (lambda w: w.project(pre=w.a, post=w.s), "q: s is a spike source"),
    # connectors
    (lambda w: w.project(connector=AllToAll), "q.connector: must be AllToAll or .*the class AllToAll; write"),
    (lambda w: w.project(connector="all"), "q.connector: must be AllToAll or .*, got 'all'"),
    (lambda w: w.project(connector=OneToOne()), "q: one to one.*3 and 4"),
    (lambda w: w.project(connector=FixedInDegree(4)), "q: an in-degree of 4.*3"),
    (lambda w: w.project(connector=FixedInDegree(3, self_connections=False)), "q: an in-degree of 3.*2"),
    (lambda w: w.project(connector=FixedTotalNumber(13, replace=False)), "q: 13 synapses.*there are 12.*replace=True"),
    (lambda w: w.project(connector=FixedTotalNumber(10, False, self_connections=False)), "q: 10 synapses.*there are 9"),
    (lambda w: w.project(pre=w.a[:1], post=w.b[:1], connector=FixedTotalNumber(1, True, False)), "q: 1 synapses.* 0$"),
    (lambda w: w.project(connector=FromList([(3, 0)])), r"q: pre index 3.*a\[0:3\]"),
    (lambda w: w.project(connector=FromList([(0, 4)])), r"q: post index 4.*b\[0:4\]"),
    # weights and delays
    (lambda w: w.project(weight_nA=-1), "q.weight_nA.*>= 0"),
    (lambda w: w.project(weight_nA=-1, receptor="inhibitory"), "q.weight_nA.*signed"),
    (lambda w: w.project(weight_nA=Normal(1, 0.1)), "q.weight_nA.*low=0"),
    (lambda w: w.project(weight_nA=Uniform(-1, 1)), "q.weight_nA"),
    (lambda w: w.project(weight_nA=NAN), "q.weight_nA"),
    (lambda w: w.project(weight_nA=None), "q.weight_nA"),
    (lambda w: w.project(weight_nA=[1, 2, 3]), r"q.weight_nA.*\(3, 4\)"),
    (lambda w: w.project(weight_nA=np.ones((4, 3))), r"q.weight_nA.*\(3, 4\).*\(4, 3\)"),
    (lambda w: w.project(connector=FromList([(0, 0)]), weight_nA=[1, 2]), r"q.weight_nA.*\(1,\)"),
    (lambda w: w.project(post=w.a, connector=OneToOne(), weight_nA=np.ones((3, 3))), r"q.weight_nA.*\(3,\)"),
    (lambda w: w.project(delay_ms=0), "q.delay_ms.*one step"),
    (lambda w: w.project(delay_ms=-1), "q.delay_ms.*one step"),
    (lambda w: w.project(delay_ms=0.5), "q.delay_ms.*one step"),
    (lambda w: w.project(delay_ms=np.array([[1, 1, 1, 0.5]] * 3)), "q.delay_ms.*one step"),
    (lambda w: w.project(delay_ms=[1, 2]), "q.delay_ms"),
    (lambda w: w.project(delay_ms="1 mV"), "q.delay_ms"),
    (lambda w: w.project(receptor="AMPA"), "q.receptor.*'AMPA'"),
    # learning
    (lambda w: w.project(learning="stdp"), "q.learning"),
    (lambda w: w.project(learning=w.stdp, weight_nA=1.5), r"q.weight_nA.*bounds \[0.0, 1.0\]"),
    (lambda w: w.project(learning=w.stdp, weight_nA=Uniform(0, 2)), "q.weight_nA.*bounds"),
    (lambda w: w.project(learning=w.stdp, weight_nA=LogNormal(0.1, 1)), "q.weight_nA.*bounds"),
    (
        lambda w: w.project(learning=ernsnn.stdp.pair(A_plus=1, A_minus=1, w_min=0.6)),
        r"q.weight_nA.*bounds \[0.6",
    ),
    (lambda w: w.project(transmit="w + 1"), "q: .*transmit need a learning rule"),
    (lambda w: w.project(third_factors={"g": w.glia}), "q: third_factors"),
    (lambda w: w.project(learning=LearningRule(terms=[], marks=[Mark("m", [0.1, 0.2])])), "q.mark m"),
    (
        lambda w: w.project(
            post=w.a, connector=OneToOne(), learning=LearningRule(terms=[], marks=[Mark("m", [0.1, 0.2])])
        ),
        "q.mark m",
    ),
    # third factors
    (lambda w: w.project(learning=w.modulated), "q.third_factors.*'g'"),
    (lambda w: w.project(learning=w.stdp, third_factors={"g": w.glia}), "q.third_factors.*'g'"),
    (lambda w: w.project(learning=w.modulated, third_factors={"h": w.glia}), "q.third_factors.*'g'.*'h'"),
    (lambda w: w.project(learning=w.modulated, third_factors={"g": OTHER.glia}), "q.third_factors.*'g'"),
    (lambda w: w.project(learning=w.modulated, third_factors={"g": "glia"}), "q.third_factors.*'g'"),
    (
        lambda w: w.project(learning=w.gated, third_factors={"g": ThirdFactor(modulator="glia", per="pre")}),
        "ThirdFactor.modulator: .*'glia'",
    ),
    (
        lambda w: w.project(learning=w.gated, third_factors={"g": ThirdFactor(modulator=w.glia, per="both")}),
        "'g'.*per.*'both'",
    ),
    (lambda w: w.project(learning=w.modulated, third_factors={"g": w.each}), "q.third_factors.*each has 3 values"),
    (
        lambda w: w.project(learning=w.modulated, third_factors={"g": ThirdFactor(modulator=w.each, per="post")}),
        "q.third_factors.*each has 3 values for 4 post",
    ),
    (
        lambda w: w.project(
            learning=LearningRule(terms=[], traces={"y": Trace("post", 9, gate="g")}, third_factors=["g"]),
            third_factors={"g": ThirdFactor(modulator=w.each, per="pre")},
        ),
        "q: trace 'y'",
    ),
    # modulators
    (lambda w: w.net.astrocyte("z", [], tau_ms=5), "z: .*at least one"),
    (lambda w: w.net.astrocyte("z", w.a, tau_ms=5), "z.listens_to"),
    (lambda w: w.net.astrocyte("z", [w.glia], tau_ms=5), "z.listens_to"),
    (lambda w: w.net.astrocyte("z", [OTHER.a], tau_ms=5), "z: population 'a' is not part"),
    (lambda w: w.net.astrocyte("z", [w.a, w.b], tau_ms=5, per="neuron"), "z: .*one size"),
    (lambda w: w.net.astrocyte("z", [w.a], tau_ms=0), "z.tau_ms"),
    (lambda w: w.net.astrocyte("z", [w.a], tau_ms=[1, 2]), "z.tau_ms"),
    (lambda w: w.net.astrocyte("z", [w.a], tau_ms=5, weight=NAN), "z.weight"),
    (lambda w: w.net.astrocyte("z", [w.a], tau_ms=5, weight="x"), "z.weight"),
    (lambda w: w.net.astrocyte("z", [w.a], tau_ms=5, threshold=NAN), "z.threshold"),
    (lambda w: w.net.astrocyte("z", [w.a], tau_ms=5, threshold_off=1), "z.threshold_off"),
    (lambda w: w.net.astrocyte("z", [w.a], tau_ms=5, threshold=1, threshold_off=2), "z.threshold_off"),
    (lambda w: w.net.astrocyte("z", [w.a], tau_ms=5, per="synapse"), "z.per.*'synapse'"),
    (lambda w: w.net.signal("z", times_ms=[0, 0], values=[1, 2]), "times_ms"),
    # currents
    (lambda w: w.net.inject(w.s, CurrentSteps(times_ms=[0], amplitudes_nA=[1])), "s is a spike source"),
    (lambda w: w.net.inject(OTHER.a, CurrentSteps(times_ms=[0], amplitudes_nA=[1])), "'a' is not part"),
    (lambda w: w.net.inject(w.a, 3), "CurrentSteps"),
    (lambda w: w.net.inject(w.a[:2], CurrentSteps(times_ms=[0], amplitudes_nA=[[1, 2, 3]])), r"a\[0:2\]"),
    # probes
    (lambda w: w.net.probe(w.a, "w"), "a.*'w'.*v_mV"),
    (lambda w: w.net.probe(w.a, "theta_mV"), "a.*'theta_mV'"),
    (lambda w: w.net.probe(w.s, "v_mV"), "s.*'v_mV'"),
    (lambda w: w.net.probe(w.p, "m"), "p.*'m'"),
    (lambda w: w.net.probe(w.reward, "C"), "reward.*'C'"),
    (lambda w: w.net.probe(OTHER.a, "v_mV"), "'a' is not part"),
    (lambda w: w.net.probe(OTHER.p, "w"), "'p' is not part"),
    (lambda w: w.net.probe(OTHER.glia, "C"), "'glia' is not part"),
    (lambda w: w.net.probe(Astrocyte(name="z", listens_to=[w.a], tau_ms=5), "C"), "'z' is not part"),
    (lambda w: w.net.probe(Signal(name="z", schedule=Schedule([0], [1])), "value"), "'z' is not part"),
    (lambda w: w.net.probe("a", "v_mV"), "probe"),
    (lambda w: w.net.probe(w.a, "v_mV", every_ms=1.5), r"probe of a.*v_mV.*1.5 ms is no multiple"),
    (lambda w: w.net.probe(w.a, "v_mV", every_ms=0), r"probe of a.*v_mV.*at least one step"),
    (lambda w: w.net.freeze(0, 1.5), r"freeze: stop_ms: 1.5 ms is no multiple"),
    (lambda w: w.net.probe(w.a, "v_mV", every_ms=[1, 2]), r"probe of a.*every_ms"),
    (lambda w: (w.net.probe(w.a, "v_mV"), w.net.probe(w.a, "v_mV")), "a.*recorded already"),
    # Both would be recorded under the same name.
    (lambda w: (w.net.probe(w.a[:1], "v_mV"), w.net.probe(w.a[1:], "v_mV")), "a.*recorded already"),
    # the network itself
    (lambda w: Network(current_integration="euler"), "'euler'"),
]


@pytest.mark.parametrize(("build", "words"), REFUSED, ids=[words for _, words in REFUSED])
def test_refused(build, words):
    with pytest.raises(InvalidModel, match=words):
        build(World())


def test_what_was_refused_left_nothing_behind():
    world = World()
    before = ernsnn.lower(world.net).digest
    for build, _ in REFUSED:
        if "recorded already" not in _:
            with pytest.raises(InvalidModel):
                build(world)
    assert ernsnn.lower(world.net).digest == before


def test_everything_ordinary_is_taken():
    world = World()
    world.project(receptor="signed", weight_nA=Normal(0, 1), delay_ms=ernsnn.Exponential("2 ms"))
    world.net.projection("r", world.s, world.a, OneToOne(), weight_nA=[0, 0.5, 1], learning=world.stdp)
    both = {"g": ThirdFactor(modulator=world.each, per="pre")}
    world.net.projection("t", world.a, world.b, weight_nA=1, learning=world.modulated, third_factors=both)
    world.net.probe(world.b[1:3], "theta_mV")
    world.net.probe(world.p, "w")
    world.net.probe(world.each, "C")
    assert ernsnn.lower(world.net).n_synapses == 12 + 12 + 3 + 12
    assert "3 populations, 10 neurons, 4 projections" in repr(world.net)


def test_zeros_in_a_matrix_of_weights_that_learn_are_told():
    weights = np.zeros((20, 5))
    weights[3, 2] = 0.2
    net = Network()
    a, b = net.population("a", 20, Poisson(5)), net.population("b", 5, LIF())
    pair = ernsnn.stdp.pair(A_plus=0.1, A_minus=0.1)
    with pytest.warns(ernsnn.ModelWarning, match=r"p\.weight_nA: 99 of 100 weights are 0.*FromList") as told:
        net.projection("p", a, b, weight_nA=weights, learning=pair)
    assert [warning.filename for warning in told] == [__file__]
    listed = {"connector": FromList(np.argwhere(weights)), "weight_nA": weights[weights != 0]}  # as the message says
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        net.projection("listed", a, b, learning=pair, **listed)
        net.projection("static", a, b, weight_nA=weights)
        net.projection("one", a, b, weight_nA=0.0, learning=pair)
        net.projection("all", a, b, weight_nA=np.zeros((20, 5)), learning=pair)
        net.projection("none", a, b, weight_nA=weights + 0.1, learning=pair)
        net.projection("diagonal", b, b, AllToAll(self_connections=False), weight_nA=1 - np.eye(5), learning=pair)
        each = net.population("each", 20, LIF())
        net.projection("pairs", a, each, OneToOne(), weight_nA=np.arange(20) / 20, learning=pair)
    jumps = net.population("jumps", 5, ernsnn.DeltaLIF())
    with pytest.warns(ernsnn.ModelWarning, match=r"jump\.weight_mV: 99 of 100"):
        net.projection("jump", a, jumps, weight_mV=weights, learning=pair)
    matrix, upper = np.kron([[1.0], [0.0]], np.ones((4, 5))), np.eye(5) + np.eye(5, k=1)
    with pytest.warns(ernsnn.ModelWarning, match=r"off\.weight_nA: 20 of 40"):
        net.projection("off", a[:8], b, AllToAll(self_connections=True), weight_nA=matrix, learning=pair)
    with pytest.warns(ernsnn.ModelWarning, match=r"own\.weight_nA: 16 of 20"):
        net.projection("own", b, b, AllToAll(self_connections=False), weight_nA=upper, learning=pair)


def test_a_warning_points_to_the_line_that_called_the_package():
    """Also where the package calls itself: a model of ours is built here."""
    scope = {"__name__": "ernsnn.models.mine", "net": Network(), "ernsnn": ernsnn, "np": np}
    code = (
        "def build():\n"
        "    a, b = net.population('a', 2, ernsnn.LIF()), net.population('b', 2, ernsnn.LIF())\n"
        "    net.projection('p', a, b, weight_nA=np.eye(2), learning=ernsnn.stdp.pair(A_plus=1, A_minus=1))\n"
    )
    exec(code, scope)
    with pytest.warns(ernsnn.ModelWarning) as told:
        scope["build"]()
    assert [warning.filename for warning in told] == [__file__]


def test_parts_of_parts():
    part = World().b[1:][1:]
    assert (part.start, part.stop, part.size, part.name) == (2, 4, 2, "b[2:4]")
    assert World().b[-1:].start == 3


def test_v_init_defaults_to_v_rest():
    assert LIF(v_rest_mV=-70).v_init_mV == -70
    assert LIF(v_rest_mV=-70, v_init_mV=-60).v_init_mV == -60


def test_describing_needs_no_sympy_and_no_backend():
    """sympy costs half a second: only who writes equations pays for it."""
    import subprocess
    import sys

    code = "import ernsnn, sys; ernsnn.stdp.pair(A_plus=1, A_minus=1); print(*(n in sys.modules for n in sys.argv[1:]))"
    printed = subprocess.run(
        [sys.executable, "-c", code, "sympy", "brian2"], capture_output=True, text=True, check=True
    ).stdout
    assert printed.split() == ["False", "False"]
