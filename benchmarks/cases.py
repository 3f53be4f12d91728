"""Networks that several simulators run side by side, as data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import ernsnn as ern
from ernsnn.models import microcircuit


@dataclass(frozen=True)
class Case:
    """A network of ``neurons`` for ``duration_ms``; ``build(neurons, duration_ms)`` describes it.

    ``density``: which part of all pairs of neurons has a synapse. ``small``: how many neurons have all kernels.
    ``full``: how many a network of a given size has, of which ``--scale`` takes a part.
    """

    name: str
    description: str
    neurons: int
    duration_ms: float
    workers: tuple[str, ...]
    build: Callable[[int, float], ern.Network]
    density: float = 1.0
    small: int = 20
    full: int | None = None


RATE_HZ = 10.0
TAU_M_MS, TAU_REFRAC_MS, DRIVE_MV = 20.0, 2.0, 15.0
"""Constants of the plastic cases; DRIVE_MV is the distance from rest to threshold."""

LABILE = ern.marks.Labile("a", tau_s=120, rise=0.02)
STABLE = ern.marks.Stable("m", tau_s=600, consolidated_by="P", tag="a")


def amplitudes_nA(neurons: int) -> tuple[float, float, float]:
    """A_plus, A_minus and w_max of the plastic cases."""
    return 5e-4 / neurons, 6e-4 / neurons, 2e-2 / neurons


def plastic(neurons: int, duration_ms: float, marked: bool = False) -> ern.Network:
    """All-to-all STDP between as many inputs and cells, both at about 10 Hz, with steps of 1 ms.

    The inputs are random; the cells fire by themselves, evenly spread, and weights are so small that every simulator
    and rule sees the same spikes. ``marked``: gated by a labile and a stable mark, with epochs of 1 s.
    """
    rng = np.random.default_rng(0)
    trains = [np.flatnonzero(rng.random(round(duration_ms)) < RATE_HZ / 1000.0).astype(float) for _ in range(neurons)]
    # A current that makes a free cell fire every 100 ms, and V where it is at random times between two spikes.
    charging = (1000.0 / RATE_HZ - TAU_REFRAC_MS) / TAU_M_MS
    target_mV = DRIVE_MV / -np.expm1(-charging)
    v_init = -65.0 + target_mV * -np.expm1(-charging * rng.random(neurons))
    A_plus, A_minus, w_max = amplitudes_nA(neurons)
    net = ern.Network(dt_ms=1.0, name="marked" if marked else "plastic")
    source = net.population("source", neurons, ern.SpikeTimes(trains))
    cells = net.population(
        "cells",
        neurons,
        ern.LIF(tau_m_ms=TAU_M_MS, tau_refrac_ms=TAU_REFRAC_MS, i_offset_nA=target_mV / TAU_M_MS, v_init_mV=v_init),
    )
    marks: list[ern.marks.Labile | ern.marks.Stable] = []
    third = {}
    if marked:
        third = {"P": net.astrocyte("glia", [cells], tau_ms=20_000, threshold=0.1 * RATE_HZ * neurons)}
        marks = [LABILE, STABLE]
    rule = ern.stdp.pair(A_plus=A_plus, A_minus=A_minus, w_max=w_max, marks=marks)
    net.projection("plastic", source, cells, weight_nA=ern.Uniform(0, w_max), learning=rule, third_factors=third)
    return net


def marked(neurons: int, duration_ms: float) -> ern.Network:
    """``plastic`` with marks."""
    return plastic(neurons, duration_ms, marked=True)


VOGELS_ABBOTT: dict[str, Any] = {
    "cm_nF": 0.2,
    "tau_m_ms": TAU_M_MS,
    "tau_refrac_ms": 5.0,
    "tau_syn_E_ms": 5.0,
    "tau_syn_I_ms": 10.0,
    "v_rest_mV": -60.0,
    "v_reset_mV": -60.0,
    "v_threshold_mV": -50.0,
}
REVERSALS = {"e_rev_E_mV": 0.0, "e_rev_I_mV": -80.0}
WEAK_ADAPTATION = {"delta_T_mV": 2.5, "v_spike_mV": -40.0, "a_uS": 0.001, "b_nA": 0.005, "tau_w_ms": 600.0}
V_INIT_MV = ern.Uniform(-60.0, -50.0)
CURRENTS_NA = 1.62 / 100.0, 9.0 / 100.0
"""Synapses of 1.62 and 9 mV (what V would move by if they were slow) at a resistance of 100 MOhm."""
CONDUCTANCES_US = 0.006, 0.067
CURRENTS_DRIVE_NA, CONDUCTANCES_DRIVE_NA = 0.11, 0.3
"""The first takes V to 1 mV above its threshold; the second keeps 4,000 neurons with conductances firing."""


def _vogels_abbott(
    name: str, neurons: int, cell: Any, unit: str, weights: tuple[float, float], short_term: Any = None
) -> ern.Network:
    """The network of Vogels and Abbott (2005) as in Brette et al. (2007), with 10 % connectivity and a constant drive.

    ``weights``: those of an excitatory and of an inhibitory synapse where a neuron has 80, as theirs has; here they are
    smaller as there are more. Four of five neurons excite. Static weights, delays of 1 ms, steps of .1 ms.
    """
    excitatory, share = neurons * 4 // 5, 80 / (0.1 * neurons)
    shared: dict[str, Any] = {"connector": ern.FixedProbability(0.1), "delay_ms": 1.0}
    excites, inhibits = ({f"weight_{unit}": weight * share} | shared for weight in weights)
    net = ern.Network(dt_ms=0.1, name=name)
    cells = net.population("cells", neurons, cell)
    net.projection("excites", cells[:excitatory], cells, short_term=short_term, **excites)
    net.projection("inhibits", cells[excitatory:], cells, receptor="inhibitory", **inhibits)
    return net


def sparse(neurons: int, duration_ms: float) -> ern.Network:
    """The network of ``_vogels_abbott`` with currents: benchmark 2 of Brette et al. (2007)."""
    cell = ern.LIF(**VOGELS_ABBOTT, i_offset_nA=CURRENTS_DRIVE_NA, v_init_mV=V_INIT_MV)
    return _vogels_abbott("sparse", neurons, cell, "nA", CURRENTS_NA)


def conductances(neurons: int, duration_ms: float) -> ern.Network:
    """The network of ``_vogels_abbott`` with conductances, of 6 and 67 nS: benchmark 1 of Brette et al. (2007).

    Theirs goes on by itself after 50 ms of random input; with more and weaker synapses it needs a drive. 4,000 neurons
    fire at 5 Hz, and 400, whose synapses are ten times as strong, at 35.
    """
    cell = ern.ConductanceLIF(**VOGELS_ABBOTT, **REVERSALS, i_offset_nA=CONDUCTANCES_DRIVE_NA, v_init_mV=V_INIT_MV)
    return _vogels_abbott("conductances", neurons, cell, "uS", CONDUCTANCES_US)


def adex(neurons: int, duration_ms: float) -> ern.Network:
    """``conductances`` with adaptive exponential neurons, of weak adaptation as in Destexhe (2009).

    He has the membrane and synapses of ``conductances``, but several kinds of cells, and other refractory times. 4,000
    neurons fire at 3 Hz, 400 at 23.
    """
    kind: Any = ern.AdEx
    cell = kind(**VOGELS_ABBOTT, **REVERSALS, **WEAK_ADAPTATION, i_offset_nA=CONDUCTANCES_DRIVE_NA, v_init_mV=V_INIT_MV)
    return _vogels_abbott("adex", neurons, cell, "uS", CONDUCTANCES_US)


def short_term(neurons: int, duration_ms: float) -> ern.Network:
    """``sparse`` with depressing excitatory synapses: U = .5, tau_rec = 800 ms (Tsodyks, Uziel and Markram 2000).

    Their weights are 1/U times those of ``sparse``: the first spike of a neuron transmits what it does there.
    """
    cell = ern.LIF(**VOGELS_ABBOTT, i_offset_nA=CURRENTS_DRIVE_NA, v_init_mV=V_INIT_MV)
    excites, inhibits = CURRENTS_NA
    depresses = ern.TsodyksMarkram(U=0.5, tau_rec_ms=800.0)
    return _vogels_abbott("short_term", neurons, cell, "nA", (excites / 0.5, inhibits), depresses)


FULL = int(microcircuit.SIZES.sum())


def circuit(neurons: int, duration_ms: float) -> ern.Network:
    """The cortical microcircuit of ``ernsnn.models.microcircuit`` under a constant drive, scaled to ``neurons``."""
    net: ern.Network = microcircuit.build(neurons / FULL)
    return net


CASES = {
    case.name: case
    for case in (
        Case(
            "plastic",
            "all-to-all pair STDP, both sides at 10 Hz",
            2000,
            5000.0,
            ("native", "brian2", "brian2-by-hand", "nest"),
            plastic,
        ),
        Case(
            "marked",
            "the same, gated by a labile and a stable mark",
            2000,
            5000.0,
            ("native", "brian2", "brian2-by-hand"),
            marked,
        ),
        Case(
            "sparse",
            "Vogels-Abbott network of current-based synapses, 10 % connectivity",
            4000,
            1000.0,
            ("native", "brian2", "brian2-by-hand", "nest"),
            sparse,
            density=0.1,
        ),
        Case(
            "conductances",
            "Vogels-Abbott network of conductances, 10 % connectivity",
            4000,
            1000.0,
            ("native", "brian2", "brian2-by-hand", "nest"),
            conductances,
            density=0.1,
        ),
        Case(
            "adex",
            "Vogels-Abbott network of adaptive exponential neurons, 10 % connectivity",
            4000,
            1000.0,
            ("native", "brian2", "brian2-by-hand", "nest"),
            adex,
            density=0.1,
        ),
        Case(
            "short_term",
            "Vogels-Abbott network of currents, excitatory synapses depress, 10 % connectivity",
            4000,
            1000.0,
            ("native", "brian2", "brian2-by-hand", "nest"),
            short_term,
            density=0.1,
        ),
        Case(
            "microcircuit",
            "cortical microcircuit of Potjans and Diesmann, constant drive",
            FULL // 10,
            1000.0,
            ("native", "brian2-by-hand", "nest"),
            circuit,
            density=0.05,
            small=250,
            full=FULL,
        ),
    )
}
