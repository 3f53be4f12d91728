"""The command that a report prints, run, is the same run: composed and read back, and run."""

from __future__ import annotations

import json
import random
import re
import shlex
import shutil
from html import unescape
from pathlib import Path

import numpy as np
import pytest

import ernsnn as ern
from ernsnn.cli import main
from ernsnn.cli.again import run_command
from ernsnn.cli.arguments import parser
from ernsnn.report import page
from ernsnn.report.experiment import experiment_page
from ernsnn.studies.experiment import Experiment, Findings
from ernsnn.studies.settings import read_setting, write_setting

MODEL = '''
"""Cells under a random drive, with settings of every kind."""
import ernsnn as ern


def build(label="none", rate: float = 15.0, sizes=(3,), dt_ms: float = 1.0, options=None) -> ern.Network:
    assert label in ("none", "12", "[1, 2]", "it's \\"so\\" $HOME\\n", "null", "true", "-x", "", 12, None), repr(label)
    net = ern.Network(name=f"{type(label).__name__}-{len(str(label))}-{sum(sizes)}", dt_ms=dt_ms)
    source = net.population("source", sizes[0], ern.Poisson(rate))
    cells = net.population("cells", 3, ern.LIF(v_threshold_mV=-60))
    rule = ern.stdp.pair(A_plus=0.01, A_minus=0.01, w_max=0.6)
    net.projection("p", source, cells, weight_nA=0.5, learning=rule)
    return net
'''
TEXTS = (
    *("12", "1.5", "-0.0", "1e5", "true", "false", "null", "NaN", "-Infinity", '"quoted"', "[1, 2]", '{"a": 1}', "{}"),
    *("", " ", "plain", "two words", "it's", '"', "\\", "$HOME `ls` !!", "a=b", "=", "-x", "--set", "#no", "~", "*"),
    *("ä µ", "line\nbreak", "tab\t", "\x07", "\u2028", "\udcff", "012", "1_000", "0x10", "Infinity ", " 7", "1e400"),
)


def value(rng: random.Random, depth: int = 0) -> object:
    """Anything that a setting can be."""
    kinds = [
        lambda: rng.choice(TEXTS),
        lambda: "".join(chr(rng.randrange(32, 0x2FF)) for _ in range(rng.randrange(6))),
        lambda: rng.randrange(-(10**20), 10**20),
        lambda: rng.choice([True, False, None]),
        lambda: rng.uniform(-1, 1) * 10.0 ** rng.randrange(-300, 300),
        lambda: rng.choice([0.1 + 0.2, 1 / 3, -0.0, 123456.7, float("inf"), float("nan"), 5e-324, 1e16]),
        *([lambda: [value(rng, depth + 1) for _ in range(rng.randrange(3))]] if depth < 3 else []),
        *([lambda: {rng.choice(TEXTS): value(rng, depth + 1)}] if depth < 3 else []),
    ]
    return rng.choice(kinds)()


def number(rng: random.Random) -> float:
    """A number as a user types it, or as a program computes it."""
    return rng.choice(
        [float(rng.randrange(10**9)), rng.uniform(0, 1e6), round(rng.uniform(0, 1e7), 1), 1 / 3, 1e-7, -2e-9]
    )


def some_path(rng: random.Random) -> str:
    """A name of a file or folder."""
    return rng.choice(["a", "a b", "-a", "--out", "it's", "$x", "a/../b.py", "ä", "/x/y z/", ".", "ca3_memory", "#"])


def argv(rng: random.Random) -> list[str]:
    """A random command line of `ernsnn run`."""
    options: list[tuple[str, str]] = []
    if rng.random() < 0.5:
        options.append(("--backend", rng.choice(["native", "auto", "reference", "my own", "-b"])))
    if rng.random() < 0.5:
        options.append(("--seed", str(rng.choice([0, 7, -3, 2**40]))))
    if rng.random() < 0.7:
        options.append(("--duration-ms", repr(number(rng))))
    for flag in ("--input", "--start", "--out"):
        if rng.random() < 0.4:
            options.append((flag, some_path(rng)))
    if rng.random() < 0.4:
        options.append(("--weights-at", ",".join(repr(number(rng)) for _ in range(rng.randrange(1, 4)))))
    if rng.random() < 0.3:
        options.append(("--checkpoint-every", repr(number(rng))))
    for _ in range(rng.randrange(4)):
        key = rng.choice(["label", "-k", "sizes", "a b", "ä", "precision"])
        text = rng.choice(TEXTS) if rng.random() < 0.5 else json.dumps(value(rng))
        options.append(("--set", f"{key}={text}"))
    rng.shuffle(options)
    words = [f"{flag}={text}" for flag, text in options] + ["--demo"] * rng.randrange(2)
    return ["run", *words, "--", some_path(rng)]


