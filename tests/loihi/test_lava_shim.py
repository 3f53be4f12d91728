"""The import of Lava on Pythons that it does not know."""

import importlib.metadata
import subprocess
import sys

import pytest
from lava_needed import needs_lava

from ernsnn.hardware_backends.loihi.lava import shim

PLAIN = f"import {shim.BLOCKED}"
WITH_SHIM = """
import dataclasses
from ernsnn.hardware_backends.loihi.lava import shim

before = dataclasses.dataclass
shim.make_lava_importable()
shim.make_lava_importable()
assert dataclasses.dataclass is before
import lava.magma.compiler.compiler, lava.proc.dense.models, lava.proc.lif.models
"""


def python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)


@needs_lava
def test_the_shim_is_still_needed_where_it_is_applied() -> None:
    plain = python(PLAIN)
    assert plain.returncode, "Lava changed: it imports without hardware_backends/loihi/lava/shim.py"
    assert "mutable default" in plain.stderr, f"Lava changed: it fails for another reason: {plain.stderr}"


@needs_lava
def test_lava_imports_with_the_shim() -> None:
    run = python(WITH_SHIM)
    assert run.returncode == 0, f"Lava changed: {run.stderr}"


def test_another_version_is_refused(monkeypatch) -> None:
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "0.11.0")
    with pytest.raises(ImportError, match=r"lava-nc 0\.11\.0 is installed; this was written for 0\.10\.0"):
        shim.make_lava_importable()
