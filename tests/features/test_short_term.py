"""Short-term plasticity: against a plain loop, NEST's synapses, and between the backends that have it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from on_backends import QUICK, assert_equal_spikes
from short_terms import between, own

import ernsnn as ern
from ernsnn import InvalidModel
from ernsnn.analyse.export.contents import contents
from ernsnn.backend.discovery import backend_names
from ernsnn.backend.registry import get_backend
from ernsnn.backend.source_spikes import SourceSpikes
from ernsnn.backend.state import restore, state_of
from ernsnn.hardware_backends.native.engine import Engine as Native
from ernsnn.hardware_backends.reference.engine import Engine as Reference

HAVE_IT = [name for name in backend_names() if get_backend(name).kinds is None]
TIMES_MS = [[1.0, 3.5, 4.0, 30.0, 31.0, 80.0], [2.0, 2.5, 3.0, 60.0]]


def having() -> ern.Network:
    """What a backend needs to take part."""
    return between(ern.TsodyksMarkram())


def run(net: ern.Network, backend: str, duration_ms: float = 100.0, **options):
    return ern.run(net, duration_ms=duration_ms, backend=backend, **{**QUICK.get(backend, {}), **options})


def transmitted(times_ms: list[float], U: float, tau_rec: float, tau_fac: float) -> list[float]:
    """u x of Tsodyks and Markram's model at each spike: recovery from x - x u to 1, and of u from its last value."""
    found: list[float] = []
    x, u, before = 1.0, U, -math.inf
    for t in times_ms:
        since = t - before
        left = x - u * x
        x = 1.0 - (1.0 - left) * math.exp(-since / tau_rec) if found and tau_rec else 1.0
        u = U if not found or tau_fac == 0 else u * math.exp(-since / tau_fac) * (1.0 - U) + U
        found.append(u * x)
        before = t
    return found


def jumps(result: ern.Result, probe: str) -> np.ndarray:
    """What arrives at neuron 0 in each step, of a current that decays by ``P`` a step."""
    current = result.recording.signals[probe][1][:, 0]
    P = math.exp(-result.graph.dt_ms / 5.0)
    return current - np.concatenate([[0.0], current[:-1]]) * P


@pytest.mark.parametrize("backend", HAVE_IT)
@pytest.mark.parametrize(("tau_rec", "tau_fac"), [(50.0, 0.0), (50.0, 20.0), (3.0, 400.0), (0.0, 100.0), (0.0, 0.0)])
def test_what_spikes_transmit_is_that_of_a_plain_loop(backend: str, tau_rec: float, tau_fac: float) -> None:
    U = [0.2, 0.7]
    net = ern.Network(dt_ms=0.5)
    source, cells = net.population("source", 2, ern.SpikeTimes(TIMES_MS)), net.population("cells", 2, ern.LIF())
    short = ern.TsodyksMarkram(U=U, tau_rec_ms=tau_rec, tau_fac_ms=tau_fac)
    weights = np.array([[1.0, 0.5], [8.0, 0.5]])
    net.projection("p", source, cells, weight_nA=weights, delay_ms=[[2.0, 0.5], [1.5, 0.5]], short_term=short)
    net.probe(cells, "I_E_nA")
    expected = np.zeros(200)
    for k, (weight, delay) in enumerate(((1.0, 2.0), (8.0, 1.5))):
        for t, factor in zip(TIMES_MS[k], transmitted(TIMES_MS[k], U[k], tau_rec, tau_fac), strict=True):
            expected[round((t + delay) / 0.5)] += weight * factor
    np.testing.assert_allclose(jumps(run(net, backend), "cells.I_E_nA"), expected, rtol=0, atol=2e-14)


