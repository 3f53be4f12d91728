"""sPyNNaker's live connections, inside a run: a script's callbacks get spikes, and send others, between two steps.

On SpiNNaker a network runs in real time beside the script. Here time stands still while callbacks run, so that a script
gives the same spikes in every run; what they send is sent in the next step. Issue Y204 says so.
"""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from ernsnn.describe.arguments import whole
from ernsnn.describe.network import Network
from ernsnn.errors import InvalidModel, quoted, unknown

from .simulator import state
from .sources import SpikeSourceArray, SpikeSourcePoisson

_MESSAGE = "nothing runs in real time: callbacks get and send spikes between steps, in which time stands still"
_REMEDY = "remove waiting (time.sleep) from callbacks: what they send comes in the next step"


class SpikeInjector(SpikeSourceArray):
    """A source that spikes when a live connection of the script sends a spike to it, and else never."""

    def __init__(self, **parameters: Any) -> None:
        super().__init__((), **parameters)


class LiveConnection:
    """What connections share: populations by label, and callbacks at the start, in and at the end of a run."""

    def __init__(self, labels: Iterable[Any] | None) -> None:
        self.labels = [getattr(label, "label", label) for label in labels or ()]
        self.callbacks: dict[str, list[tuple[str, Callable[..., Any]]]] = defaultdict(list)
        self.began = False
        state.connections.append(self)
        warnings.warn(f"{type(self).__name__}: {_MESSAGE}", stacklevel=3)

    def add_to(self, net: Network) -> None:
        """Note what is not as on SpiNNaker."""
        state.note("Y204", type(self).__name__, _MESSAGE, _REMEDY)

    def population(self, label: str) -> Any:
        """The population of a label. Raises InvalidModel where there is none."""
        known = {p.label: p for p in state.populations}
        if label not in known:
            raise InvalidModel(unknown(f"{type(self).__name__}: no population", str(label), known))
        return known[label]

    def _callback(self, kind: str, label: str, callback: Callable[..., Any]) -> None:
        if not callable(callback):
            raise InvalidModel(f"{type(self).__name__}: a callback must be a function, got {quoted(callback)}")
        self.callbacks[kind].append((label, callback))

    def add_init_callback(self, label: str, init_callback: Callable[..., Any]) -> None:
        """Call it before the first step, with label, number of cells, the run's ms, and the timestep in us."""
        self._callback("init", label, init_callback)

    def add_start_callback(self, label: str, start_callback: Callable[..., Any]) -> None:
        """Call it before the first step, with label and connection."""
        self._callback("start", label, start_callback)

    def add_start_resume_callback(self, label: str, start_resume_callback: Callable[..., Any]) -> None:
        """Call it when a run begins or goes on, with label and connection."""
        self._callback("resume", label, start_resume_callback)

    def add_pause_stop_callback(self, label: str, pause_stop_callback: Callable[..., Any]) -> None:
        """Call it at the end of each run, with label and connection."""
        self._callback("pause", label, pause_stop_callback)

    def add_receive_callback(
        self, label: str, live_event_callback: Callable[..., Any], translate_key: bool = True
    ) -> None:
        """Call it with label, time (in steps) and the indices of the cells that spike in a step, after each such."""
        self._callback("receive", label, live_event_callback)

    def begin(self, duration_ms: float) -> None:
        """A run of so many ms begins or goes on."""
        if not self.began:
            for label, callback in self.callbacks["init"]:
                callback(label, self.population(label).size, duration_ms, state.dt * 1000.0)
            for label, callback in self.callbacks["start"]:
                callback(label, self)
        self.began = True
        for label, callback in self.callbacks["resume"]:
            callback(label, self)

    def stepped(self) -> None:
        """A step is over: pass on its spikes."""
        if not self.callbacks["receive"]:
            return
        assert state.under_way
        if not state.under_way.live:
            raise InvalidModel(f"{type(self).__name__}: the backend runs in one go; set up with one that runs by steps")
        spikes, step = state.under_way.recording.spikes, state.step - 1
        for label, callback in self.callbacks["receive"]:
            steps, neurons = spikes[self.population(label).name]
            now = neurons[np.searchsorted(steps, step) :]
            if len(now):
                callback(label, step + state.latency, now.tolist())

    def pause(self) -> None:
        """A run ends."""
        for label, callback in self.callbacks["pause"]:
            callback(label, self)

    def send(self) -> None:
        """Send what is to be sent in the next step."""

    def close(self) -> None:
        """Receive and send no more."""
        if self in state.connections:
            state.connections.remove(self)


