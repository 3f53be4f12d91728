"""How much memory there is: the least of what the machine, a container and a limit of the process leave."""

from __future__ import annotations

import resource
import subprocess
import sys

import pytest

from ernsnn.graph import memory


@pytest.fixture
def system(tmp_path, monkeypatch):
    """A machine with 8 GiB left, whose files can be written."""
    (tmp_path / "meminfo").write_text("MemTotal: 9000000 kB\nMemAvailable:  8388608 kB\n")
    monkeypatch.setattr(memory, "_MACHINE", tmp_path / "meminfo")
    monkeypatch.setattr(memory, "_GROUP", tmp_path)
    monkeypatch.setattr(resource, "getrlimit", lambda which: (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    return tmp_path


def test_of_a_machine(system):
    assert memory.available_bytes() == 8 << 30


def test_of_a_container(system):
    (system / "memory.current").write_text("1000\n")
    (system / "memory.stat").write_text("anon 700\ninactive_file 200\nactive_file 100\n")
    (system / "memory.max").write_text("max\n")
    assert memory.available_bytes() == 8 << 30
    (system / "memory.max").write_text("5000\n")
    assert memory.available_bytes() == 4200
    (system / "memory.max").write_text("500\n")
    assert memory.available_bytes() == 0


def test_of_a_process_with_a_limit(system, monkeypatch):
    (system / "statm").write_text("100 50 20 1 0 60 0\n")
    monkeypatch.setattr(memory, "_OURS", system / "statm")
    monkeypatch.setattr(resource, "getrlimit", lambda which: (1 << 30, 1 << 30))
    assert memory.available_bytes() == (1 << 30) - 100 * resource.getpagesize()


def test_a_run_under_a_limit_is_refused_and_does_not_end_in_a_traceback_of_numpy():
    """6 GB of address space, of which NumPy would be asked for 8 GB."""
    script = """
import resource
resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))
import ernsnn as ern
net = ern.Network(dt_ms=1.0)
net.probe(net.population("cells", 1000, ern.LIF()), "v_mV")
try:
    ern.run(net, duration_ms=1e6, backend="reference")
except ern.InvalidModel as refusal:
    print(refusal)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=100, check=True)
    assert done.stdout.startswith("probe of cells.v_mV: needs 8000000000 bytes (8.0 GB) of memory; ")
