"""check, compile and run: the three things one does with a network."""

from __future__ import annotations

import platform
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from ernsnn.describe.network import Network
from ernsnn.describe.units import to_unit, whole_steps
from ernsnn.errors import BackendNotAvailable, InvalidModel
from ernsnn.execution.backend import Backend, Program, Progress, get_backend
from ernsnn.execution.issues import Issues
from ernsnn.execution.result import Result
from ernsnn.graph.graph import Graph
from ernsnn.graph.lower import lower

_BAR_AFTER_S = 2.0


def as_graph(model: Network | Graph, seed: int = 0) -> Graph:
    """A network lowered; a graph as it is."""
    return model if isinstance(model, Graph) else lower(model, seed)


def _steps(graph: Graph, duration_ms: Any) -> int:
    duration = to_unit(duration_ms, "ms", "duration_ms")
    if not isinstance(duration, float) or duration <= 0:
        raise InvalidModel(f"duration_ms: must be a time > 0, got {duration_ms!r}")
    steps = whole_steps(duration, graph.dt_ms, "duration_ms")
    if steps < 1:
        raise InvalidModel(f"duration_ms: must be at least one step of {graph.dt_ms} ms, got {duration_ms!r}")
    return steps


def check(model: Network | Graph, backend: str | Backend, *, seed: int = 0) -> Issues:
    """Every limit that a model meets on a backend."""
    return get_backend(backend).check(as_graph(model, seed))


def compile(  # noqa: A001 - the field's word for it
    model: Network | Graph,
    backend: str | Backend = "brian2",
    *,
    duration_ms: Any,
    out: str | Path,
    seed: int = 0,
    **options: Any,
) -> Program:
    """Write the program that runs ``model`` for ``duration_ms`` into the folder ``out``; it needs no ernsnn to run.

    Raises UnsupportedOnBackend, listing every reason, where the backend cannot.
    """
    graph, chosen = as_graph(model, seed), get_backend(backend)
    settings = chosen.settings(options)
    chosen.require(graph)
    program = chosen.compile(graph, _steps(graph, duration_ms), **settings)
    program.write(out)
    return program


def run(
    model: Network | Graph, *, duration_ms: Any, seed: int = 0, backend: str | Backend = "brian2", **options: Any
) -> Result:
    """Simulate ``model`` for ``duration_ms`` on a backend; the options are the backend's own.

    Shows a progress bar on a terminal for anything over two seconds. Raises InvalidModel, UnsupportedOnBackend
    (listing every reason), BackendNotAvailable and ProgramFailed.
    """
    chosen = get_backend(backend)
    settings = chosen.settings(options)
    graph = as_graph(model, seed)
    n_steps = _steps(graph, duration_ms)
    issues = chosen.require(graph)
    missing = chosen.missing()
    if missing:
        raise BackendNotAvailable(missing)
    began = time.perf_counter()
    with progress_bar(f"{graph.name} on {chosen.name}") as progress:
        recording = chosen.run(graph, n_steps, progress, **settings)
    recording.meta.update(
        backend=chosen.name,
        model=graph.name,
        digest=graph.digest,
        seed=graph.seed,
        dt_ms=graph.dt_ms,
        duration_ms=n_steps * graph.dt_ms,
        wall_s=round(time.perf_counter() - began, 4),
        options={**settings, **recording.meta.get("options", {})},
        issues=issues.to_json(),
        versions={"ernsnn": version("ernsnn"), "python": platform.python_version(), "numpy": np.__version__}
        | recording.meta.get("versions", {}),
    )
    return Result(graph, recording)


@contextmanager
def progress_bar(label: str) -> Iterator[Progress]:
    """A bar on a terminal, for what takes over two seconds; it is told the fraction done."""
    if not sys.stderr.isatty():
        yield lambda fraction: None
        return
    from tqdm import tqdm

    form = "{desc}: {percentage:3.0f}%|{bar}| {elapsed}<{remaining}"
    with tqdm(total=1.0, desc=label, delay=_BAR_AFTER_S, leave=False, bar_format=form) as bar:
        yield lambda fraction: bar.update(max(0.0, min(1.0, fraction) - bar.n)) and None
