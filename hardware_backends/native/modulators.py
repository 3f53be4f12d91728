"""Third factors: the numbers of each, and the kernels of stage 3."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from ernsnn.describe.evaluation import evaluated
from ernsnn.errors import ProgramFailed
from ernsnn.graph.modulator import Modulator

from ..machine_code import Call
from ..reference.schedules import next_change, scheduled
from .codegen.modulators import names_of, step
from .kernels.driver import NEVER
from .kernels.jit import compiled
from .spikes import SpikeLog


class ModulatorState:
    """One third factor: ``numbers`` has a row for each state, and the last for its value; a column is a unit."""

    changes = ("numbers",)

    def __init__(self, m: Modulator, dt_ms: float) -> None:
        self.m, self.rows = m, {s.name: k for k, s in enumerate(m.equations.states)}
        self.numbers = np.zeros((len(self.rows) + 1, m.size))
        for s in m.equations.states:
            self.numbers[self.rows[s.name]] = evaluated(s.initial, m.parameters)
        self.value, self.given, self.failed = self.numbers[-1], np.zeros(m.size), np.full(1, -1)
        self.step, self.c = step(m, dt_ms), np.array(list(names_of(m, dt_ms).values()))
        # Nothing but a schedule.
        self.steady = bool(m.schedule) and not (m.equations.states or m.equations.reads)

    def kernel(self, log: SpikeLog, others: Mapping[str, ModulatorState], learns: np.ndarray) -> Call:
        """The kernel of a step. ``others`` are the modulators that stand before this one."""
        m, hears = self.m, self.m.hears if self.m.equations.heard else {}
        members = [
            (log.rows[member.population], member.start, member.stop, k)
            for k, group in enumerate(hears.values())
            for member in group
        ]
        read = zip(m.equations.reads, m.others, strict=True)
        reads = tuple(others[other].variable(of.variable) for of, other in read)
        return self.step.bind(
            log.spikes,
            np.array(members, np.int64).reshape(-1, 4),
            np.array(list(hears), float),
            np.zeros((len(hears), m.size)),
            self.given,
            reads or (self.value,),
            self.numbers,
            self.c,
            learns,
            self.failed,
        )

    def stand_at(self, t: int) -> None:
        """Take over what is given from step ``t`` to ``next_change``."""
        if self.m.schedule:
            self.given[:] = scheduled(*self.m.schedule, t, self.m.size)

    def next_change(self, t: int) -> int:
        """The first step after ``t`` in which something else is given."""
        return next_change(self.m.schedule[0], t) if self.m.schedule else NEVER

    def variable(self, name: str) -> np.ndarray:
        """A probed variable: where it lies."""
        return self.value if name == "value" else np.asarray(self.numbers[self.rows[self.m.kind.probes[name]]])


class Modulators:
    """All third factors of a graph, in their order. ``learns`` says whether a step is a learning step."""

    changes = ("states",)

    def __init__(self, modulators: tuple[Modulator, ...], dt_ms: float, learns: np.ndarray) -> None:
        self.states, self.learns = {m.name: ModulatorState(m, dt_ms) for m in modulators}, learns

    def kernels(self, log: SpikeLog) -> Iterator[Call]:
        """The kernels of a step."""
        for state in self.states.values():
            yield state.kernel(log, self.states, self.learns)

    def stand_at(self, t: int) -> None:
        """Take over what is given from step ``t`` to ``next_change``."""
        for state in self.states.values():
            state.stand_at(t)

    def next_change(self, t: int) -> int:
        """The first step after ``t`` in which something else is given."""
        return min((state.next_change(t) for state in self.states.values()), default=NEVER)

    def check(self) -> None:
        """Raise ProgramFailed where one is what it cannot be."""
        failed = [(int(state.failed[0]), state.m) for state in self.states.values() if state.failed[0] >= 0]
        if failed:
            t, m = min(failed, key=lambda each: each[0])
            raise ProgramFailed(f"{m.name}: in step {t} {m.kind.unsound}")


@compiled
def take_over(value: np.ndarray, row: np.ndarray, learns: np.ndarray, a: int, b: int, worker: int) -> int:
    """Let synapses learn from the ``value`` that a third factor has in this step."""
    if worker == 0 and learns[0] != 0:
        for i in range(len(value)):
            row[i] = value[i]
    return 0
