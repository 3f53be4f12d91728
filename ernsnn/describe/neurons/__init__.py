"""Kinds of neurons, one a file: the class that a user fills in, and the table of its equations.

Every module in this folder is imported, so that a new file adds a kind.
"""

import pkgutil
from collections.abc import Mapping
from importlib import import_module

from ernsnn.describe.arguments import named
from ernsnn.describe.kinds import Kind
from ernsnn.describe.neurons.adaptive import AdaptiveLIF
from ernsnn.describe.neurons.conductance import ConductanceLIF
from ernsnn.describe.neurons.delta import DeltaLIF
from ernsnn.describe.neurons.lif import LIF
from ernsnn.describe.neurons.neuron import Neuron
from ernsnn.describe.parametrised import Library

_MODULES = [import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__)]
CLASSES: dict[str, type[Neuron]] = {
    cls.__name__: cls
    for module in _MODULES
    for cls in vars(module).values()
    if isinstance(cls, type) and issubclass(cls, Neuron) and "kind" in vars(cls)
}
"""Name -> class of the kinds of ernsnn."""
named(CLASSES.values())


LIBRARY: Mapping[str, Kind] = Library(CLASSES)
"""Name -> equations of the kinds of ernsnn. Graphs store only the name of these, and all of a user's own kind."""

__all__ = ["CLASSES", "LIBRARY", "LIF", "AdaptiveLIF", "ConductanceLIF", "DeltaLIF", "Neuron"]
