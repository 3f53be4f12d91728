"""Traversal of all numbers of a part of a graph, by which backends find those beyond their range."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np


def out_of_range(held: Any, smallest: float, largest: float, path: str = "") -> Iterator[tuple[str, float]]:
    """Yield (path, first such value) of fields with finite numbers other than 0 whose size is not within these ends."""
    for where, values in floats(held, path):
        size = np.abs(values)
        out = values[(size > 0) & np.isfinite(size) & ((size > largest) | (size < smallest))]
        if len(out):
            yield where, float(out[0])


def floats(held: Any, path: str = "") -> Iterator[tuple[str, np.ndarray]]:
    """Yield (path, values) of all floats in ``held``."""
    if isinstance(held, float | np.ndarray) and np.asarray(held).dtype.kind == "f":
        yield path, np.ravel(held)
    elif is_dataclass(held):
        for field in fields(held):
            yield from floats(getattr(held, field.name), f"{path}.{field.name}".lstrip("."))
    elif isinstance(held, dict):
        for name, value in held.items():
            yield from floats(value, f"{path}.{name}".lstrip("."))
    elif isinstance(held, tuple | list):
        for k, value in enumerate(held):
            yield from floats(value, f"{path}[{k}]")
