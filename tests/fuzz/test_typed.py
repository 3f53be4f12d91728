"""Whatever is typed: one clear line and the right exit code, no traceback, no hang, nothing written elsewhere."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import socket

import pytest

import ernsnn as ern
from ernsnn.cli import main

LIMIT_S = 10
MODEL = """
import ernsnn as ern


def build(cells: int = 3, rate_hz: float = 50.0):
    net = ern.Network(name="mine")
    source = net.population("source", cells, ern.Poisson(rate_hz))
    net.projection("link", source, net.population("targets", cells, ern.LIF()), weight_nA=5.0)
    return net
"""
HOSTILE = ["", " ", "-1", "0", "1e-300", "nan", "inf", "-inf", "1e400", "1e300", "99999999999999999999", "9" * 5_000]
HOSTILE += ["x" * 300, "x" * 250, "x/" * 3_000, "x" * 100_000, "1," * 1_000, "\udcff", "é", "no\nname", "no\0name"]
HOSTILE += ["/", ".", "..", "/proc/self/mem", "pipe", "socket", "file", "folder", "loop", "dangling", "file/within"]
HOSTILE += ["{}", "[1", "=", "a=b=c", "cells=" + "x" * 100_000, "cells=1e400", "cells=[[]]", "-", "--", "%s", "None"]
"""Numbers, names and places of which hardly any command can make sense."""

COMMANDS = [
    "backends --json",
    "models MODEL",
    "run MODEL --backend reference --duration-ms 2 --seed 1 --set cells=2 --out OUT --checkpoint-every 1",
    "run MODEL --start RESULT --duration-ms 1 --weights-at 1 --out OUT",
    "run ca3_memory --input BENCH --backend reference",
    "resume RESULT",
    "check MODEL --backend loihi2 --seed 1",
    "compile MODEL --backend nest --duration-ms 2 --out OUT --seed 1 --set cells=2",
    "compare MODEL --backends reference,reference --duration-ms 2 --tolerance-steps 1",
    "experiment nosuch --backend reference --seeds 1 --first-seed 1 --setting full --set a=1 --out OUT",
    "bench nosuch --neurons 10 --duration-ms 1 --backends reference --repeats 1 --threads 1",
    "metrics RESULT --bin-ms 1",
    "energy RESULT --placement loihi2 --chips Loihi",
    "report RESULT --to OUT.html --placement loihi2",
    "export RESULT --to OUT.csv --force",
]


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with whatever a name can mean, which is the current one."""
    (tmp_path / "within").mkdir()
    place = tmp_path / "within"
    monkeypatch.chdir(place)
    (place / "model.py").write_text(MODEL)
    (place / "bench.json").write_text('{"cue": [[1], []], "cont": [[1], []], "simTime": 3, "numOperations": 1}')
    (place / "file").write_text("dear")
    (place / "folder").mkdir()
    (place / "folder" / "letter").write_text("dear")
    os.mkfifo(place / "pipe")
    (place / "loop").symlink_to("loop")
    (place / "dangling").symlink_to("nowhere")
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind("socket")
    result = ern.run(_network(), duration_ms=2, backend="reference")
    result.save(place / "result")
    return place


def _network():
    scope = {}
    exec(MODEL, scope)
    return scope["build"]()


def words(command):
    places = {"MODEL": "model.py", "RESULT": "result", "BENCH": "bench.json", "OUT": "out"}
    return [places.get(word, word.replace("OUT.", "out.")) for word in command.split()]


def said(arguments):
    """Exit code, and what is printed, of a command that must end in time."""

    def hangs(number, frame):
        raise AssertionError(f"{[word[:50] for word in arguments]}: takes longer than {LIMIT_S} s")

    before = signal.signal(signal.SIGALRM, hangs)
    signal.setitimer(signal.ITIMER_REAL, LIMIT_S)
    out, err = io.StringIO(), io.StringIO()
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main(arguments)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    return code, out.getvalue(), err.getvalue()


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: " ".join(command.split()[:2]))
@pytest.mark.parametrize("share", [pytest.param(1, marks=pytest.mark.slow), 4])
def test_a_hostile_word_anywhere(command, share, here, tmp_path):
    """``share``: every so many of the words, others at each place."""
    good = words(command)
    for at in range(1, len(good)):
        for hostile in HOSTILE[at % share :: share]:
            arguments = [*good[:at], hostile, *good[at + 1 :]]
            code, out, err = said(arguments)
            shown = [word[:50] for word in arguments]
            if code in (0, 4):
                continue
            assert code in (2, 3, 5), (shown, code, err[:1000])
            assert err.startswith("ernsnn: "), (shown, err[:1000])
            assert not out, (shown, out[:1000])
            assert max(map(len, err.splitlines())) < 700, (shown, err[:1000])
    assert [path.name for path in tmp_path.iterdir()] == ["within"]
    assert (here / "file").read_text() == (here / "folder" / "letter").read_text() == "dear"
    assert (here / "pipe").is_fifo()
    assert (here / "socket").is_socket()
    assert (here / "dangling").is_symlink()


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("run " + "x" * 300, "File name too long"),
        ("run " + "x" * 300 + ".py --duration-ms 1", "File name too long"),
        ("run model.py --duration-ms 1 --backend reference --out " + "x" * 300, "File name too long"),
        ("run model.py --duration-ms 1 --backend reference --out " + "x" * 243, "File name too long"),
        ("export result --to " + "x" * 300 + ".csv", "File name too long"),
        ("export result --to pipe.csv --force", "it exists, and is no file"),
        ("export result --to pipe.csv", "is no file"),
        ("report result --to " + "x" * 300, "File name too long"),
        ("report result --to socket", "exists, and is no report"),
        ("resume " + "x" * 245, "File name too long"),
        ("resume /", "no run to resume"),
        ("run model.py --seed " + "9" * 5_000, "--seed: must be a whole number, got '99"),
        ("run model.py --" + "x" * 100_000, "unrecognized arguments: --xxx"),
        ("models " + "x " * 100_000, "unrecognized arguments: x"),
        ("check " + ",".join("x" * 100_000), "File name too long"),
        ("compare model.py --duration-ms 1 --backends reference," + "x" * 100_000, "no backend 'xxx"),
    ],
    ids=lambda text: text[:60],
)
def test_long_names_and_places_that_are_none(command, message, here):
    os.mkfifo("pipe.csv")
    code, out, err = said(command.split())
    assert (code, out) == (5 if "no backend" in message else 2, "")
    assert err.startswith("ernsnn: ")
    assert message in err
    assert max(map(len, err.splitlines())) < 700


def test_an_error_that_nothing_foresees_is_one_line_too(here, monkeypatch, capsys):
    def fails(arguments):
        raise OSError(28, "No space left on device", "/full/disk")

    monkeypatch.setattr("ernsnn.cli.commands.models", fails)
    assert main(["models"]) == 1
    assert capsys.readouterr().err == "ernsnn: /full/disk: No space left on device; free some space\n"
