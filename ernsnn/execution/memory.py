"""How much memory there is, so that what needs more is refused before any is taken."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from ernsnn.execution.issues import Issue
from ernsnn.graph.graph import Graph


def available_bytes() -> int:
    """What this machine can still give: as its kernel says, or else all that it has."""
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def too_large(needed: int, available: int) -> str:
    """The message of a refusal."""
    return f"needs {needed} bytes ({needed / 1e9:.1f} GB) of memory; {available / 1e9:.1f} GB are available"


def too_little_memory(graph: Graph, backend: str, code: str, needed: int) -> Iterator[Issue]:
    """The issue of a graph that needs more bytes than there are."""
    available = available_bytes()
    if needed > available:
        yield Issue(
            backend=backend,
            code=code,
            path=graph.name,
            fidelity="unsupported",
            message=too_large(needed, available),
            remedy="fewer synapses, or a machine with more memory",
        )
