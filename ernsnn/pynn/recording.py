"""What a script recorded, as Neo wants it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import quantities as pq
from pyNN import recording

from ernsnn.errors import InvalidModel
from ernsnn.execution.memory import require_room

from . import simulator

if TYPE_CHECKING:
    from .runs import Run

state = simulator.state

_COPIES = 2
"""So many of a signal are held while it is taken out of a recording."""


class Recorder(recording.Recorder):
    """The recorder of one population. A signal has a value at time 0 and one at the end of each sampling interval."""

    _simulator = simulator

    def __init__(self, population: Any, file: Any = None) -> None:
        super().__init__(population, file)
        self.cleared_at = 0

    def records(self, variable: str) -> bool:
        """Whether that variable of any neuron is recorded."""
        return any(each.name == variable and ids for each, ids in self.recorded.items())

    def span(self, variable: str) -> slice:
        """The neurons from the first to the last of those whose ``variable`` is recorded, which a run probes."""
        ids = [cell for each, cells in self.recorded.items() if each.name == variable for cell in cells]
        places = self._places(ids)
        return slice(int(places.min()), int(places.max()) + 1)

    def record(self, variables: Any, ids: Any, sampling_interval: Any = None, locations: Any = None) -> None:
        """Record ``variables`` of ``ids``. Raises InvalidModel on a signal that a run under way does not hold."""
        if sampling_interval is not None:
            what = f"{self.population.label}: sampling_interval"
            if state.steps(sampling_interval, what) < 1:
                raise InvalidModel(f"{what}: must be at least a timestep of {state.dt:g} ms, got {sampling_interval}")
        for each in self._localize_variables(variables, locations):
            if state.under_way and each.name != "spikes" and not self._probes(each.name, ids):
                what = f"{each.name!r} of these cells" if self.records(each.name) else f"{each.name!r}"
                raise InvalidModel(f"{self.population.label}: record {what} before the first run, or after reset()")
        super().record(variables, ids, sampling_interval, locations)

    def _probes(self, variable: str, ids: Any) -> bool:
        """Whether a run holds that variable of all ``ids``."""
        if not self.records(variable):
            return False
        span, places = self.span(variable), self._places(ids)
        return bool(((span.start <= places) & (places < span.stop)).all())

    def _record(self, variable: Any, new_ids: Any, sampling_interval: float | None = None) -> None:
        if variable.name == "spikes":
            return
        if sampling_interval is not None:
            self.sampling_interval = sampling_interval

    def get(self, *args: Any, **kwargs: Any) -> Any:
        """What has been recorded. Raises InvalidModel where there was no run."""
        if not state.running and not list(self.cache):
            raise self._nothing_yet()
        return super().get(*args, **kwargs)

    def _nothing_yet(self) -> InvalidModel:
        return InvalidModel(f"{self.population.label}: nothing has been recorded yet; run() comes first")

    def _reset(self) -> None:
        pass  # what has been cleared stays so

    def store_to_cache(self, annotations: Any = None) -> None:
        """Keep what was recorded up to a reset."""
        super().store_to_cache(annotations)
        self.cleared_at = 0

    def _clear_simulator(self) -> None:
        self.cleared_at = state.step

    def _get_current_segment(self, *args: Any, **kwargs: Any) -> Any:
        segment = super()._get_current_segment(*args, **kwargs)
        every = max(round(self.sampling_interval / state.dt), 1)
        for signal in segment.analogsignals:  # the first sample after data were cleared, not the time of that
            signal.t_start = state.ms(-(-self.cleared_at // every) * every) * pq.ms
        return segment

    @property
    def _run(self) -> Run:
        if state.under_way is None:
            raise self._nothing_yet()
        return state.under_way

    def _spikes(self, ids: Any) -> tuple[np.ndarray, np.ndarray]:
        """(ids, times in ms) of the spikes of ``ids`` since data were last cleared."""
        steps, neurons = self._run.recording.spikes[self.population.name]
        asked = np.zeros(self.population.size, dtype=bool)
        asked[self._places(ids)] = True
        wanted = asked[neurons] & (steps >= self.cleared_at)
        return neurons[wanted] + int(self.population.first_id), state.ms(steps[wanted] + state.latency)

    def _places(self, ids: Any) -> np.ndarray:
        """The indices of ``ids`` within the population."""
        return np.fromiter(ids, dtype=int) - int(self.population.first_id)

    def _get_spiketimes(self, ids: Any, clear: bool = False) -> tuple[np.ndarray, np.ndarray]:
        found, times = self._spikes(ids)
        inside = times <= state.t  # a stamp beyond the end is one of the next run
        return found[inside], times[inside]

    def _get_all_signals(self, variable: Any, ids: Any, clear: bool = False) -> tuple[np.ndarray, None]:
        places = self._places(ids)
        probed, sign = self.population.celltype.probes[variable.name]
        steps, values = self._run.recording.signals[f"{self.population.name}.{probed}"]
        states = self.population.celltype.states
        start = self.population.starts[next(name for name, (own, _) in states.items() if own == probed)]
        # Only what is asked for is copied: all cells over a whole run may fill the memory.
        kept = slice(np.searchsorted(steps, self.cleared_at - 1), None)
        size = _COPIES * values[kept, 0].nbytes * len(places)
        require_room({f"data of {self.population.label}.{variable.name}": size}, "get the data of fewer cells")
        later = sign * values[kept, places - self.span(variable.name).start] + 0.0  # no -0
        return later if self.cleared_at else np.concatenate([start[None, places], later]), None

    def _local_count(self, variable: Any, filter_ids: Any = None) -> dict[int, int]:
        ids = sorted(self.filter_recorded(variable, filter_ids))
        found, _ = self._spikes(ids)
        counts = np.bincount(found - int(self.population.first_id), minlength=self.population.size)
        return dict(zip(map(int, ids), counts[self._places(ids)].tolist(), strict=True))
