"""Lava runs of integer networks whose outcome is worked out by hand, and our processes beside Lava's own."""

from __future__ import annotations

import textwrap

import numpy as np
import pytest
from lava_needed import cells, needs_lava, source, synapses

from ernsnn.backend.subprocesses import run_program
from ernsnn.errors import InvalidModel
from ernsnn.hardware_backends.loihi.arithmetic.integers import (
    Astrocyte,
    IntegerNetwork,
    Operand,
    Product,
    Rule,
    Trace,
)
from ernsnn.hardware_backends.loihi.lava.compiler import compile_program, series
from ernsnn.hardware_backends.loihi.lava.run import LavaRun, run_on_lava

COINCIDENCE = Rule(
    # A trace without memory: +16 where pre and post meet in a step.
    dw=(Product(1, 0, "y0", (Operand("x1"),)),),
    dt=(),
    dd=(),
    traces={"x1": Trace(16, 0)},
    third={},
    epoch=1,
    seed=1,
)
N_STEPS = 20


@pytest.fixture(scope="module")
def by_hand() -> LavaRun:
    """Each target fires in step 6, of a spike of step 5; the other input meets that, and is sent once more."""
    drive = source("drive", [5])
    plain = source("plain", [7, 10])
    chip = source("chip", [6, 10])
    slow = source("slow", [9, 13])
    bystander = [[0, 0], [0, 1]]
    network = IntegerNetwork(
        sources=(drive, plain, chip, slow),
        cells=(
            cells("a", 2),
            cells("b", vth=300),
            cells("c", vth=300),
            *(cells(f"refractory {k}", vth=10, bias=1000, refractory=k) for k in (0, 1, 3)),
            cells("late", 3, vth=1000),
        ),
        connections=(
            synapses("drive a", "drive", "a", [[255]], exponent=1),
            synapses("drive b", "drive", "b", [[255]], exponent=1),
            synapses("drive c", "drive", "c", [[255]], exponent=1),
            # Into the second of two, which never fires, and where only the diagonal exists.
            synapses("plain a", "plain", "a", [[0]], rule=COINCIDENCE),
            synapses("chip b", "chip", "b", [[0]], rule=COINCIDENCE, order="loihi", post_delay=0),
            synapses("slow c", "slow", "c", [[0]], rule=COINCIDENCE, post_delay=3),
            synapses(
                "a a",
                "a",
                "a",
                [[0, 0], [0, 0]],
                rule=COINCIDENCE,
                delays=np.array(bystander),
                order="loihi",
                post_delay=0,
            ),
            synapses(
                "drive late", "drive", "late", [[10], [20], [-30]], delays=np.array([[1], [2], [62]]), mode="MIXED"
            ),
        ),
        astrocytes=(
            Astrocyte("glia", 1024, 100, None, None, 0, 2, (("a", 0, 2), ("refractory 0", 0, 1))),
            Astrocyte(
                "switch", 1024, 100, 250, 90, 77, 0, (("refractory 3", 0, 1), ("a", 0, 2), ("b", 0, 1), ("c", 0, 1))
            ),
        ),
        scale={},
    )
    every = range(N_STEPS)
    watch = dict.fromkeys(["a", "b", "c", "late", "refractory 3", "glia", "switch"], every)
    return run_on_lava(network, N_STEPS, watch=watch | dict.fromkeys(["plain a", "chip b", "slow c", "a a"], every))


def arrivals(run: LavaRun, population: str, neuron: int = 0) -> dict[int, int]:
    """Step -> what arrived; cells that forget u have it there, shifted by 6."""
    u = run.states[population]["u"][:, neuron]
    return {int(step): int(u[step]) >> 6 for step in np.flatnonzero(u)}


@needs_lava
def test_a_spike_arrives_after_its_delay(by_hand: LavaRun) -> None:
    assert arrivals(by_hand, "late", 0) == {6: 10}
    assert arrivals(by_hand, "late", 1) == {7: 20}
    assert arrivals(by_hand, "late", 2) == {}  # at 67


@needs_lava
def test_spinnaker_learns_before_it_transmits(by_hand: LavaRun) -> None:
    """The post spike of step 6 reaches the synapse in step 7, where the pre spike transmits what that made of it."""
    assert arrivals(by_hand, "a") == {6: 510, 8: 16, 11: 16}
    assert by_hand.states["plain a"]["w"][:, 0, 0].tolist() == [0] * 7 + [16] * 13


