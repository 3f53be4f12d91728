"""Checkpoints of a fit: one file without pickle, replaced as a whole after every epoch."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ernsnn.errors import InvalidModel
from ernsnn.files import absolute, write_file
from ernsnn.graph.graph import Graph
from ernsnn.learn.learned import Learned
from ernsnn.learn.surrogates import Surrogate

_ABOUT, _BEST, _STATE = "about", "best/", "state/"


@dataclass(frozen=True, eq=False)
class Kept:
    """What a checkpoint holds: epochs as plain values, the best values, and the state of the descent."""

    history: list[dict[str, Any]]
    best: dict[str, np.ndarray]
    arrays: dict[str, np.ndarray]


def identity(
    train: Graph, tested: Graph | None, entries: Sequence[Learned], surrogate: Surrogate, numbers: Iterable[Any]
) -> str:
    """What is the same of a fit that goes on: its graphs, what it learns and how."""
    learnt = [(e.path, e.start.shape, e.step, np.sum(e.low), np.sum(e.high)) for e in entries]
    said = [train.digest, tested.digest if tested else "", repr(learnt), repr(surrogate), repr(tuple(numbers))]
    return hashlib.sha256("\n".join(said).encode()).hexdigest()


def save(
    path: str | Path,
    key: str,
    history: Sequence[Mapping[str, Any]],
    best: Mapping[str, np.ndarray],
    state: Mapping[str, np.ndarray],
) -> None:
    """Write a checkpoint in place of the one before."""
    about = np.array(json.dumps({"fit": key, "history": list(history)}))
    arrays = {_ABOUT: about, **{_BEST + k: v for k, v in best.items()}, **{_STATE + k: v for k, v in state.items()}}
    write_file(path, lambda file: np.savez(file, **arrays))  # type: ignore[arg-type]


def load(path: str | Path, key: str) -> Kept | None:
    """What ``save`` wrote; None where there is no file. Raises InvalidModel on that of another fit, and on damage."""
    if not absolute(path).exists():
        return None
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        about = json.loads(str(arrays[_ABOUT]))
        history, of = about["history"], about["fit"]
    except Exception as error:  # whatever a damaged file makes NumPy and JSON raise
        raise InvalidModel(f"{path}: is no checkpoint of a fit, or is damaged; remove it to begin anew") from error
    if of != key:
        raise InvalidModel(f"{path}: is the checkpoint of another fit; name another file, or remove it to begin anew")
    best = {name.removeprefix(_BEST): array for name, array in arrays.items() if name.startswith(_BEST)}
    state = {name.removeprefix(_STATE): array for name, array in arrays.items() if name.startswith(_STATE)}
    return Kept(history, best, state)
