"""The networks of ``cases`` as a user of Brian2 writes them, in C++ standalone mode.

Traces are event-driven variables of each synapse, as in Brian2's own documentation; the input spikes are those of the
graph, initial weights are drawn by Brian2.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ernsnn.errors import ProgramFailed
from ernsnn.graph.astrocytes import Leaky
from ernsnn.graph.graph import Graph, Neurons
from ernsnn.graph.values import Draw

from .cases import LABILE, STABLE, amplitudes_nA

CURRENTS = """
dv/dt = (v_rest - v)/tau_m + (in_E - in_I + i_offset)/C_m : volt (unless refractory)
din_E/dt = -in_E/tau_syn_E : amp
din_I/dt = -in_I/tau_syn_I : amp
i_offset : amp (constant)
P : 1
"""
CONDUCTANCES = """
dv/dt = (v_rest - v)/tau_m + (in_E*(e_rev_E - v) + in_I*(e_rev_I - v) + i_offset)/C_m : volt (unless refractory)
din_E/dt = -in_E/tau_syn_E : siemens
din_I/dt = -in_I/tau_syn_I : siemens
i_offset : amp (constant)
"""
EXPONENTIAL = """
dv/dt = (v_rest - v + delta_T*exp((v - v_threshold)/delta_T))/tau_m + total/C_m : volt (unless refractory)
total = in_E*(e_rev_E - v) + in_I*(e_rev_I - v) + i_offset - u : amp
du/dt = (a*(v - v_rest) - u)/tau_w : amp
din_E/dt = -in_E/tau_syn_E : siemens
din_I/dt = -in_I/tau_syn_I : siemens
i_offset : amp (constant)
"""
MEMBRANES = {
    "LIF": (CURRENTS, "v >= v_threshold", "v = v_reset", "exact"),
    "ConductanceLIF": (CONDUCTANCES, "v >= v_threshold", "v = v_reset", "exponential_euler"),
    "AdEx": (EXPONENTIAL, "v >= v_spike", "v = v_reset; u += b", "rk4"),
}
"""Kind of neuron -> equations, threshold, reset and method; constants are named as in ernsnn, without units."""
DEPRESSION = "dx/dt = (1 - x)/tau_rec : 1 (event-driven)"
TRACES = """
dx/dt = -x/tau : 1 (event-driven)
dy/dt = -y/tau : 1 (event-driven)
w : amp
"""
MARKS = """
da/dt = -a/tau_a : 1 (event-driven)
m : 1
"""
LATCH = """
drive = rate*P_post*clip(a - tagged, 0, inf)
total = drive + 1/tau_m_mark
limit = (drive + int(m > latched)/tau_m_mark)/total
m = limit + (m - limit)*exp(-second*total)
"""


def run(graph: Graph, n_steps: int, threads: int) -> dict[str, Any]:
    """Build and run; seconds of both, spikes of the cells, and the largest memory of the program in bytes."""
    import brian2 as b
    from brian2 import ms, mV, nA

    began = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="ernsnn-bench-") as folder:
        b.set_device("cpp_standalone", build_on_run=False)
        b.prefs.devices.cpp_standalone.openmp_threads = 0 if threads == 1 else threads
        b.prefs.devices.cpp_standalone.extra_make_args_unix = ["-j2"]
        b.defaultclock.dt = graph.dt_ms * ms
        populations = list(graph.neurons())
        p = populations[0].parameters
        starts = np.cumsum([0, *(each.size for each in populations)])
        equations, threshold, reset, method = MEMBRANES[populations[0].kind.name]
        cells = b.NeuronGroup(
            int(starts[-1]),
            equations,
            threshold=threshold,
            reset=reset,
            refractory=p["tau_refrac_ms"] * ms,
            method=method,
            namespace=_constants(b, p),
        )
        cells.v = _joined(populations, "v_init_mV") * mV
        cells.i_offset = _joined(populations, "i_offset_nA") * nA
        connect = {"plastic": _plastic, "marked": _plastic, "microcircuit": _microcircuit}.get(graph.name, _sparse)
        synapses = connect(b, graph, cells, n_steps)
        fired = b.SpikeMonitor(cells, name="fired")
        network = b.Network(cells, fired, *synapses)
        network.run(n_steps * graph.dt_ms * ms)
        b.device.build(directory=folder, compile=True, run=False, debug=False)
        process = subprocess.Popen(["./main"], cwd=folder, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise ProgramFailed(f"brian2-by-hand: the program of {graph.name} stopped with {process.returncode}")
        results = Path(folder) / "results"
        run_s = float((results / "last_run_info.txt").read_text().split()[0])
        build_s = time.perf_counter() - began - run_s
        [file] = results.glob("_dynamic_array_fired_i_*")
        fired_each, _ = np.histogram(np.fromfile(file, np.int32), starts)
        return {
            "build_s": build_s,
            "run_s": run_s,
            "spikes": {each.name: int(count) for each, count in zip(populations, fired_each, strict=True)},
            "peak_bytes": usage.ru_maxrss * 1024,
        }


def _joined(populations: Sequence[Neurons], parameter: str) -> np.ndarray:
    """A parameter of all neurons, one population after the other."""
    return np.concatenate([np.broadcast_to(each.parameters[parameter], each.size) for each in populations])


def _constants(b: Any, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Name without its unit -> quantity, but for what each neuron has of its own; ``cm`` is a centimetre to Brian2."""
    split = {name: name.rsplit("_", 1) for name in parameters.keys() - {"v_init_mV", "i_offset_nA", "cm_nF"}}
    constants = {plain: parameters[name] * getattr(b, unit) for name, (plain, unit) in split.items()}
    return constants | {"C_m": parameters["cm_nF"] * b.nF}


