"""What reading data takes grows with the data asked for, and not with their product with all cells."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from ernsnn.errors import InvalidModel
from ernsnn.recording.recording import Recording

sim = pytest.importorskip("ernsnn.pynn")
from peak import peak_bytes  # noqa: E402 - after the skip

from ernsnn.pynn.runs import graph_of  # noqa: E402 - needs PyNN
from ernsnn.pynn.simulator import state  # noqa: E402 - needs PyNN

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

CELLS, SPIKES, STEPS = 4000, 200_000, 2000


@pytest.fixture
def cells():
    """A population whose run is given: its spikes and potentials are random."""
    sim.setup(1.0)
    cells = sim.Population(CELLS, sim.IF_curr_exp(), label="cells")
    cells.record("spikes")
    cells[5:7].record("v")
    rng = np.random.default_rng(1)
    spikes = np.sort(rng.integers(0, STEPS, SPIKES)), rng.integers(0, CELLS, SPIKES).astype(np.int32)
    values = np.broadcast_to(np.arange(STEPS, dtype=float)[:, None], (STEPS, CELLS))
    recording = Recording(STEPS, {"cells": spikes}, {"cells.v_mV": (np.arange(STEPS), values)})
    state.under_way, state.step, state.running = SimpleNamespace(recording=recording), STEPS, True
    yield cells
    sim.setup()


def test_counts_take_memory_for_spikes_plus_cells(cells):
    _, neurons = state.under_way.recording.spikes["cells"]
    counts, peak = peak_bytes(cells.get_spike_counts)
    assert [counts[int(cell)] for cell in cells] == np.bincount(neurons, minlength=CELLS).tolist()
    assert peak < 100 * (SPIKES + CELLS)


def test_counts_of_a_view_are_those_of_its_cells(cells):
    _, neurons = state.under_way.recording.spikes["cells"]
    view = cells[[7, 3, 3999]]
    counts = view.get_spike_counts()
    assert counts == {int(cells[k]): int((neurons == k).sum()) for k in (3, 7, 3999)}
    assert view.mean_spike_count() == np.mean(list(counts.values()))


def test_a_signal_of_few_cells_takes_memory_for_these(cells):
    data, peak = peak_bytes(lambda: cells.get_data("v"))
    [signal] = data.segments[0].analogsignals
    assert signal.magnitude[:, 0].tolist() == [-65.0, *range(STEPS)]
    assert peak < STEPS * CELLS


def recorded(backend, **options):
    sim.setup(1.0, backend=backend, **options)
    cells = sim.Population(50, sim.IF_curr_exp(i_offset=1.0), label="my cells")
    cells[10:20].record("v", sampling_interval=2.0)
    return cells


@pytest.mark.parametrize("backend", ["native", "reference", "brian2"])
def test_a_run_counts_what_it_records_before_it_starts(backend, monkeypatch):
    cells = recorded(backend)
    each = 36 if backend == "brian2" else 8
    sim.run(60)
    state.under_way.room.left = 20 * 10 * each
    sim.run(40)
    monkeypatch.setattr("ernsnn.backend.memory.available_bytes", lambda: 9 * each)
    with pytest.raises(InvalidModel, match=rf"probe of my cells\.v_mV: needs {10 * each} bytes .*sampling_interval"):
        sim.run(2)
    monkeypatch.undo()
    sim.run(4)
    assert cells.get_data("v").segments[0].analogsignals[0].shape == (53, 10)


def test_the_memory_is_measured_again_only_when_it_has_been_used_up(monkeypatch):
    measured = []
    recorded("native")
    sim.run(2)
    monkeypatch.setattr("ernsnn.backend.memory.available_bytes", lambda: measured.append(1) or 10 * 10 * 8)
    state.under_way.room.left = 0
    for _ in range(25):
        sim.run(2)
    assert len(measured) == 3


def test_a_run_probes_no_more_cells_than_those_between_the_first_and_the_last_recorded():
    cells = recorded("native")
    cells[30:32].record("isyn_exc")
    sim.run(10)
    widths = {key: values.shape[1] for key, (_, values) in state.under_way.recording.signals.items()}
    assert widths == {"my_cells.v_mV": 10, "my_cells.I_E_nA": 2}
    cells[12:14].record("v")
    cells[5:12].record("v")
    sim.run(10)
    widths = {key: values.shape[1] for key, (_, values) in state.under_way.recording.signals.items()}
    assert widths == {"my_cells.v_mV": 15, "my_cells.I_E_nA": 2}
    v = cells[15:16].get_data("v").segments[0].analogsignals[0].magnitude[:, 0]
    assert v[0] == -65.0
    assert (np.diff(v) > 0).all()


@pytest.mark.parametrize("which", [slice(None), slice(0, None, 2)])
def test_one_current_into_many_cells_costs_one_series(which):
    sim.setup(0.1)
    cells = sim.Population(4000, sim.IF_curr_exp(), label="cells")
    source = sim.ACSource(amplitude=0.1, frequency=10.0)
    source.inject_into(cells[which])
    state.horizon = 40_000
    graph, peak = peak_bytes(lambda: graph_of(state))
    [injected] = graph.injections
    reached = np.arange(4000)[which][-1] + 1
    assert injected.values.shape == (40_000, reached)
    assert peak < 40 * 8 * 40_000
    np.testing.assert_array_equal(injected.values[77][which], source.current().values[77])
    assert injected.values[77].sum() == pytest.approx(source.current().values[77] * len(cells[which]))


@pytest.mark.parametrize("backend", ["native", "brian2"])
def test_after_a_refused_first_run_the_network_is_open_to_record_less(backend, monkeypatch):
    cells = recorded(backend)
    monkeypatch.setattr("ernsnn.backend.memory.available_bytes", lambda: 100)
    monkeypatch.setattr("ernsnn.backend.memory.too_little_memory", lambda *given: ())
    with monkeypatch.context() as patch:
        patch.setattr("ernsnn.backend.protocol.Backend.require", lambda self, graph, **options: ())
        with pytest.raises(InvalidModel, match="record fewer cells"):
            sim.run(100)
    assert sim.get_current_time() == 0
    with pytest.raises(InvalidModel, match=r"nothing has been recorded yet; run\(\) comes first"):
        cells.get_data("v")
    monkeypatch.undo()
    cells.record(None)
    cells[3:4].record("v", sampling_interval=50.0)
    sim.run(100)
    assert cells.get_data("v").segments[0].analogsignals[0].shape == (3, 1)
