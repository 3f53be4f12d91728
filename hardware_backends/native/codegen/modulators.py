"""Kernels of third factors, written from the table of their kind: stage 3 of the step, unit by unit.

What the reference computes for all units at once, statement by statement, a kernel computes for one unit after the
other, in the same order: units do not read each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ernsnn.describe.expressions import Expr, Statement, printed
from ernsnn.graph.modulator import Modulator

from ...machine_code import Kernel
from ..kernels.arithmetic import FUNCTIONS
from ..kernels.jit import load
from .neurons import LANGUAGE, TINY

STEP = ("dt", "h", "half", "sixth")
"""What a kernel is given beside parameters, levels and constants: dt, and what the Runge-Kutta method makes of it."""
_HEAD = '''\
def step(spikes, members, weights, counts, schedule, reads, numbers, c, learns, failed, a, b, worker):
    """Step ``a``. ``numbers`` (states and value, unit) are renewed; ``failed`` notes the first step that is unsound.

    A member: its row of the spikes, its first neuron, the one after its last, and which of the ``weights`` it has.
    """
    if worker > 0{stands}:
        return
    k, size = a - spikes.origin[0], numbers.shape[1]
    counts[:] = 0.0
    for m in range(len(members)):
        row, start, stop, weight = members[m]
        for e in range(spikes.begin[row, k], spikes.end[row, k]):
            i = spikes.neurons[e]
            if i >= start and i < stop:
                counts[weight, 0 if size == 1 else i - start] += 1.0
'''


def names_of(m: Modulator, dt_ms: float) -> dict[str, float]:
    """Name -> number of all that a kernel reads and no step changes."""
    h = dt_ms / m.equations.time_ms
    own = {**m.parameters, **m.levels, **m.constants(dt_ms)}
    return {**own, **dict(zip(STEP, (dt_ms, h, h / 2, h / 6), strict=True))}


def step(m: Modulator, dt_ms: float) -> Kernel:
    """The kernel of a step of ``m``, which is the same for all that differ in numbers alone."""
    return load("".join(f"{line}\n" for line in _Writer(m, dt_ms).lines()), FUNCTIONS)["step"]


class _Writer:
    """Names: s_ states, r_ what is read of others, c_ what no step changes, g_ what a step gives, t_ all others."""

    def __init__(self, m: Modulator, dt_ms: float) -> None:
        self.m, self.table = m, m.equations
        self.states = [s.name for s in self.table.states]
        self.reads = [read.name for read in self.table.reads]
        self.constants = list(names_of(m, dt_ms))

    def lines(self) -> Iterator[str]:
        """Those of the module that has the kernel."""
        table, size = self.table, len(self.states)
        yield from _HEAD.format(stands=" or learns[0] == 0" if table.standing else "").splitlines()
        yield from (f"    c_{name} = c[{k}]" for k, name in enumerate(self.constants))
        yield "    for u in range(size):"
        each = [
            f"g_given, g_value = schedule[u], numbers[{size}, u]",
            *(f"s_{name} = numbers[{k}, u]" for k, name in enumerate(self.states)),
            *(f"r_{name} = reads[{k}][u if len(reads[{k}]) > 1 else 0]" for k, name in enumerate(self.reads)),
            *self._assigned(table.before),
            *self._heard(),
            *self._assigned(table.after),
            *self._integrated(),
        ]
        if table.sound is not None:
            each += [f"if not ({self._print(table.sound)}) and failed[0] < 0:", "    failed[0] = a"]
        # As in neurons: what has all but decayed is set to 0.
        each += [f"numbers[{k}, u] = 0.0 if abs(s_{s}) < {TINY!r} else s_{s}" for k, s in enumerate(self.states)]
        each.append(f"numbers[{size}, u] = {self._print(self.m.value)}")
        yield from (f"        {line}" for line in each)

    def _name(self, name: str) -> str:
        known = {"s": self.states, "r": self.reads, "c": self.constants, "g": ("heard", "weight", "given", "value")}
        return f"{next((prefix for prefix, names in known.items() if name in names), 't')}_{name}"

    def _print(self, value: Expr) -> str:
        return printed(value, LANGUAGE, self._name)

    def _assigned(self, statements: Iterable[Statement]) -> list[str]:
        return [
            f"{'d_' + s.target if s.derivative else self._name(s.target)} = {self._print(s.value)}" for s in statements
        ]

    def _heard(self) -> list[str]:
        if not self.table.heard:
            return []
        lines = self._assigned(self.table.heard)
        return [
            "for w in range(len(weights)):",
            *(f"    {x}" for x in ("g_weight, g_heard = weights[w], counts[w, u]", *lines)),
        ]

    def _integrated(self) -> Iterator[str]:
        """One step of the rates, by the classical Runge-Kutta method or forward Euler."""
        states, rates = self.table.integrated, self._assigned(self.table.rates)
        if not states:
            return
        if self.m.method == "euler":
            yield from (*rates, *(f"s_{s} = s_{s} + c_h*d_{s}" for s in states))
            return
        yield from (f"y_{s}, sum_{s} = s_{s}, 0.0" for s in states)
        yield "for stage in range(4):"
        yield from (f"    {line}" for line in rates)
        ways = [
            ("if stage == 0", "sum_{0} = d_{0}", "s_{0} = y_{0} + c_half*d_{0}"),
            ("elif stage == 1", "sum_{0} = sum_{0} + 2.0*d_{0}", "s_{0} = y_{0} + c_half*d_{0}"),
            ("elif stage == 2", "sum_{0} = sum_{0} + 2.0*d_{0}", "s_{0} = y_{0} + c_h*d_{0}"),
            ("else", "sum_{0} = sum_{0} + d_{0}", "s_{0} = y_{0} + c_sixth*sum_{0}"),
        ]
        for when, *changes in ways:
            yield f"    {when}:"
            yield from (f"        {change.format(s)}" for s in states for change in changes)
