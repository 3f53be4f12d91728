"""Third factors: slow or external signals that modulate plasticity, as astrocytes and given signals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ernsnn.describe.arguments import checked
from ernsnn.describe.calcium import CalciumAstrocyte
from ernsnn.describe.domain import Domain
from ernsnn.describe.fields import convert_fields
from ernsnn.describe.stimuli import Schedule
from ernsnn.describe.units import to_number, to_single
from ernsnn.errors import InvalidModel


@checked
@dataclass(frozen=True, eq=False, kw_only=True)
class Astrocyte(Domain):
    r"""Leaky astrocytes: C decays towards ``bias`` and then adds a weight per spike of its domain in the same step.

    .. math:: C(t) = bias + (C(t-1) - bias) e^{-dt/\tau} + \sum_k weight_k \cdot n_k(t), \qquad C(-1) = initial

    n_k are the spikes of member k of ``listens_to``; ``weight`` is one number for all members, or one a member, of
    either sign. ``initial`` is ``bias`` unless given. ``per="domain"``: one astrocyte hears every neuron of
    ``listens_to``; ``per="neuron"``: astrocyte i hears neuron i of every member, all of one size. As a third factor it
    gives C itself, or, with a threshold, 1 where C >= threshold and 0 elsewhere; with ``threshold_off`` < threshold an
    open gate stays open while C >= threshold_off (hysteresis). It acts in the step of the spikes that it hears, before
    plasticity.

    The astrocyte of NALSM (Ivanov and Michmizos 2021, NeurIPS 34), A += (w (liquid - input) + b - A)/tau once a ms with
    w = .015 (at 1000 neurons), b = A(0) = .15 and tau = 100 ms, is the Euler step of this one with
    ``listens_to=[liquid, inputs]``, ``weight=[w/tau*dt, -w/tau*dt]``, ``bias=.15``. There A is the depression rate of
    STDP, hence a third factor D in the rule: ``on_pre={"w": "-A_minus*y*D"}``, with A_minus = 1 for D itself.
    """

    tau_ms: float
    weight: float | Sequence[float] | np.ndarray = 1.0
    bias: float = 0.0
    initial: float | None = None

    def __post_init__(self) -> None:
        convert_fields(self, self.name)
        if not self.listens_to:
            raise InvalidModel(f"{self.name}: an astrocyte needs at least one population to listen to")
        self._check_domain()
        if not self.tau_ms > 0:
            raise InvalidModel(f"{self.name}.tau_ms: must be > 0, got {self.tau_ms}")
        object.__setattr__(self, "weight", to_number(self.weight, f"{self.name}.weight"))
        if np.shape(self.weight) not in ((), (len(self.listens_to),)):
            raise InvalidModel(
                f"{self.name}.weight: needs one number, or one for each of the {len(self.listens_to)} members of "
                f"listens_to, got an array of shape {np.shape(self.weight)}"
            )
        object.__setattr__(self, "bias", to_single(self.bias, f"{self.name}.bias"))
        start = self.bias if self.initial is None else self.initial
        object.__setattr__(self, "initial", to_single(start, f"{self.name}.initial"))


@checked
@dataclass(frozen=True, eq=False, kw_only=True)
class Signal:
    """A given third factor, such as a reward: a Schedule of numbers, or of one number a neuron."""

    name: str
    schedule: Schedule

    @property
    def size(self) -> int:
        """The number of values it has at a time."""
        return self.schedule.width or 1


@checked
@dataclass(frozen=True, eq=False, kw_only=True)
class Gate:
    """1 while several astrocytes of any kind agree, else 0: a third factor with hysteresis.

    A closed gate opens when every astrocyte's C is at or above its number in ``opens``; an open one stays open while
    every C is at or above its number in ``stays`` (default: as ``opens``). Astrocytes of several values make as many
    gates, one each; those of one value take part in all.
    """

    name: str
    opens: Mapping[Astrocyte | CalciumAstrocyte, float]
    stays: Mapping[Astrocyte | CalciumAstrocyte, float] | None = None

    def __post_init__(self) -> None:
        if not self.opens:
            raise InvalidModel(f"{self.name}: a gate needs at least one astrocyte that opens it")
        stays = self.opens if self.stays is None else self.stays
        if set(stays) != set(self.opens):
            raise InvalidModel(f"{self.name}: opens and stays must name the same astrocytes")
        for field, given in (("opens", self.opens), ("stays", stays)):
            checked = {a: to_single(value, f"{self.name}.{field}[{a.name}]") for a, value in given.items()}
            object.__setattr__(self, field, checked)
        for astrocyte, level in self.opens.items():
            if stays[astrocyte] > level:
                raise InvalidModel(
                    f"{self.name}: {astrocyte.name} needs more to stay open ({stays[astrocyte]}) than to open "
                    f"({level}); the gate would flicker"
                )
        sizes = {a.size for a in self.opens} - {1}
        if len(sizes) > 1:
            raise InvalidModel(f"{self.name}: astrocytes of different sizes, {sorted(sizes)}")

    @property
    def size(self) -> int:
        """The number of gates."""
        return max(a.size for a in self.opens)


@checked
@dataclass(frozen=True, eq=False, kw_only=True)
class Either:
    """The largest of several third factors: with factors of 0 and 1, whether any of them is on.

    So can an astrocyte or sleep consolidate. Factors of several values give as many, one each; those of one value take
    part in all.
    """

    name: str
    factors: Sequence[Astrocyte | CalciumAstrocyte | Signal | Gate]

    def __post_init__(self) -> None:
        object.__setattr__(self, "factors", tuple(self.factors))
        if len(self.factors) < 2:
            raise InvalidModel(f"{self.name}: needs at least two third factors")
        sizes = {factor.size for factor in self.factors} - {1}
        if len(sizes) > 1:
            raise InvalidModel(f"{self.name}: third factors of different sizes, {sorted(sizes)}")

    @property
    def size(self) -> int:
        """The number of values it has at a time."""
        return max(factor.size for factor in self.factors)


Modulator = Astrocyte | CalciumAstrocyte | Signal | Gate | Either


@checked
@dataclass(frozen=True, kw_only=True, eq=False)
class ThirdFactor:
    """A modulator of several values, bound to the ``"pre"`` or ``"post"`` neurons of a projection, one each."""

    modulator: Modulator
    per: Literal["pre", "post"]
