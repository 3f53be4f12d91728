"""Poisson input on NEST, which draws the counts itself: means and variances are those of theory and of `native`."""

from __future__ import annotations

import numpy as np
import pytest

import ernsnn as ern

pytestmark = [pytest.mark.nest, pytest.mark.usefixtures("simulators")]
R, TAU_M, TAU_S = 15.0, 15.0, 4.0


def driven() -> ern.Network:
    """200 cells without a threshold: the second half has twice the rate, the last quarter inhibition from 200 ms on."""
    net = ern.Network(dt_ms=0.1)
    model = ern.LIF(
        cm_nF=TAU_M / R, tau_m_ms=TAU_M, tau_syn_E_ms=TAU_S, tau_syn_I_ms=TAU_S, v_rest_mV=-70, v_threshold_mV=1000
    )
    cells = net.population("n", 200, model)
    rates = np.repeat([8.0, 16.0], 100)
    net.poisson_input("drive", cells, rate_hz=rates, n=1000, weight_nA=np.repeat([0.02, 0.01], 100))
    late = ern.Schedule([200], [8.0])
    net.poisson_input("calm", cells[150:], rate_hz=late, n=1000, weight_nA=0.01, receptor="inhibitory")
    net.probe(cells, "v_mV", every_ms=25)
    return net


def test_mean_and_variance_of_the_membrane() -> None:
    times, V = ern.run(driven(), duration_ms=1000, backend="nest", seed=2).signal("n", "v_mV")
    settled = V[times > 350] + 70

    def theory(rate: float, w: float) -> tuple[float, float]:
        return rate * w * R * TAU_S, rate * (w * R * TAU_S) ** 2 / (2 * (TAU_M + TAU_S))

    m0, v0 = theory(8.0, 0.02)
    m1, v1 = theory(16.0, 0.01)
    m2, v2 = theory(8.0, 0.01)
    for cells, mean, variance in (
        (slice(0, 100), m0, v0),
        (slice(100, 150), m1, v1),
        (slice(150, 200), m1 - m2, v1 + v2),
    ):
        found = settled[:, cells]
        independent = found.size / 2
        assert abs(found.mean() - mean) < 4.5 * np.sqrt(variance / independent)
        assert abs(found.var() / variance - 1) < 4.5 * np.sqrt(2 / independent)
    before = V[(times > 100) & (times < 200)][:, 150:] + 70
    assert abs(before.mean() - m1) < 4.5 * np.sqrt(v1 / before.size)


def test_conductances_as_on_native() -> None:
    net = ern.Network(dt_ms=0.1)
    cells = net.population("n", 100, ern.ConductanceLIF(v_threshold_mV=1000))
    net.poisson_input("drive", cells, rate_hz=8.0, n=100, weight_uS=0.005)
    net.poisson_input("calm", cells, rate_hz=2.0, n=100, weight_uS=0.01, receptor="inhibitory")
    net.probe(cells, "v_mV", every_ms=50)
    native, nest = (ern.run(net, duration_ms=800, backend=b).signal("n", "v_mV")[1][4:] for b in ("native", "nest"))
    error = np.sqrt(2 * native.var() / native.size * 2)
    assert abs(native.mean() - nest.mean()) < 4.5 * error
    assert abs(native.std() / nest.std() - 1) < 0.1


def test_the_seed_counts_and_no_two_neurons_are_alike() -> None:
    first, again, other = (
        ern.run(driven(), duration_ms=100, backend="nest", seed=s).signal("n", "v_mV")[1] for s in (1, 1, 2)
    )
    assert np.array_equal(first, again)
    assert not (first == other).any()
    assert len(np.unique(first[-1])) == 200


def test_it_is_told_that_the_counts_are_others() -> None:
    [issue] = ern.check(having(), "nest")
    assert (issue.code, issue.path, issue.fidelity) == ("P104", "drive", "approximate")


def having() -> ern.Network:
    net = ern.Network()
    net.poisson_input("drive", net.population("n", 1, ern.LIF()), rate_hz=100, weight_nA=0.1)
    return net
