"""What a run records is counted before it starts, and refused where it does not fit."""

from __future__ import annotations

import numpy as np
import pytest
from peak import peak_bytes

import ernsnn as ern
from ernsnn.backend import memory
from ernsnn.backend.issues import Issues
from ernsnn.backend.protocol import Backend
from ernsnn.backend.recorder import joined
from ernsnn.backend.registry import get_backend
from ernsnn.graph.lower import lower


def probed(every_ms=1.0, size=100):
    net = ern.Network(dt_ms=1.0)
    cells = net.population("cells", size, ern.LIF(i_offset_nA=1.0))
    net.probe(cells, "v_mV", every_ms=every_ms)
    return net


@pytest.fixture
def little(monkeypatch):
    """A machine with so many bytes of memory left for what is recorded; the network itself fits."""
    monkeypatch.setattr(Backend, "require", lambda self, graph, **options: Issues(self.name))
    monkeypatch.setattr("ernsnn.hardware_backends.native.available_bytes", lambda: 1 << 40)

    def leave(free):
        monkeypatch.setattr(memory, "available_bytes", lambda: free)

    return leave


def asked_of_a_backend(monkeypatch, name):
    """Fail if the backend is asked to run."""

    def never(*_, **__):
        raise AssertionError("it ran")

    monkeypatch.setattr(type(get_backend(name)), "run", never)
    monkeypatch.setattr(type(get_backend(name)), "engine", never, raising=False)


@pytest.mark.parametrize("backend", ["native", "reference", "brian2", "nest", "loihi-emulator", "lava"])
def test_what_does_not_fit_is_refused_with_its_bytes_on_every_backend(backend, monkeypatch):
    """10^9 steps of 100,000 cells."""
    if (missing := get_backend(backend).missing()) is not None:
        pytest.skip(missing)
    monkeypatch.setattr(Backend, "require", lambda self, graph, **options: Issues(self.name))
    asked_of_a_backend(monkeypatch, backend)
    with pytest.raises(ern.InvalidModel, match=r"^probe of cells\.v_mV: needs \d+ bytes .* of memory.*every_ms"):
        ern.run(probed(size=100_000), duration_ms=1e9, backend=backend)


def test_the_bytes_are_those_of_all_samples(little):
    """Every 3 of 100 steps: 33 samples of 100 numbers."""
    little(33 * 100 * 8)
    assert len(ern.run(probed(3.0), duration_ms=100, backend="reference").signal("cells", "v_mV")[0]) == 33
    little(33 * 100 * 8 - 1)
    with pytest.raises(ern.InvalidModel, match=r"cells\.v_mV: needs 26400 bytes"):
        ern.run(probed(3.0), duration_ms=100, backend="reference")


def test_a_run_that_goes_on_counts_its_own_part(little):
    first = ern.run(probed(3.0), duration_ms=100, backend="reference")
    little(8 * 100)
    ern.run(probed(3.0), duration_ms=2, backend="reference", start=first)  # steps 100 and 101
    with pytest.raises(ern.InvalidModel, match=r"needs 1600 bytes"):
        ern.run(probed(3.0), duration_ms=5, backend="reference", start=first)


def learning():
    net = ern.Network(dt_ms=1.0)
    inputs = net.population("inputs", 30, ern.Poisson(50.0))
    cells = net.population("cells", 20, ern.LIF())
    forward = net.projection("forward", inputs, cells, weight_nA=0.1, learning=ern.stdp.pair(A_plus=0.1, A_minus=0.1))
    return net, forward, cells


@pytest.mark.parametrize(("options", "each"), [({}, 4), ({"precision": "float64"}, 8)])
def test_samples_and_probes_of_synapses_count_as_they_are_stored(options, each, little):
    net, forward, _ = learning()
    net.probe(forward, "w", every_ms=10.0)
    probe, samples, spikes = 10 * 600 * each, 2 * 600 * each, 30 * 5 * 12
    little(probe + samples + spikes)
    ern.run(net, duration_ms=100, backend="native", weights_at_ms=[5, 50], **options)
    little(probe + samples + spikes - 1)
    with pytest.raises(
        ern.InvalidModel,
        match=rf"probe of forward\.w: what is recorded, {probe} bytes of it here, needs {probe + samples + spikes} b",
    ):
        ern.run(net, duration_ms=100, backend="native", weights_at_ms=[5, 50], **options)


def test_with_out_the_disk_counts(little, tmp_path, monkeypatch):
    little(0)
    result = ern.run(probed(), duration_ms=100, backend="native", out=tmp_path / "fits")
    assert result.signal("cells", "v_mV")[1].shape == (100, 100)
    monkeypatch.setattr(memory.shutil, "disk_usage", lambda path: type("usage", (), {"free": 79_999}))
    with pytest.raises(ern.InvalidModel, match=r"^probe of cells\.v_mV: needs 80000 bytes .* of disk at .*larger disk"):
        ern.run(probed(), duration_ms=100, backend="native", out=tmp_path / "a" / "b")
    assert not (tmp_path / "a").exists()


def test_a_recording_that_memory_cannot_hold_is_not_called_damaged(tmp_path, monkeypatch):
    ern.run(probed(), duration_ms=100, backend="native", out=tmp_path / "run")
    monkeypatch.setattr("ernsnn.graph.memory.available_bytes", lambda: 80_000)
    with pytest.raises(ern.InvalidModel, match=r"recording\.npz: needs \d+ bytes .* of memory; .*numpy\.load"):
        ern.Result.load(tmp_path / "run").signal("cells", "v_mV")


def test_spikes_of_sources_are_expected(little):
    """Rates of 200 Hz up to 500 ms, and none from there on: 100 of each neuron; given ones are counted."""
    net = ern.Network(dt_ms=1.0)
    net.population("noise", 40, ern.Poisson(ern.Schedule([0.0, 500.0], [200.0, 0.0])))
    net.population("given", 2, ern.SpikeTimes([[1.0, 5.0], [700.0]]))
    graph = lower(net)
    found = memory.recorded_bytes(graph, 0, 1000, lambda kind: 1)
    assert found == {"spikes of noise": 4000, "spikes of given": 3}
    assert memory.recorded_bytes(graph, 400, 700, lambda kind: 1) == {"spikes of noise": 800, "spikes of given": 0}
    assert memory.recorded_bytes(graph, 600, 900, lambda kind: 1) == {"spikes of noise": 0, "spikes of given": 1}
    little(4000 * 64)
    with pytest.raises(ern.InvalidModel, match=r"^spikes of noise: .* 256000 bytes of it here, needs 256192 bytes"):
        ern.run(graph, duration_ms=1000, backend="brian2")


def test_chunks_are_joined_in_the_memory_of_one():
    values = np.arange(1_000_000.0).reshape(100, -1)
    chunks = [{"values": part.copy(), "ends": np.zeros(1)} for part in np.split(values, 10)]
    del chunks[-1]["ends"]
    whole, peak = peak_bytes(lambda: joined(chunks))
    assert whole.keys() == {"values"}
    assert np.array_equal(whole["values"], values)
    assert peak < 1.1 * values.nbytes  # and as much is freed meanwhile
    assert all("values" not in chunk for chunk in chunks)
