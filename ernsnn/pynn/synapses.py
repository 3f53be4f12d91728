"""Synapse types: PyNN's static and STDP ones, and STDP with epigenetic marks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from pyNN import errors
from pyNN.standardmodels import synapses

from ernsnn.describe import stdp
from ernsnn.describe.flows import Relax
from ernsnn.describe.learning import LearningRule
from ernsnn.describe.marks import AnyMark, with_marks
from ernsnn.describe.network import Network
from ernsnn.describe.short_term import TsodyksUzielMarkram
from ernsnn.errors import InvalidModel

from .astrocytes import Astrocyte
from .cells import same
from .plasticity import (
    ExtraVogels2011Rule,
    PfisterSpikeTriplet,
    RecurrentRule,
    SpikeNearestPairRule,
    WeightDependenceAdditiveTriplet,
    check_parts,
)
from .simulator import state


class Weighted(Protocol):
    """A projection whose weights have a sign."""

    label: str
    sign: int
    receptor_type: str
    post: Any


class Described(Protocol):
    """A projection that is about to be described to ernsnn."""

    def constant(self, name: str) -> float:
        """A parameter that all synapses share."""

    def decay_ms(self) -> float:
        """The time constant of the synaptic current that the projection acts on, which all of its post cells share."""


_OF_ONE_SIGN = ("excitatory", "excitatory2", "inhibitory")
"""Receptors whose weights have one sign; currents of receptors by other names take both."""


def takes_both(projection: Weighted) -> bool:
    """Whether negative and positive weights mean the same: those of inhibition do in scripts for SpiNNaker."""
    return state.convention == "spinnaker" and projection.receptor_type == "inhibitory"


def as_kept(weights: Any, projection: Weighted) -> Any:
    """Weights with the sign that the script reads: their magnitude where both signs mean the same."""
    return np.abs(weights) if takes_both(projection) else weights


def check_sign(weights: Any, projection: Weighted) -> None:
    """Raise ConnectionError on weights that are no numbers, or have the wrong sign in the convention of the script."""
    values = np.asarray(weights, dtype=float)
    if not np.isfinite(values).all():
        raise errors.ConnectionError(
            f"{projection.label}: weights must be finite, got {values[~np.isfinite(values)][0]}"
        )
    lowest, highest = np.min(values, initial=np.inf), np.max(values, initial=-np.inf)
    label, negative = projection.label, projection.sign < 0
    if not projection.post.conductance_based and projection.receptor_type not in _OF_ONE_SIGN:
        return
    if takes_both(projection):
        if lowest < 0 < highest:
            raise errors.ConnectionError(
                f"{label}: inhibitory weights are all positive or all negative, got {lowest:g} and {highest:g}"
            )
        return
    if negative and highest > 0:
        raise errors.ConnectionError(
            f"{label}: inhibitory weights are negative in PyNN, got {highest:g}; give negative ones, or "
            "setup(convention='spinnaker'), which takes positive ones"
        )
    if not negative and lowest < 0:
        where = f"in convention {state.convention!r}"
        remedy = "negative ones belong to receptor_type='inhibitory'"
        if projection.post.conductance_based:
            where, remedy = "where they are conductances", "give positive ones"
        raise errors.ConnectionError(
            f"{label}: {projection.receptor_type} weights are positive {where}, got {lowest:g}; {remedy}"
        )


class Synapse:
    """Base of the synapse types."""

    parameter_checks = {"weight": check_sign}  # noqa: RUF012 - PyNN reads it
    plastic = False
    marks: Mapping[str, float] = {}
    get_parameter_names: Callable[[], list[str]]

    def _get_minimum_delay(self) -> float:
        return state.shortest_delay()

    def lacks(self, constant: Callable[[str], float]) -> str:
        """Why no backend runs it, given the parameters all synapses share; empty where some do."""
        return ""

    def described(self, net: Network, projection: Described) -> dict[str, Any]:
        """The arguments for ``Network.projection`` beside weights and delays."""
        return {}


class StaticSynapse(Synapse, synapses.StaticSynapse):
    __doc__ = synapses.StaticSynapse.__doc__
    translations = same(("weight", "delay"))


class TsodyksMarkramSynapse(Synapse, synapses.TsodyksMarkramSynapse):
    """Depression and facilitation as pyNN.nest has them: ``ern.TsodyksUzielMarkram``, its tau_psc that of the cells.

    tau_syn of the post cells is one number for all synapses of a projection.
    """

    translations = same(("weight", "delay", "U", "tau_rec", "tau_facil"))

    def described(self, net: Network, projection: Described) -> dict[str, Any]:
        """See ``Synapse.described``."""
        kept = {"U": "U", "tau_rec": "tau_rec_ms", "tau_facil": "tau_fac_ms"}
        values = {own: projection.constant(name) for name, own in kept.items()}
        return {"short_term": TsodyksUzielMarkram(**values, tau_psc_ms=projection.decay_ms())}


class STDPMechanism(Synapse, synapses.STDPMechanism):
    """A timing dependence, such as SpikePairRule, with a dependence on the weight: see ``plasticity``.

    A post spike reaches the synapse after the synapse's delay, a pre spike at once: ``dendritic_delay_fraction`` is 1.
    """

    base_translations = same(("weight", "delay", "dendritic_delay_fraction"))
    plastic = True

    def __init__(
        self,
        timing_dependence: Any = None,
        weight_dependence: Any = None,
        voltage_dependence: Any = None,
        dendritic_delay_fraction: float = 1.0,
        weight: Any = 0.0,
        delay: Any = None,
    ) -> None:
        check_parts(timing_dependence, weight_dependence)
        if voltage_dependence is not None:
            raise InvalidModel("STDPMechanism.voltage_dependence: there is none in ernsnn")
        if dendritic_delay_fraction != 1:
            raise InvalidModel(
                f"STDPMechanism.dendritic_delay_fraction: is 1 in ernsnn, got {dendritic_delay_fraction}: post spikes "
                "reach a synapse after its delay, pre spikes at once"
            )
        super().__init__(
            timing_dependence, weight_dependence, voltage_dependence, dendritic_delay_fraction, weight, delay
        )

    def rule(self, constant: Callable[[str], float]) -> LearningRule:
        """The rule as ernsnn has it, amplitudes being absolute."""
        return self.timing_dependence.rule(constant, self.weight_dependence.powers(constant))  # type: ignore[no-any-return]

    def lacks(self, constant: Callable[[str], float]) -> str:
        """See ``Synapse.lacks``."""
        if self.timing_dependence.lacks:
            return str(self.timing_dependence.lacks)
        wrong = [mu for mu in self.weight_dependence.powers(constant) if mu < 0 or not float(mu).is_integer()]
        return f"terms of learning rules are products: a power of {wrong[0]:g} is none" if wrong else ""

    def described(self, net: Network, projection: Described) -> dict[str, Any]:
        """See ``Synapse.described``."""
        return {"learning": self.rule(projection.constant)}


class MarkedSTDP(STDPMechanism):
    """STDP whose synapses carry epigenetic marks: ``marks`` are those of ``ernsnn.marks``, composed into the rule.

    ``third_factors`` says which ``Astrocyte`` each signal of the marks is; ``transmit`` the weight that a spike
    transmits, a sum of products of ``w`` and the marks. ``epoch_ms`` and ``rest`` are those of
    ``ernsnn.marks.with_marks``. The marks of each synapse are read as weights are: ``projection.get("m",
    format="array")``.
    """

    def __init__(
        self,
        timing_dependence: Any,
        weight_dependence: Any,
        *,
        marks: Sequence[AnyMark],
        third_factors: Mapping[str, Astrocyte] | None = None,
        transmit: str = "w",
        epoch_ms: float | None = None,
        rest: Relax | None = None,
        weight: Any = 0.0,
        delay: Any = None,
    ) -> None:
        super().__init__(timing_dependence, weight_dependence, weight=weight, delay=delay)
        self.third_factors, self.transmit = dict(third_factors or {}), transmit
        self._composition = (tuple(marks), epoch_ms, rest)
        composed = with_marks(stdp.pair(A_plus=0.0, A_minus=0.0), *self._composition)
        self.marks = {mark.name: float(np.asarray(mark.initial)) for mark in composed.marks}

    def rule(self, constant: Callable[[str], float]) -> LearningRule:
        """See ``STDPMechanism.rule``."""
        return with_marks(super().rule(constant), *self._composition)

    def get_native_names(self, *names: str) -> list[str]:
        """Names of attributes, marks among them."""
        return [n if n in self.marks else super(MarkedSTDP, self).get_native_names(n)[0] for n in names]

    def described(self, net: Network, projection: Described) -> dict[str, Any]:
        """See ``Synapse.described``."""
        factors = {symbol: net.modulators[astrocyte.name] for symbol, astrocyte in self.third_factors.items()}
        return {"learning": self.rule(projection.constant), "third_factors": factors, "transmit": self.transmit}


EXTRA_SYNAPSES: dict[str, type] = {
    "PfisterSpikeTriplet": PfisterSpikeTriplet,
    "RecurrentRule": RecurrentRule,
    "SpikeNearestPairRule": SpikeNearestPairRule,
    "Vogels2011Rule": ExtraVogels2011Rule,
    "WeightDependenceAdditiveTriplet": WeightDependenceAdditiveTriplet,
}
"""What sPyNNaker's ``extra_models`` has of plasticity, by its names."""
