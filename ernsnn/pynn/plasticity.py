"""What STDPMechanism combines: timing dependences, each a rule of ``ernsnn.stdp``, and dependences on the weight."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from pyNN.standardmodels import STDPTimingDependence, STDPWeightDependence, synapses

from ernsnn.describe import stdp
from ernsnn.describe.learning import LearningRule
from ernsnn.errors import InvalidModel

from .cells import same
from .simulator import state

Constant = Callable[[str], float]
"""The value of a parameter that all synapses of a projection share."""
Powers = tuple[float, float]


class WeightDependence:
    """How much of an amplitude acts: (w_max - w)^mu_plus of potentiation, (w - w_min)^mu_minus of depression."""

    def powers(self, constant: Constant) -> Powers:
        """Return (mu_plus, mu_minus)."""
        raise NotImplementedError


class AdditiveWeightDependence(WeightDependence, synapses.AdditiveWeightDependence):
    __doc__ = synapses.AdditiveWeightDependence.__doc__
    translations = same(("w_min", "w_max"))

    def powers(self, constant: Constant) -> Powers:
        """See ``WeightDependence``."""
        return 0.0, 0.0


class MultiplicativeWeightDependence(WeightDependence, synapses.MultiplicativeWeightDependence):
    __doc__ = synapses.MultiplicativeWeightDependence.__doc__
    translations = same(("w_min", "w_max"))

    def powers(self, constant: Constant) -> Powers:
        """See ``WeightDependence``."""
        return 1.0, 1.0


class AdditivePotentiationMultiplicativeDepression(
    WeightDependence, synapses.AdditivePotentiationMultiplicativeDepression
):
    __doc__ = synapses.AdditivePotentiationMultiplicativeDepression.__doc__
    translations = same(("w_min", "w_max"))

    def powers(self, constant: Constant) -> Powers:
        """See ``WeightDependence``."""
        return 0.0, 1.0


class GutigWeightDependence(WeightDependence, synapses.GutigWeightDependence):
    """Powers ``mu_plus`` and ``mu_minus`` of the distances from the bounds: whole numbers, as ``check`` says."""

    translations = same(("w_min", "w_max", "mu_plus", "mu_minus"))

    def powers(self, constant: Constant) -> Powers:
        """See ``WeightDependence``."""
        return constant("mu_plus"), constant("mu_minus")


class WeightDependenceAdditiveTriplet(WeightDependence, STDPWeightDependence):
    """sPyNNaker's additive dependence for ``PfisterSpikeTriplet``, with the amplitudes of triplets."""

    default_parameters = {"w_min": 0.0, "w_max": 1.0, "A3_plus": 0.01, "A3_minus": 0.01}  # noqa: RUF012 - PyNN's
    translations = same(tuple(default_parameters))

    def __init__(self, w_min: float = 0.0, w_max: float = 1.0, A3_plus: float = 0.01, A3_minus: float = 0.01) -> None:
        super().__init__(w_min=w_min, w_max=w_max, A3_plus=A3_plus, A3_minus=A3_minus)

    def powers(self, constant: Constant) -> Powers:
        """See ``WeightDependence``."""
        return 0.0, 0.0


class TimingDependence:
    """A rule of ``ernsnn.stdp``, with PyNN's names of what it needs."""

    needs: type | None = None
    """The dependence on the weight that it needs, unless any but that of triplets."""
    lacks = ""
    """Why no backend of ernsnn runs it; empty for one that runs."""

    def rule(self, constant: Constant, powers: Powers) -> LearningRule:
        """The rule as ernsnn has it, amplitudes being absolute."""
        raise NotImplementedError


def _amplitude(name: str, mu: float, constant: Constant) -> float:
    """PyNN's amplitude of changes as an absolute one: NEST's are fractions of w_max, of a weight that is one, too."""
    if state.convention == "spinnaker" and mu in (0.0, 1.0):
        return constant(name)
    return constant(name) * float(constant("w_max") ** (1.0 - mu))


def _of_pairs(constant: Constant, powers: Powers) -> dict[str, Any]:
    up, down = powers
    return {
        "tau_plus_ms": constant("tau_plus"),
        "tau_minus_ms": constant("tau_minus"),
        "A_plus": _amplitude("A_plus", up, constant),
        "A_minus": _amplitude("A_minus", down, constant),
        **_bounds(constant),
        "dependence": "power",
        "mu_plus": up,
        "mu_minus": down,
    }


def _bounds(constant: Constant) -> dict[str, Any]:
    return {"w_min": constant("w_min"), "w_max": constant("w_max")}


class SpikePairRule(TimingDependence, synapses.SpikePairRule):
    """Every pair of spikes counts, with traces that decay with ``tau_plus`` and ``tau_minus`` (ms).

    ``A_plus`` and ``A_minus`` are fractions of ``w_max``, or in ``convention="spinnaker"``, with additive weight
    dependence, absolute, in the unit of weights.
    """

    translations = same(("tau_plus", "tau_minus", "A_plus", "A_minus"))

    def rule(self, constant: Constant, powers: Powers) -> LearningRule:
        """See ``TimingDependence``."""
        return stdp.pair(**_of_pairs(constant, powers))


class SpikeNearestPairRule(SpikePairRule):
    """sPyNNaker's rule of nearest neighbours: ``ernsnn.stdp.nearest``, symmetric."""

    def rule(self, constant: Constant, powers: Powers) -> LearningRule:
        """See ``TimingDependence``."""
        return stdp.nearest(**_of_pairs(constant, powers))


