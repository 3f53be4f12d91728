"""Cells under drawn spikes, on the reference and on NEST."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

import ernsnn as ern

N, DT = 30, 0.1


def network(
    kind: Any, excites: dict[str, Any], inhibits: dict[str, Any], probed: Sequence[str], **cell: Any
) -> ern.Network:
    """Six cells under random sources that inhibit one another, with a current that changes; weights by their field."""
    net = ern.Network(name="alpha", dt_ms=DT)
    drive = net.population("drive", 40, ern.Poisson(40.0))
    given = {"i_offset_nA": np.linspace(0.5, 0.9, 6), "tau_refrac_ms": 2.0, "tau_syn_E_ms": 1.5, **cell}
    cells = net.population("cells", 6, kind(**given))
    net.projection("excites", drive, cells, ern.FixedProbability(0.5), **excites)
    net.projection("inhibits", cells, cells, **inhibits, receptor="inhibitory", delay_ms=1.0)
    net.inject(cells[2:4], ern.CurrentSteps(times_ms=[50.0, 90.0], amplitudes_nA=[-0.6, 0.3]))
    for variable in probed:
        net.probe(cells, variable)
    return net


def drawn_cells(seed: int, weights: tuple[float, float], **more: np.ndarray) -> dict[str, Any]:
    """Parameters of N cells, and spikes in steps and weights onto each receptor of them all."""
    rng = np.random.default_rng(seed)
    return {
        "cm_nF": rng.uniform(0.2, 1.0, N),
        "tau_m_ms": rng.uniform(5, 30, N),
        "tau_refrac_ms": rng.integers(1, 40, N) * DT,
        "i_offset_nA": rng.uniform(-0.1, 0.3, N),
        "v_rest_mV": rng.uniform(-70, -65, N),
        "v_init_mV": rng.uniform(-70, -52, N),
        "tau_syn_E_ms": rng.uniform(0.3, 8, N),
        "tau_syn_I_ms": rng.uniform(0.3, 8, N),
        **more,
        "arriving": {r: np.unique(rng.integers(20, 3_500, 120)) for r in "EI"},
        "weights": {"E": rng.uniform(*weights, N), "I": rng.uniform(*weights, N) / 2},
    }


def ours(kind: Any, unit: str, cells: dict[str, Any], steps: int) -> tuple[list[tuple[int, int]], np.ndarray]:
    """(step, neuron) of the spikes, and V at the end of each step."""
    net = ern.Network(dt_ms=DT)
    own = {name: value for name, value in cells.items() if name not in ("arriving", "weights")}
    population = net.population("cells", N, kind(**own, v_reset_mV=-72.0))
    for receptor, times in cells["arriving"].items():
        source = net.population(f"to_{receptor}", 1, ern.SpikeTimes([(times - 1) * DT]))
        weights = {f"weight_{unit}": cells["weights"][receptor][None]}
        word = {"E": "excitatory", "I": "inhibitory"}[receptor]
        net.projection(f"p_{receptor}", source, population, **weights, delay_ms=1.0, receptor=word)
    net.probe(population, "v_mV")
    recording = ern.run(net, duration_ms=steps * DT, backend="reference").recording
    at, neurons = recording.spikes["cells"]
    return sorted(zip(at.tolist(), neurons.tolist(), strict=True)), recording.signals["cells.v_mV"][1]


def of_nest(nest: Any, model: str, cells: dict[str, Any], steps: int) -> tuple[list[tuple[int, int]], np.ndarray]:
    """The same of a model of NEST's. Times there are ends of steps, in pA, nS and pF."""
    nest.ResetKernel()
    nest.set(resolution=DT, print_time=False)
    made = nest.Create(model, N)
    names = {"tau_refrac_ms": "t_ref", "v_rest_mV": "E_L", "v_init_mV": "V_m"}
    names |= {"tau_syn_E_ms": "tau_syn_ex", "tau_syn_I_ms": "tau_syn_in", "e_rev_E_mV": "E_ex", "e_rev_I_mV": "E_in"}
    names |= {f"tau_{x}_ms": f"tau_{x}" for x in ("sfa", "rr")} | {f"e_rev_{x}_mV": f"E_{x}" for x in ("sfa", "rr")}
    given = {names[name]: values for name, values in cells.items() if name in names}
    given |= {f"q_{x}": cells[f"q_{x}_uS"] * 1e3 for x in ("sfa", "rr") if f"q_{x}_uS" in cells}
    given |= {"C_m": cells["cm_nF"] * 1e3, "I_e": cells["i_offset_nA"] * 1e3}
    conducts = "E_ex" in given
    given |= {"g_L": given["C_m"] / cells["tau_m_ms"]} if conducts else {"tau_m": cells["tau_m_ms"]}
    made.set(V_th=-50.0, V_reset=-72.0)
    for name, values in given.items():
        setattr(made, name, np.asarray(values).tolist())
    for receptor, sign in (("E", 1.0), ("I", -1.0)):
        source = nest.Create("spike_generator", params={"spike_times": cells["arriving"][receptor] * DT})
        weights = sign * cells["weights"][receptor][:, None] * 1e3
        nest.Connect(source, made, syn_spec={"weight": weights, "delay": 1.0})
    meter, detector = (
        nest.Create("multimeter", params={"interval": DT, "record_from": ["V_m"]}),
        nest.Create("spike_recorder"),
    )
    nest.Connect(meter, made)
    nest.Connect(made, detector)
    nest.Simulate((steps + 1) * DT)
    senders, V = np.asarray(meter.events["senders"]), np.asarray(meter.events["V_m"])
    first = made.global_id[0]
    at = np.rint(np.asarray(detector.events["times"]) / DT).astype(int) - 1
    spikes = sorted(zip(at.tolist(), (np.asarray(detector.events["senders"]) - first).tolist(), strict=True))
    return [s for s in spikes if s[0] < steps], np.stack([V[senders == i][:steps] for i in made.global_id], axis=1)


def assert_as_nest(kind: Any, unit: str, model: str, cells: dict[str, Any], within: float) -> None:
    """Assert that ``kind`` has the spikes of NEST's ``model``, and V ``within`` so many mV of its."""
    nest, steps = pytest.importorskip("nest"), 4_000
    spikes, V = ours(kind, unit, cells, steps)
    their_spikes, their_V = of_nest(nest, model, cells, steps)
    assert len(spikes) > 100
    assert spikes == their_spikes
    np.testing.assert_allclose(V, their_V, rtol=0, atol=within)
