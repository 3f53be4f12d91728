"""Checkpoints: the state of a run between two steps, in one file without pickle that is replaced as a whole."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypedDict

import numpy as np

from ernsnn.arrays import Arrays, Form, Header, checksum
from ernsnn.backend.state import restore, state_of
from ernsnn.backend.stepping import Engine
from ernsnn.errors import InvalidModel, quoted
from ernsnn.files import Content
from ernsnn.loading import Unfit, fit, reading

SCHEMA = 3
CHECKPOINT_FILE = "checkpoint.npz"
_ABOUT = "about"


class _Spooled(TypedDict):
    dtype: str
    shape: list[int]
    rows: int
    crc32: int


class _About(TypedDict):
    run: dict[str, Any]
    step: int
    spool: dict[str, _Spooled]
    wall_s: float
    state: str


@dataclass(frozen=True)
class Position:
    """The position of a run: its next step, the layout of its spool, and the seconds that it has taken."""

    step: int
    spool: Mapping[str, Mapping[str, Any]]
    wall_s: float


def checkpoint(run: Mapping[str, Any], position: Position, engine: Engine) -> Content:
    """The content of a checkpoint; ``run`` is the key that a run must have to go on from it."""
    state = state_of(engine)
    about = {"schema": SCHEMA, "run": run, **asdict(position), "state": checksum(state)}
    arrays = {_ABOUT: np.array(json.dumps(about)), **state}
    return lambda file: np.savez(file, **arrays)  # type: ignore[arg-type]


def load_checkpoint(
    folder: Path, run: Mapping[str, Any], steps: range, spool: Mapping[str, Form], engine: Engine
) -> Position | None:
    """Bring ``engine``, which stands before step 0, to where the checkpoint in ``folder`` is; None where is none.

    It can be at one of ``steps``, and its spool hold arrays of the given forms and no others. Raises InvalidModel on
    one that is damaged, of another version, or of another run.
    """
    path = folder / CHECKPOINT_FILE
    if not path.exists():
        return None
    with reading(f"{path}: the checkpoint"):
        arrays = Arrays(path, what="the checkpoint")
        if _ABOUT not in arrays:
            raise Unfit(f"{_ABOUT} is missing")
        Form("U", ()).check(arrays.headers[_ABOUT], _ABOUT)
        about = json.loads(str(arrays[_ABOUT]))
        schema = about.get("schema") if isinstance(about, dict) else None
        if schema != SCHEMA:
            raise InvalidModel(f"{path}: checkpoint schema {quoted(schema)}; this ernsnn reads schema {SCHEMA}")
        fit(about, _About, _ABOUT)
        differs = next((name for name, value in run.items() if about["run"].get(name) != value), None)
        if differs:
            theirs, ours = quoted(about["run"].get(differs)), quoted(run[differs])
            raise InvalidModel(f"{path}: belongs to another run: its {differs} is {theirs}, not {ours}")
        if about["step"] not in steps or not 0 <= about["wall_s"] < float("inf"):
            raise Unfit(f"it is at step {about['step']}, after {about['wall_s']} s")
        for key, row in about["spool"].items():
            if key not in spool:
                raise Unfit(f"its spool has {quoted(key)}, which this run does not")
            spool[key].check(Header(np.dtype(row["dtype"]), (row["rows"], *row["shape"]), False), key)
            if row["rows"] < 0:
                raise Unfit(f"{key} has {row['rows']} rows")
        if about["spool"] and about["spool"].keys() != spool.keys():
            raise Unfit("its spool lacks arrays of this run")
        restore(engine, Arrays(path, seal=about["state"], what="the checkpoint", besides={_ABOUT}))
        problem = next(engine.problems(), None)
        if problem:
            raise Unfit(problem)
        return Position(about["step"], about["spool"], about["wall_s"])
