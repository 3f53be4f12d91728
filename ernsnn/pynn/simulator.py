"""The state that a PyNN script shares with its simulator: the settings, the parts it made, and the run under way."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, Protocol

import numpy as np
from pyNN import common
from pyNN.common.control import DEFAULT_MAX_DELAY, DEFAULT_MIN_DELAY, DEFAULT_TIMESTEP

from ernsnn.backend.issues import Limit
from ernsnn.backend.protocol import Backend
from ernsnn.backend.registry import names_of
from ernsnn.describe.network import Network
from ernsnn.describe.stimuli import Schedule
from ernsnn.describe.units import to_single
from ernsnn.errors import InvalidModel
from ernsnn.graph import graph
from ernsnn.graph.graph import Probe
from ernsnn.recording.recording import Recording

name = "ernsnn"

Convention = Literal["pynn", "spinnaker"]
CONVENTIONS: tuple[Convention, ...] = ("pynn", "spinnaker")

_LONGEST = 150
"""The largest number of bytes of a name; of a longer label the beginning is taken."""
_FIRST_HORIZON, _DECIMALS = 1024, 9


class ID(int, common.IDMixin):
    """The number of one neuron, unique within a script."""

    def __getattr__(self, name: str) -> Any:
        if name != "parent" and name in self.celltype.default_initial_values:
            return self.as_view().get(name)
        return super().__getattr__(name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name != "parent" and name in self.celltype.default_initial_values:
            self.as_view().set(**{name: value})
        else:
            super().__setattr__(name, value)


def named(label: Any, what: str) -> None:
    """Raise InvalidModel on a label that is neither text nor None."""
    if not isinstance(label, str | None):
        raise InvalidModel(f"{what}: label must be text, got {label!r}")


class ScriptPart(Protocol):
    """A part of a script: population, projection, current source or astrocyte."""

    def add_to(self, net: Network) -> None:
        """Describe it to ernsnn."""


class ChangingPart(ScriptPart, Protocol):
    """A part that depends on when it was changed."""

    def rewind(self) -> None:
        """Forget its earlier states in a run."""


class Cells(ChangingPart, Protocol):
    """A population of a script."""

    name: str
    label: str
    celltype: Any

    @property
    def further_starts(self) -> dict[str, np.ndarray]:
        """Initial values of state variables that do not follow from parameters and V."""

    @property
    def varies(self) -> bool:
        """Whether it is known up to ``State.horizon`` only."""

    def extend(self) -> None:
        """Make it known up to ``State.horizon``."""

    def start(self, run: ScriptRun) -> None:
        """Set ``further_starts`` in a run that begins."""

    def as_seeded(self, lowered: graph.Source) -> graph.Source:
        """The source of a graph with spikes drawn from the population's own seed, where it has one."""

    def lowered(self) -> graph.Population:
        """The part of the graph from now on."""


class Current(ChangingPart, Protocol):
    """A current source of a script. One that ``varies`` changes in every step."""

    number: int
    varies: bool

    def lowered(self) -> list[graph.Injected]:
        """The part of the graph from now on, without earlier changes."""


class Synapses(ScriptPart, Protocol):
    """A projection of a script."""

    label: str
    synapse_type: Any

    def column(self, name: str) -> np.ndarray:
        """One value a synapse."""

    def constants(self) -> Iterable[Callable[[str], float]]:
        """Of each part of which the synapses share their parameters, these by name."""

    def __len__(self) -> int: ...


class Connection(ScriptPart, Protocol):
    """A live connection of a script, which acts between steps."""

    def begin(self, duration_ms: float) -> None:
        """A run of so many ms begins or goes on."""

    def send(self) -> None:
        """Change inputs for the next step."""

    def stepped(self) -> None:
        """A step is over."""

    def pause(self) -> None:
        """A run ends."""


class ScriptRun(Protocol):
    """A network that has begun to run. In a ``live`` one, weights that are written act without ``change``."""

    live: bool
    step: int

    def advance(self, n_steps: int) -> None:
        """Run ``n_steps`` more."""

    def change(self, state: State) -> None:
        """Go on with all changes of the script."""

    def adjust(self, state: State) -> None:
        """Go on with other inputs and parameters of cells: ``state.changed_cells`` and ``state.changed_currents``."""

    def write(self, probe: Probe, places: Any, values: np.ndarray) -> None:
        """Set state variables of neurons, or variables of synapses, of those at ``places``."""

    def read(self, probe: Probe) -> np.ndarray:
        """A state variable of neurons as it is now."""

    def synapses(self, projection: str, variable: str) -> np.ndarray:
        """A variable of plastic synapses as it is now, in the order of the graph."""

    @property
    def recording(self) -> Recording:
        """The recording up to now."""


