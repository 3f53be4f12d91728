"""Predicted effects of rounding on a neuron: the peak of one postsynaptic potential, and the time of one spike."""

from __future__ import annotations

import math

import numpy as np

from ernsnn.describe.learning import Term
from ernsnn.graph.graph import Learning

from ..arithmetic.integers import Cells
from ..arithmetic.limits import DECAY_ONE, STATE_SHIFT
from ..arithmetic.numbers import weights
from .neurons import Input, Membrane
from .report import EXACT, Report

LONGEST = 5000
"""The number of steps that are computed."""


def peak(keep_u: float, keep_v: float, jump: float) -> float:
    """The highest V after one arrival that moves V by ``jump`` in its first step: u = P_s u, v = P_m v + u."""
    u, v, highest = jump, jump, jump
    for _ in range(LONGEST):
        u *= keep_u
        v = keep_v * v + u
        if v < highest:
            break
        highest = v
    return highest


def stored_peak(cells: Cells, arriving: int) -> float:
    """``peak`` in integers, in weight units."""
    u: int = arriving << STATE_SHIFT
    v = highest = u
    for _ in range(LONGEST):
        u = (u * (DECAY_ONE - cells.du - 1)) >> 12
        v = ((v * (DECAY_ONE - cells.dv)) >> 12) + u
        if v < highest:
            break
        highest = v
    return math.ldexp(highest, -STATE_SHIFT)


def first_spike(keep_v: float, drive: float, threshold: float) -> int:
    """The step of the first spike under a constant ``drive`` a step."""
    v = 0.0
    for step in range(LONGEST):
        v = keep_v * v + drive
        if v >= threshold:
            return step
    return LONGEST


def stored_first_spike(cells: Cells, drive: int) -> int:
    """``first_spike`` in integers; ``drive`` in units of v."""
    v = 0
    for step in range(LONGEST):
        v = ((v * (DECAY_ONE - cells.dv)) >> 12) + drive
        if v > cells.vth << STATE_SHIFT:
            return step
    return LONGEST


def largest_change(term: Term, learning: Learning) -> float:
    """The most that a term changes with one spike in each trace, third factors of 1, and variables at their bounds."""
    ranges = {t.name: (0.0, t.trace.increment) for t in learning.traces}
    ranges |= {v.name: (v.low, v.high) for v in learning.variables}
    factors = [(f, ranges.get(f.variable, (0.0, 1.0))) for f in term.factors]
    most = [max(abs(f.offset + f.scale * end) for end in ends) ** f.power for f, ends in factors]
    return abs(term.coefficient) * math.prod(most)


def late(cells: Cells) -> float:
    """The largest distance of V from its threshold, in weight units, by truncation.

    u and v lose less than one in their lowest bit to truncation in every step, and V has to be above the threshold.
    """
    gone_u, gone_v = (cells.du + 1) / DECAY_ONE, cells.dv / DECAY_ONE
    in_u = 1 / gone_u if gone_u < 1 else 0.0
    in_v = (in_u + (gone_v > 0)) / max(gone_v, 1 / LONGEST)
    return math.ldexp(in_v + 1, -STATE_SHIFT)


def predict(name: str, m: Membrane, cells: Cells, scale: float, given: Input, report: Report) -> None:
    """Report the potential of the largest weight, the loss by truncation, and a first spike."""
    largest = max((float(levels[-1]) for levels in given.static if len(levels)), default=0.0)
    largest = max(largest, *given.plastic, 0.0)
    if largest:
        asked = peak(m.keep_u, m.keep_v, largest)
        held = weights(np.array([largest * scale]))
        stored = stored_peak(cells, int(held.stored[0])) / scale
        if abs(stored / asked - 1) > EXACT:
            report.note("L114", name, "peak in mV of one potential of the largest weight", asked, stored, "integers")
    units = late(cells)
    meets = "threshold in mV as a V that is truncated in every step meets it, at worst"
    report.note("L116", name, meets, m.threshold, m.threshold + units / scale, f"{cells.vth}+{units:.2g}")
    drive = 2 * m.threshold * (1 - m.keep_v)
    asked_step = first_spike(m.keep_v, drive, m.threshold)
    held_step = stored_first_spike(cells, math.floor(drive * scale * 2**STATE_SHIFT + 0.5))
    if asked_step != held_step:
        report.add(
            "L114",
            name,
            f"driven towards twice its threshold it fires {held_step - asked_step:+d} steps from step {asked_step}",
            error=(held_step - asked_step) / max(asked_step, 1),
        )
