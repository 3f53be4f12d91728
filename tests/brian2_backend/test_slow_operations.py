"""What happens in every so many steps (epochs, probes, freezing) happens in exactly those, however rare it is."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import accumulate

import numpy as np
import pytest
from forked import run_forked

import ernsnn as ern
from ernsnn.hardware_backends.brian2.compiler import compile_program
from ernsnn.hardware_backends.brian2.parts import Group, Parts
from ernsnn.hardware_backends.native import engine as native
from ernsnn.hardware_backends.reference import engine as reference

STEPS_MS = (0.1, 0.05, 0.35, 0.5, 1.0)
LEAD = 8
"""Steps before the part that is looked at, from whose state it goes on."""


def quietly(fraction):
    """Of progress nothing is said."""


def case(rng, longest=10**6, span=12):
    """(period, step at which a run starts, its length): around a multiple of the period."""
    period = int(np.exp(rng.uniform(0, np.log(longest))))
    multiple = period * int(rng.integers(1, 1000))
    first = max(0, multiple + int(rng.integers(-span, span // 2)))
    return period, first, int(rng.integers(1, span + 1))


def ends(period, first, n_steps):
    """The last steps of the epochs that end within a run."""
    return [t for t in range(first, first + n_steps) if (t + 1) % period == 0]


def test_the_condition_of_2000_schedules():
    """The text that Brian2 evaluates, evaluated by Python, against whole numbers; up to step 2^50."""
    rng = np.random.default_rng(15)
    for _ in range(2000):
        period, first, n_steps = case(rng, span=40)
        first += period * int(rng.integers(0, 2 ** int(rng.integers(1, 50)) // period + 1))
        group = Group("cells", 1, [])
        steps = np.arange(n_steps, dtype=np.int64)
        due = eval(group.due(period, first), {"t_in_timesteps": steps, **group.values})
        assert (steps[due] + first).tolist() == ends(period, first, n_steps), (period, first)


def test_2000_freezes():
    """The flag that lets a network learn, stepped by hand; intervals may be far away, and may touch."""
    rng = np.random.default_rng(16)
    for _ in range(2000):
        first, n_steps = int(rng.integers(0, 40)) * 10 ** int(rng.integers(0, 11)), 40
        bounds = first + np.cumsum(rng.integers(0, 12, 8)) - 15
        frozen = [(a, b) for a, b in zip(bounds[::2], bounds[1::2], strict=True) if 0 <= a < b]
        if rng.random() < 0.5:
            frozen.append((first + 10**9, first + 10**12))
        parts, owner = Parts(frozen=tuple(frozen), first=first), Group("cells", 1, [])
        parts.let_freeze(owner)
        if not frozen:
            assert not parts.operations
            continue
        table, variables = parts.tables["freezing_steps"], dict(owner.values)
        assert table.nbytes < 1000
        for t in range(n_steps):
            scope = {"dt": 1, "t_in_timesteps": t, "freezing_steps": lambda k: table[k]}  # noqa: B023
            for line in parts.operations[0].code:
                exec(line, scope, variables)
            assert variables["learns"] == (not any(a <= first + t < b for a, b in frozen)), (frozen, first, t)


def slow_network(dt_ms, period, frozen=()):
    """Cells that spike by themselves; their synapses, and thresholds, change at epochs only. Two slow probes."""
    net = ern.Network(dt_ms=dt_ms)
    every_ms = period * dt_ms
    drift = ern.LearningRule.from_equations(on_epoch={"w": "0.25"}, epoch_ms=every_ms, bounds={"w": (-90, 90)})
    cells = net.population(
        "cells",
        2,
        ern.LIF(i_offset_nA=np.array([2.0, 3.0]), tau_m_ms=5 * dt_ms, cm_nF=0.2 * dt_ms, tau_refrac_ms=0.0),
        plasticity=ern.IntrinsicPlasticity(target="v_threshold_mV", rule=drift),
    )
    rule = ern.LearningRule.from_equations(on_epoch={"w": "0.01"}, epoch_ms=every_ms, bounds={"w": (0, 90)})
    synapses = net.projection("p", cells, cells, ern.OneToOne(), weight_nA=0.5, learning=rule)
    scaled = ern.LearningRule(terms=[], epoch_ms=every_ms, normalise=[ern.Normalise("post", "w", 3.0)])
    net.projection("n", cells, cells, weight_nA=0.5, learning=scaled, receptor="inhibitory")
    net.probe(synapses, "w", every_ms=every_ms)
    net.probe(cells[1:], "v_mV", every_ms=every_ms)
    for first, last in frozen:
        net.freeze(first * dt_ms, last * dt_ms)
    return net


def shifted(recording, first):
    """A recording of the same state, as if it had ended at step ``first``."""
    none = {name: (np.zeros(0, np.int64), np.zeros(0, np.int32)) for name in recording.spikes}
    return replace(recording, first_step=first - recording.n_steps, spikes=none)


def assert_slow_parts(dt_ms, period, first, n_steps, freezes, target="numpy"):
    """From ``first``, or from 0 where that is too early for a lead. All that is expected is counted here."""
    around = first // period
    frozen = [(around * period, (around + 1) * period)] if freezes and period < 10**5 else []
    graph = ern.lower(slow_network(dt_ms, period, frozen), 0)
    if first < LEAD:
        first, found = 0, run_forked(graph, n_steps, target)
        lead = 0
    else:
        quiet = ern.lower(slow_network(dt_ms, 10**6, []), 0)  # no epoch ends in the lead
        start = shifted(run_forked(quiet, LEAD, "numpy"), first)
        found, lead = run_forked(graph, n_steps, target, start=start), LEAD
    due = ends(period, first, n_steps)
    learned = [t for t in due if not any(a <= t < b for a, b in frozen)]
    assert found.first_step == first
    np.testing.assert_allclose(found.synapses["p"]["w"], 0.5 + 0.01 * len(learned), rtol=1e-12)
    np.testing.assert_allclose(found.synapses["n"]["w"], 1.5 if learned else 0.5, rtol=1e-12)
    np.testing.assert_allclose(found.neurons["cells"]["v_threshold_mV"], -50 + 0.25 * len(learned), rtol=1e-12)
    steps, weights = found.signals["p.w"]
    assert steps.tolist() == due
    so_far = accumulate(0.01 * (t in learned) for t in due)
    np.testing.assert_allclose(weights, np.full((len(due), 2), 0.5) + np.array([*so_far]).reshape(-1, 1), rtol=1e-12)
    assert found.signals["cells.v_mV"][0].tolist() == due
    assert found.signals["cells.v_mV"][1].shape == (len(due), 1)
    # The cells themselves: as without anything slow, up to the first change of their threshold.
    until = learned[0] + 1 if learned else first + n_steps
    plain = reference.Engine(ern.lower(slow_network(dt_ms, 10**6), 0)).run(lead + n_steps, quietly)
    steps, neurons = plain.spikes["cells"]
    inside = (steps >= lead) & (steps - lead + first < until)
    mine = found.spikes["cells"][0] < until
    assert np.array_equal(found.spikes["cells"][0][mine], steps[inside] - lead + first)
    assert np.array_equal(found.spikes["cells"][1][mine], neurons[inside])


def assert_random_cases(seed, count, target="numpy"):
    rng = np.random.default_rng(seed)
    for _ in range(count):
        dt_ms = float(rng.choice(STEPS_MS))
        assert_slow_parts(dt_ms, *case(rng), freezes=rng.random() < 0.5, target=target)


def test_slow_parts():
    assert_random_cases(seed=1, count=8)


def test_the_default_epoch_of_marks_in_a_run_of_its_length():
    """1000 ms at .1 ms: an epoch of 10,000 steps, which Brian2's clocks hold to the tolerance of one step."""
    net = ern.Network(dt_ms=0.1)
    cells = net.population("cells", 1, ern.LIF())
    rule = ern.LearningRule.from_equations(on_epoch={"w": "0.01"}, epoch_ms=1000, bounds={"w": (0, 1)})
    net.projection("p", cells, cells, weight_nA=0.5, learning=rule)
    graph = ern.lower(net)
    assert run_forked(graph, 10_000).synapses["p"]["w"].tolist() == [0.51]
    assert run_forked(graph, 10_001).synapses["p"]["w"].tolist() == [0.51]


