"""The memory's interface for users: learn, recall, run, read the table."""

from __future__ import annotations

import operator
from collections.abc import Iterable
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ernsnn.backend.protocol import Backend
from ernsnn.describe.network import Network
from ernsnn.errors import InvalidModel
from ernsnn.graph.graph import Source
from ernsnn.graph.spikes import GivenSpikes
from ernsnn.result import Result, run
from ernsnn.studies.models import Session, Summary, TimeMark

from .network import GATE, Gating, build
from .operations import MIN_SPACING_MS, SAFE_SPACING_MS, Kind, Operation, Operations, Pattern, input_times, judge
from .operations import read_operations as _read_operations
from .testbench import Script, Testbench, read_input


class CA3Memory:
    """A memory of ``cues`` one-hot cues, each of which can hold ``contents`` bits.

    ``learn`` and ``recall`` schedule operations, ``run`` plays them from an empty memory. Each follows the one before
    by ``spacing_ms``, or comes at a time of its own, ``at_ms``. At the default of 20 ms every answer is right, below
    about 12 ms many are not, and 4 ms is the least. Recall by several content bits is destructive: it may damage what
    was learnt. ``gate="astrocyte"`` is the memory that does not forget by reading (see ``build``, which says what
    ``lateral_nA`` is, too): its plasticity is open only while a cue and a content are learnt. ``gate="majority"`` also
    withstands lost and spurious input spikes.
    """

    def __init__(
        self,
        cues: int = 5,
        contents: int = 10,
        *,
        spacing_ms: int = SAFE_SPACING_MS,
        gate: Gating = "none",
        lateral_nA: float | None = None,
    ) -> None:
        build(cues, contents, gate=gate, lateral_nA=lateral_nA)  # it makes the checks
        self.cues, self.contents = cues, contents
        self.gate, self.lateral_nA = gate, lateral_nA
        self.spacing_ms = _whole("spacing_ms", spacing_ms)
        if self.spacing_ms < MIN_SPACING_MS:
            raise InvalidModel(f"ca3_memory: spacing_ms must be at least {MIN_SPACING_MS}, got {self.spacing_ms}")
        self.scheduled: list[Operation] = []

    def __repr__(self) -> str:
        return f"<CA3Memory: {self.cues} cues, {self.contents} contents, {len(self.scheduled)} operations>"

    def learn(self, cue: int, content: Iterable[int], *, at_ms: int | None = None) -> Operation:
        """Bind ``content`` (a list of bits) to ``cue``; what the cue held is forgotten, its bits appear once more."""
        asked = Pattern((self._index("cue", cue, self.cues),), self._bits(content))
        return self._schedule("learn", asked, at_ms)

    def recall(
        self, cue: int | None = None, content: Iterable[int] | None = None, *, at_ms: int | None = None
    ) -> Operation:
        """Ask for the content of a cue, or for all cues whose content has one of the given bits."""
        if (cue is None) == (content is None):
            raise InvalidModel("ca3_memory: recall takes either a cue or content: recall(cue=0) or recall(content=[6])")
        if cue is not None:
            return self._schedule("recall", Pattern((self._index("cue", cue, self.cues),)), at_ms)
        return self._schedule("recall", Pattern((), self._bits(content or ())), at_ms)

    @property
    def duration_ms(self) -> int:
        """The time until the last operation has been answered: its start and the safe spacing."""
        return self.scheduled[-1].t_ms + SAFE_SPACING_MS if self.scheduled else 0

    def network(self) -> Network:
        """The network with the operations as its input."""
        times = input_times(self.scheduled, self.cues, self.contents)
        return build(self.cues, self.contents, *times, gate=self.gate, lateral_nA=self.lateral_nA)

    def run(
        self, backend: str | Backend = "brian2", *, seed: int = 0, duration_ms: float | None = None, **options: Any
    ) -> MemoryResult:
        """Play all operations from an empty memory; the options are the backend's own."""
        if not self.scheduled:
            raise InvalidModel("ca3_memory: nothing to run; schedule operations with learn(...) and recall(...)")
        duration = self.duration_ms if duration_ms is None else duration_ms
        result = run(self.network(), duration_ms=duration, seed=seed, backend=backend, **options)
        return MemoryResult(result.graph, result.recording)

    def _schedule(self, kind: Kind, asked: Pattern, at_ms: int | None) -> Operation:
        before = self.scheduled[-1] if self.scheduled else None
        if at_ms is None:
            start = before.t_ms + self.spacing_ms if before else 0
        else:
            start = _whole("at_ms", at_ms)
            if start < 0:
                raise InvalidModel(f"ca3_memory: at_ms must be >= 0, got {start}")
            if before and start < before.t_ms + MIN_SPACING_MS:
                raise InvalidModel(
                    f"ca3_memory: {kind} at {start} ms is too near the {before.kind} at {before.t_ms} ms; the earliest "
                    f"time is {before.t_ms + MIN_SPACING_MS} ms, a safe one {before.t_ms + SAFE_SPACING_MS} ms"
                )
        self.scheduled.append(Operation(kind, start, asked))
        return self.scheduled[-1]

    def _bits(self, content: Iterable[int]) -> tuple[int, ...]:
        if isinstance(content, str) or not isinstance(content, Iterable):
            raise InvalidModel(f"ca3_memory: content must be a list of bits such as [0, 1], got {content!r}")
        bits = [self._index("content", bit, self.contents) for bit in content]
        if not bits:
            raise InvalidModel("ca3_memory: content is empty; give at least one bit")
        if len(set(bits)) < len(bits):
            raise InvalidModel(f"ca3_memory: content names a bit twice: {bits}")
        return tuple(sorted(bits))

    @staticmethod
    def _index(name: str, value: Any, size: int) -> int:
        index = _whole(name, value)
        if not 0 <= index < size:
            raise InvalidModel(f"ca3_memory: {name} must be from 0 to {size - 1}, got {index}")
        return index


