"""Values of parameters as a script gives them, in the forms that PyNN takes."""

from __future__ import annotations

from collections.abc import Iterator, KeysView, Mapping, ValuesView
from typing import Any

import numpy as np
from pyNN.errors import InvalidParameterValueError

from ernsnn.errors import quoted

_ITERATED = (Iterator, KeysView, ValuesView)


def plain(parameters: Mapping[str, Any], what: str) -> dict[str, Any]:
    """Generators and views of dictionaries as lists, and arrays of several rows as lists of these.

    Raises InvalidParameterValueError, naming ``what`` and the parameter, on lists and arrays of anything but finite or
    infinite numbers, on text and on what has no order. All else - numbers, distributions, functions - stays.
    """
    return {name: _plain(value, f"{what}.{name}") for name, value in parameters.items()}


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
