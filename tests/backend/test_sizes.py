"""Sizes of which no machine has the memory are refused before any of it is taken: as an issue, or in words."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

import ernsnn as ern
from ernsnn.backend.discovery import backend_names
from ernsnn.backend.registry import get_backend

SCRIPT = """
import resource
resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
import ernsnn as ern
from ernsnn.errors import ErnsnnError
from ernsnn.backend.discovery import backend_names
from ernsnn.backend.registry import get_backend

SIZES = (10**9, 2**31 - 1, 2**31, 10**12, 2**63, 10**20)
PAIR = ern.stdp.pair(A_plus=0.01, A_minus=0.01, tau_plus_ms=20.0, tau_minus_ms=20.0)

def alone(n):
    net = ern.Network(dt_ms=1.0)
    net.probe(net.population("cells", n, ern.LIF(i_offset_nA=1.0)), "v_mV")
    return net

def noisy(n):
    net = ern.Network(dt_ms=1.0)
    net.population("cells", n, ern.LIF(noise_mV=1.0))
    return net

def joined(n, connector, first=None, **rule):
    net = ern.Network(dt_ms=1.0)
    pre, post = net.population("pre", first or n, ern.LIF()), net.population("post", n, ern.LIF())
    net.projection("joined", pre, post, connector, weight_nA=0.1, **rule)
    return net

def heard(n):
    net = ern.Network(dt_ms=1.0)
    net.astrocyte("glia", [net.population("cells", n, ern.LIF())], tau_ms=100.0)
    return net

MADE = {
    "alone": alone,
    "noisy": noisy,
    "heard": heard,
    "sources": lambda n: joined(n, ern.OneToOne()),
    "learning": lambda n: joined(n, ern.OneToOne(), learning=PAIR),
    "dense": lambda n: joined(n, ern.AllToAll()),
    "fan": lambda n: joined(n, ern.AllToAll(), 1),
    "fan that learns": lambda n: joined(n, ern.AllToAll(), 1, learning=PAIR),
    "rarely": lambda n: joined(n, ern.FixedProbability(1e-12)),
    "in-degree": lambda n: joined(n, ern.FixedInDegree(2)),
    "in all": lambda n: joined(n, ern.FixedTotalNumber(n)),
    "in all, different": lambda n: joined(n, ern.FixedTotalNumber(n, replace=False)),
    "few with a high in-degree": lambda n: joined(3, ern.FixedInDegree(n)),
}
for name, make in MADE.items():
    for n in SIZES:
        for backend in backend_names():
            try:
                graph = ern.lower(make(n))
            except ern.InvalidModel as refusal:
                print("refused", name, n, refusal)
                break
            issues = ern.check(graph, backend)
            assert issues.errors, (name, n, backend)
            print("found", backend, issues.errors[0].code)
            get_backend(backend).placement(graph)
            if backend in ("reference", "native"):
                try:
                    ern.run(graph, duration_ms=2.0, backend=backend)
                    raise AssertionError((name, n, backend))
                except ern.UnsupportedOnBackend:
                    pass
"""


def test_sizes_that_no_memory_holds_are_issues_on_every_backend():
    """In 4 GB of address space, where an array that was not counted before is a MemoryError."""
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr[-2000:]
    found = {tuple(line.split()[1:]) for line in done.stdout.splitlines() if line.startswith("found")}
    codes = dict.fromkeys(("lava", "lava-float", "loihi-emulator", "loihi2"), "L310")
    codes |= {"reference": "R301", "native": "N301", "brian2": "B302", "nest": "P302", "spinnaker": "S302"}
    assert set(codes.items()) <= found
    assert {backend for backend, _ in found} == set(backend_names())
    assert "refused rarely 1000000000 joined.connector: needs" in done.stdout
    assert "refused alone 2147483648 cells.size: no more than 2147483647 neurons" in done.stdout


OPTIONS = [
    (backend, name)
    for backend in backend_names()
    for name, option in get_backend(backend).options.items()
    if not option.choices
]


@pytest.mark.parametrize(("backend", "name"), OPTIONS)
@pytest.mark.parametrize("value", [-1, True, 1.5, "1", None, [1], 10**20, 2**63, float("nan"), float("inf")])
def test_an_option_that_is_no_number_of_its_range_is_refused(backend, name, value):
    net = ern.Network(dt_ms=1.0)
    net.population("cells", 2, ern.LIF())
    with pytest.raises(ern.InvalidModel, match=rf"{backend}: {name} must be a whole number .*, got "):
        ern.check(net, backend, **{name: value})


@pytest.mark.parametrize(
    ("backend", "name", "value", "range_"),
    [
        ("native", "threads", 0, "from 1 to 1024"),
        ("native", "threads", 10**9, "from 1 to 1024"),
        ("nest", "threads", 0, "from 1 to 1024"),
        ("brian2", "threads", 2**31, "from 0 to 1024"),
        ("spinnaker", "time_scale_factor", 10**9, "from 0 to 1000000"),
        ("lava", "patience_s", 10**12, "from 0 to 1000000000"),
    ],
)
def test_the_range_of_an_option_is_said(backend, name, value, range_):
    with pytest.raises(ern.InvalidModel, match=f"{backend}: {name} must be a whole number {range_}, got {value}"):
        get_backend(backend).settings({name: value})


@pytest.mark.parametrize("value", [2, 2.0])
def test_whole_numbers_of_any_type_are_options(value):
    for given in (value, np.array(value), np.float32(value), np.uint8(value)):
        threads = get_backend("native").settings({"threads": given})["threads"]
        assert (threads, type(threads)) == (2, int)


@pytest.mark.parametrize("ms", [1e13, 2.0**63, 1e20, 1e300])
def test_times_that_no_run_reaches_are_refused(ms):
    def network():
        made = ern.Network(dt_ms=1.0)
        made.population("cells", 2, ern.LIF(i_offset_nA=1.0))
        return made

    net = network()
    tried = {
        "duration_ms": lambda: ern.run(_probed(network()), duration_ms=ms, backend="reference"),
        "probe": lambda: net.probe(net.populations["cells"], "v_mV", every_ms=ms),
        "freeze": lambda: net.freeze(0, ms),
        "delay_ms": lambda: ern.lower(_joined(network(), ms)),
        "epoch_ms": lambda: ern.lower(_joined(network(), 1.0, ms)),
        "replay": lambda: ern.replay("sleep", ms, "inputs", [1.0], cue_ms=1.0),
    }
    for what, call in tried.items():
        with pytest.raises(ern.InvalidModel, match=what):
            call()


def _probed(net):
    net.probe(net.populations["cells"], "v_mV")
    return net


def _joined(net, delay_ms, epoch_ms=None):
    cells = net.populations["cells"]
    rule = None if epoch_ms is None else ern.LearningRule.from_equations(on_epoch={"w": "0.1"}, epoch_ms=epoch_ms)
    net.projection("joined", cells, cells, weight_nA=0.1, delay_ms=delay_ms, learning=rule)
    return net
