"""Where results go: through links to where these lead, and into the current folder without taking it away."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from interrupts import ctrl_c_in_step

import ernsnn as ern
from ernsnn.cli import main
from ernsnn.files import add_file, write_folder
from ernsnn.report import write_report


def network():
    net = ern.Network()
    net.population("cells", 2, ern.LIF(i_offset_nA=1.0))
    return net


RESULT = ern.run(network(), duration_ms=20, backend="reference")
WAYS = {
    "saved": lambda out: RESULT.save(out),
    "recorded as it runs": lambda out: ern.run(network(), duration_ms=20, backend="reference", out=out),
    "in memory first": lambda out: ern.run(network(), duration_ms=20, backend="loihi-emulator", out=out),
    "a graph": lambda out: ern.save_graph(RESULT.graph, out),
    "a program": lambda out: ern.compile(network(), "brian2", duration_ms=20, out=out),
}


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("there", ["nothing", "an old one"])
def test_through_a_link(way, there, tmp_path):
    real, link = tmp_path / "far" / "real", tmp_path / "near" / "link"
    for folder in (real.parent, link.parent):
        folder.mkdir()
    link.symlink_to(real)
    if there == "an old one":
        WAYS[way](real)
    for _ in range(2):
        WAYS[way](link)
        assert link.is_symlink()
        assert names(link.parent) == ["link"]
        assert names(real.parent) == ["real"]
        assert len(names(real)) >= 3


def test_a_link_in_the_middle_and_one_to_a_link(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "runs").symlink_to("disk")
    (tmp_path / "again").symlink_to("runs/first")
    RESULT.save(tmp_path / "runs" / "first")
    RESULT.save(tmp_path / "again")
    assert names(tmp_path) == ["again", "disk", "runs"]
    assert names(tmp_path / "disk") == ["first"]


def test_a_link_that_leads_to_itself(tmp_path):
    (tmp_path / "link").symlink_to("link")
    for way in WAYS.values():
        with pytest.raises(ern.InvalidModel, match="is a link that leads to itself"):
            way(tmp_path / "link")
    assert names(tmp_path) == ["link"]


def test_a_run_is_resumed_through_a_link(tmp_path, monkeypatch):
    (tmp_path / "link").symlink_to("real")
    with ctrl_c_in_step(monkeypatch, 5), pytest.raises(ern.Interrupted):
        WAYS["recorded as it runs"](tmp_path / "link")
    assert ern.resume(tmp_path / "link").duration_ms == 20
    assert names(tmp_path) == ["link", "real"]


def test_a_report_and_an_export_go_where_a_link_leads(tmp_path):
    (tmp_path / "disk").mkdir()
    for name in ("page.html", "spikes.csv"):
        (tmp_path / name).symlink_to(Path("disk") / name)
    assert write_report(RESULT, tmp_path / "page.html") == tmp_path / "page.html"
    RESULT.export(tmp_path / "spikes.csv")
    assert all((tmp_path / name).is_symlink() for name in ("page.html", "spikes.csv"))
    assert names(tmp_path / "disk") == ["page.html", "spikes.csv"]


def test_no_file_in_a_folder_is_followed_out_of_it(tmp_path, monkeypatch):
    (tmp_path / "mine.txt").write_text("mine")
    folder = tmp_path / "run"
    with ctrl_c_in_step(monkeypatch, 15), pytest.raises(ern.Interrupted):
        ern.run(network(), duration_ms=20, backend="reference", out=folder, checkpoint_every_ms=10)
    for name in ("recording.npz", "meta.json", "state.npz", "report.html"):
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(tmp_path / "mine.txt")
    ern.resume(folder)
    write_report(folder)
    assert (tmp_path / "mine.txt").read_text() == "mine"


@pytest.mark.parametrize("name", ["../x", "a/b/c", "a/../../x", "/tmp/x", "..", "", "a/", "a\0b"])
def test_names_of_files_stay_in_their_folder(name, tmp_path):
    with pytest.raises(ern.InvalidModel, match="is no name that a file in a folder can have"):
        write_folder(tmp_path / "folder", {"good.txt": "", name: "bad"})
    assert names(tmp_path) == []
    write_folder(tmp_path / "folder", {"good.txt": ""})
    with pytest.raises(ern.InvalidModel, match="is no name that a file in a folder can have"):
        add_file(tmp_path / "folder", name, "bad")
    assert names(tmp_path) == ["folder"]
    assert names(tmp_path / "folder") == [".ernsnn", "good.txt"]


@pytest.mark.parametrize("name", ["half \ud800", "nul \0", "\udfff/in it"])
def test_names_that_no_file_can_have(name, tmp_path):
    further = {
        "report": lambda out: write_report(RESULT, out),
        "export": lambda out: RESULT.export(f"{out}.csv"),
        "resume": ern.resume,
        "load": ern.Result.load,
        "load a graph": ern.load_graph,
    }
    for use in (WAYS | further).values():
        with pytest.raises(ern.InvalidModel):
            use(tmp_path / name)
    assert names(tmp_path) == []


@pytest.mark.parametrize("way", WAYS)
def test_the_current_folder_stays_that_of_the_shell(way, tmp_path, monkeypatch):
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    before = here.stat().st_ino
    for _ in range(2):
        WAYS[way](".")
        assert here.stat().st_ino == before == Path().stat().st_ino
        assert names(here) == names(Path())
        assert len(names(here)) >= 3
        assert names(tmp_path) == ["here"]
    (here / "thesis.txt").write_text("mine")
    with pytest.raises(ern.InvalidModel, match="thesis"):
        WAYS[way](".")
    assert (here / "thesis.txt").read_text() == "mine"


def test_one_result_in_place_of_another_in_the_current_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["run", "ca3_memory", "--demo", "--backend", "reference", "--out", "."]) == 0
    assert "operations.json" in names(tmp_path)
    WAYS["recorded as it runs"](".")
    assert "operations.json" not in names(tmp_path)
    assert ern.Result.load(".").duration_ms == 20
    WAYS["a graph"](".")
    assert names(tmp_path) == [".ernsnn", "graph.json", "graph.npz"]


def test_a_run_that_fails_leaves_the_current_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def fails(engine, t, spikes):
        raise ern.ProgramFailed("no more")

    from ernsnn.hardware_backends.reference.engine import Engine

    monkeypatch.setattr(Engine, "step", fails)
    with pytest.raises(ern.ProgramFailed):
        WAYS["recorded as it runs"](".")
    assert os.getcwd() == str(tmp_path)
    assert names(tmp_path) == []
