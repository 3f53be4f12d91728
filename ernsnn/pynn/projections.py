"""Projections: the synapses that a connector made, and their weights while they run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

import numpy as np
from pyNN import common, errors
from pyNN.connectors import FromListConnector
from pyNN.space import Space

from ernsnn.describe.network import Network
from ernsnn.describe.neurons import Neuron
from ernsnn.errors import InvalidModel, about
from ernsnn.graph.graph import Probe

from . import simulator
from .absent import Absent
from .blocks import Shared, blocks_of, connector_of, one_or_all
from .drawing import seeded
from .images import TwoSigned
from .simulator import named
from .synapses import StaticSynapse, Synapse, as_kept, check_sign

state = simulator.state

_AT = {"sum": np.add, "min": np.minimum, "max": np.maximum}


class Connection(common.Connection):
    """One synapse: ``weight``, ``delay``, and the synapse type's other parameters."""

    projection: Projection
    number: int

    def __init__(self, projection: Projection, number: int) -> None:
        self.__dict__.update(projection=projection, number=number)

    @property
    def presynaptic_index(self) -> int:
        """The index of the presynaptic neuron."""
        return int(self.projection.pre_of[self.number])

    @property
    def postsynaptic_index(self) -> int:
        """The index of the postsynaptic neuron."""
        return int(self.projection.post_of[self.number])

    def __getattr__(self, name: str) -> float:
        if not self.projection.has(name):
            raise AttributeError(f"a connection of {self.projection.label} has no {name!r}")
        return float(self.projection.column(name)[self.number])

    def __setattr__(self, name: str, value: float) -> None:
        values = self.projection.column(name).copy()
        values[self.number] = as_kept(value, self.projection) if name == "weight" else value
        self.projection.assign(name, values)

    def as_tuple(self, *names: str) -> tuple[Any, ...]:
        """The values of these attributes."""
        return tuple(getattr(self, name) for name in names)


