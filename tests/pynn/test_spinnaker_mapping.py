"""What sPyNNaker makes of the scripts on virtual boards: cores, routes and weights, and a home that stays as it is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import ernsnn as ern
from ernsnn.cli import main
from ernsnn.graph.graph import Graph
from ernsnn.hardware_backends.spinnaker.backend import SpinnakerBackend
from ernsnn.hardware_backends.spinnaker.placement import NotPlaced, Placement
from ernsnn.hardware_backends.spinnaker.rounding import RECEPTORS, largest_sums, scale, shift, unit
from ernsnn.models.ca3_memory import CA3Memory, build

pytest.importorskip("spynnaker")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The user's home, empty: whatever these tests do, it must stay so."""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("XDG_CONFIG_HOME", "XDG_CONFIG_DIRS", "XDG_CACHE_HOME", "XDG_DATA_HOME"):
            patch.delenv(name, raising=False)
        patch.setenv("HOME", str(folder))
        yield folder
    assert list(folder.rglob("*")) == []


def varied() -> Graph:
    """Everything that a script can hold: 5 chips' worth of neurons, long delays, both signs, learning, currents."""
    net = ern.Network(dt_ms=0.5, current_integration="step_average", name="varied")
    source = net.population("in-1.a", 30, ern.Poisson(rate_hz=20.0, at_most_one=True))
    silent = net.population("silent", 2, ern.Poisson(rate_hz=0.0, at_most_one=True))
    many = net.population("many", 5000, ern.LIF(v_threshold_mV=ern.Uniform(-52, -48)))
    one = net.population("one", 1, ern.LIF())
    conducts = net.population("conducts", 10, ern.ConductanceLIF(e_rev_I_mV=ern.Uniform(-80, -70)))
    rule = ern.stdp.pair(A_plus=0.1, A_minus=0.05, w_max=2.0)
    net.projection("in", source, many, ern.FixedProbability(0.1), weight_nA=ern.Uniform(0.1, 0.3), learning=rule)
    some = ern.FixedProbability(0.01)
    net.projection("within", many[:100], many, some, weight_nA=ern.Uniform(-1, 1), receptor="signed")
    net.projection("learns-too", many[:50], many, some, weight_nA=0.2, learning=rule, delay_ms=30)
    net.projection("all", many, one, weight_nA=0.01, receptor="inhibitory")
    net.projection("none", silent, one, ern.FixedProbability(0.0), weight_nA=0.1)
    net.projection("opens", many, conducts, some, weight_uS=0.002)
    net.projection("closes", many, conducts, some, weight_uS=0.02, receptor="inhibitory")
    net.inject(many[3:5], ern.CurrentSteps(times_ms=[0, 3.5], amplitudes_nA=[0.1, -0.1]))
    return ern.lower(net, seed=1)


@pytest.fixture(scope="module")
def placed(home: Path) -> tuple[Graph, Placement]:
    graph = varied()
    [found] = SpinnakerBackend().placement(graph)
    assert isinstance(found, Placement)
    return graph, found


def test_sPyNNaker_has_the_units_that_the_check_tells(placed):
    graph, found = placed
    sums, neurons = largest_sums(graph), {p.name: p for p in graph.neurons()}
    assert [name for name, p in neurons.items() if p.kind.name == "ConductanceLIF"] == ["conducts"]
    for p in found.mapping["populations"]:
        if p["name"] in sums:
            post = neurons[p["name"]]
            assert p["ring_buffer_shifts"] == [shift(s * scale(post)) for s in sums[p["name"]]]
            assert p["weight_scales"] == [1 / unit(post, s) for s in sums[p["name"]]]


def test_every_neuron_has_a_core(placed):
    graph, found = placed
    cores = found.cores_of(graph)
    assert {name: len(numbers) for name, numbers in cores.items()} == {p.name: p.size for p in graph.populations}
    counts = np.unique(cores["many"], return_counts=True)[1]
    assert (len(counts), counts.max()) == (20, 256)
    numbers = [set(c.tolist()) for c in cores.values()]
    assert len(set.union(*numbers)) == sum(map(len, numbers)), "no core has neurons of two populations"
    assert found.mapping["chips"] > 1
    assert found.mapping["sdram_bytes"] >= found.mapping["fullest_sdram_bytes"] > 0


def test_long_delays_have_cores_of_their_own(placed):
    graph, found = placed
    kinds = {p["name"]: p["kind"] for p in found.mapping["populations"]}
    assert "DelayExtensionVertex" in kinds.values()
    assert [i.path for i in ern.check(graph, "spinnaker") if i.code == "S108"] == ["learns-too.delay_ms"]


def test_spikes_cross_links_where_they_must(placed):
    graph, found = placed
    links = found.links_of(graph)
    assert set(links) == {"in-1.a", "many"}, "the others send to nobody"
    at = {p["name"]: {(c["x"], c["y"]) for c in p["cores"]} for p in found.mapping["populations"]}
    # A tree that reaches k other chips has k links at least.
    assert links["in-1.a"].min() >= len(at["many"] - at["in-1.a"]) > 0
    far = [c for p in found.mapping["populations"] if p["name"] == "many" for c in p["cores"]]
    for c in far:
        if (c["x"], c["y"]) not in at["one"]:
            assert links["many"][c["first"]] > 0


def test_the_table_tells_what_was_found(placed):
    _, found = placed
    text = str(found)
    assert f"{found.mapping['cores']} cores on {found.mapping['chips']} chips of SpiNNaker 1" in text
    assert "networks are mapped and not executed" in text
    assert all(f"{r} shift" in text for r in RECEPTORS)
    [row] = [line for line in text.splitlines() if line.strip().startswith("conducts ")]
    assert (row.count("uS"), "nA" in row, text.count("uS")) == (2, False, 2)
    assert json.loads(json.dumps(found.to_json()))["populations"]


