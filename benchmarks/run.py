"""Measures ernsnn: ``make bench``, or ``python benchmarks/run.py [CASE ...] [--repeats N] [--json FILE]``.

Every case prints a table of medians. Whole commands are timed from outside, as a user waits for them; what is to be
compared alternates within one run, since these machines are shared and noisy.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

from loihi_case import loihi

import ernsnn as ern
from ernsnn.hardware_backends.brian2 import Brian2Backend
from ernsnn.models.ca3_memory import build

ERNSNN = [sys.executable, "-m", "ernsnn"]
Row = dict[str, object]


def timed(command: list[str], cache: Path) -> float:
    """Wall seconds of a whole command."""
    began = time.perf_counter()
    environment = {**os.environ, "ERNSNN_CACHE": str(cache)}
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    return time.perf_counter() - began


def alternating(commands: dict[str, list[str]], cache: Path, repeats: int) -> dict[str, list[float]]:
    """Each command ``repeats`` times, in turn, after one uncounted round."""
    for command in commands.values():
        timed(command, cache)
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(repeats):
        for name, command in commands.items():
            times[name].append(timed(command, cache))
    return times


def seconds(times: list[float]) -> Row:
    return {
        "median_s": round(statistics.median(times), 2),
        "min_s": round(min(times), 2),
        "max_s": round(max(times), 2),
    }


def ca3(repeats: int) -> list[Row]:
    """The CA3 memory for 90 ms, the length of the published experiment, whole commands."""
    base = [*ERNSNN, "run", "ca3_memory", "--demo", "--duration-ms", "90"]
    commands = {
        "reference": [*base, "--backend", "reference"],
        "brian2 numpy": [*base, "--set", "target=numpy"],
        "brian2 C++, warm": [*base, "--set", "target=cpp_standalone"],
    }
    with tempfile.TemporaryDirectory() as scratch:
        cold = timed(commands["brian2 C++, warm"], Path(scratch))
        times = alternating(commands, Path(scratch), repeats)
    return [{"what": name, **seconds(found)} for name, found in times.items()] + [
        {"what": "brian2 C++, cold", **seconds([cold])}
    ]


PLASTIC = """
import ernsnn as ern

def build(marked=False, size=1000):
    net = ern.Network(dt_ms=1.0, name=f"plastic_{size}")
    source = net.population("source", size, ern.Poisson(rate_hz=10.0))
    cells = net.population("cells", size, ern.LIF(tau_refrac_ms=2.0, i_offset_nA=0.7, noise_mV=2.0))
    share = 10 / size  # so small that noise alone makes the cells fire, and every rule sees the same spikes
    marks = [ern.marks.Labile("a", tau_s=120, rise=0.02),
             ern.marks.Stable("m", tau_s=600, consolidated_by="P", tag="a")] if marked else []
    third = {"P": net.astrocyte("glia", [cells], tau_ms=20_000, threshold=1000)} if marked else {}
    rule = ern.pair_stdp(A_plus=0.0005 * share, A_minus=0.0006 * share, w_max=0.02 * share, marks=marks)
    weight = ern.Uniform(0, 0.02 * share)
    net.projection("plastic", source, cells, weight_nA=weight, learning=rule, third_factors=third)
    return net
