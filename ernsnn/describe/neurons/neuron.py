"""What all kinds of neurons share. A parameter is one number, an array (one value a neuron) or a distribution."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np

from ernsnn.describe.arguments import checked
from ernsnn.describe.distributions import Distribution, Value, span
from ernsnn.describe.evaluation import evaluated
from ernsnn.describe.expressions import Expr, names_in
from ernsnn.describe.fields import convert_fields, convert_plain_fields
from ernsnn.describe.kinds import Kind, Parameter, Requirement, condition_text
from ernsnn.describe.units import to_single
from ernsnn.describe.written import written_kind
from ernsnn.errors import InvalidModel


@dataclass(frozen=True, eq=False, kw_only=True)
class Neuron:
    """Neurons of one kind, with their parameters as fields; a population consists of them.

    Choose one, such as ``LIF``, or write one: ``Neuron.from_equations``.
    """

    kind: ClassVar[Kind]
    """The equations."""

    def __post_init__(self) -> None:
        name = type(self).__name__
        if not hasattr(self, "kind"):
            raise InvalidModel("Neuron is what all kinds of neurons share; choose one, such as LIF")
        convert_fields(self, name)
        convert_plain_fields(self, name)
        unknown = {f.name for f in dataclasses.fields(self)} - {p.name for p in self.kind.parameters}
        if unknown:
            raise InvalidModel(
                f"{name}: {', '.join(sorted(unknown))} is in no equation of {self.kind.name}; write a kind of your own "
                "with ern.Neuron.from_equations"
            )
        for p in self.kind.parameters:
            if p.follows and getattr(self, p.name) is None:
                object.__setattr__(self, p.name, getattr(self, p.follows))
        check_values(name, self.kind, self.parameters)

    @property
    def parameters(self) -> dict[str, Value]:
        """Name -> value of every parameter that is given or has a default."""
        given = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        return {name: value for name, value in given.items() if value is not None}

    @staticmethod
    @checked
    def from_equations(
        name: str,
        text: str,
        *,
        parameters: Mapping[str, float | str | None],
        receptors: Mapping[str, str],
        units: Mapping[str, str] | None = None,
        positive: Collection[str] = (),
        initial: Mapping[str, float | str] | None = None,
        threshold: str | None = None,
        probability: str | None = None,
        reset: str = "",
        refractory: str = "",
        held: Collection[str] = ("V",),
        remember: Mapping[str, str] | None = None,
        method: str = "exact",
        substeps: int = 1,
    ) -> type[Neuron]:
        """A kind of neuron of your own: a class like ``LIF``, which every backend that reads equations runs.

        ``text`` has equations on lines of their own or parted by ";": ``dX/dt = ...`` of the states, ``X = ...`` of
        what they share. Units are coherent: ms, mV, nA, nF, uS and MOhm need no factors. Known are + - * / **,
        comparisons, and or not, ``a if c else b``, min max abs exp expm1 exprel log sqrt tanh cos floor ceil, ``dt``,
        and ``normal`` and ``uniform``, a random number a neuron and step. Text is read, never executed.

        ``parameters``: name -> default, the name of the parameter that it follows, or None if it may be left out
        (``if NAME: ...`` before an equation then depends on it); those that are ``positive`` must be above 0.
        ``receptors``: name -> what a spike of weight w does, such as ``"g_E += w"``, linear in w; ``units``: name ->
        nA (if it is not given), mV or uS, which is never negative. Projections name them in ``receptor=``, where
        "excitatory" is E and "inhibitory" I.
        ``initial``: state -> number or expression of parameters; else V is v_init_mV or v_rest_mV, the others are 0.
        A spike is ``threshold``, a condition, or happens with ``probability`` in a step; of neither, it never does.
        Then the statements ``reset``; and for ceil(``refractory``/dt) steps, a parameter, the states ``held`` stay.
        ``remember``: name -> state whose value before the step it is.

        The largest part that is linear and depends on nothing else is integrated exactly, the rest by ``method``:
        "rk4" (Runge-Kutta, the linear part at its exact midpoints) or "exponential" (x + h f exprel(h df/dx)), in
        ``substeps`` a step; with "exact" there must be no rest.
        Raises InvalidModel on what cannot be read, names without a value, and equations that are not linear where
        ``method`` or a receptor needs it.
        """
        kind = written_kind(
            name,
            text,
            parameters=parameters,
            receptors=receptors,
            units=units or {},
            positive=positive,
            initial=initial or {},
            threshold=threshold,
            probability=probability,
            reset=reset,
            refractory=refractory,
            held=held,
            remember=remember or {},
            method=method,
            substeps=substeps,
        )
        defaults = {
            one: None
            if default is None or isinstance(default, str)
            else to_single(default, f"{name}.parameters[{one!r}]")
            for one, default in parameters.items()
        }
        fields = [(name, "Value | None", dataclasses.field(default=value)) for name, value in defaults.items()]
        space = {"kind": kind, "__doc__": f"Neurons of the kind {name}:\n\n{text}"}
        made = dataclasses.make_dataclass(
            name, fields, bases=(Neuron,), namespace=space, frozen=True, eq=False, kw_only=True
        )
        made.__module__ = __name__
        made()  # its defaults can be had
        return checked(made)


class Parametrised(Protocol):
    """A kind of neurons, or of what else has parameters."""

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """Its parameters."""

    @property
    def requirements(self) -> tuple[Requirement, ...]:
        """What must hold of them."""


def check_values(path: str, kind: Parametrised, values: Mapping[str, Value]) -> None:
    """Raise InvalidModel, naming ``path`` and the parameter, on values that what is of a ``kind`` cannot have.

    Called on what the user wrote, and again by the lowering on the numbers that distributions gave.
    """
    # What a distribution gives is checked when it has been drawn.
    lowest = {name: span(value)[0] for name, value in values.items() if not isinstance(value, Distribution)}
    problems = []
    for p in kind.parameters:
        if p.low is not None and p.name in lowest and not _above(lowest[p.name], p.low, p.excluded):
            problems.append(f"{path}.{p.name} must be {'>' if p.excluded else '>='} {p.low:g}, got {lowest[p.name]}")
    for requirement in kind.requirements:
        problems += _unmet(path, values, requirement.condition, requirement.why)
    if problems:
        raise InvalidModel("; ".join(problems))


def _above(value: float, low: float, excluded: bool) -> bool:
    return value > low if excluded else value >= low


def _unmet(path: str, values: Mapping[str, Value], condition: Expr, why: str) -> Iterator[str]:
    names = list(dict.fromkeys(names_in(condition)))
    if not all(name in values and not isinstance(values[name], Distribution) for name in names):
        return
    if len({np.shape(np.asarray(values[name])) for name in names} - {()}) > 1:
        yield f"{path}: {' and '.join(names)} have different lengths"
    elif not np.all(evaluated(condition, values)):
        yield f"{path}: {condition_text(condition)}, {why}; got {' and '.join(f'{values[name]}' for name in names)}"
