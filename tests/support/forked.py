"""Runs compiled programs in forks of a process that has imported the simulator already: tests need many of them."""

from __future__ import annotations

import os
import runpy
import sys
import tempfile
import traceback
from dataclasses import replace
from pathlib import Path

import numpy as np
from alike import assert_alike

from ernsnn.backend.protocol import Program
from ernsnn.graph.graph import Graph
from ernsnn.hardware_backends.brian2.compiler import compile_program
from ernsnn.hardware_backends.brian2.layout import Layout
from ernsnn.hardware_backends.brian2.start import state_after
from ernsnn.hardware_backends.reference.engine import Engine
from ernsnn.recording.recording import Recording


def run_forked(
    graph: Graph, n_steps: int, target: str = "numpy", threads: int = 0, start: Recording | None = None
) -> Recording:
    """``Brian2Backend.run`` without starting Python and importing Brian2 again."""
    import brian2  # noqa: F401

    recording = recording_of(compile_program(graph, n_steps, target=target, threads=threads, start=start))
    return replace(recording, state=state_after(Layout(graph), recording, start))


def recording_of(program: Program) -> Recording:
    """The recording of a program, which is executed in a fork of this process."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = program.write(Path(scratch) / "program")
        child = os.fork()
        if child == 0:
            code = 1
            try:
                os.chdir(folder)
                log = os.open("log.txt", os.O_WRONLY | os.O_CREAT)
                os.dup2(log, 1)
                os.dup2(log, 2)
                sys.argv = ["program.py", "recording.npz"]
                sys.path.insert(0, str(folder))
                runpy.run_path("program.py", run_name="__main__")
                code = 0
            except SystemExit as ended:
                code = int(bool(ended.code))
            except BaseException:
                traceback.print_exc()
                sys.stderr.flush()
            finally:
                os._exit(code)
        _, status = os.waitpid(child, 0)
        if status != 0:
            raise AssertionError("the program failed:\n" + (folder / "log.txt").read_text()[-6000:])
        with np.load(folder / "recording.npz", allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files if not name.startswith("about/")}
    return Recording.from_arrays(arrays, {})


def assert_same(graph, n_steps, **options):
    """Assert that recordings of Brian2 and of the reference are alike (see ``alike``)."""
    expected = Engine(graph).run(n_steps, lambda fraction: None)
    assert_alike(run_forked(graph, n_steps, **options), expected)
