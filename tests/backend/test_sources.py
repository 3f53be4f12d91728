"""Sources that spike several times in a step, and what backends say that take one spike of a neuron in a step."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import numpy as np
import pytest

import ernsnn as ern
from ernsnn.backend.discovery import backend_names
from ernsnn.backend.registry import get_backend
from ernsnn.cli import main
from ernsnn.report import page

HAVE_COUNTS = [name for name in backend_names() if get_backend(name).counts]
ONE_A_STEP = [name for name in backend_names() if not get_backend(name).counts]


def network(rate_hz: object, dt_ms: float = 1.0, size: int = 3, **options: bool) -> ern.Network:
    net = ern.Network(dt_ms=dt_ms, name="driven")
    source = net.population("drive", size, ern.Poisson(rate_hz, **options))
    net.population("given", 1, ern.SpikeTimes([[dt_ms * k for k in range(10)]]))
    cells = net.population("cells", 2, ern.LIF())
    net.projection("p", source, cells, weight_nA=0.1, receptor="excitatory")
    return net


def told(net: ern.Network, backend: str = "lava-float") -> list[ern.Issue]:
    return [issue for issue in ern.check(net, backend) if issue.code in ("G202", "G212")]


@pytest.mark.parametrize("backend", ONE_A_STEP)
def test_who_takes_one_spike_a_step_tells_by_how_much_counts_vary_less(backend: str) -> None:
    [issue] = told(network(450.0, dt_ms=0.1), backend)
    assert (issue.code, issue.path, issue.fidelity, issue.backend) == ("G202", "drive", "approximate", backend)
    assert "450 Hz, p = rate x dt is 0.045" in issue.message
    assert "variance of its counts is 4.5 % below" in issue.message
    assert "smaller time step, split the drive over several sources" in issue.remedy
    assert "run it on brian2, native" in issue.remedy
    assert not told(network(10.0), backend)


@pytest.mark.parametrize("backend", ONE_A_STEP)
def test_who_takes_one_spike_a_step_sends_no_more(backend: str) -> None:
    [issue] = told(network([5.0, 2500.0, 1.0]), backend)
    assert (issue.code, issue.fidelity) == ("G212", "unsupported")
    assert "sends 2.5 spikes in a step at its highest rate, 2500 Hz" in issue.message
    assert not [issue for issue in told(network(1000.0), backend) if issue.code == "G212"]
    assert ern.check(network(ern.Schedule([0, 9], [0.0, 1001.0])), backend).errors


@pytest.mark.parametrize("backend", backend_names())
def test_sources_that_are_meant_to_spike_at_most_once_are_no_issue(backend: str) -> None:
    assert not told(network(900.0, at_most_one=True), backend)


@pytest.mark.parametrize("backend", HAVE_COUNTS)
def test_who_has_counts_tells_nothing(backend: str) -> None:
    assert {"reference", "native", "brian2"} <= set(HAVE_COUNTS)
    assert not told(network(30_000.0), backend)


@pytest.mark.parametrize(
    ("rate", "dt", "p"),
    [
        (10.0, 1.0, None),
        (100.0, 0.1, None),
        (10.0001, 1.0, "0.01"),
        (0.01 / (0.35 / 1000), 0.35, None),
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


@pytest.mark.parametrize(("at_most_one", "share"), [(False, 1.0), (True, 0.6)])
def test_how_much_counts_vary(at_most_one: bool, share: float) -> None:
    """Counts in windows of 100 steps of 200 neurons: mean n p, and variance n p, or n p (1 - p)."""
    net = ern.Network()
    net.population("drive", 200, ern.Poisson(400.0, at_most_one=at_most_one))
    result = ern.run(net, duration_ms=10_000, backend="reference", seed=3)
    steps, neurons = result.recording.spikes["drive"]
    counts = np.bincount(steps // 100 * 200 + neurons, minlength=100 * 200)
    assert counts.mean() == pytest.approx(40, rel=0.01)
    assert counts.var() == pytest.approx(40 * share, rel=0.05)


@pytest.mark.parametrize("backend", ["loihi-emulator", "lava-float"])
def test_a_chip_gets_the_spikes_of_a_source_that_spikes_at_most_once(backend: str) -> None:
    if why := get_backend(backend).missing():
        pytest.skip(why)
    several, single = (
        ern.run(network(60.0, at_most_one=once), duration_ms=200, backend=backend, seed=2).recording.spikes["drive"]
        for once in (False, True)
    )
    assert len(single[0]) > 10
    np.testing.assert_array_equal(several, single)


def test_a_warning_from_a_tenth_on_once_a_graph_at_the_callers_line() -> None:
    graph = ern.lower(network(100.0))
    with pytest.warns(ern.ModelWarning, match=r"G202 .* drive: draws .* 100 Hz, p = rate x dt is 0.1,") as caught:
        ern.run(graph, duration_ms=5, backend="loihi-emulator")
    assert [each.filename for each in caught] == [__file__]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ern.run(graph, duration_ms=5, backend="loihi-emulator")
        ern.run(network(99.9), duration_ms=5, backend="loihi-emulator")
        ern.run(network(300.0), duration_ms=5, backend="native")
    assert issubclass(ern.ModelWarning, UserWarning)


def test_results_and_their_page_say_it_once(tmp_path: Path) -> None:
    with pytest.warns(ern.ModelWarning):
        result = ern.run(network(250.0), duration_ms=5, backend="loihi-emulator", out=tmp_path / "run")
    saved = json.loads((tmp_path / "run" / "meta.json").read_text())
    for meta in (result.meta, saved):
        assert [issue["path"] for issue in meta["issues"] if issue["code"] == "G202"] == ["drive"]
    assert page(result).count("draws at most one spike a step") == 1


def test_the_command_line_says_it_once(tmp_path: Path, capsys, recwarn) -> None:
    model = tmp_path / "driven.py"
    model.write_text(
        "import ernsnn as ern\n\ndef build():\n    net = ern.Network()\n"
        "    net.population('drive', 3, ern.Poisson(200.0))\n    return net\n"
    )
    options = ["--backend", "loihi-emulator"]
    for command in (["run", "--duration-ms", "5", *options], ["check", *options]):
        assert main([command[0], str(model), *command[1:]]) == 0
        out, err = capsys.readouterr()
        assert err == ""
        assert out.count("G202 ") == 1
    assert not [each for each in recwarn if each.category is ern.ModelWarning]


@pytest.mark.parametrize("backend", ["native", "brian2"])
def test_sources_of_a_pynn_script_count_and_change(backend: str) -> None:
    """9 kHz and then 25.6 kHz at .1 ms: .9 and 2.56 spikes a step, each with its time."""
    sim = pytest.importorskip("ernsnn.pynn")
    options = {"target": "numpy"} if backend == "brian2" else {}
    sim.setup(timestep=0.1, backend=backend, **options)
    source = sim.Population(20, sim.SpikeSourcePoisson(rate=9000.0), label="my drive → it")
    cells = sim.Population(3, sim.IF_curr_exp())
    pair, bounds = sim.SpikePairRule(A_plus=0.01, A_minus=0.01), sim.AdditiveWeightDependence(w_min=0.0, w_max=0.1)
    learns = sim.STDPMechanism(pair, bounds, weight=0.01, delay=0.1)
    sim.Projection(source, cells, sim.AllToAllConnector(), learns)
    source.record("spikes")
    assert not [issue for issue in sim.check() if issue.code != "N101"]
    sim.run(50.0)
    source.set(rate=25_600.0)
    sim.run(50.0)
    trains = source.get_data().segments[0].spiketrains
    times = np.concatenate([np.asarray(train.rescale("ms")) for train in trains])
    counts = [int((times < 50).sum()), int((times >= 50).sum())]
    assert np.abs(np.array(counts) - [9000, 25_600]).max() < 5 * 25_600**0.5
    assert all((np.diff(train) == 0).any() for train in trains)
    sim.end()


def test_a_pynn_script_is_told_in_its_labels() -> None:
    sim = pytest.importorskip("ernsnn.pynn")
    sim.setup(timestep=1.0, backend="loihi-emulator", order="loihi")
    sim.Population(2, sim.SpikeSourcePoisson(rate=900.0), label="my drive → it")
    [issue] = [issue for issue in sim.check() if issue.code == "G202"]
    assert issue.path == "my drive → it"
    sim.end()


def opposed(how: str, backend: str, khz: float, weight_nA: float) -> tuple[float, float]:
    """The rate of cells with a source of excitation and one of inhibition each, and its standard error, in Hz."""
    net = ern.Network(dt_ms=0.1)
    cells = net.population("cells", 300, ern.LIF())
    for receptor in ("excitatory", "inhibitory"):
        if how == "input":
            net.poisson_input(receptor, cells, rate_hz=1000 * khz, weight_nA=weight_nA, receptor=receptor)
        else:
            source = net.population(receptor, 300, ern.Poisson(1000 * khz, at_most_one=how == "single"))
            net.projection(f"of-{receptor}", source, cells, ern.OneToOne(), weight_nA=weight_nA, receptor=receptor)
    neurons = ern.run(net, duration_ms=2000, backend=backend, seed=2).recording.spikes["cells"][1]
    rates = np.bincount(neurons, minlength=300) / 2.0
    return float(rates.mean()), float(rates.std() / 300**0.5)


@pytest.mark.nest
@pytest.mark.parametrize(("khz", "weight_nA"), [(1, 1.42), (5, 0.63), (9, 0.47), (15, 0.36)])
def test_cells_between_two_sources_fire_as_often_as_nests(khz: float, weight_nA: float) -> None:
    """Excitation and inhibition cancel in the mean, so that the rate is one of fluctuations; NEST draws its own."""
    if why := get_backend("nest").missing():
        pytest.skip(why)
    ours, nests = opposed("counts", "native", khz, weight_nA), opposed("input", "nest", khz, weight_nA)
    assert abs(ours[0] - nests[0]) < 1.96 * (ours[1] ** 2 + nests[1] ** 2) ** 0.5
    if khz < 10:
        single = opposed("single", "native", khz, weight_nA)
        assert single[0] < ours[0] - 2 * (ours[1] ** 2 + single[1] ** 2) ** 0.5
