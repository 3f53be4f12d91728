r"""The network of Ecker et al. (2022, eLife 71850): 8,000 pyramidal cells (PC) and 150 basket cells (BC) of CA3.

Cells are adaptive exponential integrate-and-fire, in steps of .1 ms:

    C dV/dt = -g_L (V - v_rest) + g_L D exp((V - theta)/D) - w + sum over receptors of g (e_rev - V)
    tau_w dw/dt = a (V - v_rest) - w
    a spike at V >= theta + 5 D: V = v_reset, w += b, and V stays for the refractory period

A synapse has a conductance of two exponentials; a spike of weight w adds norm w to x:

    dg/dt = (x - g)/rise, dx/dt = -x/decay
    norm = 1/(exp(-t/decay) - exp(-t/rise)) at t = decay rise/(decay - rise) ln(decay/rise)

as the authors have it: g of a spike then peaks at decay/(decay - rise) w. Every PC has a mossy fibre of its own,
Poisson input of 15 Hz. Weights between PCs are learnt; see ``exploration``.

Other than published: the membrane is integrated by the exponential method of ``Neuron.from_equations``, in which the
slope of the exponential counts; a mossy spike takes one step; the counts of synapses are drawn by this package.

``scale`` s multiplies both sizes and keeps probabilities. Weights from PC and BC are 1/s times as large, so that the
mean of what a cell receives is kept; its variance is 1/s times as large. Mossy fibres stay as they are.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ernsnn.describe.connectors import FixedProbability, FromList
from ernsnn.describe.network import Network
from ernsnn.describe.neurons import Neuron
from ernsnn.errors import InvalidModel, unknown

DT_MS = 0.1
SIZES = {"PC": 8000, "BC": 150}
P_PC, P_BC = 0.1, 0.25
"""Probabilities of a synapse from a PC, which never has one to itself, and from a BC."""
MOSSY_HZ = 15.0
_UNIT = 1e-3  # uS in a nS, and nA in a pA


@dataclass(frozen=True)
class Rule:
    """How weights between PCs are learnt: additive pairs, all with all. Amplitudes and weights in nS.

    A pre spike before a post spike adds ``plus`` exp(-dt/tau), one after it ``minus`` exp(-dt/tau), within
    [0, ``most``]. In the network that replays, weights are ``factor`` times as large, and a mossy fibre has ``mossy``.
    """

    tau_ms: float
    plus: float
    minus: float
    most: float
    factor: float
    mossy: float


RULES = {
    "symmetric": Rule(tau_ms=62.5, plus=0.08, minus=0.08, most=20.0, factor=0.62, mossy=19.15),
    "asymmetric": Rule(tau_ms=20.0, plus=0.4, minus=-0.4, most=40.0, factor=1.27, mossy=21.5),
}


def _norm(rise_ms: float, decay_ms: float) -> float:
    peak = decay_ms * rise_ms / (decay_ms - rise_ms) * math.log(decay_ms / rise_ms)
    return 1.0 / (math.exp(-peak / decay_ms) - math.exp(-peak / rise_ms))


def _cells(name: str, synapses: dict[str, tuple[float, float, float]], parameters: dict[str, float]) -> type[Neuron]:
    """A kind of cell with ``synapses``: receptor -> rise and decay in ms and reversal potential in mV."""
    currents = " + ".join(f"g_{r}*(e_rev_{r}_mV - U)" for r in synapses)
    lines = [
        "U = min(V, v_spike_mV)",
        "dV/dt = (g_L_uS*(v_rest_mV - U + delta_T_mV*exp((U - v_threshold_mV)/delta_T_mV))"
        f" + {currents} - w_nA + i_offset_nA)/cm_nF",
        "dw_nA/dt = (a_uS*(U - v_rest_mV) - w_nA)/tau_w_ms",
    ]
    given: dict[str, float | str | None] = {**parameters, "v_init_mV": "v_rest_mV", "i_offset_nA": 0.0}
    for r, (rise, decay, reversal) in synapses.items():
        lines += [f"dg_{r}/dt = (x_{r} - g_{r})/rise_{r}_ms", f"dx_{r}/dt = -x_{r}/decay_{r}_ms"]
        norm = _norm(rise, decay)
        given |= {f"rise_{r}_ms": rise, f"decay_{r}_ms": decay, f"norm_{r}": norm, f"e_rev_{r}_mV": reversal}
    return Neuron.from_equations(
        name,
        "\n".join(lines),
        parameters=given,
        positive=("cm_nF", "g_L_uS", "delta_T_mV", "tau_w_ms"),
        receptors={r: f"x_{r} += norm_{r}*w" for r in synapses},
        units=dict.fromkeys(synapses, "uS"),
        threshold="V >= v_spike_mV",
        reset="V = v_reset_mV; w_nA += b_nA",
        refractory="tau_refrac_ms",
        method="exponential",
    )


def _parameters(
    g_L: float, tau_m: float, rest: float, reset: float, theta: float, refractory: float, D: float, a: float, b: float,
    tau_w: float,
) -> dict[str, float]:  # fmt: skip
    """A row of the authors' table: nS, ms, mV and pA."""
    return {
        "cm_nF": tau_m * g_L * _UNIT,
        "g_L_uS": g_L * _UNIT,
        "v_rest_mV": rest,
        "v_reset_mV": reset,
        "v_threshold_mV": theta,
        "v_spike_mV": theta + 5 * D,
        "tau_refrac_ms": refractory,
        "delta_T_mV": D,
        "a_uS": a * _UNIT,
        "b_nA": b * _UNIT,
        "tau_w_ms": tau_w,
    }


