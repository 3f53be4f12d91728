"""The page of a run: what stands on it, that it is harmless, and that every saved run has one."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

import ernsnn as ern
from ernsnn.cli import main, report
from ernsnn.errors import InvalidModel
from ernsnn.files import MANIFEST
from ernsnn.models import CA3Memory
from ernsnn.recording.readings import Stored
from ernsnn.recording.recording import Recording
from ernsnn.report import layout, learning, page, write_report
from ernsnn.result import Result
from ernsnn.studies.models import Summary, TimeMark

EVIL = '"><script>alert(1)</script>&'
VOID = {"meta", "br", "img", "link", "input"}


class Reader(HTMLParser):
    """The elements of a page; raises where they do not nest."""

    def __init__(self, text):
        super().__init__()
        self.open, self.elements, self.words = [], [], []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, name, attributes):
        self.elements.append((name, dict(attributes)))
        self.open += [] if name in VOID else [name]

    def handle_endtag(self, name):
        assert self.open.pop() == name

    def handle_data(self, data):
        self.words.append(data.strip())

    def attributes(self, name):
        return [value for _, given in self.elements for key, value in given.items() if key == name]


@pytest.fixture(scope="module")
def memory():
    net = CA3Memory(cues=2, contents=3)
    net.learn(cue=0, content=[0, 2])
    net.recall(content=[2])
    return net.run(backend="reference")


@pytest.fixture(scope="module")
def plastic():
    """A small run with everything: plasticity with marks, an astrocyte, probes."""
    net = ern.Network(name="plastic")
    inputs = net.population("inputs", 80, ern.Poisson(60.0))
    cells = net.population("cells", 4, ern.LIF(v_threshold_mV=-60))
    glia = net.astrocyte("glia", [cells], tau_ms=500, threshold=2)
    rule = ern.stdp.pair(A_plus=0.01, A_minus=0.002, w_max=0.4, marks=[ern.marks.Labile("a", tau_s=1, rise=0.1)])
    net.projection("learns", inputs, cells, weight_nA=ern.Uniform(0.1, 0.3), learning=rule)
    net.probe(cells, "v_mV")
    net.probe(glia, "C")
    return ern.run(net, duration_ms=300, seed=3, backend="reference")


def section(text, name):
    """The markup of one section."""
    return re.search(rf'<section id="{name}">(.*?)</section>', text, re.DOTALL)[1]


def test_the_page_of_a_memory(memory):
    text = page(memory)
    found = Reader(text)
    assert memory.graph.digest in text
    assert "ern.run(graph, duration_ms=40, backend='reference')" in unescape(text)
    assert f"numpy {np.__version__}" in text
    assert "2 of 2" in found.words
    operations = section(text, "operations")
    rows = re.findall(r"<tr>(.*?)</tr>", operations)[1:]
    assert [re.findall(r"<td[^>]*>([^<]*)</td>", row) for row in rows] == [
        [str(k), *row.cells()] for k, row in enumerate(memory.operations, start=1)
    ]
    assert operations.count('class="good">yes') == 2
    assert "once (old)" not in operations
    assert section(text, "activity").count('class="tick number') == 2
    assert section(text, "learning").count('class="pair"') == 2
    assert "no issues" in section(text, "issues")
    assert 'id="probes"' not in text


def test_nothing_on_it_runs_or_is_fetched(memory, plastic):
    for result in (memory, plastic):
        found = Reader(page(result))
        assert not {name for name, _ in found.elements} & {"script", "link", "iframe", "object", "form", "img"}
        assert all(link.startswith(("#", "data:image/png;base64,")) for link in found.attributes("href"))
        assert not any(name.startswith("on") for _, given in found.elements for name in given)
        [policy] = [v for v in found.attributes("content") if v.startswith("default-src")]
        assert policy.startswith("default-src 'none';")
    assert "@import" not in page(memory)
    assert not re.search(r"url\((?!#)", page(memory))


def test_a_probe_that_saw_nothing(tmp_path):
    net = ern.Network()
    net.probe(net.population("cells", 2, ern.LIF()), "v_mV", every_ms=100)
    assert "Nothing was recorded." in page(ern.run(net, duration_ms=5, backend="reference"))


def test_every_name_is_harmless(plastic):
    graph, recording = plastic.graph, plastic.recording
    first, second = (replace(p, name=EVIL + p.name) for p in graph.populations)
    [projection] = (replace(p, name=EVIL, pre=first.name, post=second.name) for p in graph.projections)
    issue = {"code": EVIL, "fidelity": "approximate", "path": EVIL, "message": EVIL, "remedy": EVIL}
    meta = {"options": {EVIL: EVIL}, "versions": {EVIL: EVIL}, "issues": [issue], "auto": [EVIL], "backend": EVIL}
    named = Result(
        replace(graph, name=EVIL, populations=(first, second), projections=(projection,)),
        replace(
            recording,
            spikes={EVIL + name: found for name, found in recording.spikes.items()},
            signals={EVIL + name: found for name, found in recording.signals.items()},
            synapses={EVIL: recording.synapses["learns"]},
            meta={**recording.meta, **meta, "notes": {"command": EVIL}, "finished": False},
        ),
    )
    summary = Summary(
        name=EVIL, text=EVIL, data=None, verdict=EVIL, heads=[EVIL], rows=[[EVIL]], marks=[TimeMark(1.0, EVIL, False)]
    )
    found = Reader(page(named, summary))
    assert "script" not in {name for name, _ in found.elements}
    assert found.words.count(EVIL) > 15


def test_what_was_learnt(plastic):
    text = section(page(plastic), "learning")
    [projection] = plastic.graph.projections
    weights, marks = learning.changes(plastic.graph, plastic.recording)
    for change in (weights, marks):
        assert (change.before == projection.synapses.variables[change.variable]).all()
        assert (change.after == plastic.recording.synapses["learns"][change.variable]).all()
    assert "learns: w (nA)" in text
    assert "learns: a" in text
    assert f"{np.mean(weights.before != weights.after):.1%}" in text
    assert 'class="pair"' not in text  # 80 by 4 is a distribution, not a matrix


def test_what_did_not_learn_has_not_changed_in_single_precision():
    net = ern.Network()
    inputs, cells = net.population("inputs", 3, ern.SpikeTimes([[]] * 3)), net.population("cells", 2, ern.LIF())
    net.projection("learns", inputs, cells, weight_nA=0.15, learning=ern.stdp.pair(A_plus=0.01, A_minus=0.01))
    result = ern.run(net, duration_ms=20, backend="native", precision="float32")
    [weights] = learning.changes(result.graph, result.recording)
    assert (weights.before == weights.after).all()
    assert weights.before[0] != 0.15


def test_of_a_run_that_went_on_the_page_is_of_its_part(tmp_path, capsys):
    first, second = str(tmp_path / "first"), str(tmp_path / "second")
    assert main(["run", "ca3_memory", "--demo", "--backend", "reference", "--out", first]) == 0
    assert main(["run", "ca3_memory", "--demo", "--start", first, "--out", second]) == 0
    assert "12 wrong" not in write_report(second).read_text()
    started = ern.run(ern.load_graph(first), duration_ms=20, start=first)
    assert ", start=before)" in section(page(started), "again")


def test_a_script_may_keep_notes_of_its_own(tmp_path):
    net = ern.Network()
    net.population("cells", 1, ern.LIF())
    ern.run(net, duration_ms=5, backend="reference", out=tmp_path / "run", notes={"subject": 3})
    assert "cells" in write_report(tmp_path / "run").read_text()


def test_a_page_goes_over_no_file_that_is_none(tmp_path, capsys, memory):
    memory.save(tmp_path / "run")
    mine = tmp_path / "mine.py"
    mine.write_text("print()")
    assert main(["report", str(tmp_path / "run"), "--to", str(mine)]) == 2
    assert "exists, and is no report" in capsys.readouterr().err
    assert mine.read_text() == "print()"
    for _ in range(2):
        assert main(["report", str(tmp_path / "run"), "--to", str(tmp_path / "page.html")]) == 0


def test_of_too_many_synapses_every_so_many_rows_are_taken(plastic, monkeypatch):
    monkeypatch.setattr(learning, "MOST_SYNAPSES", 100)
    [projection] = plastic.graph.projections
    weights, _ = learning.changes(plastic.graph, plastic.recording)
    assert weights.count == 320
    assert (weights.before == projection.synapses.variables["w"].reshape(80, 4)[::4].ravel()).all()
    assert (weights.after == plastic.recording.synapses["learns"]["w"].reshape(80, 4)[::4].ravel()).all()
    assert "Of every 4th neuron of inputs." in page(plastic)


def test_what_neurons_learnt_and_tables_of_too_many_rows(monkeypatch):
    net = ern.Network(name="intrinsic")
    rule = ern.LearningRule.from_equations(on_post={"w": "step"}, parameters={"step": 0.5}, bounds={"w": (-70, -40)})
    drive = ern.IntrinsicPlasticity(target="v_threshold_mV", rule=rule)
    cells = net.population("cells", 3, ern.LIF(v_threshold_mV=-64, i_offset_nA=1.0), plasticity=drive)
    result = ern.run(net, duration_ms=200, backend="reference")
    [change] = learning.changes(result.graph, result.recording)
    assert (change.before == -64).all()
    assert (change.after == -64 + 0.5 * len(result.spikes(cells.name)[0]) / 3).all()
    monkeypatch.setattr(layout, "MOST_ROWS", 1)
    assert "cells: v_threshold_mV" in section(page(result), "learning")
    assert "Events of this run: the first 1 of 7 rows" in page(result)


def test_probes_metrics_and_energy_are_those_of_the_result(plastic):
    text = page(plastic)
    assert set(re.findall(r"<figcaption>([^<]*)</figcaption>", section(text, "probes"))) == {"cells.v_mV", "glia.C"}
    activity = plastic.metrics().activity[1]
    assert f'<td class="r">{activity.spikes:,}</td>' in section(text, "activity")
    costs = section(text, "costs")
    for what, events in plastic.energy().totals.items():
        if what in ("synaptic_operation", "learning_update", "mark_update"):
            assert f'<td class="r">{events:,.0f}</td>' in costs
    for name in plastic.energy().estimates:
        assert f"<td>{name}</td>" in costs
    assert "cannot be predicted from counts" in costs
    shares = re.findall(r'class="bar part s\d" x="([\d.]+)%" width="([\d.]+)%"', costs)
    ends = [float(x) + float(width) for x, width in shares]
    assert sum(end == pytest.approx(100, abs=0.01) for end in ends) == sum(float(x) == 0 for x, _ in shares) > 5


def test_curves_of_a_probe_have_the_numbers_of_their_neurons():
    net = ern.Network()
    cells = net.population("cells", 9, ern.LIF())
    net.probe(cells[5:7], "v_mV")
    text = section(page(ern.run(net, duration_ms=5, backend="reference")), "probes")
    legend = text.partition("legend")[2]
    assert [int(n) for n in re.findall(r">\s*(\d+)\s*<", legend)[:2]] == [5, 6]


def test_where_the_backend_puts_the_neurons(memory):
    on_chip = replace(memory.recording, meta={**memory.meta, "backend": "loihi2"})
    text = page(Result(memory.graph, on_chip))
    assert "cores per chip" in section(text, "placement")
    assert "packets between cores" in section(text, "costs")
    assert "packets between cores" not in section(page(memory), "costs")
    assert section(text, "placement") in page(memory, placement="loihi2")
    with pytest.raises(InvalidModel, match="placement reference: it puts neurons on no chip"):
        page(memory, placement="reference")
    gone = page(Result(memory.graph, replace(on_chip, meta={**on_chip.meta, "backend": "not_installed"})))
    assert 'id="placement"' not in gone


def test_what_differs_and_what_is_unfinished_is_said_first(memory):
    issue = {"code": "X1", "fidelity": "approximate", "path": "p", "message": "rounded", "remedy": ""}
    meta = {**memory.meta, "issues": [issue], "finished": False}
    head = page(Result(memory.graph, replace(memory.recording, meta=meta))).partition("<main>")[0]
    assert "differs from what was described in 1 place" in head
    assert "was interrupted" in head


def test_the_page_of_a_million_spikes_is_small():
    net = ern.Network(name="large")
    for k in range(10):
        net.population(f"p{k}", 1000, ern.SpikeTimes([[]] * 1000))
    graph, rng = ern.lower(net), np.random.default_rng(0)
    spikes = {f"p{k}": (np.sort(rng.integers(0, 5000, 100_000)), rng.integers(0, 1000, 100_000)) for k in range(10)}
    meta = {"backend": "reference", "digest": graph.digest, "seed": 0, "wall_s": 1.0, "options": {}, "versions": {}}
    text = page(Result(graph, Recording(n_steps=5000, spikes=spikes, meta=meta)))
    assert "1,000,000 spikes, drawn as shades" in text
    assert len(text.encode()) < 3_000_000


def test_the_command_line_writes_it(tmp_path, capsys):
    out = tmp_path / "run"
    command = ["run", "ca3_memory", "--demo", "--backend", "reference", "--out", str(out)]
    assert main(command) == 0
    assert f"report: {out / 'report.html'}" in capsys.readouterr().out
    text = (out / "report.html").read_text()
    assert "ernsnn run ca3_memory --backend reference --demo" in text
    assert "12 of 12" in text
    assert "report.html" in (out / MANIFEST).read_text().split("\n")
    assert main(command) == 0  # the folder is still ours to replace
    capsys.readouterr()
    assert main(["report", str(out), "--to", str(tmp_path / "other.html"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["report"] == str(tmp_path / "other.html")
    wall = re.compile(r"<dt>wall time.*?</dd>", re.DOTALL)
    again = (tmp_path / "other.html").read_text()
    assert wall.sub("", again) == wall.sub("", (out / "report.html").read_text())


def test_without_a_run_there_is_none(tmp_path, capsys):
    assert main(["report", str(tmp_path)]) == 2
    assert "no recording" in capsys.readouterr().err
    assert not any(tmp_path.iterdir())


def test_a_run_stands_without_its_page(tmp_path, capsys, monkeypatch, memory):
    def full(*_):
        raise InvalidModel("cannot write it: the disk is full")

    monkeypatch.setattr("ernsnn.report.into_folder", full)
    out = tmp_path / "run"
    assert main(["run", "ca3_memory", "--demo", "--backend", "reference", "--out", str(out)]) == 0
    assert "no report: cannot write it: the disk is full" in capsys.readouterr().out
    assert Result.load(out).graph.name == "ca3_memory"


def test_a_large_recording_gets_its_page_when_asked(tmp_path, monkeypatch, memory):
    folder = memory.save(tmp_path / "run")
    monkeypatch.setattr(report, "MOST_BYTES", 100)
    told = report.page_of(Result(memory.graph, Stored(folder, memory.graph, memory.meta)), None, folder)
    assert told.startswith("no report yet: ")
    assert not (folder / "report.html").exists()
    assert ern.write_report(folder) == folder / "report.html"


def test_from_python(tmp_path, memory):
    written = write_report(memory, tmp_path / "page.html")
    assert "Operations" in written.read_text()
    folder = Path(memory.save(tmp_path / "run"))
    (folder / MANIFEST).unlink()  # as of a folder that was copied by hand
    assert write_report(folder).exists()
