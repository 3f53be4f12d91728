"""Estimates of the memory and disk space that a network and its recording need, checked before any is allocated."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

import numpy as np

from ernsnn.backend.issues import Limit
from ernsnn.errors import InvalidModel
from ernsnn.graph.graph import Graph, Probe
from ernsnn.graph.memory import available_bytes, too_large
from ernsnn.graph.poisson import table_length
from ernsnn.graph.values import columns_of

BytesOf = Callable[[str], int]
"""The bytes of one recorded number, by the kind of its probe, or of one recorded spike (``"spikes"``)."""


_NEURON_BYTES = 300


def neuron_bytes(graph: Graph) -> int:
    """The least bytes that the neurons of a graph, and its inputs, take on any backend."""
    return _NEURON_BYTES * sum(p.size for p in graph.populations) + input_bytes(graph)


def input_bytes(graph: Graph) -> int:
    """The bytes of Poisson inputs: streams, which table is whose, and the tables."""
    total = 0
    for p in graph.poisson_inputs:
        means, of = columns_of(p.means)
        total += 100 * len(of) + 40 * means.size + 16 * int(table_length(np.unique(means)).sum())
    return total


def too_little_memory(graph: Graph, code: str, needed: int) -> Iterator[Limit]:
    """Yield a limit where a graph needs more bytes than are available."""
    available = available_bytes()
    if needed > available:
        remedy = "fewer neurons or synapses, or a machine with more memory"
        yield Limit(code, graph.name, too_large(needed, available), remedy)


def probed_bytes(graph: Graph, first: int, last: int, bytes_of: BytesOf) -> dict[str, int]:
    """The bytes that each probe records in steps ``first`` to ``last`` (exclusive), by its name in messages."""
    return {
        f"probe of {probe.key}": (last // probe.every - first // probe.every)
        * _width(graph, probe)
        * bytes_of(probe.kind)
        for probe in graph.probes
    }


def recorded_bytes(
    graph: Graph, first: int, last: int, bytes_of: BytesOf, samples: Collection[int] = ()
) -> dict[str, int]:
    """The bytes of everything recorded whose size is known before the run, by its name in messages.

    These are probes, variables of plastic synapses in the steps ``samples``, and spikes of sources: of Poisson sources
    their expected number. Spikes of neurons are not counted.
    """
    needed_bytes = probed_bytes(graph, first, last, bytes_of)
    for p in graph.projections if samples else ():
        if p.learning:
            numbers = len(samples) * p.n_synapses * len(p.variables)
            needed_bytes[f"weights_at_ms of {p.name}"] = numbers * bytes_of("synapses")
    for source in graph.sources():
        needed_bytes[f"spikes of {source.name}"] = int(source.spikes.expected(first, last)) * bytes_of("spikes")
    return needed_bytes


def _width(graph: Graph, probe: Probe) -> int:
    """The number of values that a probe records at a time."""
    if probe.kind == "neurons":
        return probe.stop - probe.start
    if probe.kind == "modulator":
        return next(m.size for m in graph.modulators if m.name == probe.target)
    projection = next(p for p in graph.projections if p.name == probe.target)
    return projection.connectivity.n_pre if probe.kind == "short_term" else projection.n_synapses


def require_room(parts: dict[str, int], remedy: str, room: int | None = None) -> None:
    """Raise InvalidModel, naming the largest of ``parts`` (name -> bytes), where they do not fit into memory.

    ``room``: the available bytes; measured where it is None.
    """
    available = available_bytes() if room is None else room
    if (needed := sum(parts.values())) > available:
        raise InvalidModel(f"{_largest(parts)}{too_large(needed, available)}; {remedy}")


def require_disk(parts: dict[str, int], folder: Path, remedy: str) -> None:
    """Raise InvalidModel where ``parts`` need more than is free on the disk of ``folder``, which need not exist."""
    there = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(there).free
    if (needed := sum(parts.values())) > free:
        raise InvalidModel(f"{_largest(parts)}{too_large(needed, free, f'disk at {there}')}; {remedy}")


def _largest(parts: dict[str, int]) -> str:
    name = max(parts, key=lambda part: parts[part])
    others = len([part for part, needed in parts.items() if needed]) - 1
    return f"{name}: what is recorded, {parts[name]} bytes of it here, " if others else f"{name}: "


class Room:
    """The memory that a run without a fixed end may still take; measured again only when it has been used up."""

    def __init__(self) -> None:
        self.left = 0

    def take(self, parts: dict[str, int], remedy: str) -> None:
        """Count ``parts`` as taken. Raises InvalidModel, as ``require_room``, where they do not fit."""
        needed = sum(parts.values())
        if needed > self.left:
            self.left = available_bytes()
            require_room(parts, remedy, self.left)
        self.left -= needed
