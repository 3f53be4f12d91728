"""Runs networks on SANA-FE's Loihi: JSON of a network on standard input, spikes and energies on standard output.

SANA-FE is under the GPL, so that it gets a process of its own, and nothing of ernsnn is imported here.
"""

import json
import sys


def simulate(net):
    """Spikes, as lists of (step, population, neuron), joules, and how many neurons were updated."""
    import sanafe

    architecture = sanafe.load_loihi()
    cores, snn, groups = architecture.cores(), sanafe.Network(), {}
    for name, cells in net["populations"].items():
        groups[name] = snn.create_neuron_group(
            name,
            len(cells["cores"]),
            {"threshold": 1.0, "leak_decay": 0.9},
            soma_hw_name="loihi_lif",
            default_synapse_hw_name="loihi_sparse_synapse",
            log_spikes=True,
        )
        for neuron, core, bias in zip(groups[name].neurons, cells["cores"], cells["bias"], strict=True):
            neuron.set_attributes(model_attributes={"bias": bias})
            neuron.map_to_core(cores[core])
    for p in net["projections"]:
        pairs = [(i, j) for i, j, _ in p["synapses"]]
        groups[p["pre"]].connect_neurons_sparse(groups[p["post"]], {"weight": [w for *_, w in p["synapses"]]}, pairs)
    chip = sanafe.SpikingChip(architecture)
    chip.load(snn)
    simulated = chip.sim(net["steps"], timing_model="simple", spike_trace=True)
    spikes = [(t, s.group_name, s.neuron_offset) for t, step in enumerate(simulated["spike_trace"]) for s in step]
    return {"spikes": spikes, "energy": simulated["energy"], "updated": simulated["neurons_updated"]}


if __name__ == "__main__":
    simulated = simulate(json.load(sys.stdin))
    print()  # SANA-FE prints its progress on a line that it does not end
    print(json.dumps(simulated))
