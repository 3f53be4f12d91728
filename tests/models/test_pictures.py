"""The pictures of experiments hold what their tables do."""

from __future__ import annotations

import numpy as np
from pictures import having, parsed

from ernsnn.models.experiments import interference, resonance, retention, sleep
from ernsnn.report.draw import draw


def widths(picture):
    """How long the bars are, in percent."""
    return [float(bar.get("width").rstrip("%")) for bar in having(parsed(draw(picture)), "rect", "bar")]


def test_bars_of_every_condition_and_measure():
    for module in (interference, sleep):
        found = {c: {m: [10.0, 10.0] for m in module.MEASURES} for c in module.CONDITIONS}
        [picture] = module._findings(found).pictures
        assert len(widths(picture)) == len(module.CONDITIONS) * len(module.MEASURES)
        assert len(set(widths(picture))) == 1
        labels = [e.find("title").tail for e in having(parsed(draw(picture)), "text", "label")]
        assert labels == list(module.CONDITIONS)
        assert having(parsed(draw(picture)), "line", "expected")


def test_resonance_draws_the_auc_and_leaves_out_what_is_none():
    some = {key: [1.0, 1.0] for key in resonance.MEASURES}
    none = {**some, "auc": [float("nan")]}
    [picture] = resonance._findings({"eroded plain": {"full": some, "half": none}}).pictures
    assert widths(picture) == [100.0]


def test_retention_draws_all_memories_and_each_by_its_age():
    block = {"marked": 0.0, "rate_hz": 1.0, "novel_hz": 1.0}
    blocks = {k: [{**block, "auc": np.linspace(0.5, 1.0, k)}] * 2 for k in (2, 4)}
    findings = retention._findings({"none": blocks, "marks": blocks})
    means, ages = (having(parsed(draw(picture)), "path", "line") for picture in findings.pictures)
    assert [len(curve.get("d").split("L")) for curve in (*means, *ages)] == [2, 2, 4, 4]
    heights = [float(point.split()[1]) for point in ages[0].get("d")[1:].split("L")]
    assert heights == sorted(heights)  # the newest is drawn first, and highest
