"""The calcium experiment: the published cell, step by step."""

from __future__ import annotations

import math

import pytest
from naive_calcium import PUBLISHED as KINETICS
from naive_calcium import Cell

import ernsnn as ern
from ernsnn.models import calcium
from ernsnn.models.experiments import calcium as study
from ernsnn.studies.experiment import experiment_names


def test_its_network_has_the_published_drive():
    graph = ern.lower(calcium.build())
    steps = graph.population("release").spikes.steps
    assert steps[:3].tolist() == [2000, 4001, 6002]
    assert len(steps) == 14
    assert [m.integration for m in graph.modulators] == ["euler", "rk4"]
    assert "calcium" in experiment_names()


def test_the_published_figures_are_those_of_the_equations():
    """An independent reading of the paper, in Euler steps, gives every published digit."""
    cell = Cell(KINETICS, {"C": 0.0, "I": 0.0, "h": 0.9, "Gamma_A": 0.0}, "euler", 0.001)
    released, before, crossings = 0.0, 0.0, []
    highest = dict.fromkeys(("C", "I", "Gamma_A"), 0.0)
    for t in range(30_000):
        released = released * math.exp(-0.04) + 500.0 * (t >= 2000 and (t - 2000) % 2001 == 0)
        cell.step(released)
        highest = {name: max(value, cell.variable(name)) for name, value in highest.items()}
        if before < 0.5 <= cell.variable("C"):
            crossings.append((t + 1) / 1000)
        before = cell.variable("C")
    published = study.PUBLISHED
    assert crossings == pytest.approx(published["crossings_s"], abs=0.005)
    assert round(highest["C"], 4) == published["C_max_uM"]
    assert round(highest["I"], 4) == published["I_max_uM"]
    assert round(highest["Gamma_A"], 4) == published["Gamma_max"]


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["reference", "brian2"])
def test_the_regression(backend):
    findings = study.EXPERIMENT.findings(seeds=[0], backend=backend)
    published, euler, rk4 = (findings.results[name] for name in ("published", "euler", "rk4"))
    for name in ("C_max_uM", "I_max_uM", "Gamma_max"):
        assert round(euler[name], 4) == published[name]
        assert rk4[name] == pytest.approx(published[name], rel=0.006)
    assert euler["crossings_s"] == pytest.approx(published["crossings_s"], abs=0.005)
    assert rk4["crossings_s"] == pytest.approx(published["crossings_s"], abs=0.015)
    assert len(findings.rows) == 3 + len(published["crossings_s"])
    assert findings.heads[1:] == ["published", "euler", "rk4"]