class SpynnakerLiveSpikesConnection(LiveConnection):
    """sPyNNaker's connection that receives spikes of populations and sends them to ``SpikeInjector``.

    Hosts and ports have no meaning here.
    """

    def __init__(
        self,
        receive_labels: Iterable[Any] | None = None,
        send_labels: Iterable[Any] | None = None,
        local_host: Any = None,
        local_port: Any = None,
        live_packet_gather_label: Any = None,
    ) -> None:
        super().__init__([*(receive_labels or ()), *(send_labels or ())])
        self.sending: dict[str, set[int]] = {}

    def add_receive_label(self, label: str) -> None:
        """A label of a population from which spikes are received."""
        self.labels.append(label)

    add_send_label = add_receive_label

    def send_spike(self, label: str, neuron_id: int, send_full_keys: bool = False) -> None:
        """Send a spike of a cell of a ``SpikeInjector`` in the next step."""
        self.send_spikes(label, [neuron_id])

    def send_spikes(self, label: str, neuron_ids: Iterable[int], send_full_keys: bool = False) -> None:
        """Send a spike of each of some cells of a ``SpikeInjector`` in the next step.

        Raises InvalidModel on cells that are not there, and on a population of another kind.
        """
        injector = self.population(label)
        if not isinstance(injector.celltype, SpikeInjector):
            raise InvalidModel(f"{label}: spikes are sent to a SpikeInjector, it is {type(injector.celltype).__name__}")
        for each in neuron_ids:
            number = whole(each)
            if number is None or not 0 <= number < injector.size:
                raise InvalidModel(f"{label}: no cell {quoted(each)}, there are {injector.size}")
            self.sending.setdefault(label, set()).add(number)

    def send(self) -> None:
        """See ``LiveConnection.send``."""
        sending, self.sending = self.sending, {}
        now = (state.step + state.latency) * state.dt
        for label, cells in sending.items():
            injector = self.population(label)
            injector.set(spike_times=[[now] if k in cells else [] for k in range(injector.size)])


class SpynnakerPoissonControlConnection(LiveConnection):
    """sPyNNaker's connection that sets rates of ``SpikeSourcePoisson`` while a network runs."""

    def __init__(
        self,
        poisson_labels: Iterable[Any] | None = None,
        local_host: Any = None,
        local_port: Any = None,
        control_label_extension: str = "_control",
    ) -> None:
        super().__init__(poisson_labels)

    def add_poisson_label(self, label: str) -> None:
        """A label of a population whose rates are set."""
        self.labels.append(label)

    def set_rate(self, label: str, neuron_id: int, rate: float) -> None:
        """Set the rate of a cell in Hz, from the next step on."""
        self.set_rates(label, [(neuron_id, rate)])

    def set_rates(self, label: str, neuron_rates: Iterable[tuple[int, float]]) -> None:
        """Set the rates of some cells in Hz, from the next step on."""
        sources = self.population(label)
        if not isinstance(sources.celltype, SpikeSourcePoisson):
            raise InvalidModel(
                f"{label}: rates are set of a SpikeSourcePoisson, not of {type(sources.celltype).__name__}"
            )
        for neuron, rate in neuron_rates:
            sources[[neuron]].set(rate=rate)


def activate_live_output_for(population: Any, **hints: Any) -> None:
    """Let connections receive the spikes of a population: here they may of any; hosts and ports have no meaning."""
    if population not in state.populations:
        raise InvalidModel(f"activate_live_output_for: needs a population, got {quoted(population)}")


def add_poisson_live_rate_control(poisson_population: Any, **hints: Any) -> None:
    """Let connections set the rates of a population: here they may of any SpikeSourcePoisson."""
    if not isinstance(getattr(poisson_population, "celltype", None), SpikeSourcePoisson):
        raise InvalidModel(
            f"add_poisson_live_rate_control: needs a SpikeSourcePoisson, got {quoted(poisson_population)}"
        )
