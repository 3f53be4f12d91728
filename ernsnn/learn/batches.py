"""Trials as a batch: shown beside each other through a network, each from the initial state on."""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import numpy as np

from ernsnn.backend.protocol import Backend
from ernsnn.backend.registry import installed
from ernsnn.describe.network import Network
from ernsnn.describe.stimuli import Schedule, SpikeTimes
from ernsnn.describe.trials import Trials
from ernsnn.describe.units import whole_steps
from ernsnn.errors import BackendNotAvailable
from ernsnn.graph.lower import lower
from ernsnn.learn.losses import Shown
from ernsnn.learn.surrogates import Surrogate


def differentiating() -> Backend:
    """The installed backend that gives gradients. Raises BackendNotAvailable, saying what to install, without one."""
    found = [backend for backend in installed() if backend.differentiates]
    if not found:
        raise BackendNotAvailable("no backend that is installed here gives gradients")
    found[0].require_installed()
    return found[0]


class Batches:
    """The trials of a network, some of which are shown at a time; ``options`` are those of the backend.

    Quantities that are ``targets`` of a loss alone need not be read by the network.
    """

    def __init__(
        self, network: Network, trials: Trials, seed: int, targets: Collection[str], options: Mapping[str, Any]
    ) -> None:
        self.trials, self.options, self.backend = trials, dict(options), differentiating()
        read = set(_read(network))
        shown = copy.copy(trials)
        shown.quantities = {name: q for name, q in trials.quantities.items() if name in read or name not in targets}
        self.graph = lower(network, seed, shown)
        self.backend.require(self.graph, **self.options)
        dt_ms = network.dt_ms
        self.first = np.array([whole_steps(start, dt_ms, "Trials") for start in trials.starts_ms])
        self.n_steps = whole_steps(trials.show_ms, dt_ms, "Trials.show_ms")

    def __len__(self) -> int:
        return len(self.first)

    def show(self, which: np.ndarray, values: Mapping[str, Any], surrogate: Surrogate | None = None) -> Shown:
        """Show the trials ``which``; ``values`` are tensors in place of numbers of the graph."""
        outputs = self.backend.batch(
            self.graph, self.n_steps, first=self.first[which], values=values, surrogate=surrogate, **self.options
        )
        return Shown(self.graph, self.trials, which, outputs.spikes, outputs.probes, dict(values))

    def parts(self, size: int, order: np.ndarray | None = None) -> Iterator[np.ndarray]:
        """All trials, in their ``order``, ``size`` at a time."""
        places = np.arange(len(self)) if order is None else order
        yield from (places[k : k + size] for k in range(0, len(places), size))


def _read(network: Network) -> Iterator[str]:
    """The quantities of trials that a network reads."""
    described: list[Any] = [p.model for p in network.populations.values()]
    described += [i.current for i in network.injections]
    described += [*network.poisson_inputs.values(), *network.modulators.values()]
    for one in described:
        given = [one, getattr(one, "schedule", None), getattr(one, "transmitter_uM", None)]
        yield from (
            each.quantity for each in given if isinstance(each, Schedule | SpikeTimes) and each.quantity is not None
        )