@needs_lava
def test_loihi_transmits_before_it_learns(by_hand: LavaRun) -> None:
    assert arrivals(by_hand, "b") == {6: 510, 11: 16}
    assert by_hand.states["chip b"]["w"][:, 0, 0].tolist() == [0] * 6 + [16] * 14


@needs_lava
def test_post_spikes_can_be_late(by_hand: LavaRun) -> None:
    assert arrivals(by_hand, "c") == {6: 510, 10: 16, 14: 16}
    assert by_hand.states["slow c"]["w"][:, 0, 0].tolist() == [0] * 9 + [16] * 11


@needs_lava
def test_only_existing_synapses_learn(by_hand: LavaRun) -> None:
    """Neuron 0 of a meets itself in step 6, but has no synapse to itself."""
    assert not by_hand.states["a a"]["w"].any()


@needs_lava
def test_refractory_cells_hold_their_voltage(by_hand: LavaRun) -> None:
    for k in (0, 1, 3):
        assert by_hand.spikes[f"refractory {k}"][0].tolist() == list(range(0, N_STEPS, k + 1))
    assert not by_hand.states["refractory 3"]["v"].any()


@needs_lava
def test_astrocytes(by_hand: LavaRun) -> None:
    """c = c 3/4 + 100 a spike, rounded down."""
    c, expected = 0, []
    for step in range(N_STEPS):
        c = c * 3 // 4 + 100 * (1 + (step == 6))
        expected.append(c)
    assert by_hand.states["glia"]["c"].tolist() == expected
    assert by_hand.states["glia"]["y"].tolist() == [min(127, c // 4) for c in expected]
    # Three spikes of a, b and c in step 6 switch it on; one spike in four steps keeps it so.
    c, on, sent = 0, False, []
    for step in range(N_STEPS):
        c = c * 3 // 4 + 100 * ((step % 4 == 0) + 3 * (step == 6))
        on = c >= (90 if on else 250)
        sent.append(77 * on)
    assert by_hand.states["switch"]["y"].tolist() == sent
    assert sent[5] == 0
    assert sent[6] == 77
    assert sent[-1] == 0


STOCK = textwrap.dedent("""
    import sys
    import numpy as np
    sys.path.insert(0, ".")
    from shim import make_lava_importable
    make_lava_importable()
    from lava.magma.core.learning.learning_rule import Loihi2FLearningRule, Loihi3FLearningRule
    from lava.magma.core.run_conditions import RunSteps
    from lava.magma.core.run_configs import Loihi2SimCfg
    from lava.proc.dense.process import Dense, LearningDense
    from lava.proc.io.source import RingBuffer
    from lava.proc.lif.process import LIF
    from lava.utils.weightutils import SignMode

    given = np.load("given.npz")
    spikes = RingBuffer(data=given["spikes"])
    lif = LIF(shape=(3,), du=1500, dv=700, vth=300, bias_mant=0, bias_exp=0)
    fixed = Dense(weights=given["fixed"], sign_mode=SignMode.MIXED)
    spikes.s_out.connect(fixed.s_in); fixed.a_out.connect(lif.a_in)
    two = LearningDense(weights=given["w"], sign_mode=SignMode.MIXED, learning_rule=Loihi2FLearningRule(
        dw="DW2", dt="DT2", x1_impulse=40, x1_tau=5.5, y1_impulse=30, y1_tau=3.0, y2_impulse=100, y2_tau=9.0,
        rng_seed=5))
    third = RingBuffer(data=given["third"])
    three = LearningDense(weights=given["w"], sign_mode=SignMode.MIXED, learning_rule=Loihi3FLearningRule(
        dw="DW3", x1_impulse=40, x1_tau=5.5, rng_seed=5))
    for plastic in (two, three):
        spikes.s_out.connect(plastic.s_in); lif.s_out.connect(plastic.s_in_bap); plastic.a_out.connect(lif.a_in)
    third.s_out.connect(three.s_in_y3)
    seen = {}
    for step in range(given["spikes"].shape[1]):
        lif.run(condition=RunSteps(num_steps=1), run_cfg=Loihi2SimCfg(select_tag="fixed_pt"))
        variables = {"u": lif.u, "v": lif.v, "w2": two.weights, "t2": two.tag_1, "y1": two.y1, "w3": three.weights}
        for name, var in variables.items():
            seen.setdefault(name, []).append(var.get())
    lif.stop()
    np.savez("stock.npz", **{name: np.array(values) for name, values in seen.items()})
""")


@needs_lava
@pytest.mark.slow
def test_our_processes_do_as_lavas_own(tmp_path) -> None:
    """LIF, LearningDense with tags and two traces, and with a third factor, step for step."""
    n_steps, rng = 60, np.random.default_rng(3)
    given = {
        "spikes": (rng.random((4, n_steps)) < 0.2).astype(np.int64),
        "fixed": rng.integers(10, 60, (3, 4)) * 2,
        "w": rng.integers(-20, 40, (3, 4)) * 2,
    }
    steps, neurons = np.nonzero(given["spikes"].T)
    x1, y1, y2, y3 = (Operand(name) for name in ("x1", "y1", "y2", "y3"))
    rules = (
        Rule(
            dw=(
                Product(3, -2, "y0", (x1,)),
                Product(-1, -1, "x0", (y1,)),
                Product(-8, -4, "x0", (Operand("w", 1, -30, True),)),
            ),
            dt=(Product(2, -6, "x0", (y2, Operand("t", -1, 100))), Product(-1, -7, "u1", (Operand("t"),))),
            dd=(),
            traces={"x1": Trace(40, 5.5), "y1": Trace(30, 3.0), "y2": Trace(100, 9.0)},
            third={},
            epoch=1,
            seed=5,
        ),
        Rule(
            dw=(Product(1, -6, "x0", (y3,)), Product(-1, -7, "u0", (x1, y3))),
            dt=(),
            dd=(),
            traces={"x1": Trace(40, 5.5)},
            third={"y3": "glia"},
            epoch=1,
            seed=5,
        ),
    )
    network = IntegerNetwork(
        sources=(source_of(steps, neurons),),
        cells=(cells("lif", 3, du=1500, dv=700, vth=300),),
        connections=(
            synapses("fixed", "in", "lif", given["fixed"], mode="MIXED"),
            *(
                synapses(name, "in", "lif", given["w"], mode="MIXED", rule=rule, order="loihi", post_delay=0)
                for name, rule in zip(("two", "three"), rules, strict=True)
            ),
        ),
        astrocytes=(Astrocyte("glia", 300, 40, None, None, 0, 0, (("lif", 0, 3),)),),
        scale={},
    )
    ours = run_on_lava(
        network, n_steps, watch=dict.fromkeys(["lif", "two", "three", "glia"], range(n_steps)), patience_s=60
    )
    given["third"] = np.tile(ours.states["glia"]["y"].reshape(-1), (3, 1))
    np.savez(tmp_path / "given.npz", **given)
    script = STOCK.replace("DW2", series(rules[0].dw)).replace("DT2", series(rules[0].dt))
    (tmp_path / "stock.py").write_text(script.replace("DW3", series(rules[1].dw)))
    shim = compile_program(network, 1, "x", patience_s=60).files["shim.py"]
    (tmp_path / "shim.py").write_text(str(shim))
    run_program(tmp_path, "stock.py", [], lambda fraction: None, "Lava's own processes")
    with np.load(tmp_path / "stock.npz") as stock:
        for name, found in {
            "u": ours.states["lif"]["u"],
            "v": ours.states["lif"]["v"],
            "w2": ours.states["two"]["w"],
            "t2": ours.states["two"]["t"],
            "y1": ours.states["two"]["y1"],
            "w3": ours.states["three"]["w"],
        }.items():
            assert np.array_equal(stock[name], found), name
            assert len(np.unique(found)) > 5, f"{name} hardly moves: a poor test"


def source_of(steps: np.ndarray, neurons: np.ndarray):
    return source("in", *(steps[neurons == k].tolist() for k in range(4)))


def test_rules_as_lava_reads_them() -> None:
    rule = (
        Product(-8, -4, "x0", (Operand("w", 1, -30, True),)),
        Product(7, 0, "u3", (Operand("t", -1, 255), Operand("y1"))),
    )
    assert series(rule) == "- 8*2^-4*x0*sgn(w-30) + 7*2^0*u3*(255-t)*y1"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"delays": 63}, "p: a delay of 63 steps; Loihi's longest is 62"),
        ({"rule": COINCIDENCE, "delays": np.array([[1, 2]])}, "p: a plastic delay of 2 steps; here it is 1"),
    ],
)
def test_what_would_hang_lava_is_refused_before(change, message) -> None:
    network = IntegerNetwork(
        (source("in", [1], [2]),), (cells("out"),), (synapses("p", "in", "out", [[1, 1]], **change),), (), {}
    )
    with pytest.raises(InvalidModel, match=message):
        compile_program(network, 5, "x", patience_s=60)
