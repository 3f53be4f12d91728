"""Injected currents that change in the same steps, as one: engines look at every injection whenever one changes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from ernsnn.graph.graph import Injected
from ernsnn.graph.modulator import Member
from ernsnn.graph.values import columns_of, series


def merged(injections: Iterable[Injected]) -> tuple[Injected, ...]:
    """Currents into one population that change in the same steps as their sum, at the place of the first of them.

    They stay apart where the sum would have more different columns than they have together.
    """
    alike: dict[tuple[str, bytes], list[Injected]] = {}
    for each in injections:
        alike.setdefault((each.target.population, each.steps.tobytes()), []).append(each)
    return tuple(result for group in alike.values() for result in (group if len(group) == 1 else _sum(group)))


def _sum(group: Sequence[Injected]) -> Sequence[Injected]:
    first, last = min(each.target.start for each in group), max(each.target.stop for each in group)
    kind, kinds = np.zeros(last - first, np.int64), 1
    for each in group:  # neurons are of one kind where they have the same columns of all injections
        inside = slice(each.target.start - first, each.target.stop - first)
        columns, of = columns_of(each.values)
        different, within = np.unique(kind[inside] * columns.shape[1] + of, return_inverse=True)
        kind[inside] = kinds + within
        kinds += len(different)
    _, example, kind = np.unique(kind, return_index=True, return_inverse=True)
    held = [columns_of(each.values) for each in group]
    if len(example) > 1 + sum(columns.shape[1] for columns, _ in held):
        return group
    total = np.zeros((len(group[0].steps), len(example)))
    for each, (columns, of) in zip(group, held, strict=True):
        covered = np.flatnonzero((example >= each.target.start - first) & (example < each.target.stop - first))
        total[:, covered] += columns[:, of[example[covered] - (each.target.start - first)]]
    target = Member(group[0].target.population, first, last)
    return [Injected(target, group[0].steps, series(total, kind.reshape(-1)))]
