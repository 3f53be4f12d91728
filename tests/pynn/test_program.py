"""The PyNN script: the published raster, alone without ernsnn, silent, with threads, and what learning it must show."""

from __future__ import annotations

import os
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from alike import assert_alike
from forked import recording_of
from rasters import raster

import ernsnn as ern
from ernsnn.hardware_backends.nest.backend import NestBackend
from ernsnn.hardware_backends.reference.engine import Engine
from ernsnn.recording.recording import Recording
from ernsnn.result import Result

pytestmark = [pytest.mark.nest, pytest.mark.usefixtures("simulators")]


def test_the_published_raster_of_the_ca3_memory():
    expected = raster("published")
    graph = ern.lower(expected.network())
    assert not ern.check(graph, "nest").errors
    expected.assert_shown(Result(graph, recording_of(NestBackend().compile(graph, expected.duration_ms))).trains)


def test_our_own_raster_of_the_ca3_memory():
    expected = raster("own")
    result = ern.run(expected.network(), duration_ms=expected.duration_ms, backend="nest")
    expected.assert_shown(result.trains)
    assert result.meta["versions"]["nest"].startswith("3.")


def lively():
    net = ern.Network(dt_ms=0.5)
    source = net.population("in-1.a", 20, ern.Poisson(rate_hz=60.0, at_most_one=True))
    cells = net.population("cells", 5, ern.LIF(tau_m_ms=ern.Uniform(8, 20), cm_nF=0.2, tau_refrac_ms=1.0))
    rule = ern.pair_stdp(A_plus=0.02, A_minus=0.015, w_max=1.0)
    net.projection("plastic", source, cells, weight_nA=ern.Uniform(0.3, 0.9), delay_ms=1.5, learning=rule)
    net.projection("between", cells, cells, ern.AllToAll(self_connections=False), weight_nA=0.2, receptor="inhibitory")
    net.projection("none", source, cells, ern.FixedProbability(0.0), weight_nA=0.2, learning=rule)
    net.probe(cells[1:], "v_mV", every_ms=5)
    return ern.lower(net, seed=3)


class TwoProcesses:
    """Plays MPI: what this process has found is two processes' work, which arrives as every other one of it."""

    @staticmethod
    def gather(found, root):
        assert root == 0
        return [{name: values[k::2] for name, values in found.items()} for k in (1, 0)]


def test_what_several_processes_have_recorded_is_put_together(monkeypatch):
    import pyNN.nest

    monkeypatch.setattr(pyNN.nest, "num_processes", lambda: 2)
    monkeypatch.setitem(sys.modules, "mpi4py", SimpleNamespace(MPI=SimpleNamespace(COMM_WORLD=TwoProcesses)))
    graph = lively()
    assert_alike(recording_of(NestBackend().compile(graph, 200)), Engine(graph).run(200, lambda fraction: None))


def test_as_many_calls_connect_many_neurons_as_few(monkeypatch, tmp_path):
    """A call for each neuron, as PyNN's FromListConnector makes it, takes 10 us a connection."""
    import nest

    def recurrent(size):
        net = ern.Network()
        cells = net.population("cells", size, ern.LIF(i_offset_nA=0.9))
        rule = ern.stdp.pair(A_plus=0.01, A_minus=0.01)
        net.projection("static", cells, cells, ern.FixedTotalNumber(5 * size), weight_nA=ern.Uniform(0, 0.1))
        net.projection("learns", cells, cells, ern.FixedInDegree(3), weight_nA=0.5, learning=rule)
        return ern.lower(net)

    connect, calls = nest.Connect, tmp_path / "calls"

    def counted(*args, **keywords):
        with calls.open("a") as file:
            file.write("c")
        return connect(*args, **keywords)

    monkeypatch.setitem(vars(nest), "Connect", counted)  # its attributes cannot be set
    made = []
    for size in (8, 80):
        calls.write_text("")
        recording_of(NestBackend().compile(recurrent(size), 20))
        made.append(len(calls.read_text()))
    assert made[0] == made[1] < 20


