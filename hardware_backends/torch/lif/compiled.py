"""The library of these kernels: those of this folder."""

from __future__ import annotations

from pathlib import Path

from ...machine_code import Library

LIBRARY = Library("torch", Path(__file__).parent)
compiled, inlined = LIBRARY.compiled, LIBRARY.inlined
