"""Operations on the memory: their input spikes, the answers of an ideal memory, and those of OUT."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal, overload

from ernsnn.errors import InvalidModel
from ernsnn.text import table

SAFE_SPACING_MS = 20
"""Distance from one operation to the next at which every answer is right.

Weights drift a little with every pair of operations, by a factor exp(-spacing / 3 ms). Of 4800 random operations, in
runs of 1200 that learn, overwrite and recall by a cue or one bit, none failed at 20 ms, 7 did at 16 ms, 101 at 14 ms.
"""

MIN_SPACING_MS = 4
"""The shortest distance of operations, below which the input of one would overlap that of the next. Up to about 12 ms
recalls often fail."""

LEARN_MS = 3
"""The number of consecutive ms for which cue and content are driven together in a learn."""

Kind = Literal["learn", "recall", "other"]


@dataclass(frozen=True)
class Pattern:
    """Neurons of IN or OUT: cues and content bits, each rising."""

    cues: tuple[int, ...] = ()
    contents: tuple[int, ...] = ()

    def __str__(self) -> str:
        groups = (("cue", self.cues), ("content", self.contents))
        return ", ".join(" ".join([name, *map(str, members)]) for name, members in groups if members) or "nothing"

    def to_json(self) -> dict[str, list[int]]:
        """The pattern as plain lists."""
        return {"cue": list(self.cues), "content": list(self.contents)}


Response = Mapping[int, Pattern]
"""A response of OUT: ms after the start of an operation -> neurons that spike; no entry where none does."""


@dataclass(frozen=True)
class Operation:
    """Learn ``asked`` (one cue, its content), or recall by it (one cue, or content). ``"other"`` input is neither."""

    kind: Kind
    t_ms: int
    asked: Pattern

    def spikes(self) -> Iterable[tuple[int, Pattern]]:
        """Yield (ms, neurons driven) of its input."""
        return ((self.t_ms + k, self.asked) for k in range(LEARN_MS if self.kind == "learn" else 1))

    @property
    def answered_after_ms(self) -> int:
        """The time in ms after its start at which OUT has shown the last of the answer."""
        return 8 if self.kind == "learn" else 7


def input_times(operations: Sequence[Operation], cues: int, contents: int) -> tuple[list[list[int]], list[list[int]]]:
    """Spike times in ms of every cue and of every content bit."""
    cue_times: list[list[int]] = [[] for _ in range(cues)]
    content_times: list[list[int]] = [[] for _ in range(contents)]
    for operation in operations:
        for t, driven in operation.spikes():
            for cue in driven.cues:
                cue_times[cue].append(t)
            for bit in driven.contents:
                content_times[bit].append(t)
    return cue_times, content_times


def read_operations(cue_times: Sequence[Sequence[int]], content_times: Sequence[Sequence[int]]) -> list[Operation]:
    """The operations of given spike times; input that is none, or too near the next, is of kind ``"other"``."""
    runs: list[tuple[int, int, Pattern]] = []  # start, end (exclusive), driven
    for t, driven in _by_ms(enumerate(cue_times), enumerate(content_times)).items():
        if runs and runs[-1][1] == t and runs[-1][2] == driven:
            runs[-1] = (runs[-1][0], t + 1, driven)
        else:
            runs.append((t, t + 1, driven))
    operations = [Operation(_kind_of(end - start, driven), start, driven) for start, end, driven in runs]
    for k, (one, following) in enumerate(pairwise(operations)):
        if following.t_ms - one.t_ms < MIN_SPACING_MS:
            operations[k] = Operation("other", one.t_ms, one.asked)
    return operations


def _kind_of(length: int, driven: Pattern) -> Kind:
    if length == LEARN_MS and len(driven.cues) == 1 and driven.contents:
        return "learn"
    if length == 1 and (len(driven.cues) == 1) != bool(driven.contents) and len(driven.cues) <= 1:
        return "recall"
    return "other"


def _by_ms(
    cues: Iterable[tuple[int, Iterable[float]]], contents: Iterable[tuple[int, Iterable[float]]]
) -> dict[int, Pattern]:
    """Ms -> neurons that spike then, by time."""
    active: dict[int, tuple[list[int], list[int]]] = {}
    for side, neurons in enumerate((cues, contents)):
        for neuron, times in neurons:
            for t in times:
                active.setdefault(int(t), ([], []))[side].append(neuron)
    return {t: Pattern(tuple(sorted(c)), tuple(sorted(b))) for t, (c, b) in sorted(active.items())}


def expected_responses(operations: Sequence[Operation], *, echoes: bool = True) -> list[Response | None]:
    """The response of an ideal memory to each operation.

    It is None where input of another kind went before, so that it is not defined.

    ``echoes``: whether the old bits of a used cue show once more while it learns anew, as in the published network.
    """
    memory: dict[int, frozenset[int]] = {}
    unknown = False  # whether cues that are not in `memory` may hold something
    expected: list[Response | None] = []
    for operation in operations:
        cues, contents = operation.asked.cues, operation.asked.contents
        if operation.kind == "learn":
            [cue] = cues
            old = None if unknown and cue not in memory else memory.get(cue, frozenset())
            echo = Pattern((), tuple(sorted((old or frozenset()) - set(contents))) if echoes else ())
            memory[cue] = frozenset(contents)
            expected.append(None if old is None else _response({5: operation.asked, 6: echo, 7: operation.asked}))
        elif operation.kind == "recall" and cues:
            [cue] = cues
            certain = cue in memory or not unknown
            answer = Pattern((), tuple(sorted(memory.get(cue, ()))))
            expected.append(_response({5: operation.asked, 6: answer}) if certain else None)
        elif operation.kind == "recall":
            matching = sorted(cue for cue, content in memory.items() if content & set(contents))
            expected.append(None if unknown else _response({5: operation.asked, 6: Pattern(tuple(matching))}))
        else:
            memory, unknown = {}, True
            expected.append(None)
    return expected


def _response(shown: Response) -> Response:
    return {after: pattern for after, pattern in shown.items() if pattern != Pattern()}


@dataclass(frozen=True)
class Row:
    """One operation with its expected and its actual response.

    ``expected`` and ``recalled`` map ms after the start to the neurons of OUT that spike. ``right`` is None where there
    is no verdict: ``note`` says why.
    """

    t_ms: int
    operation: Kind
    asked: Pattern
    expected: Response | None
    recalled: Response
    right: bool | None
    note: str = ""

    @property
    def echo(self) -> tuple[int, ...]:
        """Bits of the old content that the new one lacks: on learning anew they are expected once, at +6 ms."""
        shown = (self.expected or {}).get(6, Pattern())
        return shown.contents if self.operation == "learn" else ()

    def cells(self) -> tuple[str, ...]:
        """The columns as text."""
        verdict = {True: "yes", False: "NO", None: f"- {self.note}"}[self.right]
        expected = "-" if self.expected is None else _text(self.operation, self.asked, self.expected)
        recalled = _text(self.operation, self.asked, self.recalled)
        return str(self.t_ms), self.operation, str(self.asked), expected, recalled, verdict

    def to_json(self) -> dict[str, Any]:
        """The row as plain data; responses as lists of neurons of OUT ``after_ms``."""
        return {
            "t_ms": self.t_ms,
            "operation": self.operation,
            "asked": self.asked.to_json(),
            "expected": None if self.expected is None else _response_json(self.expected),
            "recalled": _response_json(self.recalled),
            "echo_of_old_bits": list(self.echo),
            "right": self.right,
            **({"note": self.note} if self.note else {}),
        }


def _response_json(response: Response) -> list[dict[str, Any]]:
    return [{"after_ms": after, **pattern.to_json()} for after, pattern in response.items()]


def _text(kind: Kind, asked: Pattern, response: Response) -> str:
    """The answer as text, then further or missing spikes besides those of the asked pattern."""
    shown = dict(response)
    parts: list[str] = []
    if kind == "learn":
        first, last = shown.pop(5, Pattern()), shown.pop(7, Pattern())
        parts.append(str(first) if first == last else f"{first} at +5, {last} at +7")
        if 6 in shown:
            parts.append(f"{shown.pop(6)} once (old)")
    elif kind == "recall":
        passing = shown.pop(5, Pattern())
        parts.append(str(shown.pop(6, Pattern())))
        if passing != asked:
            parts.append(f"{passing} at +5")
    parts += [f"{pattern} at +{after}" for after, pattern in shown.items()]
    return "; ".join(parts) or "nothing"


class Operations(Sequence[Row]):
    """The rows of a run; prints as a table."""

    columns = ("t_ms", "operation", "asked", "expected", "recalled", "right")

    def __init__(self, rows: Iterable[Row]) -> None:
        self._rows = tuple(rows)

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> Operations: ...
    def __getitem__(self, index: int | slice) -> Row | Operations:
        return Operations(self._rows[index]) if isinstance(index, slice) else self._rows[index]

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def verdict(self) -> str:
        """The number of right operations, in one line."""
        counts = {v: sum(row.right is v for row in self) for v in (True, False, None)}
        parts = [f"{counts[True]} right", f"{counts[False]} wrong"]
        parts += [f"{counts[None]} not judged"] if counts[None] else []
        return f"{len(self)} operation{'s' * (len(self) != 1)}: {', '.join(parts)}"

    @property
    def notes(self) -> list[str]:
        """Notes for readers of the table."""
        echo = "once (old): on learning anew, bits of the old content that the new one lacks appear once"
        return [echo] if any(row.echo for row in self) else []

    def __str__(self) -> str:
        return "\n".join([*table([self.columns, *(row.cells() for row in self)], [0]), self.verdict, *self.notes])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        def line(cells: Iterable[str], tag: str) -> str:
            return "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells) + "</tr>"

        body = "".join(line(row.cells(), "td") for row in self)
        return f"<table><thead>{line(self.columns, 'th')}</thead><tbody>{body}</tbody></table><p>{self.verdict}</p>"

    def to_json(self) -> list[dict[str, Any]]:
        """The rows as plain data, one dictionary each."""
        return [row.to_json() for row in self]


def judge(
    operations: Sequence[Operation],
    out_trains: Sequence[Sequence[float]],
    cues: int,
    end_ms: int,
    *,
    echoes: bool = True,
) -> Operations:
    """Compare OUT's spike times (cues first) with what is expected. An operation is right if OUT shows exactly that.

    An operation has the spikes of OUT from 5 ms after its start to 5 ms after the start of the next.
    """
    if len(out_trains) < cues:
        raise InvalidModel(f"OUT has {len(out_trains)} neurons, fewer than the {cues} cues")
    shown = _by_ms(enumerate(out_trains[:cues]), enumerate(out_trains[cues:]))
    rows = []
    bounds = [operation.t_ms + 5 for operation in operations[1:]] + [max(end_ms, 0) + 1]
    answers = expected_responses(operations, echoes=echoes)
    for operation, expected, until in zip(operations, answers, bounds, strict=True):
        start = operation.t_ms
        recalled = {t - start: pattern for t, pattern in shown.items() if start + 5 <= t < until}
        right, note = None, ""
        if operation.kind == "other":
            note = "neither a learn nor a recall, or too near the next"
        elif expected is None:
            note = "unknown after such input"
        elif end_ms < start + operation.answered_after_ms:
            note = "the run ends before the answer"
        else:
            right = recalled == expected
        rows.append(Row(start, operation.kind, operation.asked, expected, recalled, right, note))
    return Operations(rows)
