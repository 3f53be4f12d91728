"""AlphaConductanceLIF: NEST's iaf_cond_alpha, equal spikes on every backend that reads equations."""

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
    ern.AlphaConductanceLIF,
    {"weight_uS": ern.Uniform(0.005, 0.02)},
    {"weight_uS": 0.03},
    ("v_mV", "g_E_uS", "g_I_uS", "h_I"),
)


@pytest.mark.parametrize("more", [{}, {"noise_mV": 1.0, "v_min_mV": -66.0, "tau_syn_I_ms": 0.4}])
def test_equal_spikes_on_every_backend_that_reads_equations(more: dict[str, float]) -> None:
    assert assert_equal_spikes(network(**more), duration_ms=200)["cells"] > 30


def test_other_backends_refuse_it_in_words() -> None:
    refused_in_words(network(), "cells", "AlphaConductanceLIF")


def test_weights_are_never_negative() -> None:
    net = ern.Network()
    cells = net.population("cells", 2, ern.AlphaConductanceLIF())
    with pytest.raises(ern.InvalidModel, match=r"p.weight_uS: weights on the excitatory receptor are >= 0"):
        net.projection("p", cells, cells, weight_uS=-0.1)


@pytest.mark.nest
def test_it_is_that_of_nest() -> None:
    """NEST takes steps of its own, and stays within 1.3e-5 mV; the rest is the error of our one step of .1 ms."""
    rng = np.random.default_rng(3)
    reversal = {"e_rev_E_mV": rng.uniform(-5, 5, N), "e_rev_I_mV": rng.uniform(-85, -70, N)}
    cells = drawn_cells(2, weights=(0.002, 0.05), **reversal)
    assert_as_nest(ern.AlphaConductanceLIF, "uS", "iaf_cond_alpha", cells, within=1e-4)
