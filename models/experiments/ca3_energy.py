"""Energy of a learn and a recall of the CA3 memory, published and gated, beside a look-up.

Every cue learns a random content once; then every cue is recalled, or one bit of every content. A learn costs what a
run of learns alone does, divided by their number; a recall what it adds to that. Operations follow each other by 20 ms,
whose neuron updates are theirs.

The look-up does the same job as an artificial network with one weight for each cue and bit: a recall multiplies the
whole matrix by its probe, a learn writes a row. It has no neurons that wait, and so no cost but that of its events.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ernsnn.analyse.counts import count, operations
from ernsnn.analyse.energy import CAVEAT, estimate
from ernsnn.analyse.prices import price_sets
from ernsnn.errors import InvalidModel
from ernsnn.studies.estimates import Estimate
from ernsnn.studies.experiment import Experiment, Findings, Repeats
from ernsnn.studies.pictures import Bars

from ..ca3_memory.memory import CA3Memory
from ..ca3_memory.network import Gating

MEMORIES: dict[str, Gating] = {"published": "none", "gated": "astrocyte"}
LOOK_UP = "look-up"
OPERATIONS = ("learn", "recall by cue", "recall by bit")
SHOWN = ("synaptic_operation", "mac", "neuron_update", "learning_update", "astrocyte_update")

Totals = dict[str, float]


def experiment(
    repeats: Repeats,
    *,
    size: int = 16,
    density: float = 0.25,
) -> Findings:
    """A memory of ``size`` cues and as many bits, of which each content has a share of ``density``."""
    if size < 2 or not 0 < density < 1 or not 1 <= round(density * size) < size:
        raise InvalidModel(f"ca3_energy: needs size >= 2 and some, not all bits in a content, got {size} and {density}")
    per_seed: list[dict[str, dict[str, Totals]]] = []
    for seed in repeats:
        rng = np.random.default_rng(seed)
        contents = [sorted(rng.choice(size, round(density * size), replace=False).tolist()) for _ in range(size)]
        memories = {name: spiking(contents, gate, repeats.backend) for name, gate in MEMORIES.items()}
        per_seed.append({**memories, LOOK_UP: look_up(contents)})
    return _findings(per_seed)


def spiking(contents: Sequence[Sequence[int]], gate: Gating, backend: str) -> dict[str, Totals]:
    """Counts per operation of a memory that learns ``contents``, one for each cue."""
    size, runs = len(contents), []
    for asked in (None, "cue", "bit"):
        memory = CA3Memory(size, size, gate=gate)
        for cue, content in enumerate(contents):
            memory.learn(cue, content)
        for cue in range(size) if asked else ():
            memory.recall(cue=cue) if asked == "cue" else memory.recall(content=contents[cue][:1])
        result = memory.run(backend=backend)
        runs.append(count(result.graph, result.recording).totals)
    learns, *both = runs
    recalls = [{what: (more[what] - learns[what]) / size for what in learns} for more in both]
    return dict(zip(OPERATIONS, [{what: n / size for what, n in learns.items()}, *recalls], strict=True))


def look_up(contents: Sequence[Sequence[int]]) -> dict[str, Totals]:
    """Counts per operation of a matrix (cues, bits) of graded numbers, multiplied by one probe at a time."""
    size = len(contents)
    recall = operations(np.ones((size, size)), np.full(size, 0.5))  # nothing is known to be 0
    asked = {"mac": float(recall.macs), "dense_operation": float(recall.dense)}
    return dict(zip(OPERATIONS, [{"learning_update": float(size)}, asked, asked], strict=True))


def _findings(per_seed: Sequence[dict[str, dict[str, Totals]]]) -> Findings:
    columns = [(memory, operation) for memory in (*MEMORIES, LOOK_UP) for operation in OPERATIONS]
    known = price_sets()
    results: dict[str, Any] = {}
    for memory, operation in columns:
        totals = [seed[memory][operation] for seed in per_seed]
        here = results.setdefault(memory, {}).setdefault(operation, {})
        here["counts"] = Estimate.of_runs(totals)
        here["energy_J"] = {}
        for name, prices in known.items():
            priced_runs = [estimate(t, prices) for t in totals]
            low, high = (Estimate.of([e.priced_J[k] for e in priced_runs]) for k in (0, 1))
            missing, priced = priced_runs[0].missing, {price.what for price in prices.prices}
            if memory != LOOK_UP or priced & {"mac", "dense_operation"}:  # chips of spikes have no look-up
                here["energy_J"][name] = {"low": low, "high": high, "missing": missing}
    rows: list[list[object]] = [
        [what, *(_number(results[m][o]["counts"].get(what)) for m, o in columns)] for what in SHOWN
    ]
    rows += [[f"{name}, nJ", *(_joules(results[m][o]["energy_J"].get(name)) for m, o in columns)] for name in known]
    notes = [
        "mean over seeds; from the lowest to the highest where a price is a range",
        "> where a price of work that was done is missing: so much for the rest; - where nothing has a price",
        CAVEAT,
    ]
    heads = ["", *(f"{memory}: {operation}" for memory, operation in columns)]
    return Findings(results, heads, rows, notes, [_picture(results, operation) for operation in OPERATIONS])


def _picture(results: dict[str, Any], operation: str) -> Bars:
    """The most that an operation costs on every price set, of all memories."""
    costs = {memory: of[operation]["energy_J"] for memory, of in results.items()}
    names = [n for n in price_sets() if any(_nJ(of.get(n)) for of in costs.values())]
    return Bars(
        names,
        {memory: [_nJ(of.get(name)) for name in names] for memory, of in costs.items()},
        title=f"Energy of a {operation}",
        x_label="nJ at the upper prices",
        log=True,
        note="Where work was done that has no price, the energy of the rest.",
    )


def _nJ(energy: dict[str, Any] | None) -> Estimate | None:
    return Estimate.of([v * 1e9 for v in energy["high"].values]) if energy and energy["high"].mean else None


def _number(number: Estimate | None) -> str:
    return "-" if number is None else f"{number.mean:.5g}"


def _joules(energy: dict[str, Any] | None) -> str:
    if energy is None or not energy["high"].mean:
        return "-"
    low, high = energy["low"].mean * 1e9, energy["high"].mean * 1e9
    return ("> " if energy["missing"] else "") + (f"{low:.3g}" if low == high else f"{low:.3g} to {high:.3g}")


EXPERIMENT = Experiment(
    name="ca3_energy",
    title="What a learn and a recall of the CA3 memory cost",
    about=__doc__,
    source="Casanueva-Morato et al. 2024, Neural Networks 178:106474",
    backend="brian2",
    run=experiment,
)
