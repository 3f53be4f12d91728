"""The command line: what each command prints and writes, its exit codes, and its error messages."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

import ernsnn as ern
from ernsnn.backend import discovery, registry
from ernsnn.cli import main
from ernsnn.hardware_backends.reference import ReferenceBackend

MODEL = '''
"""A cell driven at given times."""
import ernsnn as ern


def build(times_ms: list = [1.0, 5.0], cells: int = 2, target=None) -> ern.Network:
    """Cells that each get every spike."""
    net = ern.Network(name="driven", dt_ms=0.5)
    source = net.population("source", 1, ern.SpikeTimes([times_ms]))
    net.projection("drive", source, net.population("cells", cells, ern.LIF()), weight_nA=9.0)
    return net
'''


def no_chip(graph: ern.Graph) -> Iterable[ern.Issue]:
    yield ern.Issue(
        backend="limited", code="X1", path="cells", fidelity="unsupported", message="too many", remedy="take fewer"
    )


class Limited(ReferenceBackend):
    name = "limited"
    capabilities = (no_chip,)


class Absent(ReferenceBackend):
    name = "absent"

    def missing(self) -> str | None:
        return "absent needs a chip: buy one"


class Lossy(ReferenceBackend):
    """Loses the last spike of every population."""

    name = "lossy"
    options: ClassVar[dict[str, ern.Option]] = {
        "target": ern.Option("auto", ["auto", "fast"], "how"),
        "threads": ern.Option(0, [], "how many"),
    }

    def run(self, graph: Any, n_steps: int, progress: Any, **options: Any) -> ern.Recording:
        recording = super().run(graph, n_steps, progress)
        spikes = {name: (steps[:-1], neurons[:-1]) for name, (steps, neurons) in recording.spikes.items()}
        return ern.Recording(n_steps=n_steps, spikes=spikes, synapses=recording.synapses)


class Crashing(ReferenceBackend):
    name = "crashing"

    def engine(self, graph: Any, **options: Any) -> Any:
        raise ern.ProgramFailed("crashing stopped with exit code 9:\n  its last words")


class Interrupted(ReferenceBackend):
    name = "interrupted"

    def engine(self, graph: Any, **options: Any) -> Any:
        raise KeyboardInterrupt


class Writing(ReferenceBackend):
    name = "writing"
    description = "writes a program"

    def compile(self, graph: Any, n_steps: int, **options: Any) -> ern.Program:
        return ern.Program(files={"program.py": f"print({n_steps})\n", "arrays.npz": {"a": np.zeros(1)}})


def broken() -> Any:
    raise ImportError("no module\nnamed chip")


@pytest.fixture
def plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    classes = [ReferenceBackend, Limited, Absent, Lossy, Crashing, Interrupted, Writing]
    loaders: dict[str, Callable[[], Any]] = {c.name: (lambda c=c: c) for c in classes}
    discover, known = discovery.discover, {**loaders, "broken": broken}
    for module in (discovery, registry):
        monkeypatch.setattr(module, "discover", lambda g: known if g == discovery.GROUP else discover(g))


@pytest.fixture
def model(tmp_path: Path) -> str:
    path = tmp_path / "mymodel.py"
    path.write_text(MODEL)
    return str(path)


Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Cli:
    def call(*arguments: object) -> tuple[int, str, str]:
        code = main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return code, out, err

    return call


def test_help_names_the_exit_codes(cli: Cli) -> None:
    code, out, err = cli("--help")
    assert (code, err) == (0, "")
    assert "exit codes: 0 done" in out
    assert cli("--version") == (0, f"ernsnn {ern.__version__}\n", "")
    assert cli()[0] == 2
    assert cli("nosuch")[0] == 2


def test_as_a_program_of_its_own(model: str, tmp_path: Path) -> None:
    script = str(Path(sys.executable).with_name("ernsnn"))
    command = [script, "run", model, "--backend", "reference", "--duration-ms", "20", "--json"]
    done = subprocess.run([*command, "--out", str(tmp_path / "out")], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["duration_ms"] == 20
    assert ern.Result.load(tmp_path / "out").duration_ms == 20
    done = subprocess.run([*command[:3], "--backend", "nosuch"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (5, "")
    assert done.stderr.startswith("ernsnn: no backend 'nosuch'")


# Lists


def test_backends_lists_a_broken_plugin_in_one_line(cli: Cli, plugins: None) -> None:
    code, out, err = cli("backends")
    lines = dict(line.split(maxsplit=1) for line in out.splitlines())
    assert (code, err) == (0, "")
    assert lines["writing"] == "writes a program"
    assert lines["absent"] == "not available: absent needs a chip: buy one"
    assert lines["broken"] == "not available: backend 'broken' does not load: ImportError: no module named chip"
    data = {b["name"]: b for b in json.loads(cli("backends", "--json")[1])["backends"]}
    assert data["reference"]["available"] is True
    assert data["absent"] == {
        "name": "absent",
        "available": False,
        "missing": "absent needs a chip: buy one",
        "description": ReferenceBackend.description,
        "default": False,
    }


def test_models(cli: Cli, model: str) -> None:
    code, out, _ = cli("models")
    assert code == 0
    listed = [" ".join(line.split()) for line in out.splitlines()]
    assert any(line.startswith("ca3_memory The hippocampal CA3 memory") for line in listed)
    assert any(line.startswith("microcircuit The cortical microcircuit") for line in listed)
    code, out, _ = cli("models", "ca3_memory")
    assert code == 0
    assert "takes --input FILE, and has a --demo" in out
    assert "spacing_ms" in out
    data = json.loads(cli("models", model, "--json")[1])
    assert data["takes_input"] is False
    assert "Cells that each get every spike." in data["documentation"]
    assert data["parameters"][1] == {"name": "cells", "type": "int", "required": False, "default": 2}


# run


def test_run_counts_spikes_and_names_the_next_command(cli: Cli, model: str, tmp_path: Path) -> None:
    out_folder = tmp_path / "my runs" / "first"
    run = ("run", model, "--backend", "reference", "--duration-ms", 20)
    code, out, err = cli(*run, "--out", out_folder, "--set", "cells=3", "--seed", 5)
    assert (code, err) == (0, "")
    assert f"{model} on reference: 20 ms in" in out
    assert "seed 5, graph " in out
    assert ["source", "1", "2", "100", "Hz"] in [line.split() for line in out.splitlines()]
    assert f"results: {out_folder}" in out
    assert f"next: ernsnn export '{out_folder}' --to spikes.csv" in out
    assert ern.Result.load(out_folder).graph.seed == 5
    assert {p.name for p in out_folder.iterdir()} == {
        *("meta.json", "recording.npz", "graph.json", "graph.npz", "run.json", "state.npz", "report.html"),
        ".ernsnn",
    }
    code, out, _ = cli(*run, "--set", "times_ms=[2]", "--json")
    data = json.loads(out)
    assert [c["spikes"] for c in data["populations"] if c["population"] == "source"] == [1]
    assert data["backend"] == "reference"
    assert data["out"] is None


def test_run_the_demonstration(cli: Cli, tmp_path: Path) -> None:
    code, out, _ = cli("run", "ca3_memory", "--demo", "--backend", "reference", "--out", tmp_path / "demo")
    assert code == 0
    assert "12 operations: 12 right, 0 wrong" in out
    saved = json.loads((tmp_path / "demo" / "operations.json").read_text())
    data = json.loads(cli("run", "ca3_memory", "--demo", "--backend", "reference", "--json")[1])
    assert data["operations"] == saved
    assert all(row["right"] for row in saved)
    # Its own results may be replaced.
    assert cli("run", "ca3_memory", "--demo", "--backend", "reference", "--out", tmp_path / "demo")[0] == 0


def test_the_output_folder_is_checked_before_the_simulation(
    cli: Cli, model: str, tmp_path: Path, plugins: None
) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "thesis.txt").write_text("all of it")
    (tmp_path / "file").write_text("")
    # This backend crashes when it runs: the refusal comes first.
    run = ("run", model, "--backend", "crashing", "--duration-ms", 20, "--out")
    assert cli(*run, tmp_path / "theirs")[::2] == (
        2,
        f"ernsnn: {tmp_path / 'theirs'} holds 'thesis.txt', which is not ours to replace; name another folder\n",
    )
    assert (tmp_path / "theirs" / "thesis.txt").read_text() == "all of it"
    # Nor is a folder of ours with something of theirs in it.
    assert cli("run", model, "--backend", "reference", "--duration-ms", 20, "--out", tmp_path / "mixed")[0] == 0
    (tmp_path / "mixed" / "thesis.txt").write_text("all of it")
    assert "'thesis.txt', which is not ours" in cli(*run, tmp_path / "mixed")[2]
    assert "is a file; name another" in cli(*run, tmp_path / "file")[2]
    assert "cannot write" in cli(*run, tmp_path / "file" / "below")[2]
    assert "cannot write" in cli(*run, "/proc/no")[2]
    assert cli(*run, tmp_path / "new" / "deep")[0] == 1
    assert not (tmp_path / "new").exists()


def test_into_the_current_folder(cli: Cli, model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert cli("run", model, "--backend", "reference", "--duration-ms", 20, "--out", ".")[0] == 0
    assert ern.Result.load(tmp_path / "here").duration_ms == 20


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (
            ["--backend", "limited"],
            3,
            "ernsnn: limited cannot run driven:\n  X1     unsupported cells: too many; take fewer\n",
        ),
        (["--backend", "absent"], 5, "ernsnn: absent needs a chip: buy one\n"),
        (["--backend", "broken"], 5, "ernsnn: backend 'broken' does not load: ImportError"),
        (["--backend", "referense"], 5, "ernsnn: no backend 'referense'; did you mean 'reference'?\n"),
        (["--backend", "crashing"], 1, "ernsnn: crashing stopped with exit code 9:\n  its last words\n"),
        (["--backend", "interrupted"], 130, "ernsnn: interrupted; nothing was written\n"),
        (["--set", "cels=3"], 2, "ernsnn: {model} or lossy: no parameter or option 'cels'; did you mean 'cells'?\n"),
        (
            ["--set", "thread=3"],
            2,
            "ernsnn: {model} or lossy: no parameter or option 'thread'; did you mean 'threads'?\n",
        ),
        (["--set", "threads=x"], 2, "ernsnn: lossy: threads must be a whole number >= 0, got 'x'\n"),
        (["--set", "cells=many"], 2, "ernsnn: {model}: cells.size: must be a whole number, got 'many'"),
        (["--set", "cells"], 2, "ernsnn: argument --set: must be KEY=VALUE, got 'cells'\n"),
        (["--input", "x.json"], 2, "ernsnn: {model}: takes no input file"),
        (["--demo"], 2, "ernsnn: {model}: takes no demonstration"),
        (["--duration-ms", "-1"], 2, "ernsnn: duration_ms: must be a time > 0"),
        (["--duration-ms", "long"], 2, "ernsnn: argument --duration-ms: invalid float value: 'long'\n"),
        (["--nosuch"], 2, "ernsnn: unrecognized arguments: --nosuch\n"),
    ],
)
def test_exit_codes_and_messages(
    arguments: list[str], code: int, message: str, cli: Cli, model: str, plugins: None
) -> None:
    found, out, err = cli("run", model, "--backend", "lossy", "--duration-ms", "20", *arguments)
    assert (found, out) == (code, "")
    assert err.startswith(message.replace("{model}", model))
    assert "Traceback" not in err


def test_set_goes_to_the_model_first_then_to_the_backend(cli: Cli, model: str, plugins: None) -> None:
    run = ("run", model, "--backend", "lossy", "--duration-ms", "20", "--json")
    assert json.loads(cli(*run, "--set", "threads=3")[1])["options"] == {"target": "auto", "threads": 3}
    # Both have a target; the model's would be refused by the backend.
    assert json.loads(cli(*run, "--set", "target=nowhere")[1])["options"]["target"] == "auto"


def test_how_long_must_be_said(cli: Cli, model: str) -> None:
    assert cli("run", model, "--backend", "reference") == (2, "", f"ernsnn: {model}: how long? Give --duration-ms T\n")
    expected = "ernsnn: ca3_memory: how long? Give --duration-ms T, --input FILE or --demo\n"
    assert cli("run", "ca3_memory", "--backend", "reference") == (2, "", expected)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1", "has no function `build(...)` that returns a Network"),
        ("def build(:", "the file does not load: SyntaxError: "),
        ("x = 1\nraise RuntimeError('two\\nlines')", "the file does not load: RuntimeError: two lines (line 2)"),
        ("import sys; sys.exit(3)", "the file does not load: SystemExit: 3 (line 1)"),
        ("def build():\n    return 1 / 0", "build: ZeroDivisionError: division by zero (line 2)"),
        ("def build(): return 5", "build must return a Network, got int"),
        ("def build(size): pass", "build: missing a required argument: 'size'; give it with --set NAME=VALUE"),
        ("import ernsnn\ndef build(): return ernsnn.Network(dt_ms=0)", "Network.dt_ms: must be > 0"),
        ("build = 3", "has no function `build(...)`"),
        ("def build(): pass\ndef session(*, input, demo): return 3", "session must return a Session, got int"),
    ],
)
def test_a_bad_model_file_is_one_line(text: str, message: str, cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "bad.py"
    path.write_text(text)
    code, out, err = cli("run", path, "--backend", "reference", "--duration-ms", 5)
    assert (code, out) == (2, "")
    assert err.startswith(f"ernsnn: {path}: {message}")
    assert err.count("\n") == 1


def test_model_names_that_are_none(cli: Cli, tmp_path: Path) -> None:
    code, _, err = cli("run", "ca3_memry")
    assert code == 2
    assert "no model 'ca3_memry'; did you mean 'ca3_memory'?" in err
    assert cli("run", tmp_path / "none.py") == (2, "", f"ernsnn: {tmp_path / 'none.py'}: no such file\n")


def test_a_model_may_import_its_neighbours_print_and_take_anything(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "my_neighbour_of_models.py").write_text("SIZE = 4")
    path = tmp_path / "chatty.py"
    path.write_text(
        "import ernsnn, my_neighbour_of_models\nprint('hello')\n"
        "def build(**sizes):\n    net = ernsnn.Network()\n"
        "    net.population('p', my_neighbour_of_models.SIZE + sizes['more'], ernsnn.LIF())\n    return net\n"
    )
    code, out, err = cli("run", path, "--backend", "reference", "--duration-ms", 5, "--set", "more=1", "--json")
    assert (code, err) == (0, "hello\n")
    assert json.loads(out)["populations"][0]["neurons"] == 5


def test_a_bad_input_file_is_named(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "in.json").write_text("[]")
    code, _, err = cli("run", "ca3_memory", "--backend", "reference", "--input", tmp_path / "in.json")
    assert code == 2
    assert err.startswith(f"ernsnn: ca3_memory: {tmp_path / 'in.json'}: needs an object with")


# check, compile, compare, export


def test_check(cli: Cli, model: str, plugins: None) -> None:
    assert cli("check", model, "--backend", "reference")[:2] == (0, "reference: runs as described, no issues\n")
    code, out, _ = cli("check", model, "--backend", "limited")
    assert code == 3
    assert "X1     unsupported cells: too many; take fewer" in out
    assert cli("check", model, "--backend", "broken")[0] == 5
    code, out, _ = cli("check", model, "--backend", "all", "--json")
    assert code == 3
    found = {b["backend"]: b for b in json.loads(out)["backends"]}
    assert found["reference"]["issues"] == []
    assert found["limited"]["issues"][0]["code"] == "X1"
    assert found["broken"]["error"].endswith("no module named chip")
    # A check has no use for a backend's option.
    assert cli("check", model, "--backend", "lossy", "--set", "threads=1")[0] == 2


def test_compile(cli: Cli, model: str, plugins: None, tmp_path: Path) -> None:
    out_folder = tmp_path / "program"
    arguments = ("compile", model, "--backend", "writing", "--duration-ms", 20, "--out", out_folder)
    code, out, _ = cli(*arguments)
    assert code == 0
    assert f"next: cd {out_folder} && python program.py" in out
    assert (out_folder / "program.py").read_text() == "print(40)\n"
    assert json.loads(cli(*arguments, "--json")[1])["files"] == ["arrays.npz", "program.py"]
    assert cli("compile", model, "--backend", "reference", "--duration-ms", 20, "--out", tmp_path / "no")[0] == 3
    assert cli("compile", model, "--backend", "writing", "--duration-ms", 20)[0] == 2


def test_compare(cli: Cli, model: str, plugins: None) -> None:
    compare = ("compare", model, "--duration-ms", 20, "--backends")
    code, out, _ = cli(*compare, "reference,reference")
    assert code == 0
    assert "every spike agrees" in out
    code, out, _ = cli(*compare, "reference,reference,lossy", "--json", "--set", "threads=1")
    data = json.loads(out)
    assert code == 4
    assert data["equal"] is False
    assert [c["equal"] for c in data["comparisons"]] == [True, False]
    source = data["comparisons"][1]["populations"][0]
    assert (source["spikes_a"], source["spikes_b"], source["matched"], source["precision"]) == (2, 1, 1, 1.0)
    assert source["first_divergence"] == {
        "population": "source",
        "neuron": 0,
        "step": 10,
        "time_ms": 5.0,
        "missing_in": "lossy",
    }
    assert "neuron 0, step 10 (5 ms): no such spike in lossy" in cli(*compare, "reference,lossy")[1]
    # Told before the first backend runs.
    assert cli(*compare, "crashing,absent")[0] == 5
    assert cli(*compare, "crashing,limited")[0] == 3
    assert cli(*compare, "reference")[0] == 2
    assert cli(*compare, "reference,reference", "--tolerance-steps", "-1")[0] == 2


def test_export(cli: Cli, model: str, tmp_path: Path) -> None:
    cli(
        "run",
        model,
        "--backend",
        "reference",
        "--duration-ms",
        20,
        "--out",
        tmp_path / "run",
        "--set",
        "times_ms=[0.5,3]",
    )
    code = cli("export", tmp_path / "run", "--to", tmp_path / "spikes.csv")[0]
    result = ern.Result.load(tmp_path / "run")
    with (tmp_path / "spikes.csv").open() as file:
        rows = list(csv.reader(file))
    assert code == 0
    assert rows[:3] == [["population", "neuron", "time_ms"], ["source", "0", "0.5"], ["source", "0", "3"]]
    cells = [(float(t), int(n)) for population, n, t in rows[3:] if population == "cells"]
    times, neurons = result.spikes("cells")
    assert len(cells) > 0
    assert cells == sorted(cells) == list(zip(times.tolist(), neurons.tolist(), strict=True))
    assert (
        json.loads(cli("export", tmp_path / "run", "--to", tmp_path / "b.csv", "--json")[1])["spikes"] == len(rows) - 1
    )
    assert "no recording" in cli("export", tmp_path, "--to", tmp_path / "c.csv")[2]
