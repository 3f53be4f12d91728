"""The most memory that a call takes, as NumPy and Python allocate it."""

from __future__ import annotations

import tracemalloc


def peak_bytes(call):
    """(what ``call`` returns, the bytes at its peak beyond those before)."""
    tracemalloc.start()
    try:
        return call(), tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
