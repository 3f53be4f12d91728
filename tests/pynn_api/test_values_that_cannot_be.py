"""Settings, times, sizes, labels and synapses that cannot be: refused where they are given, in plain words."""

from __future__ import annotations

import numpy as np
import pytest

from ernsnn.errors import InvalidModel

sim = pytest.importorskip("ernsnn.pynn")
from pynn_scripts import network, trains  # noqa: E402 - needs PyNN

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"seed": None}, "seed must be a whole number, got None"),
        ({"seed": 1.5}, "seed must be a whole number, got 1.5"),
        ({"seed": True}, "seed must be a whole number, got True"),
        ({"backend": 3}, "backend must be the name of one, or 'auto', got 3"),
        ({"timestep": 0}, "timestep must be > 0 ms, got 0"),
        ({"timestep": -0.1}, "timestep must be > 0 ms, got -0.1"),
        ({"timestep": np.nan}, "timestep: must be finite, got nan"),
        ({"timestep": np.inf}, "timestep: must be finite, got inf"),
        ({"timestep": "x"}, "timestep: 'x' is no number"),
        ({"timestep": None}, "timestep: None is no number"),
        ({"timestep": [0.1]}, "timestep: must be one number"),
        ({"min_delay": np.nan}, "min_delay: must be finite"),
        ({"min_delay": 0}, "min_delay must be > 0 ms"),
        ({"min_delay": "short"}, "min_delay: 'short' is no number"),
        ({"min_delay": 0.5}, "min_delay must be at least timestep, 1 ms, got 0.5"),
        ({"max_delay": None}, "max_delay: None is no number"),
        ({"max_delay": 0.5}, "max_delay must be at least timestep, 1 ms, got 0.5"),
        ({"min_delay": 3, "max_delay": 2}, "max_delay must be at least min_delay, 3 ms, got 2"),
    ],
)
def test_setup_refuses_what_cannot_be_and_keeps_what_was(arguments, message):
    _, cells, _ = network()
    with pytest.raises(InvalidModel, match=f"setup: {message}"):
        sim.setup(**{"timestep": 1.0, **arguments})
    sim.run(10)
    assert len(trains(cells)) == 8


def test_setup_takes_numbers_of_any_kind():
    sim.setup(np.float32(0.5), min_delay=np.int64(1), max_delay="auto", seed=np.int64(3))
    assert (sim.get_time_step(), sim.get_min_delay(), sim.get_max_delay()) == (0.5, 1.0, "auto")
    sim.Population(np.int64(2), sim.SpikeSourcePoisson(rate=100.0))
    assert sim.run(np.float32(10)) == sim.get_current_time() == 10.0


@pytest.mark.parametrize(
    ("time", "message"),
    [
        (np.nan, "must be finite, got nan"),
        (np.inf, "must be finite, got inf"),
        ("x", "'x' is no number"),
        (None, "None is no number"),
        ([1.0], "must be one number"),
        (-1, r"-1 ms is before . ms; only reset\(\) goes back in time"),
        (0.5, "0.5 ms is no multiple of the timestep of 1 ms"),
    ],
)
def test_run_refuses_what_is_no_time(time, message):
    _, cells, _ = network()
    for how in (sim.run, sim.run_until):
        with pytest.raises(InvalidModel, match=f"run(_until)?: {message}"):
            how(time)
    sim.run_until(3)
    with pytest.raises(InvalidModel, match="run_until: 2 ms is before 3 ms"):
        sim.run_until(2)
    assert (sim.run(0), sim.run_until(3), sim.run_for(1)) == (3.0, 3.0, 4.0)
    assert len(trains(cells)) == 8


@pytest.mark.parametrize("size", [0, -1, 1.5, True, "3", None, [2, 3], (), (2, 0), (2, -3), (2.5, 3), (1, 1, 1, 1)])
def test_sizes_that_no_population_has(size):
    sim.setup(1.0)
    with pytest.raises(InvalidModel, match="cells: size must be a whole number >= 1, or up to three"):
        sim.Population(size, sim.IF_curr_exp(), label="cells")
    assert sim.Population((2.0, np.int64(3)), sim.IF_curr_exp()).size == 6


def test_as_many_values_as_cells():
    sim.setup(1.0)
    wrong = sim.errors.InvalidParameterValueError
    with pytest.raises(wrong, match=r"cells.tau_m: 3 values for 2 cells"):
        sim.Population(2, sim.IF_curr_exp(tau_m=[10.0, 11.0, 12.0]), label="cells")
    with pytest.raises(wrong, match=r"sources.spike_times: 3 values for 2 cells"):
        sim.Population(2, sim.SpikeSourceArray(spike_times=[[1.0], [2.0], [3.0]]), label="sources")
    assert sim.Population(2, sim.IF_curr_exp(tau_m=[10.0, 11.0])).get("tau_m").tolist() == [10.0, 11.0]


