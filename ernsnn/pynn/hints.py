"""What scripts for SpiNNaker say of a population besides PyNN's parameters: its seed, and hints on cores and memory."""

from __future__ import annotations

import difflib
import warnings
from collections.abc import Mapping
from typing import Any

from ernsnn.describe.arguments import whole
from ernsnn.errors import InvalidModel, quoted

HINTS = (
    "spikes_per_second",
    "ring_buffer_sigma",
    "max_expected_summed_weight",
    "incoming_spike_buffer_size",
    "drop_late_spikes",
    "n_colour_bits",
    "neurons_per_core",
    "splitter",
    "max_rate",
    "buffer_size_before_receive",
    "spike_buffer_max_size",
    "virtual_key",
    "port",
    "reserve_reverse_ip_tag",
)
"""Names of hints of sPyNNaker's that change where and with how much memory cells run, and no result."""


def without_effect(call: str) -> None:
    """Warn, at the line of the script, of a call that changes where cells run on SpiNNaker and no result."""
    warnings.warn(f"{call} of SpiNNaker has no effect here", stacklevel=3)


class Placed:
    """Hints of sPyNNaker's on where cells of a type run."""

    @classmethod
    def set_model_max_atoms_per_dimension_per_core(cls, n_atoms: Any = None) -> None:
        """How many of the type may be on a core: a warning says that it has no effect."""
        without_effect(f"{cls.__name__}.set_model_max_atoms_per_dimension_per_core({n_atoms})")

    @classmethod
    def set_model_max_atoms_per_core(cls, n_atoms: Any = None) -> None:
        """The older name of it."""
        without_effect(f"{cls.__name__}.set_model_max_atoms_per_core({n_atoms})")


def seed_of(label: str, parameters: Mapping[str, Any]) -> int | None:
    """The ``seed`` among the additional parameters of a population; warns of hints that have no effect.

    Raises InvalidModel on a name that is neither, and on a seed that is no whole number from 0 to 2**32 - 1.
    """
    given = {name: value for name, value in parameters.items() if name != "seed"}
    for name in given:
        if name not in HINTS:
            near = difflib.get_close_matches(name, ["seed", *HINTS], n=1)
            also = f"; did you mean {near[0]!r}?" if near else "; additional ones are 'seed' and hints for SpiNNaker"
            raise InvalidModel(f"{label}: no parameter {name!r} of a population{also}")
    if given:
        warnings.warn(f"{label}: {', '.join(given)} of SpiNNaker has no effect here", stacklevel=3)
    seed = parameters.get("seed")
    if seed is None:
        return None
    if (number := whole(seed)) is None or not 0 <= number < 2**32:
        raise InvalidModel(f"{label}: seed must be a whole number from 0 to 2**32 - 1, got {quoted(seed)}")
    return number
