"""The commands: each calls the core, prints, and returns an exit code."""

from __future__ import annotations

import inspect
import shlex
import warnings
from argparse import Namespace
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from ernsnn.analyse.activity import mean_rate_hz
from ernsnn.analyse.compare import compare as compare_results
from ernsnn.backend.discovery import backend_names
from ernsnn.backend.protocol import Backend
from ernsnn.backend.registry import AUTO, auto_options, default_backend, get_backend
from ernsnn.cli.again import recorded_command, run_command
from ernsnn.cli.exit_codes import DONE, MISMATCH, UNSUPPORTED
from ernsnn.cli.experiments import experiment as experiment
from ernsnn.cli.export import export as export
from ernsnn.cli.measures import energy as energy
from ernsnn.cli.measures import metrics as metrics
from ernsnn.cli.output import one_line, show
from ernsnn.cli.report import page_of, summarised
from ernsnn.cli.report import report as report
from ernsnn.errors import BackendNotAvailable, InvalidModel, ModelWarning, unknown
from ernsnn.files import real
from ernsnn.result import Result
from ernsnn.result import resume as resume_run
from ernsnn.result import run as run_graph
from ernsnn.running.folder import place_of, read_plan
from ernsnn.running.simulate import compile as compile_graph
from ernsnn.studies.models import Model, Session, Summary, get_model, model_names, session_of
from ernsnn.text import table


def backends(arguments: Namespace) -> int:
    """List the backends."""
    backends: list[dict[str, Any]] = []
    for name in backend_names():
        try:
            backend = get_backend(name)
            missing, description, default = backend.missing(), backend.description, backend.default
        except Exception as error:  # a plug-in may break in any way; the list goes on
            missing, description, default = one_line(error), "", False
        about = {"available": missing is None, "missing": missing, "description": description, "default": default}
        backends.append({"name": name, **about})
    rows = []
    for f in backends:
        described = f["description"] if f["available"] else f"not available: {f['missing']}"
        rows.append((f["name"], f"{described} (default)" if f["default"] else described))
    return show(arguments, {"backends": backends}, table(rows))


def models(arguments: Namespace) -> int:
    """List the models, or show one."""
    if arguments.model:
        return _show_model(arguments, get_model(arguments.model))
    models: list[dict[str, Any]] = []
    for name in model_names():
        try:
            models.append({"name": name, "description": get_model(name).description, "error": None})
        except InvalidModel as error:
            models.append({"name": name, "description": "", "error": one_line(error)})
    return show(arguments, {"models": models}, table([(f["name"], f["error"] or f["description"]) for f in models]))


def _show_model(arguments: Namespace, model: Model) -> int:
    functions = [model.module.build, *([model.module.session] if model.has_session else [])]
    texts = [text for text in map(inspect.getdoc, [model.module, *functions]) if text]
    rows: list[tuple[str, str, str]] = []
    parameters: list[dict[str, Any]] = []
    for name, parameter in model.parameters.items():
        required = parameter.default is parameter.empty
        kind = "" if parameter.annotation is parameter.empty else inspect.formatannotation(parameter.annotation)
        default = None if required else parameter.default
        rows.append((f"  {name}", kind.strip("'"), "required" if required else f"default {default!r}"))
        parameters.append({"name": name, "type": kind.strip("'"), "required": required, "default": default})
    data = {
        "name": model.name,
        "documentation": "\n\n".join(texts),
        "parameters": parameters,
        "takes_input": model.has_session,
    }
    lines = ["\n\n".join([model.name, *texts]), "", "parameters (--set NAME=VALUE):", *table(rows or [("  none",)])]
    lines += ["", "takes --input FILE, and has a --demo"] if model.has_session else []
    return show(arguments, data, lines)


def run(arguments: Namespace) -> int:
    """Simulate a model; print a summary, and save the run with ``--out``."""
    start = None if arguments.start is None else Result.load(arguments.start)
    arguments.backend = arguments.backend or (start.meta["backend"] if start else default_backend().name)
    model, auto = get_model(arguments.model), arguments.backend == AUTO
    taker = (AUTO, auto_options()) if auto else _taker(get_backend(arguments.backend))
    parameters, [options] = _settings(arguments, model, [taker])
    session = model.open(input=arguments.input, demo=arguments.demo, **parameters)
    out = None if arguments.out is None else real(arguments.out)
    if out is None and (arguments.weights_at or arguments.checkpoint_every is not None):
        raise InvalidModel("--weights-at and --checkpoint-every need --out DIR, the folder to write to")
    seed = (start.graph.seed if start else 0) if arguments.seed is None else arguments.seed
    with warnings.catch_warnings():
        # What is printed of a run lists its issues.
        warnings.filterwarnings("ignore", ".*, but see result.issues", ModelWarning)
        result = run_graph(
            session.network,
            seed=seed,
            trials=session.trials,
            duration_ms=_duration(arguments, model, session),
            backend=arguments.backend,
            start=start,
            out=out,
            checkpoint_every_ms=arguments.checkpoint_every,
            weights_at_ms=arguments.weights_at,
            notes=_notes(arguments, model, parameters),
            **options,
        )
    return _report(arguments, model.name, result, summarised(session, result, out), arguments.out)


