"""Pictures that experiments on pools of marked synapses share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ernsnn.studies.estimates import Estimate
from ernsnn.studies.pictures import Bars, Value


def answers(
    rates: Mapping[str, Mapping[str, Estimate]], references: Mapping[str, Sequence[Value]] | None = None
) -> Bars:
    """The rates in Hz of every condition and measure; ``references``: those of a measure to compare with."""
    measures = list(next(iter(rates.values())))
    return Bars(
        list(rates),
        {m.replace("_", " "): [of[m] for of in rates.values()] for m in measures},
        title="What the pools answer to their cues",
        x_label="rate (Hz)",
        references=references and {m.replace("_", " "): values for m, values in references.items()},
    )
