r"""Neurons as integers. One spike of weight w moves V, in the first step that it acts in, by

.. math:: \Delta V(w) = w \, g (\tau_m/c_m)(1 - e^{-dt/\tau_m}), \quad g = (\tau_s/dt)(1 - e^{-dt/\tau_s})

("step_average"; "exact": w k, the propagator from current to voltage; ``DeltaLIF``: w e^{-dt/tau_m}). Lava's u and v
obey the same recursions, u = P_s u + a, v = P_m v + u, so that a = S DeltaV for a scale S of the population's own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ernsnn.graph.graph import Graph, Neurons

from ..arithmetic.integers import Cells
from ..arithmetic.limits import (
    BIAS_EXPONENT_MAX,
    BIAS_MANTISSA_MAX,
    CURRENT_MAX,
    DECAY_MAX,
    DECAY_ONE,
    STATE_SHIFT,
    THRESHOLD_MAX,
    WEIGHT_EXPONENT_MAX,
    WEIGHT_MAX,
)
from ..arithmetic.numbers import TOLERANCE, weights
from .offset_current import made_up, mantissas, steps_to
from .report import Report

HEADROOM = 4
"""The room for V below rest as a multiple of the threshold; V is clipped at as many units as the highest threshold."""
_MADE_UP = "makes up for the rounded decay of V where V settles, or when it spikes; before, V is off by as much"
_FEW = 16
"""The number of different weights of a projection up to which each is tried as the one that becomes 255."""


@dataclass(frozen=True, eq=False)
class Membrane:
    """A population in closed form: mV and steps. ``jump`` is DeltaV of a weight of 1, ``bias`` is i_offset's a step."""

    keep_v: float
    keep_u: float
    jump: float
    threshold: float
    bias: np.ndarray
    refractory: int

    @cached_property
    def dv(self) -> int:
        """The decay of V that is stored, of 4096."""
        return int(np.clip(round(DECAY_ONE * (1 - self.keep_v)), 0, DECAY_MAX))

    @property
    def stored_keep_v(self) -> float:
        """The stored factor by which V decays in a step."""
        return 1 - self.dv / DECAY_ONE

    @cached_property
    def steps(self) -> np.ndarray:
        """The time in steps, with fractions, after which the bias alone takes each neuron to the threshold.

        It is infinite where V never reaches the threshold.
        """
        return steps_to(self.threshold, self.bias, self.keep_v)

    @cached_property
    def offset(self) -> np.ndarray:
        """The bias that makes up for the decay of V that is stored, in mV a step."""
        return made_up(self.threshold, self.bias, self.keep_v, self.stored_keep_v)


@dataclass(frozen=True, eq=False)
class Input:
    """The input of a population, in mV of DeltaV.

    ``static`` has the different weights of each projection, ``plastic`` the largest weight that each can learn, and
    ``load`` is the largest sum that arrives at one neuron if all its synapses are active at once.
    """

    static: tuple[np.ndarray, ...] = ()
    plastic: tuple[float, ...] = ()
    load: float = 0.0


def single(value: float | np.ndarray) -> float:
    """The value of a parameter of a whole population. Where values differ, L206 has been reported, and any is taken."""
    return float(np.ravel(value)[0])


def closed_form(p: Neurons, graph: Graph, receptor: str) -> Membrane:
    """``receptor`` (E or I) is the one whose time constant counts: that of what arrives."""
    c = p.constants(graph.dt_ms, graph.current_integration)
    keep_v = single(c["P_m"])
    # 1 - P_m would be 0 for a membrane that leaks too slowly for floats to tell.
    gain = np.asarray(c["R"]) * -np.expm1(-graph.dt_ms / np.asarray(p.parameters["tau_m_ms"]))
    if p.kind.name == "DeltaLIF":
        keep_u, jump = 0.0, keep_v
    else:
        keep_u = single(c[f"P_{receptor}"])
        averaged = graph.current_integration == "step_average"
        jump = single(c[f"gain_{receptor}"] * gain if averaged else c[f"k_{receptor}"])
    rest = np.asarray(p.parameters["v_rest_mV"])
    return Membrane(
        keep_v=keep_v,
        keep_u=keep_u,
        jump=jump,
        # At or below rest L302 has been noted, and any will do.
        threshold=abs(single(p.parameters["v_threshold_mV"] - rest)) or 1.0,
        bias=np.broadcast_to(p.parameters["i_offset_nA"] * gain, p.size),
        refractory=int(single(c["n_ref"])),
    )