def test_two_thousand_commands_composed_and_read_back() -> None:
    rng, read = random.Random(15), parser()
    seen = set()
    for _ in range(2500):
        given = read.parse_args(argv(rng))
        command = run_command(given)
        program, *words = shlex.split(command)
        assert program == "ernsnn"
        # By their texts, since NaN is not equal to itself, and 1 is to True.
        assert repr(vars(read.parse_args(words))) == repr(vars(given)), command
        seen.add(command)
    assert len(seen) > 2000


def test_settings_written_and_read_back() -> None:
    rng = random.Random(16)
    for _ in range(3000):
        wanted = value(rng)
        text = write_setting("key", wanted)
        assert repr(read_setting(text)) == repr(("key", wanted)), text
        assert text.isprintable()
    assert write_setting("label", "plain words") == "label=plain words"
    assert write_setting("label", "12") == 'label="12"'


@pytest.fixture
def model(tmp_path: Path) -> str:
    path = tmp_path / "my model.py"
    path.write_text(MODEL)
    return str(path)


def printed(folder: Path) -> str:
    """The command on the page of a run."""
    return unescape(
        re.search(r"<h2[^>]*>Run it again</h2>\s*<pre>(.*?)</pre>", (folder / "report.html").read_text(), re.DOTALL)[1]
    )


