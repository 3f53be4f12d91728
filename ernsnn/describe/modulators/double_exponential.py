"""Astrocytes whose calcium rises and decays."""

from __future__ import annotations

from dataclasses import dataclass

from ernsnn.describe.arguments import checked
from ernsnn.describe.kinds import positive, required, state
from ernsnn.describe.modulators.domain import Listener
from ernsnn.describe.modulators.kind import ModulatorKind, statements


@checked
@dataclass(frozen=True, eq=False, kw_only=True)
class DoubleExponential(Listener):
    r"""Astrocytes whose C rises and decays after every spike of their domain: a difference of two exponentials.

    .. math:: C(t) = \frac{1}{e^{-p/\tau_d} - e^{-p/\tau_r}} \sum_s weight_s
        \left(e^{-(t - s)/\tau_d} - e^{-(t - s)/\tau_r}\right), \qquad
        p = \frac{\tau_r \tau_d}{\tau_d - \tau_r} \ln\frac{\tau_d}{\tau_r}

    over the spikes s. One spike of weight w lifts C by w at most, which it reaches p ms later; in the very step of the
    spike C is as before. ``tau_rise_ms`` must lie below ``tau_decay_ms``. Thresholds, ``weight`` and ``per`` are those
    of ``Astrocyte``. Raises InvalidModel on time constants that are not above 0 or in this order.
    """

    kind = ModulatorKind(
        "DoubleExponential",
        parameters=positive("tau_rise_ms", "tau_decay_ms"),
        states=(state("C", "0.0", "C"), state("slow", "0.0"), state("fast", "0.0")),
        constants=statements(
            """
            P_slow = exp(-dt/max(tau_decay_ms, 1e-9*dt))
            P_fast = exp(-dt/max(tau_rise_ms, 1e-9*dt))
            peak_ms = tau_rise_ms*tau_decay_ms/(tau_decay_ms - tau_rise_ms)*log(tau_decay_ms/tau_rise_ms)
            scale = 1.0/(exp(-peak_ms/tau_decay_ms) - exp(-peak_ms/tau_rise_ms))
            """
        ),
        before=statements("slow = slow*P_slow; fast = fast*P_fast"),
        heard=statements("slow = slow + weight*heard; fast = fast + weight*heard"),
        after=statements("C = scale*(slow - fast)"),
        requirements=(required("tau_rise_ms < tau_decay_ms", "or C would fall before it rises"),),
    )

    tau_rise_ms: float
    tau_decay_ms: float
