"""Threads that share the work of a kernel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any


class ThreadPool:
    """``size`` threads, this one among them. Kernels run without Python's lock, and so beside each other."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.others = ThreadPoolExecutor(size - 1, "ernsnn-native") if size > 1 else None

    def share(self, functions: Sequence[Callable[..., Any]], parts: Sequence[tuple[Any, ...]]) -> None:
        """Call each of ``functions`` with its arguments in ``parts``, in no order; returns when all are done."""
        assert self.others is not None
        pending = [self.others.submit(f, *part) for f, part in zip(functions[1:], parts[1:], strict=True)]
        functions[0](*parts[0])
        for each in pending:
            each.result()
