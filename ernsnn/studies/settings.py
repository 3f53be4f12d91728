"""Settings as text, ``KEY=VALUE``, as the command line reads and writes them."""

from __future__ import annotations

import json
from typing import Any

from ernsnn.errors import quoted


def read_setting(text: str) -> tuple[str, Any]:
    """Key and value; the value is read as JSON, or else as text. Raises ValueError where key or ``=`` is missing."""
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise ValueError(f"must be KEY=VALUE, got {quoted(text)}")
    return key, _read(value)


def write_setting(key: str, value: Any) -> str:
    """The text that ``read_setting`` reads as ``key`` and exactly this ``value``, which JSON must be able to hold.

    Text stands as it is where it is read as text: ``label=long``, but ``label="12"``.
    """
    plain = isinstance(value, str) and value.isprintable() and _read(value) == value
    return f"{key}={value if plain else json.dumps(value)}"


def _read(value: str) -> Any:
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value
