"""sPyNNaker's ``external_devices``: live connections act between steps; devices are refused with what to do instead."""

from __future__ import annotations

from .live import (
    SpikeInjector,
    SpynnakerLiveSpikesConnection,
    SpynnakerPoissonControlConnection,
    activate_live_output_for,
    add_poisson_live_rate_control,
)

__all__ = [
    "SpikeInjector",
    "SpynnakerLiveSpikesConnection",
    "SpynnakerPoissonControlConnection",
    "activate_live_output_for",
    "add_poisson_live_rate_control",
]

_OUTPUT = "take SpynnakerLiveSpikesConnection, or read spikes between runs: get_data() after each sim.run(5)"
_DEVICE = "drive a SpikeSourceArray with spikes that the device recorded"
_FOREVER = "run(...) for as long as it takes"


def __getattr__(name: str) -> object:
    if name.startswith("__"):
        raise AttributeError(name)
    instead = _FOREVER if name == "run_forever" else _OUTPUT if "output" in name.lower() else _DEVICE
    raise AttributeError(f"ernsnn.pynn has no external_devices.{name}: it reaches no devices; {instead}")
