r"""Learning rules as data: traces, and terms that are sums of products.

A synapse has a weight ``w`` and any number of marks; at an event every Term adds

.. math:: target \mathrel{+}= coefficient \prod_f (offset_f + scale_f \, variable_f)^{power_f}

and the target is clipped to its bounds. Events are ``"pre"`` (a pre spike is sent), ``"post"`` (a post spike reaches
the synapse, after the synapse's delay) and ``"epoch"`` (every ``epoch_ms``). All terms of one event read the values
from before it. Factors stay factored: (1 - lam m)^2 is one factor, not three products.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from ernsnn.describe.arguments import checked
from ernsnn.describe.distributions import Distribution, Value, span
from ernsnn.describe.equations import names_in, parse_products
from ernsnn.describe.fields import convert_fields, is_one_of
from ernsnn.describe.flows import Flow
from ernsnn.describe.names import LONGEST, is_symbol
from ernsnn.describe.products import Factor, Product
from ernsnn.describe.units import to_number, to_single, whole_steps
from ernsnn.errors import InvalidModel, quoted

PRE: Literal["pre"] = "pre"
POST: Literal["post"] = "post"
EPOCH: Literal["epoch"] = "epoch"
Event = Literal["pre", "post", "epoch"]
EVENTS: tuple[Event, ...] = (PRE, POST, EPOCH)


@checked
@dataclass(frozen=True)
class Term:
    """At ``event``: target += coefficient * product of factors."""

    target: str
    event: Event
    coefficient: float
    factors: tuple[Factor, ...] = ()

    def __post_init__(self) -> None:
        if not is_one_of(self.event, EVENTS):
            raise InvalidModel(f"Term on {self.target}: event must be one of {', '.join(EVENTS)}, got {self.event!r}")
        product = Product(self.coefficient, self.factors)
        object.__setattr__(self, "coefficient", product.coefficient)
        object.__setattr__(self, "factors", product.factors)


@checked
@dataclass(frozen=True)
class Trace:
    r"""Exponential trace of a spike train: x decays by exp(-dt/tau) a step; a spike adds ``increment``.

    ``event`` is ``"pre"`` (spikes as they are sent) or ``"post"`` (spikes as they reach the synapse). ``mode="add"``
    pairs all spikes with all; ``"set"`` sets the trace to ``increment`` (nearest, saturating). With ``gate``, the
    name of a third factor, the increment is multiplied by that factor (in mode "set", a factor of 0 leaves the trace).
    """

    event: Literal["pre", "post"]
    tau_ms: float
    increment: float = 1.0
    mode: Literal["add", "set"] = "add"
    gate: str | None = None

    def __post_init__(self) -> None:
        convert_fields(self, "Trace")
        object.__setattr__(self, "increment", to_single(self.increment, "Trace.increment"))
        if not is_one_of(self.event, (PRE, POST)):
            raise InvalidModel(f"Trace.event: must be 'pre' or 'post', got {self.event!r}")
        if not is_one_of(self.mode, ("add", "set")):
            raise InvalidModel(f"Trace.mode: must be 'add' or 'set', got {self.mode!r}")
        if not self.tau_ms > 0:
            raise InvalidModel(f"Trace.tau_ms: must be > 0, got {self.tau_ms}")


def _bounds(given: tuple[float, float], path: str) -> tuple[float, float]:
    """(low, high) as floats, of which either may be infinite."""
    if not isinstance(given, tuple | list | np.ndarray) or len(given) != 2:
        raise InvalidModel(f"{path}: bounds are a pair (low, high), got {given!r}")
    low, high = (b if isinstance(b, float) and np.isinf(b) else to_single(b, f"{path}: a bound") for b in given)
    return low, high


@checked
@dataclass(frozen=True)
class Mark:
    """A further variable of every synapse, with its initial value and bounds; the rule's terms and flows change it."""

    name: str
    initial: Value = 0.0
    low: float = 0.0
    high: float = 1.0

    def __post_init__(self) -> None:
        path = f"mark {self.name!r}"
        initial: Value
        if isinstance(self.initial, Distribution):
            initial = self.initial.in_unit(None, f"{path}.initial")
        else:
            initial = to_number(self.initial, f"{path}.initial")
        object.__setattr__(self, "initial", initial)
        for end, bound in zip(("low", "high"), _bounds((self.low, self.high), path), strict=True):
            object.__setattr__(self, end, bound)
        if not self.low < self.high:
            raise InvalidModel(f"{path}: needs low < high, got {self.low} and {self.high}")
        lowest, highest = span(initial)
        if lowest < self.low or highest > self.high:
            raise InvalidModel(
                f"{path}: initial value {self.initial} lies outside its bounds [{self.low}, {self.high}]"
            )


