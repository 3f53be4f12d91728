"""The neuron whose membrane jumps at every arriving spike."""

from __future__ import annotations

from dataclasses import dataclass

from ernsnn.describe.arguments import checked
from ernsnn.describe.kinds import Kind, Receptor, state, table
from ernsnn.describe.neurons import lif
from ernsnn.describe.neurons.membrane import ORDERED, PARAMETERS, Membrane
from ernsnn.describe.parametrised import later


@checked
@dataclass(frozen=True, eq=False, kw_only=True)
class DeltaLIF(Membrane):
    r"""Leaky integrate-and-fire neuron whose membrane jumps at every arriving spike (PyNN's IF_curr_delta).

    .. math:: c_m dV/dt = -(c_m/\tau_m)(V - v_{rest}) + i_{offset} + c_m \sum_k w_k \delta(t - t_k)

    Weights are in mV. V is integrated and tested first; then what arrives in the step is added, and so is tested in
    the next. What arrives in the step of a spike or while refractory is lost (unless tau_refrac is 0), as with NEST's
    iaf_psc_delta. Needs ``current_integration="exact"``. The rest is as in ``Membrane``.
    """

    kind = later(
        lambda: Kind(
            name="DeltaLIF",
            parameters=PARAMETERS,
            states=(state("V", "v_init_mV", "v_mV"),),
            receptors=(Receptor("E", "mV"), Receptor("I", "mV")),
            exact=table(
                lif.EXACT_LEAK,
                "V = v_rest_mV + P_m*(V - v_rest_mV) + i_offset_nA*k_c\n" + lif.BOUNDS,
                lif.SPIKE,
                lif.RESET,
                "V = V + (in_E - in_I if active and free else 0.0)\nif v_min_mV: V = max(V, v_min_mV)",
            ),
            requirements=ORDERED,
        )
    )
