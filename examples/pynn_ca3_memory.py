"""The CA3 memory of Casanueva-Morato et al. (2024) as a plain PyNN script, in SpiNNaker's convention.

    python examples/pynn_ca3_memory.py [backend]

Cue 0 is learnt with contents 0, 1, 8 and 9, and then recalled by content 8 alone.
"""

import sys

import ernsnn.pynn as sim

WEIGHT = 6.0
CELL = {"tau_refrac": 1.0, "v_rest": -60.0, "v_reset": -60.0, "tau_syn_E": 0.3, "tau_syn_I": 0.3, "i_offset": 0.0}
SLOW = CELL | {"cm": 0.27, "tau_m": 3.0, "v_thresh": -57.0}
FAST = CELL | {"cm": 0.14, "tau_m": 0.5, "v_thresh": -57.0}
OUT = SLOW | {"v_thresh": -57.5}


def build(cue_times, content_times):
    """The populations by name; the times are lists in ms, one a cue and one a content bit."""
    c, n = len(cue_times), len(content_times)

    def population(label, size, parameters):
        made = sim.Population(size, sim.IF_curr_exp(**parameters), label=label, initial_values={"v": -60.0})
        made.record("spikes")
        return made

    def project(pre, post, pairs, weight, delay, receptor="excitatory"):
        connector = sim.FromListConnector([(i, j, weight, delay) for i, j in pairs])
        sim.Projection(pre, post, connector, receptor_type=receptor)

    def one_to_one(pre, post, delay, weight=WEIGHT, shift=(0, 0)):
        size = min(len(pre) - shift[0], len(post) - shift[1])
        project(pre, post, [(i + shift[0], i + shift[1]) for i in range(size)], weight, delay)

    times = [list(t) for t in (*cue_times, *content_times)]
    inputs = sim.Population(c + n, sim.SpikeSourceArray(spike_times=times), label="IN")
    inputs.record("spikes")
    cue_cue = population("CA3cueCueRecall", c, SLOW)
    cont_cue = population("CA3contCueRecall", n, SLOW)
    cont_cond = population("CA3contCond", n, FAST)
    cond_int = population("CA3contCondInt", 1, FAST)
    cue_cont = population("CA3cueContRecall", c, FAST)
    cont_cont = population("CA3contContRecall", n, SLOW)
    merge_cue = population("CA3mergeCue", c, SLOW)
    merge_cont = population("CA3mergeCont", n, SLOW)
    out = population("OUT", c + n, OUT)

    others = [(i, j) for i in range(c) for j in range(c) if i != j]
    one_to_one(inputs, cue_cue, 1.0)
    one_to_one(inputs, cont_cue, 1.0, shift=(c, 0))
    one_to_one(cue_cue, cue_cont, 2.0)
    project(cue_cue, cue_cont, others, WEIGHT * n, 3.0, "inhibitory")
    project(cue_cont, cue_cont, others, WEIGHT * n, 2.0, "inhibitory")
    everyone = sim.AllToAllConnector()
    static = sim.StaticSynapse(weight=WEIGHT, delay=2.0)
    sim.Projection(cue_cue, cont_cond, everyone, static, receptor_type="inhibitory")
    one_to_one(cont_cue, cont_cond, 1.0, weight=9.0)
    sim.Projection(cont_cue, cond_int, everyone, sim.StaticSynapse(weight=WEIGHT, delay=1.0))
    sim.Projection(cond_int, cont_cond, everyone, sim.StaticSynapse(weight=2.0, delay=1.0))
    one_to_one(cont_cond, cont_cont, 1.0)
    one_to_one(cue_cue, merge_cue, 3.0)
    one_to_one(cont_cue, merge_cont, 3.0)
    one_to_one(cue_cont, merge_cue, 1.0)
    one_to_one(cont_cont, merge_cont, 1.0)
    one_to_one(merge_cue, out, 1.0)
    one_to_one(merge_cont, out, 1.0, shift=(0, c))

    def plastic():
        return sim.STDPMechanism(
            timing_dependence=sim.SpikePairRule(tau_plus=3.0, tau_minus=3.0, A_plus=WEIGHT, A_minus=WEIGHT),
            weight_dependence=sim.AdditiveWeightDependence(w_min=0.0, w_max=WEIGHT),
            weight=0.0,
            delay=1.0,
        )

    sim.Projection(cue_cue, cont_cue, everyone, plastic(), receptor_type="excitatory")
    sim.Projection(cont_cont, cue_cont, everyone, plastic(), receptor_type="excitatory")
    made = [inputs, cue_cue, cont_cue, cont_cond, cond_int, cue_cont, cont_cont, merge_cue, merge_cont, out]
    return {population.label: population for population in made}


def main(backend="native"):
    """Learn, recall, and print what the output neurons did."""
    sim.setup(1.0, backend=backend, current_integration="step_average", convention="spinnaker")
    learn, recall = [1, 2, 3], [20]
    contents = [learn if bit in (0, 1, 9) else [*learn, *recall] if bit == 8 else [] for bit in range(10)]
    populations = build([learn, [], [], [], []], contents)
    sim.run(40.0)
    for neuron, train in enumerate(populations["OUT"].get_data("spikes").segments[0].spiketrains):
        if len(train):
            side = f"cue {neuron}" if neuron < 5 else f"content {neuron - 5}"
            print(f"{side:10} {', '.join(f'{t:g}' for t in train.magnitude)} ms")
    sim.end()


if __name__ == "__main__":
    main(*sys.argv[1:])
