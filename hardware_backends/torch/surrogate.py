"""Spikes with a surrogate gradient (Neftci, Mostafa and Zenke 2019)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

Derivative = Callable[[torch.Tensor], torch.Tensor]
"""The derivative of a spike by the margin (in the units of the condition) by which its condition is met."""


class _Spike(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, beyond: torch.Tensor, hard: torch.Tensor, derivative: Derivative) -> torch.Tensor:
        ctx.save_for_backward(beyond)
        ctx.derivative = derivative
        return hard.to(beyond.dtype)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        (beyond,) = ctx.saved_tensors
        return gradients[0] * ctx.derivative(beyond), None, None


def spiked(beyond: torch.Tensor, hard: torch.Tensor, derivative: Derivative) -> torch.Tensor:
    """1 where ``hard`` is true, else 0; its gradient by ``beyond`` is ``derivative(beyond)``."""
    return _Spike.apply(beyond, hard, derivative)  # type: ignore[no-any-return,no-untyped-call]
