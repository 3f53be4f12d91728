"""What the native engine says before it runs, what it refuses, and what it keeps on disk."""

from __future__ import annotations

import os
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest

import ernsnn as ern
from ernsnn.hardware_backends.native import compiled, memory

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
    net.projection("p", cells, cells, weight_nA=0.5)
    graph = ern.lower(net, 1)
    monkeypatch.setattr("ernsnn.hardware_backends.native.available_bytes", lambda: 100_000)
    assert memory.needed_bytes(graph, "float32") == 40_000 + 30_000 + 2 * 2 * 8 * 100  # synapses, neurons, arrivals
    ern.run(graph, duration_ms=1, backend="native")
    with pytest.raises(ern.UnsupportedOnBackend, match="in float64 needs 113200 bytes"):
        ern.run(graph, duration_ms=1, backend="native", precision="float64")


def test_float32_is_told():
    net = ern.Network()
    cells = net.population("cells", 2, ern.LIF())
    assert not ern.check(net, "native")
    net.projection("p", cells, cells, weight_nA=0.5)
    [issue] = ern.check(net, "native")
    assert (issue.code, issue.fidelity) == ("N101", "approximate")


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


def test_generated_kernels_are_kept_on_disk_and_found_by_the_next_process(tmp_path: Path):
    code = f"from ernsnn.hardware_backends.native.compiled import load; t = load({TEXT!r}).twice; t(2)"
    code += "; print(sum(t.stats.cache_hits.values()))"
    hits = [
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "ERNSNN_CACHE": str(tmp_path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for _ in range(2)
    ]
    assert hits == ["0\n", "1\n"]
    [kept] = (tmp_path / "native").glob("*.py")
    assert kept.read_text() == TEXT


def test_a_damaged_text_is_written_anew(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("ERNSNN_CACHE", str(tmp_path))
    monkeypatch.setattr(sys, "modules", dict(sys.modules))
    compiled.load(TEXT)
    [kept] = (tmp_path / "native").glob("*.py")
    kept.write_text("broken")
    del sys.modules[kept.stem]
    assert compiled.load(TEXT).twice.py_func(2) == 4
    assert kept.read_text() == TEXT


def test_a_cache_that_cannot_be_written(tmp_path: Path, monkeypatch):
    (tmp_path / "native").write_text("a file in the way")
    monkeypatch.setenv("ERNSNN_CACHE", str(tmp_path))
    assert compiled.load(TEXT + "\n# elsewhere\n").twice.py_func(2) == 4


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
    assert memory._log_bytes(graph.projections[0]) == logs - 4 * 8  # the end of each log's starts
