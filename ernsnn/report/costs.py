"""The section on costs: operations, events, and joules by every price set."""

from __future__ import annotations

from collections.abc import Iterable

from ernsnn.analyse.energy import CAVEAT, Energy, EnergyEstimate
from ernsnn.analyse.metrics import Metrics
from ernsnn.analyse.prices import PART_OF
from ernsnn.report.charts import labels
from ernsnn.report.frames import figure, percent, style, x_axis
from ernsnn.report.layout import Section, charts, table
from ernsnn.report.markup import Html, tag
from ernsnn.report.scales import number, scale_of

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
    "multicast_packet": "packets, copied on their way",
    "multicast_hop": "links between chips that they cross",
}
"""The counts that are listed, in this order."""

PARTS = {
    "synaptic_operation": "synaptic operations",
    "neuron_update": "neuron updates",
    "learning_update": "learning",
    "mark_update": "marks",
    "astrocyte_update": "astrocytes",
    "data_movement": "data movement",
}
"""The parts that events and joules are divided into, each with its own colour."""

_MOVES = ("packet", "hop_east_west", "hop_north_south", "multicast_packet", "multicast_hop")
_ROW, _BAR, _TEXT = 44.0, 14.0, 19.0


def operations(metrics: Metrics) -> list[list[str]]:
    """Projections and Poisson inputs: synapses, sparsity, operations, the same if dense, learning and mark updates."""
    rows = [
        [s.projection, f"{s.synapses:,}", f"{s.connection_sparsity:.3f}"]
        + [f"{n:,}" for n in (s.effective, s.dense, sum(s.learning.values()), s.mark_updates)]
        for s in metrics.counts.synapses
    ]
    rows += [[f"{i.input} (Poisson input)", "", "", f"{i.effective:,}", "", "", ""] for i in metrics.counts.inputs]
    return rows


def costs(metrics: Metrics, energy: Energy) -> Section:
    """Operations by projection, events and joules."""
    heads = ("projection", "synapses", "sparsity", "operations", "the same, dense", "learning", "marks")
    rows = operations(metrics)
    counted = [[words, f"{energy.totals[what]:,.0f}"] for what, words in NAMES.items() if what in energy.totals]
    prices = [_row(name, e) for name, e in energy.estimates.items()]
    columns = ("prices", "chip", "events cost", "evidence", "scope", "source")
    notes = [tag("li", text) for text in reasons(energy.estimates)]
    parts = [
        tag("p", tag("strong", "Read with care. "), CAVEAT),
        charts(_shares(energy), _joules(energy)),
        table(("events", "how many"), counted, numbers=[1], caption="Events of this run"),
        table(columns, prices, caption="What they would cost"),
        tag("details", tag("summary", "What is missing from these figures, and why"), tag("ul", *notes))
        if notes
        else Html(),
    ]
    if rows:
        parts.append(table(heads, rows, numbers=range(1, len(heads)), caption="Synaptic operations of the projections"))
    return Section("costs", "Operations and energy", parts)


def joules(low: float, high: float) -> str:
    """Such as ``165 to 248 nJ``, both in the unit that suits the larger one."""
    scale, unit = next(
        ((s, u) for s, u in ((1.0, "J"), (1e-3, "mJ"), (1e-6, "uJ"), (1e-9, "nJ")) if high >= s), (1e-12, "pJ")
    )
    return f"{low / scale:.3g} {unit}" if low == high else f"{low / scale:.3g} to {high / scale:.3g} {unit}"


def total(e: EnergyEstimate) -> str:
    """The total of an estimate as text, or that there is none."""
    cost = joules(*e.priced_J)
    if not e.missing:
        return cost
    return f"no total; {cost} of it" if e.lines else "no total"


def reasons(estimates: dict[str, EnergyEstimate]) -> Iterable[str]:
    """Yield sentences on missing totals, on omitted parts, and on static power."""
    for name, e in estimates.items():
        for part, why in e.missing.items():
            yield f"{name}: no price of {NAMES[part]}: {why}"
        for part, why in e.omitted.items():
            yield f"{name}: without {NAMES[part]}: {why}"
        if e.uncounted:
            yield f"{name}: without packets and hops: --placement with a backend for that chip counts them"
        if e.prices.static:
            yield f"{name}: and while it is on, {e.prices.static}"


def _row(name: str, e: EnergyEstimate) -> list[str]:
    return [name, e.prices.chip, total(e), e.prices.evidence, e.prices.scope, e.prices.source]