SOFT = ern.stdp.pair(A_plus=0.02, A_minus=0.01, w_max=4.0, dependence="multiplicative")
MIXED = ern.ShortTerm.from_equations(
    "Mixed",
    parameters={"i": 0.3, "V": 40.0, "tau_ms": 30.0},
    positive=["tau_ms"],
    states={"dt_pre": 0.0, "lastspike": "2*i"},
    on_spike="""
        gone = exp(-since/tau_ms)
        dt_pre = min(dt_pre*gone + (1.0 if since < V else 0.5), 3)
        lastspike = i + (lastspike - i)*gone if dt_pre > 0.7 and not gone > 2 else lastspike
        lastspike = max(lastspike, 0.1)
    """,
    factor="0.5*lastspike + 0.1*floor(4*dt_pre)*(dt/since < 10)",
)
"""Names with a meaning in programs, conditions, and a name of its own."""


def random_network(seed: int) -> ern.Network:
    """Several projections with and without short-term plasticity, of the same and of several pre neurons."""
    rng = np.random.default_rng(seed)
    net = ern.Network(dt_ms=(0.1, 0.5, 1.0)[seed % 3], name=f"random{seed}")
    dt = net.dt_ms
    inputs = net.population("inputs", 30, ern.Poisson(60.0))
    cells = net.population("cells", 12, ern.LIF(tau_refrac_ms=2 * dt, i_offset_nA=ern.Uniform(0.5, 0.9)))
    others = net.population("others", 8, (ern.ConductanceLIF, ern.AdaptiveLIF, ern.DeltaLIF)[seed % 3]())
    unit, scale = (("uS", 0.02), ("nA", 1.0), ("mV", 3.0))[seed % 3]
    net.freeze(40 * dt, 80 * dt)

    def short() -> ern.ShortTerm | None:
        several = ern.TsodyksMarkram(U=ern.Uniform(0.1, 1.0), tau_rec_ms=ern.Uniform(5.0, 100.0), tau_fac_ms=50.0)
        active = ern.TsodyksUzielMarkram(U=ern.Uniform(0.1, 1.0), tau_rec_ms=30.0, tau_psc_ms=ern.Uniform(1.0, 9.0))
        kinds = (several, active, ern.TsodyksMarkram(tau_rec_ms=20.0), MIXED(i=ern.Uniform(0.1, 0.5)), None)
        return kinds[int(rng.integers(5))]

    for k in range(6):
        pre, post = (inputs, cells[2:], others[1:6])[int(rng.integers(3))], (cells, others)[int(rng.integers(2))]
        learns = rng.random() < 0.4
        least = 0.0 if post is cells else 0.1
        weight = ern.Uniform(least, 1.5) if post is cells else ern.Uniform(least * scale, 1.5 * scale)
        options = {f"weight_{'nA' if post is cells else unit}": weight}
        if learns:
            high = 4.0 if post is cells else 4.0 * scale
            rule = ern.stdp.pair(A_plus=0.02 * high, A_minus=0.01 * high, w_max=high, dependence="multiplicative")
            options["learning"] = rule
        net.projection(
            f"p{k}",
            pre,
            post,
            (ern.AllToAll(self_connections=False), ern.FixedProbability(0.5))[int(rng.integers(2))],
            delay_ms=dt if rng.random() < 0.3 else ern.Uniform(dt, 6 * dt),
            receptor=("excitatory", "inhibitory")[int(rng.integers(4) == 0)],
            short_term=short(),
            **options,
        )
    for k, post in enumerate((cells, others)):
        drive = {"weight_nA": 1.0} if k == 0 else {f"weight_{unit}": scale}
        net.projection(f"drive{k}", inputs, post, **drive, short_term=ern.TsodyksMarkram())
        net.probe(post, "v_mV")
    return net


@pytest.mark.parametrize("seed", range(6))
def test_equal_on_random_networks(seed: int) -> None:
    net = random_network(seed)
    counts = assert_equal_spikes(net, duration_ms=160 * net.dt_ms)
    assert counts["cells"] + counts["others"] > 5


