"""The neuron whose threshold rises with its own spikes."""

from __future__ import annotations

from dataclasses import dataclass

from ernsnn.describe.arguments import checked
from ernsnn.describe.distributions import Value
from ernsnn.describe.kinds import Kind, Parameter, positive, state, table
from ernsnn.describe.neurons import lif
from ernsnn.describe.neurons.lif import LIF
from ernsnn.describe.parametrised import later

CONSTANTS = "tau_threshold = max(tau_threshold_ms, 1e-9*dt)\nP_theta = exp(-dt/tau_threshold)\n"
DECAY = "theta = theta*P_theta\n"
SPIKE = "v_threshold_mV + theta <= V"
RESET = lif.RESET + "\ntheta = theta + threshold_increment_mV"


@checked
@dataclass(frozen=True, eq=False, kw_only=True)
class AdaptiveLIF(LIF):
    r"""LIF whose threshold rises with its own spikes (Diehl and Cook 2015, section 2.2; Bellec et al. 2018, eq. 4).

    The spike test is V >= v_threshold + theta; theta starts at 0, decays with tau_threshold (before the test, during
    refractoriness too), and grows by ``threshold_increment_mV`` at every spike.
    """

    kind = later(
        lambda: Kind(
            name="AdaptiveLIF",
            parameters=(*LIF.kind.parameters, *positive("tau_threshold_ms"), Parameter("threshold_increment_mV")),
            states=(*LIF.kind.states, state("theta", "0.0", "theta_mV")),
            receptors=LIF.kind.receptors,
            exact=table(
                lif.EXACT_LEAK + lif.DECAYS + lif.GAINS + CONSTANTS,
                lif.MOVES + lif.BOUNDS + DECAY,
                SPIKE,
                RESET,
                lif.EXACT_AFTER,
            ),
            step_average=table(
                lif.LEAK + lif.DECAYS + lif.AVERAGED + CONSTANTS,
                lif.AVERAGED_MOVES + lif.BOUNDS + DECAY,
                SPIKE,
                RESET,
                lif.AVERAGED_AFTER,
            ),
            requirements=LIF.kind.requirements,
        )
    )

    tau_threshold_ms: Value = 100.0
    threshold_increment_mV: Value = 1.0
