"""What short-term plasticity cannot be: from a user, and from a file."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from short_terms import between, own

import ernsnn as ern
from ernsnn import InvalidModel
from ernsnn.describe.expressions import Name, Num, Op, Statement
from ernsnn.describe.kinds import Parameter, Requirement, State
from ernsnn.describe.short_term import ShortTermKind

PAIR = ern.stdp.pair(A_plus=0.02, A_minus=0.01, w_max=4.0)

HOSTILE = {
    "U of 0": (lambda: ern.TsodyksMarkram(U=0.0), "TsodyksMarkram.U must be > 0"),
    "U above 1": (lambda: ern.TsodyksMarkram(U=1.5), "U <= 1 must hold, the share of resources"),
    "U of an array": (lambda: ern.TsodyksMarkram(U=[0.5, 1.5]), "U <= 1 must hold"),
    "a negative tau": (lambda: ern.TsodyksMarkram(tau_rec_ms=-1.0), "TsodyksMarkram.tau_rec_ms must be >= 0"),
    "NaN": (lambda: ern.TsodyksMarkram(tau_fac_ms=math.nan), "tau_fac_ms"),
    "another name": (lambda: ern.TsodyksMarkram(tau_ms=1.0), "tau_ms"),
    "text": (lambda: ern.TsodyksMarkram(U="half"), "TsodyksMarkram.U"),
    "no kind": (lambda: ern.ShortTerm(), "choose one, such as TsodyksMarkram"),
    "an unknown name": (lambda: own(on_spike="x = y + 1"), "Own: x uses no known name 'y'"),
    "an unknown name in the factor": (lambda: own(factor="x*v"), "Own: factor uses no known name 'v'"),
    "a name before its value": (lambda: own(on_spike="x = y; y = x"), "uses no known name 'y'"),
    "an unknown initial name": (lambda: own(states={"x": "V"}), "the initial x uses no known name 'V'"),
    "an initial state of a state": (lambda: own(states={"x": 1.0, "y": "x"}), "the initial y uses no known name"),
    "a condition": (lambda: own(factor="x > 1"), "factor is true or false"),
    "a state that is true": (lambda: own(on_spike="x = since > 1"), "x is set to what is true or false"),
    "a parameter that is set": (lambda: own(on_spike="a = 1"), "a is no state, and cannot be assigned"),
    "the time that is set": (lambda: own(on_spike="since = 1"), "since is no state"),
    "a derivative": (lambda: own(on_spike="dx/dt = 1"), "plain assignments"),
    "if": (lambda: own(on_spike="if a: x = 1"), "plain assignments"),
    "code": (lambda: own(factor="__import__('os')"), "is not allowed"),
    "a taken name": (lambda: own(states={"x": 1.0, "a": 1.0}), "a is the name of two things"),
    "a name that is given": (lambda: own(states={"x": 1.0, "dt": 1.0}), "dt is the name of two things"),
    "positive": (lambda: own(positive=["b"]), "Own.positive: no parameter 'b'"),
    "a strange name": (lambda: ern.ShortTerm.from_equations("a b", states={}, on_spike="", factor="1"), "no name"),
    "no text": (lambda: own(factor=3), "factor"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_what_cannot_be_is_refused_in_words(case: str) -> None:
    make, message = HOSTILE[case]
    with pytest.raises(InvalidModel) as error:
        make()
    assert message in str(error.value)


REFUSED = {
    "a negative factor": (lambda: own(on_spike="x = x - a")(), "p.short_term: factor is negative, -1 at spike 2"),
    "at another rate": (lambda: own(factor="since - 50")(), "factor is negative, -49 at spike 2 of a train of one"),
    "of one neuron": (lambda: own(factor="a")(a=[1.0, -0.5, 1.0]), "p.short_term: factor is negative, -0.5"),
    "what is no number": (lambda: own(factor="log(x - 5)")(), "p.short_term: factor leaves the finite numbers"),
    "what grows": (lambda: own(on_spike="x = x*1e30")(), "leaves the finite numbers at spike 11"),
    "an array of other length": (lambda: ern.TsodyksMarkram(U=[0.5, 0.6]), "p.short_term.U: needs one number or 3"),
    "a matrix": (lambda: ern.TsodyksMarkram(U=np.full((3, 2), 0.5)), "p.short_term.U: needs one number or 3"),
    "a class": (lambda: ern.TsodyksMarkram, "short_term"),
    "text": (lambda: "TsodyksMarkram", "short_term"),
    "a learning rule": (lambda: PAIR, "short_term"),
    "w": (lambda: own(states={"w": 1.0}, on_spike="", factor="w")(), "p.short_term: its synapses have a variable 'w'"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_projection_refuses_what_it_cannot_have(case: str) -> None:
    make, message = REFUSED[case]
    with pytest.raises(InvalidModel) as error:
        between(make())
    assert message in str(error.value)


def test_a_mark_of_the_same_name_is_refused() -> None:
    rule = ern.LearningRule(terms=[], marks=[ern.Mark("u", initial=0.5, low=0.0, high=1.0)], epoch_ms=None)
    with pytest.raises(InvalidModel, match=r"p\.short_term: its synapses have a variable 'u', too; rename one"):
        between(ern.TsodyksMarkram(), rule, transmit="w + u")


@pytest.mark.parametrize("U", [ern.Uniform(0.9, 1.4), ern.Normal(0.1, 1.0)])
def test_what_is_drawn_is_judged_when_it_is(U: ern.Uniform) -> None:
    net = between(ern.TsodyksMarkram(U=U))
    with pytest.raises(InvalidModel, match=r"p\.short_term.*U"):
        ern.lower(net, 1)


def test_its_numbers_are_part_of_the_digest() -> None:
    shorts = [None, ern.TsodyksMarkram(), ern.TsodyksMarkram(U=0.4), ern.TsodyksMarkram(U=[0.5, 0.5, 0.5])]
    assert len({ern.lower(between(short)).digest for short in shorts}) == len(shorts)


def test_a_kind_that_is_read_has_no_words_but_its_own() -> None:
    """Kernels and programs are made of what a saved graph holds."""
    given = dataclasses.asdict(ern.TsodyksMarkram.kind) | {"parameters": (), "states": (), "on_spike": ()}
    bad = Name("x; import os")
    for changed in (
        {"factor": bad},
        {"parameters": (Parameter("x; import os"),), "factor": bad},
        {"states": (State("x\n", Num(1.0)),), "factor": Num(1.0)},
        {"on_spike": (Statement("x y", Num(1.0)),), "factor": Num(1.0)},
        {"factor": Op("system", (Num(1.0),))},
        {"factor": Op("exp", (Num(1.0), Num(2.0)))},
        {"name": "a\nb", "factor": Num(1.0)},
        {"factor": Num(1.0), "requirements": (Requirement(bad, ""),)},
    ):
        with pytest.raises(InvalidModel):
            ShortTermKind(**{**given, "requirements": (), **changed})


def test_a_kind_of_a_users_own_may_have_the_name_of_another(tmp_path) -> None:
    mine = ern.ShortTerm.from_equations("TsodyksMarkram", states={"x": 1.0}, on_spike="x = x/2", factor="x")
    graph = ern.lower(between(mine()))
    again = ern.load_graph(ern.save_graph(graph, tmp_path / "graph"))
    assert again.digest == graph.digest
    assert again.projections[0].short_term.kind == mine.kind != ern.TsodyksMarkram.kind


def test_a_graph_is_checked_as_it_is_read(tmp_path) -> None:
    graph = ern.lower(between(ern.TsodyksMarkram()))
    [p] = graph.projections
    for kind, given, message in (
        (p.short_term.kind, {"U": 2.0, "tau_rec_ms": 1.0, "tau_fac_ms": 1.0}, "U <= 1 must hold"),
        (p.short_term.kind, {"U": 0.5}, "are not the parameters of TsodyksMarkram"),
        (p.short_term.kind, p.short_term.parameters | {"U": np.full(2, 0.5)}, "has not 3 numbers"),
        (own(states={"w": 1.0}, on_spike="", factor="w").kind, {"a": 1.0}, "its synapses have a 'w', too"),
        (own(on_spike="x = x - a").kind, {"a": 1.0}, "factor is negative"),
    ):
        wrong = dataclasses.replace(p, short_term=dataclasses.replace(p.short_term, kind=kind, parameters=given))
        folder = ern.save_graph(dataclasses.replace(graph, projections=(wrong,)), tmp_path / message[:9].strip())
        with pytest.raises(InvalidModel, match=message):
            ern.load_graph(folder)


def test_brian2_says_how_long_a_delay_may_be() -> None:
    for delay_ms, found in ((64.0, []), (65.0, ["B201"])):
        net = between(ern.TsodyksMarkram(), delay_ms=delay_ms)
        assert [issue.code for issue in ern.check(net, "brian2").errors] == found
    assert not ern.check(between(None, delay_ms=65.0), "brian2").errors
