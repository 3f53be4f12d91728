"""Noise that is drawn ahead is that of the streams, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest

from ernsnn.backend.state import restore, state_of
from ernsnn.graph.streams import Streams
from ernsnn.hardware_backends.native.kernels import noise
from ernsnn.hardware_backends.native.kernels.noise import Noise

KEYS = ["0" * 31 + "1", "f" * 32, "3" * 32]


@pytest.mark.parametrize("distribution", ["normal", "uniform"])
@pytest.mark.parametrize("sizes", [(1, 1, 1), (3, 8, 17), (40, 1, 2), (1000, 500, 24)])
def test_equal_to_the_streams(sizes, distribution):
    drawn, streams = Noise([*zip(KEYS, sizes, strict=True)], distribution), [*map(Streams, KEYS, sizes)]
    for _ in range(150):
        expected = np.concatenate([getattr(s, distribution)() for s in streams])
        assert drawn.next().tobytes() == expected.tobytes()


def test_few_steps_ahead_where_neurons_are_many(monkeypatch):
    monkeypatch.setattr(noise, "_NUMBERS", 40)
    assert [len(Noise([(KEYS[0], size)], "normal").numbers) for size in (1, 8, 41)] == [40, 5, 1]


def test_a_state_between_two_draws():
    source = [(KEYS[0], 3)]
    first, second = Noise(source, "normal"), Noise(source, "normal")
    for _ in range(100):
        first.next()
    saved = {path: array.copy() for path, array in state_of(first).items()}
    restore(second, saved)
    for _ in range(100):
        assert first.next().tolist() == second.next().tolist()
