"""``ernsnn bench sweep``: its prediction is that of its networks, and its counts are those of their spikes."""

from __future__ import annotations

import json

import numpy as np
import pytest

import ernsnn as ern
from ernsnn.benchmarks import sweep
from ernsnn.cli import main


def test_the_prediction_is_what_such_draws_have_on_average():
    rng, n, rate_hz, draws = np.random.default_rng(0), 50, 40.0, 4000
    p, own = sweep.CONNECTED, sweep.STEPS // sweep.PERIOD
    spikes = rng.binomial(sweep.STEPS, rate_hz / 1000.0, (draws, n))
    inputs, within = rng.binomial(n, p, (2, draws, n))
    drawn = (spikes * inputs + own * within).sum(axis=1)
    found = sweep.predicted(n, rate_hz)
    assert drawn.mean() == pytest.approx(found.operations, abs=4 * found.sigma / np.sqrt(draws))
    assert drawn.std() == pytest.approx(found.sigma, rel=0.05)


def test_cells_fire_once_a_period_whatever_they_are_sent():
    result = ern.run(sweep.network(40, 80.0, seed=3), duration_ms=sweep.STEPS, seed=3, backend="reference")
    counts = np.bincount(result.spikes("cells")[1], minlength=40)
    assert set(counts) == {sweep.STEPS // sweep.PERIOD}


def test_operations_are_the_synapses_of_every_spike():
    seed, n = 1, 30
    result = ern.run(sweep.network(n, 50.0, seed), duration_ms=sweep.STEPS, seed=seed, backend="reference")
    by_hand = 0
    for p in result.graph.projections:
        fan_out = np.bincount(p.synapses.pre, minlength=n)
        by_hand += int(fan_out[result.spikes(p.pre)[1]].sum())
    assert sweep.counted(n, 50.0, seed, "reference") == by_hand


def test_the_table(monkeypatch, capsys):
    monkeypatch.setattr(sweep, "SIZES", (40, 80))
    monkeypatch.setattr(sweep, "RATES_HZ", (20.0,))
    monkeypatch.setattr(sweep, "BACKENDS", ("reference", "native"))
    assert main(["bench", "sweep", "--repeats", "2", "--json"]) == 0
    *rows, last = json.loads(capsys.readouterr().out)["rows"]
    assert [row["predicted"] for row in rows] == [40 * 4 * 30, 80 * 8 * 30]
    for row in rows:
        assert row["native"] == "the same"
        assert np.all(np.abs(row["sigmas"]) < 5)
        assert abs(row["off_percent"]) < 5 * row["sigma_percent"]
    assert last["sigmas"] == pytest.approx(np.sqrt(np.mean(np.square([r["sigmas"] for r in rows]))), abs=0.01)
