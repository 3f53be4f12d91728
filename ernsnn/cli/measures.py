"""The commands ``metrics`` and ``energy``: what a saved run did, and what that would cost."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable

import numpy as np

from ernsnn.analyse.energy import CAVEAT, Estimate
from ernsnn.analyse.result import Result
from ernsnn.cli.output import report, table
from ernsnn.errors import InvalidModel
from ernsnn.execution.backend import get_backend

NAMES = {
    "synaptic_operation": "synaptic operations",
    "dense_operation": "the same, nothing skipped",
    "neuron_update": "neuron updates",
    "spike": "spikes",
    "learning_update": "learning updates",
    "mark_update": "mark updates",
    "astrocyte_update": "astrocyte updates",
    "packet": "packets between cores",
    "hop_east_west": "hops east or west",
    "hop_north_south": "hops north or south",
}
"""The counts that are shown, in their order."""


def metrics(arguments: Namespace) -> int:
    """Activity, sparsity, operations and memory of a saved run."""
    result = Result.load(arguments.folder)
    found = result.metrics(arguments.bin_ms)
    heads = ["population", "neurons", "spikes", "rate Hz", "CV", "synchrony", "branching", "sparsity"]
    rows = [
        [a.population, str(a.neurons), str(a.spikes), f"{a.rate_hz:.2f}"]
        + [_figure(x) for x in (a.cv_isi, a.synchrony, a.branching_factor, a.activation_sparsity)]
        for a in found.activity
    ]
    connections = [
        [s.projection, f"{s.synapses:,}", f"{s.connection_sparsity:.3f}"]
        + [f"{n:,}" for n in (s.effective, s.dense, sum(s.learning.values()), s.mark_updates)]
        for s in found.counts.synapses
    ]
    of_connections = ["projection", "synapses", "sparsity", "effective ACs", "dense", "learning", "marks"]
    lines = [
        f"{result.graph.name} on {result.meta['backend']}: {found.duration_ms:g} ms, "
        f"{found.footprint_bytes:,} bytes, bins of {found.bin_ms:g} ms",
        f"activation sparsity {_figure(found.activation_sparsity)}, "
        f"connection sparsity {_figure(found.connection_sparsity)}",
        "",
        *table([heads, *rows], range(1, len(heads))),
        "",
        *table([of_connections, *connections], range(1, len(of_connections))),
    ]
    return report(arguments, found.to_json(), lines)


def energy(arguments: Namespace) -> int:
    """What a saved run would cost, on every price set or on those asked for."""
    result = Result.load(arguments.folder)
    found = result.energy(arguments.chips, _cores(result, arguments.placement))
    counted = [[words, f"{found.totals[what]:,.0f}"] for what, words in NAMES.items() if what in found.totals]
    heads = ["prices", "chip", "events cost", "evidence", "scope"]
    rows = [[name, *_row(e)] for name, e in found.estimates.items()]
    chips = dict.fromkeys(e.prices.chip for e in found.estimates.values())
    bands = [f"{chip}: {joules(*band)}" for chip in chips if (band := found.band(chip))]
    lines = [
        f"{result.graph.name} on {result.meta['backend']}: {result.duration_ms:g} ms",
        "",
        *table([["counted", ""], *counted], [1]),
        "",
        *table([heads, *rows]),
        "",
        *_reasons(found.estimates),
        *(["", "from the lowest to the highest of each chip:", *(f"  {band}" for band in bands)] if bands else []),
        "",
        CAVEAT,
    ]
    return report(arguments, found.to_json(), lines)


def _cores(result: Result, backend: str | None) -> dict[str, np.ndarray] | None:
    """Where a backend puts the neurons, on the first kind of chip that it is for."""
    if backend is None:
        return None
    placed = get_backend(backend).placement(result.graph)
    if not placed:
        raise InvalidModel(f"--placement {backend}: it puts neurons on no chip; loihi2 does")
    return placed[0].cores_of(result.graph)


def joules(low: float, high: float) -> str:
    """Such as ``165 to 248 nJ``, both in the unit that suits the larger one."""
    scale, unit = next(
        ((s, u) for s, u in ((1.0, "J"), (1e-3, "mJ"), (1e-6, "uJ"), (1e-9, "nJ")) if high >= s), (1e-12, "pJ")
    )
    return f"{low / scale:.3g} {unit}" if low == high else f"{low / scale:.3g} to {high / scale:.3g} {unit}"


def _row(e: Estimate) -> list[str]:
    cost = joules(*e.priced_J)
    if e.missing:
        cost = f"no total; {cost} of it" if e.lines else "no total"
    return [e.prices.chip, cost, e.prices.evidence, e.prices.scope]


def _reasons(estimates: dict[str, Estimate]) -> Iterable[str]:
    """Why there is no total, what is left out of one, and what comes to it while a chip is on."""
    for name, e in estimates.items():
        for part, why in e.missing.items():
            yield f"{name}: no price of {NAMES[part]}: {why}"
        for part, why in e.omitted.items():
            yield f"{name}: without {NAMES[part]}: {why}"
        if e.uncounted:
            yield f"{name}: without packets and hops: --placement says on which core each neuron lies"
        if e.prices.static:
            yield f"{name}: and while it is on, {e.prices.static}"


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
