"""Stage 2 of the step: neurons of one kind in one kernel, in float64 whatever the precision of the synapses."""

from __future__ import annotations

import functools
from typing import Literal, NamedTuple

import numpy as np

from .exponential import exponential
from .kernels.jit import Kernel, compiled

TINY = 1e-300  # what has decayed below is set to 0: numbers near the smallest there is take a hundred times as long

_Numbers = np.ndarray | float
"""One for each neuron, or one for all."""

STATE = ("V", "I_E", "I_I", "theta")
"""``I_E`` and ``I_I`` are what is let in by synapses: currents, or conductances."""
OWN = ("v_threshold", "i_offset", "v_reset", "n_ref", "theta_increment")
"""Constants that are read one by one: what rules of learning change, and what only neurons that spike need."""
V_THRESHOLD, I_OFFSET, V_RESET, N_REF, THETA_INCREMENT = range(len(OWN))


class Shared(NamedTuple):
    """The constants of loops over neurons: numbers where all have the same, arrays where they differ."""

    v_rest: _Numbers
    v_min: _Numbers
    P_m: _Numbers
    R: _Numbers
    k_E: _Numbers
    k_I: _Numbers
    k_c: _Numbers
    g_E: _Numbers
    g_I: _Numbers
    P_E: _Numbers
    P_I: _Numbers
    noise: _Numbers
    P_theta: _Numbers
    e_rev_E: _Numbers
    e_rev_I: _Numbers
    mean_E: _Numbers
    mean_I: _Numbers
    g_leak: _Numbers
    dt_cm: _Numbers


CONSTANTS = (*OWN, *Shared._fields)


class Membranes(NamedTuple):
    """All neurons of the network: ``state`` (names of ``STATE``, n) and ``constants`` (names of ``CONSTANTS``, n).

    Constants are parameters and propagators (``graph.constants.membrane``). ``countdown``:
    refractory steps left, in 32 bits, since those of 64 halve the speed of the loops that read them. ``flags`` say
    what was found in this step.
    """

    state: np.ndarray
    countdown: np.ndarray
    constants: np.ndarray
    flags: np.ndarray

    def of(self, name: str) -> np.ndarray:
        """The numbers of that name, one a neuron."""
        return np.asarray(self.state[STATE.index(name)] if name in STATE else self.constants[CONSTANTS.index(name)])


ACTIVE, SPIKES = 1, 2
"""What ``Membranes.flags`` say of a neuron in this step: it is not refractory; it is not, and spikes."""
_LOOKED_AT = 64
"""So many flags are looked at together, as few neurons spike."""


@compiled
def at(values: _Numbers, i: int) -> float:
    """What neuron ``i`` has: one of an array, or the number that all have."""
    if isinstance(values, float):
        return values
    return float(values[i])


# LLVM vectorises each of the loops below, which it does not do with one loop over all of their arrays.


@compiled
def _take(I: np.ndarray, arriving: np.ndarray, P: _Numbers, g: _Numbers) -> None:
    """Synaptic currents decay, and take what arrives, which is emptied."""
    for i in range(len(I)):
        value = I[i] * at(P, i) + arriving[i] * at(g, i)
        I[i] = value if abs(value) > TINY else 0.0
        arriving[i] = 0.0


@compiled
def _decay(I: np.ndarray, P: _Numbers) -> None:
    """Synaptic currents decay."""
    for i in range(len(I)):
        value = I[i] * at(P, i)
        I[i] = value if abs(value) > TINY else 0.0


@compiled
def _averaged(
    V: np.ndarray,
    I_E: np.ndarray,
    I_I: np.ndarray,
    i_offset: np.ndarray,
    shift: _Numbers,
    normal: _Numbers,
    countdown: np.ndarray,
    k: Shared,
) -> None:
    """V under "step_average"."""
    for i in range(len(V)):
        current = I_E[i] - I_I[i] + (i_offset[i] + at(shift, i))
        aim = current * at(k.R, i) + at(k.v_rest, i)
        moved = aim - at(k.P_m, i) * (aim - V[i])
        moved = max(moved + at(k.noise, i) * at(normal, i), at(k.v_min, i))
        V[i] = moved if countdown[i] <= 0 else V[i]


