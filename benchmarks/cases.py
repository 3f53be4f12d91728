"""Networks that several simulators run side by side, as data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

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


def sparse(neurons: int, duration_ms: float) -> ern.Network:
    """The network of Vogels and Abbott (2005), current-based as in Brette et al. (2007), with 10 % connectivity.

    Their synapses are of 1.62 and 9 mV (what V would move by if they were slow) at 80 a neuron; here these are smaller
    as they are more. Four of five neurons excite. Static weights, delays of 1 ms, steps of .1 ms.
    """
    excitatory, R_MOhm, share = neurons * 4 // 5, 100.0, 80 / (0.1 * neurons)
    net = ern.Network(dt_ms=0.1, name="sparse")
    cells = net.population(
        "cells",
        neurons,
        ern.LIF(
            cm_nF=TAU_M_MS / R_MOhm,
            tau_m_ms=TAU_M_MS,
            tau_refrac_ms=5.0,
            tau_syn_E_ms=5.0,
            tau_syn_I_ms=10.0,
            v_rest_mV=-60.0,
            v_reset_mV=-60.0,
            i_offset_nA=11.0 / R_MOhm,
            v_init_mV=ern.Uniform(-60.0, -50.0),
        ),
    )
    excites, inhibits = (volts * share / R_MOhm for volts in (1.62, 9.0))
    some = ern.FixedProbability(0.1)
    net.projection("excites", cells[:excitatory], cells, some, weight_nA=excites, delay_ms=1.0)
    net.projection("inhibits", cells[excitatory:], cells, some, weight_nA=inhibits, delay_ms=1.0, receptor="inhibitory")
    return net


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
