"""All steps of a batch of runs of LIF neurons, and the adjoint of these steps (reverse-mode differentiation by hand).

Names of arrays: b a run, t a step, n a neuron; neurons of all populations lie one after the other, and so do senders:
sources first, then neurons. A stretch of synapses has one sender, neighbouring targets, one delay and one receptor.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from .compiled import compiled, inlined

Array = Any  # of numbers of either precision


class Constants(NamedTuple):
    """One number a neuron each. ``drive`` is (runs or 1, steps or 1, neurons), the offset with injected currents.

    Of the exact scheme ``gain_E`` and ``gain_I`` are k_E and k_I, ``gain_c`` is k_c; of the averaged one they are
    gain_E, gain_I and R.
    """

    P_m: Array
    v_rest: Array
    v_reset: Array
    threshold: Array
    P_E: Array
    P_I: Array
    gain_E: Array
    gain_I: Array
    gain_c: Array
    drive: Array
    v_init: Array
    n_ref: Array


class Stretches(NamedTuple):
    """Stretches of synapses by owner: those of o are ``starts[o]`` to ``starts[o + 1]`` (exclusive).

    Stretch s connects its owner with ``length[s]`` neurons from ``first[s]`` on; the weights lie from ``weight[s]`` on.
    """

    starts: Array
    first: Array
    length: Array
    delay: Array
    receptor: Array
    weight: Array


class Course(NamedTuple):
    """What happened: V and currents before each step (b, t, n), the margin, whether a neuron spiked or was free.

    ``arrived`` is (b, t, receptor, n), longer than the run by the longest delay.
    """

    V: Array
    I_E: Array
    I_I: Array
    margin: Array
    spiked: Array
    active: Array
    arrived: Array


class Adjoints(NamedTuple):
    """Derivatives of the loss by constants (b, n), and by what arrives (t, receptor, n), made anew for each run.

    ``of_spikes`` and ``of_V`` are given, (b, t, n); the former is added to. ``nothing`` is a 0 of their precision.
    """

    P_m: Array
    v_rest: Array
    v_reset: Array
    threshold: Array
    P_E: Array
    P_I: Array
    gain_E: Array
    gain_I: Array
    gain_c: Array
    drive: Array
    v_init: Array
    of_spikes: Array
    of_V: Array
    arriving: Array
    V: Array
    I_E: Array
    I_I: Array
    nothing: Array


# Loops run over rows of arrays, and choose rather than branch, so that they become vector instructions.


@inlined
def add_times(target: Array, factor: Any, values: Array) -> None:
    """Add ``factor * values`` to ``target``."""
    for j in range(len(values)):
        target[j] += factor * values[j]


@compiled
def forward(
    c: Constants, s: Stretches, weights: Array, given: Array, course: Course, countdown: Array, averaged: int
) -> None:
    """Compute ``course`` from the spikes of the sources ``given`` (b, t, source)."""
    runs, steps, size = course.margin.shape
    n_given = given.shape[2]
    for b in range(runs):
        for n in range(size):
            countdown[n] = 0
            course.V[b, 0, n] = c.v_init[n]
            course.I_E[b, 0, n] = 0
            course.I_I[b, 0, n] = 0
        for t in range(steps):
            drive = c.drive[min(b, c.drive.shape[0] - 1), min(t, c.drive.shape[1] - 1)]
            in_E, in_I = course.arrived[b, t, 0], course.arrived[b, t, 1]
            now_V, now_E, now_I = course.V[b, t], course.I_E[b, t], course.I_I[b, t]
            next_V, next_E, next_I = course.V[b, t + 1], course.I_E[b, t + 1], course.I_I[b, t + 1]
            margins, spiked, free = course.margin[b, t], course.spiked[b, t], course.active[b, t]
            if averaged:
                for n in range(size):
                    I_E = now_E[n] + in_E[n] * c.gain_E[n]
                    I_I = now_I[n] + in_I[n] * c.gain_I[n]
                    aim = (I_E - I_I + drive[n]) * c.gain_c[n] + c.v_rest[n]
                    next_V[n] = aim - c.P_m[n] * (aim - now_V[n])
                    next_E[n] = I_E * c.P_E[n]
                    next_I[n] = I_I * c.P_I[n]
            else:
                for n in range(size):
                    moved = c.v_rest[n] + c.P_m[n] * (now_V[n] - c.v_rest[n])
                    moved = moved + c.gain_E[n] * now_E[n] - c.gain_I[n] * now_I[n]
                    next_V[n] = moved + drive[n] * c.gain_c[n]
                    next_E[n] = now_E[n] * c.P_E[n] + in_E[n]
                    next_I[n] = now_I[n] * c.P_I[n] + in_I[n]
            for n in range(size):
                active = countdown[n] <= 0
                V = next_V[n] if active else now_V[n]
                margins[n] = V - c.threshold[n]
                spikes = active and margins[n] >= 0
                free[n], spiked[n] = active, spikes
                next_V[n] = c.v_reset[n] if spikes else V
                countdown[n] = c.n_ref[n] if spikes else countdown[n] - (not active)
            for sender in range(n_given + size):
                times = given[b, t, sender] if sender < n_given else spiked[sender - n_given]
                if times != 0:
                    for k in range(s.starts[sender], s.starts[sender + 1]):
                        target = course.arrived[b, t + s.delay[k], s.receptor[k]]
                        first, weight, length = s.first[k], s.weight[k], s.length[k]
                        add_times(target[first : first + length], times, weights[weight : weight + length])


@compiled
def backward(
    c: Constants,
    s: Stretches,
    back: Stretches,
    weights_back: Array,
    given: Array,
    course: Course,
    slope: Array,
    a: Adjoints,
    of_weights: Array,
    averaged: int,
) -> None:
    """Compute the adjoints, from the last step to the first.

    ``slope`` (b, t, n) is the derivative of a spike by its margin. ``back`` are the synapses between neurons by what
    receives, and ``weights_back`` their weights in that order.
    """
    runs, steps, size = course.margin.shape
    n_given = given.shape[2]
    for b in range(runs):
        a.arriving[:] = 0
        a.V[:] = 0
        a.I_E[:] = 0
        a.I_I[:] = 0
        for t in range(steps - 1, -1, -1):
            of_spikes, spiked = a.of_spikes[b, t], course.spiked[b, t]
            for n in range(size):
                for k in range(back.starts[n], back.starts[n + 1]):
                    arriving = a.arriving[t + back.delay[k], back.receptor[k], n]
                    if arriving != 0:
                        first, weight, length = back.first[k], back.weight[k], back.length[k]
                        add_times(of_spikes[first : first + length], arriving, weights_back[weight : weight + length])
            for sender in range(n_given + size):
                times = given[b, t, sender] if sender < n_given else spiked[sender - n_given]
                if times != 0:
                    for k in range(s.starts[sender], s.starts[sender + 1]):
                        arrivals = a.arriving[t + s.delay[k], s.receptor[k]]
                        first, weight, length = s.first[k], s.weight[k], s.length[k]
                        add_times(of_weights[weight : weight + length], times, arrivals[first : first + length])
            drive = c.drive[min(b, c.drive.shape[0] - 1), min(t, c.drive.shape[1] - 1)]
            in_E, in_I = course.arrived[b, t, 0], course.arrived[b, t, 1]
            Vs, Es, Is = course.V[b, t], course.I_E[b, t], course.I_I[b, t]
            free, slopes, given_V = course.active[b, t], slope[b, t], a.of_V[b, t]
            P_m, v_rest, v_reset, threshold = a.P_m[b], a.v_rest[b], a.v_reset[b], a.threshold[b]
            P_E, P_I, gain_E, gain_I, gain_c = a.P_E[b], a.P_I[b], a.gain_E[b], a.gain_I[b], a.gain_c[b]
            of_drive, to_E, to_I, nothing = a.drive[b], a.arriving[t, 0], a.arriving[t, 1], a.nothing[0]
            for n in range(size):
                of_V = a.V[n] + given_V[n]
                v_reset[n] += of_V if spiked[n] != 0 else nothing
                of_V = nothing if spiked[n] != 0 else of_V
                of_margin = of_spikes[n] * slopes[n] if free[n] else nothing
                threshold[n] -= of_margin
                of_V += of_margin
                moved = of_V if free[n] else nothing  # the derivative by V as the membrane moves it
                a.V[n] = of_V if free[n] == 0 else of_V * c.P_m[n]
                of_E, of_I = a.I_E[n], a.I_I[n]
                if averaged:
                    I_E = Es[n] + in_E[n] * c.gain_E[n]
                    I_I = Is[n] + in_I[n] * c.gain_I[n]
                    P_E[n] += of_E * I_E
                    P_I[n] += of_I * I_I
                    current = I_E - I_I + drive[n]
                    of_aim = moved - moved * c.P_m[n]
                    P_m[n] -= moved * (current * c.gain_c[n] + c.v_rest[n] - Vs[n])
                    gain_c[n] += of_aim * current
                    v_rest[n] += of_aim
                    of_drive[n] += of_aim * c.gain_c[n]
                    of_E = of_E * c.P_E[n] + of_aim * c.gain_c[n]
                    of_I = of_I * c.P_I[n] - of_aim * c.gain_c[n]
                    gain_E[n] += of_E * in_E[n]
                    gain_I[n] += of_I * in_I[n]
                    to_E[n] = of_E * c.gain_E[n]
                    to_I[n] = of_I * c.gain_I[n]
                else:
                    to_E[n] = of_E
                    to_I[n] = of_I
                    P_E[n] += of_E * Es[n]
                    P_I[n] += of_I * Is[n]
                    P_m[n] += moved * (Vs[n] - c.v_rest[n])
                    v_rest[n] += moved - moved * c.P_m[n]
                    gain_E[n] += moved * Es[n]
                    gain_I[n] -= moved * Is[n]
                    gain_c[n] += moved * drive[n]
                    of_drive[n] += moved * c.gain_c[n]
                    of_E = of_E * c.P_E[n] + moved * c.gain_E[n]
                    of_I = of_I * c.P_I[n] - moved * c.gain_I[n]
                a.I_E[n], a.I_I[n] = of_E, of_I
        for n in range(size):
            a.v_init[b, n] = a.V[n]