"""


def plastic(repeats: int) -> list[Row]:
    """1000 neurons, all-to-all plastic (1 million synapses), 5 s of 1 ms steps, 10 Hz input, whole commands."""
    with tempfile.TemporaryDirectory() as scratch:
        model = Path(scratch) / "plastic_1000.py"
        model.write_text(PLASTIC)
        command = [*ERNSNN, "run", str(model), "--duration-ms", "5000", "--set", "target=cpp_standalone"]
        cold = timed(command, Path(scratch) / "cache")
        longer = timed([c if c != "5000" else "6000" for c in command], Path(scratch) / "cache")
        warm = alternating({"warm": command}, Path(scratch) / "cache", repeats)["warm"]
    return [
        {"what": "C++ cold", **seconds([cold])},
        {"what": "C++ warm", **seconds(warm)},
        {"what": "C++, first with another duration", **seconds([longer])},
    ]


def marked(repeats: int) -> list[Row]:
    """The same with two marks a synapse against plain STDP: simulation alone, as 25 s of the model less 5 s of it."""
    with tempfile.TemporaryDirectory() as scratch:
        model = Path(scratch) / "plastic_1000.py"
        model.write_text(PLASTIC)
        base = [*ERNSNN, "run", str(model), "--set", "target=cpp_standalone"]
        commands = {
            f"{name} {duration}": [*base, "--set", f"marked={json.dumps(name == 'marked')}", "--duration-ms", duration]
            for name in ("plain", "marked")
            for duration in ("5000", "25000")
        }
        times = alternating(commands, Path(scratch) / "cache", repeats)
    found: dict[str, list[float]] = {
        name: [long - short for long, short in zip(times[f"{name} 25000"], times[f"{name} 5000"], strict=True)]
        for name in ("plain", "marked")
    }
    ratios = [m / p for m, p in zip(found["marked"], found["plain"], strict=True)]
    rows = [{"what": f"{name}, 20 s of the model", **seconds(values)} for name, values in found.items()]
    return [*rows, {"what": "ratio", **seconds(ratios)}]


def native(repeats: int) -> list[Row]:
    """The native engine against Brian2's C++: 2000 neurons at 10 Hz, 4 million plastic synapses, plain and marked.

    Simulation alone, as 6 s of the model less 1 s of it; all alternate, so that ratios hold on a noisy machine.
    """
    backends = {
        "native": ["--backend", "native"],
        "brian2 C++": ["--backend", "brian2", "--set", "target=cpp_standalone"],
    }
    with tempfile.TemporaryDirectory() as scratch:
        model = Path(scratch) / "plastic.py"
        model.write_text(PLASTIC)
        base = [*ERNSNN, "run", str(model), "--set", "size=2000"]
        rows: list[Row] = []
        for name in ("plastic", "marked"):
            commands = {
                f"{backend} {duration}": [
                    *base, *options, "--set", f"marked={json.dumps(name == 'marked')}", "--duration-ms", duration
                ]
                for backend, options in backends.items()
                for duration in ("1000", "6000")
            }  # fmt: skip
            times = alternating(commands, Path(scratch) / "cache", repeats)
            found = {
                backend: [b - a for b, a in zip(times[f"{backend} 6000"], times[f"{backend} 1000"], strict=True)]
                for backend in backends
            }
            rows += [{"what": f"{name}, {backend}", **seconds(values)} for backend, values in found.items()]
            ratios = [b / n for n, b in zip(found["native"], found["brian2 C++"], strict=True)]
            rows.append({"what": f"{name}, ratio", **seconds(ratios)})
    return rows


def lowering(repeats: int) -> list[Row]:
    """Lowering: time, and memory that the graph keeps."""
    cases: dict[str, tuple[int, ern.AllToAll | ern.FixedProbability]] = {
        "all to all, 1 million": (1_000, ern.AllToAll()),
        "all to all, 100 million": (10_000, ern.AllToAll()),
        "fixed probability .1, 10 million": (10_000, ern.FixedProbability(0.1)),
    }
    rows: list[Row] = []
    for name, (size, connector) in cases.items():
        net = ern.Network()
        cells = net.population("cells", size, ern.LIF())
        net.projection("p", cells, cells, connector, weight_nA=ern.Uniform(0, 1))
        times = []
        for _ in range(repeats):
            began = time.perf_counter()
            ern.lower(net, seed=0)
            times.append(time.perf_counter() - began)
        tracemalloc.start()
        graph = ern.lower(net, seed=0)
        kept, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        rows.append(
            {
                "what": name,
                "median_s": round(statistics.median(times), 4),
                "bytes_per_synapse": round(kept / graph.n_synapses, 3),
            }
        )
    return rows


def rows(repeats: int) -> list[Row]:
    """Evaluating 100 million drawn weights row by row, without keeping them."""
    net = ern.Network()
    cells = net.population("cells", 10_000, ern.LIF())
    net.projection("p", cells, cells, weight_nA=ern.Uniform(0, 1))
    projection = ern.lower(net, seed=0).projections[0]
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        for row in range(10_000):
            projection.weight.row(row, row * 10_000, 10_000)
        times.append(time.perf_counter() - began)
    return [{"what": "100 million draws", **seconds(times)}]


def compiling(repeats: int) -> list[Row]:
    """From a network to the text of its Brian2 program."""
    network, times = build(16, 16), []
    for _ in range(repeats):
        began = time.perf_counter()
        Brian2Backend().compile(ern.lower(network), 1000, target="numpy")
        times.append(time.perf_counter() - began)
    return [{"what": "CA3 memory 16 x 16", **seconds(times)}]


CASES: dict[str, Callable[[int], list[Row]]] = {
    case.__name__: case for case in (ca3, plastic, marked, native, lowering, rows, compiling, loihi)
}


def table(found: list[Row]) -> str:
    heads = list(dict.fromkeys(key for row in found for key in row))
    lines = [heads, *([str(row.get(head, "")) for head in heads] for row in found)]
    widths = [max(len(line[k]) for line in lines) for k in range(len(heads))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"of {', '.join(CASES)}; all by default")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", type=Path, help="also write the figures here")
    arguments = parser.parse_args()
    wrong = [name for name in arguments.cases if name not in CASES]
    if wrong or arguments.repeats < 1:
        parser.error(f"no case {wrong[0]!r}; there is: {', '.join(CASES)}" if wrong else "--repeats must be >= 1")
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.machine()}")
    figures = {}
    for name in arguments.cases or CASES:
        print(f"\n{name}: {CASES[name].__doc__}")
        figures[name] = CASES[name](arguments.repeats)
        print(table(figures[name]), flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
