"""The cell types: PyNN's standard ones that ernsnn has, under PyNN's names and units."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

import numpy as np
from pyNN.standardmodels import build_translations, cells

from ernsnn.describe.evaluation import evaluated
from ernsnn.describe.neurons import LIF, ConductanceLIF, DeltaLIF, Neuron
from ernsnn.describe.neurons.adex import AdEx
from ernsnn.describe.neurons.alpha import AlphaLIF
from ernsnn.describe.neurons.alpha_adex import AlphaAdEx
from ernsnn.describe.neurons.alpha_conductance import AlphaConductanceLIF
from ernsnn.describe.neurons.dual import DualLIF
from ernsnn.describe.neurons.hodgkin_huxley import HodgkinHuxley
from ernsnn.describe.neurons.izhikevich import Izhikevich as OwnIzhikevich
from ernsnn.describe.neurons.izhikevich_currents import IzhikevichCurrents
from ernsnn.describe.neurons.relative_refractoriness import AdaptiveConductanceLIF
from ernsnn.errors import InvalidModel

from .hints import Placed
from .simulator import state
from .values import plain

MEMBRANE = {
    "cm": "cm_nF",
    "tau_m": "tau_m_ms",
    "tau_refrac": "tau_refrac_ms",
    "v_rest": "v_rest_mV",
    "v_reset": "v_reset_mV",
    "v_thresh": "v_threshold_mV",
    "i_offset": "i_offset_nA",
}
"""Name in PyNN -> name in ``describe.neurons`` of parameters."""
DECAYS = {"tau_syn_E": "tau_syn_E_ms", "tau_syn_I": "tau_syn_I_ms"}
REVERSALS = {"e_rev_E": "e_rev_E_mV", "e_rev_I": "e_rev_I_mV"}
ADAPTATION = {"v_spike": "v_spike_mV", "delta_T": "delta_T_mV", "a": "a_uS", "b": "b_nA", "tau_w": "tau_w_ms"}
RELATIVE_REFRACTORINESS = {
    **{name: f"{name}_ms" for name in ("tau_sfa", "tau_rr")},
    **{name: f"{name}_mV" for name in ("e_rev_sfa", "e_rev_rr")},
    **{name: f"{name}_uS" for name in ("q_sfa", "q_rr")},
}
HODGKIN_HUXLEY = {
    "cm": "cm_nF",
    "i_offset": "i_offset_nA",
    "v_offset": "v_offset_mV",
    "gbar_Na": "g_Na_uS",
    "gbar_K": "g_K_uS",
    "g_leak": "g_leak_uS",
    **{name: f"{name}_mV" for name in ("e_rev_Na", "e_rev_K", "e_rev_leak")},
}
IZHIKEVICH = {"a": "a", "b": "b", "c": "c_mV", "d": "d", "i_offset": "i_offset_nA"}


def same(parameters: Iterable[str]) -> Any:
    """Translations of parameters that keep their names."""
    return build_translations(*((name, name) for name in parameters))


def states_among(parameters: dict[str, Any], known: Iterable[str], where: str) -> dict[str, Any]:
    """Take the ``known`` state variables out of parameters: scripts for SpiNNaker, and PyNN 0.7 as v_init, give both.

    Raises InvalidModel on v and v_init at once.
    """
    states = {name: parameters.pop(name) for name in known if name in parameters}
    if "v" in known and "v_init" in parameters:
        if "v" in states:
            raise InvalidModel(f"{where}: v_init is another name of v; give one of them")
        states["v"] = parameters.pop("v_init")
    return states


class Cell(Placed):
    """Base of the neuron types: the variables that can be recorded, and the neuron of ernsnn.

    ``names`` are those in ernsnn of PyNN's parameters, ``scales`` the factors by which values of some are multiplied,
    and ``further`` the probes of state variables besides v and synaptic ones. ``channels`` are the ends of PyNN's names
    of synaptic variables, and the receptors of the model that they belong to; ``own_receptors`` those of PyNN's names
    of receptors that the model has under another name.
    """

    model: type[Neuron]
    names: dict[str, str]
    scales: ClassVar[dict[str, float]] = {}
    further: ClassVar[dict[str, str]] = {}
    channels: ClassVar[dict[str, str]] = {"exc": "E", "inh": "I"}
    own_receptors: ClassVar[dict[str, str]] = {}
    default_initial_values: dict[str, Any]

    def __init__(self, **parameters: Any) -> None:
        starts = states_among(parameters, self.default_initial_values, type(self).__name__)
        super().__init__(**plain(parameters, type(self).__name__))
        self.default_initial_values = self.default_initial_values | starts

    @property
    def conducts(self) -> bool:
        """Whether spikes add conductances instead of currents."""
        return all(receptor.unit == "uS" for receptor in self.model.kind.receptors)

    @property
    def synaptic(self) -> dict[str, str]:
        """End of PyNN's name -> probe of a synaptic current or conductance; none where spikes move V at once."""
        probe = "g_{}_uS" if self.conducts else "I_{}_nA"
        probes = {end: probe.format(receptor) for end, receptor in self.channels.items()}
        return {end: probe for end, probe in probes.items() if probe in self.model.kind.probes}

    @property
    def states(self) -> dict[str, tuple[str, float]]:
        """PyNN's name of a state variable -> (name in ernsnn, 1, or -1 where PyNN's has the other sign)."""
        negative = -1.0 if not self.conducts and state.convention == "pynn" else 1.0
        own = {"v": ("v_mV", 1.0)} | {name: (probe, 1.0) for name, probe in self.further.items()}
        ends = {name: name.partition("_")[2] for name in self.default_initial_values if name not in own}
        return own | {name: (self.synaptic[end], negative if end == "inh" else 1.0) for name, end in ends.items()}

    @property
    def recordable(self) -> list[str]:
        """Names of what can be recorded: spikes, v, further variables, and synaptic currents or conductances."""
        return ["spikes", *self.probes]

    @property
    def probes(self) -> dict[str, tuple[str, float]]:
        """PyNN's name of a recorded variable -> (name in ernsnn, sign).

        Conductances are positive. SpiNNaker calls currents gsyn, too, and both are positive; PyNN's inhibitory one is
        negative.
        """
        kind = "gsyn" if self.conducts or state.convention == "spinnaker" else "isyn"
        synaptic = {
            f"{kind}_{end}": (probe, -1.0 if kind == "isyn" and end == "inh" else 1.0)
            for end, probe in self.synaptic.items()
        }
        return {"v": ("v_mV", 1.0), **{name: (probe, 1.0) for name, probe in self.further.items()}, **synaptic}

    @property
    def current_scale(self) -> float:
        """The current in nA of ernsnn's neuron for one of 1 nA in PyNN."""
        return self.scales.get("i_offset", 1.0)

    def neuron(self, parameters: dict[str, np.ndarray], v_init: np.ndarray) -> Neuron:
        """The neurons with these parameters, one value each."""
        return self.model(**{name: _plain(values) for name, values in self._own(parameters, v_init).items()})

    def starts_by_itself(self, variable: str, parameters: dict[str, np.ndarray], v_init: np.ndarray) -> np.ndarray:
        """Where neurons with these parameters start, of which no more is said than v."""
        probe, sign = self.states[variable]
        kind = self.model.kind
        initial = next(each.initial for each in kind.states if each.name == kind.probes[probe])
        return np.broadcast_to(sign * evaluated(initial, self.neuron(parameters, v_init).parameters), v_init.shape)

    def _own(self, parameters: dict[str, np.ndarray], v_init: np.ndarray) -> dict[str, np.ndarray]:
        """The parameters under their names in ernsnn."""
        scaled = {
            name: values * self.scales[name] if name in self.scales else values for name, values in parameters.items()
        }
        return {self.names[name]: values for name, values in scaled.items()} | {"v_init_mV": v_init}


