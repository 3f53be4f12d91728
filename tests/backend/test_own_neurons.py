"""Neurons that a user derived from ours: no parameter is accepted and ignored, and no backend takes another's kind."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import pytest

import ernsnn as ern
from ernsnn.backend.discovery import backend_names
from ernsnn.backend.registry import get_backend
from ernsnn.describe.expressions import Op


@dataclass(frozen=True, eq=False, kw_only=True)
class Resonator(ern.LIF):
    resonance_mV: float = 2.0


@dataclass(frozen=True, eq=False, kw_only=True)
class Renamed(ern.LIF):
    """Nothing but other defaults: LIF."""

    v_threshold_mV: float = -45.0


@dataclass(frozen=True, eq=False, kw_only=True)
class Impostor(ern.LIF):
    """A kind of its own, of the name of one of ours: it never spikes at its threshold."""

    kind = dataclasses.replace(
        ern.LIF.kind,
        exact=dataclasses.replace(ern.LIF.kind.exact, spike=Op("not", (ern.LIF.kind.exact.spike,))),
    )


def network(model) -> ern.Network:
    net = ern.Network()
    net.population("known", 1, ern.LIF())
    net.population("cells", 2, model)
    return net


def test_a_parameter_that_is_in_no_equation_is_refused() -> None:
    with pytest.raises(ern.InvalidModel, match="Resonator: resonance_mV is in no equation of LIF"):
        Resonator()


@pytest.mark.parametrize("backend", backend_names())
def test_other_defaults_are_the_same_kind(backend) -> None:
    assert "G201" not in {i.code for i in ern.check(network(Renamed()), backend)}


@pytest.mark.parametrize("backend", backend_names())
def test_a_backend_that_has_kinds_by_name_refuses_others_in_words(backend) -> None:
    found = [i for i in ern.check(network(Impostor()), backend) if i.code == "G201"]
    if get_backend(backend).kinds is None:
        assert found == []
        return
    assert [(i.path, i.fidelity) for i in found] == [("cells", "unsupported")]
    assert "its neurons are LIF" in found[0].message
    assert "run it on brian2, native, reference, torch" in found[0].remedy
    with pytest.raises(ern.UnsupportedOnBackend, match=r"G201 +unsupported cells"):
        ern.run(network(Impostor()), duration_ms=2, backend=backend)


def test_equations_of_a_user_s_own_are_those_that_run() -> None:
    results = [ern.run(network(Impostor()), duration_ms=3, backend=b) for b in ("reference", "native")]
    assert [r.spike_counts for r in results] == [{"known": 0, "cells": 6}] * 2
