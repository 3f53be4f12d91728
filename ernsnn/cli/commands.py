"""What each command does: ask the core, print, return the exit code."""

from __future__ import annotations

import inspect
import json
import shlex
from argparse import Namespace
from collections.abc import Sequence
from typing import Any

import numpy as np

from ernsnn.analyse.compare import compare as compare_results
from ernsnn.cli import DONE, MISMATCH, UNSUPPORTED
from ernsnn.cli.experiments import experiment as experiment
from ernsnn.cli.output import one_line, report, table
from ernsnn.errors import BackendNotAvailable, InvalidModel
from ernsnn.execution.backend import Backend, backend_names, get_backend, unknown
from ernsnn.execution.models import Model, Session, Summary, get_model, model_names
from ernsnn.execution.result import Result
from ernsnn.execution.simulate import as_graph
from ernsnn.execution.simulate import compile as compile_graph
from ernsnn.execution.simulate import run as run_graph
from ernsnn.files import check_folder, write_file, write_folder


def backends(arguments: Namespace) -> int:
    """List the backends."""
    found: list[dict[str, Any]] = []
    for name in backend_names():
        try:
            backend = get_backend(name)
            missing, description = backend.missing(), backend.description
        except Exception as error:  # a plug-in may break in any way; the list goes on
            missing, description = one_line(error), ""
        found.append({"name": name, "available": missing is None, "missing": missing, "description": description})
    rows = [(f["name"], f["description"] if f["available"] else f"not available: {f['missing']}") for f in found]
    return report(arguments, {"backends": found}, table(rows))


def models(arguments: Namespace) -> int:
    """List the models, or show one."""
    if arguments.model:
        return _show_model(arguments, get_model(arguments.model))
    found: list[dict[str, Any]] = []
    for name in model_names():
        try:
            found.append({"name": name, "description": get_model(name).description, "error": None})
        except InvalidModel as error:
            found.append({"name": name, "description": "", "error": one_line(error)})
    return report(arguments, {"models": found}, table([(f["name"], f["error"] or f["description"]) for f in found]))


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
    return report(arguments, data, lines)


def run(arguments: Namespace) -> int:
    """Simulate a model; print what it did, save it where asked."""
    model, backend = get_model(arguments.model), get_backend(arguments.backend)
    parameters, options = _settings(arguments, model, [backend])
    session = model.open(input=arguments.input, demo=arguments.demo, **parameters)
    if arguments.out is not None:
        check_folder(arguments.out)
    duration = _duration(arguments, model, session)
    result = run_graph(session.network, duration_ms=duration, seed=arguments.seed, backend=backend, **options[0])
    summary = session.summarise(result) if session.summarise else None
    if arguments.out is not None:
        files = {summary.name + ".json": json.dumps(summary.data, indent=1)} if summary else {}
        write_folder(arguments.out, {**result.to_files(), **files})
    return report(arguments, _run_data(arguments, result, summary), _run_text(arguments, model, result, summary))


def _run_data(arguments: Namespace, result: Result, summary: Summary | None) -> dict[str, Any]:
    data = {key: value for key, value in result.meta.items() if key != "schema"}
    data["populations"] = _counts(result)
    if summary:
        data[summary.name] = summary.data
    data["out"] = str(arguments.out) if arguments.out else None
    return data


