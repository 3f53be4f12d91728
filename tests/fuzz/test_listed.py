"""Bad input, point by point: each has an error that names the object and says what to do."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

import ernsnn as ern
from ernsnn.cli import main

RULE = ern.stdp.pair(A_plus=0.1, A_minus=0.1, w_max=2.0)


def net(**options):
    return ern.Network(name="mine", **options)


def two(**options):
    """A network of a source and cells, and both."""
    made = net(**options)
    return made, made.population("source", 3, ern.Poisson(10.0)), made.population("cells", 3, ern.LIF())


def projection(**options):
    made, source, cells = two()
    made.projection("link", source, cells, **{"weight_nA": 1.0, **options})
    ern.lower(made)


def background(**options):
    made, _, cells = two()
    made.poisson_input("drive", options.pop("target", cells), **{"rate_hz": 8.0, "weight_nA": 0.1, **options})
    ern.lower(made)


def equation(text, **options):
    ern.LearningRule.from_equations(
        traces={"x": ern.Trace("pre", tau_ms=20)}, on_post={"w": text}, parameters={"A": 0.1}, **options
    )


def foreign():
    made, source, _ = two()
    made.projection("link", source, net().population("others", 3, ern.LIF()), weight_nA=1.0)


def drawn():
    """Parameters that are drawn are known when the network is lowered: all that cannot be is told at once."""
    made = net()
    made.population("first", 5, ern.LIF(tau_m_ms=ern.Normal(0.1, 5.0)))
    cells = made.population("second", 5, ern.LIF(v_reset_mV=ern.Uniform(-50, -40), v_threshold_mV=-45.0))
    made.projection("third", cells, cells, weight_nA=1.0, delay_ms=1.5)
    made.population("fourth", 2, ern.Poisson(5000.0, at_most_one=True))
    ern.lower(made)


def large():
    """What would not fit is refused before any of it is there."""
    made = net()
    cells = made.population("cells", 10_000_000, ern.LIF())
    made.projection("link", cells, cells, weight_nA=ern.Uniform(0, 1), learning=RULE)
    return ern.lower(made)


# What is wrong: what a user does, and words of the message.
LISTED = {
    "a time constant below 0": (lambda: ern.LIF(tau_m_ms=-1.0), "LIF.tau_m_ms must be > 0, got -1.0"),
    "a time constant of 0": (lambda: ern.Trace("pre", tau_ms=0.0), "Trace.tau_ms: must be > 0, got 0.0"),
    "a synaptic time constant of 0": (lambda: ern.LIF(tau_syn_E_ms=0.0), "LIF.tau_syn_E_ms must be > 0"),
    "an astrocyte's time constant": (
        lambda: two()[0].astrocyte("glia", [two()[2]], tau_ms=-5),
        "glia: population 'cells' is not part of this network",
    ),
    "reset at the threshold": (
        lambda: ern.LIF(v_reset_mV=-50.0, v_threshold_mV=-50.0),
        "LIF: v_reset_mV must lie below v_threshold_mV",
    ),
    "all of a neuron's at once": (lambda: ern.LIF(tau_m_ms=-1, cm_nF=0), "LIF.cm_nF must be > 0.*LIF.tau_m_ms must"),
    "a delay below dt": (lambda: projection(delay_ms=0.5), "link.delay_ms: the shortest delay is one step of 1.0 ms"),
    "a delay no multiple of dt": (lambda: projection(delay_ms=1.5), "link.delay_ms: 1.5 ms is no multiple of the step"),
    "NaN in a neuron": (lambda: ern.LIF(v_rest_mV=float("nan")), "LIF.v_rest_mV: must be finite, got nan"),
    "an infinite weight": (lambda: projection(weight_nA=np.inf), "link.weight_nA: must be finite, got inf"),
    "NaN in a weight": (lambda: projection(weight_nA=np.full((3, 3), np.nan)), "link.weight_nA: must be finite"),
    "an infinite rate": (lambda: ern.Poisson(np.inf), "Poisson.rate_hz: must be finite"),
    "NaN as a duration": (
        lambda: ern.run(two()[0], duration_ms=float("nan"), backend="reference"),
        "duration_ms: must be finite",
    ),
    "NaN in a current": (
        lambda: ern.CurrentSteps(times_ms=[1.0], amplitudes_nA=[np.nan]),
        "CurrentSteps.amplitudes_nA: must be finite",
    ),
    "an index out of range": (
        lambda: projection(connector=ern.FromList([(0, 7)])),
        r"link: post index 7 is beyond the 3 neurons of cells\[0:3\]",
    ),
    "a negative index": (lambda: ern.FromList([(-1, 0)]), "FromList: indices must be whole numbers >= 0"),
    "a part out of range": (lambda: two()[2][2:9], r"cells\[0:3\]\[2:9\]: beyond its 3 neurons"),
    "a name twice": (
        lambda: two()[0].population("cells", 2, ern.LIF()),
        "cells: the name is taken; every part of a network needs a name of its own",
    ),
    "an unknown population": (foreign, "link: population 'others' is not part of this network"),
    "no population at all": (
        lambda: two()[0].projection("link", "sauce", "cells", weight_nA=1.0),
        "link.pre: must be Population or View, got 'sauce'",
    ),
    "a weight of the wrong sign": (
        lambda: projection(weight_nA=-1.0, receptor="inhibitory"),
        "link.weight_nA: weights on the inhibitory receptor are >= 0, .* an inhibitory receptor acts negatively",
    ),
    "Poisson input of a negative rate": (lambda: background(rate_hz=-1), "drive.rate_hz: must be >= 0"),
    "Poisson input of another length": (
        lambda: background(rate_hz=ern.Schedule([0], [[1.0, 2.0]])),
        r"drive.rate_hz: needs one number or 3, one a neuron of cells\[0:3\], got an array of shape \(2,\)",
    ),
    "parts of a source": (lambda: background(n=1.5), "drive.n: needs whole numbers of sources >= 0, got 1.5"),
    "less than no source": (lambda: background(n=[1, -1, 2]), "drive.n: needs whole numbers of sources >= 0"),
    "sources of too many neurons": (lambda: background(n=[1, 2]), "drive.n: needs one number or 3"),
    "too many spikes a step": (
        lambda: background(rate_hz=1e9, n=10**6),
        "drive: a neuron gets 1e.12 spikes in a step of 1.0 ms, more than 1e.09; choose a smaller dt_ms, or lower",
    ),
    "more spikes a step than a number can hold": (
        lambda: background(rate_hz=1e200, n=1e200),
        "drive: a neuron gets inf spikes in a step",
    ),
    "Poisson input onto a source": (
        lambda: (made := two())[0].poisson_input("drive", made[1], rate_hz=1, weight_nA=1),
        "drive: source is a spike source and takes no input",
    ),
    "Poisson input onto another network": (
        lambda: background(target=net().population("others", 3, ern.LIF())),
        "drive: population 'others' is not part of this network",
    ),
    "Poisson input without a weight": (
        lambda: background(weight_nA=None),
        "drive.weight_nA: give the weight, a number, array of numbers or distribution",
    ),
    "Poisson input with a weight in another unit": (
        lambda: background(weight_nA=None, weight_uS=1.0),
        "drive: the neurons of cells are LIF; give weight_nA, not weight_uS",
    ),
    "Poisson input of a negative weight": (
        lambda: background(weight_nA=[0.1, -0.1, 0.1]),
        "drive.weight_nA: weights on the excitatory receptor are >= 0, but reach -0.1",
    ),
    "Poisson input with too many weights": (
        lambda: background(weight_nA=np.ones((3, 3))),
        r"drive.weight_nA: needs one number or 3, .* got an array of shape \(3, 3\)",
    ),
    "Poisson input at no receptor": (
        lambda: background(receptor="nmda"),
        "drive.receptor: must be one of excitatory, inhibitory, signed, got 'nmda'",
    ),
    "Poisson input that changes within a step": (
        lambda: background(rate_hz=ern.Schedule([0, 0.5], [1, 2])),
        "drive.rate_hz: 0.5 ms is no multiple of the step",
    ),
    "Poisson input of a name that is taken": (
        lambda: (made := two())[0].poisson_input("cells", made[2], rate_hz=1, weight_nA=1),
        "cells: the name is taken",
    ),
    "an empty population": (
        lambda: net().population("cells", 0, ern.LIF()),
        "cells: a population needs a whole number of neurons >= 1, got 0",
    ),
    "an unknown symbol": (lambda: equation("A*z"), r"on_post\['w'\]: unknown name 'z' \(known: A, w, x\)"),
    "no product form": (lambda: equation("A/(1 + x)"), "division by a variable is no product form in 'A/"),
    "code in an equation": (lambda: equation("__import__('os').abort()"), r"is not allowed \(only \+ - \* / \*\*"),
    "an equation that is no text": (lambda: equation(3), r"LearningRule.on_post\['w'\]: must be text, got 3"),
    "all that is drawn, at once": (
        drawn,
        "first.tau_m_ms must be > 0.*\nsecond: v_reset_mV must lie.*\nfourth.rate_hz: 5000.*\nthird.delay_ms: 1.5",
    ),
    "all of a projection's at once": (
        lambda: projection(weight_nA=-1.0, delay_ms=0.2, receptor="modulatory"),
        "link.receptor: must be one of.*link.weight_nA: weights on.*link.delay_ms: the shortest",
    ),
}


@pytest.mark.parametrize("point", LISTED)
def test_in_python(point):
    act, message = LISTED[point]
    with pytest.raises(ern.InvalidModel, match=f"(?s){message}"):
        act()


# Larger things that cannot be


def test_what_memory_cannot_hold_is_refused_before_it_is_taken(monkeypatch):
    """With the bytes that it would need; each of these would otherwise end the process."""
    for backend in ("reference", "native", "brian2"):
        with pytest.raises(ern.UnsupportedOnBackend, match=r"mine.*needs \d+ bytes \(\d+\.\d GB\) of memory"):
            ern.run(large(), duration_ms=1, backend=backend)
    monkeypatch.setattr("ernsnn.graph.memory.available_bytes", lambda: 10**9)
    made = net()
    cells = made.population("cells", 10**9, ern.LIF(tau_m_ms=ern.Uniform(10, 20)))
    made.population("noise", 10**9, ern.Poisson(1.0))
    made.projection("some", cells, cells, ern.FixedProbability(0.5), weight_nA=1.0)
    made.projection("few", cells, cells, ern.FixedInDegree(3), weight_nA=1.0)
    made.projection("many", cells, cells, ern.FixedTotalNumber(10**12), weight_nA=1.0)
    made.projection("different", cells, cells, ern.FixedTotalNumber(10**10, replace=False), weight_nA=1.0)
    with pytest.raises(ern.InvalidModel) as error:
        ern.lower(made)
    lines = str(error.value).splitlines()
    assert [line.split(":")[0] for line in lines] == [
        "cells.tau_m_ms",
        "noise.rate_hz",
        "some.connector",
        "few.connector",
        "many.connector",
        "different.connector",
    ]
    assert "few.connector: needs 28000000000 bytes (28.0 GB) of memory; " in lines[3]


MODEL = """
import ernsnn as ern