def resume(arguments: Namespace) -> int:
    """Resume a run to its end; print a summary."""
    graph, plan = read_plan(place_of(arguments.folder))
    notes = plan.about.get("notes", {})
    session = session_of(graph, notes, arguments.model, arguments.input)
    result = resume_run(arguments.folder)
    summary = summarised(session, result, arguments.folder)
    name, folder = arguments.model or str(notes.get("model", result.graph.name)), arguments.folder
    unasked = session is None and "model" in notes and not result.start_ms
    hint = f"for what its model says of it: `ernsnn report {shlex.quote(str(folder))} --model FILE`"
    return _report(arguments, name, result, summary, folder, [hint] if unasked else [])


def _notes(arguments: Namespace, model: Model, parameters: dict[str, Any]) -> dict[str, Any]:
    """Notes from which `resume --model` makes the session of a run again, and the command that repeats it."""
    named = str(model.file.resolve()) if model.file else model.name
    given = str(arguments.input.resolve()) if arguments.input else None
    command = recorded_command(Namespace(**{**vars(arguments), "model": named}))
    return {"model": named, "input": given, "demo": arguments.demo, "parameters": parameters, "command": command}


def _report(
    arguments: Namespace,
    name: str,
    result: Result,
    summary: Summary | None,
    out: Path | None,
    hints: Sequence[str] = (),
) -> int:
    """Print the summary of a run."""
    data = {key: value for key, value in result.meta.items() if key not in ("schema", "notes", "spike_counts")}
    data["populations"] = _counts(result)
    if summary:
        data[summary.name] = summary.data
    data["out"] = str(out) if out else None
    if out is not None:
        written = page_of(result, summary, out)
        tail = [*hints, f"results: {out}", written, f"next: ernsnn export {shlex.quote(str(out))} --to spikes.csv"]
    else:
        saving = Namespace(**{**vars(arguments), "out": Path("runs/first")})
        tail = [f"nothing is saved; next: {run_command(saving)}"]
    return show(arguments, data, [*_run_text(name, result, summary), "", *tail])


def _run_text(name: str, result: Result, summary: Summary | None) -> list[str]:
    meta = result.meta
    head = [
        f"{name} on {meta['backend']}: {result.duration_ms:.12g} ms in {meta['wall_s']:.2f} s, "
        f"seed {meta['seed']}, graph {meta['digest'][:12]}"
    ]
    if "auto" in meta:
        head.append(f"  auto took {meta['backend']}, the fastest backend that can run this network")
        head += [f"  auto passed over {reason}" for reason in meta["auto"]]
    head += [
        f"  {issue.code} {issue.fidelity} {issue.path}: {issue.message}"
        for issue in result.issues.listed
        if issue.fidelity != "exact" or issue.doubtful
    ]
    if summary:
        body = [summary.text]
    else:
        rows = [("population", "neurons", "spikes", "mean rate")]
        rows += [
            (c["population"], str(c["neurons"]), str(c["spikes"]), f"{c['mean_rate_hz']:.4g} Hz")
            for c in _counts(result)
        ]
        body = table(rows, numbers=(1, 2, 3))
    return [*head, "", *body]


def _counts(result: Result) -> list[dict[str, Any]]:
    counts, spike_counts = [], result.spike_counts
    for population in result.graph.populations:
        spikes = spike_counts.get(population.name, 0)
        rate = mean_rate_hz(spikes, population.size, result.duration_ms)
        counts.append(
            {"population": population.name, "neurons": population.size, "spikes": spikes, "mean_rate_hz": rate}
        )
    return counts


def check(arguments: Namespace) -> int:
    """List the limits that a model meets on one backend, or on all."""
    arguments.backend = arguments.backend or default_backend().name
    model, everyone = get_model(arguments.model), arguments.backend == "all"
    parameters, _ = _settings(arguments, model, [])
    graph = model.open(input=arguments.input, demo=arguments.demo, **parameters).lowered(arguments.seed)
    checks: list[dict[str, Any]] = []
    lines, unsupported = [], False
    for name in backend_names() if everyone else [arguments.backend]:
        try:
            backend = get_backend(name)
            issues, placement = backend.check(graph), backend.placement(graph)
        except BackendNotAvailable as error:
            if not everyone:
                raise
            checks.append({"backend": name, "issues": None, "placement": [], "error": one_line(error)})
            lines.append(f"{name}: {one_line(error)}")
            continue
        unsupported = unsupported or bool(issues.errors)
        placed = [p.to_json() for p in placement]
        checks.append({"backend": name, "issues": issues.to_json(), "placement": placed, "error": None})
        lines += [str(issues), *(f"\n{p}" for p in placement)]
    show(arguments, {"model": model.name, "digest": graph.digest, "backends": checks}, lines)
    return UNSUPPORTED if unsupported else DONE


