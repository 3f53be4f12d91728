"""The raster shows every spike where it was, be there none or a million."""

from __future__ import annotations

import re

import numpy as np
import pytest
from pictures import images, parsed

import ernsnn as ern
from ernsnn.recording.recording import Recording
from ernsnn.report import raster as drawing
from ernsnn.studies.models import TimeMark
from ernsnn.studies.pictures import Raster


def graph_of(*sizes):
    net = ern.Network(name="spikes", dt_ms=0.5)
    for k, size in enumerate(sizes):
        net.population(f"p{k}", size, ern.SpikeTimes([[]] * size))
    return ern.lower(net)


def recording(n_steps, *spikes, first_step=0):
    """``spikes``: one list of (step, neuron) a population."""
    arrays = (np.array(sorted(each), int).reshape(-1, 2).T for each in spikes)
    found = {f"p{k}": (steps + first_step, neurons) for k, (steps, neurons) in enumerate(arrays)}
    return Recording(n_steps=n_steps, spikes=found, first_step=first_step)


def raster(graph, recording, marks=()):
    return drawing.raster(Raster.of(ern.Result(graph, recording), marks=marks))


def strokes(figure):
    """The strokes of every population: (x in steps of a thousandth of the width, y), one list each."""
    paths = [e for e in parsed(figure).iter("path") if "spikes" in e.get("class")]
    return [[tuple(map(float, m)) for m in re.findall(r"M([\d.]+) ([\d.]+)v", e.get("d"))] for e in paths]


def test_every_spike_is_a_stroke_at_its_time_and_neuron():
    figure = raster(graph_of(4, 2), recording(10, [(0, 0), (9, 3)], [(5, 1)]))
    first, second = strokes(figure)
    assert [x for x, _ in first] == [50.0, 950.0]
    assert [x for x, _ in second] == [550.0]
    (_, top), (_, bottom) = first
    assert bottom - top == pytest.approx(3 * 5.0)  # neurons are 5 px apart
    assert second[0][1] > bottom
    assert "3 spikes." in figure


def test_no_spike_and_other_starts():
    assert "0 spikes." in raster(graph_of(3), recording(10, []))
    shifted = raster(graph_of(3), recording(10, [(2, 1)], first_step=100))
    assert strokes(shifted) == strokes(raster(graph_of(3), recording(10, [(2, 1)])))
    assert next(e.text for e in parsed(shifted).iter("text") if e.get("class") == "tick") == "50"  # 100 steps


def test_many_spikes_are_a_shade_where_they_are(monkeypatch):
    monkeypatch.setattr(drawing, "MOST_STROKES", 10)
    spikes = [(t, n) for t in range(20) for n in range(4) if (t + n) % 3 == 0]
    figure = raster(graph_of(4), recording(20, spikes))
    assert f"{len(spikes)} spikes, drawn as shades" in figure
    assert not strokes(figure)
    [image] = images(figure)
    assert image.shape == (20, 20)
    lit = {(t, row * 4 // 20) for row, t in zip(*np.nonzero(image), strict=True)}
    assert lit == set(spikes)


def test_marks_are_numbered_where_there_is_room():
    marks = [TimeMark(0.0, "learn", True), TimeMark(1.0, "recall", False), TimeMark(1.01, "recall", None)]
    tree = parsed(raster(graph_of(2), recording(10, []), marks))
    lines = [e.get("class") for e in tree.iter("line") if "mark" in e.get("class", "") and e.get("y1") == "0"]
    assert lines[-3:] == ["mark m0", "mark m1 wrong", "mark m1"]
    numbers = [e for e in tree.iter("text") if "number" in e.get("class")]
    assert ["".join(e.itertext()) for e in numbers] == ["1: learn at 0 ms1", "2: recall at 1 ms, wrong2"]
    assert [e.text or "".join(e.itertext()) for e in tree.iter("li")] == ["learn", "recall", "wrong answer"]


def test_more_populations_than_fit_are_told(monkeypatch):
    monkeypatch.setattr(drawing, "MOST_BANDS", 2)
    monkeypatch.setattr(drawing, "_WHOLE_PX", 40.0)
    bands = list(drawing._bands(Raster.of(ern.Result(graph_of(1, 9, 1), recording(5, [], [], [])))))
    assert [band.height for band in bands] == [16.0, 24.0]
    figure = raster(graph_of(1, 1, 1), recording(5, [], [], [(0, 0)]))
    assert "The first 2 of 3 populations are drawn" in figure


def test_a_raster_of_ones_own():
    picture = Raster({"a": ([1.0, 2.0], [0, 1])}, {"a": 2}, start_ms=1, stop_ms=3, dt_ms=0.5, title="<Mine>")
    figure = drawing.raster(picture)
    [first] = strokes(figure)
    assert [x for x, _ in first] == [125.0, 625.0]
    assert "<figcaption>&lt;Mine&gt;</figcaption>" in figure
    for wrong in ({"sizes": {"b": 2}}, {"stop_ms": 1}, {"dt_ms": 0}):
        given = {"spikes": {"a": ([], [])}, "sizes": {"a": 2}, "start_ms": 1, "stop_ms": 3, "dt_ms": 0.5}
        with pytest.raises(ern.InvalidModel, match="Raster: "):
            Raster(**{**given, **wrong})
