"""What the native engine says before it runs, what it refuses, and what it keeps on disk."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import ernsnn as ern
from ernsnn.hardware_backends import machine_code
from ernsnn.hardware_backends.native import memory
from ernsnn.hardware_backends.native.kernels.jit import load

TEXT = '''"""A kernel."""


def twice(x):
    return x + x
'''


def large():
    net = ern.Network()
    cells = net.population("cells", 1_000_000, ern.LIF())
    rule = ern.stdp.pair(A_plus=0.01, A_minus=0.01, w_max=1.0)
    net.projection("p", cells, cells, weight_nA=0.5, learning=rule)
    return ern.lower(net, 1)


def test_a_network_that_is_too_large_is_refused_with_the_bytes_before_any_is_taken():
    graph = large()
    tracemalloc.start()
    issues = ern.check(graph, "native")
    with pytest.raises(ern.UnsupportedOnBackend, match=r"needs 40\d+ bytes \(40\d\d\.\d GB\)"):
        ern.run(graph, duration_ms=1, backend="native")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [issue.code for issue in issues.errors] == ["N301"]
    assert peak < 50e6


def test_what_float64_alone_cannot_hold_is_refused_too(monkeypatch):
    net = ern.Network()
    cells = net.population("cells", 100, ern.LIF())
    net.projection("p", cells, cells, weight_nA=np.full((100, 100), 0.5))
    graph = ern.lower(net, 1)
    monkeypatch.setattr("ernsnn.hardware_backends.native.available_bytes", lambda: 380_000)
    spikes = 20 * 100 + 4 * 65_536 + 16 * 1024  # of a window, of a call of the loop, and where those of a step begin
    assert memory.needed_bytes(graph, "float32") == 40_000 + 35_000 + 2 * 2 * 8 * 100 + spikes
    ern.run(graph, duration_ms=1, backend="native")
    with pytest.raises(ern.UnsupportedOnBackend, match="in float64 needs 398728 bytes"):
        ern.run(graph, duration_ms=1, backend="native", precision="float64")


def test_float32_is_told():
    net = ern.Network()
    cells = net.population("cells", 2, ern.LIF(i_offset_nA=1.0))
    assert not ern.check(net, "native")
    net.projection("p", cells, cells, weight_nA=0.5)
    [issue] = ern.check(net, "native")
    assert (issue.code, issue.fidelity) == ("N101", "approximate")
    assert not ern.check(net, "native", precision="float64")
    assert [i["code"] for i in ern.run(net, duration_ms=1, backend="native").meta["issues"]] == ["N101"]
    assert not ern.run(net, duration_ms=1, backend="native", precision="float64").meta["issues"]


def test_memory_is_that_of_the_precision(monkeypatch):
    net = ern.Network()
    cells = net.population("cells", 100, ern.LIF())
    net.projection("p", cells, cells, weight_nA=np.full((100, 100), 0.5))
    monkeypatch.setattr("ernsnn.backend.memory.available_bytes", lambda: 380_000)
    assert not ern.check(net, "native").errors
    assert [issue.code for issue in ern.check(net, "native", precision="float64").errors] == ["N301"]
    with pytest.raises(ern.InvalidModel, match="precision must be one of float32, float64, got 'float16'"):
        ern.check(net, "native", precision="float16")


def test_rules_that_cannot_wait_are_told():
    net = ern.Network()
    cells, three = net.population("cells", 2, ern.LIF()), ern.Factor(variable="g")
    glia = net.astrocyte("glia", [cells], tau_ms=10, per="neuron")
    rule = ern.LearningRule(terms=[ern.Term("w", "post", 0.1, (three,))], third_factors=["g"])
    net.projection(
        "p", cells, cells, weight_nA=0.5, learning=rule, third_factors={"g": ern.ThirdFactor(modulator=glia, per="pre")}
    )
    issues = {issue.code: issue for issue in ern.check(net, "native")}
    assert (issues["N201"].path, issues["N201"].fidelity) == ("p.learning", "exact")


def test_an_unknown_precision():
    net = ern.Network()
    net.population("cells", 2, ern.LIF())
    with pytest.raises(ern.InvalidModel, match="precision must be one of float32, float64"):
        ern.run(net, duration_ms=1, backend="native", precision="float16")


def twice_two(cache: Path) -> str:
    """What a process of its own says of 2 + 2, and whether it has needed Numba."""
    code = "import sys; from ernsnn.hardware_backends.native.kernels.jit import load"
    code += f"; print(load({TEXT!r})['twice'](2))"
    code += "; print('numba' in sys.modules)"
    environment = {**os.environ, "ERNSNN_CACHE": str(cache)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    return done.stdout.replace("\n", " ")


def test_machine_code_is_kept_and_the_next_process_does_without_numba(tmp_path: Path):
    assert [twice_two(tmp_path) for _ in range(2)] == ["4 True ", "4 False "]
    [kept] = (tmp_path / "native").glob("*.kernel")
    whole = kept.read_bytes()
    for damaged in (whole[:-1], whole[:40], b"", bytes([whole[0] ^ 1]) + whole[1:]):
        kept.write_bytes(damaged)
        assert machine_code._kept(kept, kept.stem) is None
    assert twice_two(tmp_path) == "4 True "
    assert machine_code._kept(kept, kept.stem) is not None


def test_threads_that_call_a_new_kernel_together_make_it_once(monkeypatch):
    made, together, entry = [], threading.Barrier(4), machine_code.Kernel._entry

    def slowly(self, wanted):
        made.append(wanted)
        time.sleep(0.1)
        return entry(self, wanted)

    def call(k):
        together.wait(20)
        return thrice(k)

    monkeypatch.setattr(machine_code.Kernel, "_entry", slowly)
    thrice = load("def thrice(k):\n    return 3 * k\n")["thrice"]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(call, range(4))) == [0, 3, 6, 9]
    assert len(made) == 1


CALLER = '''
import sys
import numpy as np
from ernsnn.hardware_backends.native.kernels.jit import load

for factor in sys.argv[1:]:
    text = f"""
