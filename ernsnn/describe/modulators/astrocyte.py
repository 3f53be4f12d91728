"""Leaky astrocytes."""

from __future__ import annotations

from dataclasses import dataclass

from ernsnn.describe.arguments import checked
from ernsnn.describe.kinds import Parameter, positive, state
from ernsnn.describe.modulators.domain import Listener
from ernsnn.describe.modulators.kind import ModulatorKind, statements
from ernsnn.describe.parametrised import later


@checked
@dataclass(frozen=True, eq=False, kw_only=True)
class Astrocyte(Listener):
    r"""Leaky astrocytes: C decays towards ``bias`` and then adds a weight per spike of its domain in the same step.

    .. math:: C(t) = bias + (C(t-1) - bias) e^{-dt/\tau} + \sum_k weight_k \cdot n_k(t), \qquad C(-1) = initial

    n_k are the spikes of member k of ``listens_to``; ``weight`` is one number for all members, or one a member, of
    either sign. ``initial`` is ``bias`` unless given. ``per="domain"``: one astrocyte hears every neuron of
    ``listens_to``; ``per="neuron"``: astrocyte i hears neuron i of every member, all of one size. As a third factor it
    gives C itself, or, with a threshold, 1 where C >= threshold and 0 elsewhere; with ``threshold_off`` < threshold an
    open gate stays open while C >= threshold_off (hysteresis). It acts in the step of the spikes that it hears, before
    plasticity.

    The astrocyte of NALSM (Ivanov and Michmizos 2021, NeurIPS 34), A += (w (liquid - input) + b - A)/tau once a ms with
    w = .015 (at 1000 neurons), b = A(0) = .15 and tau = 100 ms, is the Euler step of this one with
    ``listens_to=[liquid, inputs]``, ``weight=[w/tau*dt, -w/tau*dt]``, ``bias=.15``. There A is the depression rate of
    STDP, hence a third factor D in the rule: ``on_pre={"w": "-A_minus*y*D"}``, with A_minus = 1 for D itself.
    """

    kind = later(
        lambda: ModulatorKind(
            "Astrocyte",
            parameters=(*positive("tau_ms"), Parameter("bias"), Parameter("initial", follows="bias")),
            states=(state("C", "initial", "C"),),
            # A time constant far below dt is taken as one of 1e-9 dt, so that dt/tau does not overflow.
            constants=statements("P = exp(-dt/max(tau_ms, 1e-9*dt))"),
            before=statements("C = bias + (C - bias)*P"),
            heard=statements("C = C + weight*heard"),
        )
    )

    tau_ms: float
    bias: float = 0.0
    initial: float | None = None
