r"""Epigenetic marks: slow variables of a synapse that gate its plasticity, composed into any learning rule.

A mark is a per-synapse variable with its bounds, the terms by which events change it, one flow by which it moves
between events, and gates: factors on the rule's terms of ``w``. ``with_marks`` composes them into a rule;
``stdp.pair`` and ``stdp.triplet`` take them as ``marks``. The model is that of this project (labile, acetylation-like
marks that open potentiation; stable, methylation-like ones that protect); related ones are tagging and capture (Clopath
et al. 2008; Luboeinski and Tetzlaff 2021), write protection (Ziegler et al. 2015) and bistable nucleosome modification
(Dodd et al. 2007).

>>> from ernsnn.describe import stdp
>>> from ernsnn.describe.marks import Labile, Stable
>>> rule = stdp.pair(A_plus=0.01, A_minus=0.002, marks=[
...     Labile("a", tau_s=120, rise=0.02, fall=0.006),
...     Stable("m", tau_s=600, consolidated_by="P", tag="a")])
>>> rule.variables, rule.third_factors, rule.epoch_ms
(('w', 'a', 'm'), ('P',), 1000.0)
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ernsnn.describe.arguments import checked
from ernsnn.describe.distributions import Value
from ernsnn.describe.fields import is_one_of
from ernsnn.describe.flows import Flow, Latch, Relax
from ernsnn.describe.learning import POST, PRE, LearningRule, Mark, Term
from ernsnn.describe.names import is_symbol
from ernsnn.describe.products import Factor
from ernsnn.describe.units import same_time, single_time, to_single
from ernsnn.errors import InvalidModel

EPOCH_MS = 1000.0
"""The default interval in ms at which flows of marks are applied."""


@checked
@dataclass(frozen=True)
class GateFactor:
    """A factor on terms of ``w``: on ``"potentiation"`` (event POST, coefficient > 0) or ``"all"`` of PRE and POST."""

    factor: Factor
    on: Literal["potentiation", "all"] = "all"

    def __post_init__(self) -> None:
        if not is_one_of(self.on, ("potentiation", "all")):
            raise InvalidModel(f"GateFactor.on: must be 'potentiation' or 'all', got {self.on!r}")

    def covers(self, term: Term) -> bool:
        """Whether it multiplies this term."""
        if term.target != "w" or term.event not in (PRE, POST):
            return False
        return self.on == "all" or (term.event == POST and term.coefficient > 0)


@checked
@dataclass(frozen=True)
class Labile:
    r"""A permissive mark a in [0, 1] that events raise, that fades, and that opens potentiation.

    .. math:: post: a \mathrel{+}= rise \cdot x (1 - a) - fall \cdot a, \qquad \dot a = -a/\tau, \qquad
              potentiation \times (1 + opens \cdot a)

    x is the rule's first pre trace. ``tau_s`` in s; the others are numbers per spike or without unit. Raises
    InvalidModel, naming the mark, on tau_s <= 0, on rise, fall or opens below 0, and on fall above 1.
    """

    name: str
    tau_s: float
    rise: float
    fall: float = 0.0
    opens: float = 1.0
    initial: Value = 0.0

    def __post_init__(self) -> None:
        path = f"mark {self.name!r}"
        for number in ("rise", "fall", "opens"):
            _within(self, number, path, 0.0, 1.0 if number == "fall" else np.inf)
        _settle(self, path)

    @property
    def mark(self) -> Mark:
        """The variable of the mark."""
        return Mark(self.name, self.initial)

    def flow(self, others: Sequence[Flow]) -> Flow:
        """The flow by which it fades: da/dt = -a/tau."""
        return Relax(self.name, self.tau_s)

    def terms(self, x: str) -> tuple[Term, ...]:
        """The terms by which post spikes raise and lower it; ``x`` names the pre trace."""
        rising = Term(self.name, POST, self.rise, (Factor(variable=x), Factor(variable=self.name, scale=-1, offset=1)))
        falling = Term(self.name, POST, -self.fall, (Factor(variable=self.name),))
        return (rising, falling) if self.fall else (rising,)

    @property
    def gates(self) -> tuple[GateFactor, ...]:
        """The factor 1 + opens * a on potentiation; none where ``opens`` is 0."""
        opened = Factor(variable=self.name, scale=self.opens, offset=1.0)
        return (GateFactor(opened, "potentiation"),) if self.opens else ()

    @property
    def third_factors(self) -> tuple[str, ...]:
        """Names of the third factors that it reads: none."""
        return ()


@checked
@dataclass(frozen=True)
class Stable:
    r"""A bistable mark m in [0, 1] that latches where a tag meets consolidation, and then protects the weight.

    Its flow is a ``Latch``; every PRE and POST term of ``w`` gets the factor :math:`(1 - protects \cdot m)^2`.
    With a ``budget``, old marks are erased at random where their mean per neuron exceeds it, with probability
    ``erasure`` per epoch and relative excess (see ``Latch``).

    ``consolidated_by`` is a third factor P, bound by the projection: ``third_factors={"P": glia}``. ``tag`` is a mark
    beside it that relaxes to 0 (a ``Labile``). ``tau_s`` in s, ``rate_per_s`` in 1/s, thresholds in the units of the
    marks. Raises InvalidModel, naming the mark, on tau_s <= 0, a negative rate, protects or a threshold outside
    [0, 1]; and, when composed, if the tag is none.
    """

    name: str
    tau_s: float
    consolidated_by: str
    tag: str
    tag_threshold: float = 0.3
    threshold: float = 0.5
    rate_per_s: float = 0.15
    protects: float = 0.98
    budget: float | None = None
    erasure: float | None = None
    initial: Value = 0.0

    def __post_init__(self) -> None:
        path = f"mark {self.name!r}"
        for number in ("tag_threshold", "threshold", "protects"):
            _within(self, number, path, 0.0, 1.0)
        _within(self, "rate_per_s", path, 0.0, np.inf)
        _settle(self, path)

    @property
    def mark(self) -> Mark:
        """The variable of the mark."""
        return Mark(self.name, self.initial)

    def flow(self, others: Sequence[Flow]) -> Flow:
        """The flow by which it latches; the tag decays by its own flow."""
        for flow in others:
            if flow.variable == self.tag and isinstance(flow, Relax) and flow.to == 0 and flow.of is None:
                return self._latch(flow.tau_s)
        raise InvalidModel(f"mark {self.name!r}: its tag {self.tag!r} is no mark beside it that relaxes to 0")

    def _latch(self, tag_tau_s: float) -> Latch:
        return Latch(
            variable=self.name,
            tau_s=self.tau_s,
            threshold=self.threshold,
            tag=self.tag,
            tag_tau_s=tag_tau_s,
            tag_threshold=self.tag_threshold,
            rate_per_s=self.rate_per_s,
            signal=self.consolidated_by,
            budget=self.budget,
            erasure=self.erasure,
        )

    def terms(self, x: str) -> tuple[Term, ...]:
        """No terms: no event changes it."""
        return ()

    @property
    def gates(self) -> tuple[GateFactor, ...]:
        """The factor (1 - protects * m)^2 on all plasticity of the weight."""
        closed = Factor(variable=self.name, scale=-self.protects, offset=1.0, power=2)
        return (GateFactor(closed),) if self.protects else ()

    @property
    def third_factors(self) -> tuple[str, ...]:
        """Names of the third factors that it reads: the consolidation signal."""
        return (self.consolidated_by,)


@checked
@dataclass(frozen=True, kw_only=True)
class Custom:
    """A user's own mark: a variable, its flow, the terms by which events change it, and its gates on ``w``.

    Terms may use the rule's traces and variables and the mark's ``third_factors``. Raises InvalidModel, naming the
    mark, if the flow or a term is not the mark's own, on a gate that is no factor of the mark alone, and on one that
    leaves [0, 1] within the mark's bounds; on="potentiation" may amplify, but not be negative.
    """

    variable: Mark
    moves: Flow
    changes: Sequence[Term] = ()
    gates: Sequence[GateFactor] = ()
    third_factors: Sequence[str] = ()

    def __post_init__(self) -> None:
        for name in ("changes", "gates", "third_factors"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        path = f"mark {self.name!r}"
        if self.moves.variable != self.name:
            raise InvalidModel(f"{path}: its flow moves {self.moves.variable!r}")
        for term in self.changes:
            if term.target != self.name:
                raise InvalidModel(f"{path}: its terms must change {self.name!r}, got {term!r}")
        for gate in self.gates:
            self._check(gate, path)

    def _check(self, gate: GateFactor, path: str) -> None:
        if gate.factor.variable != self.name:
            raise InvalidModel(f"{path}: a gate is a GateFactor whose factor reads {self.name!r}, got {gate!r}")
        f = gate.factor
        ends = [f.offset + f.scale * bound if f.scale else f.offset for bound in (self.mark.low, self.mark.high)]
        highest = 1.0 if gate.on == "all" else np.inf
        if min(ends) < 0 or max(ends) > highest or not np.isfinite(ends).all():
            allowed = "within [0, 1]; only one on='potentiation' may amplify" if gate.on == "all" else "finite and >= 0"
            raise InvalidModel(
                f"{path}: the gate {f.offset:g} + {f.scale:g}*{self.name} runs from {ends[0]:g} to {ends[1]:g} within "
                f"the mark's bounds; it must stay {allowed}"
            )

    @property
    def name(self) -> str:
        """The variable's name."""
        return self.variable.name

    @property
    def mark(self) -> Mark:
        """The variable of the mark."""
        return self.variable

    def flow(self, others: Sequence[Flow]) -> Flow:
        """The given flow."""
        return self.moves

    def terms(self, x: str) -> tuple[Term, ...]:
        """The given terms."""
        return tuple(self.changes)


