"""The energy of the CA3 memory: counts by hand, and sums that can be redone from them."""

import numpy as np
import pytest

import ernsnn as ern
from ernsnn.analyse.prices import price_sets
from ernsnn.models.experiments import ca3_energy


@pytest.fixture(scope="module")
def findings():
    return ca3_energy.EXPERIMENT.findings(backend="reference", seeds=[0, 1], size=4, density=0.5)


def mean(findings, memory, operation, what):
    return findings.results[memory][operation]["counts"][what]["mean"]


def test_counts(findings):
    neurons = mean(findings, "published", "learn", "neuron_update") / 20
    assert neurons == sum(p.size for p in ern.lower(ca3_energy.CA3Memory(4, 4).network()).neurons())
    assert mean(findings, "look-up", "recall by cue", "mac") == 16
    assert mean(findings, "look-up", "learn", "learning_update") == 4
    assert mean(findings, "published", "recall by cue", "synaptic_operation") > 0
    assert mean(findings, "published", "learn", "astrocyte_update") == 0
    assert mean(findings, "gated", "learn", "astrocyte_update") > 0


def test_energy_is_counts_times_prices(findings):
    prices = {p.what: (p.low_J, p.high_J) for p in price_sets()["loihi-davies"].prices}
    counts = findings.results["published"]["recall by cue"]["counts"]
    found = findings.results["published"]["recall by cue"]["energy_J"]["loihi-davies"]
    for k, bound in enumerate(("low", "high")):
        expected = sum(counts[what]["mean"] * prices[what][k] for what in counts if what in prices)
        assert found[bound]["mean"] == pytest.approx(expected, rel=1e-12)
    assert not found["missing"]


def test_a_look_up_costs_its_multiplications(findings):
    energies = findings.results["look-up"]["recall by cue"]["energy_J"]
    assert set(energies) == {"arithmetic-45nm", "arm-degnan", "cpu-degnan", "gpu-degnan"}
    assert energies["arithmetic-45nm"]["low"]["mean"] == pytest.approx(16 * 4.6e-12)
    assert energies["cpu-degnan"]["high"]["mean"] == pytest.approx(16 * 8.6e-9)


def test_the_table_has_a_cell_for_every_column(findings):
    assert all(len(row) == len(findings.heads) for row in findings.rows)
    assert np.isfinite(findings.results["gated"]["learn"]["energy_J"]["loihi-davies"]["low"]["mean"])


def test_contents_must_leave_bits():
    with pytest.raises(ern.InvalidModel, match="ca3_energy: needs"):
        ca3_energy.EXPERIMENT.findings(size=4, density=0.05)
