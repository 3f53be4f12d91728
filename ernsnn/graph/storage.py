"""A graph as JSON and arrays: its digest, saving and loading. No pickle anywhere, and nothing in a file is executed."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ernsnn.arrays import Arrays
from ernsnn.describe.arguments import checked
from ernsnn.describe.flows import Latch, Relax
from ernsnn.describe.learning import Normalise, Term, Trace
from ernsnn.describe.products import Factor, Product
from ernsnn.errors import InvalidModel, quoted
from ernsnn.files import Content, write_folder
from ernsnn.graph import checks, connectivity, graph, spikes, values
from ernsnn.graph.memory import require_memory
from ernsnn.loading import Unfit, check_fields, read_json, reading

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


def decode(value: Any, arrays: Mapping[str, np.ndarray]) -> Any:
    """The inverse of ``encode``. Raises KeyError, TypeError or ValueError on what ``encode`` cannot have written.

    Every field must be what its class's annotation says.
    """
    if isinstance(value, list):
        return tuple(decode(item, arrays) for item in value)
    if not isinstance(value, dict):
        return value
    if value.keys() == {"array"}:
        array = np.asarray(arrays[value["array"]]).view()
        array.setflags(write=False)
        return array
    if value.keys() == {"dict"}:
        decoded = {key: decode(item, arrays) for key, item in value["dict"]}
        if len(decoded) < len(value["dict"]):
            raise Unfit("a name is given twice")
        return decoded
    cls = _CLASSES[value["is"]]
    fields = {f.name for f in dataclasses.fields(cls)}
    if fields != value.keys() - {"is"}:
        raise Unfit(f"{value['is']} has other fields than this version knows")
    try:
        made = cls(**{name: decode(value[name], arrays) for name in fields})
    except InvalidModel as error:
        raise Unfit(f"it has what no network has: {error}") from None
    try:
        check_fields(made, value["is"])
    except Unfit as error:
        raise Unfit(f"it has what no network has: {error}") from None
    return made


def _referred(value: Any) -> Iterator[str]:
    """The names of the arrays that stand in what ``encode`` wrote."""
    if isinstance(value, list):
        for item in value:
            yield from _referred(item)
    elif isinstance(value, dict):
        if value.keys() == {"array"} and isinstance(value["array"], str):
            yield value["array"]
        for item in value.values():
            yield from _referred(item)


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


@checked
def load_graph(folder: str | Path) -> graph.Graph:
    """The graph that ``save_graph`` wrote. Raises InvalidModel on a missing, damaged or newer one."""
    folder = Path(folder)
    try:
        with reading(f"{folder}: the saved graph"):
            return _loaded(folder)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise InvalidModel(f"{folder}: no saved graph ({error.filename} is missing)") from None


def _loaded(folder: Path) -> graph.Graph:
    stored = read_json(folder / "graph.json")
    if not isinstance(stored, dict) or not isinstance(stored.get("graph"), dict):
        raise Unfit("graph.json must hold a graph")
    schema = stored["graph"].get("schema")
    if schema != graph.SCHEMA:
        raise InvalidModel(f"{folder}: graph schema {quoted(schema)}; this ernsnn reads schema {graph.SCHEMA}")
    arrays, named = Arrays(folder / "graph.npz", what="the array file"), set(_referred(stored["graph"]))
    if arrays.keys() != named:
        raise Unfit("graph.npz holds other arrays than graph.json names")
    require_memory(str(folder), sum(h.n_bytes for h in arrays.headers.values()), "take a smaller network")
    # Stand-ins have the types and shapes of the arrays, and take no memory.
    standing = {n: np.broadcast_to(np.zeros((), h.dtype), h.shape) for n, h in arrays.headers.items()}
    described = _checked(decode(stored["graph"], standing), checks.shapes)
    require_memory(str(folder), _NEURON_BYTES * sum(p.size for p in described.neurons()), "take fewer neurons")
    loaded = _checked(decode(stored["graph"], arrays.all()), checks.numbers)
    if loaded.digest != stored.get("digest"):
        raise Unfit("its digest does not match")
    return loaded


_NEURON_BYTES = 64
"""No backend computes a neuron with less."""


def _checked(loaded: Any, check: Callable[[graph.Graph], Iterator[str]]) -> graph.Graph:
    if not isinstance(loaded, graph.Graph):
        raise Unfit("it is no graph")
    problem = next(check(loaded), None)
    if problem:
        raise Unfit(f"it has what no network has: {problem}")
    return loaded
