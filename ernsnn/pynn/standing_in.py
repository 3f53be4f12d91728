"""Imports of PyNN's simulators that give ernsnn in their place."""

from __future__ import annotations

import functools
import importlib
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

import pyNN

_OLDER = ("brian", "moose", "genesis", "pcsim", "nemo")
"""Simulators that PyNN had once."""
_SPYNNAKER = ("spynnaker", "spynnaker.pyNN", "spynnaker7", "spynnaker7.pyNN", "spynnaker8")
"""sPyNNaker's own names, packages that hold it among them."""
_DIALECT = {"convention": "spinnaker", "current_integration": "step_average"}
"""What scripts for it mean by ``setup``, where they do not say."""
PARTS = ("extra_models", "external_devices")
"""Modules of a simulator that ``ernsnn.pynn`` has, too."""


def dialect_of(module: str) -> Mapping[str, str] | None:
    """The settings of a simulator of PyNN where ``setup`` does not say; None of a module that is none.

    Simulators are those in PyNN's folder, those that it had once, and sPyNNaker.
    """
    package, _, name = module.partition(".")
    if module in _SPYNNAKER or (package == "pyNN" and name.lower() == _DIALECT["convention"]):
        return _DIALECT
    there = any((Path(folder) / name / "simulator.py").is_file() for folder in pyNN.__path__)
    return {} if package == "pyNN" and name and "." not in name and (name in _OLDER or there) else None


def is_simulator(module: str) -> bool:
    """Whether a module is a simulator of PyNN."""
    return dialect_of(module) is not None


def part_of_simulator(module: str) -> str:
    """The name among ``PARTS`` of a module of a simulator; empty for another one."""
    simulator, _, name = module.rpartition(".")
    return name if name in PARTS and is_simulator(simulator) else ""


class StandIn(ModuleType):
    """All of ``ernsnn.pynn`` under the name of another simulator, with settings that its ``setup`` fills in."""

    def __init__(self, name: str, settings: Mapping[str, Any]) -> None:
        ours = importlib.import_module("ernsnn.pynn")
        super().__init__(name, ours.__doc__)
        self.__all__ = ours.__all__
        self.setup = _filled(ours.setup, settings)

    def __getattr__(self, name: str) -> Any:
        return getattr(importlib.import_module("ernsnn.pynn"), name)


class _Part(ModuleType):
    """A module of ``ernsnn.pynn`` under the name that it has in another simulator."""

    def __init__(self, full_name: str, name: str) -> None:
        super().__init__(full_name)
        self.ours = importlib.import_module(f"ernsnn.pynn.{name}")
        self.__all__ = getattr(self.ours, "__all__", [])

    def __getattr__(self, name: str) -> Any:
        return getattr(self.ours, name)


def _filled(setup: Callable[..., int], settings: Mapping[str, Any]) -> Callable[..., int]:
    @functools.wraps(setup)
    def filled(*arguments: Any, **given: Any) -> int:
        return setup(*arguments, **{**settings, **given})

    return filled


class _Finder(MetaPathFinder, Loader):
    """Finds ernsnn where a simulator is imported."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self.settings = settings

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> Any:
        """The spec of a simulator, or None."""
        if part_of_simulator(fullname):
            return ModuleSpec(fullname, self)
        return ModuleSpec(fullname, self, is_package=True) if is_simulator(fullname) else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """The module that stands in."""
        part = part_of_simulator(spec.name)
        if part:
            return _Part(spec.name, part)
        return StandIn(spec.name, {**(dialect_of(spec.name) or {}), **self.settings})

    def exec_module(self, module: ModuleType) -> None:
        """Do nothing: the module is whole."""


@contextmanager
def stand_in(settings: Mapping[str, Any]) -> Iterator[None]:
    """Let ernsnn stand in for every simulator of PyNN that is imported, with ``settings`` for those ``setup`` lacks.

    Ways of importing are all one: ``import pyNN.nest as sim``, ``from pyNN.nest import *``, ``exec``, ``__import__``,
    ``importlib`` and PyNN's ``get_simulator``. Afterwards simulators are again those that are installed.
    """
    finder, before = _Finder(settings), _forget()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        _forget()
        sys.modules.update(before)
        for name, module in before.items():
            if name.startswith("pyNN.") and is_simulator(name):
                setattr(pyNN, name.partition(".")[2], module)


def _forget() -> dict[str, ModuleType]:
    """Take all simulators out of those modules that are imported, and return them."""
    ours = [name for name in sys.modules if is_simulator(name) or part_of_simulator(name)]
    imported = {name: sys.modules.pop(name) for name in ours}
    for name in imported:
        if name.startswith("pyNN.") and is_simulator(name):
            vars(pyNN).pop(name.partition(".")[2], None)
    return imported
