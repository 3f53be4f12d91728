"""Short-term plasticity of projections: what a spike transmits depends on the spikes before it, as a table.

Every pre neuron of a projection has states of its own, which its synapses share. At each of its spikes the statements
``on_spike`` renew them, one after the other; then ``factor`` is what the spike transmits, times the weight.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ernsnn.describe.arguments import checked
from ernsnn.describe.distributions import Distribution, Value
from ernsnn.describe.evaluation import evaluated
from ernsnn.describe.expressions import (
    Expr,
    Num,
    Statement,
    names_in,
    parse_expression,
    parse_statements,
)
from ernsnn.describe.fields import convert_fields, convert_plain_fields
from ernsnn.describe.judge import Judge
from ernsnn.describe.kinds import Parameter, Requirement, State, positive, required
from ernsnn.describe.parametrised import check_values, class_of, initial_value
from ernsnn.errors import InvalidModel, quoted, unknown

GIVEN = ("since", "dt")
"""Names that a spike provides: the time in ms since the last spike of the neuron, and the step in ms."""
NEVER = 2.0**53
"""``since`` of a first spike in steps: finite, and long enough for everything to have decayed."""
_TRIED_MS, _TRIED_SPIKES = (1.0, 10.0, 100.0, 1000.0), 20


@dataclass(frozen=True)
class ShortTermKind:
    """A kind of short-term plasticity. ``on_spike`` may also assign names of its own, which ``factor`` then knows."""

    name: str
    parameters: tuple[Parameter, ...]
    states: tuple[State, ...]
    on_spike: tuple[Statement, ...]
    factor: Expr
    requirements: tuple[Requirement, ...] = ()
    version: int = 1
    """The version of the equations of a kind of the library."""

    def __post_init__(self) -> None:
        _check(self)

    def __hash__(self) -> int:
        return hash((self.name, self.states, self.on_spike))

    @property
    def names(self) -> set[str]:
        """All names that its expressions read."""
        return {name for value in (*(s.value for s in self.on_spike), self.factor) for name in names_in(value)}


def _check(kind: ShortTermKind) -> None:
    """Raise InvalidModel on names and expressions that cannot stand in a program, and on what has no value."""
    judge = Judge(kind.name)
    parameters, states = [p.name for p in kind.parameters], [s.name for s in kind.states]
    known = [*parameters, *states, *GIVEN]
    judge.names(known, (s.target for s in kind.on_spike))
    judge.beginning(kind)
    for s in kind.on_spike:
        if s.derivative or s.needs:
            got = f"d{s.target}/dt" if s.derivative else "if"
            judge.refuse(f"on_spike has plain assignments such as x = ..., got {got}")
        if s.target in (*parameters, *GIVEN):
            judge.refuse(f"{s.target} is no state, and cannot be assigned")
        judge.assigned(s, known, states)
        known = [*known, s.target]
    judge.number("factor", kind.factor, known)


def unusable(kind: ShortTermKind, parameters: Mapping[str, Any], dt_ms: float) -> str | None:
    """A message where regular trains of spikes make ``factor`` negative, NaN or infinite; empty otherwise.

    This is a test of some trains, not a proof for all.
    """
    for every_ms in (dt_ms, *(t for t in _TRIED_MS if t > dt_ms)):
        names = {**parameters, "dt": dt_ms}
        names |= {s.name: evaluated(s.initial, parameters) for s in kind.states}
        for spike in range(_TRIED_SPIKES):
            names["since"] = every_ms if spike else NEVER * dt_ms
            for s in kind.on_spike:
                names[s.target] = evaluated(s.value, names)
            factor = evaluated(kind.factor, names)
            values = {"factor": factor} | {s.name: names[s.name] for s in kind.states}
            when = f"at spike {spike + 1} of a train of one every {every_ms:g} ms"
            for name, value in values.items():
                if not np.isfinite(value).all():
                    return f"{name} leaves the finite numbers {when}"
            if np.min(factor) < 0:
                return f"factor is negative, {np.min(factor):g} {when}; choose other equations, or max(..., 0)"
    return None


@dataclass(frozen=True, eq=False, kw_only=True)
class ShortTerm:
    """Short-term plasticity of one kind, with its parameters as fields; a projection takes it as ``short_term``.

    A parameter is one number, an array (one value a pre neuron of the projection) or a distribution. Choose a kind,
    such as ``TsodyksMarkram``, or write one: ``ShortTerm.from_equations``.
    """

    kind: ClassVar[ShortTermKind]
    """The equations."""

    def __post_init__(self) -> None:
        name = type(self).__name__
        if not hasattr(self, "kind"):
            raise InvalidModel(
                "ShortTerm is what all kinds of short-term plasticity share; choose one, such as TsodyksMarkram, or "
                "write one with ern.ShortTerm.from_equations"
            )
        convert_fields(self, name)
        convert_plain_fields(self, name)
        check_values(name, self.kind, self.parameters)

    @property
    def parameters(self) -> dict[str, Value]:
        """Name -> value of every parameter."""
        return {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}

    @staticmethod
    @checked
    def from_equations(
        name: str,
        *,
        states: Mapping[str, float | str],
        on_spike: str,
        factor: str,
        parameters: Mapping[str, float] | None = None,
        positive: Collection[str] = (),
    ) -> type[ShortTerm]:
        """A kind of short-term plasticity of your own: a class like ``TsodyksMarkram``.

        ``states``: name -> initial value, a number or an expression of parameters, of each pre neuron of a projection.
        ``on_spike``: assignments on lines of their own or parted by ";", made one after the other whenever the neuron
        spikes. They read states, parameters, ``since``, the time in ms since its last spike (2^53 steps at its first),
        and ``dt``. ``factor``: what the spike then transmits, times the weight; it must not be negative. Operations
        are those of ``Neuron.from_equations``. Text is read, never executed.
        ``parameters``: name -> default; those that are ``positive`` must be above 0.
        Raises InvalidModel on what cannot be read and on names without a value; a network that is lowered also where
        regular trains of spikes make the factor negative or leave the finite numbers.
        """
        defaults = dict(parameters or {})
        for one in positive:
            if one not in defaults:
                raise InvalidModel(unknown(f"{name}.positive: no parameter", one, defaults))
        kind = ShortTermKind(
            name=name,
            parameters=tuple(Parameter(p, low=0.0, excluded=True) if p in positive else Parameter(p) for p in defaults),
            states=tuple(State(s, initial_value(value, f"{name}.states[{s!r}]")) for s, value in states.items()),
            on_spike=parse_statements(on_spike, f"{name}.on_spike"),
            factor=parse_expression(factor, f"{name}.factor"),
        )
        about = f"Short-term plasticity of the kind {name}:\n\n{on_spike}\n\nfactor {factor}"
        return class_of(ShortTerm, name, kind, defaults, about)


def check_short_term(
    path: str, given: ShortTerm, n_pre: int, dt_ms: float, variables: Collection[str]
) -> Iterator[str]:
    """Yield errors in the short-term plasticity of a projection whose synapses have these ``variables``."""
    shared = [s.name for s in given.kind.states if s.name in variables]
    if shared:
        yield f"{path}: its synapses have a variable {quoted(shared[0])}, too; rename one, for probes name them"
    shapes = {name: np.shape(v) for name, v in given.parameters.items() if not isinstance(v, Distribution)}
    wrong = {name: shape for name, shape in shapes.items() if shape not in ((), (n_pre,))}
    for name, shape in wrong.items():
        yield f"{path}.{name}: needs one number or {n_pre}, one a pre neuron, got an array of shape {shape}"
    if not wrong and len(shapes) == len(given.parameters):
        problem = unusable(given.kind, given.parameters, dt_ms)
        if problem:
            yield f"{path}: {problem}"


@checked
@dataclass(frozen=True, eq=False, kw_only=True)
class TsodyksMarkram(ShortTerm):
    r"""Depression and facilitation (Tsodyks, Pawelzik and Markram 1998; NEST's tsodyks2_synapse).

    At a spike, dt after the last one, with x and u as that one left them:

    .. math:: x \leftarrow 1 + (x - x u - 1) e^{-dt/\tau_{rec}}, \qquad u \leftarrow U + u (1 - U) e^{-dt/\tau_{fac}}

    and it transmits u x times the weight: x is the share of resources that has recovered, u the share of these that a
    spike uses. The first spike meets x = 1, u = U. ``tau_fac_ms`` = 0 means no facilitation, u = U; ``tau_rec_ms`` = 0
    no depression. U is above 0 and at most 1. Raises InvalidModel on others, and on negative time constants.
    """

    kind = ShortTermKind(
        name="TsodyksMarkram",
        parameters=(*positive("U"), Parameter("tau_rec_ms", low=0.0), Parameter("tau_fac_ms", low=0.0)),
        states=(
            State("x", Num(1.0)),
            State("u", parse_expression("U", "a kind of the library")),
        ),
        # A time constant far below dt is taken as one of 1e-9 dt, so that nothing divides by 0.
        on_spike=parse_statements(
            "x = 1.0 + (x - x*u - 1.0)*exp(-since/max(tau_rec_ms, 1e-9*dt))\n"
            "u = U + u*(1.0 - U)*exp(-since/max(tau_fac_ms, 1e-9*dt))",
            "a kind of the library",
        ),
        factor=parse_expression("u*x", "a kind of the library"),
        requirements=(required("U <= 1.0", "the share of resources that a spike uses"),),
    )

    U: Value = 0.5
    tau_rec_ms: Value = 800.0
    tau_fac_ms: Value = 0.0


@checked
@dataclass(frozen=True, eq=False, kw_only=True)
class TsodyksUzielMarkram(ShortTerm):
    r"""Depression and facilitation with an active state (Tsodyks, Uziel and Markram 2000; NEST's tsodyks_synapse).

    It is PyNN's TsodyksMarkramSynapse. What a spike transmits is active, y, for a time before it is inactive,
    z = 1 - x - y, and recovers from there:

    .. math:: \dot x = z/\tau_{rec}, \qquad \dot y = -y/\tau_{psc}, \qquad \dot u = -u/\tau_{fac}

    At a spike u grows by U (1 - u); then u x goes from x to y, and it transmits u x times the weight. The first spike
    meets x = 1, u = 0. ``tau_psc_ms`` is the time constant of the synaptic current, above 0. The others are those of
    ``TsodyksMarkram``, to which it tends as ``tau_psc_ms`` gets short; where that is 3 ms they differ by some percent.
    """

    kind = ShortTermKind(
        name="TsodyksUzielMarkram",
        parameters=(*TsodyksMarkram.kind.parameters, *positive("tau_psc_ms")),
        states=(State("x", Num(1.0)), State("y", Num(0.0)), State("u", Num(0.0))),
        # Px is the share of what was active that has recovered. Where both time constants agree it has another form.
        on_spike=parse_statements(
            "rec = max(tau_rec_ms, 1e-9*dt)\n"
            "Py = exp(-since/tau_psc_ms)\n"
            "Pz = expm1(-since/rec)\n"
            "apart = abs(tau_psc_ms - rec) > 1e-6*tau_psc_ms\n"
            "Px = (Pz*rec - (Py - 1.0)*tau_psc_ms)/(tau_psc_ms - rec if apart else 1.0)\n"
            "Px = Px if apart else 1.0 - Py*(1.0 + since/tau_psc_ms)\n"
            "x = x + Px*y - Pz*(1.0 - x - y)\n"
            "y = y*Py\n"
            "u = u*exp(-since/max(tau_fac_ms, 1e-9*dt))\n"
            "u = u + U*(1.0 - u)\n"
            "sent = u*x\n"
            "x = x - sent\n"
            "y = y + sent",
            "a kind of the library",
        ),
        factor=parse_expression("sent", "a kind of the library"),
        requirements=TsodyksMarkram.kind.requirements,
    )

    U: Value = 0.5
    tau_rec_ms: Value = 800.0
    tau_fac_ms: Value = 0.0
    tau_psc_ms: Value = 3.0


LIBRARY: dict[str, ShortTermKind] = {cls.kind.name: cls.kind for cls in (TsodyksMarkram, TsodyksUzielMarkram)}
"""Name -> equations of the kinds of ernsnn. Graphs store only the name of these, and all of a user's own kind."""