class IF_curr_exp(Cell, cells.IF_curr_exp):
    __doc__ = cells.IF_curr_exp.__doc__
    translations = same(cells.IF_curr_exp.default_parameters)
    units = cells.IF_curr_exp.units | {"gsyn_exc": "nA", "gsyn_inh": "nA"}
    model, names = LIF, MEMBRANE | DECAYS


class IF_curr_delta(Cell, cells.IF_curr_delta):
    __doc__ = cells.IF_curr_delta.__doc__
    translations = same(cells.IF_curr_delta.default_parameters)
    model, names = DeltaLIF, MEMBRANE


class IF_cond_exp(Cell, cells.IF_cond_exp):
    __doc__ = cells.IF_cond_exp.__doc__
    translations = same(cells.IF_cond_exp.default_parameters)
    model, names = ConductanceLIF, MEMBRANE | DECAYS | REVERSALS


class IF_curr_alpha(Cell, cells.IF_curr_alpha):
    __doc__ = cells.IF_curr_alpha.__doc__
    translations = same(cells.IF_curr_alpha.default_parameters)
    units = cells.IF_curr_alpha.units | {"gsyn_exc": "nA", "gsyn_inh": "nA"}
    model, names = AlphaLIF, MEMBRANE | DECAYS


class IF_cond_alpha(Cell, cells.IF_cond_alpha):
    __doc__ = cells.IF_cond_alpha.__doc__
    translations = same(cells.IF_cond_alpha.default_parameters)
    model, names = AlphaConductanceLIF, MEMBRANE | DECAYS | REVERSALS


class EIF_cond_exp_isfa_ista(Cell, cells.EIF_cond_exp_isfa_ista):
    __doc__ = cells.EIF_cond_exp_isfa_ista.__doc__
    translations = same(cells.EIF_cond_exp_isfa_ista.default_parameters)
    model, further, scales = AdEx, {"w": "w_nA"}, {"a": 1e-3}  # a is in nS
    names = MEMBRANE | DECAYS | REVERSALS | ADAPTATION


