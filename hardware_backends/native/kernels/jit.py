"""Native's library of kernels: those of this backend's modules, with the arithmetic of graphs."""

from __future__ import annotations

from pathlib import Path

from ernsnn.graph import arithmetic

from ...machine_code import Library

LIBRARY = Library("native", Path(__file__).parents[1], (Path(arithmetic.__file__),))
compiled, load = LIBRARY.compiled, LIBRARY.load
