"""Marks and flows as a user writes them: what they become, and what is refused."""

from __future__ import annotations

import pytest

import ernsnn
from ernsnn import Factor, InvalidModel, Latch, LearningRule, Mark, Normalise, Relax, Term, Trace, stdp
from ernsnn.describe.marks import Custom, GateFactor, Labile, Stable, WeightRelax, with_marks

LABILE = Labile("a", tau_s=120, rise=0.02, fall=0.006)
STABLE = Stable("m", tau_s=600, consolidated_by="P", tag="a")
LATCH = {
    "variable": "m",
    "tau_s": 600,
    "threshold": 0.5,
    "tag": "a",
    "tag_tau_s": 120,
    "tag_threshold": 0.3,
    "rate_per_s": 0.15,
    "signal": "P",
}
OPENED = Factor(variable="a", scale=1.0, offset=1.0)
CLOSED = Factor(variable="m", scale=-0.98, offset=1.0, power=2)


def pair(**options):
    return stdp.pair(A_plus=0.01, A_minus=0.002, **options)


def test_both_marks_in_the_pair_rule():
    rule = pair(marks=[LABILE, STABLE], rest=WeightRelax(tau_s=900, of="m"))
    assert rule.variables == ("w", "a", "m")
    assert rule.third_factors == ("P",)
    assert rule.epoch_ms == 1000
    assert rule.flows == (Relax("a", 120), Latch(**LATCH), Relax("w", 900, 0.2, "m", 0.8))
    x, y = Factor(variable="x"), Factor(variable="y")
    assert rule.terms == (
        Term("w", "post", 0.01, (x, OPENED, CLOSED)),
        Term("w", "pre", -0.002, (y, CLOSED)),
        Term("a", "post", 0.02, (x, Factor(variable="a", scale=-1.0, offset=1.0))),
        Term("a", "post", -0.006, (Factor(variable="a"),)),
    )


def test_in_the_triplet_rule_the_first_pre_trace_raises_the_mark():
    rule = stdp.triplet(marks=[LABILE], epoch_ms="500 ms")
    assert rule.epoch_ms == 500
    assert [OPENED in t.factors for t in rule.terms if t.target == "w"] == [True, True, False, False]
    assert next(t for t in rule.terms if t.target == "a").factors[0].variable == "r1"


def test_depression_at_post_spikes_and_epoch_terms_are_not_opened():
    rule = LearningRule(
        traces={"y": Trace("post", 20), "x": Trace("pre", 20)},
        terms=[Term("w", "post", -0.1), Term("w", "post", 0.1), Term("w", "epoch", 0.1)],
        epoch_ms=100,
    )
    gated = with_marks(rule, [LABILE, STABLE])
    assert [t.factors for t in gated.terms[:3]] == [(CLOSED,), (OPENED, CLOSED), ()]
    assert gated.epoch_ms == 100
    assert gated.terms[3].factors[0].variable == "x"


def test_marks_can_be_composed_one_after_the_other():
    both, stepwise = with_marks(pair(), [LABILE, STABLE]), with_marks(with_marks(pair(), [LABILE]), [STABLE])
    assert both.flows == stepwise.flows
    assert both.variables == stepwise.variables
    assert with_marks(pair(), [STABLE, LABILE]).flows == both.flows[::-1]


def test_marks_that_do_nothing_leave_no_factor():
    rule = pair(marks=[Labile("a", tau_s=1, rise=0.1, opens=0)])
    assert [len(t.factors) for t in rule.terms if t.target == "w"] == [1, 1]
    assert len([t for t in rule.terms if t.target == "a"]) == 1


def test_a_mark_of_ones_own():
    mine = Custom(
        variable=Mark("b", 0.5, 0.0, 2.0),
        moves=Relax("b", "2 s", 1.0),
        changes=[Term("b", "pre", 0.1, (Factor(variable="g"), Factor(variable="y")))],
        gates=[GateFactor(Factor(variable="b", scale=-0.5, offset=1.0), "potentiation")],
        third_factors=["g"],
    )
    rule = pair(marks=[mine])
    assert rule.flows == (Relax("b", 2.0, 1.0),)
    assert rule.third_factors == ("g",)
    assert rule.terms[0].factors[-1] == mine.gates[0].factor
    assert len(rule.terms[1].factors) == 1
    assert rule.terms[2] == mine.changes[0]
    assert rule.bounds_of("b") == (0, 2)


def test_a_mark_of_ones_own_can_be_the_tag():
    tag = Custom(variable=Mark("a"), moves=Relax("a", 7.0))
    assert pair(marks=[tag, STABLE]).flows[1].tag_tau_s == 7


