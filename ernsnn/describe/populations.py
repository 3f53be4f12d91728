"""Populations and parts of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from ernsnn.describe.arguments import checked, whole
from ernsnn.describe.distributions import Distribution
from ernsnn.describe.fields import is_one_of
from ernsnn.describe.kinds import CHANGEABLE
from ernsnn.describe.learning import LearningRule
from ernsnn.describe.neurons import Neuron
from ernsnn.describe.stimuli import Poisson, SpikeTimes, rates_width
from ernsnn.errors import InvalidModel, quoted


@checked
@dataclass(frozen=True, eq=False, kw_only=True)
class IntrinsicPlasticity:
    """A learning rule on a population's own neurons: its variable ``w`` is the parameter ``target``.

    Traces and terms follow the neuron's own spikes as event ``"post"`` (without delay); epoch terms are allowed. A
    change made in step t acts from step t + 1.
    """

    target: Literal["v_threshold_mV", "i_offset_nA"]
    rule: LearningRule

    def __post_init__(self) -> None:
        if not is_one_of(self.target, CHANGEABLE):
            raise InvalidModel(
                f"IntrinsicPlasticity.target: must be one of {', '.join(CHANGEABLE)}, got {self.target!r}"
            )
        events = {t.event for t in self.rule.terms} | {t.event for t in self.rule.traces.values()}
        if "pre" in events:
            raise InvalidModel("IntrinsicPlasticity: a neuron has no pre spikes of its own; use 'post' for its spikes")
        if self.rule.marks or self.rule.third_factors or self.rule.normalise or self.rule.flows:
            raise InvalidModel("IntrinsicPlasticity: marks, third factors, flows and Normalise belong to projections")
        if unused := self.rule.unused():
            raise InvalidModel(f"IntrinsicPlasticity: {unused}")


@checked
@dataclass(frozen=True, eq=False)
class Population:
    """``size`` neurons of one model, or a spike source. ``population[a:b]`` is a part of it."""

    name: str
    size: int
    model: Neuron | SpikeTimes | Poisson
    plasticity: IntrinsicPlasticity | None = None

    @property
    def is_source(self) -> bool:
        """Whether its spikes are given instead of computed."""
        return not isinstance(self.model, Neuron)

    def __getitem__(self, part: slice) -> View:
        return View(self, 0, self.size)[part]


@dataclass(frozen=True, eq=False)
class View:
    """Neurons ``start`` to ``stop`` (exclusive) of a population."""

    population: Population
    start: int
    stop: int

    @property
    def size(self) -> int:
        """The number of neurons."""
        return self.stop - self.start

    @property
    def name(self) -> str:
        """``population[start:stop]``."""
        return f"{self.population.name}[{self.start}:{self.stop}]"

    def _part(self, part: slice) -> str:
        return f"{self.name}[{quoted(part.start)}:{quoted(part.stop)}]"

    def _bound(self, part: slice, given: Any) -> int | None:
        bound = whole(given)
        if given is not None and bound is None:
            raise InvalidModel(f"{self._part(part)}: bounds must be whole numbers")
        if bound is not None and not -self.size <= bound <= self.size:
            raise InvalidModel(f"{self._part(part)}: beyond its {self.size} neurons")
        return bound

    def __getitem__(self, part: slice) -> View:
        if not isinstance(part, slice) or part.step not in (None, 1):
            raise InvalidModel(f"{self.name}: a part is a slice a:b; for single neurons use FromList or a:a+1")
        start, stop, _ = slice(self._bound(part, part.start), self._bound(part, part.stop)).indices(self.size)
        if stop <= start:
            raise InvalidModel(f"{self._part(part)}: is empty")
        return View(self.population, self.start + start, self.start + stop)


def as_view(given: Population | View, path: str) -> View:
    """A whole population as a view of itself."""
    if isinstance(given, Population):
        return View(given, 0, given.size)
    if not isinstance(given, View):
        raise InvalidModel(f"{path}: needs a population or a part of one, got {given!r}")
    return given


def check_population(p: Population, dt_ms: float, current_integration: str) -> None:
    """Raise InvalidModel, naming the population, on a model that does not fit its size or the network."""
    name, model, plasticity = p.name, p.model, p.plasticity
    if isinstance(model, Neuron):
        try:
            model.kind.table(current_integration)
        except InvalidModel as error:
            raise InvalidModel(f"{name}: {error}") from None
        for parameter, value in model.parameters.items():
            if not isinstance(value, Distribution):
                check_length(f"{name}.{parameter}", np.shape(value), p.size)
    if isinstance(model, SpikeTimes) and len(model.times_ms) != p.size:
        raise InvalidModel(f"{name}: {p.size} neurons, but spike times for {len(model.times_ms)}")
    if isinstance(model, Poisson):
        check_width(f"{name}.rate_hz", rates_width(model.rate_hz), p.size)
    if plasticity is not None:
        if p.is_source:
            raise InvalidModel(f"{name}: a spike source has nothing for intrinsic plasticity to change")
        plasticity.rule.check_epochs(dt_ms, f"{name}.plasticity")
        check_changeable(f"{name}.plasticity", p, plasticity.target)


def check_changeable(path: str, population: Population, parameter: str) -> None:
    """Raise InvalidModel where the neurons of a population have no such parameter."""
    model = population.model
    if isinstance(model, Neuron) and parameter not in model.parameters:
        raise InvalidModel(f"{path}: the neurons of {population.name} are {model.kind.name}, which has no {parameter}")


def check_width(path: str, width: int | None, size: int) -> None:
    """Raise InvalidModel unless a schedule of this ``width`` has one value at a time, or ``size``."""
    check_length(path, () if width is None else (width,), size)


def check_length(path: str, shape: tuple[int, ...], size: int) -> None:
    """Raise InvalidModel unless an array of this ``shape`` is one number, or ``size``."""
    if shape not in ((), (size,)):
        raise InvalidModel(f"{path}: needs one number or {size}, got an array of shape {shape}")
