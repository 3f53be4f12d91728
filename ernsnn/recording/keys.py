"""Names of a recording's arrays, ``kind/owner/what``, in ``recording.npz``, in spools and in what programs write.

========  =========================  ===============================================
kind      owner                      what
========  =========================  ===============================================
spikes    a population               steps, neurons
signals   ``Probe.key``              steps, values
synapses  a projection that learns   a variable of synapses
neurons   a population               a parameter that intrinsic plasticity changes
========  =========================  ===============================================
"""

from __future__ import annotations

from typing import NamedTuple

KINDS = ("spikes", "signals", "synapses", "neurons")


class ArrayKey(NamedTuple):
    """The name of one array in its three parts; ``str`` joins them."""

    kind: str
    owner: str
    what: str

    def __str__(self) -> str:
        return "/".join(self)

    @classmethod
    def parse(cls, text: str) -> ArrayKey:
        """The inverse of ``str``. Raises ValueError on text that names no array of a recording."""
        key = cls(*parts) if len(parts := text.split("/")) == 3 else None
        if key is None or key.kind not in KINDS:
            raise ValueError(f"{text!r} is not kind/owner/what, with a kind among {', '.join(KINDS)}")
        return key


def spike_keys(population: str) -> tuple[str, str]:
    """The names of the arrays ``steps`` and ``neurons`` of a population's spikes."""
    return str(ArrayKey("spikes", population, "steps")), str(ArrayKey("spikes", population, "neurons"))


def signal_keys(probe_key: str) -> tuple[str, str]:
    """The names of the arrays ``steps`` and ``values`` of the probe with this ``Probe.key``."""
    return str(ArrayKey("signals", probe_key, "steps")), str(ArrayKey("signals", probe_key, "values"))


def synapse_key(projection: str, variable: str) -> str:
    """The name of the final values of a variable of plastic synapses."""
    return str(ArrayKey("synapses", projection, variable))


def neuron_key(population: str, parameter: str) -> str:
    """The name of the final values of a parameter that intrinsic plasticity changes."""
    return str(ArrayKey("neurons", population, parameter))
