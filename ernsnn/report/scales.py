"""Axes: positions of numbers along a length, round ticks, and number formats."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

_PREFIXES = ((1e9, 1e9, "G"), (1e6, 1e6, "M"), (1e4, 1e3, "k"))  # from when on, factor, prefix


def number(value: float, digits: int = 3) -> str:
    """A number in few characters: ``0.25``, ``1,204``, ``3.1 M``, ``2e-07``."""
    if not math.isfinite(value):
        return "-"
    if value == 0:
        return "0"
    size = abs(value)
    if size < 1e-3 or size >= 1e13:
        mantissa, _, exponent = f"{value:.{digits - 1}e}".partition("e")
        return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"
    for least, factor, prefix in _PREFIXES:
        if size >= least:
            return f"{_plain(value / factor, digits)} {prefix}"
    return _plain(value, digits)


def _plain(value: float, digits: int) -> str:
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    text = f"{value:,.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


@dataclass(frozen=True)
class Scale:
    """An axis from ``low`` to ``high``, both finite and ``low < high``; logarithmic ones are above 0."""

    low: float
    high: float
    log: bool
    ticks: tuple[float, ...]

    def share(self, value: float) -> float:
        """The position of ``value``: 0 at ``low``, 1 at ``high``; clipped to these."""
        value = min(max(value, self.low), self.high)
        if self.log:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    def shares(self, values: np.ndarray) -> np.ndarray:
        """``share`` of each."""
        values = np.clip(np.asarray(values, float), self.low, self.high)
        if self.log:
            return np.asarray(np.log(values / self.low) / math.log(self.high / self.low))
        return np.asarray((values - self.low) / (self.high - self.low))

    @property
    def texts(self) -> list[str]:
        """The texts of the ticks, with enough digits to be distinct."""
        for digits in (3, 4, 5, 6, 8):
            labels = [number(tick, digits) for tick in self.ticks]
            if len(set(labels)) == len(labels):
                break
        return labels


def scale_of(values: Iterable[float], *, log: bool = False, from_zero: bool = False, ticks: int = 5) -> Scale:
    """An axis with round ends that holds every finite value; with ``log`` logarithmic, if all are above 0.

    ``from_zero``: 0 lies on it too, as it must where lengths are compared.
    """
    numbers = [float(v) for v in values if math.isfinite(v)]
    if log:
        return _log([v for v in numbers if v > 0], ticks)
    numbers += [0.0] if from_zero or not numbers else []
    low, high = min(numbers), max(numbers)
    if high - low <= 1e-9 * max(abs(low), abs(high)):
        wider = abs(low) * 0.1 or 1.0
        low, high = low - wider * (not from_zero or low < 0), high + wider
    step = _round_up((high - low) / ticks)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    marks = tuple(k * step for k in range(first, last + 1))
    return Scale(marks[0], marks[-1], False, marks)


def tight_scale(low: float, high: float, ticks: int) -> Scale:
    """An axis from ``low`` to ``high`` exactly, with round ticks inside: for time."""
    high = high if high > low else low + 1.0
    step = _round_up((high - low) / ticks)
    marks = tuple(k * step for k in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1))
    return Scale(low, high, False, marks)


def _log(numbers: list[float], ticks: int) -> Scale:
    low, high = (min(numbers), max(numbers)) if numbers else (1.0, 10.0)
    first, last = math.floor(math.log10(low) + 1e-9), math.ceil(math.log10(high) - 1e-9)
    last += first == last
    every = math.ceil((last - first) / ticks)
    return Scale(10.0**first, 10.0**last, True, tuple(10.0**k for k in range(first, last + 1, every)))


def _round_up(step: float) -> float:
    """The least of 1, 2, 2.5, 5 times a power of ten that is not below ``step``."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= step * (1 - 1e-9))
