"""Reads input files: the testbench that the authors publish, and a plain list of operations (see ``session``)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from ernsnn.errors import InvalidModel
from ernsnn.loading import Unfit, read_json

from .operations import read_operations


@dataclass(frozen=True)
class Testbench:
    """Spike times in ms of the cue and content neurons, and how long to simulate; ``notes`` are for the user."""

    cue_times_ms: list[list[int]]
    content_times_ms: list[list[int]]
    duration_ms: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Script:
    """A list of operations as written in a file: each is its name, its arguments and its time, if one is given."""

    cues: int
    contents: int
    spacing_ms: int | None
    duration_ms: int | None
    operations: list[tuple[str, dict[str, Any], int | None]]


def read_input(path: Path) -> Testbench | Script:
    """Read either kind of file. Raises InvalidModel, naming the file and what to do."""
    try:
        content = read_json(path)
    except OSError as error:
        raise InvalidModel(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise InvalidModel(f"{path}: is no text; the input is a JSON file") from None
    except Unfit as error:
        raise InvalidModel(f"{path}: cannot be read ({error})") from None
    except (ValueError, RecursionError) as error:
        raise InvalidModel(f"{path}: is no JSON ({error})") from None
    if isinstance(content, dict) and "operations" in content:
        return _script(path, content)
    if isinstance(content, dict) and {"cue", "cont"} & content.keys():
        return _testbench(path, content)
    raise InvalidModel(
        f'{path}: needs an object with "cue", "cont" and "simTime" (a testbench), '
        'or one with "cues", "contents" and "operations"'
    )


def _testbench(path: Path, content: Mapping[str, Any]) -> Testbench:
    for key in ("cue", "cont", "simTime"):
        if key not in content:
            raise InvalidModel(f'{path}: "{key}" is missing; a testbench has "cue", "cont" and "simTime"')
    cue_times, content_times = (_trains(path, key, content[key]) for key in ("cue", "cont"))
    duration = _whole(path, '"simTime"', content["simTime"], 1)
    notes = []
    others = sorted(content.keys() - {"cue", "cont", "simTime", "numOperations"})
    if others:
        notes.append(f"{path.name}: not read: {', '.join(others)}")
    if "numOperations" in content:
        stated = _whole(path, '"numOperations"', content["numOperations"], 0)
        read = len(read_operations(cue_times, content_times))
        if stated != read:
            notes.append(f"{path.name}: its numOperations is {stated}, its spikes are {read} operations")
    return Testbench(cue_times, content_times, duration, tuple(notes))


def _trains(path: Path, key: str, trains: Any) -> list[list[int]]:
    if not isinstance(trains, list) or not trains or not all(isinstance(train, list) for train in trains):
        raise InvalidModel(f'{path}: "{key}" must be a list with one list of spike times in ms per neuron')
    read = []
    for neuron, train in enumerate(trains):
        what = f'"{key}" of neuron {neuron}'
        times = [_whole(path, what, t, 0) for t in train]
        for one, following in pairwise(times):
            if following <= one:
                raise InvalidModel(f"{path}: {what}: spike times must rise, but {following} follows {one}; sort them")
        read.append(times)
    return read


def _script(path: Path, content: Mapping[str, Any]) -> Script:
    _only(path, "the file", content, {"cues", "contents", "operations"}, {"spacing_ms", "duration_ms"})
    if not isinstance(content["operations"], list) or not content["operations"]:
        raise InvalidModel(f'{path}: "operations" must be a list with at least one operation')
    operations = []
    for number, entry in enumerate(content["operations"], start=1):
        what = f"operation {number}"
        names = [name for name in ("learn", "recall") if isinstance(entry, dict) and name in entry]
        if len(names) != 1:
            raise InvalidModel(f'{path}: {what}: must be {{"learn": {{...}}}} or {{"recall": {{...}}}}, got {entry!r}')
        [name] = names
        _only(path, what, entry, {name}, {"at_ms"})
        if not isinstance(entry[name], dict):
            raise InvalidModel(
                f'{path}: {what}: "{name}" must be an object with "cue" or "content", got {entry[name]!r}'
            )
        needed = {"cue", "content"} if name == "learn" else set()
        _only(path, f"{what}, {name}", entry[name], needed, {"cue", "content"})
        at = _whole(path, f"{what}, at_ms", entry["at_ms"], 0) if "at_ms" in entry else None
        operations.append((name, entry[name], at))
    optional = {
        k: _whole(path, f'"{k}"', content[k], 1) if k in content else None for k in ("spacing_ms", "duration_ms")
    }
    sizes = {k: _whole(path, f'"{k}"', content[k], 1) for k in ("cues", "contents")}
    return Script(**sizes, **optional, operations=operations)  # type: ignore[arg-type]


def _only(path: Path, what: str, given: Mapping[str, Any], needed: set[str], optional: set[str]) -> None:
    missing, extra = sorted(needed - given.keys()), sorted(given.keys() - needed - optional)
    if missing:
        raise InvalidModel(f"{path}: {what}: {', '.join(missing)} missing")
    if extra:
        known = ", ".join(sorted(needed | optional))
        raise InvalidModel(f"{path}: {what}: does not know {', '.join(extra)} (there is: {known})")


def _whole(path: Path, what: str, value: Any, least: int) -> int:
    """A whole number; JSON's 30.0 is one."""
    fits = isinstance(value, int | float) and not isinstance(value, bool) and value == value // 1 and value >= least
    if not fits or value > 10**9:
        raise InvalidModel(f"{path}: {what}: needs whole numbers from {least} to 10^9, got {value!r}")
    return int(value)
