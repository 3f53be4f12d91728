"""The CA3 memory: the published raster, the operations, what is expected and recalled, and its input files."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rasters import DATA, RASTERS, of_file, published_file, raster

from ernsnn import InvalidModel, run
from ernsnn.models import CA3Memory
from ernsnn.models.ca3_memory import MemoryResult
from ernsnn.models.ca3_memory.operations import Operation, Pattern, expected_responses, input_times, read_operations
from ernsnn.studies.models import get_model

FILES = Path(os.environ.get("ERNSNN_SHARED", Path(__file__).parents[3] / "shared")) / "data"


def learn(t: int, cue: int, *contents: int) -> Operation:
    return Operation("learn", t, Pattern((cue,), contents))


def by_cue(t: int, cue: int) -> Operation:
    return Operation("recall", t, Pattern((cue,)))


def by_content(t: int, *contents: int) -> Operation:
    return Operation("recall", t, Pattern((), contents))


def recalls(memory: CA3Memory) -> list[bool | None]:
    return [row.right for row in memory.run("reference").operations if row.operation == "recall"]


# Rasters


@pytest.mark.parametrize("name", RASTERS)
def test_raster_spike_for_spike(name: str, tmp_path: Path) -> None:
    expected = raster(name)
    testbench = tmp_path / "testbench.json"
    testbench.write_text(json.dumps(expected.bench))
    session = get_model("ca3_memory").open(input=testbench)
    assert session.duration_ms == expected.duration_ms
    result = run(session.network, duration_ms=session.duration_ms, backend="reference")
    expected.assert_shown(result.trains)
    assert set(expected.digests) == {p.name for p in result.graph.populations}


def test_one_spike_elsewhere_is_no_longer_the_published_raster() -> None:
    expected = raster("published")
    result = run(expected.network(), duration_ms=expected.duration_ms, backend="reference")

    def moved(name: str) -> list[list[float]]:
        trains = result.trains(name)
        if name == "CA3contCond":
            next(train for train in trains if train)[0] += 1
        return trains

    with pytest.raises(AssertionError, match="CA3contCond"):
        expected.assert_shown(moved)


@pytest.mark.skipif(not FILES.exists(), reason="the authors' file is not here: it is no part of this repository")
def test_the_digests_are_those_of_the_authors_file() -> None:
    data = json.loads((FILES / "ca3_experiment1.json").read_text())
    assert raster("published") == of_file(data)
    assert json.loads((DATA / "ca3_published.json").read_text()) == published_file(data)


def test_the_published_experiment_is_nine_right_operations() -> None:
    expected = raster("published")
    data = expected.bench
    network = get_model("ca3_memory").open(cue_times_ms=data["cue"], content_times_ms=data["cont"]).network
    result = run(network, duration_ms=expected.duration_ms, backend="reference")
    rows = MemoryResult(result.graph, result.recording).operations
    assert [row.operation for row in rows] == ["learn"] * 3 + ["recall"] * 3 + ["learn"] + ["recall"] * 2
    assert all(row.right for row in rows)
    # Cue 3 held 4 5 6 and learns 1 3 4 8.
    assert [row.echo for row in rows if row.echo] == [(5, 6)]


# The memory


def test_learn_and_recall_either_way() -> None:
    memory = CA3Memory(cues=5, contents=10)
    memory.learn(cue=0, content=[0, 1, 8, 9])
    memory.learn(cue=4, content=[1, 5, 6])
    memory.recall(cue=0)
    memory.recall(content=[1])
    memory.recall(content=[2])
    rows = memory.run(backend="reference").operations
    assert [row.recalled.get(6, Pattern()) for row in rows[2:]] == [
        Pattern((), (0, 1, 8, 9)),
        Pattern((0, 4)),
        Pattern(),
    ]
    assert all(row.right for row in rows)
    assert np.diff([row.t_ms for row in rows]).tolist() == [memory.spacing_ms] * 4


def test_overwriting_shows_the_old_bits_once_and_forgets_them() -> None:
    memory = CA3Memory(cues=2, contents=4)
    memory.learn(0, [0, 1])
    memory.learn(0, [1, 2])
    memory.recall(cue=0)
    memory.recall(content=[0])
    result = memory.run("reference")
    anew, recall, forgotten = result.operations[1:]
    new = Pattern((0,), (1, 2))
    assert anew.expected == anew.recalled == {5: new, 6: Pattern((), (0,)), 7: new}
    assert anew.echo == (0,)
    assert recall.recalled == {5: Pattern((0,)), 6: Pattern((), (1, 2))}
    assert forgotten.recalled == {5: Pattern((), (0,))}
    assert all(row.right for row in result.operations)
    text = str(result.operations)
    assert "cue 0, content 1 2; content 0 once (old)" in text
    assert "4 operations: 4 right, 0 wrong" in text
    assert "appear once" in text


def test_random_operations_are_right_at_the_default_spacing() -> None:
    rng = np.random.default_rng(3)
    memory = CA3Memory(6, 9)
    for kind in rng.integers(3, size=60):
        cue, bits = int(rng.integers(6)), rng.permutation(9)[: rng.integers(1, 5)].tolist()
        if kind == 0:
            memory.learn(cue, bits)
        elif kind == 1:
            memory.recall(cue)
        else:
            memory.recall(content=bits[:1])
    assert all(row.right for row in memory.run("reference").operations)


@pytest.mark.parametrize(("after_learn", "after_recall", "all_right"), [(12, 6, True), (7, 6, False)])
def test_published_limits_of_spacing(after_learn: int, after_recall: int, all_right: bool) -> None:
    memory, t = CA3Memory(16, 16), 0
    for shift in (0, 1):
        for cue in range(16):
            memory.learn(cue, [(cue + shift) % 16], at_ms=t)
            t += after_learn
        for index in range(16):
            memory.recall(cue=index, at_ms=t)
            memory.recall(content=[index], at_ms=t + after_recall)
            t += 2 * after_recall
    assert all(recalls(memory)) is all_right


def test_recall_by_many_bits_is_destructive() -> None:
    right = []
    for width in (1, 4):
        memory = CA3Memory(16, 16)
        contents = [[(cue + k) % 16 for k in (0, 1, 4, 9, 11)] for cue in range(16)]
        for cue, content in enumerate(contents):
            memory.learn(cue, content)
        for content in contents:
            memory.recall(content=content[:width])
        for cue in range(16):
            memory.recall(cue=cue)
        right.append(sum(map(bool, recalls(memory))))
    assert right[0] == 32
    assert right[1] < 32


def test_a_saved_result_knows_its_operations(tmp_path: Path) -> None:
    memory = CA3Memory(2, 3)
    memory.learn(1, [0, 2])
    memory.recall(cue=1)
    result = memory.run("reference", seed=4)
    result.save(tmp_path / "run")
    loaded = MemoryResult.load(tmp_path / "run")
    assert isinstance(loaded, MemoryResult)
    assert loaded.operations.to_json() == result.operations.to_json()
    assert json.loads((tmp_path / "run" / "operations.json").read_text()) == result.operations.to_json()
    assert result.operations.to_json()[1] == {
        "t_ms": memory.spacing_ms,
        "operation": "recall",
        "asked": {"cue": [1], "content": []},
        "expected": [{"after_ms": 5, "cue": [1], "content": []}, {"after_ms": 6, "cue": [], "content": [0, 2]}],
        "recalled": [{"after_ms": 5, "cue": [1], "content": []}, {"after_ms": 6, "cue": [], "content": [0, 2]}],
        "echo_of_old_bits": [],
        "right": True,
    }
    assert "<td>content 0 2</td>" in result.operations._repr_html_()


def test_no_verdict_where_the_run_ends_too_early() -> None:
    memory = CA3Memory(2, 3)
    memory.learn(1, [0, 2])
    memory.recall(cue=1)
    enough = memory.scheduled[1].t_ms + 7
    assert [row.right for row in memory.run("reference", duration_ms=enough).operations] == [True, True]
    short = memory.run("reference", duration_ms=enough - 1).operations
    assert [row.right for row in short] == [True, None]
    assert "the run ends before the answer" in str(short)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: m.learn(5, [0]), "cue must be from 0 to 4, got 5"),
        (lambda m: m.learn(-1, [0]), "cue must be from 0 to 4, got -1"),
        (lambda m: m.learn(0, [10]), "content must be from 0 to 9, got 10"),
        (lambda m: m.learn(0, []), "content is empty"),
        (lambda m: m.learn(0, [1, 1]), "names a bit twice"),
        (lambda m: m.learn(0, 3), r"must be a list of bits such as \[0, 1\], got 3"),
        (lambda m: m.learn(0, "01"), "must be a list of bits"),
        (lambda m: m.learn(1.5, [0]), "cue must be a whole number, got 1.5"),
        (lambda m: m.learn(True, [0]), "cue must be a whole number"),
        (lambda m: m.recall(), "either a cue or content"),
        (lambda m: m.recall(0, [1]), "either a cue or content"),
        (lambda m: m.recall(content=[]), "content is empty"),
        (
            lambda m: m.recall(0, at_ms=3),
            r"recall at 3 ms is too near the learn at 0 ms; the earliest time is 4 ms, a safe one 20 ms",
        ),
        (lambda m: m.recall(0, at_ms=-1), "at_ms must be >= 0"),
        (lambda m: CA3Memory(spacing_ms=3), "spacing_ms must be at least 4"),
        (lambda m: CA3Memory(cues=0), "cues must be a whole number >= 1"),
        (lambda m: CA3Memory().run("reference"), "nothing to run"),
    ],
)
def test_what_cannot_be_is_refused(call: Any, message: str) -> None:
    memory = CA3Memory()
    memory.learn(0, [0])
    with pytest.raises(InvalidModel, match=message):
        call(memory)
    assert len(memory.scheduled) == 1


# What is expected, and operations read off spike times


def test_the_ideal_memory() -> None:
    operations = [
        learn(0, 0, 0, 1),
        learn(20, 1, 1, 2),
        by_content(40, 1),
        learn(60, 0, 3),
        by_content(80, 1, 3),
        by_cue(100, 0),
        by_cue(120, 2),
        by_content(140, 0),
    ]
    assert expected_responses(operations) == [
        {5: Pattern((0,), (0, 1)), 7: Pattern((0,), (0, 1))},
        {5: Pattern((1,), (1, 2)), 7: Pattern((1,), (1, 2))},
        {5: Pattern((), (1,)), 6: Pattern((0, 1))},
        {5: Pattern((0,), (3,)), 6: Pattern((), (0, 1)), 7: Pattern((0,), (3,))},
        {5: Pattern((), (1, 3)), 6: Pattern((0, 1))},
        {5: Pattern((0,)), 6: Pattern((), (3,))},
        {5: Pattern((2,))},
        {5: Pattern((), (0,))},
    ]


def test_after_input_of_another_kind_only_what_is_learnt_anew_is_certain() -> None:
    other = Operation("other", 20, Pattern((0, 1)))
    operations = [
        learn(0, 0, 0),
        other,
        by_cue(40, 0),
        by_content(60, 0),
        learn(80, 0, 1),
        by_cue(100, 0),
        learn(120, 0, 2),
    ]
    expected = expected_responses(operations)
    assert expected[1:5] == [None] * 4
    assert expected[5] == {5: Pattern((0,)), 6: Pattern((), (1,))}
    assert expected[6] is not None


def test_operations_are_read_off_their_own_input() -> None:
    operations = [learn(0, 1, 0, 2), by_cue(4, 1), by_content(8, 0, 1), learn(12, 0, 1), learn(16, 0, 1)]
    assert read_operations(*input_times(operations, 2, 3)) == operations


@pytest.mark.parametrize(
    ("cue_times", "content_times"),
    [
        ([[0, 1]], [[0, 1]]),  # learnt for 2 ms
        ([[0, 1, 2, 3]], [[0, 1, 2, 3]]),  # for 4 ms
        ([[0, 1]], [[]]),  # a cue for 2 ms
        ([[0], [0]], [[]]),  # two cues
        ([[0]], [[0]]),  # both, for 1 ms
    ],
)
def test_other_input_is_no_operation(cue_times: list[list[int]], content_times: list[list[int]]) -> None:
    assert [operation.kind for operation in read_operations(cue_times, content_times)] == ["other"]


def test_operations_too_near_each_other_have_no_verdict() -> None:
    assert [o.kind for o in read_operations([[0, 2, 20]], [[]])] == ["other", "recall", "recall"]


# Input files


def open_text(tmp_path: Path, text: str | bytes, **parameters: Any) -> Any:
    path = tmp_path / "in.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return get_model("ca3_memory").open(input=path, **parameters)


def test_operations_file(tmp_path: Path) -> None:
    script = {
        "cues": 2,
        "contents": 3,
        "spacing_ms": 30,
        "operations": [
            {"learn": {"cue": 1, "content": [0, 2]}},
            {"recall": {"cue": 1}},
            {"recall": {"content": [2]}, "at_ms": 70},
        ],
    }
    session = open_text(tmp_path, json.dumps(script))
    result = run(session.network, duration_ms=session.duration_ms, backend="reference")
    assert session.summarise is not None
    summary = session.summarise(result)
    assert summary.name == "operations"
    assert [row["t_ms"] for row in summary.data] == [0, 30, 70]
    assert all(row["right"] for row in summary.data)
    assert (
        open_text(tmp_path, json.dumps(script), spacing_ms=40).network.populations["IN"].model.times_ms[1].max() == 40
    )
    assert open_text(tmp_path, json.dumps({**script, "duration_ms": 99})).duration_ms == 99


def test_a_testbench_says_what_it_does_not_read_and_what_does_not_add_up(tmp_path: Path) -> None:
    session = open_text(tmp_path, '{"cue": [[0.0]], "cont": [[]], "simTime": 20.0, "numOperations": 2, "comment": "x"}')
    result = run(session.network, duration_ms=session.duration_ms, backend="reference")
    text = session.summarise(result).text
    assert "in.json: not read: comment" in text
    assert "in.json: its numOperations is 2, its spikes are 1 operations" in text


BENCH = '{"cue": %s, "cont": [[0]], "simTime": %s}'
SCRIPT = '{"cues": 2, "contents": 3, "operations": %s}'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "in.json: is no JSON"),
        (b"\xff\xfe\x00", "in.json: is no text"),
        ("[" * 100_000, "in.json: is no JSON"),
        ("[]", 'in.json: needs an object with "cue", "cont" and "simTime"'),
        ("{}", 'or one with "cues", "contents" and "operations"'),
        ('{"cue": [[]], "cont": [[]]}', '"simTime" is missing'),
        ('{"cue": [[]], "simTime": 9}', '"cont" is missing'),
        (BENCH % ("[]", 9), '"cue" must be a list with one list of spike times'),
        (BENCH % ("[3]", 9), '"cue" must be a list with one list'),
        (BENCH % ("[[], [3, 2]]", 9), '"cue" of neuron 1: spike times must rise, but 2 follows 3; sort them'),
        (BENCH % ("[[3, 3]]", 9), "spike times must rise"),
        (BENCH % ("[[-1]]", 9), '"cue" of neuron 0: needs whole numbers from 0 to 10.9, got -1'),
        (BENCH % ("[[0.5]]", 9), "got 0.5"),
        (BENCH % ("[[true]]", 9), "got True"),
        (BENCH % ('[["0"]]', 9), "got '0'"),
        (BENCH % ("[[NaN]]", 9), "got nan"),
        (BENCH % ("[[]]", 0), '"simTime": needs whole numbers from 1'),
        (BENCH % ("[[]]", "Infinity"), "got inf"),
        (SCRIPT % "[]", '"operations" must be a list with at least one'),
        (SCRIPT % "[3]", "operation 1: must be"),
        (SCRIPT % '[{"forget": {}}]', "operation 1: must be"),
        (SCRIPT % '[{"learn": {"cue": 0}}]', "operation 1, learn: content missing"),
        (SCRIPT % '[{"learn": {"cue": 2, "content": [0]}}]', "in.json: operation 1: cue must be from 0 to 1, got 2"),
        (SCRIPT % '[{"recall": {"cues": 0}}]', "operation 1, recall: does not know cues"),
        (SCRIPT % '[{"recall": 0}]', 'operation 1: "recall" must be an object'),
        (SCRIPT % '[{"recall": {}}]', "operation 1: recall takes either a cue or content"),
        (SCRIPT % '[{"recall": {"cue": 0}, "at": 3}]', "operation 1: does not know at"),
        (SCRIPT % '[{"recall": {"cue": 0}}, {"recall": {"cue": 0}, "at_ms": 2}]', "operation 2: recall at 2 ms is too"),
        ('{"cues": 2, "operations": [{"recall": {"cue": 0}}]}', "the file: contents missing"),
    ],
)
def test_a_bad_file_is_refused_by_name(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidModel) as caught:
        open_text(tmp_path, text)
    assert message.replace("10.9", "10^9") in str(caught.value)
    assert "in.json" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_parameters_that_would_be_ignored_are_refused(tmp_path: Path) -> None:
    bench = '{"cue": [[0]], "cont": [[]], "simTime": 20}'
    for given, message in (
        ({"spacing_ms": 9}, "gives every time itself"),
        ({"cues": 2}, "has 1 cues, not 2"),
        ({"cue_times_ms": [[]]}, "would be a second input"),
        ({"demo": True}, "either an input file or the demonstration"),
    ):
        with pytest.raises(InvalidModel, match=message):
            open_text(tmp_path, bench, **given)
    with pytest.raises(InvalidModel, match="spacing_ms needs operations"):
        get_model("ca3_memory").open(spacing_ms=9)
    with pytest.raises(InvalidModel, match="cannot be read"):
        get_model("ca3_memory").open(input=tmp_path / "absent.json")


def test_the_demonstration_is_all_right() -> None:
    session = get_model("ca3_memory").open(demo=True)
    result = run(session.network, duration_ms=session.duration_ms, backend="reference")
    rows = MemoryResult(result.graph, result.recording).operations
    assert len(rows) >= 10
    assert all(row.right for row in rows)
    assert any(row.echo for row in rows)
