"""Interference as a chip can have it: what the marks keep survives the chip's integers."""

from __future__ import annotations

import pytest

import ernsnn
from ernsnn.errors import InvalidModel
from ernsnn.models.experiments import chip_interference

SHORT = {"A_s": 5.0, "gap_s": 1.0, "B_s": 12.0}


def test_it_needs_nothing_that_the_chip_has_not() -> None:
    assert not ernsnn.check(chip_interference.learning(0, 5, 1, 12), "loihi-emulator").errors


def test_probes_have_the_weights_of_their_moment() -> None:
    taught = ernsnn.run(chip_interference.learning(0, 1, 1, 1), duration_ms=4000, backend="loihi-emulator")
    net, _ = chip_interference.probing(0, taught, 2)
    steps, weights = taught.recording.signals["inputs-none.w"]
    after_A = net.projections["A-none_A_after_A"].weight
    assert steps[1] == 1999
    assert after_A == pytest.approx(weights[1])
    assert net.projections["B-none_B_after_B"].weight == pytest.approx(weights[3])
    assert abs(weights[1] - weights[3]).max() > 0.01


def test_stable_marks_keep_memory_A_in_integers() -> None:
    results = chip_interference.EXPERIMENT.findings(backend="loihi-emulator", seeds=[0], **SHORT).results
    assert results["both"]["A_kept"]["mean"] > 0.85
    for condition in ("none", "labile"):
        assert results[condition]["A_after_A_hz"]["mean"] > 15
        assert results[condition]["A_kept"]["mean"] < 0.5
        assert results[condition]["B_after_B_hz"]["mean"] > 15


def test_whole_seconds() -> None:
    with pytest.raises(InvalidModel, match=r"gap_s must be whole seconds above 0, got 0\.5"):
        chip_interference.EXPERIMENT.findings(gap_s=0.5)
