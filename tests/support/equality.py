"""Comparison of two versions of the package to the bit, on random networks of every feature.

    python tests/support/equality.py run before.json --arrays before/       (with the older version's Python)
    python tests/support/equality.py run after.json --arrays after/         (with the newer one's)
    python tests/support/equality.py compare before.json after.json
    python tests/support/equality.py backends after.json reference native

``run`` writes a digest of every array that each network gives on each backend: spikes, probes, and final values of
synapses and neurons. ``compare`` holds two such files to each other, ``backends`` two backends in one file. With the
arrays, both state the largest difference too. Their exit status is 1 where something differs.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
import warnings
from collections import Counter
from pathlib import Path

import numpy as np

BACKENDS = {"reference": {}, "native": {"precision": "float64"}, "torch": {}}
KINDS = ("spikes", "probes", "final")


def arrays_of(result) -> dict[str, np.ndarray]:
    """All arrays of a result, by kind and name."""
    recording, arrays = result.recording, {}
    for name, (steps, neurons) in recording.spikes.items():
        arrays[f"spikes/{name}"] = np.stack([steps, neurons]).astype(np.int64)
    for key, (steps, values) in recording.signals.items():
        arrays[f"probes/{key}/steps"] = np.asarray(steps, np.int64)
        arrays[f"probes/{key}"] = np.asarray(values, np.float64)
    for owners in (recording.synapses, recording.neurons):
        for name, variables in owners.items():
            arrays |= {f"final/{name}.{v}": np.asarray(values, np.float64) for v, values in variables.items()}
    return arrays


def run_one(seed: int, backend: str) -> tuple[dict[str, np.ndarray], int, Counter]:
    """The arrays of one network, how many spikes its computed neurons gave, and its features.

    Every fifth network is run in two parts, the second of which goes on from the first.
    """
    from random_networks import STEPS, Draw

    import ernsnn as ern

    with warnings.catch_warnings(action="ignore"):
        drawn, options = Draw(seed), BACKENDS[backend]
    parts = [STEPS] if seed % 5 else [STEPS // 2 + 3, STEPS - STEPS // 2 - 3]
    arrays, result, spikes = {}, None, 0
    for k, steps in enumerate(parts):
        started = {} if result is None else {"start": result}
        duration = steps * drawn.dt
        with warnings.catch_warnings(action="ignore"):
            result = ern.run(drawn.net, duration_ms=duration, seed=seed, backend=backend, **options, **started)
        arrays |= {(f"{name}/part{k}" if k else name): array for name, array in arrays_of(result).items()}
        spikes += sum(result.spike_counts[p.name] for p in drawn.neurons)
    drawn.note(*["continued"] * (len(parts) > 1))
    return arrays, spikes, drawn.features


def digest(array: np.ndarray) -> str:
    """The digest of an array's bytes, type and shape."""
    about = f"{array.dtype.str}{array.shape}".encode()
    return hashlib.sha256(about + np.ascontiguousarray(array).tobytes()).hexdigest()


def run(out: Path, seeds: range, folder: Path | None, backends: list[str]) -> int:
    """Run all networks; returns how many raised an error."""
    import ernsnn

    networks, features, began = {}, Counter(), time.monotonic()
    totals = {backend: Counter() for backend in backends}
    for seed in seeds:
        row: dict = {}
        for backend in backends:
            try:
                arrays, spikes, had = run_one(seed, backend)
            except Exception as error:
                row[backend] = {"error": f"{type(error).__name__}: {error}"}
                print(f"network {seed} on {backend}: {row[backend]['error']}", flush=True)
                totals[backend]["errors"] += 1
                continue
            row[backend] = {"spikes": spikes, "arrays": {name: digest(array) for name, array in arrays.items()}}
            totals[backend].update(networks=1, spikes=spikes, lively=spikes > 50)
            totals[backend].update(
                {kind: sum(a.size for n, a in arrays.items() if n.startswith(kind)) for kind in KINDS}
            )
            if folder is not None:
                (folder / backend).mkdir(parents=True, exist_ok=True)
                np.savez(folder / backend / f"{seed}.npz", **{n.replace("/", "|"): a for n, a in arrays.items()})
            if backend == backends[0]:
                features.update(dict.fromkeys(had, 1))
        networks[str(seed)] = row
    about = {"version": ernsnn.__file__, "arrays": str(folder.resolve()) if folder else None}
    content = {"about": about, "totals": totals, "features": dict(sorted(features.items())), "networks": networks}
    out.write_text(json.dumps(content, indent=1))
    print(f"{out}: {len(networks)} networks, {time.monotonic() - began:.0f} s")
    for name, counts in totals.items():
        print(f"  {name}: " + ", ".join(f"{key} {value:,}" for key, value in counts.items()))
    return sum(counts["errors"] for counts in totals.values())