def choose_scale(m: Membrane, given: Input) -> float:
    """S, integer units of weight per mV.

    Candidates make one of the weights 255 * 2^k; where synapses learn, the largest weight that they can learn, since a
    learned weight has no bound below 255. Of those in range, with room for V below rest and for the load, the smallest
    k >= 0 is taken with which no weight, threshold or bias is off by more than one unit of the largest weight
    (TOLERANCE); among its equals, and if none is that good, the one with the smallest worst error. Where nothing
    arrives, only the range limits S.
    """
    bases = given.plastic or tuple(
        {float(w) for levels in given.static for w in (levels if len(levels) <= _FEW else levels[-1:]) if w > 0}
    )
    if not bases:
        return _largest_scale(m)
    lowest = 0 if given.plastic else -WEIGHT_EXPONENT_MAX
    grid = [
        (k, math.ldexp(WEIGHT_MAX, k) / base) for base in sorted(bases) for k in range(lowest, WEIGHT_EXPONENT_MAX + 1)
    ]
    allowed = [(k, s) for k, s in grid if _in_range(m, s) and m.threshold * s * HEADROOM <= THRESHOLD_MAX]
    allowed = allowed or [(k, s) for k, s in grid if _in_range(m, s)] or grid
    # That all synapses are active at once is unlikely: no bits are given away for it, but none are added either.
    plain = WEIGHT_MAX / max(bases) * (1 + 1e-12)
    allowed = [(k, s) for k, s in allowed if given.load * s < CURRENT_MAX or s <= plain] or allowed

    def key(candidate: tuple[int, float]) -> tuple[bool, bool, int, float]:
        k, scale = candidate
        error = _worst_error(m, given, scale)
        good = error <= TOLERANCE * (1 + 1e-12)
        return (not good, good and k < 0, abs(k) if good else 0, error)

    return min(allowed, key=key)[1]


def _largest_scale(m: Membrane) -> float:
    """The largest with room for V below rest, and there with all bits in use for the mantissa of the largest bias."""
    lowest = float(np.max(-m.offset, initial=0.0)) * DECAY_ONE / max(m.dv, 1)
    top = THRESHOLD_MAX / max(m.threshold * HEADROOM, lowest)
    largest = float(np.max(np.abs(m.offset), initial=0.0)) * 2**STATE_SHIFT
    if not largest:
        return math.floor(m.threshold * top) / m.threshold
    # One less than the largest mantissa, since it may be rounded up.
    full = (math.ldexp(BIAS_MANTISSA_MAX - 1, exponent) / largest for exponent in range(BIAS_EXPONENT_MAX, -1, -1))
    return next((scale for scale in full if scale <= top), top)


def _in_range(m: Membrane, scale: float) -> bool:
    largest = float(np.max(np.abs(m.offset), initial=0.0)) * scale * 2**STATE_SHIFT
    return m.threshold * scale <= THRESHOLD_MAX and largest <= BIAS_MANTISSA_MAX * 2**BIAS_EXPONENT_MAX


def _worst_error(m: Membrane, given: Input, scale: float) -> float:
    asked = m.threshold * scale
    errors = [abs(max(round(asked), 1) - asked) / asked]
    for levels in given.static:
        if len(levels) and levels[-1] > 0:
            stored = weights(levels * scale).stored
            errors.append(float(np.max(np.abs(stored / scale - levels))) / float(levels[-1]))
    for top in given.plastic:
        errors.append(abs(math.ldexp(WEIGHT_MAX, plastic_exponent(top * scale)) / (top * scale) - 1))
    if m.bias.any():
        mantissa, exponent = _bias(m, scale)
        wanted = m.offset * scale * 2**STATE_SHIFT
        errors.append(float(np.max(np.abs(mantissa * 2.0**exponent - wanted)) / np.max(np.abs(wanted))))
    return max(errors)


def plastic_exponent(asked: float) -> int:
    """The exponent with which 255 is nearest to ``asked``, in ratio."""
    return int(np.clip(round(math.log2(asked / WEIGHT_MAX)), 0, WEIGHT_EXPONENT_MAX))


def _bias(m: Membrane, scale: float) -> tuple[np.ndarray, int]:
    return mantissas(m.offset, scale * 2**STATE_SHIFT, m.steps, round(m.threshold * scale), m.stored_keep_v)


def quantise_cells(p: Neurons, m: Membrane, scale: float, report: Report) -> Cells:
    """The population in integers; notes every number and every one that is out of range."""
    du = int(np.clip(round(DECAY_ONE * (1 - m.keep_u)) - 1, 0, DECAY_MAX))
    never = "" if m.dv else "it never decays; a larger dt_ms decays more in a step"
    report.note("L101", f"{p.name}.tau_m_ms", "decay of V", 1 - m.keep_v, m.dv / DECAY_ONE, f"{m.dv}/4096", never)
    if p.kind.name != "DeltaLIF":
        report.note("L101", f"{p.name}.tau_syn", "decay of I", 1 - m.keep_u, (du + 1) / DECAY_ONE, f"{du + 1}/4096")
    vth = round(m.threshold * scale)
    report.note("L102", f"{p.name}.v_threshold_mV", "threshold above rest in mV", m.threshold, vth / scale, str(vth))
    mantissa, exponent = _bias(m, scale)
    unit = scale * 2**STATE_SHIFT
    if m.bias.any():
        worst = int(np.argmax(np.abs(mantissa * 2.0**exponent - m.bias * unit)))
        stored, written = float(mantissa[worst]) * 2**exponent / unit, f"{mantissa[worst]}*2^{exponent}"
        path, effect = f"{p.name}.i_offset_nA", _MADE_UP if m.dv and m.keep_v != m.stored_keep_v else ""
        report.note("L103", path, "mV a step", float(m.bias[worst]), stored, written, effect)
    if not _in_range(m, scale):
        report.add(
            "L302",
            p.name,
            f"at {scale:.4g} units per mV its threshold or offset current is out of range",
            "weights are too small beside it: use larger weights and fewer synapses, or a smaller current",
        )
    return Cells(p.name, p.size, du, m.dv, min(vth, THRESHOLD_MAX), mantissa, exponent, m.refractory)
