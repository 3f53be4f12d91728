"""Numba's compiler with types, and kernels that are generated as text: both are compiled once and kept on disk.

Numba caches what stands in a file, so the text of a kernel is written to a file that is named by its digest, in
ERNSNN_CACHE or ~/.cache/ernsnn, and imported from there. The same text with other numbers is so never compiled twice.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar, cast

import numba

from ernsnn.errors import InvalidModel
from ernsnn.files import write_file

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """``function``, compiled when it is first called; arithmetic is IEEE, in the order written, as NumPy's is.

    It runs without Python's lock, beside other threads.
    """
    return cast(Function, numba.njit(cache=True, error_model="numpy", nogil=True)(function))


def cache_folder() -> Path:
    """Where generated kernels are kept."""
    base = os.environ.get("ERNSNN_CACHE")
    if base:
        return Path(base) / "native"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ernsnn" / "native"


def load(text: str) -> ModuleType:
    """The module whose text is ``text``, with its functions compiled when they are first called."""
    name = "ernsnn_kernels_" + hashlib.sha256(text.encode()).hexdigest()[:24]
    if name not in sys.modules:
        module = _imported(name, _file(name, text))
        for function in [f for f in vars(module).values() if getattr(f, "__module__", "") == name]:
            setattr(module, function.__name__, compiled(function))
    return sys.modules[name]


def interpreted(text: str) -> ModuleType:
    """The same module as plain Python: for networks so small that compiling would take longer than they do."""
    module = ModuleType("interpreted_kernels")
    exec(compile(text, "<generated kernels>", "exec"), vars(module))
    return module


def _file(name: str, text: str) -> Path:
    path = cache_folder() / f"{name}.py"
    try:
        if path.read_text(encoding="utf-8") == text:
            return path
    except OSError:
        pass
    try:
        return write_file(path, text)
    except InvalidModel:  # a cache that cannot be written costs the next run its speed, not this one its result
        return write_file(Path(tempfile.mkdtemp(prefix="ernsnn-native-")) / path.name, text)


def _imported(name: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # where numba looks for it when it loads what it has kept
    spec.loader.exec_module(module)
    return module
