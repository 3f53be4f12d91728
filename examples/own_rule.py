"""A learning rule with a reward, written as text: what was eligible when the reward comes is kept.

Pairs of spikes leave an eligibility e at each synapse, which fades within a second. The weight takes it up only while
the reward R is given (three-factor learning; Gerstner et al. 2018, Frontiers in Neural Circuits 12:53).
"""

import numpy as np

import ernsnn as ern

rule = ern.LearningRule.from_equations(
    traces={"x": ern.Trace("pre", tau_ms=20), "y": ern.Trace("post", tau_ms=20)},
    on_post={"e": "eta * x"},
    on_pre={"e": "-0.6 * eta * y"},
    on_epoch={"w": "R * e", "e": "-e / 100"},
    epoch_ms=10,
    parameters={"eta": 0.002},
    bounds={"w": (0.0, 0.5)},
    marks=[ern.Mark("e", 0.0, low=-1.0, high=1.0)],
    third_factors=["R"],
)

net = ern.Network(name="rewarded")
busy = [80.0] * 10 + [5.0] * 30  # the first ten sources are active
inputs = net.population("inputs", 40, ern.Poisson(busy))
cells = net.population("cells", 4, ern.LIF(tau_m_ms=10, tau_refrac_ms=2))
reward = net.signal("reward", times_ms=[1_000, 1_200], values=[1.0, 0.0])
net.projection("p", inputs, cells, weight_nA=0.25, learning=rule, third_factors={"R": reward})

result = ern.run(net, duration_ms=1_500, seed=0, backend="reference")
w = result.weights("p")
print(f"mean weight of the active sources {np.mean(w[:10]):.3f} nA, of the others {np.mean(w[10:]):.3f} nA")
