r"""Layout of a step of the model in steps of NEST, with which NEST computes exactly the specified step.

NEST tests thresholds and delivers spikes on one grid, its resolution h. A static network at ``exact`` is NEST's own:
h = dt. Otherwise dt has several h:

- *Learning* (4 h). NEST's synapses do nothing about a post spike that reaches them together with a pre spike; the
  specification depresses. So a pre spike waits dt/4 in a relay, and the synapse has a delay of d - dt/4: the total is
  d, and every time difference of the rule is dt/2 less, so that none is 0. The amplitudes make up for dt/2.
- ``step_average`` (2 h). What arrives in step t acts in it, and NEST's shortest delay is too long for that. A spike
  arrives twice instead: at d - dt/2 with a and at d with b times its weight, such that V is the specification's at the
  end of this step and of all that follow:

  .. math:: a \, k(dt/2) = (1 - P_m) R g, \qquad (a P_s^{1/2} + b) \, k(dt) = (1 - P_m) R g P_s

  with k(t) what V is at time t after a unit of current has arrived. b is below 0, and so enters by the
  other receptor.

Thresholds must be met at the end of dt only. A current pushes V down in each h but the last, in which another pulls it
back to where it would have been: the membrane is linear. Rounding leaves about 1e-16 of how far it was pushed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ernsnn.graph.graph import Graph, Neurons, Projection
from ernsnn.graph.values import columns_of

TICS_PER_MS = 1000.0
"""NEST counts time in these."""


def substeps(graph: Graph) -> int:
    """The number of steps of NEST in one step."""
    if any(p.learning and p.n_synapses for p in graph.projections):
        return 4
    return 1 if graph.current_integration == "exact" or not graph.n_synapses else 2


def tics(graph: Graph) -> float:
    """NEST's units of time in one of its steps; not whole where NEST cannot have that step."""
    return graph.dt_ms / substeps(graph) * TICS_PER_MS


def step_ms(graph: Graph) -> float:
    """A step of NEST as NEST holds it, a whole number of tics times its float of one: for .7 ms .7000000000000001.

    Where a time of NEST's is divided by that, only multiples of it are whole steps.
    """
    return round(tics(graph)) * (1 / TICS_PER_MS)


@dataclass(frozen=True)
class Arrival:
    """A spike arrives ``early`` steps before its delay is over, with ``factor`` (one a post neuron) of its weight.

    Of the way it has come, a quarter of a step is in a relay if ``relayed``.
    """

    early: float
    relayed: bool
    factor: np.ndarray

    @property
    def synaptic_early(self) -> float:
        """The difference between the delay and that of the synapse, in steps."""
        return self.early + (0.25 if self.relayed else 0.0)


def arrivals(graph: Graph, p: Projection) -> list[Arrival]:
    """Every arrival of a spike of ``p``; learning synapses are all half a step ahead of their delay."""
    post, learns = graph.population(p.post), p.learning is not None
    assert isinstance(post, Neurons)
    if graph.current_integration == "exact":
        return [Arrival(0.0, learns, np.ones(post.size))]
    receptor = p.arrives_at
    step = post.constants(graph.dt_ms, "step_average")
    k_full = post.constants(graph.dt_ms, "exact")[f"k_{receptor}"]
    k_half = post.constants(graph.dt_ms / 2, "exact")[f"k_{receptor}"]
    P_s = step[f"P_{receptor}"]
    V = (1 - step["P_m"]) * step["R"] * step[f"gain_{receptor}"]
    a = V / k_half
    b = V * P_s / k_full - a * np.sqrt(P_s)
    return [Arrival(0.5, False, np.broadcast_to(a, post.size)), Arrival(0.0, learns, np.broadcast_to(b, post.size))]


def held(graph: Graph, p: Neurons) -> tuple[np.ndarray, np.ndarray]:
    """Currents in nA that push V down in each step of NEST but the last of a step, and pull it back in that."""
    n = substeps(graph)
    c = p.constants(graph.dt_ms / n, "exact")
    push = np.broadcast_to(-_reach_mV(graph, p) / np.asarray(c["k_c"]), p.size)
    pull = -push * sum(np.asarray(c["P_m"]) ** k for k in range(1, n))
    return push, np.broadcast_to(pull, p.size)


def _reach_mV(graph: Graph, p: Neurons) -> float:
    """More than V can be above the threshold: if all that excites spiked in every step, with its largest weight."""
    c = {name: np.asarray(value) for name, value in p.constants(graph.dt_ms, "exact").items()}
    i_nA = np.abs(p.parameters["i_offset_nA"]) + np.zeros(p.size)
    for injected in graph.injections:
        if injected.target.population == p.name:
            i_nA = i_nA + np.max(np.abs(columns_of(injected.values)[0]), initial=0.0)
    for q in graph.projections:
        if q.post == p.name and q.arrives_at == "E" and q.n_synapses:
            rows = q.synapses
            largest = np.maximum(q.learning.variable("w").high if q.learning else rows.variables["w"], 0.0)
            factor = np.maximum(arrivals(graph, q)[0].factor, 1.0)
            arriving = np.bincount(rows.post, largest + np.zeros(len(rows.post)), p.size)
            i_nA = i_nA + factor * arriving / (1 - c["P_E"])
    above = np.maximum(p.parameters["v_init_mV"], p.parameters["v_rest_mV"]) - p.parameters["v_threshold_mV"]
    return float(np.max(np.maximum(above, 0.0) + c["R"] * i_nA)) + 1.0
