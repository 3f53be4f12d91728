"""Time of neurons without synapses, of each kind, with equal and with different constants."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping
from typing import Any

import numpy as np

import ernsnn as ern
from ernsnn.describe.neurons import CLASSES, Neuron
from ernsnn.graph.graph import Graph
from ernsnn.hardware_backends.native.engine import Engine

NEURONS, STEPS = 4000, 1000
LAYOUTS = ("alike", "tau_syn is 1 or 2 ms", "tau_m of each its own")


def _cells(kind: type[Neuron], layout: str) -> Neuron:
    """Neurons that fire by themselves."""
    rng = np.random.default_rng(0)
    given: dict[str, Any] = {"tau_refrac_ms": 2.0, "i_offset_nA": 1.0, "v_init_mV": rng.uniform(-65, -50, NEURONS)}
    given |= {"tau_syn_E_ms": 5.0, "tau_syn_I_ms": 10.0}
    if layout == LAYOUTS[1]:
        given |= {f"tau_syn_{receptor}_ms": rng.choice([1.0, 2.0], NEURONS) for receptor in "EI"}
    if layout == LAYOUTS[2]:
        given["tau_m_ms"] = rng.uniform(10.0, 30.0, NEURONS)
    return kind(**given)


def membranes(repeats: int) -> list[dict[str, object]]:
    """4000 neurons on native without synapses, for 100 ms: ns a neuron and step, and the ratio to currents alike."""
    graphs = {}
    for scheme in ("exact", "step_average"):
        for kind in (ern.LIF, ern.ConductanceLIF):
            for layout in LAYOUTS:
                graphs[f"{scheme}, {kind.__name__}, {layout}"] = _graph(_cells(kind, layout), scheme)
    times = _times(graphs, repeats)
    return _rows(times, {name: times[f"{name.split(', ')[0]}, LIF, alike"] for name in times})


def kinds(repeats: int) -> list[dict[str, object]]:
    """4000 neurons of every kind, with its defaults and no synapses: ns a neuron and step of .1 ms, in those of LIF."""
    times = _times({name: _graph(cls(), "exact") for name, cls in CLASSES.items()}, repeats)
    return _rows(times, dict.fromkeys(times, times["LIF"]))


def _graph(cells: Neuron, scheme: Any) -> Graph:
    net = ern.Network(dt_ms=0.1, current_integration=scheme)
    net.population("cells", NEURONS, cells)
    return ern.lower(net, 0)


def _times(graphs: Mapping[str, Graph], repeats: int) -> dict[str, list[float]]:
    """ns a neuron and step of each network, in turn, so that all see the same machine."""
    for graph in graphs.values():
        Engine(graph, "float32").run(1, lambda fraction: None)  # fills caches
    times: dict[str, list[float]] = {name: [] for name in graphs}
    for _ in range(repeats):
        for name, graph in graphs.items():
            engine = Engine(graph, "float32")
            began = time.perf_counter()
            engine.run(STEPS, lambda fraction: None)
            times[name].append((time.perf_counter() - began) / (STEPS * NEURONS) * 1e9)
    return times


def _rows(times: Mapping[str, list[float]], base: Mapping[str, list[float]]) -> list[dict[str, object]]:
    return [
        {
            "what": name,
            "ns": round(statistics.median(each), 2),
            "min_ns": round(min(each), 2),
            "ratio": round(statistics.median(each) / statistics.median(base[name]), 2),
        }
        for name, each in times.items()
    ]
