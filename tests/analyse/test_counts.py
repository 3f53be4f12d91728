"""Counts against plain loops over every spike and synapse, NeuroBench's documented example, and other backends."""

import json
from collections import Counter

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strategies import STEPS, networks

import ernsnn as ern
from ernsnn.analyse.counts import count, operations
from ernsnn.analyse.metrics import footprint
from ernsnn.analyse.traffic import traffic
from ernsnn.graph.astrocytes import Calcium, Leaky
from ernsnn.hardware_backends.reference.engine import Engine
from ernsnn.models.ca3_memory import CA3Memory

SETTINGS = settings(deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), max_examples=30)


def test_neurobench_example():
    weights = np.array([[1.3, 0, -3.2], [0, 1.2, -5.1], [-1.1, 2.7, 0]])
    graded = operations(weights, np.array([0, 1.3, -1]))
    assert (graded.dense, graded.macs, graded.acs) == (9, 4, 0)
    spiking = operations(weights, np.array([[0, 1, 1], [1, 0, 0]]))
    assert (spiking.dense, spiking.macs, spiking.acs) == (18, 0, 6)


def by_hand(graph, p, spikes):
    """Effective operations, visits per event and mark updates of a projection, one synapse at a time."""
    rows, rule = p.synapses, p.learning
    trains = {
        name: Counter(zip(steps.tolist(), neurons.tolist(), strict=True)) for name, (steps, neurons) in spikes.items()
    }
    effective, visits, marks = 0, {"pre": 0, "post": 0, "epoch": 0}, 0
    for i, j, d, w in zip(rows.pre.tolist(), rows.post.tolist(), rows.delay.tolist(), rows.variables["w"], strict=True):
        for t in range(STEPS):
            sent = trains[p.pre][t, i]  # of a source it may be several
            effective += sent * (rule is not None or w != 0)
            if rule is None or not graph.learns_at(t):
                continue
            events = {
                "pre": sent,
                "post": trains[p.post][t - d, j],
                "epoch": int(bool(rule.epoch_steps) and (t + 1) % rule.epoch_steps == 0),
            }
            for event, times in events.items():
                changed = [*{term.target for term in rule.terms if term.event == event}]
                if event == "epoch":
                    changed += [f.variable for f in rule.flows] + [n.variable for n in rule.normalise]
                if changed:
                    visits[event] += times
                    marks += times * sum(name != "w" for name in changed)
    return effective, visits, marks


@SETTINGS
@given(networks(), st.integers(0, 2**31))
def test_random_networks(network, seed):
    graph = ern.lower(network, seed)
    recording = Engine(graph).run(STEPS, lambda fraction: None)
    found = count(graph, recording)
    for s, p in zip(found.synapses, graph.projections, strict=True):
        assert (s.effective, s.learning, s.mark_updates) == by_hand(graph, p, recording.spikes)
        assert s.dense == STEPS * p.connectivity.n_pre * p.connectivity.n_post
    learning_steps = sum(graph.learns_at(t) for t in range(STEPS))
    units = sum(m.size for m in graph.modulators if isinstance(m, Leaky | Calcium))
    assert found.astrocyte_updates == units * learning_steps
    assert found.totals["neuron_update"] == STEPS * sum(p.size for p in graph.neurons())
    assert len(found.inputs) == len(graph.poisson_inputs)
    brought = sum(i.effective for i in found.inputs)
    assert found.totals["synaptic_operation"] == sum(s.effective for s in found.synapses) + brought


@SETTINGS
@given(networks(), st.integers(0, 2**31))
def test_packets_and_hops(network, seed):
    graph = ern.lower(network, seed)
    recording = Engine(graph).run(STEPS, lambda fraction: None)
    rng = np.random.default_rng(seed)
    cores = {p.name: rng.integers(0, 40, p.size) for p in graph.neurons()}
    expected = {"packet": 0, "hop_east_west": 0, "hop_north_south": 0}
    for population in graph.populations:
        for neuron in recording.spikes[population.name][1].tolist():
            reached = set()
            for p in graph.projections:
                if p.pre == population.name:
                    reached |= {
                        int(cores[p.post][j])
                        for i, j in zip(p.synapses.pre, p.synapses.post, strict=True)
                        if i == neuron
                    }
            expected["packet"] += len(reached)
            if population.name in cores:
                home = int(cores[population.name][neuron]) // 4
                expected["hop_east_west"] += sum(abs(c // 4 // 4 - home // 4) for c in reached)
                expected["hop_north_south"] += sum(abs(c // 4 % 4 - home % 4) for c in reached)
    assert traffic(graph, recording, cores) == expected


def test_cores_of_every_neuron_are_needed():
    memory = CA3Memory(cues=2, contents=3)
    memory.learn(cue=0, content=[0])
    result = memory.run(backend="reference")
    with pytest.raises(ern.InvalidModel, match="cores of CA3cueCueRecall: needs one number for each of its 2 neurons"):
        traffic(result.graph, result.recording, {})


def test_backends_with_equal_spikes_have_equal_counts():
    memory = CA3Memory(cues=5, contents=10)
    memory.learn(cue=0, content=[0, 1, 8])
    memory.recall(content=[8])
    a, b = (memory.run(backend=name) for name in ("reference", "native"))
    assert ern.compare(a, b).equal
    assert a.metrics().to_json() == b.metrics().to_json()
    json.dumps(a.metrics().to_json())


def test_what_poisson_inputs_bring_counts_as_expected():
    """Each spike of an input as a synapse's, but those that weigh nothing."""
    net = ern.Network(dt_ms=0.5)
    cells = net.population("cells", 3, ern.LIF())
    rates = ern.Schedule([0, 10], [[100, 200, 300], [0, 400, 0]])
    net.poisson_input("drive", cells, rate_hz=rates, n=10, weight_nA=[0.1, 0.1, 0.0])
    first = ern.run(net, duration_ms=15, backend="reference")
    second = ern.run(net, duration_ms=10, backend="reference", start=first)
    found = first.metrics().counts
    [counted] = found.inputs
    assert (counted.input, counted.effective) == ("drive", 10 + 20 + 20)  # 1 and 2 kHz for 10 ms, then 4 kHz for 5 ms
    assert found.totals["synaptic_operation"] == found.totals["synaptic_operation.sparse"] == 50
    assert second.metrics().counts.inputs[0].effective == 40
    drawn = ern.lower(net).poisson_inputs[0].counting()
    brought = sum(drawn.at(t)[:2].sum() for t in range(30))
    assert abs(brought - 50) < 4.5 * 50**0.5
    assert found.to_json()["inputs"] == [{"input": "drive", "effective": 50}]


def test_sparsity_and_footprint():
    net = ern.Network(dt_ms=1.0)
    source = net.population("source", 4, ern.SpikeTimes([[1.0], [], [], []]))
    cells = net.population("cells", 2, ern.LIF())
    net.projection("some", source, cells, ern.FromList([(0, 0), (0, 1), (3, 1)]), weight_nA=[0.0, 1.0, 0.0])
    result = ern.run(net, duration_ms=5, backend="reference")
    found = result.metrics()
    assert found.connection_sparsity == pytest.approx(7 / 8)
    assert found.counts.synapses[0].effective == 1
    states, parameters = 3 * 2, len(result.graph.population("cells").parameters)
    assert footprint(result.graph) == 4 * (states + parameters) + 3 * (4 + 4)
    with pytest.raises(ern.InvalidModel, match="bin_ms"):
        result.metrics(bin_ms=0.0)
