"""Price sets: what an event costs on a chip, each price with its evidence and source, as data in ``data/costs``."""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass
from importlib.resources import files
from typing import NotRequired, TypedDict

from ernsnn.errors import InvalidModel, quoted
from ernsnn.loading import Unfit, built, fit, reading

JOULES = {"pJ": 1e-12, "nJ": 1e-9, "uJ": 1e-6}

PART_OF = {
    "synaptic_operation": "synaptic_operation",
    "mac": "synaptic_operation",
    "synaptic_operation.dense": "synaptic_operation",
    "synaptic_operation.sparse": "synaptic_operation",
    "dense_operation": "synaptic_operation",
    "neuron_update": "neuron_update",
    "neuron_ms": "neuron_update",
    "spike": "neuron_update",
    "learning_update": "learning_update",
    "mark_update": "mark_update",
    "astrocyte_update": "astrocyte_update",
    "packet": "data_movement",
    "hop_east_west": "data_movement",
    "hop_north_south": "data_movement",
    "multicast_packet": "data_movement",
    "multicast_hop": "data_movement",
}
"""Count -> the part of the work that it belongs to. A price set has a price, or a reason for none, of every part but
data movement."""

PARTS = tuple(part for part in dict.fromkeys(PART_OF.values()) if part != "data_movement")


@dataclass(frozen=True)
class Price:
    """Joules per event, from ``low_J`` to ``high_J``: equal where the source gives one number."""

    what: str
    low_J: float
    high_J: float
    note: str


@dataclass(frozen=True)
class Origin:
    """The origin of prices. ``evidence``: measured, simulated, derived, proxy, or none.

    ``scope``: "per event" prices add up; an "all-in" price holds everything, and nothing is ever added to it;
    "arithmetic" leaves out memory and control.
    """

    chip: str
    title: str
    source: str
    operating_point: str
    evidence: str
    scope: str


@dataclass(frozen=True)
class PriceSet(Origin):
    """The prices of one source.

    ``omitted`` and ``missing`` say why a part of the work has no price: the former is left out on purpose, the latter
    makes a total impossible where such work was done.
    """

    name: str
    prices: tuple[Price, ...]
    omitted: dict[str, str]
    missing: dict[str, str]
    static: str | None

    def __post_init__(self) -> None:
        priced = {PART_OF[price.what] for price in self.prices}
        for part in PARTS:
            places = (part in priced) + (part in self.omitted) + (part in self.missing)
            if places != 1:
                raise InvalidModel(
                    f"price set {self.name}: {part} must be priced, omitted or missing; it is {places} of them"
                )


class _Price(TypedDict):
    value: float | tuple[float, float]
    unit: str
    note: NotRequired[str]


class _Static(TypedDict):
    value: float
    unit: str
    per: str
    evidence: str
    source: str


class _Set(TypedDict):
    """A file of prices, beside its ``Origin``."""

    price: dict[str, _Price]
    omitted: NotRequired[dict[str, str]]
    missing: NotRequired[dict[str, str]]
    static: NotRequired[_Static]


def _band(value: float | list[float]) -> tuple[float, float]:
    return (value[0], value[1]) if isinstance(value, list) else (value, value)


def price_set(name: str, text: str) -> PriceSet:
    """Read a price set from TOML.

    Raises InvalidModel, naming it, on other content, an unknown count, or a part of the work that it does not mention.
    """
    with reading(f"price set {name}: {name}.toml"):
        data = tomllib.loads(text)
        origin = built(Origin, {key: data.pop(key) for key in [*data] if key not in _Set.__annotations__}, name)
        fit(data, _Set, name)
        for what, given in data["price"].items():
            low, high = _band(given["value"])
            if not 0 <= low <= high < math.inf:
                raise Unfit(f"{what} costs {quoted(given['value'])}")
    prices = []
    for what, given in data["price"].items():
        if what not in PART_OF or given["unit"] not in JOULES:
            raise InvalidModel(f"price set {name}: {what!r} in {given['unit']!r} is no known count or unit")
        low, high = (number * JOULES[given["unit"]] for number in _band(given["value"]))
        prices.append(Price(what, low, high, given.get("note", "")))
    static = data.get("static")
    return PriceSet(
        name=name,
        prices=tuple(prices),
        omitted=data.get("omitted", {}),
        missing=data.get("missing", {}),
        static=f"{static['value']} {static['unit']} a {static['per']} ({static['evidence']}: {static['source']})"
        if static
        else None,
        **vars(origin),
    )


def price_sets() -> dict[str, PriceSet]:
    """Every price set that is shipped, by its name."""
    folder = files("ernsnn").joinpath("data", "costs")
    entries = sorted(
        (entry for entry in folder.iterdir() if entry.name.endswith(".toml")), key=lambda entry: entry.name
    )
    return {e.name[:-5]: price_set(e.name[:-5], e.read_text(encoding="utf-8")) for e in entries}