def build(cells: int = 2, fail: bool = False):
    if fail:
        raise RuntimeError("no such cell")
    net = ern.Network(name="mine")
    source = net.population("source", 2, ern.Poisson(100.0))
    net.projection("link", source, net.population("cells", cells, ern.LIF()), weight_nA=5.0)
    return net
"""

BENCH = {"cue": [[1], []], "cont": [[1], [2], []], "simTime": 20}
RUN = ["--backend", "reference", "--duration-ms", "20"]


def tell(capsys, *arguments):
    """The exit code of a command and what it says on stderr, which is one line for whatever is wrong."""
    code = main([str(a) for a in arguments])
    said = capsys.readouterr().err
    assert said.startswith("ernsnn: ")
    assert "Traceback" not in said
    return code, said.removeprefix("ernsnn: ").strip()


# The content of a testbench, and words of the message.
BENCHES = {
    "no JSON": ("{cue", "bench.json: is no JSON"),
    "no object": ("[1, 2]", "bench.json: needs an object with"),
    "nothing in it": ("{}", "bench.json: needs an object with"),
    "unequal lists": (json.dumps({**BENCH, "cue": [[1], 3]}), 'bench.json: "cue" must be a list with one list'),
    "a missing list": (json.dumps({"cue": [[1]], "simTime": 5}), 'bench.json: "cont" is missing'),
    "a negative time": (json.dumps({**BENCH, "cue": [[-1]]}), '"cue" of neuron 0: needs whole numbers from 0 to 10.9'),
    "unsorted times": (json.dumps({**BENCH, "cont": [[5, 3]]}), '"cont" of neuron 0: spike times must rise, but 3 fol'),
    "times between steps": (json.dumps({**BENCH, "cue": [[1.5]]}), '"cue" of neuron 0: needs whole numbers'),
    "NaN as a time": ('{"cue": [[NaN]], "cont": [[1]], "simTime": 9}', "needs whole numbers from 0"),
    "no duration": (json.dumps({**BENCH, "simTime": 0}), '"simTime": needs whole numbers from 1'),
    "no text": (b"\xff\xfe\x00", "bench.json: is no text"),
}


@pytest.mark.parametrize("point", BENCHES)
def test_a_testbench(point, tmp_path, capsys):
    content, message = BENCHES[point]
    file = tmp_path / "bench.json"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    code, said = tell(capsys, "run", "ca3_memory", "--input", file, "--backend", "reference", "--out", tmp_path / "o")
    assert code == 2
    assert re.search(message, said)
    assert [path.name for path in tmp_path.iterdir()] == ["bench.json"]


def test_on_the_command_line(tmp_path, capsys, monkeypatch):
    """Settings, a model file that raises, and folders that are not ours: exit code 2, one line, and nothing written."""
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text(MODEL)
    Path("foreign").mkdir()
    Path("foreign", "letter.txt").write_text("dear")
    before = sorted(str(path) for path in tmp_path.rglob("*"))
    for arguments, message in (
        (["--set", "celsl=3"], "mine.py or reference: no parameter or option 'celsl'; did you mean 'cells'?"),
        (["--set", "fail=true"], "mine.py: build: RuntimeError: no such cell (line 7)"),
        (["--set", "cells=0"], "mine.py: cells: a population needs a whole number of neurons >= 1, got 0"),
        (["--duration-ms", "0.5"], "duration_ms: 0.5 ms is no multiple of the step"),
        (["--duration-ms", "1e300"], "duration_ms: 1e+300 ms are more than 1e+12 steps"),
        (["--duration-ms", "nan"], "duration_ms: must be finite"),
        (["--out", "foreign"], "foreign holds 'letter.txt', which is not ours to replace; name another folder"),
        (["--out", "foreign/letter.txt"], "letter.txt exists and is a file; name another folder"),
        (["--out", "foreign/letter.txt/out"], "cannot write"),
        (["--out", "/proc/none"], "cannot write /proc/none"),
        (["--start", "foreign"], "foreign: no recording (foreign/meta.json is missing)"),
    ):
        code, said = tell(capsys, "run", "mine.py", *RUN, *arguments)
        assert (code, message in said, said.count("\n")) == (2, True, 0), said
    assert sorted(str(path) for path in tmp_path.rglob("*") if "__pycache__" not in str(path)) == before


def test_one_fault_of_a_file_that_is_told(tmp_path, capsys):
    """Truncated, of a newer schema, or of another run: the folder is named, and what is wrong with it."""
    folder = ern.run(_small(), duration_ms=5, backend="reference").save(tmp_path / "run")
    intact = {path.name: path.read_bytes() for path in folder.iterdir()}
    newer = {
        "meta.json": lambda data: {**data, "schema": 99},
        "graph.json": lambda data: {**data, "graph": {**data["graph"], "schema": 99}},
    }
    for name in ("meta.json", "graph.json", "recording.npz", "graph.npz"):
        (folder / name).write_bytes(intact[name][: len(intact[name]) // 2])
        code, said = tell(capsys, "metrics", folder)
        assert (code, str(folder) in said, "damaged" in said) == (2, True, True), said
        (folder / name).unlink()
        code, said = tell(capsys, "metrics", folder)
        assert (code, f"{name} is missing" in said) == (2, True), said
        if name in newer:
            (folder / name).write_text(json.dumps(newer[name](json.loads(intact[name]))))
            code, said = tell(capsys, "metrics", folder)
            assert (code, "schema 99; this ernsnn reads schema" in said) == (2, True), said
        (folder / name).write_bytes(intact[name])
    (folder / "state.npz").write_bytes(intact["state.npz"][:100])
    assert main(["metrics", str(folder)]) == 0  # it does not need the state
    with pytest.raises(ern.InvalidModel, match=r"state.npz: is damaged"):
        ern.run(_small(), duration_ms=5, start=folder)


def _small():
    made, source, cells = two()
    made.projection("link", source, cells, weight_nA=1.0, learning=RULE)
    return made
