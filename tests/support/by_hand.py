"""Small networks whose every step can be worked out by hand, and how to read their recordings."""

from __future__ import annotations

import engines
import pytest

import ernsnn
from ernsnn import LIF, Network, SpikeTimes

approx = pytest.approx
TAU_SYN = 0.3
backend = "reference"
"""The backend of ``run``: tests in tests/features set each in turn (see conftest.py there)."""


def run(network, n_steps, seed=1):
    """Run a network; skip the test where the backend does not run it exactly."""
    graph = ernsnn.lower(network, seed)
    if not engines.exact(backend, graph):
        pytest.skip(f"{backend}: {engines.get_backend(backend).check(graph)[0]}")
    return engines.run(backend, graph, n_steps)


def neurons(model=None, **options):
    """A network of one neuron."""
    net = Network()
    net.population("n", 1, model or LIF(), **options)
    return net


def at(recording, probe):
    """A probe's values of neuron (or synapse) 0, one a step."""
    return recording.signals[probe][1][:, 0].tolist()


def steps_of(recording, population):
    return recording.spikes[population][0].tolist()


class Pair:
    """One plastic synapse from a source to a neuron that is made to spike in given steps by a teacher."""

    def __init__(self, pre, post, rule, *, w=0.5, delay=1, transmit="w", third=None, scheme="exact"):
        net = self.net = Network(current_integration=scheme)
        self.pre = net.population("pre", 1, SpikeTimes([pre]))
        # In "exact" a spike stamped s with delay 1 acts from s + 2 on, in "step_average" from s + 1 on.
        teacher = net.population("teacher", 1, SpikeTimes([[s - (2 if scheme == "exact" else 1) for s in post]]))
        # 100 nA lift V by 28 mV in one step, what is left of them in the next by 1 mV; the threshold is 15 mV up.
        self.post = net.population("post", 1, LIF(tau_syn_E_ms=TAU_SYN))
        net.projection("force", teacher, self.post, weight_nA=100)
        self.steps = post
        self.projection = net.projection(
            "p",
            self.pre,
            self.post,
            weight_nA=w,
            delay_ms=delay,
            learning=rule,
            transmit=transmit,
            third_factors=third(self) if third else None,
        )

    def run(self, n_steps=40, *, probed=True):
        """Run it with all variables of the synapse probed, unless the backend cannot."""
        for variable in self.projection.learning.variables if probed else ():
            self.net.probe(self.projection, variable)
        recording = run(self.net, n_steps)
        assert steps_of(recording, "post") == self.steps
        return recording

    def w(self, n_steps=40):
        """The final weight."""
        return self.run(n_steps, probed=False).synapses["p"]["w"][0]


def rule(A_plus=0.1, A_minus=0.2, mode="add", **options):
    return ernsnn.stdp.pair(
        tau_plus_ms=10, tau_minus_ms=5, A_plus=A_plus, A_minus=A_minus, pairing="all" if mode == "add" else "nearest"
    )