def compile(arguments: Namespace) -> int:  # noqa: A001 - the command's name
    """Write the program that runs a model."""
    arguments.backend = arguments.backend or default_backend().name
    model, backend = get_model(arguments.model), get_backend(arguments.backend)
    parameters, [options] = _settings(arguments, model, [_taker(backend)])
    session = model.open(input=arguments.input, demo=arguments.demo, **parameters)
    duration = _duration(arguments, model, session)
    graph = session.lowered(arguments.seed)
    program = compile_graph(graph, backend, duration_ms=duration, out=arguments.out, **options)
    files = sorted(program.files)
    data = {
        "model": model.name,
        "backend": backend.name,
        "digest": graph.digest,
        "out": str(arguments.out),
        "main": program.main,
        "files": files,
    }
    lines = [
        f"{model.name} for {backend.name}: {duration:.12g} ms, seed {arguments.seed}, graph {graph.digest[:12]}",
        f"program: {arguments.out} ({', '.join(files)})",
        f"next: cd {shlex.quote(str(arguments.out))} && python {program.main}",
    ]
    return show(arguments, data, lines)


def compare(arguments: Namespace) -> int:
    """Run a model on several backends and compare each with the first."""
    model = get_model(arguments.model)
    chosen = [get_backend(name) for name in arguments.backends]
    parameters, options = _settings(arguments, model, [_taker(backend) for backend in chosen])
    session = model.open(input=arguments.input, demo=arguments.demo, **parameters)
    duration = _duration(arguments, model, session)
    graph = session.lowered(arguments.seed)
    for backend, given in zip(chosen, options, strict=True):  # before the first of them takes its time
        backend.require(graph, **given)
        backend.require_installed()
    results = [
        run_graph(graph, duration_ms=duration, backend=backend, **given)
        for backend, given in zip(chosen, options, strict=True)
    ]
    comparisons = [compare_results(results[0], other, arguments.tolerance_steps) for other in results[1:]]
    data = {
        "model": model.name,
        "digest": graph.digest,
        "duration_ms": results[0].duration_ms,
        "equal": all(c.equal for c in comparisons),
        "comparisons": [c.to_json() for c in comparisons],
    }
    show(arguments, data, "\n\n".join(str(c) for c in comparisons).split("\n"))
    return DONE if data["equal"] else MISMATCH


def bench(arguments: Namespace) -> int:
    """Measure ernsnn beside other simulators."""
    from ernsnn.cli.bench import bench as measure  # loads Numba, which takes longer than other commands do

    return measure(arguments)


def import_file(arguments: Namespace) -> int:
    """Write a NIR file as a Python file."""
    from ernsnn.cli.importing import import_file as write  # loads what other commands do without

    return write(arguments)


def _duration(arguments: Namespace, model: Model, session: Session) -> float:
    duration = session.duration_ms if arguments.duration_ms is None else arguments.duration_ms
    if duration is None and session.trials is not None:
        duration = session.trials.duration_ms
    if duration is None:
        others = ", --input FILE or --demo" if model.has_session else ""
        raise InvalidModel(f"{model.name}: how long? Give --duration-ms T{others}")
    return float(duration)


def _taker(backend: Backend) -> tuple[str, Collection[str]]:
    return backend.name, backend.options.keys()


def _settings(
    arguments: Namespace, model: Model, takers: Sequence[tuple[str, Collection[str]]]
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """(parameters of the model, options of each of ``takers``); a name that both know is the model's."""
    parameters: dict[str, Any] = {}
    options: list[dict[str, Any]] = [{} for _ in takers]
    known = {option for _, takes in takers for option in takes}
    for key, value in arguments.settings:
        if key in ("input", "demo") and model.has_session:
            raise InvalidModel(f"{key} is an argument of its own: --{key}")
        if key in model.parameters or (key not in known and model.takes_any):
            parameters[key] = value
        elif key in known:
            for given, (_, takes) in zip(options, takers, strict=True):
                if key in takes:
                    given[key] = value
        else:
            whose = " or ".join([model.name, *(name for name, _ in takers)])
            raise InvalidModel(unknown(f"{whose}: no parameter or option", key, {*model.parameters, *known}))
    return parameters, options
