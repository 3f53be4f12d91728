"""A graph as JSON and arrays: its digest, saving and loading. No pickle anywhere, and nothing in a file is executed."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from ernsnn.describe.arguments import checked
from ernsnn.describe.flows import Latch, Relax
from ernsnn.describe.learning import Factor, Normalise, Product, Term, Trace
from ernsnn.describe.names import is_symbol, network_name, part_name
from ernsnn.errors import InvalidModel, quoted
from ernsnn.files import Content, read_json, write_folder
from ernsnn.graph import connectivity, graph, spikes, values

_CLASSES: dict[str, Any] = {
    cls.__name__: cls
    for cls in (
        *(Factor, Latch, Normalise, Product, Relax, Term, Trace),
        *(connectivity.Dense, connectivity.OneToOne, connectivity.CSR),
        *(values.Scalar, values.Array, values.Draw, values.Shared),
        *(spikes.GivenSpikes, spikes.PoissonSpikes),
        *(graph.Traced, graph.Variable, graph.Bound, graph.Learning),
        *(graph.Intrinsic, graph.Neurons, graph.Source, graph.Projection, graph.Member, graph.Leaky, graph.Calcium),
        *(graph.Given, graph.Condition, graph.Gated, graph.Largest),
        *(graph.Injected, graph.Modulation, graph.Probe, graph.Graph),
    )
}


def encode(value: Any, arrays: dict[str, np.ndarray]) -> Any:
    """``value`` as JSON; arrays go into ``arrays`` and are named in their place."""
    if dataclasses.is_dataclass(value) and type(value).__name__ in _CLASSES:
        fields = {f.name: encode(getattr(value, f.name), arrays) for f in dataclasses.fields(value)}
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


def decode(value: Any, arrays: dict[str, np.ndarray]) -> Any:
    """The inverse of ``encode``. Raises KeyError, TypeError or ValueError on what ``encode`` cannot have written."""
    if isinstance(value, list):
        return tuple(decode(item, arrays) for item in value)
    if isinstance(value, dict):
        if "array" in value:
            array = np.array(arrays[value["array"]])
            array.setflags(write=False)
            return array
        if "dict" in value:
            return {key: decode(item, arrays) for key, item in value["dict"]}
        cls = _CLASSES[value["is"]]
        fields = {f.name for f in dataclasses.fields(cls)}
        if fields != value.keys() - {"is"}:
            raise ValueError(f"{value['is']} has other fields than this version knows")
        return cls(**{name: decode(value[name], arrays) for name in fields})
    return value


_KEYS = ("key", "noise", "erasure")
"""Fields with texts that random numbers are drawn by, of which no name and no line of a program is made."""


def check_names(loaded: graph.Graph) -> None:
    """Raise InvalidModel unless every name in a graph from a file is one that a network could have given.

    Programs and files are named after them.
    """
    network_name(loaded.name)
    if isinstance(loaded.seed, bool) or not isinstance(loaded.seed, int):
        raise InvalidModel(f"seed: must be a whole number, got {quoted(loaded.seed)}")
    for field in dataclasses.fields(loaded):
        if field.name != "name":
            _check_texts(getattr(loaded, field.name))


def _check_texts(value: Any) -> None:
    if isinstance(value, str):
        if not is_symbol(value):
            part_name(value)
    elif isinstance(value, tuple | list):
        for item in value:
            _check_texts(item)
    elif isinstance(value, dict):
        _check_texts([*value, *value.values()])
    elif dataclasses.is_dataclass(value):
        _check_texts([getattr(value, field.name) for field in dataclasses.fields(value) if field.name not in _KEYS])


def digest(described: Any) -> str:
    """SHA-256 of the JSON of a graph, or of parts of one, and of every array's type, shape and bytes."""
    arrays: dict[str, np.ndarray] = {}
    text = json.dumps(encode(described, arrays), sort_keys=True, separators=(",", ":"))
    total = hashlib.sha256(text.encode())
    for name, array in arrays.items():
        total.update(f"{name}{array.dtype.str}{array.shape}".encode())
        total.update(np.ascontiguousarray(array).tobytes())
    return total.hexdigest()


def graph_files(described: graph.Graph) -> dict[str, Content]:
    """``graph.json`` and ``graph.npz``, which ``load_graph`` reads."""
    arrays: dict[str, np.ndarray] = {}
    text = json.dumps({"digest": described.digest, "graph": encode(described, arrays)}, indent=1)
    return {"graph.json": text, "graph.npz": arrays}


@checked
def save_graph(described: graph.Graph, folder: str | Path) -> Path:
    """Write a graph into ``folder``, which appears whole or not at all."""
    return write_folder(folder, graph_files(described))


class _Newer(InvalidModel):
    """Not damaged."""


@checked
def load_graph(folder: str | Path) -> graph.Graph:
    """The graph that ``save_graph`` wrote. Raises InvalidModel on a missing, damaged or newer one."""
    folder = Path(folder)
    try:
        stored = read_json(folder / "graph.json")
        schema = stored["graph"]["schema"]
        if schema != graph.SCHEMA:
            raise _Newer(f"{folder}: graph schema {schema}; this ernsnn reads schema {graph.SCHEMA}")
        # Opened here: numpy leaves a damaged file open.
        with (folder / "graph.npz").open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            loaded = decode(stored["graph"], {name: file[name] for name in file.files})
        intact = loaded.digest == stored["digest"]
        if intact:
            check_names(loaded)
    except _Newer:
        raise
    except InvalidModel as error:
        raise InvalidModel(f"{folder}: the saved graph has what no network has: {error}") from None
    except (FileNotFoundError, NotADirectoryError) as error:
        raise InvalidModel(f"{folder}: no saved graph ({error.filename} is missing)") from None
    except Exception as error:
        raise InvalidModel(f"{folder}: the saved graph is damaged ({type(error).__name__}: {error})") from None
    if not intact:
        raise InvalidModel(f"{folder}: the saved graph is damaged (its digest does not match)")
    return loaded  # type: ignore[no-any-return]
