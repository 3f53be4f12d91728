"""The backend "loihi2": what is missing is told, nothing falls back, and its script is right but for the chip."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from lava_needed import needs_lava

import ernsnn as ern
from ernsnn.errors import BackendNotAvailable, UnsupportedOnBackend
from ernsnn.hardware_backends.loihi.emulator.emulator import Emulator
from ernsnn.hardware_backends.loihi.lava import hardware
from ernsnn.hardware_backends.loihi.lava.backend import Loihi2Backend
from ernsnn.hardware_backends.loihi.lava.run import run_lava_program
from ernsnn.hardware_backends.loihi.quantise.quantise import required
from ernsnn.hardware_backends.loihi.readout import readouts
from ernsnn.recording.recording import Recording

STEPS = 60
NO_LAVA_LOIHI = "lava-loihi (Intel's research community only) is not installed"


def plain() -> ern.Network:
    """Nothing that the chip has not: two sources, static and plastic delays, a bias, inhibition."""
    net = ern.Network(dt_ms=1.0)
    source = net.population("in", 6, ern.SpikeTimes([[5, 20, 30], [6, 21], [7, 40], [5, 25], [22], [35]]))
    other = net.population("other", 2, ern.SpikeTimes([[9, 31], [10, 12]]))
    a = net.population("a", 4, ern.LIF(tau_m_ms=10, cm_nF=0.2, tau_refrac_ms=0, i_offset_nA=0.05))
    b = net.population("b", 3, ern.LIF(tau_m_ms=8, cm_nF=0.2, tau_refrac_ms=0))
    net.projection("in-a", source, a, weight_nA=ern.Uniform(0.6, 1.6), delay_ms=2)
    net.projection("other-a", other, a, weight_nA=0.2, delay_ms=1, receptor="inhibitory")
    rule = ern.pair_stdp(A_plus=0.03, A_minus=0.03, tau_plus_ms=4, tau_minus_ms=4, w_max=2.0)
    net.projection("a-b", a, b, weight_nA=ern.Uniform(0.2, 0.6), delay_ms=3, learning=rule)
    return net


def with_extension(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if lava-loihi were installed, on a machine without boards."""
    real = importlib.util.find_spec

    def find_spec(name: str) -> object:
        return SimpleNamespace(name=name) if name == hardware.EXTENSION else real(name)

    monkeypatch.setattr(importlib.util, "find_spec", find_spec)
    monkeypatch.setattr(hardware.shutil, "which", lambda name: None)
    monkeypatch.delenv("NXSDKHOST", raising=False)


@needs_lava
def test_what_is_missing_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    if importlib.util.find_spec(hardware.EXTENSION):
        pytest.skip("lava-loihi is installed")
    with pytest.raises(BackendNotAvailable, match=r"^lava-loihi .* is not installed: [^.]*$"):
        ern.run(plain(), duration_ms=STEPS, backend="loihi2")
    with_extension(monkeypatch)
    assert "no board is in reach" in str(Loihi2Backend().missing())
    monkeypatch.setenv("NXSDKHOST", "192.0.2.1")
    assert Loihi2Backend().missing() is None


def test_learning_first_is_refused() -> None:
    with pytest.raises(UnsupportedOnBackend, match=r'L402.*a-b: learns before it transmits.*use order="loihi"'):
        Loihi2Backend().compile(ern.lower(plain()), STEPS, order="spinnaker")
    assert not ern.check(plain(), "loihi2").errors


@needs_lava
def test_a_process_without_a_model_for_the_chip_is_refused() -> None:
    from ernsnn.hardware_backends.loihi.lava.shim import make_lava_importable

    make_lava_importable()
    from ernsnn.hardware_backends.loihi.lava.processes.models import PyReplay, Replay

    source = Replay(size=1, steps=np.zeros(0, int), neurons=np.zeros(0, int))
    chip = hardware.Chip.__new__(hardware.Chip)
    chip.host = (Replay,)
    assert chip.configuration().select(source, [PyReplay]) is PyReplay
    chip.host = ()
    with pytest.raises(RuntimeError, match=r"\(Replay\) has no model for the chip"):
        chip.configuration().select(source, [PyReplay])


@needs_lava
def test_the_script_ends_with_that_sentence_where_there_is_no_chip(tmp_path: Path) -> None:
    if importlib.util.find_spec(hardware.EXTENSION):
        pytest.skip("lava-loihi is installed")
    folder = Loihi2Backend().compile(ern.lower(plain()), STEPS).write(tmp_path / "program")
    done = subprocess.run([sys.executable, "program.py"], cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert done.stderr.startswith(NO_LAVA_LOIHI)
    assert done.stderr.count("\n") == 1


@needs_lava
def test_its_processes_on_the_simulator_are_the_emulator() -> None:
    graph = ern.lower(plain())
    program = Loihi2Backend().compile(graph, STEPS, rounding_seed=3)
    text = str(program.files["program.py"])
    assert "refractory" not in text
    for line in ("from hardware import Chip\n", "place = Chip(host=[Replay, Listener])\n"):
        assert text.count(line) == 1
    text = text.replace("import Chip", "import Simulator")
    text = text.replace("Chip(host=[Replay, Listener])", "Simulator('fixed_pt')")
    simulated = replace(program, files={**program.files, "program.py": text})
    found = Recording.from_arrays(run_lava_program(simulated, lambda fraction: None, "the program"), {})

    network, _ = required(graph, n_steps=STEPS, order="loihi", seed=3, chip=True)
    emulator = Emulator(network)
    emulator.advance(STEPS)
    assert len(emulator.spikes["b"][0]) > 3
    for name, (steps, neurons) in found.spikes.items():
        assert np.array_equal(emulator.spikes[name][0], steps), name
        assert np.array_equal(emulator.spikes[name][1], neurons), name
    for r in readouts(graph, network, STEPS):
        expected = (emulator.variable(r.name, r.variable).ravel()[r.picked] + r.zero) * r.unit
        learnt = found.synapses["a-b"][r.key.rpartition("/")[2]]
        assert np.ptp(learnt) > 0.1
        assert np.array_equal(learnt, expected)
