"""Assemblies, and what populations and views of them share."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from pyNN import common, errors
from pyNN.errors import InvalidParameterValueError
from pyNN.parameters import ArrayParameter, LazyArray, ParameterSpace, Sequence, simplify

from ernsnn.describe.arguments import whole
from ernsnn.errors import InvalidModel, quoted

from . import simulator
from .cells import states_among
from .drawing import ours, seeded
from .hints import without_effect
from .recording import Recorder
from .simulator import Cells, named
from .values import Lists, plain

state = simulator.state


class Root(Cells, Protocol):
    """The population whose cells a view has."""

    parameters: dict[str, Any]
    starts: dict[str, np.ndarray]

    def now(self, variable: str) -> np.ndarray:
        """The present values of a state variable."""

    def set_initial(self, variable: str, places: np.ndarray, values: np.ndarray) -> None:
        """Set a state variable of the cells at ``places``."""

    def change_input(self) -> None:
        """Take over changed parameters of a source."""


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

    root: Root
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
        if not states and (lists := self._lists(parameters)):
            self._take_over(lists)
            return
        if parameters or not states:
            super().set(**seeded(plain(parameters, self.label)))  # type: ignore[misc]
        self.initialize(**states)

    def _lists(self, parameters: dict[str, Any]) -> dict[str, Lists]:
        """A list of numbers for each cell of a population, where nothing else is set, on a way shorter than PyNN's."""
        if len(parameters) != 1 or not isinstance(self, common.Population):
            return {}
        ((name, value),) = parameters.items()
        kind = self.celltype.get_schema().get(name)
        lists = Lists.found(value, self.size) if kind and issubclass(kind, ArrayParameter) else None
        return {} if lists is None else {name: lists}

    def initialize(self, **initial_values: Any) -> None:
        """Set initial values of state variables of all cells; in a run, their present values."""
        super().initialize(**seeded(plain(initial_values, self.label)))  # type: ignore[misc]

    def set_state(self, **values: Any) -> None:
        """sPyNNaker's name of setting state variables of all cells: their present values in a run."""
        self.initialize(**values)

    def add_placement_constraint(self, x: Any, y: Any, p: Any = None) -> None:
        """SpiNNaker's hint on the place of a population: a warning says that it has no effect."""
        without_effect(f"{self.label}: add_placement_constraint")

    def set_max_atoms_per_core(self, max_atoms_per_core: Any) -> None:
        """SpiNNaker's hint on the cells of a core: a warning says that it has no effect."""
        without_effect(f"{self.label}: set_max_atoms_per_core")

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
        whole = {changed: np.array(self.root.parameters[changed][:]) for changed, _ in parameter_space.items()}
        for changed, values in parameter_space.items():
            whole[changed][self.places] = copied(values)
        self._take_over(whole)

    def _take_over(self, values: dict[str, Any]) -> None:
        """Take parameters of all cells of the population; none of them where its input cannot be that."""
        before = {changed: self.root.parameters[changed] for changed in values}
        self.root.parameters |= values
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
    def root(self) -> Root:  # type: ignore[override]
        """The population that this is a part of."""
        population: Root = self.grandparent
        return population

    @property
    def places(self) -> np.ndarray:  # type: ignore[override]
        """Indices of its neurons in that population."""
        return np.asarray(self.index_in_grandparent(np.arange(self.size)))

    @property
    def initial_values(self) -> dict[str, Any]:
        """Variable -> initial values of these neurons."""
        return {name: values[self.places] for name, values in self.root.starts.items()}


def _sample(n: Any, of: Any) -> int:
    count = whole(n)
    if count is None or count < 1:
        raise InvalidModel(f"{of.label}: sample needs a whole number of cells >= 1, got {quoted(n)}")
    return count


def copied(values: np.ndarray) -> np.ndarray:
    """Lists of numbers as others than those that a script may go on to change; those that are one stay one."""
    if values.dtype != object:
        return values
    copies = {id(each): Sequence(np.array(getattr(each, "value", each), dtype=float)) for each in values}
    return np.fromiter((copies[id(each)] for each in values), object, len(values))
