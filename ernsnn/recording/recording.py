"""``Recording``, the raw result of every backend: spikes, signals, final values and meta data, in steps."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NotRequired, TypedDict

import numpy as np

from ernsnn.arrays import Arrays, Form, checksum
from ernsnn.describe.arguments import checked
from ernsnn.describe.names import variable_of
from ernsnn.errors import InvalidModel, quoted
from ernsnn.files import Content
from ernsnn.graph.graph import Graph, Probe
from ernsnn.graph.memory import require_memory
from ernsnn.issues import Fidelity
from ernsnn.loading import Unfit, fit, reading, sealed, unsealed
from ernsnn.recording.keys import KINDS, ArrayKey, neuron_key, signal_keys, spike_keys, synapse_key

SCHEMA = 1
NAME = re.compile(r"[\w.\-]{1,80}")
"""The names that a backend may have."""
_STATE = "state/"
RECORDING_FILE, META_FILE, STATE_FILE = "recording.npz", "meta.json", "state.npz"
RUN_FILE = "run.json"
"""The file with the plan of a run that is recorded while it goes on (``running.folder``)."""


class _Issue(TypedDict):
    backend: NotRequired[str]
    code: str
    fidelity: Fidelity
    path: str
    message: str
    remedy: str
    error: NotRequired[float | None]


class _Start(TypedDict):
    ms: float
    digest: str


class _Trials(TypedDict):
    start_ms: float
    show_ms: float
    rest_ms: float
    n: int
    labels: list[int] | None


class Said(TypedDict, total=False):
    """Meta data of a run that are known before it begins."""

    issues: list[_Issue]
    auto: list[str]
    notes: dict[str, Any]
    weights_at_ms: list[float]
    start: _Start
    trials: _Trials


class _Made(TypedDict):
    backend: str
    digest: str
    seed: int
    options: dict[str, Any]
    versions: dict[str, str]
    wall_s: float


class Meta(_Made, Said, total=False):
    """The meta data of a recording as they are saved; backends may add to them."""

    run: str
    model: str
    dt_ms: float
    duration_ms: float
    finished: bool
    spike_counts: dict[str, int]
    checksums: dict[str, str]
    kernels: int


@checked
@dataclass(frozen=True, eq=False)
class Recording:
    """Raw results, in steps: of ``n_steps`` steps from ``first_step`` on, which is 0 unless it goes on from another.

    ``spikes[population]`` = (steps, neurons), by step, then neuron; ``signals[key]`` = (steps (k,), values (k, n));
    ``synapses[projection][variable]``: final values of plastic synapses, in the order of the graph's rows;
    ``neurons[population][parameter]``: final values of what intrinsic plasticity changed. ``state``: all else that a
    run needs to go on from here, as the backend has it; None where there is none.
    """

    n_steps: int
    spikes: dict[str, tuple[np.ndarray, np.ndarray]]
    signals: dict[str, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)
    synapses: dict[str, dict[str, np.ndarray]] = field(default_factory=dict)
    neurons: dict[str, dict[str, np.ndarray]] = field(default_factory=dict)
    meta: dict[str, Any] = field(default_factory=dict)
    first_step: int = 0
    state: Mapping[str, np.ndarray] | None = None

    @property
    def end(self) -> int:
        """The step after the last."""
        return self.first_step + self.n_steps

    @property
    def spike_counts(self) -> dict[str, int]:
        """Population -> number of recorded spikes."""
        return {name: len(steps) for name, (steps, _) in self.spikes.items()}

    def from_zero(self) -> Recording:
        """The recording with the steps of spikes counted from its own first step."""
        if not self.first_step:
            return self
        return replace(
            self, spikes={name: (s - self.first_step, neurons) for name, (s, neurons) in self.spikes.items()}
        )

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Flat arrays, ``kind/name/what``: the layout of ``recording.npz``, which compiled programs write too."""
        flat = {"n_steps": np.array(self.n_steps), "first_step": np.array(self.first_step)}
        for name, pair in self.spikes.items():
            flat |= zip(spike_keys(name), pair, strict=True)
        for probe_key, pair in self.signals.items():
            flat |= zip(signal_keys(probe_key), pair, strict=True)
        return flat | self.final_values()

    def final_values(self) -> dict[str, np.ndarray]:
        """The final values of synapses and neurons, under their names in ``to_arrays``."""
        synapses = {synapse_key(p, v): values for p, of in self.synapses.items() for v, values in of.items()}
        return synapses | {neuron_key(p, v): values for p, of in self.neurons.items() for v, values in of.items()}

    @classmethod
    def from_arrays(
        cls, flat: dict[str, np.ndarray], meta: dict[str, Any], state: Mapping[str, np.ndarray] | None = None
    ) -> Recording:
        """The inverse of ``to_arrays``. A program's own arrays may hold its state too, as ``state/path``."""
        nested: dict[str, dict[str, dict[str, np.ndarray]]] = {kind: {} for kind in KINDS}
        for key, array in flat.items():
            if key not in ("n_steps", "first_step") and not key.startswith(_STATE):
                kind, name, what = ArrayKey.parse(key)
                nested[kind].setdefault(name, {})[what] = array
        own = {key.removeprefix(_STATE): array for key, array in flat.items() if key.startswith(_STATE)}
        return cls(
            n_steps=int(flat["n_steps"]),
            spikes={name: _by_step(v["steps"], v["neurons"]) for name, v in nested["spikes"].items()},
            signals={name: (v["steps"], v["values"]) for name, v in nested["signals"].items()},
            synapses=nested["synapses"],
            neurons=nested["neurons"],
            meta=meta,
            first_step=int(flat.get("first_step", 0)),
            state=own or None if state is None else state,
        )

    def to_files(self) -> dict[str, Content]:
        """The files that ``load`` reads."""
        arrays = self.to_arrays()
        kept = {RECORDING_FILE: arrays} if self.state is None else {RECORDING_FILE: arrays, STATE_FILE: self.state}
        checksums = {name: checksum(content) for name, content in kept.items()}
        return {META_FILE: meta_text(self.meta, checksums), **kept}

    @classmethod
    def load(cls, folder: str | Path, graph: Graph | None = None) -> Recording:
        """Read a recording, of ``graph`` where that is given; its state is read when it is asked for.

        Raises InvalidModel on one that is missing, damaged, or of another graph.
        """
        folder = Path(folder)
        try:
            with reading(f"{folder}: the recording"):
                meta = load_meta(folder)
                sums = meta.get("checksums", {})
                flat = _arrays(folder / RECORDING_FILE, graph, meta, sums.get(RECORDING_FILE))
                has_state = (folder / STATE_FILE).exists()
                if STATE_FILE in sums and not has_state:
                    raise Unfit(f"{STATE_FILE} is missing")
                state = Arrays(folder / STATE_FILE, seal=sums.get(STATE_FILE)) if has_state else None
                recording = cls.from_arrays(flat, meta, state)
                if graph is not None:
                    _check(recording, graph)
                return recording
        except (FileNotFoundError, NotADirectoryError) as error:
            if (folder / RUN_FILE).exists():
                raise InvalidModel(
                    f"{folder}: this run has not finished; `ernsnn resume {shlex.quote(str(folder))}` goes on"
                ) from None
            raise InvalidModel(f"{folder}: no recording ({error.filename} is missing)") from None

    @classmethod
    def of_run(
        cls, flat: dict[str, np.ndarray], meta: dict[str, Any], graph: Graph, n_steps: int, first_step: int = 0
    ) -> Recording:
        """Check and read the arrays of a program that was to run ``n_steps`` steps of ``graph`` from ``first_step`` on.

        The arrays are of the ``forms_of_run``. Raises Unfit where they cannot be of that run.
        """
        recording = cls.from_arrays(flat, meta)
        if (recording.first_step, recording.n_steps) != (first_step, n_steps):
            raise Unfit(
                f"it is of {recording.n_steps} steps from {recording.first_step} on, not {n_steps} from {first_step}"
            )
        _check(recording, graph)
        for probe in graph.probes:
            due = np.arange(first_step + (-first_step - 1) % probe.every, recording.end, probe.every)
            if not np.array_equal(recording.signals[probe.key][0], due):
                raise Unfit(f"the steps of {probe.key} are not those of the probe")
        return recording