def _plastic(b: Any, graph: Graph, cells: Any, n_steps: int) -> list[Any]:
    [source] = graph.sources()
    steps, neurons = source.spikes.between(0, n_steps)
    inputs = b.SpikeGeneratorGroup(source.size, neurons, steps * graph.dt_ms * b.ms, sorted=True)
    A_plus, A_minus, w_max = (value * b.nA for value in amplitudes_nA(source.size))
    namespace = {"tau": 20 * b.ms, "A_plus": A_plus, "A_minus": A_minus, "w_max": w_max}
    if graph.name == "plastic":
        synapses = b.Synapses(
            inputs,
            cells,
            TRACES,
            on_pre="w = clip(w - A_minus*y, 0*amp, w_max); in_E_post += w; x += 1",
            on_post="w = clip(w + A_plus*x, 0*amp, w_max); y += 1",
            namespace=namespace,
        )
        synapses.connect()
        synapses.w = "rand()*w_max"
        return [inputs, synapses]
    [astrocyte] = graph.modulators
    assert isinstance(astrocyte, Leaky)
    glia = b.NeuronGroup(1, "dC/dt = -C/tau_C : 1", method="exact", namespace={"tau_C": astrocyte.tau_ms * b.ms})
    hears = b.Synapses(cells, glia, on_pre="C_post += 1")
    tells = b.Synapses(
        glia, cells, "P_post = int(C_pre >= opens) : 1 (summed)", namespace={"opens": astrocyte.threshold}
    )
    synapses = b.Synapses(
        inputs,
        cells,
        TRACES + MARKS,
        on_pre="w = clip(w - A_minus*y*(1 - protects*m)**2, 0*amp, w_max); in_E_post += w; x += 1",
        on_post="""w = clip(w + A_plus*x*(1 + a)*(1 - protects*m)**2, 0*amp, w_max)
                   a = clip(a + rise*x*(1 - a), 0, 1)
                   y += 1""",
        namespace={
            **namespace,
            "tau_a": LABILE.tau_s * b.second,
            "rise": LABILE.rise,
            "protects": STABLE.protects,
            "rate": STABLE.rate_per_s / b.second,
            "tau_m_mark": STABLE.tau_s * b.second,
            "tagged": STABLE.tag_threshold,
            "latched": STABLE.threshold,
        },
    )
    for each in (hears, tells, synapses):
        each.connect()
    synapses.w = "rand()*w_max"
    synapses.run_regularly(LATCH, dt=1 * b.second)
    return [inputs, glia, hears, tells, synapses]


def _sparse(b: Any, graph: Graph, cells: Any, n_steps: int) -> list[Any]:
    [population], made = graph.neurons(), []
    unit = b.nA if population.kind.name == "LIF" else b.uS
    for p in graph.projections:
        target = "in_E" if p.receptor == "excitatory" else "in_I"
        namespace = {"weight": p.weight.row(0, 0, 1)[0] * unit}
        model, on_pre = "", f"{target}_post += weight"
        if p.short_term:
            own = p.short_term.parameters
            namespace |= {"U": own["U"], "tau_rec": own["tau_rec_ms"] * b.ms}
            model, on_pre = DEPRESSION, f"{target}_post += weight*U*x; x -= U*x"
        part = cells[p.pre_start : p.pre_start + p.connectivity.n_pre]
        synapses = b.Synapses(part, cells, model, on_pre=on_pre, delay=1 * b.ms, namespace=namespace)
        synapses.connect(p=0.1)
        if p.short_term:
            synapses.x = 1
        made.append(synapses)
    return made


def _microcircuit(b: Any, graph: Graph, cells: Any, n_steps: int) -> list[Any]:
    """All excitatory synapses at once, and all inhibitory ones: 55 projections would each have code of their own."""
    rng, made = np.random.default_rng(0), []
    first = dict(
        zip([n.name for n in graph.neurons()], np.cumsum([0, *(n.size for n in graph.neurons())]), strict=False)
    )
    for receptor, target in (("excitatory", "in_E"), ("inhibitory", "in_I")):
        columns = []
        for p in graph.projections:
            if p.receptor == receptor:
                assert isinstance(p.weight, Draw)
                assert isinstance(p.delay, Draw)
                (weight, weight_sd, *_), (delay, delay_sd, *_) = p.weight.parameters, p.delay.parameters
                n = p.n_synapses
                pre = first[p.pre] + rng.integers(0, p.connectivity.n_pre, n)
                post = first[p.post] + rng.integers(0, p.connectivity.n_post, n)
                late = np.maximum(rng.normal(delay, delay_sd, n), graph.dt_ms)
                columns.append(np.stack([pre, post, rng.normal(weight, weight_sd, n), late]))
        pre, post, weights, delays = np.concatenate(columns, axis=1)
        synapses = b.Synapses(cells, cells, "w : amp (constant)", on_pre=f"{target}_post += w")
        synapses.connect(i=pre.astype(int), j=post.astype(int))
        synapses.w, synapses.delay = weights * b.nA, delays * b.ms
        made.append(synapses)
    return made