def test_the_memory_on_the_command_line(home, capsys):
    assert main(["check", "ca3_memory", "--backend", "spinnaker", "--json"]) == 0
    [told] = json.loads(capsys.readouterr().out)["backends"]
    [found] = told["placement"]
    assert (found["boards"], found["chips"], found["cores"]) == (1, 1, 10)
    assert {p["name"]: p["ring_buffer_shifts"] for p in found["populations"]}["CA3contCond"] == [4, 5]
    assert not [i for i in told["issues"] if i["code"] == "S102"], "6 nA are whole units"


def test_packets_and_links_of_a_run_are_counted(home, placed, monkeypatch, tmp_path, capsys):
    graph, found = placed
    result = ern.run(graph, duration_ms=50, backend="reference", out=tmp_path / "run")
    monkeypatch.setattr(SpinnakerBackend, "placement", lambda self, asked: (found,))
    assert main(["energy", str(tmp_path / "run"), "--placement", "spinnaker", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    spikes = {name: result.spikes(name)[1] for name in ("in-1.a", "many")}
    links = found.links_of(graph)
    hops = sum(int(links[name][neurons].sum()) for name, neurons in spikes.items())
    assert told["totals"]["multicast_packet"] == sum(map(len, spikes.values())) > 0
    assert told["totals"]["multicast_hop"] == hops > 0
    routers = told["estimates"]["spinnaker-spynnaker"]
    assert sum(line["low_J"] for line in routers["lines"]) == pytest.approx(
        (told["totals"]["multicast_packet"] + hops) * 1e-9
    )
    assert routers["low_J"] is None
    assert told["estimates"]["loihi-davies"]["uncounted"], "a packet of SpiNNaker's is none of Loihi's"


def test_the_script_without_a_board_says_so_and_leaves_nothing(home, tmp_path):
    folder = tmp_path / "program"
    ern.compile(build(3, 4), "spinnaker", duration_ms=20, out=folder)
    before = sorted(folder.iterdir())
    ran = subprocess.run([sys.executable, "-B", "program.py"], cwd=folder, capture_output=True, text=True)
    assert (ran.returncode, ran.stderr.count("networks are mapped and not executed")) == (1, 1)
    assert sorted(folder.iterdir()) == before


READ = """
import os, sys
from pathlib import Path
sys.modules["ernsnn"] = None
sys.path.insert(0, os.getcwd())
import mapping
home = Path("home").resolve()
home.mkdir()
(home / ".spynnaker.cfg").write_text(mapping.CONFIGURATION.format(folder=home))
os.environ["HOME"] = str(home)
import program
made = program.build()
program.sim.run(program.DURATION)
out = program.recorded(*made)
program.np.savez("read.npz", **out)
program.sim.end()
"""


def test_reading_back_works_with_what_virtual_boards_have(home, tmp_path):
    """They have no spikes; so this holds that all calls of sPyNNaker's are there, and no more."""
    memory = CA3Memory(3, 4)
    memory.learn(cue=0, content=[1])
    folder, graph = tmp_path / "program", ern.lower(memory.network())
    SpinnakerBackend().compile(graph, 20).write(folder)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PY")}
    subprocess.run([sys.executable, "-c", READ], cwd=folder, check=True, capture_output=True, env=environment)
    with np.load(folder / "read.npz") as found:
        assert {f"spikes/{p.name}/steps" for p in graph.populations} <= set(found.files)
        assert found["synapses/cue_to_content/w"].shape == (12,)


def test_what_does_not_fit_is_told(home):
    net = ern.Network(current_integration="step_average")
    a, b = net.population("a", 1, ern.LIF()), net.population("b", 1, ern.LIF())
    net.projection("p", a, b, ern.FromList([[0, 0]] * 600), weight_nA=0.5)
    [found] = SpinnakerBackend().placement(ern.lower(net))
    assert isinstance(found, NotPlaced)
    assert "sPyNNaker cannot map network" in str(found)
    assert "more synapses (600)" in str(found)
    assert "\n" not in str(found)
    with pytest.raises(ern.UnsupportedOnBackend, match="cannot map network"):
        found.cores_of(ern.lower(net))


@pytest.mark.slow
def test_ten_thousand_neurons(home):
    net = ern.Network(current_integration="step_average")
    source = net.population("in", 2000, ern.Poisson(rate_hz=10.0, at_most_one=True))
    excites, inhibits = (net.population(n, k, ern.LIF(tau_refrac_ms=2)) for n, k in (("exc", 6400), ("inh", 1600)))
    some = ern.FixedProbability(0.02)
    rule = ern.stdp.pair(A_plus=0.001, A_minus=0.001, w_max=0.1)
    net.projection("input", source, excites, some, weight_nA=ern.Uniform(0, 0.1))
    net.projection("ee", excites, excites, some, weight_nA=0.05, learning=rule, delay_ms=ern.Uniform(1, 10))
    net.projection("ei", excites, inhibits, some, weight_nA=0.02)
    net.projection("ie", inhibits, excites, some, weight_nA=0.1, receptor="inhibitory")
    [found] = SpinnakerBackend().placement(ern.lower(net))
    cores = {p["name"]: len(p["cores"]) for p in found.mapping["populations"]}
    assert cores == {"in": 1, "exc": 25, "inh": 7}
    assert found.mapping["fullest_table"] < 1023