def by_neuron(times: np.ndarray, neurons: np.ndarray, size: int) -> list[np.ndarray]:
    """Split ``times`` (steps or ms) by neuron, in the order given; O(n log n) for n spikes."""
    order = np.argsort(neurons, kind="stable")
    return np.split(times[order], np.searchsorted(neurons[order], np.arange(1, size)))


def counted(steps: np.ndarray, neurons: np.ndarray, edges: np.ndarray, size: int) -> np.ndarray:
    """Count the spikes of each of ``size`` neurons from each edge (a step) up to the next: (intervals, neurons).

    ``edges`` (intervals + 1,) do not decrease; O(n log k) for n spikes and k edges.
    """
    at = np.searchsorted(edges, steps, side="right") - 1
    inside = (at >= 0) & (at < len(edges) - 1)
    cells = at[inside] * size + neurons[inside]
    return np.bincount(cells, minlength=(len(edges) - 1) * size).reshape(-1, size)


def meta_text(meta: Mapping[str, Any], checksums: Mapping[str, str]) -> str:
    """The content of the file of meta data; ``checksums`` are those of the files of arrays beside it."""
    return sealed({"schema": SCHEMA, **meta, "checksums": dict(checksums)})


def load_meta(folder: Path) -> dict[str, Any]:
    """Read what ``meta_text`` wrote.

    Raises InvalidModel or Unfit on damaged meta data, FileNotFoundError without any.
    """
    meta = unsealed(folder / META_FILE, "recording", SCHEMA)
    fit(meta, Meta, META_FILE)
    if not NAME.fullmatch(meta["backend"]):
        raise Unfit(f"the backend is {quoted(meta['backend'])}")
    return meta


