r"""Networks that hold their rate by loops of four time scales, alone and with a coordinator.

80 excitatory and 20 inhibitory DeltaLIF neurons (tau 20 ms; V jumps by the weight) with 100 Poisson inputs of 20 Hz,
whose synapses are all the noise there is. Recurrent excitation is held by inhibition, as in cortex: without any loop
the network fires at about 5 Hz, and runs away to more than 100 Hz where inhibition is halved. Each excitatory neuron
has loops that compare its calcium C (a leaky count of its spikes over 2 s) with C0, that of r0 = 5 Hz; e = C/C0 - 1:

    5 ms    a current of -a nA at each of its spikes, decaying with 5 ms
    2 s     its threshold is b (C - C0) mV higher
    5 min   V is shifted by h mV (within +-20): dh/dt = -k 3 mV e/(5 min)                (intrinsic plasticity)
    1 h     its excitatory weights, up to 8 times the first ones: dw/dt = -k w e/(1 h)   (synaptic scaling)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ernsnn.describe.connectors import FromList
from ernsnn.describe.learning import LearningRule
from ernsnn.describe.modulators import Modulator, ThirdFactor
from ernsnn.describe.network import Network
from ernsnn.describe.neurons import DeltaLIF
from ernsnn.describe.populations import Population
from ernsnn.describe.stimuli import Poisson, Schedule

from .side_by_side import side_by_side


@dataclass(frozen=True)
class Loops:
    """The strengths of a network's loops; 0 for none."""

    a_nA: float = 0.0
    b_mV: float = 0.0
    k_minutes: float = 0.0
    k_hours: float = 0.0
    k_coordinated: float = 0.0
    """The value of both k while the coordinator is on."""


HURRY = 64.0
R0_HZ, INPUT_HZ, TOLERATED, N_E, N_I, N_IN = 5.0, 20.0, 0.2, 80, 20, 100
_EPOCH_MS, _TAU_C_MS = 100.0, 2000.0
_C0 = R0_HZ * _TAU_C_MS / 1000
_SIZES = {"inputs": N_IN, "excites": N_E, "inhibits": N_I}
SYNAPSES = {  # pre, post, inputs a neuron, weight in mV
    "to_E": ("inputs", "excites", 20, 1.0),
    "to_I": ("inputs", "inhibits", 20, 0.5),
    "EE": ("excites", "excites", 16, 3.0),
    "EI": ("excites", "inhibits", 16, 3.0),
    "IE": ("inhibits", "excites", 5, 8.0),
    "II": ("inhibits", "inhibits", 5, 2.0),
}
_SCALED = ("to_E", "EE")


@dataclass(frozen=True, eq=False)
class Networks:
    """The synapses of ``networks`` side by side: (pre, post) by projection, and which of the scaled ones get lost."""

    networks: int
    pairs: dict[str, np.ndarray]
    lost: dict[str, np.ndarray]


def wire(seeds: Sequence[int], tries: int) -> Networks:
    """One network for every seed and try, the try changing fastest; each neuron has inputs drawn with replacement."""
    draws = [np.random.default_rng([seed, k]) for seed in seeds for k in range(tries)]
    pairs, lost = {}, {}
    for name, (pre, post, degree, _) in SYNAPSES.items():
        n_pre, n_post = _SIZES[pre], _SIZES[post]
        post_of = np.repeat(np.arange(n_post), degree)
        each = [np.column_stack([rng.integers(0, n_pre, n_post * degree), post_of]) for rng in draws]
        listed = side_by_side(each, n_pre, n_post)
        pairs[name] = listed[np.lexsort(listed.T[::-1])]  # as a graph has them
        lost[name] = np.concatenate([rng.random(n_post * degree) < 0.3 for rng in draws])
    return Networks(len(draws), pairs, {name: lost[name] for name in _SCALED})


