"""Pictures hold what was recorded: read off the lines, steps and images that matplotlib was given."""

from __future__ import annotations

import re
import sys

import matplotlib as mpl
import numpy as np
import pytest

import ernsnn as ern
from ernsnn.models import CA3Memory

mpl.use("Agg")
from matplotlib import pyplot as plt


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def result() -> ern.Result:
    net = ern.Network(name="pictured")
    source = net.population("source", 30, ern.Poisson(80))
    cells = net.population("cells", 5, ern.LIF(tau_refrac_ms=2))
    one = net.population("one", 1, ern.LIF())
    rule = ern.stdp.pair(A_plus=0.02, A_minus=0.01, w_max=0.5)
    plastic = net.projection("plastic", source, cells[1:5], weight_nA=ern.Uniform(0, 0.3), learning=rule)
    net.projection("static", cells, one, weight_nA=1)
    net.probe(cells, "v_mV", every_ms=2)
    net.probe(plastic, "w", every_ms=50)
    return ern.run(net, duration_ms=250, seed=1, backend="reference")


@pytest.fixture(scope="module")
def memory() -> ern.Result:
    ca3 = CA3Memory(cues=2, contents=3)
    ca3.learn(cue=0, content=[0, 2])
    ca3.recall(cue=0)
    return ca3.run(backend="reference")


def test_raster_draws_every_spike_in_its_population(result) -> None:
    ax = result.plot.raster()
    lines = {line.get_label(): line for line in ax.lines if not line.get_label().startswith("_")}
    base = 0
    for name, size, rows in (("source", 30, 30), ("cells", 5, 5), ("one", 1, 2)):
        times, neurons = result.spikes(name)
        assert len(times) > 0
        assert np.array_equal(lines[name].get_xdata(), times)
        assert np.array_equal(lines[name].get_ydata(), neurons + base)
        assert size <= rows  # a small one takes more rows, so that its name does not touch the next
        base += rows
    assert [label.get_text() for label in ax.get_yticklabels()] == ["source", "cells", "one"]
    assert ax.get_xlim() == (0, 250)
    assert ax.get_ylim() == (base - 0.5, -0.5)


def test_raster_of_a_window_and_of_some_populations_into_given_axes(result) -> None:
    _, (left, right) = plt.subplots(1, 2)
    assert result.plot.raster(left, populations=["one", "cells"], start_ms=50, stop_ms=100) is left
    times = np.concatenate([line.get_xdata() for line in left.lines if line.get_label() in ("one", "cells")])
    assert len(times) > 0
    assert times.min() >= 50
    assert times.max() < 100
    assert [label.get_text() for label in left.get_yticklabels()] == ["one", "cells"]
    assert not right.lines


def test_very_many_spikes_are_pixels() -> None:
    net = ern.Network()
    net.population("busy", 100, ern.Poisson(500))
    busy = ern.run(net, duration_ms=500, backend="reference")
    assert busy.spike_counts["busy"] > 20_000
    [line] = busy.plot.raster().lines
    assert line.get_rasterized()
    assert len(line.get_xdata()) == busy.spike_counts["busy"]


def test_rates_times_bins_give_back_the_spikes(result) -> None:
    ax = result.plot.rates(bin_ms=20)
    for name, steps in zip(("source", "cells", "one"), ax.patches, strict=True):
        values, edges, _ = steps.get_data()
        assert edges.tolist() == [
            *range(0, 241, 20),
            250,
        ]  # the last bin is shorter, and its rate is per its own length
        spikes = values * np.diff(edges) / 1000 * result.graph.population(name).size
        expected, _ = np.histogram(result.spikes(name)[0], edges)
        assert np.allclose(spikes, expected)
    with pytest.raises(ern.InvalidModel, match="bin_ms"):
        result.plot.rates(bin_ms=0.5)


def test_signal_draws_ten_columns_and_says_of_how_many(result) -> None:
    ax = result.plot.signal("cells", "v_mV")
    times, values = result.signal("cells", "v_mV")
    assert [np.array_equal(line.get_data(), [times, values[:, k]]) for k, line in enumerate(ax.lines)] == [True] * 5
    assert ax.get_title() == "cells.v_mV"
    assert result.plot.signal("plastic", "w").get_title() == "plastic.w (10 of 120)"
    [line] = result.plot.signal("plastic", "w", columns=[119]).lines
    assert np.array_equal(line.get_ydata(), result.signal("plastic", "w")[1][:, 119])
    with pytest.raises(ern.InvalidModel, match="from 0 to 119, got 120"):
        result.plot.signal("plastic", "w", columns=[120])
    with pytest.raises(ern.InvalidModel, match=r"no probe 'cells\.v'"):
        result.plot.signal("cells", "v")


