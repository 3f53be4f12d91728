"""Issues: what a backend cannot do, or does differently, listed before a run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

from ernsnn.describe.arguments import checked

Fidelity = Literal["exact", "approximate", "unsupported"]
Codes = Mapping[str, tuple[Fidelity, str]]
"""Code -> (fidelity, meaning) of every issue that a backend can report."""

SMALL, LARGE = 1e-3, 0.1
"""Relative deviations: below the first, many are listed in one line; from the second on, a run warns of one."""


@checked
@dataclass(frozen=True, kw_only=True)
class Issue:
    """One limit that a graph meets on a backend.

    ``code`` is stable; ``path`` names the object in the user's names, and ``names`` are other objects that the texts
    mention; an ``"unsupported"`` one prevents a run, an ``"approximate"`` one changes results, an ``"exact"`` one is
    worth knowing and changes none. ``error`` is the largest relative deviation where that is one number, as of what is
    rounded.
    """

    backend: str
    code: str
    path: str
    fidelity: Fidelity
    message: str
    remedy: str = ""
    error: float | None = None
    names: tuple[str, ...] = field(default=(), compare=False)

    def __str__(self) -> str:
        remedy = f"; {self.remedy}" if self.remedy else ""
        return f"{self.code:6} {self.fidelity:11} {self.path}: {self.message}{remedy}"

    @property
    def small(self) -> bool:
        """Whether it is a rounding by less than ``SMALL``."""
        return self.fidelity == "approximate" and self.error is not None and abs(self.error) < SMALL

    @property
    def doubtful(self) -> bool:
        """Whether a run warns of the issue.

        It does where the results are approximate by an unknown error or by one of at least ``LARGE``, and where the
        network is probably not the one that its author meant (codes G3xx).
        """
        if self.code.startswith("G3"):
            return True
        return self.fidelity == "approximate" and (self.error is None or abs(self.error) >= LARGE * (1 - 1e-9))


@checked
@dataclass(frozen=True)
class Limit:
    """A limit as a capability yields it: an ``Issue`` without the backend's name and the fidelity, which follow.

    ``Backend.check`` adds both; ``code`` is one of the backend's ``codes``, or of those that any backend may have.
    """

    code: str
    path: str
    message: str
    remedy: str = ""
    error: float | None = None
    names: tuple[str, ...] = field(default=(), compare=False)

    def __str__(self) -> str:
        remedy = f"; {self.remedy}" if self.remedy else ""
        return f"{self.code:6} {self.path}: {self.message}{remedy}"

    def issue(self, backend: str, codes: Codes) -> Issue:
        """The issue of a backend that has these codes."""
        fidelity = codes[self.code][0]
        return Issue(backend=backend, fidelity=fidelity, **{f.name: getattr(self, f.name) for f in fields(self)})


class Issues(list[Issue]):
    """The issues of one check; prints as a table, worst first."""

    @checked
    def __init__(self, backend: str, issues: Sequence[Issue] = ()) -> None:
        order = ["unsupported", "approximate", "exact"]
        super().__init__(sorted(issues, key=lambda issue: (order.index(issue.fidelity), issue.code, issue.path)))
        self.backend = backend

    @classmethod
    def from_json(cls, backend: str, issues: Iterable[Mapping[str, Any]]) -> Issues:
        """The inverse of ``to_json``."""
        known = [each.name for each in fields(Issue) if each.name != "names"]
        return cls(backend, [Issue(**{name: each[name] for name in known if name in each}) for each in issues])

    @property
    def errors(self) -> list[Issue]:
        """The issues that prevent a run."""
        return [issue for issue in self if issue.fidelity == "unsupported"]

    @property
    def listed(self) -> list[Issue]:
        """The issues, with all small roundings as one."""
        small = [issue for issue in self if issue.small]
        if len(small) < 2:
            return list(self)
        worst = max(small, key=lambda issue: abs(issue.error or 0.0))
        codes, places = ", ".join(dict.fromkeys(issue.code for issue in small)), len({issue.path for issue in small})
        message = f"{len(small)} roundings of less than {SMALL:.1%} ({codes}, in {places} places); the largest: "
        whole = Issue(**{**asdict(worst), "message": message + worst.message})
        return [whole if issue is worst else issue for issue in self if not issue.small or issue is worst]

    def to_json(self) -> list[dict[str, Any]]:
        """One dictionary an issue, without ``names``."""
        return [{key: value for key, value in asdict(issue).items() if key != "names"} for issue in self]

    def __str__(self) -> str:
        if not self:
            return f"{self.backend}: runs as described, no issues"
        counts = {f: sum(issue.fidelity == f for issue in self) for f in ("unsupported", "approximate", "exact")}
        head = ", ".join(f"{number} {fidelity}" for fidelity, number in counts.items() if number)
        return "\n".join([f"{self.backend}: {head}", *(f"  {issue}" for issue in self.listed)])
