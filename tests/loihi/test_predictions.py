"""What the check announces, against what happens: random networks, and V on its way to the threshold."""

from __future__ import annotations

import numpy as np
import pytest
from lava_needed import cells, source, synapses

from ernsnn.benchmarks.loihi_predictions import KINDS, TRUNCATION, outcomes
from ernsnn.hardware_backends.loihi.arithmetic.integers import IntegerNetwork
from ernsnn.hardware_backends.loihi.emulator.emulator import Emulator
from ernsnn.hardware_backends.loihi.quantise.predicted import late


def test_whoever_parts_from_the_reference_was_announced() -> None:
    found = [o for seed in range(12) for o in outcomes(seed, 300)]
    parting = [o for o in found if o.parts is not None and o.own]
    assert {o.kind for o in parting} == set(KINDS)
    assert all(o.announced for o in parting)
    # On the grid nothing is rounded but V itself, and nearly all spikes are equal.
    grid = [o for o in found if o.kind == "on the grid"]
    assert any(o.announced == (TRUNCATION,) for o in parting)
    asked, had, both = np.sum([o.spikes for o in grid], axis=0)
    assert asked > 1000
    assert 2 * both / (asked + had) > 0.9


@pytest.mark.parametrize(("du", "dv"), [(4095, 64), (4095, 2048), (741, 200), (2000, 3000), (100, 40)])
def test_v_is_behind_by_no_more_than_is_announced(du: int, dv: int) -> None:
    """Into cells that never spike, beside the same decays without truncation."""
    rng = np.random.default_rng(0)
    given = source("s", *[np.flatnonzero(rng.random(3000) < 0.05).tolist() for _ in range(20)])
    never = cells("n", du=du, dv=dv, vth=131071)
    arrives = synapses("p", "s", "n", rng.integers(1, 8, (1, 20)))
    emulator = Emulator(IntegerNetwork((given,), (never,), (arrives,), (), {}))
    spikes = np.zeros((3001, 20))
    spikes[given.steps + 1, given.neurons] = 64
    u, v, behind = 0.0, 0.0, []
    for arrived in spikes[:3000] @ arrives.weights[0]:
        emulator.advance(1)
        u = u * (4095 - du) / 4096 + arrived
        v = v * (4096 - dv) / 4096 + u
        behind.append(v - emulator.variable("n", "v")[0])
    assert min(behind) > -1e-6
    # One unit of the lowest bit is for V having to be above the threshold.
    assert 0.3 * (64 * late(never) - 1) < max(behind) < 64 * late(never) - 1
