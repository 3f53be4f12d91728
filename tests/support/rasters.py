"""The two rasters that the CA3 memory must reproduce, spike for spike: the published one and one of our own.

Of the published one the repository has the operations that were asked for, from which the input spikes follow, and a
digest of each population's spikes. Run as a script with the authors' raster (a file of "source", "testbench" and
"raster", as tests/data/ca3_regression.json is), this writes tests/data/ca3_published.json.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import ernsnn as ern
from ernsnn.models.ca3_memory import build
from ernsnn.models.ca3_memory.operations import Operation, Pattern, input_times, read_operations

DATA = Path(__file__).resolve().parents[1] / "data"
Trains = Sequence[Sequence[float]]


def digest(trains: Trains) -> str:
    """The digest of spike times in ms, one list a neuron."""
    plain = [sorted(float(t) for t in train) for train in trains]
    return hashlib.sha256(json.dumps(plain).encode()).hexdigest()


@dataclass(frozen=True)
class Raster:
    """The input of the memory, and digest and number of the expected spikes of each population."""

    bench: dict
    digests: dict[str, str]
    spikes: dict[str, int]

    @property
    def duration_ms(self) -> int:
        """The duration of the experiment."""
        return self.bench["simTime"]

    def network(self, **options) -> ern.Network:
        """The memory with this input."""
        cue, cont = self.bench["cue"], self.bench["cont"]
        return build(len(cue), len(cont), cue, cont, **options)

    def assert_shown(self, trains: Callable[[str], Trains]) -> None:
        """``trains`` of every population must be those of the raster."""
        for name, expected in self.digests.items():
            shown = trains(name)
            count = sum(map(len, shown))
            assert count == self.spikes[name], f"{name}: {count} spikes, not {self.spikes[name]}"
            assert digest(shown) == expected, f"{name}: other spikes than those of the raster"


def _own() -> Raster:
    return of_file(json.loads((DATA / "ca3_regression.json").read_text()))


def _published() -> Raster:
    data = json.loads((DATA / "ca3_published.json").read_text())
    asked = [Operation(o["operation"], o["t_ms"], Pattern(tuple(o["cue"]), tuple(o["content"]))) for o in data["asked"]]
    cue, cont = input_times(asked, data["cues"], data["contents"])
    return Raster({"cue": cue, "cont": cont, "simTime": data["duration_ms"]}, data["digests"], data["spikes"])


RASTERS = {"published": _published, "own": _own}


def raster(name: str) -> Raster:
    """The raster of that name."""
    return RASTERS[name]()


def of_file(data: dict) -> Raster:
    """The raster in a file of all spikes."""
    shown = data["raster"]
    counts = {name: sum(map(len, rows)) for name, rows in shown.items()}
    return Raster(data["testbench"], {name: digest(rows) for name, rows in shown.items()}, counts)


def published_file(data: dict) -> dict:
    """The content of tests/data/ca3_published.json, from a file of all spikes."""
    published, bench = of_file(data), data["testbench"]
    asked = read_operations(bench["cue"], bench["cont"])
    return {
        "source": f"{data['source'].partition(' Times in ms')[0]} Here are the operations that its input amounts to, "
        "and the sha256 of each population's spike times in ms, as tests/support/rasters.py writes them.",
        "cues": len(bench["cue"]),
        "contents": len(bench["cont"]),
        "duration_ms": bench["simTime"],
        "asked": [{"operation": o.kind, "t_ms": o.t_ms} | o.asked.to_json() for o in asked],
        "spikes": published.spikes,
        "digests": published.digests,
    }


if __name__ == "__main__":
    content = published_file(json.loads(Path(sys.argv[1]).read_text()))
    (DATA / "ca3_published.json").write_text(json.dumps(content, indent=1) + "\n")