class State(common.control.BaseState):
    """Settings, parts and progress of a script. ``step`` counts the steps done since the start or ``reset``.

    Changes of the script in a run are parts ``added`` since its last step, ``changed_cells`` (by name) and
    ``changed_currents`` (by number); ``changed`` is true after any other change. Currents that change all the time, and
    sources that are drawn, are laid out up to step ``horizon``, which moves on before a run reaches it.
    """

    mpi_rank, num_processes = 0, 1

    begin: Callable[[State], ScriptRun]
    """Lowers the script's network and starts its run: ``runs.begin``, set by ``ernsnn.pynn``."""

    def __init__(self) -> None:
        super().__init__()
        self.setups = 0
        self.configure(DEFAULT_TIMESTEP, DEFAULT_MIN_DELAY, DEFAULT_MAX_DELAY, None, "exact", "pynn", 0, {})

    def configure(
        self,
        timestep: float,
        min_delay: float | str,
        max_delay: float | str,
        backend: Backend | None,
        current_integration: Literal["exact", "step_average"],
        convention: Convention,
        seed: int,
        options: Mapping[str, Any],
    ) -> None:
        """Begin anew with these settings and no parts; a ``backend`` of None is the fastest that can."""
        self.dt, self._min_delay, self.max_delay = timestep, min_delay, max_delay
        self.backend, self.options, self.seed = backend, options, seed
        self.current_integration, self.convention = current_integration, convention
        self.recorders: set[Any] = set()
        self.populations: list[Cells] = []
        self.projections: list[Synapses] = []
        self.current_sources: list[Current] = []
        self.astrocytes: list[ScriptPart] = []
        self.connections: list[Connection] = []
        self.labels: dict[str, str] = {}
        self.numbers: Counter[str] = Counter()
        self.setups += 1
        self.noted: dict[str, Limit] = {}
        self.write_on_end: list[Any] = []
        self.id_counter = 1
        self.segment_counter = -1
        self.reset()

    def reset(self) -> None:
        """Back to time 0, in a new segment: plastic weights and potentials as at the start, all else as last set."""
        self.running, self.step = False, 0
        self.t_start = 0
        self.horizon = _FIRST_HORIZON
        self.segment_counter += 1
        self.under_way: ScriptRun | None = None
        self.changed = False
        self.added: list[ScriptPart] = []
        self.changed_cells: dict[str, Cells] = {}
        self.changed_currents: dict[int, Current] = {}
        parts: list[ChangingPart] = [*self.populations, *self.current_sources]
        for part in parts:
            part.rewind()

    @property
    def t(self) -> float:
        """The time in ms, rounded as decimal numbers are written."""
        return round(self.step * self.dt, _DECIMALS)

    def ms(self, steps: Any) -> Any:
        """Steps as ms: 92 steps of 0.1 ms are 9.2, not 9.200000000000001."""
        return np.round(np.multiply(steps, self.dt), _DECIMALS)

    @property
    def segment_seed(self) -> int:
        """The seed of random numbers in a run: a different one for every segment of every seed."""
        return self.seed + (self.segment_counter << 32)

    @property
    def latency(self) -> int:
        """The steps from a spike's step to its stamp: 1 for PyNN (ends of steps), 0 for SpiNNaker (beginnings)."""
        return 1 if self.convention == "pynn" else 0

    @property
    def min_delay(self) -> float:
        """The given shortest delay, or else that of all synapses, in ms."""
        if self._min_delay != "auto":
            return float(self._min_delay)
        return min([float(np.min(p.column("delay"))) for p in self.projections if len(p)], default=self.dt)

    def shortest_delay(self) -> float:
        """The default delay of synapses in ms."""
        return self.dt if self._min_delay == "auto" else float(self._min_delay)

    def number(self, kind: str) -> int:
        """Count the parts of a kind since ``setup``, by which unnamed ones are numbered from 0 on."""
        self.numbers[kind] += 1
        return self.numbers[kind] - 1

    def name_of(self, label: str) -> str:
        """A unique name for a part with this label."""
        plain = re.sub(r"[^\w.\-]", "_", label.replace("→", "-to-")).encode()[:_LONGEST].decode(errors="ignore")
        plain = plain if re.match(r"[A-Za-z_]", plain) else f"_{plain}"
        name, number = plain, 2
        while name in self.labels:
            name, number = f"{plain}-{number}", number + 1
        self.labels[name] = label
        return name

    def note(self, code: str, path: str, message: str, remedy: str) -> None:
        """Keep an issue on a change by the time grid for ``check``; each once."""
        self.noted.setdefault(f"{code} {path}", Limit(code, path, message, remedy))

    def require_open(self, what: str) -> None:
        """Raise InvalidModel where the network has run, so that nothing of a kind can be added."""
        if self.under_way:
            raise InvalidModel(f"{what}: the network has run; add to it before the first run, or after reset()")

    def join(self, part: ScriptPart, what: str) -> None:
        """Note a part that is about to be made: in a run it takes part from now on.

        Raises InvalidModel in a run of a backend that runs in one go.
        """
        if self.under_way is None:
            return
        if not self.under_way.live:
            able = names_of(lambda each: each.stepwise)
            raise InvalidModel(
                f"{what}: the network has run, in one go; add to it before the first run, or after reset(), or set up "
                f"with backend {able}, where it may join a run"
            )
        self.added.append(part)
        self.changed = True

    def run_with(self, part: object) -> ScriptRun | None:
        """The run that a part is in: None before the first one, and of a part that has joined since the last."""
        return None if any(each is part for each in self.added) else self.under_way

    def steps(self, time_ms: float, what: str) -> int:
        """A time as whole steps. Raises InvalidModel on what is no time, or no multiple of the timestep."""
        time_ms = to_single(time_ms, what)
        steps = round(time_ms / self.dt)
        if abs(steps * self.dt - time_ms) > 1e-6 * self.dt * max(1.0, abs(steps) * 1e-3):
            raise InvalidModel(f"{what}: {time_ms:.12g} ms is no multiple of the timestep of {self.dt:.12g} ms")
        return steps

    def run_until(self, time_ms: float) -> None:
        """Advance to ``time_ms``."""
        end = self.steps(time_ms, "run")
        if end >= self.horizon:  # a recorded current has a value at the end, too
            self.horizon = max(end + 1, 2 * self.horizon)
            self.changed_currents |= {s.number: s for s in self.current_sources if s.varies}
            drawn = {p.name: p for p in self.populations if p.varies}
            for population in drawn.values():
                population.extend()
            self.changed_cells |= drawn
        self.running = True
        if end > self.step:
            self._run(end)

    def _run(self, end: int) -> None:
        """Advance to step ``end``: at once, or a step at a time where connections act between steps."""
        if not self.connections:
            self._advance(end - self.step)
            return
        for connection in list(self.connections):
            connection.begin((end - self.step) * self.dt)
        while self.step < end:
            for connection in list(self.connections):
                connection.send()
            self._advance(1)
            for connection in list(self.connections):
                connection.stepped()
        for connection in list(self.connections):
            connection.pause()

    def _advance(self, n_steps: int) -> None:
        if self.under_way is None:
            self.under_way = self.begin(self)
        elif self.changed:
            self.under_way.change(self)
        elif self.changed_cells or self.changed_currents:
            self.under_way.adjust(self)
        self.changed, self.added = False, []
        self.changed_cells, self.changed_currents = {}, {}
        try:
            self.under_way.advance(n_steps)
        finally:  # Ctrl-C leaves what was run
            self.step = self.under_way.step
            if not self.step:  # nothing was, and the network is still open
                self.under_way = None


def spliced(before: Schedule | None, after: Schedule, now_ms: float) -> Schedule:
    """``before`` up to ``now_ms``, from then on ``after``; both have values of one shape."""
    if before is None:
        return after
    old = np.asarray(before.times_ms) < now_ms
    times, values = np.asarray(after.times_ms), np.asarray(after.values)
    held = np.searchsorted(times, now_ms, side="right") - 1
    now = values[held : held + 1] if held >= 0 else np.zeros_like(values, shape=(1, *values.shape[1:]))
    later = times > now_ms
    return Schedule(
        np.concatenate([np.asarray(before.times_ms)[old], [now_ms], times[later]]),
        np.concatenate([np.asarray(before.values)[old], now, values[later]]),
    )


state = State()
