"""Trials: a network is shown patterns one after the other, and read by counting spikes in each trial."""

import numpy as np

import ernsnn as ern

rng = np.random.default_rng(0)
patterns = 5 + 75 * np.repeat(np.eye(3), 7, axis=1)  # Hz


def trials_of(labels):
    return ern.Trials(show_ms=200, rest_ms=50, labels=labels, rates=patterns[labels])


train, test = trials_of(np.repeat([0, 1, 2], 4)), trials_of(rng.integers(0, 3, 12))
net = ern.Network()
pixels = net.population("pixels", 21, ern.Poisson(train.schedule("rates")))
cells = net.population("cells", 30, ern.LIF())
net.projection("see", pixels, cells, ern.FixedInDegree(4), weight_nA=ern.Uniform(1, 3))

labels = ern.run(net, trials=train, seed=0, backend="native").trials.neuron_labels("cells")
read = ern.run(net, trials=test, seed=0, backend="native").trials
told = read.majority("cells", labels)
print(f"{(told == read.labels).mean():.0%} of {read.n} trials are told right")
print(read.confusion(told))
