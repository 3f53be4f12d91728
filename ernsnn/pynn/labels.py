"""Names of a network's parts, put back into the labels of the script that they were made from."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import TypeVar

from ernsnn.errors import ErnsnnError, UnsupportedOnBackend
from ernsnn.issues import Issue, Limit

Labels = Mapping[str, str]
"""Name of a part -> its label."""

AnIssue = TypeVar("AnIssue", Issue, Limit)


def in_labels(issue: AnIssue, labels: Labels) -> AnIssue:
    """``issue`` with labels in its path, and in its texts for the ``names`` that it mentions."""
    message, remedy = (mentioning(text, issue.names, labels) for text in (issue.message, issue.remedy))
    return replace(issue, path=path_of(issue.path, labels), message=message, remedy=remedy)


@contextmanager
def labelled(labels: Labels) -> Iterator[None]:
    """Raise errors of ``ernsnn`` with labels in place of names; one that has its labels already as it is."""
    try:
        yield
    except ErnsnnError as error:
        if getattr(error, "labelled", False):
            raise
        renamed = error_in_labels(error, labels)
        vars(renamed)["labelled"] = True
        raise renamed from None


def error_in_labels(error: ErnsnnError, labels: Labels) -> ErnsnnError:
    """An error of the same class with labels where its path, its names, its problems or its issues have names."""
    if error.problems:
        renamed = type(error).listing(error_in_labels(problem, labels) for problem in error.problems)
    elif isinstance(error, UnsupportedOnBackend):
        listed = (_listed(each, error, labels) for each in error.issues)
        renamed = type(error)(mentioning(error.head, error.names, labels), issues=listed)
    else:
        renamed = type(error)("\n".join(_line(text, error, labels) for text in str(error).split("\n")))
    kept = {name: value for name, value in vars(error).items() if name not in vars(renamed)}
    vars(renamed).update(kept)
    return renamed


def _listed(each: object, error: ErnsnnError, labels: Labels) -> object:
    if isinstance(each, Issue):
        return in_labels(each, labels)
    return in_labels(each, labels) if isinstance(each, Limit) else mentioning(str(each), error.names, labels)


def _line(text: str, error: ErnsnnError, labels: Labels) -> str:
    """A line of a message: its path stands before the first colon, also where the error does not say which it is."""
    head, colon, rest = text.partition(": ")
    head = mentioning(head, [error.path or head, *error.names], labels)
    return f"{head}{colon}{mentioning(rest, error.names, labels)}"


def path_of(path: str, labels: Labels) -> str:
    """``path`` with the label of its part in place of the name with which it begins."""
    name = _part(path, labels)
    return path if name is None else f"{labels[name]}{path[len(name) :]}"


def mentioning(text: str, paths: Iterable[str], labels: Labels) -> str:
    """``text`` with the labels of the parts of ``paths`` in place of their names, where these stand as words."""
    parts = {_part(path, labels) for path in paths} - {None}
    names = sorted((name for name in parts if name and name != labels[name]), key=len, reverse=True)
    if not names:
        return text
    return re.sub(rf"(?<![\w.\-])({'|'.join(map(re.escape, names))})(?![\w\-])", lambda m: labels[m[0]], text)


def _part(path: str, labels: Labels) -> str | None:
    """The longest name of a part that ``path`` is, or begins with before a dot or another mark."""
    if path in labels:
        return path
    ends = (end for end in range(len(path) - 1, 0, -1) if not (path[end].isalnum() or path[end] in "_-"))
    return next((path[:end] for end in ends if path[:end] in labels), None)
