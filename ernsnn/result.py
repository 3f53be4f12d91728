"""A finished run as a user reads it: names and milliseconds instead of paths and steps."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ernsnn.analyse.energy import Energy, energy
from ernsnn.analyse.exports import export
from ernsnn.analyse.foreign import to_neo, to_nwb, to_xarray
from ernsnn.analyse.metrics import Metrics, metrics
from ernsnn.analyse.notebook import notebook
from ernsnn.analyse.plots import Plots
from ernsnn.analyse.summary import Summary, read_summary, summary_files
from ernsnn.describe.arguments import checked
from ernsnn.errors import InvalidModel, unknown
from ernsnn.files import Content, write_folder
from ernsnn.graph.graph import Graph
from ernsnn.graph.probes import not_probed
from ernsnn.graph.storage import graph_files, load_graph
from ernsnn.issues import Issues
from ernsnn.loading import reading
from ernsnn.recording.recording import Recording, by_neuron, load_meta

if TYPE_CHECKING:
    import neo
    import pynwb
    import xarray


@checked
class Result:
    """The graph that was run and the recording that came back."""

    _summary: Summary | None = None

    def __init__(self, graph: Graph, recording: Recording) -> None:
        self.graph, self._recording, self._meta = graph, recording, recording.meta

    def __repr__(self) -> str:
        spikes = sum(self.spike_counts.values())
        return f"<Result of {self.graph.name} on {self.meta['backend']}: {self.duration_ms:.12g} ms, {spikes} spikes>"

    @property
    def recording(self) -> Recording:
        """What was recorded, in steps."""
        return self._recording

    @property
    def meta(self) -> dict[str, Any]:
        """Backend, digest, seed, versions, wall time, issues."""
        return self._meta

    @property
    def issues(self) -> Issues:
        """What the backend does otherwise than described, and what is doubtful about the network; prints as a table."""
        return Issues.from_json(self.meta["backend"], self.meta.get("issues", []))

    @property
    def duration_ms(self) -> float:
        """How long was simulated."""
        return self.recording.n_steps * self.graph.dt_ms

    @property
    def start_ms(self) -> float:
        """When it started: 0, or the end of the run from which it went on."""
        return self.recording.first_step * self.graph.dt_ms

    @property
    def spike_counts(self) -> dict[str, int]:
        """How many spikes were recorded of each population."""
        return {name: len(steps) for name, (steps, _) in self.recording.spikes.items()}

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
    def weights(self, projection: str, variable: str = "w") -> np.ndarray:
        """Final values of a plastic projection's variable as a matrix (pre, post); NaN where there is no synapse.

        Several synapses of one pair are refused: take them from ``recording.synapses``.
        """
        found = next((p for p in self.graph.projections if p.name == projection), None)
        if found is None:
            raise InvalidModel(unknown("no projection", projection, [p.name for p in self.graph.projections]))
        rows = found.synapses
        final = self.recording.synapses.get(projection, rows.variables)
        values = self._find(f"variable of {projection}", variable, final)
        matrix = np.full((found.connectivity.n_pre, found.connectivity.n_post), np.nan)
        if found.several_a_pair:
            raise InvalidModel(
                f"{projection}: has several synapses for one pair; see recording.synapses[{projection!r}]"
            )
        matrix[rows.pre - found.pre_start, rows.post - found.post_start] = values
        return matrix

    @checked
    def with_weights(self, projection: str, values: Any, variable: str = "w") -> Result:
        """This result with other final values of a plastic projection's variable, for a run to ``start`` from.

        ``values``: one number; a matrix (pre, post) as ``weights`` gives it, of which only places with a synapse are
        read; or one number a synapse, in the order of ``recording.synapses``. Raises InvalidModel on an unknown name,
        on other shapes and on values outside the bounds of the learning rule.
        """
        learns = {p.name: p for p in self.graph.projections if p.learning}
        found = self._find("plastic projection", projection, learns)
        wanted = self._find(f"variable of {projection}", variable, {v.name: v for v in found.variables})
        try:
            if isinstance(values, str) or np.ma.is_masked(values):
                raise TypeError
            given = np.asarray(values, dtype=float)
        except (TypeError, ValueError):
            raise InvalidModel(f"{projection}.{variable}: must be numbers, and none masked") from None
        sides, rows = (found.connectivity.n_pre, found.connectivity.n_post), found.synapses
        if given.shape == sides:
            given = given[rows.pre - found.pre_start, rows.post - found.post_start]
        elif given.shape not in ((), (found.n_synapses,)):
            raise InvalidModel(
                f"{projection}.{variable}: must be one number, a matrix of {sides[0]} x {sides[1]} or "
                f"{found.n_synapses} numbers, got shape {given.shape}"
            )
        if not ((wanted.low <= given) & (given <= wanted.high)).all():
            raise InvalidModel(f"{projection}.{variable}: must be numbers within [{wanted.low:g}, {wanted.high:g}]")
        synapses = {name: dict(variables) for name, variables in self.recording.synapses.items()}
        kind = synapses[projection][variable].dtype
        synapses[projection][variable] = np.broadcast_to(given, (found.n_synapses,)).astype(kind)
        return Result(self.graph, dataclasses.replace(self.recording, synapses=synapses))

    @checked
    def signal(self, target: str, variable: str) -> tuple[np.ndarray, np.ndarray]:
        """(times in ms (k,), values (k, n)) of a probe. A value is that at the end of the step starting at its time.

        Raises InvalidModel where it was not recorded, with the probe that records it.
        """
        key, recorded = f"{target}.{variable}", self.recording.signals
        if key not in recorded:
            held = f" (recorded: {', '.join(recorded)})" if recorded else ""
            raise InvalidModel(f"no probe {key!r}: {not_probed(self.graph, target, variable)}{held}")
        steps, values = recorded[key]
        return steps * self.graph.dt_ms, values

    @checked
    def metrics(self, bin_ms: float | None = None) -> Metrics:
        """Activity, sparsity, operations and memory; ``bin_ms`` is the bin of synchrony and branching (5 steps).

        Raises InvalidModel on a bin that is no whole number of steps.
        """
        return metrics(self.graph, self.recording, bin_ms)

    @checked
    def energy(
        self,
        chip: str | Sequence[str] | None = None,
        cores: Mapping[str, np.ndarray] | None = None,
        links: Mapping[str, np.ndarray] | None = None,
    ) -> Energy:
        """What the events of this run would cost on ``chip``: a price set or a chip, or several; all by default.

        ``cores`` says on which core each neuron of each population lies; with it, packets and hops are counted too, as
        Loihi has them. ``links`` says how many links between chips a spike of each neuron crosses; with it, they are
        counted as SpiNNaker has them. A backend's ``placement`` knows both. Raises InvalidModel on an unknown chip.
        """
        return energy(self.graph, self.recording, chip, cores, links)

    @property
    def summary(self) -> Summary | None:
        """What the run meant in its model's own terms, as the model said when it ended; None where it said nothing."""
        return self._summary

    @property
    def moments(self) -> Sequence[tuple[float, str]]:
        """Times in ms that pictures mark, each with a label: none, but for models that know of some."""
        return [(mark.t_ms, mark.what) for mark in self.summary.marks] if self.summary else ()

    @property
    def plot(self) -> Plots:
        """Pictures: ``plot.raster()``, ``plot.weights(projection)`` and so on; ``plot()`` is an overview."""
        return Plots(self)

    def _repr_html_(self) -> str:
        return notebook(self)

    def to_neo(self) -> neo.Block:
        """A Neo Block with one Segment; needs Neo (extra ``ecosystem``).

        A SpikeTrain a neuron in ms, in a Group a population; an AnalogSignal a probe (an IrregularlySampledSignal where
        its samples are not equally far apart); an Event at the end of the run for every projection and population that
        learned, whose array annotations are the final values. Raises NotInstalled.
        """
        return to_neo(self)

    def to_xarray(self) -> xarray.Dataset:
        """An xarray Dataset; needs xarray (extra ``ecosystem``).

        ``spikes_P`` (spike times in ms, with ``neuron_P``), ``signals_T.v`` (time, column), ``synapses_P.v`` (final
        values, with ``pre_P`` and ``post_P``) and ``neurons_P.v``. Raises NotInstalled.
        """
        return to_xarray(self)

    def to_nwb(self) -> pynwb.NWBFile:
        """An NWB file in memory, its times in s as that format wants; needs PyNWB (extra ``ecosystem``).

        A unit a neuron, a TimeSeries a probe, a table for whatever learned. Raises NotInstalled.
        """
        return to_nwb(self)

    @checked
    def export(self, path: str | Path, *, force: bool = False) -> list[Path]:
        """Write everything into a file whose ending says the format: .csv, .npz, .nix (Neo) or .nwb.

        As .csv, ``path`` gets the spikes, and every probe and whatever learned a file of its own beside it. Returns
        the files. Raises InvalidModel on another ending and, without ``force``, where something else than an earlier
        export is in the way; NotInstalled where a library is missing.
        """
        return export(self, path, force=force)

    @staticmethod
    def _find(kind: str, name: str, known: dict[str, Any]) -> Any:
        if name not in known:
            raise InvalidModel(unknown(f"no {kind}", name, known))
        return known[name]

    def to_files(self) -> dict[str, Content]:
        """Every file of a saved result."""
        said = {} if self.summary is None else summary_files(self.summary, self.meta)
        return {**self.recording.to_files(), **graph_files(self.graph), **said}

    @checked
    def save(self, folder: str | Path) -> Path:
        """Write recording and graph; the folder appears whole or not at all."""
        return write_folder(folder, self.to_files())

    @classmethod
    @checked
    def load(cls, folder: str | Path) -> Result:
        """Read what ``save`` wrote. Raises InvalidModel, naming what is missing or damaged."""
        recording, graph = _recorded(Path(folder))
        result = cls(graph, recording)
        result._summary = read_summary(Path(folder), recording.meta)
        return result


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


class StoredResult(Result):
    """A result that was recorded into a folder, from which the recording is read when it is first asked for."""

    def __init__(self, graph: Graph, folder: Path, meta: dict[str, Any]) -> None:
        self.graph, self.folder, self._meta = graph, folder, meta

    @cached_property
    def _stored(self) -> Recording:
        return Recording.load(self.folder, self.graph)

    @property
    def recording(self) -> Recording:
        """See ``Result.recording``."""
        return self._stored

    @property
    def start_ms(self) -> float:
        """See ``Result.start_ms``."""
        return float(self.meta.get("start", {"ms": 0.0})["ms"])

    @property
    def duration_ms(self) -> float:
        """See ``Result.duration_ms``."""
        return float(self.meta["duration_ms"])

    @property
    def spike_counts(self) -> dict[str, int]:
        """See ``Result.spike_counts``."""
        return dict(self.meta["spike_counts"])