def test_weights_is_the_matrix(result) -> None:
    ax = result.plot.weights("plastic")
    assert np.array_equal(ax.images[0].get_array(), result.weights("plastic"))
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("cells, from 1", "source, from 0")
    assert ax.images[0].colorbar.ax.get_ylabel() == "w (nA)"


def test_distribution_counts_every_synapse_before_and_after(result) -> None:
    ax = result.plot.distribution("plastic")
    [p] = [p for p in result.graph.projections if p.name == "plastic"]
    for patch, values in zip(
        ax.patches, (p.synapses.variables["w"], result.recording.synapses["plastic"]["w"]), strict=True
    ):
        counts, edges, _ = patch.get_data()
        assert counts.sum() == 120
        assert np.array_equal(counts, np.histogram(values, edges)[0])
    with pytest.raises(ern.InvalidModel, match=r"no learned variable 'plastic\.m'; did you mean 'plastic\.w'"):
        result.plot.distribution("plastic", "m")


def test_moments_of_a_memory_are_marked(memory) -> None:
    texts = [text.get_text() for text in memory.plot.raster().texts]
    assert texts == ["learn cue 0, content 0 2", "recall cue 0"]
    assert [text.get_text() for text in memory.plot.raster(start_ms=1).texts] == ["recall cue 0"]


def test_overview_has_a_picture_of_each_kind_and_says_what_it_leaves_out(result, memory) -> None:
    figure = result.plot()
    figure.canvas.draw()
    titles = [ax.get_title() for ax in figure.axes]
    assert titles == ["", "", "cells.v_mV", "plastic.w (10 of 120)", "plastic"]
    assert figure.get_suptitle() == "pictured on reference, seed 1"
    assert [ax.get_title() for ax in memory.plot().axes] == ["", "", "cue_to_content", "content_to_cue"]
    net = ern.Network(name="many")
    for k in range(6):
        net.probe(net.population(f"p{k}", 1, ern.LIF()), "v_mV")
    figure = ern.run(net, duration_ms=5, backend="reference").plot()
    assert figure.get_suptitle().endswith("; left out: 2 of 6 probes")
    assert len(figure.axes) == 6


@pytest.mark.parametrize(
    "call", [lambda p: p(), lambda p: p.raster(), lambda p: p.rates(), lambda p: p.weights("plastic")]
)
def test_without_matplotlib_it_says_what_to_install(result, call, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ern.NotInstalled, match=r"needs matplotlib.*: pip install 'ernsnn\[plot\]'"):
        call(result.plot)


def test_a_run_that_goes_on_is_drawn_at_its_time(result) -> None:
    net = ern.Network(name="goes on")
    cells = net.population("cells", 5, ern.LIF(tau_refrac_ms=2, i_offset_nA=2))
    net.probe(cells, "v_mV")
    learning = ern.stdp.pair(A_plus=0.02, A_minus=0.01, w_max=0.5)
    net.projection("plastic", cells, cells, weight_nA=0.1, learning=learning)
    first = ern.run(net, duration_ms=50, backend="reference")
    more = ern.run(net, duration_ms=30, backend="reference", start=first)
    for ax in (more.plot.raster(), more.plot.rates(bin_ms=10), more.plot.signal("cells", "v_mV")):
        assert ax.get_xlim() == (50, 80)
    values, edges, _ = more.plot.rates(bin_ms=10).patches[0].get_data()
    assert edges.tolist() == [50, 60, 70, 80]
    assert np.allclose(values * 10 / 1000 * 5, np.histogram(more.spikes("cells")[0], edges)[0])
    assert [patch.get_label() for patch in more.plot.distribution("plastic").patches] == ["after"]
    xs = [float(x) for x in re.findall(r"M([\d.]+) ", more._repr_html_())]
    assert len(xs) == more.spike_counts["cells"] > 0
    assert max(xs) <= 640


def test_unknown_population(result) -> None:
    with pytest.raises(ern.InvalidModel, match="no population 'cell'; did you mean 'cells'"):
        result.plot.raster(populations=["cell"])
