"""The emulator against plain Python numbers, which share nothing with it but the description of a network."""

from __future__ import annotations

import re
from dataclasses import replace

import naive_loihi
import numpy as np
import pytest
from drawn_integers import integer_networks
from hypothesis import HealthCheck, given, settings

from ernsnn.errors import InvalidModel
from ernsnn.hardware_backends.loihi.arithmetic.integers import (
    Cells,
    Connection,
    IntegerNetwork,
    Operand,
    Product,
    Rule,
    Source,
    Trace,
)
from ernsnn.hardware_backends.loihi.emulator.emulator import Emulator

STEPS = 60


def assert_equal(network, n_steps=STEPS):
    """Spikes, and the state after every step."""
    spikes, states = naive_loihi.run(network, n_steps)
    emulator = Emulator(network)
    for step in range(n_steps):
        emulator.advance(1)
        for name, variables in states.items():
            for variable, values in variables.items():
                found = emulator.variable(name, variable)
                assert np.array_equal(found, values[step]), (step, name, variable, found, values[step])
    for name, (steps, neurons) in emulator.spikes.items():
        assert list(zip(steps.tolist(), neurons.tolist(), strict=True)) == spikes[name], name


@settings(deadline=None, max_examples=40, suppress_health_check=list(HealthCheck))
@given(integer_networks(steps=STEPS, plastic=False))
def test_neurons(network):
    assert_equal(network)


@settings(deadline=None, max_examples=150, suppress_health_check=list(HealthCheck))
@given(integer_networks(steps=STEPS))
def test_learning(network):
    assert_equal(network)


@pytest.mark.slow
@settings(deadline=None, max_examples=1500, suppress_health_check=list(HealthCheck))
@given(integer_networks(steps=STEPS))
def test_learning_much(network):
    assert_equal(network)


def one_connection(**changes):
    """A plastic connection and its network, with ``changes`` of its parts."""
    trace, product = Trace(16, 2.0), Product(1, 0, "y0", (Operand("x1"),))
    rule = Rule(
        dw=changes.pop("dw", (product,)),
        dt=changes.pop("dt", ()),
        dd=(),
        traces={"x1": changes.pop("x1", trace)},
        third=changes.pop("third", {}),
        epoch=changes.pop("epoch", 1),
        seed=1,
    )
    cells = Cells("out", 1, 0, changes.pop("dv", 0), 100, np.zeros(1, dtype=int), 0, 0)
    weights = np.array(changes.pop("weights", [[2, 4]]))
    fields = {"exponent": 0, "bits": 8, "mode": "MIXED", "delays": 1, "rule": rule} | changes
    connection = Connection("p", "in", "out", 0, 0, weights, **fields)
    source = Source("in", 2, np.array([1, 1, 1, 3]), np.array([1, 0, 1, 0]))
    return IntegerNetwork((source,), (cells,), (connection,), (), {})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"dv": 4096}, "out: dv must be 0 to 4095, got 4096"),
        ({"weights": [[2, 256]]}, "p: weights must be multiples of 2 in -256 to 255"),
        ({"weights": [[2, 5]]}, "p: weights must be multiples of 2"),
        ({"delays": 2}, "p: plastic delays must be 1 step, or 0"),
        ({"delays": 63, "rule": None}, "p: delays must be 1 to 62 steps"),
        ({"delays": np.array([[0, 1]])}, "p: weights and tags must be 0 where there is no synapse"),
        ({"post_delay": -1}, "p: post_delay must be 0 steps or more"),
        ({"tag": np.array([[0, 256]])}, "p: tags must be -257 to 255"),
        ({"epoch": 64}, "p: the epoch must be 1 to 63 steps, got 64"),
        ({"x1": Trace(128, 2.0)}, "p: x1: the impulse must be whole and 0 to 127"),
        (
            {"third": {"y1": "glia"}},
            "p: third factor y1: must be one of y1, y2, y3, no trace",
        ),
        ({"dw": ()}, "p: a rule needs a product"),
        ({"dw": (Product(9, 0, "x0"),)}, "the mantissa must be -8 to 7"),
        ({"dw": (Product(1, 9, "x0"),)}, "the exponent -7 to 8"),
        ({"dw": (Product(1, 0, "w"),)}, "every product needs x0, y0 or u0 to u9"),
        ({"dw": (Product(1, 0, "u0"), Product(1, 0, "u1"))}, "p: all products must have the same u_k"),
        ({"dw": (Product(1, 0, "x0", (Operand("x1", sgn=True),)),)}, "sgn is for w, d or t"),
        ({"dw": (Product(1, 0, "x0", (Operand("y1"),)),)}, "y1 is neither a trace nor a third factor"),
    ],
)
def test_what_lava_would_not_take_is_refused(changes, message):
    with pytest.raises(InvalidModel, match=re.escape(message)):
        Emulator(one_connection(**changes))


def test_a_spike_given_twice_counts_once():
    emulator = Emulator(one_connection())
    emulator.advance(5)
    steps, neurons = emulator.spikes["in"]
    assert list(zip(steps.tolist(), neurons.tolist(), strict=True)) == [(1, 0), (1, 1), (3, 0)]


def test_what_u_leaves_as_it_is_wakes_with_a_spike():
    """w rests at 0, where u takes it again and again; a post spike lifts it, and u takes it back."""
    rule = {"dw": (Product(-8, 5, "u1"), Product(4, 2, "y0"))}
    network = one_connection(**rule, weights=[[20, 20]], mode="EXCITATORY", order="loihi")
    assert_equal(network)
    emulator, seen = Emulator(network), []
    for _ in range(STEPS):
        emulator.advance(1)
        seen.append(emulator.variable("p", "w")[0, 0])
    assert {0, 16} <= set(seen)
    assert seen.count(0) > STEPS / 3


@pytest.mark.parametrize("first", ["x0", "y0", "u1"])
@pytest.mark.parametrize("second", ["x0", "y0", "u1"])
def test_the_lowest_tag_is_lifted_by_the_first_product_that_adds_nothing(first, second):
    """128 * -257 is below the limit of sums, which every product applies, in its turn, whether it happens or not."""
    network = one_connection(dw=(Product(1, 0, "y0"),), dt=(Product(-8, 3, first), Product(7, 3, second)))
    connection = network.connections[0]
    tagged = replace(connection, tag=np.array([[-257, -257]]), order="loihi")
    assert_equal(replace(network, connections=(tagged,)))


def test_many_steps_at_once_are_single_steps():
    network = one_connection()
    many, single = Emulator(network), Emulator(network)
    many.advance(3000)
    for _ in range(3000):
        single.advance(1)
    for variable in ("w", "x1"):
        assert np.array_equal(many.variable("p", variable), single.variable("p", variable))
    assert np.array_equal(many.variable("out", "v"), single.variable("out", "v"))