class MemoryResult(Result):
    """A result with its operations, which are read from the input, so that a loaded result has them too."""

    @cached_property
    def operations(self) -> Operations:
        """Per operation: when, what, asked, expected, recalled, right."""
        source = self.graph.population("IN")
        assert isinstance(source, Source)
        assert isinstance(source.spikes, GivenSpikes)
        inputs = np.split(source.spikes.steps, source.spikes.indptr[1:-1])
        trains = [train.tolist() for train in inputs]
        cues = self.graph.population("CA3cueCueRecall").size
        operations = _read_operations(trains[:cues], trains[cues:])
        gated = any(modulator.name == GATE for modulator in self.graph.modulators)
        return judge(operations, self.trains("OUT"), cues, self.recording.n_steps, echoes=not gated)

    @property
    def moments(self) -> list[tuple[float, str]]:
        """(time in ms, label) of the start of each operation."""
        return [(float(row.t_ms), f"{row.operation} {row.asked}") for row in self.operations]

    @property
    def summary(self) -> Summary:
        """The operations, as commands print and reports show them."""
        operations = self.operations
        return Summary(
            name="operations",
            text=str(operations),
            data=operations.to_json(),
            verdict=operations.verdict,
            notes=operations.notes,
            heads=operations.columns,
            rows=[row.cells() for row in operations],
            marks=[TimeMark(row.t_ms, row.operation, row.right) for row in operations],
        )

    def _repr_html_(self) -> str:
        return self.operations._repr_html_() + super()._repr_html_()


