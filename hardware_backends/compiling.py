"""Kernels of one network that are not kept yet, compiled by as many processes as there are processors.

Compiling is one thread's work, in LLVM and in Python, and each kernel takes .4 to 5 s. The processes are copies of this
one that end when nothing is left to compile: each writes what it compiled where kernels are kept, from where this one
loads it. They are killed where this one is interrupted.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress

from ernsnn.graph.chunks import processors

from .machine_code import Wanted, noting

_MOST = 256
"""So many kernels are shared out at most: a turn is one byte."""


def compiled_together(bind: Callable[[], None]) -> None:
    """Call ``bind``, which binds kernels; those that are not kept are compiled by several processes before.

    ``bind`` is called twice then: first only to see which ones are missing, and these cannot be called.
    """
    with noting() as missing:
        bind()
    if missing:
        in_processes(missing, min(processors(), len(missing)))
        bind()


def in_processes(missing: Sequence[Wanted], n: int) -> None:
    """Compile ``missing`` kernels in ``n`` processes, of which this is one, and keep them.

    Nothing happens where that cannot be, and whatever is still missing then is compiled when it is bound: if there is
    one process, if this one has other threads (a copy has none of them, and would wait for what they hold), off Linux,
    and where nothing can be kept.
    """
    if n < 2 or threading.active_count() > 1 or sys.platform != "linux" or not missing[0].can_be_kept():
        return
    import numba  # noqa: F401  (once, not in each copy)

    long = sorted(missing, key=lambda each: len(each.kernel.text), reverse=True)[:_MOST]
    turns, end = os.pipe()
    os.write(end, bytes(range(len(long))))
    os.close(end)
    others: list[int] = []
    try:
        for _ in range(n - 1):
            others.append(_copied(long, turns))
        _work(long, turns)
        while others:
            os.waitpid(others[-1], 0)
            others.pop()
    finally:
        os.close(turns)
        for pid in others:
            with suppress(ProcessLookupError, ChildProcessError):
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)


def _copied(missing: Sequence[Wanted], turns: int) -> int:
    """A copy of this process that works and ends, whatever happens; returns its id."""
    parent = os.getpid()
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):  # of NumPy's threads, which stay here
        pid = os.fork()
    if pid:
        return pid
    try:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        _work(missing, turns, parent)
    finally:
        os._exit(0)


def _work(missing: Sequence[Wanted], turns: int, parent: int = 0) -> None:
    """Take turns, until there is none left, or the ``parent`` has ended."""
    while turn := os.read(turns, 1):
        if parent and os.getppid() != parent:
            return
        missing[turn[0]].compile()
