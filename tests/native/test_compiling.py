"""Kernels that are missing are compiled by several processes, which end with their work, or where it is interrupted."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ernsnn.hardware_backends import compiling, machine_code

HEAD = """
import os, signal, sys, threading, time
from pathlib import Path
from ernsnn.hardware_backends import compiling, machine_code
from ernsnn.hardware_backends.native.kernels.jit import LIBRARY, load

compiling.processors = lambda: 3
me, seen, real = os.getpid(), Path(sys.argv[1]), machine_code.Kernel.compile
kernels = [load(f"def times{n}(k):\\n    return {n} * k\\n")[f"times{n}"] for n in range(6)]
calls = []

def compile(self, *given):
    (seen / f"{os.getpid()} {self.function.__name__}").touch()
    return task(self, *given)

machine_code.Kernel.compile = compile

def bind():
    calls[:] = [kernel.bind() for kernel in kernels]

def has_children():
    try:
        return bool(os.waitpid(-1, os.WNOHANG))
    except ChildProcessError:
        return False
"""
TAIL = """
compiling.compiled_together(bind)
assert [call(7) for call in calls] == [7 * n for n in range(6)]
assert not has_children()
"""


def run(tmp_path: Path, script: str, **environment: str) -> list[tuple[str, str]]:
    """Run a script in a process of its own with an empty cache; which process compiled which kernel."""
    seen = tmp_path / "seen"
    seen.mkdir()
    environment = {"ERNSNN_CACHE": str(tmp_path / "cache"), **environment}
    code = HEAD + script
    command = [sys.executable, "-c", code, str(seen)]
    done = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    pairs = [path.name.split() for path in seen.iterdir()]
    return [(pid, kernel) for pid, kernel in pairs]


def test_several_processes_compile_each_kernel_once(tmp_path: Path) -> None:
    slow = "def task(*given):\n    time.sleep(0.3)\n    return real(*given)\n"
    compiled = run(tmp_path, slow + TAIL)
    assert sorted(kernel for _, kernel in compiled) == [f"times{n}" for n in range(6)]
    assert len({pid for pid, _ in compiled}) == 3
    assert len(list((tmp_path / "cache" / "native").glob("*.kernel"))) == 6
    assert len(list((tmp_path / "cache" / "native").iterdir())) == 6


def test_what_another_process_could_not_compile_is_compiled_here(tmp_path: Path) -> None:
    fails = """
def task(*given):
    if os.getpid() != me:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.3)
    return real(*given)
"""
    compiled = run(tmp_path, fails + TAIL)
    assert len({pid for pid, _ in compiled}) == 3
    assert len(compiled) == 8


def test_processes_end_when_this_one_is_interrupted(tmp_path: Path) -> None:
    stops = """
def task(*given):
    if os.getpid() != me:
        time.sleep(1000)
    while len(list(seen.iterdir())) < 3:
        time.sleep(0.01)
    raise KeyboardInterrupt

try:
    compiling.compiled_together(bind)
except KeyboardInterrupt:
    assert not has_children()
    assert not os.listdir(LIBRARY.kept_in())
else:
    raise AssertionError
"""
    assert len({pid for pid, _ in run(tmp_path, stops)}) == 3


@pytest.mark.parametrize(
    "alone",
    [
        "compiling.processors = lambda: 1",
        "kernels = kernels[:1]; calls.clear()",
        "threading.Thread(target=time.sleep, args=(100,), daemon=True).start()",
        "os.environ['ERNSNN_CACHE'] = '/dev/null/nowhere'",
    ],
)
def test_one_process_where_more_would_not_help(tmp_path: Path, alone: str) -> None:
    whole = "def task(*given):\n    return real(*given)\n"
    tail = TAIL.replace("range(6)", "range(len(kernels))")
    [pid] = {pid for pid, _ in run(tmp_path, f"{whole}{alone}\n{tail}")}
    assert pid


def test_nothing_is_forked_where_all_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    from ernsnn.hardware_backends.native.kernels.jit import load

    kernel = load("def four_times(k):\n    return 4 * k\n")["four_times"]
    assert kernel.bind()(2) == 8
    monkeypatch.setattr(compiling, "in_processes", None)
    found: list[machine_code.Call] = []
    compiling.compiled_together(lambda: found.append(kernel.bind()))
    assert [call(3) for call in found] == [12]
