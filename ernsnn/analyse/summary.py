"""Summaries of runs in the terms of their models, saved beside the recording."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ernsnn.errors import InvalidModel, quoted
from ernsnn.files import Content
from ernsnn.loading import Unfit, built, reading, sealed, unsealed

SUMMARY_FILE = "summary.json"
_NAME = re.compile(r"[A-Za-z_]\w*")
_TAKEN = ("graph", "meta", "run", "summary")


@dataclass(frozen=True)
class TimeMark:
    """A moment that pictures mark: its time, a text, and whether it went right (None: it cannot go wrong)."""

    t_ms: float
    what: str
    right: bool | None = None


@dataclass(frozen=True, kw_only=True)
class Summary:
    """The summary of a run in its model's terms: a text to print, and the same as JSON, saved as ``name``.json.

    For a report: ``verdict`` in one line, ``notes`` on it, a table (``rows`` under ``heads``), and ``marks``: if any,
    one for each row, whose last cell says whether it is right.
    """

    name: str
    text: str
    data: Any
    verdict: str = ""
    notes: Sequence[str] = ()
    heads: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    marks: Sequence[TimeMark] = ()


def summary_files(summary: Summary, meta: Mapping[str, Any]) -> dict[str, Content]:
    """``name``.json for people, and the file from which ``read_summary`` has it all, of the run with this ``meta``.

    Raises InvalidModel on a name that is no word, or that of another file of a run.
    """
    _check_name(summary.name)
    whole = {"run": meta.get("run"), "summary": asdict(summary)}
    return {f"{summary.name}.json": json.dumps(summary.data, indent=1), SUMMARY_FILE: sealed(whole)}


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name) or name in _TAKEN:
        raise InvalidModel(
            f"a summary's name must be letters, digits and '_', and none of {', '.join(_TAKEN)}; got {quoted(name)}"
        )


def read_summary(folder: Path, meta: Mapping[str, Any]) -> Summary | None:
    """The summary that ``summary_files`` wrote; None where there is none.

    Raises InvalidModel on a damaged one, and on one of another run.
    """
    path = folder / SUMMARY_FILE
    try:
        with reading(f"{path}:"):
            stored = unsealed(path)
            if stored.keys() != {"run", "summary"}:
                raise Unfit("it must hold run and summary")
            if stored["run"] != meta.get("run"):
                raise InvalidModel(f"{path}: belongs to another run; remove it")
            data = stored["summary"]
            marks = data.get("marks", []) if isinstance(data, dict) else []
            if not isinstance(marks, list):
                raise Unfit("summary.marks: must be a list")
            made = [built(TimeMark, mark, f"summary.marks[{k}]") for k, mark in enumerate(marks)]
            summary = built(Summary, {**data, "marks": made} if isinstance(data, dict) else data, "summary")
            _check_name(summary.name)
            if any(len(row) != len(summary.heads) for row in summary.rows):
                raise Unfit("summary.rows: each must have as many cells as there are heads")
            return summary
    except (FileNotFoundError, NotADirectoryError):
        return None
