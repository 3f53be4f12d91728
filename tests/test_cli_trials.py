"""A model of the command line that shows trials: run, resumed from another, checked, and compared."""

from __future__ import annotations

import pytest

import ernsnn as ern
from ernsnn.cli import main

MODEL = """
\"\"\"Shows two patterns.\"\"\"
import numpy as np
import ernsnn as ern
from ernsnn.studies.models import Session


def build(reset=False):
    return session(input=None, demo=False, reset=reset).network


def session(*, input, demo, reset=False):
    labels = [0, 1, 1]
    trials = ern.Trials(show_ms=20, rest_ms=5, reset=reset, labels=labels, x=300 * np.eye(2)[labels])
    net = ern.Network(name="shows")
    inputs = net.population("inputs", 2, ern.Poisson(trials.schedule("x")))
    cells = net.population("cells", 2, ern.LIF())
    net.projection("see", inputs, cells, ern.OneToOne(), weight_nA=20.0)
    return Session(network=net, trials=trials)
"""


@pytest.fixture
def model(tmp_path):
    file = tmp_path / "shows.py"
    file.write_text(MODEL)
    return str(file)


def test_a_session_runs_its_trials(model, tmp_path, capsys):
    folder = str(tmp_path / "run")
    assert main(["run", model, "--backend", "reference", "--out", folder]) == 0
    assert "75 ms" in capsys.readouterr().out
    result = ern.Result.load(folder)
    assert result.trials.labels.tolist() == [0, 1, 1]
    assert (result.counts("inputs").argmax(axis=1) == [0, 1, 1]).all()
    assert main(["run", model, "--start", folder, "--out", str(tmp_path / "second")]) == 0
    second = ern.Result.load(tmp_path / "second")
    assert second.trials.starts_ms.tolist() == [75, 100, 125]
    assert (second.counts("inputs").argmax(axis=1) == [0, 1, 1]).all()


def test_what_a_backend_cannot_is_said_of_trials(model, capsys):
    assert main(["check", model, "--backend", "loihi-emulator", "--set", "reset=true", "--json"]) == 3
    assert "G210" in capsys.readouterr().out
    assert main(["compare", model, "--backends", "reference,native", "--set", "reset=true"]) == 0


def test_others_are_no_trials(model, capsys):
    with open(model, "a") as file:
        file.write("\n_session = session\ndef session(*, input, demo):\n")
        file.write("    return Session(network=_session(input=None, demo=False).network, trials=[1])\n")
    assert main(["run", model, "--backend", "reference"]) == 2
    assert "Session.trials must be Trials, got list" in capsys.readouterr().err
