"""Types of other simulators that ernsnn lacks: scripts make and connect them, and ``check`` and ``run`` list them."""

from __future__ import annotations

from typing import Any

from pyNN.standardmodels import cells, synapses

from .absent import Absent
from .cells import same
from .synapses import Synapse


class AnyName(tuple[str, ...]):
    """The names of receptors of a cell of which nothing is known: any text is one."""

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str)


class ForeignCell(Absent, cells.IF_curr_exp):
    """A cell that takes any parameters and has any receptor, to be described and not run."""

    translations = same(cells.IF_curr_exp.default_parameters)
    receptor_types = AnyName(("excitatory", "inhibitory"))

    def __init__(self, *_: Any, **parameters: Any) -> None:
        super().__init__()
        self.given = parameters

    def can_record(self, variable: str, location: Any = None) -> bool:
        """See PyNN."""
        return True


class ForeignSynapse(Absent, Synapse, synapses.StaticSynapse):
    """A synapse type that takes any parameters, to be described and not run."""

    translations = same(("weight", "delay"))

    def __init__(self, *_: Any, **parameters: Any) -> None:
        super().__init__(weight=0.0)
        self.given = parameters


class ForeignPart:
    """A part of a synapse type that takes any parameters."""

    def __init__(self, *_: Any, **parameters: Any) -> None:
        self.given = parameters


_EQUATIONS = "write its equations with ern.Neuron.from_equations"
_CHANCE = "ern.EscapeLIF spikes by chance"
_REWIRES = "synapses of ernsnn are neither formed nor removed in a run"
_STATIC = "use StaticSynapse or STDPMechanism with a connector of the synapses that there are"
CELLS = {
    "IFCurDelta": ("its weights are currents of one step", "use IF_curr_delta, with weights in mV"),
    "IFCurrExpCa2Adaptive": ("it has a calcium of its own", "use EIF_cond_exp_isfa_ista or IF_cond_exp_gsfa_grr"),
    "IFCurrDeltaCa2Adaptive": ("it has a calcium of its own", "use EIF_cond_exp_isfa_ista or IF_cond_exp_gsfa_grr"),
    "IF_curr_exp_sEMD": ("its second input multiplies the first", _EQUATIONS),
    "Izhikevich_cond": ("it is no cell of ernsnn", _EQUATIONS),
    "Izhikevich_cond_dual": ("it is no cell of ernsnn", _EQUATIONS),
    "IFCondExpStoc": ("it spikes by chance", _CHANCE),
    "StocExp": ("it spikes by chance", _CHANCE),
    "StocExpStable": ("it spikes by chance", _CHANCE),
    "StocSigma": ("it spikes by chance", _CHANCE),
    "IFCurrDeltaFixedProb": ("it spikes by chance", _CHANCE),
    "IFTruncDelta": ("it is no cell of ernsnn", "ern.DeltaLIF has v_min_mV, a lowest voltage"),
    "SpikeSourcePoissonVariable": (
        "rates are not laid out ahead",
        "set rates of SpikeSourcePoisson between runs",
    ),
}
"""Cells of sPyNNaker's ``extra_models`` -> (why there is none, what to do instead)."""
SYNAPSES = {
    "Neuromodulation": ("reward is no receptor", "ern.stdp.neuromodulated is a rule under a third factor"),
    "WeightChangeable": ("weights do not change by spikes that carry changes", "set weights between runs"),
    "WeightChanger": ("weights do not change by spikes that carry changes", "set weights between runs"),
}
"""Synapse types of it."""
STRUCTURAL = dict.fromkeys(("StructuralMechanismStatic", "StructuralMechanismSTDP"), (_REWIRES, _STATIC))
PARTS = ("RandomSelection", "LastNeuronSelection", "DistanceDependentFormation", "RandomByWeightElimination")


def _made(known: dict[str, tuple[str, str]], base: type) -> dict[str, type]:
    return {
        name: type(name, (base,), {"reason": reason, "remedy": remedy, "__doc__": f"{reason}; {remedy}."})
        for name, (reason, remedy) in known.items()
    }


EXTRA: dict[str, type] = {**_made(CELLS, ForeignCell), **_made(SYNAPSES, ForeignSynapse)}
"""Types of ``extra_models`` by name."""
TYPES: dict[str, type] = {
    **_made(STRUCTURAL, ForeignSynapse),
    **{name: type(name, (ForeignPart,), {"__doc__": f"Of structural plasticity: {_REWIRES}."}) for name in PARTS},
}
"""Types of the simulator itself by name."""


def native_cell_type(name: str) -> type:
    """A cell of the simulator's own by name, as ``pyNN.nest`` has them: ``check`` says that ernsnn has none."""
    known = {name: (f"cells of NEST's own are not here ({name})", "use the standard cell of PyNN")}
    return _made(known, ForeignCell)[name]


def native_synapse_type(name: str) -> type:
    """A synapse type of the simulator's own by name, as ``pyNN.nest`` has them: ``check`` says that there is none."""
    known = {name: (f"synapses of NEST's own are not here ({name})", "use a standard synapse type of PyNN")}
    return _made(known, ForeignSynapse)[name]
