"""A neuron that a user derived from ours: no backend takes a parameter and ignores it."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

import ernsnn as ern
from ernsnn.backend.registry import backend_names
from ernsnn.hardware_backends.reference import ReferenceBackend


@dataclass(frozen=True, eq=False, kw_only=True)
class Resonator(ern.LIF):
    resonance_mV: float = 2.0


@dataclass(frozen=True, eq=False, kw_only=True)
class Renamed(ern.LIF):
    """Nothing but other defaults: LIF."""

    v_threshold_mV: float = -45.0


class Computing(ReferenceBackend):
    name, computes = "computing", ("resonance_mV",)


def network(model) -> ern.Network:
    net = ern.Network()
    net.population("cells", 2, model)
    return net


@pytest.mark.parametrize("backend", backend_names())
def test_every_backend_refuses_what_it_does_not_compute(backend) -> None:
    further = [i for i in ern.check(network(Resonator()), backend) if i.code == "G201"]
    assert [(i.path, i.fidelity) for i in further] == [("cells", "unsupported")]
    assert "have resonance_mV, which" in further[0].message
    assert "G201" not in {i.code for i in ern.check(network(Renamed()), backend)}


def test_a_run_is_refused_and_one_that_computes_it_runs() -> None:
    with pytest.raises(ern.UnsupportedOnBackend, match="cells: its neurons have resonance_mV"):
        ern.run(network(Resonator()), duration_ms=2, backend="reference")
    assert ern.run(network(Resonator()), duration_ms=2, backend=Computing()).duration_ms == 2
