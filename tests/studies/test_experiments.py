"""Estimates over seeds, and the command that runs experiments."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from ernsnn.cli import main
from ernsnn.errors import InvalidModel
from ernsnn.studies.experiment import Estimate, Experiment, Findings, Repeats, experiment_names, get_experiment
from ernsnn.studies.pictures import Bars, Line


def test_the_interval_is_students():
    two = Estimate.of([1.0, 3.0])  # sd = sqrt 2, standard error 1; t(1) = tan(0.475 pi)
    assert two.mean == 2.0
    assert two.half_width == pytest.approx(math.tan(0.475 * math.pi), rel=1e-3)
    three = Estimate.of([1.0, 2.0, 3.0])  # t(2) = sqrt(2 / (1 - 0.95^2)) * 0.95
    assert three.half_width == pytest.approx(0.95 * math.sqrt(2 / (1 - 0.95**2)) / math.sqrt(3), rel=1e-3)
    assert math.isnan(Estimate.of([1.0]).half_width)
    assert Estimate.of([1.0]).to_json() == {"mean": 1.0, "ci95": None, "values": [1.0]}
    without = Estimate.of([math.nan, 1.0, 3.0])
    assert (without.mean, without.half_width) == (2.0, two.half_width)
    assert without.to_json()["values"] == [None, 1.0, 3.0]
    assert Estimate.of([math.nan]).to_json() == {"mean": None, "ci95": None, "values": [None]}
    assert str(Estimate.of([math.nan, math.nan])) == "-"
    assert Estimate.of([0.0, 1.0] * 50).half_width == pytest.approx(1.96 * math.sqrt(25 / 99) / 10)


def test_an_estimate_as_text_and_back():
    two = Estimate.of([1.0, 2.0])
    assert str(two) == "1.5 ± 6.4"
    assert f"{two:.2f} Hz" == "1.50 ± 6.35 Hz"
    assert f"{Estimate.of([1.0]):.1f}" == "1.0"
    assert f"{Estimate.of([]):.1f}" == "-"
    without = Estimate.of([math.nan, 1.0, 3.0])
    again = Estimate.from_json(json.loads(json.dumps(without.to_json())))
    assert (again.mean, again.half_width) == (without.mean, without.half_width)
    assert Estimate.of_each({"a": [1.0, 2.0]}) == {"a": two}


def test_findings_hold_estimates_as_json_has_them():
    two = Estimate.of([1.0, 2.0])
    found = Findings({"a": {"b": [two, 1]}, "c": (two,), "d": two}, ["a"], [[two]])
    assert found.results == {"a": {"b": [two.to_json(), 1]}, "c": [two.to_json()], "d": two.to_json()}
    assert found.rows == [[two]]
    numbers = Findings({"a": {1: np.float32(0.5)}, "b": (np.arange(2), np.int64(3), np.True_)}, ["a"], [])
    assert json.dumps(numbers.results) == '{"a": {"1": 0.5}, "b": [[0, 1], 3, true]}'
    assert found.notes == ["mean ± 95 % interval over seeds"]
    said = [f"{found.notes[0]}; one seed on others"]
    assert Findings({}, ["a"], [[two]], said).notes == said
    assert Findings({}, ["a"], [["1 ± 2"]]).notes == ()


def test_trials_tell_how_many_seeds_are_done():
    told = []
    for seed in Repeats(backend="native", seeds=[4, 5], progress=told.append):
        assert told == [0.5] * (seed == 5)
    assert told == [0.5, 1.0]


def study(repeats, *, level: float = 0.5, sizes: tuple[int, ...] = (1, 2), kind: str = "a"):
    shown = Line(sizes, {kind: [level] * len(sizes)}, title="T", x_label="size", y_label="rate (Hz)")
    found = {"backend": repeats.backend, "seeds": list(repeats.seeds), "level": level}
    return Findings(found, ["kind"], [[kind]], pictures=[shown])


def own(**changed):
    return Experiment(
        **{
            "name": "own",
            "title": "Own",
            "run": study,
            "backend": "native",
            "settings": {"full": {"sizes": [3]}},
            **changed,
        }
    )


def test_settings_are_the_arguments_of_run():
    assert own().defaults == {"level": 0.5, "sizes": (1, 2), "kind": "a"}
    assert own().named("quick") == own().defaults
    assert own().named("full") == {"level": 0.5, "sizes": [3], "kind": "a"}
    found = own().findings(seeds=[7], level=2)
    assert found.results == {"backend": "native", "seeds": [7], "level": 2}
    assert own(backend="reference").findings().results["backend"] == "reference"
    [picture] = found.pictures
    assert (picture.y_label, picture.series) == ("rate (Hz)", {"a": [2, 2]})


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (lambda: own(settings={"full": {"size": [3]}}), "own: no setting 'size'; did you mean 'sizes'?"),
        (lambda: own(settings={"full": {"sizes": 3}}), r"own: sizes: must be a list such as \[1, 2\], got 3"),
        (lambda: own(run=lambda repeats, level: None), "own: run: level must be a keyword argument"),
        (lambda: own(run=lambda repeats, *, level: None), r"own: run: level must be .* with a default"),
        (lambda: own(run=lambda repeats, **others: None), "own: run: others must be a keyword argument"),
        (lambda: own(run=lambda: None), r"own: run: must take the repeats first"),
        (lambda: own(run=lambda repeats, *, seeds=(1,): None), "own: run: seeds is an attribute of what it runs on"),
        (lambda: own(name=".."), "'..': an experiment's name is up to 80 letters"),
        (lambda: own(name="a/b"), "an experiment's name is up to 80 letters"),
        (lambda: own(name=""), "an experiment's name is up to 80 letters"),
        (lambda: Findings({"a": [{1}]}, ["a"], []), r"Findings.results\['a'\]\[0\]: must be what JSON has"),
        (lambda: Findings({"a": np.array(["x"])}, ["a"], []), r"Findings.results\['a'\]: must be what JSON has"),
        (lambda: own(run="study"), "own.run: must be a function, got 'study'"),
        (lambda: own(name=3), "Experiment.name: must be text, got 3"),
        (lambda: own().findings(level="high"), 'own: level: must be a number, got "high"'),
        (lambda: own().findings(levels=1), "own: no setting 'levels'; did you mean 'level'?"),
        (lambda: own().findings(seeds=[]), "own: needs a seed"),
        (lambda: own().named("ful"), "own: no settings 'ful'; did you mean 'full'?"),
        (lambda: own(run=lambda repeats: 3, settings={}).findings(), "own: run must return Findings, got 3"),
        (lambda: Findings({}, ["a", "b"], [["a", "b"], ["a"]]), r"Findings.rows\[1\]: has 1 cells"),
        (lambda: Findings({}, ["a"], [["a"]], "note"), "Findings.notes: must be a sequence of text, got 'note'"),
        (lambda: Line([0], [1], title="T", x_label="x", y_label="y"), "Line.series: must be a mapping"),
        (lambda: Line([0], {}, title="T", x_label="x"), "Line: needs y_label"),
        (lambda: Line([0], {"a": [1, 2]}, title="T", x_label="x", y_label="y"), r"Line.series\['a'\]: has 2 values"),
        (lambda: Bars(["g"], {"a": ["x"]}, title="T", x_label="x"), r"Bars.series\['a'\]: must be numbers, estimates"),
        (lambda: Estimate.of([1.0, "2"]), "Estimate.of: values must be numbers, one a seed"),
    ],
)
def test_what_is_no_experiment_is_refused(made, words):
    with pytest.raises(InvalidModel, match=words):
        made()


@pytest.mark.parametrize("name", experiment_names())
def test_each_experiment_is_a_typed_value(name):
    found = get_experiment(name)
    assert found.name == name
    assert found.title
    assert "\n" not in found.title
    assert len(found.about) > len(found.title)
    for named in found.settings:
        assert found.named(named).keys() == found.defaults.keys()


FILE = """
import ernsnn
from ernsnn.studies.experiment import Experiment, Findings

