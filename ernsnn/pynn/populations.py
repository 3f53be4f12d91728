"""Populations."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from pyNN import common
from pyNN.errors import InvalidParameterValueError
from pyNN.models import BaseCellType

from ernsnn.describe.arguments import whole
from ernsnn.describe.network import Network
from ernsnn.errors import InvalidModel, about, quoted, unknown
from ernsnn.graph import graph
from ernsnn.graph.graph import Probe
from ernsnn.graph.lower import lower_population
from ernsnn.graph.seeds import key_of
from ernsnn.graph.spikes import PoissonSpikes

from . import simulator
from .cells import Cell
from .drawing import NumpyRNG, seeded
from .hints import seed_of
from .inputs import History, Input
from .recording import Recorder
from .simulator import ScriptRun, named
from .sources import LOST, SpikeSource
from .views import Assembly, PopulationPart, copied

state = simulator.state

NEVER = 1 << 62


class Population(PopulationPart, common.Population):
    """``size`` cells of one type, on a structure if any: PyNN's population.

    ``seed``, by its name or in SpiNNaker's ``additional_parameters``, fixes the spikes of Poisson sources, and what of
    cellparams, structure and initial_values is drawn without a seed of its own, whatever ``setup`` says: populations of
    one size, rate and seed spike together. SpiNNaker's hints on cores and memory have no effect, as a warning says.
    Raises InvalidModel on any other name, and on what is no seed.
    """

    _simulator = simulator
    _recorder_class = Recorder
    _assembly_class = Assembly

    def __init__(
        self,
        size: Any,
        cellclass: Any,
        cellparams: Mapping[str, Any] | None = None,
        structure: Any = None,
        initial_values: Mapping[str, Any] | None = None,
        label: str | None = None,
        *,
        seed: int | None = None,
        additional_parameters: Mapping[str, Any] | None = None,
        **hints: Any,
    ) -> None:
        named(label, "Population")
        label = label or f"population{len(state.populations)}"
        state.join(self, label)
        self.seed = seed_of(label, {"seed": seed, **(additional_parameters or {}), **hints})
        starts, own = dict(initial_values or {}), None if self.seed is None else NumpyRNG(self.seed)
        for drawn in (cellclass, cellparams, structure, starts):
            seeded(drawn, own)
        celltype = _celltype(cellclass, cellparams, label)
        super().__init__(_size(size, label), celltype, None, structure, starts, label)
        state.populations.append(self)

    def _set_structure(self, structure: Any) -> None:
        super()._set_structure(seeded(structure))

    structure = property(lambda self: self._structure, _set_structure)

    def _create_cells(self) -> None:
        self.name = state.name_of(self.label)
        self.root, self.places = self, np.arange(self.size)
        first = state.id_counter
        self.all_cells = np.array([simulator.ID(n) for n in range(first, first + self.size)], dtype=simulator.ID)
        for cell in self.all_cells:
            vars(cell)["parent"] = self  # to set it as an attribute takes three times as long
        state.id_counter += self.size
        self._mask_local = np.ones(self.size, bool)
        space = self.celltype.native_parameters
        for parameter, values in space.items():
            if values.shape not in (None, (), (self.size,)):
                number = values.shape[0]
                raise InvalidParameterValueError(f"{self.label}.{parameter}: {number} values for {self.size} cells")
        space.shape = (self.size,)
        space.evaluate(simplify=False)
        kinds = {
            name: object if kind not in (float, int) else float for name, kind in self.celltype.get_schema().items()
        }
        self.parameters = {
            name: copied(np.array(np.broadcast_to(values, self.size), dtype=kinds[name]))
            for name, values in space.as_dict().items()
        }
        self.starts: dict[str, np.ndarray] = {}
        self.history: History | None = None
        self.change_input()

    def id_to_index(self, id: Any) -> Any:  # noqa: A002 - PyNN's name
        """The index of a cell, or those of several; PyNN's own fails where there are none."""
        return np.zeros(0, int) if isinstance(id, np.ndarray) and not id.size else super().id_to_index(id)

    def rewind(self) -> None:
        """Forget earlier inputs of a run."""
        if self.history:
            self.history = History(None)
            self.history.now = self._sends(self.history)

    def _set_cell_initial_value(self, id: Any, variable: str, value: float) -> None:  # noqa: A002 - PyNN's name
        super()._set_cell_initial_value(id, variable, value)
        self.set_initial(variable, np.array([self.id_to_index(id)]), np.array([value]))

    def _get_cell_initial_value(self, id: Any, variable: str) -> float:  # noqa: A002 - PyNN's name
        return float(self.starts[variable][self.id_to_index(id)])

    def set_initial(self, variable: str, places: np.ndarray, values: np.ndarray) -> None:
        """Set initial values of a state variable of the neurons at ``places``; in a run, present values."""
        if not np.isfinite(values).all():
            raise InvalidParameterValueError(f"{self.label}: {variable} must be finite, got {values}")
        if isinstance(self.celltype, Cell):
            probe, sign = self._probe(variable)
            if probe.variable in self.celltype.synaptic.values() and (sign * values < 0).any():
                side = ">= 0" if sign > 0 else f"<= 0 in convention {state.convention!r}"
                raise InvalidParameterValueError(f"{self.label}: {variable} must be {side}, got {values}")
            if run := state.run_with(self):
                run.write(probe, places, sign * values)
                return
        self.starts.setdefault(variable, np.zeros(self.size))[places] = values

    def _probe(self, variable: str) -> tuple[Probe, float]:
        """(the probe of a state variable, its sign)."""
        known = self.celltype.states
        if variable not in known:
            raise InvalidModel(unknown(f"{self.label}: no state variable", variable, known))
        return Probe("neurons", self.name, 0, self.size, known[variable][0], 1), known[variable][1]

    def now(self, variable: str) -> np.ndarray:
        """The present values of a state variable of all neurons."""
        run = state.run_with(self)
        if run is None:
            return self.starts[variable]
        probe, sign = self._probe(variable)
        return sign * run.read(probe) + 0.0  # no -0

    def variable_of(self, recordable: str) -> str:
        """The state variable that is recorded under a name of PyNN."""
        probed, _ = self.celltype.probes[recordable]
        states: dict[str, tuple[str, float]] = self.celltype.states
        return next(name for name, (own, _) in states.items() if own == probed)

    @property
    def further_starts(self) -> dict[str, np.ndarray]:
        """State variable -> initial values that are not those of its own accord, which ``describe`` cannot express."""
        if not isinstance(self.celltype, Cell):
            return {}
        by_itself = {
            variable: self.celltype.starts_by_itself(variable, self.parameters, self.starts["v"])
            for variable in self.starts
        }
        return {name: values for name, values in self.starts.items() if (values != by_itself[name]).any()}

    def start(self, run: ScriptRun) -> None:
        """Set ``further_starts`` in a run that begins."""
        for variable, values in self.further_starts.items():
            probe, sign = self._probe(variable)
            run.write(probe, slice(None), sign * values)

    def change_input(self) -> None:
        """Set the input of a source from its parameters, in a run from now on; warn of spikes that are lost.

        Raises InvalidParameterValueError on spike times or rates that cannot be.
        """
        if not isinstance(self.celltype, SpikeSource):
            return
        lost = f"{LOST} {self.label}.spike_times"
        state.noted.pop(lost, None)
        now = state.step if state.under_way else 0
        if self.history is None:
            self.history = History(None, now)
        self.history.end(now)
        self.history.now = self._sends(self.history)
        if issue := state.noted.get(lost):
            warnings.warn(f"{issue.path}: {issue.message}; {issue.remedy}", stacklevel=_of_the_script())

    def _sends(self, history: History) -> Input:
        """The present input of a source; notes times that are rounded or come too late."""
        source: Any = self.celltype
        key = {"key": self._key(f"from step {history.since}")} if source.drawn else {}
        sent: Input = source.sends(self.parameters, self.label, history, **key)
        return sent

    def _key(self, what: str) -> str:
        """The key of random numbers of the population, from its own seed where it has one."""
        if self.seed is None:
            return key_of(state.segment_seed, f"{self.name}.spikes {what}")
        return key_of(state.segment_seed - state.seed + self.seed, f"spikes {what}")

    @property
    def varies(self) -> bool:
        """Whether it is known up to ``state.horizon`` only."""
        return isinstance(self.celltype, SpikeSource) and self.celltype.drawn

    def extend(self) -> None:
        """Draw up to ``state.horizon``."""
        assert self.history
        self.history.now = self._sends(self.history)

    def add_to(self, net: Network) -> None:
        """Describe it to ernsnn, with a probe for each variable that is recorded."""
        with about(self.name):
            if self.history:
                self._sends(self.history)  # which notes rounded times
                net.population(self.name, self.size, self.history.whole.described(state.dt))
            else:
                self._add_cells(net)
                self._add_probes(net)

    def _add_probes(self, net: Network) -> None:
        for variable, (probed, _) in self.celltype.probes.items():
            if self.recorder.records(variable):
                recorded = net.populations[self.name][self.recorder.span(variable)]
                net.probe(recorded, probed, every_ms=self.recorder.sampling_interval)

    def _add_cells(self, net: Network) -> None:
        net.population(self.name, self.size, self.celltype.neuron(self.parameters, self.starts["v"]))

    def as_seeded(self, lowered: graph.Source) -> graph.Source:
        """The source of a graph with spikes drawn from the population's own seed, where it has one."""
        if self.seed is None or not isinstance(lowered.spikes, PoissonSpikes):
            return lowered
        key = key_of(state.segment_seed - state.seed + self.seed, "spikes")
        return replace(lowered, spikes=replace(lowered.spikes, key=key))

    def lowered(self) -> graph.Population:
        """The population of the graph from now on."""
        if self.history:
            spikes = self.history.coming.lowered(self.name, state.dt, state.segment_seed)
            return self.as_seeded(graph.Source(self.name, self.size, spikes))
        net = Network(dt_ms=state.dt, current_integration=state.current_integration)
        self._add_cells(net)
        return lower_population(net, self.name, state.segment_seed)


def _of_the_script() -> int:
    """The stack level, for a warning of the function that calls, of the line of the script."""
    frame, level = sys._getframe(1), 1
    while frame.f_back and frame.f_globals.get("__name__", "").partition(".")[0] in ("ernsnn", "pyNN"):
        frame, level = frame.f_back, level + 1
    return level


def _celltype(given: Any, parameters: Mapping[str, Any] | None, label: str) -> Any:
    """The cell type: an object, or one made of a class and its parameters, if any."""
    if isinstance(given, type) and issubclass(given, BaseCellType):
        return given(**(parameters or {}))
    if parameters:
        raise InvalidModel(f"{label}: cellparams belong to a class of cells; set those of {given!r} where it is made")
    return given


def _size(size: Any, label: str) -> int | tuple[int, ...]:
    sizes = size if isinstance(size, tuple) else (size,)
    counts = tuple(n for n in map(whole, sizes) if n is not None and n >= 1)
    if not 1 <= len(counts) == len(sizes) <= 3:
        raise InvalidModel(f"{label}: size must be a whole number >= 1, or up to three of these, got {quoted(size)}")
    return counts if isinstance(size, tuple) else counts[0]
