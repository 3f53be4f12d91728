"""What is saved names no code to load and no file to open: models and inputs come from the command line."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from interrupts import ctrl_c_in_step

import ernsnn as ern
from ernsnn.analyse.summary import SUMMARY_FILE, Summary, read_summary, summary_files
from ernsnn.cli import main
from ernsnn.describe.expressions import Num, Statement
from ernsnn.describe.kinds import Kind, Parameter, Receptor, State, Table
from ernsnn.errors import InvalidModel
from ernsnn.loading import sealed, unsealed
from ernsnn.models import CA3Memory
from ernsnn.report import page, write_report

MODEL = """
from pathlib import Path
import ernsnn as ern
from ernsnn.studies.models import Session, Summary, TimeMark

with (Path(__file__).parent / "loaded").open("a") as file:
    file.write("x")

def build(cells=3):
    net = ern.Network(name="mine")
    net.population("cells", cells, ern.LIF(i_offset_nA=1.0))
    return net

def session(*, input=None, demo=False, **parameters):
    text = "" if input is None else input.read_text()
    def summarise(result):
        spikes = sum(result.spike_counts.values())
        row = [str(spikes), "yes"]
        told = {"text": f"{spikes} in all {text}", "data": spikes, "verdict": "plenty"}
        return Summary(name="spikes", **told, heads=["n", "right"], rows=[row], marks=[TimeMark(1.0, "one", True)])
    return Session(network=build(**parameters), duration_ms=20.0, summarise=summarise)
"""


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(MODEL)
    return path


def loaded(model):
    file = model.parent / "loaded"
    return len(file.read_text()) if file.exists() else 0


@pytest.fixture
def saved(model, tmp_path):
    """A saved run of a model's file."""
    assert main(["run", str(model), "--backend", "reference", "--out", str(tmp_path / "run")]) == 0
    return tmp_path / "run"


@pytest.fixture
def interrupted(model, tmp_path, monkeypatch):
    """A run of a model's file that Ctrl-C ended."""
    with ctrl_c_in_step(monkeypatch, 9):
        assert main(["run", str(model), "--backend", "reference", "--out", str(tmp_path / "run")]) == 130
    return tmp_path / "run"


def test_a_report_says_what_the_model_said_and_loads_nothing(model, saved):
    before = loaded(model)
    page_then = (saved / "report.html").read_text()
    assert main(["report", str(saved)]) == 0
    assert loaded(model) == before == 1
    assert (saved / "report.html").read_text() == page_then
    assert "plenty" in page_then
    model.unlink()
    assert main(["report", str(saved)]) == 0
    assert (saved / "report.html").read_text() == page_then


@pytest.mark.parametrize("command", ["report", "metrics", "energy", "resume", "export"])
def test_no_command_loads_what_a_folder_names(command, model, saved, capsys):
    before = loaded(model)
    for file in ("meta.json", "run.json"):
        stored = unsealed(saved / file)
        notes = stored["notes"] if file == "meta.json" else stored["about"]["notes"]
        notes["input"] = "/dev/zero"
        (saved / file).write_text(sealed(stored))
    (saved / SUMMARY_FILE).unlink()
    main([command, str(saved), *(["--to", str(model.parent / "x.csv")] if command == "export" else [])])
    assert loaded(model) == before
    ern.Result.load(saved)._repr_html_()
    write_report(saved)
    assert loaded(model) == before


def test_resume_asks_a_model_that_is_named_on_the_command_line(model, interrupted, capsys):
    shutil.copytree(interrupted, interrupted.with_name("other"))
    before = loaded(model)
    assert main(["resume", str(interrupted)]) == 0
    assert loaded(model) == before
    out = capsys.readouterr().out
    assert "population" in out
    assert f"`ernsnn report {interrupted} --model FILE`" in out
    assert main(["resume", str(interrupted.with_name("other")), "--model", str(model)]) == 0
    assert loaded(model) == before + 1
    assert "in all" in capsys.readouterr().out
    assert main(["report", str(interrupted), "--model", str(model)]) == 0
    pages = [(folder / "report.html").read_text() for folder in (interrupted, interrupted.with_name("other"))]
    assert all("plenty" in text for text in pages)


def test_another_model_than_that_of_the_run_is_refused(model, interrupted, capsys):
    model.write_text(MODEL.replace("cells=3", "cells=4"))
    for command in ("resume", "report"):
        assert main([command, str(interrupted), "--model", str(model)]) == 2
        assert "makes another network than that which was run" in capsys.readouterr().err
    assert main(["resume", str(interrupted), "--model", str(model.parent / "nosuch.py")]) == 2
    assert "no such file" in capsys.readouterr().err
    assert not ern.Result.load(interrupted).meta["finished"]


def test_an_input_is_opened_where_the_command_line_names_it(model, tmp_path, capsys, monkeypatch):
    (tmp_path / "words.txt").write_text("of them")
    run = ["run", str(model), "--backend", "reference", "--input", str(tmp_path / "words.txt")]
    with ctrl_c_in_step(monkeypatch, 9):
        assert main([*run, "--out", str(tmp_path / "run")]) == 130
    capsys.readouterr()
    resume = ["resume", str(tmp_path / "run")]
    assert main([*resume, "--input", str(tmp_path / "words.txt")]) == 2
    assert "give --model, which reads it" in capsys.readouterr().err
    assert main([*resume, "--model", str(model), "--input", str(tmp_path / "words.txt")]) == 0
    assert "of them" in capsys.readouterr().out
    assert main(["report", str(tmp_path / "run"), "--input", str(tmp_path / "words.txt")]) == 2
    assert "needs --model" in capsys.readouterr().err


