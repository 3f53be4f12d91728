"""Runs of workers in turn on one network: medians, ratios and equality of their spikes."""

from __future__ import annotations

import importlib.util
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ernsnn.backend.registry import get_backend
from ernsnn.errors import BackendNotAvailable, InvalidModel, ProgramFailed
from ernsnn.graph.memory import require_memory

from .cases import Case
from .worker import BY_HAND

Json = dict[str, Any]
_BANDWIDTH_MB = 256
_LEAST_BYTES = 4
"""Bytes of a synapse, and of a millisecond, while a network is made."""


def missing(name: str) -> str | None:
    """The reason why a worker cannot start, or None. Raises InvalidModel if there is none of that name."""
    if name not in BY_HAND:
        return get_backend(name).missing()
    installed = importlib.util.find_spec(BY_HAND[name]) is not None
    return None if installed else f"{BY_HAND[name]} is not installed"


def hold(
    case: Case,
    neurons: int,
    duration_ms: float,
    workers: Sequence[str],
    repeats: int,
    threads: int,
    progress: Callable[[float], None],
) -> Json:
    """Run every worker ``repeats`` times, in turn, after one round that is not counted (it fills their caches).

    ``ratio`` is to the first worker's simulation, the median of those of the rounds. Raises InvalidModel on a number
    of neurons or a duration that the network cannot have, or memory cannot hold, and ProgramFailed.
    """
    needed = _LEAST_BYTES * (case.density * float(neurons) ** 2 + duration_ms)
    require_memory(f"bench {case.name}", needed, "take fewer --neurons, or a shorter --duration-ms")
    rounds: list[dict[str, Json]] = []
    bandwidths = []
    for k in range(repeats + 1):
        figures = {}
        for n, name in enumerate(workers):
            figures[name] = once(case, neurons, duration_ms, name, threads)
            progress((k * len(workers) + n + 1) / (repeats + 1) / len(workers))
        bandwidths.append(bandwidth())
        rounds.append(figures)
    counted, first = rounds[1:], workers[0]
    bandwidth_s = statistics.median(bandwidths)
    one = rounds[-1][first]
    return {
        "case": case.name,
        "description": case.description,
        "neurons": neurons,
        "synapses": one["synapses"],
        "duration_ms": duration_ms,
        "threads": threads,
        "repeats": repeats,
        "digest": one["digest"],
        "bandwidth_bytes_per_s": round(bandwidth_s),
        "backends": {
            name: _summary([r[name] for r in counted], [r[first] for r in counted], bandwidth_s) for name in workers
        },
    }


def bandwidth() -> float:
    """Bytes a second that one core reads and writes, changing a large array in place."""
    array = np.ones(_BANDWIDTH_MB * 2**18, np.float32)
    best = float("inf")
    for _ in range(5):
        began = time.perf_counter()
        np.multiply(array, np.float32(1.0), out=array)
        best = min(best, time.perf_counter() - began)
    return 2 * 2**20 * _BANDWIDTH_MB / best


def once(case: Case, neurons: int, duration_ms: float, name: str, threads: int) -> Json:
    """The figures that a worker measures in a process of its own, and the time of the whole command."""
    command = [sys.executable, "-m", "ernsnn.benchmarks.worker", case.name, str(neurons), repr(duration_ms), name]
    began = time.perf_counter()
    done = subprocess.run([*command, str(threads)], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    command_s = time.perf_counter() - began
    if done.returncode == InvalidModel.exit_code:
        raise InvalidModel(f"bench {case.name}: {done.stderr.strip()}")
    if done.returncode:
        words = "\n".join(f"  {line}" for line in done.stderr.splitlines()[-12:])
        raise ProgramFailed(f"{name} stopped with exit code {done.returncode} on {case.name}:\n{words}")
    figures: Json = json.loads(done.stdout.splitlines()[-1])
    return figures | {"command_s": command_s}


def _summary(ours: list[Json], first: list[Json], bandwidth_s: float) -> Json:
    def median(key: str) -> float:
        return float(statistics.median(figures[key] for figures in ours))

    ratios = [mine["run_s"] / theirs["run_s"] for mine, theirs in zip(ours, first, strict=True)]
    commands = [mine["command_s"] / theirs["command_s"] for mine, theirs in zip(ours, first, strict=True)]
    last, reference = ours[-1], first[-1]
    return {
        "build_s": round(median("build_s"), 4),
        "run_s": round(median("run_s"), 6),
        "run_s_all": [round(figures["run_s"], 6) for figures in ours],
        "command_s": round(median("command_s"), 4),
        "events_per_s": round(last["events"] / median("run_s")),
        "bytes_per_synapse": round(median("peak_bytes") / last["synapses"], 2),
        "share_of_bandwidth": round(last["moved_bytes"] / median("run_s") / bandwidth_s, 4),
        "spikes": last["spikes"],
        "spikes_off": {
            name: round(count / max(reference["spikes"][name], 1) - 1, 6) for name, count in last["spikes"].items()
        },
        "ratio": round(statistics.median(ratios), 3),
        "ratio_range": [round(min(ratios), 3), round(max(ratios), 3)],
        "command_ratio": round(statistics.median(commands), 3),
    }


def available(workers: Sequence[str]) -> list[str]:
    """The workers that can start."""
    return [name for name in workers if missing(name) is None]


def require(workers: Sequence[str]) -> None:
    """Raise BackendNotAvailable, saying what is missing, unless all can start."""
    for name in workers:
        why = missing(name)
        if why:
            raise BackendNotAvailable(why)
