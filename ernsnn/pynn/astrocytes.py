"""Astrocytes that listen to the cells of a script, as third factors of MarkedSTDP."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import neo
import numpy as np
import quantities as pq
from pyNN import common

from ernsnn.describe.names import variable_of
from ernsnn.describe.network import Network
from ernsnn.errors import InvalidModel, about

from .populations import Population
from .simulator import named, state
from .views import PopulationView


class Astrocyte:
    """Leaky astrocytes: see ``ernsnn.Astrocyte`` for the equation and the options beside ``tau_ms``.

    ``listens_to`` holds populations, views of neighbouring neurons, or assemblies of these.
    """

    def __init__(self, listens_to: Sequence[Any], *, tau_ms: float, label: str | None = None, **options: Any) -> None:
        named(label, "Astrocyte")
        label = label or "astrocyte"
        state.require_open(label)
        self.label, self.options = label, {"tau_ms": tau_ms, **options}
        self.parts: list[Population | PopulationView] = []
        for heard in listens_to:
            self.parts += heard.populations if isinstance(heard, common.Assembly) else [heard]
        for part in self.parts:
            if not isinstance(part, Population | PopulationView):
                raise InvalidModel(f"{label}.listens_to: needs populations, views or assemblies, got {part!r}")
            if (np.diff(part.places) != 1).any():
                raise InvalidModel(
                    f"{label}.listens_to: {part.label} must be a view of neighbouring neurons, as p[a:b]"
                )
        self.name = state.name_of(label)
        self.recorded: set[str] = set()
        state.astrocytes.append(self)

    def record(self, variables: str | Sequence[str]) -> None:
        """Record ``"C"``, its calcium, or ``"value"``, its value as a third factor, in every step."""
        state.require_open(f"{self.label}: record")
        self.recorded |= {variables} if isinstance(variables, str) else set(variables)

    def get_data(self) -> neo.Block:
        """The data since the last reset as a Neo Block, one signal for each variable."""
        segment = neo.Segment(name=f"segment{state.segment_counter:03d}")
        for variable in sorted(self.recorded):
            if state.under_way is None:
                raise InvalidModel(f"{self.label}: nothing has been recorded yet; run() comes first")
            _, values = state.under_way.recording.signals[variable_of(self.name, variable)]
            period = state.dt * pq.ms
            signal = neo.AnalogSignal(values, units="", sampling_period=period, t_start=period, name=variable)
            segment.analogsignals.append(signal)
        block = neo.Block(name=self.label)
        block.segments.append(segment)
        return block

    def add_to(self, net: Network) -> None:
        """Describe it to ernsnn."""
        views = [net.populations[p.root.name][int(p.places[0]) : int(p.places[-1]) + 1] for p in self.parts]
        with about(self.name, *(p.root.name for p in self.parts)):
            made = net.astrocyte(self.name, views, **self.options)
            for variable in sorted(self.recorded):
                net.probe(made, variable)