@pytest.mark.parametrize("label", [3, b"cells", ("cells",), 1.5])
def test_labels_are_text(label):
    sim.setup(1.0)
    cells = sim.Population(2, sim.IF_curr_exp())
    for kind, make in {
        "Population": lambda: sim.Population(2, sim.IF_curr_exp(), label=label),
        "PopulationView": lambda: sim.PopulationView(cells, slice(0, 1), label=label),
        "Assembly": lambda: sim.Assembly(cells, label=label),
        "Projection": lambda: sim.Projection(cells, cells, sim.AllToAllConnector(), label=label),
        "Astrocyte": lambda: sim.Astrocyte([cells], tau_ms=5.0, label=label),
    }.items():
        with pytest.raises(InvalidModel, match=f"{kind}: label must be text, got {label!r}".replace("(", r"\(")[:40]):
            make()
    assert sim.Population(1, sim.IF_curr_exp(), label=None).label == "population1"


def test_views_and_samples_hold_at_least_one_cell():
    sim.setup(1.0)
    cells = sim.Population(4, sim.IF_curr_exp(), label="cells")
    for selector in (slice(4, 6), [], np.zeros(4, dtype=bool), slice(2, 2)):
        with pytest.raises(InvalidModel, match="cells: a view needs at least one cell, of 4 none is chosen"):
            cells[selector]
    for number in (0, -1, 1.5, "2"):
        for group in (cells, cells[1:3], cells[0:1] + cells[2:3]):
            with pytest.raises(InvalidModel, match="sample needs a whole number of cells >= 1"):
                group.sample(number)
    assert [cells[mask].size for mask in ([3], np.array([True, False, True, False]), (1, 2), slice(None))] == [
        1,
        2,
        2,
        4,
    ]


def test_there_are_no_data_before_a_run():
    sim.setup(1.0)
    cells = sim.Population(2, sim.IF_curr_exp(), label="cells")
    cells.record(["spikes", "v"])
    for ask in (cells.get_data, cells[0:1].get_data, cells.get_spike_counts):
        with pytest.raises(InvalidModel, match=r"cells: nothing has been recorded yet; run\(\) comes first"):
            ask()
    sim.reset()
    with pytest.raises(InvalidModel, match="cells: nothing has been recorded yet"):
        cells.get_data()
    sim.run(5)
    for _ in range(3):
        sim.reset()
    assert len(cells.get_data().segments) == 1
    for interval, message in ((0, "at least a timestep"), (-1.0, "at least a"), (np.nan, "finite"), (1.5, "multiple")):
        with pytest.raises(InvalidModel, match=f"cells: sampling_interval.*{message}"):
            sim.Population(2, sim.IF_curr_exp(), label="cells").record("v", sampling_interval=interval)


# Synapses


@pytest.mark.parametrize("convention", ["pynn", "spinnaker"])
@pytest.mark.parametrize("receptor", ["excitatory", "inhibitory"])
def test_every_connector_is_told_of_the_wrong_sign_where_it_connects(convention, receptor, tmp_path):
    sim.setup(1.0, convention=convention)
    right = -0.5 if (convention, receptor) == ("pynn", "inhibitory") else 0.5
    cells = sim.Population(2, sim.IF_curr_exp(), label="cells")
    for sign in (1, -1):
        np.savetxt(
            tmp_path / f"{sign}.txt",
            [[i, 1, sign * right, 1.0] for i in (0, 1)],
            header='columns = ["weight", "delay"]',
        )

    def connectors(weight, sign):
        yield sim.FromListConnector([(0, 0, right, 1.0), (0, 1, weight, 1.0)]), None
        yield sim.FromListConnector([(0, 1, weight)], column_names=["weight"]), None
        yield sim.FromFileConnector(str(tmp_path / f"{sign}.txt")), None
        yield sim.AllToAllConnector(), weight
        yield sim.ArrayConnector(np.eye(2, dtype=bool)), np.array([[weight, weight], [weight, weight]])

    def project(connector, weight):
        synapse = None if weight is None else sim.StaticSynapse(weight=weight)
        return sim.Projection(cells, cells, connector, synapse, receptor_type=receptor, label="lateral")

    for connector, weight in connectors(right, 1):
        assert len(project(connector, weight)) >= 1
    both = (convention, receptor) == ("spinnaker", "inhibitory")
    for number, (connector, weight) in enumerate(connectors(-right, -1)):
        if both and number:  # the first list has both signs at once
            assert min(project(connector, weight).get("weight", "list", with_address=False)) == 0.5
            continue
        with pytest.raises(
            sim.errors.ConnectionError, match=r"lateral: (in|ex).* weights are (all )?(posi|nega)tive"
        ) as error:
            project(connector, weight)
        assert "signed" not in str(error.value)
    made = project(sim.FromListConnector([(0, 0, right, 1.0)]), None)
    with pytest.raises(sim.errors.ConnectionError, match="lateral: weights must be finite, got nan"):
        made.set(weight=np.nan)
    with pytest.raises(sim.errors.ConnectionError, match="lateral: delays must be finite, got inf"):
        made.set(delay=np.inf)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ((2, 0, 0.5, 1.0), "source index out of range"),
        ((-1, 0, 0.5, 1.0), "source index out of range: -1 of 2 cells of pre"),
        ((0, 3, 0.5, 1.0), "target index out of range: 3 of 3 cells of post"),
        ((0, -1, 0.5, 1.0), "target index out of range: -1 of 3 cells of post"),
        ((0.5, 1, 0.5, 1.0), "source index out of range: 0.5 of 2"),
        ((0, 1, np.nan, 1.0), "weights must be finite, got nan"),
        ((0, 1, np.inf, 1.0), "weights must be finite, got inf"),
        ((0, 1, 0.5, np.nan), "delays must be finite, got nan"),
        ((0, 1, 0.5, 0.2), "the shortest delay is 1 ms, got 0.2"),
    ],
)
def test_listed_synapses_that_cannot_be(row, message):
    sim.setup(1.0)
    pre, post = (
        sim.Population(2, sim.SpikeSourceArray(), label="pre"),
        sim.Population(3, sim.IF_curr_exp(), label="post"),
    )
    listed = sim.FromListConnector([(1, 2, 0.5, 1.0), row])
    with pytest.raises(sim.errors.ConnectionError, match=message):
        sim.Projection(pre, post, listed, sim.StaticSynapse(), receptor_type="excitatory")
    assert sim.Projection(pre, post, sim.FromListConnector([(1, 2, 0.5, 1.0)])).get("weight", "list") == [(1, 2, 0.5)]