@pytest.mark.parametrize("seed", range(12))
def test_native_is_the_reference_to_the_bit(seed: int) -> None:
    net = random_network(seed)
    ours, theirs = (run(net, backend, 160 * net.dt_ms).recording for backend in ("native", "reference"))
    for name, (steps, neurons) in theirs.spikes.items():
        np.testing.assert_array_equal(ours.spikes[name][0], steps)
        np.testing.assert_array_equal(ours.spikes[name][1], neurons)
    for name, variables in theirs.synapses.items():
        np.testing.assert_allclose(ours.synapses[name]["w"], variables["w"], rtol=0, atol=1e-13)


def test_native_in_float32_is_near() -> None:
    net = random_network(1)
    ours, theirs = (
        run(net, b, 60 * net.dt_ms, **o).recording for b, o in (("native", {"precision": "float32"}), ("reference", {}))
    )
    for key, (_, values) in theirs.signals.items():
        np.testing.assert_allclose(ours.signals[key][1], values, rtol=0, atol=1e-4)


@pytest.mark.parametrize("backend", HAVE_IT)
@pytest.mark.parametrize("learning", [None, SOFT])
def test_a_run_that_goes_on_is_a_run_in_one_go(backend: str, learning: ern.LearningRule | None) -> None:
    """What short-term plasticity knows, and what is on its way, is kept."""
    net = ern.Network(dt_ms=0.5)
    source, cells = net.population("source", 12, ern.Poisson(100.0)), net.population("cells", 6, ern.LIF())
    short = ern.TsodyksMarkram(U=0.6, tau_rec_ms=60.0, tau_fac_ms=30.0)
    net.projection(
        "p", source, cells, weight_nA=1.0, delay_ms=ern.Uniform(0.5, 4.0), short_term=short, learning=learning
    )
    net.projection("q", cells, cells, weight_nA=0.5, receptor="inhibitory", delay_ms=3.0, short_term=short)
    net.probe(cells, "v_mV")
    whole = run(net, backend, 90.0)
    first = run(net, backend, 41.5)
    second = run(net, backend, 48.5, start=first)
    steps, values = second.recording.signals["cells.v_mV"]
    np.testing.assert_array_equal(values, whole.recording.signals["cells.v_mV"][1][steps[0] :])
    assert whole.spike_counts["cells"] > 5


@pytest.mark.parametrize("make", [Reference, lambda graph: Native(graph, "float64", compiled=False)])
def test_a_checkpoint_holds_its_state(make) -> None:
    graph = ern.lower(random_network(2), 1)
    one, feeds = make(graph), SourceSpikes(graph)
    for t in range(120):
        one.step(t, feeds.at(t))
    other = make(graph)
    restore(other, {path: array.copy() for path, array in state_of(one).items()})
    for t in range(120, 200):
        expected = dict(feeds.at(t))
        found = {name: neurons.copy() for name, neurons in expected.items()}
        one.step(t, expected)
        other.step(t, found)
        for name, neurons in expected.items():
            np.testing.assert_array_equal(found[name], neurons)
    for path, array in state_of(one).items():
        np.testing.assert_array_equal(state_of(other)[path], array, err_msg=path)
    assert any("short_term" in path for path in state_of(one))


def test_a_start_without_it_does_not_fit() -> None:
    def build(short: ern.ShortTerm | None) -> ern.Network:
        net = ern.Network()
        source, cells = net.population("source", 2, ern.SpikeTimes([[1], [2]])), net.population("cells", 2, ern.LIF())
        net.projection("p", source, cells, weight_nA=1.0, short_term=short)
        return net

    first = ern.run(build(None), duration_ms=5, backend="native")
    with pytest.raises(InvalidModel, match="projection p is new"):
        ern.run(build(ern.TsodyksMarkram()), duration_ms=5, backend="native", start=first)


