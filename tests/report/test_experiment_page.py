"""The page of an experiment: its question, its figures, its pictures, and the command that runs it again."""

from __future__ import annotations

import re
import shlex
from dataclasses import replace
from html import unescape

import pytest

from ernsnn.cli.arguments import parser
from ernsnn.errors import InvalidModel
from ernsnn.report.experiment import experiment_page
from ernsnn.studies.experiment import Experiment, Findings
from ernsnn.studies.pictures import Bars, Line

TEXT = """Cells of ``ernsnn.models`` learn for 4 s;
then they rest.

    w = w0 + <1>
"""
EXPERIMENT = Experiment(
    name="weights",
    title="Do they last?",
    about=TEXT,
    source="Us 2025",
    published="2 <Hz>",
    backend="native",
    run=lambda repeats: found(),
)
SETTINGS = {"at": [1, 2.5], "kind": "a b", "noise": True}
DATA = {"experiment": "weights", "backend": "native", "seeds": [3, 4], "wall_s": 1.5, "settings": SETTINGS}


def found(*pictures):
    return Findings({}, ["memory", "rate"], [["<A>", 1.5], ["B", "2 ± 1"]], ["a & b"], pictures)


def test_everything_stands_on_it():
    text = experiment_page(EXPERIMENT, DATA, found(Line([0, 1], {"a": [0, 1]}, title="T", x_label="x", y_label="y")))
    assert '<p class="lead">Do they last?</p>' in text
    assert "<p>Cells of <code>ernsnn.models</code> learn for 4 s; then they rest.</p>" in text
    assert "<pre>    w = w0 + &lt;1&gt;" in text
    assert "<tr><td>&lt;A&gt;</td><td>1.5</td></tr>" in text
    assert '<p class="note">a &amp; b</p>' in text
    assert "<figcaption>T</figcaption>" in text
    assert "<dt>seeds</dt><dd>2<small>3 to 4</small>" in text


def test_the_command_runs_it_again():
    command = unescape(re.findall(r"<pre>(ernsnn [^<]*)</pre>", experiment_page(EXPERIMENT, DATA, found()))[0])
    again = parser().parse_args(shlex.split(command)[1:])
    assert (again.name, again.backend, again.first_seed, again.seeds) == ("weights", "native", 3, 2)
    assert dict(again.settings) == SETTINGS


def test_it_says_where_it_comes_from():
    text = experiment_page(EXPERIMENT, DATA, found())
    assert "<dt>source</dt><dd>Us 2025</dd>" in text
    assert "<dt>published</dt><dd>2 &lt;Hz&gt;</dd>" in text
    nothing = replace(EXPERIMENT, about=None, source="", published="")
    assert 'id="about"' not in experiment_page(nothing, {**DATA, "settings": {}}, found())


@pytest.mark.parametrize("words", ["<script>alert(1)</script>", "<svg></svg>"])
def test_words_of_a_picture_are_text(words):
    picture = Bars([words], {words: [1.0]}, title=words, x_label=words, note=words)
    assert words not in experiment_page(EXPERIMENT, DATA, found(picture))


@pytest.mark.parametrize("picture", ["<svg></svg>", None, {"title": "T"}])
def test_what_is_no_picture_is_refused(picture):
    with pytest.raises(InvalidModel, match=r"Findings.pictures\[0\]: must be Line or Bars"):
        found(picture)
