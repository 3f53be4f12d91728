"""The leaky integrate-and-fire neuron with two excitatory currents."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from ernsnn.describe.arguments import checked
from ernsnn.describe.distributions import Value
from ernsnn.describe.kinds import Receptor, positive, state, table
from ernsnn.describe.neurons.lif import (
    AVERAGED,
    AVERAGED_AFTER,
    BOUNDS,
    CURRENTS,
    DECAYS,
    EXACT_AFTER,
    EXACT_LEAK,
    GAINS,
    LEAK,
    LIF,
    RESET,
    SPIKE,
)
from ernsnn.describe.parametrised import later


def _second(text: str) -> str:
    """Statements about the first excitatory current, and after each the same about the second."""
    lines = [line.strip() for line in text.strip().splitlines()]
    others = [re.sub(r"_E(?=_ms|\b)", "_E2", line) for line in lines]
    return "\n".join(dict.fromkeys(each for pair in zip(lines, others, strict=True) for each in pair)) + "\n"


_MOVES = "V = v_rest_mV + P_m*(V - v_rest_mV) + k_E*I_E + k_E2*I_E2 - k_I*I_I + i_offset_nA*k_c\n"
_AVERAGED_MOVES = """
    I_E = I_E + in_E*gain_E
    I_E2 = I_E2 + in_E2*gain_E2
    I_I = I_I + in_I*gain_I
    aim = (I_E + I_E2 - I_I + i_offset_nA)*R + v_rest_mV
    V = aim - P_m*(aim - V)
"""


@checked
@dataclass(frozen=True, eq=False, kw_only=True)
class DualLIF(LIF):
    r"""``LIF`` with a second excitatory current, of a time constant of its own (sPyNNaker's IF_curr_dual_exp).

    .. math:: c_m dV/dt = -(c_m/\tau_m)(V - v_{rest}) + I_E + I_{E2} - I_I + i_{offset}

    All three currents decay exponentially, I_E2 with ``tau_syn_E2_ms``. Its receptor is ``"E2"``, its probe I_E2_nA.
    """

    kind = later(
        lambda: replace(
            LIF.kind,
            name="DualLIF",
            parameters=(*LIF.kind.parameters, *positive("tau_syn_E2_ms")),
            states=(state("V", "v_init_mV", "v_mV"), *CURRENTS, state("I_E2", "0.0", "I_E2_nA")),
            receptors=(*LIF.kind.receptors, Receptor("E2", "nA")),
            exact=table(EXACT_LEAK + _second(DECAYS + GAINS), _MOVES + BOUNDS, SPIKE, RESET, _second(EXACT_AFTER)),
            step_average=table(
                LEAK + _second(DECAYS + AVERAGED), _AVERAGED_MOVES + BOUNDS, SPIKE, RESET, _second(AVERAGED_AFTER)
            ),
        )
    )

    tau_syn_E2_ms: Value = 5.0
