"""Discovery of installed backends, models and experiments through entry points."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

GROUP = "ernsnn.backends"


def discover(group: str) -> dict[str, Callable[[], Any]]:
    """Name -> loader of every entry point of ``group``; loading one that is broken raises, the others still work."""
    from importlib.metadata import entry_points  # takes as long to import as all of ernsnn.graph

    return {point.name: point.load for point in sorted(entry_points(group=group), key=lambda point: point.name)}


def backend_names() -> list[str]:
    """The names of all installed backends, loadable or not."""
    return list(discover(GROUP))
