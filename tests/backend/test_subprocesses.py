"""Programs in processes of their own: progress, failures with a cause, and nothing left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

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
    gone([int(pid) for pid in (tmp_path / "pids").read_text().split()])


CALLER = """
import signal

signal.signal(signal.SIGHUP, signal.SIG_DFL)  # under nohup it would be ignored
import sys
from pathlib import Path
from ernsnn.backend.protocol import Program
from ernsnn.backend.subprocesses import recorded

def told(fraction):
    print(fraction, flush=True)

text = Path("program").read_text()
recorded(Program({"program.py": text}), told, "the program")
"""


def called(tmp_path, program=PARENT):
    """A process that runs the program, which has begun; its pids, and the folder in which it runs."""
    (tmp_path / "caller.py").write_text(CALLER)
    (tmp_path / "program").write_text(program)
    (tmp_path / "scratch of mine").mkdir()
    caller = subprocess.Popen(
        [sys.executable, "caller.py"],
        cwd=tmp_path,
        env={**os.environ, "TMPDIR": str(tmp_path / "scratch of mine"), "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert caller.stdout.readline() == "0.5\n"
    (pids,) = (tmp_path / "scratch of mine").glob("*/program/pids")
    return caller, [int(pid) for pid in pids.read_text().split()]


def gone(pids, folder=None):
    deadline = time.monotonic() + 20
    while (any(map(is_running, pids)) or (folder and any(folder.iterdir()))) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(is_running, pids))
    assert folder is None or not any(folder.iterdir())


STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)" + PARENT


@pytest.mark.parametrize("by", ["SIGTERM", "SIGHUP", "SIGKILL", "SIGSEGV"])
def test_a_caller_that_ends_leaves_no_process_and_no_folder(by, tmp_path):
    """A terminal that is closed, a scheduler that ends a job, a machine out of memory."""
    caller, pids = called(tmp_path)
    caller.send_signal(getattr(signal, by))
    assert caller.wait(timeout=20) == -getattr(signal, by)
    assert caller.communicate(timeout=5)[0] == ""  # nothing holds its output open
    gone(pids, tmp_path / "scratch of mine")


def test_nor_does_its_whole_group_of_processes(tmp_path):
    caller, pids = called(tmp_path)
    os.killpg(caller.pid, signal.SIGKILL)
    caller.communicate(timeout=20)
    gone(pids, tmp_path / "scratch of mine")


def test_a_program_that_is_deaf_to_sigterm_is_ended_too(tmp_path):
    caller, pids = called(tmp_path, STUBBORN)
    caller.kill()
    caller.communicate(timeout=20)
    gone(pids, tmp_path / "scratch of mine")


def test_a_program_that_has_ended_leaves_no_guard(tmp_path):
    def children():
        return (Path("/proc/self/task") / str(os.getpid()) / "children").read_text().split()

    (tmp_path / "p.py").write_text("print('@progress 1')")
    before, during = children(), []
    run_program(tmp_path, "p.py", [], lambda fraction: during.extend(children()), "the program", scratch=tmp_path)
    assert len(during) == len(before) + 2
    assert children() == before
    assert (tmp_path / "p.py").exists()


def test_a_fork_that_goes_on_holds_nothing_up(tmp_path):
    """As of a pool of processes that another thread begins meanwhile."""
    (tmp_path / "p.py").write_text("print('@progress 1')")
    forks = []

    def fork(fraction):
        forks.append(os.fork())
        if forks[-1] == 0:
            signal.pause()
            os._exit(0)

    try:
        run_program(tmp_path, "p.py", [], fork, "the program")
    finally:
        os.kill(forks[0], signal.SIGKILL)
        os.waitpid(forks[0], 0)


def test_a_program_runs_without_its_guard(tmp_path):
    def end_it(fraction):
        for child in (Path("/proc/self/task") / str(os.getpid()) / "children").read_text().split():
            if b"\0-I\0-S\0-c\0" in Path(f"/proc/{child}/cmdline").read_bytes():
                os.kill(int(child), signal.SIGKILL)

    (tmp_path / "p.py").write_text("print('@progress 0.5'); print('@progress 1'); open('made', 'w')")
    run_program(tmp_path, "p.py", [], end_it, "the program", scratch=tmp_path)
    assert (tmp_path / "made").exists()