@pytest.mark.parametrize(
    "words",
    [
        ["--duration-ms", "123456.7", "--set", "dt_ms=12.7", "--set", 'label="12"', "--set", "rate=0.1"],
        ["--duration-ms", "0.3", "--set", "dt_ms=0.1", "--set", "label=12", "--seed", "7"],
        ["--duration-ms", "40", "--set", 'label="[1, 2]"', "--set", "sizes=[4, 5]", "--weights-at", "0,12,39"],
        ["--duration-ms", "40", "--set", 'label=it\'s "so" $HOME\n', "--checkpoint-every", "7"],
        ["--duration-ms", "33.6", "--set", "dt_ms=0.35", "--set", 'label="true"', "--set", "rate=123.456789012345"],
        ["--duration-ms", "1e2", "--set", "label=", "--seed", "-3", "--set", "precision=float64"],
        ["--duration-ms", "20", "--set", "label=null", "--set", 'options={"a": "1"}'],
        ["--duration-ms", "12.6", "--set", "dt_ms=0.35", "--set", "target=numpy", "--set", 'label="null"'],
        ["--duration-ms", "7.7", "--set", "dt_ms=0.7", "--backend", "auto", "--set", "threads=1"],
    ],
    ids=lambda words: words[1],
)
def test_the_printed_command_is_the_same_run(words: list[str], model: str, tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    needs = {"precision=float64": "native", "target=numpy": "brian2"}
    backend = next((name for option, name in needs.items() if option in words), "reference")
    assert main(["run", "my model.py", "--backend", backend, *words, "--out", "first run"]) == 0
    first = ern.Result.load("first run")
    expected = first.recording.to_arrays()
    command = printed(tmp_path / "first run")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    shutil.move(tmp_path / "first run", tmp_path / "kept")
    assert main(shlex.split(command)[1:]) == 0
    again = ern.Result.load(tmp_path / "first run")
    assert again.meta["digest"] == first.meta["digest"]
    assert again.recording.n_steps == first.recording.n_steps
    assert again.recording.to_arrays().keys() == expected.keys()
    for name, array in expected.items():
        assert np.array_equal(array, again.recording.to_arrays()[name]), name
    assert printed(tmp_path / "first run") == command
    capsys.readouterr()


def test_what_is_printed_of_a_run_that_is_not_saved(model: str, tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["run", "my model.py", "--backend", "reference", "--duration-ms", "123.7", "--set", "dt_ms=0.1"]
    assert main(words) == 0
    out = capsys.readouterr().out
    assert "on reference: 123.7 ms in" in out
    [command] = re.findall(r"next: (ernsnn .*)", out)
    assert main(shlex.split(command)[1:]) == 0
    assert ern.Result.load("runs/first").recording.n_steps == 1237


def test_a_run_that_goes_on_and_one_that_replaced_its_start(model: str, tmp_path: Path, capsys) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    run = ["run", model, "--duration-ms", "20.5", "--set", "dt_ms=0.1"]
    assert main([*run, "--backend", "reference", "--out", str(first)]) == 0
    assert main([*run, "--start", str(first), "--out", str(second)]) == 0
    spikes = ern.Result.load(second).spikes("source")
    command = printed(second)
    assert main(shlex.split(command)[1:]) == 0
    again = ern.Result.load(second)
    assert again.start_ms == pytest.approx(20.5)
    assert all(np.array_equal(a, b) for a, b in zip(spikes, again.spikes("source"), strict=True))
    assert "#" not in command
    assert main([*run, "--start", str(first), "--out", str(first)]) == 0
    command = printed(first)
    assert command.endswith("  # goes on from what stood in that folder before this run took its place")
    assert shlex.split(command, comments=True)[-2:] == ["--out", str(first)]
    capsys.readouterr()


@pytest.mark.parametrize(("dt_ms", "steps"), [(0.1, 3), (1 / 3, 50), (0.35, 41), (12.7, 9721), (1.0, 40), (1e-3, 7)])
def test_the_lines_of_python_are_the_same_run(dt_ms: float, steps: int, tmp_path: Path) -> None:
    net = ern.Network(dt_ms=dt_ms)
    source = net.population("source", 1, ern.Poisson(5.0))
    cells = net.population("cells", 1, ern.LIF())
    net.projection("p", source, cells, weight_nA=0.1, learning=ern.stdp.pair(A_plus=0.01, A_minus=0.01, w_max=0.3))
    if steps > 1000:
        result = ern.run(net, duration_ms=steps * dt_ms, backend="native")
    else:
        result = ern.run(net, duration_ms=steps * dt_ms, backend="native", weights_at_ms=[0, 2 * dt_ms])
    result.save(tmp_path / "DIR")
    text = unescape(page(result))
    line = re.search(r"ern\.run\(graph, .*\)", text)[0]
    again = eval(line, {"ern": ern, "graph": ern.load_graph(tmp_path / "DIR")})
    assert (again.recording.n_steps, again.graph.digest) == (steps, result.graph.digest)
    assert again.recording.signals.keys() == result.recording.signals.keys()
    if dt_ms == 0.1 and steps == 3:
        assert "duration_ms=0.3, " in line


def test_the_command_of_an_experiment_keeps_texts_and_numbers() -> None:
    settings = {"name": "12", "sizes": [4], "level": 0.1 + 0.2, "spacings": ["14/14"], "flag": None, "far": 1e22}
    findings = Findings({}, ["a"], [["b"]])
    data = {"experiment": "mine", "backend": "native", "seeds": [3, 4], "wall_s": 1.0, "settings": settings}
    text = unescape(
        experiment_page(
            Experiment(name="mine", title="Title", backend="native", run=lambda repeats: findings), data, findings
        )
    )
    command = shlex.split(re.search(r"ernsnn experiment [^<]*", text)[0])
    read = parser().parse_args(command[1:])
    assert dict(read.settings) == settings
    assert (read.seeds, read.first_seed, read.backend) == (2, 3, "native")


def test_folders_in_messages_are_quoted(model: str, tmp_path: Path) -> None:
    folder = tmp_path / "my run"
    folder.mkdir()
    (folder / "run.json").write_text("{}")
    with pytest.raises(ern.InvalidModel, match=rf"`ernsnn resume '{folder}'` goes on"):
        ern.Result.load(folder)


def random_run(rng: random.Random) -> list[str]:
    """A random command that runs MODEL: its settings, times and seed."""
    dt = rng.choice([0.1, 0.05, 0.35, 1 / 3, 1.0, 2.3])
    label = rng.choice(["none", "12", "[1, 2]", 'it\'s "so" $HOME\n', "null", "true", "-x", "", 12, None])
    steps, rate = rng.randrange(1, 90), rng.uniform(1, 15 / dt)
    words = ["--set", f"dt_ms={dt!r}", "--set", f"rate={rate!r}", "--set", f"label={json.dumps(label)}"]
    words += ["--set", f"sizes={[rng.randrange(1, 5) for _ in range(rng.randrange(1, 3))]}"]
    return [*words, "--duration-ms", repr(steps * dt), "--seed", str(rng.randrange(-5, 2**40))]


SLOW = (pytest.mark.slow, pytest.mark.timeout(1800))
TARGETS = [
    ("reference", 40),
    *(pytest.param(*t, marks=SLOW) for t in (("numpy", 40), ("cython", 5), ("cpp_standalone", 5))),
]


@pytest.mark.parametrize(("target", "number"), TARGETS)
def test_random_commands_end_to_end(target: str, number: int, model: str, tmp_path: Path, capsys) -> None:
    rng, out = random.Random(number), tmp_path / "out put"
    how = ["--backend", "reference"] if target == "reference" else ["--backend", "brian2", "--set", f"target={target}"]
    for _ in range(number):
        shutil.rmtree(out, ignore_errors=True)
        assert main(["run", model, *how, *random_run(rng), "--out", str(out)]) == 0
        first, command = ern.Result.load(out), printed(out)
        expected = first.recording.to_arrays()
        shutil.rmtree(out)
        assert main(shlex.split(command)[1:]) == 0
        again = ern.Result.load(out)
        assert (again.meta["digest"], again.recording.n_steps) == (first.meta["digest"], first.recording.n_steps)
        assert all(np.array_equal(array, again.recording.to_arrays()[name]) for name, array in expected.items()), (
            command
        )
    capsys.readouterr()
