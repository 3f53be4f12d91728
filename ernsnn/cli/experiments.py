"""The command ``experiment``: a study over seeds, its table, and its figures as files."""

from __future__ import annotations

import inspect
import json
import time
from argparse import Namespace
from pathlib import Path
from typing import Any

from ernsnn.backend.registry import get_backend
from ernsnn.cli.output import one_line, show, table
from ernsnn.cli.systems import HEADS, systems, systems_table
from ernsnn.errors import InvalidModel, unknown
from ernsnn.files import check_folder, write_folder
from ernsnn.running.simulate import progress_bar
from ernsnn.studies.experiment import (
    QUICK,
    backend_of,
    experiment_names,
    get_experiment,
    named_settings,
    settings_of,
)


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

    module = get_experiment(arguments.name)
    defaults = settings_of(module)
    for key, _ in arguments.settings:
        if key not in defaults:
            raise InvalidModel(unknown(f"{arguments.name}: no setting", key, defaults))
    for key, value in arguments.settings:
        _check_kind(f"{arguments.name}: {key}", value, defaults[key])
    setting = arguments.setting or QUICK
    settings = {**named_settings(module, setting), **dict(arguments.settings)}
    seeds = list(range(arguments.first_seed, arguments.first_seed + arguments.seeds))
    backend = get_backend(arguments.backend or backend_of(module))
    suffix = "" if setting == QUICK else f"-{setting}"
    out = arguments.out or Path("runs") / f"{arguments.name}{suffix}"
    check_folder(out)
    began = time.perf_counter()
    with progress_bar(f"experiment {arguments.name}") as progress:
        findings = module.experiment(backend=backend.name, seeds=seeds, progress=progress, **settings)
    data: dict[str, Any] = {
        "experiment": arguments.name,
        "backend": backend.name,
        "seeds": seeds,
        "setting": setting + (", changed" if arguments.settings else ""),
        "settings": {**defaults, **settings},
        "wall_s": round(time.perf_counter() - began, 2),
        "results": findings.results,
        "notes": list(findings.notes),
    }
    title = inspect.getdoc(module) or arguments.name
    page = experiment_page(title, data, findings)
    write_folder(out, {"results.json": json.dumps(data, indent=1), "report.html": page})
    rows = [findings.heads, *([str(cell) for cell in row] for row in findings.rows)]
    head = f"{arguments.name} on {backend.name}: seeds {seeds[0]} to {seeds[-1]}, {data['wall_s']:.1f} s"
    return show(
        arguments,
        data,
        [head, "", *table(rows), *findings.notes, "", f"results: {out}", f"report: {out / 'report.html'}"],
    )


def _check_kind(name: str, value: object, default: object) -> None:
    """Raise InvalidModel on a setting that is of another kind than its default."""
    kinds: dict[type, tuple[str, tuple[type, ...]]] = {
        bool: ("true or false", (bool,)),
        int: ("a whole number", (int,)),
        float: ("a number", (int, float)),
        str: ("text", (str,)),
        tuple: (f"a list such as {json.dumps(default)}", (list,)),
    }
    words, allowed = kinds.get(type(default), ("", (object,)))
    if not isinstance(value, allowed) or (isinstance(value, bool) and bool not in allowed and object not in allowed):
        raise InvalidModel(f"{name}: must be {words}, got {json.dumps(value)}")
    if isinstance(default, tuple) and default and isinstance(value, list):
        for k, part in enumerate(value):
            _check_kind(f"{name}[{k}]", part, default[0])


def _list(arguments: Namespace) -> int:
    found: list[dict[str, Any]] = []
    for name in experiment_names():
        try:
            module = get_experiment(name)
        except InvalidModel as error:
            found.append({"name": name, "description": one_line(error), "source": "", "settings": {}, "named": {}})
            continue
        description = (inspect.getdoc(module) or "").partition("\n")[0].removeprefix(f"Experiment ``{name}``: ")
        source = getattr(module, "SOURCE", "of this package")
        named = getattr(module, "SETTINGS", {})
        known = {"settings": settings_of(module), "named": named}
        found.append({"name": name, "description": description, "source": source, **known})
    lines = (
        table([(f["name"], f["description"], f["source"], " ".join([QUICK, *f["named"]])) for f in found])
        if found
        else ["no experiments are installed"]
    )
    return show(arguments, {"experiments": found}, lines)
