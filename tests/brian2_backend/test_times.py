"""Times as programs compute them, end to end: the same graph as from exact times, and the same run in Brian2."""

from __future__ import annotations

import random

import numpy as np
import pytest
from forked import assert_same

import ernsnn as ern
from ernsnn.describe.units import time_of

STEPS_MS = (0.1, 0.05, 0.35, 1 / 3, 1.0, 0.7, 1 / 7, 2.3)
STEPS = 60


def network(case: int, exact: bool) -> tuple[ern.Graph, float]:
    """A random study of phases, freezes, currents, given spikes and probes; ``exact``: its times without any noise."""
    rng = random.Random(case)
    dt = STEPS_MS[case % len(STEPS_MS)]

    def spelt(steps: int) -> float:
        parts = [rng.randrange(steps + 1) for _ in range(rng.randrange(3))]
        if exact:
            return time_of(steps, dt)
        return sum([*(n * dt for n in parts), (steps - sum(parts)) * dt])

    net = ern.Network(dt_ms=dt, name="study")
    phases, end = [], 0
    while end < STEPS:
        length, plastic = rng.randrange(1, 20), rng.random() < 0.6
        start = end + rng.choice([0, 0, 1, 5])
        given = {"start_ms": spelt(start)} if start > end or rng.random() < 0.5 else {}
        rate = rng.choice([0.0, 40.0, 90.0]) / dt
        phases.append(ern.Phase(f"p{len(phases)}", spelt(length), plastic=plastic, rate=rate, P=rng.random(), **given))
        end = start + length
    timeline = ern.Timeline(phases, rate=20.0 / dt, P=0.0)
    source = net.population("source", 6, ern.Poisson(timeline.schedule("rate")))
    spikes = [[spelt(n) for n in sorted(rng.sample(range(STEPS), 9))] for _ in range(2)]
    given_ = net.population("given", 2, ern.SpikeTimes(spikes))
    cells = net.population("cells", 4, ern.LIF(tau_refrac_ms=2 * dt, v_threshold_mV=-58))
    signal = net.signal("P", timeline.schedule("P"))
    rule = ern.LearningRule.from_equations(
        traces={"x": ern.Trace("pre", 20)}, on_post={"w": "0.1*x*P"}, bounds={"w": (0, 3)}, third_factors=["P"]
    )
    learns = net.projection(
        "learns", source, cells, weight_nA=2.0, delay_ms=spelt(3), learning=rule, third_factors={"P": signal}
    )
    net.projection(
        "kicks", given_, cells, weight_nA=3.0, delay_ms=[[spelt(k + j + 1) for j in range(4)] for k in range(2)]
    )
    net.inject(cells, ern.Schedule([spelt(10), spelt(25)], [1.0, 0.0]))
    net.probe(cells, "v_mV", every_ms=spelt(7))
    net.probe(learns, "w", every_ms=spelt(11))
    net.follow(timeline)
    return ern.lower(net, case), spelt(STEPS)


def test_five_hundred_studies_are_the_same_graph_as_from_exact_times() -> None:
    for case in range(500):
        (noisy, duration), (exact, _) = network(case, False), network(case, True)
        assert noisy.digest == exact.digest, case
        if case < 40:
            assert ern.run(noisy, duration_ms=duration, backend="reference").recording.n_steps == STEPS


@pytest.mark.parametrize("case", range(40))
def test_end_to_end_in_numpy(case: int) -> None:
    graph = network(case, False)[0]
    assert_same(graph, STEPS, target="numpy")


@pytest.mark.slow
@pytest.mark.parametrize("case", range(5))
@pytest.mark.parametrize("target", ["cython", "cpp_standalone"])
def test_end_to_end_compiled(case: int, target: str) -> None:
    assert_same(network(3 * case, False)[0], STEPS, target=target)


def test_the_networks_do_something() -> None:
    results = [
        ern.run(network(case, False)[0], duration_ms=STEPS * STEPS_MS[case], backend="native") for case in range(8)
    ]
    assert sum(len(r.recording.spikes["cells"][0]) > 3 for r in results) > 4
    assert sum(bool(r.graph.frozen) for r in results) > 4
    assert any(np.ptp(r.recording.synapses["learns"]["w"]) > 0.01 for r in results)
