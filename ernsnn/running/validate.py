"""Validation of the arguments of a run: times become steps, notes plain JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ernsnn.backend.memory import recorded_bytes, require_disk, require_room
from ernsnn.backend.protocol import Backend
from ernsnn.backend.registry import names_of
from ernsnn.backend.stepping import SteppedBackend
from ernsnn.describe.units import to_unit, whole_steps
from ernsnn.errors import InvalidModel, UnsupportedOnBackend
from ernsnn.graph.graph import Graph
from ernsnn.running.plan import Plan


def steps_of(graph: Graph, duration_ms: Any, name: str = "duration_ms") -> int:
    """A time above 0 as whole steps."""
    duration = to_unit(duration_ms, "ms", name)
    if not isinstance(duration, float) or duration <= 0:
        raise InvalidModel(f"{name}: must be a time > 0, got {duration_ms!r}")
    steps = whole_steps(duration, graph.dt_ms, name)
    if steps < 1:
        raise InvalidModel(f"{name}: must be at least one step of {graph.dt_ms} ms, got {duration_ms!r}")
    return steps


def check_plan(plan: Plan, graph: Graph, backend: Backend, out: Path | None) -> None:
    """Raise InvalidModel or UnsupportedOnBackend where the arguments of a run contradict one another."""
    if plan.checkpoint_every and out is None:
        raise InvalidModel("checkpoint_every_ms: needs out, the folder that they are kept in")
    if plan.samples and plan.samples[-1] >= plan.end:
        raise InvalidModel(f"weights_at_ms: {plan.samples[-1] * graph.dt_ms:.12g} is not before the end of the run")
    if plan.samples and plan.samples[0] < plan.first_step:
        raise InvalidModel(
            f"weights_at_ms: {plan.samples[0] * graph.dt_ms:.12g} is before the run goes on, at "
            f"{plan.first_step * graph.dt_ms:.12g} ms"
        )
    if not isinstance(backend, SteppedBackend):
        for name, asked in (("checkpoint_every_ms", plan.checkpoint_every), ("weights_at_ms", plan.samples)):
            if asked:
                able = names_of(lambda each: each.stepwise)
                raise UnsupportedOnBackend(f"{name}: {backend.name} is not run step by step; use backend {able}")
    backend.require_installed()
    _require_space(plan, graph, backend, out)


def _require_space(plan: Plan, graph: Graph, backend: Backend, out: Path | None) -> None:
    """Raise InvalidModel where what will be recorded fits neither memory nor, if it goes there, the disk."""
    needed = recorded_bytes(
        graph, plan.first_step, plan.end, lambda kind: backend.recorded_bytes(kind, plan.options), plan.samples
    )
    less = "probe fewer neurons, choose a larger every_ms, or run for a shorter time"
    if not isinstance(backend, SteppedBackend):
        require_room(needed, f"{less}, or on a backend that runs step by step, which with out= records to disk")
    elif out is None:
        require_room(needed, f"{less}, or give out=, with which {backend.name} records to disk")
    else:
        require_disk(needed, out, f"{less}, or name a folder on a larger disk")


def plain_notes(notes: Mapping[str, Any]) -> dict[str, Any]:
    """Notes as JSON holds them, NumPy's values as plain ones. Raises InvalidModel on other values."""

    def plain(value: Any) -> Any:
        if isinstance(value, np.ndarray | np.generic):
            return value.tolist()
        raise TypeError(f"has an object of type {type(value).__name__}")

    try:
        copied: dict[str, Any] = json.loads(json.dumps(dict(notes), default=plain))
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidModel(f"notes: JSON cannot hold them: {error}") from None
    return copied


def samples_of(graph: Graph, times_ms: Any) -> tuple[int, ...]:
    """The steps, rising, that start at ``times_ms``, in which weights are recorded."""
    times = np.atleast_1d(np.asarray(to_unit(times_ms, "ms", "weights_at_ms"), dtype=float))
    if times.ndim > 1:
        raise InvalidModel(f"weights_at_ms: must be a list of times, got an array of shape {times.shape}")
    steps = {whole_steps(time_ms, graph.dt_ms, "weights_at_ms") for time_ms in times.tolist()}
    if steps and min(steps) < 0:
        raise InvalidModel("weights_at_ms: times start at 0")
    if steps and not any(p.learning for p in graph.projections):
        raise InvalidModel(f"weights_at_ms: {graph.name} has no plastic projection, so weights stay as they are")
    return tuple(sorted(steps))
