"""How much memory there is, so that what needs more is refused before any is taken."""

from __future__ import annotations

import os
from pathlib import Path

from ernsnn.errors import InvalidModel


def available_bytes() -> int:
    """What this machine can still give: as its kernel says, or else all that it has."""
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def too_large(needed: int, available: int, of: str = "memory") -> str:
    """The message of a refusal."""
    return f"needs {needed} bytes ({needed / 1e9:.1f} GB) of {of}; {available / 1e9:.1f} GB are available"


def require_memory(path: str, needed: float, remedy: str) -> None:
    """Raise InvalidModel, naming ``path``, where there are fewer bytes than are needed."""
    available = available_bytes()
    if needed > available:
        raise InvalidModel(f"{path}: {too_large(int(needed), available)}; {remedy}")
