"""Estimates over seeds, and the command that runs experiments."""

from __future__ import annotations

import json
import math

import pytest

from ernsnn.cli import main
from ernsnn.studies.experiment import Estimate, get_experiment


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
    monkeypatch.setattr(get_experiment("ca3_gated"), "SETTINGS", {"tiny": {"sizes": [4], "noise": []}}, raising=False)
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
