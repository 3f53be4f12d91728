"""The section on trials: what it counts, against counts of its own, and the runs that it must bear."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

import ernsnn as ern
from ernsnn.analyse import trials
from ernsnn.cli import main
from ernsnn.report import page
from ernsnn.report.trials import EXAMPLES

LABELS = [7, 3, 7, 3, 9]


def run(labels=LABELS, rest_ms=5):
    """Inputs 0 to 2 spike at 2 and 6 ms of trials with the labels 3, 7, 9, and ``out`` follows them."""
    of = {label: k for k, label in enumerate(sorted(set(LABELS)))}
    events = [ern.SpikeTimes([[2, 6] if of[label] == k else [] for k in range(3)]) for label in LABELS]
    shown = ern.Trials(show_ms=10, rest_ms=rest_ms, labels=labels, x=events)
    net = ern.Network()
    inputs = net.population("in", 3, shown.spikes("x"))
    out = net.population("out", 3, ern.DeltaLIF(tau_refrac_ms=1))
    net.projection("all", inputs, out, ern.OneToOne(), weight_mV=100.0)
    return ern.run(net, trials=shown, backend="reference")


def section(text):
    found = re.search(r'<section id="trials">(.*?)</section>', text, re.DOTALL)
    return None if found is None else found[1]


def rows(markup):
    body = re.search(r"<tbody>(.*?)</tbody>", markup, re.DOTALL)[1]
    return [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in re.findall(r"<tr>(.*?)</tr>", body, re.DOTALL)]


def titles(pattern, markup):
    return list(dict.fromkeys(re.findall(pattern, markup)))


def test_each_population_is_counted_and_told():
    markup = section(page(run()))
    assert rows(markup) == [["in", "3", "2", "2", "0", "5 of 5"], ["out", "3", "2", "4", "0", "5 of 5"]]
    assert "3 (2 trials), 7 (2 trials), 9 (1 trial)" in markup
    assert "Labels told by out" in markup
    assert "Labels: 3, 7, 9." in markup
    assert titles(r"Trial \d+, label \d+", markup) == ["Trial 0, label 7", "Trial 1, label 3", "Trial 4, label 9"]


def test_labels_that_nothing_tells_are_not_told():
    labels = [0, 1, 1, 0, 0]  # not those by which the inputs spike
    read = run(labels)
    right = int((read.trials.majority("out") == labels).sum())
    assert right < 5
    assert rows(section(page(read)))[1][-1] == f"{right} of 5"


@pytest.mark.parametrize("rest_ms", [0, 5])
def test_trials_without_labels_and_runs_without_trials(rest_ms):
    markup = section(page(run(labels=None, rest_ms=rest_ms)))
    assert rows(markup)[0][-1] == "-"
    assert "told by" not in markup
    assert titles(r"Trial \d+", markup) == [f"Trial {k}" for k in range(EXAMPLES)]
    net = ern.Network()
    net.population("in", 1, ern.Poisson(50.0))
    assert section(page(ern.run(net, duration_ms=20, backend="reference"))) is None


def test_silence_and_large_labels_are_borne():
    shown = ern.Trials(show_ms=10, labels=[5, 2**31 - 1], x=np.zeros((2, 4)))
    net = ern.Network()
    net.population("in", 4, ern.Poisson(shown.schedule("x")))
    net.population("cells", 2, ern.LIF())
    with pytest.warns(ern.ModelWarning, match="G305"):
        result = ern.run(net, trials=shown, backend="reference")
    assert rows(section(page(result)))[1] == ["cells", "2", "0", "-", "2", "0 of 2"]
    with pytest.raises(ern.InvalidModel, match="confusion of labels up to 2147483647"):
        result.trials.confusion(np.array([-1, -1]))


def test_the_command_line_says_the_same(tmp_path, capsys):
    run().save(tmp_path / "run")
    assert main(["metrics", str(tmp_path / "run")]) == 0
    said = capsys.readouterr().out
    assert "5 trials, each shown for 10 ms" in said
    assert re.search(r"out +3 +2 +4 +0 +5 of 5", said)
    assert main(["metrics", str(tmp_path / "run"), "--json"]) == 0
    of_out = json.loads(capsys.readouterr().out)["trials"][1]
    assert (of_out["population"], of_out["spikes_a_trial"], of_out["told_right"]) == ("out", 2.0, 5)


def test_what_is_too_large_is_not_counted(monkeypatch):
    monkeypatch.setattr(trials, "MOST_COUNTS", 10)
    assert rows(section(page(run())))[1] == ["out", "3", "-", "-", "-", "-"]
