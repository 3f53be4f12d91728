"""NIR files as models of the command line: ``ernsnn run model.nir``."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

from ernsnn.describe.network import Network
from ernsnn.interchange.from_nir import from_nir

SUFFIX = ".nir"


def nir_module(name: str, file: Path) -> ModuleType:
    """A module like those of models, whose ``build`` reads the NIR file, with the arguments of ``from_nir``."""
    module = ModuleType(name, f"The NIR graph in {file.name}.")

    def build(
        dt_ms: float | None = None, integration: Any = "euler", reset: Any = None, bias: Any = "spikes"
    ) -> Network:
        """The network; ``dt_ms`` is that of the tool that wrote the graph. See ``ern.from_nir``."""
        return from_nir(file, dt_ms=dt_ms, integration=integration, reset=reset, bias=bias)

    vars(module)["build"] = build
    return module
