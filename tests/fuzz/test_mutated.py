"""Thousands of things that are wrong: each is refused with an error that names the object, and nothing else happens.

What is valid is changed at random - networks, equations, testbenches, saved folders, model files, command lines - and
given to what reads it. Some changes leave it valid; those are not counted. Kinds and seeds are fixed.
"""

from __future__ import annotations

import contextlib
import io
import json
import math
import re
import signal
from pathlib import Path

import numpy as np
import pytest
from mutated_networks import Refused, build, calls, network, picked

import ernsnn as ern
from ernsnn.cli import main
from ernsnn.studies.models import get_model

LIMIT_S = 10
"""No single case may take longer."""


# Equations
TOKENS = ["x", "w", "A", "z", "__class__", "lambda", "(", ")", "**", "*", "/", "+", "-", "1e999", "0", "17", ".", "x.w"]
TOKENS += ["[0]", "if", "and", ",", "exec('1')", "\0", "\n", "é", "'", "==", "x(1)", "10**10**10", "1j", ":=", "{", "@"]


def equation(rng, folder):
    pieces = re.findall(r"\w+|\*\*|\S", "A * x * (1 - w)**2 - A * w")
    for _ in range(int(rng.integers(1, 4))):
        at = int(rng.integers(len(pieces)))
        pieces[at : at + int(rng.integers(2))] = [picked(rng, TOKENS)]
    try:
        ern.LearningRule.from_equations(
            traces={"x": ern.Trace("pre", tau_ms=20.0)}, on_post={"w": " ".join(pieces)}, parameters={"A": 0.1}
        )
    except ern.InvalidModel as error:
        raise Refused(str(error), ["on_post['w']"]) from None


# Files


VALUES = [None, True, -1, 0, 1.5, 1e300, "x", "", [], [[]], {}, [None], [[1, "a"]], [[-1]], [[3, 2]], [[1.5]], 10**12]


def altered(rng, content):
    """JSON with one of its values, at whatever depth, replaced or removed."""
    if isinstance(content, dict | list) and content and rng.random() < 0.8:
        key = picked(rng, list(content) if isinstance(content, dict) else range(len(content)))
        copied = content.copy()
        if rng.random() < 0.1:
            del copied[key]
        else:
            copied[key] = altered(rng, content[key])
        return copied
    return picked(rng, VALUES)


BENCH = {"cue": [[1, 2, 3], [], [20]], "cont": [[1, 2, 3], [1, 2, 3], [], []], "simTime": 30, "numOperations": 2}
OPERATIONS = {
    "cues": 3,
    "contents": 5,
    "operations": [{"learn": {"cue": 0, "content": [1, 2]}}, {"recall": {"content": [1]}, "at_ms": 30}],
    "spacing_ms": 20,
}


def cut_or_flipped(rng, content):
    """Bytes that end too early, or one bit of which is another."""
    if rng.random() < 0.5:
        return content[: int(rng.integers(len(content)))]
    at = int(rng.integers(len(content)))
    return content[:at] + bytes([content[at] ^ (1 << int(rng.integers(8)))]) + content[at + 1 :]


def bench_file(rng, folder):
    text = json.dumps(altered(rng, picked(rng, [BENCH, OPERATIONS]))).encode()
    file = folder / "bench.json"
    file.write_bytes(cut_or_flipped(rng, text) if rng.random() < 0.3 else text)
    try:
        get_model("ca3_memory").open(input=file)
    except ern.InvalidModel as error:
        raise Refused(str(error), ["bench.json"]) from None


SAVED = ("meta.json", "graph.json", "recording.npz", "graph.npz", "state.npz")


def saved(rng, folder):
    """A saved result: a file is missing, cut, has a bit flipped, or its JSON altered."""
    name = picked(rng, SAVED)
    content, file = SMALL[name], folder / "result" / name
    for other in SAVED:
        (folder / "result" / other).write_bytes(SMALL[other])
    kind = rng.random()
    if kind < 0.1:
        file.unlink()
    elif kind < 0.5 and name.endswith("json"):
        file.write_text(json.dumps(altered(rng, json.loads(content))))
    else:
        file.write_bytes(cut_or_flipped(rng, content))
    try:
        result = ern.Result.load(folder / "result")
        ern.run(result.graph, duration_ms=2, start=result)
    except ern.InvalidModel as error:
        raise Refused(str(error), [str(folder / "result"), "start"]) from None
    except ern.BackendNotAvailable as error:  # meta.json says which was used
        raise Refused(str(error), ["backend"]) from None


MODEL = """
import ernsnn as ern

def build(cells=3, rate_hz=50.0):
    net = ern.Network(name="mine")
    source = net.population("source", cells, ern.Poisson(rate_hz))
    targets = net.population("targets", cells, ern.LIF(tau_m_ms=10.0))
    net.projection("link", source, targets, weight_nA=5.0)
    return net
"""


def model_file(rng, folder):
    lines = MODEL.splitlines()
    for _ in range(int(rng.integers(1, 3))):
        at = int(rng.integers(1, len(lines)))
        words = re.findall(r"\w+|\W+", lines[at]) or [""]
        words[int(rng.integers(len(words)))] = picked(
            rng, ["", "x", "(", ")", "-1", "None", "1/0", "=", "raise", "'", "0"]
        )
        lines[at] = "".join(words)
    file = folder / "mine.py"
    file.write_text("\n".join(lines))
    try:
        ern.lower(get_model(str(file)).open().network)
    except ern.InvalidModel as error:
        raise Refused(str(error), ["mine", "source", "targets", "link", "Poisson", "LIF", "Network"]) from None


