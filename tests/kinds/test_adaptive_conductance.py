"""AdaptiveConductanceLIF: NEST's iaf_cond_exp_sfa_rr, equal spikes on every backend that reads equations."""

from __future__ import annotations

from functools import partial

import cells_under_spikes
import numpy as np
import pytest
from cells_under_spikes import N, assert_as_nest, drawn_cells
from on_backends import assert_equal_spikes, refused_in_words

import ernsnn as ern

network = partial(
    cells_under_spikes.network,
    ern.AdaptiveConductanceLIF,
    {"weight_uS": ern.Uniform(0.01, 0.05)},
    {"weight_uS": 0.03},
    ("v_mV", "g_E_uS", "g_I_uS", "g_sfa", "g_rr"),
    q_rr_uS=0.2,
)


@pytest.mark.parametrize("more", [{}, {"noise_mV": 1.0, "v_min_mV": -66.0, "tau_syn_I_ms": 0.4}])
def test_equal_spikes_on_every_backend_that_reads_equations(more: dict[str, float]) -> None:
    assert assert_equal_spikes(network(**more), duration_ms=200)["cells"] > 30


def test_other_backends_refuse_it_in_words() -> None:
    refused_in_words(network(), "cells", "AdaptiveConductanceLIF")


@pytest.mark.parametrize("name", ["q_sfa_uS", "q_rr_uS"])
def test_what_a_spike_adds_is_not_negative(name: str) -> None:
    with pytest.raises(ern.InvalidModel, match=f"{name} must be >= 0"):
        ern.AdaptiveConductanceLIF(**{name: -1.0})


def test_without_what_its_spikes_add_it_spikes_as_often_again() -> None:
    def spikes(**cell: float) -> int:
        net = ern.Network(dt_ms=0.1)
        net.population("cells", 1, ern.AdaptiveConductanceLIF(i_offset_nA=1.2, **cell))
        return ern.run(net, duration_ms=1_000, backend="reference").spike_counts["cells"]

    assert 0 < 2 * spikes() < spikes(q_sfa_uS=0.0, q_rr_uS=0.0)


@pytest.mark.nest
def test_it_is_that_of_nest() -> None:
    """NEST takes steps of its own, with an error of 1e-3 a step in its conductances and V."""
    rng = np.random.default_rng(3)
    more = {"e_rev_E_mV": rng.uniform(-5, 5, N), "e_rev_I_mV": rng.uniform(-85, -70, N)}
    more |= {"tau_sfa_ms": rng.uniform(50, 150, N), "e_rev_sfa_mV": rng.uniform(-85, -75, N)}
    more |= {"tau_rr_ms": rng.uniform(1, 4, N), "e_rev_rr_mV": rng.uniform(-85, -75, N)}
    more |= {"q_sfa_uS": rng.uniform(0, 0.02, N), "q_rr_uS": rng.uniform(0, 0.5, N)}
    cells = drawn_cells(2, weights=(0.01, 0.08), **more)
    assert_as_nest(ern.AdaptiveConductanceLIF, "uS", "iaf_cond_exp_sfa_rr", cells, within=1e-3)
