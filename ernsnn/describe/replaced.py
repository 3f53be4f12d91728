"""Parts of a network with other values, each checked like a part that a user makes."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from ernsnn.describe.connectors import AllToAll, FixedInDegree, FixedTotalNumber, FromList, OneToOne
from ernsnn.describe.distributions import Distribution, Value
from ernsnn.describe.modulators import Modulator
from ernsnn.describe.neurons import Neuron
from ernsnn.describe.parametrised import check_values
from ernsnn.describe.poisson_input import PoissonInput
from ernsnn.describe.populations import Population, check_population
from ernsnn.describe.projections import Projection
from ernsnn.describe.units import to_number, to_unit, unit_of_name
from ernsnn.errors import InvalidModel

Values = Mapping[str, Any]
"""Variable of a part -> what replaces its value."""
SHORT_TERM = "short_term"


def variables_of(part: Population | Projection | Modulator | PoissonInput) -> list[str]:
    """The variables of a part that have values."""
    if isinstance(part, Population) and isinstance(part.model, Neuron):
        return [p.name for p in part.model.kind.parameters]
    if isinstance(part, Population):
        return [f.name for f in dataclasses.fields(part.model) if f.name != "quantity"]
    if isinstance(part, Projection):
        short_term = part.short_term.parameters if part.short_term else ()
        variables = part.learning.variables if part.learning else ("w",)
        return [*variables, "delay_ms", *(f"{SHORT_TERM}.{name}" for name in short_term)]
    if isinstance(part, PoissonInput):
        return ["w", "rate_hz", "n"]
    values = {f.name: getattr(part, f.name) for f in dataclasses.fields(part)}
    return [name for name, value in values.items() if isinstance(value, float | np.ndarray)]


def population(p: Population, values: Values, dt_ms: float, current_integration: str) -> Population:
    """``p`` with other parameters of its neurons or source."""
    if not isinstance(p.model, Neuron):
        with _named(p.name):
            model: Any = dataclasses.replace(p.model, **values)
        new = dataclasses.replace(p, model=model)
        check_population(new, dt_ms, current_integration)
        return new
    given, kind = p.model.parameters, p.model.kind
    converted = {name: _converted(value, unit_of_name(name), f"{p.name}.{name}") for name, value in values.items()}
    for one in kind.parameters:
        drawn = one.follows and isinstance(given[one.name], Distribution) and given[one.name] is given[one.follows]
        if drawn and one.follows in converted and one.name not in converted:
            raise InvalidModel(
                f"{p.name}.{one.follows}: {one.name} is drawn together with it; give {p.name}.{one.name} a value, too"
            )
    check_values(p.name, kind, {**given, **converted})
    new = dataclasses.replace(p, model=dataclasses.replace(p.model, **converted))
    check_population(new, dt_ms, current_integration)
    return new


def projection(p: Projection, values: Values, seed: int) -> Projection:
    """``p`` with other values of its synapses, or of the short-term plasticity of its pre neurons; not yet checked."""
    changes: dict[str, Any] = {}
    marks: dict[str, Value] = {}
    short_term: dict[str, Value] = {}
    for variable, value in values.items():
        path = f"{p.name}.{variable}"
        if variable.startswith(f"{SHORT_TERM}."):
            name = variable.removeprefix(f"{SHORT_TERM}.")
            short_term[name] = _converted(value, unit_of_name(name), path)
            continue
        unit = (p.site.unit if p.site else "nA") if variable == "w" else unit_of_name(variable)
        each = _of_synapses(p, _converted(value, unit, path), path)
        if _is_of_drawn(p, each):
            changes["seed"] = seed if p.seed is None else p.seed
        if variable in ("w", "delay_ms"):
            changes[p.weight_field if variable == "w" else variable] = each
        else:
            marks[variable] = each
    with _named(p.name):
        if marks and p.learning:
            renewed = [dataclasses.replace(m, initial=marks.get(m.name, m.initial)) for m in p.learning.marks]
            changes["learning"] = dataclasses.replace(p.learning, marks=renewed)
        if short_term and p.short_term:
            changes[SHORT_TERM] = dataclasses.replace(p.short_term, **short_term)
    return dataclasses.replace(p, **changes)


def poisson_input(p: PoissonInput, values: Values) -> PoissonInput:
    """``p`` with other rates, numbers of sources or weights."""
    changes = {p.weight_field if name == "w" else name: value for name, value in values.items()}
    return dataclasses.replace(p, **changes)


def modulator(m: Modulator, values: Values, dt_ms: float) -> Modulator:
    """``m`` with other numbers."""
    with _named(m.name):
        new = dataclasses.replace(m, **values)
        new.check_step(dt_ms)
    return new


@contextmanager
def _named(name: str) -> Iterator[None]:
    """Put the name of a part before messages that lack it."""
    try:
        yield
    except InvalidModel as error:
        raise error if str(error).startswith(name) else InvalidModel(f"{name}: {error}") from None


def _converted(value: Any, unit: str | None, path: str) -> Value:
    if isinstance(value, Distribution):
        return value.in_unit(unit, path)
    return to_number(value, path) if unit is None else to_unit(value, unit, path)


def _is_of_drawn(p: Projection, value: Value) -> bool:
    """Whether it is one number for each of the synapses that a connector draws."""
    return isinstance(value, np.ndarray) and value.ndim == 1 and not isinstance(p.connector, OneToOne | FromList)


def _of_synapses(p: Projection, value: Value, path: str) -> Value:
    """A value as the projection takes it: an array of one number a synapse as a list or matrix."""
    c, sides = p.connector, (p.pre.size, p.post.size)
    if not isinstance(value, np.ndarray):
        return value
    if value.shape == sides and isinstance(c, OneToOne):
        return value.diagonal()
    if value.shape == sides and isinstance(c, FromList):
        pairs = np.asarray(c.pairs)
        return np.asarray(value[pairs[:, 0], pairs[:, 1]])
    if value.shape == sides and not isinstance(c, OneToOne | FromList):
        return value
    n = _count(p)
    if value.ndim != 1 or n not in (None, len(value)):
        raise InvalidModel(
            f"{path}: needs one number, {n or 'one'} for each synapse, or a matrix of {sides[0]} x {sides[1]}; got "
            f"an array of shape {value.shape}"
        )
    if isinstance(c, FromList):
        listed, pairs = np.empty(len(value)), np.asarray(c.pairs)
        listed[np.lexsort((pairs[:, 1], pairs[:, 0]))] = value
        return listed
    if isinstance(c, AllToAll):
        matrix = np.full(sides, value.min(initial=np.inf) if len(value) else 0.0)
        matrix[_there(c, sides)] = value
        return matrix
    return value


def _there(c: AllToAll, sides: tuple[int, int]) -> np.ndarray:
    """Where an all-to-all connector has synapses (pre, post)."""
    return np.ones(sides, bool) if c.self_connections else ~np.eye(*sides, dtype=bool)


def _count(p: Projection) -> int | None:
    """The number of synapses; None where only the lowering can tell."""
    c, sides = p.connector, (p.pre.size, p.post.size)
    match c:
        case OneToOne():
            return p.pre.size
        case FromList():
            return len(c.pairs)
        case AllToAll():
            return sides[0] * sides[1] - (0 if c.self_connections else min(sides))
        case FixedInDegree():
            return c.n * p.post.size
        case FixedTotalNumber():
            return c.n
    return None
