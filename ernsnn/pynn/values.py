"""Values of parameters as a script gives them, in the forms that PyNN takes."""

from __future__ import annotations

from collections.abc import Iterator, KeysView, Mapping, ValuesView
from itertools import chain
from typing import Any

import numpy as np
from pyNN.errors import InvalidParameterValueError
from pyNN.parameters import Sequence

from ernsnn.errors import quoted

_ITERATED = (Iterator, KeysView, ValuesView)


def plain(parameters: Mapping[str, Any], what: str) -> dict[str, Any]:
    """Generators and views of dictionaries as lists, and arrays of several rows as lists of these.

    Raises InvalidParameterValueError, naming ``what`` and the parameter, on lists and arrays of anything but finite or
    infinite numbers, on text and on what has no order. All else - numbers, distributions, functions - stays.
    """
    return {name: _plain(value, f"{what}.{name}") for name, value in parameters.items()}


class Lists:
    """A list of numbers for each cell, held together: ``counts[k]`` of ``flat`` after those of the cells before k.

    As an array it has ``Sequence`` objects, which are made when they are asked for.
    """

    def __init__(self, flat: np.ndarray, counts: np.ndarray) -> None:
        self.flat, self.counts = flat, counts

    @classmethod
    def found(cls, value: Any, size: int) -> Lists | None:
        """The lists of a list of ``size`` lists or arrays of plain numbers; None of anything else."""
        if not isinstance(value, list | tuple) or len(value) != size or not size:
            return None
        kinds = set(map(type, value))
        if kinds <= {Sequence, np.ndarray}:
            value = [getattr(each, "value", each) for each in value] if Sequence in kinds else value
            if not all(each.ndim == 1 and each.dtype.kind in "iuf" for each in value):
                return None
            flat = np.concatenate(value).astype(float)
        elif kinds <= {list, tuple}:
            numbers = list(chain.from_iterable(value))
            if not set(map(type, numbers)) <= {float, int, np.float64, np.int64}:
                return None
            flat = np.fromiter(numbers, float, len(numbers))
        else:
            return None
        return cls(flat, np.fromiter(map(len, value), np.int64, size))

    @classmethod
    def of(cls, values: Any, what: str) -> Lists:
        """The lists of an array of ``Sequence`` objects. Raises InvalidParameterValueError on what is no list."""
        if isinstance(values, Lists):
            return values
        given = [np.asarray(getattr(each, "value", each), dtype=float) for each in values]
        for each in given:
            if each.ndim != 1:
                raise InvalidParameterValueError(
                    f"{what}: needs a list of times, or one for each neuron, got {each}; a single spike is [{each}]"
                )
        return cls(np.concatenate([np.zeros(0), *given]), np.fromiter(map(len, given), np.int64, len(given)))

    def __len__(self) -> int:
        return len(self.counts)

    def __getitem__(self, places: Any) -> np.ndarray:
        made = np.empty(len(self), object)
        made[:] = [Sequence(part) for part in np.split(self.flat, self.counts.cumsum()[:-1])]
        return np.asarray(made[places])


def _plain(value: Any, where: str) -> Any:
    value = _listed(value)
    if isinstance(value, np.ndarray):
        value = value.item() if value.ndim == 0 else list(value) if value.ndim > 1 else value
    wrong = isinstance(value, str | bytes | set | frozenset | Mapping | bool | np.bool_)
    if isinstance(value, list | tuple):
        value = [_listed(each) for each in value]
    if isinstance(value, list | np.ndarray):
        wrong = not _are_numbers(value) and not all(map(_are_numbers, value))
    if wrong:
        raise InvalidParameterValueError(f"{where}: must be a number or numbers, got {quoted(value)}")
    return value


def _listed(value: Any) -> Any:
    return list(value) if isinstance(value, _ITERATED) else value


def _are_numbers(values: Any) -> bool:
    """Whether a list, or one of what it holds, can be taken for numbers; objects of PyNN's have theirs inside."""
    values = getattr(values, "value", values)
    try:
        array = np.asarray(values)
        return array.dtype.kind in "iuf" or (array.dtype == object and array.size == 0)
    except (TypeError, ValueError, OverflowError):
        return False
