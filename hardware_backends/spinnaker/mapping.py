"""Maps program.py on virtual boards without executing it. Compiled programs carry a copy.

    python mapping.py [PLACEMENT.json]

sPyNNaker is given a home of its own for as long as this takes, so that the user's stays as it is, and it stops before
it would write what is loaded onto a board.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
LIMIT_S = 600
CONFIGURATION = """
[Machine]
virtual_board = True
version = 5
[Reports]
default_report_file_path = {folder}
[Logging]
default = error
"""


def give_up(*_: object) -> None:
    """End a mapping that takes too long."""
    raise SystemExit(f"the mapping took more than {LIMIT_S} s")


def mapped(home: Path) -> dict[str, Any]:
    """Map the program by sPyNNaker, with ``home`` as the home folder."""
    (home / ".spynnaker.cfg").write_text(CONFIGURATION.format(folder=home), encoding="utf-8")
    os.environ["HOME"] = str(home)
    for name in ("XDG_CONFIG_HOME", "XDG_CONFIG_DIRS", "XDG_CACHE_HOME", "XDG_DATA_HOME"):
        os.environ[name] = str(home / "others")
    from spynnaker.pyNN.spinnaker import SpiNNaker

    SpiNNaker._do_load = SpiNNaker._do_run = lambda self, *_: None  # type: ignore[method-assign,assignment]
    program = importlib.import_module("program")
    began = time.perf_counter()
    program.build()
    program.sim.run(program.DURATION)
    placed = placement(program.N_STEPS) | {"seconds": round(time.perf_counter() - began, 2)}
    program.sim.end()
    return placed


def placement(n_steps: int) -> dict[str, Any]:
    """Cores, chips, memory, routes and weights of the mapping. SDRAM in bytes, for ``n_steps`` steps."""
    from spynnaker.pyNN.data import SpynnakerDataView

    view: Any = SpynnakerDataView
    links, reached = routes(view)
    chips: dict[tuple[int, int], int] = defaultdict(int)
    populations: list[dict[str, Any]] = []
    for vertex in view.iterate_vertices():
        cores = []
        for part in vertex.machine_vertices:
            at, held = view.get_placement_of_vertex(part), part.vertex_slice
            sdram = int(part.sdram_required.get_total_sdram(n_steps))
            chips[at.x, at.y] += sdram
            cores.append(
                {
                    "kind": type(part).__name__,
                    "x": at.x,
                    "y": at.y,
                    "p": at.p,
                    "first": int(held.lo_atom),
                    "last": int(held.hi_atom),
                    "sdram_bytes": sdram,
                    "links": links.get(part, 0),
                    "cores_reached": reached.get(part, 0),
                }
            )
        if cores:
            shifts: list[int] = getattr(vertex, "get_ring_buffer_shifts", list)()
            populations.append(
                {
                    "name": vertex.label,
                    "size": int(vertex.n_atoms),
                    "kind": type(vertex).__name__,
                    "ring_buffer_shifts": [int(k) for k in shifts],
                    "weight_scales": [float(s) for s in vertex.get_weight_scales(shifts)] if shifts else [],
                    "cores": cores,
                }
            )
    machine, tables = view.get_machine(), view.get_uncompressed()
    boards = {(c.nearest_ethernet_x, c.nearest_ethernet_y) for c in (view.get_chip_at(*chip) for chip in chips)}
    return {
        "boards": len(boards),
        "chips": len(chips),
        "cores": sum(len(p["cores"]) for p in populations),
        "cores_per_chip": max(c.n_placable_processors for c in machine.chips),
        "chips_per_board": machine.n_chips // len(machine.ethernet_connected_chips),
        "n_steps": n_steps,
        "sdram_bytes": sum(chips.values()),
        "fullest_sdram_bytes": max(chips.values(), default=0),
        "sdram_per_chip_bytes": int(min(c.sdram for c in machine.chips)),
        "routing_entries": sum(table.number_of_entries for table in tables.routing_tables),
        "fullest_table": max((table.number_of_entries for table in tables.routing_tables), default=0),
        "populations": populations,
    }


def routes(view: Any) -> tuple[dict[Any, int], dict[Any, int]]:
    """Core that sends spikes -> (links between chips that a spike crosses, cores that it reaches)."""
    links: dict[Any, int] = defaultdict(int)
    reached: dict[Any, int] = defaultdict(int)
    table = view.get_routing_table_by_partition()
    for x, y in table.get_routers():
        for (vertex, _), entry in table.get_entries_for_router(x, y).items():
            links[vertex] += len(entry.link_ids)
            reached[vertex] += len(entry.processor_ids)
    return links, reached


if __name__ == "__main__":
    signal.signal(signal.SIGALRM, give_up)
    signal.alarm(LIMIT_S)
    where = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "placement.json"
    try:
        with tempfile.TemporaryDirectory(dir=HERE, prefix="home-") as folder:
            where.write_text(json.dumps(mapped(Path(folder)), indent=1), encoding="utf-8")
    except (Exception, SystemExit) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
        os._exit(1)  # or sPyNNaker would still write into its home, which is gone
