"""What a simulator's program records is held to the graph: cut, damaged or another's, it is an error in words."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

import numpy as np
import pytest
from corrupted import altered, arrays_of, cut, flipped, saved_arrays, with_a_bomb, with_other_arrays

import ernsnn as ern
from ernsnn.backend import subprocesses
from ernsnn.backend.protocol import Program
from ernsnn.backend.registry import get_backend
from ernsnn.backend.subprocesses import recorded_run
from ernsnn.errors import ProgramFailed
from ernsnn.hardware_backends.spinnaker import placement

pytestmark = pytest.mark.filterwarnings("ignore::ernsnn.ModelWarning")

STEPS = 40
ABOUT = {
    "brian2": {"target": "numpy", "brian2": "2"},
    "nest": {"nest": "3", "pynn": "0"},
    "lava": {},
    "spinnaker": {"board": "here", "spynnaker": "7"},
}


def network():
    net = ern.Network(name="recorded")
    source = net.population("source", 4, ern.SpikeTimes([[3.0, 12.0], [4.0], [], [20.0, 30.0]]))
    cells = net.population("cells", 3, ern.LIF())
    net.projection("static", source, cells, weight_nA=2.0)
    rule = ern.stdp.pair(A_plus=0.02, A_minus=0.01, w_max=2.0)
    net.projection("plastic", source, cells, weight_nA=1.5, learning=rule)
    net.probe(cells[1:], "v_mV", every_ms=3)
    return net


GRAPH = ern.lower(network(), 1)


@dataclass
class Recorded:
    """What the program of a backend has recorded, and its bytes."""

    backend: str
    content: bytes
    arrays: dict


def run(recorded, content, monkeypatch):
    """A run by a backend whose program writes ``content``."""

    def instead(folder, main, arguments, progress, what, scratch=None):
        (folder / arguments[0]).write_bytes(content)

    monkeypatch.setattr(subprocesses, "run_program", instead)
    options = {"target": "numpy"} if recorded.backend == "brian2" else {}
    return get_backend(recorded.backend).run(GRAPH, STEPS, lambda fraction: None, **options)


@pytest.fixture(scope="module", params=list(ABOUT))
def recorded(request, tmp_path_factory):
    """As the program writes it; no board is at hand for spinnaker, whose program writes what that of nest does."""
    name, kept = request.param, tmp_path_factory.mktemp("kept") / "recording.npz"
    original = subprocesses.run_program

    def keeping(folder, *arguments, **options):
        original(folder, *arguments, **options)
        kept.write_bytes((folder / "recording.npz").read_bytes())

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(subprocesses, "run_program", keeping)
        runs = get_backend("nest" if name == "spinnaker" else name)
        if runs.missing():
            pytest.skip(runs.missing())
        runs.run(GRAPH, STEPS, lambda fraction: None, **({"target": "numpy"} if name == "brian2" else {}))
    arrays = arrays_of(kept)
    if name == "spinnaker":
        arrays = {key: a for key, a in arrays.items() if not key.startswith(("about/", "signals/", "state/"))}
        arrays |= {f"about/{key}": np.array(text) for key, text in ABOUT[name].items()}
        arrays |= {
            f"signals/cells.v_mV/{what}": a
            for what, a in (("steps", np.arange(2, 40, 3)), ("values", np.ones((13, 2))))
        }
    return Recorded(name, saved_arrays(arrays), arrays)


def told(recording):
    return {key: (a.dtype.str, a.shape, a.tobytes()) for key, a in recording.to_arrays().items()}


def test_what_is_whole_is_taken(recorded, monkeypatch):
    found = run(recorded, recorded.content, monkeypatch)
    assert set(found.spikes) == {"source", "cells"}
    assert (found.first_step, found.n_steps) == (0, STEPS)
    assert len(found.signals["cells.v_mV"][0]) == 13


def changes(a):
    """Arrays that cannot be of this run, and what is said of them."""
    steps, neurons = a["spikes/cells/steps"], a["spikes/cells/neurons"]
    assert len(steps)
    values, sampled = a["signals/cells.v_mV/values"], a["signals/cells.v_mV/steps"]
    yield {**a, "n_steps": np.array(STEPS + 1)}, "it is of 41 steps from 0 on, not 40 from 0"
    yield {**a, "n_steps": np.array([STEPS])}, r"n_steps: its shape is \(1,\)"
    yield {k: v for k, v in a.items() if k != "n_steps"}, "n_steps is missing"
    yield {**a, "spikes/cells/steps": steps + STEPS}, "a step of cells is"
    yield {**a, "spikes/cells/steps": steps - STEPS}, "a step of cells is"
    yield {**a, "spikes/cells/steps": steps[:-1]}, "spikes are .* steps and .* neurons"
    yield {**a, "spikes/cells/steps": steps + 0.5}, "holds numbers of type float64"
    yield {**a, "spikes/cells/neurons": neurons + 3}, "a neuron of cells is"
    yield {**a, "spikes/cells/neurons": np.repeat(neurons, 1000)}, "its shape is"
    yield {**a, "spikes/other/steps": steps}, "holds 'spikes/other/steps', which does not belong there"
    yield {k: v for k, v in a.items() if "source" not in k}, "spikes/source/neurons is missing"
    yield {k: v for k, v in a.items() if k != "signals/cells.v_mV/values"}, "signals/cells.v_mV/values is missing"
    yield {**a, "signals/cells.v_mV/values": values[:, :1]}, "its shape is"
    yield {**a, "signals/cells.v_mV/values": values[:-1]}, "13 steps and 12 values"
    yield {**a, "signals/cells.v_mV/values": values[:-1], "signals/cells.v_mV/steps": sampled[:-1]}, "are not those of"
    yield {**a, "signals/cells.v_mV/steps": sampled - 1}, "are not those of the probe"
    yield {**a, "signals/cells.v_mV/values": np.full(values.shape, "x")}, "holds numbers of type"
    yield {**a, "synapses/plastic/w": a["synapses/plastic/w"][1:]}, "its shape is"
    yield {k: v for k, v in a.items() if k != "synapses/plastic/w"}, "synapses/plastic/w is missing"
    for key in [key for key in a if key.startswith(("about/", "state/"))][:6]:
        yield {k: v for k, v in a.items() if k != key}, f"{key} is missing"
        yield {**a, key: np.zeros((2, 3, 4))}, f"{key}: "


def test_what_cannot_be_of_this_run_is_refused(recorded, monkeypatch):
    for arrays, words in changes(recorded.arrays):
        with pytest.raises(ProgramFailed, match=words) as error:
            run(recorded, saved_arrays(arrays), monkeypatch)
        assert "program of recorded ended, but what it recorded is no such run: " in str(error.value)
        assert "/tmp" not in str(error.value)


def test_damaged_files(recorded, monkeypatch):
    """Flipped bits, cut files and other arrays: an error of ours, or what was recorded, or another possible run."""
    rng, whole, refused = np.random.default_rng(0), told(run(recorded, recorded.content, monkeypatch)), 0
    for k in range(150):
        content = [
            lambda: flipped(rng, recorded.content),
            lambda: cut(rng, recorded.content),
            lambda: saved_arrays(with_other_arrays(rng, recorded.arrays)),
            lambda: b"" if rng.random() < 0.5 else rng.bytes(300),
        ][k % 4]()
        try:
            found = told(run(recorded, content, monkeypatch))
            assert found == whole or k % 4 == 2
        except (ProgramFailed, ern.NotFinite):
            refused += 1
    assert refused > 75


@pytest.mark.parametrize("member", ["foreign", "spikes/cells/steps", "n_steps"])
def test_nothing_is_read_that_is_larger_than_the_graph_says(member, recorded, monkeypatch):
    import tracemalloc

    content = with_a_bomb(recorded.content, member, 60)
    tracemalloc.start()
    try:
        with pytest.raises(ProgramFailed, match="is no such run"):
            run(recorded, content, monkeypatch)
        assert tracemalloc.get_traced_memory()[1] < 20e6
    finally:
        tracemalloc.stop()


def program(text):
    return Program({"program.py": text})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "ended, but has recorded nothing"),
        ("import os; os.mkdir('recording.npz')", "no regular file"),
        ("import os; os.mkfifo('recording.npz')", "no regular file"),
        ("import os; os.symlink('/dev/zero', 'recording.npz')", "no regular file"),
        ("open('recording.npz', 'w').write('{}')", "BadZipFile"),
        ("import numpy as np; np.savez('recording.npz', n_steps=40)", "signals/cells.v_mV/steps is missing"),
        ("import numpy as np; np.savez('recording.npz', n_steps=np.array([{}], object))", "no numbers"),
    ],
)
def test_programs_that_end_well_and_record_nothing_right(text, words):
    with pytest.raises(ProgramFailed, match=words):
        recorded_run(program(text), lambda fraction: None, "the program", GRAPH, STEPS)


CORE = {"kind": "A", "x": 0, "y": 0, "p": 3, "first": 0, "last": 2, "sdram_bytes": 100, "links": 0, "cores_reached": 1}
PLACED = {
    "boards": 1,
    "chips": 1,
    "cores": 1,
    "cores_per_chip": 17,
    "chips_per_board": 48,
    "n_steps": 1000,
    "sdram_bytes": 100,
    "fullest_sdram_bytes": 100,
    "sdram_per_chip_bytes": 10**8,
    "routing_entries": 1,
    "fullest_table": 1,
    "populations": [
        {
            "name": "cells",
            "size": 3,
            "kind": "B",
            "ring_buffer_shifts": [1, 1],
            "weight_scales": [2.0**14, 2.0**14],
            "cores": [CORE],
        }
    ],
}


def mapped(text):
    made = Program({"mapping.py": f"open('placement.json', 'w').write({text!r})"})
    return placement.place(made, "recorded", "afterwards")


def use(found):
    return str(found), json.dumps(found.to_json())


def test_a_placement_is_read_with_care(monkeypatch):
    found = mapped(json.dumps(PLACED))
    assert isinstance(found, placement.Placement)
    assert "1 cores on 1 chip of SpiNNaker 1" in str(found)
    rng, refused = np.random.default_rng(0), 0

    def instead(folder, main, arguments, progress, what, scratch=None):
        (folder / arguments[0]).write_text(text)

    monkeypatch.setattr(placement, "run_program", instead)
    for k in range(400):
        text = json.dumps(altered(rng, PLACED))
        if k % 4 == 0:
            text = cut(rng, json.dumps(PLACED).encode()).decode()
        found = mapped(text)
        use(found)
        if isinstance(found, placement.NotPlaced):
            refused += 1
            assert "sPyNNaker cannot map recorded: the mapping ended, but what it recorded is no such run: " in str(
                found
            )
        else:
            found.cores_of(GRAPH)
            found.links_of(GRAPH)
    assert refused > 200


def test_a_mapping_that_writes_nothing():
    found = placement.place(Program({"mapping.py": ""}), "recorded", "afterwards")
    assert str(found) == "sPyNNaker cannot map recorded: the mapping ended, but has recorded nothing"


def test_a_start_of_other_steps_is_refused(monkeypatch):
    """Of a Brian2 program that goes on, the first step, too, is that which was asked for."""
    first = ern.run(GRAPH, duration_ms=STEPS, backend="brian2", target="numpy").recording
    original, seen = subprocesses.recorded, []

    def shifted(*arguments, **options):
        arrays = original(*arguments, **options)
        seen.append(int(arrays["first_step"]))
        return {**arrays, "first_step": np.array(0)}

    monkeypatch.setattr(subprocesses, "recorded", shifted)
    with pytest.raises(ProgramFailed, match="from 0 on, not 40 from 40"):
        get_backend("brian2").run(GRAPH, STEPS, lambda fraction: None, target="numpy", start=replace(first))
    assert seen == [STEPS]