def run(repeats, *, level: float = 0.5):
    return Findings({"levels": [level * seed for seed in repeats]}, ["level"], [[level]])

EXPERIMENT = Experiment(name="own", title="Own levels", run=run, backend="native")
"""


def test_an_experiment_in_a_file(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(FILE)
    command = [
        "experiment",
        "mine.py",
        "--seeds",
        "2",
        "--first-seed",
        "3",
        "--set",
        "level=2",
        "--backend",
        "reference",
    ]
    assert main([*command, "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["results"] == {"levels": [6, 8]}
    assert data["experiment"] == "mine.py"
    page = (tmp_path / "runs" / "own" / "report.html").read_text()
    assert "Own levels" in page
    assert "ernsnn experiment mine.py --backend reference --seeds 2 --first-seed 3 --set level=2" in page


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "mine.py: no such file"),
        ("x = 1", "mine.py: has no EXPERIMENT that is an Experiment"),
        ("EXPERIMENT = 3", "mine.py: has no EXPERIMENT that is an Experiment"),
        ("1/0", "mine.py: the file does not load: ZeroDivisionError: division by zero (line 1)"),
    ],
)
def test_a_file_that_has_none(text, words, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if text is not None:
        (tmp_path / "mine.py").write_text(text)
    assert main(["experiment", "mine.py"]) == 2
    assert words in capsys.readouterr().err


def test_the_command(tmp_path, capsys):
    command = ["experiment", "ca3_gated", "--backend", "reference", "--seeds", "2", "--first-seed", "4", "--json"]
    chosen = ["sizes=[4]", 'spacings=["14/14"]', "operations=20", "noise=[]"]
    settings = [word for setting in chosen for word in ("--set", setting)]
    assert main([*command, *settings, "--out", str(tmp_path / "out")]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["seeds"] == [4, 5]
    assert data["results"]["gated"]["4x4"]["14/14"]["all"]["share"]["values"] == [1.0, 1.0]
    assert json.loads((tmp_path / "out" / "results.json").read_text()) == data
    page = (tmp_path / "out" / "report.html").read_text()
    assert "<td>gated</td><td>4x4</td><td>14/14</td>" in page
    assert "<figcaption>Right recalls, by ms after a learn / after a recall</figcaption>" in page


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("sizes=16", "ca3_gated: sizes: must be a list such as [16], got 16"),
        ('sizes=["16"]', 'ca3_gated: sizes[0]: must be a whole number, got "16"'),
        ("operations=2.5", "ca3_gated: operations: must be a whole number, got 2.5"),
        ("operations=true", "ca3_gated: operations: must be a whole number, got true"),
        ("density=dense", 'ca3_gated: density: must be a number, got "dense"'),
        ("noise_spacing=12", "ca3_gated: noise_spacing: must be text, got 12"),
    ],
)
def test_settings_of_another_kind_are_refused(setting, words, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["experiment", "ca3_gated", "--set", setting]) == 2
    assert words in capsys.readouterr().err


def test_settings_have_names(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tiny = replace(get_experiment("ca3_gated"), settings={"tiny": {"sizes": [4], "noise": []}})
    monkeypatch.setattr("ernsnn.models.experiments.ca3_gated.EXPERIMENT", tiny)
    chosen = ["--setting", "tiny", "--set", "operations=5", "--set", 'spacings=["14/14"]']
    assert main(["experiment", "ca3_gated", "--backend", "reference", "--seeds", "1", *chosen, "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["setting"] == "tiny, changed"
    assert (data["settings"]["sizes"], data["settings"]["operations"]) == ([4], 5)
    assert json.loads((tmp_path / "runs" / "ca3_gated-tiny" / "results.json").read_text()) == data
    assert main(["experiment", "ca3_gated", "--setting", "tinny"]) == 2
    assert "ca3_gated: no settings 'tinny'" in capsys.readouterr().err
    for nothing in ([], ["ca3_gated", "--list"], ["--table"]):
        assert main(["experiment", *nothing, "--setting", "tiny"]) == 2
        assert "--setting and --set need the NAME of one" in capsys.readouterr().err


def test_each_runs_on_its_own_backend_unless_told(tmp_path, capsys):
    few = ["--seeds", "1", "--set", "sizes=[3]", "--set", "types=2", "--set", "duration_ms=50", "--out", str(tmp_path)]
    assert main(["experiment", "point_neuron", *few, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["backend"] == "loihi-emulator"
    assert main(["experiment", "point_neuron", *few, "--backend", "reference"]) == 2
    assert "reference is no loihi-emulator or lava" in capsys.readouterr().err
    assert main(["experiment", "point_neuron", "--first-seed", "-1"]) == 2
    assert "must be a whole number >= 0, got '-1'" in capsys.readouterr().err


def test_errors_and_the_list(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["experiment", "ca3_gate"]) == 2
    assert "did you mean 'ca3_gated'?" in capsys.readouterr().err
    assert main(["experiment", "ca3_gated", "--set", "size=4"]) == 2
    assert "did you mean 'sizes'?" in capsys.readouterr().err
    assert main(["experiment", "ca3_gated", "--seeds", "0"]) == 2
    assert not any(tmp_path.iterdir())
    capsys.readouterr()
    assert main(["experiment"]) == 0
    assert "ca3_gated" in capsys.readouterr().out
