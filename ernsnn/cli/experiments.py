"""The command ``experiment``: a study over seeds, its table, and its figures as files."""

from __future__ import annotations

import json
import time
from argparse import Namespace
from pathlib import Path
from typing import Any

from ernsnn.backend.registry import get_backend
from ernsnn.cli.output import one_line, show
from ernsnn.cli.systems import HEADS, systems, systems_table
from ernsnn.errors import InvalidModel
from ernsnn.files import check_folder, write_folder
from ernsnn.running.simulate import progress_bar
from ernsnn.studies.experiment import QUICK, experiment_names, get_experiment
from ernsnn.text import table


def experiment(arguments: Namespace) -> int:
    """Run an experiment, list them, or print the table of published systems."""
    if (arguments.setting or arguments.settings) and (arguments.name is None or arguments.list or arguments.table):
        raise InvalidModel("experiment: --setting and --set need the NAME of one, and no --list or --table")
    if arguments.table:
        return show(
            arguments, {"systems": [dict(zip(HEADS, row, strict=True)) for row in systems()]}, [systems_table()]
        )
    if arguments.name is None or arguments.list:
        return _list(arguments)
    from ernsnn.report.experiment import experiment_page

    chosen = get_experiment(arguments.name)
    changed = dict(arguments.settings)
    chosen.check(changed)
    setting = arguments.setting or QUICK
    settings = {**chosen.named(setting), **changed}
    seeds = list(range(arguments.first_seed, arguments.first_seed + arguments.seeds))
    backend = get_backend(arguments.backend or chosen.backend)
    suffix = "" if setting == QUICK else f"-{setting}"
    out = arguments.out or Path("runs") / f"{chosen.name}{suffix}"
    check_folder(out)
    began = time.perf_counter()
    with progress_bar(f"experiment {chosen.name}") as progress:
        findings = chosen.findings(seeds, backend.name, progress, **settings)
    data: dict[str, Any] = {
        "experiment": arguments.name,
        "backend": backend.name,
        "seeds": seeds,
        "setting": setting + (", changed" if changed else ""),
        "settings": settings,
        "wall_s": round(time.perf_counter() - began, 2),
        "results": findings.results,
        "notes": list(findings.notes),
    }
    page = experiment_page(chosen, data, findings)
    write_folder(out, {"results.json": json.dumps(data, indent=1), "report.html": page})
    rows = [findings.heads, *([str(cell) for cell in row] for row in findings.rows)]
    head = f"{chosen.name} on {backend.name}: seeds {seeds[0]} to {seeds[-1]}, {data['wall_s']:.1f} s"
    return show(
        arguments,
        data,
        [head, "", *table(rows), *findings.notes, "", f"results: {out}", f"report: {out / 'report.html'}"],
    )


def _list(arguments: Namespace) -> int:
    experiments: list[dict[str, Any]] = []
    for name in experiment_names():
        try:
            each = get_experiment(name)
        except InvalidModel as error:
            experiments.append(
                {"name": name, "description": one_line(error), "source": "", "settings": {}, "named": {}}
            )
            continue
        known = {"settings": each.defaults, "named": each.settings}
        experiments.append({"name": name, "description": each.title, "source": each.source, **known})
    lines = (
        table([(f["name"], f["description"], f["source"], " ".join([QUICK, *f["named"]])) for f in experiments])
        if experiments
        else ["no experiments are installed"]
    )
    return show(arguments, {"experiments": experiments}, lines)
