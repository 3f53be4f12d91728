"""A stable mark and its labile tag in one tag: what writes it, that it stays, and that Lava has the same integers."""

from __future__ import annotations

from typing import Any

import naive_loihi
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lava_needed import LAVA, needs_lava

import ernsnn
from ernsnn import LIF, AllToAll, LearningRule, Network, Relax, SpikeTimes, Term, stdp
from ernsnn.describe.marks import Custom, Labile, Mark, Stable, WeightRelax
from ernsnn.describe.products import Factor
from ernsnn.errors import UnsupportedOnBackend
from ernsnn.hardware_backends.loihi.arithmetic.integers import IntegerNetwork
from ernsnn.hardware_backends.loihi.emulator.emulator import Emulator
from ernsnn.hardware_backends.loihi.lava.run import run_on_lava
from ernsnn.hardware_backends.loihi.quantise.latch import straight
from ernsnn.hardware_backends.loihi.quantise.quantise import quantise, required

TAG, LOCK = Labile("a", tau_s=12, rise=0.02, fall=0.006), Stable("m", tau_s=60, consolidated_by="P", tag="a")
SECONDS = 12
# One that fires with every spike that reaches it, and forgets it at once.
RELAY = LIF(
    tau_m_ms=0.05, tau_syn_E_ms=0.05, tau_syn_I_ms=0.05, cm_nF=0.01, v_rest_mV=-65, v_reset_mV=-65, v_threshold_mV=-50
)
LESSON, LATER = np.arange(500.0, 4000.0, 50.0), np.arange(7000.0, 11000.0, 50.0)


def rule(*marks: Any, **more: Any) -> LearningRule:
    return stdp.pair(
        A_plus=0.05, A_minus=0.05, dependence="multiplicative", marks=marks or (TAG, LOCK), epoch_ms=100, **more
    )


def network(pre: Any, post: Any, opened: Any, learning: LearningRule) -> Network:
    """A synapse whose neuron fires a step after ``post``, and an astrocyte that is open around the times ``opened``."""
    net = Network(dt_ms=1.0, current_integration="step_average")
    source, drive = net.population("s", 1, SpikeTimes([pre])), net.population("d", 1, SpikeTimes([post]))
    signal, cells = net.population("g", 1, SpikeTimes([opened])), net.population("n", 1, RELAY)
    net.projection("drive", drive, cells, weight_nA=1000.0)
    glia = net.astrocyte("glia", [signal], tau_ms=200, threshold=0.5)
    third: Any = {"P": glia} if "P" in learning.third_factors else {}
    net.projection("p", source, cells, weight_nA=0.5, learning=learning, third_factors=third)
    return net


def learnt(pre: Any, post: Any, opened: Any) -> dict[str, np.ndarray]:
    """m and w after every second."""
    net = network(pre, post, opened, rule())
    for name in ("m", "w"):
        net.probe(net.projections["p"], name, every_ms=1000)
    result = ernsnn.run(net, duration_ms=1000 * SECONDS, backend="loihi-emulator")
    return {name: result.recording.signals[f"p.{name}"][1][:, 0] for name in ("m", "w")}


NEVER = [1000.0 * SECONDS - 1]


def test_it_latches_where_coincidences_meet_consolidation_and_then_protects() -> None:
    # Post spikes follow pre spikes by 3 ms in the lesson, and precede them by 6 ms later.
    found = learnt([*LESSON, *(LATER + 6)], [*(LESSON + 3), *LATER], [*LESSON, *LATER])
    assert found["m"][0] < 0.5
    assert np.all(found["m"][4:] > 0.98)
    assert found["w"][5] > 0.7
    assert abs(found["w"][-1] - found["w"][5]) < 0.02


@pytest.mark.parametrize(
    ("pre", "post", "opened", "most"),
    [
        (LESSON, LESSON + 3, NEVER, 0.05),
        (LESSON + 6, LESSON, LESSON, 0.05),
        (NEVER, LESSON, LESSON, 0.05),
        (LESSON[:25], LESSON[:25] + 3, LESSON, 0.5),
    ],
    ids=["without consolidation", "by pairs that depress", "by post spikes alone", "by too few pairs"],
)
def test_it_does_not_latch(pre: Any, post: Any, opened: Any, most: float) -> None:
    found = learnt([*pre, *(LATER + 6)], [*post, *LATER], opened)
    assert found["m"].max() < most
    assert found["m"][-1] < 0.05
    assert found["w"][-1] < 0.2


