"""Gradient descent on the values that are fitted: tensors, Adam, and bounds after every step."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ernsnn.backend.protocol import Backend
from ernsnn.errors import InvalidModel
from ernsnn.learn.batches import Batches
from ernsnn.learn.learned import Learned
from ernsnn.learn.losses import Loss, Shown
from ernsnn.learn.rounded import rounded
from ernsnn.learn.surrogates import Surrogate

_MOMENTS = ("exp_avg", "exp_avg_sq")


class Descent:
    """The values, their optimiser, and how many steps of ``n_steps`` in all it has made.

    With a ``chip`` the weights are those that it holds, whenever trials are shown.
    """

    def __init__(
        self,
        entries: Sequence[Learned],
        loss: Loss,
        surrogate: Surrogate,
        n_steps: int,
        device: str,
        precision: str,
        chip: Backend | None = None,
    ) -> None:
        import torch

        self.entries, self.loss, self.surrogate, self.n_steps, self.made = entries, loss, surrogate, n_steps, 0
        self.chip = chip
        kind = {"device": device, "dtype": getattr(torch, precision)}
        self.values = {e.path: torch.tensor(e.start, **kind, requires_grad=True) for e in entries}
        self.bounds = {e.path: (torch.tensor(e.low, **kind), torch.tensor(e.high, **kind)) for e in entries}
        groups = [{"params": [self.values[e.path]], "lr": e.step} for e in entries]
        self.adam = torch.optim.Adam(groups)
        self.without_gradients = torch.no_grad

    def through(self, batches: Batches, size: int, order: np.ndarray) -> tuple[float, float | None]:
        """Show all trials in this order and follow the gradient; returns the mean loss and the share that is told."""
        return self._mean(
            self._step(batches.show(which, self._forward(batches), self.surrogate))
            for which in batches.parts(size, order)
        )

    def tested(self, batches: Batches, size: int) -> tuple[float, float | None]:
        """The mean loss of all trials and the share that is told, without a step."""
        with self.without_gradients():
            values = self._forward(batches)
            return self._mean(self._read(batches.show(which, values)) for which in batches.parts(size))

    def _forward(self, batches: Batches) -> dict[str, Any]:
        """The values as a step computes with them."""
        return self.values if self.chip is None else rounded(self.chip, batches.graph, self.values)

    def _step(self, shown: Shown) -> tuple[int, float, int | None]:
        value = self.loss(shown)
        read = self._read(shown, value)
        self.adam.zero_grad()
        value.backward()
        for entry, group in zip(self.entries, self.adam.param_groups, strict=True):
            group["lr"] = entry.step * 0.5 * (1.0 + math.cos(math.pi * self.made / self.n_steps))
        self.adam.step()
        self.made += 1
        with self.without_gradients():
            for path, (low, high) in self.bounds.items():
                self.values[path].clamp_(low, high)
        return read

    def _read(self, shown: Shown, value: Any = None) -> tuple[int, float, int | None]:
        """The number of trials, their loss, and how many labels are told."""
        loss = float((self.loss(shown) if value is None else value).detach())
        if not math.isfinite(loss):
            raise InvalidModel("fit: the loss is no longer finite; take a smaller learning_rate or narrower bounds")
        told = None
        if self.loss.told is not None and shown.trials.labels is not None:
            told = int((self.loss.told(shown).cpu().numpy() == shown.labels()).sum())
        return len(shown.which), loss, told

    @staticmethod
    def _mean(read: Iterable[tuple[int, float, int | None]]) -> tuple[float, float | None]:
        counts, losses, told = zip(*read, strict=True)
        n = sum(counts)
        mean = sum(count * loss for count, loss in zip(counts, losses, strict=True)) / n
        return mean, None if None in told else sum(told) / n

    def numbers(self) -> dict[str, np.ndarray]:
        """The values in double precision."""
        return {path: np.array(value.detach().cpu().numpy(), dtype=float) for path, value in self.values.items()}

    def state(self) -> dict[str, np.ndarray]:
        """All that a later ``restore`` needs."""
        arrays = {"made": np.array(self.made)} | {f"value/{path}": value for path, value in self.numbers().items()}
        for path, value in self.values.items():
            for name, kept in self.adam.state[value].items():
                arrays[f"adam/{path}/{name}"] = np.array(kept.detach().cpu().numpy())
        return arrays

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Go on from where ``state`` was."""
        self.made = int(arrays["made"])
        with self.without_gradients():
            for path, value in self.values.items():
                value.copy_(value.new_tensor(arrays[f"value/{path}"]))
                kept = {name: value.new_tensor(arrays[f"adam/{path}/{name}"]) for name in ("step", *_MOMENTS)}
                self.adam.state[value] = {**kept, "step": kept["step"].cpu().float()}
