"""Charts say what their numbers are, whatever the names in them."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pictures import having, images, parsed, pixels

from ernsnn.report import charts
from ernsnn.report.draw import draw
from ernsnn.report.images import png
from ernsnn.report.markup import Html, tag
from ernsnn.report.scales import number, scale_of, tight_scale
from ernsnn.studies.experiment import Estimate
from ernsnn.studies.pictures import Bars, Histogram, Line, Matrix, Scatter

AXES = {"x_label": "x", "y_label": "y"}
words = st.text(st.characters(min_codepoint=32, exclude_categories=["Cs", "Cc", "Cn"]), min_size=1, max_size=20)
finite = st.floats(-1e9, 1e9).map(lambda v: 0.0 if abs(v) < 1e-9 else v)


@given(st.lists(finite, max_size=6), st.booleans())
def test_an_axis_holds_every_value_and_its_ticks_differ(values, from_zero):
    scale = scale_of(values, from_zero=from_zero)
    shares = scale.shares(np.array([*values, *([0.0] if from_zero else [])]))
    assert ((shares >= 0) & (shares <= 1)).all()
    slack = 1e-8 * (scale.high - scale.low)
    assert all(scale.low - slack <= v <= scale.high + slack for v in values)
    assert 2 <= len(scale.ticks) <= 8
    assert len(set(scale.texts)) == len(scale.ticks)


@given(st.lists(st.floats(1e-12, 1e12), min_size=1, max_size=5))
def test_a_logarithmic_axis_is_even_in_powers(values):
    scale = scale_of(values, log=True)
    assert all(scale.low <= v * (1 + 1e-9) and v <= scale.high * (1 + 1e-9) for v in values)
    middle = math.sqrt(scale.low * scale.high)
    assert scale.share(middle) == pytest.approx(0.5)
    assert 1 <= len(scale.ticks) <= 7


@given(st.floats(0, 1e7), st.floats(0, 1e7))
def test_ticks_of_time_lie_within(low, length):
    scale = tight_scale(low, low + length, 8)
    assert all(scale.low - 1e-6 * scale.high <= tick <= scale.high * (1 + 1e-9) for tick in scale.ticks)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (1204, "1,204"),
        (3.14159, "3.14"),
        (12_345, "12.3 k"),
        (1e6, "1 M"),
        (-0.5, "-0.5"),
        (2.5e-7, "2.5e-7"),
        (1e-9, "1e-9"),
        (999.99, "1,000"),
        (math.nan, "-"),
    ],
)
def test_numbers_are_short(value, text):
    assert number(value) == text


@given(st.lists(words, min_size=1, max_size=3, unique=True), words)
def test_names_and_titles_are_text_whatever_they_hold(names, title):
    one = {name: [1.0, 2.0] for name in names}
    drawn = [
        draw(Line([0, 1], one, title=title, x_label=title, y_label=title, note=title)),
        draw(Bars(names, {title: [1.0] * len(names)}, title=title, x_label=title)),
        draw(Scatter({name: ([0, 1], [1, 2]) for name in names}, title=title, **AXES)),
        draw(Histogram({name: np.arange(3.0) for name in names}, title=title, x_label=title)),
        draw(Matrix(np.eye(2), title=title, x_label=title, y_label=title, unit=title)),
    ]
    for figure in drawn:
        tree = parsed(figure)
        assert tree.find("figcaption").text == title
        assert tree.find("svg/title").text == title
        assert tree.find("svg/desc").text
        assert not {e.tag for e in tree.iter()} & {"script", "img", "a"}
    labels = having(parsed(drawn[1]), "text", "label")
    assert [e.find("title").text for e in labels] == names
    assert [e.find("title").tail for e in labels] == names


def test_markup_is_escaped_once():
    assert tag("p", "<b>", Html("<i></i>"), title='"&') == '<p title="&quot;&amp;">&lt;b&gt;<i></i></p>'


def test_a_line_goes_through_its_points():
    tree = parsed(draw(Line([0, 10], {"a": [0.0, 10.0]}, title="t", **AXES)))
    [curve] = having(tree, "path", "line")
    assert curve.get("d") == f"M0.0 {charts.HEIGHT:.1f}L1000.0 0.0"
    assert not having(tree, "path", "band")


def test_a_gap_cuts_a_line_and_an_interval_is_a_band():
    values = [Estimate.of([1.0, 3.0]), None, Estimate.of([2.0, 2.0]), Estimate.of([1.0, 2.0])]
    tree = parsed(draw(Line([0, 1, 2, 3], {"a": values, "b": [1.0] * 4}, title="t", dashed=["b"], **AXES)))
    a, b = having(tree, "path", "line")
    assert a.get("d").count("M") == 2
    assert b.get("stroke-dasharray")
    assert not a.get("stroke-dasharray")
    assert len(having(tree, "path", "band")) == 2
    alone = draw(Line([0, 1], {"a": [Estimate.of([1.0]), Estimate.of([2.0])]}, title="t", **AXES))
    assert not having(parsed(alone), "path", "band")  # one seed has no interval


def test_bars_are_as_long_as_their_values():
    found = Estimate.of([29.0, 30.0, 31.0])
    told = draw(Bars(["a", "b"], {"s": [found, 40.0]}, title="t", x_label="x", references={"s": [20.0, None]}))
    tree = parsed(told)
    assert [e.get("width") for e in having(tree, "rect", "bar")] == ["75%", "100%"]
    [whisker] = having(tree, "line", "whisker")
    low, high = (float(whisker.get(k).rstrip("%")) / 100 * 40 for k in ("x1", "x2"))
    assert (low, high) == pytest.approx((30 - found.half_width, 30 + found.half_width), rel=1e-4)
    [line] = having(tree, "line", "expected")
    assert line.get("x1") == "50%"
    assert [e.text for e in having(tree, "text", "value")] == [str(found), "40"]


def test_bars_below_zero_and_missing_ones():
    tree = parsed(draw(Bars(["a", "b", "c"], {"s": [-10.0, 10.0, None]}, title="t", x_label="x")))
    assert [(e.get("x"), e.get("width")) for e in having(tree, "rect", "bar")] == [("0%", "50%"), ("50%", "50%")]


def test_many_points_are_thinned_and_it_says_so():
    x = np.arange(12_000.0)
    figure = draw(Scatter({"a": (x, x)}, title="t", diagonal=True, **AXES))
    [dots] = having(parsed(figure), "path", "dots")
    assert dots.get("d").count("h0") == 4000
    assert "One in 3 of 12,000 points is drawn." in figure
    assert "is drawn" not in draw(Scatter({"a": (x[:9], x[:9])}, title="t", **AXES))


def test_a_histogram_counts_what_is_finite():
    values = np.concatenate([np.full(30, 0.01), np.full(10, 0.99), [np.nan]])
    tree = parsed(draw(Histogram({"a": values}, title="t", x_label="w")))
    [outline] = having(tree, "path", "line")
    heights = {float(point.split()[1]) for point in re.split("[ML]", outline.get("d"))[1:]}
    assert sorted(heights) == pytest.approx([0, charts.HEIGHT * 2 / 3, charts.HEIGHT], abs=0.1)  # 30, 10 and 0 of 30


def test_a_matrix_is_an_image_of_its_values():
    values = np.array([[0.0, 3.0, 6.0], [np.nan, -6.0, 1.5]])
    there, above, below = images(draw(Matrix(values, title="t", **AXES)))
    assert (there == np.where(np.isnan(values), 0, 255)).all()
    assert above.astype(float) == pytest.approx(255 * np.clip(np.nan_to_num(values) / 6, 0, 1), abs=3)
    assert below.astype(float) == pytest.approx(255 * np.clip(-np.nan_to_num(values) / 6, 0, 1), abs=3)
    assert len(images(draw(Matrix(np.ones((2, 2)), title="t", limits=(0, 2), **AXES)))) == 2
    half = images(draw(Matrix(np.ones((2, 2)), title="t", limits=(0, 2), **AXES)))[1]
    assert half.astype(float) == pytest.approx(127.5, abs=3)


@given(st.integers(1, 5), st.integers(1, 5), st.data())
def test_a_png_holds_its_bytes(rows, columns, data):
    grey = np.array(data.draw(st.lists(st.integers(0, 255), min_size=rows * columns, max_size=rows * columns)))
    assert (pixels(png(grey.reshape(rows, columns))) == grey.reshape(rows, columns)).all()
