"""The networks of ``cases`` as a user of NEST writes them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import nest

from ernsnn.graph.graph import Graph, Neurons
from ernsnn.graph.values import Draw
from ernsnn.recording.recording import by_neuron
from ernsnn.studies.timed import Memory

from .cases import amplitudes_nA

SHARED = {
    "C_m": "cm_nF",
    "t_ref": "tau_refrac_ms",
    "E_L": "v_rest_mV",
    "V_reset": "v_reset_mV",
    "V_th": "v_threshold_mV",
    "I_e": "i_offset_nA",
    "tau_syn_ex": "tau_syn_E_ms",
    "tau_syn_in": "tau_syn_I_ms",
}
CONDUCTANCES = {"g_L": "g_leak_uS", "E_ex": "e_rev_E_mV", "E_in": "e_rev_I_mV"}
EXPONENTIAL = {"Delta_T": "delta_T_mV", "V_peak": "v_spike_mV", "a": "a_uS", "b": "b_nA", "tau_w": "tau_w_ms"}
MODELS = {
    "LIF": ("iaf_psc_exp", {"tau_m": "tau_m_ms"}),
    "ConductanceLIF": ("iaf_cond_exp", CONDUCTANCES),
    "AdEx": ("aeif_cond_exp", CONDUCTANCES | EXPONENTIAL),
}
"""Kind of neuron -> model of NEST, and the parameters that it has beside the shared ones."""


def run(graph: Graph, n_steps: int, threads: int) -> dict[str, Any]:
    """Build and run; seconds of both, spikes of the cells, and the memory taken in bytes."""
    memory = Memory()
    began = time.perf_counter()
    nest.verbosity = nest.VerbosityLevel.ERROR
    nest.ResetKernel()
    nest.set(resolution=graph.dt_ms, local_num_threads=threads, print_time=False)
    cells = {neurons.name: _created(neurons) for neurons in graph.neurons()}
    {"plastic": _plastic, "microcircuit": _microcircuit}.get(graph.name, _sparse)(graph, cells, n_steps)
    recorders = {name: nest.Create("spike_recorder") for name in cells}
    for name, recorder in recorders.items():
        nest.Connect(cells[name], recorder)
    nest.Prepare()
    built = time.perf_counter()
    nest.Run(n_steps * graph.dt_ms)
    run_s = time.perf_counter() - built
    nest.Cleanup()
    return {
        "build_s": built - began,
        "run_s": run_s,
        "spikes": {name: int(recorder.n_events) for name, recorder in recorders.items()},
        "peak_bytes": memory.taken(),
    }


def _created(neurons: Neurons) -> Any:
    model, own = MODELS[neurons.kind.name]
    p = neurons.parameters | {"g_leak_uS": neurons.parameters["cm_nF"] / neurons.parameters["tau_m_ms"]}
    thousandfold = ("_nF", "_nA", "_uS")  # NEST has pF, pA and nS
    values = {name: p[ours] * (1e3 if ours.endswith(thousandfold) else 1) for name, ours in (SHARED | own).items()}
    cells = nest.Create(model, neurons.size, values)
    cells.V_m = p["v_init_mV"]
    return cells


def _plastic(graph: Graph, made: Mapping[str, Any], n_steps: int) -> None:
    [source], [cells] = graph.sources(), made.values()
    steps, fired = source.spikes.between(0, n_steps)
    # A spike of step k of a graph is one at the end of that step for NEST, and the relay takes one step.
    later = steps > 0
    trains = by_neuron(steps[later] * graph.dt_ms, fired[later], source.size)
    generators = nest.Create("spike_generator", source.size, [{"spike_times": train} for train in trains])
    relays = nest.Create("parrot_neuron", source.size)  # devices cannot have plastic synapses
    nest.Connect(generators, relays, "one_to_one", {"delay": graph.dt_ms})
    A_plus, A_minus, w_max = (value * 1e3 for value in amplitudes_nA(source.size))
    nest.SetDefaults(
        "stdp_synapse",
        {"lambda": A_plus / w_max, "alpha": A_minus / A_plus, "mu_plus": 0.0, "mu_minus": 0.0, "Wmax": w_max},
    )
    cells.tau_minus = 20.0
    weight = nest.random.uniform(0.0, w_max)
    nest.Connect(relays, cells, "all_to_all", {"synapse_model": "stdp_synapse", "weight": weight, "delay": graph.dt_ms})


def _sparse(graph: Graph, made: Mapping[str, Any], n_steps: int) -> None:
    [cells] = made.values()
    for p in graph.projections:
        sign = 1e3 if p.receptor == "excitatory" else -1e3
        part = cells[p.pre_start : p.pre_start + p.connectivity.n_pre]
        synapse = {"weight": sign * p.weight.row(0, 0, 1)[0], "delay": p.delay.row(0, 0, 1)[0] * graph.dt_ms}
        if p.short_term:
            own = p.short_term.parameters
            times = {"tau_rec": own["tau_rec_ms"], "tau_fac": own["tau_fac_ms"]}
            nest.SetDefaults("tsodyks2_synapse", {"U": own["U"], "u": own["U"], **times})
            synapse["synapse_model"] = "tsodyks2_synapse"
        nest.Connect(part, cells, {"rule": "pairwise_bernoulli", "p": 0.1}, synapse)


def _microcircuit(graph: Graph, made: Mapping[str, Any], n_steps: int) -> None:
    """As the model of record connects them: delays of less than half a step are drawn anew."""
    for p in graph.projections:
        assert isinstance(p.weight, Draw)
        assert isinstance(p.delay, Draw)
        sign = 1e3 if p.receptor == "excitatory" else -1e3
        (weight, weight_sd, *_), (delay, delay_sd, *_) = p.weight.parameters, p.delay.parameters
        drawn = nest.math.redraw(nest.random.normal(delay, delay_sd), graph.dt_ms / 2, 1e3)
        nest.Connect(
            made[p.pre],
            made[p.post],
            {"rule": "fixed_total_number", "N": p.n_synapses},
            {"weight": nest.random.normal(sign * weight, 1e3 * weight_sd), "delay": drawn},
        )
