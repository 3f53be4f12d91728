"""Ctrl-C in the middle of a run."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from ernsnn.backend import stepping


@contextmanager
def ctrl_c_in_step(monkeypatch: pytest.MonkeyPatch, step: int) -> Iterator[None]:
    """Within, a run in this process is sent SIGINT in that step."""
    original = stepping.Feeds.at

    def pressed(feeds: stepping.Feeds, t: int) -> object:
        if t == step:
            os.kill(os.getpid(), signal.SIGINT)
        return original(feeds, t)

    with monkeypatch.context() as patch:
        patch.setattr(stepping.Feeds, "at", pressed)
        yield
