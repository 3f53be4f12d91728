r"""A network of excitation and inhibition in balance, of any size, plain or in modules.

Vogels and Abbott (2005, Journal of Neuroscience 25:10786), as benchmarks 1 and 2 of Brette et al. (2007, Journal of
Computational Neuroscience 23:349): four neurons of five excite, tau_m 20 ms, c_m 200 pF, spike at -50 mV, reset -60 mV,
5 ms refractory, tau_syn 5 ms (excitatory) and 10 ms (inhibitory), steps of .1 ms, and

    conductances:  leak to -60 mV; a spike adds 6 nS towards 0 mV, or 67 nS towards -80 mV
    currents:      leak to -49 mV; a spike adds what moves V by 1.62 mV or -9 mV (as currents: times c_m/tau_m)

Any two neurons are connected with the probability that gives 80 inputs in the mean (2 % of 4,000), whatever the size,
as in the scaling benchmarks of BrainPy, so that the work grows with the neurons. Delay 1 ms. Noise of 300 Hz a neuron
kicks the network of conductances for 50 ms; then it goes on by itself. Nothing else drives it, nothing is tuned.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ernsnn.describe.connectors import Connector, FixedProbability, FromList, OneToOne
from ernsnn.describe.distributions import Uniform
from ernsnn.describe.network import Network
from ernsnn.describe.neurons import LIF, ConductanceLIF, Neuron
from ernsnn.describe.stimuli import Poisson, Schedule
from ernsnn.errors import InvalidModel, unknown

DT_MS, IN_DEGREE = 0.1, 80
_DELAY_MS, _KICK_MS, _KICK_HZ = 1.0, 50.0, 300.0
_COMMON: dict[str, Any] = {
    "cm_nF": 0.2,
    "tau_m_ms": 20.0,
    "tau_refrac_ms": 5.0,
    "tau_syn_E_ms": 5.0,
    "tau_syn_I_ms": 10.0,
    "v_reset_mV": -60.0,
    "v_threshold_mV": -50.0,
    "v_init_mV": Uniform(-60.0, -50.0),
}
_MV = _COMMON["cm_nF"] / _COMMON["tau_m_ms"]
"""The constant current in nA that moves V by 1 mV."""


@dataclass(frozen=True)
class Kind:
    """Neurons, and their weights: the argument of ``Network.projection``, excitatory, inhibitory and of a kick."""

    cell: Neuron
    unit: str
    weights: tuple[float, float]
    kick: float


KINDS = {
    "conductances": Kind(
        ConductanceLIF(**_COMMON, v_rest_mV=-60.0, e_rev_E_mV=0.0, e_rev_I_mV=-80.0),
        "weight_uS",
        (0.006, 0.067),
        0.024,
    ),
    "currents": Kind(LIF(**_COMMON, v_rest_mV=-49.0), "weight_nA", (1.62 * _MV, 9.0 * _MV), 0.0),
}


def build(
    neurons: int = 4000,
    synapses: str = "conductances",
    modules: int = 1,
    idle: int = 0,
    kicked: bool = True,
    seed: int = 0,
) -> Network:
    """The network of the module's text: population ``cells``, the excitatory neurons first.

    With several ``modules`` each has a slice of the excitatory and one of the inhibitory neurons, and ``seed`` draws
    the synapses. ``idle``: so many further inputs a neuron in the mean, which weigh nothing.
    """
    if synapses not in KINDS:
        raise InvalidModel(unknown("balanced: no synapses", synapses, KINDS))
    if modules < 1 or idle < 0 or neurons < max(IN_DEGREE, idle):
        raise InvalidModel(
            f"balanced: needs modules >= 1, idle >= 0, and at least {IN_DEGREE} neurons and as many as idle inputs, "
            f"got {modules} modules, {idle} idle inputs and {neurons} neurons"
        )
    kind = KINDS[synapses]

    def sends(weight: float) -> dict[str, Any]:
        return {kind.unit: weight, "delay_ms": _DELAY_MS}

    net = Network(name="balanced", dt_ms=DT_MS)
    cells = net.population("cells", neurons, kind.cell)
    if kicked and kind.kick:
        rates = Schedule([0.0, _KICK_MS], [_KICK_HZ, 0.0])
        kick = net.population("kick", neurons, Poisson(rates, at_most_one=True))
        net.projection("kicks", kick, cells, OneToOne(), **sends(kind.kick))
    n_E = neurons * 4 // 5
    connectors: list[Connector] = [FixedProbability(IN_DEGREE / neurons)] * 2
    if modules > 1:
        connectors = [FromList(pairs) for pairs in modular_pairs(neurons, n_E, modules, seed)]
    net.projection("excites", cells[:n_E], cells, connectors[0], **sends(kind.weights[0]))
    net.projection("inhibits", cells[n_E:], cells, connectors[1], receptor="inhibitory", **sends(kind.weights[1]))
    if idle:
        nothing = FixedProbability(idle / neurons)
        net.projection("idle", cells, cells, nothing, **sends(0.0))
    return net


def modular_pairs(neurons: int, n_E: int, modules: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(pre, post) of the excitatory and of the inhibitory synapses; inhibitory pre count from ``n_E`` on.

    Of 64 excitatory inputs in the mean a quarter comes from other modules, any; the rest and all 16 inhibitory ones are
    the module's own. Their numbers are binomial, as if every pair were drawn; sources are drawn with replacement.
    """
    rng = np.random.default_rng(seed)
    sizes = {"E": module_sizes(n_E, modules), "I": module_sizes(neurons - n_E, modules)}
    if min(sizes["I"]) < IN_DEGREE // 5:
        raise InvalidModel(
            f"balanced: {neurons} neurons are too few for {modules} modules: the smallest has {min(sizes['I'])} "
            f"inhibitory ones, and its neurons need {IN_DEGREE // 5} in the mean; take more neurons or fewer modules"
        )
    start = {kind: np.concatenate([[0], np.cumsum(s)]) for kind, s in sizes.items()}
    module = np.concatenate([np.repeat(np.arange(modules), s) for s in sizes.values()])

    def drawn(first: np.ndarray, pool: np.ndarray, mean: int) -> np.ndarray:
        """(offset from ``first`` in the pool, post) for every neuron."""
        post = np.repeat(np.arange(neurons), rng.binomial(pool, mean / pool))
        return np.column_stack([first[post] + rng.integers(0, pool[post]), post])

    def own(kind: str, mean: int) -> np.ndarray:
        return drawn(start[kind][module], np.asarray(sizes[kind])[module], mean)

    # Any excitatory neuron but those of the own module: the numbers from its first on are shifted by its size.
    size = np.asarray(sizes["E"])[module]
    far = drawn(np.zeros(neurons, int), n_E - size, IN_DEGREE // 5)
    far[:, 0] += np.where(far[:, 0] >= start["E"][module][far[:, 1]], size[far[:, 1]], 0)
    return np.concatenate([own("E", 3 * IN_DEGREE // 5), far]), own("I", IN_DEGREE // 5)


def module_sizes(neurons: int, modules: int) -> list[int]:
    """Sizes from .25 to 1.75 times the mean, that sum up to ``neurons``."""
    shares = np.linspace(0.25, 1.75, modules) if modules > 1 else np.ones(1)
    ends = np.round(neurons * np.cumsum(shares) / shares.sum()).astype(int)
    return [int(n) for n in np.diff(ends, prepend=0)]
