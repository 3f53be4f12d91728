"""Runs Lava processes under a watchdog. Compiled programs carry a copy: it needs Lava only.

Every Lava process is an operating system process. Where one of them fails, Lava often waits for ever for its answer; so
a thread watches them all, prints which failed and why, and ends the program and all its processes.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing import resource_tracker
from types import FrameType
from typing import Any, NoReturn

from lava.magma.core.run_conditions import RunSteps

_LOOK_EVERY_S = 0.2
_REPORT_EVERY_S = 0.5


def run(
    processes: Sequence[Any], n_steps: int, patience_s: float, config: Any, at_end: Callable[[], None] = lambda: None
) -> None:
    """Run all ``processes``, connected or not, for ``n_steps``, printing "@progress" with the fraction done.

    ``config`` says on what; ``at_end`` is called before they are stopped, while variables can still be read.

    Ends the program with exit code 1 and the cause on standard error if a process fails, or if nothing is heard from
    them for ``patience_s``. Ctrl-C, SIGTERM and the end of its terminal leave nothing as well.
    """
    signal.signal(signal.SIGTERM, _interrupted)
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # as under nohup
        signal.signal(signal.SIGHUP, _interrupted)
    watchdog = _Watchdog(processes, patience_s)
    try:
        _run(processes, n_steps, config, watchdog)
        at_end()
        watchdog.rest()
        for process in processes:
            if process.runtime is not None and process.runtime._is_started:
                process.stop()
    except BaseException as error:
        if not isinstance(error, KeyboardInterrupt):
            # A failed process may still be writing its error.
            time.sleep(2 * _LOOK_EVERY_S)
        end(processes, _causes(processes) or [f"{type(error).__name__}: {error}"])


def _run(processes: Sequence[Any], n_steps: int, config: Any, watchdog: _Watchdog) -> None:
    done, chunk = 0, 1
    while done < n_steps:
        start, chunk = time.monotonic(), min(chunk, n_steps - done)
        # Lava runs what is connected with what it is asked to run: one of each island.
        runtimes: list[Any] = []
        for process in processes:
            if process.runtime is None or all(process.runtime is not other for other in runtimes):
                process.run(condition=RunSteps(num_steps=chunk), run_cfg=config)
                runtimes.append(process.runtime)
        done += chunk
        watchdog.heard()
        print(f"@progress {done / n_steps:.6f}", flush=True)
        if time.monotonic() - start < _REPORT_EVERY_S:
            chunk *= 2


class _Watchdog:
    """Watches the processes from a thread, until it is stopped."""

    def __init__(self, processes: Sequence[Any], patience_s: float) -> None:
        self.processes, self.patience_s = processes, patience_s
        self.last, self.resting = time.monotonic(), threading.Event()
        threading.Thread(target=self._watch, daemon=True).start()

    def heard(self) -> None:
        self.last = time.monotonic()

    def rest(self) -> None:
        self.resting.set()

    def _watch(self) -> None:
        while not self.resting.wait(_LOOK_EVERY_S):
            causes = _causes(self.processes)
            if not causes and time.monotonic() - self.last > self.patience_s:
                causes = [f"nothing was heard from the Lava processes for {self.patience_s:g} s"]
            if causes and not self.resting.is_set():
                end(self.processes, causes)


def _causes(processes: Sequence[Any]) -> list[str]:
    """The errors of all Lava processes that failed."""
    causes = []
    for actor in _actors(processes):
        with suppress(Exception):  # a process may end, and its pipe close, while we ask
            if actor.exception:
                causes.append(actor.exception[1])
            elif actor.exitcode:
                causes.append(f"a Lava process was ended with exit code {actor.exitcode}")
    return causes


def _actors(processes: Sequence[Any]) -> list[Any]:
    runtimes = {id(p.runtime): p.runtime for p in processes if p.runtime is not None}
    infrastructures = [runtime._messaging_infrastructure for runtime in runtimes.values()]
    return [actor for infrastructure in infrastructures if infrastructure for actor in infrastructure.actors]


def end(processes: Sequence[Any], causes: Sequence[str]) -> NoReturn:
    """Print the cause, and end the program, its processes and its shared memory."""
    for cause in causes:
        print(cause, file=sys.stderr)
    children = multiprocessing.active_children()
    managers = {id(p.runtime): p.runtime._messaging_infrastructure for p in processes if p.runtime is not None}
    actors = [actor for actor in children if hasattr(actor, "exception")]
    for actor in actors:
        actor.kill()
    for infrastructure in managers.values():
        with suppress(Exception):
            infrastructure.smm.shutdown()  # removes the shared memory
    for child in children:
        child.kill()
    with suppress(Exception):
        resource_tracker._resource_tracker._stop()  # type: ignore[attr-defined]
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(1)


def _interrupted(number: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt
