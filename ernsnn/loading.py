"""Reading of JSON files from untrusted sources, of a stated form and with a checksum; for arrays see ``arrays``.

Nothing that is read is executed, names a file, or is taken into memory before its size is known to fit. All that is
wrong with a file is an InvalidModel that names it.
"""

from __future__ import annotations

import dataclasses
import json
import math
import os
import stat
import types
import typing
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO, Literal, TypeVar

from ernsnn.errors import InvalidModel, quoted

CHECKSUM = "checksum"
MOST_TEXT = 1 << 28
"""The largest size of a text file in bytes."""

_LONGEST_REASON = 150

Made = TypeVar("Made")


class Unfit(ValueError):
    """Content of a file is not of its form; the message says why in one line, without the name of the file."""


@contextmanager
def reading(what: str) -> Iterator[None]:
    """Turn every error while ``what`` is read into an InvalidModel of one line: ``what`` is damaged, and how.

    Files that are not there stay FileNotFoundError and NotADirectoryError.
    """
    try:
        yield
    except (InvalidModel, FileNotFoundError, NotADirectoryError):
        raise
    except Unfit as error:
        raise InvalidModel(f"{what} is damaged ({shortened(str(error), 2 * _LONGEST_REASON)})") from None
    except OSError as error:
        name = f" of {error.filename}" if error.filename else ""
        raise InvalidModel(f"{what} cannot be read (the system says{name}: {error.strerror or error})") from None
    except Exception as error:
        reason = shortened(" ".join(str(error).split()), _LONGEST_REASON)
        raise InvalidModel(f"{what} is damaged ({type(error).__name__}: {reason})") from None


def shortened(text: str, most: int) -> str:
    """The beginning of a text."""
    return text if len(text) <= most else f"{text[:most]}..."


# JSON


def read_json(path: Path) -> Any:
    """The content of a JSON file in UTF-8, UTF-16 or UTF-32, with or without a byte-order mark.

    Raises OSError where it cannot be read, and ValueError on what is no JSON, no regular file, or too long.
    """
    with open_regular(path) as file:
        if os.fstat(file.fileno()).st_size > MOST_TEXT:
            raise Unfit(f"it has more than {MOST_TEXT} bytes")
        return json.loads(file.read())


