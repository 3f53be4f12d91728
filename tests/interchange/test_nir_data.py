"""Recordings go to NIRData, and spikes in NIRData come back as stimuli."""

import h5py
import nir
import numpy as np
import pytest
from nir_graphs import chain, lif

import ernsnn as ern
from ernsnn.cli import main


def recorded(dt_ms: float = 0.1, duration_ms: float = 30.0):
    net = ern.Network(dt_ms=dt_ms)
    source = net.population("source", 4, ern.Poisson(80.0 / dt_ms, at_most_one=True))
    cells = net.population("cells", 5, ern.LIF(tau_m_ms=5.0, v_rest_mV=0, v_reset_mV=0, v_threshold_mV=1.0))
    net.projection("p", source, cells, weight_nA=2.0)
    net.probe(cells[1:3], "v_mV", every_ms=10 * dt_ms)
    net.probe(cells, "I_E_nA")
    return ern.run(net, duration_ms=duration_ms, seed=3, backend="reference")


@pytest.mark.parametrize("dt_ms", [0.1, 0.3, 1.0, 0.7])
def test_recordings_go_out_and_come_back(dt_ms: float, tmp_path) -> None:
    result = recorded(dt_ms, 100 * dt_ms)
    data = ern.to_nir_data(result)
    nir.write_data(tmp_path / "data.nir", data)
    for read in (data, nir.read_data(tmp_path / "data.nir"), tmp_path / "data.nir"):
        back = ern.from_nir_data(read, dt_ms=dt_ms)
        for name, (steps, neurons) in result.recording.spikes.items():
            (sample,) = back[name]
            found = [(round(t / dt_ms), k) for k, row in enumerate(sample.times_ms) for t in row]
            assert sorted(found) == sorted(zip(steps.tolist(), neurons.tolist(), strict=True))
    assert sum(len(steps) for steps, _ in result.recording.spikes.values()) > 20
    grid = data.nodes["cells"].observables["spikes"].to_time_gridded(dt_ms / 1000).data[0]
    steps, neurons = result.recording.spikes["cells"]
    assert grid.shape == (100, 5)
    assert np.array_equal(np.argwhere(grid), np.stack([steps, neurons], axis=1))


def test_probes_are_observables() -> None:
    result = recorded()
    cells = ern.to_nir_data(result).nodes["cells"].observables
    assert cells.keys() == {"spikes", "v_mV[1:3]", "I_E_nA"}
    assert cells["v_mV[1:3]"].data.shape == (1, 30, 2)
    assert cells["v_mV[1:3]"].dt == pytest.approx(1e-3)
    assert cells["I_E_nA"].data.shape == (1, 300, 5)


def test_samples_are_trials() -> None:
    """And times in between are of the step in which they lie."""
    idx, time = np.array([[0, 1, -1], [1, 1, 0]]), np.array([[0.0, 0.0024, np.inf], [0.001, 0.003, 0.0039]])
    data = nir.NIRGraphData({"in": nir.NIRNodeData({"spikes": nir.EventData(idx, time, 2, 0.004)})})
    trials = ern.Trials(show_ms=4, **ern.from_nir_data(data, dt_ms=1.0))
    net = ern.from_nir(chain(2, nir.Linear(np.eye(2)), lif(2)), dt_ms=1.0)
    result = ern.run(net, trials=trials, backend="reference")
    assert result.recording.spikes["in"][0].tolist() == [0, 2, 5, 7, 7]
    assert result.recording.spikes["in"][1].tolist() == [0, 1, 1, 0, 1]


def test_grids_are_read() -> None:
    grid = np.random.default_rng(0).random((2, 6, 3)) < 0.4
    data = nir.NIRGraphData({"in": nir.NIRNodeData({"seen": nir.TimeGriddedData(grid, 0.0005)})})
    for sample, spikes in zip(grid, ern.from_nir_data(data, dt_ms=0.5)["in"], strict=True):
        assert [np.rint(row / 0.5).astype(int).tolist() for row in spikes.times_ms] == [
            np.flatnonzero(column).tolist() for column in sample.T
        ]


def events(**fields):
    given = {"idx": np.array([[0, 1]]), "time": np.array([[0.0, 0.001]]), "n_neurons": 2, "t_max": 0.01, **fields}
    return nir.NIRGraphData({"in": nir.NIRNodeData({"spikes": nir.EventData(**given)})})


WRONG = {
    "idx beyond": events(idx=np.array([[0, 2]])),
    "idx below": events(idx=np.array([[0, -2]])),
    "a time of no number": events(time=np.array([[0.0, np.nan]])),
    "a time before 0": events(time=np.array([[0.0, -1.0]])),
    "a time in words": events(time=np.array([["0", "1"]])),
    "no neurons": events(n_neurons=0),
    "endless neurons": events(n_neurons=2**40),
    "half a neuron": events(n_neurons=1.5),
    "NaN neurons": events(n_neurons=np.nan),
    "two in a step": events(idx=np.array([[0, 0]]), time=np.array([[0.0, 0.0001]])),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_events_that_cannot_be_are_refused_by_node(wrong: str, tmp_path) -> None:
    with pytest.raises(ern.InvalidModel, match=r"^in: "):
        ern.from_nir_data(WRONG[wrong], dt_ms=1.0)
    if wrong != "a time in words":
        nir.write_data(tmp_path / "data.nir", WRONG[wrong])
        with pytest.raises(ern.InvalidModel, match=r"^in: "):
            ern.from_nir_data(tmp_path / "data.nir", dt_ms=1.0)


def test_files_that_cannot_be(tmp_path) -> None:
    for given, said in [(tmp_path / "none", "no such file"), (5, "needs a file or a nir.NIRGraphData")]:
        with pytest.raises(ern.InvalidModel, match=said):
            ern.from_nir_data(given, dt_ms=1.0)
    with h5py.File(tmp_path / "data.nir", "w") as file:
        file["x"] = 1
    with pytest.raises(ern.InvalidModel, match="is no file of NIRData"):
        ern.from_nir_data(tmp_path / "data.nir", dt_ms=1.0)
    nir.write_data(tmp_path / "data.nir", events())
    with h5py.File(tmp_path / "data.nir", "a") as file:
        file["nodes/in/observables/spikes"].attrs["n_neurons"] = np.zeros((1000,))
    with pytest.raises(ern.InvalidModel, match=r"n_neurons.*must be a number or a text"):
        ern.from_nir_data(tmp_path / "data.nir", dt_ms=1.0)


def test_the_command_line_takes_a_file_of_spikes(tmp_path, capsys) -> None:
    nir.write(tmp_path / "model.nir", nir.NIRGraph.from_list(nir.Linear(2 * np.eye(2)), lif(2)))
    data = events()
    data.nodes = {"input": data.nodes["in"]}
    nir.write_data(tmp_path / "spikes.nir", data)
    words = ["run", str(tmp_path / "model.nir"), "--backend", "reference"]
    assert main([*words, "--set", "dt_ms=1", "--input", str(tmp_path / "spikes.nir")]) == 0
    assert "10 ms in" in capsys.readouterr().out
    assert main([*words, "--set", "dt_ms=1", "--set", "rate_hz=200", "--duration-ms", "50"]) == 0
    for more, said in [
        (["--input", str(tmp_path / "spikes.nir")], "--input needs the step"),
        (["--demo"], "has no demonstration"),
        (["--set", "dt_ms=1", "--set", "rate_hz=1", "--input", str(tmp_path / "spikes.nir")], "not both"),
    ]:
        assert main([*words, *more]) == 2
        assert said in capsys.readouterr().err
