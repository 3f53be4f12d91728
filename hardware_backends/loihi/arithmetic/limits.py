"""The limits of Loihi's arithmetic and of its cores, each with its source.

Arithmetic: lava-nc 0.10.0 (lava/proc/lif, lava/magma/core/learning), measured bit for bit. Loihi 1: Davies et al. 2018
(IEEE Micro 38(1)) and nengo-loihi 1.1 (block.py, validate.py). Loihi 2: Intel, "Taking Neuromorphic Computing to the
Next Level with Loihi 2", technology brief, 2021.
"""

from __future__ import annotations

from dataclasses import dataclass

# Neurons (lava/proc/lif/process.py: documented there, not enforced)
DECAY_ONE = 4096
"""Decays are in units of 1/DECAY_ONE (12 bits)."""
DECAY_MAX = 4095
STATE_SHIFT = 6
"""Arrivals and thresholds are shifted left by this many bits relative to u and v."""
THRESHOLD_MAX = 131071
CURRENT_MAX = 1 << 17
"""u wraps at 2^23: with STATE_SHIFT, this many weight units at once."""
BIAS_MANTISSA_MAX = 4096
BIAS_EXPONENT_MAX = 7
REFRACTORY_MAX = 64
"""The longest refractory period in steps (nengo-loihi, validate.py)."""

# Synapses (lava/proc/dense, lava/utils/weightutils.py)
WEIGHT_MAX = 255
WEIGHT_BITS = 8
WEIGHT_EXPONENT_MAX = 7
DELAY_MAX = 62
"""The longest delay in steps. Lava's DelayDense counts one less, and hangs above 63."""

NUMBER_MAX = 1e30
"""The largest number of a graph (the smallest is 1 over it), so that products of a few stay within the floats."""

# Learning (lava/magma/core/learning/constants.py, product_series.py)
MANTISSA_MAX = 7
"""Mantissas are 4 bits: -8 to 7. -8 is -4 * 2, so that 7 serves both signs."""
EXPONENT_MIN, EXPONENT_MAX = -7, 8
EPOCH_EXPONENT_MAX = 9
"""The number of epoch events, u0 to u9."""
MANTISSA_WIDTH = 4
ACCUMULATOR_WIDTH = 15
PRODUCT_WIDTH_MAX = 31
"""A product is made in 32 bits and overflows silently."""
TRACE_MAX = 127
TAG_MIN, TAG_MAX = -257, 255
WIDTHS = {"x0": 1, "y0": 1, "x1": 7, "x2": 7, "y1": 7, "y2": 7, "y3": 7, "w": 9, "d": 9, "t": 9}
"""Bits of a factor; it is clipped to [-2^width, 2^width - 1]."""
PRE_TRACES, POST_TRACES = ("x1", "x2"), ("y1", "y2", "y3")


@dataclass(frozen=True)
class Chip:
    """A chip: cores, and the capacities of a core; None where not published, and so not checked.

    ``neurons_per_core`` and ``synapses_per_core`` of Loihi 2 are quotients of the published totals of a chip, not
    limits of a core. ``synapse_bits_per_core`` is memory; see ``placement``.
    """

    name: str
    cores: int
    neurons_per_core: int
    synapses_per_core: int | None
    synapse_bits_per_core: int | None
    axons_in_per_core: int | None
    axons_out_per_core: int | None
    profiles_per_core: int | None


LOIHI_1 = Chip(
    name="Loihi 1",
    cores=128,
    neurons_per_core=1024,
    synapses_per_core=None,
    synapse_bits_per_core=1_048_576,
    axons_in_per_core=4096,
    axons_out_per_core=4096,
    profiles_per_core=32,
)
LOIHI_2 = Chip(
    name="Loihi 2",
    cores=128,
    neurons_per_core=8192,
    synapses_per_core=120_000_000 // 128,
    synapse_bits_per_core=None,
    axons_in_per_core=None,
    axons_out_per_core=None,
    profiles_per_core=None,
)
CHIPS = (LOIHI_1, LOIHI_2)