def build(
    loops: Loops,
    wiring: Networks,
    rate_hz: float | Schedule = INPUT_HZ,
    weights_mV: Mapping[str, np.ndarray] | None = None,
    speed_up: float = 1.0,
) -> Network:
    """The networks of ``wiring`` side by side, with inputs of ``rate_hz``; ``weights_mV``: those that are others."""
    net, n = Network(name="homeostasis", dt_ms=1.0), wiring.networks
    cell: dict[str, Any] = {"tau_m_ms": 20.0, "tau_refrac_ms": 2.0}
    excites = net.population("excites", n * N_E, DeltaLIF(**cell, v_threshold_mV=-50.0 - loops.b_mV * _C0))
    inhibits = net.population("inhibits", n * N_I, DeltaLIF(**cell, i_offset_nA=0.2))
    populations = {"inputs": net.population("inputs", n * N_IN, Poisson(rate_hz, at_most_one=True))}
    populations |= {"excites": excites, "inhibits": inhibits}
    calcium = net.astrocyte("calcium", [excites], tau_ms=_TAU_C_MS, per="neuron", initial=_C0)
    if loops.a_nA:
        fast = net.astrocyte("fast", [excites], tau_ms=5.0, per="neuron")
        net.modulate(excites, fast, "i_offset_nA", gain=-loops.a_nA)
    if loops.b_mV:
        net.modulate(excites, calcium, "v_threshold_mV", gain=loops.b_mV)
    factors: dict[str, Modulator] = {"C": calcium}
    if loops.k_coordinated:
        factors["need"] = _coordinator(net, excites)
    third = {name: ThirdFactor(modulator=factor, per="post") for name, factor in factors.items()}
    if loops.k_minutes:
        # A cell that spikes in every step, so that its weight is a current.
        clock = net.population("clock", 1, DeltaLIF(v_rest_mV=0.0, v_reset_mV=0.0, v_threshold_mV=1.0, i_offset_nA=2.0))
        per_mV = 1 - np.exp(-1 / 20)
        rule = _slow("-each", 3.0 * per_mV * speed_up / 300, loops.k_minutes, loops, (-20 * per_mV, 20 * per_mV))
        net.projection("shift", clock, excites, weight_mV=0.0, receptor="signed", learning=rule, third_factors=third)
    for name, (pre, post, _, w_mV) in SYNAPSES.items():
        scaled: dict[str, Any] = {}
        if loops.k_hours and name in _SCALED:
            rule = _slow("-each * w", speed_up / 3600, loops.k_hours, loops, (0.0, 8 * w_mV))
            scaled = {"learning": rule, "third_factors": third}
        net.projection(
            name,
            populations[pre],
            populations[post],
            FromList(wiring.pairs[name]),
            weight_mV=(weights_mV or {}).get(name, w_mV),
            receptor="inhibitory" if name[0] == "I" else "excitatory",
            **scaled,
        )
    return net


def _coordinator(net: Network, excites: Population) -> Modulator:
    """1 where the network's rate is away from r0. It is there once for each neuron, as third factors are.

    A relay without leak counts the spikes of its network up to 40, and then sends one to the astrocytes. It misses
    those that arrive with the one that completes the count, about 5 (on seeds 100 to 102, within 10 %).
    """
    n, of_one = excites.size // N_E, np.arange(N_E)
    cell = DeltaLIF(tau_m_ms=1e6, v_rest_mV=0.0, v_reset_mV=0.0, v_threshold_mV=39.5)
    relay = net.population("relay", excites.size, cell)
    pairs = np.column_stack([np.repeat(of_one, N_E), np.tile(of_one, N_E)])
    net.projection("heard", excites, relay, FromList(side_by_side([pairs] * n, N_E, N_E)), weight_mV=1.0)
    expected = N_E / 45 * _C0
    sides = [
        net.astrocyte(
            name,
            [relay],
            tau_ms=_TAU_C_MS,
            per="neuron",
            weight=sign,
            initial=sign * expected,
            threshold=sign * (1 + sign * TOLERATED / 2) * expected,
        )
        for name, sign in (("above", 1.0), ("below", -1.0))
    ]
    return net.either("need", sides)


def _slow(change: str, each_s: float, k: float, loops: Loops, bounds: tuple[float, float]) -> LearningRule:
    """d/dt w = ``change`` k e, where ``each`` is ``each_s``, and k that of the coordinator where there is need."""
    coordinated = f" * (1 + {loops.k_coordinated / k - 1} * need)" if loops.k_coordinated else ""
    return LearningRule.from_equations(
        on_epoch={"w": f"{change} * (C/C0 - 1)" + coordinated},
        parameters={"each": k * each_s * _EPOCH_MS / 1000, "C0": _C0},
        bounds={"w": bounds},
        third_factors=["C", "need"] if coordinated else ["C"],
        epoch_ms=_EPOCH_MS,
    )
