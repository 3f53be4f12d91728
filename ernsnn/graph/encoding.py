"""Encoding of dataclasses of numbers and arrays as JSON, decoding, and digests. Nothing that is decoded is executed."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections import ChainMap
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, cast

import numpy as np

from ernsnn.describe import modulators, neurons, short_term
from ernsnn.describe.kinds import Kind
from ernsnn.describe.modulators import ModulatorKind
from ernsnn.describe.short_term import ShortTermKind
from ernsnn.errors import InvalidModel, quoted
from ernsnn.loading import Unfit, check_fields

LIBRARY: Mapping[str, Kind | ShortTermKind | ModulatorKind] = ChainMap(
    *cast(Any, (neurons.LIBRARY, short_term.LIBRARY, modulators.LIBRARY))
)
"""Name -> kind of ernsnn; those of neurons are made when they are asked for."""


LATER = MappingProxyType({"later": True})
"""Metadata of a field that came to a class after files with it were written: empty, it is left out, as it is there."""


def encode(value: Any, arrays: dict[str, np.ndarray]) -> Any:
    """``value`` as JSON; arrays go into ``arrays`` and are named in their place, kinds of the library are named."""
    if isinstance(value, Kind | ShortTermKind | ModulatorKind) and LIBRARY.get(value.name) is value:
        return {"library": value.name, "version": value.version}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        held = [(f.name, getattr(value, f.name)) for f in dataclasses.fields(value) if not _left_out(f, value)]
        fields = {name: encode(part, arrays) for name, part in held}
        return {"is": type(value).__name__, **fields}
    if isinstance(value, np.ndarray):
        name = f"a{len(arrays)}"
        arrays[name] = value
        return {"array": name}
    if isinstance(value, dict):
        return {"dict": [[key, encode(item, arrays)] for key, item in value.items()]}
    if isinstance(value, tuple | list):
        return [encode(item, arrays) for item in value]
    if isinstance(value, np.generic):
        return value.item()
    if value is None or isinstance(value, str | int | float | bool):
        return value
    raise AssertionError(f"no JSON form for {type(value).__name__}")


def _left_out(field: dataclasses.Field[Any], owner: Any) -> bool:
    return field.metadata == LATER and getattr(owner, field.name) == field.default


def decode(value: Any, arrays: Mapping[str, np.ndarray], classes: Mapping[str, type]) -> Any:
    """The inverse of ``encode``, of dataclasses that are among ``classes`` by their names.

    Raises KeyError, TypeError or ValueError on what ``encode`` cannot have written; every field must be what its
    class's annotation says.
    """
    if isinstance(value, list):
        return tuple(decode(item, arrays, classes) for item in value)
    if not isinstance(value, dict):
        return value
    if value.keys() == {"array"}:
        array = np.asarray(arrays[value["array"]]).view()
        array.setflags(write=False)
        return array
    if value.keys() == {"dict"}:
        decoded = {key: decode(item, arrays, classes) for key, item in value["dict"]}
        if len(decoded) < len(value["dict"]):
            raise Unfit("a name is given twice")
        return decoded
    if value.keys() == {"library", "version"}:
        kind = LIBRARY.get(value["library"])
        if kind is None or kind.version != value["version"]:
            raise Unfit(f"it has parts of the kind {quoted(value['library'])}, version {quoted(value['version'])}")
        return kind
    cls: Any = classes[value["is"]]
    fields, given = {f.name: f for f in dataclasses.fields(cls)}, value.keys() - {"is"}
    if not {name for name, f in fields.items() if f.metadata != LATER} <= given <= fields.keys():
        raise Unfit(f"{value['is']} has other fields than this version knows")
    try:
        made = cls(**{name: decode(value[name], arrays, classes) for name in given})
    except InvalidModel as error:
        raise Unfit(f"it has what no network has: {error}") from None
    try:
        check_fields(made, value["is"])
    except Unfit as error:
        raise Unfit(f"it has what no network has: {error}") from None
    return made


def digest(described: Any) -> str:
    """SHA-256 of the JSON of a graph, or of parts of one, and of every array's type, shape and bytes."""
    arrays: dict[str, np.ndarray] = {}
    return digest_of(encode(described, arrays), arrays)


def digest_of(encoded: Any, arrays: Mapping[str, np.ndarray]) -> str:
    """The digest of the output of ``encode``: its JSON, and the arrays in the order of their numbers."""
    total = hashlib.sha256(json.dumps(encoded, sort_keys=True, separators=(",", ":")).encode())
    for name in sorted(arrays, key=lambda name: (len(name), name)):
        array = arrays[name]
        total.update(f"{name}{array.dtype.str}{array.shape}".encode())
        total.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    return total.hexdigest()