@pytest.mark.parametrize("processes", [1, 2])
def test_conductances_of_both_receptors_are_listed_with_their_signs(monkeypatch, processes):
    import pyNN.nest

    monkeypatch.setattr(pyNN.nest, "num_processes", lambda: processes)
    monkeypatch.setitem(sys.modules, "mpi4py", SimpleNamespace(MPI=SimpleNamespace(COMM_WORLD=TwoProcesses)))
    net = ern.Network(dt_ms=0.1)
    source = net.population("in", 3, ern.SpikeTimes([[1.0, 2.0], [9.0], [12.0]]))
    cells = net.population("cells", 2, ern.ConductanceLIF())
    net.projection("excites", source[1:], cells, ern.FixedTotalNumber(9), weight_uS=ern.Uniform(0.01, 0.02))
    net.projection("inhibits", source[:1], cells, weight_uS=[[0.1, 0.2]], receptor="inhibitory")
    net.probe(cells, "v_mV")
    graph = ern.lower(net)
    found, expected = (
        recording.signals["cells.v_mV"][1]
        for recording in (
            recording_of(NestBackend().compile(graph, 200)),
            Engine(graph).run(200, lambda fraction: None),
        )
    )
    assert np.min(expected) < -66
    assert np.max(expected) > -64
    np.testing.assert_allclose(found, expected, atol=0.01)


def test_other_processes_than_the_first_write_nothing(monkeypatch):
    import pyNN.nest

    monkeypatch.setattr(pyNN.nest, "rank", lambda: 1)
    with pytest.raises(FileNotFoundError, match=r"recording\.npz"):
        recording_of(NestBackend().compile(lively(), 20))


def test_the_script_runs_without_ernsnn_with_threads_and_says_nothing(tmp_path):
    graph = lively()
    ern.compile(graph, "nest", duration_ms=100, out=tmp_path / "program", threads=2)
    alone = "import sys, runpy; sys.modules['ernsnn'] = None; sys.argv = ['program.py']; runpy.run_path('program.py')"
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PY")}
    ran = subprocess.run(
        [sys.executable, "-c", alone], cwd=tmp_path / "program", check=True, env=environment, capture_output=True
    )
    assert {line.split()[0] for line in ran.stdout.decode().splitlines()} == {"@progress"}
    with np.load(tmp_path / "program" / "recording.npz") as file:
        arrays = {name: file[name] for name in file.files if not name.startswith("about/")}
    expected = Engine(graph).run(200, lambda fraction: None)
    assert sum(len(steps) for steps, _ in expected.spikes.values()) > 50
    assert_alike(Recording.from_arrays(arrays, {}), expected)


@pytest.mark.parametrize("delay_ms", [1.0, 3.0])
def test_what_happens_together_depresses(delay_ms):
    """NEST's own synapse leaves a weight alone when a post spike reaches it with a pre spike; here it must fall."""
    net = ern.Network()
    driven = ern.LIF(cm_nF=0.1, tau_m_ms=5, tau_syn_E_ms=0.5, tau_syn_I_ms=0.5)
    source = net.population("pre", 1, ern.SpikeTimes([[10.0, 30.0]]))
    teacher = net.population("teacher", 1, ern.SpikeTimes([[8.0 - delay_ms, 42.0]]))
    cell = net.population("post", 1, driven)
    net.projection("teach", teacher, cell, weight_nA=20.0)
    rule = ern.stdp.pair(tau_plus_ms=5, tau_minus_ms=5, A_plus=0.1, A_minus=0.2)
    net.projection("p", source, cell, weight_nA=0.5, delay_ms=delay_ms, learning=rule)
    graph = ern.lower(net)
    result = Result(graph, recording_of(NestBackend().compile(graph, 60)))
    assert_alike(result.recording, Engine(graph).run(60, lambda fraction: None))
    [first, last] = result.trains("post")[0]
    assert first + delay_ms == 10  # reaches the synapse with the first pre spike
    # Depressed by that spike at once and 20 ms later; potentiated by the last one, which no pre spike follows.
    falls = 0.2 * (1 + np.exp(-20 / 5))
    x = np.exp(-(last + delay_ms - 30) / 5) * (1 + np.exp(-20 / 5))
    np.testing.assert_allclose(result.recording.synapses["p"]["w"], 0.5 - falls + 0.1 * x, rtol=1e-12)


def test_no_input_is_too_strong():
    """V is held down within steps, however far it goes: over 40 V here, and from above the threshold at first."""
    net = ern.Network(current_integration="step_average")
    cells = net.population("cells", 3, ern.LIF(cm_nF=0.01, tau_refrac_ms=0, v_init_mV=0.0))
    source = net.population("in", 2, ern.Poisson(rate_hz=400, at_most_one=True))
    net.projection("strong", source, cells, weight_nA=500)
    net.projection("back", cells, cells, weight_nA=-100, receptor="signed", delay_ms=2)
    net.inject(cells[1:], ern.CurrentSteps(times_ms=[0, 10], amplitudes_nA=[3.0, -1.0]))
    graph = ern.lower(net)
    expected = Engine(graph).run(60, lambda fraction: None)
    assert len(expected.spikes["cells"][0]) > 50
    assert_alike(recording_of(NestBackend().compile(graph, 60)), expected)
