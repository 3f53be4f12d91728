"""The state of a run as named arrays, as a checkpoint holds it, and its restoration.

An object names in ``changes`` those of its attributes that a run changes: arrays, numbers, other such objects, or
lists, tuples and dictionaries of these. Everything else it is given anew when it is made again for the same graph.
In ``not_carried`` it names those of them that a run does not take over from another after ``Engine.final_values``: what
the recording holds, what is empty then, and parameters, which the later run has from its own graph.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ernsnn.arrays import Arrays, Form, Header
from ernsnn.loading import Unfit


def state_of(thing: object, whole: bool = True) -> dict[str, np.ndarray]:
    """Path -> array or number of everything that changes in ``thing``.

    Unless ``whole``, attributes that are ``not_carried`` are left out.

    Arrays are not copied.
    """
    return {path: np.asarray(part) for path, _, _, part in _leaves(thing, "", whole)}


def restore(thing: object, stored: Mapping[str, np.ndarray], whole: bool = True) -> None:
    """Restore the state that ``state_of`` gave, in a ``thing`` that has just been made for the same graph.

    Types and shapes of all of ``stored`` are checked before any array is read. Arrays become part of ``thing``.

    Arrays of an object or a tuple are filled in place, because others may be views of them; those in lists and
    dictionaries are replaced, because their lengths vary. Raises ValueError where the structure is another.
    """
    leaves = list(_leaves(thing, "", whole))
    if {path for path, *_ in leaves} != set(stored):
        raise Unfit("it holds other variables")
    for path, holder, _, part in leaves:
        header = stored.headers[path] if isinstance(stored, Arrays) else Header.of(stored[path])
        _form(np.asarray(part), varies=isinstance(holder, list | dict)).check(header, path)
    for path, holder, key, part in leaves:
        array = stored[path] if isinstance(stored, Arrays) else np.array(stored[path])
        if not isinstance(part, np.ndarray):
            setattr(holder, key, type(part)(array))
        elif isinstance(holder, list | dict):
            holder[key] = array
        else:
            part[...] = array


def hand_over(one: object, other: object) -> None:
    """Give ``other``, a later run's part of the same form, the state of ``one`` that a run takes over from another."""
    restore(other, state_of(one, whole=False), whole=False)


def hand_ring(one: np.ndarray, other: np.ndarray, t: int) -> None:
    """Copy a ring over steps ([step % length, ...]) before step ``t`` into one that is as long or longer."""
    steps = t + np.arange(len(one))
    other[steps % len(other)] = one[steps % len(one)]


def _form(now: np.ndarray, varies: bool) -> Form:
    """The form of ``now``; of any number of bits and rows where that ``varies``."""
    if varies:
        return Form(now.dtype.kind, (None, *now.shape[1:]))
    return Form(now.dtype.kind, now.shape, exactly=now.dtype.str)


def _parts(thing: Any, whole: bool) -> Iterator[tuple[Any, Any]]:
    if isinstance(thing, Mapping):
        yield from thing.items()
    elif isinstance(thing, list | tuple):
        yield from enumerate(thing)
    else:
        left_out = () if whole else getattr(thing, "not_carried", ())
        yield from ((name, getattr(thing, name)) for name in thing.changes if name not in left_out)


def _leaves(thing: Any, path: str, whole: bool) -> Iterator[tuple[str, Any, Any, np.ndarray | float]]:
    """Yield (path, owner, key, array or number) of the state."""
    for key, part in _parts(thing, whole):
        if isinstance(part, np.ndarray | int | float):
            yield f"{path}{key}", thing, key, part
        elif part is not None:
            yield from _leaves(part, f"{path}{key}/", whole)


def outside(numbers: np.ndarray, size: int, least: int = 0) -> bool:
    """Whether any of some whole numbers is not in [least, size)."""
    return bool(len(numbers)) and not (least <= int(numbers.min()) and int(numbers.max()) < size)
