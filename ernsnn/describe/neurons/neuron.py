"""Base of all kinds of neurons. A parameter is one number, an array (one value a neuron) or a distribution."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from ernsnn.describe.arguments import checked
from ernsnn.describe.distributions import Value
from ernsnn.describe.fields import convert_fields, convert_plain_fields
from ernsnn.describe.kinds import Kind
from ernsnn.describe.parametrised import Later, check_values, class_of
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
        return class_of(Neuron, name, kind, _defaults(parameters), f"Neurons of the kind {name}:\n\n{text}")


def of_the_library(name: str, text: str, *, parameters: Mapping[str, float | str | None], **how: Any) -> type[Neuron]:
    """``Neuron.from_equations`` whose text is read when the kind is first used: most programs use one or two kinds."""
    kind = Later(lambda: Neuron.from_equations(name, text, parameters=parameters, **how).kind)
    return class_of(Neuron, name, kind, _defaults(parameters), text)


def _defaults(parameters: Mapping[str, float | str | None]) -> dict[str, float | None]:
    return {name: None if isinstance(default, str) else default for name, default in parameters.items()}