def test_an_installed_model_is_found_by_its_name_as_a_backend_is(tmp_path, capsys, monkeypatch):
    with ctrl_c_in_step(monkeypatch, 30):
        run = ["run", "ca3_memory", "--demo", "--backend", "reference", "--out", str(tmp_path / "run")]
        assert main(run) == 130
    stored = unsealed(tmp_path / "run" / "run.json")
    for notes in ({"parameters": {"cues": 60_000}}, {"parameters": 3}, {"demo": "x"}, {"model": ["ca3_memory"]}):
        shutil.copytree(tmp_path / "run", tmp_path / "other")
        about = {**stored["about"], "notes": {**stored["about"]["notes"], **notes}}
        (tmp_path / "other" / "run.json").write_text(sealed({**stored, "about": about}))
        assert main(["resume", str(tmp_path / "other")]) == 0
        assert "12 right" not in capsys.readouterr().out
        shutil.rmtree(tmp_path / "other")
    assert main(["resume", str(tmp_path / "run")]) == 0
    assert "12 operations: 12 right, 0 wrong" in capsys.readouterr().out


def test_a_saved_result_keeps_what_its_model_said(tmp_path):
    memory = CA3Memory(cues=2, contents=3)
    memory.learn(cue=0, content=[0, 2])
    result = memory.run(backend="reference")
    result.save(tmp_path / "run")
    again = ern.Result.load(tmp_path / "run")
    assert page(again) == page(result)
    assert again.moments == [(0.0, "learn")]
    again.save(tmp_path / "copy")
    assert (tmp_path / "copy" / SUMMARY_FILE).read_text() == (tmp_path / "run" / SUMMARY_FILE).read_text()
    assert json.loads((tmp_path / "copy" / "operations.json").read_text()) == result.operations.to_json()


@pytest.mark.parametrize("name", ["../../outside", "meta", "a/b", "", ".hidden", "x" * 300 + "/"])
def test_a_summary_is_called_by_a_word(name, saved):
    stored = unsealed(saved / SUMMARY_FILE)
    stored["summary"]["name"] = name
    (saved / SUMMARY_FILE).write_text(sealed(stored))
    with pytest.raises(ern.InvalidModel, match="a summary's name must be letters"):
        ern.Result.load(saved)
    with pytest.raises(ern.InvalidModel, match="a summary's name"):
        summary_files(Summary(name=name, text="", data=None), {})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.update(run="0" * 32), "belongs to another run"),
        (lambda s: s.pop("run"), "must hold run and summary"),
        (lambda s: s["summary"].pop("text"), "text is missing"),
        (lambda s: s["summary"].update(verdict=3), "verdict: must be text, got 3"),
        (lambda s: s["summary"].update(rows=[["a"]]), "as many cells as there are heads"),
        (lambda s: s["summary"].update(rows=[3]), "rows"),
        (lambda s: s["summary"].update(marks=[{"t_ms": "1", "what": "x"}]), r"marks\[0\].t_ms: must be a number"),
        (lambda s: s["summary"].update(marks={"t_ms": 1}), "marks: must be a list"),
        (lambda s: s["summary"].update(extra=1), "does not know 'extra'"),
        (lambda s: s.update(summary=[]), "must be names and values"),
    ],
)
def test_a_summary_of_another_form_is_refused(change, message, saved):
    stored = unsealed(saved / SUMMARY_FILE)
    change(stored)
    (saved / SUMMARY_FILE).write_text(sealed(stored))
    with pytest.raises(ern.InvalidModel, match=message) as error:
        ern.Result.load(saved)
    assert str(saved / SUMMARY_FILE) in str(error.value)


def test_a_summary_with_a_changed_letter_is_refused(saved):
    text = (saved / SUMMARY_FILE).read_text()
    (saved / SUMMARY_FILE).write_text(text.replace("plenty", "Plenty"))
    with pytest.raises(ern.InvalidModel, match="checksum does not match"):
        ern.Result.load(saved)


def test_old_folders_without_summary_or_checksum_are_read(saved):
    (saved / SUMMARY_FILE).unlink()
    meta = unsealed(saved / "meta.json")
    del meta["checksums"], meta["run"]
    (saved / "meta.json").write_text(json.dumps(meta))
    result = ern.Result.load(saved)
    assert result.summary is None
    assert read_summary(Path(os.devnull), {}) is None


@pytest.mark.parametrize("place", ["parameter", "state", "receptor", "constant", "statement"])
def test_a_kind_of_neurons_has_plain_names(place: str) -> None:
    """Kernels and programs are written from the tables that a saved graph holds."""
    strange = "x\nimport os\ny"
    name = {p: strange if p == place else p for p in ("parameter", "state", "receptor", "constant", "statement")}
    constant, statement = Statement(name["constant"], Num(1.0)), Statement(name["statement"], Num(1.0))
    with pytest.raises(InvalidModel, match="is no name"):
        Kind(
            name="Kind",
            parameters=(Parameter(name["parameter"]),),
            states=(State(name["state"], Num(0.0)),),
            receptors=(Receptor(name["receptor"], "nA"),),
            exact=Table((constant,), (statement,), None, (), ()),
            held=(),
            refractory="",
        )
