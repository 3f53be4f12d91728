"""The page of an experiment: its question, its results, and the command that repeats it."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable, Mapping
from typing import Any

from ernsnn.report.draw import draw
from ernsnn.report.layout import Page, Section, charts, facts, render, table
from ernsnn.report.markup import Html, join, tag
from ernsnn.studies.experiment import Experiment, Findings
from ernsnn.studies.settings import write_setting


def experiment_page(experiment: Experiment, data: Mapping[str, Any], findings: Findings) -> str:
    """The page of an experiment with its findings; ``data`` is the content of ``results.json``."""
    content = [table(findings.heads, findings.rows), *notes(findings.notes)]
    sections = [Section("results", "Results", content)]
    if findings.pictures:
        sections.append(Section("pictures", "Pictures", [charts(*map(draw, findings.pictures))]))
    about = [*paragraphs(experiment.about or ""), *_sources(experiment), *_settings(data["settings"])]
    sections += [Section("about", "What was done", about)] if about else []
    sections.append(Section("again", "Run it again", [tag("pre", _command(data))]))
    seeds = data["seeds"]
    tiles = [
        ("backend", str(data["backend"]), ""),
        ("seeds", str(len(seeds)), f"{seeds[0]} to {seeds[-1]}" if len(seeds) > 1 else f"seed {seeds[0]}"),
        ("wall time", f"{data['wall_s']:g} s", ""),
    ]
    return render(Page("Experiment", experiment.name, experiment.title, sections, tiles))


def notes(texts: Iterable[str]) -> list[Html]:
    """Remarks below a table."""
    return [tag("p", text, class_="note") for text in texts]


def paragraphs(text: str) -> list[Html]:
    """The paragraphs of a text: indented ones are kept as they are, names between double backticks become code."""
    blocks = [block for block in re.split(r"\n\s*\n", text) if block.strip()]
    return [tag("pre", block) if block.startswith("    ") else tag("p", *_words(block)) for block in blocks]


def _words(block: str) -> Iterable[object]:
    for k, part in enumerate(" ".join(block.split()).split("``")):
        yield tag("code", part) if k % 2 else part


def _sources(experiment: Experiment) -> list[Html]:
    known = {"source": experiment.source, "published": experiment.published}
    pairs = [(name, text) for name, text in known.items() if text]
    return [facts(pairs)] if pairs else []


def _settings(settings: Mapping[str, Any]) -> list[Html]:
    listed = [(name, tag("code", json.dumps(value))) for name, value in settings.items()]
    return [join(tag("h3", "Settings"), facts(listed))] if listed else []


def _command(data: Mapping[str, Any]) -> str:
    words = ["ernsnn", "experiment", data["experiment"], "--backend", data["backend"]]
    words += ["--seeds", str(len(data["seeds"])), "--first-seed", str(data["seeds"][0])]
    for name, value in data["settings"].items():
        words += ["--set", write_setting(name, value)]
    return shlex.join(words)
