"""Results that hold next to nothing: probes without samples, no spikes, no synapses, one step. All readers take it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest

import ernsnn as ern
from ernsnn.cli import main
from ernsnn.report import page, write_report
from ernsnn.result import Result
from ernsnn.studies.models import get_model

mpl.use("Agg")
from matplotlib import pyplot as plt

MODEL = '''
"""Cells that nothing drives, with probes that wait longer than the run."""
import numpy as np
import ernsnn as ern


def build() -> ern.Network:
    net = ern.Network(name="nothing")
    source = net.population("source", 3, ern.SpikeTimes([[], [], []]))
    cells = net.population("cells", 6, ern.LIF())
    glia = net.astrocyte("glia", [cells], tau_ms=50, threshold=2)
    calcium = net.calcium_astrocyte("calcium", [cells], per="neuron")
    pair = ern.stdp.pair(A_plus=0.01, A_minus=0.002, w_max=0.4, marks=[ern.marks.Labile("a", tau_s=1, rise=0.1)])
    learns = net.projection("learns", source, cells, weight_nA=0.1, learning=pair)
    none = net.projection("none", source, cells, ern.FixedProbability(0.0), weight_nA=0.1, learning=pair)
    net.projection("listed", source, cells, ern.FromList(np.zeros((0, 2), int)), weight_nA=0.1)
    for target, variable in ((cells, "v_mV"), (glia, "C"), (calcium, "Y"), (learns, "w"), (learns, "a"), (none, "w")):
        net.probe(target, variable, every_ms=100)
    net.probe(cells, "I_E_nA", every_ms=1)
    net.probe(none, "a", every_ms=1)
    return net
'''
PROBES = ("cells.v_mV", "glia.C", "calcium.Y", "learns.w", "learns.a", "none.w")


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("model") / "nothing.py"
    path.write_text(MODEL)
    return path


@pytest.fixture(scope="module", params=[("reference", 1), ("native", 1), ("native", 7)], ids=str)
def result(request, model) -> Result:
    backend, steps = request.param
    network = get_model(str(model)).open().network
    return ern.run(network, duration_ms=steps, backend=backend)


def test_a_probe_without_samples_is_an_empty_table(result) -> None:
    for name in PROBES:
        steps, values = result.recording.signals[name]
        assert values.shape == (0, {"cells": 6, "glia": 1, "calcium": 6, "learns": 18, "none": 0}[name.split(".")[0]])
        assert steps.shape == (0,)


def test_the_page_says_that_nothing_was_recorded(result) -> None:
    text = page(result)
    assert text.count("Nothing was recorded.") == len(PROBES) + 1  # and the probe of no synapses
    assert ("h0" in re.search(r'<section id="probes">.*?</section>', text, re.DOTALL)[0]) == (result.duration_ms == 1)


@pytest.mark.parametrize("ending", ["csv", "npz", "nix", "nwb"])
def test_every_format_holds_the_empty_tables(result, ending, tmp_path) -> None:
    if ending in ("nix", "nwb"):
        pytest.importorskip({"nix": "nixio", "nwb": "pynwb"}[ending])
    path = tmp_path / f"out.{ending}"
    result.export(path)
    if ending == "csv":
        rows = (tmp_path / "out.signals.cells.v_mV.csv").read_text().splitlines()
        assert rows == ["time_ms,0,1,2,3,4,5"]
        assert path.read_text().splitlines() == ["population,neuron,time_ms"]
    elif ending == "npz":
        with np.load(path) as file:
            assert file["signals/learns.a/values"].shape == (0, 18)
            assert file["spikes/cells/time_ms"].shape == (0,)
    elif ending == "nix":
        from neo.io import NixIO

        with NixIO(str(path), "ro") as file:
            segment = file.read_block().segments[0]
        assert len(segment.spiketrains) == 9
        empty = [signal for signal in segment.irregularlysampledsignals if not len(signal)]
        assert sorted(signal.name for signal in empty) == sorted(set(PROBES) - {"none.w"})  # it keeps columns
    else:
        from pynwb import NWBHDF5IO

        with NWBHDF5IO(str(path), "r") as file:
            read = file.read()
            assert {name: read.acquisition[name].data.shape[0] for name in PROBES} == dict.fromkeys(PROBES, 0)


def test_objects_of_other_libraries(result) -> None:
    pytest.importorskip("xarray")
    data = result.to_xarray()
    assert data["signals_cells.v_mV"].shape == (0, 6)
    assert data["spikes_cells"].shape == (0,)


def test_pictures_figures_and_prices(result, tmp_path) -> None:
    result.plot().savefig(tmp_path / "overview.png")
    for target, variable in (name.split(".") for name in PROBES):
        assert all(len(line.get_xdata()) == 0 for line in result.plot.signal(target, variable).lines)
    result.plot.weights("learns")
    result.plot.weights("none")
    result.plot.distribution("none")
    assert "0 Hz" in result._repr_html_()
    found = result.metrics()
    assert [a.rate_hz for a in found.activity] == [0.0, 0.0]
    assert [a.cv_isi for a in found.activity] == [None, None]
    json.dumps(found.to_json(), allow_nan=False)
    assert str(result.energy())
    assert ern.compare(result, result).equal
    assert Result.load(result.save(tmp_path / "saved")).recording.signals["cells.v_mV"][1].shape == (0, 6)


def test_from_the_command_line(model, tmp_path, capsys) -> None:
    folder = tmp_path / "run"
    assert main(["run", str(model), "--backend", "native", "--duration-ms", "5", "--out", str(folder)]) == 0
    assert "Nothing was recorded." in (folder / "report.html").read_text()
    for command in ("report", "metrics", "energy"):
        assert main([command, str(folder)]) == 0
    assert main(["export", str(folder), "--to", str(tmp_path / "spikes.csv")]) == 0
    assert capsys.readouterr().err == ""


def test_values_of_which_none_is_finite(tmp_path) -> None:
    """A band over many neurons, in some steps of which there is no number."""
    net = ern.Network(name="lost")
    net.probe(net.population("cells", 8, ern.LIF()), "v_mV")
    result = ern.run(net, duration_ms=4, backend="reference")
    steps, values = result.recording.signals["cells.v_mV"]
    values[1] = np.nan
    assert "band that holds 80 %" in page(result)
    values[:] = np.nan
    result.recording.signals["cells.v_mV"] = (steps, values)
    text = write_report(result, tmp_path / "page.html").read_text()
    assert "None of its values is finite." in text