def test_it_goes_on_while_learning_is_frozen() -> None:
    found = []
    for frozen in (False, True):
        net = ern.Network(dt_ms=0.5)
        source, cells = net.population("source", 2, ern.SpikeTimes(TIMES_MS)), net.population("cells", 1, ern.LIF())
        net.projection("p", source, cells, weight_nA=1.0, short_term=ern.TsodyksMarkram(tau_rec_ms=50.0))
        if frozen:
            net.freeze(0, 50)
        net.probe(cells, "I_E_nA")
        found.append(run(net, "reference").recording.signals["cells.I_E_nA"][1])
    np.testing.assert_array_equal(*found)


def test_the_learned_weight_is_untouched() -> None:
    """A rule that reads spikes alone changes w as it does without short-term plasticity."""
    weights = []
    for short in (None, ern.TsodyksMarkram(U=0.1, tau_rec_ms=50.0)):
        net = ern.Network(dt_ms=0.5)
        source = net.population("source", 2, ern.SpikeTimes(TIMES_MS))
        post = net.population("post", 2, ern.LIF(v_threshold_mV=-64.0, i_offset_nA=0.2, tau_refrac_ms=3.0))
        rule = ern.stdp.pair(A_plus=0.02, A_minus=0.01, w_max=1e-9)
        net.projection("p", source, post, weight_nA=5e-10, learning=rule, short_term=short)
        weights.append(run(net, "reference").recording.synapses["p"]["w"])
    np.testing.assert_array_equal(*weights)
    assert weights[0][0] != 5e-10


@pytest.mark.nest
@pytest.mark.parametrize("kind", [ern.TsodyksMarkram, ern.TsodyksUzielMarkram])
@pytest.mark.parametrize(("U", "tau_rec", "tau_fac"), [(0.5, 20.0, 0.0), (0.05, 13.0, 60.0), (1.0, 30.0, 5.0)])
def test_what_spikes_transmit_is_that_of_nest(kind: type, U: float, tau_rec: float, tau_fac: float) -> None:
    """NEST takes the time from 0 on for that since a first spike: it is so late that this makes no difference."""
    model, active = ("tsodyks2_synapse", {}) if kind is ern.TsodyksMarkram else ("tsodyks_synapse", {"tau_psc": 7.0})
    nest = pytest.importorskip("nest")
    rng = np.random.default_rng(3)
    late = 4000.0
    times = late + np.unique(rng.integers(10, 3000, 60)) * 0.1
    nest.ResetKernel()
    nest.set(resolution=0.1, print_time=False)
    generator = nest.Create("spike_generator", params={"spike_times": times, "precise_times": False})
    relay, cell = nest.Create("parrot_neuron"), nest.Create("iaf_psc_exp", params={"tau_syn_ex": 5.0, "V_th": 1e9})
    nest.Connect(generator, relay, syn_spec={"delay": 0.1})
    nest.Connect(
        relay,
        cell,
        syn_spec={
            "synapse_model": model,
            "U": U,
            **active,
            "u": 0.0 if active else U,
            "x": 1.0,
            "tau_rec": tau_rec,
            "tau_fac": tau_fac,
            "weight": 1000.0,
            "delay": 0.1,
        },
    )
    meter = nest.Create("multimeter", params={"record_from": ["I_syn_ex"], "interval": 0.1})
    nest.Connect(meter, cell)
    nest.Simulate(late + 320.0)
    current = np.asarray(meter.events["I_syn_ex"]) / 1000.0
    there = np.concatenate([[current[0]], current[1:] - current[:-1] * math.exp(-0.1 / 5.0)])
    theirs = there[np.abs(there) > 1e-9]

    net = ern.Network(dt_ms=0.1)
    source, cells = net.population("source", 1, ern.SpikeTimes([times - late])), net.population("cells", 1, ern.LIF())
    short = kind(U=U, tau_rec_ms=tau_rec, tau_fac_ms=tau_fac, **{f"{name}_ms": value for name, value in active.items()})
    net.projection("p", source, cells, weight_nA=1.0, short_term=short)
    net.probe(cells, "I_E_nA")
    for backend in HAVE_IT:
        here = jumps(run(net, backend, 320.0), "cells.I_E_nA")
        ours = here[np.abs(here) > 1e-9]
        assert len(ours) == len(times)
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-12)


