"""Measurement of peak memory, as Linux counts it."""

from __future__ import annotations

import resource
from pathlib import Path


class Memory:
    """Watches this process and its children from now on."""

    def __init__(self) -> None:
        # Forgets the largest size that this process has had.
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
        self.before = _status("VmRSS")

    def taken(self) -> int:
        """The bytes by which this process has grown at most, or those of the largest child that has ended."""
        children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
        return max(_status("VmHWM") - self.before, children)


def _status(name: str) -> int:
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise OSError(f"/proc/self/status has no {name}")
