"""A run that is recorded in a folder while it goes on, can be interrupted or killed, and resumed.

The folder holds the graph, ``run.json`` (what was asked for), the spool of what has been recorded so far and, now and
then replaced, a checkpoint. At its end, and after Ctrl-C, it holds a recording as ``Result.load`` reads it; a
finished run has neither spool nor checkpoint. Where a result is to be replaced the run works in a folder beside it,
which takes its place at the end: until then the old result is whole.
"""

from __future__ import annotations

import fcntl
import shlex
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from types import FrameType

import numpy as np

from ernsnn.arrays import checksum
from ernsnn.backend.meta import about_run
from ernsnn.backend.protocol import Progress
from ernsnn.backend.recorder import Recorder
from ernsnn.backend.stepping import Engine, Run, SteppedBackend, located
from ernsnn.errors import Interrupted, InvalidModel, NotFinite
from ernsnn.files import (
    Content,
    absolute,
    check_files,
    put_in_place,
    real,
    remove_folder,
    remove_left,
    write_file,
    write_folder,
)
from ernsnn.graph.graph import Graph
from ernsnn.graph.storage import graph_files, load_graph
from ernsnn.loading import open_regular, reading
from ernsnn.recording.keys import spike_keys
from ernsnn.recording.readings import Readings, Stored
from ernsnn.recording.recording import META_FILE, RECORDING_FILE, RUN_FILE, STATE_FILE, load_meta, meta_text
from ernsnn.running.checkpoint import CHECKPOINT_FILE, Position, checkpoint, load_checkpoint
from ernsnn.running.plan import Plan
from ernsnn.running.spool import Spool

SPOOL = "spool"


def _beside(folder: Path) -> Path:
    """The folder in which a run works whose result will replace ``folder``."""
    beside = absolute(folder.parent / f".{folder.name}.unfinished")
    if beside.is_symlink():
        raise InvalidModel(f"{beside}: is a link, which no run has made; remove it")
    return beside


def _unfinished(path: Path) -> bool:
    return (path / RUN_FILE).exists() and ((path / CHECKPOINT_FILE).exists() or not (path / META_FILE).exists())


def _resume(folder: Path) -> str:
    """The command that goes on with a run, for messages."""
    return f"`ernsnn resume {shlex.quote(str(folder))}`"


def refuse_unfinished(folder: Path) -> None:
    """Raise InvalidModel where ``folder`` holds a run that can be resumed or is under way, or will hold its result."""
    for path in (folder, _beside(folder)):
        if (path / CHECKPOINT_FILE).exists():
            raise InvalidModel(
                f"{path} holds a run that has not finished: {_resume(folder)} goes on with it; or remove "
                "that folder, or name another"
            )
        if (path / RUN_FILE).exists():
            with _locked(path):
                pass


def begin(folder: Path, graph: Graph, plan: Plan, engine: Engine) -> Path:
    """Make the folder in which a run works, with a checkpoint where ``engine`` goes on from another.

    Raises InvalidModel where a run that can be resumed, or is under way, is in its place.
    """
    refuse_unfinished(folder)
    free = not folder.exists() or _unfinished(folder) or not any(folder.iterdir())
    place = folder if free else _beside(folder)
    files: dict[str, Content] = {
        RUN_FILE: replace(plan, replaces=_identity(folder)).to_text(),
        **graph_files(graph),
    }
    if plan.first_step:
        files[CHECKPOINT_FILE] = checkpoint(plan.key, Position(plan.first_step, {}, 0.0), engine)
    spool = [f"{SPOOL}/{key}" for key in Recorder(engine, lambda chunk: None, plan.samples).forms(plan.n_steps)]
    write_folder(place, files, also=[*spool, CHECKPOINT_FILE, META_FILE, RECORDING_FILE, STATE_FILE])
    return place


def abandon(place: Path) -> None:
    """Remove a run that has failed, unless there is a checkpoint from which it can go on."""
    if not (place / CHECKPOINT_FILE).exists() and not (place / META_FILE).exists():
        with suppress(InvalidModel, OSError), _locked(place):
            remove_folder(place)


def place_of(folder: str | Path) -> Path:
    """The folder in which a run with the result ``folder`` works: ``folder`` itself, or a temporary one beside it.

    If an earlier run ended in the temporary folder without renaming it, it is renamed now. Raises InvalidModel if
    ``folder`` then holds neither the result that the run was to replace nor the run's own.
    """
    path = real(folder)
    place = _beside(path)
    if _unfinished(place):
        return place
    if (place / META_FILE).exists():
        there, left = _identity(path), _identity(place)
        if there is None or there == _replaced(place):
            put_in_place(place, path)
        elif left is None or left != _replaced(path):
            raise InvalidModel(
                f"{place} holds a finished run that was to replace another than is in {path} by now; "
                f"move or remove one of them"
            )
    return path


def _identity(folder: Path) -> str | None:
    """The name of the run whose result is in ``folder``; None where there is none."""
    try:
        with reading(f"{folder}: {META_FILE}"):
            meta = load_meta(folder)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return str(meta.get("run") or meta_text(meta, {}))  # runs of early versions have no name


def _replaced(folder: Path) -> str | None:
    """The name of the run that the one in ``folder`` replaces."""
    return Plan.load(folder).replaces if (folder / RUN_FILE).exists() else None


def read_plan(folder: str | Path) -> tuple[Graph, Plan]:
    """The graph and the plan of an unfinished run. Raises InvalidModel where there is none."""
    path = Path(folder)
    if (path / META_FILE).exists() and not (path / CHECKPOINT_FILE).exists():
        raise InvalidModel(f"{folder}: this run has finished; `ernsnn export` and Result.load read it")
    plan = Plan.load(path)
    graph = load_graph(folder)
    if graph.digest != plan.digest:
        raise InvalidModel(f"{folder}: {RUN_FILE} belongs to another graph")
    return graph, plan