import numpy as np

def inner(a, b, k):
    for i in range(k):
        for j in range(k):
            a[i] += b[j] * {factor}.0
            if a[i] > 1e9:
                a[j] = np.exp(a[i])
    return k

def outer(a, b, k):
    n = inner(a, b, 1)
    for i in range(k):
        n += inner(a, b, i)
    return n + inner(a, b, k)
"""
    a = np.zeros(3)
    load(text)["outer"](a, np.ones(3), 3)
    print(factor, *a.astype(int), end="; ")
'''


def test_kernels_of_several_processes_do_not_call_the_functions_of_each_other(tmp_path: Path):
    """Numba gives the functions of two processes the same names; a third process loads both from the disk."""
    environment = {**os.environ, "ERNSNN_CACHE": str(tmp_path)}

    def run(*factors: str) -> str:
        command = [sys.executable, "-c", CALLER, *factors]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout

    alone = [run("1"), run("2")]
    assert alone == ["1 7 5 3; ", "2 14 10 6; "]
    assert run("1", "2") == "".join(alone)
    assert run("2", "1") == "".join(reversed(alone))


def test_two_kernels_that_were_exchanged_are_made_anew(tmp_path: Path):
    code = "import sys; from ernsnn.hardware_backends.native.kernels.jit import load\n"
    code += "import numpy as np\n"
    code += "x = np.zeros(3)\n"
    code += "print(load('def few(k):\\n    return k + 1\\n')['few'](2), end=' ')\n"
    code += "print(load('def many(x, y, k):\\n    x[k] += y[k] + 1\\n    return k\\n')['many'](x, x, 2), x[2])\n"
    environment = {**os.environ, "ERNSNN_CACHE": str(tmp_path)}

    def run() -> str:
        done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
        return done.stdout

    assert run() == "3 2 1.0\n"
    first, second = (tmp_path / "native").glob("*.kernel")
    contents = first.read_bytes(), second.read_bytes()
    first.write_bytes(contents[1])
    second.write_bytes(contents[0])
    assert run() == "3 2 1.0\n"
    assert (first.read_bytes(), second.read_bytes()) == contents


def test_another_way_of_passing_arguments_is_noticed(monkeypatch, tmp_path: Path):
    monkeypatch.setenv("ERNSNN_CACHE", str(tmp_path))
    kinds = machine_code._kinds
    monkeypatch.setattr(machine_code, "_kinds", lambda value: list(kinds(value))[1:])
    with pytest.raises(ern.BackendNotAvailable, match=r"native: numba .* passes last ptr, ptr, .*setup.cfg"):
        load("def last(x, k):\n    return k + len(x)\n")["last"].bind(np.ones(1))
    monkeypatch.setattr(machine_code, "_kinds", kinds)
    with pytest.raises(ern.BackendNotAvailable, match="float, i64, where native passes ptr, ptr, double"):
        load("def half(x, k):\n    return k\n")["half"].bind(np.float32(1))
    assert not list(tmp_path.rglob("*.kernel"))


def test_a_cache_that_cannot_be_written(tmp_path: Path):
    (tmp_path / "native").write_text("a file in the way")
    assert twice_two(tmp_path) == "4 True "


def test_kernels_that_differ_in_anything_are_kept_apart(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("ERNSNN_CACHE", str(tmp_path))
    kernel = load("def first(x, k):\n    x[k] += 1\n    return k\n")["first"]
    for x in (np.zeros(3), np.zeros(3, np.float32), np.zeros((6, 2))[:3, 0], np.zeros(4, np.int16)):
        call = kernel.bind(x)
        assert (call(2), call(0), x[:3].tolist()) == (2, 0, [1, 0, 1])
    assert len(kernel.entries) == len(list((tmp_path / "native").iterdir())) == 4


def test_what_a_bound_kernel_is_given():
    """Arrays of any layout, tuples with names and without, floats and whole numbers."""
    text = "def weigh(parts, flat, scale, k):\n"
    text += "    a, b = parts\n    for n in range(len(flat)):\n        flat[n] += scale*k*(a[n, 1] + b[0])\n"
    a, b, flat = np.asfortranarray(np.arange(6.0).reshape(3, 2)), np.array([10], np.int32), np.zeros(3)
    for kernels in (load(text), machine_code.interpreted(text)):
        kernels["weigh"].bind((a, b), flat, 0.5)(2)
    assert flat.tolist() == [22, 26, 30]


def test_the_logs_of_plastic_synapses_count():
    net = ern.Network()
    cells = net.population("cells", 40, ern.LIF())
    options = {"weight_nA": 0.5, "learning": ern.stdp.pair(A_plus=0.01, A_minus=0.01)}
    net.projection("p", cells, cells, ern.FixedProbability(0.5), **options, delay_ms=ern.Uniform(1, 4))
    graph = ern.lower(net, 1)
    from ernsnn.hardware_backends.native.engine import Engine

    rows = Engine(graph, "float32", compiled=False).plastic[0].rows
    logs = sum(a.nbytes for r in rows for a in (*r.log, r.x.path))
    assert len(rows) == 4
    assert memory._log_bytes(graph.projections[0], 4) == logs - 4 * 8  # the end of each log's starts


def test_a_kernel_that_could_not_run_without_numba_is_not_kept(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("ERNSNN_CACHE", str(tmp_path))
    text = "import math\n\n\ndef gamma(x):\n    x[0] = math.gamma(x[0])\n"  # a function of Numba's own C library
    with pytest.raises(AssertionError, match="gamma calls numba_gamma, which are there with Numba alone"):
        load(text)["gamma"].bind(np.ones(1))
    assert not list(tmp_path.rglob("*.kernel"))