@pytest.mark.slow
def test_40_slow_parts():
    assert_random_cases(seed=2, count=40)


@pytest.mark.slow
@pytest.mark.parametrize("target", ["cython", "cpp_standalone"])
def test_slow_parts_in_compiled_code(target):
    assert_random_cases(seed=3, count=5, target=target)


@pytest.mark.parametrize("make", [reference.Engine, lambda graph: native.Engine(graph, "float64", compiled=False)])
def test_slow_parts_of_the_other_engines(make):
    rng = np.random.default_rng(4)
    for _ in range(25):
        period, first, n_steps = case(rng, longest=2000)
        graph = ern.lower(slow_network(0.1, period), 0)
        found = make(graph).run(min(first, 2000) + n_steps, quietly)
        due = ends(period, 0, min(first, 2000) + n_steps)
        np.testing.assert_allclose(found.synapses["p"]["w"], 0.5 + 0.01 * len(due), rtol=1e-12)
        assert found.signals["p.w"][0].tolist() == due


def test_programs_have_one_clock():
    graph = ern.lower(slow_network(0.1, 10_000, [(0, 20_000)]), 0)
    start = shifted(run_forked(graph, LEAD), 2**31 + 5)
    for program in (compile_program(graph, 10, target="numpy", threads=0, start=s) for s in (None, start)):
        clocks = re.findall(r"\bdt=[^,)]*", program.files["program.py"])
        assert set(clocks) == {"dt=STEP"}  # that of the tables, and the clock's own


@pytest.mark.parametrize("first", [2**31 - 3, 2**31, 2**32 + 7, 2**39])
def test_going_on_beyond_the_whole_numbers_of_32_bits(first):
    assert_slow_parts(0.1, 5, first, 12, freezes=True)


def test_freezing_to_a_distant_time_takes_no_table():
    net = slow_network(1.0, 1)
    net.freeze(5, 1e8 + 3)
    program = compile_program(ern.lower(net), 10, target="numpy", threads=0)
    assert sum(array.nbytes for array in program.files["arrays.npz"].values()) < 100_000
    assert run_forked(ern.lower(net), 10).synapses["p"]["w"].tolist() == pytest.approx([0.55, 0.55])
