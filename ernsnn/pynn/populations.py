"""Populations, views and assemblies."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from pyNN import common, errors
from pyNN.errors import InvalidParameterValueError
from pyNN.models import BaseCellType
from pyNN.parameters import ArrayParameter, LazyArray, ParameterSpace, Sequence, simplify

from ernsnn.describe.arguments import whole
from ernsnn.describe.network import Network
from ernsnn.errors import InvalidModel, about, quoted, unknown
from ernsnn.graph import graph
from ernsnn.graph.graph import Probe
from ernsnn.graph.lower import lower_population
from ernsnn.graph.seeds import key_of
from ernsnn.graph.spikes import PoissonSpikes

from . import simulator
from .cells import LOST, Cell, SpikeSourceArray, SpikeSourcePoisson, states_among
from .drawing import NumpyRNG, ours, seeded
from .hints import seed_of
from .inputs import History, Input
from .recording import Recorder
from .simulator import ScriptRun, named
from .values import plain

state = simulator.state

NEVER = 1 << 62


class Assembly(common.Assembly):
    __doc__ = common.Assembly.__doc__
    _simulator = simulator

    def __init__(self, *populations: Any, label: str | None = None) -> None:
        named(label, "Assembly")
        super().__init__(*populations, label=label or f"assembly{state.number('assembly')}")

    def sample(self, n: int, rng: Any = None) -> Assembly:
        """``n`` cells drawn at random."""
        sampled: Assembly = super().sample(_sample(n, self), ours(rng))
        return sampled

    @property
    def receptor_types(self) -> list[str]:
        """The receptor types that all members have; the first is for excitation, the second for inhibition."""
        each = [population.celltype.receptor_types for population in self.populations]
        return [receptor for receptor in each[0] if all(receptor in others for others in each)]


class PopulationPart:
    """A population or a part of one: parameters and initial values are held by the population, at ``places``."""

    root: Population
    label: str
    places: np.ndarray
    size: int
    celltype: Any
    recorder: Any
    _record_filter: Any

    def sample(self, n: int, rng: Any = None) -> PopulationView:
        """A view of ``n`` cells drawn at random."""
        view: PopulationView = super().sample(_sample(n, self), ours(rng))  # type: ignore[misc]
        return view

    def set(self, **parameters: Any) -> None:
        """Set parameters of all cells, each to a value, a list of values, a distribution or a function of the index.

        State variables are set as well, as ``initialize`` does.
        """
        states = states_among(parameters, self.celltype.default_initial_values, self.label)
        if parameters or not states:
            super().set(**seeded(plain(parameters, self.label)))  # type: ignore[misc]
        self.initialize(**states)

    def initialize(self, **initial_values: Any) -> None:
        """Set initial values of state variables of all cells; in a run, their present values."""
        super().initialize(**seeded(plain(initial_values, self.label)))  # type: ignore[misc]

    def spinnaker_get_data(self, variable: Any, as_matrix: bool = False) -> np.ndarray:
        """sPyNNaker's way to what is recorded of one variable since the start or ``reset``, as an array of rows.

        Spikes are rows (index of the cell in its population, time in ms), signals rows (index, time, value), cell by
        cell; ``as_matrix`` gives a signal as a matrix (samples, cells). The first sample of a signal is its start, and
        the last that at the present time, as in ``get_data``. Raises InvalidModel on what is not recorded, on several
        variables, and on a matrix of spikes.
        """
        names = [variable] if isinstance(variable, str) else list(variable)
        if len(names) != 1:
            raise InvalidModel(f"{self.label}: data in rows are of one variable at a time, got {names}")
        recorder: Recorder = self.recorder
        return recorder.table(names[0], self._record_filter, as_matrix)

    def _get_view(self, selector: Any, label: str | None = None) -> PopulationView:
        return PopulationView(self, selector, label)

    def _get_parameters(self, *names: str) -> ParameterSpace:
        for wanted in names:
            if wanted not in self.celltype.default_initial_values and not self.celltype.has_parameter(wanted):
                known = self.celltype.get_parameter_names()
                raise errors.NonExistentParameterError(wanted, type(self.celltype).__name__, known)
        values = {wanted: self._read(wanted) for wanted in names}
        return ParameterSpace(values, shape=(self.size,))

    def _read(self, wanted: str) -> Any:
        if wanted in self.celltype.default_initial_values:
            return simplify(self.root.now(wanted)[self.places])
        values = simplify(self.root.parameters[wanted][self.places])
        kind = self.celltype.get_schema()[wanted]
        return LazyArray(values, shape=(self.size,), dtype=kind) if issubclass(kind, ArrayParameter) else values

    _get_native_parameters = _get_parameters

    def _set_parameters(self, parameter_space: ParameterSpace) -> None:
        parameter_space.evaluate(simplify=False)
        before = {changed: self.root.parameters[changed].copy() for changed, _ in parameter_space.items()}
        for changed, values in parameter_space.items():
            self.root.parameters[changed][self.places] = _copied(values)
        try:
            self.root.change_input()
        except InvalidParameterValueError:
            self.root.parameters |= before
            raise
        state.changed_cells[self.root.name] = self.root

    def _set_initial_value_array(self, variable: str, initial_values: Any) -> None:
        values = np.broadcast_to(np.asarray(initial_values.evaluate(simplify=False), dtype=float), (self.size,))
        self.root.set_initial(variable, self.places, values)


class PopulationView(PopulationPart, common.PopulationView):
    __doc__ = common.PopulationView.__doc__
    _simulator = simulator
    _assembly_class = Assembly

    def __init__(self, parent: Any, selector: Any, label: str | None = None) -> None:
        named(label, "PopulationView")
        if not isinstance(selector, slice):
            selector = np.asarray(selector)
            selector = selector if selector.size else selector.astype(int)
        if not np.arange(parent.size)[selector].size:
            raise InvalidModel(
                f"{label or parent.label}: a view needs at least one cell, of {parent.size} none is chosen"
            )
        super().__init__(parent, selector, label)

    @property
    def root(self) -> Population:  # type: ignore[override]
        """The population that this is a part of."""
        population: Population = self.grandparent
        return population

    @property
    def places(self) -> np.ndarray:  # type: ignore[override]
        """Indices of its neurons in that population."""
        return np.asarray(self.index_in_grandparent(np.arange(self.size)))

    @property
    def initial_values(self) -> dict[str, Any]:
        """Variable -> initial values of these neurons."""
        return {name: values[self.places] for name, values in self.root.starts.items()}


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
        state.require_open(label)
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
            name: _copied(np.array(np.broadcast_to(values, self.size), dtype=kinds[name]))
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
            self.history = History(self._sends(None))

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
            if probe.variable in self.celltype.synaptic and (sign * values < 0).any():
                side = ">= 0" if sign > 0 else f"<= 0 in convention {state.convention!r}"
                raise InvalidParameterValueError(f"{self.label}: {variable} must be {side}, got {values}")
            if state.under_way:
                state.under_way.write(probe, places, sign * values)
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
        if state.under_way is None:
            return self.starts[variable]
        probe, sign = self._probe(variable)
        return sign * state.under_way.read(probe) + 0.0  # no -0

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
        if not isinstance(self.celltype, SpikeSourceArray | SpikeSourcePoisson):
            return
        lost = f"{LOST} {self.label}.spike_times"
        state.noted.pop(lost, None)
        if self.history is None:
            self.history = History(self._sends(None))
        else:
            self.history.end(state.step if state.under_way else 0)
            self.history.now = self._sends(self.history)
        if issue := state.noted.get(lost):
            warnings.warn(f"{issue.path}: {issue.message}; {issue.remedy}", stacklevel=5)

    def _sends(self, history: History | None) -> Input:
        """The present input of a source; notes times that are rounded or come too late."""
        assert isinstance(self.celltype, SpikeSourceArray | SpikeSourcePoisson)
        return self.celltype.sends(self.parameters, self.label, history)

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


def _sample(n: Any, of: Any) -> int:
    count = whole(n)
    if count is None or count < 1:
        raise InvalidModel(f"{of.label}: sample needs a whole number of cells >= 1, got {quoted(n)}")
    return count


def _copied(values: np.ndarray) -> np.ndarray:
    """Lists of numbers as others than those that a script may go on to change; those that are one stay one."""
    if values.dtype != object:
        return values
    copies = {id(each): Sequence(np.array(getattr(each, "value", each), dtype=float)) for each in values}
    return np.fromiter((copies[id(each)] for each in values), object, len(values))