@checked
@dataclass(frozen=True)
class Normalise:
    """At every epoch, after the epoch terms and flows: scale ``variable`` so that its sum per neuron is ``total``.

    ``per`` is the side whose neurons own the sum. Sums of 0 are left alone; bounds hold afterwards.
    """

    per: Literal["pre", "post"]
    variable: str
    total: float

    def __post_init__(self) -> None:
        if not is_one_of(self.per, (PRE, POST)):
            raise InvalidModel(f"Normalise.per: must be 'pre' or 'post', got {self.per!r}")
        object.__setattr__(self, "total", to_single(self.total, "Normalise.total"))
        if self.total <= 0:
            raise InvalidModel(f"Normalise.total: must be > 0, got {self.total}")


@checked
@dataclass(frozen=True, kw_only=True, eq=False)
class LearningRule:
    """A complete rule. Most rules are written with ``from_equations``, ``stdp.pair`` or ``stdp.triplet``.

    ``bounds`` gives (low, high) of ``w``; marks carry their own. ``third_factors`` names the modulatory signals that
    terms, gates or flows use; the projection says which signals of the network they are. ``flows`` move variables at
    every epoch, after the epoch terms, one flow a variable. ``parameters`` are kept so that a projection's ``transmit``
    can use them. ``equation_names`` are the names in the text that the terms were made from, also those that cancel
    there or whose coefficient is 0. A projection refuses a rule with traces, third factors or parameters that nothing
    uses: see ``unused``.
    """

    terms: Sequence[Term]
    traces: Mapping[str, Trace] = field(default_factory=dict)
    marks: Sequence[Mark] = ()
    bounds: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    third_factors: Sequence[str] = ()
    epoch_ms: float | None = None
    normalise: Sequence[Normalise] = ()
    parameters: Mapping[str, float] = field(default_factory=dict)
    flows: Sequence[Flow] = ()
    equation_names: Sequence[str] = ()

    def __post_init__(self) -> None:
        convert_fields(self, "LearningRule")
        for name in ("terms", "marks", "third_factors", "normalise", "flows", "equation_names"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        for name in ("traces", "bounds", "parameters"):
            object.__setattr__(self, name, dict(getattr(self, name)))
        bounds = {v: _bounds(b, f"learning rule: bounds of {v!r}") for v, b in self.bounds.items()}
        object.__setattr__(self, "bounds", bounds)
        problems = list(self._problems())
        if problems:
            raise InvalidModel("learning rule: " + "; ".join(problems))

    @property
    def variables(self) -> tuple[str, ...]:
        """The per-synapse variables: ``w`` and the marks."""
        return ("w", *(mark.name for mark in self.marks))

    @property
    def needs_epoch(self) -> bool:
        """Whether terms, flows or Normalise act at epochs."""
        return bool(self.normalise or self.flows) or any(term.event == EPOCH for term in self.terms)

    def check_epochs(self, dt_ms: float, path: str) -> None:
        """Raise InvalidModel, naming ``path``, unless epochs are whole steps of a network."""
        if self.epoch_ms is not None and whole_steps(self.epoch_ms, dt_ms, f"{path}: epoch_ms") < 1:
            raise InvalidModel(f"{path}: epoch_ms must be at least one step of {dt_ms} ms, got {self.epoch_ms}")

    def bounds_of(self, variable: str) -> tuple[float, float]:
        """(low, high) of a per-synapse variable; infinite where none was given."""
        for mark in self.marks:
            if mark.name == variable:
                return mark.low, mark.high
        return self.bounds.get(variable, (-np.inf, np.inf))

    def unused(self, transmitted: Collection[str] = ()) -> str:
        """A message on traces, third factors and parameters of the rule that have no effect; empty where all have one.

        Traces are used by terms; third factors by terms, gates of traces and flows; parameters by equations and where
        they are among ``transmitted``, the names in the text ``transmit`` of a projection.
        """
        read = self._read
        unread = [f"trace {name!r}" for name in self.traces if name not in read]
        unread += self._unused_third_factors
        unread += [f"parameter {name!r}" for name in self.parameters if name not in read.union(transmitted)]
        return _unused(unread)

    @property
    def _read(self) -> set[str]:
        """The names that terms and equations read."""
        return {*self.equation_names, *(factor.variable for term in self.terms for factor in term.factors)}

    @property
    def _unused_third_factors(self) -> list[str]:
        used = self._read | {trace.gate for trace in self.traces.values()}
        used |= {signal for flow in self.flows for signal in flow.signals}
        return [f"third factor {name!r}" for name in self.third_factors if name not in used]

    def _problems(self) -> list[str]:
        known = [*self.variables, *self.traces, *self.third_factors]
        wrong = [n for n in known if not is_symbol(n)]
        if wrong:
            rule = f"letters, digits and '_' only, the first no digit, and no more than {LONGEST} bytes"
            return [f"{quoted(n)} is no name: {rule}" for n in wrong]
        problems = [f"the name {name!r} is used twice" for name in sorted({n for n in known if known.count(n) > 1})]
        for term in self.terms:
            if term.target not in self.variables:
                problems.append(
                    f"a term changes {term.target!r}, but the synapse's variables are {', '.join(self.variables)}"
                )
            problems += [
                f"a term of {term.target!r} uses {f.variable!r}, which is no variable, trace or third factor "
                f"(known: {', '.join(known)})"
                for f in term.factors
                if f.variable not in known
            ]
        for name, trace in self.traces.items():
            if trace.gate is not None and trace.gate not in self.third_factors:
                problems.append(f"trace {name!r}: its gate {trace.gate!r} is not among third_factors")
        for variable, (low, high) in self.bounds.items():
            if variable != "w":
                problems.append(f"bounds of {variable!r}: only 'w' has bounds here; a mark carries its own")
            elif not low <= high:
                problems.append(f"bounds of {variable!r}: need low <= high, got {low} and {high}")
        problems += [
            f"Normalise: unknown variable {n.variable!r}" for n in self.normalise if n.variable not in self.variables
        ]
        problems += self._flow_problems()
        if self.needs_epoch and self.epoch_ms is None:
            problems.append("epoch terms, flows and Normalise need epoch_ms")
        if self.epoch_ms is not None and not self.needs_epoch:
            problems.append("epoch_ms is given, but nothing happens at epochs")
        if self.epoch_ms is not None and self.epoch_ms <= 0:
            problems.append(f"epoch_ms must be > 0, got {self.epoch_ms}")
        return problems

    def _flow_problems(self) -> list[str]:
        problems, changed = [], [flow.variable for flow in self.flows]
        problems += [f"{v!r} has two flows; it can have one" for v in sorted(set(changed)) if changed.count(v) > 1]
        for flow in self.flows:
            what = f"the {type(flow).__name__} of {flow.variable!r}"
            problems += [
                f"{what}: {v!r} is no variable of the synapse, which are {', '.join(self.variables)}"
                for v in (flow.variable, *flow.reads)
                if v not in self.variables
            ]
            problems += [
                f"{what}: {s!r} is not among third_factors" for s in flow.signals if s not in self.third_factors
            ]
        return problems

    @classmethod
    @checked
    def from_equations(
        cls,
        *,
        traces: Mapping[str, Trace] | None = None,
        on_pre: Mapping[str, str] | None = None,
        on_post: Mapping[str, str] | None = None,
        on_epoch: Mapping[str, str] | None = None,
        parameters: Mapping[str, float] | None = None,
        bounds: Mapping[str, tuple[float, float]] | None = None,
        marks: Sequence[Mark] = (),
        third_factors: Sequence[str] = (),
        epoch_ms: float | None = None,
        normalise: Sequence[Normalise] = (),
        flows: Sequence[Flow] = (),
    ) -> LearningRule:
        """A rule from text: at each event, what is added to each variable.

        >>> rule = LearningRule.from_equations(
        ...     traces={"x": Trace("pre", tau_ms=20), "y": Trace("post", tau_ms=20)},
        ...     on_post={"w": "A * x * (1 - w)"}, on_pre={"w": "-A * y * w"},
        ...     parameters={"A": 0.01}, bounds={"w": (0, 1)})
        >>> rule.terms[1].factors[1]
        Factor(variable='w', scale=-1.0, offset=1.0, power=1)

        The text may use + - * / **, numbers, and the names of variables, traces, third factors and parameters. It
        is never executed. Raises InvalidModel, naming the equation, on an unknown name or on what is no sum of
        products of powers of single variables, and on a third factor that nothing uses.
        """
        traces, parameters = dict(traces or {}), dict(parameters or {})
        names = {"w", *(mark.name for mark in marks), *traces, *third_factors}
        terms, read = [], set()
        for event, equations in ((PRE, on_pre), (POST, on_post), (EPOCH, on_epoch)):
            for target, text in (equations or {}).items():
                where = f"on_{event}[{target!r}]"
                products = parse_products(text, names, parameters, where)
                terms += [Term(target, event, product.coefficient, product.factors) for product in products]
                read |= names_in(text, where)
        rule = cls(
            terms=terms,
            traces=traces,
            marks=marks,
            bounds=dict(bounds or {}),
            third_factors=third_factors,
            epoch_ms=epoch_ms,
            normalise=normalise,
            parameters=parameters,
            flows=flows,
            equation_names=sorted(read),
        )
        if unused := _unused(rule._unused_third_factors):
            raise InvalidModel(f"learning rule: {unused}")
        return rule


def _unused(parts: Sequence[str]) -> str:
    """A message on ``parts`` of a rule that nothing uses; empty without any."""
    return f"nothing uses the {', the '.join(parts)}: write it into an equation, or leave it out" if parts else ""
