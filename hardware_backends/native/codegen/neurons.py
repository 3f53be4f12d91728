"""Kernels of neurons, written from the table of their kind: stage 2 of the step, in float64 whatever the precision.

Each assignment of the table becomes a loop over neurons of its own, unless it shares intermediate values with the next:
LLVM vectorises such loops, which it does not do with one loop over all arrays.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ernsnn.describe.expressions import Expr, Statement, names_in, printed
from ernsnn.describe.kinds import CHANGEABLE, Kind, Table

from ..kernels.arithmetic import FUNCTIONS
from ..kernels.jit import Kernel, load

TINY = 1e-300  # what has decayed below is set to 0: numbers near the smallest there is take a hundred times as long
ACTIVE, SPIKES = 1, 2
"""Flags of a neuron in this step: ``ACTIVE`` if it is not refractory, ``SPIKES`` if it also spikes, else 0."""
_TOGETHER = 64
"""So many flags are looked at together, as few neurons spike."""
LANGUAGE = {"and": "{0} & {1}", "or": "{0} | {1}", "floor": "np.floor({0})", "ceil": "np.ceil({0})"}
LANGUAGE |= {"sqrt": "np.sqrt({0})", "**": "power({0}, {1})"}


@dataclass(frozen=True)
class Rows:
    """The rows of a group of neurons with the same equations: what a kernel finds where.

    ``own`` are the constants that are read one by one: parameters that a run may change, and what only neurons that
    spike need; ``shared`` those of loops over neurons, which many neurons have in common.
    """

    states: tuple[str, ...]
    receptors: tuple[str, ...]
    changeable: tuple[str, ...]
    own: tuple[str, ...]
    shared: tuple[str, ...]

    @property
    def constants(self) -> tuple[str, ...]:
        """Both, in their order."""
        return (*self.own, *self.shared)


def rows(kind: Kind, equations: Table) -> Rows:
    """Where a kernel of these equations finds its numbers."""
    parameters = {p.name for p in kind.parameters}
    fixed = {*parameters, *equations.constant_names, "dt"} - set(CHANGEABLE)
    looped = {n for s in (*equations.before, *equations.after) for n in names_in(s.value)}
    looped |= set(names_in(equations.spike)) if equations.spike is not None else set()
    at_spikes = {n for s in equations.reset for n in names_in(s.value)}
    changeable = tuple(name for name in CHANGEABLE if name in parameters)
    return Rows(
        states=tuple(s.name for s in kind.states),
        receptors=tuple(r.name for r in kind.receptors),
        changeable=changeable,
        own=(*changeable, "n_ref", *sorted(at_spikes & fixed - looped)),
        shared=tuple(sorted(looped & fixed)),
    )


@functools.cache
def advance(kind: Kind, equations: Table, alike: bool, shifted: bool) -> Kernel:
    """The kernel that advances neurons with these equations by a step; its parameters are those of ``_HEAD``.

    ``alike``: all neurons of a run have equal ``shared`` constants; ``shifted``: something adds to ``changeable`` ones.
    """
    return load(_Writer(kind, equations, alike, shifted).text(), FUNCTIONS)["advance"]


_HEAD = '''\
def advance(state, countdown, constants, flags, runs, ring, shift, normal, uniform, spiking, bounds, cuts, slot):
    """One step; returns how many neurons spike, which are then first in ``spiking``.

    Neurons ``runs[k, 0]`` to ``runs[k, 1]`` (exclusive) are computed together. ``ring[slot]`` (receptors, n) holds what
    arrives, for these from ``runs[k, 2]`` on, and is emptied; ``shift`` (changeable, n) is added to parameters. The
    spikes of the population from neuron ``bounds[k]`` to ``bounds[k + 1]`` are those from ``cuts[k]`` to
    ``cuts[k + 1]``.
    """
    n_spiking = 0
    for r in range(len(runs)):
        a, b, first = runs[r, 0], runs[r, 1], runs[r, 2]
        m = b - a
        countdowns, flag = countdown[a:b], flags[a:b]
        normals, uniforms = normal[a:b], uniform[a:b]
'''
_TAIL = """\
    n = 0
    for population in range(len(bounds)):
        while n < n_spiking and spiking[n] < bounds[population]:
            n += 1
        cuts[population] = n
    return n_spiking
