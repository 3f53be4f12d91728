"""Options of all backends in Loihi's integers."""

from __future__ import annotations

from ernsnn.backend.options import Option

ARITHMETIC = {
    "order": Option("spinnaker", ("spinnaker", "loihi"), "what a step does first: learn (as specified) or transmit"),
    "rounding_seed": Option(0, (), "of the random rounding of traces"),
}

KINDS = ("LIF", "DeltaLIF")
"""The kinds of neurons that Lava's LIF can be."""
MODULATORS: tuple[str, ...] = ("Astrocyte",)
"""The kinds of third factors that a process of ours can be."""
