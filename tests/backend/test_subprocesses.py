"""Programs in processes of their own: progress, failures with a cause, and nothing left behind."""

from __future__ import annotations

import os
import signal
import time

import pytest

from ernsnn.backend.subprocesses import run_program
from ernsnn.errors import ProgramFailed

PARENT = """
import os, subprocess, sys, pathlib, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
pathlib.Path("pids").write_text(f"{os.getpid()} {child.pid}")
print("@progress 0.5")
time.sleep(600)
"""


def is_running(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_progress_and_own_output(tmp_path):
    (tmp_path / "p.py").write_text(
        "print('@progress 0.25'); print('words'); print('@progress nonsense'); print('@progress 1')"
    )
    seen = []
    run_program(tmp_path, "p.py", [], seen.append, "the program")
    assert seen == [0.25, 1.0]


def test_a_failing_program_says_why(tmp_path):
    (tmp_path / "p.py").write_text("raise ValueError('the membrane is on fire')")
    with pytest.raises(ProgramFailed, match=r"(?s)the program stopped with exit code 1:.*the membrane is on fire"):
        run_program(tmp_path, "p.py", [], lambda fraction: None, "the program")


def test_a_killed_program_says_so(tmp_path):
    (tmp_path / "p.py").write_text(f"import os; os.kill(os.getpid(), {int(signal.SIGKILL)})")
    with pytest.raises(ProgramFailed, match="was ended by SIGKILL"):
        run_program(tmp_path, "p.py", [], lambda fraction: None, "the program")


def test_ctrl_c_leaves_no_process(tmp_path):
    """Ctrl-C arrives while the program waits for a child of its own: both are gone afterwards."""
    (tmp_path / "p.py").write_text(PARENT)

    # Started in the background, a shell has us ignore it.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)

    def interrupt(fraction: float) -> None:
        os.kill(os.getpid(), signal.SIGINT)

    try:
        with pytest.raises(KeyboardInterrupt):
            run_program(tmp_path, "p.py", [], interrupt, "the program")
    finally:
        signal.signal(signal.SIGINT, before)
    pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
    deadline = time.monotonic() + 10
    while any(map(is_running, pids)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(is_running, pids))