def test_a_weight_flow_alone():
    rule = pair(rest=WeightRelax(tau_s="2 s", to=0.5), w_max=2)
    assert rule.flows == (Relax("w", 2.0, 0.5),)
    assert WeightRelax(tau_s=1, to=0.5, of="m", top=2.0).slope == 1.5


def test_times_of_flows_take_units():
    assert Relax("w", "500 ms").tau_s == 0.5
    assert Latch(**{**LATCH, "tag_tau_s": "2000 ms"}).tag_tau_s == 2.0
    assert Labile("a", tau_s="2000 ms", rise=0.1).tau_s == 2.0
    assert Stable("m", "600 s", "P", "a").tau_s == 600.0


def own(**options):
    return Custom(**{"variable": Mark("b"), "moves": Relax("b", 1.0), **options})


def one(**options):
    return LearningRule(**{"terms": [], "marks": [Mark("m"), Mark("a")], "third_factors": ["P"], **options})


REFUSED = [
    # Flows
    (lambda: Relax("w", 0), "Relax of 'w'.tau_s: must be > 0"),
    (lambda: Relax("w", "3 mV"), "Relax of 'w'.tau_s"),
    (lambda: Relax("w", [1, 2]), "Relax of 'w'.tau_s: must be one number"),
    (lambda: Relax("w", 1.0, of="m"), "Relax of 'w': 'of'"),
    (lambda: Relax("w", 1.0, slope=2), "Relax of 'w': 'of'"),
    (lambda: Relax("w", 1.0, to=float("nan")), "Relax of 'w'.to"),
    (lambda: Latch(**{**LATCH, "tau_s": -1}), "Latch of 'm'.tau_s: must be > 0"),
    (lambda: Latch(**{**LATCH, "tag_tau_s": 0}), "Latch of 'm'.tag_tau_s: must be > 0"),
    (lambda: Latch(**{**LATCH, "rate_per_s": -1}), "Latch of 'm'.rate_per_s"),
    (lambda: Latch(**{**LATCH, "rate_per_s": "1 Hz"}), "Latch of 'm'.rate_per_s"),
    (lambda: Latch(**{**LATCH, "tag": "m"}), "own tag"),
    # Rules
    (lambda: one(flows=[Relax("m", 1.0)]), "flows and Normalise need epoch_ms"),
    (lambda: one(flows=[Relax("n", 1.0)], epoch_ms=1), "the Relax of 'n': 'n' is no variable"),
    (lambda: one(flows=[Relax("m", 1.0, 0.0, "n", 1.0)], epoch_ms=1), "the Relax of 'm': 'n' is no variable"),
    (lambda: one(flows=[Relax("m", 1.0), Relax("m", 2.0)], epoch_ms=1), "'m' has two flows"),
    (lambda: one(flows=[Latch(**{**LATCH, "tag": "n"})], epoch_ms=1), "the Latch of 'm': 'n' is no variable"),
    (lambda: one(flows=[Latch(**{**LATCH, "signal": "Q"})], epoch_ms=1), "the Latch of 'm': 'Q' is not among third"),
    (lambda: one(flows=["m"], epoch_ms=1), "LearningRule.flows[0]: must be Relax or Latch"),
    (lambda: one(epoch_ms=1), "nothing happens at epochs"),
    (
        lambda: ernsnn.IntrinsicPlasticity(
            target="i_offset_nA", rule=LearningRule(terms=[], flows=[Relax("w", 1.0)], epoch_ms=1)
        ),
        "flows and Normalise belong to projections",
    ),
    # Labile and Stable
    (lambda: Labile("a", tau_s=0, rise=0.1), "'a'.tau_s: must be > 0"),
    (lambda: Labile("a", tau_s=1, rise=-0.1), "mark 'a': rise must be >= 0"),
    (lambda: Labile("a", tau_s=1, rise=0.1, fall=1.5), "mark 'a': fall must be in [0, 1]"),
    (lambda: Labile("a", tau_s=1, rise=0.1, opens=-1), "mark 'a': opens must be >= 0"),
    (lambda: Labile("a", tau_s=1, rise=0.1, initial=2), "mark 'a': initial"),
    (lambda: Labile("a b", tau_s=1, rise=0.1), "mark 'a b': its name"),
    (lambda: Stable("m", 1, "P", "a", protects=1.1), "mark 'm': protects must be in [0, 1]"),
    (lambda: Stable("m", 1, "P", "a", protects=-0.1), "mark 'm': protects must be in [0, 1]"),
    (lambda: Stable("m", 1, "P", "a", threshold=2), "mark 'm': threshold must be in [0, 1]"),
    (lambda: Stable("m", 1, "P", "a", tag_threshold=-1), "mark 'm': tag_threshold must be in [0, 1]"),
    (lambda: Stable("m", 1, "P", "a", rate_per_s=-1), "mark 'm': rate_per_s must be >= 0"),
    (lambda: Stable("m", -1, "P", "a"), "'m'.tau_s: must be > 0"),
    (lambda: Stable("m", 1, None, "a"), "m.consolidated_by: must be text"),
    (lambda: Stable("m", 1, "P", "m"), "own tag"),
    # Marks of one's own
    (lambda: own(variable="b"), "Custom.variable: must be Mark"),
    (lambda: own(moves=None), "Custom.moves: must be Relax or Latch"),
    (lambda: own(moves=Relax("c", 1.0)), "mark 'b': its flow moves 'c'"),
    (lambda: own(changes=[Term("w", "pre", 1.0)]), "mark 'b': its terms must change 'b'"),
    (lambda: own(gates=[Factor(variable="b")]), "Custom.gates[0]: must be GateFactor"),
    (lambda: own(gates=[GateFactor(Factor(variable="c"))]), "mark 'b': a gate is a GateFactor"),
    (lambda: own(gates=[GateFactor(Factor(variable="b", scale=-1.5, offset=1.0))]), "mark 'b': the gate"),
    (
        lambda: own(variable=Mark("b", 0, 0, float("inf")), gates=[GateFactor(Factor(variable="b"))]),
        "mark 'b': the gate",
    ),
    (lambda: GateFactor("b"), "GateFactor.factor: must be Factor"),
    (lambda: GateFactor(Factor(variable="b"), "depression"), "GateFactor.on"),
    # Composition
    (lambda: pair(marks=[STABLE]), "mark 'm': its tag 'a' is no mark"),
    (
        lambda: pair(marks=[STABLE, Mark("a")]),
        "stdp.pair.marks[1]: must be Labile or Stable or Custom, got Mark(name='a'",
    ),
    (
        lambda: own(gates=[GateFactor(Factor(variable="b", scale=2.0))]),
        "mark 'b': the gate 0 + 2*b runs from 0 to 2 within the mark's bounds; it must stay within [0, 1]",
    ),
    (lambda: pair(marks=[STABLE, own(variable=Mark("a"), moves=Relax("a", 1, 0.5))]), "that relaxes to 0"),
    (lambda: pair(marks=[LABILE, LABILE]), "'a' is used twice"),
    (lambda: pair(marks=[Labile("x", 1, 1)]), "'x' is used twice"),
    (lambda: pair(marks=["a"]), "stdp.pair.marks[0]: must be Labile or"),
    (lambda: pair(rest=Relax("a", 1.0)), "rest must be a flow of the weight"),
    (lambda: pair(rest=WeightRelax(1, of="m")), "the Relax of 'w': 'm' is no variable"),
    (lambda: pair(epoch_ms=10), "nothing happens at epochs"),
    (lambda: pair(marks=[LABILE], epoch_ms=-1), "epoch_ms must be > 0"),
    (lambda: with_marks(LearningRule(terms=[]), [LABILE]), "mark 'a': the rule has no trace of pre spikes"),
    (
        lambda: with_marks(LearningRule(terms=[], normalise=[Normalise("pre", "w", 1)], epoch_ms=10), [], 20),
        "epochs of 10.0 ms already",
    ),
]


@pytest.mark.parametrize(("make", "words"), REFUSED, ids=[words for _, words in REFUSED])
def test_what_is_refused_and_how(make, words):
    with pytest.raises(InvalidModel) as error:
        make()
    assert words in str(error.value)


def test_an_unbound_consolidation_signal_and_an_odd_epoch_are_refused():
    net = ernsnn.Network()
    a = net.population("a", 2, ernsnn.LIF())
    with pytest.raises(InvalidModel, match="say which astrocyte or signal 'P' is"):
        net.projection("p", a, a, weight_nA=0.5, learning=pair(marks=[LABILE, STABLE]))
    for epoch_ms, words in ((10.5, "10.5 ms is no multiple"), (1e-9, "at least one step")):
        rule = pair(marks=[LABILE], epoch_ms=epoch_ms)
        with pytest.raises(InvalidModel, match=rf"p\.learning: epoch_ms.*{words}"):
            net.projection("p", a, a, weight_nA=0.5, learning=rule)
    assert not net.projections
