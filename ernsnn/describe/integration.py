"""Integration of differential equations as statements of a step: the linear part exactly, the rest by a method."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ernsnn.describe.expressions import Expr, Name, Num, Op, Statement, names_in, substituted
from ernsnn.describe.kinds import Propagator
from ernsnn.describe.symbolic import ZERO, NoDerivative, add, derivative, linear_part, times
from ernsnn.errors import InvalidModel

METHODS = ("exact", "rk4", "exponential")


@dataclass(frozen=True)
class Integrated:
    """One step of all equations: ``constants`` and ``propagators`` that it needs, and its ``statements``."""

    constants: tuple[Statement, ...]
    propagators: tuple[Propagator, ...]
    statements: tuple[Statement, ...]


@dataclass(frozen=True)
class Equations:
    """d state/dt of every state, the names that ``shared`` expressions have in these, and what a step must know.

    ``fixed`` are the names that do not change during a run; ``held`` states stay where a neuron is not active.
    """

    kind: str
    slopes: Mapping[str, Expr]
    shared: Mapping[str, Expr]
    fixed: Collection[str]
    held: Collection[str]

    def alone(self, state: str) -> Expr:
        """d state/dt without shared names."""
        value = self.slopes[state]
        for name in reversed(list(self.shared)):
            value = substituted(value, {name: self.shared[name]})
        return value


def integrated(equations: Equations, method: str, substeps: int) -> Integrated:
    """The statements of one step. Raises InvalidModel where ``method`` is exact and the equations are not linear."""
    linear = _linear(equations)
    rest = [state for state in equations.slopes if state not in linear]
    if rest and method == "exact":
        raise InvalidModel(
            f"{equations.kind}: d{rest[0]}/dt is not linear, or has coefficients that change; choose method='rk4' or "
            "'exponential'"
        )
    if not rest:
        block = _Block(equations, linear, "", 1.0)
        return Integrated((), block.propagators, tuple(block.assigned()))
    half, whole = _Block(equations, linear, "half_", 0.5 / substeps), _Block(equations, linear, "", 1.0 / substeps)
    write = _rk4 if method == "rk4" else _exponential
    statements = [s for k in range(substeps) for s in write(equations, rest, half, whole, f"{k or ''}")]
    constants = tuple(Statement(n, Op("/", (Name("dt"), Num(d * substeps)))) for n, d in _STEPS.items())
    propagators = (*half.propagators, *whole.propagators) if linear else ()
    return Integrated(constants, propagators, tuple(statements))


_STEPS = {"substep_ms": 1.0, "half_substep_ms": 2.0, "sixth_substep_ms": 6.0}


def _linear(equations: Equations) -> dict[str, tuple[dict[str, Expr], Expr]]:
    """The largest set of states whose slopes are linear in these and read no others: state -> coefficients and rest."""
    alone = {state: equations.alone(state) for state in equations.slopes}
    chosen = list(alone)
    while True:
        parts = {}
        for state in chosen:
            part = linear_part(alone[state], list(alone))
            if part is None or not part[0].keys() <= set(chosen):
                continue
            coefficients = {name for slope in part[0].values() for name in names_in(slope)}
            if coefficients <= set(equations.fixed):
                parts[state] = part
        if len(parts) == len(chosen):
            return parts
        chosen = list(parts)


class _Block:
    """The linear states x of a kind over a ``share`` of a step: x -> P x + Q b for dx/dt = A x + b.

    P = exp(A h), and Q is its integral from 0 to h = ``share`` dt.
    """

    def __init__(
        self, equations: Equations, linear: Mapping[str, tuple[dict[str, Expr], Expr]], prefix: str, share: float
    ) -> None:
        self.linear, self.held = linear, [s for s in equations.held if s in linear]
        matrix = tuple(tuple(slopes.get(other, ZERO) for other in linear) for slopes, _ in linear.values())
        self.moving = Propagator(prefix, tuple(linear), matrix, share)
        # Where a neuron is not active its held states are constants that act on the others.
        stopped = tuple(
            tuple(ZERO for _ in row) if state in self.held else row for state, row in zip(linear, matrix, strict=True)
        )
        self.stopped = Propagator(f"{prefix}held_", tuple(linear), stopped, share)
        reached = {s for s in linear if s not in self.held and any(self.moving.acts(h, s) for h in self.held)}
        self.pulled = reached
        self.propagators = (self.moving, self.stopped) if reached else (self.moving,) if linear else ()

    def value(self, state: str, names: Mapping[str, Expr]) -> Expr:
        """The value of a state at the end, given those at the beginning."""
        moved = self._sum(self.moving, state, names, ())
        if state in self.held:
            return Op("if", (Name("active"), moved, names[state]))
        if state in self.pulled:
            return Op("if", (Name("active"), moved, self._sum(self.stopped, state, names, self.held)))
        return moved

    def _sum(self, p: Propagator, state: str, names: Mapping[str, Expr], without: Collection[str]) -> Expr:
        total: Expr = ZERO
        for other in self.linear:
            if p.acts(other, state):
                total = add(total, times(Name(p.factor(other, state)), names[other]))
        for other, (_, rest) in self.linear.items():
            if rest != ZERO and p.acts(other, state) and other not in without:
                total = add(total, times(Name(p.gain(other, state)), rest))
        return total

    def assigned(self) -> Iterator[Statement]:
        """All states at the end of the step, each from those at its beginning."""
        names = {state: Name(state) for state in self.linear}
        values = {s: self._sum(self.moving, s, names, ()) if s in self.held else self.value(s, names) for s in names}
        left = list(values)
        while left:
            # A state that no later assignment reads can be overwritten.
            free = next((s for s in left if not any(s in names_in(values[o]) for o in left if o != s)), None)
            if free is None:
                yield from (Statement(f"new_{s}", values[s]) for s in left)
                yield from (Statement(s, Name(f"new_{s}")) for s in left)
                return
            yield Statement(free, values[free])
            left.remove(free)


def _slopes(
    equations: Equations, rest: Sequence[str], names: Mapping[str, Expr], mark: str
) -> tuple[list[Statement], dict[str, Expr]]:
    """Statements of the shared names, and d state/dt of the states ``rest``, at the values ``names`` of all states."""
    statements, now = [], dict(names)
    for name, value in equations.shared.items():
        statements.append(Statement(f"{name}_at{mark}", substituted(value, now)))
        now[name] = Name(f"{name}_at{mark}")
    return statements, {
        state: _of_active(equations, state, substituted(equations.slopes[state], now)) for state in rest
    }


def _of_active(equations: Equations, state: str, slope: Expr) -> Expr:
    return Op("if", (Name("active"), slope, ZERO)) if state in equations.held else slope


def _rk4(equations: Equations, rest: Sequence[str], half: _Block, whole: _Block, substep: str) -> Iterator[Statement]:
    """The classical method of Runge and Kutta, of fourth order; linear states are exact at its three times."""
    begin: dict[str, Expr] = {state: Name(state) for state in equations.slopes}
    middle, end = dict(begin), dict(begin)
    for state in whole.linear:
        middle[state], end[state] = Name(f"{state}_middle{substep}"), Name(f"{state}_end{substep}")
        yield Statement(f"{state}_middle{substep}", half.value(state, begin))
        yield Statement(f"{state}_end{substep}", whole.value(state, begin))
    stages = ((begin, ""), (middle, "half_substep_ms"), (middle, "half_substep_ms"), (end, "substep_ms"))
    slopes: list[dict[str, Expr]] = []
    for k, (linear, length) in enumerate(stages, 1):
        now = dict(linear)
        for state in rest if slopes else ():
            now[state] = at = Name(f"{state}_at{substep}_{k}")
            yield Statement(at.id, add(Name(state), times(Name(length), slopes[-1][state])))
        statements, values = _slopes(equations, rest, now, f"{substep}_{k}")
        yield from statements
        yield from (Statement(f"slope{substep}_{k}_{state}", value) for state, value in values.items())
        slopes.append({state: Name(f"slope{substep}_{k}_{state}") for state in rest})
    for state in rest:
        a, b, c, d = (slope[state] for slope in slopes)
        total = add(add(a, times(Num(2.0), add(b, c))), d)
        yield Statement(state, add(Name(state), times(Name("sixth_substep_ms"), total)))
    yield from (Statement(state, end[state]) for state in whole.linear)


def _exponential(
    equations: Equations, rest: Sequence[str], half: _Block, whole: _Block, substep: str
) -> Iterator[Statement]:
    """x + h f exprel(h df/dx) of each state, the others taken as constant; linear states at the middle of the step."""
    begin: dict[str, Expr] = {state: Name(state) for state in equations.slopes}
    now = dict(begin)
    for state in whole.linear:
        now[state] = Name(f"{state}_middle{substep}")
        yield Statement(f"{state}_middle{substep}", half.value(state, begin))
        yield Statement(f"{state}_end{substep}", whole.value(state, begin))
    for state in rest:
        slope = equations.alone(state)
        try:
            steep = derivative(slope, state)
        except NoDerivative as error:
            message = f"{equations.kind}: d{state}/dt has no derivative by {state}, for it has {error} of it"
            raise InvalidModel(f"{message}; choose method='rk4'") from None
        h = Name("substep_ms")
        moved = times(times(h, substituted(slope, now)), Op("exprel", (times(h, substituted(steep, now)),)))
        yield Statement(f"{state}_end{substep}", add(Name(state), _of_active(equations, state, moved)))
    yield from (Statement(state, Name(f"{state}_end{substep}")) for state in (*rest, *whole.linear))