def three_states(times_ms: list[float], U: float, tau_rec: float, tau_fac: float, tau_psc: float) -> list[float]:
    """u x at each spike, with x and y between spikes integrated in small steps, by Runge and Kutta's method."""
    found: list[float] = []
    state, u, before = np.array([1.0, 0.0]), 0.0, times_ms[0]

    def slope(s: np.ndarray) -> np.ndarray:
        return np.array([(1.0 - s[0] - s[1]) / tau_rec, -s[1] / tau_psc])

    for t in times_ms:
        n = max(math.ceil((t - before) / 0.05), 1)
        h = (t - before) / n
        for _ in range(n):
            k1 = slope(state)
            k2 = slope(state + h / 2 * k1)
            k3 = slope(state + h / 2 * k2)
            state = state + h / 6 * (k1 + 2 * k2 + 2 * k3 + slope(state + h * k3))
        u = u * math.exp(-(t - before) / tau_fac) if tau_fac else 0.0
        u += U * (1.0 - u)
        found.append(u * float(state[0]))
        state, before = state + found[-1] * np.array([-1.0, 1.0]), t
    return found


@pytest.mark.parametrize("backend", HAVE_IT)
def test_an_active_state_recovers_later(backend: str) -> None:
    """Also where both of its time constants are one, or nearly; each pre neuron has its own."""
    cases = [(0.5, 20.0, 0.0, 3.0), (0.3, 5.0, 40.0, 5.0), (0.4, 5.0, 40.0, 5.0 + 1e-9), (0.9, 50.0, 9.0, 20.0)]
    times = [1.0, 3.5, 4.0, 30.0, 31.0, 80.0]
    net = ern.Network(dt_ms=0.5)
    source, cells = net.population("source", 4, ern.SpikeTimes([times] * 4)), net.population("cells", 4, ern.LIF())
    U, rec, fac, psc = (list(column) for column in zip(*cases, strict=True))
    short = ern.TsodyksUzielMarkram(U=U, tau_rec_ms=rec, tau_fac_ms=fac, tau_psc_ms=psc)
    net.projection("p", source, cells, ern.OneToOne(), weight_nA=0.1, delay_ms=1.0, short_term=short)
    net.probe(cells, "I_E_nA")
    current = run(net, backend).signal("cells", "I_E_nA")[1]
    arrived = np.diff(current, axis=0, prepend=0.0) + np.vstack([np.zeros(4), current[:-1]]) * -math.expm1(-0.1)
    for k, case in enumerate(cases):
        expected = np.zeros(200)
        expected[[round((t + 1.0) / 0.5) for t in times]] = 0.1 * np.array(three_states(times, *case))
        np.testing.assert_allclose(arrived[:, k], expected, rtol=0, atol=1e-9)


def test_a_graph_is_saved_with_it_and_read_again(tmp_path) -> None:
    graph = ern.lower(random_network(2), 3)
    assert any(p.short_term and p.short_term.kind.name == "Mixed" for p in graph.projections)
    again = ern.load_graph(ern.save_graph(graph, tmp_path / "graph"))
    assert again.digest == graph.digest
    kinds = {p.short_term.kind for p in again.projections if p.short_term}
    assert ern.TsodyksMarkram.kind in kinds
    assert '"library": "TsodyksMarkram"' in (tmp_path / "graph" / "graph.json").read_text()