AnyMark = Labile | Stable | Custom


@checked
def WeightRelax(tau_s: float, to: float = 0.2, of: str | None = None, top: float = 1.0) -> Relax:
    r"""The flow of a weight that forgets down to ``to`` and that a mark m (named by ``of``) holds up to ``top``.

    .. math:: \dot w = -(w - w_0 - (w_{top} - w_0) m)/\tau_w

    ``tau_s`` in s; ``to`` (w_0) and ``top`` in the unit of the weight. For ``with_marks(..., rest=...)``.
    """
    if of is None:
        return Relax("w", tau_s, to)
    return Relax("w", tau_s, to, of, to_single(top, "WeightRelax.top") - to_single(to, "WeightRelax.to"))


@checked
def with_marks(
    rule: LearningRule,
    marks: Sequence[AnyMark],
    epoch_ms: float | None = None,
    rest: Relax | None = None,
) -> LearningRule:
    """``rule`` with marks composed in: their variables, terms, flows and third factors, and their gates on ``w``.

    ``epoch_ms`` is how often flows are applied: 1000 ms unless given, or the rule's own where it has epochs already.
    ``rest`` is a flow of the weight itself, such as ``WeightRelax``. Raises InvalidModel, naming the mark, on a plain
    ``Mark``, which has no flow, a tag or trace that is missing, a name used twice, and on two different epochs.
    """
    if rest is not None and rest.variable != "w":
        raise InvalidModel(f"marks: rest must be a flow of the weight such as WeightRelax, got {rest!r}")
    settled = [*rule.flows, *(mark.flow(()) for mark in marks if not isinstance(mark, Stable))]
    flows = [mark.flow(settled) for mark in marks] + ([rest] if rest is not None else [])
    gates = [gate for mark in marks for gate in mark.gates]
    terms = [
        dataclasses.replace(term, factors=(*term.factors, *(g.factor for g in gates if g.covers(term))))
        for term in rule.terms
    ]
    for mark in marks:
        terms += mark.terms(_first_pre_trace(rule, mark))
    signals = [*rule.third_factors, *(signal for mark in marks for signal in mark.third_factors)]
    chosen = rule.epoch_ms or (EPOCH_MS if flows else None)
    if epoch_ms is not None:
        chosen = single_time(epoch_ms, "marks: epoch_ms")
        if rule.epoch_ms is not None and not same_time(rule.epoch_ms, chosen):
            raise InvalidModel(f"marks: the rule has epochs of {rule.epoch_ms} ms already, epoch_ms is {chosen}")
    return dataclasses.replace(
        rule,
        terms=terms,
        marks=(*rule.marks, *(mark.mark for mark in marks)),
        flows=(*rule.flows, *flows),
        third_factors=tuple(dict.fromkeys(signals)),
        epoch_ms=chosen,
    )