def record(
    folder: Path, place: Path, graph: Graph, plan: Plan, backend: SteppedBackend, engine: Engine, progress: Progress
) -> Readings:
    """Run from the checkpoint, or from step 0 where there is none, to the end; ``engine`` stands before step 0.

    The run works in ``place``, and becomes ``folder``. Raises Interrupted after Ctrl-C, leaving a recording up to there
    and a checkpoint. Raises InvalidModel on a damaged checkpoint, one of another run, and where another process is at
    work in the folder.
    """
    try:
        return _record(folder, place, graph, plan, backend, engine, progress)
    except NotFinite as error:
        again = backend.engine(graph, **plan.options)
        recorder = Recorder(again, lambda chunk: None, plan.samples)
        begun = _begun(place, plan, again, recorder) if plan.first_step else None
        raise located(error, again, begun.step if begun else 0) from None
    except Interrupted:
        raise
    except KeyboardInterrupt:
        raise Interrupted(
            f"interrupted at once; {_resume(folder)} goes on from the last checkpoint, if there is one"
        ) from None


def _begun(place: Path, plan: Plan, engine: Engine, recorder: Recorder) -> Position | None:
    """Restore ``engine``, which ``recorder`` reads, from the checkpoint; None where there is none."""
    steps = range(plan.first_step, plan.end)
    return load_checkpoint(place, plan.key, steps, recorder.forms(plan.n_steps), engine)


def _record(
    folder: Path, path: Path, graph: Graph, plan: Plan, backend: SteppedBackend, engine: Engine, progress: Progress
) -> Readings:
    began = time.perf_counter()
    with _locked(path), interruptible() as stopped:
        remove_left(path, [CHECKPOINT_FILE, RECORDING_FILE, META_FILE, STATE_FILE])
        recorder = Recorder(engine, lambda chunk: spool.append(chunk), plan.samples)
        spool = Spool(path / SPOOL, recorder.forms(plan.n_steps))
        start = _begun(path, plan, engine, recorder)
        if start is None and plan.first_step:
            raise InvalidModel(f"{path / CHECKPOINT_FILE}: is missing, and with it the state that the run goes on from")
        start = start or Position(0, {}, 0.0)
        part = META_FILE, RECORDING_FILE, STATE_FILE  # of a partial recording, which would not agree with the spool
        check_files(path, [*part, CHECKPOINT_FILE])
        spool.cut(start.spool)
        for name in part:
            (path / name).unlink(missing_ok=True)
        recorder.first = start.step
        run, every = Run(engine, recorder, plan.end, start.step, plan.first_step), plan.checkpoint_every or plan.end
        while True:
            run.until(min(plan.end, (run.t // every + 1) * every), progress, stopped)
            here = Position(run.t, spool.layout, start.wall_s + time.perf_counter() - began)
            if run.t < plan.end:
                spool.sync()
                write_file(path / CHECKPOINT_FILE, checkpoint(plan.key, here, engine), synced=True)
            if run.t == plan.end or stopped():
                break
        done = run.t - plan.first_step
        meta = about_run(graph, plan.run, plan.backend, done, here.wall_s, plan.options, backend.versions())
        meta |= engine.about() | plan.about
        meta["finished"] = run.t == plan.end
        meta["spike_counts"] = {p.name: spool.rows(spike_keys(p.name)[1]) for p in graph.populations}
        learned = {"n_steps": np.array(done), "first_step": np.array(plan.first_step), **engine.final_values()}
        state = engine.state()
        write_file(path / RECORDING_FILE, lambda file: spool.save(file, learned))
        write_file(path / STATE_FILE, state)
        checksums = {RECORDING_FILE: spool.checksum(learned), STATE_FILE: checksum(state)}
        write_file(path / META_FILE, meta_text(meta, checksums))
        if run.t < plan.end:
            raise Interrupted(
                f"interrupted after {done * graph.dt_ms:.12g} of {plan.n_steps * graph.dt_ms:.12g} ms, which are "
                f"recorded in {path}; {_resume(folder)} goes on"
            )
        if path != folder:
            try:
                put_in_place(path, folder)
            except (InvalidModel, OSError) as error:
                raise InvalidModel(f"{error}; the result is whole in {path}: move it from there") from None
            spool.folder = folder / SPOOL
        (folder / CHECKPOINT_FILE).unlink(missing_ok=True)
        spool.remove()
    return Readings(graph, Stored(folder, graph, meta))


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder; it is released when the process ends, for whatever reason."""
    with ExitStack() as opened:
        with reading(f"{folder}: {RUN_FILE}"):
            file = opened.enter_context(open_regular(folder / RUN_FILE))
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InvalidModel(f"{folder}: another process is at work on this run; wait for it, or end it") from None
        yield


@contextmanager
def interruptible() -> Iterator[Callable[[], bool]]:
    """Give a function that says whether Ctrl-C was pressed, for use between steps.

    Pressed again it raises KeyboardInterrupt.
    """
    pressed: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        if pressed:
            raise KeyboardInterrupt
        pressed.append(number)

    if threading.current_thread() is not threading.main_thread() or not callable(signal.getsignal(signal.SIGINT)):
        yield lambda: False
        return
    before = signal.signal(signal.SIGINT, note)
    try:
        yield lambda: bool(pressed)
    finally:
        signal.signal(signal.SIGINT, before)