class Projection(common.Projection):
    __doc__ = common.Projection.__doc__
    _simulator = simulator
    _static_synapse_class = StaticSynapse

    def __init__(
        self,
        presynaptic_population: Any,
        postsynaptic_population: Any,
        connector: Any,
        synapse_type: Any = None,
        source: Any = None,
        receptor_type: str | None = None,
        space: Any = None,
        label: str | None = None,
    ) -> None:
        named(label, "Projection")
        state.join(self, label or "a Projection")
        super().__init__(
            presynaptic_population,
            postsynaptic_population,
            seeded(connector),
            seeded(synapse_type),
            source,
            # What cannot run may reach a receptor that the cells have not.
            None if isinstance(synapse_type, Absent) else receptor_type,
            Space() if space is None else space,
            label,
        )
        if not isinstance(self.synapse_type, Synapse):
            raise NotImplementedError(f"{self.label}: {type(self.synapse_type).__name__} is no synapse type of ernsnn")
        self._made: list[tuple[np.ndarray, np.ndarray, dict[str, Any]]] = []
        connector.connect(self)
        self._check_listed(connector)
        pre, post = (np.concatenate([np.zeros(0, int), *(made[k] for made in self._made)]) for k in (0, 1))
        order = np.lexsort((post, pre))
        self.pre_of, self.post_of = pre[order], post[order]
        self.values = {name: self._gathered(name, order) for name in self.synapse_type.get_parameter_names()}
        del self._made
        self._check_delays(self.column("delay"))
        self.two_receptors = connector.receptors if isinstance(connector, TwoSigned) else None
        self.values["weight"] = self._signed(self.values["weight"])  # of some connectors PyNN does not ask for it
        self.blocks = list(blocks_of(self))
        state.projections.append(self)

    def _convergent_connect(
        self,
        presynaptic_indices: np.ndarray,
        postsynaptic_index: int,
        location_selector: Any = None,
        **parameters: Any,
    ) -> None:
        if location_selector is not None:
            raise NotImplementedError(f"{self.label}: neurons of ernsnn have no locations")
        pre = np.asarray(presynaptic_indices, dtype=int)
        self._made.append((pre, np.full(len(pre), postsynaptic_index, dtype=int), parameters))

    def _gathered(self, name: str, order: np.ndarray) -> float | np.ndarray:
        """A parameter of all synapses, as one number where all have the same."""
        given = [np.broadcast_to(np.asarray(values[name], float), pre.shape) for pre, _, values in self._made]
        values = np.concatenate([np.zeros(0), *given])[order]
        return float(values[0]) if len(values) and (values == values[0]).all() else values

    def _check_listed(self, connector: Any) -> None:
        """Raise ConnectionError on listed cells that are not there, where PyNN leaves a synapse out."""
        if not isinstance(connector, FromListConnector) or not np.size(connector.conn_list):
            return
        for column, (side, cells) in enumerate((("source", self.pre), ("target", self.post))):
            listed = np.asarray(connector.conn_list)[:, column]
            wrong = ~np.isin(listed, np.arange(cells.size))
            if wrong.any():
                what = f"{listed[wrong][0]:g} of {cells.size} cells of {cells.label}"
                raise errors.ConnectionError(f"{self.label}: {side} index out of range: {what}")

    def _check_delays(self, delays: np.ndarray) -> None:
        if not np.isfinite(delays).all():
            wrong = delays[~np.isfinite(delays)][0]
            raise errors.ConnectionError(f"{self.label}: delays must be finite, got {wrong}")
        lowest = state.shortest_delay()
        if len(delays) and delays.min() < lowest * (1 - 1e-9):
            raise errors.ConnectionError(f"{self.label}: the shortest delay is {lowest:g} ms, got {delays.min():g}")
        if len(delays) and state.max_delay != "auto" and delays.max() > float(state.max_delay) * (1 + 1e-9):
            raise errors.ConnectionError(f"{self.label}: max_delay is {state.max_delay} ms, got {delays.max():g}")

    # Attributes of synapses

    def __len__(self) -> int:
        return len(self.pre_of)

    def __getitem__(self, i: int) -> Connection:
        return Connection(self, range(len(self))[i])

    @property
    def connections(self) -> list[Connection]:
        """Every synapse as an object."""
        return list(self)

    @property
    def sign(self) -> float:
        """-1 where inhibitory weights are written as negative numbers."""
        negative = self.receptor_type == "inhibitory" and state.convention == "pynn"
        return -1.0 if negative and not self.post.conductance_based else 1.0

    def has(self, name: str) -> bool:
        """Whether synapses have an attribute of this name."""
        addresses = ("presynaptic_index", "postsynaptic_index")
        return name in addresses or name in self.synapse_type.marks or self.synapse_type.has_parameter(name)

    def column(self, name: str) -> np.ndarray:
        """The present values of an attribute of every synapse."""
        addresses = {"presynaptic_index": self.pre_of, "postsynaptic_index": self.post_of}
        if name in addresses:
            return np.asarray(addresses[name])
        variable = "w" if name == "weight" else name if name in self.synapse_type.marks else None
        run = state.run_with(self)
        if variable and run and self.synapse_type.plastic:
            values = np.zeros(len(self))
            for block in self.blocks:
                values[block.ids] = run.synapses(block.name, variable)
            return values * self.sign if variable == "w" else values
        return np.broadcast_to(
            self.synapse_type.marks[name] if name in self.synapse_type.marks else self.values[name], len(self)
        )

    def assign(self, name: str, values: np.ndarray) -> None:
        """Set weights and parameters of the rule, at once also in a run, or, before the first run, delays."""
        run = state.run_with(self)
        if name == "delay":
            if run:
                state.require_open(f"{self.label}: delays")
            self._check_delays(values)
        elif name == "weight":
            values = self._signed(values)
            if run:
                self._check_bounds(self.sign * values)
                for block in self.blocks:
                    probe = Probe("synapses", block.name, 0, 0, "w", 1)
                    run.write(probe, slice(None), block.sign * values[block.ids])
                if self.synapse_type.plastic:
                    return  # the description of the script holds initial values
                state.changed |= not run.live
        elif name not in self.values:
            raise InvalidModel(f"{self.label}: {name!r} is read, and not set")
        else:
            self._set_constant(name, values)
            return
        self.values[name] = values

    def _set_constant(self, name: str, values: np.ndarray) -> None:
        """Set a parameter of the rule, in a run to one number for all synapses that have shared all of theirs."""
        if not state.run_with(self):
            self.values[name] = values
            for block in self.blocks:
                del state.labels[block.name]
            self.blocks = list(blocks_of(self))
        elif any((values[block.ids] != values[block.ids[:1]]).any() for block in self.blocks):
            raise InvalidModel(
                f"{self.label}: {name} must be one number for all synapses that began to run with the same constants; "
                "give them others before the first run, or after reset()"
            )
        else:
            self.values[name] = values
        state.changed = True

    def _signed(self, weights: Any) -> Any:
        """Weights as the script reads them. Raises ConnectionError on those of a wrong sign."""
        if self.two_receptors is None:
            check_sign(weights, self)
            return as_kept(weights, self)
        for block in getattr(self, "blocks", ()):
            if (block.sign * weights[block.ids] < 0).any():
                raise errors.ConnectionError(
                    f"{self.label}: a weight of a convolution keeps its sign, which chooses the receptor"
                )
        return weights

    def _check_bounds(self, weights: np.ndarray) -> None:
        if not self.synapse_type.plastic:
            return
        low, high = self.values["w_min"], self.values["w_max"]
        if not ((low <= weights) & (weights <= high)).all():
            low, high = np.min(low), np.max(high)
            raise InvalidModel(f"{self.label}: weights of the rule lie in [{low:g}, {high:g}], got {weights}")

    def constants(self) -> Iterator[Callable[[str], float]]:
        """Yield, for each block, the parameters that its synapses share, by name."""
        return (Shared(self, block).constant for block in self.blocks)

    def decay_ms(self) -> float:
        """The time constant of the synaptic current that it acts on, which all of its post cells share."""
        own = {"excitatory": "tau_syn_E", "excitatory2": "tau_syn_E2", "inhibitory": "tau_syn_I"}
        name = own.get(self.receptor_type, self.receptor_type)
        kind = type(self.synapse_type).__name__
        try:
            values = np.unique(np.ravel(np.asarray(self.post.get(name), dtype=float)))
        except errors.NonExistentParameterError:
            raise InvalidModel(f"{self.label}: {kind} needs post cells with {name}") from None
        if len(values) > 1:
            raise InvalidModel(f"{self.label}: {kind} needs the same {name} in all post cells, got {values}")
        return float(values[0])

    # PyNN's interface

    def set(self, **attributes: Any) -> None:
        """Set weights or delays: a number, a distribution, a matrix, a list or a function of the distance."""
        functions = {}
        for name, value in attributes.items():
            if np.ndim(value) == 2 and np.shape(value) == self.shape:
                self.assign(name, np.asarray(value, dtype=float).ravel()[self._places])
            elif isinstance(value, list | np.ndarray) and np.shape(value) == (len(self),):
                self.assign(name, np.array(value, dtype=float))
            else:
                functions[name] = seeded(value)
        if functions:
            super().set(**functions)

    def _set_attributes(self, parameter_space: Any) -> None:
        for name, value in parameter_space.items():
            if value.is_homogeneous:
                self.assign(name, np.full(len(self), float(value.evaluate(simplify=True))))
            else:
                self.assign(name, np.asarray(value.evaluate(simplify=False), dtype=float).ravel()[self._places])

    def _value_list_to_array(self, attributes: dict[str, Any]) -> dict[str, Any]:
        for name, value in attributes.items():
            if isinstance(value, list | np.ndarray):
                raise InvalidModel(
                    f"{self.label}.{name}: needs a matrix of {self.shape[0]} x {self.shape[1]} or {len(self)} numbers, "
                    f"got shape {np.shape(value)}"
                )
        return attributes

    def _get_attributes_as_list(self, names: list[str]) -> list[tuple[Any, ...]]:
        return list(zip(*(self.column(name).tolist() for name in names), strict=True))

    def _get_attributes_as_arrays(self, names: list[str], multiple_synapses: str = "sum") -> list[np.ndarray]:
        return [self._matrix(self.column(name), multiple_synapses) for name in names]

    @cached_property
    def _places(self) -> np.ndarray:
        """Indices of synapses in a flattened matrix (pre, post)."""
        return np.asarray(self.pre_of * self.shape[1] + self.post_of)

    @cached_property
    def _last(self) -> np.ndarray:
        """Keep the last synapse of each pair where a pair has several; else all."""
        places = self._places
        several = len(np.unique(places)) < len(places)
        return len(places) - 1 - np.unique(places[::-1], return_index=True)[1] if several else np.arange(len(places))

    def _matrix(self, values: np.ndarray, several: str) -> np.ndarray:
        """Values as a matrix (pre, post); of several synapses of a pair the first, last, lowest, highest or sum."""
        matrix = np.full(self.shape[0] * self.shape[1], np.nan)
        if len(self._last) == len(values):
            matrix[self._places] = values
        elif several == "first":
            pairs, first = np.unique(self._places, return_index=True)
            matrix[pairs] = values[first]
        else:
            matrix[self._places[self._last]] = values[self._last]
            others = np.setdiff1d(np.arange(len(values)), self._last)
            if several in _AT:
                _AT[several].at(matrix, self._places[others], values[others])
        return matrix.reshape(self.shape)

    def _set_initial_value_array(self, variable: str, initial_value: Any) -> None:
        if not isinstance(self.synapse_type, Absent):
            raise InvalidModel(f"{self.label}: there is no {variable!r} to initialize; traces start at 0")

    # Lowering

    def add_to(self, net: Network) -> None:
        """Describe its synapses to ernsnn."""
        delays = self.column("delay")
        grid = np.maximum(np.rint(delays / state.dt), 1.0) * state.dt
        if (np.abs(grid - delays) > 1e-6 * state.dt).any():
            message = f"delays are rounded to steps of {state.dt:g} ms"
            state.note("Y104", f"{self.label}.delay", message, "choose a smaller timestep")
        weights = np.broadcast_to(self.values["weight"], len(self))
        for block in self.blocks:
            pre, post = (net.populations[name] for name in (block.pre, block.post))
            low, high = (extreme(block.pairs, axis=0) for extreme in (np.min, np.max))
            made, shape = connector_of(block.pairs - low, *(high - low + 1))
            assert isinstance(post.model, Neuron)
            with about(block.name, block.pre, block.post):
                net.projection(
                    block.name,
                    pre[low[0] : high[0] + 1],
                    post[low[1] : high[1] + 1],
                    made,
                    **{
                        f"weight_{post.model.kind.receptor(block.receptor).unit}": one_or_all(
                            block.sign * weights[block.ids], shape
                        )
                    },
                    delay_ms=one_or_all(grid[block.ids], shape),
                    receptor=block.receptor,
                    **self.synapse_type.described(net, Shared(self, block)),
                )
