"""Poisson input for random networks."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

import ernsnn


def poisson_input(builder, name, part):
    """Input to neurons of a network that ``strategies`` builds: at a constant rate, or one that changes."""
    unit = part.population.model.kind.receptors[0].unit
    allowed = [r for r in builder.options["receptors"] if (r, unit) != ("signed", "uS")]
    receptor, per_step = builder.draw(st.sampled_from(allowed)), 1000.0 / builder.dt
    low, high = (-0.3 if receptor == "signed" else 0.02), 0.3
    each = builder.rng.uniform(low, high, part.size)
    weight = builder.draw(st.sampled_from([builder.number(low, high), each, ernsnn.Uniform(low, high)]))
    rates = [
        builder.number(0, 3) * per_step,
        builder.rng.uniform(0, 3, part.size) * per_step,
        ernsnn.Schedule(np.array([0, 7, 60]) * builder.dt, builder.rng.uniform(0, 3, (3, part.size)) * per_step),
        ernsnn.Schedule([5 * builder.dt], [builder.number(0, 30) * per_step]),
    ]
    rate = rates[builder.draw(st.integers(0, 3))]
    n = builder.draw(st.sampled_from([1, 3, builder.rng.integers(0, 3, part.size)]))
    builder.network.poisson_input(name, part, rate_hz=rate, n=n, receptor=receptor, **{f"weight_{unit}": weight})
