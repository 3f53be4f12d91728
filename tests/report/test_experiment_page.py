"""The page of an experiment: its question, its figures, its pictures, and the command that runs it again."""

from __future__ import annotations

import re
import shlex
from html import unescape

import pytest

from ernsnn.cli.arguments import parser
from ernsnn.report import charts
from ernsnn.report.experiment import experiment_page
from ernsnn.studies.experiment import Findings

TEXT = """Experiment ``weights``: do they last?

Cells of ``ernsnn.models`` learn for 4 s;
then they rest.

    w = w0 + <1>
"""
SETTINGS = {"at": [1, 2.5], "kind": "a b", "noise": True}
DATA = {"experiment": "weights", "backend": "native", "seeds": [3, 4], "wall_s": 1.5, "settings": SETTINGS}


def found(*pictures):
    return Findings({}, ["memory", "rate"], [["<A>", 1.5], ["B", "2 ± 1"]], ["a & b"], pictures)


def test_everything_stands_on_it():
    text = experiment_page(TEXT, DATA, found(charts.line([0, 1], {"a": [0, 1]}, title="T", x_label="x", y_label="y")))
    assert '<p class="lead">Do they last?</p>' in text
    assert "<p>Cells of <code>ernsnn.models</code> learn for 4 s; then they rest.</p>" in text
    assert "<pre>    w = w0 + &lt;1&gt;" in text
    assert "<tr><td>&lt;A&gt;</td><td>1.5</td></tr>" in text
    assert '<p class="note">a &amp; b</p>' in text
    assert "<figcaption>T</figcaption>" in text
    assert "<dt>seeds</dt><dd>2<small>3 to 4</small>" in text


def test_the_command_runs_it_again():
    command = unescape(re.findall(r"<pre>(ernsnn [^<]*)</pre>", experiment_page(TEXT, DATA, found()))[0])
    again = parser().parse_args(shlex.split(command)[1:])
    assert (again.name, again.backend, again.first_seed, again.seeds) == ("weights", "native", 3, 2)
    assert dict(again.settings) == SETTINGS


@pytest.mark.parametrize("picture", ["<script>alert(1)</script>", "<svg></svg>"])
def test_a_picture_that_is_none_of_ours_is_text(picture):
    text = experiment_page("T", {**DATA, "settings": {}}, found(picture))
    assert picture not in text
    assert 'id="about"' not in text  # nothing to say about it
