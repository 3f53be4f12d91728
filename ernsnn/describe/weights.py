"""Weights: what a spike adds to neurons through one of their receptors, and in which unit."""

from __future__ import annotations

from collections.abc import Iterator

from ernsnn.describe.distributions import Distribution, Value, span
from ernsnn.describe.fields import is_one_of
from ernsnn.describe.kinds import RECEPTORS, Receptor
from ernsnn.describe.neurons import Neuron
from ernsnn.describe.populations import Population
from ernsnn.errors import quoted

WEIGHTS = ("weight_nA", "weight_mV", "weight_uS")


def receptor_word(given: str) -> str:
    """The word for a receptor, where E and I may be written for short."""
    return {"E": "excitatory", "I": "inhibitory"}.get(given, given)


class Weighted:
    """What brings spikes of some weight to neurons: projections and Poisson inputs, which have these fields."""

    name: str
    receptor: str
    weight_nA: Value | None
    weight_mV: Value | None
    weight_uS: Value | None

    @property
    def reached(self) -> Population:
        """The population of the neurons that the spikes reach."""
        raise NotImplementedError

    @property
    def site(self) -> Receptor | None:
        """The receptor of these neurons, their first where there is none of its name; None where they have none."""
        model = self.reached.model
        if not isinstance(model, Neuron):
            return None
        if self.receptor in model.kind.words:
            return model.kind.receptor(self.receptor)
        return next(iter(model.kind.receptors), None)

    @property
    def weight_field(self) -> str:
        """Which of ``WEIGHTS`` holds the weight: a spike adds a current, moves V itself, or adds a conductance."""
        site = self.site
        return f"weight_{site.unit if site else 'nA'}"

    @property
    def weight(self) -> Value:
        """The weight, in the unit that ``weight_field`` says."""
        value: Value = getattr(self, self.weight_field)
        return value

    def receptor_problems(self) -> Iterator[str]:
        """Why nothing can act on these neurons by this receptor."""
        model = self.reached.model
        words = model.kind.words if isinstance(model, Neuron) else list(RECEPTORS)
        if not is_one_of(self.receptor, words):
            yield f"{self.name}.receptor: must be one of {', '.join(words)}, got {quoted(self.receptor)}"
        if self.reached.is_source:
            yield f"{self.name}: {self.reached.name} is a spike source and takes no input"

    def unit_problems(self) -> Iterator[str]:
        """Why the weight is not one in the unit of the receptor."""
        field = self.weight_field
        wrong = [name for name in WEIGHTS if name != field and getattr(self, name) is not None]
        if wrong:
            model = type(self.reached.model).__name__
            neurons = f"{self.name}: the neurons of {self.reached.name} are {model}"
            yield f"{neurons}; give {field}, not {' or '.join(wrong)}"
        elif getattr(self, field) is None:
            yield f"{self.name}.{field}: give the weight, a number, array of numbers or distribution"

    def sign_problems(self) -> Iterator[str]:
        """Why the weight, which is given, has a sign that the receptor does not take."""
        site = self.site
        conducts = site is not None and not site.negative
        signed = self.receptor == "signed" or (site is not None and site.negative and self.receptor == site.name)
        lowest, _ = span(self.weight)
        if conducts and is_one_of(self.receptor, ["signed"]):
            yield f"{self.name}.receptor: a conductance has no sign; give excitatory and inhibitory synapses apart"
        elif lowest < 0 and not signed:
            hint = " (Normal takes low=0)" if isinstance(self.weight, Distribution) else ""
            yield (
                f"{self.name}.{self.weight_field}: weights on the {self.receptor} receptor are >= 0, but reach "
                f"{lowest}{hint}; an inhibitory receptor acts negatively by itself"
                + ("" if conducts else ", and receptor='signed' takes both signs")
            )
