"""A state that is taken at any step, and put into a new engine, goes on bit for bit: random networks, both engines."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strategies import STEPS, networks

import ernsnn as ern
from ernsnn import lower
from ernsnn.backend.recorder import Recorder, joined
from ernsnn.backend.state import restore, state_of
from ernsnn.backend.stepping import Run
from ernsnn.hardware_backends.native import engine as native
from ernsnn.hardware_backends.reference import engine as reference

SETTINGS = settings(deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), max_examples=6)
EVERYTHING = {"rules": ("general",), "always": ("plastic", "third_factors", "marks", "epochs", "flows", "erasure")}
ENGINES = {
    "reference": reference.Engine,
    "float64": lambda graph: native.Engine(graph, "float64", compiled=False),
    "float32": lambda graph: native.Engine(graph, "float32", compiled=False),
}
MARKS = {"reference": "variables/m", "float64": "v/2", "float32": "v/2"}


def until(engine, end, first=0, state=None):
    """What is recorded from step ``first`` to ``end``, and the state then."""
    chunks = []
    recorder = Recorder(engine, chunks.append, first=first)
    if state is not None:
        restore(engine, state)
    Run(engine, recorder, STEPS, first).until(end, lambda fraction: None)
    return joined(chunks), {path: array.copy() for path, array in state_of(engine).items()}


def assert_goes_on(make, graph, cut):
    recorded, final = until(make(graph), STEPS)
    before, state = until(make(graph), cut)
    after, resumed = until(make(graph), STEPS, cut, state)
    assert resumed.keys() == final.keys()
    for path, array in final.items():
        assert array.dtype == resumed[path].dtype
        assert array.tobytes() == resumed[path].tobytes(), path
    for key, array in joined([before, after]).items():
        assert array.tobytes() == recorded[key].tobytes(), key


@pytest.mark.parametrize("engine", ENGINES)
@SETTINGS
@given(networks(), st.integers(1, STEPS - 1))
def test_random_networks(engine, network, cut):
    assert_goes_on(ENGINES[engine], lower(network, 1), cut)


@pytest.mark.parametrize("engine", ENGINES)
@settings(SETTINGS, max_examples=3)
@given(networks(**EVERYTHING), st.integers(1, STEPS - 1))
def test_rules_with_everything(engine, network, cut):
    assert_goes_on(ENGINES[engine], lower(network, 2), cut)


def erasing():
    """A pool whose marks are erased at random, that sends by its marks, too, and stands still from 40 to 80 ms."""
    net = ern.Network()
    source, cells = net.population("source", 12, ern.Poisson(150.0)), net.population("cells", 8, ern.LIF(cm_nF=0.1))
    glia = net.astrocyte("glia", [source], tau_ms=30)
    tag = ern.marks.Labile("a", tau_s=0.05, rise=0.001)
    old = {"budget": 0.4, "erasure": 0.05, "initial": ern.Uniform(0.6, 1.0)}
    lock = ern.marks.Stable("m", tau_s=5, consolidated_by="P", tag="a", **old)
    rule = ern.stdp.pair(A_plus=0.01, A_minus=0.01, w_max=1.0, marks=[tag, lock], epoch_ms=5)
    options = {"weight_nA": 0.2, "learning": rule, "third_factors": {"P": glia}, "transmit": "w*(1 + m)"}
    net.projection("p", source, cells, **options)
    net.freeze(40, 80)
    return ern.lower(net, 4)


@pytest.mark.parametrize("engine", ENGINES)
def test_random_erasure_and_a_frozen_network(engine):
    graph = erasing()
    (marks,) = (array for path, array in until(ENGINES[engine](graph), 60)[1].items() if path.endswith(MARKS[engine]))
    assert 0 < np.count_nonzero(marks < 0.5) < marks.size  # all started above
    for cut in (27, 60):
        assert_goes_on(ENGINES[engine], graph, cut)


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
@settings(SETTINGS, max_examples=150)
@given(networks(), st.integers(1, STEPS - 1), st.integers(0, 2**31))
def test_many_networks(engine, network, cut, seed):
    assert_goes_on(ENGINES[engine], lower(network, seed), cut)


class Thing:
    changes = ("array", "count", "ring", "none")

    def __init__(self):
        self.array, self.count, self.ring, self.none = np.zeros(3), 0, [np.zeros(0)], None
        self.view = self.array[1:]


def test_what_is_restored_and_how():
    thing = Thing()
    saved = {"array": np.ones(3), "count": np.array(7), "ring/0": np.arange(4.0)}
    assert state_of(thing).keys() == saved.keys()
    restore(thing, saved)
    assert (thing.count, thing.view.tolist(), thing.ring[0].tolist()) == (7, [1, 1], [0, 1, 2, 3])
    with pytest.raises(ValueError, match="holds other variables"):
        restore(thing, {"array": np.ones(3)})
    with pytest.raises(ValueError, match=r"array: its shape is \(2,\)"):
        restore(thing, {**saved, "array": np.ones(2)})
    with pytest.raises(ValueError, match="array: holds numbers of type int64"):
        restore(thing, {**saved, "array": np.ones(3, int)})
    with pytest.raises(ValueError, match="ring/0: holds numbers of type <U3"):
        restore(thing, {**saved, "ring/0": np.array(["bad"])})
