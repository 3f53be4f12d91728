"""Saving and loading: exact, and nothing but InvalidModel on what is damaged, newer or hostile."""

from __future__ import annotations

import dataclasses
import json
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
import samples
from corrupted import arrays_of, digest_of
from hypothesis import HealthCheck, given, settings
from strategies import STEPS, networks

import ernsnn
from ernsnn import InvalidModel, load_graph, save_graph
from ernsnn.backend.registry import get_backend
from ernsnn.graph import encoding, storage
from ernsnn.graph.values import Shared

modest = settings(deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))


@pytest.fixture
def saved(tmp_path):
    return save_graph(ernsnn.lower(samples.learning(), 1), tmp_path / "graph")


@pytest.mark.parametrize("name", samples.SAMPLES)
def test_what_is_loaded_is_what_was_saved(name, tmp_path):
    graph = ernsnn.lower(samples.SAMPLES[name](), 5)
    loaded = load_graph(save_graph(graph, tmp_path / "graph"))
    assert loaded.digest == graph.digest == encoding.digest(loaded)
    ours, theirs = {}, {}
    assert encoding.encode(graph, ours) == encoding.encode(loaded, theirs)
    assert ours.keys() == theirs.keys()
    for key, array in ours.items():
        assert array.dtype == theirs[key].dtype
        np.testing.assert_array_equal(array, theirs[key])
        assert not theirs[key].flags.writeable
    assert samples.contents(loaded) == samples.contents(graph)


@settings(modest, max_examples=10)
@given(networks())
def test_a_loaded_graph_runs_the_same(tmp_path_factory, network):
    graph = ernsnn.lower(network, 5)
    loaded = load_graph(save_graph(graph, tmp_path_factory.mktemp("saved") / "graph"))
    first, second = (get_backend("reference").run(g, STEPS, lambda f: None).to_arrays() for g in (graph, loaded))
    assert first.keys() == second.keys()
    for key, array in first.items():
        np.testing.assert_array_equal(array, second[key])


def test_saving_replaces_a_saved_graph_and_nothing_else(tmp_path, saved):
    other = ernsnn.lower(samples.stimuli(), 1)
    save_graph(other, saved)
    assert load_graph(saved).digest == other.digest
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("years of work")
    with pytest.raises(InvalidModel, match="not ours"):
        save_graph(other, mine)
    assert (mine / "thesis.txt").read_text() == "years of work"
    assert sorted(p.name for p in mine.parent.iterdir()) == ["graph", "mine"]


def refuse(folder, words):
    with pytest.raises(InvalidModel, match=words) as caught:
        load_graph(folder)
    assert str(folder) in str(caught.value)


def edit(saved, change):
    stored = json.loads((saved / "graph.json").read_text())
    change(stored)
    (saved / "graph.json").write_text(json.dumps(stored))


def test_missing(tmp_path, saved):
    refuse(tmp_path / "nowhere", "no saved graph")
    (saved / "graph.npz").unlink()
    refuse(saved, "no saved graph")


@pytest.mark.parametrize("name", ["graph.json", "graph.npz"])
@pytest.mark.parametrize("keep", [0, 1, 0.5, 0.99])
def test_truncated(saved, name, keep):
    whole = (saved / name).read_bytes()
    (saved / name).write_bytes(whole[: keep if isinstance(keep, int) else int(len(whole) * keep)])
    refuse(saved, "damaged")


def test_every_flipped_byte_of_the_arrays_is_noticed_or_harmless(saved):
    whole, digest = (saved / "graph.npz").read_bytes(), load_graph(saved).digest
    noticed = 0
    for position in range(0, len(whole), 31):
        broken = bytearray(whole)
        broken[position] ^= 0x55
        (saved / "graph.npz").write_bytes(bytes(broken))
        try:
            assert load_graph(saved).digest == digest
        except InvalidModel:
            noticed += 1
    assert noticed > 10


@pytest.mark.parametrize("schema", [0, 3, "1", True, None])
def test_another_schema(saved, schema):
    edit(saved, lambda stored: stored["graph"].update(schema=schema))
    refuse(saved, "schema")


@pytest.mark.parametrize(
    "change",
    [
        lambda s: s["graph"].update(seed=2),
        lambda s: s["graph"].update(name="other"),
        lambda s: s.update(digest="0" * 64),
        lambda s: s.pop("digest"),
        lambda s: s["graph"].pop("probes"),
        lambda s: s["graph"].update(extra=1),
        lambda s: s["graph"].update({"is": "Scalar"}),
        lambda s: s["graph"].update(populations=[]),
        lambda s: s["graph"].update(populations=[{"array": "a999"}]),
        lambda s: s["graph"].update(populations=7),
        lambda s: s.update(graph={"is": "Scalar", "value": 1.0, "schema": 2}),
        lambda s: s.update(graph=[]),
        lambda s: s.pop("graph"),
    ],
)
def test_edited(saved, change):
    edit(saved, change)
    refuse(saved, "damaged")


