"""``backend="auto"``: the fastest backend that is there and can run the network, and what it says of it."""

from __future__ import annotations

import json

import pytest

import ernsnn as ern
from ernsnn.backend.registry import choose_backend
from ernsnn.cli import main
from ernsnn.hardware_backends.brian2 import Brian2Backend
from ernsnn.hardware_backends.native import NativeBackend

MODEL = '''
"""Cells that fire on their own."""
import ernsnn as ern


def build(cells: int = 3) -> ern.Network:
    net = ern.Network(name="auto")
    population = net.population("cells", cells, ern.LIF(i_offset_nA=1.0))
    rule = ern.stdp.pair(A_plus=0.01, A_minus=0.01, w_max=1.0)
    net.projection("p", population, population, weight_nA=0.5, learning=rule)
    return net
'''


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "auto_model.py"
    path.write_text(MODEL)
    return str(path)


def absent(monkeypatch, *classes):
    for cls in classes:
        monkeypatch.setattr(cls, "missing", lambda self: f"{self.name} is not installed: pip install it")


def network():
    net = ern.Network()
    net.population("cells", 2, ern.LIF())
    return net


def test_native_if_it_can():
    result = ern.run(network(), duration_ms=5, backend="auto", precision="float64")
    assert (result.meta["backend"], result.meta["auto"]) == ("native", [])
    assert result.meta["options"]["precision"] == "float64"


def test_what_is_passed_over_is_told(monkeypatch, model, capsys):
    absent(monkeypatch, NativeBackend, Brian2Backend)
    result = ern.run(network(), duration_ms=5, backend="auto")
    assert result.meta["backend"] == "reference"
    reasons = [f"{name}: {name} is not installed: pip install it" for name in ("native", "brian2")]
    assert result.meta["auto"] == reasons
    assert main(["run", model, "--duration-ms", "5", "--backend", "auto"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "auto took reference, the fastest backend that can run this network" in lines[1]
    assert [line.strip() for line in lines[2:4]] == [f"auto passed over {reason}" for reason in reasons]
    assert main(["run", model, "--duration-ms", "5", "--backend", "auto", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["auto"] == reasons


def test_brian2_is_the_default_and_second(monkeypatch, model, capsys):
    absent(monkeypatch, NativeBackend)
    assert choose_backend(ern.lower(network(), 0))[0].name == "brian2"
    absent(monkeypatch, Brian2Backend)
    assert main(["run", model, "--duration-ms", "5"]) == 5
    assert "brian2 is not installed" in capsys.readouterr().err


def test_options_are_those_of_whom_it_took(model, capsys):
    run = ["run", model, "--duration-ms", "5", "--backend", "auto", "--set"]
    assert main([*run, "precision=float64"]) == 0
    assert main([*run, "target=numpy"]) == 2
    assert "native: no option 'target'" in capsys.readouterr().err
    assert main([*run, "nonsense=1"]) == 2
    assert "or auto: no parameter or option 'nonsense'" in capsys.readouterr().err


def test_auto_is_for_a_run(model, capsys):
    assert main(["compare", model, "--duration-ms", "5", "--backends", "auto,reference"]) == 5
    assert "backend 'auto' is chosen for the run of one network; name a backend here" in capsys.readouterr().err


# What needs more memory than there is


def test_an_over_large_network_is_refused_by_everyone_with_the_bytes(model, capsys):
    arguments = [model, "--set", "cells=1000000"]
    for backend, code in (("native", "N301"), ("brian2", "B302"), ("reference", "R301")):
        assert main(["check", *arguments, "--backend", backend, "--json"]) == 3
        [found] = json.loads(capsys.readouterr().out)["backends"]
        [issue] = [issue for issue in found["issues"] if issue["fidelity"] == "unsupported"]
        assert issue["code"] == code
        assert issue["message"].startswith("needs ")
        assert int(issue["message"].split()[1]) >= 4e12
        assert main(["run", *arguments, "--duration-ms", "5", "--backend", backend]) == 3
        assert issue["message"].split(" of memory")[0] in capsys.readouterr().err
    assert main(["run", *arguments, "--duration-ms", "5", "--backend", "auto", "--out", "nowhere"]) == 3
    told = capsys.readouterr().err
    assert told.startswith("ernsnn: no backend can run auto:\n")
    assert [line.split()[1] for line in told.splitlines()[1:]] == ["N301", "B302", "R301"]