# Command lines


COMMANDS = [
    ["run", "MODEL", "--backend", "reference", "--duration-ms", "2", "--seed", "1", "--out", "OUT"],
    ["run", "MODEL", "--backend", "reference", "--duration-ms", "2", "--set", "cells=2", "--start", "RESULT"],
    ["run", "ca3_memory", "--input", "BENCH", "--backend", "reference", "--out", "OUT"],
    ["check", "MODEL", "--backend", "loihi-emulator"],
    ["compile", "MODEL", "--backend", "brian2", "--duration-ms", "2", "--out", "OUT"],
    ["compare", "MODEL", "--backends", "reference,reference", "--duration-ms", "2", "--tolerance-steps", "1"],
    ["metrics", "RESULT", "--bin-ms", "1"],
    ["energy", "RESULT", "--chips", "Loihi"],
    ["export", "RESULT", "--to", "OUT.csv"],
    ["resume", "RESULT"],
    ["models", "ca3_memory"],
    ["experiment", "nosuch", "--seeds", "1"],
]
ARGUMENTS = [
    "",
    "x",
    "-1",
    "0",
    "nan",
    "inf",
    "1e400",
    "0.3",
    "--",
    "-x",
    "--out",
    "--nosuch",
    "cells=0",
    "cells",
    "=3",
]
ARGUMENTS += [
    "a,b",
    ",",
    "/proc/nothing",
    "NOWHERE",
    "MODEL",
    "RESULT",
    "FOREIGN",
    "no\nname",
    "é",
    "cells=[1]",
    "1e13",
]


def command_line(rng, folder):
    places = {"MODEL": "good.py", "RESULT": "result", "BENCH": "good.json", "OUT": "out", "OUT.csv": "out.csv"}
    places |= {"FOREIGN": "foreign", "NOWHERE": "nowhere"}
    words = list(picked(rng, COMMANDS))
    for _ in range(int(rng.integers(1, 3))):
        at = int(rng.integers(1, len(words) + 1))
        words[at : at + int(rng.integers(2))] = [picked(rng, ARGUMENTS)] * (rng.random() < 0.85)
    for other in SAVED:
        (folder / "result" / other).write_bytes(SMALL[other])
    arguments = [str(folder / places[word]) if word in places else word for word in words]
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(arguments)
    said = err.getvalue()
    if code in (0, 4):
        return
    assert code in (2, 3, 5), (arguments, code, said)
    assert said.startswith("ernsnn: "), (arguments, said)
    assert not out.getvalue(), (arguments, "something is printed beside the error")
    assert "Traceback" not in said
    named = [repr(path.name)[1:-1] for word in arguments for path in (Path(word), Path(word).resolve())]
    named += ["."] * ("" in words)
    named += [part.lstrip("-") for word in words for part in re.split("[=,]", word)]
    raise Refused(said, [*named, "required", "unrecognized", *(word.replace("-", "_").strip("_") for word in words)])


# All of it


KINDS = {
    network: 0.46,
    equation: 0.2,
    bench_file: 0.1,
    saved: 0.1,
    model_file: 0.06,
    command_line: 0.08,
}
"""What is mutated, and its share of the cases that are to be refused."""

SMALL = {}
"""The files of a valid result."""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "good.py").write_text(MODEL)
    (tmp_path / "good.json").write_text(json.dumps(BENCH))
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / "letter.txt").write_text("dear")
    ern.run(build(calls()), duration_ms=4, backend="reference").save(tmp_path / "result")
    SMALL.update({name: (tmp_path / "result" / name).read_bytes() for name in SAVED})
    return tmp_path


def assert_nothing_is_half_written(folder):
    """What a command wrote is whole, what is not ours untouched, and nothing lies about."""
    assert not [path.name for path in folder.rglob("*") if path.name.startswith(".") and path.name != ".ernsnn"]
    assert (folder / "foreign" / "letter.txt").read_text() == "dear"
    for path in folder.glob("*/graph.json"):
        if path.parent.name != "result":  # which has been mutated
            ern.Result.load(path.parent)


def refuse(kind, wanted, seed, folder):
    """Make cases of a kind until so many have been refused; returns how many were made."""

    def hangs(number, frame):
        raise AssertionError(f"{kind.__name__} {case}: takes longer than {LIMIT_S} s")

    before = signal.signal(signal.SIGALRM, hangs)
    refused = case = 0
    try:
        while refused < wanted:
            assert case < 20 * wanted + 100, f"{kind.__name__}: hardly any of its cases is invalid"
            signal.setitimer(signal.ITIMER_REAL, LIMIT_S)
            try:
                kind(np.random.default_rng([seed, case]), folder)
            except Refused as error:
                refused += 1
                if not any(name and name in str(error) for name in error.names):
                    pytest.fail(f"{kind.__name__} {case} names none of {error.names}: {error}")
            except Exception as error:
                raise AssertionError(f"{kind.__name__} {case}: {type(error).__name__}: {error}") from error
            case += 1
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    return case


@pytest.fixture
def quick(monkeypatch, folder):
    """Settings under which nothing is left outside the test's own folder."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("ERNSNN_CACHE", str(folder / "foreign"))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_two_thousand(kind, folder, quick):
    refuse(kind, math.ceil(2_000 * KINDS[kind]), 0, folder)
    assert_nothing_is_half_written(folder)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_twenty_thousand(kind, folder, quick):
    made = refuse(kind, math.ceil(20_000 * KINDS[kind]), 1, folder)
    assert_nothing_is_half_written(folder)
    print(f"{kind.__name__}: {math.ceil(20_000 * KINDS[kind])} refused of {made}")