@compiled
def _averaged_conductance(
    V: np.ndarray,
    I_E: np.ndarray,
    I_I: np.ndarray,
    i_offset: np.ndarray,
    shift: _Numbers,
    normal: _Numbers,
    countdown: np.ndarray,
    k: Shared,
) -> None:
    """V under "step_average", of conductances."""
    for i in range(len(V)):
        synaptic = I_E[i] * (at(k.e_rev_E, i) - V[i]) + I_I[i] * (at(k.e_rev_I, i) - V[i])
        aim = (synaptic + (i_offset[i] + at(shift, i))) * at(k.R, i) + at(k.v_rest, i)
        moved = aim - at(k.P_m, i) * (aim - V[i])
        moved = max(moved + at(k.noise, i) * at(normal, i), at(k.v_min, i))
        V[i] = moved if countdown[i] <= 0 else V[i]


@compiled
def _exact(
    V: np.ndarray,
    I_E: np.ndarray,
    I_I: np.ndarray,
    i_offset: np.ndarray,
    shift: _Numbers,
    normal: _Numbers,
    countdown: np.ndarray,
    k: Shared,
) -> None:
    """V under "exact"."""
    for i in range(len(V)):
        moved = at(k.v_rest, i) + at(k.P_m, i) * (V[i] - at(k.v_rest, i))
        moved = moved + at(k.k_E, i) * I_E[i] - at(k.k_I, i) * I_I[i] + (i_offset[i] + at(shift, i)) * at(k.k_c, i)
        moved = max(moved + at(k.noise, i) * at(normal, i), at(k.v_min, i))
        V[i] = moved if countdown[i] <= 0 else V[i]


@compiled
def _delta(
    V: np.ndarray,
    I_E: np.ndarray,
    I_I: np.ndarray,
    i_offset: np.ndarray,
    shift: _Numbers,
    normal: _Numbers,
    countdown: np.ndarray,
    k: Shared,
) -> None:
    """V under "exact", without synaptic currents."""
    for i in range(len(V)):
        moved = at(k.v_rest, i) + at(k.P_m, i) * (V[i] - at(k.v_rest, i))
        moved = moved + (i_offset[i] + at(shift, i)) * at(k.k_c, i)
        moved = max(moved + at(k.noise, i) * at(normal, i), at(k.v_min, i))
        V[i] = moved if countdown[i] <= 0 else V[i]


@compiled
def _exact_conductance(
    V: np.ndarray,
    I_E: np.ndarray,
    I_I: np.ndarray,
    i_offset: np.ndarray,
    shift: _Numbers,
    normal: _Numbers,
    countdown: np.ndarray,
    k: Shared,
) -> None:
    """V under "exact", of conductances."""
    for i in range(len(V)):
        g_E, g_I, leak = I_E[i] * at(k.mean_E, i), I_I[i] * at(k.mean_I, i), at(k.g_leak, i)
        G, pulls = leak + g_E + g_I, leak * at(k.v_rest, i) + g_E * at(k.e_rev_E, i) + g_I * at(k.e_rev_I, i)
        aim = (pulls + (i_offset[i] + at(shift, i))) / G
        moved = aim + (V[i] - aim) * exponential(-G * at(k.dt_cm, i))
        moved = max(moved + at(k.noise, i) * at(normal, i), at(k.v_min, i))
        V[i] = moved if countdown[i] <= 0 else V[i]


@compiled
def _thresholds(
    V: np.ndarray,
    theta: np.ndarray,
    v_threshold: np.ndarray,
    shift: _Numbers,
    countdown: np.ndarray,
    flags: np.ndarray,
    P_theta: _Numbers,
) -> int:
    """Moving thresholds decay, refractory neurons count down; sets ``flags``, and returns how many neurons spike."""
    n = 0
    for i in range(len(V)):
        moving = theta[i] * at(P_theta, i)
        active = countdown[i] <= 0
        spikes = active & (v_threshold[i] + at(shift, i) + moving <= V[i])
        theta[i] = moving
        countdown[i] = max(countdown[i] - 1, 0)
        flags[i] = active + spikes
        n += spikes
    return n


@compiled
def _fire(m: Membranes, a: int, flags: np.ndarray, spiking: np.ndarray) -> None:
    """The neurons from ``a`` on that spike start anew."""
    V, theta, countdown, n = m.state[0], m.state[3], m.countdown, 0
    for first in range(0, len(flags), _LOOKED_AT):
        some = flags[first : first + _LOOKED_AT]
        seen = np.int8(0)
        for i in range(len(some)):
            seen |= some[i]
        if seen < SPIKES:
            continue
        for i in range(len(some)):
            if some[i] == SPIKES:
                j = a + first + i
                V[j] = m.constants[V_RESET, j]
                countdown[j] = np.int32(m.constants[N_REF, j])
                theta[j] += m.constants[THETA_INCREMENT, j]
                spiking[n] = j
                n += 1


