"""What a user keeps in the folder of a run is never taken away: it stays, or the run is refused before it begins."""

from __future__ import annotations

import shutil

import pytest
from interrupts import ctrl_c_in_step

import ernsnn as ern
from ernsnn.backend import source_spikes
from ernsnn.cli import main
from ernsnn.files import MANIFEST, write_folder
from ernsnn.report import write_report


def network():
    net = ern.Network()
    net.population("cells", 2, ern.LIF(i_offset_nA=1.0))
    return net


def run(out, **options):
    return ern.run(network(), duration_ms=20, backend="reference", out=out, **options)


RESULT = ern.run(network(), duration_ms=20, backend="reference")
WRITERS = {
    "recorded as it runs": run,
    "in memory first": lambda out: ern.run(network(), duration_ms=20, backend="loihi-emulator", out=out),
    "saved": RESULT.save,
    "a graph": lambda out: ern.save_graph(RESULT.graph, out),
    "a program": lambda out: ern.compile(network(), "brian2", duration_ms=20, out=out),
    "a program with folders": lambda out: ern.compile(network(), "lava", duration_ms=20, out=out),
}
PLACES = [
    "spool/thesis.txt",
    "spool/spikes/cells/thesis.txt",
    "spool/spikes/thesis/thesis.txt",
    "thesis.txt",
    "notes/thesis.txt",
    "state.npz.d/thesis.txt",
    "processes/thesis.txt",
    ".meta.json.swp",
    ".recording.npz.old-one-of-mine",
    ".checkpoint.npz.abcdefgh/thesis.txt",
]


def put(folder, place, text="mine"):
    (folder / place).parent.mkdir(parents=True, exist_ok=True)
    (folder / place).write_text(text)


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("way", WRITERS)
def test_what_has_finished_is_not_replaced_with_a_users_file_in_it(way, place, tmp_path):
    folder = tmp_path / "finished"
    WRITERS[way](folder)
    put(folder, place)
    before = contents(folder)
    for write in WRITERS.values():
        with pytest.raises(ern.InvalidModel, match=r"holds '.*', which is not ours to replace; name another folder"):
            write(folder)
        assert contents(folder) == before
        assert [path.name for path in tmp_path.iterdir()] == ["finished"]


@pytest.fixture
def interrupted(tmp_path, monkeypatch):
    with ctrl_c_in_step(monkeypatch, 15), pytest.raises(ern.Interrupted):
        run(tmp_path / "run", checkpoint_every_ms=10)
    return tmp_path / "run"


@pytest.mark.parametrize("checkpoint", [True, False])
@pytest.mark.parametrize("place", [place for place in PLACES if place.startswith("spool")])
def test_what_is_not_of_the_spool_is_refused_before_anything_is_changed(place, checkpoint, interrupted):
    put(interrupted, place)
    if not checkpoint:
        for name in ("checkpoint.npz", "meta.json", "recording.npz", "state.npz"):
            (interrupted / name).unlink()
    before = contents(interrupted)
    with pytest.raises(ern.InvalidModel, match=r"thesis.txt: is no file that a run wrote; move it elsewhere"):
        ern.resume(interrupted)
    assert contents(interrupted) == before
    with pytest.raises(ern.InvalidModel):
        run(interrupted)
    assert contents(interrupted) == before
    shutil.move(interrupted / place, interrupted.parent / "thesis.txt")
    assert ern.resume(interrupted).duration_ms == 20


@pytest.mark.parametrize("place", [place for place in PLACES if not place.startswith("spool")])
def test_resuming_leaves_what_else_lies_there(place, interrupted):
    put(interrupted, place)
    assert ern.resume(interrupted).duration_ms == 20
    assert (interrupted / place).read_text() == "mine"
    assert ern.Result.load(interrupted).duration_ms == 20
    assert not (interrupted / "spool").exists()


@pytest.mark.parametrize("place", ["spool/thesis.txt", "spool/spikes/cells/thesis.txt", "notes/thesis.txt"])
@pytest.mark.parametrize("fails", [False, True])
def test_what_comes_while_it_runs_stays(place, fails, tmp_path, monkeypatch):
    folder, original = tmp_path / "run", source_spikes.SourceSpikes.at

    def putting(feeds, t):
        if t == 5:
            put(folder, place)
            if fails:
                raise ern.ProgramFailed("no more")
        return original(feeds, t)

    monkeypatch.setattr(source_spikes.SourceSpikes, "at", putting)
    if fails:
        with pytest.raises(ern.ProgramFailed):
            run(folder)
        assert contents(folder).keys() == {(folder / place).relative_to(folder)}
    else:
        assert run(folder).duration_ms == 20
        assert (folder / place).read_text() == "mine"
        assert (folder / "recording.npz").exists()


def test_a_program_that_ran_in_its_folder_is_replaced(tmp_path):
    """What programs leave there is theirs, with all that is in it."""
    folder = tmp_path / "program"
    for way in ("a program", "a program with folders"):
        for name in ("recording.npz", "__pycache__/a.pyc", "cpp/main.o", "cpp/static/a.o"):
            if way == "a program":
                put(folder, name) if folder.exists() else WRITERS[way](folder)
        WRITERS[way](folder)
    for name in ("journal/a", "processes/__pycache__/a.pyc"):
        put(folder, name)
    WRITERS["a graph"](folder)
    assert sorted(path.name for path in folder.iterdir()) == [MANIFEST, "graph.json", "graph.npz"]


def test_what_a_killed_writer_left_is_removed(interrupted):
    put(interrupted, ".meta.json.abc123_z")
    assert ern.resume(interrupted).duration_ms == 20
    assert not (interrupted / ".meta.json.abc123_z").exists()
    put(interrupted, ".meta.json.abc123_z")
    put(interrupted.parent, ".run.mine.part/thesis.txt")
    put(interrupted.parent, f".run.mine.part/{MANIFEST}", "thesis.txt")
    run(interrupted)
    assert not (interrupted / ".meta.json.abc123_z").exists()
    assert (interrupted.parent / ".run.mine.part" / "thesis.txt").exists()


def test_a_report_replaces_reports_only(tmp_path, capsys):
    folder = tmp_path / "run"
    run(folder)
    put(folder, "report.html")
    with pytest.raises(ern.InvalidModel, match="exists, and is no report; move it elsewhere"):
        write_report(folder)
    with pytest.raises(ern.InvalidModel, match="exists, and is no report; name another file"):
        write_report(folder, folder / "report.html")
    assert main(["report", str(folder)]) == 2
    assert main(["report", str(folder), "--to", str(folder / "report.html")]) == 2
    assert (folder / "report.html").read_text() == "mine"
    (folder / "report.html").unlink()
    for _ in range(2):
        assert write_report(folder) == folder / "report.html"
        assert write_report(folder, folder / "report.html") == folder / "report.html"
    run(folder)
    (folder / MANIFEST).unlink()
    for _ in range(2):
        write_report(folder)


def test_nor_does_what_a_model_says_of_a_run(tmp_path):
    """``operations.json`` is added to a folder that was written before."""
    from ernsnn.files import add_file

    write_folder(tmp_path / "run", {"graph.json": ""})
    put(tmp_path / "run", "operations.json")
    with pytest.raises(ern.InvalidModel, match=r"operations\.json: is not ours to replace; move or rename it"):
        add_file(tmp_path / "run", "operations.json", "ours")
    assert (tmp_path / "run" / "operations.json").read_text() == "mine"
