"""Readings of a recording by names and in milliseconds."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np

from ernsnn.describe.arguments import checked
from ernsnn.describe.names import variable_of
from ernsnn.describe.units import first_step, to_unit
from ernsnn.errors import InvalidModel, unknown
from ernsnn.files import Content, write_folder
from ernsnn.graph.graph import Graph
from ernsnn.graph.probes import not_probed
from ernsnn.graph.storage import graph_files, load_graph
from ernsnn.issues import Issues
from ernsnn.loading import reading
from ernsnn.recording.recording import Recording, by_neuron, counted, load_meta
from ernsnn.recording.trials import TrialReadings


class Stored:
    """A recording of ``graph`` in ``folder``, which is read at its first use; its meta data have been read."""

    def __init__(self, folder: Path, graph: Graph, meta: dict[str, Any]) -> None:
        self.folder, self.graph, self.meta = folder, graph, meta

    @cached_property
    def recording(self) -> Recording:
        """The recording, read from the folder."""
        return Recording.load(self.folder, self.graph)

    @property
    def n_steps(self) -> int:
        """The number of recorded steps."""
        return round(float(self.meta["duration_ms"]) / self.graph.dt_ms)

    @property
    def first_step(self) -> int:
        """The step from which the run went on; 0 where it went on from no other."""
        return round(float(self.meta.get("start", {"ms": 0.0})["ms"]) / self.graph.dt_ms)

    @property
    def spike_counts(self) -> dict[str, int]:
        """Population -> number of recorded spikes."""
        return dict(self.meta["spike_counts"])


class Readings:
    """The graph that was run and the recording that came back."""

    def __init__(self, graph: Graph, recording: Recording | Stored) -> None:
        self.graph, self._held = graph, recording

    def __repr__(self) -> str:
        spikes = sum(self.spike_counts.values())
        return (
            f"<{type(self).__name__} of {self.graph.name} on {self.meta['backend']}: {self.duration_ms:.12g} ms, "
            f"{spikes} spikes>"
        )

    @classmethod
    def of(cls, readings: Readings) -> Self:
        """The same run as an object of this class."""
        return cls(readings.graph, readings._held)

    @property
    def recording(self) -> Recording:
        """The recording, in steps."""
        return self._held.recording if isinstance(self._held, Stored) else self._held

    @property
    def folder(self) -> Path | None:
        """The folder of a run that was recorded to disk, whose ``recording`` is read at its first use; else None."""
        return self._held.folder if isinstance(self._held, Stored) else None

    @property
    def meta(self) -> dict[str, Any]:
        """Backend, digest, seed, versions, wall time, issues."""
        return self._held.meta

    @property
    def issues(self) -> Issues:
        """The issues of the run: differences from the description, and doubts about the network; prints as a table."""
        return Issues.from_json(self.meta["backend"], self.meta.get("issues", []))

    @cached_property
    def trials(self) -> TrialReadings | None:
        """The run by its trials; None where it was run without. Raises InvalidModel on damaged ones."""
        return TrialReadings.of(self.graph, self.recording, self.meta["trials"]) if "trials" in self.meta else None

    @property
    def duration_ms(self) -> float:
        """The simulated time."""
        return self._held.n_steps * self.graph.dt_ms

    @property
    def start_ms(self) -> float:
        """The time at which the run started: 0, or the end of the run from which it went on."""
        return self._held.first_step * self.graph.dt_ms

    @property
    def spike_counts(self) -> dict[str, int]:
        """Population -> number of recorded spikes."""
        return self._held.spike_counts

    @checked
    def spikes(self, population: str) -> tuple[np.ndarray, np.ndarray]:
        """(times in ms, neurons) of a population, by time, then neuron."""
        steps, neurons = self._find("population", population, self.recording.spikes)
        return steps * self.graph.dt_ms, neurons

    @checked
    def trains(self, population: str) -> list[list[float]]:
        """Spike times in ms, one list a neuron."""
        times, neurons = self.spikes(population)
        return [train.tolist() for train in by_neuron(times, neurons, self.graph.population(population).size)]

    @checked
    def counts(self, population: str, edges_ms: Sequence[float] | np.ndarray | None = None) -> np.ndarray:
        """Count the spikes of each neuron of a population from each time in ``edges_ms`` up to the next.

        An array (intervals, neurons) of whole numbers, for edges (intervals + 1,) in ms that do not decrease: an
        interval holds the spikes from its first edge on and before its last. By default the times in which trials were
        shown, in a run of trials, else one interval, the whole run.
        Divided by the lengths of the intervals these are rates: ``counts / (np.diff(edges_ms)[:, None] / 1000)`` in Hz.
        Raises InvalidModel on an unknown population and on edges that decrease.
        """
        if edges_ms is None and self.trials is not None:
            return self.trials.counts(population)
        steps, neurons = self._find("population", population, self.recording.spikes)
        first, end, dt_ms = self.recording.first_step, self.recording.end, self.graph.dt_ms
        if edges_ms is None:
            edges = np.array([first, end])
        else:
            times = np.atleast_1d(to_unit(edges_ms, "ms", "edges_ms"))
            if times.ndim != 1 or len(times) < 2 or (np.diff(times) < 0).any():
                raise InvalidModel("edges_ms: must be two or more times in ms, in their order")
            edges = np.array([first_step(float(t), dt_ms) for t in times])
        return counted(steps, neurons, edges, self.graph.population(population).size)

    @checked
    def weights(self, projection: str, variable: str = "w") -> np.ndarray:
        """Final values of a plastic projection's variable as a matrix (pre, post); NaN where there is no synapse.

        Several synapses of one pair are refused: take them from ``recording.synapses``.
        """
        p = next((p for p in self.graph.projections if p.name == projection), None)
        if p is None:
            raise InvalidModel(unknown("no projection", projection, [p.name for p in self.graph.projections]))
        rows = p.synapses
        final = self.recording.synapses.get(projection, rows.variables)
        values = self._find(f"variable of {projection}", variable, final)
        matrix = np.full((p.connectivity.n_pre, p.connectivity.n_post), np.nan)
        if p.several_a_pair:
            raise InvalidModel(
                f"{projection}: has several synapses for one pair; see recording.synapses[{projection!r}]"
            )
        matrix[rows.pre - p.pre_start, rows.post - p.post_start] = values
        return matrix

    @checked
    def with_weights(self, projection: str, values: Any, variable: str = "w") -> Self:
        """These readings with other final values of a plastic projection's variable, for a run to ``start`` from.

        ``values``: one number; a matrix (pre, post) as ``weights`` gives it, of which only places with a synapse are
        read; or one number a synapse, in the order of ``recording.synapses``. Raises InvalidModel on an unknown name,
        on other shapes and on values outside the bounds of the learning rule.
        """
        learns = {p.name: p for p in self.graph.projections if p.learning}
        p = self._find("plastic projection", projection, learns)
        wanted = self._find(f"variable of {projection}", variable, {v.name: v for v in p.variables})
        try:
            if isinstance(values, str) or np.ma.is_masked(values):
                raise TypeError
            with np.errstate(over="ignore"):
                given = np.asarray(values, dtype=float)
        except MemoryError:
            raise
        except Exception:  # a foreign class may raise any error
            raise InvalidModel(f"{projection}.{variable}: must be numbers, and none masked") from None
        sides, rows = (p.connectivity.n_pre, p.connectivity.n_post), p.synapses
        if given.shape == sides:
            given = given[rows.pre - p.pre_start, rows.post - p.post_start]
        elif given.shape not in ((), (p.n_synapses,)):
            raise InvalidModel(
                f"{projection}.{variable}: must be one number, a matrix of {sides[0]} x {sides[1]} or "
                f"{p.n_synapses} numbers, got shape {given.shape}"
            )
        if not ((wanted.low <= given) & (given <= wanted.high)).all():
            raise InvalidModel(f"{projection}.{variable}: must be numbers within [{wanted.low:g}, {wanted.high:g}]")
        synapses = {name: dict(variables) for name, variables in self.recording.synapses.items()}
        kind = synapses[projection][variable].dtype
        synapses[projection][variable] = np.broadcast_to(given, (p.n_synapses,)).astype(kind)
        return type(self)(self.graph, dataclasses.replace(self.recording, synapses=synapses))

    @checked
    def signal(self, target: str, variable: str) -> tuple[np.ndarray, np.ndarray]:
        """(times in ms (k,), values (k, n)) of a probe. A value is that at the end of the step starting at its time.

        Raises InvalidModel where it was not recorded, with the probe that records it.
        """
        key, recorded = variable_of(target, variable), self.recording.signals
        if key not in recorded:
            held = f" (recorded: {', '.join(recorded)})" if recorded else ""
            raise InvalidModel(f"no probe {key!r}: {not_probed(self.graph, target, variable)}{held}")
        steps, values = recorded[key]
        return steps * self.graph.dt_ms, values

    @staticmethod
    def _find(kind: str, name: str, known: dict[str, Any]) -> Any:
        if name not in known:
            raise InvalidModel(unknown(f"no {kind}", name, known))
        return known[name]

    @checked
    def save(self, folder: str | Path) -> Path:
        """Write recording and graph; the folder appears whole or not at all."""
        return write_folder(folder, self.to_files())

    def to_files(self) -> dict[str, Content]:
        """Every file that ``load`` reads."""
        return {**self.recording.to_files(), **graph_files(self.graph)}

    @classmethod
    @checked
    def load(cls, folder: str | Path) -> Self:
        """Read what ``save`` wrote. Raises InvalidModel, naming what is missing or damaged."""
        recording, graph = _recorded(Path(folder))
        return cls(graph, recording)


def _recorded(folder: Path) -> tuple[Recording, Graph]:
    """The graph in a folder, and the recording of it. Raises InvalidModel on a recording of another graph."""
    with reading(f"{folder}: the recording"):
        try:
            digest = load_meta(folder)["digest"]
        except (FileNotFoundError, NotADirectoryError):
            return Recording.load(folder), load_graph(folder)  # one of which says what is missing
    graph = load_graph(folder)
    if digest != graph.digest:
        raise InvalidModel(f"{folder}: the recording belongs to another graph")
    return Recording.load(folder, graph), graph
