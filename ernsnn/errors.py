"""Errors of ernsnn: each names the object in the user's words and says what to do."""

from __future__ import annotations

import difflib
import re
import reprlib
import sys
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Self

_LONGEST_LINE = 600
_PATH = re.compile(r"([^\s:]+): ")
"""The path at the beginning of a message: one word and a colon."""


class ErnsnnError(Exception):
    """Base of every error that ernsnn raises on purpose. Of a line that quotes very much, the middle is left out.

    ``path`` is the object that the message is about, as ``cells`` or ``cells.tau_m_ms``: by default the word before its
    first colon. ``names`` are other objects that it mentions. A caller with other names for objects, as PyNN's labels,
    can put those in their places. ``problems`` are the errors that this one lists.
    """

    exit_code = 1

    def __init__(
        self, message: object = "", *, path: str = "", names: Iterable[str] = (), problems: Iterable[ErnsnnError] = ()
    ) -> None:
        lines = str(message).split("\n")
        super().__init__("\n".join(line if len(line) <= _LONGEST_LINE else _without_middle(line) for line in lines))
        beginning = _PATH.match(lines[0])
        self.path = path or (beginning[1] if beginning else "")
        self.names, self.problems = tuple(names), tuple(problems)

    @classmethod
    def listing(cls, problems: Iterable[ErnsnnError]) -> Self:
        """One error of this class that lists others, each on its own line."""
        listed = tuple(problems)
        return cls("\n".join(map(str, listed)), problems=listed)


@contextmanager
def about(path: str, *names: str) -> Iterator[None]:
    """Give errors that are raised within this ``path``, unless they have one, and add ``names`` to theirs."""
    try:
        yield
    except ErnsnnError as error:
        error.path = error.path or path
        error.names = (*error.names, *names)
        raise


def _without_middle(line: str) -> str:
    end = _LONGEST_LINE // 2 - 3
    return f"{line[:end]} ... {line[-end:]}"


class InvalidModel(ErnsnnError, ValueError):
    """A network, input or file that cannot mean anything: fix what the message names."""

    exit_code = 2


class NotFinite(InvalidModel):
    """A number of a run's state became NaN or infinite, in one of ``steps`` (first, last + 1).

    The message names its owner.
    """

    steps: tuple[int, int] = (0, 0)


class UnsupportedOnBackend(ErnsnnError):
    """The model is valid, but this backend cannot run it; the message lists every reason, which ``issues`` are."""

    exit_code = 3

    def __init__(self, message: object = "", *, issues: Iterable[object] = (), names: Iterable[str] = ()) -> None:
        self.head, self.issues = str(message), tuple(issues)
        super().__init__("\n".join([self.head, *(f"  {issue}" for issue in self.issues)]), names=names)


class BackendNotAvailable(ErnsnnError):
    """There is no such backend, or a library that it needs is not installed."""

    exit_code = 5


class NotInstalled(ErnsnnError):
    """An optional library is missing; the message says what to install."""

    exit_code = 5


class ModelWarning(UserWarning):
    """A network that runs, but not quite as it was described: the message says by how much, and what to do."""


class Interrupted(KeyboardInterrupt):
    """Ctrl-C ended a run that is recorded in a folder; the message says how to resume it."""


class ProgramFailed(ErnsnnError):
    """A compiled program stopped with an error of its own; the message carries its last words."""


_LONGEST_QUOTE = 80
_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = _LONGEST_QUOTE


def quoted(value: object) -> str:
    """The ``repr`` of a value for a message: on one line, and shortened to the length of a line."""
    try:
        text = " ".join(_SHORT.repr(value).split())
    except Exception:  # of an object of the user's
        text = f"an object of type {type(value).__name__}"
    return text if len(text) <= _LONGEST_QUOTE else f"{text[: _LONGEST_QUOTE - 3]}..."


_OURS = ("ernsnn", "pyNN")


def warn(message: str) -> None:
    """Give a ModelWarning that points to the line that called this package, also where PyNN stands between."""
    frame, depth = sys._getframe(1), 2
    while frame.f_back and frame.f_globals.get("__name__", "").partition(".")[0] in _OURS:
        frame, depth = frame.f_back, depth + 1
    warnings.warn(message, ModelWarning, stacklevel=depth)


_MOST_LISTED = 30


def unknown(what: str, name: str, known: Iterable[str]) -> str:
    """A message about an unknown name, with the nearest known one, or else with the first of the known ones."""
    known = sorted(known)
    near = difflib.get_close_matches(name, known, n=1) if len(name) <= _LONGEST_QUOTE else []
    if near:
        return f"{what} {quoted(name)}; did you mean {near[0]!r}?"
    more = f" and {len(known) - _MOST_LISTED} more" if len(known) > _MOST_LISTED else ""
    return f"{what} {quoted(name)} (there is: {', '.join(known[:_MOST_LISTED]) or 'none'}{more})"
