"""What results are asked with: times in any notation, and what is none refused in words."""

from __future__ import annotations

import fractions

import matplotlib.pyplot as plt
import numpy as np
import pytest

import ernsnn as ern


class Failing:
    """A foreign object that fails in ways of its own."""

    def __array__(self, dtype=None, copy=None):
        raise KeyError("no")


@pytest.fixture(scope="module")
def result():
    net = ern.Network(dt_ms=1.0)
    cells = net.population("cells", 2, ern.LIF(i_offset_nA=1.0))
    net.projection("j", cells, cells, weight_nA=0.1, learning=ern.stdp.pair(A_plus=0.1, A_minus=0.1))
    return ern.run(net, duration_ms=20.0, backend="reference")


@pytest.fixture(autouse=True)
def closed():
    """No figure stays open."""
    yield
    plt.close("all")


@pytest.mark.parametrize("given", ["4 ms", 4, np.float32(4), np.array(4), fractions.Fraction(4)])
def test_bins_in_any_notation(result, given):
    assert result.metrics(given) == result.metrics(4.0)
    axes = result.plot.rates(bin_ms=given)
    assert [line.get_ydata().tolist() for line in axes.lines] == [
        line.get_ydata().tolist() for line in result.plot.rates(bin_ms=4.0).lines
    ]


@pytest.mark.parametrize(
    "given",
    ["4", "4 mV", [4.0], np.zeros(0), True, 4j, float("nan"), 1e308, np.datetime64("2020"), Failing(), {4: 1}.keys()],
)
def test_what_is_no_bin(result, given):
    for call in (result.metrics, lambda bin_ms: result.plot.rates(bin_ms=bin_ms)):
        with pytest.raises(ern.InvalidModel, match="bin_ms"):
            call(given)


def test_a_raster_between_any_times(result):
    drawn = [line.get_xdata().tolist() for line in result.plot.raster(start_ms="5 ms", stop_ms=np.float32(15)).lines]
    assert drawn == [line.get_xdata().tolist() for line in result.plot.raster(start_ms=5.0, stop_ms=15.0).lines]
    everything = [line.get_xdata().tolist() for line in result.plot.raster(start_ms=-1e308, stop_ms=1e300).lines]
    assert everything == [line.get_xdata().tolist() for line in result.plot.raster().lines]
    with pytest.raises(ern.InvalidModel, match="raster: stop_ms"):
        result.plot.raster(stop_ms=[3.0])


@pytest.mark.parametrize("values", [10**400, Failing(), "1", [[1.0], [2.0, 3.0]], 4j])
def test_weights_that_are_no_numbers(result, values):
    with pytest.raises(ern.InvalidModel, match=r"j.w: must be numbers"):
        result.with_weights("j", values)


def test_a_replay_of_more_phases_than_numbers_count():
    with pytest.raises(ern.InvalidModel, match=r"would be over 1e\+300 phases, more than"):
        ern.replay("s", 1e300, "x", [1.0], cue_ms=1e-308)
