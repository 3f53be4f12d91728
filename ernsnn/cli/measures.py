"""The commands ``metrics`` and ``energy``, on saved runs."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import asdict

from ernsnn.analyse.energy import CAVEAT, EnergyEstimate
from ernsnn.analyse.trials import by_trials
from ernsnn.backend.placement import crossed, placement
from ernsnn.cli.output import show
from ernsnn.report.activity import ratio
from ernsnn.report.costs import NAMES, joules, operations, reasons, total
from ernsnn.report.trials import HEADS
from ernsnn.report.trials import rows as rows_of_trials
from ernsnn.result import Result
from ernsnn.text import table


def metrics(arguments: Namespace) -> int:
    """Print activity, sparsity, operations and memory of a saved run, and what it did in trials."""
    result = Result.load(arguments.folder)
    measured = result.metrics(arguments.bin_ms)
    heads = ["population", "neurons", "spikes", "rate Hz", "CV", "synchrony", "branching", "sparsity"]
    rows = [
        [a.population, str(a.neurons), str(a.spikes), f"{a.rate_hz:.2f}"]
        + [ratio(x) for x in (a.cv_isi, a.synchrony, a.branching_factor, a.activation_sparsity)]
        for a in measured.activity
    ]
    of_connections = ["projection", "synapses", "sparsity", "effective ACs", "dense", "learning", "marks"]
    lines = [
        f"{result.graph.name} on {result.meta['backend']}: {measured.duration_ms:.12g} ms, "
        f"{measured.footprint_bytes:,} bytes, bins of {measured.bin_ms:.12g} ms",
        f"activation sparsity {ratio(measured.activation_sparsity)}, "
        f"connection sparsity {ratio(measured.connection_sparsity)}",
        "",
        *table([heads, *rows], range(1, len(heads))),
        "",
        *table([of_connections, *operations(measured)], range(1, len(of_connections))),
    ]
    data = measured.to_json()
    if (read := result.trials) is not None:
        shown = list(by_trials(read))
        lines += ["", f"{read.n:,} trials, each shown for {read.show_ms:.12g} ms", ""]
        lines += table([[*HEADS], *rows_of_trials(shown, read.n)], range(1, len(HEADS)))
        data["trials"] = [asdict(p) for p in shown]
    return show(arguments, data, lines)


def energy(arguments: Namespace) -> int:
    """Print the energy of a saved run by all price sets, or by the chosen ones."""
    result = Result.load(arguments.folder)
    placed = () if arguments.placement is None else placement(result.graph, arguments.placement)
    priced = result.energy(arguments.chips, *crossed(result.graph, placed))
    counted = [[words, f"{priced.totals[what]:,.0f}"] for what, words in NAMES.items() if what in priced.totals]
    heads = ["prices", "chip", "events cost", "evidence", "scope"]
    rows = [[name, *_row(e)] for name, e in priced.estimates.items()]
    chips = dict.fromkeys(e.prices.chip for e in priced.estimates.values())
    bands = [f"{chip}: {joules(*band)}" for chip in chips if (band := priced.band(chip))]
    lines = [
        f"{result.graph.name} on {result.meta['backend']}: {result.duration_ms:.12g} ms",
        "",
        *table([["counted", ""], *counted], [1]),
        "",
        *table([heads, *rows]),
        "",
        *reasons(priced.estimates),
        *(["", "from the lowest to the highest of each chip:", *(f"  {band}" for band in bands)] if bands else []),
        "",
        CAVEAT,
    ]
    return show(arguments, priced.to_json(), lines)


def _row(e: EnergyEstimate) -> list[str]:
    return [e.prices.chip, total(e), e.prices.evidence, e.prices.scope]