def forms(graph: Graph, n_steps: int) -> Iterator[tuple[str, Form]]:
    """Yield (name in ``Recording.to_arrays``, form) of every array that a run of ``n_steps`` steps can record."""
    for p in graph.populations:
        yield from ((key, Form("iu", (None,), n_steps * p.most_spikes)) for key in spike_keys(p.name))
    sizes = {m.name: m.size for m in graph.modulators} | {j.name: j.n_synapses for j in graph.projections}
    sides = {j.name: j.connectivity.n_pre for j in graph.projections}
    widths = {p.key: _width(p, sides if p.kind == "short_term" else sizes) for p in graph.probes}
    learning = [j for j in graph.projections if j.learning]
    widths |= {variable_of(j.name, v.name): j.n_synapses for j in learning for v in j.variables}
    for key, width in widths.items():
        steps, values = signal_keys(key)
        yield steps, Form("iu", (None,), n_steps)
        yield values, Form("biuf", (None, width), n_steps)
    for j in learning:
        yield from ((synapse_key(j.name, v.name), Form("iuf", (j.n_synapses,))) for v in j.variables)
    for n in graph.neurons():
        if n.intrinsic:
            yield neuron_key(n.name, n.intrinsic.target), Form("f", (n.size,))


def forms_of_run(graph: Graph, n_steps: int) -> dict[str, Form]:
    """Name -> form of every array that a program must record in ``n_steps`` steps."""
    probed = {probe.key for probe in graph.probes}
    arrays = ((ArrayKey.parse(name), form) for name, form in forms(graph, n_steps))
    due = {str(key): form for key, form in arrays if key.kind != "signals" or key.owner in probed}
    return {"n_steps": Form("iu", ()), **due}


def _width(probe: Probe, sizes: Mapping[str, int]) -> int:
    return probe.stop - probe.start if probe.kind == "neurons" else sizes[probe.target]


def _arrays(path: Path, graph: Graph | None, meta: Mapping[str, Any], seal: str | None) -> dict[str, np.ndarray]:
    """Read the arrays of a recording, after the forms of all have been checked."""
    arrays, spans = Arrays(path, seal=seal), {name: Form("iu", ()) for name in ("n_steps", "first_step")}
    for name, form in spans.items():
        if name in arrays:
            form.check(arrays.headers[name], name)
    n_steps = int(Arrays(path)["n_steps"])
    if not 0 <= n_steps < 2**53:
        raise Unfit(f"n_steps is {n_steps}")
    if graph is not None:
        if "duration_ms" in meta and meta["duration_ms"] != n_steps * graph.dt_ms:
            raise Unfit(f"n_steps is {n_steps}, and {META_FILE} says {meta['duration_ms']} ms")
        arrays = Arrays(path, {**spans, **dict(forms(graph, n_steps))}, seal)
    require_memory(
        str(path), sum(header.n_bytes for header in arrays.headers.values()), "read single arrays of it with numpy.load"
    )
    return arrays.all()


def _check(recording: Recording, graph: Graph) -> None:
    """Raise Unfit where a recording cannot be one of ``graph``."""
    first, end, said = recording.first_step, recording.end, recording.meta.get("spike_counts", {})
    if first < 0:
        raise Unfit(f"first_step is {first}")
    for p in graph.populations:
        if p.name not in recording.spikes:
            raise Unfit(f"the spikes of {p.name} are missing")
        steps, neurons = recording.spikes[p.name]
        if len(steps) != len(neurons) or said.get(p.name, len(steps)) != len(steps):
            raise Unfit(f"the spikes of {p.name} are {len(steps)} steps and {len(neurons)} neurons")
        _within(steps, first, end, f"a step of {p.name}")
        _within(neurons, 0, p.size, f"a neuron of {p.name}")
    for key, (steps, values) in recording.signals.items():
        if len(steps) != len(values):
            raise Unfit(f"the signal {key} has {len(steps)} steps and {len(values)} values")
        _within(steps, first, end, f"a step of {key}")


def _within(numbers: np.ndarray, low: int, high: int, what: str) -> None:
    if len(numbers) and not (low <= int(numbers.min()) and int(numbers.max()) < high):
        raise Unfit(f"{what} is {int(numbers.min())} or {int(numbers.max())}, not in [{low}, {high})")


def _by_step(steps: np.ndarray, neurons: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if len(steps) != len(neurons):
        raise Unfit(f"spikes are {len(steps)} steps and {len(neurons)} neurons")
    later, together = steps[1:] > steps[:-1], steps[1:] == steps[:-1]
    if (later | (together & (neurons[1:] >= neurons[:-1]))).all():
        return steps, neurons
    order = np.lexsort((neurons, steps))
    return steps[order], neurons[order]
