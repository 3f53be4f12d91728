"""sPyNNaker's ``external_devices``: ernsnn runs a script without live input and output, and says what to do instead."""

from __future__ import annotations

_INPUT = "set spike_times or rates of a source between runs of a few milliseconds: sim.run(5) as often as needed"
_OUTPUT = "read spikes between runs of a few milliseconds: get_data() after each sim.run(5)"
_DEVICE = "drive a SpikeSourceArray with spikes that the device recorded"


def __getattr__(name: str) -> object:
    if name.startswith("__"):
        raise AttributeError(name)
    lower = name.lower()
    instead = _OUTPUT if "output" in lower else _INPUT if "inject" in lower or "live" in lower else _DEVICE
    raise AttributeError(f"ernsnn.pynn has no external_devices.{name}: nothing is live while ernsnn runs; {instead}")
