r"""Storage of a stable mark m and its labile tag a in the single tag of a synapse.

The direction of m at its threshold theta decides, so all expressions are evaluated there: below theta the tag is
the labile mark, m = a theta/theta_a; above it, it is the stable one.

.. math:: post: m \mathrel{+}= \frac{\theta}{\theta_a} P \, \Delta a(a = \theta_a), \qquad
              \dot m = -\theta/\tau_a \text{ below}, \quad (1 - \theta)/\tau_m \text{ above}

Delta a is what the labile mark's own terms add to it. What lowers a raises a latched m: spikes take it away from theta,
on either side. So a pair that depresses does not write: a post spike raises m if the pre trace is larger than that with
which a would rest at theta_a, and lowers it otherwise. The rest has no room in the integers' width, and is simplified:
coincidences count while P is open and write at once, a reads as 0 elsewhere, and a gate (1 - lambda m)^k is a straight
line through its values at both ends, where m rests.
"""

from __future__ import annotations

from dataclasses import replace

from ernsnn.describe.flows import Latch, Relax
from ernsnn.describe.learning import EPOCH, POST, Term
from ernsnn.describe.products import Factor
from ernsnn.graph.graph import Learning, Variable

from ..arithmetic.rules import Side
from .predicted import largest_change
from .report import Report


def in_one_tag(learning: Learning, dt_ms: float, path: str, report: Report) -> Learning:
    """``learning`` with a stable mark and its tag as one mark, if it has them; without its Latch if that cannot be."""
    latches = [flow for flow in learning.flows if isinstance(flow, Latch)]
    if not latches:
        return learning
    reason = _not_held(learning, latches[0])
    if reason:
        remedy = "keep one Stable mark and its Labile tag, without a budget, or run it on reference, brian2 or native"
        report.add("L215", f"{path}.flows.{latches[0].variable}", reason, remedy)
        return replace(learning, flows=tuple(flow for flow in learning.flows if not isinstance(flow, Latch)))
    return _Pair(learning, latches[0], dt_ms).held(path, report)


def without_field(learning: Learning) -> frozenset[str]:
    """The labile marks without a field of their own, which share that of a stable one."""
    return frozenset(flow.tag for flow in learning.flows if isinstance(flow, Latch))


def _not_held(learning: Learning, latch: Latch) -> str:
    """The reason why these marks cannot share a tag; empty if they can."""
    if latch.budget is not None:
        return "no synapse knows the mean over a neuron that erases marks beyond a budget"
    if sorted(v.name for v in learning.variables) != sorted(("w", latch.tag, latch.variable)):
        return f"it shares the tag with {latch.tag!r} alone; a further mark has no field"
    if any(term.target == latch.variable for term in learning.terms):
        return "events change it directly; it can follow its tag only"
    if latch.tag_threshold <= 0 or not 0 < latch.threshold < 1:
        return "its threshold must lie between 0 and 1, and that of its tag above 0"
    stable, tag = learning.variable(latch.variable), learning.variable(latch.tag)
    if (stable.low, stable.high) != (0, 1) or tag.low != 0:
        return "its bounds must be 0 and 1, and its tag must not fall below 0"
    if any(term.target == latch.tag and term.event == EPOCH for term in learning.terms):
        return "its tag changes at epochs by more than its decay"
    if any(latch.tag in flow.reads for flow in learning.flows if flow is not latch):
        return "its tag sets where another variable goes"
    return ""


