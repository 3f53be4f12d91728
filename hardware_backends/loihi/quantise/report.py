"""The report of a quantisation: every number as asked for and as stored, and every limit."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from ernsnn.backend.issues import Limit

from ..arithmetic.numbers import relative
from ..codes import CODES

EXACT = 1e-9
"""A relative error below this is rounding noise of floats."""


@dataclass(frozen=True)
class Rounded:
    """A rounded number: ``what`` of ``path`` was ``asked`` for, and is ``stored`` as ``integers``; its ``effect``."""

    code: str
    path: str
    what: str
    asked: float
    stored: float
    integers: str
    effect: str = ""

    @property
    def error(self) -> float:
        """(stored - asked)/asked."""
        return relative(self.asked, self.stored)

    def __str__(self) -> str:
        effect = f": {self.effect}" if self.effect else ""
        return f"{self.what} {self.asked:.6g} -> {self.integers} = {self.stored:.6g} ({percent(self.error)}){effect}"


def percent(error: float) -> str:
    """A relative error as text."""
    if abs(error) < EXACT:
        return "exact"
    return f"{error:+.2%}" if abs(error) >= 5e-5 else f"{error:+.1e}"


@dataclass
class Report:
    """A report, filled while a graph is quantised; prints as a table of all its numbers."""

    rounded: list[Rounded] = field(default_factory=list)
    limits: list[Limit] = field(default_factory=list)

    def add(
        self,
        code: str,
        path: str,
        message: str,
        remedy: str = "",
        error: float | None = None,
        names: tuple[str, ...] = (),
    ) -> None:
        """Add a limit; see ``Limit``."""
        self.limits.append(Limit(code, path, message, remedy, error, names))

    def note(
        self, code: str, path: str, what: str, asked: float, stored: float, integers: str, effect: str = ""
    ) -> None:
        """Add a rounded number, and a limit (L112) where it became 0."""
        self.rounded.append(Rounded(code, path, what, asked, stored, integers, effect))
        if asked and not stored:
            lost = f"{what} {asked:.6g} rounds to 0: {effect or 'it has no effect at all'}"
            self.add("L112", path, lost, "make it larger, or run it on reference or brian2")

    @property
    def errors(self) -> list[Limit]:
        """The limits that prevent a run."""
        return [limit for limit in self.limits if CODES[limit.code][0] == "unsupported"]

    def grouped(self) -> Iterator[Limit]:
        """Yield all limits: equal ones of several objects as one, and all roundings of a code as the worst of them."""
        equal: dict[tuple[str, str, str], list[Limit]] = {}
        for limit in self.limits:
            equal.setdefault((limit.code, limit.message, limit.remedy), []).append(limit)
        for first, *others in equal.values():
            more = f" (and {len(others)} more like it)" if others else ""
            yield replace(first, message=first.message + more)
        for code in sorted({r.code for r in self.rounded}):
            same = [r for r in self.rounded if r.code == code]
            inexact = [r for r in same if abs(r.error) >= EXACT]
            if not inexact:
                continue
            worst = max(inexact, key=lambda r: abs(r.error) if math.isfinite(r.error) else 0.0)
            exact = f"; {len(same) - len(inexact)} more are exact" if len(same) > len(inexact) else ""
            rest = f" (the worst of {len(inexact)}{exact})" if len(same) > 1 else ""
            size = worst.error if math.isfinite(worst.error) else None
            yield Limit(code, worst.path, f"{worst}{rest}", error=size)

    def __str__(self) -> str:
        lines = [f"{r.code}  {r.path}: {r}" for r in self.rounded]
        return "\n".join([*lines, *map(str, self.limits)])
