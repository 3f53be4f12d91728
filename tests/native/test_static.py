"""Static synapses are stored in few bytes, and what they send is added up as if each were sent by itself."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from peak import peak_bytes

import ernsnn as ern
from ernsnn.backend.registry import get_backend
from ernsnn.graph import chunks
from ernsnn.graph.connectivity import CSR
from ernsnn.graph.graph import Probe
from ernsnn.hardware_backends.native import memory
from ernsnn.hardware_backends.native.bundles import DELAYED, FULL, LISTED
from ernsnn.hardware_backends.native.static import SHARED

WEIGHTS = (0.3, ern.Normal(0.5, 0.1, low=0.0))
DELAYS = (0.4, ern.Normal(1.5, 0.8), ern.Uniform(0.1, 30.0))


def engine(net, precision="float64", seed=3, threads=1):
    return get_backend("native").engine(ern.lower(net, seed), precision=precision, threads=threads)


def listed(rng, n_pre, n_post):
    """Pairs, some of them several times, with delays of which some are equal, too."""
    pairs = rng.integers(0, (n_pre, n_post), (5 * n_pre, 2))
    return ern.FromList(pairs), rng.integers(1, 4, len(pairs)) / 10


def random_network(seed):
    """Projections between parts of two populations with overlapping targets, in every form of storage."""
    rng = np.random.default_rng(seed)
    net = ern.Network(dt_ms=0.1)
    sizes = rng.integers(20, 90, 2).tolist()
    cells = [net.population(f"cells{k}", n, ern.LIF(tau_m_ms=10.0 + 5 * k)) for k, n in enumerate(sizes)]
    for k in range(rng.integers(4, 14)):
        (a, b), parts = rng.integers(0, 2, 2), []
        for side in (a, b):
            first = int(rng.integers(0, 10)) * int(rng.random() < 0.5)
            parts.append(cells[side][first : sizes[side] - int(rng.integers(0, 9)) * (first > 0)])
        weight, delay = WEIGHTS[rng.integers(2)], DELAYS[rng.integers(3)]
        connectors = (
            ern.AllToAll(),
            ern.AllToAll(self_connections=False),
            ern.FixedProbability(0.3),
            ern.FixedProbability(0.2, self_connections=False),
            ern.FixedInDegree(5),
        )
        connector = connectors[rng.integers(len(connectors))]
        if rng.random() < 0.2:
            connector, delay = listed(rng, parts[0].size, parts[1].size)
            weight = rng.random(len(delay)) if rng.random() < 0.5 else weight
        short = ern.TsodyksMarkram(U=0.3, tau_rec_ms=50.0) if rng.random() < 0.15 else None
        receptor = "inhibitory" if rng.random() < 0.3 else "excitatory"
        options = {"receptor": receptor, "short_term": short}
        net.projection(f"p{k}", *parts, connector, weight_nA=weight, delay_ms=delay, **options)
    return net


def opened(e, t, spikes):
    """The log of an engine, in which the neurons ``spikes`` of each population spike in step ``t``."""
    e.log.open(t, t + 1, {name: (np.full(len(neurons), t), neurons) for name, neurons in spikes.items()})
    return e.log


def send(e, t, spikes, workers=1):
    """What static synapses do with these spikes."""
    log = opened(e, t, spikes)
    for static in e.statics:
        for worker in range(workers):
            static.send(log.spikes)(t, t + 1, worker)


def naive(e, t, spikes, weights):
    """What the ring holds after the spikes of step ``t``, sent synapse by synapse."""
    ring = e.neurons.arriving.copy()
    flat, (length, receptors, n) = ring.reshape(-1), ring.shape
    for static in e.statics:
        for s in static.projections:
            p, place = s.p, e.neurons.first_of(s.p)
            rows, w = p.synapses, weights[p.name]
            factor = e.short_term.of(p)
            for i in spikes[p.pre].tolist():
                for k in np.flatnonzero(rows.pre == i):
                    at = (t + rows.delay[k]) % length * receptors * n + place + rows.post[k] - p.post_start
                    flat[at] += np.float64(w[k]) * (factor[i - p.pre_start] if p.short_term else 1.0)
    return ring


@pytest.mark.parametrize(("precision", "threads"), [("float32", 1), ("float64", 1), ("float64", 3)])
@pytest.mark.parametrize("seed", range(12))
def test_what_arrives_is_the_sum_of_single_synapses_in_their_order_before_and_after_writing(seed, precision, threads):
    rng, e = np.random.default_rng(seed), engine(random_network(seed), precision, threads=threads)
    statics = [s for static in e.statics for s in static.projections]
    weights = {s.p.name: s.p.synapses.variables["w"].astype(precision) for s in statics}
    for t in (5, 304, 305):
        for s in statics:
            np.testing.assert_array_equal(s.variables["w"], weights[s.p.name])
            assert s.variables["w"].dtype == precision
        spikes = {f"cells{k}": np.flatnonzero(rng.random(e.neurons.parts[f"cells{k}"].p.size) < 0.3) for k in range(2)}
        for renew in e.short_term.kernels(opened(e, t, spikes)):
            renew(t, t + 1, 0)
        expected = naive(e, t, spikes, weights)
        send(e, t, spikes, threads)
        np.testing.assert_array_equal(e.neurons.arriving, expected)
        assert expected.any()
        for s in (s for s in statics if rng.random() < 0.6):
            new = rng.random(s.p.n_synapses) if rng.random() < 0.7 else np.full(s.p.n_synapses, rng.random())
            s.write("w", new)
            weights[s.p.name] = new.astype(precision)


def test_random_networks_have_every_form_of_storage():
    found = [e for seed in range(12) for e in engine(random_network(seed)).statics]
    forms = {(b.kind, b.shared, b.holed) for static in found for b in static.bundles}
    kinds = ((FULL, True), (FULL, False), (LISTED, False), (DELAYED, False))
    assert forms == {(kind, shared, holed) for kind, holed in kinds for shared in (True, False)}
    assert max(len(b.members) for static in found for b in static.bundles) > 1


def columns(*, order="by post", **options):
    """Two populations, each projected onto both, with weights and delays of their own."""
    net = ern.Network(dt_ms=0.1)
    cells = {name: net.population(name, 40, ern.LIF()) for name in "ab"}
    pairs = [(x, y) for x in "ab" for y in "ab"]
    for pre, post in pairs if order == "by pre" else [(y, x) for x, y in pairs]:
        values = {"weight_nA": WEIGHTS[1], "delay_ms": DELAYS[1], **options}
        net.projection(f"{pre}{post}", cells[pre], cells[post], ern.FixedProbability(0.5), **values)
    return net


def stored(net):
    return [[m.p.name for m in b.members] for static in engine(net).statics for b in static.bundles]


def test_projections_that_share_rows():
    assert stored(columns()) == [["aa", "ab"], ["ba", "bb"]]
    assert stored(columns(order="by pre")) == [["aa", "ab"], ["ba", "bb"]]
    assert stored(columns(weight_nA=0.5)) == [["aa"], ["ba"], ["ab"], ["bb"]]
    assert stored(columns(delay_ms=0.5)) == [["aa"], ["ba"], ["ab"], ["bb"]]
    assert stored(columns(short_term=ern.TsodyksMarkram(U=0.3, tau_rec_ms=50.0))) == [["aa"], ["ba"], ["ab"], ["bb"]]
    # Onto the same receptors, what comes second stays second; of other neurons, nothing is joined.
    net = columns()
    a, b = (net.populations[name] for name in "ab")
    some = {"connector": ern.FixedProbability(0.5), "weight_nA": WEIGHTS[1], "delay_ms": DELAYS[1]}
    net.projection("again", a, b, **some)
    net.projection("part", a[:20], b, **some)
    net.projection("inhibits", a, b, receptor="inhibitory", **some)
    assert stored(net) == [["aa", "ab"], ["ba", "bb"], ["again"], ["part"], ["inhibits"]]


def test_targets_rise_within_a_stretch_of_equal_delays():
    [static] = engine(columns()).statics
    table = static.table
    for row, bundle in zip(table.bundles, static.bundles, strict=True):
        assert bundle.kind == DELAYED
        targets = table.targets[row[12] :]
        for i in range(40):
            begin = table.rows[row[10] + i]
            pieces = table.stretches[table.stretched[row[11] + i] : table.stretched[row[11] + i + 1]].tolist()
            assert [d for d, _ in pieces] == sorted({d for d, _ in pieces})
            for (_, start), (_, end) in zip([(0, 0), *pieces[:-1]], pieces, strict=True):
                assert (np.diff(targets[begin + start : begin + end].astype(int)) > 0).all()
            assert pieces[-1][1] == table.rows[row[10] + i + 1] - begin


def own_bytes(net, precision="float32"):
    """Bytes of all that is stored of static synapses, less 16 a row."""
    e = engine(net, precision)
    [static] = e.statics
    rows = sum(len(getattr(static.table, name)) for name in ("rows", "stretched"))
    return (sum(a.nbytes for a in static.table) - 8 * rows - static.table.bundles.nbytes) / e.graph.n_synapses


def one_projection(n, connector, weight, delay):
    net = ern.Network(dt_ms=0.1)
    cells = net.population("cells", n, ern.LIF())
    net.projection("p", cells, cells, connector, weight_nA=weight, delay_ms=delay)
    return net


@pytest.mark.parametrize(
    ("connector", "weight", "delay", "least", "most"),
    [
        (ern.FixedProbability(0.5), WEIGHTS[1], DELAYS[1], 8, 8.3),
        (ern.FixedProbability(0.5), WEIGHTS[1], 1.0, 8, 8),
        (ern.FixedProbability(0.5), 0.5, DELAYS[1], 4, 4.3),
        (ern.FixedProbability(0.5), 0.5, 1.0, 4, 4.001),
        (ern.AllToAll(), WEIGHTS[1], DELAYS[1], 8, 8.2),
        (ern.AllToAll(self_connections=False), WEIGHTS[1], 1.0, 4, 4.01),
        (ern.AllToAll(self_connections=False), 0.5, 1.0, 0, 0.001),
    ],
)
def test_bytes_of_a_synapse(connector, weight, delay, least, most):
    assert least <= own_bytes(one_projection(1000, connector, weight, delay)) <= most
    more = 4 if weight is WEIGHTS[1] else 0
    assert least + more <= own_bytes(one_projection(1000, connector, weight, delay), "float64") <= most + more + 0.001


def test_projections_that_share_rows_have_stretches_in_common():
    assert own_bytes(columns()) < own_bytes(one_projection(40, ern.FixedProbability(0.5), WEIGHTS[1], DELAYS[1])) - 0.3


@pytest.mark.parametrize("seed", [1, 4])
@pytest.mark.parametrize("threads", [1, 3])
def test_storage_does_not_depend_on_threads_and_chunks(seed, threads, monkeypatch):
    before = engine(random_network(seed), "float32").statics
    monkeypatch.setattr(chunks, "processors", lambda: threads)
    monkeypatch.setattr(chunks, "CHUNK", 100)
    for one, other in zip(before, engine(random_network(seed), "float32").statics, strict=True):
        for a, b in zip(one.table, other.table, strict=True):
            assert a.dtype == b.dtype
            np.testing.assert_array_equal(a, b)


def test_delays_and_rows_beyond_16_bits():
    net = ern.Network(dt_ms=0.1)
    a, b = net.population("a", 2, ern.SpikeTimes([[0.0], [0.1]])), net.population("b", 3, ern.LIF())
    net.projection("p", a, b, weight_nA=[[1, 2, 3], [4, 5, 6]], delay_ms=[[0.1, 6553.5, 6553.6], [7000, 7000, 0.2]])
    e = engine(net)
    send(e, 0, {"a": np.array([0, 1])})
    found = e.neurons.arriving[:, 0]
    assert [found[s, j] for s, j in ((1, 0), (65535, 1), (65536, 2), (70000, 0), (70000, 1), (2, 2))] == [
        1,
        2,
        3,
        4,
        5,
        6,
    ]
    assert found.sum() == 21
    wide = ern.Network(dt_ms=0.1)
    a, b = wide.population("a", 1, ern.SpikeTimes([[0.0]])), wide.population("b", 70_000, ern.LIF())
    delays = np.array([[0.1] * 69_999 + [0.2]])
    wide.projection("p", a, b, weight_nA=WEIGHTS[1], delay_ms=delays)
    e = engine(wide)
    assert e.statics[0].table.stretches.tolist() == [[1, 69_999], [2, 70_000]]
    send(e, 0, {"a": np.array([0])})
    weights = e.graph.projections[0].synapses.variables["w"]
    np.testing.assert_array_equal(e.neurons.arriving[1, 0, :-1], weights[:-1])
    assert e.neurons.arriving[2, 0].tolist() == [0] * 69_999 + [weights[-1]]


def test_weights_that_were_shared_are_kept_once_until_others_are_written():
    e = engine(one_projection(50, ern.FixedProbability(0.5), 0.5, 1.0))
    [static] = e.statics
    probe, n = Probe("synapses", "p", 0, 0, "w", 1), e.graph.n_synapses
    e.write(probe, np.full(n, 0.25))
    assert len(static.table.weights) == 1
    assert static.table.bundles[0, SHARED]
    assert e.probe(probe).tolist() == [0.25] * n
    e.write(probe, np.arange(float(n)))
    assert e.probe(probe).tolist() == list(range(n))
    e.write(probe, np.full(n, 0.75))
    assert e.probe(probe).tolist() == [0.75] * n


@pytest.mark.parametrize(
    ("weight", "delay"), [(0.9, 0.5), (WEIGHTS[1], 0.5), (0.9, DELAYS[1]), (WEIGHTS[1], DELAYS[1])]
)
def test_probes_and_changed_weights_in_a_continuation_are_those_of_the_reference(weight, delay):
    def driven(factor):
        net = ern.Network(dt_ms=0.1)
        inputs = net.population("inputs", 30, ern.Poisson(200.0))
        cells = net.population("cells", 40, ern.LIF(tau_m_ms=5.0))
        scaled = factor * weight if isinstance(weight, float) else ern.Uniform(0.5 * factor, 2.0 * factor)
        net.projection("p", inputs, cells, ern.FixedProbability(0.4), weight_nA=scaled, delay_ms=delay)
        net.projection("q", cells, cells, ern.AllToAll(self_connections=False), weight_nA=0.1 * factor, delay_ms=delay)
        for name in ("p", "q"):
            net.probe(net.projections[name], "w", every_ms=10.0)
        return net

    options = {"reference": {}, "native": {"precision": "float64"}}
    found = []
    for backend, given in options.items():
        first = ern.run(driven(1.0), duration_ms=30, seed=2, backend=backend, **given)
        found.append((first, ern.run(driven(2.0), duration_ms=30, seed=2, backend=backend, start=first, **given)))
    for expected, got in zip(*found, strict=True):
        spikes, same = (np.stack(r.recording.spikes["cells"]) for r in (expected, got))
        np.testing.assert_array_equal(spikes, same)
        assert spikes.shape[1] > 20
        for key in ("p.w", "q.w"):
            for one, other in zip(expected.recording.signals[key], got.recording.signals[key], strict=True):
                np.testing.assert_array_equal(one, other)
    assert np.max(found[1][1].recording.signals["q.w"][1]) == 0.2


MEASURED = {
    "own": (ern.FixedProbability(0.5), WEIGHTS[1], DELAYS[1]),
    "one delay": (ern.FixedProbability(0.5), WEIGHTS[1], 1.0),
    "one weight": (ern.FixedProbability(0.5), 0.5, DELAYS[1]),
    "all alike": (ern.FixedProbability(0.5), 0.5, 1.0),
    "all to all": (ern.AllToAll(), WEIGHTS[1], 1.0),
    "all but itself": (ern.AllToAll(self_connections=False), WEIGHTS[1], 1.0),
    "all to all, alike": (ern.AllToAll(), 0.5, 1.0),
    "all to all, own": (ern.AllToAll(), WEIGHTS[1], DELAYS[1]),
    "few": (ern.FixedInDegree(20), WEIGHTS[1], ern.Uniform(0.1, 8.0)),
}


@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize("how", MEASURED)
def test_the_bytes_that_are_needed_are_those_that_are_taken(how, precision, monkeypatch):
    for module in (chunks, memory):
        monkeypatch.setattr(module, "processors", lambda: 2)
        monkeypatch.setattr(module, "CHUNK", 1 << 15)
    graph = ern.lower(one_projection(1000, *MEASURED[how]), 1)
    engine(one_projection(30, *MEASURED[how]), precision)  # compiles
    _, peak = peak_bytes(lambda: get_backend("native").engine(graph, precision=precision))
    assert peak <= memory.needed_bytes(graph, precision) <= 1.6 * peak


@pytest.mark.parametrize(("precision", "least"), [("float32", 12.3e9), ("float64", 16.3e9)])
def test_a_million_neurons_with_a_thousand_synapses_each_are_refused_with_the_bytes_before_any_is_taken(
    precision, least, monkeypatch
):
    n = 1_000_000
    graph = ern.lower(one_projection(n, ern.FromList([(0, 0)]), WEIGHTS[1], DELAYS[1]), 1)
    listed = CSR(n, n, np.arange(n + 1) * 1000, np.broadcast_to(np.int32(0), n * 1000))
    graph = dataclasses.replace(graph, projections=(dataclasses.replace(graph.projections[0], connectivity=listed),))
    needed = memory.needed_bytes(graph, precision)
    assert least < needed + 4e9 < 1.2 * least + 4e9
    monkeypatch.setattr("ernsnn.hardware_backends.native.available_bytes", lambda: needed - 1)

    def refused():
        with pytest.raises(
            ern.UnsupportedOnBackend, match=rf"needs {needed} bytes \({needed / 1e9:.1f} GB\) of memory"
        ):
            get_backend("native").engine(graph, precision=precision)

    _, peak = peak_bytes(refused)
    assert peak < 20e6


@pytest.mark.parametrize("connector", [ern.FixedInDegree(1000), ern.FixedProbability(0.001)])
def test_what_cannot_even_be_lowered_is_refused_before_memory_is_taken(connector, monkeypatch):
    monkeypatch.setattr("ernsnn.graph.memory.available_bytes", lambda: 3_900_000_000)
    net = one_projection(1_000_000, connector, WEIGHTS[1], DELAYS[1])

    def refused():
        with pytest.raises(ern.InvalidModel, match=r"p\.connector: needs 4016000000 bytes \(4\.0 GB\) of memory"):
            ern.lower(net, 1)

    _, peak = peak_bytes(refused)
    assert peak < 1e6
