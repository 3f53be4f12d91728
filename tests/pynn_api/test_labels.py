"""Errors, issues and warnings of a script name parts by its labels, because they say which parts they are about."""

from __future__ import annotations

import pickle

import pytest

import ernsnn as ern
from ernsnn.errors import InvalidModel, NotFinite, UnsupportedOnBackend, about
from ernsnn.issues import Limit

sim = pytest.importorskip("ernsnn.pynn")
from ernsnn.pynn.labels import error_in_labels, in_labels, labelled, mentioning, path_of  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

LABELS = {"i_offset": "i offset", "a": "A (first)", "a.b": "A.B!", "same": "same"}


def test_a_label_that_looks_like_a_parameter_leaves_the_parameter_alone() -> None:
    """Names were replaced wherever they stood: the name of "i offset" is i_offset."""
    sim.setup(1.0, backend="reference")
    sim.Population(1, sim.IF_curr_exp(), label="i offset")
    [issue] = [issue for issue in sim.check() if issue.code == "G305"]
    assert issue.path == "i offset"
    assert "and i_offset does not make them spike" in issue.message
    assert issue.remedy.endswith("or raise i_offset_nA")


def test_an_issue_that_mentions_another_part_does_so_by_its_label() -> None:
    sim.setup(1.0, backend="reference")
    source = sim.Population(1, sim.SpikeSourceArray(), label="the source")
    cells = sim.Population(1, sim.IF_curr_exp(i_offset=1.0), label="my cells")
    rule = sim.STDPMechanism(
        sim.SpikePairRule(A_plus=0.1, A_minus=0.1), sim.AdditiveWeightDependence(w_min=0.0, w_max=1.0), weight=0.5
    )
    sim.Projection(source, cells, sim.AllToAllConnector(), rule, label="what learns")
    [issue] = [issue for issue in sim.check() if issue.code == "G306"]
    assert issue.path == "what learns"
    assert issue.message.startswith("the source never spikes")
    assert issue.remedy == "give the source spikes"


@pytest.mark.filterwarnings("ignore::ernsnn.errors.ModelWarning")
def test_all_problems_of_a_script_are_listed_by_labels() -> None:
    sim.setup(1.0, backend="reference")
    sim.Population(1, sim.SpikeSourcePoisson(rate=1e13), label="fast noise")
    sim.Population(1, sim.SpikeSourcePoisson(rate=2e13), label="rate Hz")
    with pytest.raises(InvalidModel) as error:
        sim.run(1.0)
    assert [line.partition(":")[0] for line in str(error.value).split("\n")] == [
        "fast noise.rate_hz",
        "rate Hz.rate_hz",
    ]
    assert [str(problem) for problem in error.value.problems] == str(error.value).split("\n")


@pytest.mark.filterwarnings("ignore::ernsnn.errors.ModelWarning")
@pytest.mark.parametrize("backend", ["reference", "native"])
def test_what_leaves_the_finite_numbers_is_named_by_its_label(backend: str) -> None:
    sim.setup(1.0, backend=backend)
    source = sim.Population(1, sim.SpikeSourceArray(spike_times=[1.0, 2.0, 3.0, 4.0]), label="the source")
    cells = sim.Population(1, sim.IF_curr_exp(v_thresh=1e300), label="v mV")
    sim.Projection(source, cells, sim.AllToAllConnector(), sim.StaticSynapse(weight=1.7e308))
    cells.record("v")

    def run_and_read() -> None:
        sim.run(20.0)
        cells.get_data()

    with pytest.raises(NotFinite, match=r"^v mV: .* of neuron 0 is (inf|nan) after ") as error:
        run_and_read()
    assert error.value.steps[1] > error.value.steps[0]


def test_a_refusal_of_every_backend_has_labels() -> None:
    issue = Limit("L999", "a.b.tau", "a feeds same and a.b", "mend a", names=("a", "a.b"))
    refused = UnsupportedOnBackend("x cannot run script:", issues=[issue, "y: a is too fast"], names=["a.tau"])
    assert str(error_in_labels(refused, LABELS)).split("\n") == [
        "x cannot run script:",
        "  L999   A.B!.tau: A (first) feeds same and A.B!; mend A (first)",
        "  y: A (first) is too fast",
    ]


def test_the_part_that_a_path_begins_with_is_the_longest() -> None:
    paths = {"a": "A (first)", "a.tau": "A (first).tau", "a.b": "A.B!", "a.b.tau": "A.B!.tau", "a.c": "A (first).c"}
    paths |= {"a#2": "A (first)#2", "a-b": "a-b", "ab.tau": "ab.tau", "": "", "i_offset_nA": "i_offset_nA"}
    assert {path: path_of(path, LABELS) for path in paths} == paths


def test_only_what_is_mentioned_is_replaced_and_only_as_a_word() -> None:
    assert mentioning("a and i_offset of a.b, ab, x.a", ["a.tau"], LABELS) == (
        "A (first) and i_offset of A (first).b, ab, x.a"
    )
    assert mentioning("a", [], LABELS) == "a"
    limit = Limit("L1", "same", "a", "i_offset")
    assert in_labels(limit, LABELS) == limit


def test_an_error_is_about_the_innermost_object_that_is_named() -> None:
    with pytest.raises(InvalidModel) as error, about("outer", "other"), about("inner"):
        raise InvalidModel("inner: is wrong")
    assert (error.value.path, error.value.names) == ("inner", ("other",))
    again = pickle.loads(pickle.dumps(error.value))
    assert (str(again), again.path, again.names) == ("inner: is wrong", "inner", ("other",))


def test_the_path_of_an_error_is_what_its_message_begins_with() -> None:
    assert InvalidModel("cells.tau_m_ms: must be > 0, got: 0").path == "cells.tau_m_ms"
    for text in ("", "no population 'a': b", "cells:", "cells, neuron 1: late"):
        assert InvalidModel(text).path == ""
    with pytest.raises(InvalidModel) as error:
        ern.SpikeTimes([[-1.0]])
    assert error.value.path == "SpikeTimes.times_ms[0]"


def test_labels_are_put_in_once() -> None:
    with pytest.raises(InvalidModel, match=r"^b: a$"), labelled({"b": "c"}), labelled({"a": "b"}):
        raise InvalidModel("a: a", path="a")


def test_errors_that_no_part_is_named_in_stay_as_they_are() -> None:
    with pytest.raises(InvalidModel, match=r"^options: a and i_offset are unknown$"), labelled(LABELS):
        raise InvalidModel("options: a and i_offset are unknown")
    with pytest.raises(InvalidModel, match=r"^i offset: i_offset must be a number$"), labelled(LABELS):
        raise InvalidModel("i_offset: i_offset must be a number")