class Tally:
    """Differences between two runs of the same networks."""

    def __init__(self) -> None:
        self.networks, self.equal, self.differing = Counter(), Counter(), {}
        self.worst: dict[str, tuple[float, float, str]] = {}

    def add(self, seed: str, one: dict, other: dict, load) -> None:
        """One network on one backend; ``load`` gives the arrays of both, or None."""
        self.networks["compared"] += 1
        if "error" in one or "error" in other:
            same = one.get("error") == other.get("error")
            self.networks.update({"errors alike" if same else "errors that differ": 1, "equal": same})
            return
        names = {*one["arrays"], *other["arrays"]}
        wrong = sorted(n for n in names if one["arrays"].get(n) != other["arrays"].get(n))
        self.networks["equal"] += not wrong
        for kind in KINDS:
            of_kind = [n for n in names if n.startswith(kind)]
            differ = [n for n in wrong if n.startswith(kind)]
            self.networks[f"{kind} equal"] += not differ
            self.equal[kind] += len(of_kind) - len(differ)
            self.equal[f"{kind} in all"] += len(of_kind)
        if wrong:
            self.differing[seed] = wrong
            self.measure(seed, wrong, load())

    def measure(self, seed: str, wrong: list[str], both) -> None:
        if both is None:
            return
        for name in wrong:
            if not name.startswith("spikes"):
                self.note(name, seed, *difference(both[0].get(name), both[1].get(name)))

    def note(self, name: str, seed: str, each: float, whole: float) -> None:
        variable = name.split("/")[1].rsplit(".", 1)[-1]
        before = self.worst.get(variable, (0.0, 0.0, ""))
        self.worst[variable] = (max(before[0], each), max(before[1], whole), seed if each > before[0] else before[2])

    def report(self, title: str) -> int:
        n = self.networks
        print(f"{title}: {n['equal']} of {n['compared']} networks equal")
        for kind in KINDS:
            arrays = f"{self.equal[kind]:,} of {self.equal[f'{kind} in all']:,} arrays"
            print(f"  {kind}: equal in networks {n[f'{kind} equal']} of {n['compared']}, {arrays}")
        for key in ("errors alike", "errors that differ"):
            if n[key]:
                print(f"  {key}: {n[key]}")
        for seed, names in list(self.differing.items())[:10]:
            print(f"  network {seed}: {', '.join(names[:6])}{' ...' if len(names) > 6 else ''}")
        if self.worst:
            each = max(w[0] for w in self.worst.values())
            print(f"  largest relative difference {each:.3g}; by variable (of each value, of the array's largest):")
        for variable, (each, whole, seed) in sorted(self.worst.items()):
            print(f"    {variable}: {each:.3g}, {whole:.3g} (network {seed})")
        return n["compared"] - n["equal"]


def difference(one: np.ndarray | None, other: np.ndarray | None) -> tuple[float, float]:
    """The largest relative difference of two arrays: of each value, and in units of the largest."""
    if one is None or other is None or one.shape != other.shape:
        return np.inf, np.inf
    if one.size == 0 or np.array_equal(one, other):
        return 0.0, 0.0
    apart, size = np.abs(one - other), np.maximum(np.abs(one), np.abs(other))
    if not np.isfinite(apart).all():
        return np.inf, np.inf
    return float(np.max(apart / np.maximum(size, 1e-300))), float(apart.max() / size.max())


def stored(content: dict, backend: str, seed: str) -> dict[str, np.ndarray] | None:
    """The arrays of a network, where they were kept."""
    folder = content["about"]["arrays"]
    path = Path(folder, backend, f"{seed}.npz") if folder else None
    if path is None or not path.exists():
        return None
    with np.load(path) as arrays:
        return {name.replace("|", "/"): arrays[name] for name in arrays.files}


def held(one: dict, other: dict, pairs: list[tuple[str, str]]) -> int:
    """Compare backends of one file with backends of another; returns how many networks differ."""
    wrong = 0
    for here, there in pairs:
        tally = Tally()
        for seed in one["networks"]:
            rows = one["networks"][seed].get(here), other["networks"].get(seed, {}).get(there)
            if rows[0] is None or rows[1] is None:
                continue

            def load(here=here, there=there, seed=seed):
                both = stored(one, here, seed), stored(other, there, seed)
                return None if None in (both[0], both[1]) else both

            tally.add(seed, *rows, load)
        wrong += tally.report(here if here == there else f"{here} and {there}") if tally.networks["compared"] else 1
    return wrong


def main(argv: list[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    modes = parser.add_subparsers(dest="mode", required=True)
    running = modes.add_parser("run", help="run the networks on this version")
    running.add_argument("out", type=Path)
    running.add_argument("--networks", type=int, default=300, help="how many (300)")
    running.add_argument("--first", type=int, default=0, help="the first seed (0)")
    running.add_argument("--arrays", type=Path, help="a folder for the arrays, so that differences can be measured")
    running.add_argument("--backends", nargs="+", default=list(BACKENDS), choices=list(BACKENDS))
    comparing = modes.add_parser("compare", help="compare two files")
    comparing.add_argument("one", type=Path)
    comparing.add_argument("other", type=Path)
    between = modes.add_parser("backends", help="compare two backends in one file")
    between.add_argument("file", type=Path)
    between.add_argument("pair", nargs=2)
    given = parser.parse_args(argv)
    if given.mode == "run":
        seeds = range(given.first, given.first + given.networks)
        return int(run(given.out, seeds, given.arrays, given.backends) > 0)
    if given.mode == "compare":
        one, other = (json.loads(path.read_text()) for path in (given.one, given.other))
        return int(held(one, other, [(b, b) for b in one["totals"] if b in other["totals"]]) > 0)
    content = json.loads(given.file.read_text())
    return int(held(content, content, [tuple(given.pair)]) > 0)


if __name__ == "__main__":
    sys.exit(main())
