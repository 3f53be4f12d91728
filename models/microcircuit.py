r"""The cortical microcircuit of Potjans and Diesmann: eight populations below 1 square mm of early sensory cortex.

Potjans and Diesmann (2014, Cerebral Cortex 24:785, tables 4 and 5); the description of record is the PD14 model of
INM-6 (github.com/INM-6/microcircuit-PD14-model, Senk et al. 2026), whose tables these are. 77,169 leaky
integrate-and-fire neurons with exponential currents, 299 million synapses, steps of .1 ms:

    c_m 250 pF, tau_m 10 ms, tau_syn .5 ms, refractory 2 ms, rest and reset -65 mV, threshold -50 mV, V at first
    normal with mean -58 mV and standard deviation 10 mV
    number of synapses of a projection: ln(1 - p) / ln(1 - 1/(N_pre N_post)), drawn over all pairs with replacement
    weights normal with mean 87.8 pA (.15 mV), doubled from L4E to L23E, times -4 where inhibitory; deviation 10 %
    delays normal with mean 1.5 ms, .75 ms where inhibitory; deviation 50 %, to the nearest step, and at least one

What is drawn below the least that it can be is drawn anew by the model of record, and set to the least here: one
delay in 35, which becomes .1 ms, and no weight (they are 10 deviations above 0).

Each neuron has K_ext further inputs at 8 Hz with the weight of an excitatory synapse: Poisson inputs under the
``poisson`` drive, whose spikes add up, of one weight. Under the ``constant`` drive their mean is a current:
tau_syn K_ext 8 Hz 87.8 pA.

``scale`` s multiplies sizes and keeps probabilities, so that a neuron has s of its inputs (in the model of record,
N_scaling and K_scaling). What makes up for it is one of

    "weights":   weights are 1/s times as large: the mean of what a neuron receives is kept whatever the rates are, and
                 its variance is 1/s times as large
    "currents":  as the model of record has it: weights are 1/sqrt(s) times as large, which keeps the variance, and a
                 current brings the (1 - sqrt(s)) of the mean that is lacking at the rates of the full network

Correlations are kept by neither. A Poisson drive goes with "currents", as in the model of record, and a constant one
with "weights": with "currents", which hold neurons below the threshold until others are active, the network then falls
silent at a scale of .1 (at .2 it does not).
"""

from __future__ import annotations

import numpy as np

from ernsnn.describe.connectors import FixedTotalNumber
from ernsnn.describe.distributions import Normal
from ernsnn.describe.network import Network
from ernsnn.describe.neurons import LIF
from ernsnn.errors import InvalidModel, unknown

DT_MS = 0.1
POPULATIONS = ("L23E", "L23I", "L4E", "L4I", "L5E", "L5I", "L6E", "L6I")
SIZES = np.array([20683, 5834, 21915, 5479, 4850, 1065, 14395, 2948])
PROBABILITIES = np.array(
    [
        [0.1009, 0.1689, 0.0437, 0.0818, 0.0323, 0.0, 0.0076, 0.0],
        [0.1346, 0.1371, 0.0316, 0.0515, 0.0755, 0.0, 0.0042, 0.0],
        [0.0077, 0.0059, 0.0497, 0.135, 0.0067, 0.0003, 0.0453, 0.0],
        [0.0691, 0.0029, 0.0794, 0.1597, 0.0033, 0.0, 0.1057, 0.0],
        [0.1004, 0.0622, 0.0505, 0.0057, 0.0831, 0.3726, 0.0204, 0.0],
        [0.0548, 0.0269, 0.0257, 0.0022, 0.06, 0.3158, 0.0086, 0.0],
        [0.0156, 0.0066, 0.0211, 0.0166, 0.0572, 0.0197, 0.0396, 0.2252],
        [0.0364, 0.001, 0.0034, 0.0005, 0.0277, 0.008, 0.0658, 0.1443],
    ]
)
"""Of a synapse from the population of a column to that of a row."""
RATES_HZ = np.array([0.903, 2.965, 4.414, 5.876, 7.569, 8.633, 1.105, 7.829])
"""Of the full network with Poisson inputs, as the model of record has them."""
EXTERNAL_INPUTS = np.array([1600, 1500, 2100, 1900, 2000, 1900, 2900, 2100])
EXTERNAL_HZ = 8.0
DRIVES = {"constant": "weights", "poisson": "currents"}
"""What drives the network -> what makes up for its scale unless told otherwise."""
COMPENSATIONS = {"weights": -1.0, "currents": -0.5}
"""Name -> the power of the scale that weights are multiplied by."""
_TAU_SYN_MS, _WEIGHT_NA, _INHIBITION, _DOUBLED = 0.5, 0.0878, -4.0, 2.0
_WEIGHT_DEVIATION, _DELAY_DEVIATION = 0.1, 0.5
_DELAY_MS = {"E": 1.5, "I": 0.75}
_CHARGE = _TAU_SYN_MS / 1000
"""The charge in nC of a spike with a weight of 1 nA, so the mean current in nA of 1 Hz."""


