"""However a run of Lava ends, its cause is told, and no process and no shared memory is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from lava_needed import cells, needs_lava, running, segments, source, synapses

from ernsnn.backend.protocol import Program
from ernsnn.errors import ProgramFailed
from ernsnn.hardware_backends.loihi.arithmetic.integers import IntegerNetwork
from ernsnn.hardware_backends.loihi.lava.compiler import compile_program
from ernsnn.hardware_backends.loihi.lava.run import run_lava_program

pytestmark = [needs_lava, pytest.mark.slow]

NETWORK = IntegerNetwork(
    sources=(source("in", [1, 2, 3]),),
    cells=(cells("a"), cells("b")),
    connections=(synapses("in a", "in", "a", [[200]]), synapses("a b", "a", "b", [[200]])),
    astrocytes=(),
    scale={},
)


def program(what_happens: str, n_steps: int = 100, patience_s: float = 60) -> Program:
    """In step 20, in the processes of both populations, ``what_happens``."""
    made = compile_program(NETWORK, n_steps, "x", patience_s=patience_s)
    models, place = str(made.files["processes/models.py"]), "        step = self.time_step - 1\n"
    assert models.count(place) == 1
    accident = f"{place}        if step == 20:\n            import os, time\n            {what_happens}\n"
    return replace(made, files={**made.files, "processes/models.py": models.replace(place, accident)})


@pytest.fixture(autouse=True)
def nothing_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = segments()
    yield
    for _ in range(50):  # a killed process takes a moment
        if not running(tmp_path) and not segments() - before:
            break
        time.sleep(0.1)
    assert running(tmp_path) == []
    assert segments() - before == set()
    assert list(tmp_path.glob("ernsnn-lava-*")) == []


def run(made: Program) -> None:
    run_lava_program(made, lambda fraction: None, "the program")


def test_an_ordinary_end() -> None:
    run(program("pass"))


def test_an_error_in_a_process() -> None:
    with pytest.raises(ProgramFailed, match=r"(?s)the program stopped with exit code 1.*ValueError: on fire"):
        run(program("raise ValueError('on fire')"))


def test_a_process_that_dies() -> None:
    with pytest.raises(ProgramFailed, match="a Lava process was ended with exit code -9"):
        run(program("os.kill(os.getpid(), 9)"))


def test_a_process_that_hangs() -> None:
    with pytest.raises(ProgramFailed, match="nothing was heard from the Lava processes for 5 s"):
        run(program("time.sleep(600)", patience_s=5))


def test_an_error_before_anything_runs() -> None:
    made = program("pass")
    broken = str(made.files["program.py"]).replace("Cells(\n", "Cells(\n    no_such_thing=[][1],\n", 1)
    with pytest.raises(ProgramFailed, match="IndexError"):
        run(replace(made, files={**made.files, "program.py": broken}))


def test_ctrl_c() -> None:
    def interrupt(fraction: float) -> None:
        if fraction < 1:
            os.kill(os.getpid(), signal.SIGINT)

    # Started in the background, a shell has us ignore it.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            run_lava_program(program("pass", n_steps=10**7), interrupt, "the program")
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_program_on_its_own_that_is_interrupted(tmp_path: Path, by: signal.Signals) -> None:
    """As a user starts it: without a watching parent, in a terminal that tells every process."""
    folder = program("pass", n_steps=10**7).write(tmp_path / "program")
    process = subprocess.Popen(
        [sys.executable, "-u", "program.py"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    # A shell in the background ignores SIGINT, and so would what it starts.
    process.stdout.readline()
    if by == signal.SIGINT:
        os.killpg(process.pid, by)
    else:
        process.send_signal(by)
    assert process.wait(timeout=60) == 1
    process.communicate()
