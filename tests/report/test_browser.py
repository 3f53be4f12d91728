"""Pages as a browser lays them out: nothing overlaps, nothing sticks out, on a wide and on a narrow screen."""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile

import numpy as np
import pytest

import ernsnn as ern
from ernsnn.models import CA3Memory
from ernsnn.report import page
from ernsnn.report.experiment import experiment_page
from ernsnn.studies.experiment import Estimate, Experiment, Findings
from ernsnn.studies.pictures import Bars, Histogram, Line, Matrix, Scatter

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium")

PAPER = 720
"""About the width of A4 between its margins, in CSS pixels."""

# Finds what sticks out of the page, pairs of labels of a picture that overlap, and whatever else would be ugly.
MEASURE = """
<script>
const wide = document.documentElement.clientWidth;
const found = {width: wide, out: [], overlaps: [], small: [], pictures: 0};
found.scrolls = document.documentElement.scrollWidth > wide;
found.cut = [...document.querySelectorAll('.scroll')].filter(
  e => getComputedStyle(e).overflowX == 'visible' && e.scrollWidth > wide).map(e => e.textContent.slice(0, 40));
for (const plot of document.querySelectorAll('svg.plot')) {
  found.pictures += plot.getBoundingClientRect().width > 80;
  const labels = [...plot.querySelectorAll('text')].filter(t => t.getBoundingClientRect().width);
  const boxes = labels.map(t => [t.textContent, t.getBoundingClientRect()]);
  labels.forEach(t => parseFloat(getComputedStyle(t).fontSize) < 11 && found.small.push(t.textContent));
  boxes.forEach(([name, a], i) => {
    if (a.left < 0 || a.right > wide + .5) found.out.push(name);
    boxes.slice(i + 1).forEach(([other, b]) => {
      const x = Math.min(a.right, b.right) - Math.max(a.left, b.left);
      const y = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      // A line of letters is higher than its letters: 3 px of it are free.
      if (x > .5 && y > 3) found.overlaps.push(name + ' / ' + other);
    });
  });
}
for (const e of document.querySelectorAll('h1,h2,p,figcaption,li,dd,dt,pre,figure'))
  if (e.getBoundingClientRect().right > wide + .5) found.out.push(e.tagName + ': ' + e.textContent.slice(0, 40));
const told = parent.document.createElement('pre');
told.className = 'measured'; told.textContent = JSON.stringify(found); parent.document.body.append(told);
</script>
"""


def measured(text, folder):
    """What the browser finds on a page on a wide and a narrow screen and on paper, which are frames in one window."""
    policy = '<meta http-equiv="Content-Security-Policy"[^>]*>'  # which allows no script
    assert len(re.findall(policy, text)) == 1
    screen = re.sub(policy, "", text).replace("</body>", MEASURE + "</body>")
    pages = [(1280, screen), (400, screen), (PAPER, screen.replace("@media print", "@media all"))]
    frames = "".join(
        f'<iframe width="{width}" height="900" frameborder="0" srcdoc="{html.escape(page)}"></iframe>'
        for width, page in pages
    )
    file = folder / "page.html"
    file.write_text(f"<!DOCTYPE html><meta charset=utf-8><body>{frames}</body>")
    with tempfile.TemporaryDirectory(dir=folder) as profile:
        command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
        command += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
        command += ["--hide-scrollbars", "--window-size=1400,900", f"--user-data-dir={profile}", "--dump-dom"]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True, "start_new_session": True}
        process = subprocess.Popen([*command, file.as_uri()], **pipes)
        try:
            dom, _ = process.communicate(timeout=120)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    found = [json.loads(html.unescape(told)) for told in re.findall('<pre class="measured">(.*?)</pre>', dom)]
    return {each.pop("width"): each for each in found}