PC = _cells(
    "CA3PyramidalCell",
    {"E": (1.3, 9.5, 0.0), "M": (0.65, 5.4, 0.0), "I": (0.3, 3.3, -70.0)},
    _parameters(
        4.31475791937223, 41.7488927175169, -75.1884554193901, -29.738747396665072, -24.4255910105977,
        5.96326930945599, 4.2340696257631, -0.274347065652738, 206.841448096415, 84.9358017225512,
    ),
)  # fmt: skip
"""Pyramidal cells: receptors E (from PCs), M (mossy fibres) and I."""
BC = _cells(
    "CA3BasketCell",
    {"E": (1.0, 4.1, 0.0), "I": (0.25, 1.2, -70.0)},
    _parameters(
        7.51454086502288, 15.773412296065, -74.74167987795019, -64.99190523539687, -57.7092044103536,
        1.15622717832178, 4.58413312063091, 3.05640210724374, 0.916098931234532, 178.581099914024,
    ),
)  # fmt: skip
"""Basket cells: receptors E and I."""


def rule_of(name: str) -> Rule:
    """The rule of that name. Raises InvalidModel if there is none."""
    if name not in RULES:
        raise InvalidModel(unknown("ca3_replay: no rule", name, RULES))
    return RULES[name]


def sizes(scale: float) -> dict[str, int]:
    """The number of cells of each population. Raises InvalidModel on a scale that leaves too few."""
    found = {name: round(size * scale) for name, size in SIZES.items()} if 0 < scale < 1e3 else {"BC": 0}
    if found["BC"] < 2:
        raise InvalidModel(
            f"ca3_replay: scale must leave two basket cells: at least {2 / SIZES['BC']:.3g}, got {scale}"
        )
    return found


def build(pairs: np.ndarray, weights_nS: np.ndarray, scale: float = 0.1, rule: str = "symmetric") -> Network:
    """The network without a stimulus: populations "PC" and "BC", with the learnt synapses between PCs.

    ``pairs`` (synapses, 2) and ``weights_nS`` (synapses) as ``learnt_weights`` gives them, before the rule's factor.
    Raises InvalidModel on an unknown rule and on a scale that leaves too few cells.
    """
    of, number = rule_of(rule), sizes(scale)
    stronger = _UNIT / scale
    net = Network(name="ca3_replay", dt_ms=DT_MS)
    pc, bc = net.population("PC", number["PC"], PC()), net.population("BC", number["BC"], BC())
    net.poisson_input("mossy", pc, rate_hz=MOSSY_HZ, weight_uS=of.mossy * _UNIT, receptor="M")
    learnt = np.asarray(weights_nS) * of.factor * stronger
    net.projection("PC_to_PC", pc, pc, FromList(pairs), weight_uS=learnt, delay_ms=2.2, receptor="E")
    net.projection("PC_to_BC", pc, bc, FixedProbability(P_PC), weight_uS=0.85 * stronger, delay_ms=0.9, receptor="E")
    net.projection("BC_to_PC", bc, pc, FixedProbability(P_BC), weight_uS=0.65 * stronger, delay_ms=1.1, receptor="I")
    net.projection("BC_to_BC", bc, bc, FixedProbability(P_BC), weight_uS=5.0 * stronger, delay_ms=0.6, receptor="I")
    return net
