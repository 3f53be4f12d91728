"""Recognition of PyNN's pair rule among learning rules."""

from __future__ import annotations

from dataclasses import dataclass

from ernsnn.describe.learning import EPOCH, POST, PRE, Term
from ernsnn.describe.products import Factor
from ernsnn.graph.graph import Learning


@dataclass(frozen=True)
class PairRule:
    """Post spikes: w += A_plus x (w_max - w)^soft_plus; pre spikes: w -= A_minus y w^soft_minus; 0 <= w <= w_max."""

    tau_plus_ms: float
    tau_minus_ms: float
    A_plus: float
    A_minus: float
    soft_plus: bool
    soft_minus: bool
    w_max: float

    @property
    def fractions(self) -> tuple[float, float]:
        """A_plus and A_minus in units of w_max, as NEST has them."""
        return (
            self.A_plus if self.soft_plus else self.A_plus / self.w_max,
            self.A_minus if self.soft_minus else self.A_minus / self.w_max,
        )

    @property
    def weight_dependence(self) -> str:
        """PyNN's name of the weight dependence."""
        return {
            (False, False): "AdditiveWeightDependence",
            (True, True): "MultiplicativeWeightDependence",
            (False, True): "AdditivePotentiationMultiplicativeDepression",
        }[self.soft_plus, self.soft_minus]


class NotThePairRule(ValueError):
    """A rule is not the pair rule; the message says why."""


def pair_rule(learning: Learning) -> PairRule:
    """The pair rule that ``learning`` is. Raises NotThePairRule, saying where it is none."""
    w = learning.variable("w")
    if len(learning.variables) > 1:
        raise NotThePairRule(f"synapses have a mark {learning.variables[1].name!r}")
    if learning.flows or learning.normalise or any(term.event == EPOCH for term in learning.terms):
        raise NotThePairRule("something happens at every epoch")
    if not learning.transmits_w:
        raise NotThePairRule("something else than w is transmitted")
    A_plus, tau_plus, soft_plus = _half(learning, POST, PRE, offset=w.high, scale=-1.0)
    A_minus, tau_minus, soft_minus = _half(learning, PRE, POST, offset=0.0, scale=1.0)
    A_minus = -A_minus
    if A_plus <= 0 or A_minus < 0:
        raise NotThePairRule("post spikes must potentiate, and pre spikes depress or do nothing")
    if soft_plus and not soft_minus:
        raise NotThePairRule("potentiation depends on the weight and depression does not")
    return PairRule(tau_plus, tau_minus, A_plus, A_minus, soft_plus, soft_minus, w.high)


def _half(learning: Learning, event: str, traced: str, offset: float, scale: float) -> tuple[float, float, bool]:
    """(amplitude, time constant, whether it is soft) of the change by spikes of one side."""
    terms = [term for term in learning.terms if term.event == event]
    if len(terms) != 1:
        raise NotThePairRule(f"{event} spikes have {len(terms)} terms, not one")
    traces = {t.name: t.trace for t in learning.traces}
    amplitude, (read, *others) = terms[0].coefficient, _traces_first(terms[0], set(traces))
    trace = traces.get(read.variable)
    if trace is None or trace.event != traced or [f.variable for f in others] not in ([], ["w"]):
        raise NotThePairRule(f"{event} spikes must read one trace of {traced} spikes, and at most the weight")
    if trace.mode != "add" or trace.gate:
        raise NotThePairRule(f"trace {read.variable!r} must add up all spikes")
    if read.offset or read.power != 1:
        raise NotThePairRule(f"trace {read.variable!r} must be read as it is")
    amplitude *= read.scale * trace.increment
    for factor in others:
        if factor.power != 1 or factor.offset * scale != factor.scale * offset:
            what = "(w_max - w)" if offset else "w"
            raise NotThePairRule(f"{event} spikes may read the weight as {what} only")
        amplitude *= factor.scale / scale
    return amplitude, trace.tau_ms, bool(others)


def _traces_first(term: Term, traces: set[str]) -> list[Factor]:
    if not term.factors:
        raise NotThePairRule(f"{term.event} spikes must read a trace")
    return sorted(term.factors, key=lambda factor: factor.variable not in traces)
