"""The plan of a run: all that it needs beside its graph, as a file of the folder in which it works."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from ernsnn.backend.meta import ernsnn_version
from ernsnn.errors import InvalidModel, quoted
from ernsnn.loading import Unfit, built, fit, reading, sealed, shortened, unsealed
from ernsnn.recording.recording import NAME, RUN_FILE, Said

SCHEMA = 1
MOST_STEPS = 2**53
"""The largest number of steps: up to there steps are exact as float64."""


def _identity() -> str:
    return uuid.uuid4().hex


@dataclass(frozen=True)
class Plan:
    """The arguments of a run, with times in steps; ``about`` goes into the meta data.

    ``run`` is the unique name of this run, ``replaces`` that of the run whose folder it takes.
    """

    backend: str
    options: dict[str, Any]
    n_steps: int
    checkpoint_every: int | None
    samples: tuple[int, ...]
    about: dict[str, Any]
    ernsnn: str
    digest: str
    first_step: int = 0
    run: str = field(default_factory=_identity)
    replaces: str | None = None

    @property
    def end(self) -> int:
        """The step after the last."""
        return self.first_step + self.n_steps

    @property
    def key(self) -> dict[str, Any]:
        """The key that a checkpoint must have to be one of this run."""
        return {
            "digest": self.digest,
            "backend": self.backend,
            "options": self.options,
            "ernsnn": self.ernsnn,
            "run": self.run,
        }

    def to_text(self) -> str:
        """The text that ``load`` reads."""
        return sealed({"schema": SCHEMA, **asdict(self)})

    @classmethod
    def load(cls, folder: Path) -> Plan:
        """The plan in ``folder``. Raises InvalidModel on a missing or damaged one, or one of another version."""
        try:
            with reading(f"{folder}: {RUN_FILE}"):
                stored = unsealed(folder / RUN_FILE, "run", SCHEMA)
                del stored["schema"]
                plan = built(cls, stored, RUN_FILE)
                fit(plan.about, Said, "about")
                problem = next(plan._problems(), None)
                if problem:
                    raise Unfit(problem)
        except (FileNotFoundError, NotADirectoryError):
            raise InvalidModel(f"{folder}: no run to resume ({RUN_FILE} is missing)") from None
        if plan.ernsnn != ernsnn_version():
            raise InvalidModel(
                f"{folder}: was begun by ernsnn {shortened(plan.ernsnn, 30)}; ernsnn {ernsnn_version()} may differ "
                f"from it in the last digit: resume it with that version, or run it anew"
            )
        return plan

    def _problems(self) -> Iterator[str]:
        if not NAME.fullmatch(self.backend):
            yield f"the backend is {quoted(self.backend)}"
        for name, least in (("n_steps", 1), ("first_step", 0), ("checkpoint_every", 1)):
            value = getattr(self, name)
            if value is not None and not least <= value <= MOST_STEPS:
                yield f"{name} is {value}"
        if any(following <= one for one, following in pairwise((self.first_step - 1, *self.samples, self.end))):
            yield "samples are not steps of the run that rise"
