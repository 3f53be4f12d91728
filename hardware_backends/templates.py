"""The templates of compiled scripts. A text is printed by a filter that says what it is there, or not at all.

Names and expressions come from users, and from files that others wrote. So a template prints numbers, and plain words,
which mean nothing to Python, as they are; any other text needs one of the filters: ``repr`` for a literal, ``value``
for a number or an array, ``line`` for a line of code within a literal of three quotes, ``doc`` for text within a
docstring. Without one it is an error.
"""

from __future__ import annotations

import re
from functools import lru_cache
from importlib.resources import files
from typing import Any

import jinja2
import numpy as np

from ernsnn.errors import InvalidModel
from ernsnn.recording.keys import synapse_key

_WORDS = re.compile(r"[\w.,:#~/> +*-]*")
"""Neither quotes nor brackets, no backslash and no end of a line: no call, and no way out of a literal."""
_LINE = re.compile(r"[^\"\\\x00-\x1f\x7f\u2028\u2029\ud800-\udfff]*")
"""The characters of a line of a literal of three quotes."""


class Escaped(str):
    """Text that a filter has made fit for where it stands."""

    __slots__ = ()


def literal(value: Any) -> Escaped:
    """``value`` as Python writes it."""
    return Escaped(repr(value.item() if isinstance(value, np.generic) else value))


def stored(value: float | str) -> Escaped:
    """A number, or the array of that name among those that a program loads."""
    return Escaped(f"arrays[{value!r}]") if isinstance(value, str) else literal(value)


def line(text: str) -> Escaped:
    """A line of code within a literal of three quotes. Raises InvalidModel on what could end it."""
    if not _LINE.fullmatch(text):
        raise InvalidModel(f"{text[:100]!r}: cannot stand in a program; names have letters, digits and '_' only")
    return Escaped(text)


def doc(text: str) -> Escaped:
    """Text within a docstring: quotes, backslashes and what cannot be printed are escaped."""
    return Escaped("".join(c if c.isprintable() and c not in '"\\' else _escape(c) for c in text))


def _escape(character: str) -> str:
    return f"\\{character}" if character == '"' else character.encode("unicode_escape").decode()


def _printed(value: Any) -> Any:
    """The text that a template prints for ``value``. Raises InvalidModel on a text that no filter made."""
    if isinstance(value, Escaped | jinja2.Undefined):
        return value
    if isinstance(value, str):
        if not _WORDS.fullmatch(value):
            raise InvalidModel(f"{value[:100]!r}: cannot stand in a program; names have letters, digits and '_' only")
        return value
    if isinstance(value, np.generic | bool | int | float | tuple | list | dict | set | None):
        return literal(value)
    raise TypeError(f"a template prints {type(value).__name__}")


def _is_number(value: Any) -> bool:
    return isinstance(value, bool | int | float)


@lru_cache
def script_template(package: str | None) -> jinja2.Template:
    """``program.py.j2`` of a backend's package; a name that it does not know is an error."""
    assert package is not None
    environment = jinja2.Environment(
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
        autoescape=False,
        finalize=_printed,
    )
    environment.filters.update({"repr": literal, "value": stored, "line": line, "doc": doc, "is_number": _is_number})
    environment.globals["synapse_key"] = synapse_key
    return environment.from_string(files(package).joinpath("program.py.j2").read_text(encoding="utf-8"))
