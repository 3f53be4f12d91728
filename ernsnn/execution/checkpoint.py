"""A run as it stood between two steps, in one file without pickle: a reader finds the old one or the new."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ernsnn.errors import InvalidModel
from ernsnn.execution.state import restore, state_of
from ernsnn.files import Content

SCHEMA = 1
CHECKPOINT_FILE = "checkpoint.npz"
_ABOUT = "about"


@dataclass(frozen=True)
class Position:
    """How far a run is: the next step, how long its recorded arrays are, and the seconds that it has taken."""

    step: int
    tapes: Mapping[str, Mapping[str, Any]]
    wall_s: float


def checkpoint(run: Mapping[str, Any], position: Position, engine: object) -> Content:
    """The content of a checkpoint. ``run`` is what must be the same for whoever goes on."""
    about = {"schema": SCHEMA, "run": run, "step": position.step, "tapes": position.tapes, "wall_s": position.wall_s}
    arrays = {_ABOUT: np.array(json.dumps(about)), **state_of(engine)}
    return lambda file: np.savez(file, **arrays)  # type: ignore[arg-type]


def load_checkpoint(folder: Path, run: Mapping[str, Any], engine: object) -> Position | None:
    """Bring ``engine``, which stands before step 0, to where the checkpoint in ``folder`` is; None where is none.

    Raises InvalidModel on one that is damaged, of another version, or of another run.
    """
    path = folder / CHECKPOINT_FILE
    if not path.exists():
        return None
    try:
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            about = json.loads(str(file[_ABOUT]))
            if about["schema"] != SCHEMA:
                raise InvalidModel(f"{path}: checkpoint schema {about['schema']}; this ernsnn reads schema {SCHEMA}")
            differs = next((name for name, value in run.items() if about["run"].get(name) != value), None)
            if differs:
                raise InvalidModel(
                    f"{path}: belongs to another run: its {differs} is {about['run'].get(differs)}, not {run[differs]}"
                )
            restore(engine, set(file.files) - {_ABOUT}, file.__getitem__)
            return Position(about["step"], about["tapes"], about["wall_s"])
    except InvalidModel:
        raise
    except Exception as error:
        raise InvalidModel(f"{path}: the checkpoint is damaged ({type(error).__name__}: {error})") from None
