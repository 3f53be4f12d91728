"""Kinds of neurons as tables of equations, which backends evaluate, print in their own language, or refuse by name.

A step of any kind: the statements ``before``; refractory neurons count down; ``spiking`` is ``active and spike``; the
statements ``reset`` where it spikes; the statements ``after``. Statements of ``before`` that assign a ``held`` state
act only where a neuron is ``active``, which is to say not refractory. Units are coherent (ms, mV, nA, nF, uS, MOhm),
so that no equation needs a factor.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Literal

from ernsnn.describe.expressions import (
    Expr,
    Name,
    Num,
    Op,
    Statement,
    check_expression,
    is_truth,
    names_in,
    parse_expression,
    parse_statements,
    printed,
)
from ernsnn.describe.judge import Judge
from ernsnn.errors import InvalidModel

GIVEN = ("dt", "active", "free", "spiking", "normal", "uniform")
"""Names that a step provides beside ``in_<receptor>``, the sum of arriving weights.

``dt`` in ms; ``active``: not refractory in this step; ``free``: not after the reset either; ``spiking``; ``normal``
and ``uniform``: one random number of ``graph.streams`` a neuron and step.
"""
CHANGEABLE = ("v_threshold_mV", "i_offset_nA")
"""Parameters that a run may change if a kind has them, by injection, modulation and intrinsic plasticity: no constant
depends on them."""


RECEPTORS = {"excitatory": "E", "inhibitory": "I", "signed": "E"}
"""Words for the two receptors that most kinds have; a signed one takes weights of both signs."""


@dataclass(frozen=True)
class Parameter:
    """A parameter of a kind.

    Values are >= ``low``, if it has one, or > ``low`` where that is ``excluded``. It may be left out if it is
    ``optional``, or if it ``follows`` another, whose value it then has.
    """

    name: str
    low: float | None = None
    excluded: bool = False
    optional: bool = False
    follows: str = ""


@dataclass(frozen=True)
class State:
    """A variable of each neuron: its value before the first step, and the name under which probes record it, if any."""

    name: str
    initial: Expr
    probe: str = ""


@dataclass(frozen=True)
class Receptor:
    """A receptor of synapses: the unit of a weight, and whether it may be negative."""

    name: str
    unit: Literal["nA", "mV", "uS"]
    negative: bool = True


@dataclass(frozen=True)
class Requirement:
    """A ``condition`` on parameters, and the reason for it.

    It is not checked where one of its parameters is not given.
    """

    condition: Expr
    why: str

    @property
    def names(self) -> set[str]:
        """The parameters that it is about."""
        return set(names_in(self.condition))


@dataclass(frozen=True)
class Propagator:
    """Linear equations dx/dt = A x + b over a ``share`` of dt: exp(A h), and its integral, by which b acts.

    ``matrix`` is A, of constants and parameters. ``factor`` and ``gain`` name the constants that result.
    """

    prefix: str
    states: tuple[str, ...]
    matrix: tuple[tuple[Expr, ...], ...]
    share: float = 1.0

    def acts(self, one: str, other: str) -> bool:
        """Whether the state ``one`` has an effect on ``other``, by itself or through others."""
        return other in self._reached(one)

    def _reached(self, one: str) -> set[str]:
        reached, new = {one}, [one]
        while new:
            k = self.states.index(new.pop())
            for state, row in zip(self.states, self.matrix, strict=True):
                if row[k] != Num(0.0) and state not in reached:
                    reached.add(state)
                    new.append(state)
        return reached

    def factor(self, one: str, other: str) -> str:
        """The name of the constant by which ``one`` acts on ``other``."""
        return f"{self.prefix}P_{other}" if one == other else f"{self.prefix}P_{other}_{one}"

    def gain(self, one: str, other: str) -> str:
        """The name of the constant by which the part of d ``one``/dt without states acts on ``other``."""
        return f"{self.prefix}Q_{other}" if one == other else f"{self.prefix}Q_{other}_{one}"

    @property
    def names(self) -> list[str]:
        """The names of all these constants."""
        pairs = [(one, other) for one in self.states for other in self.states if self.acts(one, other)]
        return [name(*pair) for pair in pairs for name in (self.factor, self.gain)]


@dataclass(frozen=True)
class Table:
    """The equations of a kind for one way of integrating: ``constants`` from parameters and dt, and a step."""

    constants: tuple[Statement, ...]
    before: tuple[Statement, ...]
    spike: Expr | None
    reset: tuple[Statement, ...]
    after: tuple[Statement, ...]
    propagators: tuple[Propagator, ...] = ()

    @property
    def constant_names(self) -> list[str]:
        """The names of all constants."""
        return [*(s.target for s in self.constants), *(name for p in self.propagators for name in p.names)]

    @property
    def statements(self) -> Iterator[Statement]:
        """All statements of a step."""
        yield from (*self.before, *self.reset, *self.after)

    @property
    def names(self) -> set[str]:
        """All names that a step reads."""
        names = {name for s in self.statements for name in names_in(s.value)}
        return names | set(names_in(self.spike) if self.spike is not None else ())


@dataclass(frozen=True)
class Kind:
    """A kind of neuron. ``exact`` and ``step_average`` are its tables for these two ``current_integration``.

    ``held`` are the states that stay while a neuron is refractory, which it is for ceil(``refractory``/dt) steps after
    a spike, ``refractory`` being a parameter or "".
    """

    name: str
    parameters: tuple[Parameter, ...]
    states: tuple[State, ...]
    receptors: tuple[Receptor, ...]
    exact: Table
    step_average: Table | None = None
    held: tuple[str, ...] = ("V",)
    refractory: str = "tau_refrac_ms"
    requirements: tuple[Requirement, ...] = ()
    version: int = 1
    """The version of the equations of a kind of the library."""

    def __post_init__(self) -> None:
        _check_names(self)
        for table in (self.exact, self.step_average):
            if table is not None:
                _check(self, table)

    def __hash__(self) -> int:
        return hash((self.name, self.states, self.receptors))

    def table(self, current_integration: str) -> Table:
        """The equations under ``current_integration``. Raises InvalidModel where the kind has none."""
        table = self.exact if current_integration == "exact" else self.step_average
        if table is None:
            raise InvalidModel(f"{self.name} has no currents to average; use current_integration='exact'")
        return table

    def given(self, current_integration: str, parameters: Iterable[str]) -> Table:
        """The equations of neurons with these ``parameters``, without statements that need others."""
        return _given(self, current_integration, frozenset(parameters))

    @property
    def probes(self) -> dict[str, str]:
        """Name of a probe -> the state that it records."""
        return {state.probe: state.name for state in self.states if state.probe}

    @property
    def optional(self) -> set[str]:
        """The parameters that may be left out."""
        return {p.name for p in self.parameters if p.optional}

    @property
    def words(self) -> list[str]:
        """The words by which projections name receptors."""
        names = [r.name for r in self.receptors]
        return [
            *(word for word, name in RECEPTORS.items() if name in names),
            *(n for n in names if n not in ("E", "I")),
        ]

    def receptor(self, name: str) -> Receptor:
        """The receptor that one of ``words`` names."""
        return next(r for r in self.receptors if r.name == RECEPTORS.get(name, name))


@cache
def _given(kind: Kind, current_integration: str, parameters: frozenset[str]) -> Table:
    table = kind.table(current_integration)

    def kept(statements: Iterable[Statement]) -> tuple[Statement, ...]:
        return tuple(s for s in statements if not s.needs or s.needs in parameters)

    return Table(
        constants=kept(table.constants),
        before=kept(table.before),
        spike=table.spike,
        reset=kept(table.reset),
        after=kept(table.after),
        propagators=table.propagators,
    )


def _check_names(kind: Kind) -> None:
    """Raise InvalidModel on names and expressions that cannot stand in a program."""
    judge = Judge(kind.name)
    names = [*(p.name for p in kind.parameters), *(s.name for s in kind.states), *(r.name for r in kind.receptors)]
    names += [state.probe or "V" for state in kind.states]
    values: list[Expr] = []
    for table in (kind.exact, kind.step_average):
        if table is not None:
            statements = (*table.constants, *table.statements)
            names += [name for s in statements for name in (s.target, s.needs or "V")]
            names += [f"p{p.prefix}" for p in table.propagators] + [s for p in table.propagators for s in p.states]
            values += [s.value for s in statements] + [v for p in table.propagators for row in p.matrix for v in row]
            values += [] if table.spike is None else [table.spike]
            if any(s.derivative for s in statements):
                judge.refuse("a step has no derivatives")
            if any({len(p.states)} != {len(p.matrix), *map(len, p.matrix)} for p in table.propagators):
                judge.refuse("a propagator is no square matrix")
    judge.names((), names)
    judge.beginning(kind)
    for value in values:
        check_expression(value, kind.name)
    if kind.refractory and kind.refractory not in {p.name for p in kind.parameters}:
        judge.refuse(f"it has no parameter {kind.refractory} to be refractory for")


def _check(kind: Kind, table: Table) -> None:
    """Raise InvalidModel where the table of a kind uses a name before it has a value, or assigns what it may not."""
    judge = Judge(kind.name)
    parameters = {p.name for p in kind.parameters}
    states, constants = {s.name for s in kind.states}, set(table.constant_names)
    arriving = {f"in_{r.name}" for r in kind.receptors}
    judge.once([*parameters, *states, *constants, *arriving, *GIVEN, "n_ref"])
    fixed = judge.constants(table.constants, parameters - set(CHANGEABLE) | {"dt"})
    for value in (value for p in table.propagators for row in p.matrix for value in row):
        judge.value("a propagator", value, fixed)
    everywhere = {"dt", *parameters, *states, *constants}
    for part, more in ((table.before, {"active"}), (table.reset, set()), (table.after, {"active", "spiking", "free"})):
        # Names that a part assigns, other than states, are known in that part only, and in ``spike`` if it is
        # ``before``.
        known, assignable, truths = everywhere | {"normal", "uniform"} | arriving | more, states, more
        for s in part:
            if s.needs and s.needs not in kind.optional:
                judge.refuse(f"{s.needs} is no parameter that may be left out")
            if s.target in (known | arriving | set(GIVEN)) - assignable:
                judge.refuse(f"{s.target} is no state, and cannot be assigned")
            judge.assigned(s, known, states, truths)
            truths = truths | {s.target} if is_truth(s.value, truths) else truths - {s.target}
            known = known | {s.target}
            assignable = assignable | {s.target}
        if part is table.before and table.spike is not None:
            judge.value("its spike", table.spike, known)
            if not is_truth(table.spike, truths):
                judge.refuse("a spike is a condition such as V >= v_threshold_mV")


def positive(*names: str) -> tuple[Parameter, ...]:
    """Parameters above 0."""
    return tuple(Parameter(name, low=0.0, excluded=True) for name in names)


def table(constants: str, before: str, spike: str, reset: str, after: str) -> Table:
    """A table of a kind of the library, from text."""
    where = "a kind of the library"
    c, b, r, a = (parse_statements(text, where) for text in (constants, before, reset, after))
    return Table(c, b, parse_expression(spike, where) if spike else None, r, a)


def state(name: str, initial: str, probe: str = "") -> State:
    """A state, its initial value from text."""
    return State(name, parse_expression(initial, "a kind of the library"), probe)


def required(condition: str, why: str) -> Requirement:
    """A requirement, its condition from text."""
    return Requirement(parse_expression(condition, "a kind of the library"), why)


_WORDS = {"<": "below", "<=": "at or below", ">": "above", ">=": "at or above"}


def condition_text(condition: Expr) -> str:
    """A condition in words: ``v_reset_mV must lie below v_threshold_mV``."""
    match condition:
        case Op(op=op, args=(Name(id=left), Name(id=right))) if op in _WORDS:
            return f"{left} must lie {_WORDS[op]} {right}"
    return f"{printed(condition, {}, lambda name: name, lambda number: f'{number:g}')} must hold"