def memory_page():
    """Twelve operations, some of which are wrong since they come too fast, and matrices of weights."""
    memory = CA3Memory(cues=4, contents=6, spacing_ms=7)
    for k in range(6):
        memory.learn(cue=k % 4, content=[k % 6, (k + 2) % 6])
        memory.recall(content=[k % 6])
    return page(memory.run(backend="reference"))


def busy_page():
    """Long names, many populations, probes, distributions, and every issue that a chip has."""
    net = ern.Network(name="a_network_whose_name_is_too_long_for_one_line_of_a_narrow_screen" * 2)
    inputs = [net.population(f"a_population_with_a_long_name_{k}", 3 + 40 * k, ern.Poisson(30.0)) for k in range(10)]
    cells = net.population("cells", 4, ern.LIF(v_threshold_mV=-62))
    rule = ern.stdp.pair(A_plus=0.01, A_minus=0.002, w_max=0.4, marks=[ern.marks.Labile("a", tau_s=1, rise=0.1)])
    for source in inputs[:2]:
        net.projection(f"learns_{source.name}", source, cells, weight_nA=ern.Uniform(0.1, 0.3), learning=rule)
    net.probe(cells, "v_mV")
    net.probe(net.astrocyte("glia", [cells], tau_ms=500, threshold=2), "C")
    return page(ern.run(net, duration_ms=1500, backend="reference"))


def experiment():
    """Every kind of chart, with awkward numbers and names."""
    rng = np.random.default_rng(0)
    some = [Estimate.of((v + rng.normal(0, 1, 4)).tolist()) for v in (0.0, 12_345.0, -3e4)]
    x = [1e-5, 0.02, 3e4]
    names = ["short", "a condition with a name that is far too long for any label", "b"]
    long = {"x_label": "a long label of the x axis (units)", "y_label": "a long label of the y axis (units)"}
    pictures = [
        Line(x, dict.fromkeys(names, some), title="Log", log_x=True, **long),
        Line([0, 0.00025, 0.001], {"a": [1e-9, 1.0001e-9, 1.0002e-9]}, title="Near", **long),
        Bars(names, {"one": some}, title="Bars", x_label="Hz"),
        Bars(names, dict.fromkeys(names, some), title="Bars", x_label="Hz", references={"b": [1.0, 2.0, 3.0]}),
        Scatter({"a": (rng.normal(0, 1e6, 9), rng.normal(0, 1e-6, 9))}, title="Scatter", **long),
        Histogram({"a": rng.normal(12_345, 1, 99)}, title="Histogram", x_label="w"),
        Matrix(rng.normal(0, 1, (200, 3)), title="Matrix", **long),
    ]
    data = {"experiment": "e", "backend": "native", "wall_s": 1.0, "seeds": [0, 1], "settings": {"at": [1, 2]}}
    rows = [["a" * 30] * 8] * 3
    asked = Experiment(name="e", title="Title", about="Text.", backend="native", run=lambda repeats: None)
    return experiment_page(asked, data, Findings({}, ["head"] * 8, rows, ["note"], pictures))


@pytest.mark.parametrize("made", [memory_page, busy_page, experiment])
def test_nothing_overlaps_and_nothing_sticks_out(made, tmp_path):
    found = measured(made(), tmp_path)
    assert set(found) == {1280, 400, PAPER}
    for each in found.values():
        assert each.pop("pictures") >= 7
        assert each == {"scrolls": False, "cut": [], "out": [], "overlaps": [], "small": []}


def test_the_measure_sees_what_is_wrong(tmp_path):
    labels = '<svg class="plot" width="300" height="50"><text y="20">ab</text><text y="20">cd</text></svg>'
    bad = labels + '<p style="width: 900px">wide</p>'
    found = measured(experiment().replace("</main>", bad + "</main>"), tmp_path)
    assert [found[width]["overlaps"] for width in (1280, 400)] == [["ab / cd"]] * 2
    assert [found[width]["scrolls"] for width in (1280, 400)] == [False, True]
    assert "P: wide" in found[400]["out"]
