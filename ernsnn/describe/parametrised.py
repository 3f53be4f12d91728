"""Base of kinds of neurons and of short-term plasticity: classes with parameters as fields, and their checks."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Generic, Protocol, TypeVar

import numpy as np

from ernsnn.describe.arguments import held
from ernsnn.describe.distributions import Distribution, Value, span
from ernsnn.describe.evaluation import evaluated
from ernsnn.describe.expressions import Expr, Num, names_in, parse_expression
from ernsnn.describe.kinds import Parameter, Requirement, condition_text
from ernsnn.describe.units import to_single
from ernsnn.errors import InvalidModel

Made = TypeVar("Made")


class Parametrised(Protocol):
    """A kind of neurons or of short-term plasticity, with its parameters and requirements."""

    @property
    def name(self) -> str:
        """The name of the kind."""

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The parameters of the kind."""

    @property
    def requirements(self) -> tuple[Requirement, ...]:
        """The requirements on its parameters."""


def check_values(path: str, kind: Parametrised, values: Mapping[str, Value]) -> None:
    """Raise InvalidModel, naming ``path`` and the parameter, on values that a kind does not allow.

    Called on what the user wrote, and again by the lowering on the numbers that distributions gave.
    """
    problems = []
    for p in kind.parameters:
        value = values.get(p.name)
        if p.low is None or value is None or isinstance(value, Distribution):
            continue  # what a distribution gives is checked when it has been drawn
        lowest = span(value)[0]
        if not _above(lowest, p.low, p.excluded):
            problems.append(f"{path}.{p.name} must be {'>' if p.excluded else '>='} {p.low:g}, got {lowest}")
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


class Later(Generic[Made]):
    """A class attribute that is made when it is first read."""

    def __init__(self, make: Callable[[], Made]) -> None:
        self.make, self.lock = make, threading.Lock()
        self.made: Made | None = None

    def __get__(self, instance: object, owner: type) -> Made:
        with self.lock:
            if self.made is None:
                self.made = self.make()
        return self.made


def later(make: Callable[[], Any]) -> Any:
    """The attribute ``kind`` of a class of the library: most programs use one or two kinds, and read no more."""
    return Later(make)


class Library(Mapping[str, Made]):
    """Name -> kind of classes of the library, each made when it is first asked for."""

    def __init__(self, classes: Mapping[str, type]) -> None:
        self._classes = classes

    def __getitem__(self, name: str) -> Made:
        return self._classes[name].kind  # type: ignore[attr-defined,no-any-return]

    def __iter__(self) -> Iterator[str]:
        return iter(self._classes)

    def __len__(self) -> int:
        return len(self._classes)


def class_of(base: type[Made], name: str, kind: object, defaults: Mapping[str, float | None], text: str) -> type[Made]:
    """A dataclass like those of ernsnn: ``base`` with a ``kind``, its parameters as fields, and ``text`` about it.

    Raises InvalidModel on a default that is no number, or that the kind cannot have, which is not tried of a kind that
    is made ``Later``.
    """
    fields: list[Any] = [
        (
            one,
            "Value" if default is not None else "Value | None",
            None if default is None else to_single(default, f"{name}.parameters[{one!r}]"),
        )
        for one, default in defaults.items()
    ]
    space = {"kind": kind, "__doc__": text}
    made: Any = dataclasses.make_dataclass(
        name, fields, bases=(base,), namespace=space, frozen=True, eq=False, kw_only=True
    )
    made.__module__ = base.__module__
    if not isinstance(kind, Later):
        made()  # its defaults can be had
    return held(made)  # type: ignore[no-any-return]


def initial_value(given: float | str, where: str) -> Expr:
    """The initial value of a state: a number, or the expression of parameters in a text."""
    return parse_expression(given, where) if isinstance(given, str) else Num(to_single(given, where))