def test_no_json_object_at_all(saved):
    for text in ("[]", "3", "null", "[" * 100_000, "\xff\xfe"):
        (saved / "graph.json").write_text(text, encoding="latin-1")
        refuse(saved, "damaged")


class Trap:
    sprung = False

    def __reduce__(self):
        return _spring, ()


def _spring():
    Trap.sprung = True
    return 0


def test_pickles_are_refused_unread(saved):
    with np.load(saved / "graph.npz") as file:
        arrays = {name: file[name] for name in file.files}
    arrays["a0"] = np.array([Trap()], dtype=object)
    np.savez(saved / "graph.npz", **arrays)
    refuse(saved, "damaged")
    assert not Trap.sprung
    np.load(saved / "graph.npz", allow_pickle=True)["a0"]
    assert Trap.sprung  # so the file did hold the trap


def test_saved_arrays_are_no_pickles(saved):
    with zipfile.ZipFile(saved / "graph.npz") as archive:
        for name in archive.namelist():
            header = archive.read(name)[:128]
            assert b"|O" not in header


@pytest.mark.parametrize(
    "name", ["Network", "Path", "Popen", "dict", "object", "Population", "Recording", "os.system", "", 3, None, []]
)
def test_decoding_constructs_no_other_class(name):
    with pytest.raises((KeyError, TypeError)):
        encoding.decode({"is": name, "args": ["true"]}, {}, storage.CLASSES)


@pytest.mark.parametrize("value", [object(), {1, 2}, b"bytes", LookupError, ernsnn.LIF])
def test_encoding_refuses_what_it_does_not_know(value):
    with pytest.raises(AssertionError, match=type(value).__name__):
        encoding.encode(value, {})


def test_a_graph_with_a_part_that_could_not_be_read_again_is_not_saved(tmp_path):
    graph = ernsnn.lower(samples.learning(), 1)
    next(graph.neurons()).parameters["tau_m_ms"] = ernsnn.Uniform(0, 1)
    with pytest.raises(AssertionError, match="Uniform"):
        save_graph(graph, tmp_path / "graph")
    assert not (tmp_path / "graph").exists()


def redigested(saved, change):
    """A graph of another content, with a digest that is right."""
    stored = json.loads((saved / "graph.json").read_text())
    change(stored["graph"])
    stored["digest"] = digest_of(stored["graph"], arrays_of(saved / "graph.npz"))
    (saved / "graph.json").write_text(json.dumps(stored))


def probe(described, **changed):
    """One of a projection's weights, changed."""
    target = described["projections"][0]["name"]
    made = {"is": "Probe", "kind": "synapses", "target": target, "start": 0, "stop": 0, "variable": "w", "every": 1}
    return {**made, **changed}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda g: g["populations"][0].update(name="../../outside"), "'../../outside': a name starts with a letter"),
        (lambda g: g["populations"][0].update(name=g["populations"][1]["name"]), "is used twice"),
        (lambda g: g["populations"][0].update(size=-3), "the size -3"),
        (lambda g: g["populations"][0].update(size="3"), "size: must be a whole number, got '3'"),
        (lambda g: g.update(seed="1; import os"), "seed: must be a whole number, got '1; import os'"),
        (lambda g: g.update(dt_ms=0.0), "dt_ms above 0"),
        (lambda g: g.update(current_integration="none"), "must be 'exact' or 'step_average', got 'none'"),
        (lambda g: g["projections"][0].update(pre="nobody"), "there are no such neurons as 'nobody'"),
        (lambda g: g["projections"][0].update(pre_start=10**6), "from 1000000 on"),
        (lambda g: g["projections"][0].update(delay={"is": "Scalar", "value": 0.5}), "its delay is 0.5 steps"),
        (lambda g: g["projections"][0]["learning"]["terms"][0].update(target="v"), "have no 'v'"),
        (lambda g: g["projections"][0]["learning"]["terms"][0].update(event="never"), "event must be one of"),
        (lambda g: g["projections"][0]["learning"]["terms"][0]["factors"][0].update(power=10**9), "power must be"),
        (lambda g: g["projections"][0]["learning"].update(transmit=[]), "transmits nothing"),
        (lambda g: g["projections"][0]["learning"].update(epoch_steps=-5), "its epochs are -5 steps"),
        (lambda g: g.update(frozen=[[5, 3]]), "what is frozen does not rise"),
        (lambda g: g.update(probes=[probe(g, variable="x")]), "records no 'x'"),
        (lambda g: g.update(probes=[probe(g, every=0)]), "every 0 steps"),
    ],
)
def test_a_right_digest_makes_no_graph(change, words, saved):
    redigested(saved, change)
    refuse(saved, words)