"""


class _Writer:
    def __init__(self, kind: Kind, equations: Table, alike: bool, shifted: bool) -> None:
        self.kind, self.equations, self.alike, self.shifted = kind, equations, alike, shifted
        self.rows = rows(kind, equations)
        self.synaptic = {
            s.target
            for s in equations.statements
            if s.target in self.rows.states and s.target not in kind.held and self._arriving([s.value])
        }

    def text(self) -> str:
        """The module that has the kernel."""
        lines = [*self._bound(), *self._loops(self.equations.before, self.equations.spike), *self._fire()]
        lines += self._loops(self.equations.after, None)
        return _HEAD + "".join(f"        {line}\n" for line in lines) + _TAIL

    # Names: x_ arrays of states, s_ the state of one neuron, c_ constants, a_ what arrives, t_ intermediate values

    def _name(self, name: str) -> str:
        if name in self.rows.states:
            return f"s_{name}"
        if name in self.rows.changeable:
            k = self.rows.changeable.index(name)
            return f"(c_{name}[i] + shift{k}[i])" if self.shifted else f"c_{name}[i]"
        if name in self.rows.shared:
            return f"c_{name}" if self.alike else f"c_{name}[i]"
        if name in self.rows.own:
            return f"c_{name}[i]"
        if name.startswith("in_"):
            return f"a_{name[3:]}[i]"
        given = {
            "active": "active",
            "free": "free",
            "spiking": "spikes",
            "normal": "normals[i]",
            "uniform": "uniforms[i]",
        }
        return given.get(name, f"t_{name}")

    def _print(self, value: Expr) -> str:
        return printed(value, LANGUAGE, self._name)

    def _arriving(self, values: Iterable[Expr]) -> list[str]:
        read = {name for value in values for name in names_in(value)}
        return [r for r in self.rows.receptors if f"in_{r}" in read]

    def _bound(self) -> Iterator[str]:
        """Names of the parts of arrays that a run is about."""
        yield from (f"x_{name} = state[{k}, a:b]" for k, name in enumerate(self.rows.states))
        yield from (f"a_{r} = ring[slot, {k}, first : first + m]" for k, r in enumerate(self.rows.receptors))
        yield from (f"c_{name} = constants[{k}, a:b]" for k, name in enumerate(self.rows.own))
        for k, name in enumerate(self.rows.shared, len(self.rows.own)):
            yield f"c_{name} = constants[{k}, {'a' if self.alike else 'a:b'}]"
        if self.shifted:
            yield from (f"shift{k} = shift[{k}, a:b]" for k in range(len(self.rows.changeable)))

    def _loops(self, statements: Sequence[Statement], spike: Expr | None) -> Iterator[str]:
        """The loops of one part of a step; the last of ``before`` also finds who spikes."""
        last = statements is self.equations.before
        parts = list(self._parts(statements, spike))
        if last and (not parts or not self._shares(parts[-1], spike)):
            parts.append([])
        # What arrives is emptied in the loop that reads it last; what ``after`` reads, not before.
        kept = self._arriving(s.value for s in self.equations.after) if last else []
        for k, part in enumerate(parts):
            later = [s.value for others in parts[k + 1 :] for s in others]
            values = [s.value for s in part]
            emptied = [r for r in self._arriving(values) if r not in (*kept, *self._arriving(later))]
            yield from self._loop(part, emptied, self._spikes(spike) if last and k == len(parts) - 1 else [])
        if not last:
            unread = set(self.rows.receptors) - set(self._arriving(s.value for s in self.equations.statements))
            for r in sorted(unread):
                yield f"a_{r}[:] = 0.0"

    def _shares(self, part: Sequence[Statement], spike: Expr | None) -> bool:
        local = {s.target for s in part} - set(self.rows.states)
        return spike is not None and bool(local & set(names_in(spike)))

    def _parts(self, statements: Sequence[Statement], spike: Expr | None) -> Iterator[list[Statement]]:
        """Statements that need one another's intermediate values, or assign to the same state in turn, together."""
        part: list[Statement] = []
        for k, s in enumerate(statements):
            part.append(s)
            later = {n for other in statements[k + 1 :] for n in names_in(other.value)}
            later |= set(names_in(spike)) if spike is not None else set()
            local = {p.target for p in part} - set(self.rows.states)
            follows = k + 1 < len(statements) and statements[k + 1].target == s.target
            if not local & later and not follows:
                yield part
                part = []
        if part:
            yield part

    def _loop(self, part: Sequence[Statement], emptied: Sequence[str], spikes: Sequence[str]) -> Iterator[str]:
        yield "for i in range(m):" if not spikes else "n = 0"
        if spikes:
            yield "for i in range(m):"
        read = {n for s in part for n in names_in(s.value)} | {s.target for s in part}
        if spikes and self.equations.spike is not None:
            read |= set(names_in(self.equations.spike))
        held = [s.target for s in part if s.target in self.kind.held]
        if held or spikes or "active" in read:
            yield "    active = " + ("countdowns[i] <= 0" if not self._after(part) else "flag[i] != 0")
        if "free" in read:
            yield "    free = countdowns[i] <= 0"
        if "spiking" in read:
            yield f"    spikes = flag[i] == {SPIKES}"
        states = [name for name in self.rows.states if name in read]
        yield from (f"    s_{name} = x_{name}[i]" for name in states)
        yield from (f"    {line}" for k, s in enumerate(part) for line in self._assign(s, part[k + 1 : k + 2]))
        changed = dict.fromkeys(s.target for s in part if s.target in self.rows.states)
        yield from (f"    x_{name}[i] = s_{name}" for name in changed)
        yield from (f"    a_{r}[i] = 0.0" for r in emptied)
        yield from (f"    {line}" for line in spikes)

    def _after(self, part: Sequence[Statement]) -> bool:
        return any(s is other for s in part for other in self.equations.after)

    def _assign(self, s: Statement, following: Sequence[Statement]) -> Iterator[str]:
        value = self._print(s.value)
        if s.target not in self.rows.states:
            yield f"t_{s.target} = {value}"
        elif s.target in self.kind.held and not self._after([s]):
            # Of several in turn, those in between are told from the state that may stay.
            yield f"s_{s.target} = {value} if active else s_{s.target}"
        elif s.target in self.synaptic:
            yield f"s_{s.target} = {value}"
            yield f"s_{s.target} = s_{s.target} if abs(s_{s.target}) > {TINY!r} else 0.0"
        else:
            yield f"s_{s.target} = {value}"

    def _spikes(self, spike: Expr | None) -> list[str]:
        """Refractory neurons count down; flags say who is active and who spikes."""
        found = f"active & ({self._print(spike)})" if spike is not None else "False"
        counted = "countdowns[i] = max(countdowns[i] - 1, 0)"
        return [f"spikes = {found}", counted, "flag[i] = active + spikes", "n += spikes"]

    def _fire(self) -> Iterator[str]:
        """The neurons that spike are reset, and listed."""
        if self.equations.spike is None:
            return
        yield "if n:"
        yield f"    for begin in range(0, m, {_TOGETHER}):"
        yield f"        end = min(begin + {_TOGETHER}, m)"
        yield "        seen = np.int8(0)"
        yield "        for i in range(begin, end):"
        yield "            seen |= flag[i]"
        yield f"        if seen < {SPIKES}:"
        yield "            continue"
        yield "        for i in range(begin, end):"
        yield f"            if flag[i] == {SPIKES}:"
        states = [name for name in self.rows.states if name in self._in_reset()]
        for line in (
            *(f"s_{name} = x_{name}[i]" for name in states),
            *(line for s in self.equations.reset for line in self._reset(s)),
            *(f"x_{name}[i] = s_{name}" for name in states),
            "countdowns[i] = np.int32(c_n_ref[i])",
            "spiking[n_spiking] = a + i",
            "n_spiking += 1",
        ):
            yield f"                {line}"

    def _in_reset(self) -> set[str]:
        return {n for s in self.equations.reset for n in (*names_in(s.value), s.target)}

    def _reset(self, s: Statement) -> Iterator[str]:
        yield f"{'s_' if s.target in self.rows.states else 't_'}{s.target} = {self._print(s.value)}"
