"""Energy of a run: counts of events times prices, for each price set.

.. math:: E = \\sum_{events} n_{event} \\, price_{event}

Only events are priced; static power is listed beside them, since it depends on how long a chip is switched on. Small
networks cannot be predicted so: of the 271 uJ that a keyword spotter took per inference on Loihi (Blouw et al. 2019),
its events explain at most 41.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ernsnn.analyse.counts import Counts, count
from ernsnn.analyse.prices import PART_OF, PriceSet, price_sets
from ernsnn.analyse.traffic import multicast, traffic
from ernsnn.describe.arguments import checked
from ernsnn.errors import InvalidModel, unknown
from ernsnn.graph.graph import Graph
from ernsnn.recording.recording import Recording

CAVEAT = (
    "Events only, without static power. The energy of small networks cannot be predicted from counts: of 271 uJ per "
    "inference measured on Loihi (Blouw et al. 2019), events explain at most 41."
)


@dataclass(frozen=True)
class Line:
    """One kind of event: how many happened, and their price in J."""

    what: str
    events: float
    low_J: float
    high_J: float
    note: str


@dataclass(frozen=True)
class EnergyEstimate:
    """The energy of a run by one price set.

    ``low_J`` and ``high_J`` are None where a price is ``missing`` of work that was done.

    ``omitted``: parts of the work that the set leaves out on purpose; ``uncounted``: events that it prices, and that
    are not counted because no placement of the neurons on cores is given.
    """

    prices: PriceSet
    lines: tuple[Line, ...]
    missing: dict[str, str]
    omitted: dict[str, str]
    uncounted: tuple[str, ...]

    @property
    def priced_J(self) -> tuple[float, float]:
        """(lowest, highest) cost in J of the events that have a price, also where others have none."""
        return sum(line.low_J for line in self.lines), sum(line.high_J for line in self.lines)

    @property
    def low_J(self) -> float | None:
        """The lowest total in J; None where a price is missing."""
        return None if self.missing else self.priced_J[0]

    @property
    def high_J(self) -> float | None:
        """The highest total in J; None where a price is missing."""
        return None if self.missing else self.priced_J[1]

    def to_json(self) -> dict[str, Any]:
        """The same as plain data."""
        p = self.prices
        about = {key: getattr(p, key) for key in ("chip", "title", "source", "operating_point", "evidence", "scope")}
        fields = {name: value for name, value in asdict(self).items() if name != "prices"}
        return {**about, "static": p.static, "low_J": self.low_J, "high_J": self.high_J, **fields}


def estimate(totals: Mapping[str, float], prices: PriceSet) -> EnergyEstimate:
    """The cost of events, given how often each happened; an event that is not in ``totals`` is uncounted, not 0."""
    done = {PART_OF[what] for what, events in totals.items() if events}
    missing = {part: why for part, why in prices.missing.items() if part in done}
    priced = [price for price in prices.prices if price.what in totals]
    lines = tuple(
        Line(p.what, totals[p.what], totals[p.what] * p.low_J, totals[p.what] * p.high_J, p.note) for p in priced
    )
    return EnergyEstimate(
        prices=prices,
        lines=lines,
        missing=missing,
        omitted={part: why for part, why in prices.omitted.items() if part in done},
        uncounted=tuple(p.what for p in prices.prices if p.what not in totals),
    )


@checked
@dataclass(frozen=True)
class Energy:
    """The counts of a run, and an estimate by each price set."""

    counts: Counts
    totals: dict[str, float]
    estimates: dict[str, EnergyEstimate]

    def band(self, chip: str) -> tuple[float, float] | None:
        """Joules from the lowest to the highest estimate of a chip; None where no price set gives a total."""
        bands = [e.priced_J for e in self.estimates.values() if e.prices.chip == chip and not e.missing]
        return (min(low for low, _ in bands), max(high for _, high in bands)) if bands else None

    def to_json(self) -> dict[str, Any]:
        """The same as plain data."""
        return {
            "counts": self.counts.to_json(),
            "totals": self.totals,
            "estimates": {name: e.to_json() for name, e in self.estimates.items()},
            "bands": {e.prices.chip: self.band(e.prices.chip) for e in self.estimates.values()},
            "caveat": CAVEAT,
        }


def energy(
    graph: Graph,
    recording: Recording,
    chip: str | Sequence[str] | None = None,
    cores: Mapping[str, np.ndarray] | None = None,
    links: Mapping[str, np.ndarray] | None = None,
) -> Energy:
    """The energy of a run of ``graph`` on ``chip``; see ``Result.energy``."""
    counts = count(graph, recording)
    totals = counts.totals
    if links is not None:
        totals |= multicast(recording, links)
    elif cores is not None:
        totals |= traffic(graph, recording, cores)
    return Energy(counts, totals, {name: estimate(totals, prices) for name, prices in _chosen(chip).items()})


def _chosen(chip: str | Sequence[str] | None) -> dict[str, PriceSet]:
    known = price_sets()
    if chip is None:
        return known
    sets: dict[str, PriceSet] = {}
    for wanted in [chip] if isinstance(chip, str) else chip:
        these = {n: p for n, p in known.items() if wanted.lower() in (n, p.chip.lower())}
        if not these:
            raise InvalidModel(unknown("no prices of", wanted, {*known, *(p.chip for p in known.values())}))
        sets |= these
    return sets
