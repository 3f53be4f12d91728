"""Experiments: named studies over several seeds, found through the entry point group ``ernsnn.experiments``.

An experiment is a module with ``experiment(*, backend, seeds, progress, **settings) -> Findings``; its keyword
arguments beyond the first three, with their defaults, are its settings. The defaults are the quick ones; the module may
have others by name, such as ``SETTINGS = {"full": {"train": 2000}}``.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from types import ModuleType
from typing import Any

from ernsnn.backend.discovery import discover
from ernsnn.errors import InvalidModel, unknown

GROUP = "ernsnn.experiments"
QUICK = "quick"
"""The name of the defaults."""
_OURS = ("backend", "seeds", "progress")

# Two-sided 95 % quantiles of Student's t for 1 to 30 degrees of freedom; beyond, the normal one is near enough.
_T95 = (
    *(12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131),
    *(2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042),
)


@dataclass(frozen=True)
class Estimate:
    """Mean over seeds with its 95 % confidence interval (Student's t; none from a single seed).

    Seeds without a value (NaN) do not count; where none has one, the mean is NaN.
    """

    mean: float
    half_width: float
    values: tuple[float, ...]

    @classmethod
    def of(cls, values: Sequence[float]) -> Estimate:
        """The estimate from one value a seed."""
        found = [float(v) for v in values if math.isfinite(v)]
        n = len(found)
        quantile = _T95[n - 2] if 2 <= n <= len(_T95) + 1 else 1.96
        half = quantile * stdev(found) / math.sqrt(n) if n > 1 else math.nan
        return cls(fmean(found) if found else math.nan, half, tuple(float(v) for v in values))

    def __str__(self) -> str:
        if math.isnan(self.mean):
            return "-"
        return f"{self.mean:.4g}" + ("" if math.isnan(self.half_width) else f" ± {self.half_width:.2g}")

    def to_json(self) -> dict[str, Any]:
        """Mean, half width of the interval (null from one seed) and the value of every seed; null is none."""

        def known(value: float) -> float | None:
            return value if math.isfinite(value) else None

        return {"mean": known(self.mean), "ci95": known(self.half_width), "values": list(map(known, self.values))}


@dataclass(frozen=True)
class Findings:
    """What an experiment found: ``results`` as JSON, a table (``rows`` under ``heads``) for people, ``notes`` below it.

    ``pictures`` are figures of ``ernsnn.report.charts``, for its page.
    """

    results: Mapping[str, Any]
    heads: Sequence[str]
    rows: Sequence[Sequence[object]]
    notes: Sequence[str] = ()
    pictures: Sequence[str] = ()


def experiment_names() -> list[str]:
    """The names of all installed experiments."""
    return list(discover(GROUP))


def get_experiment(name: str) -> ModuleType:
    """The experiment's module. Raises InvalidModel if there is none of that name, or if it does not load."""
    loaders = discover(GROUP)
    if name not in loaders:
        raise InvalidModel(unknown("no experiment", name, loaders))
    try:
        module = loaders[name]()
    except Exception as error:
        raise InvalidModel(f"experiment {name!r} does not load: {type(error).__name__}: {error}") from error
    if not isinstance(module, ModuleType) or not callable(getattr(module, "experiment", None)):
        raise InvalidModel(f"experiment {name!r} is no module with experiment(...): fix its entry point")
    return module


def settings_of(module: ModuleType) -> dict[str, Any]:
    """Name -> default of everything that can be set."""
    parameters = inspect.signature(module.experiment).parameters.values()
    return {p.name: p.default for p in parameters if p.name not in _OURS}


def named_settings(module: ModuleType, name: str) -> dict[str, Any]:
    """What the settings of that name set other than by default. Raises InvalidModel where there are none."""
    known: dict[str, dict[str, Any]] = {QUICK: {}, **getattr(module, "SETTINGS", {})}
    if name not in known:
        raise InvalidModel(unknown(f"{module.__name__.rpartition('.')[2]}: no settings", name, known))
    return dict(known[name])


def backend_of(module: ModuleType) -> str:
    """The backend on which an experiment runs unless told otherwise."""
    return str(inspect.signature(module.experiment).parameters["backend"].default)
