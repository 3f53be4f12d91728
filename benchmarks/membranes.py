"""Time of neurons without synapses, of each kind, with equal and with different constants."""

from __future__ import annotations

import statistics
import time
from typing import Any

import numpy as np

import ernsnn as ern
from ernsnn.describe.neurons import Neuron
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
    runs = {}
    for scheme in ("exact", "step_average"):
        for kind in (ern.LIF, ern.ConductanceLIF):
            for layout in LAYOUTS:
                net = ern.Network(dt_ms=0.1, current_integration=scheme)
                net.population("cells", NEURONS, _cells(kind, layout))
                graph = ern.lower(net, 0)
                Engine(graph, "float32").run(1, lambda fraction: None)  # fills caches
                runs[f"{scheme}, {kind.__name__}, {layout}"] = graph
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(repeats):  # in turn, so that all see the same machine
        for name, graph in runs.items():
            engine = Engine(graph, "float32")
            began = time.perf_counter()
            engine.run(STEPS, lambda fraction: None)
            times[name].append((time.perf_counter() - began) / (STEPS * NEURONS) * 1e9)
    medians = {name: statistics.median(seconds_each) for name, seconds_each in times.items()}
    return [
        {"what": name, "ns": round(ns, 2), "min_ns": round(min(times[name]), 2), "ratio": round(ns / alike, 2)}
        for name, ns in medians.items()
        for alike in [medians[f"{name.split(', ')[0]}, LIF, alike"]]
    ]