class _Pair:
    """A stable mark and its tag."""

    def __init__(self, learning: Learning, latch: Latch, dt_ms: float) -> None:
        self.learning, self.latch = learning, latch
        self.epoch_s = (learning.epoch_steps or 1) * dt_ms / 1000
        self.mark = learning.variable(latch.variable)

    def held(self, path: str, report: Report) -> Learning:
        """The rule with one mark."""
        learning, latch = self.learning, self.latch
        written = [term for term in learning.terms if term.target == latch.tag and latch.rate_per_s]
        writing = [self._writing(term) for term in written]
        others = [self._simple(term) for term in learning.terms if term.target != latch.tag]
        # Rising terms come first: at its lowest the mark could not fall, and would then rise all the same.
        writing.sort(key=lambda term: self._above in term.factors)
        self._add_limits(path, writing, report)
        return replace(
            learning,
            variables=tuple(v for v in learning.variables if v.name != latch.tag),
            terms=(*others, *writing, *self._drift()),
            flows=tuple(f for f in learning.flows if isinstance(f, Relax) and f.variable != latch.tag),
        )

    @property
    def _above(self) -> Side:
        """1 where the mark is latched, -1 where it is not."""
        return Side(variable=self.latch.variable, offset=-self.latch.threshold)

    def _writing(self, term: Term) -> Term:
        """The term of the mark for a term of the tag."""
        latch = self.latch
        change = term.coefficient * latch.threshold / latch.tag_threshold
        others: list[Factor] = [Factor(variable=latch.signal)]
        for f in term.factors:
            if f.variable == latch.tag:
                change *= (f.offset + f.scale * latch.tag_threshold) ** f.power
            elif f.variable == latch.variable:
                change *= (f.offset + f.scale * latch.threshold) ** f.power
            else:
                others.append(f)
        if change < 0:
            others.append(self._above)
        return Term(latch.variable, term.event, abs(change), tuple(others))

    def _drift(self) -> list[Term]:
        """Both directions of the flow, at the speeds that they have at the threshold."""
        latch = self.latch
        down = latch.threshold / latch.tag_tau_s * self.epoch_s
        up = (1 - latch.threshold) / latch.tau_s * self.epoch_s
        return [
            Term(latch.variable, EPOCH, (up - down) / 2),
            Term(latch.variable, EPOCH, (up + down) / 2, (self._above,)),
        ]

    def _simple(self, term: Term) -> Term:
        """A term without the tag, and with straight gates."""
        coefficient, factors = term.coefficient, []
        for f in term.factors:
            if f.variable == self.latch.tag:
                coefficient *= f.offset**f.power
            elif f.variable == self.latch.variable and f.power > 1:
                factors.append(straight(f, self.mark))
            else:
                factors.append(f)
        return replace(term, coefficient=coefficient, factors=tuple(factors))

    def _add_limits(self, path: str, writing: list[Term], report: Report) -> None:
        latch = self.latch
        a, m = latch.tag, latch.variable
        report.add("L115", f"{path}.marks.{a}", f"shares the tag with {m!r}, as what that is below {latch.threshold:g}")
        counted = f"{a!r} counts coincidences while {latch.signal!r} is open, and reads as 0 elsewhere"
        report.add("L115", f"{path}.marks.{a}", counted)
        at_once = sum(map(self._most, writing))
        needs = (
            f"after {latch.threshold / at_once:.0f} post spikes that" if at_once > 0 else "never, even if post spikes"
        )
        report.add("L115", f"{path}.marks.{m}", f"latches {needs} follow pre spikes at once, whatever rate_per_s is")
        lasts = f"{latch.tag_tau_s:g} s from its threshold to 0, {latch.tau_s:g} s to 1"
        report.add(
            "L115", f"{path}.flows.{m}", f"moves at constant speeds, those that it has at its threshold: {lasts}"
        )
        if any(f.variable == m and f.power > 1 for term in self.learning.terms for f in term.factors):
            report.add("L115", f"{path}.marks.{m}", "a power of it is a straight line between its ends")

    def _most(self, term: Term) -> float:
        """The change by a writing term below the threshold, for a post spike that directly follows a pre spike."""
        factors = tuple(f for f in term.factors if not isinstance(f, Side))
        largest = largest_change(replace(term, factors=factors), self.learning)
        return (largest if factors == term.factors else -largest) if term.event == POST else 0.0


def straight(f: Factor, mark: Variable) -> Factor:
    low, high = ((f.offset + f.scale * end) ** f.power for end in (mark.low, mark.high))
    scale = (high - low) / (mark.high - mark.low)
    return Factor(variable=f.variable, scale=scale, offset=low - scale * mark.low)
