"""Random sources that spike at most once a step: where that matters every backend says so, and by how much."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import numpy as np
import pytest

import ernsnn as ern
from ernsnn.backend.discovery import backend_names
from ernsnn.backend.registry import choose_backend
from ernsnn.cli import main
from ernsnn.report import page


def network(rate_hz: object, dt_ms: float = 1.0, size: int = 3) -> ern.Network:
    net = ern.Network(dt_ms=dt_ms, name="driven")
    source = net.population("drive", size, ern.Poisson(rate_hz))
    net.population("given", 1, ern.SpikeTimes([[dt_ms * k for k in range(10)]]))
    cells = net.population("cells", 2, ern.LIF())
    net.projection("p", source, cells, weight_nA=0.1, receptor="excitatory")
    return net


def told(net: ern.Network, backend: str = "reference") -> list[ern.Issue]:
    return [issue for issue in ern.check(net, backend) if issue.code == "G202"]


@pytest.mark.parametrize("backend", backend_names())
def test_every_backend_tells_the_rate_and_by_how_much_counts_vary_less(backend: str) -> None:
    [issue] = told(network(450.0, dt_ms=0.1), backend)
    assert (issue.path, issue.fidelity, issue.backend) == ("drive", "approximate", backend)
    assert "450 Hz, p = rate x dt is 0.045" in issue.message
    assert "variance of its counts is 4.5 % below" in issue.message
    assert "smaller time step, or split the drive over several sources" in issue.remedy
    assert not told(network(10.0), backend)


@pytest.mark.parametrize(
    ("rate", "dt", "p"),
    [
        (20.0, 1.0, None),
        (200.0, 0.1, None),
        (20.0001, 1.0, "0.02"),
        (0.02 / (0.35 / 1000), 0.35, None),
        ([1.0, 2.0, 70.0], 1.0, "0.07"),
        (ern.Schedule([0, 10, 20], [0.0, 90.0, 3.0]), 1.0, "0.09"),
        (ern.Schedule([0, 10], [[1.0, 2.0, 3.0], [5.0, 33.0, 0.0]]), 1.0, "0.033"),
        (1000.0, 1.0, "1"),
    ],
)
def test_from_which_probability_on(rate: object, dt: float, p: str | None) -> None:
    found = told(network(rate, dt))
    assert len(found) == (p is not None)
    assert p is None or f"p = rate x dt is {p}, " in found[0].message


def test_by_how_much_counts_do_vary_less() -> None:
    """Counts in windows of 100 steps of 200 neurons: mean n p, variance n p (1 - p)."""
    net = ern.Network()
    net.population("drive", 200, ern.Poisson(400.0))
    with pytest.warns(ern.ModelWarning, match="variance of its counts is 40 % below"):
        result = ern.run(net, duration_ms=10_000, backend="reference", seed=3)
    steps, neurons = result.recording.spikes["drive"]
    counts = np.bincount(steps // 100 * 200 + neurons, minlength=100 * 200)
    assert counts.mean() == pytest.approx(40, rel=0.01)
    assert counts.var() == pytest.approx(40 * (1 - 0.4), rel=0.05)


def test_a_warning_from_a_tenth_on_once_a_graph_at_the_callers_line() -> None:
    graph = ern.lower(network(100.0))
    with pytest.warns(ern.ModelWarning, match=r"G202 .* drive: draws .* 100 Hz, p = rate x dt is 0.1,") as caught:
        result = ern.run(graph, duration_ms=5, backend="reference")
    assert [each.filename for each in caught] == [__file__]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ern.run(graph, duration_ms=5, backend="native")
        ern.run(network(99.9), duration_ms=5, backend="reference")
    with pytest.warns(ern.ModelWarning):
        ern.run(network(300.0), duration_ms=5, start=result)
    assert issubclass(ern.ModelWarning, UserWarning)


def test_it_prevents_no_run() -> None:
    graph = ern.lower(network(250.0))
    assert choose_backend(graph)[0].name == "native"
    assert "G202" in {issue.code for issue in choose_backend(graph)[0].require(graph)}


def test_results_and_their_page_say_it_once(tmp_path: Path) -> None:
    with pytest.warns(ern.ModelWarning):
        result = ern.run(network(250.0), duration_ms=5, backend="reference", out=tmp_path / "run")
    saved = json.loads((tmp_path / "run" / "meta.json").read_text())
    for meta in (result.meta, saved):
        assert [issue["code"] for issue in meta["issues"] if issue["fidelity"] == "approximate"] == ["G202"]
    assert page(result).count("draws at most one spike a step") == 1
    assert "reference differs from what was described in 1 place" in page(result)


def test_the_command_line_says_it_once(tmp_path: Path, capsys, recwarn) -> None:
    model = tmp_path / "driven.py"
    model.write_text(
        "import ernsnn as ern\n\ndef build():\n    net = ern.Network()\n"
        "    net.population('drive', 3, ern.Poisson(200.0))\n    return net\n"
    )
    for command in (["run", "--duration-ms", "5", "--backend", "reference"], ["check", "--backend", "reference"]):
        assert main([command[0], str(model), *command[1:]]) == 0
        out, err = capsys.readouterr()
        assert err == ""
        assert out.count("G202 ") == 1
    assert not [each for each in recwarn if each.category is ern.ModelWarning]


@pytest.mark.parametrize("backend", ["native", "brian2"])
def test_a_pynn_script_is_told_in_its_labels(backend: str) -> None:
    sim = pytest.importorskip("ernsnn.pynn")
    options = {"target": "numpy"} if backend == "brian2" else {}
    sim.setup(timestep=0.1, backend=backend, **options)
    cells = sim.Population(2, sim.SpikeSourcePoisson(rate=9000.0), label="my drive → it")
    cells.record("spikes")
    [issue] = [issue for issue in sim.check() if issue.code != "N101"]
    assert (issue.code, issue.path) == ("G202", "my drive → it")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ern.ModelWarning)
        sim.run(1.0)
        sim.run(1.0)
        assert len(cells.get_data().segments[0].spiketrains) == 2
    told = [each for each in caught if each.category is ern.ModelWarning]
    assert [each.filename for each in told] == [__file__]
    assert "my drive → it: draws" in str(told[0].message)
    sim.end()
