"""The capability check of `nest`: every code is documented and can be met."""

from __future__ import annotations

import numpy as np
import pytest
from pynn_networks import PAIR, frozen, intrinsic, large, network, probed, with_another, with_input

import ernsnn as ern
from ernsnn import Factor, LearningRule, Term, Trace, stdp
from ernsnn.hardware_backends.nest import capabilities
from ernsnn.hardware_backends.nest.backend import NestBackend
from ernsnn.hardware_backends.nest.codes import CODES
from ernsnn.hardware_backends.pynn_script.rules import NotThePairRule, PairRule, pair_rule

OTHER_TAU = stdp.pair(A_plus=0.1, A_minus=0.05, tau_minus_ms=7)
UNEQUAL = ern.LIF(tau_syn_E_ms=5, tau_syn_I_ms=7)
EXAMPLES = {
    "P101": (lambda: network(learning=PAIR), "network"),
    "P102": (lambda: network(ern.ConductanceLIF()), "n"),
    "P103": (lambda: network(ern.LIF(tau_m_ms=1e9)), "n.tau_m_ms"),
    "P104": (lambda: with_input(network()), "background"),
    "P203": (intrinsic, "n"),
    "P204": (lambda: network(ern.LIF(noise_mV=1)), "n.noise_mV"),
    "P205": (lambda: network(ern.LIF(v_min_mV=-80)), "n.v_min_mV"),
    "P207": (lambda: frozen(network(learning=PAIR)), "network"),
    "P208": (lambda: network(learning=stdp.triplet()), "p.learning"),
    "P209": (lambda: network(learning=stdp.pair(A_plus=0.1, A_minus=0.1, w_min=0.1)), "p.learning.bounds"),
    "P210": (lambda: with_another(network(learning=PAIR), OTHER_TAU), "q.learning"),
    "P211": (lambda: network(learning=PAIR, connector=ern.FromList([[0, 1], [0, 1]])), "p"),
    "P212": (lambda: network(UNEQUAL, scheme="step_average"), "p"),
    "P213": (lambda: probed(network(), "I_E_nA"), "n.I_E_nA"),
    "P214": (lambda: network(ern.ConductanceLIF(), learning=PAIR), "n"),
    "P215": (lambda: network(short_term=ern.TsodyksMarkram()), "p.short_term"),
    "P216": (lambda: with_input(network(scheme="step_average")), "background"),
    "P301": (lambda: network(learning=PAIR, dt_ms=0.01), "dt_ms"),
    "P302": (large, "network"),
    "P303": (lambda: network(ern.LIF(tau_syn_E_ms=1e-4)), "n.tau_syn_E_ms"),
}


def test_every_code_has_an_example() -> None:
    assert list(EXAMPLES) == list(CODES) == sorted(CODES)


@pytest.mark.parametrize("code", CODES)
def test_codes_are_met(code: str) -> None:
    build, path = EXAMPLES[code]
    found = [issue for issue in ern.check(build(), "nest") if issue.code == code]
    assert [(issue.path, issue.fidelity) for issue in found] == [(path, CODES[code][0])]
    assert found[0].remedy or code == "P101"


def test_all_of_a_network_is_told_at_once() -> None:
    net = network(ern.LIF(noise_mV=1, v_min_mV=-80), stdp.triplet())
    net.population("adaptive", 2, ern.AdaptiveLIF(i_offset_nA=5.0))
    assert {issue.code for issue in ern.check(net, "nest").errors} == {"G201", "P204", "P205", "P208"}
    with pytest.raises(ern.UnsupportedOnBackend, match=r"(?s)G201.*P204.*P205.*P208"):
        ern.run(net, duration_ms=5, backend="nest")


def test_either_sign_needs_one_time_constant_at_exact_too() -> None:
    def codes(cell: ern.LIF, **how: object) -> list[str]:
        return [issue.code for issue in ern.check(network(cell, **how), "nest")]

    assert codes(UNEQUAL) == codes(UNEQUAL, receptor="inhibitory") == []
    assert codes(UNEQUAL, receptor="signed") == ["P212"]
    assert codes(ern.LIF(), receptor="signed") == []


def test_conductances_need_steps_that_are_NEST_s_own() -> None:
    [found] = ern.check(network(ern.ConductanceLIF(), scheme="step_average"), "nest").errors
    assert (found.code, found.remedy) == ("P214", "use current_integration='exact'")
    assert not ern.check(network(ern.ConductanceLIF(tau_syn_I_ms=7)), "nest").errors


