"""Projections: synapses from one population to another, and the checks of their arguments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from ernsnn.describe.arguments import checked
from ernsnn.describe.connectors import AllToAll, Connector, FixedInDegree, FixedTotalNumber, FromList, OneToOne
from ernsnn.describe.distributions import Distribution, Value, span
from ernsnn.describe.equations import names_in
from ernsnn.describe.fields import convert_fields, is_one_of
from ernsnn.describe.learning import LearningRule
from ernsnn.describe.modulators import Modulator, ThirdFactor
from ernsnn.describe.populations import Population, View
from ernsnn.describe.short_term import ShortTerm, check_short_term
from ernsnn.describe.weights import Weighted
from ernsnn.errors import InvalidModel, warn


@checked
@dataclass(frozen=True, eq=False, kw_only=True)
class Projection(Weighted):
    """Synapses from one population to another; see ``Network.projection``.

    ``seed`` is that of all that it draws - connector, delays, initial values - in place of the run's. With it, an array
    may have one number for each synapse that its connector draws, by pre neuron, then by post neuron.
    """

    name: str
    pre: View
    post: View
    connector: Connector
    delay_ms: Value
    weight_nA: Value | None = None
    weight_mV: Value | None = None
    weight_uS: Value | None = None
    receptor: str = "excitatory"
    learning: LearningRule | None = None
    third_factors: Mapping[str, ThirdFactor | Modulator] = field(default_factory=dict)
    transmit: str = "w"
    short_term: ShortTerm | None = None
    seed: int | None = None

    def __post_init__(self) -> None:
        convert_fields(self, self.name)

    @property
    def states(self) -> list[str]:
        """The states of its short-term plasticity."""
        return [s.name for s in self.short_term.kind.states] if self.short_term else []

    @property
    def reached(self) -> Population:
        """See ``Weighted.reached``."""
        return self.post.population


def check_projection(p: Projection, dt_ms: float, modulators: Mapping[str, Modulator]) -> None:
    """Raise InvalidModel, naming the projection and listing everything that is wrong with it."""
    problems = list(_problems(p, dt_ms, modulators))
    if problems:
        raise InvalidModel("\n".join(problems))


def warn_of_zeros(p: Projection) -> None:
    """Give a ModelWarning where a matrix with zeros and other weights makes a plastic synapse of every zero."""
    if p.learning is None or not isinstance(p.connector, AllToAll) or not isinstance(p.weight, np.ndarray):
        return
    left_out = np.zeros(0) if p.connector.self_connections else p.weight.diagonal()
    synapses = p.weight.size - left_out.size
    zeros = synapses - int(np.count_nonzero(p.weight) - np.count_nonzero(left_out))
    if 0 < zeros < synapses:
        warn(
            f"{p.name}.{p.weight_field}: {zeros} of {synapses} weights are 0, and are synapses that learn like the "
            "others; to leave them out, list the synapses: FromList(np.argwhere(weights)), with weights[weights != 0]"
        )


def _problems(p: Projection, dt_ms: float, modulators: Mapping[str, Modulator]) -> Iterator[str]:
    learning = p.learning
    yield from p.receptor_problems()
    yield from _of_connector(p)
    if not p.post.population.is_source:
        yield from _of_weight(p, learning)
    values = {"delay_ms": p.delay_ms} | {f"mark {m.name}": m.initial for m in (learning.marks if learning else ())}
    yield from _of_shapes(p, values)
    if not isinstance(p.delay_ms, Distribution) and np.min(p.delay_ms, initial=np.inf) < dt_ms * (1 - 1e-9):
        yield f"{p.name}.delay_ms: the shortest delay is one step of {dt_ms} ms, got {np.min(p.delay_ms)}"
    if p.learning is None and (p.third_factors or not is_one_of(p.transmit, ["w"])):
        yield f"{p.name}: third_factors and transmit need a learning rule"
    if p.short_term is not None:
        variables = learning.variables if learning else ("w",)
        yield from check_short_term(f"{p.name}.short_term", p.short_term, p.pre.size, dt_ms, variables)
    if learning is not None:
        try:
            learning.check_epochs(dt_ms, f"{p.name}.learning")
            yield from _of_learning(p, learning, modulators)
        except InvalidModel as problem:
            yield str(problem)


def _of_connector(p: Projection) -> Iterator[str]:
    if isinstance(p.connector, OneToOne) and p.pre.size != p.post.size:
        yield f"{p.name}: one to one needs equal sizes, got {p.pre.size} and {p.post.size}"
    if isinstance(p.connector, FixedInDegree):
        candidates = p.pre.size - (not p.connector.self_connections)
        if p.connector.n > candidates:
            yield f"{p.name}: an in-degree of {p.connector.n} needs as many pre neurons, there are {candidates}"
    if isinstance(p.connector, FixedTotalNumber):
        pairs = p.pre.size * p.post.size - (0 if p.connector.self_connections else min(p.pre.size, p.post.size))
        if p.connector.n > pairs and not (pairs and p.connector.replace):
            hint = "; with replace=True a pair may have several" if pairs else ""
            yield f"{p.name}: {p.connector.n} synapses between different pairs of neurons, there are {pairs}{hint}"
    if isinstance(p.connector, FromList) and len(p.connector.pairs):
        highest = np.max(p.connector.pairs, axis=0)
        for side, index, view in (("pre", highest[0], p.pre), ("post", highest[1], p.post)):
            if index >= view.size:
                yield f"{p.name}: {side} index {index} is beyond the {view.size} neurons of {view.name}"


def _of_shapes(p: Projection, values: Mapping[str, Value]) -> Iterator[str]:
    listed = {FromList: lambda c: len(c.pairs), OneToOne: lambda c: p.pre.size}.get(type(p.connector))
    allowed = (listed(p.connector),) if listed else (p.pre.size, p.post.size)
    for name, value in values.items():
        shape = () if isinstance(value, Distribution) else np.shape(value)
        if p.seed is not None and not listed and len(shape) == 1:
            continue  # the lowering counts the synapses
        if shape not in ((), allowed):
            kind = type(p.connector).__name__
            yield f"{p.name}.{name}: for {kind} needs one number or an array of shape {allowed}, got {shape}"


def _of_learning(p: Projection, rule: LearningRule, modulators: Mapping[str, Modulator]) -> Iterator[str]:
    if unused := rule.unused(names_in(p.transmit, f"{p.name}.transmit")):
        yield f"{p.name}.learning: {unused}"
    missing = [f"say which astrocyte or signal {n!r} is" for n in rule.third_factors if n not in p.third_factors]
    extra = [f"the rule has no third factor {n!r}" for n in p.third_factors if n not in rule.third_factors]
    if missing or extra:
        yield f"{p.name}.third_factors: " + "; ".join(missing + extra)
        return
    for symbol, given in p.third_factors.items():
        path = f"{p.name}.third_factors[{symbol!r}]"
        modulator = given.modulator if isinstance(given, ThirdFactor) else given
        if not isinstance(modulator, Modulator) or modulators.get(modulator.name) is not modulator:
            yield f"{path}: {given!r} is no astrocyte, gate or signal of this network"
        elif isinstance(given, ThirdFactor) and not is_one_of(given.per, ("pre", "post")):
            yield f"{path}.per: must be 'pre' or 'post', got {given.per!r}"
        elif isinstance(given, ThirdFactor):
            size = p.pre.size if given.per == "pre" else p.post.size
            if modulator.size not in (1, size):
                yield f"{path}: {modulator.name} has {modulator.size} values for {size} {given.per} neurons"
        elif modulator.size != 1:
            yield (
                f"{path}: {modulator.name} has {modulator.size} values; say whose with "
                f"ThirdFactor(modulator=..., per='pre' or 'post')"
            )
    for name, trace in rule.traces.items():
        gate = p.third_factors[trace.gate] if trace.gate else None
        if (
            isinstance(gate, ThirdFactor)
            and isinstance(gate.modulator, Modulator)
            and gate.modulator.size > 1
            and gate.per != trace.event
        ):
            yield f"{p.name}: trace {name!r} lives on the {trace.event} neurons, its gate {trace.gate!r} on the others"


def _of_weight(p: Projection, rule: LearningRule | None) -> Iterator[str]:
    if problems := list(p.unit_problems()):
        yield from problems
        return
    yield from _of_shapes(p, {p.weight_field: p.weight})
    yield from p.sign_problems()
    if rule is not None:
        low, high = rule.bounds_of("w")
        lowest, highest = span(p.weight)
        if p.site is not None and not p.site.negative and low < 0:
            yield f"{p.name}.learning: conductances are >= 0, but the rule's bounds of w begin at {low}"
        if lowest < low or highest > high:
            path = f"{p.name}.{p.weight_field}"
            yield f"{path}: initial weights from {lowest} to {highest} leave the rule's bounds [{low}, {high}]"
