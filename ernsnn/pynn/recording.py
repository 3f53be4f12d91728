"""Recorders of scripts, which return data as Neo objects."""

from __future__ import annotations

from typing import Any

import neo
import numpy as np
import quantities as pq
from pyNN import recording

from ernsnn.backend.memory import require_room
from ernsnn.describe.names import variable_of
from ernsnn.errors import InvalidModel

from . import simulator
from .simulator import ScriptRun

state = simulator.state

_COPIES = 2
"""The number of values of a signal that are copied at a time."""


class Recorder(recording.Recorder):
    """The recorder of one population. A signal has a value at time 0 and one at the end of each sampling interval.

    Neurons whose recording begins in a run have spikes and samples from then on; in a signal with others earlier
    samples are NaN.
    """

    _simulator = simulator

    def __init__(self, population: Any, file: Any = None) -> None:
        super().__init__(population, file)
        self.cleared_at = 0
        self.since: dict[str, np.ndarray] = {}
        """Variable -> the first recorded step of each neuron since the last reset."""
        self.begun: dict[str, np.ndarray] = {}
        """Signal -> values of neurons at the step at which their recording began in a run; NaN where the run does not
        know them."""
        self.first: dict[str, int] = {}
        """The step of the first sample that was taken out of each signal."""

    def records(self, variable: str) -> bool:
        """Whether that variable of any neuron is recorded."""
        return any(each.name == variable and ids for each, ids in self.recorded.items())

    def span(self, variable: str) -> slice:
        """The neurons from the first to the last of those whose ``variable`` is recorded, which a run probes."""
        ids = [cell for each, cells in self.recorded.items() if each.name == variable for cell in cells]
        places = self._places(ids)
        return slice(int(places.min()), int(places.max()) + 1)

    def record(self, variables: Any, ids: Any, sampling_interval: Any = None, locations: Any = None) -> None:
        """Record ``variables`` of ``ids``, or ``"all"`` that can be, from now on.

        Raises InvalidModel on a signal that has ended in this run.
        """
        if isinstance(variables, str) and variables == "all":
            variables = self.population.celltype.recordable
        if sampling_interval is not None:
            what = f"{self.population.label}: sampling_interval"
            if state.steps(sampling_interval, what) < 1:
                raise InvalidModel(f"{what}: must be at least a timestep of {state.dt:g} ms, got {sampling_interval}")
        for each in self._localize_variables(variables, locations):
            if state.under_way and each.name != "spikes" and not self.records(each.name) and each.name in self.since:
                raise InvalidModel(
                    f"{self.population.label}: record {each.name!r} before the first run, or after reset()"
                )
        super().record(variables, ids, sampling_interval, locations)

    def _record(self, variable: Any, new_ids: Any, sampling_interval: float | None = None) -> None:
        since, places = self.since.setdefault(variable.name, self._none()), self._places(new_ids)
        since[places] = state.step
        if variable.name == "spikes":
            return
        if sampling_interval is not None:
            self.sampling_interval = sampling_interval
        if state.under_way and len(places):
            self._begin(variable.name, places)

    def _begin(self, variable: str, places: np.ndarray) -> None:
        """Let a run hold a signal of the neurons at ``places`` from now on."""
        state.changed = True
        if state.under_way and state.under_way.live:
            begun = self.begun.setdefault(variable, self._begun(variable))
            begun[places] = self.population.now(self.population.variable_of(variable))[places]

    def _none(self) -> np.ndarray:
        return np.zeros(self.population.size, dtype=np.int64)

    def get(
        self,
        variables: Any,
        gather: bool = False,
        filter_ids: Any = None,
        clear: bool = False,
        annotations: Any = None,
        locations: Any = None,
    ) -> Any:
        """The recorded data as a Neo Block. Raises InvalidModel before the first run."""
        earlier = list(self.cache)
        if not state.running and not earlier:
            raise self._nothing_yet()
        if variables == "all" or not earlier:
            return super().get(variables, gather, filter_ids, clear, annotations, locations)
        # Asked for some variables, PyNN empties the earlier segments that it keeps: it is given others in their place.
        names = {each.name for each in self._localize_variables(variables, locations)}
        self.cache._data = [neo.Segment(rec_datetime=segment.rec_datetime) for segment in earlier]
        try:
            block = super().get(variables, gather, filter_ids, clear, annotations, locations)
        finally:
            self.cache._data = [] if clear else earlier
        for number, segment in enumerate(earlier):
            block.segments[number] = _part(segment, names)
            block.segments[number].block = block
        return block

    def table(self, variable: str, filter_ids: Any, as_matrix: bool) -> np.ndarray:
        """What is recorded of one variable in this segment, as ``PopulationPart.spinnaker_get_data`` returns it."""
        (each,) = self._localize_variables(variable, None)
        if not self.records(variable):
            names = ", ".join(sorted({known.name for known, ids in self.recorded.items() if ids})) or "nothing"
            raise InvalidModel(f"{self.population.label}: {variable!r} is not recorded; {names} is")
        if not state.running:
            raise self._nothing_yet()
        ids = sorted(self.filter_recorded(each, filter_ids))
        if variable == "spikes":
            if as_matrix:
                raise InvalidModel(f"{self.population.label}: spikes are no matrix; ask without as_matrix")
            cells, times = self._get_spiketimes(ids)
            order = np.lexsort((times, cells))
            return np.column_stack([self._places(cells)[order], times[order]])
        if not ids:
            return np.zeros((0, 0) if as_matrix else (0, 3))
        values, _ = self._get_all_signals(each, ids)
        if as_matrix:
            return np.asarray(values)
        every = max(round(self.sampling_interval / state.dt), 1)
        times = state.ms(self.first[variable] + every * np.arange(len(values)))
        return np.column_stack(
            [np.repeat(self._places(ids), len(values)), np.tile(times, len(ids)), values.T.reshape(-1)]
        )

    def _nothing_yet(self) -> InvalidModel:
        return InvalidModel(f"{self.population.label}: nothing has been recorded yet; run() comes first")

    def _reset(self) -> None:
        if not state.under_way:
            self.since.clear()  # what has been cleared stays so

    def store_to_cache(self, annotations: Any = None) -> None:
        """Keep the data recorded before a reset."""
        super().store_to_cache(annotations)
        self.cleared_at = 0
        self.begun.clear()
        self.since = {variable: self._none() for variable in self.since if self.records(variable)}

    def _clear_simulator(self) -> None:
        self.cleared_at = state.step

    def _get_current_segment(self, *args: Any, **kwargs: Any) -> Any:
        segment = super()._get_current_segment(*args, **kwargs)
        for signal in segment.analogsignals:
            signal.t_start = state.ms(self.first[signal.name]) * pq.ms
        since = self._since("spikes")
        if (since > self.cleared_at).any():
            for train in segment.spiketrains:
                train.t_start = state.ms(since[train.annotations["source_index"]]) * pq.ms
        return segment

    def _since(self, variable: str) -> np.ndarray:
        """The first step with data of each neuron."""
        since = self.since.get(variable, self._none())
        return np.asarray(np.maximum(since, self.cleared_at))

    def _begun(self, variable: str) -> np.ndarray:
        return self.begun.get(variable, np.full(self.population.size, np.nan))

    @property
    def _run(self) -> ScriptRun:
        if state.under_way is None:
            raise self._nothing_yet()
        return state.under_way

    def _spikes(self, ids: Any) -> tuple[np.ndarray, np.ndarray]:
        """(ids, times in ms) of the spikes of ``ids`` since they are recorded and data were last cleared."""
        none = np.zeros(0, np.int64)  # of a population that has joined since the last run
        steps, neurons = self._run.recording.spikes.get(self.population.name, (none, none))
        kept = slice(np.searchsorted(steps, self.cleared_at), None)
        steps, neurons = steps[kept], neurons[kept]
        asked = np.zeros(self.population.size, dtype=bool)
        asked[self._places(ids)] = True
        wanted = asked[neurons] & (steps >= self._since("spikes")[neurons])
        return neurons[wanted] + int(self.population.first_id), state.ms(steps[wanted] + state.latency)

    def _places(self, ids: Any) -> np.ndarray:
        """The indices of ``ids`` within the population."""
        return np.fromiter(ids, dtype=int) - int(self.population.first_id)

    def _get_spiketimes(self, ids: Any, clear: bool = False) -> tuple[np.ndarray, np.ndarray]:
        cells, times = self._spikes(ids)
        inside = times <= state.t  # a stamp beyond the end is one of the next run
        return cells[inside], times[inside]

    def _get_all_signals(self, variable: Any, ids: Any, clear: bool = False) -> tuple[np.ndarray, None]:
        places = self._places(ids)
        probed, sign = self.population.celltype.probes[variable.name]
        own, since = self.since[variable.name][places], self._since(variable.name)[places]
        first, span = since.min(initial=state.step), self.span(variable.name)
        none = (np.zeros(0, np.int64), np.zeros((0, span.stop - span.start)))
        steps, values = self._run.recording.signals.get(variable_of(self.population.name, probed), none)
        # Only the requested cells are copied: all cells over a whole run may fill the memory.
        kept = slice(np.searchsorted(steps, first - 1), None)
        size = _COPIES * values[kept, 0].nbytes * len(places)
        require_room({f"data of {self.population.label}.{variable.name}": size}, "get the data of fewer cells")
        ends, sampled = steps[kept] + 1, sign * values[kept, places - span.start] + 0.0  # no -0
        start = self.population.starts[self.population.variable_of(variable.name)][places]
        start = np.where(own == 0, start, self._begun(variable.name)[places])
        known = np.isfinite(start) & (own == since)
        every = max(round(self.sampling_interval / state.dt), 1)
        if known[since == first].any() and first % every == 0 and first not in ends[:1]:
            ends, sampled = np.append(first, ends), np.concatenate([np.full((1, len(places)), np.nan), sampled])
        for begin in np.unique(since):
            row, those = np.searchsorted(ends, begin), since == begin
            sampled[:row, those] = np.nan
            if begin in ends[row : row + 1]:
                sampled[row, known & those] = start[known & those]
        self.first[variable.name] = int(ends[0]) if len(ends) else state.step
        return sampled, None

    def _local_count(self, variable: Any, filter_ids: Any = None) -> dict[int, int]:
        ids = sorted(self.filter_recorded(variable, filter_ids))
        cells, _ = self._spikes(ids)
        counts = np.bincount(cells - int(self.population.first_id), minlength=self.population.size)
        return dict(zip(map(int, ids), counts[self._places(ids)].tolist(), strict=True))


def _part(segment: neo.Segment, names: set[str]) -> neo.Segment:
    """A segment with these of the variables of another."""
    part = neo.Segment(
        name=segment.name, description=segment.description, rec_datetime=segment.rec_datetime, **segment.annotations
    )
    part.analogsignals.extend([signal for signal in segment.analogsignals if signal.name in names])
    part.spiketrains.extend(list(segment.spiketrains) if "spikes" in names else [])
    return part
