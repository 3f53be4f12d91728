"""The cell types: PyNN's standard ones that ernsnn has, under PyNN's names and units."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

import numpy as np
from pyNN.errors import InvalidParameterValueError
from pyNN.parameters import ParameterSpace
from pyNN.standardmodels import build_translations, cells

from ernsnn.describe.evaluation import evaluated
from ernsnn.describe.neurons import LIF, ConductanceLIF, DeltaLIF, Neuron
from ernsnn.describe.neurons.adex import AdEx
from ernsnn.describe.neurons.alpha import AlphaLIF
from ernsnn.describe.neurons.alpha_adex import AlphaAdEx
from ernsnn.describe.neurons.alpha_conductance import AlphaConductanceLIF
from ernsnn.describe.neurons.hodgkin_huxley import HodgkinHuxley
from ernsnn.describe.neurons.izhikevich import Izhikevich as OwnIzhikevich
from ernsnn.describe.neurons.relative_refractoriness import AdaptiveConductanceLIF
from ernsnn.errors import InvalidModel

from .inputs import History, Rates, Trains
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

NEVER_MS = 1e9
"""A time in ms after the end of every run."""

LOST = "Y105"
"""The code of the issue on spikes that are given too late to be sent."""


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


class Cell:
    """Base of the neuron types: the variables that can be recorded, and the neuron of ernsnn.

    ``names`` are those in ernsnn of PyNN's parameters, ``scales`` the factors by which values of some are multiplied,
    and ``further`` the probes of state variables besides v and synaptic ones.
    """

    model: type[Neuron]
    names: dict[str, str]
    scales: ClassVar[dict[str, float]] = {}
    further: ClassVar[dict[str, str]] = {}
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
    def synaptic(self) -> list[str]:
        """Names of the probes of synaptic variables: I_E_nA and I_I_nA, or g_E_uS and g_I_uS, or none."""
        return [probe for probe in self.model.kind.probes if probe[0] in "Ig"]

    @property
    def states(self) -> dict[str, tuple[str, float]]:
        """PyNN's name of a state variable -> (name in ernsnn, 1, or -1 where PyNN's has the other sign)."""
        negative = -1.0 if not self.conducts and state.convention == "pynn" else 1.0
        own = {"v": ("v_mV", 1.0)} | {name: (probe, 1.0) for name, probe in self.further.items()}
        synaptic = [name for name in self.default_initial_values if name not in own]
        return own | dict(zip(synaptic, zip(self.synaptic, (1.0, negative), strict=False), strict=True))

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
        conductances = self.conducts or state.convention == "spinnaker"
        kind, signs = ("gsyn", (1.0, 1.0)) if conductances else ("isyn", (1.0, -1.0))
        names = (f"{kind}_exc", f"{kind}_inh")
        # What has no synaptic variables has none of the names.
        synaptic = zip(names, self.synaptic, signs, strict=False)
        further = {name: (probe, 1.0) for name, probe in self.further.items()}
        return {"v": ("v_mV", 1.0), **further, **{name: (variable, sign) for name, variable, sign in synaptic}}

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

    A current of 1 nA, as i_offset or injected, is I = 1000, as with pyNN.nest and pyNN.brian2. The cell of this name of
    sPyNNaker has currents that decay instead of weights in mV; InvalidModel is raised where its convention is in force.
    """

    translations = same(cells.Izhikevich.default_parameters)
    model, further, scales = OwnIzhikevich, {"u": "u"}, {"i_offset": 1e3}
    names = IZHIKEVICH

    def __init__(self, **parameters: Any) -> None:
        if state.convention == "spinnaker":
            raise InvalidModel(
                "Izhikevich: sPyNNaker's has synaptic currents that decay, which this cell has not; write its "
                "equations with ern.Neuron.from_equations, or take setup(convention='pynn'), where weights are in mV"
            )
        super().__init__(**parameters)


