"""Numba's compiler with types; compiled code is cached on disk, next to the source or in the user's cache."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """``function``, compiled when it is first called.

    Numba's cache is valid until the function's own file changes, so compiled functions that call each other are in one
    file.
    """
    return cast(Function, numba.njit(cache=True)(function))


def inlined(function: Function) -> Function:
    """``function``, compiled and inlined into the compiled functions that call it."""
    return cast(Function, numba.njit(cache=True, forceinline=True)(function))
