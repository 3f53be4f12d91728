"""Counts and prices against SANA-FE, which simulates Loihi event by event and adds up what each event costs."""

import importlib.util
import json
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import ernsnn as ern
from ernsnn.analyse.counts import count
from ernsnn.analyse.energy import estimate
from ernsnn.analyse.prices import price_sets
from ernsnn.analyse.traffic import traffic

pytestmark = pytest.mark.skipif(importlib.util.find_spec("sanafe") is None, reason="SANA-FE (sanafe) is not installed")
SCRIPT = Path(__file__).parents[1] / "support" / "sana_fe.py"


def drawn(seed):
    """A random network: biases that make its neurons fire, neurons on random cores."""
    rng = random.Random(seed)
    names = [f"g{k}" for k in range(rng.randint(1, 4))]
    sizes = {name: rng.randint(1, 9) for name in names}
    cells = {
        name: {"cores": [rng.randrange(128) for _ in range(n)], "bias": [rng.uniform(-0.2, 1) for _ in range(n)]}
        for name, n in sizes.items()
    }
    projections = []
    for pre in names:
        for post in rng.sample(names, rng.randint(0, len(names))):
            pairs = [(i, j) for i in range(sizes[pre]) for j in range(sizes[post]) if rng.random() < 0.5]
            if pairs:
                synapses = [(i, j, rng.uniform(0.01, 0.4)) for i, j in pairs]
                projections.append({"pre": pre, "post": post, "synapses": synapses})
    return {"steps": rng.randint(1, 40), "populations": cells, "projections": projections}


@pytest.mark.parametrize("seed", range(6))
def test_random_networks(seed):
    net = drawn(seed)
    done = subprocess.run(
        [sys.executable, str(SCRIPT)], input=json.dumps(net), capture_output=True, text=True, check=True, timeout=60
    )
    theirs = json.loads(done.stdout.splitlines()[-1])
    model = ern.Network(dt_ms=1.0)
    populations = {name: model.population(name, len(p["cores"]), ern.LIF()) for name, p in net["populations"].items()}
    for p in net["projections"]:
        pairs, weights = [(i, j) for i, j, _ in p["synapses"]], [w for *_, w in p["synapses"]]
        model.projection(
            f"{p['pre']}_{p['post']}",
            populations[p["pre"]],
            populations[p["post"]],
            ern.FromList(pairs),
            weight_nA=weights,
        )
    graph = ern.lower(model)
    spikes = {
        name: tuple(np.array([s[k] for s in theirs["spikes"] if s[1] == name], np.int64) for k in (0, 2))
        for name in populations
    }
    recording = ern.Recording(n_steps=net["steps"], spikes=spikes)
    cores = {name: np.array(p["cores"]) for name, p in net["populations"].items()}
    ours = estimate(count(graph, recording).totals | traffic(graph, recording, cores), price_sets()["loihi-sanafe"])
    costs = {line.what: line.low_J for line in ours.lines}
    assert costs["synaptic_operation.sparse"] == pytest.approx(theirs["energy"]["synapse"], rel=1e-12)
    network = costs["packet"] + costs["hop_east_west"] + costs["hop_north_south"]
    assert network == pytest.approx(theirs["energy"]["network"], rel=1e-12)
    assert ours.low_J + 21.6e-12 * theirs["updated"] == pytest.approx(theirs["energy"]["total"], rel=1e-12)
    assert ours.low_J <= theirs["energy"]["total"] <= ours.high_J * (1 + 1e-12)
