"""The quantities of trials, put in the place of those with which a network was described."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from ernsnn.describe.stimuli import Schedule, SpikeTimes
from ernsnn.describe.trials import Trials
from ernsnn.errors import InvalidModel


class Shown:
    """Trials that a network is lowered with, if any, and which of their quantities it has read."""

    def __init__(self, trials: Trials | None, dt_ms: float) -> None:
        self.trials, self.dt_ms = trials, dt_ms
        self.read: set[str] = set()
        if trials is not None:
            trials.check_steps(dt_ms)

    def schedule(self, path: str, described: Schedule) -> Schedule:
        """A schedule as the trials have it, where it is a quantity of theirs. Raises InvalidModel on another width."""
        if self.trials is None or described.quantity is None:
            return described
        given = self.trials.schedule(described.quantity)
        self._check(path, described.quantity, given.width, described.width)
        return given

    def spikes(self, path: str, described: SpikeTimes) -> SpikeTimes:
        """Given spikes, in the same way."""
        if self.trials is None or described.quantity is None:
            return described
        given = self.trials.spikes(described.quantity)
        self._check(path, described.quantity, len(given.times_ms), len(described.times_ms))
        return given

    def _check(self, path: str, quantity: str, now: int | None, before: int | None) -> None:
        self.read.add(quantity)
        if now != before:
            raise InvalidModel(
                f"{path}: {quantity!r} has {_widely(now)} in these trials, but the network was described with "
                f"{_widely(before)}; give it the same width"
            )

    def unread(self) -> Iterator[InvalidModel]:
        """An error for each quantity of the trials that nothing in the network reads."""
        for name in () if self.trials is None else self.trials.quantities:
            if name not in self.read:
                yield InvalidModel(
                    f"Trials: nothing in the network reads {name!r}; describe what does with "
                    f"trials.schedule({name!r}) or trials.spikes({name!r}), or leave it out"
                )

    def frozen(self, network: list[tuple[int, int]]) -> list[tuple[int, int]]:
        """The intervals in which nothing learns, by the network and by the trials. Raises InvalidModel on overlaps."""
        both = sorted([*network, *([] if self.trials is None else self.trials.frozen_steps(self.dt_ms))])
        if any(end > start for (_, end), (start, _) in pairwise(both)):
            raise InvalidModel("Trials.learn: freezes what Network.freeze or follow freezes too; let one of them do it")
        return both

    def resets(self) -> tuple[int, ...]:
        """The steps before which the trials reset the network."""
        return () if self.trials is None else tuple(self.trials.reset_steps(self.dt_ms))


def _widely(width: int | None) -> str:
    return "one value for all neurons" if width is None else f"one value for each of {width} neurons"