@contextmanager
def open_regular(path: Path) -> Iterator[BinaryIO]:
    """Open a regular file for reading; a pipe or a device, which may never end, is refused."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise Unfit("it is no regular file")
    with path.open("rb") as file:
        yield file


def sealed(data: Mapping[str, Any]) -> str:
    """``data`` as JSON with its checksum, which ``unsealed`` compares."""
    plain = json.loads(json.dumps(data))
    return json.dumps({**plain, CHECKSUM: _seal(plain)}, indent=1)


def unsealed(path: Path, kind: str = "", schema: int | None = None) -> dict[str, Any]:
    """The content that ``sealed`` wrote, without its checksum. Files of early versions have no checksum.

    Raises Unfit where it does not match, and before that InvalidModel where this ``kind`` of file has another
    ``schema``.
    """
    data = read_json(path)
    if not isinstance(data, dict):
        raise Unfit("it must hold names and values")
    if schema is not None and data.get("schema") != schema:
        theirs = quoted(data.get("schema"))
        raise InvalidModel(f"{path.parent}: {kind} schema {theirs}; this ernsnn reads schema {schema}")
    if (CHECKSUM in data or "run" in data) and data.pop(CHECKSUM, None) != _seal(data):
        raise Unfit("its checksum does not match")
    return data


def _seal(data: Any) -> str:
    return f"{zlib.crc32(json.dumps(data, sort_keys=True, separators=(',', ':')).encode()):08x}"


# Forms


@cache
def _hints(cls: type) -> dict[str, Any]:
    return typing.get_type_hints(cls, include_extras=True)


def fit(value: Any, form: Any, where: str) -> None:
    """Raise Unfit, naming ``where``, unless ``value`` is of the type that the annotation ``form`` names.

    A list may stand for a tuple, and a TypedDict may have more keys than it names.
    """
    if not _fits(value, form, where):
        raise Unfit(f"{where}: must be {_words(form)}, got {quoted(value)}")


def _fits(value: Any, form: Any, where: str) -> bool:
    origin, parts = typing.get_origin(form), typing.get_args(form)
    if form is Any:
        return True
    if form is None or form is type(None):
        return value is None
    if form is float:
        return isinstance(value, int | float) and not isinstance(value, bool) and not math.isnan(value)
    if form is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if origin is Literal:
        return any(type(value) is type(word) and value == word for word in parts)
    if origin is typing.NotRequired:
        return _fits(value, parts[0], where)
    if origin in (typing.Union, types.UnionType):
        return any(_fits_quietly(value, part, where) for part in parts)
    if typing.is_typeddict(form):
        return _fits_keys(value, form, where)
    if origin is dict or origin is Mapping:
        if not isinstance(value, dict):
            return False
        for key, item in value.items():
            fit(key, parts[0], f"a name in {where}")
            fit(item, parts[1], f"{where}.{key}")
        return True
    if origin in (tuple, list, Sequence):
        if not isinstance(value, list | tuple):
            return False
        pairs = origin is tuple and Ellipsis not in parts
        if pairs and len(value) != len(parts):
            return False
        for k, item in enumerate(value):
            fit(item, parts[k] if pairs else parts[0], f"{where}[{k}]")
        return True
    return isinstance(value, form)


def _fits_quietly(value: Any, form: Any, where: str) -> bool:
    try:
        return _fits(value, form, where)
    except Unfit:
        return False


def _fits_keys(value: Any, form: Any, where: str) -> bool:
    if not isinstance(value, dict):
        return False
    known = _hints(form)
    for key in sorted(form.__required_keys__):
        if key not in value and typing.get_origin(known[key]) is not typing.NotRequired:
            raise Unfit(f"{where}: {key} is missing")
    for key, item in value.items():
        fit(item, known.get(key, Any), f"{where}.{key}")
    return True


def _words(form: Any) -> str:
    origin, parts = typing.get_origin(form), typing.get_args(form)
    plain = {float: "a number", int: "a whole number", str: "text", bool: "true or false", type(None): "null"}
    if origin is Literal:
        return " or ".join(map(repr, parts))
    if origin in (typing.Union, types.UnionType):
        return " or ".join(_words(part) for part in parts)
    if origin in (tuple, list, Sequence):
        return "a list"
    if origin in (dict, Mapping) or typing.is_typeddict(form):
        return "names and values"
    return plain.get(form) or str(getattr(form, "__name__", form))


def check_fields(described: Any, where: str) -> None:
    """Raise Unfit unless every field of a dataclass is of the type of its annotation."""
    cls: Any = type(described)
    for name, form in _hints(cls).items():
        fit(getattr(described, name), form, f"{where}.{name}")


def built(cls: type[Made], data: Any, where: str) -> Made:
    """The dataclass ``cls`` of JSON's values, lists being tuples. Raises Unfit on other fields or kinds of value."""
    fields = {f.name: f for f in dataclasses.fields(cls)}  # type: ignore[arg-type]
    if not isinstance(data, dict):
        raise Unfit(f"{where}: must be names and values, got {quoted(data)}")
    for name in data.keys() - fields.keys():
        raise Unfit(f"{where}: does not know {quoted(name)}")
    for name, field in fields.items():
        if name not in data and field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise Unfit(f"{where}: {name} is missing")
    try:
        made = cls(**{name: tuple(value) if isinstance(value, list) else value for name, value in data.items()})
    except InvalidModel as error:
        raise Unfit(f"{where}: {error}") from None
    check_fields(made, where)
    return made
