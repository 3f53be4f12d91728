"""Available memory, by which requests are checked before they are made."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from ernsnn.errors import InvalidModel

_MACHINE, _GROUP, _OURS = Path("/proc/meminfo"), Path("/sys/fs/cgroup"), Path("/proc/self/statm")


def available_bytes() -> int:
    """The bytes that can still be allocated: the least that machine, container and this process's limit leave."""
    return max(0, min([_of_machine(), *_of_container(), *_of_process()]))


def _of_machine() -> int:
    """The available memory of the machine by its kernel, or else its total memory."""
    with suppress(OSError):
        for line in _MACHINE.read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _of_container() -> Iterator[int]:
    """Yield the bytes that a control group (version 2) leaves, without cached files; nothing where it has no limit."""
    with suppress(OSError, ValueError):
        limit, taken = (int((_GROUP / f"memory.{what}").read_text(encoding="ascii")) for what in ("max", "current"))
        lines = (_GROUP / "memory.stat").read_text(encoding="ascii").splitlines()
        yield limit - taken + sum(int(line.split()[1]) for line in lines if line.startswith("inactive_file "))


def _of_process() -> Iterator[int]:
    """Yield the bytes that ``ulimit -v`` leaves; nothing where it has no limit."""
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit != resource.RLIM_INFINITY:
        with suppress(OSError):
            yield limit - int(_OURS.read_text(encoding="ascii").split()[0]) * os.sysconf("SC_PAGE_SIZE")


def too_large(needed: int, available: int, of: str = "memory") -> str:
    """The message on a request that does not fit."""
    return f"needs {needed} bytes ({needed / 1e9:.1f} GB) of {of}; {available / 1e9:.1f} GB are available"


def require_memory(path: str, needed: float, remedy: str) -> None:
    """Raise InvalidModel, naming ``path``, where there are fewer bytes than are needed."""
    available = available_bytes()
    if needed > available:
        raise InvalidModel(f"{path}: {too_large(int(needed), available)}; {remedy}")
