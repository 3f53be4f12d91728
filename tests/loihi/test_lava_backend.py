"""The backend "lava": a graph becomes a script that runs alone, and what comes back is in the user's units."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from lava_needed import needs_lava
from on_loihi import assert_near_the_reference, assert_the_ca3_memory_is, lively
from rasters import RASTERS

import ernsnn as ern
from ernsnn.hardware_backends.loihi.lava import run as lava_run
from ernsnn.hardware_backends.loihi.lava.backend import LavaBackend
from ernsnn.recording.recording import Recording


@needs_lava
@pytest.mark.slow
@pytest.mark.parametrize("name", RASTERS)
def test_the_ca3_memory_spike_for_spike(name: str) -> None:
    assert_the_ca3_memory_is(name, "lava")


@needs_lava
@pytest.mark.slow
def test_near_the_reference_in_the_users_units() -> None:
    assert_near_the_reference("lava")


@needs_lava
@pytest.mark.slow
def test_the_script_runs_without_ernsnn(tmp_path: Path) -> None:
    """In an interpreter where importing ernsnn fails, and from another folder."""
    graph = ern.lower(lively(), seed=0)
    ern.compile(graph, "lava", duration_ms=60, out=tmp_path / "program")
    alone = (
        f"import sys, runpy; sys.modules['ernsnn'] = None; sys.path.insert(0, {str(tmp_path / 'program')!r}); "
        f"sys.argv = ['program.py']; runpy.run_path({str(tmp_path / 'program' / 'program.py')!r})"
    )
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    done = subprocess.run(
        [sys.executable, "-c", alone], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert "@progress 1.0" in done.stdout
    with np.load(tmp_path / "program" / "recording.npz") as file:
        alone_found = Recording.from_arrays({name: file[name] for name in file.files}, {})
    expected = ern.run(graph, duration_ms=60, backend="lava").recording
    for population, (steps, neurons) in expected.spikes.items():
        assert np.array_equal(alone_found.spikes[population][0], steps)
        assert np.array_equal(alone_found.spikes[population][1], neurons)
    for key, (_, values) in expected.signals.items():
        assert np.array_equal(alone_found.signals[key][1], values)
    # Again into the same folder: all of it is ours to replace.
    ern.compile(graph, "lava", duration_ms=60, out=tmp_path / "program")


def test_it_compiles_without_lava(tmp_path: Path) -> None:
    """The script is text, and reads as its network."""
    ern.compile(lively(), "lava", duration_ms=60, out=tmp_path / "program")
    text = (tmp_path / "program" / "program.py").read_text()
    compile(text, "program.py", "exec")
    assert "ernsnn" not in text.split('"""')[2]
    assert 'order="spinnaker"' in text
    assert max(map(len, text.splitlines())) <= 120
    assert sorted(p.name for p in (tmp_path / "program").iterdir()) == [
        ".ernsnn",
        "arrays.npz",
        "hardware.py",
        "processes",
        "program.py",
        "running.py",
        "shim.py",
    ]


def test_what_is_missing_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> str:
        raise lava_run.importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(lava_run.importlib.metadata, "version", absent)
    missing = LavaBackend().missing()
    assert missing is not None
    assert missing.startswith("Lava is not installed: pip install")


def test_static_weights_cannot_be_probed() -> None:
    net = lively()
    net.probe(net.projections["in-a"], "w")
    with pytest.raises(ern.UnsupportedOnBackend, match=r"L220.*weights that do not learn are not read back"):
        ern.run(net, duration_ms=10, backend="lava")


@needs_lava
@pytest.mark.slow
def test_marks_and_astrocytes_in_the_users_units() -> None:
    """Learning while an astrocyte is active leaves a mark; slices of both populations, and a sparse connection."""
    net = ern.Network()
    source = net.population("in", 6, ern.SpikeTimes([list(range(5 + k, 100, 9)) for k in range(6)]))
    cells = net.population("cells", 5, ern.LIF(tau_m_ms=10, cm_nF=0.2, tau_refrac_ms=2.0))
    glia = net.astrocyte("glia", [cells[:3]], tau_ms=20, weight=0.5)
    switch = net.astrocyte("switch", [cells], tau_ms=20, threshold=4.0, threshold_off=2.0)
    net.projection("drive", source, cells, weight_nA=ern.Uniform(0.4, 1.2))
    rule = ern.LearningRule.from_equations(
        traces={"x": ern.Trace("pre", 6)},
        on_post={"w": "0.05*x", "m": "0.2*x*g"},
        marks=[ern.Mark("m")],
        third_factors=["g"],
        bounds={"w": (0, 2)},
    )
    plastic = net.projection(
        "plastic", source[1:5], cells[2:], weight_nA=0.3, learning=rule, third_factors={"g": switch}
    )
    for target, variable in ((glia, "C"), (switch, "value"), (plastic, "w"), (plastic, "m")):
        net.probe(target, variable)
    expected = ern.run(net, duration_ms=100, backend="reference")
    found = ern.run(net, duration_ms=100, backend="lava")
    assert found.trains("cells") == expected.trains("cells")
    for key, allowed in {"glia.C": 0.02, "switch.value": 1e-12, "plastic.w": 0.1, "plastic.m": 0.25}.items():
        steps, values = expected.recording.signals[key]
        assert np.array_equal(found.recording.signals[key][0], steps)
        assert np.ptp(values) > 3 * allowed, key
        assert np.max(np.abs(found.recording.signals[key][1] - values)) < allowed, key


def long_named() -> ern.Network:
    """Names as long as they may be, which differ at their ends only."""
    net, stem = ern.Network(dt_ms=1.0, name="N" * 200), "e" * 190
    source = net.population(f"s{stem}", 2, ern.SpikeTimes([[1.0, 5.0], [2.0]]))
    cells = [net.population(f"n{stem}_{k}", 2, ern.LIF(tau_m_ms=10, cm_nF=0.2)) for k in range(2)]
    for k, cell in enumerate(cells):
        rule = ern.stdp.pair(A_plus=0.1, A_minus=0.1, w_max=2.0)
        net.projection(f"p{stem}_{k}", source, cell, weight_nA=1.5, learning=rule)
        net.probe(cell, "v_mV", every_ms=2)
    return net


def test_parts_with_long_names_have_files_of_their_own() -> None:
    program = LavaBackend().compile(ern.lower(long_named()), 10)
    text = str(program.files["program.py"])
    names = {name for line in text.splitlines() for name in line.split('journal("')[1:2] if not name.startswith(")")}
    files = {name.split('"')[0] for name in names if '"' in name}
    assert len(files) == 6  # two populations, two plastic projections and the relays before them
    assert all(len(f"{file}.npz".encode()) < 200 for file in files)


@needs_lava
@pytest.mark.slow
def test_long_names_run() -> None:
    found, asked = (ern.run(long_named(), duration_ms=10, backend=name) for name in ("lava", "loihi-emulator"))
    assert all(found.trains(name) == asked.trains(name) for name in asked.recording.spikes)
    assert any(asked.trains(list(asked.recording.spikes)[1]))
