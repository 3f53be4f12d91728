"""Where a recording comes from: what stands in its meta data."""

from __future__ import annotations

import platform
from importlib.metadata import version
from typing import Any

import numpy as np

from ernsnn.graph.graph import Graph


def ernsnn_version() -> str:
    """The version of this package."""
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
    """What is said of every run, ``run`` being what it is called; ``versions`` are those of what the backend uses."""
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
