"""Work on many rows in chunks, shared by threads; no result depends on how many there are."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

import numpy as np

if TYPE_CHECKING:
    from concurrent.futures import Future

CHUNK = 1 << 18
"""Synapses of a chunk: few megabytes of numbers, and work for milliseconds."""

Part = TypeVar("Part")
Result = TypeVar("Result")


def chunks(starts: np.ndarray, most: int = 0) -> list[tuple[int, int]]:
    """All rows, from first to last (exclusive): with ``most`` synapses at most (0: ``CHUNK``), or one row.

    ``starts`` are the places of the rows' first synapses, and the end of the last. Empty rows count as one synapse.
    """
    ends, found, first = starts.astype(np.int64) + np.arange(len(starts)), [], 0
    while first < len(starts) - 1:
        last = max(first + 1, int(np.searchsorted(ends, ends[first] + (most or CHUNK), side="right")) - 1)
        found.append((first, last))
        first = last
    return found


def processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_threads(work: Callable[[Part], Result], parts: Iterable[Part], threads: int = 0) -> Iterator[Result]:
    """What ``work`` returns for each of ``parts``, in their order; few results wait at a time.

    By as many threads as there are processors, or by ``threads``. NumPy's generators and sorts, and kernels, run
    without Python's lock.
    """
    threads, remaining = threads or processors(), iter(parts)
    first = list(islice(remaining, 2 * threads))
    if threads == 1 or len(first) < 2:
        yield from map(work, (part for some in (first, remaining) for part in some))
        return
    from concurrent.futures import ThreadPoolExecutor  # imports logging: milliseconds

    with ThreadPoolExecutor(threads, "ernsnn-chunks") as pool:
        pending: deque[Future[Result]] = deque(pool.submit(work, part) for part in first)
        try:
            while pending:
                yield pending.popleft().result()
                pending.extend(pool.submit(work, part) for part in islice(remaining, 1))
        finally:
            for each in pending:
                each.cancel()
