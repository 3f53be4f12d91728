"""Runs of compiled programs in processes of their own, with progress from their output.

No process or folder is left behind, even if this process is ended by SIGKILL: another one, the guard, waits at a pipe
for its end, and then ends the program. So no signal is handled here, and the program needs no code for it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np

from ernsnn.arrays import Arrays, Form
from ernsnn.backend.protocol import Program, Progress
from ernsnn.errors import InvalidModel, ProgramFailed
from ernsnn.graph.graph import Graph
from ernsnn.loading import Unfit, reading
from ernsnn.recording.recording import RECORDING_FILE, Recording, forms_of_run

PROGRESS = "@progress "
"""The beginning of a program's line on its progress; a fraction follows. Other lines are its output."""

_LAST_LINES = 12

_GUARD = """
import os, shutil, signal, sys, time

def send(number):
    try:
        os.killpg(group, number)
    except OSError:
        return False
    return True

groups = []
for line in sys.stdin:  # not to its end, which does not come while a fork of who writes there is left
    if line == "done\\n":
        sys.exit()
    groups.append(int(line))
for group in groups:
    ends = time.monotonic() + 5
    send(signal.SIGTERM)  # on which programs tidy up
    while send(0) and time.monotonic() < ends:
        time.sleep(0.05)
    send(signal.SIGKILL)
for folder in sys.argv[1:]:
    shutil.rmtree(folder, ignore_errors=True)
"""
"""Program of a process that reads numbers of process groups, and ends these groups unless it reads ``done``."""


def recorded(
    program: Program, progress: Progress, what: str, *arguments: str, forms: Mapping[str, Form] | None = None
) -> dict[str, np.ndarray]:
    """Run a program in a temporary folder. Returns the arrays of its ``recording.npz``.

    It is given the name of that file, and ``arguments``. Raises ProgramFailed where it fails, and where it leaves no
    such file, a damaged one, or, with ``forms``, other arrays than those, all of which must be there.
    """
    with written(program) as folder:
        run_program(folder, program.main, [RECORDING_FILE, *arguments], progress, what, scratch=folder.parent)
        with reading_of(what, folder / RECORDING_FILE):
            recorded_arrays = Arrays(folder / RECORDING_FILE, forms, what="it")
            for name in sorted((forms or {}).keys() - recorded_arrays.keys()):
                raise Unfit(f"{name} is missing")
            return recorded_arrays.all()


def recorded_run(
    program: Program,
    progress: Progress,
    what: str,
    graph: Graph,
    n_steps: int,
    *arguments: str,
    first_step: int = 0,
    about: Collection[str] = (),
    further: Mapping[str, Form] | None = None,
    lacks: Collection[str] = (),
) -> tuple[Recording, dict[str, str]]:
    """``recorded`` of a program that runs ``graph``: the recording, and the texts ``about/NAME``.

    The program records ``further`` arrays beyond ``forms_of_run``, of which it ``lacks`` some. Raises ProgramFailed
    also where what it records cannot be of that run.
    """
    texts = {f"about/{name}": Form("U", ()) for name in about}
    forms = {name: form for name, form in forms_of_run(graph, n_steps).items() if name not in lacks}
    arrays = recorded(program, progress, what, *arguments, forms={**forms, **texts, **(further or {})})
    facts = {name.removeprefix("about/"): str(arrays.pop(name)) for name in texts}
    with reading_of(what):
        return Recording.of_run(arrays, {}, graph, n_steps, first_step), facts


@contextmanager
def reading_of(what: str, path: Path | None = None) -> Iterator[None]:
    """Turn every error while the file ``path`` of a program is read into ProgramFailed."""
    try:
        with reading("it"):
            yield
    except (FileNotFoundError, NotADirectoryError):
        raise ProgramFailed(f"{what} ended, but has recorded nothing") from None
    except InvalidModel as error:
        why = str(error) if path is None else str(error).replace(f"{path}: ", "").replace(str(path), path.name)
        raise ProgramFailed(f"{what} ended, but what it recorded is no such run: {why}") from None


@contextmanager
def written(program: Program) -> Iterator[Path]:
    """Write a program into a temporary folder, which is removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="ernsnn-") as scratch:
        yield program.write(Path(scratch) / "program")


def run_program(
    folder: Path, main: str, arguments: Sequence[str], progress: Progress, what: str, scratch: Path | None = None
) -> None:
    """Run ``main`` in ``folder`` with this interpreter. Raises ProgramFailed, with its last words, if it fails.

    Whatever happens here - Ctrl-C included - the program and all its children are gone when this returns. If this
    process ends before, they are ended, and the folder ``scratch`` is removed.
    """
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as errors, _guard(scratch) as watch_group:
        process = subprocess.Popen(
            [sys.executable, "-u", main, *arguments],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        output: list[str] = []
        try:
            watch_group(process.pid)
            assert process.stdout is not None
            for line in process.stdout:
                if line.startswith(PROGRESS):
                    with suppress(ValueError):
                        progress(float(line[len(PROGRESS) :]))
                else:
                    output = [*output, line][-_LAST_LINES:]
            code = process.wait()
        finally:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            if process.stdout is not None:
                process.stdout.close()
        if code != 0:
            errors.seek(0)
            words = [line.rstrip() for line in [*output, *errors.readlines()] if line.strip()][-_LAST_LINES:]
            cause = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"stopped with exit code {code}"
            raise ProgramFailed(f"{what} {cause}:\n" + "\n".join(f"  {line}" for line in words))


@contextmanager
def _guard(scratch: Path | None) -> Iterator[Callable[[int], None]]:
    """Start the guard. Yields a function that sends it the number of a process group."""
    guard = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _GUARD, *([] if scratch is None else [scratch])],
        cwd="/",
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    assert guard.stdin is not None

    def tell(what: int | str) -> None:
        with suppress(BrokenPipeError):  # the guard has been ended
            print(what, file=guard.stdin, flush=True)

    try:
        yield tell
    finally:
        tell("done")
        with suppress(BrokenPipeError):
            guard.stdin.close()
        guard.wait()
