"""Izhikevich's neuron: his published cell types, equal spikes on every backend that reads equations."""

from __future__ import annotations

import numpy as np
import pytest
from on_backends import assert_equal_spikes, refused_in_words

import ernsnn as ern

TYPES = {
    "regular spiking": {"a": 0.02, "b": 0.2, "c_mV": -65.0, "d": 8.0},
    "intrinsically bursting": {"a": 0.02, "b": 0.2, "c_mV": -55.0, "d": 4.0},
    "chattering": {"a": 0.02, "b": 0.2, "c_mV": -50.0, "d": 2.0},
    "fast spiking": {"a": 0.1, "b": 0.2, "c_mV": -65.0, "d": 2.0},
}
"""Figure 2 of Izhikevich (2003); all under a current of 10."""


def intervals(cell: dict[str, float]) -> np.ndarray:
    net = ern.Network(dt_ms=0.1)
    net.population("cell", 1, ern.Izhikevich(**cell, i_offset_nA=10.0))
    return np.diff(ern.run(net, duration_ms=500, backend="reference").trains("cell")[0])


def test_the_cell_types_do_what_they_are_named_for() -> None:
    found = {name: intervals(cell) for name, cell in TYPES.items()}
    assert found["regular spiking"][0] < found["regular spiking"][-1]  # adapts
    assert found["regular spiking"][-1] > 30
    assert found["fast spiking"].max() < 15
    bursts = found["chattering"]
    assert bursts.min() < 5
    assert bursts.max() > 20  # between bursts
    assert found["intrinsically bursting"][0] < 8 < 20 < found["intrinsically bursting"][-1]


@pytest.mark.parametrize("name", TYPES)
def test_equal_spikes_on_every_backend_that_reads_equations(name: str) -> None:
    net = ern.Network(name="izhikevich", dt_ms=0.1)
    drive = net.population("drive", 20, ern.Poisson(30.0))
    cells = net.population("cells", 5, ern.Izhikevich(**TYPES[name], i_offset_nA=np.linspace(4, 12, 5)))
    net.projection("excites", drive, cells, weight_mV=ern.Uniform(0.2, 1.5))
    net.projection("inhibits", cells, cells, weight_mV=1.0, receptor="inhibitory", delay_ms=2.0)
    net.probe(cells, "v_mV")
    net.probe(cells, "u")
    # Where V runs away to a spike, what sums in another order differ by grows with it.
    assert assert_equal_spikes(net, duration_ms=200, within=1e-6)["cells"] > 20


def test_other_backends_refuse_it_in_words() -> None:
    net = ern.Network()
    net.population("cells", 1, ern.Izhikevich())
    refused_in_words(net, "cells", "Izhikevich")


def test_u_starts_where_b_v_is() -> None:
    net = ern.Network(dt_ms=0.1)
    net.probe(net.population("cells", 1, ern.Izhikevich(v_init_mV=-60.0, b=0.25)), "u")
    first = ern.run(net, duration_ms=0.1, backend="reference").recording.signals["cells.u"][1][0, 0]
    assert first == pytest.approx(-15.0, abs=0.05)
