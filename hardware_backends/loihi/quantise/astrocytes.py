"""Astrocytes as leaky integrators of whole numbers, which send third factors."""

from __future__ import annotations

import math

from ernsnn.graph.astrocytes import Leaky
from ernsnn.graph.constants import decay
from ernsnn.graph.graph import Graph

from ..arithmetic.integers import Astrocyte
from ..arithmetic.limits import DECAY_MAX, DECAY_ONE
from .learning import impulse
from .report import Report

GAIN_BITS = 14
"""A spike adds 2^GAIN_BITS, so that truncated decays lose little of it, and 23 bits hold 512 spikes."""
LEVEL = 64
"""The value that an open gate sends, half of the range of a 7-bit trace."""


def leaky(graph: Graph) -> list[Leaky]:
    """The third factors of the one kind that there is."""
    return [m for m in graph.modulators if isinstance(m, Leaky)]


def convertible(m: Leaky) -> str:
    """The reason why this third factor cannot be sent; empty if it can."""
    reasons = {
        "is one a unit; only one for all can be sent": m.size > 1,
        "weighs its members differently": len(set(m.weights)) > 1,
        "has weights <= 0": min(m.weights, default=1.0) <= 0,
        "rests or starts at another value than 0": bool(m.bias or m.initial),
    }
    return "; ".join(reason for reason, so in reasons.items() if so)


def quantise_astrocytes(graph: Graph, report: Report) -> tuple[tuple[Astrocyte, ...], dict[str, tuple[str, float]]]:
    """(the astrocytes, modulator -> (its sender, the value of one unit that is sent))."""
    made: list[Astrocyte] = []
    sent: dict[str, tuple[str, float]] = {}
    for m in leaky(graph):
        reason = convertible(m)
        if reason:
            report.add("L210", m.name, reason, "run it on reference or brian2")
            continue
        unit = max(m.weights, default=1.0)  # they are equal, and none where all that it hears is out of reach
        lost = 1 - float(decay(m.tau_ms, graph.dt_ms))
        held = min(round(DECAY_ONE * lost), DECAY_MAX)
        report.note("L111", f"{m.name}.tau_ms", "decay of C", lost, held / DECAY_ONE, f"{held}/4096")

        def level(value: float | None, unit: float = unit) -> int | None:
            return None if value is None else math.ceil(value / unit * 2**GAIN_BITS)

        one = impulse(m.tau_ms, sum(member.stop - member.start for member in m.members))
        if m.threshold is None:
            message = f"C is sent as whole numbers of {unit / one:.3g}, up to {127 * unit / one:.3g}"
            report.add("L111", m.name, message, error=1 / 127)
        made.append(
            Astrocyte(
                name=m.name,
                decay=held,
                gain=2**GAIN_BITS,
                threshold=level(m.threshold),
                threshold_off=level(m.threshold_off),
                level=LEVEL,
                shift=GAIN_BITS - int(math.log2(one)),
                members=tuple((k.population, k.start, k.stop) for k in m.members),
            )
        )
        sent[m.name] = m.name, (unit / one if m.threshold is None else 1 / LEVEL)
    return tuple(made), sent