class EIF_cond_alpha_isfa_ista(Cell, cells.EIF_cond_alpha_isfa_ista):
    __doc__ = cells.EIF_cond_alpha_isfa_ista.__doc__
    translations = same(cells.EIF_cond_alpha_isfa_ista.default_parameters)
    model, further, scales = AlphaAdEx, {"w": "w_nA"}, {"a": 1e-3}  # a is in nS
    names = MEMBRANE | DECAYS | REVERSALS | ADAPTATION


class IF_cond_exp_gsfa_grr(Cell, cells.IF_cond_exp_gsfa_grr):
    __doc__ = cells.IF_cond_exp_gsfa_grr.__doc__
    translations = same(cells.IF_cond_exp_gsfa_grr.default_parameters)
    model, further = AdaptiveConductanceLIF, {"g_s": "g_sfa", "g_r": "g_rr"}
    scales: ClassVar[dict[str, float]] = {"q_sfa": 1e-3, "q_rr": 1e-3}  # they are in nS
    names = MEMBRANE | DECAYS | REVERSALS | RELATIVE_REFRACTORINESS


class HH_cond_exp(Cell, cells.HH_cond_exp):
    __doc__ = cells.HH_cond_exp.__doc__
    translations = same(cells.HH_cond_exp.default_parameters)
    model, further = HodgkinHuxley, {name: name for name in "mhn"}
    names = HODGKIN_HUXLEY | DECAYS | REVERSALS


class Izhikevich(Cell, cells.Izhikevich):
    """Izhikevich's neuron (2003): dv/dt = 0.04 v^2 + 5 v + 140 - u + I, du/dt = a (b v - u); weights are in mV.

    A current of 1 nA, as i_offset or injected, is I = 1000, as with pyNN.nest and pyNN.brian2. Where sPyNNaker's
    convention is in force, it is sPyNNaker's cell of this name, ``IZK_curr_exp``.
    """

    translations = same(cells.Izhikevich.default_parameters)
    model, further, scales = OwnIzhikevich, {"u": "u"}, {"i_offset": 1e3}
    names = IZHIKEVICH

    def __new__(cls, *_: Any, **__: Any) -> Izhikevich:
        return object.__new__(IZK_curr_exp if cls is Izhikevich and state.convention == "spinnaker" else cls)


class IZK_curr_exp(Izhikevich):
    """sPyNNaker's Izhikevich neuron: synaptic currents decay, and all currents, in nA, are the I of the equations."""

    default_parameters = cells.Izhikevich.default_parameters | {"tau_syn_E": 5.0, "tau_syn_I": 5.0}
    default_initial_values = cells.Izhikevich.default_initial_values | {"isyn_exc": 0.0, "isyn_inh": 0.0}
    translations = same(default_parameters)
    units = cells.Izhikevich.units | dict.fromkeys(("gsyn_exc", "gsyn_inh", "isyn_exc", "isyn_inh"), "nA")
    model, scales = IzhikevichCurrents, {}
    names = IZHIKEVICH | DECAYS


class IF_curr_dual_exp(Cell, cells.IF_curr_exp):
    """sPyNNaker's ``IF_curr_exp`` with a second excitatory current: receptor_type ``"excitatory2"``, ``tau_syn_E2``."""

    default_parameters = cells.IF_curr_exp.default_parameters | {"tau_syn_E2": 5.0}
    default_initial_values = cells.IF_curr_exp.default_initial_values | {"isyn_exc2": 0.0}
    translations = same(default_parameters)
    receptor_types = ("excitatory", "excitatory2", "inhibitory")
    units = IF_curr_exp.units | dict.fromkeys(("gsyn_exc2", "isyn_exc2"), "nA")
    model, names = DualLIF, MEMBRANE | DECAYS | {"tau_syn_E2": "tau_syn_E2_ms"}
    channels: ClassVar[dict[str, str]] = {"exc": "E", "exc2": "E2", "inh": "I"}
    own_receptors: ClassVar[dict[str, str]] = {"excitatory2": "E2"}


def _plain(values: np.ndarray) -> Any:
    """One number where all are the same."""
    return float(values[0]) if (values == values[0]).all() else np.asarray(values, dtype=float)


CELLS: tuple[type, ...] = (
    IF_curr_exp,
    IF_curr_alpha,
    IF_curr_delta,
    IF_cond_exp,
    IF_cond_alpha,
    IF_cond_exp_gsfa_grr,
    EIF_cond_exp_isfa_ista,
    EIF_cond_alpha_isfa_ista,
    HH_cond_exp,
    Izhikevich,
)
"""PyNN's cell types that ernsnn has, but for sources."""
