"""The leaky integrate-and-fire neuron that spikes by chance."""

from __future__ import annotations

from dataclasses import dataclass

from ernsnn.describe.arguments import checked
from ernsnn.describe.distributions import Value
from ernsnn.describe.kinds import positive
from ernsnn.describe.neurons.lif import LIF, variant

_CHANCE = "-expm1(-dt*rate_per_ms*exp((V - v_threshold_mV)/delta_mV))"


@checked
@dataclass(frozen=True, eq=False, kw_only=True)
class EscapeLIF(LIF):
    r"""Leaky integrate-and-fire neuron with exponential escape noise, else as ``LIF``.

    .. math:: \lambda = \lambda_0 e^{(V - v_{threshold})/\Delta}, \qquad P(\text{spike in a step}) = 1 - e^{-\lambda dt}

    ``rate_per_ms`` is the rate at the threshold in 1/ms, ``delta_mV`` how sharp the threshold is (Gerstner and Kistler
    2002, Spiking Neuron Models, section 5.3; NEST's gif models spike so). The chance is drawn after V has moved, from
    one uniform number a neuron and step, which every backend draws alike.
    """

    kind = variant("EscapeLIF", spike=f"uniform < {_CHANCE}", more=positive("rate_per_ms", "delta_mV"))

    rate_per_ms: Value = 1.0
    delta_mV: Value = 2.0
