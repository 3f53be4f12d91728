"""Time steps as NEST and sPyNNaker hold them: whole steps arrive as whole steps, or an issue says why they cannot."""

from __future__ import annotations

import json
import math
import runpy
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from unittest.mock import MagicMock

import numpy as np
import pytest
from alike import assert_alike
from forked import recording_of

import ernsnn as ern
from ernsnn.hardware_backends.nest.backend import NestBackend
from ernsnn.hardware_backends.nest.substeps import step_ms
from ernsnn.hardware_backends.reference.engine import Engine
from ernsnn.hardware_backends.spinnaker.backend import SpinnakerBackend

AWKWARD = (0.35, 0.7, 1.4, 1.9, 2.3)
"""NEST holds .7000000000000001 and such, so that .7 is less than a step."""


def network(dt_ms: float, scheme: str = "exact", learns: bool = False) -> ern.Network:
    net = ern.Network(dt_ms=dt_ms, current_integration=scheme)  # type: ignore[arg-type]
    times = [[k * dt_ms for k in steps] for steps in ((1, 3, 10, 37), (2, 11, 12))]
    source = net.population("s", 2, ern.SpikeTimes(times))
    taus = {"tau_m_ms": 20 * dt_ms, "tau_syn_E_ms": 5 * dt_ms, "tau_syn_I_ms": 5 * dt_ms, "cm_nF": dt_ms}
    cells = net.population("n", 2, ern.LIF(**taus, tau_refrac_ms=3 * dt_ms))
    rule = ern.stdp.pair(A_plus=0.1, A_minus=0.1, w_max=30.0, tau_plus_ms=9 * dt_ms, tau_minus_ms=9 * dt_ms)
    net.projection("p", source, cells, weight_nA=20.0, delay_ms=dt_ms, learning=rule if learns else None)
    net.projection("q", cells, cells, weight_nA=3.0, delay_ms=7 * dt_ms)
    net.inject(cells, ern.Schedule(times_ms=[13 * dt_ms, 29 * dt_ms], values=[2.0, 0.0]))
    net.probe(cells, "v_mV", every_ms=3 * dt_ms)
    return net


def told(net: ern.Network, backend: str) -> set[str]:
    return {i.code for i in ern.check(net, backend)}


@pytest.mark.nest
@pytest.mark.usefixtures("simulators")
@pytest.mark.parametrize("kind", ["exact", "step_average", "learning"])
@pytest.mark.parametrize("dt_ms", AWKWARD)
def test_awkward_steps_run_as_on_the_reference(dt_ms: float, kind: str) -> None:
    net = network(dt_ms, "exact" if kind == "learning" else kind, kind == "learning")
    graph, n_steps = ern.lower(net), 60
    if "P301" in told(net, "nest"):
        assert (dt_ms, kind) == (0.35, "learning")  # quarters of a step are no whole microseconds
        return
    expected = Engine(graph).run(n_steps, lambda fraction: None)
    assert len(expected.spikes["n"][0]) > 10
    assert_alike(recording_of(NestBackend().compile(graph, n_steps)), expected)


_ASK_NEST = """
import json, sys, nest
nest.verbosity = nest.VerbosityLevel.ERROR
wrong = []
for h in json.load(sys.stdin):
    nest.ResetKernel()
    nest.resolution = h
    nest.SetKernelStatus({"min_delay": h, "max_delay": 9 * h})
    if nest.resolution != h or round(nest.min_delay / h) != 1 or not 9 <= round(nest.max_delay / h) <= 10:
        wrong.append(h)
print(json.dumps(wrong), file=sys.stderr)
"""


@pytest.mark.nest
@pytest.mark.usefixtures("simulators")
def test_nest_itself_has_every_step_as_the_script_writes_it() -> None:
    tics = [*range(1, 1500), *np.random.default_rng(0).integers(1500, 10**6, 300).tolist()]
    base = ern.lower(network(1.0))
    held = [step_ms(replace(base, dt_ms=tic / 1000)) for tic in tics]
    assert sum(h != tic / 1000 for h, tic in zip(held, tics, strict=True)) > 200
    command = [sys.executable, "-c", _ASK_NEST]
    done = subprocess.run(command, input=json.dumps(held), capture_output=True, text=True, timeout=120, check=True)
    assert done.stderr.splitlines()[-1] == "[]"


@pytest.mark.parametrize("dt_ms", [1 / 3, 0.0001, 0.0625, 0.125, 0.7001, 1e-9, 1e-300])
def test_steps_between_microseconds_are_told(dt_ms: float) -> None:
    assert ("P301" in told(network(dt_ms, "step_average"), "nest")) is True
    assert ("S301" in told(network(dt_ms), "spinnaker")) is (dt_ms != 0.125)


def built(net: ern.Network, n_steps: int, folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[MagicMock, float]:
    """sPyNNaker's stand-in, with what the program has told it, and for how long it would run."""
    program = SpinnakerBackend().compile(ern.lower(net), n_steps).write(folder)
    sim = MagicMock()
    for name, module in (("board", MagicMock()), ("spynnaker", MagicMock(pyNN=sim)), ("spynnaker.pyNN", sim)):
        monkeypatch.setitem(sys.modules, name, module)
    made = runpy.run_path(str(program / "program.py"))
    made["build"]()
    return sim, made["DURATION"]


@pytest.mark.parametrize("off", [1, 1 - 2**-53, 1 + 2**-52])
@pytest.mark.parametrize("tic", [1, 100, 300, 700, 1000, 1001, 1100, 2007, 2011, 2300, 333_333])
def test_spynnaker_gets_whole_steps_and_spikes_in_them(
    tic: int, off: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its own formulae: ceil(1000 timestep), ceil(duration / timestep), ceil(floor(1000 t) / timestep)."""
    dt_ms, n_steps = tic / 1000 * off, 1003
    net, steps = ern.Network(dt_ms=dt_ms), np.arange(n_steps)
    net.population("s", 1, ern.SpikeTimes([(steps * dt_ms).tolist()]))
    assert "S301" not in told(net, "spinnaker")
    sim, duration = built(net, n_steps, tmp_path / "program", monkeypatch)
    setup = sim.setup.call_args.kwargs
    assert math.ceil(setup["timestep"] * 1000) == tic
    assert setup["min_delay"] == tic / 1000
    assert math.ceil(duration / (tic / 1000)) == n_steps
    (times,) = sim.SpikeSourceArray.call_args.kwargs["spike_times"]
    np.testing.assert_array_equal(np.ceil(np.floor(np.array(times) * 1000.0) / tic), steps)


def test_some_of_these_would_have_been_off() -> None:
    assert math.ceil(2007 / 1000 * 1000) == 2008
    assert math.ceil(3 * 0.1 / 0.1) == 4
