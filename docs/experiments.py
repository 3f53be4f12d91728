"""Writes docs/experiments.md from the fields of experiments and the committed results."""

from __future__ import annotations

from pathlib import Path

from ernsnn.cli.systems import systems_table
from ernsnn.studies.experiment import QUICK, experiment_names, get_experiment
from ernsnn.text import markdown

PAGE = Path(__file__).with_name("experiments.md")
HEADS = ("experiment", "what it shows or asks", "source", "settings")
INTRO = """# Experiments

Each runs over several seeds, prints a table with means and 95 % intervals, and writes a report and its results as JSON:
`ernsnn experiment NAME --seeds 5`, with `--setting full` in another size. Written by `python docs/experiments.py`.
"""
PUBLISHED = """
## Published systems

What others published, and what this package has of it, as `ernsnn experiment NAME --seeds 5` found with each of the
settings (`ernsnn/data/results` holds all of it; `ernsnn experiment --table` prints this table).
"""

NOTES = """
## What did not come out as published, or as hoped, and why

Figures are of the largest settings.

- NALSM reads 15.6 ± 1.6 points more than STDP alone, which runs away to 319 Hz, and keeps the branching factor near 1.
  It gains nothing over tuned fixed weights, nor over its own average depression held fixed: the mean of the astrocyte
  does the work. Accuracies lie below the published ones, as there are 2,000 images to learn from and not 60,000. (The
  full setting was measured when split and liquid still shared one stream of random numbers.)
- Symmetric STDP reaches 94.3 ± 1.8 % of digits, above ridge regression on pixels (93.4) and below logistic (97.1), and
  88.9 ± 1.3 % of MNIST-5k (83.6 and 90.0), with 400 hidden neurons and one set of parameters.
- Four homeostatic loops with a coordinator never fail, and recover in 1.0 s. One loop of an hour, hurried 256-fold,
  never fails, either, but takes 16.6 s; hurried to a loop of 2 s it takes 2.2 ± 2.7 s. The coordinator does no better
  than hurrying the slow loops always.
- In the reservoir it is plasticity that never stops which gains memory; right rates, held, gain none. NARMA-10 hardly
  gains.
- Vogels and Abbott's network of conductances needs in-degrees that differ; with 64 and 16 inputs each it falls silent.
  1,000 neurons sometimes do so anyway. Loihi can have neither network: one current per neuron, and no conductances.
- The CA3 network starts too few sharp waves. At full size, in 10 s, the symmetric rule has events in 3 of 5 seeds,
  replay in 2 and ripples in 1 (BC peak near 187 Hz, replay both ways); the asymmetric one has no events. At a tenth of
  the size, with 15 basket cells, replay is in 4 (symmetric) and 5 of 5 seeds, and no seed has ripples.
- Point neurons agree on the chip under constant currents; in networks, weights of 8 bits part the spikes.
"""


def page() -> str:
    """The text of the page."""
    known = [get_experiment(name) for name in experiment_names()]
    rows = [(f"`{each.name}`", each.title, each.source, ", ".join([QUICK, *each.settings])) for each in known]
    return f"{INTRO}\n{markdown(HEADS, rows)}\n{PUBLISHED}\n{systems_table()}\n{NOTES}"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
