"""Runs that last, from the command line: killed, interrupted and resumed as processes of their own."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import ernsnn as ern
from ernsnn.cli import main

ERNSNN = str(Path(sys.executable).with_name("ernsnn"))
MODEL = '''
"""A plastic pool that is driven at random."""
import ernsnn as ern


def build(cells: int = 30) -> ern.Network:
    net = ern.Network(name="lasting")
    source = net.population("source", cells, ern.Poisson(40.0))
    pool = net.population("pool", cells, ern.LIF(cm_nF=0.2))
    rule = ern.stdp.pair(A_plus=0.01, A_minus=0.012, w_max=0.3)
    net.projection("drive", source, pool, ern.OneToOne(), weight_nA=2.0)
    net.projection("learns", pool, pool, weight_nA=ern.Uniform(0.05, 0.2), delay_ms=2.0, learning=rule)
    return net
'''
EVERY_MS = 500


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "lasting.py"
    path.write_text(MODEL)
    return path


def reached(folder):
    """The step of the checkpoint in a folder; 0 where there is none."""
    try:
        with np.load(folder / "checkpoint.npz") as file:
            return json.loads(str(file["about"]))["step"]
    except FileNotFoundError:
        return 0


def ended(command, folder, steps, number):
    """Start ``command``, wait until its checkpoint has gone on by ``steps``, and send its process a signal."""
    start = reached(folder)
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        began = time.monotonic()
        while reached(folder) < start + steps:
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < began + 100
            time.sleep(0.01)
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    return process.returncode, out, err


def test_killed_killed_again_interrupted_and_resumed(model, tmp_path, capsys):
    out, duration_ms = tmp_path / "run", 20_000
    run = [ERNSNN, "run", str(model), "--backend", "native", "--duration-ms", str(duration_ms), "--out", str(out)]
    assert ended([*run, "--checkpoint-every", str(EVERY_MS)], out, 1_000, signal.SIGKILL)[0] == -9
    first = reached(out)
    assert first % EVERY_MS == 0
    assert main(["export", str(out), "--to", str(tmp_path / "spikes.csv")]) == 2
    assert f"`ernsnn resume {out}` goes on" in capsys.readouterr().err
    assert ended([ERNSNN, "resume", str(out)], out, 1_500, signal.SIGKILL)[0] == -9
    second = reached(out)
    assert second >= first + 1_500
    code, printed, told = ended([ERNSNN, "resume", str(out)], out, 500, signal.SIGINT)
    partial = ern.Result.load(out)
    assert (code, printed) == (130, "")
    assert told == (
        f"ernsnn: interrupted after {partial.duration_ms:g} of {duration_ms:g} ms, which are recorded in {out}; "
        f"`ernsnn resume {out}` goes on\n"
    )
    assert reached(out) == partial.duration_ms > second
    assert main([*run[1:-2], "--out", str(out)]) == 2
    assert "holds a run that has not finished" in capsys.readouterr().err
    assert main(["resume", str(out)]) == 0
    assert f"lasting.py on native: {duration_ms:g} ms in " in capsys.readouterr().out
    expected = ern.run(ern.load_graph(out), duration_ms=duration_ms, backend="native").recording
    found = ern.Result.load(out).recording
    for key, array in expected.to_arrays().items():
        assert found.to_arrays()[key].tobytes() == array.tobytes(), key
    for name, (steps, _) in partial.recording.spikes.items():
        assert np.array_equal(steps, expected.spikes[name][0][: len(steps)])
    assert main(["resume", str(out)]) == 2
    assert "this run has finished" in capsys.readouterr().err


def test_a_resumed_run_says_what_it_meant(tmp_path, capsys, monkeypatch):
    from ernsnn.backend import source_spikes

    original = source_spikes.SourceSpikes.at

    def failing(self, t):
        if t == 100:
            raise KeyboardInterrupt
        return original(self, t)

    run = ["run", "ca3_memory", "--demo", "--backend", "reference", "--out", str(tmp_path / "run")]
    monkeypatch.setattr(source_spikes.SourceSpikes, "at", failing)
    assert main([*run, "--checkpoint-every", "30"]) == 130
    told = f"interrupted at once; `ernsnn resume {tmp_path / 'run'}` goes on from the last checkpoint, if there is one"
    assert capsys.readouterr().err == f"ernsnn: {told}\n"
    monkeypatch.undo()
    assert reached(tmp_path / "run") == 90
    assert main(["resume", str(tmp_path / "run")]) == 0
    assert "12 operations: 12 right, 0 wrong" in capsys.readouterr().out
    saved = json.loads((tmp_path / "run" / "operations.json").read_text())
    assert all(row["right"] for row in saved)
    page = (tmp_path / "run" / "report.html").read_text()
    assert "12 of 12" in page
    assert "was interrupted" not in page
    assert main([*run, "--json"]) == 0  # its own results may be replaced
    assert json.loads(capsys.readouterr().out)["operations"] == saved


def test_a_model_that_is_gone_takes_its_meaning_with_it(model, tmp_path, capsys):
    """Of a model that has changed since, only what the recording says is told."""
    run = ["run", str(model), "--backend", "reference", "--duration-ms", "40", "--out", str(tmp_path / "run")]
    assert main(run) == 0
    (tmp_path / "run" / "meta.json").unlink()  # as if it had been killed before its end
    model.unlink()
    assert main(["resume", str(tmp_path / "run")]) == 0
    assert "population  neurons  spikes" in capsys.readouterr().out


def test_weights_at(model, tmp_path, capsys):
    run = ["run", str(model), "--backend", "reference", "--duration-ms", "40"]
    assert main([*run, "--weights-at", "10,30", "--out", str(tmp_path / "run")]) == 0
    times, weights = ern.Result.load(tmp_path / "run").signal("learns", "w")
    assert (times.tolist(), weights.shape) == ([10, 30], (2, 900))
    assert main([*run, "--weights-at", "10,x", "--out", "x"]) == 2
    assert "must be times in ms with commas between, got '10,x'" in capsys.readouterr().err
    for option in (["--weights-at", "10"], ["--checkpoint-every", "10"]):
        assert main([*run, *option]) == 2
        assert "--weights-at and --checkpoint-every need --out DIR" in capsys.readouterr().err
