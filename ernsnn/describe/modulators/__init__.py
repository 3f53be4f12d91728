"""Kinds of third factors, one a file: the class that a user fills in, and the table of its equations.

A kind is known once its file lies here.
"""

import inspect
import pkgutil
from collections.abc import Mapping
from importlib import import_module

from ernsnn.describe.arguments import named
from ernsnn.describe.modulators.astrocyte import Astrocyte
from ernsnn.describe.modulators.calcium import CalciumAstrocyte
from ernsnn.describe.modulators.domain import Domain, Listener
from ernsnn.describe.modulators.either import Either
from ernsnn.describe.modulators.gate import Gate
from ernsnn.describe.modulators.kind import ModulatorKind, expression, statements
from ernsnn.describe.modulators.modulator import Modulator, ThirdFactor
from ernsnn.describe.modulators.signal import Signal
from ernsnn.describe.parametrised import Library

_MODULES = [import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__)]
CLASSES: dict[str, type[Modulator]] = {
    cls.__name__: cls
    for module in _MODULES
    for cls in vars(module).values()
    if isinstance(cls, type) and issubclass(cls, Modulator) and cls not in (Modulator, Domain, Listener)
}
"""The kinds of ernsnn, as the classes that users fill in."""
named(CLASSES.values())
LIBRARY: Mapping[str, ModulatorKind] = Library(
    {name: cls for name, cls in CLASSES.items() if not isinstance(inspect.getattr_static(cls, "kind"), property)}
)
"""Their equations by name, of kinds that do not depend on how many others they are made of."""

__all__ = [
    "CLASSES",
    "LIBRARY",
    "Astrocyte",
    "CalciumAstrocyte",
    "Domain",
    "Either",
    "Gate",
    "Listener",
    "Modulator",
    "ModulatorKind",
    "Signal",
    "ThirdFactor",
    "expression",
    "statements",
]
