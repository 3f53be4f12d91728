"""The place where the processes of a compiled program run: a board with Loihi 2, or Lava's simulator of one.

Compiled programs carry a copy. Lava itself falls back to Python models, silently, where a process has none for the
chip; here that is an error.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Sequence
from typing import Any

EXTENSION = "lava.utils.loihi2_profiler"
"""The module of lava-loihi by which Lava itself detects it."""


def missing() -> str | None:
    """A sentence on what is missing beside an installed Lava to use a board; None if nothing."""
    if importlib.util.find_spec(EXTENSION) is None:
        return (
            "lava-loihi (Intel's research community only) is not installed: compile the program here and run it where "
            "it is, or run the network on the backend lava, the simulator of the chip"
        )
    from lava.utils import slurm

    if os.environ.get("NXSDKHOST") or (shutil.which("sinfo") and slurm.is_available()):
        return None
    return (
        "lava-loihi is installed, but no board is in reach: set NXSDKHOST to the address of its host, or use a machine "
        "with SLURM (sinfo)"
    )


class Chip:
    """A board, found through NXSDKHOST or else SLURM; LOIHI_GEN names its generation.

    Without one this ends the program, saying why. Only processes of the classes ``host`` may run beside it.
    """

    def __init__(self, host: Sequence[type]) -> None:
        if reason := missing():
            raise SystemExit(reason)
        self.host = tuple(host)
        from lava.utils import loihi

        generation = loihi.ChipGeneration(os.environ.get("LOIHI_GEN", "N3B3"))
        if address := os.environ.get("NXSDKHOST"):
            loihi.use_ethernet_host(address, loihi_gen=generation)
        else:
            loihi.use_slurm_host(loihi_gen=generation)

    def sent(self, port: Any) -> Any:
        """The port on the chip at which spikes from ``port`` of a process on the host arrive."""
        from lava.proc.embedded_io.spike import PyToNxAdapter

        return _through(PyToNxAdapter(shape=port.shape), port)

    def received(self, port: Any) -> Any:
        """The port on the host at which spikes from ``port`` of a process on the chip arrive."""
        from lava.proc.embedded_io.spike import NxToPyAdapter

        return _through(NxToPyAdapter(shape=port.shape), port)

    def configuration(self) -> Any:
        """A run configuration of Lava's. A process that has no model for the chip is an error."""
        from lava.magma.core.model.py.model import AbstractPyProcessModel
        from lava.magma.core.run_configs import Loihi2HwCfg

        host = self.host

        class OnChip(Loihi2HwCfg):  # type: ignore[misc]
            def select(self, process: Any, proc_models: list[type]) -> type:
                chosen: type = super().select(process, proc_models)
                if issubclass(chosen, AbstractPyProcessModel) and type(process) not in host:
                    raise RuntimeError(f"{process.name} ({type(process).__name__}) has no model for the chip")
                return chosen

        return OnChip()


class Simulator:
    """Lava's simulator: models with the tag ``arithmetic``, "fixed_pt" for what the chip does, or "floating_pt"."""

    def __init__(self, arithmetic: str) -> None:
        self.arithmetic = arithmetic

    def sent(self, port: Any) -> Any:
        """``port``: everything is on the host."""
        return port

    received = sent

    def configuration(self) -> Any:
        """A run configuration of Lava's."""
        from lava.magma.core.run_configs import Loihi2SimCfg

        return Loihi2SimCfg(select_tag=self.arithmetic)


def _through(adapter: Any, port: Any) -> Any:
    port.connect(adapter.inp)
    return adapter.out
