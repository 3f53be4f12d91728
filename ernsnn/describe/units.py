"""Units: the name of a field ends in its unit (``tau_m_ms``), and values are converted to it at construction.

Accepted are plain numbers (already in the field's unit), text such as ``"20 ms"``, and quantities of Brian2, pint
and the quantities package, none of which has to be installed.
"""

from __future__ import annotations

import datetime
import math
import re
import sys
from collections.abc import KeysView, ValuesView
from fractions import Fraction
from typing import Any

import numpy as np

from ernsnn.errors import InvalidModel, quoted

_PREFIXES = {
    "f": 1e-15,
    "p": 1e-12,
    "n": 1e-9,
    "u": 1e-6,
    "µ": 1e-6,
    "μ": 1e-6,
    "m": 1e-3,
    "": 1.0,
    "k": 1e3,
    "M": 1e6,
    "G": 1e9,
}
_MOST_STEPS = 10**12
_BASES = {
    "s": "time",
    "V": "voltage",
    "A": "current",
    "F": "capacitance",
    "Hz": "frequency",
    "Ohm": "resistance",
    "S": "conductance",
}
_SUFFIX_UNITS = {"hz": "Hz", "Hz": "Hz", "ms": "ms", "s": "s", "mV": "mV", "nA": "nA", "nF": "nF", "uS": "uS"}
# Two signs are in use for micro: U+00B5 and the Greek letter U+03BC.
_QUANTITY_TEXT = re.compile(r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*([A-Za-zµμ]+)\s*")
# Exponents of (length, mass, time, current): how Brian2 stores the dimension of a quantity.
_BRIAN_DIMENSIONS = {
    "time": (0, 0, 1, 0),
    "voltage": (2, 1, -3, -1),
    "current": (0, 0, 0, 1),
    "capacitance": (-2, -1, 4, 2),
    "frequency": (0, 0, -1, 0),
    "resistance": (2, 1, -3, -2),
    "conductance": (-2, -1, 3, 2),
}


def unit_of_name(name: str) -> str | None:
    """The unit that a parameter's name ends in (``"tau_m_ms"`` -> ``"ms"``), or None where it has none."""
    stem, _, suffix = name.rpartition("_")
    return _SUFFIX_UNITS.get(suffix) if stem else None


def _parse_unit(unit: str) -> tuple[str, float] | None:
    """(dimension, factor to SI) of a unit such as ``mV``; None if it is not one that we know."""
    for base, dimension in _BASES.items():
        if unit.endswith(base) and unit[: -len(base)] in _PREFIXES:
            return dimension, _PREFIXES[unit[: -len(base)]]
    return None


def _si_unit(unit: str) -> tuple[str, float]:
    parsed = _parse_unit(unit)
    if parsed is None:
        raise AssertionError(f"{unit} is not a unit of this package")
    return parsed


def _from_text(text: str, unit: str, path: str) -> float:
    match = _QUANTITY_TEXT.fullmatch(text)
    parsed = _parse_unit(match.group(2)) if match else None
    dimension, factor = _si_unit(unit)
    if match is None or parsed is None:
        raise InvalidModel(
            f'{path}: cannot read {quoted(text)} as a quantity; write a number in {unit} or text like "1 {unit}"'
        )
    if parsed[0] != dimension:
        raise InvalidModel(f"{path}: {quoted(text)} is a {parsed[0]}, but a {dimension} in {unit} is needed")
    return float(_scaled(float(match.group(1)), parsed[1], factor))


def _scaled(value: Any, factor: float, to_factor: float) -> Any:
    """``value`` times factor/to_factor, by whole powers of ten: "20 ms" is exactly 20.0 and "0.3 s" exactly 300.0."""
    exponent = round(np.log10(factor) - np.log10(to_factor))
    return value * 10.0**exponent if exponent >= 0 else value / 10.0**-exponent


def _from_foreign(value: Any, unit: str, path: str) -> Any:
    """A Brian2, pint or quantities object as plain numbers in ``unit``; the value itself if it is none of them."""
    dimension, factor = _si_unit(unit)
    try:
        if _is_time(value):
            if dimension != "time":
                raise ValueError("it is a time")
            span = np.asarray(value, dtype=None if hasattr(value, "dtype") else "timedelta64")
            if np.datetime_data(span.dtype)[0] == "generic":
                raise ValueError("it has no unit")
            seconds = span / np.timedelta64(1, "s")
            return _scaled(seconds, 1.0, factor)
        if _is_date(value):
            raise ValueError("it is a date")
        if hasattr(value, "get_best_unit"):  # Brian2
            dims = tuple(float(value.dim.get_dimension(d)) for d in ("length", "mass", "time", "current"))
            if dims != _BRIAN_DIMENSIONS[dimension]:
                raise ValueError(f"has the dimension of {value.get_best_unit()}")
            return np.asarray(value, dtype=float) / factor
        if hasattr(value, "magnitude") and hasattr(value, "to"):  # pint
            return value.to(unit.replace("Ohm", "ohm")).magnitude
        if hasattr(value, "magnitude") and hasattr(value, "rescale"):  # quantities
            return value.rescale(unit.replace("Ohm", "ohm")).magnitude
    except Exception as error:
        raise InvalidModel(f"{path}: {quoted(value)} is no {dimension} in {unit} ({error})") from None
    return value


def to_unit(value: Any, unit: str, path: str) -> float | np.ndarray:
    """``value`` as a float, or a read-only float64 array, in ``unit``. Raises InvalidModel, naming ``path``."""
    if type(value) is float and math.isfinite(value):  # what most values are
        return value
    value = list(value) if isinstance(value, KeysView | ValuesView) else value
    _refuse_masked(value, path)
    if isinstance(value, str):
        value = _from_text(value, unit, path)
    elif isinstance(value, list | tuple) and any(_has_own_unit(item) for item in value):
        # numpy would take the numbers and drop their units.
        value = [to_unit(item, unit, f"{path}[{i}]") for i, item in enumerate(value)]
    value = _from_foreign(value, unit, path)
    return to_number(_decimal(value) if unit == "ms" else value, path)


def _decimal(times: Any) -> Any:
    """Times in single or half precision as the decimal numbers that they are written as: 0.1 for np.float32(0.1).

    Doubles tell 0.1 and np.float32(0.1) apart, and so would the sums of phases and what is a multiple of a step.
    """
    if isinstance(times, list | tuple):
        return [_decimal(each) for each in times]
    short = isinstance(times, np.ndarray | np.generic) and times.dtype.kind == "f" and times.dtype.itemsize < 8
    return times.astype(str).astype(float) if short else times


def _is_time(value: Any) -> bool:
    """Whether it is a duration of NumPy or the standard library, or an array of them."""
    return isinstance(value, datetime.timedelta) or getattr(getattr(value, "dtype", None), "kind", "") == "m"


def _is_date(value: Any) -> bool:
    return isinstance(value, datetime.date) or getattr(getattr(value, "dtype", None), "kind", "") == "M"


def _is_truth(value: Any) -> bool:
    """Whether a value is or holds True or False, which are not accepted as numbers."""
    if isinstance(value, list | tuple):
        return any(map(_is_truth, value))
    return isinstance(value, bool) or getattr(getattr(value, "dtype", None), "kind", "") == "b"


def _refuse_masked(value: Any, path: str) -> None:
    """Raise InvalidModel on an array of which some values are masked: converted, they would count."""
    if "numpy.ma" not in sys.modules:  # which takes milliseconds to import, and without which nothing is masked
        return
    inner = value if isinstance(value, list | tuple) else [value]
    if any(isinstance(each, np.ma.MaskedArray) and np.ma.is_masked(each) for each in inner):
        raise InvalidModel(f"{path}: some of its values are masked; fill them, as by .filled(0)")


def _has_own_unit(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return any(_has_own_unit(item) for item in value)
    if isinstance(value, str) or _is_time(value) or _is_date(value):
        return True
    return hasattr(value, "get_best_unit") or hasattr(value, "magnitude")


def to_number(value: Any, path: str) -> float | np.ndarray:
    """``value`` as a finite float or read-only float64 array."""
    if type(value) is float and math.isfinite(value):
        return value
    value = list(value) if isinstance(value, KeysView | ValuesView) else value
    _refuse_masked(value, path)
    try:
        if value is None or _has_own_unit(value) or _is_date(value) or _is_truth(value) or np.iscomplexobj(value):
            raise TypeError
        array = np.array(value, dtype=float)
    except MemoryError:
        raise
    except Exception:  # a foreign class may raise any error
        raise InvalidModel(f"{path}: {quoted(value)} is no number, array of numbers or distribution") from None
    if not np.isfinite(array).all():
        raise InvalidModel(f"{path}: must be finite, got {quoted(value)}")
    if array.ndim == 0:
        return float(array)
    array.setflags(write=False)
    return array


def to_single(value: Any, path: str) -> float:
    """``value`` as one finite float."""
    number = to_number(value, path)
    if not isinstance(number, float):
        raise InvalidModel(f"{path}: must be one number, got {quoted(value)}")
    return number


def whole_steps(time_ms: float, dt_ms: float, path: str) -> int:
    """A time as whole steps, tolerant of rounding noise. Raises InvalidModel where it is no multiple of dt."""
    if not abs(time_ms) <= _MOST_STEPS * dt_ms:
        raise InvalidModel(f"{path}: {time_ms} ms are more than {_MOST_STEPS:g} steps of {dt_ms} ms; choose less")
    steps, whole = _nearest(time_ms, dt_ms)
    if not whole:
        raise InvalidModel(
            f"{path}: {time_ms} ms is no multiple of the step of {dt_ms} ms; round it, or choose another dt_ms"
        )
    return steps


def all_whole_steps(times_ms: np.ndarray, dt_ms: float, path: str) -> np.ndarray:
    """Times as whole steps, in int64: ``whole_steps`` of each."""
    with np.errstate(over="ignore", invalid="ignore"):
        steps = np.rint(times_ms / dt_ms)
        off = np.abs(steps * dt_ms - times_ms) > dt_ms * np.clip(np.abs(steps) * 1e-9, 1e-6, 0.05)
    wrong = np.flatnonzero(off | ~(np.abs(times_ms) <= _MOST_STEPS * dt_ms))
    if len(wrong):
        whole_steps(float(times_ms[wrong[0]]), dt_ms, path)  # raises
    return steps.astype(np.int64)


def first_step(time_ms: float, dt_ms: float) -> int:
    """The first step that begins at a time or later: 3 for 0.3 ms in steps of 0.1, for 0.1 + 0.2, and for 0.25."""
    steps, whole = _nearest(time_ms, dt_ms)
    return steps if whole else math.ceil(time_ms / dt_ms)


def _nearest(time_ms: float, dt_ms: float) -> tuple[int, bool]:
    """(the step nearest to a time, whether it begins at that time up to rounding noise, which grows with the time)."""
    steps = round(time_ms / dt_ms)
    return steps, abs(steps * dt_ms - time_ms) <= dt_ms * min(max(1e-6, abs(steps) * 1e-9), 0.05)


def single_time(value: Any, path: str) -> float:
    """One time in ms, in any notation of ``to_unit``."""
    return to_single(to_unit(value, "ms", path), path)


def exact(time_ms: float) -> Fraction:
    """The decimal number of a time as a Fraction, 1/10 for 0.1, so that sums have no rounding noise."""
    return Fraction(repr(float(time_ms)))


def same_time(one_ms: float | Fraction, other_ms: float | Fraction) -> bool:
    """Whether two times are equal up to the rounding noise of sums: within 1e-9 ms, or 1e-10 of their size.

    It is for times without a known step; otherwise use ``whole_steps``.
    """
    one, other = float(one_ms), float(other_ms)
    return abs(one - other) <= max(1e-9, 1e-10 * abs(one), 1e-10 * abs(other))


def from_zero(times_ms: np.ndarray) -> np.ndarray:
    """Times with those set to 0 that are below it by rounding noise, such as 0.3 - 0.1 - 0.2."""
    moved = np.where((times_ms < 0) & (times_ms >= -1e-9), 0.0, times_ms)
    moved.setflags(write=False)
    return moved


def time_of(steps: int, dt_ms: float) -> float:
    """``steps`` times the decimal number that ``dt_ms`` is written as: 3 steps of 0.1 ms are 0.3 ms exactly."""
    return float(steps * exact(dt_ms))
