"""Fields of described objects: each is converted once, at construction, to the unit that its name carries."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from typing import Any

from ernsnn.describe.distributions import Distribution
from ernsnn.describe.units import to_number, to_single, to_unit, unit_of_name


def is_one_of(value: object, choices: Collection[str]) -> bool:
    """Whether ``value`` is one of some words; arrays, which compare element by element, are not."""
    return isinstance(value, str) and value in choices


def convert_fields(described: Any, path: str, besides: Collection[str] = ()) -> None:
    """Convert, in place, every field of a frozen dataclass whose name carries a unit; a ``float`` is one number.

    Fields ``besides`` stay as they are.
    """
    for field in dataclasses.fields(described):
        unit = unit_of_name(field.name)
        value = getattr(described, field.name)
        if unit is None or field.name in besides or (value is None and field.default is None):
            continue
        where = f"{path}.{field.name}"
        converted = value.in_unit(unit, where) if isinstance(value, Distribution) else to_unit(value, unit, where)
        if field.type in ("float", "float | None"):
            converted = to_single(converted, where)
        object.__setattr__(described, field.name, converted)


def convert_plain_fields(described: Any, path: str) -> None:
    """Convert, in place, every field of a frozen dataclass of parameters whose name carries no unit."""
    for field in dataclasses.fields(described):
        value = getattr(described, field.name)
        if unit_of_name(field.name) is None and value is not None:
            where = f"{path}.{field.name}"
            converted = value.in_unit(None, where) if isinstance(value, Distribution) else to_number(value, where)
            object.__setattr__(described, field.name, converted)
