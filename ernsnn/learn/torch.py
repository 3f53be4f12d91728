"""A network as a module of PyTorch, for losses, optimisers and layers of one's own around it. Needs PyTorch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ernsnn.describe.arguments import checked
from ernsnn.describe.network import Network
from ernsnn.describe.trials import Trials
from ernsnn.errors import InvalidModel, unknown
from ernsnn.graph.lower import lower
from ernsnn.learn.batches import Batches, differentiating
from ernsnn.learn.learned import Shared, fixed, learned
from ernsnn.learn.surrogates import FastSigmoid, Surrogate

BACKEND = differentiating()  # says what to install before PyTorch is missed

import torch  # noqa: E402


class Module(torch.nn.Module):
    """A network whose values named in ``learn`` are parameters of a module: ``parameters()``, ``state_dict()``.

    Called with ``Trials``, or with a tensor of spikes (runs, steps, neurons) for each source by name, through which
    gradients flow, it shows them beside each other, each run from the initial state on, and returns ``spikes`` by
    population, (runs, steps, neurons), and ``probes`` by ``"population.variable"``, (runs, times, values).

    ``learn``, ``bounds``, ``surrogate`` and ``seed`` are as for ``fit``. After a step of an optimiser call
    ``keep_bounds``. ``to_network`` gives an ordinary network back. Raises InvalidModel as ``fit`` does.
    """

    @checked
    def __init__(
        self,
        network: Network,
        *,
        learn: Sequence[str | Shared],
        surrogate: Surrogate | None = None,
        seed: int = 0,
        bounds: Mapping[str, Sequence[float]] | None = None,
        device: str = "cpu",
        precision: str = "float32",
    ) -> None:
        super().__init__()
        self.network, self.seed = network, seed
        self.options = BACKEND.settings({"device": device, "precision": precision})
        self.graph = lower(network, seed)
        BACKEND.require(self.graph, **self.options)
        self.surrogate = FastSigmoid() if surrogate is None else surrogate
        kind = {"device": device, "dtype": getattr(torch, precision)}
        self._bounds: dict[str, tuple[torch.Tensor, torch.Tensor]] = {}
        for entry in learned(self.graph, learn, bounds or {}, 1.0):
            self.register_parameter(entry.path.replace(".", "/"), torch.nn.Parameter(torch.tensor(entry.start, **kind)))
            self._bounds[entry.path] = torch.tensor(entry.low, **kind), torch.tensor(entry.high, **kind)

    @property
    def values(self) -> dict[str, torch.nn.Parameter]:
        """The parameters by their paths."""
        return {path: self.get_parameter(path.replace(".", "/")) for path in self._bounds}

    def forward(self, shown: Trials | Mapping[str, torch.Tensor]) -> Any:
        """Show trials, or spikes of the sources."""
        if isinstance(shown, Trials):
            batches = Batches(self.network, shown, self.seed, (), self.options)
            return batches.show(np.arange(len(batches)), self.values, self.surrogate)
        runs, n_steps = self._checked(shown)
        return BACKEND.batch(
            self.graph,
            n_steps,
            first=[0] * runs,
            values=self.values,
            surrogate=self.surrogate,
            given=shown,
            **self.options,
        )

    def _checked(self, given: Mapping[str, torch.Tensor]) -> tuple[int, int]:
        """The number of runs and of steps of given spikes."""
        sizes = {source.name: source.size for source in self.graph.sources()}
        if not isinstance(given, Mapping) or not given:
            raise InvalidModel("Module: needs Trials, or tensors of spikes by the names of sources")
        shapes = {}
        for name, spikes in given.items():
            if name not in sizes:
                raise InvalidModel(unknown("Module: no source", name, sizes))
            shapes[name] = tuple(getattr(spikes, "shape", ()))
            if len(shapes[name]) != 3 or shapes[name][2] != sizes[name]:
                raise InvalidModel(f"{name}: needs a tensor (runs, steps, {sizes[name]}), got the shape {shapes[name]}")
        if len({shape[:2] for shape in shapes.values()}) > 1:
            raise InvalidModel(f"Module: sources need the same runs and steps, got {shapes}")
        runs, n_steps = next(iter(shapes.values()))[:2]
        return runs, n_steps

    @torch.no_grad()
    def keep_bounds(self) -> None:
        """Put the values back into their bounds, as after every step of ``fit``."""
        for path, (low, high) in self._bounds.items():
            self.values[path].clamp_(low, high)

    def to_network(self) -> Network:
        """The network with the values as they are now."""
        now = {path: np.array(value.detach().cpu().numpy(), dtype=float) for path, value in self.values.items()}
        return self.network.with_values({**fixed(self.graph), **now}, seed=self.seed)
