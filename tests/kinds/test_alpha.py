"""AlphaLIF: its closed form, NEST's iaf_psc_alpha, and equal spikes on every backend that reads equations."""

from __future__ import annotations

from functools import partial

import cells_under_spikes
import numpy as np
import pytest
from cells_under_spikes import assert_as_nest, drawn_cells
from on_backends import assert_equal_spikes, refused_in_words

import ernsnn as ern

network = partial(
    cells_under_spikes.network,
    ern.AlphaLIF,
    {"weight_nA": ern.Uniform(0.3, 1.2)},
    {"weight_nA": 0.3},
    ("v_mV", "I_E_nA", "I_I_nA", "h_E"),
)


@pytest.mark.parametrize("more", [{}, {"noise_mV": 1.0, "v_min_mV": -66.0, "tau_syn_I_ms": 0.4}])
def test_equal_spikes_on_every_backend_that_reads_equations(more: dict[str, float]) -> None:
    assert assert_equal_spikes(network(**more), duration_ms=200)["cells"] > 30


def test_other_backends_refuse_it_in_words() -> None:
    refused_in_words(network(), "cells", "AlphaLIF")


@pytest.mark.parametrize("backend", ["reference", "native", "brian2"])
def test_a_current_peaks_at_its_weight_after_its_time_constant(backend: str) -> None:
    """I(t) = w (t/tau) exp(1 - t/tau), and V by its closed form where tau is tau_m: w e t^2/(2 tau cm) exp(-t/tau)."""
    tau, w, cm = 4.0, 0.7, 0.5
    net = ern.Network(dt_ms=0.25)
    source = net.population("source", 1, ern.SpikeTimes([[0.75]]))
    shape = {"tau_m_ms": tau, "tau_syn_E_ms": tau, "tau_syn_I_ms": tau, "cm_nF": cm}
    cells = net.population("cells", 2, ern.AlphaLIF(**shape, v_threshold_mV=1e3))
    net.projection("e", source, cells[:1], weight_nA=w, delay_ms=0.25)
    net.projection("i", source, cells[1:], weight_nA=w, delay_ms=0.25, receptor="inhibitory")
    for variable in ("I_E_nA", "I_I_nA", "v_mV"):
        net.probe(cells, variable)
    options = {"precision": "float64"} if backend == "native" else {}
    signals = ern.run(net, duration_ms=40, backend=backend, **options).recording.signals
    current, inhibitory, V = (signals[f"cells.{variable}"][1] for variable in ("I_E_nA", "I_I_nA", "v_mV"))
    t = np.maximum(0.25 * np.arange(len(current)) - 1.0, 0.0)  # it acts from the end of the step that begins at 1 ms
    expected = w * t / tau * np.exp(1 - t / tau)
    np.testing.assert_allclose(current[:, 0], expected, rtol=0, atol=1e-14)
    np.testing.assert_allclose(inhibitory[:, 1], expected, rtol=0, atol=1e-14)
    rise = w * np.e * t**2 / (2 * tau * cm) * np.exp(-t / tau)
    np.testing.assert_allclose(V - -65.0, np.stack([rise, -rise], axis=1), rtol=0, atol=1e-12)
    assert current.max() == pytest.approx(w)
    assert 0.25 * current[:, 0].argmax() == 1.0 + tau


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ({"tau_syn_E_ms": 0.0}, "tau_syn_E_ms must be > 0"),
        ({"v_reset_mV": -40.0}, "v_reset_mV must lie below v_threshold_mV"),
        ({"v_min_mV": -60.0}, "v_min_mV must lie at or below v_rest_mV"),
    ],
)
@pytest.mark.parametrize("kind", [ern.AlphaLIF, ern.AlphaConductanceLIF])
def test_what_cannot_be_is_refused_as_of_other_membranes(kind: type, cell: dict, message: str) -> None:
    with pytest.raises(ern.InvalidModel, match=message):
        ern.Network().population("cells", 2, kind(**cell))


@pytest.mark.parametrize("kind", [ern.AlphaLIF, ern.AlphaConductanceLIF])
def test_they_have_no_currents_to_average(kind: type) -> None:
    net = ern.Network(current_integration="step_average")
    with pytest.raises(ern.InvalidModel, match=f"cells: {kind.__name__} has no currents to average"):
        net.population("cells", 1, kind())


@pytest.mark.nest
def test_it_is_that_of_nest() -> None:
    """Both integrate exactly: V differs by rounding alone, spikes not at all, for equal time constants, too."""
    cells = drawn_cells(1, weights=(0.2, 2.0))
    cells["tau_syn_E_ms"][:5] = cells["tau_m_ms"][:5]
    assert_as_nest(ern.AlphaLIF, "nA", "iaf_psc_alpha", cells, within=1e-10)