class SpikeSourceArray(cells.SpikeSourceArray):
    """Spikes at the times given in ``spike_times`` (ms), one list for all neurons or one each.

    A time between two steps is moved to the end of its step, and several spikes of a neuron in one step are one. Times
    that are given in a run act from then on: one of that very moment is sent in the next step, earlier ones are not.
    """

    translations = same(cells.SpikeSourceArray.default_parameters)

    def __init__(self, spike_times: Any = (), **parameters: Any) -> None:
        super().__init__(**plain({"spike_times": spike_times, **parameters}, "SpikeSourceArray"))

    def translate(self, parameters: ParameterSpace, copy: bool = True) -> ParameterSpace:
        """Names stay. PyNN would copy every list; where they are kept, they are copied at less cost."""
        return super().translate(parameters, copy=False)

    def sends(self, parameters: dict[str, np.ndarray], label: str, history: History | None = None) -> Trains:
        """The steps in which each neuron spikes. Raises InvalidParameterValueError on what is no list of times.

        Times were given at the last change of ``history``; spikes that have been sent are not sent again, and times
        that were given before are not reported again.
        """
        what, size = f"{label}.spike_times", len(parameters["spike_times"])
        given = [np.asarray(getattr(each, "value", each), dtype=float) for each in parameters["spike_times"]]
        for train in given:
            if train.ndim != 1:
                raise InvalidParameterValueError(
                    f"{what}: needs a list of times, or one for each neuron, got {train}; a single spike is [{train}]"
                )
        times, neurons = np.concatenate([np.zeros(0), *given]), np.repeat(np.arange(size), list(map(len, given)))
        together = np.diff(neurons) == 0
        wrong = ~np.isfinite(times) | (times < 0)
        wrong[1:] |= together & (np.diff(times) < 0)
        if wrong.any():
            train = given[neurons[np.argmax(wrong)]]
            raise InvalidParameterValueError(f"{what}: times must be >= 0 and rise, got {train}")
        if (times > NEVER_MS).any():
            raise InvalidParameterValueError(f"{what}: no run is longer than {NEVER_MS:g} ms, got {times.max():g}")
        stamps = np.ceil(times / state.dt - 1e-6).astype(np.int64)
        if (np.abs(stamps * state.dt - times) > 1e-6 * state.dt * np.maximum(1.0, np.abs(stamps) * 1e-3)).any():
            message = f"spike times between two steps of {state.dt:g} ms are moved to the end of their step"
            state.note("Y101", what, message, "choose a smaller timestep")
        steps, now = stamps - state.latency, history.since if history else 0
        late = steps < now
        if late.any():
            for trains in history.known(int(steps[late].min())) if history else ():
                late &= ~trains.holds(neurons, stamps)
            self._note_late(what, times[late & (stamps < now)], bool((late & (stamps == now)).any()), now)
            steps = np.where(late & (stamps == now), now, steps)
        if (together & (np.diff(steps) == 0)).any():
            message = f"several spikes of a neuron in one step of {state.dt:g} ms are one"
            state.note("Y103", what, message, "choose a smaller timestep")
        return Trains(size, steps, neurons, stamps)

    @staticmethod
    def _note_late(what: str, past: np.ndarray, at_once: bool, now: int) -> None:
        """Report times that were ``past``, or those of that moment, when they were given at step ``now``."""
        if at_once:
            message = f"no step that ends at {state.ms(now):g} ms is to come; the spike is sent at "
            message += f"{state.ms(now + 1):g} ms"
            remedy = (
                "shift all times by a timestep, or use convention='spinnaker', whose stamps are beginnings of steps"
            )
            state.note("Y102", what, message, remedy)
        if len(past):
            message = f"times that were past when they were given, at {state.ms(now):g} ms, are not sent: "
            message += f"{len(past)}, the first at {past.min():g} ms"
            state.note(LOST, what, message, "give times from get_current_time() on")


class SpikeSourcePoisson(cells.SpikeSourcePoisson):
    """Poisson spikes: in every step from ``start`` on, for ``duration`` ms, a spike with probability rate * dt."""

    translations = same(cells.SpikeSourcePoisson.default_parameters)

    def __init__(self, rate: Any = 1.0, start: Any = 0.0, duration: Any = 1e10, **parameters: Any) -> None:
        parameters |= {"rate": rate, "start": start, "duration": duration}
        super().__init__(**plain(parameters, "SpikeSourcePoisson"))

    def sends(self, parameters: dict[str, np.ndarray], label: str, history: History | None = None) -> Rates:
        """The rates from each step on in which one changes. Raises InvalidParameterValueError."""
        settings = np.stack([np.asarray(parameters[n], dtype=float) for n in ("rate", "start", "duration")])
        for name, values in zip(("rate", "start", "duration"), settings, strict=True):
            if not (values >= 0).all() or (name == "rate" and not np.isfinite(values).all()):
                raise InvalidParameterValueError(f"{label}.{name}: must be a number >= 0, got {values}")
        if (settings == settings[:, :1]).all():
            (rate, start, duration), of = settings[:, :1], np.zeros(settings.shape[1], np.int64)
        else:
            (rate, start, duration), of = np.unique(settings, axis=1, return_inverse=True)
        begins, ends = np.rint(start / state.dt), np.rint((start + duration) / state.dt)
        changes = np.unique(np.concatenate([begins, ends]))
        changes = changes[changes * state.dt < NEVER_MS]
        on = (begins <= changes[:, None]) & (changes[:, None] < ends)
        return Rates(changes.astype(np.int64), np.where(on, rate, 0.0), of.reshape(-1))


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
    SpikeSourceArray,
    SpikeSourcePoisson,
)
"""Every cell type."""
