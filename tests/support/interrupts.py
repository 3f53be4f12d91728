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
    original = source_spikes.SourceSpikes.at

    def pressed(feeds: source_spikes.SourceSpikes, t: int) -> object:
        if t == step:
            os.kill(os.getpid(), signal.SIGINT)
        return original(feeds, t)

    with monkeypatch.context() as patch:
        patch.setattr(source_spikes.SourceSpikes, "at", pressed)
        yield
