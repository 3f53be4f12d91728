"""Options of backends, and the values that users give them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ernsnn.describe.arguments import checked, whole
from ernsnn.describe.fields import is_one_of
from ernsnn.errors import InvalidModel, quoted, unknown

MOST_THREADS = 1024
"""The largest number of threads."""


@checked
@dataclass(frozen=True)
class Option:
    """An option of a backend: its default, the values that it takes, and a text on its purpose.

    Without ``choices`` it is a whole number from ``least`` to ``most``.
    """

    default: Any
    choices: Sequence[str]
    help: str
    least: int = 0
    most: int = 2**63 - 1

    def value(self, given: Any, name: str) -> Any:
        """``given`` as a value of the option. Raises InvalidModel, naming ``name``, on other values."""
        if self.choices:
            if not is_one_of(given, self.choices):
                raise InvalidModel(f"{name} must be one of {', '.join(self.choices)}, got {quoted(given)}")
            return given
        number = whole(given)
        if number is None or not self.least <= number <= self.most:
            upto = f">= {self.least}" if self.most >= 2**63 - 1 else f"from {self.least} to {self.most}"
            raise InvalidModel(f"{name} must be a whole number {upto}, got {quoted(given)}")
        return number


def filled(backend: str, options: Mapping[str, Option], given: Mapping[str, Any]) -> dict[str, Any]:
    """All ``options`` with ``given`` filled in. Raises InvalidModel, naming the backend, on an unknown one or value."""
    result = {name: option.default for name, option in options.items()}
    for name, value in given.items():
        if name not in options:
            raise InvalidModel(unknown(f"{backend}: no option", name, options))
        result[name] = options[name].value(value, f"{backend}: {name}")
    return result