def with_shared(saved, columns=None, of=None, at_most_one=True):
    """A graph whose Poisson source shares two series, saved with a right digest."""
    net = ernsnn.Network(dt_ms=1.0)
    net.population("noise", 3, ernsnn.Poisson(ernsnn.Schedule([0.0, 5.0], [100.0, 20.0]), at_most_one=at_most_one))
    net.population("cells", 3, ernsnn.LIF())
    graph = ernsnn.lower(net)
    source = graph.populations[0]
    columns = np.array([[0.1, 0.2], [0.3, 0.0]]) if columns is None else columns
    shared = Shared(columns, np.array([0, 1, 1]) if of is None else of)
    spikes = dataclasses.replace(source.spikes, probabilities=shared)
    populations = (dataclasses.replace(source, spikes=spikes), *graph.populations[1:])
    return save_graph(dataclasses.replace(graph, populations=populations), saved.parent / "shared")


def test_shared_series_come_back(saved):
    loaded = load_graph(with_shared(saved))
    assert isinstance(loaded.populations[0].spikes.probabilities, Shared)
    assert loaded.populations[0].spikes.probabilities[:].tolist() == [[0.1, 0.2, 0.2], [0.3, 0.0, 0.0]]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"of": np.array([0, 1, 2])}, "noise: it has columns 0 to 2, of 2"),
        ({"of": np.array([0, -1, 1])}, "noise: it has columns -1 to 1, of 2"),
        ({"of": np.array([0, 1])}, "noise: needs a column for each of 3 neurons"),
        ({"of": np.array([0.0, 1.0, 1.0])}, "noise: needs a column for each of 3 neurons"),
        ({"columns": np.array([[0.1, 0.2]])}, "noise: needs columns of 2 numbers"),
        ({"columns": np.array([[1, 0], [0, 1]])}, "noise: needs columns of 2 numbers"),
        ({"columns": np.array([0.1, 0.2])}, "noise: needs columns of 2 numbers"),
        ({"columns": np.array([[0.1, 1.5], [0.0, 0.0]])}, "noise: a probability is not within"),
        ({"columns": np.array([[0.1, np.nan], [0.0, 0.0]])}, "noise: a probability is not within"),
        ({"columns": np.array([[0.1, 2e9], [0.0, 0.0]]), "at_most_one": False}, "noise: a mean is not within"),
        ({"columns": np.array([[-0.1, 2.0], [0.0, 0.0]]), "at_most_one": False}, "noise: a mean is not within"),
    ],
)
def test_shared_series_are_held_to_their_neurons(changed, words, saved):
    refuse(with_shared(saved, **changed), words)


@pytest.mark.parametrize("seed", [2**63, 2**70, -(2**64)])
def test_seeds_of_any_size_come_back(seed, tmp_path):
    net = ernsnn.Network(dt_ms=1.0)
    net.population("noise", 3, ernsnn.Poisson(100.0))
    ernsnn.run(net, duration_ms=5, seed=seed, backend="reference", out=tmp_path / "run")
    assert ernsnn.Result.load(tmp_path / "run").graph.seed == seed


def test_a_graph_of_schema_1_is_read_and_runs_as_it_did(tmp_path):
    old = Path(__file__).parents[1] / "data" / "schema1"
    graph = load_graph(old)
    assert graph.schema == 2
    kinds = {p.name: p.kind.name for p in graph.neurons()}
    assert kinds == {"lif": "LIF", "adaptive": "AdaptiveLIF", "conducting": "ConductanceLIF", "delta": "DeltaLIF"}
    result = ernsnn.run(graph, duration_ms=100, backend="reference")
    # What the version that saved it counted.
    assert result.spike_counts == {"s": 24, "lif": 21, "adaptive": 23, "conducting": 95, "delta": 4}
    assert load_graph(save_graph(graph, tmp_path / "new")).digest == graph.digest


@pytest.mark.parametrize(
    "change",
    [
        lambda g: g["populations"][1].update(kind="LIF"),
        lambda g: g["populations"][1].update(adaptive=True),
        lambda g: g["populations"][1].pop("noise"),
        lambda g: g.update(populations=3),
        lambda g: g["populations"][1].update(parameters=[]),
        lambda g: g.update(seed=8),
        lambda g: g.update(resets=[3]),
    ],
)
def test_a_changed_graph_of_schema_1_is_noticed(tmp_path, change):
    shutil.copytree(Path(__file__).parents[1] / "data" / "schema1", tmp_path / "old")
    edit(tmp_path / "old", lambda stored: change(stored["graph"]))
    refuse(tmp_path / "old", "damaged")
