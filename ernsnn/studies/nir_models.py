"""NIR files as models of the command line: ``ernsnn run model.nir``."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

from ernsnn.describe.network import Network
from ernsnn.describe.stimuli import Poisson
from ernsnn.errors import InvalidModel
from ernsnn.interchange.from_nir import from_nir
from ernsnn.interchange.nir_data import duration_s, from_nir_data
from ernsnn.studies.sessions import Session


def nir_module(name: str, file: Path) -> ModuleType:
    """A module like those of models, which reads the NIR ``file`` with the arguments of ``from_nir``."""

    def build(
        dt_ms: float | None = None,
        integration: Any = "euler",
        reset: Any = None,
        bias: Any = "spikes",
        rate_hz: float | None = None,
    ) -> Network:
        """The network; ``dt_ms`` is that of the tool that wrote the graph. See ``ern.from_nir``.

        With ``rate_hz`` an only input spikes at random at that rate.
        """
        inputs = None if rate_hz is None else Poisson(rate_hz)
        return from_nir(file, dt_ms=dt_ms, integration=integration, reset=reset, bias=bias, inputs=inputs)

    def session(*, input: Path | None, demo: bool, **parameters: Any) -> Session:  # noqa: A002 - the argument's name
        """The network with the spikes of ``input``, a file that ``nir.write_data`` wrote, of one sample."""
        if demo:
            raise InvalidModel(f"{name}: a NIR file has no demonstration; give --duration-ms")
        if input is None:
            return Session(network=build(**parameters))
        if parameters.get("dt_ms") is None:
            raise InvalidModel(f"{name}: --input needs the step, as --set dt_ms=1")
        spikes = from_nir_data(input, dt_ms=parameters["dt_ms"])
        several = [node for node, samples in spikes.items() if len(samples) != 1]
        if several:
            raise InvalidModel(f"{input}: {', '.join(several)} must have one sample")
        if parameters.pop("rate_hz", None) is not None:
            raise InvalidModel(f"{name}: give --input or rate_hz, not both")
        network = from_nir(file, **parameters, inputs={node: samples[0] for node, samples in spikes.items()})
        return Session(network=network, duration_ms=duration_s(input) * 1000.0 or None)

    module = ModuleType(name, f"The NIR graph in {file.name}.")
    vars(module).update(build=build, session=session)
    return module
