"""What a notebook shows of a result is well-formed, escaped, small, and says when it leaves spikes out."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

import ernsnn as ern
from ernsnn.models import CA3Memory


def shown(rate_hz: float, name: str = "net") -> tuple[ern.Result, str]:
    net = ern.Network(name=name)
    net.population("source", 20, ern.Poisson(rate_hz))
    net.population("quiet", 300, ern.LIF())
    result = ern.run(net, duration_ms=1_000, backend="reference")
    return result, result._repr_html_()


def marks(page: str) -> int:
    return sum(path.get("d", "").count("M") for path in ElementTree.fromstring(page).iter("path"))


def test_every_spike_has_a_mark_in_its_place() -> None:
    result, page = shown(20)
    assert marks(page) == result.spike_counts["source"] > 300
    assert "is drawn" not in page
    xs = [float(x) for x in re.findall(r"M([\d.]+) ", page)]
    assert min(xs) >= 0
    assert max(xs) <= 640


def test_very_many_spikes_are_thinned_and_it_says_so() -> None:
    result, page = shown(800)
    total = result.spike_counts["source"]
    assert total > 15_000
    assert f"every {-(-total // 3_000)}th of {total} spikes is drawn" in page
    assert 2_000 < marks(page) <= 3_000
    assert len(page) < 100_000


def test_the_table_counts() -> None:
    result, page = shown(20)
    rows = [["".join(cell.itertext()).strip("■ ") for cell in row] for row in ElementTree.fromstring(page).iter("tr")]
    spikes = result.spike_counts["source"]
    assert rows == [
        ["population", "neurons", "spikes", "mean rate"],
        ["source", "20", str(spikes), f"{spikes / 20:.4g} Hz"],
        ["quiet", "300", "0", "0 Hz"],
    ]


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", 'a"b', "R&D"])
def test_names_are_escaped(name) -> None:
    _, page = shown(20, name)
    assert "<script>" not in page
    [bold] = ElementTree.fromstring(page).iter("b")
    assert bold.text == name


def test_text_takes_the_colour_of_the_page() -> None:
    _, page = shown(20)
    fixed = set(re.findall(r"#[0-9a-f]{6}", page))
    luminances = [sum(int(c[k : k + 2], 16) * w for k, w in ((1, 0.2126), (3, 0.7152), (5, 0.0722))) for c in fixed]
    assert all(70 < luminance < 185 for luminance in luminances)  # neither lost on white nor on black
    assert "background" not in page
    assert "currentColor" in page


def test_a_memory_shows_its_operations_first() -> None:
    memory = CA3Memory(cues=2, contents=3)
    memory.learn(cue=0, content=[0, 2])
    page = memory.run(backend="reference")._repr_html_()
    tables = list(ElementTree.fromstring(f"<div>{page}</div>").iter("table"))
    assert [next(table.iter("th")).text for table in tables] == ["t_ms", "population"]
