"""The operations of expressions on tensors, which autograd differentiates: the printer of this backend."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch

from ernsnn.describe.evaluation import OPERATIONS as NUMPY
from ernsnn.describe.expressions import Expr, Name, Num, Op
from ernsnn.errors import InvalidModel


def _tensor(x: Any) -> torch.Tensor:
    """``x``, or a tensor of no dimension, which takes the precision of what it meets."""
    return x if isinstance(x, torch.Tensor) else torch.as_tensor(x)


def _of_tensors(function: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
    return lambda *args: function(*map(_tensor, args))


def exprel(x: Any) -> torch.Tensor:
    """expm1(x)/x, and 1 at 0."""
    x = _tensor(x)
    zero = x == 0
    safe = torch.where(zero, 1.0, x)  # a derivative there must not be NaN either
    return torch.where(zero, 1.0 + 0.5 * x, torch.expm1(safe) / safe)


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
