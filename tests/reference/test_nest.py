"""Static networks at current_integration="exact" against NEST's iaf_psc_exp: the same spikes, V within 1e-9 mV.

How the conventions map. NEST stamps a spike with the end of its step: our step t is its time (t + 1) dt. A weight from
one of its neurons with delay d that spikes in our step s enters the current at the end of step s + d and acts in
s + d + 1: as with us. Its spike generator takes times on the same grid, so our source spike of step s is its time
(s + 1) dt. NEST's capacitance is in pF, its currents in pA, its V_m absolute in mV (E_L is v_rest).
"""

from __future__ import annotations

import numpy as np
import pytest

import ernsnn
from ernsnn.backend.registry import get_backend

nest = pytest.importorskip("nest")
pytestmark = pytest.mark.nest

STEPS = 200


def random_network(seed):
    """Two populations, a given source, recurrent projections of both signs, some heterogeneous, some with DC steps."""
    rng = np.random.default_rng(seed)
    dt = [1.0, 0.5, 0.1][seed % 3]
    network = ernsnn.Network(dt_ms=dt)
    sizes = rng.integers(1, 6, 2)
    populations = []
    for name, size in zip("ab", sizes.tolist(), strict=True):

        def number(low, high, size=size):
            return rng.uniform(low, high, size) if seed % 2 else float(rng.uniform(low, high))

        tau_m = number(4 * dt, 20 * dt)
        model = ernsnn.LIF(
            cm_nF=number(0.15 * dt, 0.4 * dt),
            tau_m_ms=tau_m,
            tau_syn_E_ms=tau_m if seed % 4 == 1 else number(1 * dt, 6 * dt),
            tau_syn_I_ms=tau_m if seed % 5 == 2 else number(1 * dt, 6 * dt),
            # NEST wants t_ref of at least one step, and rounds it to the grid where it is no multiple.
            tau_refrac_ms=int(rng.integers(1, 5)) * dt,
            v_rest_mV=number(-66, -64),
            v_reset_mV=number(-67, -63),
            v_threshold_mV=number(-61, -57),
            i_offset_nA=number(-0.1, 0.3),
            v_init_mV=number(-68, -62),
        )
        populations.append(network.population(name, size, model))
    hits = rng.random((3, STEPS)) < 0.15
    source = network.population("s", 3, ernsnn.SpikeTimes([np.flatnonzero(row) * dt for row in hits]))
    for k, target in enumerate(populations):
        drawn = ernsnn.Uniform(0.8, 2.8)
        network.projection(f"s{k}", source, target, weight_nA=drawn, delay_ms=int(rng.integers(1, 5)) * dt)
    for k in range(4):
        pre, post = populations[rng.integers(2)], populations[rng.integers(2)]
        network.projection(
            f"p{k}",
            pre,
            post,
            ernsnn.FixedProbability(0.7),
            weight_nA=rng.uniform(0.2, 2.0, (pre.size, post.size)),
            delay_ms=rng.integers(1, 5, (pre.size, post.size)) * dt,
            receptor=["excitatory", "inhibitory"][k % 2],
        )
    steps = np.sort(rng.choice(np.arange(2, 150), 3, replace=False))
    current = ernsnn.CurrentSteps(times_ms=steps * dt, amplitudes_nA=rng.uniform(-0.2, 0.8, 3))
    network.inject(populations[0], current)
    for population in populations:
        network.probe(population, "v_mV")
    return ernsnn.lower(network, seed)


def run_nest(graph):
    """(spikes, voltages) of every computed population, in our steps."""
    nest.ResetKernel()
    nest.verbosity = nest.VerbosityLevel.ERROR
    nest.resolution, dt = graph.dt_ms, graph.dt_ms
    nodes = {}
    for p in graph.neurons():
        nodes[p.name] = nest.Create("iaf_psc_exp", p.size)
        for i, node in enumerate(nodes[p.name]):
            value = {name: float(np.broadcast_to(v, p.size)[i]) for name, v in p.parameters.items()}
            node.set(
                C_m=1000 * value["cm_nF"],
                tau_m=value["tau_m_ms"],
                tau_syn_ex=value["tau_syn_E_ms"],
                tau_syn_in=value["tau_syn_I_ms"],
                t_ref=value["tau_refrac_ms"],
                E_L=value["v_rest_mV"],
                V_reset=value["v_reset_mV"],
                V_th=value["v_threshold_mV"],
                V_m=value["v_init_mV"],
                I_e=1000 * value["i_offset_nA"],
            )
    for p in graph.sources():
        steps, neurons = p.spikes.between(0, STEPS)
        times = [(steps[neurons == i] + 1) * dt for i in range(p.size)]
        parrots = nest.Create("spike_generator", p.size)
        parrots.set([{"spike_times": np.round(t, 6)} for t in times])
        nodes[p.name] = parrots
    for p in graph.projections:
        rows, sign = p.synapses, -1 if p.receptor == "inhibitory" else 1
        for pre, post, weight, delay in zip(rows.pre, rows.post, rows.variables["w"], rows.delay, strict=True):
            options = {"weight": 1000 * sign * weight, "delay": delay * dt}
            nest.Connect(nodes[p.pre][int(pre)], nodes[p.post][int(post)], syn_spec=options)
    for injected in graph.injections:
        # Our current of step k acts in it; NEST's, one step after its time: the delay of its connection.
        target = nodes[injected.target.population]
        generator = nest.Create(
            "step_current_generator",
            params={
                "amplitude_times": np.round((injected.steps - 1) * dt, 6),
                "amplitude_values": 1000 * injected.values[:, 0],
            },
        )
        nest.Connect(generator, target, syn_spec={"delay": dt})
    spikes, voltages = {}, {}
    for p in graph.neurons():
        spikes[p.name] = nest.Create("spike_recorder")
        nest.Connect(nodes[p.name], spikes[p.name])
        voltages[p.name] = [nest.Create("multimeter", {"record_from": ["V_m"], "interval": dt}) for _ in range(p.size)]
        for meter, node in zip(voltages[p.name], nodes[p.name], strict=True):
            nest.Connect(meter, node)
    # Meters see the end of step t at time (t + 1) dt, and miss the last one unless it goes on.
    nest.Simulate((STEPS + 2) * dt)
    trains, traces = {}, {}
    for p in graph.neurons():
        events = spikes[p.name].get("events")
        steps = np.rint(events["times"] / dt).astype(int) - 1
        first = nodes[p.name][0].global_id
        found = zip(steps.tolist(), (events["senders"] - first).tolist(), strict=True)
        trains[p.name] = sorted((s, n) for s, n in found if s < STEPS)
        traces[p.name] = np.stack([m.get("events")["V_m"][:STEPS] for m in voltages[p.name]], axis=1)
    return trains, traces


@pytest.mark.parametrize("seed", range(30))
def test_the_same_as_nest(seed):
    graph = random_network(seed)
    ours = get_backend("reference").run(graph, STEPS, lambda fraction: None)
    trains, traces = run_nest(graph)
    for p in graph.neurons():
        steps, neurons = ours.spikes[p.name]
        assert list(zip(steps.tolist(), neurons.tolist(), strict=True)) == trains[p.name]
        np.testing.assert_allclose(ours.signals[f"{p.name}.v_mV"][1], traces[p.name], rtol=0, atol=1e-9)
    assert sum(len(train) for train in trains.values()) > 20
