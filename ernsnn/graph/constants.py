"""Closed forms of the time step, computed once here so that every backend gets the same numbers."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ernsnn.describe.evaluation import Numbers, evaluator
from ernsnn.describe.kinds import Kind, Propagator

_FOREVER = 2.0**40
"""The largest refractory period in steps, longer than every run."""


def decay(tau_ms: Numbers, dt_ms: float) -> Numbers:
    """exp(-dt/tau), of a time constant that is not so small that dt/tau overflows: it is 0 long before."""
    return np.exp(-dt_ms / np.asarray(np.maximum(np.asarray(tau_ms), 1e-9 * dt_ms)))[()]


def refractory_steps(tau_refrac_ms: Numbers, dt_ms: float) -> Numbers:
    """ceil(tau_refrac/dt), tolerant of rounding noise."""
    steps = np.ceil(np.asarray(tau_refrac_ms) / dt_ms - 1e-9)
    return np.asarray(np.minimum(steps, _FOREVER)).astype(np.int64)[()]


def constants(
    kind: Kind, parameters: Mapping[str, Numbers], dt_ms: float, current_integration: str
) -> dict[str, Numbers]:
    """The constants of a kind's equations by name, and ``n_ref``, the refractory steps; numbers, or one a neuron."""
    values: dict[str, Numbers] = {name: np.asarray(value, dtype=float) for name, value in parameters.items()}
    values["dt"] = np.float64(dt_ms)
    computed: dict[str, Numbers] = {}
    with np.errstate(all="ignore"):
        equations = kind.given(current_integration, parameters)
        for s in equations.constants:
            values[s.target] = computed[s.target] = np.asarray(evaluator(s.value)(values))[()]
        for p in equations.propagators:
            computed |= propagated(p, values, dt_ms)
        steps = refractory_steps(parameters[kind.refractory], dt_ms) if kind.refractory else 0
    return computed | {"n_ref": steps}


def propagated(p: Propagator, values: Mapping[str, Numbers], dt_ms: float) -> dict[str, Numbers]:
    """The constants of a propagator: exp(A h) and its integral over h, from exp of ((A, 1), (0, 0)) h."""
    n, h = len(p.states), p.share * dt_ms
    entries = [[np.asarray(evaluator(value)(values)) for value in row] for row in p.matrix]
    shape = np.broadcast_shapes(*(entry.shape for row in entries for entry in row))
    both = np.zeros((*shape, 2 * n, 2 * n))
    for i, row in enumerate(entries):
        both[..., i, n + i] = h
        for j, entry in enumerate(row):
            both[..., i, j] = entry * h
    grown = exponential(both)
    factors: dict[str, Numbers] = {}
    for j, one in enumerate(p.states):
        for i, other in enumerate(p.states):
            if p.acts(one, other):
                factors[p.factor(one, other)] = grown[..., i, j][()]
                factors[p.gain(one, other)] = grown[..., i, n + j][()]
    return factors


_TERMS = 18


def exponential(matrices: np.ndarray) -> np.ndarray:
    """exp of matrices (..., n, n) with rates below 0: scaled down until their norm is below 1/2, summed, and squared.

    The scaling is one for each matrix, so that a matrix has the same exponential whatever others there are.
    """
    norm = np.abs(matrices).sum(axis=-1).max(axis=-1, initial=0.0)
    halvings = np.where(norm > 0.5, np.ceil(np.log2(np.maximum(norm, 0.5))) + 1, 0).astype(int)
    scaled = matrices / 2.0 ** halvings[..., None, None]
    identity = np.broadcast_to(np.eye(matrices.shape[-1]), matrices.shape)
    total = identity
    for k in range(_TERMS, 0, -1):
        total = identity + scaled @ total / k
    for k in range(int(np.max(halvings, initial=0))):
        total = np.where((halvings > k)[..., None, None], total @ total, total)
    return np.asarray(total)
