"""Letters and lines can be told from their ground in light, dark and print, also by those who see few colours."""

from __future__ import annotations

import re
from importlib.resources import files
from itertools import pairwise

import numpy as np
import pytest

CSS = files("ernsnn.report").joinpath("templates", "style.css").read_text()
LIGHT, DARK, PRINT = (
    dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block)) for block in re.findall(r":root \{(.*?)\}", CSS, re.DOTALL)
)


def linear(colour):
    """Red, green and blue as light (sRGB)."""
    values = np.array([int(colour[k : k + 2], 16) for k in (1, 3, 5)]) / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def contrast(a, b):
    """WCAG 2's contrast ratio."""
    high, low = sorted((float(linear(c) @ [0.2126, 0.7152, 0.0722]) for c in (a, b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [LIGHT, LIGHT | DARK, LIGHT | PRINT], ids=["light", "dark", "print"])
def test_contrast(theme):
    for ground in ("ground", "panel"):
        for text in ("text", "muted", "link", "good", "bad"):
            assert contrast(theme[text], theme[ground]) >= 4.5, (text, ground)
    assert contrast(theme["text"], theme["warn"]) >= 4.5
    for k in range(8):
        assert contrast(theme[f"c{k}"], theme["ground"]) >= 3, k


# Machado, Oliveira and Fernandes 2009, severity 1.
BLIND = {
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
}


def lab(light):
    """CIE L*a*b* of linear sRGB."""
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ np.clip(
        light, 0, 1
    )
    scaled = np.cbrt(np.maximum(xyz / [0.9505, 1.0, 1.089], 1e-9))
    return np.array([116 * scaled[1] - 16, 500 * (scaled[0] - scaled[1]), 200 * (scaled[1] - scaled[2])])


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("seen", ["all", *BLIND])
def test_neighbouring_colours_differ(theme, seen):
    matrix = np.array(BLIND.get(seen, np.eye(3)))
    colours = [lab(matrix @ linear(theme[f"c{k % 8}"])) for k in range(9)]
    for k, (one, other) in enumerate(pairwise(colours)):
        assert np.linalg.norm(one - other) > 12, (k, k + 1)
