"""Kinds of neurons that a user writes as equations."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Literal, cast

from ernsnn.describe.expressions import (
    Expr,
    Name,
    Op,
    Statement,
    check_known,
    is_plain,
    names_in,
    parse_expression,
    parse_statements,
    substituted,
)
from ernsnn.describe.integration import METHODS, Equations, integrated
from ernsnn.describe.kinds import CHANGEABLE, GIVEN, Kind, Parameter, Receptor, State, Table
from ernsnn.describe.parametrised import initial_value
from ernsnn.describe.symbolic import ZERO, linear_part
from ernsnn.describe.units import unit_of_name
from ernsnn.errors import InvalidModel, quoted, unknown

UNITS = ("nA", "mV", "uS")
_MOST_SUBSTEPS = 1000
_KIND = re.compile(r"[A-Za-z]\w{0,63}", re.ASCII)


def written_kind(
    name: str,
    text: str,
    *,
    parameters: Mapping[str, float | str | None],
    receptors: Mapping[str, str],
    units: Mapping[str, str],
    positive: Collection[str],
    initial: Mapping[str, float | str],
    threshold: str | None,
    probability: str | None,
    reset: str,
    refractory: str,
    held: Collection[str],
    remember: Mapping[str, str],
    method: str,
    substeps: int,
) -> Kind:
    """The kind that ``Neuron.from_equations`` describes."""
    if not _KIND.fullmatch(name):
        raise InvalidModel(f"from_equations: {quoted(name)} is no name for a kind: letters and digits, at most 64")
    for what, names in (("parameters", parameters), ("receptors", receptors)):
        for one in names:
            if not is_plain(one) or "__" in one:
                raise InvalidModel(f"{name}.{what}: {quoted(one)} is no name (ASCII letters, digits, underscores)")
    for one in units:
        if one not in receptors:
            raise InvalidModel(unknown(f"{name}.units: no receptor", one, receptors))
    known = list(parameters)
    for what, given in (("positive", positive), ("refractory", [refractory] if refractory else [])):
        for one in given:
            if one not in parameters:
                raise InvalidModel(unknown(f"{name}.{what}: no parameter", one, known))
    if method not in METHODS:
        raise InvalidModel(unknown(f"{name}.method: no method", method, METHODS))
    if not 1 <= substeps <= _MOST_SUBSTEPS:
        raise InvalidModel(f"{name}.substeps: must be 1 to {_MOST_SUBSTEPS}, got {substeps}")
    body = _Body(name, text, parameters, receptors, reset, remember, initial)
    stays = tuple(s for s in held if s in body.states)
    if stays != tuple(held) != ("V",):  # V is held where there is one
        raise InvalidModel(unknown(f"{name}.held: no state", next(s for s in held if s not in stays), body.states))
    table = body.table(_spike(name, threshold, probability), stays, method, substeps)
    return Kind(
        name=name,
        parameters=tuple(_parameter(name, p, parameters, positive, refractory) for p in parameters),
        states=tuple(body.state(state, units) for state in body.states),
        receptors=tuple(_receptor(name, r, units) for r in receptors),
        exact=table,
        held=stays,
        refractory=refractory,
    )


def _spike(name: str, threshold: str | None, probability: str | None) -> Expr | None:
    if threshold is not None and probability is not None:
        raise InvalidModel(f"{name}: a spike has a threshold or a probability, not both")
    if probability is not None:
        return Op("<", (Name("uniform"), parse_expression(probability, f"{name}.probability")))
    return None if threshold is None else parse_expression(threshold, f"{name}.threshold")


def _parameter(
    kind: str,
    name: str,
    parameters: Mapping[str, float | str | None],
    positive: Collection[str],
    refractory: str,
) -> Parameter:
    default = parameters[name]
    if isinstance(default, str) and default not in parameters:
        raise InvalidModel(unknown(f"{kind}.parameters: {name} follows no parameter", default, list(parameters)))
    low = 0.0 if name in positive or name == refractory else None
    follows = default if isinstance(default, str) else ""
    return Parameter(name, low=low, excluded=name in positive, optional=default is None, follows=follows)


def _receptor(kind: str, name: str, units: Mapping[str, str]) -> Receptor:
    unit = units.get(name, "nA")
    if unit not in UNITS:
        raise InvalidModel(unknown(f"{kind}.units: no unit of a weight", unit, UNITS))
    return Receptor(name, cast(Literal["nA", "mV", "uS"], unit), negative=unit != "uS")


class _Body:
    """The texts of a kind, taken apart."""

    def __init__(
        self,
        name: str,
        text: str,
        parameters: Mapping[str, object],
        receptors: Mapping[str, str],
        reset: str,
        remember: Mapping[str, str],
        initial: Mapping[str, float | str],
    ) -> None:
        self.name, self.parameters, self.initial, self.remember = name, parameters, initial, remember
        statements = parse_statements(text, name)
        self.slopes = {s.target: s.value for s in statements if s.derivative}
        if len(self.slopes) < sum(s.derivative for s in statements):
            raise InvalidModel(f"{name}: a state has two equations")
        self.reset = parse_statements(reset, f"{name}.reset")
        self.arrivals = {r: parse_statements(given, f"{name}.receptors[{r!r}]") for r, given in receptors.items()}
        changes = [*self.reset, *(s for arrival in self.arrivals.values() for s in arrival)]
        self.states = list(dict.fromkeys([*self.slopes, *initial, *remember, *(s.target for s in changes)]))
        if any(s.derivative for s in changes):
            raise InvalidModel(f"{name}: dX/dt stands in the text of the equations only")
        # An assignment to a name that is no state is shared by equations; one to a state acts after all states have
        # moved.
        self.shared = {s.target: s.value for s in statements if not s.derivative and s.target not in self.states}
        self.renewed = [s for s in statements if not s.derivative and s.target in self.states]
        for s in statements:
            if s.needs and s.target not in self.states:
                raise InvalidModel(f"{name}: {s.target} must have a value whether {s.needs} is given or not")
            if s.needs and s.derivative:
                raise InvalidModel(f"{name}: d{s.target}/dt must have a value whether {s.needs} is given or not")
        for own, state in remember.items():
            if state not in self.states or state in remember:
                raise InvalidModel(unknown(f"{name}.remember: no state", state, set(self.states) - remember.keys()))
            if own in self.slopes:
                raise InvalidModel(f"{name}.remember: {own} has an equation of its own; choose another name")

    def table(self, spike: Expr | None, held: tuple[str, ...], method: str, substeps: int) -> Table:
        """The equations of a step."""
        fixed = {*self.parameters, "dt"} - set(CHANGEABLE)
        known = [*self.parameters, *self.states, *self.shared, *GIVEN]
        for name, value in self.shared.items():
            check_known(value, known, f"{self.name}: {name} = ...")
        for name, value in self.slopes.items():
            check_known(value, known, f"{self.name}: d{name}/dt")
        constant = {}
        for name, value in self.shared.items():
            if set(names_in(value)) <= fixed:
                constant[name] = value
                fixed |= {name}
        shared = {name: value for name, value in self.shared.items() if name not in constant}
        step = integrated(Equations(self.name, self.slopes, shared, fixed, held), method, substeps)
        remembered = [Statement(name, Name(state)) for name, state in self.remember.items()]
        read = {n for s in self.renewed for n in names_in(s.value)} | set(names_in(spike) if spike else ())
        for name in reversed(list(shared)):  # shared names that are read after the states have moved are computed again
            if name in read:
                read |= set(names_in(shared[name]))
        again = [Statement(name, value) for name, value in shared.items() if name in read]
        return Table(
            constants=(*(Statement(n, v) for n, v in constant.items()), *step.constants),
            propagators=step.propagators,
            before=(*remembered, *step.statements, *again, *self.renewed),
            spike=spike,
            reset=self.reset,
            after=tuple(s for r, arrival in self.arrivals.items() for s in self._arrival(r, arrival)),
        )

    def _arrival(self, receptor: str, statements: tuple[Statement, ...]) -> Iterator[Statement]:
        """Statements by which the sum of arriving weights acts.

        Each must be linear in w, since it is applied once to the sum.
        """
        if not any("w" in names_in(s.value) for s in statements):
            raise InvalidModel(f"{self.name}.receptors[{receptor!r}]: uses no w, the weight of a spike")
        for s in statements:
            part = linear_part(s.value, ["w"])
            if part is None or part[1] != Name(s.target) or set(names_in(part[0].get("w", ZERO))) & set(self.states):
                raise InvalidModel(
                    f"{self.name}.receptors[{receptor!r}]: must add to a state what is linear in w, such as g += w, "
                    "for it acts once on the sum of all that arrives in a step"
                )
            yield Statement(s.target, substituted(s.value, {"w": Name(f"in_{receptor}")}), s.needs)

    def state(self, name: str, units: Mapping[str, str]) -> State:
        """A state with its initial value and the name of its probe."""
        return State(name, self._initial(name), self._probe(name, units))

    def _initial(self, name: str) -> Expr:
        if self.initial.get(name) is not None:
            return initial_value(self.initial[name], f"{self.name}.initial[{name!r}]")
        if name in self.remember:
            return self._initial(self.remember[name])
        follows = next((p for p in ("v_init_mV", "v_rest_mV") if name == "V" and p in self.parameters), None)
        return Name(follows) if follows else ZERO

    def _probe(self, name: str, units: Mapping[str, str]) -> str:
        if name == "V":
            return "v_mV"
        if unit_of_name(name):
            return name
        of = [r for r, arrival in self.arrivals.items() if any(s.target == name for s in arrival)]
        return f"{name}_{units.get(of[0], 'nA')}" if of and self._as_weight(name, of[0]) else name

    def _as_weight(self, name: str, receptor: str) -> bool:
        """Whether a state has the unit of a weight: spikes add it as it is."""
        plain = {Op(op, (Name(name), Name("w"))) for op in ("+", "-")}
        return any(s.target == name and s.value in plain for s in self.arrivals[receptor])