def _first_pre_trace(rule: LearningRule, mark: AnyMark) -> str:
    for name, trace in rule.traces.items():
        if trace.event == PRE:
            return name
    if isinstance(mark, Labile):
        raise InvalidModel(f"mark {mark.name!r}: the rule has no trace of pre spikes that could raise it")
    return ""


def _within(mark: Labile | Stable, name: str, path: str, low: float, high: float) -> None:
    """Convert a field to one number; raise InvalidModel unless it lies in [low, high]."""
    number = to_single(getattr(mark, name), f"{path}.{name}")
    object.__setattr__(mark, name, number)
    if not low <= number <= high:
        bounds = f">= {low:g}" if np.isinf(high) else f"in [{low:g}, {high:g}]"
        raise InvalidModel(f"{path}: {name} must be {bounds}, got {number:g}")


def _settle(mark: Labile | Stable, path: str) -> None:
    """Check the name, the initial value and tau_s, by making the variable and the flow."""
    variable, flow = mark.mark, mark.flow(()) if isinstance(mark, Labile) else mark._latch(1.0)
    if not is_symbol(mark.name):
        raise InvalidModel(f"{path}: its name must be letters, digits and '_', the first no digit, and no long one")
    object.__setattr__(mark, "initial", variable.initial)
    object.__setattr__(mark, "tau_s", flow.tau_s)
