"""Ctrl-C in the middle of a run."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from ernsnn.backend import source_spikes


@contextmanager
def ctrl_c_in_step(monkeypatch: pytest.MonkeyPatch, step: int) -> Iterator[None]:
    """Within, a run in this process is sent SIGINT in that step."""
    at, between = source_spikes.SourceSpikes.at, source_spikes.SourceSpikes.between

    def pressed(feeds: source_spikes.SourceSpikes, t: int) -> object:
        if t == step:
            os.kill(os.getpid(), signal.SIGINT)
        return at(feeds, t)

    def pressed_within(feeds: source_spikes.SourceSpikes, t: int, stop: int) -> object:
        if t == step:
            os.kill(os.getpid(), signal.SIGINT)
            stop = t + 1
        return between(feeds, t, step if t < step < stop else stop)

    with monkeypatch.context() as patch:
        patch.setattr(source_spikes.SourceSpikes, "at", pressed)
        patch.setattr(source_spikes.SourceSpikes, "between", pressed_within)
        yield
