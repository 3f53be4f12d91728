"""The table of published systems: made from committed results."""

from __future__ import annotations

import json

import pytest

import ernsnn as ern
from ernsnn.cli import main, systems
from ernsnn.studies.experiment import experiment_names, get_experiment


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.pop("seeds"),
        lambda d: d.update(seeds=3),
        lambda d: d.update(seeds=["a"]),
        lambda d: d.update(experiment=["balanced"]),
        lambda d: d.update(setting=None),
        lambda d: d.update(results=[]),
        lambda d: d.update(results={}),
        lambda d: d.update(experiment="nosuch"),
    ],
)
def test_damaged_results_are_refused(change, tmp_path, monkeypatch) -> None:
    data = dict(next(iter(systems.committed().values())))
    change(data)
    folder = tmp_path / "data" / "results"
    folder.mkdir(parents=True)
    (folder / "some.json").write_text(json.dumps(data))
    monkeypatch.setattr(systems, "files", lambda name: tmp_path)
    with pytest.raises(ern.InvalidModel, match=r"some\.json|what was measured of|no experiment"):
        systems.systems()


@pytest.mark.parametrize("name", list(systems.committed()))
def test_committed_results_are_of_today_s_settings(name: str) -> None:
    data = systems.committed()[name]
    today = get_experiment(data["experiment"]).named(data["setting"])
    assert data["seeds"] == list(range(5))
    assert data["settings"] == json.loads(json.dumps(today))


def test_the_list_tells_where_each_experiment_comes_from(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["experiment", "--list", "--json"]) == 0
    found = {f["name"]: f for f in json.loads(capsys.readouterr().out)["experiments"]}
    assert set(found) == set(experiment_names())
    assert found["nalsm"]["source"].startswith("Ivanov and Michmizos")
    assert all(f["source"] for f in found.values())


def test_the_table_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["experiment", "--table", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["systems"]
    assert [row["system"] for row in rows] == list(systems.committed())
    assert {"point_neuron", "balanced"} <= {row["system"] for row in rows}