def session(
    *,
    input: Path | None = None,  # noqa: A002 - the argument's name
    demo: bool = False,
    spacing_ms: int | None = None,
    **parameters: Any,
) -> Session:
    """Play an input file or a demonstration. The file is a JSON object: either the authors' testbench,

        {"cue": [[0, 1, 2, 30], ...], "cont": [[0, 1, 2], ...], "simTime": 90}

    with one list of spike times in ms per neuron, or a list of operations:

        {"cues": 5, "contents": 10,
         "operations": [{"learn": {"cue": 0, "content": [0, 1, 8, 9]}},
                        {"recall": {"cue": 0}},
                        {"recall": {"content": [6]}, "at_ms": 60}]}

    It may also give "duration_ms", and "spacing_ms": the distance between operations that have no time of their own
    (``--set spacing_ms=...`` goes before it).
    """
    if input is None and not demo:
        if spacing_ms is not None:
            raise InvalidModel("ca3_memory: spacing_ms needs operations: an input file or the demonstration")
        return Session(network=build(**parameters))
    if input is not None and demo:
        raise InvalidModel("ca3_memory: play either an input file or the demonstration")
    given = sorted({"cue_times_ms", "content_times_ms"} & parameters.keys())
    if given:
        raise InvalidModel(f"ca3_memory: {given[0]} would be a second input; leave it out")
    content = _demonstration() if input is None else read_input(input)
    if isinstance(content, Testbench):
        if spacing_ms is not None:
            raise InvalidModel(f"{input}: a testbench gives every time itself; leave spacing_ms out")
        sizes = {"cues": len(content.cue_times_ms), "contents": len(content.content_times_ms)}
        variant = _check_sizes(f"{input}", sizes, parameters)
        network = build(sizes["cues"], sizes["contents"], content.cue_times_ms, content.content_times_ms, **variant)
        return _session(network, content.duration_ms, content.notes)
    what = f"{input}" if input else "ca3_memory, demonstration"
    variant = _check_sizes(what, {"cues": content.cues, "contents": content.contents}, parameters)
    if spacing_ms is not None:
        content = replace(content, spacing_ms=spacing_ms)
    memory = _memory_of(what, content, variant)
    return _session(memory.network(), content.duration_ms or memory.duration_ms, ())


def _session(network: Network, duration_ms: int, notes: tuple[str, ...]) -> Session:
    def summarise(result: Result) -> Summary:
        summary = MemoryResult(result.graph, result.recording).summary
        return replace(summary, text="\n".join([summary.text, *notes]), notes=[*summary.notes, *notes])

    return Session(network=network, duration_ms=float(duration_ms), summarise=summarise)


def _memory_of(what: str, script: Script, variant: dict[str, Any]) -> CA3Memory:
    where = ""
    try:
        spacing = SAFE_SPACING_MS if script.spacing_ms is None else script.spacing_ms
        memory = CA3Memory(script.cues, script.contents, spacing_ms=spacing, **variant)
        for number, (name, arguments, at_ms) in enumerate(script.operations, start=1):
            where = f"operation {number}: "
            (memory.learn if name == "learn" else memory.recall)(**arguments, at_ms=at_ms)
    except InvalidModel as error:
        raise InvalidModel(f"{what}: {where}{str(error).removeprefix('ca3_memory: ')}") from None
    return memory


def _demonstration() -> Script:
    """Learn three memories, recall them either way, overwrite one, recall again."""
    learn: list[tuple[int, list[int]]] = [(0, [0, 1, 8, 9]), (4, [1, 5, 6]), (3, [4, 5, 6])]
    steps: list[tuple[str, dict[str, Any]]] = [("learn", {"cue": cue, "content": bits}) for cue, bits in learn]
    steps += [("recall", {"cue": cue}) for cue, _ in learn]
    steps += [("recall", {"content": [6]}), ("recall", {"content": [2]})]
    steps += [("learn", {"cue": 3, "content": [1, 3, 4, 8]})]
    steps += [("recall", {"cue": 3}), ("recall", {"content": [6]}), ("recall", {"content": [8]})]
    return Script(5, 10, None, None, [(name, arguments, None) for name, arguments in steps])


def _check_sizes(what: str, of_files: dict[str, int], given: dict[str, Any]) -> dict[str, Any]:
    """The parameters that are no sizes; those that are must be as the input has them."""
    for name, value in given.items():
        if name in of_files and value != of_files[name]:
            raise InvalidModel(f"{what}: has {of_files[name]} {name}, not {value}; leave {name} out")
    return {name: value for name, value in given.items() if name not in of_files}


def _whole(name: str, value: Any) -> int:
    try:
        if isinstance(value, bool):
            raise TypeError
        return operator.index(value)
    except TypeError:
        raise InvalidModel(f"ca3_memory: {name} must be a whole number, got {value!r}") from None
