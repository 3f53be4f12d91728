"""sPyNNaker's ``extra_models`` that ernsnn has, by its names; other names are refused with what there is instead."""

from __future__ import annotations

from .cells import IF_curr_dual_exp
from .connectors import AllButMeConnector, OneToOneOffsetConnector
from .synapses import EXTRA_SYNAPSES

_EQUATIONS = "write its equations with ern.Neuron.from_equations"
_CHANCE = "ern.EscapeLIF spikes by chance"
_ABSENT = {
    "IFCurDelta": "its weights are currents of one step; IF_curr_delta has weights in mV",
    "IFCurrExpCa2Adaptive": "EIF_cond_exp_isfa_ista and IF_cond_exp_gsfa_grr adapt",
    "IFCurrDeltaCa2Adaptive": "EIF_cond_exp_isfa_ista and IF_cond_exp_gsfa_grr adapt",
    "IF_curr_exp_sEMD": f"{_EQUATIONS}, which may have any number of receptors",
    "Izhikevich_cond": _EQUATIONS,
    "Izhikevich_cond_dual": _EQUATIONS,
    "IFCondExpStoc": _CHANCE,
    "StocExp": _CHANCE,
    "StocExpStable": _CHANCE,
    "StocSigma": _CHANCE,
    "IFCurrDeltaFixedProb": _CHANCE,
    "IFTruncDelta": "ern.DeltaLIF has v_min_mV, a lowest voltage",
    "Neuromodulation": "ern.stdp.neuromodulated is a rule under a third factor",
    "RecurrentRule": "SpikePairRule and SpikeNearestPairRule pair spikes",
    "SpikeSourcePoissonVariable": "SpikeSourcePoisson takes another rate between runs",
    "WeightChangeable": "Projection.set changes weights between runs",
    "WeightChanger": "Projection.set changes weights between runs",
}
"""Name in sPyNNaker 7.4 -> what to take instead."""

__all__ = ["AllButMeConnector", "IF_curr_dual_exp", "OneToOneOffsetConnector"]
__all__ += list(EXTRA_SYNAPSES)

globals().update(EXTRA_SYNAPSES)


def __getattr__(name: str) -> object:
    if name in _ABSENT:
        raise AttributeError(f"ernsnn.pynn.extra_models has no {name}; {_ABSENT[name]}")
    raise AttributeError(f"ernsnn.pynn.extra_models has no {name}: there are {', '.join(__all__)}")