def build(scale: float = 0.1, drive: str = "constant", compensation: str | None = None) -> Network:
    """The network of the module's text: populations L23E to L6I, and a projection such as "L4E_to_L23E" for each pair.

    ``compensation`` is that of the drive unless given. Raises InvalidModel on a ``scale`` that leaves a population
    without neurons, and on names that there are not.
    """
    if drive not in DRIVES:
        raise InvalidModel(unknown("microcircuit: no drive", drive, DRIVES))
    compensation = DRIVES[drive] if compensation is None else compensation
    if compensation not in COMPENSATIONS:
        raise InvalidModel(unknown("microcircuit: no compensation", compensation, COMPENSATIONS))
    if not 1 / min(SIZES) < scale < np.inf:
        raise InvalidModel(f"microcircuit: scale must be above 1/{min(SIZES)}, or a population is empty, got {scale}")
    stronger = scale ** COMPENSATIONS[compensation]
    poisson, lacking = drive == "poisson", 1 - scale * stronger
    weights = stronger * weights_nA()
    currents = lacking * recurrent_nA() + external_nA() * (lacking if poisson else 1.0)
    net = Network(name="microcircuit", dt_ms=DT_MS)
    for name, size, current in zip(POPULATIONS, np.rint(SIZES * scale).astype(int), currents, strict=True):
        cells = LIF(
            cm_nF=0.25,
            tau_m_ms=10.0,
            tau_refrac_ms=2.0,
            tau_syn_E_ms=_TAU_SYN_MS,
            tau_syn_I_ms=_TAU_SYN_MS,
            v_rest_mV=-65.0,
            v_reset_mV=-65.0,
            v_threshold_mV=-50.0,
            v_init_mV=Normal(-58.0, 10.0),
            i_offset_nA=float(current),
        )
        net.population(name, int(size), cells)
        if poisson:
            inputs = round(scale * int(EXTERNAL_INPUTS[POPULATIONS.index(name)]))
            weight = float(stronger * _WEIGHT_NA)
            net.poisson_input(f"drives_{name}", net.populations[name], rate_hz=EXTERNAL_HZ, n=inputs, weight_nA=weight)
    for (post, pre), full in np.ndenumerate(synapses()):
        number = round(full * scale**2)
        if number:
            source, weight = POPULATIONS[pre], abs(weights[post, pre])
            delay = _DELAY_MS[source[-1]]
            net.projection(
                f"{source}_to_{POPULATIONS[post]}",
                net.populations[source],
                net.populations[POPULATIONS[post]],
                FixedTotalNumber(number),
                weight_nA=Normal(weight, _WEIGHT_DEVIATION * weight, low=0.0),
                delay_ms=Normal(delay, _DELAY_DEVIATION * delay, low=DT_MS),
                receptor={"E": "excitatory", "I": "inhibitory"}[source[-1]],
            )
    return net


def synapses() -> np.ndarray:
    """How many synapses the full network has, from the population of a column to that of a row."""
    return np.asarray(np.log1p(-PROBABILITIES) / np.log1p(-1.0 / np.outer(SIZES, SIZES)))


def weights_nA() -> np.ndarray:
    """Mean weights of the full network, from the population of a column to that of a row; inhibitory ones below 0."""
    inhibitory = np.array([name[-1] == "I" for name in POPULATIONS])
    weights = np.tile(np.where(inhibitory, _INHIBITION, 1.0) * _WEIGHT_NA, (len(POPULATIONS), 1))
    weights[POPULATIONS.index("L23E"), POPULATIONS.index("L4E")] *= _DOUBLED
    return weights


def external_nA() -> np.ndarray:
    """Mean current of the external inputs of a neuron of each population."""
    return np.asarray(_CHARGE * _WEIGHT_NA * EXTERNAL_HZ * EXTERNAL_INPUTS)


def recurrent_nA() -> np.ndarray:
    """Mean current of the synapses onto a neuron of each population, in the full network at its published rates."""
    in_degrees = synapses() / SIZES[:, None]
    return np.asarray(_CHARGE * (weights_nA() * in_degrees) @ RATES_HZ)
