"""Short-term plasticity: variables of the pre neurons of a projection, renewed in the step in which they spike."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ernsnn.describe.evaluation import evaluated
from ernsnn.describe.expressions import Statement, names_in
from ernsnn.describe.short_term import NEVER, ShortTermKind

from .equations import Statements
from .layout import Synapses
from .names import symbol
from .parts import Group, Operation, Parts

BEFORE_PRE_EVENTS = -1
"""The order of these pathways within the synapses slot of a step, in which pre spikes send at 0."""


def variable(s: Synapses, name: str) -> str:
    """The name in code of a state of the pre neurons, or of another name in its equations."""
    return f"{s.name}_{symbol('short', name)}"


def _varying(kind: ShortTermKind) -> Iterator[Statement]:
    """The statements that differ between spikes: Brian2 allows no second assignment to what is one for all neurons."""
    varying = {"since", *(state.name for state in kind.states)}
    for statement in kind.on_spike:
        if varying & {statement.target, *names_in(statement.value)}:
            varying.add(statement.target)
            yield statement


def declare(s: Synapses, group: Group, dt_ms: float, parts: Parts) -> str:
    """Let the pre neurons, cells of ``group``, have the states of ``s``; returns what synapses call the factor.

    Other cells of the group have them, too: those of the first neuron, to no effect.
    """
    p = s.first
    assert p.short_term is not None
    kind, cells = p.short_term.kind, s.pre_cells

    def named(name: str) -> str:
        return variable(s, name)

    def spread(value: float | np.ndarray) -> np.ndarray:
        values = np.broadcast_to(np.asarray(value, dtype=float), p.connectivity.n_pre)
        each = np.full(group.size, values[0])
        each[cells] = values
        return each

    for name, value in {**p.short_term.parameters, "dt": dt_ms}.items():
        if name in kind.names or name == "dt":
            group.parameter(named(name), spread(value))
    for state in kind.states:
        group.state(named(state.name), spread(evaluated(state.initial, p.short_term.parameters)))
    steps, factor = f"{s.name}_since_steps", f"{s.name}_factor"
    group.state(steps, np.full(group.size, NEVER))
    group.equations.append(f"{factor} : 1")
    states = [state.name for state in kind.states]
    step, most, again = Statements(states, named), parts.most_of([p.pre]), list(_varying(kind))
    code = [
        # The large number of steps of a first spike does not change when 1 is added.
        f"{steps} = {steps} + 1",
        f"{named('since')} = {steps}*{named('dt')}",
        *step.assigned(kind.on_spike, "spiking", states),
        f"{factor}{'1' * (most > 1)} = {step.text(kind.factor, False)}",
    ]
    for number in range(2, most + 1):  # further spikes in the same step
        code += [f"{named('since')} = 0.0", *step.assigned(again, f"spike_count >= {number}", states)]
        code.append(f"{factor}{number} = where(spike_count >= {number}, {step.text(kind.factor, False)}, 0.0)")
    if most > 1:
        code.append(f"{factor} = {' + '.join(f'{factor}{number}' for number in range(1, most + 1))}")
    code.append(f"{steps} = where(spiking, 0.0, {steps})")
    parts.operations.append(Operation(f"{s.name}_short_term", group.name, code, "synapses", BEFORE_PRE_EVENTS))
    return f"{factor}_pre"