def test_what_is_below_its_threshold_fades_with_the_tag_and_what_is_above_rises_with_the_mark() -> None:
    for initial, seconds in ((0.48, 12), (0.52, 60)):
        held = Stable("m", tau_s=60, consolidated_by="P", tag="a", initial=initial)
        net = network(NEVER, NEVER, NEVER, rule(TAG, held))
        net.probe(net.projections["p"], "m", every_ms=1000)
        result = ernsnn.run(net, duration_ms=1000 * SECONDS, backend="loihi-emulator")
        values = result.recording.signals["p.m"][1][:, 0]
        speed = (0.5 if initial > 0.5 else -0.5) / seconds
        within = values > 0.02  # at 0 it rests
        assert values[within] == pytest.approx(initial + speed * np.arange(1, SECONDS + 1)[within], abs=0.03)


def test_only_the_stable_mark_comes_back() -> None:
    net = network(LESSON, LESSON + 3, LESSON, rule())
    assert set(ernsnn.run(net, duration_ms=50, backend="loihi-emulator").recording.synapses["p"]) == {"w", "m"}
    net.probe(net.projections["p"], "a")
    with pytest.raises(UnsupportedOnBackend, match=r"L220.*shares the field of the stable mark"):
        ernsnn.run(net, duration_ms=50, backend="loihi-emulator")


def test_what_it_takes_to_latch_is_told() -> None:
    _, report = quantise(ernsnn.lower(network(LESSON, LESSON, LESSON, rule())), n_steps=0)
    told = {i.path: i.message for i in report.limits if i.code == "L115"}
    # (.02 * .7 - .006 * .3) * .5/.3 with every spike.
    assert "latches after 25 post spikes" in " ".join(i.message for i in report.limits if i.code == "L115")
    assert "12 s from its threshold to 0, 60 s to 1" in told["p.learning.flows.m"]
    never = rule(Labile("a", tau_s=12, rise=0.001, fall=0.02), LOCK)
    _, report = quantise(ernsnn.lower(network(LESSON, LESSON, LESSON, never)), n_steps=0)
    assert any("latches never" in i.message for i in report.limits)


def extra(term: Term) -> LearningRule:
    made = rule()
    return LearningRule(
        terms=[*made.terms, term],
        traces=made.traces,
        marks=made.marks,
        bounds=made.bounds,
        third_factors=made.third_factors,
        epoch_ms=made.epoch_ms,
        flows=made.flows,
    )


REFUSED = {
    "no synapse knows the mean": rule(TAG, Stable("m", tau_s=60, consolidated_by="P", tag="a", budget=0.5)),
    "a further mark has no field": rule(TAG, LOCK, Custom(variable=Mark("b"), moves=Relax("b", 5))),
    "events change it directly": extra(Term("m", "post", 0.1)),
    "changes at epochs": extra(Term("a", "epoch", 0.1)),
    "sets where another variable goes": rule(TAG, LOCK, rest=WeightRelax(tau_s=9, to=0.2, of="a")),
    "its threshold must lie": rule(TAG, Stable("m", tau_s=60, consolidated_by="P", tag="a", threshold=0.0)),
}


@pytest.mark.parametrize("reason", REFUSED)
def test_what_one_tag_cannot_hold_is_refused(reason: str) -> None:
    _, report = quantise(ernsnn.lower(network(LESSON, LESSON, LESSON, REFUSED[reason])), n_steps=0)
    (told,) = (i for i in report.errors if i.code == "L215")
    assert told.path == "p.learning.flows.m"
    assert reason in told.message


STEPS = 60


