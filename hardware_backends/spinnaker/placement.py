"""Placement of a network on SpiNNaker by sPyNNaker, which maps it on virtual boards in a process of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict

import numpy as np

from ernsnn.backend.protocol import Program
from ernsnn.backend.subprocesses import reading_of, run_program, written
from ernsnn.errors import ProgramFailed, UnsupportedOnBackend, quoted
from ernsnn.graph.graph import Graph
from ernsnn.loading import Unfit, fit, read_json
from ernsnn.text import table

from .rounding import ACCUM, RECEPTORS

CHIP = "SpiNNaker 1"
_TABLE_LIMIT = 1023
"""Entries of a router's table (SpiNNaker has 1024, of which one is taken)."""
_KIB = 1024


class _Core(TypedDict):
    kind: str
    x: int
    y: int
    p: int
    first: int
    last: int
    sdram_bytes: int
    links: int
    cores_reached: int


class _Population(TypedDict):
    name: str
    size: int
    kind: str
    ring_buffer_shifts: list[int]
    weight_scales: list[float]
    cores: list[_Core]


class _Found(TypedDict):
    boards: int
    chips: int
    cores: int
    cores_per_chip: int
    chips_per_board: int
    n_steps: int
    sdram_bytes: int
    fullest_sdram_bytes: int
    sdram_per_chip_bytes: int
    routing_entries: int
    fullest_table: int
    populations: list[_Population]


@dataclass(frozen=True)
class Placement:
    """The ``mapping`` by ``mapping.py``; ``afterwards``: the board that executes it, or why none does."""

    mapping: dict[str, Any]
    afterwards: str

    @property
    def summary(self) -> str:
        """Boards, chips and cores, in one line."""
        f = self.mapping
        boards = f"{f['boards']} board{'s' * (f['boards'] > 1)} of {f['chips_per_board']}"
        return f"{f['cores']} cores on {f['chips']} chip{'s' * (f['chips'] > 1)} of {CHIP}, {boards} chips"

    def cores_of(self, graph: Graph) -> dict[str, np.ndarray]:
        """See ``Placed.cores_of``; a chip has as many numbers as cores that programs can have."""
        chips = sorted({(c["x"], c["y"]) for p in self.mapping["populations"] for c in p["cores"]})
        per_chip = self.mapping["cores_per_chip"] + 1  # cores of a chip are counted from 0, and p from 1 or 2

        def core(c: dict[str, Any]) -> int:
            return int(chips.index((c["x"], c["y"])) * per_chip + c["p"])

        return self._of_neurons(graph, core)

    def links_of(self, graph: Graph) -> dict[str, np.ndarray]:
        """See ``Placed.links_of``; all neurons of a core take the same routes."""
        sending = {p["name"] for p in self.mapping["populations"] if any(c["cores_reached"] for c in p["cores"])}
        links = self._of_neurons(graph, lambda c: int(c["links"]))
        return {name: values for name, values in links.items() if name in sending}

    def _of_neurons(self, graph: Graph, what: Callable[[dict[str, Any]], int]) -> dict[str, np.ndarray]:
        known = {p.name: p.size for p in graph.populations}
        values = {}
        for p in self.mapping["populations"]:
            if p["name"] in known:
                values[p["name"]] = np.zeros(known[p["name"]], np.int64)
                for c in p["cores"]:
                    if "Synapses" not in c["kind"]:
                        values[p["name"]][c["first"] : c["last"] + 1] = what(c)
        return values

    def to_json(self) -> dict[str, Any]:
        """The placement as plain values."""
        return {"chip": CHIP, "afterwards": self.afterwards, **self.mapping}

    def __str__(self) -> str:
        f = self.mapping
        heads = ("population", "cores", "neurons a core", "SDRAM KiB", *(f"{r} shift, unit" for r in RECEPTORS))
        rows: list[tuple[str, ...]] = [heads]
        for p in f["populations"]:
            held = [c["last"] - c["first"] + 1 for c in p["cores"]]
            sdram = sum(c["sdram_bytes"] for c in p["cores"]) / _KIB
            units = [_unit(k, w) for k, w in zip(p["ring_buffer_shifts"], p["weight_scales"], strict=True)]
            units = units or ["-"] * len(RECEPTORS)
            rows.append((p["name"], str(len(held)), str(max(held)), f"{sdram:.0f}", *units))
        lines = table(rows, range(1, len(heads)))
        memory = (
            f"SDRAM {f['sdram_bytes'] / _KIB:.0f} KiB for {f['n_steps']} steps, on the fullest chip "
            f"{f['fullest_sdram_bytes'] / f['sdram_per_chip_bytes']:.1%}; routing entries {f['routing_entries']}, in "
            f"the fullest table {f['fullest_table']} of {_TABLE_LIMIT} (before they are compressed)"
        )
        return "\n  ".join([self.summary, *lines, memory, self.afterwards])


@dataclass(frozen=True)
class NotPlaced:
    """A network that sPyNNaker cannot map; ``why`` is the end of its output."""

    why: str

    def cores_of(self, graph: Graph) -> dict[str, np.ndarray]:
        """Raises UnsupportedOnBackend, saying why there are none."""
        raise UnsupportedOnBackend(self.why)

    links_of = cores_of

    def to_json(self) -> dict[str, Any]:
        """The placement as plain values."""
        return {"chip": CHIP, "problems": [self.why]}

    def __str__(self) -> str:
        return self.why


def _unit(ring_buffer_shift: int, weight_scale: float) -> str:
    """(shift, unit of weights) as text; conductances are scaled in addition to the shift."""
    currents = weight_scale == 2.0**-ring_buffer_shift / ACCUM
    return f"{ring_buffer_shift}, {1 / weight_scale:.3g} {'nA' if currents else 'uS'}"


def place(program: Program, name: str, afterwards: str) -> Placement | NotPlaced:
    """Map a compiled program."""
    with written(program) as folder:
        try:
            arguments = ["placement.json"], lambda fraction: None, "the mapping"
            run_program(folder, "mapping.py", *arguments, scratch=folder.parent)
        except ProgramFailed as error:
            how, *words = str(error).splitlines()
            return NotPlaced(f"sPyNNaker cannot map {name}: {' '.join([how, *(w.strip() for w in words[-1:])])}")
        try:
            return Placement(_read(folder / "placement.json"), afterwards)
        except ProgramFailed as error:
            return NotPlaced(f"sPyNNaker cannot map {name}: {error}")


def _read(path: Path) -> dict[str, Any]:
    """Read the output of ``mapping.py``. Raises ProgramFailed on content that it cannot have written."""
    with reading_of("the mapping", path):
        stored = read_json(path)
        fit(stored, _Found, path.name)
        for p in stored["populations"]:
            scales, shifts = p["weight_scales"], p["ring_buffer_shifts"]
            if (
                not p["cores"]
                or len(scales) != len(shifts)
                or len(scales) not in (0, len(RECEPTORS))
                or min(scales, default=1) <= 0
            ):
                raise Unfit(f"{quoted(p['name'])} has other cores or weights than a population can have")
            for c in p["cores"]:
                if not 0 <= c["first"] <= c["last"] < p["size"] or c["p"] < 0:
                    raise Unfit(f"{quoted(p['name'])} has a core with neurons or a number that there are not")
        if stored["sdram_per_chip_bytes"] <= 0:
            raise Unfit("chips have no memory")
        return dict(stored)
