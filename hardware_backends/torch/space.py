"""Where and how the numbers of a run are held, and the spikes of a population in a step."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch

from ernsnn.graph.values import Series


@dataclass(frozen=True)
class Space:
    """A device, a precision and the number of runs that go on beside each other: the first axis of every tensor.

    ``differentiates`` says whether gradients are wanted, so that no tensor may be changed in place.
    """

    device: torch.device
    dtype: torch.dtype
    batch: int
    differentiates: bool

    def tensor(self, values: Any) -> torch.Tensor:
        """Numbers in this precision on this device."""
        return torch.as_tensor(np.array(values, dtype=float)).to(self.device, self.dtype)

    def whole(self, values: Any) -> torch.Tensor:
        """Whole numbers on this device."""
        return torch.as_tensor(np.array(values, dtype=np.int64)).to(self.device)

    def wide(self, values: torch.Tensor | float, size: int) -> torch.Tensor:
        """``values`` as (batch, size), where equations give one for all."""
        given = values if isinstance(values, torch.Tensor) else self.tensor(values)
        return given.expand(self.batch, size)

    def zeros(self, *shape: int) -> torch.Tensor:
        """Zeros of (batch, \\*shape)."""
        return torch.zeros((self.batch, *shape), dtype=self.dtype, device=self.device)

    def scheduled(self, steps: np.ndarray, values: Series, t: np.ndarray) -> torch.Tensor:
        """The values (batch, n) of a schedule in the steps ``t``, one a run; 0 before the first."""
        pieces = np.searchsorted(steps, t, side="right") - 1
        rows = np.stack([values[max(piece, 0)] for piece in pieces.tolist()])
        return self.tensor(np.where((pieces >= 0)[:, None], rows, 0.0))


class Spikes:
    """The spikes of a population in a step, of which one form is given: ``dense`` (batch, size), or ``ids`` of a run.

    ``dense`` is how often a neuron spikes, of neurons that are no sources 0 or 1; a gradient flows through it. ``ids``
    exist where there is one run.
    """

    def __init__(self, space: Space, size: int, *, dense: torch.Tensor | None = None, ids: Any = None) -> None:
        self.space, self.size = space, size
        if dense is not None:
            self.dense = dense
        if ids is not None:
            self.ids = ids

    @cached_property
    def dense(self) -> torch.Tensor:
        """(batch, size)."""
        times = np.bincount(self.ids, minlength=self.size)
        return self.space.tensor(times)[None]

    @cached_property
    def ids(self) -> np.ndarray:
        """The neurons that spike, rising, each as often as it does."""
        times = self.dense[0].detach().cpu().numpy().astype(np.int64)
        return np.repeat(np.arange(self.size), times)


def to_numpy(values: torch.Tensor) -> np.ndarray:
    """A copy of the values of the first run in double precision."""
    return np.array(values[0].detach().cpu().numpy(), dtype=float)
