"""Evaluation of products, terms and traces on arrays, for synaptic and intrinsic plasticity."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import reduce
from operator import mul
from typing import Any

import numpy as np

from ernsnn.describe.learning import Term, Trace
from ernsnn.describe.products import Factor
from ernsnn.graph.constants import decay

Lookup = Callable[[str], Any]  # an array, or one number for all


def product(coefficient: float, factors: Iterable[Factor], lookup: Lookup) -> np.ndarray | float:
    """coefficient * product of factors."""
    result: np.ndarray | float = coefficient
    for f in factors:
        value = lookup(f.variable)
        base = f.offset + f.scale * value
        # A power is a product: NumPy's own differs from it, and so from compiled backends, in the last bit.
        result = result * reduce(mul, [base] * f.power)
    return result


def changes(terms: Iterable[Term], lookup: Lookup) -> dict[str, np.ndarray | float]:
    """Target -> the sum of all terms on it; all read the same values."""
    total: dict[str, np.ndarray | float] = {}
    for term in terms:
        total[term.target] = total.get(term.target, 0.0) + product(term.coefficient, term.factors, lookup)
    return total


class TraceState:
    """One trace of one value a neuron."""

    changes = ("values",)

    def __init__(self, trace: Trace, size: int, dt_ms: float) -> None:
        self.trace, self.values = trace, np.zeros(size)
        self.P = decay(trace.tau_ms, dt_ms)

    def decay(self) -> None:
        self.values *= self.P

    def spike(self, neurons: np.ndarray, gate: np.ndarray | float = 1.0) -> None:
        """Increment the traces of ``neurons``, whose gates are ``gate``."""
        grown = np.broadcast_to(self.trace.increment * gate, neurons.shape)
        if self.trace.mode == "add":
            self.values[neurons] += grown
        else:
            opened = np.broadcast_to(np.asarray(gate) != 0, neurons.shape)
            self.values[neurons[opened]] = grown[opened]
