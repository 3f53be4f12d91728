"""What reading data takes grows with the data asked for, and not with their product with all cells."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from ernsnn.recording import Recording

sim = pytest.importorskip("ernsnn.pynn")
from peak import peak_bytes  # noqa: E402 - after the skip

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