class PfisterSpikeTriplet(TimingDependence, STDPTimingDependence):
    """sPyNNaker's triplet rule: ``ernsnn.stdp.triplet``, whose A2 are ``A_plus`` and ``A_minus``."""

    default_parameters = {  # noqa: RUF012 - PyNN's
        "tau_plus": 16.8, "tau_minus": 33.7, "tau_x": 101.0, "tau_y": 125.0, "A_plus": 0.01, "A_minus": 0.01,
    }  # fmt: skip
    translations = same(tuple(default_parameters))
    needs = WeightDependenceAdditiveTriplet

    def __init__(
        self, tau_plus: float, tau_minus: float, tau_x: float, tau_y: float, A_plus: float, A_minus: float
    ) -> None:
        super().__init__(
            tau_plus=tau_plus, tau_minus=tau_minus, tau_x=tau_x, tau_y=tau_y, A_plus=A_plus, A_minus=A_minus
        )

    def rule(self, constant: Constant, powers: Powers) -> LearningRule:
        """See ``TimingDependence``."""
        names = {"A_plus": "A2_plus", "A_minus": "A2_minus", "A3_plus": "A3_plus", "A3_minus": "A3_minus"}
        amplitudes: dict[str, Any] = {own: _amplitude(name, 0.0, constant) for name, own in names.items()}
        taus: dict[str, Any] = {f"{name}_ms": constant(name) for name in ("tau_plus", "tau_minus", "tau_x", "tau_y")}
        return stdp.triplet(**amplitudes, **taus, **_bounds(constant))


class Vogels2011Rule(TimingDependence, synapses.Vogels2011Rule):
    """PyNN's rule of inhibition: ``ernsnn.stdp.vogels``; ``eta`` is absolute, ``rho`` a rate in Hz."""

    translations = same(("tau", "eta", "rho"))
    needs = AdditiveWeightDependence

    def rule(self, constant: Constant, powers: Powers) -> LearningRule:
        """See ``TimingDependence``."""
        return stdp.vogels(tau_ms=constant("tau"), eta=constant("eta"), rate_hz=constant("rho"), **_bounds(constant))


class ExtraVogels2011Rule(TimingDependence, STDPTimingDependence):
    """sPyNNaker's form of ``Vogels2011Rule``: ``A_plus`` is eta, absolute, and ``alpha`` is 2 rho tau.

    ``A_minus`` must be as large as ``A_plus``, or stay at its default: SpiNNaker does not use it.
    """

    default_parameters = {"alpha": 0.12, "tau": 20.0, "A_plus": 0.01}  # noqa: RUF012 - PyNN's
    translations = same(tuple(default_parameters))
    needs = AdditiveWeightDependence

    def __init__(self, alpha: float, tau: float = 20.0, A_plus: float = 0.01, A_minus: float = 0.01) -> None:
        if A_minus not in (0.01, A_plus):
            raise InvalidModel(
                f"Vogels2011Rule.A_minus: changes of both signs are scaled by A_plus, {A_plus}; leave A_minus out, got "
                f"{A_minus}"
            )
        super().__init__(alpha=alpha, tau=tau, A_plus=A_plus)

    def rule(self, constant: Constant, powers: Powers) -> LearningRule:
        """See ``TimingDependence``."""
        tau = constant("tau")
        rate = 1000.0 * constant("alpha") / (2.0 * tau)
        return stdp.vogels(tau_ms=tau, eta=constant("A_plus"), rate_hz=rate, **_bounds(constant))


class RecurrentRule(TimingDependence, STDPTimingDependence):
    """sPyNNaker's rule of accumulators, which ernsnn lacks: ``check`` says so."""

    default_parameters: ClassVar[dict[str, float]] = {}
    translations: ClassVar[dict[str, Any]] = {}
    lacks = "a rule whose accumulators count pairs is not here; SpikePairRule and SpikeNearestPairRule pair spikes"

    def __init__(self, **parameters: Any) -> None:
        super().__init__()
        self.given = parameters


def check_parts(timing: Any, weight: Any) -> None:
    """Raise InvalidModel where STDPMechanism is given what ernsnn has no rule for."""
    if not isinstance(timing, TimingDependence):
        raise InvalidModel(
            "STDPMechanism.timing_dependence: must be a SpikePairRule or a Vogels2011Rule, or, of sPyNNaker's, a "
            f"SpikeNearestPairRule or a PfisterSpikeTriplet, got {timing!r}"
        )
    if not isinstance(weight, WeightDependence):
        raise InvalidModel(
            "STDPMechanism.weight_dependence: must be an AdditiveWeightDependence, a MultiplicativeWeightDependence, "
            f"an AdditivePotentiationMultiplicativeDepression or a GutigWeightDependence, got {weight!r}"
        )
    needed = timing.needs
    if needed is not None and not isinstance(weight, needed):
        raise InvalidModel(
            f"STDPMechanism.weight_dependence: {type(timing).__name__} needs {needed.__name__}, got {weight!r}"
        )
    if needed is None and isinstance(weight, WeightDependenceAdditiveTriplet):
        raise InvalidModel(
            f"STDPMechanism.weight_dependence: WeightDependenceAdditiveTriplet belongs to PfisterSpikeTriplet, got "
            f"{type(timing).__name__}; use AdditiveWeightDependence"
        )
