"""The torch backend: a graph in PyTorch, on processors and graphics cards, and differentiable.

A run is one of ``network.Network``, which computes many side by side and whose gradients ``ern.fit`` follows.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from typing import Any, ClassVar

import numpy as np

from ernsnn.backend.options import MOST_THREADS, Option
from ernsnn.backend.protocol import Capability
from ernsnn.backend.stepping import Engine, SteppedBackend
from ernsnn.errors import BackendNotAvailable
from ernsnn.graph.graph import Graph

from .capabilities import CODES, capabilities

INSTALL = (
    "torch is not installed: pip install torch, several gigabytes with CUDA; the build for processors alone, far "
    "smaller, is the choice 'CPU' on PyTorch's own page of installation"
)


class TorchBackend(SteppedBackend):
    """Runs the graph in PyTorch (Paszke et al. 2019)."""

    name: ClassVar[str] = "torch"
    description: ClassVar[str] = "PyTorch: every feature, gradients and graphics cards"
    capabilities = capabilities("float64")
    codes = CODES
    kinds = None
    poisson_inputs: ClassVar[bool] = True
    resets: ClassVar[bool] = True
    counts: ClassVar[bool] = True
    modulators = None
    differentiates: ClassVar[bool] = True
    doubles: ClassVar[Mapping[str, Any]] = {"precision": "float64"}
    options: ClassVar[Mapping[str, Option]] = {
        "precision": Option(
            "float64",
            ("float64", "float32"),
            "float64 has the spikes of the reference; float32 rounds every number to 7 digits, and is faster on "
            "graphics cards. Plastic synapses, and intrinsic plasticity, are float64 in both",
        ),
        "device": Option(
            "cpu",
            ("cpu", "cuda"),
            "where neurons, static synapses and third factors are computed; plastic synapses are on the processor",
        ),
        "threads": Option(
            1, (), "threads of torch, for the whole process: more are faster for large networks alone", 1, MOST_THREADS
        ),
    }

    def missing(self) -> str | None:
        """See ``Backend.missing``."""
        return None if importlib.util.find_spec("torch") else INSTALL

    def limits(self, settings: Mapping[str, Any]) -> Sequence[Capability]:
        """See ``Backend.limits``."""
        return capabilities(settings["precision"])

    def versions(self) -> dict[str, str]:
        """See ``SteppedBackend.versions``."""
        return {"torch": version("torch")}

    def engine(self, graph: Graph, **options: Any) -> Engine:
        """See ``SteppedBackend.engine``. Raises BackendNotAvailable where there is no such device."""
        settings = self.settings(options)
        require_device(settings["device"])
        from . import engine

        return engine.Engine(graph, settings["device"], settings["precision"], settings["threads"])

    def batch(
        self,
        graph: Graph,
        n_steps: int,
        *,
        first: Sequence[int] | np.ndarray,
        values: Mapping[str, Any],
        surrogate: Callable[[Any], Any] | None,
        given: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> Any:
        """See ``Backend.batch``. Raises BackendNotAvailable where there is no such device."""
        settings = self.settings(options)
        require_device(settings["device"])
        import torch

        from . import network

        if torch.get_num_threads() != settings["threads"]:
            torch.set_num_threads(settings["threads"])
        how = {"device": settings["device"], "precision": settings["precision"]}
        return network.Network(graph, first=first, values=values, surrogate=surrogate, **how).run(n_steps, given)


def require_device(device: str) -> None:
    """Raise BackendNotAvailable where torch finds no such device."""
    import torch

    if device == "cuda" and not torch.cuda.is_available():
        raise BackendNotAvailable("torch: finds no graphics card (CUDA) here; choose device='cpu'")
