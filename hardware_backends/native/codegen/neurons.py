"""Kernels of neurons, written from the table of their kind: stage 2 of the step, in float64 or float32.

A kernel advances neurons piece by piece, each over all steps of a window, so that their state stays in the first cache.
A step is one loop over the neurons of a piece, which LLVM vectorises: their numbers lie a constant distance apart in
one array, so that nothing has to be proved about overlaps. Neurons that spike are reset outside this loop, as they are
few.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ernsnn.describe.expressions import Expr, Statement, names_in, printed
from ernsnn.describe.kinds import CHANGEABLE, Kind, Table
from ernsnn.graph.streams import MODULI, MULTIPLIERS

from ...machine_code import Kernel
from ..kernels import arithmetic, arithmetic32
from ..kernels.jit import load

TINY = 1e-300  # what has decayed below is set to 0: numbers near the smallest there is take a hundred times as long
TINY_32 = 1e-30
"""The same for neurons in float32."""
LANES = 256
"""Neurons whose numbers lie together: (tile, row, lane) is the layout of all state and constants."""
IDLE, ACTIVE, SPIKES = 0.0, 1.0, 2.0
"""Flags of a neuron in this step: ``ACTIVE`` if it is not refractory, ``SPIKES`` if it also spikes, else ``IDLE``."""
LANGUAGE = {"and": "{0} & {1}", "or": "{0} | {1}", "floor": "np.floor({0})", "ceil": "np.ceil({0})"}
LANGUAGE |= {"sqrt": "np.sqrt({0})", "**": "power({0}, {1})"}
_TOGETHER = 64
"""So many flags are counted together, as few neurons spike."""
_FLUSHED_EVERY = 64
"""Steps, a power of 2, after which currents below ``TINY`` are set to 0."""
_DRAWN = {
    "normal": "np.sqrt(-2.0*log({0}/{2!r}))*cos({4!r}*({1}/{3!r}))",
    "uniform": "({0} - {1} + ({2!r} - 1.0 if {0} - {1} < 1.0 else 0.0))/{2!r}",
}
"""A random number of the two states of its stream and the two moduli; see ``graph.streams``."""
TWO_PI = 2 * np.pi


@dataclass(frozen=True)
class Rows:
    """The rows of neurons with the same equations: what a kernel finds where.

    Of ``constants``, ``own`` are parameters that a run may change, and what only neurons that spike need; ``shared``
    those of all neurons, which many of them have in common. ``drawn`` are the random numbers that a step reads: each
    has the two states of its stream, and the number itself.
    """

    states: tuple[str, ...]
    receptors: tuple[str, ...]
    changeable: tuple[str, ...]
    own: tuple[str, ...]
    shared: tuple[str, ...]
    drawn: tuple[str, ...]
    rounded: tuple[str, ...]

    @property
    def constants(self) -> tuple[str, ...]:
        """Both, in their order."""
        return (*self.own, *self.shared)

    @property
    def fixed(self) -> tuple[str, ...]:
        """The rows that a step only reads: constants, and what is added to those that are ``changeable``."""
        return (*self.constants, *(f"shift of {name}" for name in self.changeable))

    @property
    def cells(self) -> tuple[str, ...]:
        """The rows that a step changes."""
        streams = (f"{name}{part}" for name in self.drawn for part in (" 0", " 1", ""))
        return (*self.states, "countdown", "flag", *streams, *(f"in {name}" for name in self.rounded))


@functools.cache
def rows(kind: Kind, equations: Table, single: bool) -> Rows:
    """Where a kernel of these equations finds its numbers, which are float32 if ``single``."""
    parameters = {p.name for p in kind.parameters}
    fixed = {*parameters, *equations.constant_names, "dt"} - set(CHANGEABLE)
    looped = {n for s in (*equations.before, *equations.after) for n in names_in(s.value)}
    looped |= set(names_in(equations.spike)) if equations.spike is not None else set()
    at_spikes = {n for s in equations.reset for n in names_in(s.value)}
    changeable = tuple(name for name in CHANGEABLE if name in parameters)
    receptors = tuple(r.name for r in kind.receptors)
    return Rows(
        states=tuple(s.name for s in kind.states),
        receptors=receptors,
        changeable=changeable,
        own=(*changeable, "n_ref", *sorted(at_spikes & fixed - looped)),
        shared=tuple(sorted(looped & fixed)),
        drawn=tuple(name for name in ("normal", "uniform") if name in equations.names),
        rounded=receptors if single else (),
    )


@functools.cache
def advance(kind: Kind, equations: Table, alike: bool, shifted: bool, single: bool) -> Kernel:
    """The kernel that advances neurons with these equations; its parameters are those of ``_HEAD``.

    ``alike``: neurons of a piece have equal ``shared`` constants; ``shifted``: something adds to ``changeable`` ones;
    ``single``: their numbers are float32, but for what arrives.
    """
    functions = arithmetic32.FUNCTIONS if single else arithmetic.FUNCTIONS
    return load(_Writer(kind, equations, alike, shifted, single).text(), functions)["advance"]


_HEAD = '''\
def advance(cells, fixed, pieces, shares, ring, emitted, a, b, worker):
    """Steps ``a`` to ``b`` (exclusive): takes what arrives from ``ring``, where nothing remains, and emits spikes.

    A piece: the first of its cells, of its fixed rows, how many neurons they are, and the first among all neurons.
    Those of a worker are ``shares[worker]`` to ``shares[worker + 1]``.
    """
    n_emitted = emitted.first[worker] + emitted.counts[worker]
    for piece in range(shares[worker], shares[worker + 1]):
        cell, fix = np.uint64(pieces[piece, 0]), np.uint64(pieces[piece, 1])
        m, first = np.uint64(pieces[piece, 2]), pieces[piece, 3]
'''
_STEP = """\
        for t in range(a, b):
            slot = t % ring.length * ring.span + first