@pytest.mark.parametrize(
    ("given", "trains"),
    [
        (np.array([[1.0, 2.0], [3.0, 4.0]]), [[1.0, 2.0], [3.0, 4.0]]),
        (np.zeros((2, 0)), [[], []]),
        ({1.0: "a", 2.0: "b"}.keys(), [[1.0, 2.0]] * 2),
        ({"a": [1.0], "b": [3.0]}.values(), [[1.0], [3.0]]),
        ((float(t) for t in (1, 2)), [[1.0, 2.0]] * 2),
        (((float(t) for t in (1, 2)), iter([4.0])), [[1.0, 2.0], [4.0]]),
        ([np.array([1.0]), (2.0, 3.0)], [[1.0], [2.0, 3.0]]),
        (range(1, 3), [[1.0, 2.0]] * 2),
    ],
)
def test_lists_of_times_in_any_form(given, trains):
    sim.setup(1.0)
    cells = sim.Population(2, sim.SpikeSourceArray(spike_times=given))
    assert _times(cells) == trains


def _times(cells):
    return [list(train.value) for train in cells.get("spike_times", simplify=False)]


def test_a_generator_is_taken_where_it_stands():
    sim.setup(1.0)
    cells = sim.Population(2, sim.SpikeSourceArray())
    cells.set(spike_times=(float(t) for t in (1, 2)))
    assert _times(cells) == [[1.0, 2.0]] * 2
    neurons = sim.Population(2, sim.IF_curr_exp(tau_m=(t for t in (10.0, 20.0))))
    assert neurons.get("tau_m").tolist() == [10.0, 20.0]
    neurons.set(tau_m={30.0: "a", 40.0: "b"}.keys())
    assert neurons.get("tau_m").tolist() == [30.0, 40.0]
    step = sim.StepCurrentSource(times=iter([1.0, 2.0]), amplitudes=range(2))
    assert list(step.given["times"]) == [1.0, 2.0]


NO_NUMBERS = ["1 ms", ["a"], [None], [True], True, {1.0: 2}, {1.0, 2.0}, [10**400], [[1.0], ["b"]]]


@pytest.mark.parametrize("value", NO_NUMBERS)
def test_values_that_are_no_numbers_name_the_parameter(value):
    sim.setup(1.0)
    cells = sim.Population(2, sim.IF_curr_exp(), label="cells")
    trains = sim.Population(2, sim.SpikeSourceArray(), label="trains")
    wrong = sim.errors.InvalidParameterValueError
    for what, call in {
        "SpikeSourceArray.spike_times": lambda: sim.SpikeSourceArray(spike_times=value),
        "SpikeSourcePoisson.rate": lambda: sim.SpikeSourcePoisson(rate=value),
        "IF_curr_exp.tau_m": lambda: sim.IF_curr_exp(tau_m=value),
        "cells.tau_m": lambda: cells.set(tau_m=value),
        "cells.v": lambda: cells.initialize(v=value),
        "trains.spike_times": lambda: trains.set(spike_times=value),
        "StepCurrentSource.times": lambda: sim.StepCurrentSource(times=value, amplitudes=[1.0]),
        "DCSource.amplitude": lambda: sim.DCSource(amplitude=value),
    }.items():
        with pytest.raises(wrong, match=rf"{what}: must be a number or numbers, got "):
            call()


@pytest.mark.parametrize("time", [1e300, 1e12])
def test_a_spike_later_than_any_run(time):
    sim.setup(1.0)
    with pytest.raises(sim.errors.InvalidParameterValueError, match=r"late.spike_times: no run is longer than"):
        sim.Population(2, sim.SpikeSourceArray(spike_times=[time]), label="late")
