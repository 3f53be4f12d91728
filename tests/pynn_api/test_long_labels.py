"""Labels of any length: parts are named after their beginnings, and called by the whole label."""

from __future__ import annotations

from pathlib import Path

import pytest

import ernsnn as ern

sim = pytest.importorskip("ernsnn.pynn")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.mark.parametrize("letter", ["L", "é", "字", "😀", " "])
def test_labels_of_400_characters(letter: str) -> None:
    sim.setup(timestep=1.0, backend="reference")
    labels = [letter * 400, letter * 399 + "x", letter * 400]
    source = sim.Population(2, sim.SpikeSourceArray(spike_times=[1.0, 3.0]), label=labels[0])
    cells = [sim.Population(2, sim.IF_curr_exp(), label=label) for label in labels[1:]]
    for cell in cells:
        sim.Projection(source, cell, sim.AllToAllConnector(), sim.StaticSynapse(weight=15.0), label=labels[0])
        cell.record("spikes")
    sim.run(20)
    assert [p.label for p in (source, *cells)] == labels
    assert all(len(cell.get_data().segments[0].spiketrains.multiplexed[0]) > 1 for cell in cells)
    sim.end()


@pytest.mark.parametrize("backend", ["reference", "native"])
def test_a_run_of_the_longest_names_is_written_and_exported(backend: str, tmp_path: Path) -> None:
    """Spool and columns of a table are files that are named after parts."""
    net, stem = ern.Network(dt_ms=1.0), "é" * 99
    source = net.population(f"s{stem}", 1, ern.SpikeTimes([[1.0]]))
    cells = net.population(f"n{stem}", 1, ern.LIF(tau_m_ms=10, cm_nF=0.2))
    net.projection(f"p{stem}", source, cells, weight_nA=9.0, learning=ern.stdp.pair(A_plus=0.1, A_minus=0.1, w_max=9.0))
    net.probe(cells, "v_mV", every_ms=2)
    result = ern.run(net, duration_ms=10, backend=backend, out=tmp_path / "run")
    assert result.export(tmp_path / "spikes.csv")