@pytest.mark.parametrize("backend", HAVE_IT)
def test_probes_see_its_states(backend: str) -> None:
    """One value a pre neuron of the projection, in every step or in some; also where no synapse came to be."""
    net = ern.Network(dt_ms=0.5)
    source, cells = (
        net.population("source", 4, ern.SpikeTimes([[], [], *TIMES_MS])),
        net.population("cells", 2, ern.LIF()),
    )
    short = ern.TsodyksMarkram(U=[0.2, 0.7], tau_rec_ms=50.0, tau_fac_ms=20.0)
    p = net.projection("p", source[2:], cells, weight_nA=0.1, short_term=short)
    empty = net.projection("empty", source[2:], cells, ern.FromList([]), weight_nA=0.1, short_term=short)
    for probe in (p, empty):
        net.probe(probe, "x")
        net.probe(probe, "u", every_ms=2.0)
    result = run(net, backend)
    for name in ("p", "empty"):
        (every, x), (some, u) = result.signal(name, "x"), result.signal(name, "u")
        assert x.shape == (200, 2)
        assert u.shape == (50, 2)
        assert some.tolist() == [1.5 + 2 * k for k in range(50)]
        for k, U in enumerate((0.2, 0.7)):
            factors = transmitted(TIMES_MS[k], U, 50.0, 20.0)
            for t, factor in zip(TIMES_MS[k], factors, strict=True):
                seen = x[every == t, k] * u[(some >= t).argmax(), k]
                if not any(t < other <= some[(some >= t).argmax()] for other in TIMES_MS[k]):
                    np.testing.assert_allclose(seen, factor, rtol=1e-13)
    assert result.signal("empty", "x")[1].tolist() == result.signal("p", "x")[1].tolist()


def test_probes_name_what_there_is() -> None:
    net = between(ern.TsodyksMarkram())
    with pytest.raises(InvalidModel, match=r"no variable 'v' \(there is: w, x, u\)"):
        net.probe(net.projections["p"], "v")
    result = ern.run(net, duration_ms=5, backend="reference")
    with pytest.raises(InvalidModel, match=r"add net.probe\(net.projections\['p'\], 'x'\) before the run"):
        result.signal("p", "x")


@pytest.mark.parametrize("backend", HAVE_IT)
def test_a_state_that_leaves_the_numbers_is_told(backend: str) -> None:
    """Bursts of no regular train: nothing says so before the run."""
    short = own(on_spike="x = x*1e200 if since == 7 else 1", factor="a")()
    net = ern.Network()
    times = np.cumsum([5.0, *[7.0] * 3])
    source, cells = net.population("source", 1, ern.SpikeTimes([times])), net.population("cells", 2, ern.LIF())
    net.projection("p", source, cells, weight_nA=0.1, short_term=short)
    with pytest.raises(ern.NotFinite, match="p: x of pre neuron 0, of its short-term plasticity, is inf"):
        run(net, backend, 40.0)


def test_contents_name_the_pre_neurons() -> None:
    net = ern.Network()
    source, cells = net.population("source", 4, ern.SpikeTimes([[1.0]] * 4)), net.population("cells", 3, ern.LIF())
    p = net.projection("p", source[1:], cells, weight_nA=0.5, short_term=ern.TsodyksMarkram())
    net.probe(p, "x")
    [series] = contents(ern.run(net, duration_ms=5, backend="reference")).series
    assert series.labels["neuron"].tolist() == [1, 2, 3]


def test_threads_change_nothing() -> None:
    net = ern.Network()
    source, cells = net.population("source", 300, ern.Poisson(300.0)), net.population("cells", 1500, ern.LIF())
    short = ern.TsodyksMarkram(U=ern.Uniform(0.1, 1.0))
    net.projection("p", source, cells, weight_nA=ern.Uniform(0.0, 0.1), learning=SOFT, short_term=short)
    net.probe(cells, "v_mV", every_ms=5.0)
    ours = [run(net, "native", 40.0, precision="float32", threads=n).recording for n in (1, 2)]
    np.testing.assert_array_equal(*(one.signals["cells.v_mV"][1] for one in ours))
    np.testing.assert_array_equal(*(one.synapses["p"]["w"] for one in ours))
