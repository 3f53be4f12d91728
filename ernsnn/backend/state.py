"""The state of a run as named arrays, as a checkpoint holds it, and its restoration.

An object names in ``changes`` those of its attributes that a run changes: arrays, numbers, other such objects, or
lists, tuples and dictionaries of these. Everything else it is given anew when it is made again for the same graph.
In ``not_carried`` it names those of them that a run does not take over from another after ``Engine.final_values``: what
the recording holds, what is empty then, and parameters, which the later run has from its own graph. A reset leaves
these as they are, too, and those in ``not_reset``: streams of random numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

import numpy as np

from ernsnn.arrays import Arrays, Form, Header
from ernsnn.loading import Unfit

Part = Literal["all", "carried", "reset"]
_LEFT_OUT: dict[Part, tuple[str, ...]] = {"all": (), "carried": ("not_carried",), "reset": ("not_carried", "not_reset")}


def state_of(thing: object, part: Part = "all") -> dict[str, np.ndarray]:
    """Path -> array or number of everything that changes in ``thing``.

    If asked for, of what is ``carried`` over to another run, or goes back to its initial value at a ``reset``, alone.

    Arrays are not copied.
    """
    return {path: np.asarray(leaf) for path, _, _, leaf in _leaves(thing, "", part)}


def restore(thing: object, stored: Mapping[str, np.ndarray], part: Part = "all") -> None:
    """Restore the state that ``state_of`` gave, in a ``thing`` that has just been made for the same graph.

    Types and shapes of all of ``stored`` are checked before any array is read. Arrays become part of ``thing``.

    Arrays of an object or a tuple are filled in place, because others may be views of them; those in lists and
    dictionaries are replaced, because their lengths vary. Raises ValueError where the structure is another.
    """
    leaves = list(_leaves(thing, "", part))
    if {path for path, *_ in leaves} != set(stored):
        raise Unfit("it holds other variables")
    for path, holder, _, leaf in leaves:
        header = stored.headers[path] if isinstance(stored, Arrays) else Header.of(stored[path])
        _form(np.asarray(leaf), varies=isinstance(holder, list | dict)).check(header, path)
    for path, holder, key, leaf in leaves:
        array = stored[path]
        if not isinstance(leaf, np.ndarray):
            setattr(holder, key, type(leaf)(array))
        elif isinstance(holder, list | dict):
            holder[key] = array if isinstance(stored, Arrays) else np.array(array)
        else:
            leaf[...] = array


def initial(thing: object) -> dict[str, np.ndarray]:
    """A copy of what a reset restores of a ``thing`` that has just been made; arrays of 0 take no memory."""
    now = state_of(thing, "reset")
    return {
        path: np.array(leaf) if leaf.any() else np.broadcast_to(np.zeros((), leaf.dtype), leaf.shape)
        for path, leaf in now.items()
    }


def hand_over(one: object, other: object) -> None:
    """Give ``other``, a later run's part of the same form, the state of ``one`` that a run takes over from another."""
    restore(other, state_of(one, "carried"), "carried")


def hand_ring(one: np.ndarray, other: np.ndarray, t: int) -> None:
    """Copy a ring over steps ([step % length, ...]) before step ``t`` into one that is as long or longer."""
    steps = t + np.arange(len(one))
    other[steps % len(other)] = one[steps % len(one)]


def _form(now: np.ndarray, varies: bool) -> Form:
    """The form of ``now``; of any number of bits and rows where that ``varies``."""
    if varies:
        return Form(now.dtype.kind, (None, *now.shape[1:]))
    return Form(now.dtype.kind, now.shape, exactly=now.dtype.str)


def _parts(thing: Any, part: Part) -> Iterator[tuple[Any, Any]]:
    if isinstance(thing, Mapping):
        yield from thing.items()
    elif isinstance(thing, list | tuple):
        yield from enumerate(thing)
    else:
        left_out = {name for names in _LEFT_OUT[part] for name in getattr(thing, names, ())}
        yield from ((name, getattr(thing, name)) for name in thing.changes if name not in left_out)


def _leaves(thing: Any, path: str, part: Part) -> Iterator[tuple[str, Any, Any, np.ndarray | float]]:
    """Yield (path, owner, key, array or number) of the state."""
    for key, inner in _parts(thing, part):
        if isinstance(inner, np.ndarray | int | float):
            yield f"{path}{key}", thing, key, inner
        elif inner is not None:
            yield from _leaves(inner, f"{path}{key}/", part)


def outside(numbers: np.ndarray, size: int, least: int = 0) -> bool:
    """Whether any of some whole numbers is not in [least, size)."""
    return bool(len(numbers)) and not (least <= int(numbers.min()) and int(numbers.max()) < size)
