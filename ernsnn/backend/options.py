"""The settings of a backend: what there is to set, and what a user sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ernsnn.describe.arguments import checked
from ernsnn.describe.fields import is_one_of
from ernsnn.errors import InvalidModel, quoted, unknown


@checked
@dataclass(frozen=True)
class Option:
    """A backend's own setting: its default, the values it takes (empty: any whole number >= 0), and what it is for."""

    default: Any
    choices: Sequence[str]
    help: str


def filled(backend: str, options: Mapping[str, Option], given: Mapping[str, Any]) -> dict[str, Any]:
    """All ``options`` with ``given`` filled in. Raises InvalidModel, naming the backend, on an unknown one or value."""
    result = {name: option.default for name, option in options.items()}
    for name, value in given.items():
        if name not in options:
            raise InvalidModel(unknown(f"{backend}: no option", name, options))
        option = options[name]
        if option.choices and not is_one_of(value, option.choices):
            among = ", ".join(option.choices)
            raise InvalidModel(f"{backend}: {name} must be one of {among}, got {quoted(value)}")
        value = int(value) if isinstance(value, np.integer) else value
        if not option.choices and (isinstance(value, bool) or not isinstance(value, int) or value < 0):
            raise InvalidModel(f"{backend}: {name} must be a whole number >= 0, got {quoted(value)}")
        result[name] = value
    return result
