"""Runs a compiled program in a process of its own: progress from its output, and nothing left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from ernsnn.backend.protocol import Program, Progress
from ernsnn.errors import ProgramFailed

PROGRESS = "@progress "
"""How a program's line about its progress starts; a fraction follows. Other lines are its own."""

_LAST_LINES = 12


def recorded(program: Program, progress: Progress, what: str, *arguments: str) -> dict[str, np.ndarray]:
    """Run a program in a folder of its own, which is gone afterwards; the arrays of its ``recording.npz``.

    It is given the name of that file, and ``arguments``.
    """
    with tempfile.TemporaryDirectory(prefix="ernsnn-") as scratch:
        folder = program.write(Path(scratch) / "program")
        run_program(folder, program.main, ["recording.npz", *arguments], progress, what)
        with np.load(folder / "recording.npz", allow_pickle=False) as file:
            return {name: file[name] for name in file.files}


def run_program(folder: Path, main: str, arguments: Sequence[str], progress: Progress, what: str) -> None:
    """Run ``main`` in ``folder`` with this interpreter. Raises ProgramFailed, with its last words, if it fails.

    Whatever happens here - Ctrl-C included - the program and all its children are gone when this returns.
    """
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as errors:
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
