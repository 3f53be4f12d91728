"""Text of products, terms and flows. It depends on their form alone: numbers are passed in an array ``c``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from ernsnn.describe.flows import Flow, Latch, Relax
from ernsnn.describe.learning import POST, PRE, Term
from ernsnn.describe.products import Factor, Product
from ernsnn.graph.flows import kept, mean_share
from ernsnn.graph.graph import Learning
from ernsnn.graph.streams import MODULI, MULTIPLIERS

from ...printers import Notation


@dataclass
class Constants:
    """The numbers of one kernel. Every use has a name of its own, so that equal numbers change no text."""

    cast: str = ""
    values: list[float] = field(default_factory=list)

    def __call__(self, value: float) -> str:
        """How the kernel refers to ``value``."""
        self.values.append(value)
        return f"k{len(self.values) - 1}"

    def unpacked(self, first: int = 0, last: int | None = None) -> list[str]:
        """The lines that name them, or some of them."""
        return [f"k{n} = {self.cast}(c[{n}])" for n in range(len(self.values))[first:last]]

    @property
    def array(self) -> np.ndarray:
        """What to pass as ``c``."""
        return np.array(self.values, np.float64)


class Names:
    """What a rule's symbols are called in a kernel: variables v0.., pre traces x0.., post traces y0.., factors g0.."""

    def __init__(self, learning: Learning) -> None:
        self.variables = [v.name for v in learning.variables]
        self.x = [t.name for t in learning.traces if t.trace.event == PRE]
        self.y = [t.name for t in learning.traces if t.trace.event != PRE]
        self.third = [b.symbol for b in learning.third_factors]
        self.per = [b.per for b in learning.third_factors]
        lists = {"v": self.variables, "x": self.x, "y": self.y, "g": self.third}
        self.of = {symbol: f"{kind}{n}" for kind, known in lists.items() for n, symbol in enumerate(known)}
        self.found: dict[Factor, str] = {}  # factors whose values have a name of their own

    def read(self, symbols: Iterable[str], kind: str) -> list[int]:
        """The numbers of those symbols that are of one kind, rising."""
        return sorted({int(self.of[s][1:]) for s in symbols if self.of[s][0] == kind})


def needs_all_rows(learning: Learning) -> bool:
    """Whether POST terms read something of pre neurons that does not just decay, and so cannot be found later."""
    read = {f.variable for term in learning.terms if term.event == POST for f in term.factors}
    return any(b.per == PRE and b.symbol in read for b in learning.third_factors)


def notation(names: Names, k: Constants) -> Notation:
    """How a kernel writes products: a power as a repeated product."""
    return Notation(names.of.__getitem__, k, lambda base, power: f"({'*'.join([base] * power)})", names.found)


def product(p: Product | Term, names: Names, k: Constants) -> str:
    """coefficient * factors."""
    return notation(names, k).product(p)


def clipped(value: str, low: float, high: float, k: Constants) -> str:
    """``value`` within its bounds."""
    value = value if np.isinf(low) else f"max({value}, {k(low)})"
    return value if np.isinf(high) else f"min({value}, {k(high)})"


def changed(terms: Sequence[Term], learning: Learning, names: Names, k: Constants) -> list[str]:
    """Lines that apply the terms of one event: all read the values before it; then come the bounds."""
    found, settled = [], []
    for n, variable in enumerate(learning.variables):
        added = [product(term, names, k) for term in terms if term.target == variable.name]
        if added:
            found.append(f"n{n} = v{n} + ({' + '.join(added)})")
            settled.append(f"v{n} = {clipped(f'n{n}', variable.low, variable.high, k)}")
    return found + settled


def flowed(learning: Learning, epoch_s: float, names: Names, k: Constants) -> list[str]:
    """Lines that apply all flows: each finds a new value from the old ones; then they are set, and clipped."""
    found, settled = [], []
    drawing = [flow.variable for flow in learning.flows if flow.draws]
    for flow in learning.flows:
        found += _latched(flow, epoch_s, names, k) if isinstance(flow, Latch) else _relaxed(flow, epoch_s, names, k)
        if isinstance(flow, Latch) and flow.draws:
            found += _erased(flow, epoch_s, drawing.index(flow.variable), names, k)
    moved = {flow.variable for flow in learning.flows}
    for n, variable in enumerate(learning.variables):
        if variable.name in moved:
            settled.append(f"v{n} = {clipped(f'n{n}', variable.low, variable.high, k)}")
    return found + settled


def flow_reads(flows: Iterable[Flow]) -> set[str]:
    """All symbols that flows read or change."""
    return {symbol for flow in flows for symbol in (flow.variable, *flow.reads, *flow.signals)}


def _relaxed(flow: Relax, epoch_s: float, names: Names, k: Constants) -> list[str]:
    """As ``ernsnn.graph.flows.relaxed``."""
    v = names.of[flow.variable]
    limit = k(flow.to) if flow.of is None else f"{k(flow.to)} + {k(flow.slope)}*{names.of[flow.of]}"
    return [f"limit = {limit}", f"n{v[1:]} = limit + ({v} - limit)*{k(kept(flow.tau_s, epoch_s))}"]


def _latched(flow: Latch, epoch_s: float, names: Names, k: Constants) -> list[str]:
    """As ``ernsnn.graph.flows.latched``; most synapses are not driven, and for them the exponential is known."""
    v, tag, signal = (names.of[s] for s in (flow.variable, flow.tag, flow.signal))
    back, undriven = 1.0 / flow.tau_s, float(np.exp(-epoch_s * (1.0 / flow.tau_s)))
    return [
        f"above = max({tag}*{k(mean_share(flow.tag_tau_s, epoch_s))} - {k(flow.tag_threshold)}, 0.0)",
        f"drive = {k(flow.rate_per_s)}*max({signal}, 0.0)*above",
        f"back = {k(back)}",
        "rate = back + drive",
        f"limit = ((back if {v} > {k(flow.threshold)} else 0.0) + drive)/rate",
        f"left = {k(undriven)} if drive == 0.0 else np.exp(-{k(epoch_s)}*rate)",
        f"n{v[1:]} = limit + ({v} - limit)*left",
    ]


def _erased(flow: Latch, epoch_s: float, number: int, names: Names, k: Constants) -> list[str]:
    """As ``ernsnn.graph.flows.erased``, each synapse drawing from its stream (``ernsnn.graph.streams``)."""
    assert flow.budget is not None
    assert flow.erasure is not None
    v, tag, signal = (names.of[s] for s in (flow.variable, flow.tag, flow.signal))
    share = f"{tag}*{k(mean_share(flow.tag_tau_s, epoch_s))} < {k(flow.tag_threshold)}"
    excess = f"max(means[{number}, j]/{k(flow.budget)} - 1.0, 0.0)"
    return [
        f"first = {MULTIPLIERS[0]:.0f}*np.int64(streams[{number}, 0, s]) % {MODULI[0]:.0f}",
        f"second = {MULTIPLIERS[1]:.0f}*np.int64(streams[{number}, 1, s]) % {MODULI[1]:.0f}",
        f"streams[{number}, 0, s] = first",
        f"streams[{number}, 1, s] = second",
        "drawn = first - second",
        "if drawn < 1:",
        f"    drawn += {MODULI[0] - 1:.0f}",
        f"chance = {k(flow.erasure)}*min(max({signal}, 0.0), 1.0)*{excess}",
        f"if {v} > {k(flow.threshold)} and {share} and drawn/{MODULI[0]:.1f} < chance:",
        f"    n{v[1:]} = 0.0",
    ]
