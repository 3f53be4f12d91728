"""The operations of expressions on tensors, which autograd differentiates: the printer of this backend."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch

from ernsnn.describe.evaluation import OPERATIONS as NUMPY
from ernsnn.describe.expressions import Expr, Name, Num, Op
from ernsnn.errors import InvalidModel
from ernsnn.graph.arithmetic import EXPREL, NEAR


def _tensor(x: Any) -> torch.Tensor:
    """``x``, or a number in double precision, which has the precision of the tensors that it meets."""
    if isinstance(x, torch.Tensor):
        return x
    return torch.tensor(x, dtype=torch.bool if isinstance(x, bool | np.bool_) else torch.float64)


def _of_tensors(function: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
    return lambda *args: function(*map(_tensor, args))


def exprel(x: Any) -> torch.Tensor:
    """expm1(x)/x, and 1 at 0."""
    x = _tensor(x)
    close = torch.abs(x) < NEAR
    small, large = torch.where(close, x, 0.0), torch.where(close, 1.0, x)  # no derivative may be NaN
    series = torch.full_like(x, EXPREL[0])
    for c in EXPREL[1:]:
        series = series * small + c
    return torch.where(close, series, torch.expm1(large) / large)


OPERATIONS: Mapping[str, Callable[..., Any]] = {
    **{name: NUMPY[name] for name in ("+", "-", "*", "neg", "<", "<=", ">", ">=", "==", "!=")},
    "/": _of_tensors(torch.divide),
    "**": _of_tensors(torch.pow),
    "and": _of_tensors(torch.logical_and),
    "or": _of_tensors(torch.logical_or),
    "not": _of_tensors(torch.logical_not),
    "if": _of_tensors(torch.where),
    "min": _of_tensors(torch.minimum),
    "max": _of_tensors(torch.maximum),
    "abs": _of_tensors(torch.abs),
    "floor": _of_tensors(torch.floor),
    "ceil": _of_tensors(torch.ceil),
    "exp": _of_tensors(torch.exp),
    "expm1": _of_tensors(torch.expm1),
    "exprel": exprel,
    "log": _of_tensors(torch.log),
    "sqrt": _of_tensors(torch.sqrt),
    "tanh": _of_tensors(torch.tanh),
    "cos": _of_tensors(torch.cos),
}
"""Name -> function of tensors, as ``describe.evaluation.OPERATIONS`` has them of arrays."""


def margin(kind: str, condition: Expr) -> Expr:
    """By how much the condition of a spike is met: a - b of ``a >= b``, the least of several that must all be met.

    Raises InvalidModel on a condition that has none: a spike by it has no surrogate gradient.
    """
    match condition:
        case Op(op=">" | ">=", args=(left, right)):
            return Op("-", (left, right))
        case Op(op="<" | "<=", args=(left, right)):
            return Op("-", (right, left))
        case Op(op="and", args=(Name() as flag, rest)) | Op(op="and", args=(rest, Name() as flag)):
            return Op("if", (flag, margin(kind, rest), Num(-1.0)))
        case Op(op="and", args=(left, right)):
            return Op("min", (margin(kind, left), margin(kind, right)))
    raise InvalidModel(
        f"{kind}: its spikes have no surrogate gradient, for their condition is no comparison such as "
        "V >= v_threshold_mV; learn by a kind whose condition is one"
    )
