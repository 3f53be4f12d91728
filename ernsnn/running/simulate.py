"""``check``, ``compile``, ``run`` and ``resume``: the functions that take a network or a graph."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ernsnn.backend.doubts import warn_of
from ernsnn.backend.finite import check_recording
from ernsnn.backend.issues import Issues
from ernsnn.backend.meta import about_run, ernsnn_version
from ernsnn.backend.protocol import Backend, Program, Progress
from ernsnn.backend.registry import AUTO, choose_backend, default_backend, get_backend
from ernsnn.backend.stepping import SteppedBackend
from ernsnn.describe.arguments import checked
from ernsnn.describe.network import Network
from ernsnn.describe.trials import Trials
from ernsnn.describe.units import time_of
from ernsnn.errors import InvalidModel, ProgramFailed
from ernsnn.files import check_folder, real
from ernsnn.graph.graph import Graph
from ernsnn.graph.lower import lower
from ernsnn.recording.readings import Readings
from ernsnn.recording.recording import Recording
from ernsnn.running.continuation import check_start, readings_of
from ernsnn.running.folder import abandon, begin, place_of, read_plan, record, refuse_unfinished
from ernsnn.running.plan import Plan
from ernsnn.running.validate import check_plan, plain_notes, samples_of, steps_of

_BAR_AFTER_S = 2.0


def as_graph(model: Network | Graph, seed: int = 0) -> Graph:
    """``model`` as a graph: a network is lowered, a graph returned as it is."""
    return model if isinstance(model, Graph) else lower(model, seed)


@checked
def check(model: Network | Graph, backend: str | Backend, *, seed: int = 0, **options: Any) -> Issues:
    """List every limit that a run of a model meets on a backend with these options."""
    return get_backend(backend).check(as_graph(model, seed), **options)


@checked
def compile(  # noqa: A001 - the field's word for it
    model: Network | Graph,
    backend: str | Backend | None = None,
    *,
    duration_ms: Any,
    out: str | Path,
    seed: int = 0,
    **options: Any,
) -> Program:
    """Write the program that runs ``model`` for ``duration_ms`` into the folder ``out``; it needs no ernsnn to run.

    ``backend``: Brian2 where none is named.

    Raises UnsupportedOnBackend, listing every reason, where the backend cannot.
    """
    graph, chosen = as_graph(model, seed), default_backend() if backend is None else get_backend(backend)
    settings = chosen.settings(options)
    chosen.require(graph, **settings)
    program = chosen.compile(graph, steps_of(graph, duration_ms), **settings)
    program.write(out)
    return program


@checked
def run(
    model: Network | Graph,
    *,
    duration_ms: Any = None,
    trials: Trials | None = None,
    seed: int | None = None,
    backend: str | Backend | None = None,
    start: Readings | str | Path | None = None,
    out: str | Path | None = None,
    checkpoint_every_ms: Any = None,
    weights_at_ms: Any = (),
    notes: Mapping[str, Any] | None = None,
    **options: Any,
) -> Readings:
    """Simulate ``model`` for ``duration_ms`` on a backend ("brian2"), or on the fastest that can (``"auto"``).

    With ``trials`` every quantity of ``Trials`` that the network was described with is replaced by that of the same
    name and width, and the run lasts as long as they do, unless ``duration_ms`` is longer; ``Result.trials`` reads it
    by trials. With ``start`` the first trial begins where that ended.

    ``seed`` fixes everything random; it is that of ``start`` unless given, else 0.

    With ``start``, a result or the folder of one, the run goes on where that ended, on its backend: for another
    ``duration_ms``, with the clock going on, so that times - of spikes and currents that are given, of phases, and all
    that are recorded - count from the very first start. The same model gives what one run without a break does; one
    with other inputs, parameters or static weights goes on from the same state. ``Result.with_weights`` changes weights
    in between. Populations, modulators, plastic synapses and the longest delay must be the same.

    With ``out`` the result is saved in that folder, where an older one is whole until the new one takes its place.
    Backends that run in this process ("native", "reference") write there while they run, in memory that does not grow
    with the duration; Ctrl-C leaves what was recorded up to then and raises Interrupted; with ``checkpoint_every_ms``
    a run that is killed loses no more than that; ``resume`` goes on with either. The result then reads its recording
    from the folder, when it is first asked for.

    ``weights_at_ms``: in the steps that start at these times every variable of every plastic synapse is recorded, as
    a probe would (``Result.signal``); these backends only. ``notes``, which JSON must be able to hold, are kept in
    ``Result.meta``. All other options are the backend's own.

    Shows a progress bar on a terminal for anything over two seconds. Warns (ModelWarning) where the backend differs
    from what is described by more than a rounding, and of networks that are hardly what is meant; ``Result.issues``
    has all issues. Raises InvalidModel, UnsupportedOnBackend (listing every reason), BackendNotAvailable and
    ProgramFailed. What probes will record is counted before the run starts, and InvalidModel says how many bytes where
    neither memory nor, if it goes there, the disk can hold it.
    """
    folder = None if out is None else real(out)
    if folder is not None:
        check_folder(folder)
        refuse_unfinished(folder)
    begun = None if start is None else readings_of(start)
    if backend is None:
        backend = default_backend() if begun is None else begun.meta["backend"]
    named = None if backend == AUTO else get_backend(backend)
    if isinstance(model, Graph) and seed not in (None, model.seed):
        raise InvalidModel(f"seed: {seed} is given, but the graph was lowered with seed {model.seed}; lower it anew")
    seed = (0 if begun is None else begun.graph.seed) if seed is None else seed
    if trials is None:
        graph = as_graph(model, seed)
    elif isinstance(model, Graph):
        raise InvalidModel("trials: a graph has its trials already; run the network instead")
    else:
        trials = trials.starting(0.0 if begun is None else time_of(begun.recording.end, model.dt_ms))
        graph = lower(model, seed, trials)
        duration_ms = trials.duration_ms if duration_ms is None else duration_ms
    if duration_ms is None:
        raise InvalidModel("duration_ms: say how long to run, or give trials")
    chosen, passed_over = (named, None) if named else choose_backend(graph)
    before = None if begun is None else check_start(begun, graph, chosen)
    samples = samples_of(graph, weights_at_ms)
    every = None if checkpoint_every_ms is None else steps_of(graph, checkpoint_every_ms, "checkpoint_every_ms")
    settings = chosen.settings({**_options_of(begun, chosen), **options})
    issues = chosen.require(graph, **settings)
    plan = Plan(
        backend=chosen.name,
        options=settings,
        n_steps=steps_of(graph, duration_ms),
        first_step=0 if before is None else before.end,
        checkpoint_every=every,
        samples=samples,
        about={
            "issues": issues.to_json(),
            **({} if passed_over is None else {"auto": passed_over}),
            **({} if trials is None else {"trials": trials.to_json()}),
            **({"notes": plain_notes(notes)} if notes else {}),
            **({"weights_at_ms": [time_of(step, graph.dt_ms) for step in samples]} if samples else {}),
            **({"start": {"ms": before.end * graph.dt_ms, "digest": begun.graph.digest}} if begun and before else {}),
        },
        ernsnn=ernsnn_version(),
        digest=graph.digest,
    )
    if trials is not None and plan.n_steps < steps_of(graph, trials.duration_ms):
        raise InvalidModel(f"duration_ms: {duration_ms} is less than the {trials.duration_ms:.12g} ms of the trials")
    check_plan(plan, graph, chosen, folder)
    warn_of(issues, graph)
    with progress_bar(f"{graph.name} on {chosen.name}") as progress:
        if folder is None or not isinstance(chosen, SteppedBackend):
            result = _run_in_memory(graph, plan, chosen, before, progress)
            if folder is not None:
                result.save(folder)
            return result
        engine = chosen.engine(graph, **plan.options)
        if before is not None:
            engine.continue_from(before)
        place = begin(folder, graph, plan, engine)
        try:
            return record(folder, place, graph, plan, chosen, engine, progress)
        except (InvalidModel, ProgramFailed):
            abandon(place)
            raise


@checked
def resume(folder: str | Path) -> Readings:
    """Go on with a run that was recorded into ``folder`` and has been interrupted or killed, to its end.

    It starts from the last checkpoint, or from the beginning where there is none; the result is bit for bit that of an
    uninterrupted run. Raises InvalidModel where there is nothing to resume, or what is there is damaged, has finished,
    or comes from another version of ernsnn.
    """
    place = place_of(folder)
    path = real(folder)
    if place != path:
        check_folder(folder)
    graph, plan = read_plan(place)
    backend = get_backend(plan.backend)
    backend.require_installed()
    if not isinstance(backend, SteppedBackend):
        raise InvalidModel(f"{folder}: backend {plan.backend!r} is not run step by step")
    engine = backend.engine(graph, **backend.settings(plan.options))
    with progress_bar(f"{graph.name} on {backend.name}") as progress:
        return record(path, place, graph, plan, backend, engine, progress)


def _options_of(start: Readings | None, backend: Backend) -> dict[str, Any]:
    """The options of the run from which another goes on."""
    return {} if start is None else {k: v for k, v in start.meta["options"].items() if k in backend.options}


def _run_in_memory(graph: Graph, plan: Plan, backend: Backend, start: Recording | None, progress: Progress) -> Readings:
    began = time.perf_counter()
    asked = {"samples": plan.samples, "start": start}
    asked = {name: value for name, value in asked.items() if value}
    recording = backend.run(graph, plan.n_steps, progress, **plan.options, **asked)
    check_recording(graph, recording)
    wall_s, meta = time.perf_counter() - began, recording.meta
    options = {**plan.options, **meta.get("options", {})}
    versions = meta.get("versions", {})
    meta.update(about_run(graph, plan.run, plan.backend, plan.n_steps, wall_s, options, versions) | plan.about)
    return Readings(graph, recording)


@contextmanager
def progress_bar(label: str) -> Iterator[Progress]:
    """A progress bar on a terminal, which appears after two seconds; it is called with the fraction done."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield lambda fraction: None
        return
    from tqdm import tqdm

    form = "{desc}: {percentage:3.0f}%|{bar}| {elapsed}<{remaining}"
    with tqdm(total=1.0, desc=label, delay=_BAR_AFTER_S, leave=False, bar_format=form) as bar:
        yield lambda fraction: bar.update(max(0.0, min(1.0, fraction) - bar.n)) and None
