"""Estimates: means over seeds with their 95 % intervals."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Any

import numpy as np

from ernsnn.describe.arguments import checked
from ernsnn.errors import InvalidModel, quoted

INTERVAL = "mean ± 95 % interval over seeds"
"""An explanation of the text of an estimate, for notes under tables."""

# Two-sided 95 % quantiles of Student's t for 1 to 30 degrees of freedom; beyond, the normal one is near enough.
_T95 = (
    *(12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131),
    *(2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042),
)


@checked
@dataclass(frozen=True)
class Estimate:
    """Mean over seeds with its 95 % confidence interval (Student's t; none from a single seed).

    Seeds without a value (NaN) do not count; where none has one, the mean is NaN. As text it is ``15.2 ± 0.31``, in
    the format ``.1f`` ``15.2 ± 0.3``, and ``-`` without a mean.
    """

    mean: float
    half_width: float
    values: tuple[float, ...]

    @classmethod
    @checked
    def of(cls, values: Sequence[float]) -> Estimate:
        """The estimate from one value a seed. Raises InvalidModel on what are no numbers."""
        try:
            if np.ma.is_masked(values) or any(isinstance(v, str) for v in values):
                raise TypeError
            given = tuple(float(v) for v in values)
        except (TypeError, ValueError):
            raise InvalidModel(f"Estimate.of: values must be numbers, one a seed, got {quoted(values)}") from None
        finite = [v for v in given if math.isfinite(v)]
        n = len(finite)
        quantile = _T95[n - 2] if 2 <= n <= len(_T95) + 1 else 1.96
        half = quantile * stdev(finite) / math.sqrt(n) if n > 1 else math.nan
        return cls(fmean(finite) if finite else math.nan, half, given)

    @classmethod
    @checked
    def of_each(cls, values: Mapping[str, Sequence[float]]) -> dict[str, Estimate]:
        """The estimate of every measure, from one value a seed of each."""
        return {name: cls.of(each) for name, each in values.items()}

    @classmethod
    @checked
    def of_runs(cls, runs: Sequence[Mapping[str, float]]) -> dict[str, Estimate]:
        """The estimate of every measure, from one dictionary of measures a seed."""
        return cls.of_each({name: [run[name] for run in runs] for name in runs[0]})

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Estimate:
        """The inverse of ``to_json``."""
        return cls.of([math.nan if value is None else value for value in data["values"]])

    def __format__(self, spec: str) -> str:
        if math.isnan(self.mean):
            return "-"
        mean = format(self.mean, spec or ".4g")
        return mean if math.isnan(self.half_width) else f"{mean} ± {format(self.half_width, spec or '.2g')}"

    def __str__(self) -> str:
        return format(self, "")

    def to_json(self) -> dict[str, Any]:
        """Mean, half width of the interval (null from one seed) and the value of every seed; null is none."""

        def known(value: float) -> float | None:
            return value if math.isfinite(value) else None

        return {"mean": known(self.mean), "ci95": known(self.half_width), "values": list(map(known, self.values))}


def plain(data: Any, path: str) -> Any:
    """``data``, called ``path``, as JSON has it: estimates by ``to_json``, NumPy's numbers and arrays as lists.

    Keys become text. Raises InvalidModel on what JSON does not have.
    """
    if isinstance(data, Estimate):
        return data.to_json()
    if isinstance(data, np.ndarray | np.generic) and data.dtype.kind in "biuf":
        return data.tolist()
    if isinstance(data, Mapping):
        return {str(key): plain(value, f"{path}[{quoted(key)}]") for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [plain(value, f"{path}[{k}]") for k, value in enumerate(data)]
    if data is None or isinstance(data, str | int | float):
        return data
    raise InvalidModel(f"{path}: must be what JSON has, or an Estimate, got {quoted(data)}")
