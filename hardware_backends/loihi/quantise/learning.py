"""Quantisation of learning rules: traces, a mark in the tag, third factors, and products."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from ernsnn.describe.flows import Relax
from ernsnn.describe.learning import EPOCH, POST, PRE, Term, Trace
from ernsnn.describe.products import Factor
from ernsnn.graph.graph import Learning, Projection

from ..arithmetic import integers as n
from ..arithmetic.limits import (
    EPOCH_EXPONENT_MAX,
    POST_TRACES,
    PRE_TRACES,
    PRODUCT_WIDTH_MAX,
    TAG_MAX,
    TAG_MIN,
    TRACE_MAX,
)
from ..arithmetic.limits import WEIGHT_MAX as W
from ..arithmetic.numbers import coefficient, total
from ..arithmetic.rules import Axis, Monomial, monomials, rounded_ends, text, widened
from .latch import in_one_tag
from .report import EXACT, Report
from .transmit_first import EVERY_STEP, look_ahead, looks_ahead, tag_axis

FASTEST_MS = 20.0
"""The interval in ms (50 Hz) of the spike trains for which traces have room, and for two spikes at once."""
_CORRECTS = "corrections of POST"


@dataclass(frozen=True, eq=False)
class Learned:
    """A rule in integers; ``axes`` say how w and a mark are held, ``weight`` how w is transmitted."""

    rule: n.Rule
    weight: Axis
    axes: Mapping[str, Axis]
    mark: str | None


def impulse(tau_ms: float, spikes: float = 1.0) -> int:
    """The largest impulse, a power of two, of which 7 bits hold the sum of a train of 50 Hz, or of two spikes."""
    sum_of_train = spikes / -math.expm1(-FASTEST_MS / tau_ms)
    return 1 << max(0, math.floor(math.log2((TRACE_MAX + 1) / max(2.0, sum_of_train))))


def weight_axis(p: Projection, low: float, high: float) -> Axis | None:
    """The axis of the weight, whose bounds are those of the integers; None where they cannot be.

    There is no bound below 255, so the largest weight is 255: excitatory 0 to 255, inhibitory 0 to -255, signed +-255.
    """
    if not (math.isfinite(high) and high > 0):
        return None
    if p.receptor == "signed" and low < 0:
        return Axis("w", high / W, 0, -W - 1, W) if math.isclose(low, -high) else None
    if low != 0:
        return None
    return Axis("w", -high / W, 0, -W, 0) if p.arrives_at == "I" else Axis("w", high / W, 0, 0, W)


def mark_axis(low: float, high: float) -> Axis:
    """The axis of a mark from low to high, over the whole range of the tag of 9 bits."""
    step = (high - low) / (TAG_MAX - TAG_MIN)
    return Axis("t", step, low / step - TAG_MIN, TAG_MIN, TAG_MAX)


class RuleQuantiser:
    """Quantises the rule of one projection. Parts that Loihi does not have are reported and left out."""

    def __init__(
        self, p: Projection, dt_ms: float, glia: Mapping[str, tuple[str, float]], report: Report, order: n.Order
    ) -> None:
        """``glia`` has, for every modulator that can send a third factor, its name and the value of one unit."""
        assert p.learning is not None
        self.p, self.dt_ms, self.glia, self.report = p, dt_ms, glia, report
        self.path = f"{p.name}.learning"
        self.learning: Learning = in_one_tag(self._with_few_factors(p.learning), dt_ms, self.path, report)
        self.ahead = looks_ahead(self.learning, order)
        steps = self.learning.epoch_steps or 1
        self.epoch = int(np.clip(round(math.log2(steps)), 0, EPOCH_EXPONENT_MAX))
        self.terms = self._terms()
        self.used = {f.variable for term in self.terms for f in term.factors}
        self.traces: dict[str, n.Trace] = {}
        self.third: dict[str, str] = {}
        self.weight: Axis | None = None
        self.axes: dict[str, Axis] = {}
        self.mark: str | None = None
        self._variables()
        self._traces()
        self._third_factors()
        while self.epoch < EPOCH_EXPONENT_MAX and self._fades():
            self.epoch += 1
            self.terms = self._terms()
        if 2**self.epoch != steps:
            self.report.note("L108", self.path, "steps of an epoch", steps, 2**self.epoch, f"u{self.epoch}")

    def translate(self, seed: int) -> Learned | None:
        """The rule; None where w has no integers."""
        if self.weight is None:
            return None
        if self.ahead:
            made = self._products("w", self.weight.step)
            dw, dt = look_ahead(self.weight, made[POST], made[PRE])
        else:
            dw = self._series("w")
            dt = self._series(self.mark) if self.mark else ()
        if not (dw or dt):
            message = "every one of its coefficients rounds to nothing, so that nothing would be learned"
            self.report.add("L309", self.path, message, "use larger learning rates, or a smaller range of weights")
        rule = n.Rule(dw=dw, dt=dt, dd=(), traces=self.traces, third=self.third, epoch=1, seed=seed, ahead=self.ahead)
        return Learned(rule, self.weight, self.axes, self.mark)

    # Variables and terms

    def _with_few_factors(self, learning: Learning) -> Learning:
        """Leave out terms with more factors than a product has bits, which would take long to multiply out."""
        kept = []
        for term in learning.terms:
            powers = sum(f.power for f in term.factors)
            if powers <= PRODUCT_WIDTH_MAX:
                kept.append(term)
                continue
            message = f"a product of {powers} factors would overflow: it has {PRODUCT_WIDTH_MAX} bits"
            self.report.add("L214", f"{self.path}.{term.target}", message, "use fewer gates or lower powers")
        return replace(learning, terms=tuple(kept))

    def _terms(self) -> list[Term]:
        """The rule's terms and, as terms of epochs, its flows; all of them for epochs of u_k, at the same rate."""
        ratio = 2**self.epoch / (self.learning.epoch_steps or 1)
        terms = [
            Term(t.target, t.event, t.coefficient * ratio, t.factors) if t.event == EPOCH else t
            for t in self.learning.terms
        ]
        for flow in self.learning.flows:
            if isinstance(flow, Relax):
                gone = -math.expm1(-(2**self.epoch) * self.dt_ms / 1000 / flow.tau_s)
                terms.append(Term(flow.variable, EPOCH, -gone, (Factor(variable=flow.variable, offset=-flow.to),)))
                if flow.of is not None:
                    terms.append(Term(flow.variable, EPOCH, gone * flow.slope, (Factor(variable=flow.of),)))
        return terms

    def _epochs(self, target: str) -> list[Monomial]:
        """The monomials that change a variable at epochs."""
        known = [t for t in self.terms if t.event == EPOCH and all(f.variable in self.axes for f in t.factors)]
        return [
            m
            for term in known
            if term.target == target
            for m in monomials(term, self.axes[target].step, self.axes, f"u{self.epoch}")
        ]

    def _fades(self) -> bool:
        """Whether a change at epochs is too small for a coefficient: a larger one at longer epochs does the same."""
        changed = [m for target in ("w", self.mark) if target in self.axes for m in self._epochs(str(target))]
        return any(not coefficient(math.ldexp(m.coefficient, m.shift)) for m in changed)

    def _variables(self) -> None:
        w, *marks = self.learning.variables
        axis = weight_axis(self.p, w.low, w.high)
        if axis is None:
            self.report.add(
                "L218",
                f"{self.path}.bounds.w",
                f"[{w.low:g}, {w.high:g}] cannot be had: 0 to a w_max above 0, or -w_max to w_max where signed",
                "give the rule bounds of that form",
            )
        else:
            self.weight, self.axes["w"] = axis, tag_axis(axis) if self.ahead else axis
        for mark in marks[1:]:
            self.report.add(
                "L213",
                f"{self.path}.marks.{mark.name}",
                "a second mark needs the delay field, which is the delay on silicon",
                "keep one mark, or a Stable one and its Labile tag, which share the tag field",
            )
        for mark in marks[:1]:
            if not math.isfinite(mark.high - mark.low):
                self.report.add("L213", f"{self.path}.marks.{mark.name}", "has no bounds", "give it bounds")
                continue
            self.mark = mark.name
            self.axes[mark.name] = mark_axis(mark.low, mark.high)

    def _traces(self) -> None:
        free = {PRE: list(PRE_TRACES), POST: list(POST_TRACES)}
        for traced in self.learning.traces:
            if traced.name not in self.used:
                continue
            trace, path = traced.trace, f"{self.path}.traces.{traced.name}"
            if trace.gate is not None:
                self.report.add("L219", path, f"grows only while {trace.gate!r} is open", "gate the terms instead")
            if not free[trace.event]:
                self.report.add("L212", path, "there are two traces of pre and three of post spikes", "use fewer")
                continue
            name = free[trace.event].pop(0)
            # An impulse of all that a trace can hold sets it, whatever it was.
            size = TRACE_MAX if trace.mode == "set" else impulse(trace.tau_ms)
            self.traces[name] = n.Trace(size, trace.tau_ms / self.dt_ms)
            axis = Axis(name, trace.increment / size, 0, 0, TRACE_MAX, trace.event, size)  # type: ignore[arg-type]
            if self.ahead and trace.event == PRE:
                # It is read for the next step, as what is left of it then, before any spike of that step.
                left = math.exp(-self.dt_ms / trace.tau_ms)
                axis = replace(axis, step=axis.step * left, side=None, impulse=0)
            self.axes[traced.name] = axis
            self._add_trace_limit(trace, path, size)

    def _add_trace_limit(self, trace: Trace, path: str, size: int) -> None:
        """Add a limit on the rounding of a trace to 7 bits."""
        if trace.mode == "set":
            message = f"{trace.increment:g} is 127; a pre spike that meets a post spike hides the trace before it"
        else:
            message = f"{trace.increment:g} is {size} of 127: it saturates at {TRACE_MAX / size:.3g} increments"
        message += f"; decays with {trace.tau_ms:g} ms, rounded at random in every step"
        self.report.add("L107", path, message, error=1 / 127)

    def _third_factors(self) -> None:
        free = [name for name in reversed(POST_TRACES) if name not in self.traces]
        for bound in self.learning.third_factors:
            if bound.symbol not in self.used:
                continue
            path = f"{self.p.name}.third_factors.{bound.symbol}"
            if bound.modulator not in self.glia or bound.per != "all":
                continue  # noted once, with the modulators
            if not free:
                self.report.add("L212", path, "y1 to y3 are taken by traces and other third factors", "use fewer")
                continue
            name, (sender, unit) = free.pop(0), self.glia[bound.modulator]
            self.third[name] = sender
            self.axes[bound.symbol] = Axis(name, unit, 0, 0, TRACE_MAX)  # type: ignore[arg-type]

    # The products

    def _series(self, target: str) -> tuple[n.Product, ...]:
        """The products of a target in their order."""
        made = self._products(target, self.axes[target].step)
        products, corrections = [p for event in (POST, PRE, EPOCH) for p in made[event]], made[_CORRECTS]
        # Every sum is cut off at once. That of w may leave [0, 255] on its far side till the end, so corrections come
        # first; a mark rests at its lowest, where it may not, so there they come last.
        return (*corrections, *products) if target == "w" else (*products, *corrections)

    def _products(self, target: str, step: float) -> dict[str, list[n.Product]]:
        """Event -> products of a target, in levels of ``step``, and the corrections of POST terms."""
        by_event: dict[str, list[Monomial]] = {POST: [], PRE: [], EPOCH: []}
        events = {POST: "y0", PRE: EVERY_STEP if self.ahead else "x0", EPOCH: f"u{self.epoch}"}
        for term in self.terms:
            if term.target == target and all(f.variable in self.axes for f in term.factors):
                by_event[term.event] += monomials(term, step, self.axes, events[term.event])
                self._report_factors(term)
        if self._wiped(target, by_event[PRE]):
            by_event[POST] = [m for m in by_event[POST] if not m.corrects]
        self._report_order(target, by_event)
        kept: dict[tuple[n.Operand, ...], float] = {}
        made: dict[str, list[n.Product]] = {POST: [], PRE: [], EPOCH: [], _CORRECTS: []}
        for event in (POST, PRE, EPOCH):
            for monomial in (m for m in by_event[event] if not m.corrects):
                products, stored = self._product(target, monomial, step)
                kept.setdefault(monomial.rest, stored / monomial.coefficient)
                made[event] += products
        for monomial in (m for m in by_event[POST] if m.corrects):
            # The correction has the stored coefficient of the product that it corrects.
            again = replace(monomial, coefficient=monomial.coefficient * kept.get(monomial.rest, 1.0))
            made[_CORRECTS] += self._product(target, again, step)[0] if again.coefficient else []
        return made

    def _wiped(self, target: str, pre: list[Monomial]) -> bool:
        """Whether a pre spike that meets a post spike takes w from any value to 0.

        Then POST terms, whose result is clipped at the bound, need no correction.
        """
        if target != "w" or self.axes["w"].low * self.axes["w"].high:
            return False
        sizes = {name: t.impulse for name, t in self.traces.items() if name in POST_TRACES}
        falls = 0.0
        for m in pre:
            plain = len(m.parts) == 1 and m.parts[0].variable in sizes and not m.parts[0].constant
            towards_zero = m.coefficient * (self.axes["w"].high or -1) < 0
            if not (plain and towards_zero):
                return False
            falls += abs(m.coefficient) * sizes[m.parts[0].variable]
        return falls > W - 0.5

    def _report_order(self, target: str, by_event: Mapping[str, list[Monomial]]) -> None:
        """Add a limit: all products of a step read the values before it, where specified PRE reads those after POST."""
        reads = any(part.variable in ("w", "t") for m in by_event[PRE] for part in m.parts)
        if by_event[POST] and reads:
            self.report.add(
                "L110",
                f"{self.path}.{target}",
                "where a pre and a post spike meet, both read the variables from before the step",
            )

    def _report_factors(self, term: Term) -> None:
        for f in term.factors:
            ends = rounded_ends(f, self.axes[f.variable])
            largest = max((abs(asked) for asked, _ in ends), default=0.0)
            asked, stored = max(ends, key=lambda e: abs(e[1] - e[0]), default=(0.0, 0.0))
            if largest and abs(stored - asked) > EXACT * largest:
                # As a share of the factor's largest value: at its zero a relative error would say nothing.
                what = f"largest value of the factor {f.offset:g}{f.scale:+g}*{f.variable}"
                at = f"a whole number in {self.axes[f.variable].name}"
                self.report.note("L106", self.path, what, largest, largest - abs(stored - asked), at)

    def _product(self, target: str, m: Monomial, step: float) -> tuple[list[n.Product], float]:
        """One or two products for a monomial, and the coefficient that they make."""
        path = f"{self.path}.{target}"
        if m.width > PRODUCT_WIDTH_MAX:
            self.report.add(
                "L214",
                path,
                f"a product of {len(m.parts)} factors takes {m.width} bits of {PRODUCT_WIDTH_MAX} and would overflow",
                "use fewer gates or lower powers",
            )
            return [], m.coefficient
        m, constant = widened(m)
        scaled = coefficient(math.ldexp(m.coefficient, m.shift))
        products = [n.Product(s.mantissa, s.exponent, m.event, m.parts) for s in scaled]
        unit, stored = abs(step), math.ldexp(total(scaled), -m.shift)
        written = " + ".join(map(text, products)) or "nothing"
        usual = self._usual(m)
        levels = usual * abs(stored)
        change = f"one change is about {unit * levels:.3g} instead of {unit * usual * abs(m.coefficient):.3g}"
        # Bits that are shifted out are lost for good: what is left comes in multiples of 2^exponent levels.
        grain = max((2.0**s.exponent for s in scaled if m.shift), default=0.0)
        if grain * 8 > levels > 0:
            change += f", rounded down to a multiple of {grain * unit:.2g}"
        if 0 < levels < 1:
            size = f"one change on {m.event} is about {levels:.2g} of a level of {unit:.3g}"
            self.report.add("L113", path, f"{size}: rounded at random, right in the mean")
        self.report.note("L105", path, f"coefficient on {m.event}", m.coefficient, stored, written, change)
        return products, stored * constant

    def _usual(self, m: Monomial) -> float:
        """The product of the factors as they usually are: one impulse in a trace, 64 in all others."""
        sizes = {name: float(t.impulse) for name, t in self.traces.items()}

        def usual(p: n.Operand) -> float:
            if p.variable == "x0" or p.sgn:
                return 1.0
            return p.constant if p.variable == "d" else sizes.get(p.variable, 64.0)

        return math.prod(map(usual, m.parts))
