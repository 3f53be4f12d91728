"""The meta data of a recording: backend, versions, options and time."""

from __future__ import annotations

import platform
from typing import Any

import numpy as np

from ernsnn.graph.graph import Graph


def ernsnn_version() -> str:
    """The version of this package."""
    from importlib.metadata import version  # as in discovery

    return version("ernsnn")


def about_run(
    graph: Graph,
    run: str,
    backend: str,
    n_steps: int,
    wall_s: float,
    options: dict[str, Any],
    versions: dict[str, str],
) -> dict[str, Any]:
    """The meta data of a run with the name ``run``; ``versions``: library -> version of what the backend uses."""
    return {
        "run": run,
        "backend": backend,
        "model": graph.name,
        "digest": graph.digest,
        "seed": graph.seed,
        "dt_ms": graph.dt_ms,
        "duration_ms": n_steps * graph.dt_ms,
        "wall_s": round(wall_s, 4),
        "options": options,
        "versions": {
            "ernsnn": ernsnn_version(),
            "python": platform.python_version(),
            "numpy": np.__version__,
            **versions,
        },
    }
