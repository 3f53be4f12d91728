"""Random numbers that neurons draw within a kernel are those of the streams, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest

import ernsnn as ern
from ernsnn.graph.streams import Streams
from ernsnn.hardware_backends.native.codegen.neurons import LANES
from ernsnn.hardware_backends.native.engine import Engine

SIZES = [(1, 1, 1), (3, 8, 17), (LANES - 1, 1, 2), (1000, 500, 24)]


@pytest.mark.parametrize("sizes", SIZES)
def test_equal_to_the_streams(sizes: tuple[int, ...]) -> None:
    net = ern.Network(dt_ms=1.0)
    for k, size in enumerate(sizes):
        cells = net.population(f"cells{k}", size, ern.LIF(noise_mV=1.0, v_threshold_mV=1e6))
        net.probe(cells, "v_mV")
    graph = ern.lower(net, 3)
    recording, expected = Engine(graph, "float64").run(150, lambda fraction: None), {}
    for p in graph.neurons():
        streams, constants = Streams(p.draws["normal"], p.size), p.constants(graph.dt_ms, graph.current_integration)
        v, seen = np.full(p.size, p.parameters["v_init_mV"]), []
        for _ in range(150):
            v = p.parameters["v_rest_mV"] + constants["P_m"] * (v - p.parameters["v_rest_mV"])
            v = v + constants["noise"] * streams.normal()
            seen.append(v)
        expected[p.name] = np.array(seen)
    for name, values in expected.items():
        assert np.abs(values + 65.0).max() > 0.1
        assert recording.signals[f"{name}.v_mV"][1].tobytes() == values.tobytes()


def test_a_number_that_only_a_reset_reads() -> None:
    """What is drawn in a step is that number in the reset as well as before it."""
    kind = ern.Neuron.from_equations(
        "Jumping",
        "dV/dt = (i_offset_nA - V)/tau_m_ms",
        parameters={"tau_m_ms": 10.0, "i_offset_nA": 2.0, "v_threshold_mV": 1.0},
        receptors={"E": "V += w"},
        units={"E": "mV"},
        threshold="V >= v_threshold_mV",
        reset="V = 0.1*uniform",
    )
    net = ern.Network(dt_ms=1.0)
    cells = net.population("cells", 300, kind())
    net.probe(cells, "v_mV")
    graph = ern.lower(net, 5)
    first, other = (
        ern.run(graph, duration_ms=100, backend=backend, **options).recording
        for backend, options in (("reference", {}), ("native", {"precision": "float64"}))
    )
    assert len(first.spikes["cells"][0]) > 1000
    for one, two in zip(first.signals["cells.v_mV"], other.signals["cells.v_mV"], strict=True):
        assert np.asarray(one).tobytes() == np.asarray(two).tobytes()
