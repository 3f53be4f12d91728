"""Benchmarks of ernsnn alone, or beside one other program: a table each."""

from __future__ import annotations

import statistics
import time
import tracemalloc
from collections.abc import Callable
from functools import partial

import numpy as np

import ernsnn as ern
from ernsnn.hardware_backends.brian2 import Brian2Backend
from ernsnn.models.ca3_memory import CA3Memory, build

from .cases import CASES
from .loihi_case import loihi
from .loihi_predictions import loihi_predictions
from .membranes import kinds, membranes
from .side_by_side import once
from .sweep import sweep

Row = dict[str, object]
_OPERATIONS, _DENSITY = 1000, 0.1


def seconds(times: list[float]) -> Row:
    """Median and extremes."""
    return {name: round(f(times), 4) for name, f in (("median_s", statistics.median), ("min_s", min), ("max_s", max))}


def timed(function: Callable[[], object], repeats: int) -> list[float]:
    """Wall seconds of each call."""
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        function()
        times.append(time.perf_counter() - began)
    return times


def ca3(repeats: int) -> list[Row]:
    """1000 operations of the CA3 memory on native, from description to result: learn under a cue, recall by it."""
    rows: list[Row] = []
    for size in (16, 64, 256, 1024):
        memory, rng = CA3Memory(size, size), np.random.default_rng(0)
        for k in range(_OPERATIONS // 2):
            memory.learn(cue=k % size, content=rng.choice(size, round(_DENSITY * size), replace=False).tolist())
            memory.recall(cue=k % size)
        times = timed(partial(memory.run, backend="native"), repeats)
        right = sum(operation.right for operation in memory.run(backend="native").operations)
        rate = round(_OPERATIONS / statistics.median(times), 1)
        rows.append({"size": f"{size} x {size}", "operations_per_s": rate, "right": right, **seconds(times)})
    return rows


def marks(repeats: int) -> list[Row]:
    """Plain STDP and the same gated by two marks, simulation alone, in turn; 1000 neurons a side for 20 s."""
    rows: list[Row] = []
    for backend in ("brian2", "native"):
        times: dict[str, list[float]] = {name: [] for name in ("plastic", "marked")}
        for k in range(repeats + 1):
            for name, seconds_each in times.items():
                run_s = once(CASES[name], 1000, 20_000.0, backend, 1)["run_s"]
                seconds_each += [run_s] * (k > 0)  # the first round fills caches
        rows += [{"what": f"{backend}, {name}", **seconds(seconds_each)} for name, seconds_each in times.items()]
        ratios = [m / p for p, m in zip(times["plastic"], times["marked"], strict=True)]
        rows.append({"what": f"{backend}, ratio", **seconds(ratios)})
    return rows


def lowering(repeats: int) -> list[Row]:
    """Time from networks to graphs, drawing weights, and from a graph to a Brian2 program."""
    cases: dict[str, tuple[int, ern.AllToAll | ern.FixedProbability]] = {
        "1 million synapses all to all": (1_000, ern.AllToAll()),
        "100 million": (10_000, ern.AllToAll()),
        "10 million at fixed probability .1": (10_000, ern.FixedProbability(0.1)),
    }
    rows: list[Row] = []
    for name, (size, connector) in cases.items():
        net = ern.Network()
        cells = net.population("cells", size, ern.LIF())
        net.projection("p", cells, cells, connector, weight_nA=ern.Uniform(0, 1))
        times = timed(partial(ern.lower, net, seed=0), repeats)
        tracemalloc.start()
        graph = ern.lower(net, seed=0)
        kept, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        rows.append({"what": f"lower {name}", **seconds(times), "bytes_per_synapse": round(kept / graph.n_synapses, 4)})
    net = ern.Network()
    cells = net.population("cells", 10_000, ern.LIF())
    net.projection("p", cells, cells, weight_nA=ern.Uniform(0, 1))
    [p] = ern.lower(net, seed=0).projections
    times = timed(lambda: [p.weight.row(row, row * 10_000, 10_000) for row in range(10_000)], repeats)
    rows.append({"what": "draw 100 million weights", **seconds(times)})
    network = build(16, 16)
    times = timed(lambda: Brian2Backend().compile(ern.lower(network), 1000, target="numpy"), repeats)
    rows.append({"what": "lower and compile the CA3 memory 16 x 16", **seconds(times)})
    return rows


SINGLE: dict[str, Callable[[int], list[Row]]] = {
    case.__name__: case for case in (marks, membranes, kinds, ca3, loihi, loihi_predictions, lowering, sweep)
}
