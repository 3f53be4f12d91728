"""The state of a run as named arrays, and back: what a checkpoint holds.

An object names in ``changes`` those of its attributes that a run changes: arrays, numbers, other such objects, or
lists, tuples and dictionaries of these. Everything else it is given anew when it is made again for the same graph.
In ``settled`` it names those of them that another run need not be told once ``Engine.learned`` has been asked for:
what the recording holds, what is empty then, and parameters, which that run has from its own graph.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

import numpy as np


def state_of(thing: object, whole: bool = True) -> dict[str, np.ndarray]:
    """Every array and number that changes in ``thing``, by its path; not ``whole``, without what is ``settled``.

    Arrays are not copied.
    """
    return dict(_leaves(thing, "", whole))


def restore(thing: object, paths: Collection[str], read: Callable[[str], np.ndarray], whole: bool = True) -> None:
    """Bring back what ``state_of`` gave, into a ``thing`` that has just been made for the same graph.

    ``paths`` are those of all arrays, which are ``read`` one by one, and from then on belong to ``thing``.

    Arrays that an object or a tuple holds are filled in place, for others may look into them; those in lists and
    dictionaries are replaced, for their lengths vary. Raises ValueError where the structure is another.
    """
    if state_of(thing, whole).keys() != set(paths):
        raise ValueError("it holds other variables")
    _fill(thing, "", read, whole)


def _parts(thing: Any, whole: bool) -> Iterator[tuple[Any, Any]]:
    if isinstance(thing, Mapping):
        yield from thing.items()
    elif isinstance(thing, list | tuple):
        yield from enumerate(thing)
    else:
        left_out = () if whole else getattr(thing, "settled", ())
        yield from ((name, getattr(thing, name)) for name in thing.changes if name not in left_out)


def _leaves(thing: Any, path: str, whole: bool) -> Iterator[tuple[str, np.ndarray]]:
    for key, part in _parts(thing, whole):
        if isinstance(part, np.ndarray | int | float):
            yield f"{path}{key}", np.asarray(part)
        elif part is not None:
            yield from _leaves(part, f"{path}{key}/", whole)


def _fill(thing: Any, path: str, read: Callable[[str], np.ndarray], whole: bool) -> None:
    for key, part in list(_parts(thing, whole)):
        if isinstance(part, np.ndarray):
            array = read(f"{path}{key}")
            if isinstance(thing, list | dict):
                thing[key] = array
            elif part.shape == array.shape and part.dtype == array.dtype:
                part[...] = array
            else:
                raise ValueError(f"{path}{key} has {array.shape} numbers of type {array.dtype}, not {part.shape}")
        elif isinstance(part, int | float):
            setattr(thing, key, type(part)(read(f"{path}{key}")))
        elif part is not None:
            _fill(part, f"{path}{key}/", read, whole)
