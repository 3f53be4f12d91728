"""Learning rules, marks, traces, distributions and connectors as objects: what they are, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest

from ernsnn import (
    LIF,
    AllToAll,
    Exponential,
    Factor,
    FixedInDegree,
    FixedProbability,
    FixedTotalNumber,
    FromList,
    IntrinsicPlasticity,
    InvalidModel,
    LearningRule,
    LogNormal,
    Mark,
    Network,
    Normal,
    Normalise,
    Product,
    Schedule,
    SpikeTimes,
    Term,
    Trace,
    Uniform,
    stdp,
)
from ernsnn.describe.distributions import span
from ernsnn.describe.marks import Labile, Stable, with_marks

NAN, INF = float("nan"), float("inf")
X, Y = Factor(variable="x"), Factor(variable="y")


def test_pair_additive():
    rule = stdp.pair(tau_plus_ms=10, tau_minus_ms=20, A_plus=0.1, A_minus=0.2, w_min=0.5, w_max=2)
    assert rule.traces == {"x": Trace("pre", 10), "y": Trace("post", 20)}
    assert rule.terms == (Term("w", "post", 0.1, (X,)), Term("w", "pre", -0.2, (Y,)))
    assert rule.bounds_of("w") == (0.5, 2)


def test_pair_multiplicative_and_nearest():
    rule = stdp.pair(A_plus=0.1, A_minus=0.2, w_min=0.5, w_max=2, dependence="multiplicative", pairing="nearest")
    assert rule.terms[0].factors == (X, Factor(variable="w", scale=-1, offset=2))
    assert rule.terms[1].factors == (Y, Factor(variable="w", offset=-0.5))
    assert {trace.mode for trace in rule.traces.values()} == {"set"}


def test_triplet_is_pfister_and_gerstner():
    rule = stdp.triplet(A2_plus=1, A2_minus=2, A3_plus=3, A3_minus=4)
    found = {(t.event, t.coefficient, tuple(f.variable for f in t.factors)) for t in rule.terms}
    assert found == {
        ("post", 1, ("r1",)),
        ("post", 3, ("r1", "o2")),
        ("pre", -2, ("o1",)),
        ("pre", -4, ("o1", "r2")),
    }
    times = {name: (trace.event, trace.tau_ms) for name, trace in rule.traces.items()}
    assert times == {"r1": ("pre", 16.8), "r2": ("pre", 101), "o1": ("post", 33.7), "o2": ("post", 125)}


def one(**options):
    return LearningRule(**{"terms": [Term("w", "pre", 1)], **options})


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: stdp.pair(A_plus=1, A_minus=1, dependence="soft"), "dependence.*'soft'"),
        (lambda: stdp.pair(A_plus=1, A_minus=1, pairing="all_to_all"), "pairing.*'all_to_all'"),
        (lambda: stdp.pair(A_plus=1, A_minus=1, w_min=2, w_max=1), "bounds of 'w'"),
        (lambda: stdp.pair(A_plus=NAN, A_minus=1), "coefficient"),
        (lambda: stdp.pair(A_plus=1, A_minus=1, tau_plus_ms=0), "tau_ms"),
        (lambda: one(terms=[Term("m", "pre", 1)]), "'m'"),
        (lambda: one(terms=[Term("w", "pre", 1, (X,))]), "'x'.*no variable"),
        (lambda: one(terms=[3]), "terms"),
        (lambda: one(traces={"x": 3}), "traces"),
        (lambda: one(marks=["m"]), "marks"),
        (lambda: one(normalise=["w"]), "normalise"),
        (lambda: one(marks=[Mark("w")]), "'w' is used twice"),
        (lambda: one(marks=[Mark("m"), Mark("m")]), "'m' is used twice"),
        (lambda: one(traces={"g": Trace("pre", 20)}, third_factors=["g"]), "'g' is used twice"),
        (lambda: one(marks=[Mark("a/b")]), "'a/b'"),
        (lambda: one(marks=[Mark(3)]), "Mark.name: must be text, got 3"),
        (lambda: one(traces={"x y": Trace("pre", 20)}), "'x y'"),
        (lambda: one(third_factors=[""]), "'' is no name"),
        (lambda: one(traces={"x": Trace("pre", 20, gate="g")}), "gate 'g'"),
        (lambda: one(bounds={"m": (0, 1)}), "'m'"),
        (lambda: one(bounds={"w": (1, 0)}), "'w'"),
        (lambda: one(bounds={"w": (0, NAN)}), "'w'"),
        (lambda: one(bounds={"w": None}), "'w'"),
        (lambda: one(bounds={"w": (0, 1, 2)}), "'w'"),
        (lambda: one(bounds={"w": (0, "x")}), "'w'"),
        (lambda: one(normalise=[Normalise("pre", "q", 1)], epoch_ms=1), "'q'"),
        (lambda: one(normalise=[Normalise("pre", "w", 1)]), "epoch_ms"),
        (lambda: one(terms=[Term("w", "epoch", 1)]), "epoch_ms"),
        (lambda: one(epoch_ms=5), "nothing happens at epochs"),
        (lambda: one(terms=[Term("w", "epoch", 1)], epoch_ms=0), "epoch_ms"),
        (lambda: one(terms=[Term("w", "epoch", 1)], epoch_ms=-1), "epoch_ms"),
        (lambda: one(terms=[Term("w", "epoch", 1)], epoch_ms=[1, 2]), "epoch_ms"),
        (lambda: Term("w", "spike", 1), "w.*'spike'"),
        (lambda: Term("w", "pre", NAN), "coefficient"),
        (lambda: Term("w", "pre", "x"), "coefficient"),
        (lambda: Product(INF), "coefficient"),
        (lambda: Factor(variable="q", power=0), "q.*power"),
        (lambda: Factor(variable="q", power=1.5), "q.*power"),
        (lambda: Factor(variable="q", power="2"), "q.*power"),
        (lambda: Factor(variable="q", power=NAN), "q.*power"),
        (lambda: Factor(variable="q", scale=INF), "q.*scale"),
        (lambda: Factor(variable="q", offset=None), "q.*offset"),
        (lambda: Trace("epoch", 20), "'epoch'"),
        (lambda: Trace("pre", 0), "tau_ms"),
        (lambda: Trace("pre", -1), "tau_ms"),
        (lambda: Trace("pre", 20, mode="nearest"), "'nearest'"),
        (lambda: Trace("pre", 20, NAN), "increment"),
        (lambda: Trace("pre", 20, "x"), "increment"),
        (lambda: Mark("m", 2), "'m'.*outside"),
        (lambda: Mark("m", [0.5, -1]), "'m'.*outside"),
        (lambda: Mark("m", Uniform(0, 2)), "'m'.*outside"),
        (lambda: Mark("m", Normal(0.5, 0.1)), "'m'.*outside"),
        (lambda: Mark("m", 0, 1, 0), "'m'.*low < high"),
        (lambda: Mark("m", 0, 0, 0), "'m'.*low < high"),
        (lambda: Mark("m", 0.5, NAN, 1), "'m'"),
        (lambda: Mark("m", NAN), "'m'"),
        (lambda: Normalise("all", "w", 1), "'all'"),
        (lambda: Normalise("pre", "w", 0), "total"),
        (lambda: Normalise("pre", "w", INF), "total"),
        (lambda: Normalise("pre", "w", "x"), "total"),
        (lambda: IntrinsicPlasticity(target="tau_m_ms", rule=one()), "'tau_m_ms'"),
        (lambda: IntrinsicPlasticity(target="i_offset_nA", rule=one()), "pre spikes"),
        (
            lambda: IntrinsicPlasticity(
                target="i_offset_nA", rule=one(terms=[Term("w", "post", 1)], traces={"x": Trace("pre", 20)})
            ),
            "pre spikes",
        ),
        (
            lambda: IntrinsicPlasticity(
                target="i_offset_nA", rule=one(terms=[Term("w", "post", 1)], marks=[Mark("m")])
            ),
            "marks",
        ),
    ],
)
def test_what_rules_refuse(make, words):
    with pytest.raises(InvalidModel, match=words):
        make()


def test_all_problems_of_a_rule_are_told_at_once():
    with pytest.raises(InvalidModel, match=r"'q'.*'m'.*epoch_ms"):
        LearningRule(terms=[Term("w", "pre", 1, (Factor(variable="q"),)), Term("m", "epoch", 1)])


def text(**options):
    """A rule of one equation in which ``options`` are used, or not."""
    return LearningRule.from_equations(**{"on_pre": {"w": "0.1"}, "bounds": {"w": (0, 1)}, **options})


def into_projection(rule, **options):
    net = Network()
    a, b = net.population("a", 2, LIF()), net.population("b", 2, LIF())
    reward = net.signal("reward", times_ms=[0], values=[1.0])
    third = dict.fromkeys(rule.third_factors, reward)
    return net.projection("p", a, b, weight_nA=0.5, learning=rule, third_factors=third, **options)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: text(third_factors=["R"]), "nothing uses the third factor 'R': write it"),
        (lambda: text(third_factors=["R", "S"], on_pre={"w": "0.1*S"}), "the third factor 'R': "),
        (lambda: into_projection(one(third_factors=["R"])), "p.learning: nothing uses the third factor 'R'"),
        (lambda: into_projection(text(traces={"x": Trace("pre", 20)})), "p.learning: nothing uses the trace 'x'"),
        (
            lambda: into_projection(one(traces={"x": Trace("pre", 20, gate="R")}, third_factors=["R"])),
            "nothing uses the trace 'x': ",
        ),
        (lambda: into_projection(text(parameters={"eta": 0.1})), "p.learning: nothing uses the parameter 'eta'"),
        (
            lambda: into_projection(text(parameters={"rho": 0.1, "eta": 1}, traces={"x": Trace("pre", 20)})),
            "nothing uses the trace 'x', the parameter 'rho', the parameter 'eta'",
        ),
        (lambda: into_projection(one(parameters={"rho": 0.1, "k": 1}), transmit="k*w"), "the parameter 'rho': "),
        (
            lambda: IntrinsicPlasticity(
                target="i_offset_nA", rule=one(terms=[Term("w", "post", 1)], traces={"y": Trace("post", 20)})
            ),
            "IntrinsicPlasticity: nothing uses the trace 'y'",
        ),
        (
            lambda: IntrinsicPlasticity(
                target="i_offset_nA", rule=text(on_pre={}, on_post={"w": "0.1"}, parameters={"eta": 1})
            ),
            "IntrinsicPlasticity: nothing uses the parameter 'eta'",
        ),
    ],
)
def test_what_no_expression_uses_is_refused(make, words):
    with pytest.raises(InvalidModel, match=words):
        make()


@pytest.mark.parametrize(
    ("rule", "transmit"),
    [
        (text(third_factors=["R"], on_pre={"w": "0.1*R"}), "w"),
        (text(third_factors=["R"], on_pre={"w": "A*R*x"}, parameters={"A": 0}, traces={"x": Trace("pre", 20)}), "w"),
        (text(third_factors=["R"], on_pre={"w": "x"}, traces={"x": Trace("pre", 20, gate="R")}), "w"),
        (text(parameters={"rho": 2.0}), "rho*w"),
        (text(parameters={"A": 0.0, "k": 3}, on_pre={"w": "A*k*x"}, traces={"x": Trace("pre", 20)}), "w"),
        (one(terms=[Term("w", "pre", 0.0, (X,))], traces={"x": Trace("pre", 20)}), "w"),
        (stdp.pair(A_plus=0.0, A_minus=0.0), "w"),
        (stdp.pair(A_plus=1, A_minus=1, marks=[Labile("a", 1, 0.1), Stable("m", 1, "R", "a", rate_per_s=0)]), "w"),
        (with_marks(one(traces={"x": Trace("pre", 20)}), [Labile("a", 1, 0.1)]), "w"),
    ],
)
def test_what_is_used_is_taken_also_where_its_coefficient_is_0(rule, transmit):
    assert into_projection(rule, transmit=transmit).learning is rule


def test_open_bounds():
    assert one().bounds_of("w") == (-INF, INF)
    assert one(marks=[Mark("m", 5, 0, INF)]).bounds_of("m") == (0, INF)


# Distributions


@pytest.mark.parametrize(
    "wrong",
    [
        Uniform(2, 1),
        Uniform(0, INF),
        Uniform(NAN, 1),
        Uniform([0, 1], 2),
        Uniform("x", 2),
        Uniform(0, "1 nA"),
        Normal(0, -1),
        Normal(INF, 1),
        Normal(0, INF),
        Normal(0, NAN),
        Normal(0, 1, low=2, high=1),
        Normal(0, 1, low=INF),
        Normal(0, 1, high=-INF),
        LogNormal(0, 1),
        LogNormal(-1, 1),
        LogNormal(INF, 1),
        LogNormal(1, -1),
        LogNormal(1, NAN),
        LogNormal(1, "x"),
        Exponential(-1),
        Exponential(INF),
    ],
    ids=repr,
)
def test_distributions_that_cannot_be_drawn(wrong):
    with pytest.raises(InvalidModel, match="where"):
        wrong.in_unit("ms", "where")


def test_distributions_take_the_unit_of_their_field():
    assert Normal("1 s", "100 ms", low="0 ms").in_unit("ms", "x") == Normal(1000, 100, 0, INF)
    assert LogNormal("1 s", 0.5).in_unit("ms", "x") == LogNormal(1000, 0.5)
    assert Exponential("1 s").in_unit("ms", "x") == Exponential(1000)


def test_spans():
    assert span(Uniform(1, 2)) == (1, 2)
    assert span(Normal(0, 1)) == (-INF, INF)
    assert span(Normal(0, 1, 0, 3)) == (0, 3)
    assert span(LogNormal(1, 1)) == span(Exponential(1)) == (0, INF)
    assert span(np.array([3.0, 1.0])) == (1, 3)
    assert span(2.0) == (2, 2)


# Connectors and stimuli


@pytest.mark.parametrize(
    "make",
    [
        lambda: FixedProbability(-0.1),
        lambda: FixedProbability(1.1),
        lambda: FixedProbability(NAN),
        lambda: FixedProbability("x"),
        lambda: FixedProbability([0.1, 0.2]),
        lambda: FixedInDegree(-1),
        lambda: FixedInDegree(1.5),
        lambda: FixedInDegree(NAN),
        lambda: FixedInDegree("x"),
        lambda: FixedTotalNumber(-1),
        lambda: FixedTotalNumber(1.5),
        lambda: FixedTotalNumber(10**400),
        lambda: FixedTotalNumber(3, replace="no"),
        lambda: FixedTotalNumber(3, replace=1),
        lambda: FromList([(1, 2), (3,)]),
        lambda: FromList([1, 2, 3]),
        lambda: FromList([(0, 1, 2)]),
        lambda: FromList([(0, -1)]),
        lambda: FromList([(0, 0.5)]),
        lambda: FromList([(0, NAN)]),
        lambda: FromList("ab"),
    ],
)
def test_what_connectors_refuse(make):
    with pytest.raises(InvalidModel, match=r"Fixed|FromList"):
        make()


def test_connectors_keep_what_they_are_given():
    assert FixedInDegree(3.0).n == 3
    assert (FixedTotalNumber(3.0).n, FixedTotalNumber(0).replace) == (3, True)
    assert FromList([]).pairs.shape == (0, 2)
    assert FromList(np.array([[1, 2]])).pairs.tolist() == [[1, 2]]
    assert AllToAll().self_connections


@pytest.mark.parametrize(
    "make",
    [
        lambda: Schedule([0, 0], [1, 2]),
        lambda: Schedule([2, 1], [1, 2]),
        lambda: Schedule([-1], [1]),
        lambda: Schedule([1, 2], [1]),
        lambda: Schedule([1], [[[1]]]),
        lambda: Schedule([[1]], [[1]]),
        lambda: Schedule([1], [NAN]),
        lambda: SpikeTimes([[-1]]),
        lambda: SpikeTimes([[1, 1]]),
        lambda: SpikeTimes([[[1]]]),
        lambda: SpikeTimes([[NAN]]),
        lambda: SpikeTimes(3),
        lambda: SpikeTimes("ab"),
    ],
)
def test_what_schedules_and_spike_times_refuse(make):
    with pytest.raises(InvalidModel, match=r"Schedule|SpikeTimes"):
        make()


def test_spike_times_are_sorted():
    assert SpikeTimes([[3, 1, 2], [], 5]).times_ms[0].tolist() == [1, 2, 3]
    assert [len(row) for row in SpikeTimes([[3, 1, 2], [], 5]).times_ms] == [3, 0, 1]
