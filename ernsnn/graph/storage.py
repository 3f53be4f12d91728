"""Saving and loading of graphs as JSON and arrays, without pickle; nothing in a file is executed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ernsnn.arrays import Arrays
from ernsnn.describe import expressions, kinds, short_term
from ernsnn.describe.arguments import checked
from ernsnn.describe.flows import Latch, Relax
from ernsnn.describe.learning import Normalise, Term, Trace
from ernsnn.describe.modulators import kind
from ernsnn.describe.products import Factor, Product
from ernsnn.errors import InvalidModel, quoted
from ernsnn.files import Content, write_folder
from ernsnn.graph import checks, connectivity, graph, modulator, modulators, spikes, values
from ernsnn.graph.encoding import decode, digest_of, encode
from ernsnn.graph.memory import require_memory
from ernsnn.graph.schemas import OLDEST, from_schema_1
from ernsnn.loading import Unfit, read_json, reading

CLASSES: dict[str, type] = {
    cls.__name__: cls
    for cls in (
        *(Factor, Latch, Normalise, Product, Relax, Term, Trace),
        *(kinds.Kind, kinds.Parameter, kinds.State, kinds.Receptor, kinds.Requirement, kinds.Table, kinds.Propagator),
        *(short_term.ShortTermKind, graph.ShortTerm),
        *(expressions.Statement, expressions.Num, expressions.Name, expressions.Op),
        *(connectivity.Dense, connectivity.OneToOne, connectivity.CSR),
        *(values.Scalar, values.Array, values.Draw, values.Shared),
        *(spikes.GivenSpikes, spikes.PoissonSpikes),
        *(graph.Traced, graph.Variable, graph.Bound, graph.Learning),
        *(graph.Intrinsic, graph.Neurons, graph.Source, graph.Projection, modulator.Member),
        *(modulators.Condition, kind.Read, kind.ModulatorKind, *modulators.FORMS.values()),
        *(graph.Injected, graph.PoissonInput, graph.Modulation, graph.Probe, graph.Graph),
    )
}

"""The classes that a saved graph may hold by name."""


def _named(key: str, value: Any) -> Iterator[str]:
    """The texts that stand under ``key`` in what ``encode`` wrote: "array" of arrays, "is" of classes."""
    if isinstance(value, list):
        for item in value:
            yield from _named(key, item)
    elif isinstance(value, dict):
        if isinstance(value.get(key), str):
            yield value[key]
        for item in value.values():
            yield from _named(key, item)


def graph_files(described: graph.Graph) -> dict[str, Content]:
    """``graph.json`` and ``graph.npz``, which ``load_graph`` reads."""
    arrays: dict[str, np.ndarray] = {}
    encoded = encode(described, arrays)
    strange = set(_named("is", encoded)) - CLASSES.keys()
    assert not strange, f"load_graph knows no {', '.join(sorted(strange))}"
    text = json.dumps({"digest": described.digest, "graph": encoded}, indent=1)
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
    if isinstance(schema, bool) or not isinstance(schema, int) or not OLDEST <= schema <= graph.SCHEMA:
        known = f"schemas {OLDEST} to {graph.SCHEMA}"
        raise InvalidModel(f"{folder}: graph schema {quoted(schema)}; this ernsnn reads {known}")
    arrays, named = Arrays(folder / "graph.npz", what="the array file"), set(_named("array", stored["graph"]))
    if arrays.keys() != named:
        raise Unfit("graph.npz holds other arrays than graph.json names")
    require_memory(str(folder), sum(h.n_bytes for h in arrays.headers.values()), "take a smaller network")
    # Stand-ins have the types and shapes of the arrays, and take no memory.
    standing = {n: np.broadcast_to(np.zeros((), h.dtype), h.shape) for n, h in arrays.headers.items()}
    as_now = from_schema_1(stored["graph"]) if schema == 1 else stored["graph"]
    described = _checked(decode(as_now, standing, CLASSES), checks.shapes)
    require_memory(str(folder), _NEURON_BYTES * sum(p.size for p in described.neurons()), "take fewer neurons")
    loaded_arrays = arrays.all()
    loaded = _checked(decode(as_now, loaded_arrays, CLASSES), checks.numbers)
    if (loaded.digest if schema == graph.SCHEMA else digest_of(stored["graph"], loaded_arrays)) != stored.get("digest"):
        raise Unfit("its digest does not match")
    return loaded


_NEURON_BYTES = 64
"""The least bytes that a neuron takes on any backend."""


def _checked(loaded: Any, check: Callable[[graph.Graph], Iterator[str]]) -> graph.Graph:
    if not isinstance(loaded, graph.Graph):
        raise Unfit("it is no graph")
    problem = next(check(loaded), None)
    if problem:
        raise Unfit(f"it has what no network has: {problem}")
    return loaded
