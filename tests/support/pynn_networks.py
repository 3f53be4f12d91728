"""Small networks that a backend of PyNN scripts refuses, or runs: one projection, and one thing more each."""

from __future__ import annotations

import ernsnn as ern
from ernsnn import LearningRule, Network, Term, stdp
from ernsnn.graph.graph import Graph

PAIR = stdp.pair(A_plus=0.1, A_minus=0.05, w_max=2.0)


def network(
    cell: object = None,
    learning: LearningRule | None = None,
    *,
    dt_ms: float = 1.0,
    scheme: str = "exact",
    weight: float = 0.3,
    **how: object,
) -> Network:
    """Two sources ``s`` onto two cells ``n`` by the projection ``p``."""
    net = Network(dt_ms=dt_ms, current_integration=scheme)  # type: ignore[arg-type]
    source = net.population("s", 2, ern.SpikeTimes([[dt_ms], [2 * dt_ms]]))
    cells = net.population("n", 2, cell or ern.LIF())  # type: ignore[arg-type]
    options = {f"weight_{(cell or ern.LIF()).kind.receptors[0].unit}": weight, "delay_ms": 2 * dt_ms, **how}
    net.projection("p", source, cells, learning=learning, **options)  # type: ignore[arg-type]
    return net


def with_astrocyte(net: Network) -> Network:
    net.astrocyte("glia", [net.populations["n"]], tau_ms=50)
    return net


def frozen(net: Network) -> Network:
    net.freeze(2, 5)
    return net


def with_another(net: Network, learning: LearningRule) -> Network:
    """Between the same populations, a projection ``q``."""
    net.projection("q", net.populations["s"], net.populations["n"], weight_nA=0.3, learning=learning)
    return net


def with_input(net: Network, **how: object) -> Network:
    """Poisson input ``background``."""
    options = {"rate_hz": 8.0, "n": 100, "weight_nA": 0.1, **how}
    net.poisson_input("background", net.populations["n"], **options)  # type: ignore[arg-type]
    return net


def probed(net: Network, variable: str) -> Network:
    net.probe(net.populations["n"], variable)
    return net


def intrinsic() -> Network:
    net = Network()
    rule = LearningRule(terms=[Term("w", "post", 0.1)], bounds={"w": (-60, -40)})
    net.population("n", 2, ern.LIF(), plasticity=ern.IntrinsicPlasticity(target="v_threshold_mV", rule=rule))
    return net


def large() -> Graph:
    """A million neurons, each with all."""
    net = Network()
    cells = net.population("n", 1_000_000, ern.LIF())
    net.projection("p", cells, cells, weight_nA=0.1)
    return ern.lower(net)