"""
_TAIL = """\
    emitted.counts[worker] = n_emitted - emitted.first[worker]
    return 0
"""


class _Writer:
    def __init__(self, kind: Kind, equations: Table, alike: bool, shifted: bool, single: bool) -> None:
        self.kind, self.equations, self.alike, self.shifted = kind, equations, alike, shifted
        self.real = "np.float32" if single else ""
        # Numbers of the text are float64 unless they say otherwise, and so would be what is computed with them.
        idle, active, spikes = map(self._number, (IDLE, ACTIVE, SPIKES))
        self.idle, self.active, self.spikes = idle, active, spikes
        self.zero, self.one, self.tiny = map(self._number, (0.0, 1.0, TINY_32 if single else TINY))
        self.rows = rows(kind, equations, single)
        self.synaptic = {
            s.target
            for s in equations.statements
            if s.target in self.rows.states and s.target not in kind.held and self._arriving([s.value])
        }

    def text(self) -> str:
        """The module that has the kernel."""
        before, after = self.equations.before, self.equations.after
        if self._after_follows_at_once():
            lines = [*self._loop(before, after, first=True), *self._fire()]
        else:
            lines = [*self._loop(before, (), first=True), *self._fire(), *self._loop((), after, first=False)]
        lines = [*self._take(), *lines, *self._empty(), *self._flush()]
        head = [*self._offsets(), *self._scalars()]
        return "".join((_HEAD, *(f"        {h}\n" for h in head), _STEP, *(f"            {x}\n" for x in lines), _TAIL))

    # Names: s_ the state of one neuron, c_ constants, r_ and f_ where rows begin, a_ what arrives, t_ all others

    def _offsets(self) -> Iterator[str]:
        yield from (f"r_{k} = np.uint64({k * LANES})" for k in range(len(self.rows.cells)))
        yield from (f"f_{k} = np.uint64({k * LANES})" for k in range(len(self.rows.fixed)))

    def _scalars(self) -> Iterator[str]:
        if self.alike:
            yield from (f"c_{name} = {self._fixed(name)[:-5]}]" for name in self.rows.shared)

    def _arrival(self, receptor: int) -> str:
        return f"ring.values[a_{receptor} + i]"

    def _cell(self, name: str) -> str:
        return f"cells[cell + r_{self.rows.cells.index(name)} + i]"

    def _fixed(self, name: str) -> str:
        return f"fixed[fix + f_{self.rows.fixed.index(name)} + i]"

    def _name(self, name: str) -> str:
        if name in self.rows.changeable:
            own = self._fixed(name)
            return f"({own} + {self._fixed(f'shift of {name}')})" if self.shifted else own
        if name in self.rows.constants:
            return f"c_{name}" if self.alike and name in self.rows.shared else self._fixed(name)
        if name.startswith("in_"):
            receptor = name[3:]
            rounded = receptor in self.rows.rounded
            return self._cell(f"in {receptor}") if rounded else self._arrival(self.rows.receptors.index(receptor))
        given = {"active": "active", "free": "free", "spiking": "spikes", "normal": "normal", "uniform": "uniform"}
        return given.get(name, f"{'s' if name in self.rows.states else 't'}_{name}")

    def _number(self, value: float) -> str:
        return f"{self.real}({value!r})" if self.real else repr(value)

    def _print(self, value: Expr) -> str:
        return printed(value, LANGUAGE, self._name, self._number)

    def _arriving(self, values: Iterable[Expr]) -> list[str]:
        read = {name for value in values for name in names_in(value)}
        return [r for r in self.rows.receptors if f"in_{r}" in read]

    def _after_follows_at_once(self) -> bool:
        """Whether ``after`` has nothing to do with ``reset``, so that one loop does for both."""
        after, reset = self.equations.after, self.equations.reset
        touched = {s.target for s in reset} | {n for s in reset for n in names_in(s.value)}
        read = {n for s in after for n in names_in(s.value)}
        return not (touched & {s.target for s in after} or {"free", *(s.target for s in reset)} & read)

    def _loop(self, before: Sequence[Statement], after: Sequence[Statement], first: bool) -> Iterator[str]:
        """Statements ``before`` the test of who spikes, the test if it is the ``first`` loop, and those ``after``."""
        if not after and not first:
            return
        spike, part = self.equations.spike if first else None, [*before, *after]
        read = {n for s in part for n in names_in(s.value)} | {s.target for s in part}
        read |= set(names_in(spike)) if spike is not None else set()
        for k, name in enumerate(self.rows.receptors):
            if name not in self.rows.rounded:
                yield f"a_{k} = np.uint64(slot + {k}*ring.stride)"
        yield "n_spiking = np.int32(0)"
        yield "for i in range(m):"
        if first:
            yield f"    waits = {self._cell('countdown')}"
            yield f"    active = waits <= {self.zero}"
        else:
            yield f"    flag = {self._cell('flag')}"
            yield f"    active, spikes = flag > {self.idle}, flag == {self.spikes}"
            yield f"    free = {self._cell('countdown')} <= {self.zero}"
        yield from (f"    {line}" for name in self.rows.drawn for line in self._draw(name, first))
        states = [name for name in self.rows.states if name in read]
        yield from (f"    s_{name} = {self._cell(name)}" for name in states)
        for s in before:
            stays = f" if active else {self._name(s.target)}" if s.target in self.kind.held else ""
            yield f"    {self._name(s.target)} = {self._print(s.value)}{stays}"
        if first:
            test = f"active & ({self._print(spike)})" if spike is not None else f"waits < {self.zero}"
            yield f"    spikes = {test}"
            yield "    n_spiking = np.int32(n_spiking + spikes)"
            yield f"    {self._cell('flag')} = {self.spikes} if spikes else ({self.active} if active else {self.idle})"
            yield f"    {self._cell('countdown')} = max(waits - {self.one}, {self.zero})"
        yield from (f"    {self._name(s.target)} = {self._print(s.value)}" for s in after)
        changed = dict.fromkeys(s.target for s in part if s.target in self.rows.states)
        yield from (f"    {self._cell(name)} = s_{name}" for name in changed)

    def _draw(self, name: str, first: bool) -> Iterator[str]:
        """A random number of this step, as ``graph.streams`` computes it."""
        if not first:
            yield f"{name} = {self._cell(name)}"
            return
        for k, (multiplier, modulus) in enumerate(zip(MULTIPLIERS, MODULI, strict=True)):
            yield f"product = {multiplier!r}*{self._cell(f'{name} {k}')}"
            yield f"rest = product - np.floor(product*{1.0 / modulus!r})*{modulus!r}"
            yield f"rest = rest - {modulus!r} if rest >= {modulus!r} else rest"
            yield f"z_{k} = rest + {modulus!r} if rest < 0.0 else rest"
            yield f"{self._cell(f'{name} {k}')} = z_{k}"
        yield f"{name} = {_DRAWN[name].format('z_0', 'z_1', *MODULI, TWO_PI)}"
        yield f"{self._cell(name)} = {name}"

    def _fire(self) -> Iterator[str]:
        """The neurons that spike are reset, and listed."""
        if self.equations.spike is None:
            return
        in_reset = {n for s in self.equations.reset for n in (*names_in(s.value), s.target)}
        states = [name for name in self.rows.states if name in in_reset]
        yield "if n_spiking:"
        yield f"    for begin in range(np.uint64(0), m, np.uint64({_TOGETHER})):"
        yield f"        end = min(begin + np.uint64({_TOGETHER}), m)"
        yield "        n_here = np.int32(0)"
        yield "        for i in range(begin, end):"
        yield f"            n_here = np.int32(n_here + ({self._cell('flag')} == {self.spikes}))"
        yield "        if n_here == 0:"
        yield "            continue"
        yield "        for i in range(begin, end):"
        yield f"            if {self._cell('flag')} == {self.spikes}:"
        for line in (
            *(f"{name} = {self._cell(name)}" for name in self.rows.drawn if name in in_reset),
            *(f"s_{name} = {self._cell(name)}" for name in states),
            *(f"{self._name(s.target)} = {self._print(s.value)}" for s in self.equations.reset),
            *(f"{self._cell(name)} = s_{name}" for name in states),
            f"{self._cell('countdown')} = {self._fixed('n_ref')}",
            "emitted.step[n_emitted] = t",
            "emitted.neuron[n_emitted] = first + np.int64(i)",
            "n_emitted += 1",
        ):
            yield f"                {line}"

    def _take(self) -> Iterator[str]:
        """What arrives is rounded, where it is, and nothing remains."""
        for name in self.rows.rounded:
            k = self.rows.receptors.index(name)
            yield f"a_{k} = np.uint64(slot + {k}*ring.stride)"
            yield "for i in range(m):"
            yield f"    {self._cell(f'in {name}')} = {self._arrival(k)}"
            yield f"    {self._arrival(k)} = 0.0"

    def _empty(self) -> Iterator[str]:
        for k, name in enumerate(self.rows.receptors):
            if name not in self.rows.rounded:
                yield f"a_{k} = np.uint64(slot + {k}*ring.stride)"
                yield "for i in range(m):"
                yield f"    {self._arrival(k)} = 0.0"

    def _flush(self) -> Iterator[str]:
        if self.synaptic:
            yield f"if t % {_FLUSHED_EVERY} == 0:"
            yield "    for i in range(m):"
            for name in sorted(self.synaptic):
                yield f"        s_{name} = {self._cell(name)}"
                yield f"        {self._cell(name)} = s_{name} if abs(s_{name}) > {self.tiny} else {self.zero}"
