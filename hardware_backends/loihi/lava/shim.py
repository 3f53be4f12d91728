"""Makes lava-nc 0.10.0 importable on Python 3.11 and later, and names its shared memory.

Compiled programs carry a copy. Lava says that it needs Python 3.10. All that stands against later ones are dataclasses
without a hash that are defaults of fields in one module; Python 3.11 refuses those (bpo-44674). Imported once with
hashes, the module works.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib
import importlib.metadata
import itertools
import sys
from multiprocessing import shared_memory
from typing import Any

LAVA = "0.10.0"
"""The version that this was written for and tested with."""

BLOCKED = "lava.magma.compiler.var_model"
"""The module with the defaults."""


def make_lava_importable() -> None:
    """Call this before the first import of a process. Raises ImportError, saying what to do, where Lava is missing."""
    try:
        installed = importlib.metadata.version("lava-nc")
    except importlib.metadata.PackageNotFoundError:
        raise ImportError("Lava is not installed; in ernsnn's folder, `make venv-dev` installs it") from None
    if installed != LAVA:
        raise ImportError(f"lava-nc {installed} is installed; this was written for {LAVA}")
    if BLOCKED in sys.modules:
        return
    original = dataclasses.dataclass
    dataclasses.dataclass = functools.partial(original, unsafe_hash=True)
    try:
        importlib.import_module(BLOCKED)
    finally:
        dataclasses.dataclass = original


def name_shared_memory(prefix: str) -> None:
    """Give all shared memory that is made from now on names that start with ``prefix``, so that it can be removed."""
    original, number = shared_memory.SharedMemory, itertools.count()

    class Named(original):  # type: ignore[misc, valid-type]
        def __init__(self, name: str | None = None, create: bool = False, size: int = 0, **more: Any) -> None:
            super().__init__(f"{prefix}{next(number)}" if create and name is None else name, create, size, **more)

    shared_memory.SharedMemory = Named  # type: ignore[misc]