@st.composite
def latching(draw: Any) -> IntegerNetwork:
    """Random pools whose synapses latch within some dozen steps."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    sizes = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    trains = [np.flatnonzero(rng.random(STEPS) < rng.uniform(0.1, 0.5)).astype(float) for _ in range(sizes[0])]
    drives = [np.flatnonzero(rng.random(STEPS) < rng.uniform(0.1, 0.5)).astype(float) for _ in range(sizes[1])]
    tag = Labile("a", tau_s=rng.uniform(0.02, 0.3), rise=rng.uniform(0.05, 0.5), fall=rng.uniform(0, 0.2))
    lock = Stable(
        name="m",
        tau_s=rng.uniform(0.02, 0.3),
        consolidated_by="P",
        tag="a",
        threshold=rng.uniform(0.2, 0.8),
        tag_threshold=rng.uniform(0.1, 0.6),
        initial=ernsnn.Uniform(0, 1),
    )
    learning = stdp.pair(
        tau_plus_ms=rng.uniform(2, 20),
        tau_minus_ms=rng.uniform(2, 20),
        A_plus=rng.uniform(0.02, 0.3),
        A_minus=rng.uniform(0.02, 0.3),
        dependence=draw(st.sampled_from(["additive", "multiplicative"])),
        pairing=draw(st.sampled_from(["all", "nearest"])),
        marks=[tag, lock],
        epoch_ms=draw(st.sampled_from([1, 2, 4])),
    )
    net = Network(dt_ms=1.0, current_integration="step_average")
    source, drive = net.population("s", sizes[0], SpikeTimes(trains)), net.population("d", sizes[1], SpikeTimes(drives))
    cells = net.population("n", sizes[1], RELAY)
    net.projection("drive", drive, cells, ernsnn.OneToOne(), weight_nA=1000.0)
    graded = {"threshold": rng.uniform(0.5, 3)} if draw(st.booleans()) else {}
    glia = net.astrocyte("glia", [cells], tau_ms=rng.uniform(5, 50), **graded)
    where = AllToAll() if draw(st.booleans()) else ernsnn.FixedProbability(0.7)
    delay = float(draw(st.integers(1, 3)))
    weight = ernsnn.Uniform(0, 1)
    net.projection(
        "p", source, cells, where, weight_nA=weight, delay_ms=delay, learning=learning, third_factors={"P": glia}
    )
    order = draw(st.sampled_from(["spinnaker", "loihi"]))
    return required(
        ernsnn.lower(net, int(rng.integers(1000))), n_steps=STEPS, order=order, seed=int(rng.integers(1000))
    )[0]


def states(network: IntegerNetwork) -> dict[str, dict[str, np.ndarray]]:
    """The integers of every plastic connection and astrocyte, after every step."""
    emulator = Emulator(network)
    (p,) = (c for c in network.connections if c.rule)
    assert p.rule
    wanted = {"p": ["w", "t", *p.rule.traces, *p.rule.third], "glia": ["c", "y"]}
    found: dict[str, dict[str, list[np.ndarray]]] = {name: {v: [] for v in held} for name, held in wanted.items()}
    for _ in range(STEPS):
        emulator.advance(1)
        for name, held in found.items():
            for variable, values in held.items():
                values.append(emulator.variable(name, variable))
    return {name: {v: np.array(values) for v, values in held.items()} for name, held in found.items()}


@settings(deadline=None, max_examples=25, suppress_health_check=list(HealthCheck))
@given(latching())
def test_the_emulator_has_the_numbers_of_plain_python(network: IntegerNetwork) -> None:
    _, expected = naive_loihi.run(network, STEPS)
    for name, held in states(network).items():
        for variable, values in held.items():
            assert np.array_equal(values, np.array(expected[name][variable])), (name, variable)


@needs_lava
@LAVA
@given(latching())
def test_lava_has_the_same(network: IntegerNetwork) -> None:
    assert_lava_agrees(network)


@needs_lava
@pytest.mark.slow
@settings(LAVA, max_examples=12)
@given(latching())
def test_lava_has_the_same_much(network: IntegerNetwork) -> None:
    assert_lava_agrees(network)


def assert_lava_agrees(network: IntegerNetwork) -> None:
    lava = run_on_lava(network, STEPS, watch={"p": range(STEPS), "glia": range(STEPS)}, patience_s=60).states
    for name, held in states(network).items():
        for variable, values in held.items():
            theirs = np.array(lava[name][variable]).reshape(STEPS, -1)
            assert np.array_equal(values.reshape(STEPS, -1), theirs), (name, variable)


def test_gates_keep_their_values_at_both_ends() -> None:
    gate = Factor(variable="m", scale=-0.9, offset=1.0, power=2)
    pair = ernsnn.lower(network(LESSON, LESSON, LESSON, rule(TAG, LOCK))).projections[1].learning
    assert pair is not None
    line = straight(gate, pair.variable("m"))
    assert line.power == 1
    assert line.offset == pytest.approx(1)
    assert line.offset + line.scale == pytest.approx(0.01)