def _shares(energy: Energy) -> Html:
    """Stacked bars: of which kinds the events are, and of which the joules of each price set, at its upper prices."""
    events = {part: energy.totals.get(part, 0.0) for part in PARTS}
    events["data_movement"] = sum(energy.totals.get(what, 0.0) for what in _MOVES)
    stacks = [("events", f"{number(sum(events.values()))} in all", events)]
    for name, e in _priced(energy).items():
        parts = dict.fromkeys(PARTS, 0.0)
        for line in e.lines:
            parts[PART_OF[line.what]] += line.high_J
        stacks.append((name, _at_least(e), parts))
    shown = [part for part in PARTS if any(parts[part] for _, _, parts in stacks)]
    drawn: list[Html] = []
    for k, (name, text, parts) in enumerate(stacks):
        drawn += labels(name, text, k * _ROW + 13)
        drawn += _stack(name, parts, k)
    entries = (tag("li", _swatch(list(PARTS).index(part)), PARTS[part]) for part in shown)
    height = len(stacks) * _ROW
    return figure(
        "Of what: events, and joules by price set",
        [x_axis(scale_of([0, 100]), height - 6, "share (%)"), *drawn],
        height=height - 6,
        left=8,
        above=6,
        legend=tag("ul", *entries, class_="legend"),
        describe="; ".join(f"{name}: {text}, {_parts_text(parts)}" for name, text, parts in stacks),
        note="Shares at the upper prices. Each bar is whole; the picture beside it tells how much it stands for.",
    )


def _joules(energy: Energy) -> Html:
    """A chart of joules on one logarithmic axis for all price sets; without a total, a lower limit."""
    priced = _priced(energy)
    scale = scale_of([v for e in priced.values() for v in e.priced_J], log=True)
    drawn: list[Html] = []
    for k, (name, e) in enumerate(priced.items()):
        y, (low, high) = k * _ROW + _TEXT, e.priced_J
        start, end = (scale.share(v) for v in (low or high, high))
        look = {"class_": "s7" if e.missing else style(0)}
        title = tag("title", f"{name}: {_at_least(e)}")
        y_middle = f"{y + _BAR / 2:g}"
        marks = [tag("circle", cx=percent(end), cy=y_middle, r=5, class_="hollow" if e.missing else "dot")]
        marks += [tag("circle", cx=percent(start), cy=y_middle, r=5, class_="dot")] if start < end else []
        line = tag("line", x1=percent(start), x2=percent(end), y1=y_middle, y2=y_middle, class_="range")
        drawn += [*labels(name, _at_least(e), k * _ROW + 13), tag("g", title, line, *marks, **look)]
    unpriced = [name for name in energy.estimates if name not in priced]
    note = "Open circles: something has no price, so that it is at least so much."
    note += f" Without a figure: {', '.join(unpriced)}." if unpriced else ""
    height = max(len(priced), 1) * _ROW - 6
    axis = x_axis(scale, height, "energy of the events", [joules(tick, tick) for tick in scale.ticks])
    return figure(
        "How much: joules by price set",
        [axis, *drawn],
        height=height,
        left=8,
        above=6,
        describe="; ".join(f"{name}: {_at_least(e)}" for name, e in priced.items()),
        note=note,
    )


def _priced(energy: Energy) -> dict[str, EnergyEstimate]:
    """The estimates that have a figure: of chips, then of the processors that stand in for one."""
    priced = {name: e for name, e in energy.estimates.items() if e.priced_J[1]}
    return dict(sorted(priced.items(), key=lambda item: item[1].prices.evidence == "proxy"))


def _at_least(e: EnergyEstimate) -> str:
    return ("at least " if e.missing else "") + joules(*e.priced_J)


def _stack(name: str, parts: dict[str, float], k: int) -> Iterable[Html]:
    """One bar from end to end, cut where one part ends and the next begins."""
    whole, at = sum(parts.values()), 0.0
    for c, (part, value) in enumerate(parts.items()):
        share = value / whole if whole else 0.0
        if share:
            title = tag("title", f"{name}: {PARTS[part]} {share:.1%}")
            place = {"x": percent(at), "width": percent(share), "y": f"{k * _ROW + _TEXT:g}", "height": _BAR}
            yield tag("rect", title, class_=f"bar part {style(c)}", **place)
            at += share


def _swatch(k: int) -> Html:
    return tag("svg", tag("rect", width=12, height=12), class_=f"swatch {style(k)}")


def _parts_text(parts: dict[str, float]) -> str:
    whole = sum(parts.values()) or 1.0
    return ", ".join(f"{PARTS[part]} {value / whole:.0%}" for part, value in parts.items() if value)
