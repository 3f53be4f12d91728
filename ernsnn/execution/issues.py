"""What a backend cannot do, or does differently: told before the run, all at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from ernsnn.describe.arguments import checked

Fidelity = Literal["exact", "approximate", "unsupported"]

CODES: dict[str, tuple[Fidelity, str]] = {
    "G201": ("unsupported", "neurons with parameters that the backend does not compute, such as reversal potentials"),
    "G202": ("approximate", "random sources draw at most one spike a step, at rates where that changes their counts"),
}
"""What any backend may say; each has a table like this of its own."""


@checked
@dataclass(frozen=True, kw_only=True)
class Issue:
    """One limit that a graph meets on a backend.

    ``code`` is stable; ``path`` names the object in the user's names; an ``"unsupported"`` one prevents a run, an
    ``"approximate"`` one changes results, an ``"exact"`` one is worth knowing and changes none.
    """

    backend: str
    code: str
    path: str
    fidelity: Fidelity
    message: str
    remedy: str = ""

    def __str__(self) -> str:
        remedy = f"; {self.remedy}" if self.remedy else ""
        return f"{self.code:6} {self.fidelity:11} {self.path}: {self.message}{remedy}"


class Issues(list[Issue]):
    """The issues of one check; prints as a table, worst first."""

    def __init__(self, backend: str, found: Sequence[Issue] = ()) -> None:
        order = ["unsupported", "approximate", "exact"]
        super().__init__(sorted(found, key=lambda issue: (order.index(issue.fidelity), issue.code, issue.path)))
        self.backend = backend

    @property
    def errors(self) -> list[Issue]:
        """Those that prevent a run."""
        return [issue for issue in self if issue.fidelity == "unsupported"]

    def to_json(self) -> list[dict[str, Any]]:
        """As plain dictionaries."""
        return [asdict(issue) for issue in self]

    def __str__(self) -> str:
        if not self:
            return f"{self.backend}: runs as described, no issues"
        counts = {f: sum(issue.fidelity == f for issue in self) for f in ("unsupported", "approximate", "exact")}
        head = ", ".join(f"{number} {fidelity}" for fidelity, number in counts.items() if number)
        return "\n".join([f"{self.backend}: {head}", *(f"  {issue}" for issue in self)])