def test_Poisson_input_takes_no_place_beside_learning_and_one_time_constant_for_both_signs() -> None:
    [found] = ern.check(with_input(network(learning=PAIR)), "nest").errors
    assert (found.code, found.path, found.remedy) == ("P216", "background", "run it on native or brian2")
    signed = with_input(network(UNEQUAL), receptor="signed", weight_nA=-0.1)
    assert [(issue.code, issue.path) for issue in ern.check(signed, "nest").errors] == [("P212", "background")]
    huge = with_input(network(), weight_nA=1e150)
    assert [(issue.code, issue.path) for issue in ern.check(huge, "nest").errors] == [("P303", "background.weight")]
    alone = ern.Network(current_integration="step_average")
    alone.population("n", 2, ern.LIF())
    assert [issue.code for issue in ern.check(with_input(alone), "nest").errors] == ["P216"]


@pytest.mark.parametrize(("dt_ms", "fits"), [(0.1, True), (0.004, True), (0.05, False), (0.002, False), (1.0, True)])
def test_which_time_steps_have_quarters(dt_ms: float, fits: bool) -> None:
    graph = ern.lower(network(learning=PAIR, dt_ms=dt_ms))
    assert ("P301" not in {issue.code for issue in capabilities.resolution(graph)}) is fits


# Rules


def matched(rule: LearningRule) -> PairRule:
    learning = ern.lower(network(learning=rule)).projections[0].learning
    assert learning is not None
    return pair_rule(learning)


def test_the_pair_rule_is_found_however_it_is_written() -> None:
    text = LearningRule.from_equations(
        traces={"a": Trace("pre", 10, increment=2.0), "b": Trace("post", 15)},
        on_post={"w": "0.05*a"},
        on_pre={"w": "-0.3*b*w"},
        bounds={"w": (0, 2)},
    )
    assert matched(text) == PairRule(10.0, 15.0, 0.1, 0.3, False, True, 2.0)
    assert matched(text).fractions == (0.05, 0.3)
    soft = (Factor(variable="w", scale=-0.5, offset=1.0), Factor(variable="x", scale=3.0))
    terms = [Term("w", "post", 0.1, soft), Term("w", "pre", -0.2, (Factor(variable="y"), Factor(variable="w")))]
    rule = LearningRule(traces={"x": Trace("pre", 10), "y": Trace("post", 10)}, terms=terms, bounds={"w": (0.0, 2.0)})
    found = matched(rule)
    assert np.isclose(found.A_plus, 0.15)
    assert (found.soft_plus, found.soft_minus, found.fractions) == (True, True, (found.A_plus, 0.2))


@pytest.mark.parametrize(
    ("post", "pre", "why"),
    [
        ("0.1*x*x", "-0.1*y", "must be read as it is"),
        ("0.1*y", "-0.1*y", "one trace of pre spikes"),
        ("0.1*x*y", "-0.1*y", "one trace of pre spikes"),
        ("0.1*x*(3 - w)", "-0.1*y*w", r"as \(w_max - w\) only"),
        ("0.1*x*(2 - w)", "-0.1*y", "depression does not"),
        ("0.1*x", "0.1*y", "must potentiate"),
        ("0.1*x", "-0.1*y*w*w", "as w only"),
        ("0.1*x + 0.1*y", "-0.1*y", "2 terms"),
        ("0.1*x", "-0.1", "must read a trace"),
        ("0.1*z", "-0.1*y", "must add up all spikes"),
    ],
)
def test_other_rules_are_told_apart(post: str, pre: str, why: str) -> None:
    traces = {"x": Trace("pre", 10), "y": Trace("post", 10), "z": Trace("pre", 10, mode="set")}
    read = {name: trace for name, trace in traces.items() if name in post + pre}
    rule = LearningRule.from_equations(traces=read, on_post={"w": post}, on_pre={"w": pre}, bounds={"w": (0, 2)})
    with pytest.raises(NotThePairRule, match=why):
        matched(rule)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"marks": [ern.marks.Labile("a", tau_s=2, rise=0.2)], "epoch_ms": 10}, "mark 'a'"),
        ({"epoch_ms": 10, "rest": ern.Relax("w", 5.0, 0.1)}, "at every epoch"),
        ({"pairing": "nearest"}, "must add up all spikes"),
    ],
)
def test_what_comes_on_top_is_told(options: dict[str, object], why: str) -> None:
    with pytest.raises(NotThePairRule, match=why):
        matched(stdp.pair(A_plus=0.1, A_minus=0.1, **options))  # type: ignore[arg-type]


def test_what_is_missing_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert NestBackend().missing() == "nest and pyNN cannot be imported: pip install 'ernsnn[nest]'"
    with pytest.raises(ern.BackendNotAvailable, match="pip install"):
        ern.run(network(), duration_ms=5, backend="nest")


def test_no_thread_is_refused() -> None:
    with pytest.raises(ern.InvalidModel, match="threads must be a whole number from 1 to 1024, got 0"):
        ern.compile(network(), "nest", duration_ms=5, out="unused", threads=0)