def _run_text(arguments: Namespace, model: Model, result: Result, summary: Summary | None) -> list[str]:
    meta = result.meta
    head = (
        f"{model.name} on {meta['backend']}: {result.duration_ms:g} ms in {meta['wall_s']:.2f} s, "
        f"seed {meta['seed']}, graph {meta['digest'][:12]}"
    )
    issues = [
        f"  {i['code']} {i['fidelity']} {i['path']}: {i['message']}" for i in meta["issues"] if i["fidelity"] != "exact"
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
    if arguments.out is not None:
        folder = shlex.quote(str(arguments.out))
        tail = [f"results: {arguments.out}", f"next: ernsnn export {folder} --to spikes.csv"]
    else:
        tail = [f"nothing is saved; next: {_again(arguments)} --out runs/first"]
    return [head, *issues, "", *body, "", *tail]


def _again(arguments: Namespace) -> str:
    words = ["ernsnn", "run", arguments.model, "--backend", arguments.backend]
    words += ["--input", str(arguments.input)] if arguments.input else []
    words += ["--demo"] if arguments.demo else []
    for key, value in arguments.settings:
        words += ["--set", f"{key}={value if isinstance(value, str) else json.dumps(value)}"]
    words += ["--seed", str(arguments.seed)] if arguments.seed else []
    words += ["--duration-ms", f"{arguments.duration_ms:g}"] if arguments.duration_ms is not None else []
    return shlex.join(words)


def _counts(result: Result) -> list[dict[str, Any]]:
    counts = []
    for population in result.graph.populations:
        spikes = len(result.recording.spikes[population.name][0]) if population.name in result.recording.spikes else 0
        rate = spikes / population.size / (result.duration_ms / 1000.0)
        counts.append(
            {"population": population.name, "neurons": population.size, "spikes": spikes, "mean_rate_hz": rate}
        )
    return counts


def check(arguments: Namespace) -> int:
    """List the limits that a model meets on one backend, or on all."""
    model, everyone = get_model(arguments.model), arguments.backend == "all"
    parameters, _ = _settings(arguments, model, [])
    graph = as_graph(model.open(input=arguments.input, demo=arguments.demo, **parameters).network, arguments.seed)
    found: list[dict[str, Any]] = []
    lines, unsupported = [], False
    for name in backend_names() if everyone else [arguments.backend]:
        try:
            issues = get_backend(name).check(graph)
        except BackendNotAvailable as error:
            if not everyone:
                raise
            found.append({"backend": name, "issues": None, "error": one_line(error)})
            lines.append(f"{name}: {one_line(error)}")
            continue
        unsupported = unsupported or bool(issues.errors)
        found.append({"backend": name, "issues": issues.to_json(), "error": None})
        lines.append(str(issues))
    report(arguments, {"model": model.name, "digest": graph.digest, "backends": found}, lines)
    return UNSUPPORTED if unsupported else DONE


def compile(arguments: Namespace) -> int:  # noqa: A001 - the command's name
    """Write the program that runs a model."""
    model, backend = get_model(arguments.model), get_backend(arguments.backend)
    parameters, options = _settings(arguments, model, [backend])
    session = model.open(input=arguments.input, demo=arguments.demo, **parameters)
    duration = _duration(arguments, model, session)
    graph = as_graph(session.network, arguments.seed)
    program = compile_graph(graph, backend, duration_ms=duration, out=arguments.out, **options[0])
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
        f"{model.name} for {backend.name}: {duration:g} ms, seed {arguments.seed}, graph {graph.digest[:12]}",
        f"program: {arguments.out} ({', '.join(files)})",
        f"next: cd {shlex.quote(str(arguments.out))} && python {program.main}",
    ]
    return report(arguments, data, lines)


def compare(arguments: Namespace) -> int:
    """Run a model on several backends and compare each with the first."""
    model = get_model(arguments.model)
    chosen = [get_backend(name) for name in arguments.backends]
    parameters, options = _settings(arguments, model, chosen)
    session = model.open(input=arguments.input, demo=arguments.demo, **parameters)
    duration = _duration(arguments, model, session)
    graph = as_graph(session.network, arguments.seed)
    for backend in chosen:  # before the first of them takes its time
        backend.require(graph)
        missing = backend.missing()
        if missing:
            raise BackendNotAvailable(missing)
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
    report(arguments, data, "\n\n".join(str(c) for c in comparisons).split("\n"))
    return DONE if data["equal"] else MISMATCH


def export(arguments: Namespace) -> int:
    """Write the spikes of a saved run as CSV."""
    result = Result.load(arguments.folder)
    lines = ["population,neuron,time_ms"]
    for population in result.graph.populations:
        if population.name in result.recording.spikes:
            times, neurons = result.spikes(population.name)
            lines += [f"{population.name},{n},{_number(t)}" for t, n in zip(times, neurons, strict=True)]
    write_file(arguments.to, "\n".join(lines) + "\n")
    data = {"folder": str(arguments.folder), "file": str(arguments.to), "spikes": len(lines) - 1}
    return report(arguments, data, [f"{len(lines) - 1} spikes: {arguments.to}"])


def _number(time_ms: float) -> str:
    """``5`` and ``0.3``: whole steps times dt, without the noise of the product."""
    return np.format_float_positional(round(float(time_ms), 9), trim="-")


def _duration(arguments: Namespace, model: Model, session: Session) -> float:
    duration = session.duration_ms if arguments.duration_ms is None else arguments.duration_ms
    if duration is None:
        others = ", --input FILE or --demo" if model.has_session else ""
        raise InvalidModel(f"{model.name}: how long? Give --duration-ms T{others}")
    return float(duration)


def _settings(
    arguments: Namespace, model: Model, chosen: Sequence[Backend]
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The model's parameters and each backend's options. A key that both know is the model's."""
    parameters: dict[str, Any] = {}
    options: list[dict[str, Any]] = [{} for _ in chosen]
    known = {name for backend in chosen for name in backend.options}
    for key, value in arguments.settings:
        if key in ("input", "demo") and model.has_session:
            raise InvalidModel(f"{key} is an argument of its own: --{key}")
        if key in model.parameters or (key not in known and model.takes_any):
            parameters[key] = value
        elif key in known:
            for given, backend in zip(options, chosen, strict=True):
                if key in backend.options:
                    given[key] = value
        else:
            whose = " or ".join(f"{name}" for name in [model.name, *(backend.name for backend in chosen)])
            raise InvalidModel(unknown(f"{whose}: no parameter or option", key, {*model.parameters, *known}))
    return parameters, options