@compiled
def _jump(
    V: np.ndarray, arriving_E: np.ndarray, arriving_I: np.ndarray, flags: np.ndarray, countdown: np.ndarray, k: Shared
) -> None:
    """What arrives moves V, but of neurons that are refractory, and is emptied."""
    for i in range(len(V)):
        if flags[i] == ACTIVE or (flags[i] == SPIKES and countdown[i] == 0):
            V[i] = max(V[i] + (arriving_E[i] - arriving_I[i]), at(k.v_min, i))
        arriving_E[i] = 0.0
        arriving_I[i] = 0.0


Kind = Literal["exact", "averaged", "delta", "exact conductance", "averaged conductance"]
_MOVES: dict[Kind, Kernel] = {
    "exact": _exact,
    "averaged": _averaged,
    "delta": _delta,
    "exact conductance": _exact_conductance,
    "averaged conductance": _averaged_conductance,
}


@functools.cache
def advance(kind: Kind, alike: bool, plain: bool) -> Kernel:
    """The kernel that advances neurons of one kind by a step, and is compiled for that kind alone.

    ``alike``: all neurons of a run have equal constants, but for those of ``OWN``; ``plain``: ``shift`` and ``normal``
    are 0, and not looked at.
    """
    move, averaged, delta = _MOVES[kind], kind.startswith("averaged"), kind == "delta"

    def advance(
        m: Membranes,
        runs: np.ndarray,
        ring: np.ndarray,
        shift: np.ndarray,
        normal: np.ndarray,
        spiking: np.ndarray,
        bounds: np.ndarray,
        cuts: np.ndarray,
        slot: int,
    ) -> int:
        """One step; returns how many neurons spike, which are then first in ``spiking``.

        Neurons ``runs[k, 0]`` to ``runs[k, 1]`` (exclusive) are computed together. ``ring[slot]`` (2, n) holds what
        arrives at each receptor, and is emptied; ``shift`` (2, n) is added to the offset current and to the threshold;
        ``normal`` are the random numbers of noisy membranes. The spikes of the population
        from neuron ``bounds[k]`` to ``bounds[k + 1]`` are those from ``cuts[k]`` to ``cuts[k + 1]``.
        """
        n_spiking = 0
        for r in range(len(runs)):
            a, b = runs[r, 0], runs[r, 1]
            V, I_E, I_I, theta = m.state[0, a:b], m.state[1, a:b], m.state[2, a:b], m.state[3, a:b]
            arriving_E, arriving_I = ring[slot, 0, a:b], ring[slot, 1, a:b]
            v_threshold, i_offset = m.constants[V_THRESHOLD, a:b], m.constants[I_OFFSET, a:b]
            countdown, flag = m.countdown[a:b], m.flags[a:b]
            more, higher = (0.0, 0.0) if plain else (shift[0, a:b], shift[1, a:b])
            random = 0.0 if plain else normal[a:b]
            c, them = m.constants, a if alike else slice(a, b)
            k = Shared(
                *(c[5, them], c[6, them], c[7, them], c[8, them], c[9, them], c[10, them], c[11, them]),
                *(c[12, them], c[13, them], c[14, them], c[15, them], c[16, them], c[17, them], c[18, them]),
                *(c[19, them], c[20, them], c[21, them], c[22, them], c[23, them]),
            )
            if averaged:
                _take(I_E, arriving_E, 1.0, k.g_E)
                _take(I_I, arriving_I, 1.0, k.g_I)
            move(V, I_E, I_I, i_offset, more, random, countdown, k)
            n = _thresholds(V, theta, v_threshold, higher, countdown, flag, k.P_theta)
            if n:
                _fire(m, a, flag, spiking[n_spiking:])
                n_spiking += n
            if delta:
                _jump(V, arriving_E, arriving_I, flag, countdown, k)
            elif averaged:
                _decay(I_E, k.P_E)
                _decay(I_I, k.P_I)
            else:
                _take(I_E, arriving_E, k.P_E, k.g_E)
                _take(I_I, arriving_I, k.P_I, k.g_I)
        n = 0
        for population in range(len(bounds)):
            while n < n_spiking and spiking[n] < bounds[population]:
                n += 1
            cuts[population] = n
        return n_spiking

    return Kernel(advance, f"{kind} {alike} {plain}")
